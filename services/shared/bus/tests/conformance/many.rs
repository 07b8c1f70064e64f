//! Handlers that take many events at once: what each says of itself holds, whoever its neighbours are.

use crate::ground::{CONSUMER, Counted, Ground, PATIENCE, Refused, Tally};
use bus::{Envelope, HandlerError, Inbox, Meta, replay, step::Step};
use candor_tests::eventually;
use chassis::{Code, Fault};
use jiff::SignedDuration;
use sqlx::PgConnection;
use std::sync::{Arc, Mutex, atomic::Ordering};
use tokio_util::sync::CancellationToken;

over_both!(
    a_batch_is_one_call,
    a_failing_event_in_a_run_does_not_hurt_its_neighbours,
    killed_around_the_commit_of_a_run,
);

/// How many events each call of the handler got.
type Calls = Arc<Mutex<Vec<usize>>>;

/// Counts all at once; an amount below 0 fails in its own way, as long as the tally says so.
fn inbox(ground: &Ground, calls: &Calls) -> Inbox<Tally> {
    let calls = Arc::clone(calls);
    Inbox::new(CONSUMER, ground.pool.clone(), ground.tally.clone(), ground.clock.clone())
        .on_many::<Counted>(move |tally, conn, events| {
            calls.lock().unwrap().push(events.len());
            Box::pin(count_all(tally, conn, events))
        })
        .on::<Refused>(|_, conn, meta, _| {
            let event = (meta.clone(), Counted { amount: 1 });
            Box::pin(async move { write(conn, &[event]).await })
        })
}

async fn count_all(
    tally: &Tally,
    conn: &mut PgConnection,
    events: &[(Meta, Counted)],
) -> Result<(), HandlerError> {
    write(&mut *conn, events).await?;
    let failing = tally.failing.load(Ordering::SeqCst);
    match events.iter().map(|(_, event)| event.amount).find(|amount| failing && *amount < 0) {
        None => Ok(()),
        Some(-1) => panic!("as told"),
        Some(-2) => Err(HandlerError::Malformed("NO_SUCH_KIND")),
        Some(-3) => Err(Fault::new(Code::FailedPrecondition, "NOT_YET", "Not yet.").into()),
        Some(-4) => Err(Fault::new(Code::Aborted, "COLLIDED", "Again.").into()),
        // Fails at the commit, not at the statement.
        Some(-5) => Ok(sqlx::query("INSERT INTO late VALUES (1), (1)").execute(conn).await.map(drop)?),
        // An error the handler does not report: the transaction is aborted all the same.
        Some(-6) => {
            let _ = sqlx::query("SELECT 1 / 0").execute(conn).await;
            Ok(())
        }
        Some(_) => Ok(sqlx::query("SELECT 1 / 0").execute(conn).await.map(drop)?),
    }
}

/// One statement for all of them.
async fn write(conn: &mut PgConnection, events: &[(Meta, Counted)]) -> Result<(), HandlerError> {
    let ids: Vec<_> = events.iter().map(|(meta, _)| meta.aggregate_id).collect();
    let amounts: Vec<_> = events.iter().map(|(_, event)| event.amount).collect();
    sqlx::query(
        "INSERT INTO tally AS t SELECT id, count(*), sum(amount), 1, 1
         FROM UNNEST($1::uuid[], $2::bigint[]) AS n (id, amount) GROUP BY id ORDER BY id
         ON CONFLICT (aggregate_id) DO UPDATE SET handled = t.handled + excluded.handled, total = t.total + excluded.total",
    )
    .bind(ids)
    .bind(amounts)
    .execute(conn)
    .await?;
    Ok(())
}

async fn a_batch_is_one_call(ground: Ground) {
    let calls = Calls::default();
    let mut events: Vec<Envelope> = (0..60).map(|n| ground.event(n % 7, n as i64, 1)).collect();
    // Of another kind, and one that comes twice.
    events.insert(30, ground.refused("not"));
    events.push(events[0].clone());
    inbox(&ground, &calls).handle(&events).await.unwrap();
    assert_eq!(*calls.lock().unwrap(), [60]);
    assert_eq!(ground.counted().await, (8, 61, 61));
}

async fn a_failing_event_in_a_run_does_not_hurt_its_neighbours(ground: Ground) {
    let calls = Calls::default();
    let transport = ground.declared().await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(inbox(&ground, &calls).run(transport.clone(), stop.clone()));
    for (round, how) in [-1, -2, -3, -4, -5, -6, -7].into_iter().enumerate() {
        let mut events: Vec<_> = (0..20).map(|n| ground.event(n, 1, 1)).collect();
        events.insert(10, ground.event(99, 1, how));
        inbox(&ground, &calls).handle(&events).await.unwrap();
        // All neighbours, and nothing of what the failing one wrote.
        let neighbours = 20 * (round as i64 + 1);
        assert_eq!(ground.counted().await, (20, neighbours, neighbours), "{how}");
        assert_eq!(ground.rows("bus.inbox_retry").await, round as i64 + 1);
    }
    assert_eq!(ground.rows("late").await, 0);
    let mut reasons: Vec<String> =
        sqlx::query_scalar("SELECT reason FROM bus.inbox_retry").fetch_all(&ground.pool).await.unwrap();
    reasons.sort();
    let expected =
        ["COLLIDED", "NOT_YET", "NO_SUCH_KIND", "PANIC", "SQL 22012", "SQL 23505 late_n_key", "SQL 25P02"];
    assert_eq!(reasons, expected);
    // Each is tried again alone, and the dead one by command.
    ground.tally.failing.store(false, Ordering::SeqCst);
    let now = ground.clock.now();
    assert_eq!(replay::all(&mut ground.pool.acquire().await.unwrap(), Some(CONSUMER), now).await.unwrap(), 1);
    ground.advance(SignedDuration::from_secs(6));
    ground.until_counted(147).await;
    eventually("nothing is kept aside", PATIENCE, async || ground.rows("bus.inbox_retry").await == 0).await;
    stop.cancel();
    running.await.unwrap().unwrap();
}

/// Nothing is lost and nothing counts twice, and what was acknowledged together does not come again.
async fn killed_around_the_commit_of_a_run(ground: Ground) {
    let calls = Calls::default();
    let transport = ground.declared().await;
    let relay = ground.start_relay(transport.clone());
    let events: Vec<_> = (0..600).map(|n| ground.event(n % 5, n as i64, 1)).collect();
    ground.tell(&events).await;
    for step in [Step::Handled, Step::Committed] {
        let (observer, reached) = crate::ground::stopping(step);
        let inbox = inbox(&ground, &calls).observe(observer);
        let running = tokio::spawn(inbox.run(transport.clone(), CancellationToken::new()));
        tokio::time::timeout(PATIENCE, reached.notified()).await.unwrap();
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
    }
    let stop = CancellationToken::new();
    let running = tokio::spawn(inbox(&ground, &calls).run(transport.clone(), stop.clone()));
    ground.until_counted(600).await;
    ground.until_told().await;
    stop.cancel();
    running.await.unwrap().unwrap();
    relay.stop().await;
    assert!(calls.lock().unwrap().iter().all(|events| *events <= 256));
    // A new subscription gets nothing: everything is acknowledged.
    let mut left = transport.subscribe(CONSUMER, &inbox(&ground, &calls).keys()).unwrap();
    let last = ground.event(7, 1, 1);
    let publish = tokio::spawn({
        let (transport, last) = (transport.clone(), last.clone());
        async move { transport.publish(&last).await }
    });
    let delivery = tokio::time::timeout(PATIENCE, left.next()).await.unwrap();
    let bus::transport::Content::Event(event) = &delivery.content else { panic!("an event") };
    assert_eq!(event.id, last.id);
    delivery.ack().await;
    publish.await.unwrap().unwrap();
}
