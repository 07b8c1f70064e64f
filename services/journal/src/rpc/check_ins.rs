//! `CheckInService`.

use super::{Journal, chosen_id, database, page_start, to_proto};
use crate::Error;
use crate::app::{self, ANSWER_CHECK_IN, Timeline};
use crate::domain::{
    CheckInState, Cursor, Invalid, OpenTime, PageSize, Replies, Reply, SealedAnswer, SealedCheckIn,
    check_in_id, to_microseconds,
};
use candor_proto::journal::v1 as proto;
use candor_proto::journal::v1::check_in_service_server::CheckInService;
use chassis::Fault;
use chassis::audience::{Reading, admit_reader};
use chassis::identity::Capability;
use chassis::rpc::{admit_member, admit_owner};
use jiff::Timestamp;
use prost::Message as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use vault::DataKey;

/// The answers of a page together, in bytes: with one more than this it still fits a message of 1 MiB.
const PAGE_BYTES: i64 = 768 * 1024;

#[tonic::async_trait]
impl CheckInService for Journal {
    async fn answer_check_in(
        &self,
        request: Request<proto::AnswerCheckInRequest>,
    ) -> Result<Response<proto::AnswerCheckInResponse>, Status> {
        let (caller, request) = admit_member(request)?;
        let check_in = self.answer(caller.account_id, request).await?;
        Ok(Response::new(proto::AnswerCheckInResponse { check_in: Some(check_in) }))
    }

    async fn take_back_check_in_answer(
        &self,
        request: Request<proto::TakeBackCheckInAnswerRequest>,
    ) -> Result<Response<proto::TakeBackCheckInAnswerResponse>, Status> {
        let (caller, request) = admit_member(request)?;
        self.take_back(caller.account_id, &request.check_in_id).await?;
        Ok(Response::new(proto::TakeBackCheckInAnswerResponse {}))
    }

    async fn get_check_in(
        &self,
        request: Request<proto::GetCheckInRequest>,
    ) -> Result<Response<proto::GetCheckInResponse>, Status> {
        let (caller, reading, request) = admit_reader(request)?;
        let check_in_id = chosen_id("check_in_id", &request.check_in_id)?.ok_or(Error::CheckInNotFound)?;
        let check_in = match reading {
            Reading::Own => self.own_check_in(caller.account_id, check_in_id).await?,
            Reading::Of(capability) => self.opened_check_in(&capability, check_in_id).await?,
        };
        Ok(Response::new(proto::GetCheckInResponse { check_in: Some(check_in) }))
    }

    async fn list_check_ins(
        &self,
        request: Request<proto::ListCheckInsRequest>,
    ) -> Result<Response<proto::ListCheckInsResponse>, Status> {
        let (caller, request) = admit_owner(request)?;
        Ok(Response::new(self.check_ins(caller.account_id, &request).await?))
    }
}

impl Journal {
    async fn answer(
        &self,
        account_id: Uuid,
        request: proto::AnswerCheckInRequest,
    ) -> Result<proto::CheckIn, Fault> {
        let now = to_microseconds(self.0.clock.now());
        let asked = Asked::parse(request, now)?;
        let data_key = self.key_to_write(account_id).await?;
        let answer = SealedAnswer {
            account_id,
            check_in_id: asked.check_in_id,
            schedule_id: asked.schedule_id,
            open_time: asked.open_time,
            replies: app::seal_replies(&data_key, asked.check_in_id, &asked.replies),
            saved_at: now,
            request_mac: data_key.mac(ANSWER_CHECK_IN, &asked.canonical),
        };
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let state = app::answer_check_in(&mut transaction, &self.0.ids, &answer).await?;
        transaction.commit().await.map_err(database)?;
        self.0.outbox.wake();
        Ok(proto::CheckIn {
            check_in_id: asked.check_in_id.to_string(),
            schedule_id: asked.schedule_id.to_string(),
            open_time: to_proto(asked.open_time.timestamp()),
            state: state_to_proto(state).into(),
            own_replies: replies_to_proto(&asked.replies),
            partner_replies: Vec::new(),
        })
    }

    async fn take_back(&self, account_id: Uuid, check_in_id: &str) -> Result<(), Fault> {
        let Some(check_in_id) = chosen_id("check_in_id", check_in_id)? else { return Ok(()) };
        let now = to_microseconds(self.0.clock.now());
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        app::take_back_answer(&mut transaction, account_id, check_in_id, now).await?;
        transaction.commit().await.map_err(database)
    }

    async fn own_check_in(&self, account_id: Uuid, check_in_id: Uuid) -> Result<proto::CheckIn, Fault> {
        let own_key = self.key_to_read(account_id).await?.ok_or(Error::CheckInNotFound)?;
        let now = to_microseconds(self.0.clock.now());
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let found = app::find_check_in(&mut transaction, &self.0.ids, account_id, check_in_id, now).await?;
        transaction.commit().await.map_err(database)?;
        self.0.outbox.wake();
        Ok(check_in_to_proto(&found, &own_key, None)?)
    }

    async fn opened_check_in(
        &self,
        capability: &Capability,
        check_in_id: Uuid,
    ) -> Result<proto::CheckIn, Fault> {
        // Before the transaction, in which nothing else is asked over the network.
        let own_key = self.key_to_read(capability.reader_id).await?.ok_or(Error::CheckInNotFound)?;
        let partner_key = self.key_to_read(capability.opening.owner_id).await?;
        let now = to_microseconds(self.0.clock.now());
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let readable = partner_key.is_some();
        let found =
            app::find_opened_check_in(&mut transaction, &self.0.ids, capability, check_in_id, readable, now)
                .await?;
        transaction.commit().await.map_err(database)?;
        self.0.outbox.wake();
        Ok(check_in_to_proto(&found, &own_key, partner_key.as_ref())?)
    }

    async fn check_ins(
        &self,
        account_id: Uuid,
        request: &proto::ListCheckInsRequest,
    ) -> Result<proto::ListCheckInsResponse, Fault> {
        let size = PageSize::parse(request.page_size).map_err(Error::Invalid)?;
        let Some(data_key) = self.key_to_read(account_id).await? else {
            return Ok(proto::ListCheckInsResponse::default());
        };
        let after = page_start(&data_key, Timeline::CheckIns, &request.page_token)?;
        let (found, more) = self.decided_page(account_id, after, size).await?;
        let last = found
            .last()
            .filter(|_| more)
            .map(|last| Cursor { time: last.open_time.timestamp(), id: last.check_in_id });
        let mut check_ins = Vec::with_capacity(found.len());
        for check_in in &found {
            check_ins.push(check_in_to_proto(check_in, &data_key, None)?);
        }
        let token = |cursor| app::seal_token(&data_key, Timeline::CheckIns, cursor);
        Ok(proto::ListCheckInsResponse { check_ins, next_page_token: last.map(token).unwrap_or_default() })
    }

    /// A page on which everything whose time has come is decided.
    async fn decided_page(
        &self,
        account_id: Uuid,
        after: Cursor,
        size: PageSize,
    ) -> Result<(Vec<SealedCheckIn>, bool), Fault> {
        let now = to_microseconds(self.0.clock.now());
        let mut conn = self.0.pool.acquire().await.map_err(database)?;
        let page = app::list_check_ins(&mut conn, account_id, after, size.get(), PAGE_BYTES)
            .await
            .map_err(database)?;
        let is_due = |it: &&SealedCheckIn| it.state == CheckInState::Gathering && it.open_time.has_come(now);
        let due: Vec<Uuid> = page.0.iter().filter(is_due).map(|due| due.check_in_id).collect();
        if due.is_empty() {
            return Ok(page);
        }
        for check_in_id in due {
            let mut transaction = sqlx::Connection::begin(&mut *conn).await.map_err(database)?;
            app::decide_own(&mut transaction, &self.0.ids, account_id, check_in_id, now)
                .await
                .map_err(database)?;
            transaction.commit().await.map_err(database)?;
        }
        self.0.outbox.wake();
        app::list_check_ins(&mut conn, account_id, after, size.get(), PAGE_BYTES).await.map_err(database)
    }
}

/// An answer as its client sent it.
struct Asked {
    check_in_id: Uuid,
    schedule_id: Uuid,
    open_time: OpenTime,
    replies: Replies,
    /// The bytes of the request, the same for the same request in other letters.
    canonical: Vec<u8>,
}

impl Asked {
    fn parse(mut request: proto::AnswerCheckInRequest, now: Timestamp) -> Result<Self, Error> {
        let schedule_id = chosen_id("schedule_id", &request.schedule_id)?
            .ok_or(Error::Invalid(Invalid { field: "schedule_id", rule: "is required" }))?;
        let open_time = open_time(request.open_time.take(), now)?;
        request.schedule_id = schedule_id.to_string();
        request.open_time = to_proto(open_time.timestamp());
        let canonical = request.encode_to_vec();
        let replies = Replies::parse(request.replies.into_iter().map(reply_from_proto).collect())?;
        let check_in_id = check_in_id(schedule_id, open_time);
        Ok(Self { check_in_id, schedule_id, open_time, replies, canonical })
    }
}

/// The time of a check-in, as a client says it.
fn open_time(sent: Option<prost_types::Timestamp>, now: Timestamp) -> Result<OpenTime, Error> {
    let broken = |rule| Error::Invalid(Invalid { field: "open_time", rule });
    let sent = sent.ok_or_else(|| broken("is required"))?;
    let sound = (0..1_000_000_000).contains(&sent.nanos);
    let time = sound.then(|| Timestamp::new(sent.seconds, sent.nanos).ok()).flatten();
    Ok(OpenTime::parse(time.ok_or_else(|| broken("is not a moment in time"))?, now)?)
}

fn reply_from_proto(reply: proto::CheckInReply) -> Reply {
    Reply { prompt_id: reply.prompt_id, text: reply.text }
}

fn replies_to_proto(replies: &Replies) -> Vec<proto::CheckInReply> {
    let reply =
        |reply: &Reply| proto::CheckInReply { prompt_id: reply.prompt_id.clone(), text: reply.text.clone() };
    replies.iter().map(reply).collect()
}

fn state_to_proto(state: CheckInState) -> proto::CheckInState {
    match state {
        CheckInState::Gathering => proto::CheckInState::Gathering,
        CheckInState::Open => proto::CheckInState::Open,
        CheckInState::NotThisTime => proto::CheckInState::NotThisTime,
    }
}

/// Opens each part with its writer's key.
fn check_in_to_proto(
    check_in: &SealedCheckIn,
    own_key: &DataKey,
    partner_key: Option<&DataKey>,
) -> Result<proto::CheckIn, Error> {
    let open = |key: Option<&DataKey>, sealed: Option<&Vec<u8>>| match (key, sealed) {
        (Some(key), Some(sealed)) => {
            app::open_replies(key, check_in.check_in_id, sealed).map(|replies| replies_to_proto(&replies))
        }
        _ => Ok(Vec::new()),
    };
    Ok(proto::CheckIn {
        check_in_id: check_in.check_in_id.to_string(),
        schedule_id: check_in.schedule_id.to_string(),
        open_time: to_proto(check_in.open_time.timestamp()),
        state: state_to_proto(check_in.state).into(),
        own_replies: open(Some(own_key), check_in.own.as_ref())?,
        partner_replies: open(partner_key, check_in.partner.as_ref())?,
    })
}
