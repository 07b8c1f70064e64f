//! Answers: whose they are, who reads them, and what is felt about them.

use super::{
    Pair, answer, capability, link, list_received, pair, rate, reads, received, refusal, share_answer, told,
};
use crate::stage::{Stage, fields, reason, signed_in};
use candor_proto::journal::v1::share_service_server::ShareService as _;
use candor_proto::journal::v1::{
    ItemShared, ListOwnAnswersRequest, ListOwnAnswersResponse, ShareAnswered, ShareWithdrawn,
};
use chassis::audience;
use prost::Message as _;
use tonic::Code;
use uuid::Uuid;

async fn own_answers(stage: &Stage, who: Uuid, page_size: i32, token: &str) -> ListOwnAnswersResponse {
    let request = ListOwnAnswersRequest { page_size, page_token: token.to_owned() };
    stage.journal.list_own_answers(signed_in(who, request)).await.unwrap().into_inner()
}

#[tokio::test]
async fn an_answer_is_told_of_and_read_by_the_one_who_shared() {
    let pair = pair().await;
    let made = pair.share(pair.topic("words")).await;
    let id: Uuid = made.share_id.parse().unwrap();
    let missing = pair.read_answer(&made.share_id).await.err().unwrap();
    assert_eq!((missing.code(), reason(&missing).as_str()), (Code::NotFound, "ANSWER_NOT_FOUND"));
    pair.stage.advance_hours(1);
    let opening = pair.opening(Some(id));
    let given = answer(pair.journal(), &opening, &made.share_id, "What I hear is 🌧 …").await.unwrap();
    assert_eq!(given.body, "What I hear is 🌧 …");
    assert_eq!(given.create_time, Some(journal::events::to_proto(pair.stage.clock.now())));
    let receipt = (opening.opening.receipt_id, vec![made.share_id.clone()], true);
    assert_eq!(reads(&pair.stage.pool).await.last(), Some(&receipt), "an answer tells of reading");
    let events = told::<ShareAnswered>(&pair.stage.pool).await;
    let [(aggregate, 2, event)] = &events[..] else { panic!("one event of version 2") };
    assert_eq!(
        (aggregate.to_string(), &event.answerer_account_id, &event.couple_id),
        (made.share_id.clone(), &pair.ben.to_string(), &pair.couple_id.to_string())
    );

    assert!(pair.own().await[0].answered);
    let opening = pair.opening_of(pair.ben, pair.ada, Some(id));
    assert!(share_answer(pair.journal(), &opening, &made.share_id).await.unwrap() == given);
    let receipt = (opening.opening.receipt_id, vec![made.share_id.clone()], false);
    assert_eq!(reads(&pair.stage.pool).await.last(), Some(&receipt));
    let read = pair.read(&made.share_id).await.unwrap();
    assert!(read.share.unwrap().own_answer.as_ref() == Some(&given));
    let listed = list_received(pair.journal(), &pair.opening(None), 0, "").await.unwrap();
    assert!(listed.shares[0].own_answer.as_ref() == Some(&given));
    assert!(own_answers(&pair.stage, pair.ben, 0, "").await.answers == [given]);
    assert!(own_answers(&pair.stage, pair.ada, 0, "").await.answers.is_empty());
}

#[tokio::test]
async fn the_same_answer_again_changes_nothing_and_another_is_refused() {
    let pair = pair().await;
    let made = pair.share(pair.topic("words")).await.share_id;
    let given = pair.answer(&made, "first").await.unwrap();
    pair.stage.advance_hours(1);
    for _ in 0..2 {
        assert!(pair.answer(&made, "first").await.unwrap() == given);
        let refused = pair.answer(&made, "second").await.err().unwrap();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "ALREADY_ANSWERED"));
    }
    assert_eq!(told::<ShareAnswered>(&pair.stage.pool).await.len(), 1);
    assert_eq!(reads(&pair.stage.pool).await.len(), 1);
    for blank in [" \n", "\u{200B}"] {
        let other = pair.share(pair.topic("more")).await.share_id;
        let refused = pair.answer(&other, blank).await.err().unwrap();
        assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["body".to_owned()]));
    }
    let long = pair.share(pair.topic("long")).await.share_id;
    assert!(pair.answer(&long, &"ä".repeat(4096)).await.is_ok());
    let too_long = pair.share(pair.topic("too long")).await.share_id;
    assert_eq!(fields(&pair.answer(&too_long, &"ä".repeat(4097)).await.err().unwrap()), ["body"]);
}

#[tokio::test]
async fn an_answer_stays_its_writers_and_is_read_while_the_two_are_linked_and_no_longer() {
    let pair = pair().await;
    let made = pair.share(pair.topic("words")).await.share_id;
    let id: Uuid = made.parse().unwrap();
    let given = pair.answer(&made, "of ben").await.unwrap();
    let missing = {
        let unanswered = pair.share(pair.topic("unanswered")).await.share_id;
        refusal(&pair.read_answer(&unanswered).await.err().unwrap())
    };
    pair.withdraw(&made).await.unwrap();
    assert!(pair.read_answer(&made).await.unwrap() == given, "whatever becomes of the share");

    let stranger = pair.stage.member();
    let elsewhere = link(&pair.stage, pair.ben, stranger).await;
    for opening in [
        capability(&pair.stage, pair.ben, stranger, elsewhere, Some(id)),
        capability(&pair.stage, pair.ben, pair.ada, elsewhere, Some(id)),
        capability(&pair.stage, pair.ada, pair.ben, pair.couple_id, Some(id)),
    ] {
        let refused = share_answer(pair.journal(), &opening, &made).await.err().unwrap();
        assert_eq!(refusal(&refused), missing);
    }
    let mut conn = pair.stage.pool.acquire().await.unwrap();
    audience::raise_epoch(&mut conn, pair.ben, pair.ada, 1).await.unwrap();
    drop(conn);
    assert_eq!(refusal(&pair.read_answer(&made).await.err().unwrap()), missing, "the epoch is known first");
    pair.unlink().await;
    let anew = link(&pair.stage, pair.ada, pair.ben).await;
    for relation in [pair.couple_id, anew] {
        let mut opening = capability(&pair.stage, pair.ben, pair.ada, relation, Some(id));
        opening.opening.epoch = 1;
        let refused = share_answer(pair.journal(), &opening, &made).await.err().unwrap();
        assert_eq!(refusal(&refused), missing);
    }
    assert!(own_answers(&pair.stage, pair.ben, 0, "").await.answers == [given]);
    assert!(pair.own().await.iter().any(|share| share.share_id == made && share.answered));
}

#[tokio::test]
async fn with_the_answerers_key_destroyed_the_answer_is_gone() {
    let pair = pair().await;
    let made = pair.share(pair.topic("words")).await.share_id;
    pair.answer(&made, "of ben").await.unwrap();
    let unanswered = pair.share(pair.topic("unanswered")).await.share_id;
    let missing = refusal(&pair.read_answer(&unanswered).await.err().unwrap());
    pair.stage.vault.shred(pair.ben).await.unwrap();
    assert_eq!(refusal(&pair.read_answer(&made).await.err().unwrap()), missing);
    assert!(own_answers(&pair.stage, pair.ben, 0, "").await.answers.is_empty());
    let refused = pair.answer(&unanswered, "more").await.err().unwrap();
    assert_eq!(reason(&refused), "ACCOUNT_ERASED");
}

#[tokio::test]
async fn own_answers_come_in_pages_newest_first() {
    let pair = pair().await;
    let mut bodies = Vec::new();
    for n in 0..5 {
        let made = pair.share(pair.topic("words")).await.share_id;
        bodies.insert(0, pair.answer(&made, &format!("answer {n}")).await.unwrap().body);
    }
    let (mut token, mut found) = (String::new(), Vec::new());
    loop {
        let page = own_answers(&pair.stage, pair.ben, 2, &token).await;
        found.extend(page.answers.into_iter().map(|answer| answer.body));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(found, bodies);
}

/// All that Ben can see, to the byte.
async fn all_that_ben_sees(pair: &Pair, share_id: &str) -> Vec<Vec<u8>> {
    let listed = list_received(pair.journal(), &pair.opening(None), 0, "").await.unwrap();
    let opening = pair.opening(Some(share_id.parse().unwrap()));
    let read = received(pair.journal(), &opening, share_id).await.unwrap();
    let own = own_answers(&pair.stage, pair.ben, 0, "").await;
    vec![listed.encode_to_vec(), read.encode_to_vec(), own.encode_to_vec()]
}

#[tokio::test]
async fn how_understood_the_owner_feels_is_the_owners_alone() {
    let pair = pair().await;
    let made = pair.share(pair.topic("words")).await.share_id;
    let unanswered = rate(pair.journal(), pair.ada, &made, 4).await.err().unwrap();
    assert_eq!((unanswered.code(), reason(&unanswered).as_str()), (Code::FailedPrecondition, "NOT_ANSWERED"));
    pair.answer(&made, "of ben").await.unwrap();
    let seen = all_that_ben_sees(&pair, &made).await;
    let shared = told::<ItemShared>(&pair.stage.pool).await.len();
    let outbox = pair.stage.count("bus.outbox").await;
    for felt in [4, 1, 5, 0, 3] {
        rate(pair.journal(), pair.ada, &made, felt).await.unwrap();
        assert_eq!(pair.own().await[0].felt_understood, felt);
    }
    assert_eq!(pair.stage.count("bus.outbox").await, outbox, "nobody is told");
    assert!(all_that_ben_sees(&pair, &made).await == seen);
    assert_eq!(told::<ItemShared>(&pair.stage.pool).await.len(), shared);

    for wrong in [-1, 6, i32::MAX] {
        let refused = rate(pair.journal(), pair.ada, &made, wrong).await.err().unwrap();
        assert_eq!(fields(&refused), ["felt_understood"]);
    }
    let unknown =
        refusal(&rate(pair.journal(), pair.ada, &pair.stage.ids.next().to_string(), 3).await.err().unwrap());
    assert_eq!(refusal(&rate(pair.journal(), pair.ben, &made, 3).await.err().unwrap()), unknown);
    // It stays when the share does not.
    pair.withdraw(&made).await.unwrap();
    pair.unlink().await;
    assert_eq!(pair.own().await[0].felt_understood, 3);
    assert!(rate(pair.journal(), pair.ada, &made, 2).await.is_ok());
}

#[tokio::test]
async fn all_shares_can_be_told_again_as_they_stand() {
    let pair = pair().await;
    let (one, two) = (pair.share(pair.topic("one")).await, pair.share(pair.topic("two")).await);
    pair.answer(&one.share_id, "of ben").await.unwrap();
    pair.withdraw(&two.share_id).await.unwrap();
    let before = (
        told::<ItemShared>(&pair.stage.pool).await,
        told::<ShareAnswered>(&pair.stage.pool).await,
        told::<ShareWithdrawn>(&pair.stage.pool).await,
    );
    sqlx::query("DELETE FROM bus.outbox").execute(&pair.stage.pool).await.unwrap();
    pair.stage.advance_hours(5);
    let Stage { pool, clock, ids, .. } = &pair.stage;
    let count = journal::events::resnapshot(pool, &bus::Outbox::new(), clock, ids).await.unwrap();
    let after = (
        told::<ItemShared>(&pair.stage.pool).await,
        told::<ShareAnswered>(&pair.stage.pool).await,
        told::<ShareWithdrawn>(&pair.stage.pool).await,
    );
    let sorted = |mut shared: Vec<(Uuid, i64, ItemShared)>| {
        shared.sort_by_key(|(id, ..)| *id);
        shared
    };
    assert!(sorted(before.0) == sorted(after.0) && before.1 == after.1 && before.2 == after.2);
    assert_eq!(count, 1 + 2 + 1 + 1, "an entry, two shares, an answer, a withdrawal");
}
