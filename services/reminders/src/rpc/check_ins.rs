//! CheckInScheduleService.

use super::{Reminders, parse_id};
use crate::app::{check_ins, to_proto};
use crate::domain::{CheckInSchedule, Occurrence, Phase, Proposal};
use crate::error::Error;
use candor_proto::reminders::v1 as proto;
use candor_proto::reminders::v1::check_in_schedule_service_server::CheckInScheduleService;
use chassis::audience::{Reading, admit_reader};
use chassis::identity::Capability;
use chassis::rpc::admit_member;
use jiff::Timestamp;
use sqlx::Connection as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;

#[tonic::async_trait]
impl CheckInScheduleService for Reminders {
    async fn propose_check_in_schedule(
        &self,
        request: Request<proto::ProposeCheckInScheduleRequest>,
    ) -> Result<Response<proto::ProposeCheckInScheduleResponse>, Status> {
        let (passport, request) = admit_member(request)?;
        let schedule_id = match request.schedule_id.as_str() {
            "" => self.ids.next_opaque(), // the partner sees it
            text => parse_id("schedule_id", text)?,
        };
        let proposal = Proposal::parse(schedule_id, request.weekday, &request.local_time, &request.time_zone)
            .map_err(Error::from)?;
        let now = self.clock.now();
        let mut conn = self.connection().await?;
        let mut tx = conn.begin().await.map_err(Error::from)?;
        let proposal = check_ins::propose(&mut tx, passport.account_id, proposal, now).await?;
        tx.commit().await.map_err(Error::from)?;
        let proposal = Some(schedule_to_proto(proposal, now)?);
        Ok(Response::new(proto::ProposeCheckInScheduleResponse { proposal }))
    }

    async fn get_check_in_schedule(
        &self,
        request: Request<proto::GetCheckInScheduleRequest>,
    ) -> Result<Response<proto::GetCheckInScheduleResponse>, Status> {
        let (passport, reading, _) = admit_reader(request)?;
        let capability = of_partner(reading)?;
        let now = self.clock.now();
        let mut conn = self.connection().await?;
        let found = check_ins::read(&mut conn, &capability, now).await?;
        Ok(Response::new(sorted(found, passport.account_id, now)?))
    }

    async fn accept_check_in_schedule(
        &self,
        request: Request<proto::AcceptCheckInScheduleRequest>,
    ) -> Result<Response<proto::AcceptCheckInScheduleResponse>, Status> {
        let (_, reading, request) = admit_reader(request)?;
        let capability = of_partner(reading)?;
        let schedule_id = parse_id("schedule_id", &request.schedule_id)?;
        let now = self.clock.now();
        let mut conn = self.connection().await?;
        let mut tx = conn.begin().await.map_err(Error::from)?;
        let schedule = check_ins::accept(&mut tx, &self.ids, &capability, schedule_id, now).await?;
        tx.commit().await.map_err(Error::from)?;
        self.outbox.wake();
        let schedule = Some(schedule_to_proto(schedule, now)?);
        Ok(Response::new(proto::AcceptCheckInScheduleResponse { schedule }))
    }

    async fn end_check_in_schedule(
        &self,
        request: Request<proto::EndCheckInScheduleRequest>,
    ) -> Result<Response<proto::EndCheckInScheduleResponse>, Status> {
        let (passport, request) = admit_member(request)?;
        let schedule_id = parse_id("schedule_id", &request.schedule_id)?;
        let mut conn = self.connection().await?;
        let mut tx = conn.begin().await.map_err(Error::from)?;
        check_ins::end(&mut tx, &self.ids, passport.account_id, schedule_id, self.clock.now()).await?;
        tx.commit().await.map_err(Error::from)?;
        self.outbox.wake();
        Ok(Response::new(proto::EndCheckInScheduleResponse {}))
    }
}

/// The capability to read what one has with somebody else. With oneself there is nothing.
fn of_partner(reading: Reading) -> Result<Capability, Error> {
    match reading {
        Reading::Of(capability) => Ok(*capability),
        Reading::Own => Err(Error::CheckInScheduleNotFound),
    }
}

/// What two people have, each thing in its place.
fn sorted(
    found: Vec<CheckInSchedule>,
    account_id: Uuid,
    now: Timestamp,
) -> Result<proto::GetCheckInScheduleResponse, Error> {
    let mut response = proto::GetCheckInScheduleResponse::default();
    for schedule in found {
        let place = match schedule.phase {
            Phase::Running { .. } => &mut response.schedule,
            Phase::Proposed if schedule.proposer_id == account_id => &mut response.own_proposal,
            Phase::Proposed => &mut response.partner_proposal,
            Phase::Ended => continue,
        };
        *place = Some(schedule_to_proto(schedule, now)?);
    }
    Ok(response)
}

fn schedule_to_proto(schedule: CheckInSchedule, now: Timestamp) -> Result<proto::CheckInSchedule, Error> {
    let times = schedule.times(now).map_err(|_| Error::Calendar)?;
    let open_time = |check_in: Option<Occurrence>| check_in.map(|check_in| to_proto(check_in.open_at));
    let id = |check_in: Option<Occurrence>| check_in.map(|it| it.check_in_id.to_string()).unwrap_or_default();
    Ok(proto::CheckInSchedule {
        schedule_id: schedule.schedule_id.to_string(),
        proposer_account_id: schedule.proposer_id.to_string(),
        weekday: schedule.recurrence.weekday().into(),
        local_time: schedule.recurrence.local_time(),
        time_zone: schedule.recurrence.time_zone().to_owned(),
        next_open_time: open_time(times.next),
        next_check_in_id: id(times.next),
        last_open_time: open_time(times.last),
        last_check_in_id: id(times.last),
    })
}
