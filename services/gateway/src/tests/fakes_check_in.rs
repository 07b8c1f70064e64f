//! A fake of what a check-in needs: reminders' schedule, content's questions, journal's answers.

use super::fakes::Fake;
use candor_proto::content::v1::prompt_service_server::{PromptService, PromptServiceServer};
use candor_proto::content::v1::*;
use candor_proto::journal::v1::check_in_service_server::{CheckInService, CheckInServiceServer};
use candor_proto::journal::v1::*;
use candor_proto::reminders::v1::check_in_schedule_service_server::{
    CheckInScheduleService, CheckInScheduleServiceServer,
};
use candor_proto::reminders::v1::*;
use chassis::{Code, Fault};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

pub(super) const SCHEDULE: &str = "0195f1c2-7f00-7000-8000-00000000005c";
/// No schedule and no proposal has this id.
pub(super) const NO_SCHEDULE: &str = "0195f1c2-7f00-7000-8000-00000000005f";
pub(super) const NEXT: &str = "0195f1c2-7f00-5000-8000-0000000000c2";
pub(super) const LAST: &str = "0195f1c2-7f00-5000-8000-0000000000c1";

/// What the fake remembers.
#[derive(Default)]
pub(super) struct CheckIns {
    /// What reminders say about times.
    pub(super) times: Mutex<GetCheckInScheduleResponse>,
    /// What was asked of reminders, in a word each.
    pub(super) asked: Mutex<Vec<String>>,
    /// What journal holds, with the partner's part.
    pub(super) held: Mutex<Vec<CheckIn>>,
    /// Answers as they came.
    pub(super) answered: Mutex<Vec<AnswerCheckInRequest>>,
    /// The next answer comes too late.
    pub(super) over: AtomicBool,
    /// Content answers nothing about questions.
    pub(super) no_prompts: AtomicBool,
    /// Journal answers nothing about the partner's part.
    pub(super) closed: AtomicBool,
    /// What journal holds was held under an earlier link.
    pub(super) earlier_link: AtomicBool,
    /// Journal takes nothing back: it is away, or the time has come.
    pub(super) no_taking_back: Mutex<Option<Status>>,
    /// Reminders answer nothing about times.
    pub(super) no_times: AtomicBool,
}

/// Serves these fakes as well.
pub(super) fn add(router: Router, fake: Fake) -> Router {
    router
        .add_service(PromptServiceServer::new(fake.clone()))
        .add_service(CheckInServiceServer::new(fake.clone()))
        .add_service(CheckInScheduleServiceServer::new(fake))
}

/// The weekly evening: Tuesdays at 20:30 in Lisbon.
pub(super) fn evening(id: &str) -> CheckInSchedule {
    CheckInSchedule {
        schedule_id: id.into(),
        weekday: Weekday::Tuesday.into(),
        local_time: "20:30".into(),
        time_zone: "Europe/Lisbon".into(),
        ..CheckInSchedule::default()
    }
}

/// The same, running.
pub(super) fn running() -> CheckInSchedule {
    let time = |text: &str| {
        let time: jiff::Timestamp = text.parse().unwrap();
        Some(prost_types::Timestamp { seconds: time.as_second(), nanos: 0 })
    };
    CheckInSchedule {
        next_open_time: time("2026-03-10T20:30:00Z"),
        next_check_in_id: NEXT.into(),
        last_open_time: time("2026-03-03T20:30:00Z"),
        last_check_in_id: LAST.into(),
        ..evening(SCHEDULE)
    }
}

/// A reply.
pub(super) fn reply(prompt_id: &str, text: &str) -> CheckInReply {
    CheckInReply { prompt_id: prompt_id.into(), text: text.into() }
}

#[tonic::async_trait]
impl PromptService for Fake {
    async fn list_check_in_prompts(
        &self,
        _: Request<ListCheckInPromptsRequest>,
    ) -> Answer<ListCheckInPromptsResponse> {
        if self.0.check_ins.no_prompts.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let prompts =
            [("gentle", "What was good?"), ("middle", "What was hard?"), ("deep", "What would help?")];
        let prompt = |(id, text): (&str, &str)| Prompt { prompt_id: id.into(), text: text.into() };
        Ok(Response::new(ListCheckInPromptsResponse { prompts: prompts.map(prompt).to_vec() }))
    }
}

#[tonic::async_trait]
impl CheckInScheduleService for Fake {
    async fn propose_check_in_schedule(
        &self,
        request: Request<ProposeCheckInScheduleRequest>,
    ) -> Answer<ProposeCheckInScheduleResponse> {
        self.admit(&request)?;
        let request = request.into_inner();
        let asked = format!("propose {} {} {}", request.weekday, request.local_time, request.time_zone);
        self.0.check_ins.asked.lock().unwrap().push(asked);
        Ok(Response::new(ProposeCheckInScheduleResponse { proposal: Some(evening(&request.schedule_id)) }))
    }

    async fn get_check_in_schedule(
        &self,
        request: Request<GetCheckInScheduleRequest>,
    ) -> Answer<GetCheckInScheduleResponse> {
        self.admit_reader(&request, &request.get_ref().owner_account_id)?;
        if self.0.check_ins.no_times.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        Ok(Response::new(self.0.check_ins.times.lock().unwrap().clone()))
    }

    async fn accept_check_in_schedule(
        &self,
        request: Request<AcceptCheckInScheduleRequest>,
    ) -> Answer<AcceptCheckInScheduleResponse> {
        self.admit_reader(&request, &request.get_ref().owner_account_id)?;
        let request = request.into_inner();
        if request.schedule_id == NO_SCHEDULE {
            return Err(Fault::new(Code::NotFound, "PROPOSAL_NOT_FOUND", "There is no such proposal.").into());
        }
        let asked = format!("accept {} {}", request.owner_account_id, request.schedule_id);
        self.0.check_ins.asked.lock().unwrap().push(asked);
        Ok(Response::new(AcceptCheckInScheduleResponse { schedule: Some(running()) }))
    }

    async fn end_check_in_schedule(
        &self,
        request: Request<EndCheckInScheduleRequest>,
    ) -> Answer<EndCheckInScheduleResponse> {
        self.admit(&request)?;
        if request.get_ref().schedule_id == NO_SCHEDULE {
            return Err(Fault::new(Code::NotFound, "SCHEDULE_NOT_FOUND", "There is no such schedule.").into());
        }
        self.0.check_ins.asked.lock().unwrap().push(format!("end {}", request.get_ref().schedule_id));
        Ok(Response::new(EndCheckInScheduleResponse {}))
    }
}

impl Fake {
    /// A check-in; the partner's part only where it is open and was opened.
    fn held(&self, id: &str, with_partner: bool) -> Result<CheckIn, Status> {
        let held = self.0.check_ins.held.lock().unwrap();
        let found = held.iter().find(|found| found.check_in_id == id).cloned();
        let mut found = found.ok_or_else(|| {
            Status::from(Fault::new(Code::NotFound, "CHECK_IN_NOT_FOUND", "There is no such check-in."))
        })?;
        if !with_partner || found.state() != CheckInState::Open {
            found.partner_replies.clear();
        }
        Ok(found)
    }
}

#[tonic::async_trait]
impl CheckInService for Fake {
    async fn answer_check_in(&self, request: Request<AnswerCheckInRequest>) -> Answer<AnswerCheckInResponse> {
        self.admit(&request)?;
        if self.0.check_ins.over.load(Ordering::SeqCst) {
            let sentence = "The time of this check-in is over. It stays as it is.";
            return Err(Fault::new(Code::FailedPrecondition, "CHECK_IN_OVER", sentence).into());
        }
        self.0.check_ins.answered.lock().unwrap().push(request.into_inner());
        Ok(Response::new(AnswerCheckInResponse { check_in: Some(CheckIn::default()) }))
    }

    async fn take_back_check_in_answer(
        &self,
        request: Request<TakeBackCheckInAnswerRequest>,
    ) -> Answer<TakeBackCheckInAnswerResponse> {
        self.admit(&request)?;
        if let Some(status) = self.0.check_ins.no_taking_back.lock().unwrap().clone() {
            return Err(status);
        }
        self.0.check_ins.asked.lock().unwrap().push(format!("take back {}", request.get_ref().check_in_id));
        Ok(Response::new(TakeBackCheckInAnswerResponse {}))
    }

    async fn get_check_in(&self, request: Request<GetCheckInRequest>) -> Answer<GetCheckInResponse> {
        let GetCheckInRequest { check_in_id, owner_account_id } = request.get_ref();
        let of_partner = !owner_account_id.is_empty();
        match of_partner {
            true if self.0.check_ins.closed.load(Ordering::SeqCst) => {
                return Err(Status::unavailable("away"));
            }
            true => self.admit_reader(&request, owner_account_id)?,
            false => self.admit(&request)?,
        }
        let earlier = self.0.check_ins.earlier_link.load(Ordering::SeqCst);
        let check_in_id = if of_partner && earlier { "" } else { check_in_id };
        let check_in = self.held(check_in_id, of_partner)?;
        Ok(Response::new(GetCheckInResponse { check_in: Some(check_in) }))
    }

    async fn list_check_ins(&self, request: Request<ListCheckInsRequest>) -> Answer<ListCheckInsResponse> {
        self.admit(&request)?;
        let mut check_ins = self.0.check_ins.held.lock().unwrap().clone();
        check_ins.retain(|found| !found.own_replies.is_empty());
        check_ins.iter_mut().for_each(|found| found.partner_replies.clear());
        Ok(Response::new(ListCheckInsResponse { check_ins, next_page_token: String::new() }))
    }
}
