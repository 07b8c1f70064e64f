//! Reminders against a real database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // what fails, fails the test

use bus::{Envelope, Outbox, Transport};
use candor_proto::journal::v1::EntryWritten;
use candor_proto::reminders::v1 as proto;
use candor_proto::reminders::v1::inbox_service_server::InboxService as _;
use candor_proto::reminders::v1::schedule_service_server::ScheduleService as _;
use candor_tests::{Database, eventually, postgres};
use chassis::config::Listen;
use chassis::identity::{Keyring, Kind, Passport};
use chassis::{Clock, Health, Host, Ids};
use jiff::{SignedDuration, Timestamp};
use reminders::{Config, app, events, jobs::Firing, rpc::Reminders};
use sqlx::{Connection as _, PgPool};
use std::{net::TcpListener, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status};
use uuid::Uuid;

struct Stage {
    database: Database,
    clock: Clock,
    ids: Ids,
}

/// A Sunday morning; a week later clocks in Berlin have gone forward.
const START: &str = "2024-03-24T09:00:00Z";
const DUE: &str = "2024-03-31T08:00:00Z";

impl Stage {
    async fn new() -> Self {
        let database = postgres().await;
        let (config, transport) = (config(&database), transport());
        reminders::migrate(config.clone(), transport.clone()).await.unwrap();
        reminders::migrate(config, transport).await.unwrap();
        let clock = Clock::manual(START.parse().unwrap());
        Self { database, ids: Ids::new(clock.clone()), clock }
    }

    fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    fn firing(&self) -> Firing {
        Firing::new(self.pool().clone(), Outbox::new(), self.clock.clone(), self.ids.clone())
    }

    fn rpc(&self) -> Reminders {
        Reminders::new(self.pool().clone(), self.clock.clone())
    }

    fn request<T>(&self, account_id: Uuid, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(Passport {
            account_id,
            kind: Kind::Member,
            session_id: Uuid::from_u128(1),
            authenticated_at: self.clock.now(),
            expires_at: self.clock.now(),
        });
        request
    }

    /// Plans a look-back as if an entry had been written `days` after the start.
    async fn plan(&self, account_id: Uuid, entry_id: Uuid, days: i64) -> bool {
        let written_at = self.clock.now() + SignedDuration::from_hours(24 * days);
        let mut conn = self.pool().acquire().await.unwrap();
        let now = self.clock.now();
        app::plan_look_back(&mut conn, account_id, entry_id, written_at, "Europe/Berlin", written_at, now)
            .await
            .unwrap()
    }

    async fn schedules(&self, account_id: Uuid) -> Vec<proto::Schedule> {
        let request = self.request(account_id, proto::ListSchedulesRequest::default());
        self.rpc().list_schedules(request).await.unwrap().into_inner().schedules
    }

    async fn inbox(&self, account_id: Uuid) -> Vec<proto::InboxItem> {
        let request = self.request(account_id, proto::ListInboxItemsRequest::default());
        self.rpc().list_inbox_items(request).await.unwrap().into_inner().items
    }

    async fn cancel(&self, account_id: Uuid, schedule_id: &str) -> Result<(), Status> {
        let message = proto::CancelScheduleRequest { schedule_id: schedule_id.into() };
        self.rpc().cancel_schedule(self.request(account_id, message)).await.map(drop)
    }

    async fn mark_read(&self, account_id: Uuid, inbox_item_id: &str) -> Result<(), Status> {
        let message = proto::MarkInboxItemReadRequest { inbox_item_id: inbox_item_id.into() };
        self.rpc().mark_inbox_item_read(self.request(account_id, message)).await.map(drop)
    }

    /// How many events of a kind are to be told, and about how many schedules.
    async fn told(&self, event: &str) -> (i64, i64) {
        sqlx::query_as("SELECT count(*), count(DISTINCT aggregate_id) FROM bus.outbox WHERE key = $1")
            .bind(format!("reminders.v1.{event}"))
            .fetch_one(self.pool())
            .await
            .unwrap()
    }

    /// An event as the journal emits it.
    fn entry_written(&self, account_id: Uuid, entry_id: Uuid, time_zone: &str) -> Envelope {
        let now = self.clock.now();
        let time = Some(prost_types::Timestamp { seconds: now.as_second(), nanos: 0 });
        let event = EntryWritten {
            entry_id: entry_id.to_string(),
            account_id: account_id.to_string(),
            entry_time: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }), // about long ago
            time_zone: time_zone.into(),
            has_mood: false,
            create_time: time,
        };
        Envelope::new(self.ids.next(), now, entry_id, 1, &event)
    }

    async fn handle(&self, events: &[Envelope]) {
        events::inbox(self.pool().clone(), self.clock.clone()).handle(events).await.unwrap();
    }
}

fn transport() -> Transport {
    Transport::memory(&[(reminders::CONSUMER, reminders::consumes())])
}

fn config(database: &Database) -> Config {
    Config {
        listen: Listen { address: "127.0.0.1:0".parse().unwrap() },
        database: chassis::database::Config::new(database.url()),
        accounts_url: "http://127.0.0.1:1".into(),
        bus: None,
    }
}

fn time(text: &str) -> prost_types::Timestamp {
    let time: Timestamp = text.parse().unwrap();
    prost_types::Timestamp { seconds: time.as_second(), nanos: 0 }
}

#[tokio::test]
async fn an_entry_brings_one_look_back_a_week_later_at_the_same_time_on_the_wall() {
    let stage = Stage::new().await;
    let (account, entry) = (stage.ids.next(), stage.ids.next());
    stage.handle(&[stage.entry_written(account, entry, "Europe/Berlin")]).await;
    let planned = stage.schedules(account).await;
    assert_eq!(planned.len(), 1);
    assert!(planned[0].due_time == Some(time(DUE)) && planned[0].subject_id == entry.to_string());
    assert!(planned[0].kind() == proto::ScheduleKind::LookBack && planned[0].time_zone == "Europe/Berlin");

    let shutdown = CancellationToken::new();
    let firing = tokio::spawn(stage.firing().run(shutdown.clone()));
    stage.clock.set(DUE.parse::<Timestamp>().unwrap() - SignedDuration::from_millis(1));
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 0);
    stage.clock.set(DUE.parse().unwrap());
    eventually("the reminder is in the inbox", Duration::from_secs(10), async || {
        !stage.inbox(account).await.is_empty()
    })
    .await;
    shutdown.cancel();
    firing.await.unwrap();

    let inbox = stage.inbox(account).await;
    assert!(inbox.len() == 1 && inbox[0].subject_id == entry.to_string() && !inbox[0].read);
    assert!(stage.schedules(account).await.is_empty());
    assert_eq!((stage.told("reminder_due").await, stage.told("reminder_delivered").await), ((1, 1), (1, 1)));
}

#[tokio::test]
async fn an_event_that_comes_again_changes_nothing() {
    let stage = Stage::new().await;
    let (account, entry) = (stage.ids.next(), stage.ids.next());
    let event = stage.entry_written(account, entry, "Europe/Berlin");
    let again = stage.entry_written(account, entry, "Europe/Berlin"); // re-emitted under another id
    stage.handle(&[event.clone(), event.clone(), again.clone()]).await;
    assert_eq!(stage.schedules(account).await.len(), 1);
    stage.clock.set(DUE.parse().unwrap());
    stage.firing().fire_batch().await.unwrap();
    let re_emitted = Envelope { id: stage.ids.next(), ..again };
    stage.handle(&[event, re_emitted]).await;
    assert!(stage.schedules(account).await.is_empty());
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 0);
    assert_eq!(stage.inbox(account).await.len(), 1);
}

#[tokio::test]
async fn many_entries_of_a_day_bring_one_look_back() {
    let stage = Stage::new().await;
    let (account, other) = (stage.ids.next(), stage.ids.next());
    let entries: Vec<_> =
        (0..5).map(|_| stage.entry_written(account, stage.ids.next(), "Europe/Berlin")).collect();
    stage.handle(&entries).await;
    // Another member may even use the same ids.
    let same_id: Uuid = entries[0].aggregate_id;
    stage.handle(&[stage.entry_written(other, same_id, "Europe/Berlin")]).await;
    stage.clock.set(stage.clock.now() + SignedDuration::from_hours(24));
    stage.handle(&[stage.entry_written(account, stage.ids.next(), "Europe/Berlin")]).await;
    assert_eq!(stage.schedules(account).await.len(), 2);
    assert_eq!(stage.schedules(other).await.len(), 1);
}

#[tokio::test]
async fn an_unknown_zone_is_utc_and_a_malformed_event_harms_nobody() {
    let stage = Stage::new().await;
    let account = stage.ids.next();
    let mut malformed = stage.entry_written(account, stage.ids.next(), "UTC");
    malformed.body = vec![10, 3, b'n', b'o', b't'].into();
    stage.handle(&[malformed, stage.entry_written(account, stage.ids.next(), "Mars/Olympus")]).await;
    let planned = stage.schedules(account).await;
    assert!(planned.len() == 1 && planned[0].time_zone == "UTC");
    assert!(planned[0].due_time == Some(time("2024-03-31T09:00:00Z")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_race_fire_each_schedule_once() {
    let stage = Stage::new().await;
    let accounts: Vec<Uuid> = (0..500).map(|_| stage.ids.next()).collect();
    for account in &accounts {
        assert!(stage.plan(*account, *account, 0).await);
    }
    stage.clock.set(DUE.parse().unwrap());
    let replicas: Vec<_> = (0..4)
        .map(|_| {
            let firing = stage.firing();
            tokio::spawn(async move {
                let mut fired = 0;
                loop {
                    match firing.fire_batch().await.unwrap() {
                        0 => return fired,
                        some => fired += some,
                    }
                }
            })
        })
        .collect();
    let mut fired = 0;
    for replica in replicas {
        fired += replica.await.unwrap();
    }
    // One that found everything claimed by others went home early; nothing is left over for it.
    fired += stage.firing().fire_batch().await.unwrap();
    assert_eq!(fired, 500);
    assert_eq!(
        (stage.told("reminder_due").await, stage.told("reminder_delivered").await),
        ((500, 500), (500, 500))
    );
    for account in accounts {
        assert_eq!(stage.inbox(account).await.len(), 1);
    }
}

#[tokio::test]
async fn a_replica_that_dies_midway_leaves_nothing_behind_and_holds_nobody_up() {
    let stage = Stage::new().await;
    let (dying, waiting) = (stage.ids.next(), stage.ids.next());
    stage.plan(dying, stage.ids.next(), 0).await;
    stage.plan(waiting, stage.ids.next(), 0).await;
    stage.clock.set(DUE.parse().unwrap());
    let mut conn = stage.pool().acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    assert_eq!(app::fire_due(&mut tx, &stage.ids, stage.clock.now(), 1).await.unwrap().len(), 1);
    // While it holds its claim, another fires the rest and does not wait.
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 1);
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 0);
    let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *tx).await.unwrap();
    sqlx::query("SELECT pg_terminate_backend($1)").bind(backend).execute(stage.pool()).await.unwrap();
    drop(tx);
    drop(conn.detach());
    eventually("the dead replica's schedule fires elsewhere", Duration::from_secs(10), async || {
        stage.firing().fire_batch().await.unwrap() == 1
    })
    .await;
    assert_eq!((stage.inbox(dying).await.len(), stage.inbox(waiting).await.len()), (1, 1));
    assert_eq!(stage.told("reminder_due").await, (2, 2));
}

#[tokio::test]
async fn what_was_cancelled_never_fires() {
    let stage = Stage::new().await;
    let (account, entry) = (stage.ids.next(), stage.ids.next());
    stage.plan(account, entry, 0).await;
    let schedule = stage.schedules(account).await.remove(0).schedule_id;
    stage.cancel(account, &schedule).await.unwrap();
    stage.cancel(account, &schedule).await.unwrap();
    assert!(stage.schedules(account).await.is_empty());
    assert!(!stage.plan(account, entry, 0).await, "the same entry does not plan it again");
    stage.clock.set(DUE.parse().unwrap());
    assert_eq!(stage.firing().fire_batch().await.unwrap(), 0);
    assert!(stage.inbox(account).await.is_empty());
    assert_eq!(stage.told("reminder_due").await, (0, 0));
}

#[tokio::test]
async fn cancelling_what_has_fired_changes_nothing() {
    let stage = Stage::new().await;
    let account = stage.ids.next();
    stage.plan(account, stage.ids.next(), 0).await;
    let schedule = stage.schedules(account).await.remove(0).schedule_id;
    stage.clock.set(DUE.parse().unwrap());
    stage.firing().fire_batch().await.unwrap();
    stage.cancel(account, &schedule).await.unwrap();
    assert_eq!(stage.inbox(account).await.len(), 1);
}

#[tokio::test]
async fn what_belongs_to_another_does_not_exist() {
    let stage = Stage::new().await;
    let (owner, other) = (stage.ids.next(), stage.ids.next());
    stage.plan(owner, stage.ids.next(), 0).await;
    stage.plan(owner, stage.ids.next(), 1).await;
    let schedules = stage.schedules(owner).await;
    stage.clock.set(DUE.parse().unwrap());
    stage.firing().fire_batch().await.unwrap();
    let item = stage.inbox(owner).await.remove(0).inbox_item_id;
    assert!(stage.schedules(other).await.is_empty() && stage.inbox(other).await.is_empty());

    let unknown = stage.ids.next().to_string();
    let foreign = [
        stage.cancel(other, &schedules[1].schedule_id).await.unwrap_err(),
        stage.cancel(other, &unknown).await.unwrap_err(),
    ];
    assert!(foreign.iter().all(|status| status.code() == Code::NotFound));
    assert_eq!(foreign[0].message(), foreign[1].message());
    let foreign = [
        stage.mark_read(other, &item).await.unwrap_err(),
        stage.mark_read(other, &unknown).await.unwrap_err(),
    ];
    assert!(foreign.iter().all(|status| status.code() == Code::NotFound));
    assert_eq!(foreign[0].message(), foreign[1].message());

    assert_eq!(stage.schedules(owner).await.len(), 1, "it is still planned");
    assert!(!stage.inbox(owner).await[0].read);
    stage.mark_read(owner, &item).await.unwrap();
    stage.mark_read(owner, &item).await.unwrap();
    assert!(stage.inbox(owner).await[0].read);
}

#[tokio::test]
async fn without_a_passport_nothing_is_answered() {
    let stage = Stage::new().await;
    let rpc = stage.rpc();
    let codes = [
        rpc.list_schedules(Request::new(proto::ListSchedulesRequest::default()))
            .await
            .err()
            .map(|s| s.code()),
        rpc.cancel_schedule(Request::new(proto::CancelScheduleRequest::default()))
            .await
            .err()
            .map(|s| s.code()),
        rpc.list_inbox_items(Request::new(proto::ListInboxItemsRequest::default()))
            .await
            .err()
            .map(|s| s.code()),
        rpc.mark_inbox_item_read(Request::new(proto::MarkInboxItemReadRequest::default()))
            .await
            .err()
            .map(|s| s.code()),
    ];
    assert!(codes.iter().all(|code| *code == Some(Code::Unauthenticated)));
}

#[tokio::test]
async fn pages_hold_everything_once_in_order_while_more_is_planned() {
    let stage = Stage::new().await;
    let account = stage.ids.next();
    for day in 0..25 {
        stage.plan(account, stage.ids.next(), day).await;
    }
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = proto::ListSchedulesRequest { page_size: 10, page_token };
        let page = stage.rpc().list_schedules(stage.request(account, message)).await.unwrap().into_inner();
        found.extend(page.schedules.into_iter().map(|schedule| schedule.due_time.unwrap().seconds));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        // Planned behind the reader's back: what was read stays as it was.
        stage.plan(account, stage.ids.next(), -(found.len() as i64)).await;
    }
    assert_eq!(found.len(), 25);
    assert!(found.is_sorted());

    stage.clock.set("2030-01-01T00:00:00Z".parse().unwrap());
    stage.firing().fire_batch().await.unwrap();
    let message = |page_size, page_token: &str| proto::ListInboxItemsRequest {
        page_size,
        page_token: page_token.into(),
    };
    let first =
        stage.rpc().list_inbox_items(stage.request(account, message(20, ""))).await.unwrap().into_inner();
    let rest = message(20, &first.next_page_token);
    let rest = stage.rpc().list_inbox_items(stage.request(account, rest)).await.unwrap().into_inner();
    let mut ids: Vec<_> = first.items.into_iter().chain(rest.items).map(|item| item.inbox_item_id).collect();
    assert!(ids.len() == 27 && rest.next_page_token.is_empty());
    assert!(ids.is_sorted_by(|newer, older| newer > older), "newest first");
    ids.dedup();
    assert_eq!(ids.len(), 27);
}

#[tokio::test]
async fn a_page_token_from_elsewhere_is_refused_by_name() {
    let stage = Stage::new().await;
    let account = stage.ids.next();
    stage.plan(account, stage.ids.next(), 0).await;
    stage.plan(account, stage.ids.next(), 1).await;
    let message = proto::ListSchedulesRequest { page_size: 1, page_token: String::new() };
    let page = stage.rpc().list_schedules(stage.request(account, message)).await.unwrap().into_inner();
    let before_all_time = format!("Ag{}", "gAAAAAAAAAA".repeat(3)); // right length, no time
    for page_token in [&page.next_page_token, "!", "AAAA", "Ag", &before_all_time[..34], &"A".repeat(256)] {
        let message = proto::ListInboxItemsRequest { page_size: 1, page_token: page_token.into() };
        let status = stage.rpc().list_inbox_items(stage.request(account, message)).await.err().unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("page_token"), "{}", status.message());
    }
    let message = proto::ListInboxItemsRequest { page_size: 101, page_token: String::new() };
    let status = stage.rpc().list_inbox_items(stage.request(account, message)).await.err().unwrap();
    assert!(status.code() == Code::InvalidArgument && status.message().contains("page_size"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_service_turns_an_event_into_a_reminder_and_stops_when_asked() {
    let stage = Stage::new().await;
    let (account, transport) = (stage.ids.next(), transport());
    let host = Host {
        clock: stage.clock.clone(),
        ids: stage.ids.clone(),
        shutdown: CancellationToken::new(),
        listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        platform: Arc::default(),
        health: Health::new(),
    };
    let (shutdown, health) = (host.shutdown.clone(), host.health.clone());
    health.start(shutdown.clone());
    let keyring = Keyring::remote("http://127.0.0.1:1", stage.clock.clone());
    let service =
        tokio::spawn(reminders::run_with(config(&stage.database), host, transport.clone(), keyring));
    let patience = Duration::from_secs(20);
    eventually("the service is ready", patience, async || health.is_ready()).await;

    transport.publish(&stage.entry_written(account, stage.ids.next(), "Europe/Berlin")).await.unwrap();
    eventually("the look-back is planned", patience, async || stage.schedules(account).await.len() == 1)
        .await;
    stage.clock.set(DUE.parse().unwrap());
    eventually("the reminder is in the inbox", patience, async || stage.inbox(account).await.len() == 1)
        .await;
    eventually("its events are on their way", patience, async || stage.told("reminder_due").await == (0, 0))
        .await;

    shutdown.cancel();
    tokio::time::timeout(patience, service).await.unwrap().unwrap().unwrap();
}
