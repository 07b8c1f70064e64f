//! A process dies between any two steps: nothing is lost, nothing takes effect twice.

use crate::ground::Ground;
use bus::step::Step;

over_both!(
    killed_after_the_claim,
    killed_after_publishing_before_the_log,
    killed_after_the_handler_before_the_commit,
    killed_after_the_commit_before_the_acknowledgement,
);

async fn killed_after_the_claim(ground: Ground) {
    killed_at(ground, Step::Claimed).await;
}

async fn killed_after_publishing_before_the_log(ground: Ground) {
    killed_at(ground, Step::Published).await;
}

async fn killed_after_the_handler_before_the_commit(ground: Ground) {
    killed_at(ground, Step::Handled).await;
}

async fn killed_after_the_commit_before_the_acknowledgement(ground: Ground) {
    killed_at(ground, Step::Committed).await;
}

async fn killed_at(ground: Ground, step: Step) {
    let events: Vec<_> = (0..150).map(|n| ground.event(n % 5, n as i64, n as i64)).collect();
    ground.tell(&events).await;
    // Twice at the same step, then a process that lives.
    for _ in 0..2 {
        let process = ground.start(ground.declared().await, Some(step));
        process.hangs().await;
        process.kill().await;
        ground.leases_end();
        ground.tell(&[ground.event(9, 1, 1)]).await;
    }
    let process = ground.start(ground.declared().await, None);
    ground.until_counted(152).await;
    ground.until_told().await;
    assert_eq!(ground.counted().await, (6, 152, (0..150).sum::<i64>() + 2));
    assert_eq!(ground.rows("bus.log").await, 152);
    assert_eq!(ground.rows("bus.inbox_retry").await, 0);
    process.stop().await;
}
