//! Check-ins: when they are, the next one's questions with one's own answer, and what came before.

mod answer;
mod one;
mod schedule;

pub(super) use answer::{keep, take_back};
pub(super) use one::show as show_one;
pub(super) use schedule::{agree, end, propose};

use super::self_check::is_careful;
use super::{Failure, Frame, Guest, Member, parameter, words};
use crate::error::Problem;
use crate::query;
use crate::upstream::call;
use answer::AnswerForm;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::Couple;
use candor_proto::content::v1::{ListCheckInPromptsRequest, Prompt};
use candor_proto::journal::v1::{
    CheckIn, CheckInReply, CheckInState, GetCheckInRequest, ListCheckInsRequest, ListCheckInsResponse,
};
use candor_proto::options::v1::Scope;
use candor_proto::reminders::v1::{CheckInSchedule, GetCheckInScheduleRequest, GetCheckInScheduleResponse};
use jiff::tz::TimeZone;
use schedule::Proposing;

/// Check-ins that were answered, on one page: more than can be open for answers at a time.
const PAGE: i32 = 12;
const ENDED_BUT_ANSWERED: &str = "It has ended. Your answer to the next one could not be taken back right now. \
     You find it below, and can take it back there.";

#[derive(Template)]
#[template(path = "check_in.html")]
struct Page {
    frame: Frame,
    said: Option<&'static str>,
    standing: Standing,
    past: Option<Vec<Past>>,
    first: bool,
    older: Option<String>,
    /// Whether to propose nothing for two.
    careful: bool,
}

/// How the member stands with somebody about check-ins.
enum Standing {
    /// Accounts cannot say whether there is a link.
    Unknown,
    /// There is no link.
    Alone,
    /// There is one, but nothing can be said about times.
    NoTimes { partner: String },
    /// There is one.
    Linked(Box<Linked>),
}

impl Standing {
    /// The check-in whose answer this page shows already; empty when there is none.
    fn next_check_in_id(&self) -> &str {
        match self {
            Self::Linked(linked) => linked.running.as_ref().map_or("", |running| &running.check_in_id),
            _ => "",
        }
    }
}

struct Linked {
    partner: String,
    running: Option<Running>,
    own_proposal: Option<Rhythm>,
    partner_proposal: Option<Rhythm>,
    proposing: Proposing,
}

/// A schedule that runs.
struct Running {
    rhythm: Rhythm,
    next: Option<When>,
    last: Option<Last>,
    /// Absent while the questions cannot be loaded.
    answer: Option<AnswerForm>,
    /// What the member answered to the next one.
    kept: Vec<Reply>,
    check_in_id: String,
}

/// On which day, at what time, in which zone.
struct Rhythm {
    schedule_id: String,
    weekday: &'static str,
    time: String,
    zone: String,
}

/// A moment for the member, and for the schedule where that is another zone.
struct When {
    own: words::Moment,
    own_zone: String,
    there: Option<(words::Moment, String)>,
}

/// The check-in before the next.
struct Last {
    id: String,
    on: words::Moment,
}

/// A question with what was answered.
struct Reply {
    question: String,
    text: String,
}

/// A check-in the member answered.
struct Past {
    id: String,
    on: words::Moment,
    state: &'static str,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let said = match parameter(query.as_deref(), "done").as_deref() {
        Some("kept") => Some("Your answer is kept."),
        Some("taken-back") => Some("Your answer is taken back. Nobody saw it."),
        Some("proposed") => Some("Your proposal is kept."),
        Some("agreed") => Some("It is agreed."),
        Some("ended") => Some("It has ended."),
        Some("ended-but-answered") => Some(ENDED_BUT_ANSWERED),
        _ => None,
    };
    let token = parameter(query.as_deref(), "from").unwrap_or_default();
    let first = token.is_empty();
    let (couple, zone, past, careful) =
        tokio::join!(member.couple(), member.time_zone(), past(&member, token), is_careful(&member));
    if let Err(problem) = &couple
        && problem.status == StatusCode::UNAUTHORIZED
    {
        return Err(problem.clone().into());
    }
    let standing = match couple {
        Ok(Some(couple)) => linked(&member, &couple, &zone).await?,
        Ok(None) => Standing::Alone,
        Err(_) => Standing::Unknown,
    };
    // The next one is on this page already. Any other that is still open for answers has no other place.
    let next = standing.next_check_in_id();
    let (past, token) = past.map_or((None, String::new()), |past| {
        let others = past.check_ins.iter().filter(|found| found.check_in_id != next);
        (Some(others.filter_map(|found| one_of_past(found, &zone)).collect()), past.next_page_token)
    });
    let older = (!token.is_empty()).then(|| format!("/check-in?from={}", query::encode(&token)));
    let frame = member.guest.frame("check-in");
    let page = Page { frame, said, standing, past, first, older, careful };
    member.guest.show(&page)
}

async fn linked(member: &Member, couple: &Couple, zone: &TimeZone) -> Result<Standing, Problem> {
    let partner = couple.partner_name.clone();
    let Ok(times) = times(member, couple).await else { return Ok(Standing::NoTimes { partner }) };
    let proposing = Proposing::after(&member.guest, times.own_proposal.as_ref(), zone);
    let running = match &times.schedule {
        Some(schedule) => Some(running(member, schedule, zone).await?),
        None => None,
    };
    let linked = Linked {
        partner,
        running,
        own_proposal: times.own_proposal.as_ref().map(rhythm),
        partner_proposal: times.partner_proposal.as_ref().map(rhythm),
        proposing,
    };
    Ok(Standing::Linked(Box::new(linked)))
}

/// What runs between the two and what is proposed. Where nothing is open to the member, there is nothing of it.
async fn times(member: &Member, couple: &Couple) -> Result<GetCheckInScheduleResponse, Problem> {
    let owner_account_id = couple.partner_account_id.clone();
    let reply = async {
        let opened = member.open(&owner_account_id, Scope::CheckInSchedule, None).await?;
        let request = GetCheckInScheduleRequest { owner_account_id: owner_account_id.clone() };
        let request = member.call_opened(request, opened)?;
        let mut client = member.guest.app.upstream.check_in_schedule();
        Ok::<_, Problem>(client.get_check_in_schedule(request).await?.into_inner())
    };
    match reply.await {
        Err(problem) if problem.status == StatusCode::NOT_FOUND => Ok(GetCheckInScheduleResponse::default()),
        reply => reply,
    }
}

async fn running(member: &Member, schedule: &CheckInSchedule, zone: &TimeZone) -> Result<Running, Problem> {
    let id = &schedule.next_check_in_id;
    let (prompts, own) = tokio::join!(prompts(&member.guest, id), own_part(member, id));
    let prompts = prompts.ok();
    let own = own.ok().map(|own| own.own_replies).unwrap_or_default();
    let rhythm = rhythm(schedule);
    let there = words::zone(&rhythm.zone);
    let last = words::moment(schedule.last_open_time.as_ref(), zone);
    let last = last.filter(|_| !schedule.last_check_in_id.is_empty());
    Ok(Running {
        next: when(schedule.next_open_time.as_ref(), zone, &there),
        last: last.map(|on| Last { id: schedule.last_check_in_id.clone(), on }),
        answer: prompts.as_deref().and_then(|prompts| AnswerForm::new(schedule, prompts, &own)),
        kept: replies(&own, prompts.as_deref().unwrap_or_default()),
        check_in_id: id.clone(),
        rhythm,
    })
}

fn rhythm(schedule: &CheckInSchedule) -> Rhythm {
    Rhythm {
        schedule_id: schedule.schedule_id.clone(),
        weekday: words::weekday(schedule.weekday()),
        time: schedule.local_time.clone(),
        zone: schedule.time_zone.clone(),
    }
}

fn when(time: Option<&prost_types::Timestamp>, zone: &TimeZone, there: &TimeZone) -> Option<When> {
    let elsewhere = words::moment(time, there).zip(there.iana_name());
    let own_zone = zone.iana_name().unwrap_or("UTC");
    Some(When {
        own: words::moment(time, zone)?,
        own_zone: own_zone.to_owned(),
        there: elsewhere
            .filter(|(_, name)| *name != own_zone)
            .map(|(moment, name)| (moment, name.to_owned())),
    })
}

/// The questions of a check-in.
async fn prompts(guest: &Guest, check_in_id: &str) -> Result<Vec<Prompt>, Problem> {
    let request = call(ListCheckInPromptsRequest { check_in_id: check_in_id.to_owned() }, None)?;
    Ok(guest.app.upstream.prompts().list_check_in_prompts(request).await?.into_inner().prompts)
}

/// The member's own part of a check-in.
async fn own_part(member: &Member, check_in_id: &str) -> Result<CheckIn, Problem> {
    let request = GetCheckInRequest { check_in_id: check_in_id.to_owned(), owner_account_id: String::new() };
    let request = member.call(request)?;
    let reply = member.guest.app.upstream.check_ins().get_check_in(request).await?.into_inner();
    reply.check_in.ok_or_else(Problem::internal)
}

async fn past(member: &Member, page_token: String) -> Result<ListCheckInsResponse, Problem> {
    let request = member.call(ListCheckInsRequest { page_size: PAGE, page_token })?;
    Ok(member.guest.app.upstream.check_ins().list_check_ins(request).await?.into_inner())
}

fn one_of_past(found: &CheckIn, zone: &TimeZone) -> Option<Past> {
    let state = match found.state() {
        CheckInState::Open => "opened",
        CheckInState::NotThisTime => "not this time",
        CheckInState::Gathering => "not open yet",
        CheckInState::Unspecified => return None,
    };
    let on = words::moment(found.open_time.as_ref(), zone)?;
    Some(Past { id: found.check_in_id.clone(), on, state })
}

/// Replies with their questions, in the order of the questions; what answers none of them comes last.
fn replies(replies: &[CheckInReply], prompts: &[Prompt]) -> Vec<Reply> {
    let known = prompts.iter().flat_map(|prompt| {
        let fits = replies.iter().filter(|reply| reply.prompt_id == prompt.prompt_id);
        fits.map(|reply| Reply { question: prompt.text.clone(), text: reply.text.clone() })
    });
    let stray = replies.iter().filter(|reply| prompts.iter().all(|p| p.prompt_id != reply.prompt_id));
    known.chain(stray.map(|reply| Reply { question: String::new(), text: reply.text.clone() })).collect()
}
