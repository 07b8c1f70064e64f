//! What the recipient sees, and all that they do not.

use super::{
    Pair, answer, capability, ids, link, list_received, pair, reads, received, refusal, selection, share,
    shown, tell_read,
};
use crate::stage::{passport, reason, signed_in};
use candor_proto::journal::v1::share_service_server::ShareService as _;
use candor_proto::journal::v1::{
    GetReceivedShareRequest, ListReceivedSharesRequest, ReceivedShare, ShareDepth, ShareItemRequest,
    WishedResponse,
};
use chassis::audience;
use chassis::identity::Passport;
use chassis::identity::capability::{Capability, Opening};
use jiff::ToSpan as _;
use tonic::{Code, Status};
use uuid::Uuid;

#[tokio::test]
async fn what_is_open_is_read_with_beginnings_that_fit_the_wish_and_leaves_a_receipt() {
    let pair = pair().await;
    let mut firsts = Vec::new();
    for wish in [WishedResponse::Listen, WishedResponse::Comfort, WishedResponse::Talk] {
        let made = pair.share(ShareItemRequest { wished_response: wish.into(), ..pair.topic("words") }).await;
        let opening = pair.opening(Some(made.share_id.parse().unwrap()));
        let read = received(pair.journal(), &opening, &made.share_id).await.unwrap();
        assert!(read.rendering == made.rendering);
        let expected = ReceivedShare {
            share_id: made.share_id.clone(),
            owner_account_id: pair.ada.to_string(),
            kind: 1,
            depth: 1,
            wished_response: wish.into(),
            open_time: made.open_time,
            expire_time: made.expire_time,
            own_answer: None,
            told_read: false,
        };
        assert!(read.share == Some(expected.clone()));
        assert_eq!(read.starters.len(), 7);
        firsts.push(read.starters[0].text.clone());
        let receipt = (opening.opening.receipt_id, vec![made.share_id.clone()], false);
        assert_eq!(reads(&pair.stage.pool).await.last(), Some(&receipt));

        let opening = pair.opening(None);
        let listed = list_received(pair.journal(), &opening, 1, "").await.unwrap();
        assert!(listed.shares == [expected]);
        let receipt = (opening.opening.receipt_id, vec![made.share_id], false);
        assert_eq!(reads(&pair.stage.pool).await.last(), Some(&receipt));
        pair.stage.advance_hours(1);
    }
    firsts.dedup();
    assert_eq!(firsts.len(), 3);
    // The owner learns nothing of it.
    assert!(pair.own().await.iter().all(|share| share.told_read_time.is_none() && !share.answered));
}

/// What Ben gets of a share of Ada's: the same refusal from every call, and nothing in the list.
async fn refused(pair: &Pair, opening: &Capability, share_id: &str) -> (Code, String, Vec<u8>) {
    let one = Capability { opening: Opening { item_id: None, ..opening.opening }, ..opening.clone() };
    let before = reads(&pair.stage.pool).await;
    let journal = pair.journal();
    let get = refusal(&received(journal, opening, share_id).await.err().unwrap());
    let answered = refusal(&answer(journal, opening, share_id, "hello").await.err().unwrap());
    let told = refusal(&tell_read(journal, opening, share_id).await.err().unwrap());
    let listed = ids(&list_received(journal, &one, 0, "").await.unwrap());
    assert!(!listed.iter().any(|listed| listed == share_id));
    assert!(get == answered && get == told);
    let after: Vec<_> = reads(&pair.stage.pool).await;
    assert!(after[before.len()..].iter().all(|(_, items, _)| !items.iter().any(|item| item == share_id)));
    get
}

#[tokio::test]
async fn whatever_is_not_open_is_not_found_word_for_word_as_what_does_not_exist() {
    let pair = pair().await;
    let stage = &pair.stage;
    let unknown = stage.ids.next();
    let missing = refused(&pair, &pair.opening(Some(unknown)), &unknown.to_string()).await;
    assert_eq!(missing.0, Code::NotFound);
    let open = pair.share(pair.topic("open")).await.share_id;
    let id: Uuid = open.parse().unwrap();
    let opening = || pair.opening(Some(id));
    assert!(pair.read(&open).await.is_ok());

    let waits = pair.share(ShareItemRequest { open_now: false, ..pair.topic("waits") }).await.share_id;
    assert_eq!(refused(&pair, &pair.opening(Some(waits.parse().unwrap())), &waits).await, missing, "waiting");
    let withdrawn = pair.share(pair.topic("withdrawn")).await.share_id;
    pair.withdraw(&withdrawn).await.unwrap();
    let of_withdrawn = pair.opening(Some(withdrawn.parse().unwrap()));
    assert_eq!(refused(&pair, &of_withdrawn, &withdrawn).await, missing, "withdrawn");

    // Somebody else's, however it is named.
    let stranger = stage.member();
    let with_stranger = link(stage, pair.ada, stranger).await;
    let other = ShareItemRequest { recipient_account_id: stranger.to_string(), ..pair.topic("other") };
    let other = pair.share(other).await.share_id;
    let of_other = pair.opening(Some(other.parse().unwrap()));
    assert_eq!(refused(&pair, &of_other, &other).await, missing, "another's");
    let named = capability(stage, pair.ben, pair.ada, pair.couple_id, Some(id));
    assert_eq!(refused(&pair, &named, &open).await, missing, "named by its recipient");
    let through = capability(stage, pair.ada, stranger, with_stranger, Some(id));
    assert_eq!(refused(&pair, &through, &open).await, missing, "a stranger with an opening of their own");
    let relation = Opening { relation_id: with_stranger, ..opening().opening };
    let relation = Capability { opening: relation, ..opening() };
    assert_eq!(refused(&pair, &relation, &open).await, missing, "another link");

    // What accounts took back, or what is over.
    let over = Capability { expires_at: stage.clock.now(), ..opening() };
    assert_eq!(refused(&pair, &over, &open).await, missing, "an opening that is over");
    let mut conn = stage.pool.acquire().await.unwrap();
    audience::raise_epoch(&mut conn, pair.ada, pair.ben, 3).await.unwrap();
    assert_eq!(refused(&pair, &opening(), &open).await, missing, "an epoch that was overtaken");
    let epoch = |epoch| Capability { opening: Opening { epoch, ..opening().opening }, ..opening() };
    assert_eq!(refused(&pair, &epoch(2), &open).await, missing, "an epoch that was overtaken");
    assert!(received(pair.journal(), &epoch(3), &open).await.is_ok());
    let session = Capability { session_id: Uuid::from_u128(77), ..epoch(3) };
    assert!(received(pair.journal(), &session, &open).await.is_ok());
    audience::end_session(&mut conn, session.session_id, stage.clock.now()).await.unwrap();
    assert_eq!(refused(&pair, &session, &open).await, missing, "a session that ended");
    drop(conn);

    stage.vault.shred(pair.ada).await.unwrap();
    assert_eq!(refused(&pair, &epoch(3), &open).await, missing, "an owner who is erased");
}

#[tokio::test]
async fn what_ends_by_itself_or_with_the_link_is_gone_and_a_new_link_revives_nothing() {
    let pair = pair().await;
    let unknown = pair.stage.ids.next();
    let missing = refused(&pair, &pair.opening(Some(unknown)), &unknown.to_string()).await;
    let now = pair.stage.clock.now();
    let end = Some(journal::events::to_proto(now + 2.hours()));
    let short = pair.share(ShareItemRequest { expire_time: end, ..pair.topic("short") }).await.share_id;
    let long = pair.share(pair.topic("long")).await.share_id;
    pair.stage.clock.set(now + 2.hours() - 1.microsecond());
    assert!(pair.read(&short).await.is_ok());
    pair.stage.clock.set(now + 2.hours());
    assert_eq!(refused(&pair, &pair.opening(Some(short.parse().unwrap())), &short).await, missing);
    assert_eq!(pair.received().await, std::slice::from_ref(&long));

    pair.unlink().await;
    let of_long = pair.opening(Some(long.parse().unwrap()));
    assert_eq!(refused(&pair, &of_long, &long).await, missing, "also before the epoch is known");
    let anew = link(&pair.stage, pair.ada, pair.ben).await;
    for relation_id in [anew, pair.couple_id] {
        let opening = capability(&pair.stage, pair.ada, pair.ben, relation_id, None);
        assert_eq!(refused(&pair, &opening, &long).await, missing);
        assert!(list_received(pair.journal(), &opening, 0, "").await.unwrap().shares.is_empty());
    }
}

#[tokio::test]
async fn withdrawn_before_it_opens_a_share_leaves_no_trace_for_its_recipient() {
    let pair = pair().await;
    let before = pair.received().await;
    let made = pair.share(ShareItemRequest { open_now: false, ..pair.topic("too early") }).await;
    pair.stage.clock.set(pair.stage.clock.now() + 59.minutes());
    pair.withdraw(&made.share_id).await.unwrap();
    pair.stage.advance_hours(1);
    assert!(pair.received().await == before && before.is_empty());
    assert!(reads(&pair.stage.pool).await.is_empty(), "an empty list is no reading");
}

#[tokio::test]
async fn without_the_right_opening_nothing_is_looked_at() {
    let pair = pair().await;
    let open = pair.share(pair.topic("open")).await.share_id;
    let id: Uuid = open.parse().unwrap();
    let right = pair.opening(Some(id));
    let get = async |passport: Passport, capability: Option<Capability>, owner: Uuid, share_id: &str| {
        let message =
            GetReceivedShareRequest { owner_account_id: owner.to_string(), share_id: share_id.to_owned() };
        pair.journal().get_received_share(shown(passport, capability, message)).await.err().unwrap()
    };
    let of = |opening: Opening| Capability { opening, ..right.clone() };
    let wrong = [
        None,
        Some(of(Opening { scope: 2, ..right.opening })),
        Some(of(Opening { item_id: Some(pair.entry_id), ..right.opening })),
        Some(of(Opening { owner_id: pair.stage.member(), ..right.opening })),
        Some(Capability { reader_id: pair.stage.member(), ..right.clone() }),
        Some(Capability { session_id: Uuid::from_u128(6), ..right.clone() }),
    ];
    let unknown = pair.stage.ids.next().to_string();
    for capability in wrong {
        let there = get(passport(pair.ben), capability.clone(), pair.ada, &open).await;
        assert_eq!((there.code(), reason(&there).as_str()), (Code::PermissionDenied, "CAPABILITY_REQUIRED"));
        let absent = get(
            passport(pair.ben),
            capability.filter(|it| it.opening.item_id != Some(id)),
            pair.ada,
            &unknown,
        );
        assert_eq!(refusal(&absent.await), refusal(&there));
    }
    // For the list, what opens one thing opens nothing.
    let message = ListReceivedSharesRequest { owner_account_id: pair.ada.to_string(), ..Default::default() };
    let listed = pair.journal().list_received_shares(shown(passport(pair.ben), Some(right), message)).await;
    assert_eq!(listed.err().unwrap().code(), Code::PermissionDenied);
    // Oneself is nobody else.
    let itself = get(passport(pair.ada), None, pair.ada, &open).await;
    let missing = refusal(&pair.read(&unknown).await.err().unwrap());
    assert_eq!(refusal(&itself), missing);
    assert!(reads(&pair.stage.pool).await.is_empty());
}

#[tokio::test]
async fn telling_of_it_once_is_enough_and_only_then_the_owner_knows() {
    let pair = pair().await;
    let made = pair.share(pair.topic("words")).await;
    let id = made.share_id.parse().unwrap();
    pair.read(&made.share_id).await.unwrap();
    assert!(pair.own().await[0].told_read_time.is_none());
    pair.stage.advance_hours(1);
    let told_at = Some(journal::events::to_proto(pair.stage.clock.now()));
    let opening = pair.opening(Some(id));
    tell_read(pair.journal(), &opening, &made.share_id).await.unwrap();
    pair.stage.advance_hours(1);
    tell_read(pair.journal(), &pair.opening(Some(id)), &made.share_id).await.unwrap();
    assert_eq!(pair.own().await[0].told_read_time, told_at);
    assert!(pair.read(&made.share_id).await.unwrap().share.unwrap().told_read);
    let told: Vec<_> = reads(&pair.stage.pool).await.into_iter().filter(|(_, _, told)| *told).collect();
    assert_eq!(told, [(opening.opening.receipt_id, vec![made.share_id], true)]);
}

#[tokio::test]
async fn received_shares_come_in_pages_newest_first_with_one_receipt_each() {
    let pair = pair().await;
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(pair.share(pair.topic(&n.to_string())).await.share_id);
        if n % 2 == 0 {
            pair.stage.advance_hours(1);
        }
    }
    pair.withdraw(&made.remove(3)).await.unwrap();
    made.reverse();
    let (mut token, mut found) = (String::new(), Vec::new());
    loop {
        let opening = pair.opening(None);
        let page = list_received(pair.journal(), &opening, 4, &token).await.unwrap();
        let receipt = (opening.opening.receipt_id, ids(&page), false);
        assert_eq!(reads(&pair.stage.pool).await.last(), Some(&receipt));
        found.extend(ids(&page));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(found, made);
    // A token of this list is none of another.
    let page = list_received(pair.journal(), &pair.opening(None), 1, "").await.unwrap();
    let stranger = capability(&pair.stage, pair.ada, pair.stage.member(), pair.couple_id, None);
    let refused = list_received(pair.journal(), &stranger, 1, &page.next_page_token).await.err().unwrap();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn an_id_that_is_taken_in_another_journal_says_nothing() {
    let pair = pair().await;
    let open = pair.share(pair.topic("of ada")).await.share_id;
    let of_ben = pair.stage.ids.next();
    pair.stage.write(pair.ben, crate::stage::entry(of_ben, "of ben")).await.unwrap();
    let request = ShareItemRequest {
        share_id: open.clone(),
        recipient_account_id: pair.ada.to_string(),
        selection: Some(selection(of_ben, ShareDepth::Whole, "", &[])),
        open_now: true,
        ..Default::default()
    };
    let same_id: Result<_, Status> = share(pair.journal(), pair.ben, request).await;
    assert_eq!(same_id.unwrap().share_id, open);
    super::withdraw(pair.journal(), pair.ben, &open).await.unwrap();
    assert_eq!(pair.read(&open).await.unwrap().rendering.unwrap().words, "of ada");
    let own = pair.journal().list_shares(signed_in(pair.ada, Default::default())).await.unwrap().into_inner();
    assert_eq!(own.shares[0].state, 2);
}
