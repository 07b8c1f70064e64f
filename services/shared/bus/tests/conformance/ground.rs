//! What every case stands on: a database with the bus's tables and a table that handlers write to, a
//! transport, a clock that stands still, and processes that can be killed.

use bus::{
    Config, Envelope, HandlerError, Inbox, Meta, Outbox, Transport, outbox,
    relay::Relay,
    step::{Observer, Step},
};
use candor_tests::{Database, eventually, postgres};
use chassis::{Clock, Ids};
use futures::{FutureExt as _, future::BoxFuture};
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, PgPool};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const CONSUMER: &str = "tally";
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Something was counted.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Counted {
    #[prost(int64, tag = "1")]
    pub(crate) amount: i64,
}

impl prost::Name for Counted {
    const NAME: &'static str = "Counted";
    const PACKAGE: &'static str = "candor.test.v1";
}

/// Something whose handler fails as it says, as long as [`Tally::failing`] is set.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Refused {
    #[prost(string, tag = "1")]
    pub(crate) how: String,
}

impl prost::Name for Refused {
    const NAME: &'static str = "Refused";
    const PACKAGE: &'static str = "candor.test.v1";
}

/// What the handlers know.
#[derive(Clone)]
pub(crate) struct Tally {
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    pub(crate) failing: Arc<AtomicBool>,
    pub(crate) traceparent: Arc<std::sync::Mutex<Option<String>>>,
}

enum Wire {
    Memory,
    Rabbit(Config),
}

pub(crate) struct Ground {
    pub(crate) database: Database,
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) leases: Clock,
    pub(crate) ids: Ids,
    pub(crate) tally: Tally,
    wire: Wire,
}

impl Ground {
    pub(crate) async fn memory() -> Self {
        Self::on(Wire::Memory).await
    }

    pub(crate) async fn rabbit() -> Self {
        let broker = candor_tests::rabbit().await;
        Self::on_broker(broker.url, broker.exchange).await
    }

    pub(crate) async fn on_broker(amqp_url: String, exchange: String) -> Self {
        Self::on(Wire::Rabbit(Config { amqp_url, exchange })).await
    }

    async fn on(wire: Wire) -> Self {
        let database = postgres().await;
        let pool = database.pool().clone();
        bus::migrate(&pool).await.unwrap();
        sqlx::raw_sql(
            "CREATE TABLE tally (aggregate_id uuid PRIMARY KEY, handled bigint NOT NULL, total bigint NOT NULL,
                                 version bigint NOT NULL, latest bigint NOT NULL);
             CREATE TABLE late (n integer UNIQUE DEFERRABLE INITIALLY DEFERRED);",
        )
        .execute(&pool)
        .await
        .unwrap();
        let start: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let (clock, leases) = (Clock::manual(start), Clock::manual(start));
        let ids = Ids::new(clock.clone());
        let tally = Tally {
            ids: ids.clone(),
            clock: clock.clone(),
            failing: Arc::new(AtomicBool::new(true)),
            traceparent: Arc::default(),
        };
        Self { database, pool, clock, leases, ids, tally, wire }
    }

    /// A transport as one process makes it.
    pub(crate) fn transport(&self) -> Transport {
        match &self.wire {
            Wire::Memory => Transport::memory(&[(CONSUMER, self.inbox().keys())]),
            Wire::Rabbit(config) => Transport::rabbit(config).unwrap(),
        }
    }

    /// A transport whose consumer has its queue already.
    pub(crate) async fn declared(&self) -> Transport {
        let transport = self.transport();
        bus::declare(&transport, CONSUMER, &self.inbox().keys()).await.unwrap();
        transport
    }

    pub(crate) fn exchange(&self) -> Option<&Config> {
        match &self.wire {
            Wire::Memory => None,
            Wire::Rabbit(config) => Some(config),
        }
    }

    pub(crate) fn inbox(&self) -> Inbox<Tally> {
        self.inbox_on(self.pool.clone())
    }

    pub(crate) fn inbox_on(&self, pool: PgPool) -> Inbox<Tally> {
        Inbox::new(CONSUMER, pool, self.tally.clone(), self.clock.clone())
            .on::<Counted>(|tally, conn, meta, event| Box::pin(count(tally, conn, meta, event)))
            .on::<Refused>(|tally, conn, meta, event| Box::pin(refuse(tally, conn, meta, event)))
    }

    pub(crate) fn event(&self, aggregate: u128, version: i64, amount: i64) -> Envelope {
        let id = Uuid::from_u128(aggregate);
        Envelope::new(self.ids.next(), self.clock.now(), id, version, &Counted { amount })
    }

    pub(crate) fn refused(&self, how: &str) -> Envelope {
        let event = Refused { how: how.to_owned() };
        Envelope::new(self.ids.next(), self.clock.now(), Uuid::from_u128(666), 1, &event)
    }

    /// Commits events to the outbox, as a service would.
    pub(crate) async fn tell(&self, events: &[Envelope]) {
        let mut tx = self.pool.begin().await.unwrap();
        outbox::append(&mut tx, events).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A process: a relay and an inbox on one transport; it stops for ever at a step, if one is given.
    pub(crate) fn start(&self, transport: Transport, stop_at: Option<Step>) -> Process {
        let stopped = Arc::new(Notify::new());
        let observer = stop_at.map(|step| stop_once(step, Arc::clone(&stopped)));
        Process { stopped, ..self.start_observed(transport, observer) }
    }

    /// The same with somebody who is told of every step.
    pub(crate) fn start_observed(&self, transport: Transport, observer: Option<Observer>) -> Process {
        let outbox = Outbox::new();
        let mut relay = Relay::new(self.pool.clone(), outbox.clone(), transport.clone(), self.clock.clone())
            .lease_clock(self.leases.clone());
        let mut inbox = self.inbox().outbox(outbox.clone());
        if let Some(observer) = observer {
            relay = relay.observe(Arc::clone(&observer));
            inbox = inbox.observe(observer);
        }
        let mut tasks = JoinSet::new();
        let shutdown = CancellationToken::new();
        tasks.spawn(relay.run(shutdown.clone()));
        tasks.spawn(inbox.run(transport, shutdown.clone()).map(|ended| ended.unwrap()));
        Process { tasks, shutdown, stopped: Arc::default(), outbox }
    }

    /// A process that publishes and handles nothing.
    pub(crate) fn start_relay(&self, transport: Transport) -> Process {
        let (outbox, shutdown) = (Outbox::new(), CancellationToken::new());
        let relay = Relay::new(self.pool.clone(), outbox.clone(), transport, self.clock.clone())
            .lease_clock(self.leases.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(relay.run(shutdown.clone()));
        Process { tasks, shutdown, stopped: Arc::default(), outbox }
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.clock.set(self.clock.now() + by);
    }

    /// The leases of whoever died run out.
    pub(crate) fn leases_end(&self) {
        self.leases.set(self.leases.now() + SignedDuration::from_mins(5));
    }

    /// `(aggregates, handled, total)` over the whole table.
    pub(crate) async fn counted(&self) -> (i64, i64, i64) {
        sqlx::query_as(
            "SELECT count(*), coalesce(sum(handled), 0)::bigint, coalesce(sum(total), 0)::bigint FROM tally",
        )
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    pub(crate) async fn rows(&self, table: &str) -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&self.pool).await.unwrap()
    }

    /// Waits until so many effects are committed, and says that there are no more.
    pub(crate) async fn until_counted(&self, handled: i64) {
        eventually("the events are handled", PATIENCE, async || self.counted().await.1 >= handled).await;
        assert_eq!(self.counted().await.1, handled, "an event took effect twice");
    }

    /// Waits until nothing waits in the outbox.
    pub(crate) async fn until_told(&self) {
        eventually("the outbox is empty", PATIENCE, async || self.rows("bus.outbox").await == 0).await;
    }
}

/// Tasks that share their fate.
pub(crate) struct Process {
    tasks: JoinSet<()>,
    shutdown: CancellationToken,
    stopped: Arc<Notify>,
    pub(crate) outbox: Outbox,
}

impl Process {
    /// Waits until the process hangs at its step.
    pub(crate) async fn hangs(&self) {
        tokio::time::timeout(PATIENCE, self.stopped.notified()).await.expect("the step is reached");
    }

    /// Ends it between two instructions.
    pub(crate) async fn kill(mut self) {
        self.tasks.shutdown().await;
    }

    /// Lets it end as it would on SIGTERM.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        tokio::time::timeout(PATIENCE, ended).await.expect("the process ends");
    }
}

/// Stops whoever it observes at a step, and says so.
pub(crate) fn stopping(at: Step) -> (Observer, Arc<Notify>) {
    let reached = Arc::new(Notify::new());
    (stop_once(at, Arc::clone(&reached)), reached)
}

fn stop_once(at: Step, stopped: Arc<Notify>) -> Observer {
    Arc::new(move |step| -> BoxFuture<'static, ()> {
        let stopped = Arc::clone(&stopped);
        Box::pin(async move {
            if step == at {
                stopped.notify_one();
                std::future::pending::<()>().await;
            }
        })
    })
}

/// Counts every event once, and keeps the latest amount by version.
async fn count(
    tally: &Tally,
    conn: &mut PgConnection,
    meta: &Meta,
    event: Counted,
) -> Result<(), HandlerError> {
    sqlx::query(
        "INSERT INTO tally AS t VALUES ($1, 1, $3, $2, $3)
         ON CONFLICT (aggregate_id) DO UPDATE SET
             handled = t.handled + 1, total = t.total + excluded.total,
             latest = CASE WHEN excluded.version > t.version THEN excluded.latest ELSE t.latest END,
             version = GREATEST(t.version, excluded.version)",
    )
    .bind(meta.aggregate_id)
    .bind(meta.version)
    .bind(event.amount)
    .execute(conn)
    .await?;
    *tally.traceparent.lock().unwrap() = chassis::telemetry::propagate::inject_current();
    Ok(())
}

async fn refuse(
    tally: &Tally,
    conn: &mut PgConnection,
    meta: &Meta,
    event: Refused,
) -> Result<(), HandlerError> {
    if !tally.failing.load(Ordering::SeqCst) {
        return count(tally, conn, meta, Counted { amount: 1 }).await;
    }
    // Must leave no trace.
    sqlx::query("INSERT INTO tally VALUES ($1, 1, 1, 1, 1)")
        .bind(Uuid::from_u128(667))
        .execute(&mut *conn)
        .await?;
    match event.how.as_str() {
        "panic" => panic!("as told"),
        "fault" => Err(chassis::Fault::new(chassis::Code::FailedPrecondition, "NOT_YET", "Not yet.").into()),
        "away" => Err(chassis::Fault::new(chassis::Code::Unavailable, "AWAY", "Away.").into()),
        "collision" => Err(chassis::Fault::new(chassis::Code::Aborted, "COLLIDED", "Again.").into()),
        "malformed" => Err(HandlerError::Malformed("NO_SUCH_KIND")),
        // Fails at the commit, not at the statement.
        "late" => Ok(sqlx::query("INSERT INTO late VALUES (1), (1)").execute(conn).await.map(drop)?),
        // An error the handler does not report: the transaction is aborted all the same.
        "hidden" => {
            let _ = sqlx::query("SELECT 1 / 0").execute(conn).await;
            Ok(())
        }
        _ => Ok(sqlx::query("SELECT 1 / 0").execute(conn).await.map(drop)?),
    }
}
