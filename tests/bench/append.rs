//! Writing an entry: over gRPC and over REST, beside the same two inserts in a transaction of pgbench.

use crate::durable::Watch;
use crate::entries::{ENTRY_BYTES, Writers, expect};
use crate::ground::{Candor, Ground};
use crate::http::Http;
use crate::load::{Channels, Measure, Outcome, closed};
use crate::people::People;
use crate::pgbench::Pgbench;
use crate::rounds::{P99, RATE, side, take};
use crate::table::{Goal, Row};
use std::cell::Cell;

/// How many people write.
const MEMBERS: usize = 256;
/// Bytes of a sealed entry: version, key, nonce and tag beside the text.
const SEALED_BYTES: usize = ENTRY_BYTES + 45;
/// Bytes of the event that tells of an entry: 117 or 119, by its nanoseconds.
const EVENT_BYTES: usize = 118;
/// Calls that share a connection.
const PER_CONNECTION: usize = 32;

const GRPC: &str = "gRPC, 32 in flight, event waiting in the outbox";
const MANY: &str = "gRPC, 128 in flight, event waiting in the outbox";
const REST: &str = "REST, 32 in flight, event waiting in the outbox";
const TOLD: &str = "gRPC, 32 in flight, events told meanwhile";
const MANY_TOLD: &str = "gRPC, 128 in flight, events told meanwhile";
const BUSY: &str = "gRPC, 32 in flight, events told and handled meanwhile";
const PGBENCH: &str = "pgbench, 32 clients";
const PGBENCH_MANY: &str = "pgbench, 128 clients";

/// The two inserts of an entry and its event, with the ids and sizes ours have, in one transaction.
pub(crate) const TWO_INSERTS: &str = r"
\set account random(1, 256)
\set entry random(0, 4611686018427387904)
\set event random(0, 4611686018427387904)
BEGIN;
INSERT INTO entries (account_id, entry_id, body, title, entry_time, time_zone, mood_id, create_time, request_mac)
  VALUES (lpad(to_hex(:account::int8),32,'0')::uuid, (lpad(to_hex((extract(epoch FROM clock_timestamp())*1000)::int8),12,'0')||'7'||lpad(to_hex(:entry::int8),19,'8'))::uuid,
          :body, NULL, clock_timestamp(), 'Europe/Berlin', NULL, clock_timestamp(), :mac);
INSERT INTO bus.outbox (id, key, aggregate_id, version, time, traceparent, body)
  VALUES ((lpad(to_hex((extract(epoch FROM clock_timestamp())*1000)::int8),12,'0')||'7'||lpad(to_hex(:event::int8),19,'8'))::uuid, 'journal.v1.entry_written',
          lpad(to_hex(:entry::int8),32,'0')::uuid, 1, clock_timestamp(), '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', :told);
COMMIT;
";

/// What pgbench writes for a sealed entry, its MAC and its event.
pub(crate) fn variables() -> Vec<(&'static str, String)> {
    let bytes = |count: usize| format!("\\x{}", "5a".repeat(count));
    vec![("body", bytes(SEALED_BYTES)), ("mac", bytes(32)), ("told", bytes(EVENT_BYTES))]
}

/// What pgbench writes is as large as what Candor wrote; an event's times take a byte or two more or less.
async fn sizes_are_ours(candor: &Candor) {
    let of_entries = "SELECT avg(octet_length(body))::float8 FROM entries";
    let of_events =
        "SELECT avg(octet_length(body))::float8 FROM bus.log WHERE key = 'journal.v1.entry_written'";
    for (query, bytes) in [(of_entries, SEALED_BYTES), (of_events, EVENT_BYTES)] {
        let average: f64 = sqlx::query_scalar(query).fetch_one(candor.pool("journal")).await.unwrap();
        assert!(
            (average - bytes as f64).abs() <= 3.0,
            "{average} bytes, where pgbench writes {bytes}: {query}"
        );
    }
}

/// Measures the section.
pub(crate) async fn measure(ground: &Ground) -> Vec<Row> {
    let url = ground.bare_journal("append").await;
    let variables = variables();
    let pgbench = Pgbench { url: &url, script: TWO_INSERTS, variables: &variables };
    let mut candor = ground.candor("append").await;
    let desk = Desk::open(&candor).await;
    let time = ground.arguments.turn;

    // First with everything that follows from an entry on the same cores, then without those who hear of it, then the write
    // alone: its event waits in the outbox, as the row beside it does.
    let all = take(
        ground,
        vec![
            side(BUSY, || desk.grpc(ground, &candor, 32, &["reminders", "content"])),
            side(PGBENCH, || pgbench.run(32, time)),
        ],
    )
    .await;
    candor.without(&["reminders", "content"]).await;
    let rounds = take(
        ground,
        vec![
            side(GRPC, || desk.alone(ground, &candor, 32)),
            side(PGBENCH, || pgbench.run(32, time)),
            side(REST, || desk.rest(ground, &candor, 32)),
            side(MANY, || desk.alone(ground, &candor, 128)),
            side(PGBENCH_MANY, || pgbench.run(128, time)),
            side(TOLD, || desk.grpc(ground, &candor, 32, &[])),
            side(MANY_TOLD, || desk.grpc(ground, &candor, 128, &[])),
        ],
    )
    .await;
    desk.writers.check(&candor).await;
    sizes_are_ours(&candor).await;
    candor.stop().await;

    let row = |figure: &str, ours, other, of, unit, goal| Row {
        figure: format!("write entry, {figure}"),
        ours: rounds.median(ours, of),
        beside: other,
        denominator: Some(rounds.median(other, of)),
        ratio: Some(rounds.ratio(ours, other, of)),
        unit,
        goal,
    };
    vec![
        row(GRPC, GRPC, PGBENCH, RATE, "/s", Goal::AtLeast(1.0)),
        row(MANY, MANY, PGBENCH_MANY, RATE, "/s", Goal::AtLeast(2.0)),
        row(
            "gRPC, 32 in flight, event waiting in the outbox, p99",
            GRPC,
            PGBENCH,
            P99,
            "ms",
            Goal::AtMost(1.5),
        ),
        row(
            "gRPC, 128 in flight, event waiting in the outbox, p99",
            MANY,
            PGBENCH_MANY,
            P99,
            "ms",
            Goal::AtMost(1.5),
        ),
        row(REST, REST, PGBENCH, RATE, "/s", Goal::AtLeast(0.65)),
        row(TOLD, TOLD, PGBENCH, RATE, "/s", Goal::None),
        row(MANY_TOLD, MANY_TOLD, PGBENCH_MANY, RATE, "/s", Goal::None),
        Row {
            figure: format!("write entry, {BUSY}"),
            ours: all.median(BUSY, RATE),
            beside: PGBENCH,
            denominator: Some(all.median(PGBENCH, RATE)),
            ratio: Some(all.ratio(BUSY, PGBENCH, RATE)),
            unit: "/s",
            goal: Goal::None,
        },
    ]
}

/// Those who write, and where to.
struct Desk {
    people: People,
    writers: Writers,
    channels: Channels,
    http: Http,
    kept: Cell<u64>,
}

impl Desk {
    async fn open(candor: &Candor) -> Self {
        let people = People::enrol(candor, MEMBERS).await;
        let address = format!("http://{}", candor.five.address("journal"));
        Self {
            writers: Writers::new(&people),
            people,
            channels: Channels::connect(&address, 128 / PER_CONNECTION).await,
            http: Http::new(format!("http://{}", candor.five.address("gateway"))),
            kept: Cell::new(0),
        }
    }

    /// A turn over gRPC, while events are told to whoever hears of them.
    async fn grpc(&self, ground: &Ground, candor: &Candor, in_flight: usize, consumers: &[&str]) -> Measure {
        let outcome = self.write(ground, candor, in_flight).await;
        self.settled(candor, outcome, consumers).await
    }

    /// A turn over gRPC; events are told afterwards.
    async fn alone(&self, ground: &Ground, candor: &Candor, in_flight: usize) -> Measure {
        let silence = ground.silence();
        let outcome = self.write(ground, candor, in_flight).await;
        drop(silence);
        self.settled(candor, outcome, &[]).await
    }

    async fn write(&self, ground: &Ground, candor: &Candor, in_flight: usize) -> Outcome {
        self.people.renew(candor).await;
        let watch = Watch::begin(candor.pool("journal")).await;
        let (writers, channels) = (self.writers.clone(), self.channels.first(in_flight / PER_CONNECTION));
        let people = self.people.clone();
        let outcome = closed(in_flight, ground.arguments.turn, move |lane, call| {
            let (writers, wire, member) = (writers.clone(), channels.wire(lane), people.pick(lane, call));
            async move { writers.write(wire, member, call).await }
        });
        let outcome = outcome.await;
        watch.carried(outcome.answered).await;
        outcome
    }

    /// A turn over HTTP; events are told afterwards.
    async fn rest(&self, ground: &Ground, candor: &Candor, in_flight: usize) -> Measure {
        let watch = Watch::begin(candor.pool("journal")).await;
        let silence = ground.silence();
        let (writers, http, people) = (self.writers.clone(), self.http.clone(), self.people.clone());
        let outcome = closed(in_flight, ground.arguments.turn, move |lane, call| {
            let (writers, http, member) = (writers.clone(), http.clone(), people.pick(lane, call));
            async move { writers.post(&http, member, call).await }
        });
        let outcome = outcome.await;
        drop(silence);
        watch.carried(outcome.answered).await;
        self.settled(candor, outcome, &[]).await
    }

    /// Looks at what was written, and lets what follows from it come to an end: the next turn begins in silence.
    async fn settled(&self, candor: &Candor, outcome: Outcome, consumers: &[&str]) -> Measure {
        self.kept.set(expect(candor, self.kept.get(), outcome.answered).await);
        candor.settle(consumers).await;
        outcome.measure
    }
}
