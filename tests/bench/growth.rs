//! Growth: the same calls on a Candor of ten thousand rows in each table they touch, and on one of a million, in turns.

use crate::care;
use crate::entries::Writers;
use crate::fill;
use crate::ground::{Candor, Ground};
use crate::load::{self, Channels, Measure, closed, exactly};
use crate::people::{Couples, People};
use crate::rounds::{RATE, side, take};
use crate::table::{Goal, Row};
use candor_proto::accounts::v1::consent_service_client::ConsentServiceClient;
use candor_proto::accounts::v1::session_service_client::SessionServiceClient;
use candor_proto::accounts::v1::{MintPassportRequest, OpenAccessRequest};
use candor_proto::journal::v1::entry_service_client::EntryServiceClient;
use candor_proto::journal::v1::share_service_client::ShareServiceClient;
use candor_proto::journal::v1::{
    ListEntriesRequest, ListSharesRequest, Selection, ShareDepth, ShareItemRequest, ShareKind,
    WriteEntryRequest,
};
use candor_proto::options::v1::Scope;
use candor_proto::reminders::v1::ListInboxItemsRequest;
use candor_proto::reminders::v1::inbox_service_client::InboxServiceClient;
use std::time::Duration;

const SMALL: i64 = 10_000;
const LARGE: i64 = 1_000_000;
/// Couples of whom one opens what the other has; a reader may do so 120 times at once.
const COUPLES: usize = 512;
/// Those who have something to list.
const ACTIVE: usize = 64;
/// Of each list they have a page and some.
const LISTED: u64 = 25;
const PAGE: i32 = 20;
const IN_FLIGHT: usize = 8;
/// A turn of each path; there are many.
const LONGEST_TURN: Duration = Duration::from_secs(3);

/// A call of members.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    Append,
    Timeline,
    Open,
    OpenConsented,
    Mint,
    Inbox,
    Shares,
}

const PATHS: [(Path, &str); 7] = [
    (Path::Append, "write entry"),
    (Path::Timeline, "timeline, page of 20"),
    (Path::Open, "open access"),
    (Path::OpenConsented, "open access under a consent"),
    (Path::Mint, "mint passport"),
    (Path::Inbox, "inbox, page of 20"),
    (Path::Shares, "own shares, page of 20"),
];

/// Measures the section.
pub(crate) async fn measure(ground: &Ground) -> Vec<Row> {
    let (small, large) =
        tokio::join!(Town::settle(ground, "small", SMALL), Town::settle(ground, "large", LARGE));
    let time = ground.arguments.turn.min(LONGEST_TURN);
    let mut rows = Vec::new();
    for (path, name) in PATHS {
        eprintln!("  {name}");
        let rounds = take(
            ground,
            vec![side("10⁶", || large.turn(path, time)), side("10⁴", || small.turn(path, time))],
        )
        .await;
        let each = |side| IN_FLIGHT as f64 * 1000.0 / rounds.median(side, RATE);
        rows.push(Row {
            figure: format!("{name}, 10⁶ rows, 8 in flight, each"),
            ours: each("10⁶"),
            beside: "10⁴ rows",
            denominator: Some(each("10⁴")),
            ratio: Some(rounds.ratio("10⁴", "10⁶", RATE)),
            unit: "ms",
            goal: Goal::AtMost(1.3),
        });
    }
    small.stop().await;
    large.stop().await;
    rows
}

/// A Candor in which many have lived before.
struct Town {
    candor: Candor,
    desk: Desk,
}

impl Town {
    async fn settle(ground: &Ground, tag: &'static str, rows: i64) -> Self {
        let candor = ground.candor(tag).await;
        fill::fill(ground, tag, rows).await;
        let desk = Desk::open(&candor).await;
        fill::inbox(&candor, &desk.owners, ACTIVE, LISTED).await;
        candor.settle(&["reminders", "content"]).await;
        for service in ["accounts", "journal", "reminders"] {
            let count = candor.count(service, fill::WITNESSES[service]).await;
            assert!(count >= rows.unsigned_abs(), "{service} has {count} rows");
        }
        Self { candor, desk }
    }

    async fn turn(&self, path: Path, time: Duration) -> Measure {
        self.desk.owners.renew(&self.candor).await;
        self.desk.readers.renew(&self.candor).await;
        self.desk.counselors.renew(&self.candor).await;
        let desk = self.desk.clone();
        let outcome = closed(IN_FLIGHT, time, move |lane, call| {
            let desk = desk.clone();
            async move { desk.call(path, lane, call).await }
        });
        let measure = outcome.await.measure;
        self.candor.settle(&["reminders", "content"]).await;
        measure
    }

    async fn stop(self) {
        self.desk.writers.check(&self.candor).await;
        self.candor.stop().await;
    }
}

#[derive(Clone)]
struct Desk {
    owners: People,
    readers: People,
    counselors: People,
    writers: Writers,
    accounts: Channels,
    journal: Channels,
    reminders: Channels,
}

impl Desk {
    async fn open(candor: &Candor) -> Self {
        let (owners, readers) = (People::enrol(candor, COUPLES).await, People::enrol(candor, COUPLES).await);
        Couples::link(candor, &owners, &readers).await;
        let counselors = People::enrol(candor, COUPLES).await;
        care::begin(candor, &owners, &counselors).await;
        let connect = async |service: &str| {
            Channels::connect(&format!("http://{}", candor.five.address(service)), 2).await
        };
        let (accounts, journal, reminders) =
            (connect("accounts").await, connect("journal").await, connect("reminders").await);
        let desk = Self {
            writers: Writers::new(&owners),
            owners,
            readers,
            counselors,
            accounts,
            journal,
            reminders,
        };
        let writing = desk.clone();
        exactly(ACTIVE, LISTED, move |lane, _| {
            let desk = writing.clone();
            async move { desk.share(lane).await }
        })
        .await;
        desk
    }

    /// Writes an entry and shares it.
    async fn share(&self, member: usize) -> Result<(), String> {
        let entry_id = load::ids().next_opaque();
        let entry = WriteEntryRequest {
            entry_id: entry_id.to_string(),
            body: crate::entries::text(entry_id),
            ..WriteEntryRequest::default()
        };
        let mut entries = EntryServiceClient::new(self.journal.of(member));
        entries.write_entry(self.owners.request(member, entry)).await.map_err(|s| load::failure(&s))?;
        let share = ShareItemRequest {
            recipient_account_id: self.readers.members[member].account_id.to_string(),
            selection: Some(Selection {
                kind: ShareKind::Entry.into(),
                item_id: entry_id.to_string(),
                depth: ShareDepth::Whole.into(),
                ..Selection::default()
            }),
            open_now: true,
            ..ShareItemRequest::default()
        };
        let mut shares = ShareServiceClient::new(self.journal.of(member));
        let shared = shares.share_item(self.owners.request(member, share)).await;
        shared.map(drop).map_err(|status| load::failure(&status))
    }

    async fn call(&self, path: Path, lane: usize, call: u64) -> Result<(), String> {
        let couple = self.owners.pick(lane, call);
        match path {
            Path::Append => self.writers.write(self.journal.wire(lane), couple, call).await,
            Path::Open => self.open_access(lane, couple, Scope::SharedItems).await,
            Path::OpenConsented => self.open_access(lane, couple, Scope::Entries).await,
            Path::Mint => self.mint(lane, couple).await,
            Path::Timeline | Path::Inbox | Path::Shares => {
                let listed = self.list(path, lane, couple % ACTIVE).await;
                let count = listed.map_err(|status| load::failure(&status))?;
                if count == 20 { Ok(()) } else { Err(format!("a page of {count}")) }
            }
        }
    }

    async fn list(&self, path: Path, lane: usize, member: usize) -> Result<usize, tonic::Status> {
        let page_size = PAGE;
        if path == Path::Timeline {
            let request = self.owners.request(member, ListEntriesRequest { page_size, ..Default::default() });
            let page = EntryServiceClient::new(self.journal.of(lane)).list_entries(request).await?;
            return Ok(page.into_inner().entries.len());
        }
        if path == Path::Inbox {
            let request =
                self.owners.request(member, ListInboxItemsRequest { page_size, ..Default::default() });
            let page = InboxServiceClient::new(self.reminders.of(lane)).list_inbox_items(request).await?;
            return Ok(page.into_inner().items.len());
        }
        let request = self.owners.request(member, ListSharesRequest { page_size, ..Default::default() });
        let page = ShareServiceClient::new(self.journal.of(lane)).list_shares(request).await?;
        Ok(page.into_inner().shares.len())
    }

    /// What a partner opened, or what a counselor may read by consent.
    async fn open_access(&self, lane: usize, couple: usize, scope: Scope) -> Result<(), String> {
        let wish = OpenAccessRequest {
            owner_account_id: self.owners.members[couple].account_id.to_string(),
            scope: scope.into(),
            ..OpenAccessRequest::default()
        };
        let readers = if scope == Scope::SharedItems { &self.readers } else { &self.counselors };
        let mut consent = ConsentServiceClient::new(self.accounts.of(lane));
        let opened = consent.open_access(readers.request(couple, wish)).await;
        let opened = opened.map_err(|status| load::failure(&status))?.into_inner();
        if opened.capability.is_empty() { Err("no capability".to_owned()) } else { Ok(()) }
    }

    async fn mint(&self, lane: usize, member: usize) -> Result<(), String> {
        let who = &self.owners.members[member];
        let request = MintPassportRequest { session_secret: who.secret.clone() };
        let minted = SessionServiceClient::new(self.accounts.of(lane)).mint_passport(request).await;
        let minted = minted.map_err(|status| load::failure(&status))?.into_inner();
        load::same(who.account_id, &minted.account_id)
    }
}
