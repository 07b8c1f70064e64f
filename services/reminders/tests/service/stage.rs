//! Reminders on a database of its own, called as a signed-in member calls it and told what the other services tell.

use bus::{Envelope, Outbox, Transport};
use candor_proto::accounts::v1::{CircleChanged, CoupleLinked, CoupleUnlinked};
use candor_proto::journal::v1::{EntryWritten, ItemShared, ShareAnswered, ShareWithdrawn};
use candor_proto::reminders::v1 as proto;
use candor_proto::reminders::v1::check_in_schedule_service_server::CheckInScheduleService as _;
use candor_proto::reminders::v1::inbox_service_server::InboxService as _;
use candor_proto::reminders::v1::schedule_service_server::ScheduleService as _;
use candor_tests::{Database, postgres};
use chassis::config::Listen;
use chassis::identity::capability::Opening;
use chassis::identity::{Assurance, Capability, Kind, Passport};
use chassis::{Clock, Ids};
use jiff::{SignedDuration, Timestamp};
use prost::Message as _;
use reminders::domain::Couple;
use reminders::{Config, app, events, jobs::Firing, rpc::Reminders};
use sqlx::PgPool;
use tonic::{Request, Status};
use uuid::Uuid;

/// A Sunday morning; a week later clocks in Berlin have gone forward.
pub(crate) const START: &str = "2024-03-24T09:00:00Z";
pub(crate) const DUE: &str = "2024-03-31T08:00:00Z";
/// The session of everybody who calls.
pub(crate) const SESSION: Uuid = Uuid::from_u128(1);

/// The kinds of what arrives.
pub(crate) const AHEAD: &str = "SCHEDULE_KIND_CHECK_IN_AHEAD";
pub(crate) const CHECK_IN: &str = "SCHEDULE_KIND_CHECK_IN";
pub(crate) const SHARE: &str = "SCHEDULE_KIND_SHARE";
pub(crate) const ANSWER: &str = "SCHEDULE_KIND_SHARE_ANSWER";

pub(crate) struct Stage {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let database = postgres().await;
        let (config, transport) = (config(&database), transport());
        reminders::migrate(config.clone(), transport.clone()).await.unwrap();
        reminders::migrate(config, transport).await.unwrap();
        let clock = Clock::manual(START.parse().unwrap());
        Self { database, ids: Ids::new(clock.clone()), clock }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    pub(crate) fn firing(&self) -> Firing {
        Firing::new(self.pool().clone(), Outbox::new(), self.clock.clone(), self.ids.clone())
    }

    /// Moves the clock and lets one replica do what is due.
    pub(crate) async fn at(&self, time: &str) {
        self.clock.set(time.parse().unwrap());
        self.firing().fire_batch().await.unwrap();
    }

    pub(crate) fn rpc(&self) -> Reminders {
        Reminders::new(self.pool().clone(), Outbox::new(), self.clock.clone(), self.ids.clone())
    }

    pub(crate) fn request<T>(&self, account_id: Uuid, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(Passport {
            account_id,
            kind: Kind::Member,
            session_id: SESSION,
            authenticated_at: self.clock.now(),
            assurance: Assurance::One,
            expires_at: self.clock.now(),
            scopes: Default::default(),
            suspended: false,
            terms_due: false,
        });
        request
    }

    /// A request with what accounts opened to its caller.
    pub(crate) fn opened<T>(&self, capability: Capability, message: T) -> Request<T> {
        let mut request = self.request(capability.reader_id, message);
        request.extensions_mut().insert(capability);
        request
    }

    /// What accounts says when a reader asks for the times of check-ins with an owner, under a link.
    pub(crate) fn capability(&self, reader_id: Uuid, owner_id: Uuid, couple_id: Uuid) -> Capability {
        let scope = candor_proto::options::v1::Scope::CheckInSchedule.into();
        let receipt_id = Uuid::from_u128(2);
        Capability {
            opening: Opening { owner_id, relation_id: couple_id, scope, item_id: None, epoch: 0, receipt_id },
            reader_id,
            session_id: SESSION,
            expires_at: self.clock.now() + SignedDuration::from_secs(10),
        }
    }

    /// Plans a look-back as if an entry had been written `days` after the start.
    pub(crate) async fn plan(&self, account_id: Uuid, entry_id: Uuid, days: i64) -> bool {
        let written_at = self.clock.now() + SignedDuration::from_hours(24 * days);
        let mut conn = self.pool().acquire().await.unwrap();
        let now = self.clock.now();
        let time_zone = "Europe/Berlin";
        let entry = app::Written { account_id, entry_id, written_at, time_zone, told_at: written_at };
        app::plan_look_backs(&mut conn, &[entry], now).await.unwrap() == 1
    }

    pub(crate) async fn schedules(&self, account_id: Uuid) -> Vec<proto::Schedule> {
        let request = self.request(account_id, proto::ListSchedulesRequest::default());
        self.rpc().list_schedules(request).await.unwrap().into_inner().schedules
    }

    pub(crate) async fn inbox(&self, account_id: Uuid) -> Vec<proto::InboxItem> {
        let request = self.request(account_id, proto::ListInboxItemsRequest::default());
        self.rpc().list_inbox_items(request).await.unwrap().into_inner().items
    }

    /// What is in an inbox, oldest first: the kinds and what they point at.
    pub(crate) async fn arrived(&self, account_id: Uuid) -> Vec<(&'static str, String)> {
        let items = self.inbox(account_id).await.into_iter().rev();
        items.map(|item| (item.kind().as_str_name(), item.subject_id)).collect()
    }

    pub(crate) async fn cancel(&self, account_id: Uuid, schedule_id: &str) -> Result<(), Status> {
        let message = proto::CancelScheduleRequest { schedule_id: schedule_id.into() };
        self.rpc().cancel_schedule(self.request(account_id, message)).await.map(drop)
    }

    pub(crate) async fn mark_read(&self, account_id: Uuid, inbox_item_id: &str) -> Result<(), Status> {
        let message = proto::MarkInboxItemReadRequest { inbox_item_id: inbox_item_id.into() };
        self.rpc().mark_inbox_item_read(self.request(account_id, message)).await.map(drop)
    }

    /// Proposes Tuesdays at a time in Berlin.
    pub(crate) async fn propose(
        &self,
        account_id: Uuid,
        schedule_id: Uuid,
        local_time: &str,
    ) -> Result<proto::CheckInSchedule, Status> {
        let message = proto::ProposeCheckInScheduleRequest {
            schedule_id: schedule_id.to_string(),
            weekday: proto::Weekday::Tuesday.into(),
            local_time: local_time.into(),
            time_zone: "Europe/Berlin".into(),
        };
        let request = self.request(account_id, message);
        Ok(self.rpc().propose_check_in_schedule(request).await?.into_inner().proposal.unwrap())
    }

    pub(crate) async fn accept(
        &self,
        capability: Capability,
        schedule_id: Uuid,
    ) -> Result<proto::CheckInSchedule, Status> {
        let message = proto::AcceptCheckInScheduleRequest {
            owner_account_id: capability.opening.owner_id.to_string(),
            schedule_id: schedule_id.to_string(),
        };
        let request = self.opened(capability, message);
        Ok(self.rpc().accept_check_in_schedule(request).await?.into_inner().schedule.unwrap())
    }

    pub(crate) async fn get(
        &self,
        capability: Capability,
    ) -> Result<proto::GetCheckInScheduleResponse, Status> {
        let owner_account_id = capability.opening.owner_id.to_string();
        let request = self.opened(capability, proto::GetCheckInScheduleRequest { owner_account_id });
        Ok(self.rpc().get_check_in_schedule(request).await?.into_inner())
    }

    pub(crate) async fn end(&self, account_id: Uuid, schedule_id: Uuid) -> Result<(), Status> {
        let message = proto::EndCheckInScheduleRequest { schedule_id: schedule_id.to_string() };
        self.rpc().end_check_in_schedule(self.request(account_id, message)).await.map(drop)
    }

    /// How many events of a kind are to be told, and about how many things.
    pub(crate) async fn told(&self, event: &str) -> (i64, i64) {
        sqlx::query_as("SELECT count(*), count(DISTINCT aggregate_id) FROM bus.outbox WHERE key = $1")
            .bind(format!("reminders.v1.{event}"))
            .fetch_one(self.pool())
            .await
            .unwrap()
    }

    /// The check-ins that are to be told, the earliest first.
    pub(crate) async fn check_ins_told(&self) -> Vec<proto::CheckInDue> {
        let key = "reminders.v1.check_in_due";
        let told: Vec<(Uuid, i64, Vec<u8>)> =
            sqlx::query_as("SELECT aggregate_id, version, body FROM bus.outbox WHERE key = $1")
                .bind(key)
                .fetch_all(self.pool())
                .await
                .unwrap();
        let mut events: Vec<_> = told
            .into_iter()
            .map(|(aggregate_id, version, body)| {
                let event = proto::CheckInDue::decode(body.as_slice()).unwrap();
                assert!(version == 1 && event.check_in_id == aggregate_id.to_string());
                event
            })
            .collect();
        events.sort_by_key(|event| event.due_time.map(|time| time.seconds));
        events
    }

    /// An event as the journal emits it.
    pub(crate) fn entry_written(&self, account_id: Uuid, entry_id: Uuid, time_zone: &str) -> Envelope {
        let now = self.clock.now();
        let event = EntryWritten {
            entry_id: entry_id.to_string(),
            account_id: account_id.to_string(),
            entry_time: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }), // about long ago
            time_zone: time_zone.into(),
            has_mood: false,
            create_time: Some(app::to_proto(now)),
        };
        Envelope::new(self.ids.next(), now, entry_id, 1, &event)
    }

    /// Hands events over, whatever becomes of them.
    pub(crate) async fn deliver(&self, events: &[Envelope]) {
        events::inbox(self.pool().clone(), self.clock.clone()).handle(events).await.unwrap();
    }

    /// Hands events over that are all in order.
    pub(crate) async fn handle(&self, events: &[Envelope]) {
        self.deliver(events).await;
        let failed: i64 =
            sqlx::query_scalar("SELECT count(*) FROM bus.inbox_retry").fetch_one(self.pool()).await.unwrap();
        assert_eq!(failed, 0);
    }

    /// Two people who are linked.
    pub(crate) async fn couple(&self) -> Couple {
        let couple = Couple::of(self.ids.next(), self.ids.next(), self.ids.next()).unwrap();
        self.handle(&[self.linked(&couple)]).await;
        couple
    }

    pub(crate) fn linked(&self, couple: &Couple) -> Envelope {
        let event = CoupleLinked {
            couple_id: couple.couple_id.to_string(),
            first_account_id: couple.first_id.to_string(),
            second_account_id: couple.second_id.to_string(),
            link_time: Some(app::to_proto(self.clock.now())),
        };
        Envelope::new(self.ids.next(), self.clock.now(), couple.couple_id, 1, &event)
    }

    /// The second of the two is in the circle of the first, or no more.
    pub(crate) fn in_circle(&self, place: &Couple, joined: bool) -> Envelope {
        let event = CircleChanged {
            circle_id: place.couple_id.to_string(),
            host_account_id: place.first_id.to_string(),
            guest_account_id: place.second_id.to_string(),
            joined,
            change_time: Some(app::to_proto(self.clock.now())),
        };
        let version = if joined { 1 } else { 2 };
        Envelope::new(self.ids.next(), self.clock.now(), place.couple_id, version, &event)
    }

    pub(crate) fn unlinked(&self, couple: &Couple) -> Envelope {
        let event = CoupleUnlinked {
            couple_id: couple.couple_id.to_string(),
            first_account_id: couple.first_id.to_string(),
            second_account_id: couple.second_id.to_string(),
            unlink_time: Some(app::to_proto(self.clock.now())),
        };
        Envelope::new(self.ids.next(), self.clock.now(), couple.couple_id, 2, &event)
    }

    /// The first of a couple shared something with the second; it opens after a while and ends after another.
    pub(crate) fn shared(&self, couple: &Couple, share_id: Uuid, open_in_minutes: i64) -> Envelope {
        let now = self.clock.now();
        let event = ItemShared {
            share_id: share_id.to_string(),
            owner_account_id: couple.first_id.to_string(),
            recipient_account_id: couple.second_id.to_string(),
            couple_id: couple.couple_id.to_string(),
            open_time: Some(app::to_proto(now + SignedDuration::from_mins(open_in_minutes))),
            expire_time: Some(app::to_proto(now + SignedDuration::from_hours(30 * 24))),
            create_time: Some(app::to_proto(now)),
        };
        Envelope::new(self.ids.next(), now, share_id, 1, &event)
    }

    pub(crate) fn withdrawn(&self, couple: &Couple, share_id: Uuid) -> Envelope {
        let event = ShareWithdrawn {
            share_id: share_id.to_string(),
            owner_account_id: couple.first_id.to_string(),
            recipient_account_id: couple.second_id.to_string(),
            couple_id: couple.couple_id.to_string(),
        };
        Envelope::new(self.ids.next(), self.clock.now(), share_id, 3, &event)
    }

    pub(crate) fn answered(&self, couple: &Couple, share_id: Uuid) -> Envelope {
        let event = ShareAnswered {
            share_id: share_id.to_string(),
            owner_account_id: couple.first_id.to_string(),
            answerer_account_id: couple.second_id.to_string(),
            couple_id: couple.couple_id.to_string(),
            answer_time: Some(app::to_proto(self.clock.now())),
        };
        Envelope::new(self.ids.next(), self.clock.now(), share_id, 2, &event)
    }

    /// The rows of a query with one text column.
    pub(crate) async fn rows(&self, query: &'static str) -> Vec<String> {
        sqlx::query_scalar(query).fetch_all(self.pool()).await.unwrap()
    }
}

pub(crate) fn transport() -> Transport {
    Transport::memory(&[(reminders::CONSUMER, reminders::consumes())])
}

pub(crate) fn config(database: &Database) -> Config {
    Config {
        listen: Listen { address: "127.0.0.1:0".parse().unwrap() },
        database: chassis::database::Config::new(database.url()),
        accounts_url: "http://127.0.0.1:1".into(),
        bus: None,
    }
}

pub(crate) fn time(text: &str) -> prost_types::Timestamp {
    app::to_proto(text.parse::<Timestamp>().unwrap())
}

/// The same event under another id: told again.
pub(crate) fn again(stage: &Stage, event: &Envelope) -> Envelope {
    Envelope { id: stage.ids.next(), ..event.clone() }
}

/// A refusal in full: what the caller reads, byte for byte.
pub(crate) fn refusal(status: &Status) -> (tonic::Code, String, Vec<u8>) {
    (status.code(), status.message().to_owned(), status.details().to_vec())
}
