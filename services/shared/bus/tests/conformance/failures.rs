//! Poison: five attempts, then dead, with neighbours unhurt; replayed by command.

use crate::ground::{CONSUMER, Ground, PATIENCE};
use bus::{Envelope, replay, replay::DeadLetter};
use bytes::Bytes;
use candor_tests::eventually;
use jiff::SignedDuration;
use lapin::{BasicProperties, ConnectionProperties, options::BasicPublishOptions};
use std::sync::atomic::Ordering;

over_both!(
    poison_dies_after_five_attempts_and_neighbours_live,
    dead_letters_are_replayed_one_by_one_and_all,
    an_outage_behind_a_handler_costs_no_attempts,
    what_cannot_be_decoded_is_dead_at_once,
);

const POISONS: [&str; 5] = ["error", "fault", "panic", "late", "hidden"];

async fn attempts(ground: &Ground) -> Vec<i32> {
    sqlx::query_scalar("SELECT attempts FROM bus.inbox_retry ORDER BY event_id")
        .fetch_all(&ground.pool)
        .await
        .unwrap()
}

async fn dead(ground: &Ground) -> Vec<DeadLetter> {
    replay::list(&mut ground.pool.acquire().await.unwrap(), None).await.unwrap()
}

/// Poison of every kind among neighbours, told and dead after its attempts.
async fn poisoned(ground: &Ground) -> crate::ground::Process {
    let process = ground.start(ground.declared().await, None);
    let mut events: Vec<_> = (0..20).map(|n| ground.event(n, 1, 1)).collect();
    for (place, how) in POISONS.into_iter().enumerate() {
        events.insert(place * 4, ground.refused(how));
    }
    ground.tell(&events).await;
    process.outbox.wake();
    for attempt in 1..=5 {
        eventually("each poison was tried again", PATIENCE, async || attempts(ground).await == [attempt; 5])
            .await;
        // The neighbours never wait for the poison.
        ground.until_counted(20).await;
        ground.advance(SignedDuration::from_secs(625));
    }
    process
}

async fn poison_dies_after_five_attempts_and_neighbours_live(ground: Ground) {
    let process = poisoned(&ground).await;
    let letters = dead(&ground).await;
    let mut reasons: Vec<_> = letters.iter().map(|letter| letter.reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["NOT_YET", "PANIC", "SQL 22012", "SQL 23505 late_n_key", "SQL 25P02"]);
    assert!(letters.iter().all(|letter| letter.attempts == 5 && letter.key == "test.v1.refused"));
    // Neither a neighbour nor anything the poison wrote.
    assert_eq!(ground.counted().await, (20, 20, 20));
    assert_eq!(ground.rows("late").await, 0);
    assert_eq!(ground.rows("bus.outbox").await, 0);
    process.stop().await;
}

async fn dead_letters_are_replayed_one_by_one_and_all(ground: Ground) {
    let process = poisoned(&ground).await;
    let letters = dead(&ground).await;
    let mut conn = ground.pool.acquire().await.unwrap();
    let now = ground.clock.now();
    assert!(!replay::one(&mut conn, CONSUMER, uuid::Uuid::from_u128(1), now).await.unwrap());
    ground.tally.failing.store(false, Ordering::SeqCst);
    assert!(replay::one(&mut conn, CONSUMER, letters[0].event_id, now).await.unwrap());
    ground.until_counted(21).await;
    eventually("it is no dead letter any more", PATIENCE, async || dead(&ground).await.len() == 4).await;
    assert_eq!(replay::all(&mut conn, Some("another"), now).await.unwrap(), 0);
    assert_eq!(replay::all(&mut conn, None, now).await.unwrap(), 4);
    ground.until_counted(25).await;
    eventually("nothing is kept aside", PATIENCE, async || ground.rows("bus.inbox_retry").await == 0).await;
    process.stop().await;
}

async fn an_outage_behind_a_handler_costs_no_attempts(ground: Ground) {
    let process = ground.start(ground.declared().await, None);
    ground.tell(&[ground.refused("away"), ground.event(1, 1, 1)]).await;
    ground.until_counted(1).await;
    let next_at = async || -> Option<jiff_sqlx::Timestamp> {
        sqlx::query_scalar("SELECT next_at FROM bus.inbox_retry").fetch_one(&ground.pool).await.unwrap()
    };
    for _ in 0..8 {
        let before = next_at().await.unwrap().to_jiff();
        ground.advance(SignedDuration::from_secs(6));
        eventually("it was tried", PATIENCE, async || next_at().await.unwrap().to_jiff() > before).await;
    }
    assert_eq!(attempts(&ground).await, [0]);
    ground.tally.failing.store(false, Ordering::SeqCst);
    ground.advance(SignedDuration::from_secs(6));
    ground.until_counted(2).await;
    process.stop().await;
}

async fn what_cannot_be_decoded_is_dead_at_once(ground: Ground) {
    let process = ground.start(ground.declared().await, None);
    let broken = Envelope { body: Bytes::from_static(&[0xff; 3]), ..ground.event(1, 1, 1) };
    ground.tell(&[broken.clone(), ground.refused("malformed"), ground.event(2, 1, 1)]).await;
    ground.until_counted(1).await;
    let letters = dead(&ground).await;
    let reasons: Vec<_> = letters.iter().map(|letter| letter.reason.as_str()).collect();
    assert_eq!(reasons, ["UNDECODABLE", "NO_SUCH_KIND"]);
    assert_eq!(letters[0].event_id, broken.id);
    process.stop().await;
}

/// Something else writes into our queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbit_a_foreign_message_is_dead_at_once() {
    let ground = Ground::rabbit().await;
    let process = ground.start(ground.declared().await, None);
    let config = ground.exchange().unwrap();
    let connection =
        lapin::Connection::connect(&config.amqp_url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    for _ in 0..2 {
        let (exchange, key) = (config.exchange.as_str().into(), "test.v1.counted".into());
        let options = BasicPublishOptions::default();
        channel
            .basic_publish(exchange, key, options, b"hello", BasicProperties::default())
            .await
            .unwrap()
            .await
            .unwrap();
    }
    ground.tell(&[ground.event(1, 1, 1)]).await;
    ground.until_counted(1).await;
    eventually("it is dead", PATIENCE, async || dead(&ground).await.len() == 1).await;
    assert_eq!(dead(&ground).await[0].reason, "FOREIGN");
    process.stop().await;
}

/// A process that dies of the same event again and again: the broker gives the event up, and the next living
/// process files it as dead instead of losing it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbit_an_event_that_kills_its_process_ends_as_a_dead_letter() {
    let ground = Ground::rabbit().await;
    let transport = ground.declared().await;
    let (deadly, keys) = (ground.event(1, 1, 1), ground.inbox().keys());
    transport.publish(&deadly).await.unwrap();
    for _ in 0..51 {
        let mut subscription = transport.subscribe(CONSUMER, &keys).unwrap();
        let delivery = tokio::time::timeout(PATIENCE, subscription.next()).await.unwrap();
        if matches!(delivery.content, bus::transport::Content::Exhausted(_)) {
            break;
        }
    }
    let process = ground.start(transport, None);
    eventually("it is dead", PATIENCE, async || dead(&ground).await.len() == 1).await;
    let letter = &dead(&ground).await[0];
    assert_eq!((letter.event_id, letter.reason.as_str()), (deadly.id, "DELIVERY_LIMIT"));
    replay::all(&mut ground.pool.acquire().await.unwrap(), None, ground.clock.now()).await.unwrap();
    ground.until_counted(1).await;
    process.stop().await;
}
