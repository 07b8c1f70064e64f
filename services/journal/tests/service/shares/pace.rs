//! How much one may share in a day.

use super::{Pair, link, moment, pair, share};
use crate::stage::{entry, reason};
use candor_proto::journal::v1::{ItemShared, Share, ShareItemRequest};
use futures::future::join_all;
use jiff::{SignedDuration, ToSpan as _};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

async fn try_share(pair: &Pair, request: &ShareItemRequest) -> Result<Share, Status> {
    share(pair.journal(), pair.ada, request.clone()).await
}

/// How long until the next one, as the refusal says it.
fn wait(refused: &Status) -> SignedDuration {
    assert_eq!((refused.code(), reason(refused).as_str()), (Code::ResourceExhausted, "TOO_MANY_SHARES"));
    SignedDuration::try_from(refused.get_details_retry_info().unwrap().retry_delay.unwrap()).unwrap()
}

#[tokio::test]
async fn thirty_in_a_day_and_the_next_when_the_first_is_a_day_old() {
    let pair = pair().await;
    let first = pair.topic("the first");
    pair.share(first.clone()).await;
    pair.stage.advance_hours(1);
    for n in 2..=30 {
        let made = pair.share(pair.topic(&n.to_string())).await;
        pair.withdraw(&made.share_id).await.unwrap(); // what was taken back counts
    }
    let one_more = pair.topic("one more");
    let refused = try_share(&pair, &one_more).await.err().unwrap();
    assert_eq!(wait(&refused), SignedDuration::from_hours(23));
    assert_eq!(pair.stage.count("shares").await, 30);
    assert_eq!(super::told::<ItemShared>(&pair.stage.pool).await.len(), 30);

    // What was shared before is answered as the first time, also when the record of the attempt is gone.
    assert_eq!(try_share(&pair, &first).await.unwrap().share_id, first.share_id);
    sqlx::query("DELETE FROM chassis.idempotency").execute(&pair.stage.pool).await.unwrap();
    assert_eq!(try_share(&pair, &first).await.unwrap().share_id, first.share_id);

    // Ben's shares are Ben's.
    let of_ben = pair.stage.ids.next();
    pair.stage.write(pair.ben, entry(of_ben, "of ben")).await.unwrap();
    let mut from_ben = pair.topic("of ben");
    from_ben.recipient_account_id = pair.ada.to_string();
    from_ben.selection.as_mut().unwrap().item_id = of_ben.to_string();
    share(pair.journal(), pair.ben, from_ben).await.unwrap();

    let begin = pair.stage.clock.now();
    pair.stage.clock.set(begin + 23.hours() - 1.microsecond());
    let refused = try_share(&pair, &one_more).await.err().unwrap();
    assert_eq!(wait(&refused), SignedDuration::from_micros(1));
    pair.stage.clock.set(begin + 23.hours());
    assert_eq!(try_share(&pair, &one_more).await.unwrap().create_time, moment(begin + 23.hours()));
    let refused = try_share(&pair, &pair.topic("and another")).await.err().unwrap();
    assert_eq!(wait(&refused), SignedDuration::from_hours(1));
}

#[tokio::test]
async fn whom_it_is_for_does_not_matter_and_what_is_refused_otherwise_is_refused_as_ever() {
    let pair = pair().await;
    for n in 1..=30 {
        pair.share(pair.topic(&n.to_string())).await;
    }
    let stranger = pair.stage.member();
    let elsewhere =
        ShareItemRequest { recipient_account_id: stranger.to_string(), ..pair.topic("to a stranger") };
    assert_eq!(reason(&try_share(&pair, &elsewhere).await.err().unwrap()), "NOT_LINKED");
    let mut nowhere = pair.topic("nothing");
    nowhere.selection.as_mut().unwrap().item_id = stranger.to_string();
    assert_eq!(try_share(&pair, &nowhere).await.err().unwrap().code(), Code::NotFound);
    pair.unlink().await;
    link(&pair.stage, pair.ada, stranger).await;
    assert_eq!(wait(&try_share(&pair, &elsewhere).await.err().unwrap()), SignedDuration::from_hours(24));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_the_same_time_no_more_than_thirty() {
    let pair = pair().await;
    let wanted: Vec<ShareItemRequest> = (0..40).map(|n| pair.topic(&n.to_string())).collect();
    // Each twice, as an impatient client does.
    let done = join_all(wanted.iter().chain(&wanted).map(|request| try_share(&pair, request))).await;
    let refused = done.iter().filter_map(|done| done.as_ref().err());
    assert!(refused.map(wait).all(|wait| wait == SignedDuration::from_hours(24)));
    assert_eq!(pair.stage.count("shares").await, 30);
    for (once, again) in wanted.iter().zip(&done).map(|(request, done)| (try_share(&pair, request), done)) {
        assert!(again.is_err() || once.await.is_ok());
    }
}
