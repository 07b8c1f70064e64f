//! ScheduleService, InboxService and, in a file of its own, CheckInScheduleService: protobuf on one side, the domain on
//! the other.

mod check_ins;

use crate::app::{self, kind_to_proto, to_proto};
use crate::domain::{Cursor, InboxItem, Invalid, List, PageSize, Schedule};
use crate::error::Error;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bus::Outbox;
use candor_proto::reminders::v1 as proto;
use candor_proto::reminders::v1::inbox_service_server::InboxService;
use candor_proto::reminders::v1::schedule_service_server::ScheduleService;
use chassis::rpc::{admit_member, admit_owner};
use chassis::{Clock, Fault, Ids};
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// All services. Each RPC reaches what is the caller's own or was opened to the caller, and answers NOT_FOUND for
/// everything else.
#[derive(Clone)]
pub struct Reminders {
    pool: PgPool,
    outbox: Outbox,
    clock: Clock,
    ids: Ids,
}

impl Reminders {
    /// On the service's database.
    pub fn new(pool: PgPool, outbox: Outbox, clock: Clock, ids: Ids) -> Self {
        Self { pool, outbox, clock, ids }
    }

    /// For an RPC of one statement, which is a transaction by itself.
    async fn connection(&self) -> Result<PoolConnection<Postgres>, Error> {
        Ok(self.pool.acquire().await?)
    }
}

#[tonic::async_trait]
impl ScheduleService for Reminders {
    async fn list_schedules(
        &self,
        request: Request<proto::ListSchedulesRequest>,
    ) -> Result<Response<proto::ListSchedulesResponse>, Status> {
        let (passport, request) = admit_owner(request)?;
        let size = PageSize::parse(request.page_size).map_err(Error::from)?;
        let after = cursor_of(List::Schedules, &request.page_token)?;
        let mut conn = self.connection().await?;
        let page = app::list_schedules(&mut conn, passport.account_id, size, after).await?;
        Ok(Response::new(proto::ListSchedulesResponse {
            schedules: page.items.into_iter().map(schedule_to_proto).collect(),
            next_page_token: token_of(List::Schedules, page.next),
        }))
    }

    async fn cancel_schedule(
        &self,
        request: Request<proto::CancelScheduleRequest>,
    ) -> Result<Response<proto::CancelScheduleResponse>, Status> {
        let (passport, request) = admit_member(request)?;
        let schedule_id = parse_id("schedule_id", &request.schedule_id)?;
        let mut conn = self.connection().await?;
        app::cancel_schedule(&mut conn, passport.account_id, schedule_id, self.clock.now()).await?;
        Ok(Response::new(proto::CancelScheduleResponse {}))
    }
}

#[tonic::async_trait]
impl InboxService for Reminders {
    async fn list_inbox_items(
        &self,
        request: Request<proto::ListInboxItemsRequest>,
    ) -> Result<Response<proto::ListInboxItemsResponse>, Status> {
        let (passport, request) = admit_owner(request)?;
        let size = PageSize::parse(request.page_size).map_err(Error::from)?;
        let after = cursor_of(List::Inbox, &request.page_token)?;
        let mut conn = self.connection().await?;
        let page = app::list_inbox_items(&mut conn, passport.account_id, size, after).await?;
        Ok(Response::new(proto::ListInboxItemsResponse {
            items: page.items.into_iter().map(item_to_proto).collect(),
            next_page_token: token_of(List::Inbox, page.next),
        }))
    }

    async fn mark_inbox_item_read(
        &self,
        request: Request<proto::MarkInboxItemReadRequest>,
    ) -> Result<Response<proto::MarkInboxItemReadResponse>, Status> {
        let (passport, request) = admit_member(request)?;
        let inbox_item_id = parse_id("inbox_item_id", &request.inbox_item_id)?;
        let mut conn = self.connection().await?;
        app::mark_inbox_item_read(&mut conn, passport.account_id, inbox_item_id, self.clock.now()).await?;
        Ok(Response::new(proto::MarkInboxItemReadResponse {}))
    }
}

fn parse_id(field: &'static str, text: &str) -> Result<Uuid, Fault> {
    text.parse().map_err(|_| Fault::invalid_field(field, "is not a UUID"))
}

/// A page token is a place in the caller's own list. It opens nothing, so it needs no seal; one that this list
/// cannot have given is refused.
fn cursor_of(list: List, token: &str) -> Result<Option<Cursor>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let cursor = bytes.and_then(|bytes| Cursor::from_bytes(list, &bytes));
    let unknown = Invalid { field: "page_token", rule: "is not one that this list gave you" };
    cursor.map(Some).ok_or(Error::Invalid(unknown))
}

fn token_of(list: List, next: Option<Cursor>) -> String {
    next.map(|cursor| URL_SAFE_NO_PAD.encode(cursor.to_bytes(list))).unwrap_or_default()
}

fn schedule_to_proto(schedule: Schedule) -> proto::Schedule {
    proto::Schedule {
        schedule_id: schedule.schedule_id.to_string(),
        kind: kind_to_proto(schedule.kind).into(),
        due_time: Some(to_proto(schedule.due_at)),
        time_zone: schedule.time_zone,
        subject_id: schedule.subject_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

fn item_to_proto(item: InboxItem) -> proto::InboxItem {
    proto::InboxItem {
        inbox_item_id: item.inbox_item_id.to_string(),
        kind: kind_to_proto(item.kind).into(),
        subject_id: item.subject_id.map(|id| id.to_string()).unwrap_or_default(),
        create_time: Some(to_proto(item.created_at)),
        read: item.read,
        link_id: item.couple_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}
