//! Reading the timeline: pages of twenty entries, opened, beside pgbench reading the same rows.

use crate::entries::{Writers, expect, text};
use crate::ground::{Candor, Ground};
use crate::load::{Channels, Measure, closed, exactly};
use crate::people::People;
use crate::pgbench::Pgbench;
use crate::rounds::{P50, P99, RATE, side, take};
use crate::table::{Goal, Row};
use candor_proto::journal::v1::{Entry, ListEntriesRequest, ListEntriesResponse};
use sqlx::AssertSqlSafe;
use std::time::Duration;
use uuid::Uuid;

/// Those who read the first page of theirs.
const READERS: usize = 128;
/// Entries of each.
const ENTRIES: u64 = 60;
/// Entries of somebody who has written for years: a thousand pages and one.
const MANY_ENTRIES: u64 = 20_020;
const PAGE: i32 = 20;

/// The rows of a page.
const TWENTY_ROWS: &str = r"
\set account random(:first, :last)
SELECT entry_id, body, title, entry_time, time_zone, create_time, mood_id FROM entries
  WHERE account_id = lpad(to_hex(:account::int8),32,'0')::uuid AND (entry_time, entry_id) < ('infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  ORDER BY entry_time DESC, entry_id DESC LIMIT 20;
";

const OURS: &str = "page of 20, decrypted, 32 in flight";
const PGBENCH: &str = "pgbench, the same rows";
const FIRST: &str = "page 1 of 1,001";
const LAST: &str = "page 1,000 of 1,001";

/// Measures the section.
pub(crate) async fn measure(ground: &Ground) -> Vec<Row> {
    let mut candor = ground.candor("timeline").await;
    candor.without(&["reminders", "content"]).await;
    let reader = Reader::prepare(&candor).await;
    let time = ground.arguments.turn;
    let first = reader.people.first_number();
    let variables = [("first", first.to_string()), ("last", (first + READERS as u64 - 1).to_string())];
    let url = ground.superuser("journal_timeline");
    let pgbench = Pgbench { url: &url, script: TWENTY_ROWS, variables: &variables };
    let rounds = take(
        ground,
        vec![
            side(OURS, || reader.first_pages(&candor, time)),
            side(PGBENCH, || pgbench.run(32, time)),
            side(FIRST, || reader.deep(&candor, String::new(), time)),
            side(LAST, || reader.deep(&candor, reader.token.clone(), time)),
        ],
    )
    .await;
    reader.writers.check(&candor).await;
    candor.stop().await;
    let row = |figure: &str, ours, other, of, unit, goal| Row {
        figure: format!("timeline, {figure}"),
        ours: rounds.median(ours, of),
        beside: other,
        denominator: Some(rounds.median(other, of)),
        ratio: Some(rounds.ratio(ours, other, of)),
        unit,
        goal,
    };
    vec![
        row(OURS, OURS, PGBENCH, RATE, "/s", Goal::AtLeast(0.5)),
        row("the same, p99", OURS, PGBENCH, P99, "ms", Goal::None),
        row("page 1,000, p50 at 8 in flight", LAST, FIRST, P50, "ms", Goal::AtMost(1.2)),
    ]
}

/// Those who read, and what they have written before.
#[derive(Clone)]
struct Reader {
    people: People,
    writers: Writers,
    channels: Channels,
    /// Where page 1,000 of the one who wrote most begins.
    token: String,
}

impl Reader {
    async fn prepare(candor: &Candor) -> Self {
        let people = People::enrol(candor, READERS + 1).await;
        let channels = Channels::connect(&format!("http://{}", candor.five.address("journal")), 4).await;
        let writers = Writers::new(&people);
        let (everybody, theirs) = (writers.clone(), channels.clone());
        let written = exactly(READERS, ENTRIES, move |lane, call| {
            let (writers, wire) = (everybody.clone(), theirs.wire(lane));
            async move { writers.write(wire, lane, call).await }
        });
        let written = written.await;
        let (one, theirs) = (writers.clone(), channels.clone());
        let much = exactly(64, MANY_ENTRIES.div_ceil(64), move |lane, call| {
            let (writers, wire) = (one.clone(), theirs.wire(lane));
            async move { writers.write(wire, READERS, call).await }
        });
        expect(candor, 0, written + much.await).await;
        candor.settle(&[]).await;
        // As autovacuum leaves the tables within a minute: before, the planner guesses, and reads all of a person's rows.
        for table in ["entries", "moods"] {
            let tidy = AssertSqlSafe(format!("VACUUM ANALYZE {table}"));
            sqlx::raw_sql(tidy).execute(candor.pool("journal")).await.unwrap();
        }
        let mut reader = Self { people, writers, channels, token: String::new() };
        reader.token = reader.walk(candor).await;
        reader
    }

    /// Turns a thousand pages; says where the last of them begins.
    async fn walk(&self, candor: &Candor) -> String {
        self.people.renew(candor).await;
        let mut token = String::new();
        for page in 1..1_000 {
            token = self.page(0, READERS, token).await.expect("a page").next_page_token;
            assert!(!token.is_empty(), "there is more after page {page}");
        }
        token
    }

    /// A turn of first pages, each opened.
    async fn first_pages(&self, candor: &Candor, time: Duration) -> Measure {
        self.people.renew(candor).await;
        let reader = self.clone();
        let outcome = closed(32, time, move |lane, call| {
            let reader = reader.clone();
            async move { reader.read(lane, reader.people.pick(lane, call) % READERS, String::new(), call).await }
        });
        outcome.await.measure
    }

    /// A turn of one page of the one who has written for years.
    async fn deep(&self, candor: &Candor, token: String, time: Duration) -> Measure {
        self.people.renew(candor).await;
        let reader = self.clone();
        let outcome = closed(8, time, move |lane, call| {
            let (reader, token) = (reader.clone(), token.clone());
            async move { reader.read(lane, READERS, token, call).await }
        });
        outcome.await.measure
    }

    /// Reads a page; every time another of its entries is compared with what was written.
    async fn read(&self, lane: usize, member: usize, token: String, call: u64) -> Result<(), String> {
        let page = self.page(lane, member, token).await?;
        let looked_at = usize::try_from(call).unwrap_or_default() % 20;
        match page.entries.get(looked_at) {
            Some(entry) if page.entries.len() == 20 && is_as_written(entry) => Ok(()),
            _ => Err(format!("a page of {} entries, or another text", page.entries.len())),
        }
    }

    async fn page(
        &self,
        lane: usize,
        member: usize,
        page_token: String,
    ) -> Result<ListEntriesResponse, String> {
        let request = ListEntriesRequest { page_size: PAGE, page_token };
        let path = "/candor.journal.v1.EntryService/ListEntries";
        self.channels.wire(lane).call(path, self.people.passport(member), &request).await
    }
}

fn is_as_written(entry: &Entry) -> bool {
    Uuid::try_parse(&entry.entry_id).is_ok_and(|entry_id| entry.body == text(entry_id))
}
