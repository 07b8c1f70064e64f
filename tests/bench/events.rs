//! Events: from the commit that makes one true, over the broker, to the commit of whoever handles it. Commits are dated
//! by PostgreSQL itself. Beside it: RabbitMQ with a bare client, on the same kind of queue.

use crate::broker;
use crate::durable::Watch;
use crate::entries::Writers;
use crate::ground::{Candor, Ground};
use crate::load::{self, Channels, Measure, WARM_UP, paced};
use crate::people::{Couples, People};
use crate::rounds::{P50, P99, RATE, side, take};
use crate::table::{Goal, Row};
use candor_proto::journal::v1::DataRead;
use prost::Message as _;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// Events of a flood.
const FLOOD: usize = 20_000;
/// Events of a commit, as when many are written together.
const OF_A_COMMIT: usize = 50;
/// Receipts that the events are about.
const RECEIPTS: usize = 2_000;
/// Entries a second, where it is about time.
const PACE: u32 = 500;

const OURS: &str = "events: committed, confirmed, handled";
const BARE: &str = "bare lapin, quorum queue";
const OURS_PACED: &str = "events at 500/s, commit to handled";
const BARE_PACED: &str = "bare lapin, publish to delivery";

/// Measures the section.
pub(crate) async fn measure(ground: &Ground) -> Vec<Row> {
    let candor = ground.candor("events").await;
    let desk = Desk::open(&candor).await;
    let (time, amqp) = (ground.arguments.turn, ground.amqp_url());
    let rounds = take(
        ground,
        vec![
            side(OURS, || desk.flood(&candor)),
            side(BARE, || broker::flood(&amqp, FLOOD)),
            side(OURS_PACED, || desk.paced(&candor, time)),
            side(BARE_PACED, || broker::paced(&amqp, PACE, time)),
        ],
    )
    .await;
    candor.stop().await;
    let row = |figure: &str, ours, other, of, unit, goal| Row {
        figure: figure.to_owned(),
        ours: rounds.median(ours, of),
        beside: other,
        denominator: Some(rounds.median(other, of)),
        ratio: Some(rounds.ratio(ours, other, of)),
        unit,
        goal,
    };
    vec![
        row(OURS, OURS, BARE, RATE, "/s", Goal::FigureAtLeast(5000.0)),
        row(
            "events at 500/s, commit to handled, p50",
            OURS_PACED,
            BARE_PACED,
            P50,
            "ms",
            Goal::FigureAtMost(10.0),
        ),
        row(
            "events at 500/s, commit to handled, p99",
            OURS_PACED,
            BARE_PACED,
            P99,
            "ms",
            Goal::FigureAtMost(25.0),
        ),
    ]
}

struct Desk {
    people: People,
    writers: Writers,
    channels: Channels,
    /// Receipt, owner, reader.
    receipts: Vec<(Uuid, Uuid, Uuid)>,
}

impl Desk {
    async fn open(candor: &Candor) -> Self {
        let people = People::enrol(candor, 256).await;
        let (owners, readers) =
            (People::enrol(candor, RECEIPTS).await, People::enrol(candor, RECEIPTS).await);
        Couples::link(candor, &owners, &readers).await;
        let receipts = sqlx::query_as(RECEIPTS_OF_COUPLES).fetch_all(candor.pool("accounts")).await.unwrap();
        assert_eq!(receipts.len(), RECEIPTS);
        let channels = Channels::connect(&format!("http://{}", candor.five.address("journal")), 4).await;
        Self { writers: Writers::new(&people), people, channels, receipts }
    }

    /// Commits events as fast as the database takes them, and waits until accounts has handled all. Each is a read that
    /// makes a receipt count.
    async fn flood(&self, candor: &Candor) -> Measure {
        let ids = load::ids();
        let (journal, accounts) = (candor.pool("journal"), candor.pool("accounts"));
        let before = candor.count("accounts", "bus.inbox").await;
        sqlx::query("UPDATE receipt SET read_at = NULL, item_ids = '{}'").execute(accounts).await.unwrap();
        let began: i64 = sqlx::query_scalar(NOW).fetch_one(journal).await.unwrap();
        let watch = Watch::begin(journal).await;
        let mut receipts = self.receipts.iter().cycle();
        for _ in 0..FLOOD / OF_A_COMMIT {
            let (mut events, mut about, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
            for (receipt_id, owner_id, reader_id) in receipts.by_ref().take(OF_A_COMMIT) {
                let event = DataRead {
                    receipt_id: receipt_id.to_string(),
                    owner_account_id: owner_id.to_string(),
                    reader_account_id: reader_id.to_string(),
                    item_ids: vec![receipt_id.to_string()],
                    ..DataRead::default()
                };
                events.push(ids.next());
                about.push(*receipt_id);
                bodies.push(event.encode_to_vec());
            }
            sqlx::query(TELL).bind(&events).bind(&about).bind(&bodies).execute(journal).await.unwrap();
        }
        candor.settle(&["accounts"]).await;
        watch.carried(FLOOD as u64).await;
        let handled = candor.count("accounts", "bus.inbox").await - before;
        assert_eq!(handled, FLOOD as u64, "every event is handled, once");
        let counted = candor.count("accounts", "receipt WHERE cardinality(item_ids) = 1").await;
        assert_eq!(counted, RECEIPTS as u64, "every receipt counts");
        assert_eq!(candor.count("accounts", "bus.inbox_retry").await, 0, "no event failed");
        let ended: i64 = sqlx::query_scalar(LAST_HANDLED).fetch_one(accounts).await.unwrap();
        let seconds = Duration::from_micros(u64::try_from(ended - began).unwrap()).as_secs_f64();
        Measure { rate: FLOOD as f64 / seconds, p50: f64::NAN, p99: f64::NAN }
    }

    /// Lets people write at a pace, and sees how long after the commit of an entry reminders has committed what follows
    /// from it.
    async fn paced(&self, candor: &Candor, time: Duration) -> Measure {
        self.people.renew(candor).await;
        let since: i64 = sqlx::query_scalar(NOW).fetch_one(candor.pool("journal")).await.unwrap();
        let watch = Watch::begin(candor.pool("journal")).await;
        let (writers, people, channels) = (self.writers.clone(), self.people.clone(), self.channels.clone());
        let outcome = paced(PACE, time, move |_, call| {
            let lane = usize::try_from(call).unwrap_or_default();
            let (writers, wire, member) = (writers.clone(), channels.wire(lane), people.pick(0, call));
            async move { writers.write(wire, member, call).await }
        });
        let answered = outcome.await.answered;
        watch.carried(answered).await;
        candor.settle(&["reminders", "content"]).await;
        let written: Vec<(Uuid, i64)> =
            sqlx::query_as(WRITTEN).bind(since).fetch_all(candor.pool("journal")).await.unwrap();
        assert_eq!(written.len() as u64, answered, "an event of every entry");
        let handled: Vec<(Uuid, i64)> =
            sqlx::query_as(HANDLED).fetch_all(candor.pool("reminders")).await.unwrap();
        let handled: HashMap<Uuid, i64> = handled.into_iter().collect();
        let warm = since + i64::try_from(WARM_UP.as_micros()).expect("microseconds of a moment");
        let latencies = written.iter().filter_map(|(event, at)| {
            let handled = handled.get(event).expect("every event is handled");
            let latency = u32::try_from(handled - at).expect("an event is handled after its commit");
            (*at >= warm).then_some(latency)
        });
        let measure = Measure::of(latencies.collect(), time);
        self.writers.check(candor).await;
        measure
    }
}

/// Microseconds since 1970, by the database's clock.
const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

const RECEIPTS_OF_COUPLES: &str = "
    INSERT INTO receipt (owner_id, receipt_id, reader_id, session_id, relation, relation_id, scope, purpose, epoch,
                         opened_at, hour)
    SELECT m.account_id, gen_random_uuid(), m.partner_id, s.session_id, 'partner', m.couple_id, 1, 0, 0, now(), 0
    FROM couple_member m JOIN session s ON s.account_id = m.partner_id
    WHERE m.account_id < m.partner_id
    RETURNING receipt_id, owner_id, reader_id";

const TELL: &str = "
    INSERT INTO bus.outbox (id, key, aggregate_id, version, time, traceparent, body)
    SELECT id, 'journal.v1.data_read', about, 1, now(), NULL, body
    FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS told (id, about, body)";

const LAST_HANDLED: &str = "
    SELECT (extract(epoch FROM max(pg_xact_commit_timestamp(xmin))) * 1000000)::bigint FROM bus.inbox";

const WRITTEN: &str = "
    SELECT l.id, (extract(epoch FROM pg_xact_commit_timestamp(e.xmin)) * 1000000)::bigint
    FROM bus.log l JOIN entries e ON e.entry_id = l.aggregate_id
    WHERE l.key = 'journal.v1.entry_written' AND l.published_at >= to_timestamp($1 / 1000000.0)";

const HANDLED: &str = "
    SELECT event_id, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint
    FROM bus.inbox WHERE consumer = 'reminders'";
