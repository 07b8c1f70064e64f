//! Reading what a partner opened: OpenAccess with its receipt, then the read that makes it count; and OpenAccess alone.

use crate::append::{TWO_INSERTS, variables};
use crate::entries::text;
use crate::ground::{Candor, Ground};
use crate::load::{self, Channels, Measure, closed, exactly};
use crate::people::{Couples, People};
use crate::pgbench::Pgbench;
use crate::rounds::{P99, RATE, side, take};
use crate::table::{Goal, Row};
use candor_proto::accounts::v1::OpenAccessRequest;
use candor_proto::accounts::v1::consent_service_client::ConsentServiceClient;
use candor_proto::journal::v1::WriteEntryRequest;
use candor_proto::journal::v1::entry_service_client::EntryServiceClient;
use candor_proto::journal::v1::share_service_client::ShareServiceClient;
use candor_proto::journal::v1::{
    GetReceivedShareRequest, Selection, ShareDepth, ShareItemRequest, ShareKind,
};
use candor_proto::options::v1::Scope;
use chassis::identity::capability::HEADER;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use uuid::Uuid;

/// Couples: a reader may open something 120 times at once and then twice a second, so it takes many.
const COUPLES: usize = 1024;

const OURS: &str = "open, receipt, read; 32 in flight";
const OPEN: &str = "open access, 32 in flight";
const PGBENCH: &str = "pgbench, two inserts, 32 clients";

/// Measures the section.
pub(crate) async fn measure(ground: &Ground) -> Vec<Row> {
    let bare = ground.bare_journal("delegated").await;
    let variables = variables();
    let pgbench = Pgbench { url: &bare, script: TWO_INSERTS, variables: &variables };
    let mut candor = ground.candor("delegated").await;
    let readers = Readers::prepare(&candor).await;
    candor.settle(&["reminders", "content"]).await;
    candor.without(&["reminders", "content"]).await;
    let (time, read) = (ground.arguments.turn, Cell::new(0));
    let rounds = take(
        ground,
        vec![
            side(OURS, || readers.turn(&candor, time, &read)),
            side(PGBENCH, || pgbench.run(32, time)),
            side(OPEN, || readers.open_only(&candor, time)),
        ],
    )
    .await;
    // A reader's opens of an hour share a receipt; the run may see two hours.
    let read = "(SELECT DISTINCT owner_id FROM receipt WHERE read_at IS NOT NULL) AS owners";
    let couples = readers.have_read.iter().filter(|read| read.load(Ordering::Relaxed)).count() as u64;
    assert_eq!(candor.count("accounts", read).await, couples, "a receipt of every couple that read counts");
    candor.stop().await;
    let row = |figure: &str, ours, of, unit, goal| Row {
        figure: figure.to_owned(),
        ours: rounds.median(ours, of),
        beside: PGBENCH,
        denominator: Some(rounds.median(PGBENCH, of)),
        ratio: Some(rounds.ratio(ours, PGBENCH, of)),
        unit,
        goal,
    };
    vec![
        row(
            "delegated read: open, receipt, read; 32 in flight",
            OURS,
            RATE,
            "/s",
            Goal::FigureAtLeast(1500.0),
        ),
        row("delegated read, p99", OURS, P99, "ms", Goal::None),
        row(OPEN, OPEN, RATE, "/s", Goal::FigureAtLeast(3000.0)),
    ]
}

/// Those who read, each the one thing that their partner opened.
#[derive(Clone)]
struct Readers {
    owners: People,
    readers: People,
    accounts: Channels,
    journal: Channels,
    shares: Arc<Vec<(Uuid, Uuid)>>,
    have_read: Arc<Vec<AtomicBool>>,
}

impl Readers {
    /// Everybody of one half writes an entry and shares the whole of it with somebody of the other.
    async fn prepare(candor: &Candor) -> Self {
        let (owners, readers) = (People::enrol(candor, COUPLES).await, People::enrol(candor, COUPLES).await);
        Couples::link(candor, &owners, &readers).await;
        let ids = load::ids();
        let shares = (0..COUPLES).map(|_| (ids.next(), ids.next_opaque())).collect();
        let connect = async |service: &str| {
            Channels::connect(&format!("http://{}", candor.five.address(service)), 2).await
        };
        let (accounts, journal) = (connect("accounts").await, connect("journal").await);
        let have_read = (0..COUPLES).map(|_| AtomicBool::new(false)).collect();
        let (shares, have_read) = (Arc::new(shares), Arc::new(have_read));
        let all = Self { owners, readers, accounts, journal, shares, have_read };
        let lanes = 16;
        let sharing = all.clone();
        exactly(lanes, (COUPLES / lanes) as u64, move |lane, call| {
            let (all, couple) = (sharing.clone(), lane + lanes * usize::try_from(call).unwrap_or_default());
            async move { all.share(couple).await }
        })
        .await;
        all
    }

    async fn share(&self, couple: usize) -> Result<(), String> {
        let (entry_id, share_id) = self.shares[couple];
        let entry = WriteEntryRequest {
            entry_id: entry_id.to_string(),
            body: text(entry_id),
            ..WriteEntryRequest::default()
        };
        let mut entries = EntryServiceClient::new(self.journal.of(couple));
        let written = entries.write_entry(self.owners.request(couple, entry)).await;
        written.map_err(|status| load::failure(&status))?;
        let share = ShareItemRequest {
            share_id: share_id.to_string(),
            recipient_account_id: self.readers.members[couple].account_id.to_string(),
            selection: Some(Selection {
                kind: ShareKind::Entry.into(),
                item_id: entry_id.to_string(),
                depth: ShareDepth::Whole.into(),
                ..Selection::default()
            }),
            open_now: true,
            ..ShareItemRequest::default()
        };
        let mut shares = ShareServiceClient::new(self.journal.of(couple));
        let shared = shares.share_item(self.owners.request(couple, share)).await;
        shared.map(drop).map_err(|status| load::failure(&status))
    }

    /// A turn; afterwards accounts has heard of every read.
    async fn turn(&self, candor: &Candor, time: Duration, read: &Cell<u64>) -> Measure {
        self.readers.renew(candor).await;
        let all = self.clone();
        let outcome = closed(32, time, move |lane, call| {
            let all = all.clone();
            async move { all.read(lane, all.readers.pick(lane, call)).await }
        });
        let outcome = outcome.await;
        read.set(read.get() + outcome.answered);
        candor.settle(&["accounts"]).await;
        let heard = candor.count("accounts", "bus.inbox WHERE consumer = 'accounts'").await;
        assert_eq!(heard, read.get(), "accounts heard of every read");
        outcome.measure
    }

    /// A turn of opening without reading.
    async fn open_only(&self, candor: &Candor, time: Duration) -> Measure {
        self.readers.renew(candor).await;
        let all = self.clone();
        let outcome = closed(32, time, move |lane, call| {
            let all = all.clone();
            async move { all.open(lane, all.readers.pick(lane, call)).await.map(drop) }
        });
        outcome.await.measure
    }

    /// Opens what a partner shared; answers with the capability.
    async fn open(&self, lane: usize, couple: usize) -> Result<MetadataValue<Ascii>, String> {
        let wish = OpenAccessRequest {
            owner_account_id: self.owners.members[couple].account_id.to_string(),
            scope: Scope::SharedItems.into(),
            item_id: self.shares[couple].1.to_string(),
            ..OpenAccessRequest::default()
        };
        let mut consent = ConsentServiceClient::new(self.accounts.of(lane));
        let opened = consent.open_access(self.readers.request(couple, wish)).await;
        let opened = opened.map_err(|status| load::failure(&status))?.into_inner();
        let capability = Some(opened.capability).filter(|capability| !capability.is_empty());
        capability.and_then(|text| text.parse().ok()).ok_or_else(|| "no capability".to_owned())
    }

    async fn read(&self, lane: usize, couple: usize) -> Result<(), String> {
        let (entry_id, share_id) = self.shares[couple];
        let capability = self.open(lane, couple).await?;
        let owner_account_id = self.owners.members[couple].account_id.to_string();
        let wanted = GetReceivedShareRequest { owner_account_id, share_id: share_id.to_string() };
        let mut request = self.readers.request(couple, wanted);
        request.metadata_mut().insert(HEADER, capability);
        let answer = ShareServiceClient::new(self.journal.of(lane)).get_received_share(request).await;
        let answer = answer.map_err(|status| load::failure(&status))?.into_inner();
        let shown = answer.rendering.unwrap_or_default().body;
        self.have_read[couple].store(true, Ordering::Relaxed);
        if shown == text(entry_id) { Ok(()) } else { Err("another text was shown".to_owned()) }
    }
}
