//! Whoever is erased: nothing that is told of them has any effect any more, whichever way it comes.

use crate::ground::{Counted, Ground, PATIENCE};
use bus::{
    Envelope, Inbox, Outbox, erasure,
    erasure::{Answer, Participant, Tally},
};
use chassis::{Code, Fault};
use jiff::SignedDuration;
use prost::Message as _;
use sqlx::PgConnection;
use std::sync::{Arc, Mutex, atomic::Ordering};
use uuid::Uuid;

/// Whoever is erased in these cases.
const GONE: Uuid = Uuid::from_u128(5);

async fn erase(ground: &Ground, account_id: Uuid) -> Uuid {
    let erasure_id = ground.ids.next();
    let mut conn = ground.pool.acquire().await.unwrap();
    erasure::begin(&mut conn, account_id, erasure_id, ground.clock.now()).await.unwrap();
    erasure_id
}

/// An event of something else that names somebody in its body.
fn naming(ground: &Ground, aggregate: u128, account_id: Uuid) -> Envelope {
    let mut event = ground.event(aggregate, 1, 1);
    // A field that the reader does not know is skipped, and named all the same.
    let body = [event.body.to_vec(), vec![0x12, 36], account_id.to_string().into_bytes()].concat();
    event.body = body.into();
    Counted::decode(event.body.clone()).unwrap();
    event
}

#[tokio::test]
async fn an_event_that_names_them_has_no_effect_and_is_no_dead_letter() {
    let ground = Ground::memory().await;
    erase(&ground, GONE).await;
    let events = [
        ground.event(5, 1, 1),
        ground.event(6, 1, 1),
        naming(&ground, 7, GONE),
        naming(&ground, 8, Uuid::from_u128(9)),
    ];
    ground.inbox().handle(&events).await.unwrap();
    assert_eq!(ground.counted().await, (2, 2, 2), "the neighbours are counted, and nobody else");
    assert_eq!((ground.rows("bus.inbox").await, ground.rows("bus.inbox_retry").await), (4, 0));
    // The same where many are handled at once.
    let many = Inbox::new("many", ground.pool.clone(), ground.tally.clone(), ground.clock.clone())
        .on_many::<Counted>(|_, conn, events| {
            Box::pin(async move {
                for (meta, _) in events {
                    sqlx::query("INSERT INTO tally VALUES ($1, 1, 1, 1, 1)")
                        .bind(Uuid::from_u128(meta.aggregate_id.as_u128() + 100))
                        .execute(&mut *conn)
                        .await?;
                }
                Ok(())
            })
        });
    many.handle(&events).await.unwrap();
    assert_eq!(ground.counted().await, (4, 4, 4));
}

#[tokio::test]
async fn what_ends_something_is_handled_all_the_same() {
    let ground = Ground::memory().await;
    erase(&ground, GONE).await;
    let inbox = ground.inbox().even_of_erased::<Counted>();
    inbox.handle(&[ground.event(5, 1, 1), naming(&ground, 7, GONE)]).await.unwrap();
    assert_eq!(ground.counted().await, (2, 2, 2));
}

#[tokio::test]
async fn whoever_is_merely_named_takes_nothing_from_those_it_is_about() {
    let ground = Ground::memory().await;
    erase(&ground, GONE).await;
    let living = Uuid::from_u128(9);
    let about = Arc::new(Mutex::new(vec![living]));
    let whom = about.clone();
    let inbox = ground.inbox().about(move |_: &Counted| whom.lock().unwrap().clone());
    inbox.handle(&[naming(&ground, 7, GONE), ground.event(5, 1, 1)]).await.unwrap();
    assert_eq!(ground.counted().await, (2, 2, 2));
    // Once it is about them, it has no effect, wherever they are named.
    *about.lock().unwrap() = vec![living, GONE];
    inbox.handle(&[naming(&ground, 8, living)]).await.unwrap();
    assert_eq!(ground.counted().await, (2, 2, 2));
}

#[tokio::test]
async fn what_failed_and_is_about_somebody_else_stays() {
    let ground = Ground::memory().await;
    let refused = |event: Envelope| Envelope { key: ground.refused("fault").key, ..event };
    let (theirs, mut others) = (refused(naming(&ground, 7, GONE)), refused(naming(&ground, 8, GONE)));
    others.body = [others.body.to_vec(), vec![0x1a, 1, b'x']].concat().into();
    ground.inbox().handle(&[theirs.clone(), others.clone()]).await.unwrap();
    assert_eq!(ground.rows("bus.inbox_retry").await, 2);
    let mut conn = ground.pool.acquire().await.unwrap();
    let body = theirs.body.clone();
    let gone = erasure::forget(&mut conn, GONE, |key, found| key == theirs.key && found == &body[..]).await;
    assert_eq!(gone.unwrap(), 1);
    let left: Uuid =
        sqlx::query_scalar("SELECT event_id FROM bus.inbox_retry").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(left, others.id);
}

#[tokio::test]
async fn an_event_that_failed_before_is_not_tried_again_for_them() {
    let ground = Ground::memory().await;
    let refused = Envelope { aggregate_id: GONE, ..ground.refused("fault") };
    ground.inbox().handle(&[refused]).await.unwrap();
    assert_eq!(ground.rows("bus.inbox_retry").await, 1);
    erase(&ground, GONE).await;
    ground.tally.failing.store(false, Ordering::SeqCst);
    ground.advance(SignedDuration::from_secs(6));
    let process = ground.start(ground.declared().await, None);
    candor_tests::eventually("it is given up", PATIENCE, async || ground.rows("bus.inbox_retry").await == 0)
        .await;
    assert_eq!(ground.counted().await, (0, 0, 0));
    process.stop().await;
}

/// A service that keeps one row, and may fail.
#[derive(Clone, Default)]
struct Part {
    shreds: Arc<Mutex<usize>>,
    answers: Arc<Mutex<Vec<(Uuid, bool, Tally)>>>,
    fails: Arc<Mutex<bool>>,
}

impl Participant for Part {
    async fn shred(&self, _: Uuid) -> Result<bool, Fault> {
        *self.shreds.lock().unwrap() += 1;
        Ok(true)
    }

    async fn erase(&self, conn: &mut PgConnection, account_id: Uuid) -> Result<Tally, Fault> {
        let gone =
            sqlx::query("DELETE FROM tally WHERE aggregate_id = $1").bind(account_id).execute(conn).await?;
        if *self.fails.lock().unwrap() {
            return Err(Fault::new(Code::Unavailable, "AWAY", "Away."));
        }
        let mut tally = Tally::new();
        tally.add("counts", gone.rows_affected());
        Ok(tally)
    }

    async fn answer(&self, _: &mut PgConnection, answer: &Answer) -> Result<(), Fault> {
        let said = (answer.erasure_id, answer.shredded_at.is_some(), answer.tally.clone());
        self.answers.lock().unwrap().push(said);
        Ok(())
    }
}

impl Part {
    async fn pass(&self, ground: &Ground) -> usize {
        erasure::run_once(self, &ground.pool, &Outbox::new(), &ground.clock).await.unwrap()
    }

    fn answers(&self) -> Vec<(Uuid, bool, Tally)> {
        self.answers.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn everything_goes_at_once_and_what_came_in_meanwhile_before_the_answer() {
    let ground = Ground::memory().await;
    let part = Part::default();
    ground.inbox().handle(&[ground.event(5, 1, 1), ground.event(6, 1, 1)]).await.unwrap();
    let erasure_id = erase(&ground, GONE).await;
    assert_eq!(part.pass(&ground).await, 1);
    assert_eq!(ground.counted().await.0, 1, "the other's stays");
    assert_eq!((part.pass(&ground).await, part.answers().len()), (0, 0));
    // Somebody wrote with a passport of before.
    sqlx::query("INSERT INTO tally VALUES ($1, 1, 1, 1, 1)").bind(GONE).execute(&ground.pool).await.unwrap();
    ground.advance(SignedDuration::from_mins(2));
    assert_eq!(part.pass(&ground).await, 1);
    let mut tally = Tally::new();
    tally.add("counts", 2);
    assert_eq!(part.answers(), [(erasure_id, true, tally)]);
    let shreds = *part.shreds.lock().unwrap();
    assert_eq!((shreds, ground.counted().await.0), (2, 1));
    ground.advance(SignedDuration::from_hours(1));
    assert_eq!(part.pass(&ground).await, 0, "once is enough");
    // Asked again, it looks again and answers again.
    erase(&ground, GONE).await;
    assert_eq!((part.pass(&ground).await, part.answers().len()), (1, 2));
}

#[tokio::test]
async fn a_pass_that_fails_undoes_nothing_of_the_key_and_is_made_again() {
    let ground = Ground::memory().await;
    let part = Part::default();
    ground.inbox().handle(&[ground.event(5, 1, 1)]).await.unwrap();
    erase(&ground, GONE).await;
    *part.fails.lock().unwrap() = true;
    assert_eq!(part.pass(&ground).await, 1);
    assert_eq!(ground.counted().await.0, 1, "its rows are as they were");
    assert_eq!(part.pass(&ground).await, 0, "the next look is not at once");
    *part.fails.lock().unwrap() = false;
    ground.advance(SignedDuration::from_mins(5));
    assert_eq!((part.pass(&ground).await, part.answers().len()), (1, 0));
    assert_eq!(ground.counted().await.0, 0);
    // Only from here on it is certain that nobody writes any more.
    ground.advance(SignedDuration::from_mins(2));
    assert_eq!((part.pass(&ground).await, part.answers().len()), (1, 1));
}

#[tokio::test]
async fn nothing_that_was_told_of_them_stays_in_the_log_or_among_the_dead() {
    let ground = Ground::memory().await;
    let part = Part::default();
    let (of_them, of_others) = (naming(&ground, 7, GONE), naming(&ground, 8, Uuid::from_u128(9)));
    let dead = Envelope { aggregate_id: GONE, ..ground.refused("malformed") };
    ground.inbox().handle(&[dead, ground.refused("malformed")]).await.unwrap();
    ground.tell(&[of_them.clone(), of_others.clone()]).await;
    erase(&ground, GONE).await;
    part.pass(&ground).await;
    ground.advance(SignedDuration::from_mins(2));
    part.pass(&ground).await;
    assert!(part.answers().is_empty(), "it waits until everything is told");
    let process = ground.start(ground.declared().await, None);
    ground.until_told().await;
    process.stop().await;
    ground.advance(SignedDuration::from_mins(1));
    part.pass(&ground).await;
    assert_eq!(part.answers()[0].2.columns(), (vec!["events".to_owned()], vec![2]));
    let left: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM bus.log").fetch_all(&ground.pool).await.unwrap();
    assert_eq!(left, [of_others.id]);
    assert_eq!(ground.rows("bus.inbox_retry").await, 1);
}
