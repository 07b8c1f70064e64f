//! What the owner does: sharing, seeing, taking back.

use super::{link, moment, note, pair, preview, refusal, selection, share, state, told, withdraw};
use crate::stage::{entry, fields, reason, signed_in};
use candor_proto::journal::v1::share_service_server::ShareService as _;
use candor_proto::journal::v1::{
    ItemShared, Share, ShareDepth, ShareItemRequest, ShareWithdrawn, WishedResponse, WriteEntryRequest,
};
use candor_tests::eventually;
use jiff::ToSpan as _;
use journal::domain::ShareState;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use uuid::Uuid;

#[tokio::test]
async fn a_share_opens_in_an_hour_ends_in_30_days_and_is_told_of_without_a_word() {
    let pair = pair().await;
    let now = pair.stage.clock.now();
    let request = ShareItemRequest {
        open_now: false,
        wished_response: WishedResponse::Comfort.into(),
        ..pair.topic("about my mother")
    };
    let made = pair.share(request.clone()).await;
    assert_eq!(made.share_id, request.share_id);
    assert_eq!(made.recipient_account_id, pair.ben.to_string());
    assert_eq!(
        (made.item_id.as_str(), state(&made)),
        (pair.entry_id.to_string().as_str(), ShareState::Waiting)
    );
    assert_eq!(made.create_time, moment(now));
    assert_eq!(made.open_time, moment(now + 1.hour()));
    assert_eq!(made.expire_time, moment(now + 720.hours()));
    assert_eq!((made.wished_response, made.answered, made.felt_understood), (2, false, 0));
    assert!(made.told_read_time.is_none());
    assert_eq!(made.rendering.as_ref().unwrap().words, "about my mother");
    assert!(pair.own().await == [made]);

    let events = told::<ItemShared>(&pair.stage.pool).await;
    let [(aggregate, 1, event)] = &events[..] else { panic!("one event of version 1") };
    assert_eq!(aggregate.to_string(), request.share_id);
    assert_eq!(event.owner_account_id, pair.ada.to_string());
    assert_eq!(event.recipient_account_id, pair.ben.to_string());
    assert_eq!(event.couple_id, pair.couple_id.to_string());
    assert_eq!((event.open_time, event.expire_time), (moment(now + 1.hour()), moment(now + 720.hours())));
}

#[tokio::test]
async fn a_share_ends_when_its_owner_says_within_90_days_and_after_it_opens() {
    let pair = pair().await;
    let now = pair.stage.clock.now();
    let until = |time, open_now| ShareItemRequest { expire_time: time, open_now, ..pair.topic("words") };
    for (time, open_now) in [
        (moment(now + 1.second()), true),
        (moment(now + 61.minutes()), false),
        (moment(now + 2160.hours()), true),
    ] {
        assert_eq!(pair.share(until(time, open_now)).await.expire_time, time);
    }
    for (time, open_now) in [
        (moment(now), true),
        (moment(now + 1.hour()), false),
        (moment(now + 2161.hours()), true),
        (Some(prost_types::Timestamp { seconds: 0, nanos: -1 }), true),
    ] {
        let refused = share(pair.journal(), pair.ada, until(time, open_now)).await.err().unwrap();
        assert_eq!(
            (refused.code(), fields(&refused)),
            (Code::InvalidArgument, vec!["expire_time".to_owned()])
        );
    }
    assert_eq!(pair.stage.count("shares").await, 3);
}

#[tokio::test]
async fn only_with_ones_partner_and_everybody_else_is_refused_alike() {
    let pair = pair().await;
    let (stranger, former, linked_elsewhere) =
        (pair.stage.member(), pair.stage.member(), pair.stage.member());
    let ended = link(&pair.stage, pair.ada, former).await;
    note(&pair.stage, ended, pair.ada, former, 2).await;
    link(&pair.stage, linked_elsewhere, pair.stage.member()).await;
    let mut refusals = Vec::new();
    for who in [stranger, former, linked_elsewhere, pair.ada, Uuid::nil()] {
        let request = ShareItemRequest { recipient_account_id: who.to_string(), ..pair.topic("words") };
        let refused = share(pair.journal(), pair.ada, request).await.err().unwrap();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "NOT_LINKED"));
        refusals.push(refusal(&refused));
    }
    assert!(refusals.windows(2).all(|two| two[0] == two[1]));
    pair.unlink().await;
    let refused = share(pair.journal(), pair.ada, pair.topic("words")).await.err().unwrap();
    assert_eq!(refusal(&refused), refusals[0]);
    assert_eq!(pair.stage.count("shares").await, 0);
    assert!(told::<ItemShared>(&pair.stage.pool).await.is_empty());
}

#[tokio::test]
async fn only_what_is_ones_own_can_be_previewed_and_shared() {
    let pair = pair().await;
    let of_ben = pair.stage.ids.next();
    pair.stage.write(pair.ben, entry(of_ben, "of ben")).await.unwrap();
    let mut refusals = Vec::new();
    for item in [of_ben, pair.stage.ids.next()] {
        for depth in [ShareDepth::Topic, ShareDepth::Summary, ShareDepth::Excerpt, ShareDepth::Whole] {
            let spans: &[(i32, i32)] = if depth == ShareDepth::Excerpt { &[(0, 1)] } else { &[] };
            let wanted = selection(item, depth, "words", spans);
            let request = ShareItemRequest { selection: Some(wanted.clone()), ..pair.topic("words") };
            refusals.push(refusal(&preview(pair.journal(), pair.ada, wanted).await.err().unwrap()));
            refusals.push(refusal(&share(pair.journal(), pair.ada, request).await.err().unwrap()));
        }
    }
    assert_eq!(refusals[0].0, Code::NotFound);
    assert!(refusals.iter().all(|other| *other == refusals[0]));
    assert_eq!(pair.stage.count("shares").await, 0);
}

#[tokio::test]
async fn a_selection_that_does_not_fit_is_refused_by_the_name_of_its_field() {
    let pair = pair().await;
    let of = |depth, words: &str, spans: &[(i32, i32)]| selection(pair.entry_id, depth, words, spans);
    let mut nowhere = of(ShareDepth::Topic, "words", &[]);
    nowhere.item_id = String::new();
    for (wanted, field) in [
        (of(ShareDepth::Topic, " ", &[]), "selection.words"),
        (of(ShareDepth::Summary, "", &[]), "selection.words"),
        (of(ShareDepth::Summary, &"ä".repeat(2001), &[]), "selection.words"),
        (of(ShareDepth::Excerpt, "", &[]), "selection.spans"),
        (of(ShareDepth::Excerpt, "", &[(0, 33)]), "selection.spans"),
        (of(ShareDepth::Excerpt, "", &[(3, 5), (4, 6)]), "selection.spans"),
        (of(ShareDepth::Whole, "", &[(0, 1)]), "selection.spans"),
        (of(ShareDepth::Unspecified, "words", &[]), "selection.depth"),
        (nowhere, "selection.item_id"),
    ] {
        let request = ShareItemRequest { selection: Some(wanted.clone()), ..pair.topic("words") };
        let previewed = preview(pair.journal(), pair.ada, wanted).await.err().unwrap();
        let shared = share(pair.journal(), pair.ada, request).await.err().unwrap();
        for refused in [previewed, shared] {
            assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec![field.to_owned()]));
        }
    }
    assert_eq!(pair.stage.count("shares").await, 0);
}

#[tokio::test]
async fn a_retry_answers_as_the_first_time_and_other_content_is_refused_also_after_the_record_is_swept() {
    let pair = pair().await;
    let request =
        ShareItemRequest { expire_time: moment(pair.stage.clock.now() + 2.hours()), ..pair.topic("words") };
    let first = pair.share(request.clone()).await;
    for swept in [false, true] {
        if swept {
            pair.stage.advance_hours(25); // past the end of the share, too
            let token = CancellationToken::new();
            // A refusal's transaction may still be on its way back, and hold its record.
            let forgotten = async || {
                journal::jobs::sweep_once(&pair.stage.pool, &pair.stage.clock, 10, &token).await.unwrap();
                pair.stage.count("chassis.idempotency").await == 0
            };
            eventually("the records are swept", Duration::from_secs(20), forgotten).await;
        }
        let mut shouted = request.clone();
        shouted.share_id = shouted.share_id.to_uppercase();
        shouted.recipient_account_id = shouted.recipient_account_id.to_uppercase();
        for retry in [request.clone(), shouted] {
            let again = pair.share(retry).await;
            assert!(Share { state: first.state, ..again } == first);
        }
        let other = ShareItemRequest { selection: pair.topic("other words").selection, ..request.clone() };
        for _ in 0..2 {
            let refused = share(pair.journal(), pair.ada, other.clone()).await.err().unwrap();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "SHARE_ID_REUSED"));
        }
    }
    assert_eq!(pair.stage.count("shares").await, 1);
    assert_eq!(told::<ItemShared>(&pair.stage.pool).await.len(), 1);

    // A key beside the message stands in for an id.
    let keyed = |words: &str| {
        let mut request =
            signed_in(pair.ada, ShareItemRequest { share_id: String::new(), ..pair.topic(words) });
        let key = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
        request.metadata_mut().insert("idempotency-key", key);
        pair.journal().share_item(request)
    };
    let one = keyed("words").await.unwrap().into_inner();
    assert!(keyed("words").await.unwrap().into_inner() == one);
    assert_eq!(reason(&keyed("other").await.err().unwrap()), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn withdrawing_twice_changes_nothing_and_looks_the_same_read_or_unread() {
    let pair = pair().await;
    let (read, unread) = (pair.share(pair.topic("read")).await, pair.share(pair.topic("unread")).await);
    pair.read(&read.share_id).await.unwrap();
    for share in [&read, &unread, &read, &unread] {
        pair.withdraw(&share.share_id).await.unwrap();
    }
    let events = told::<ShareWithdrawn>(&pair.stage.pool).await;
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|(aggregate, version, event)| {
        aggregate.to_string() == event.share_id
            && *version == 3
            && event.couple_id == pair.couple_id.to_string()
    }));
    let own = pair.own().await;
    let hidden = |share: &Share| Share { share_id: String::new(), rendering: None, ..share.clone() };
    assert!(own.len() == 2 && hidden(&own[0]) == hidden(&own[1]));
    assert!(pair.read(&read.share_id).await.is_err() && pair.received().await.is_empty());

    let open = pair.share(pair.topic("open")).await;
    let unknown = pair.withdraw(&pair.stage.ids.next().to_string()).await.err().unwrap();
    assert_eq!(unknown.code(), Code::NotFound);
    for stranger in [pair.ben, pair.stage.member()] {
        let refused = withdraw(pair.journal(), stranger, &open.share_id).await.err().unwrap();
        assert_eq!(refusal(&refused), refusal(&unknown));
    }
    assert!(pair.read(&open.share_id).await.is_ok());
}

#[tokio::test]
async fn what_was_shared_of_a_deleted_item_is_withdrawn_and_forgotten() {
    let pair = pair().await;
    let other = pair.stage.ids.next();
    pair.stage.write(pair.ada, WriteEntryRequest { body: "x".into(), ..entry(other, "x") }).await.unwrap();
    let (one, two) = (pair.share(pair.topic("one")).await, pair.share(pair.topic("two")).await);
    let wanted = Some(selection(other, ShareDepth::Whole, "", &[]));
    let kept = pair.share(ShareItemRequest { selection: wanted, ..pair.topic("") }).await;
    pair.withdraw(&two.share_id).await.unwrap();
    let delete = async || {
        let mut transaction = pair.stage.pool.begin().await.unwrap();
        let now = pair.stage.clock.now();
        let told = journal::app::shares::withdraw_of_item(
            &mut transaction,
            pair.ada,
            pair.entry_id,
            now,
            &pair.stage.ids,
        );
        let told = told.await.unwrap();
        transaction.commit().await.unwrap();
        told
    };
    assert_eq!((delete().await, delete().await), (1, 0));
    assert_eq!(told::<ShareWithdrawn>(&pair.stage.pool).await.len(), 2);
    assert!(pair.read(&one.share_id).await.is_err());
    assert!(pair.read(&kept.share_id).await.is_ok());
    let own = pair.own().await;
    let gone: Vec<&Share> = own.iter().filter(|share| share.share_id != kept.share_id).collect();
    assert_eq!(gone.len(), 2);
    for share in gone {
        let rendering = share.rendering.as_ref().unwrap();
        assert_eq!((state(share), rendering.depth, rendering.words.as_str()), (ShareState::Withdrawn, 1, ""));
    }
}

#[tokio::test]
async fn an_id_that_the_service_chooses_says_nothing_of_when() {
    let pair = pair().await;
    let chosen = || ShareItemRequest { share_id: String::new(), ..pair.topic("words") };
    let (one, other) = (pair.share(chosen()).await.share_id, pair.share(chosen()).await.share_id);
    assert_ne!(one, other);
    for id in [one, other] {
        let id: Uuid = id.parse().unwrap();
        assert!(id.get_version_num() == 4 && id.get_timestamp().is_none());
    }
}
