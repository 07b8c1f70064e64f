//! What happens at the same time.

use super::{Pair, answer, pair, reads, received, refusal, share, told, withdraw};
use crate::stage::Stage;
use candor_proto::journal::v1::{ItemShared, Share, ShareAnswered, ShareWithdrawn};
use futures::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tonic::{Code, Status};

/// A second replica on the same databases.
fn replica(stage: &Stage) -> journal::rpc::Journal {
    crate::stage::start(&stage.pool, &stage.vault, &stage.clock, &stage.ids, Default::default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_that_starts_after_a_withdrawal_returned_succeeds() {
    let pair = Arc::new(pair().await);
    let replicas = [pair.stage.journal.clone(), replica(&pair.stage)];
    let (mut before, mut after) = (0, 0);
    for round in 0..40 {
        pair.stage.advance_hours(1); // so many in a day would be too many
        let made = pair.share(pair.topic("raced for")).await.share_id;
        let gone = Arc::new(AtomicBool::new(false));
        let reading = (0..12).map(|n| {
            let (pair, gone, made) = (pair.clone(), gone.clone(), made.clone());
            let journal = replicas[n % 2].clone();
            tokio::spawn(async move {
                let mut seen = Vec::new();
                // Until a few were refused that surely began afterwards.
                while seen.iter().filter(|(late, _)| *late).count() < 3 {
                    let late = gone.load(Ordering::SeqCst);
                    let opening = pair.opening(Some(made.parse().unwrap()));
                    let read = match (n + seen.len()) % 3 {
                        0 => answer(&journal, &opening, &made, "hello").await.map(drop),
                        1 => super::tell_read(&journal, &opening, &made).await,
                        _ => received(&journal, &opening, &made).await.map(drop),
                    };
                    seen.push((late, read));
                }
                seen
            })
        });
        let reading: Vec<_> = reading.collect();
        for _ in 0..round % 4 {
            tokio::task::yield_now().await;
        }
        withdraw(&replicas[round % 2], pair.ada, &made).await.unwrap();
        gone.store(true, Ordering::SeqCst);
        for (late, read) in join_all(reading).await.into_iter().flat_map(|done| done.unwrap()) {
            match read {
                Ok(()) if late => panic!("read after it was withdrawn"),
                Ok(()) => before += 1,
                Err(refused) => {
                    assert_eq!(refused.code(), Code::NotFound);
                    after += 1;
                }
            }
        }
    }
    assert!(before > 0 && after >= 40 * 36, "{before} before, {after} after");
    // One receipt for each that was read, told, or answered for the first time, and none besides.
    let receipts = reads(&pair.stage.pool).await.len();
    assert!(receipts <= before && receipts > 0, "{receipts} receipts of {before}");
    assert_eq!(told::<ShareWithdrawn>(&pair.stage.pool).await.len(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_answers_racing_one_is_kept_and_the_rest_are_refused() {
    let pair = pair().await;
    let second = replica(&pair.stage);
    let made = pair.share(pair.topic("raced for")).await.share_id;
    let (pair, made) = (&pair, &made);
    let racing = (0..32).map(|n| {
        let journal = if n % 2 == 0 { &pair.stage.journal } else { &second };
        async move {
            let opening = pair.opening(Some(made.parse().unwrap()));
            answer(journal, &opening, made, &format!("answer {}", n / 4)).await
        }
    });
    let answers = join_all(racing).await;
    let kept: Vec<_> = answers.iter().flatten().collect();
    assert!(kept.len() == 4 && kept.iter().all(|other| *other == kept[0]));
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(refused.iter().all(|status| status.code() == Code::AlreadyExists));
    assert_eq!(told::<ShareAnswered>(&pair.stage.pool).await.len(), 1);
    assert_eq!(pair.stage.count("share_answers").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_shares_racing_for_an_id_one_is_made_and_all_hear_the_same() {
    let pair = pair().await;
    let second = replica(&pair.stage);
    let request = pair.topic("raced for");
    let (pair, request): (&Pair, _) = (&pair, &request);
    let racing = (0..32).map(|n| {
        let journal = if n % 2 == 0 { &pair.stage.journal } else { &second };
        share(journal, pair.ada, request.clone())
    });
    let answers: Vec<Result<Share, Status>> = join_all(racing).await;
    let first = answers[0].clone().map_err(|status| refusal(&status)).unwrap();
    assert!(answers.into_iter().all(|answer| answer.unwrap() == first));
    assert_eq!(pair.stage.count("shares").await, 1);
    assert_eq!(told::<ItemShared>(&pair.stage.pool).await.len(), 1);
}
