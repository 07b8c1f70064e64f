//! One check-in: both answers side by side once it is open, or "not this time", the same whatever the reason.

use super::{When, own_part, prompts, times, when};
use crate::error::Problem;
use crate::pages::markdown::Source;
use crate::pages::self_check::is_careful;
use crate::pages::{Failure, Frame, Guest, Member, Segment, go};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::Couple;
use candor_proto::content::v1::Prompt;
use candor_proto::journal::v1::{CheckIn, CheckInReply, CheckInState, GetCheckInRequest};
use candor_proto::options::v1::Scope;

#[derive(Template)]
#[template(path = "check_in_one.html")]
struct Page {
    frame: Frame,
    check_in_id: String,
    state: CheckInState,
    when: Option<When>,
    /// The partner's name, where their part is open to the member.
    partner: Option<String>,
    /// Whether it cannot be said if it is.
    partner_away: bool,
    questions: Vec<Answered>,
    /// Whether to suggest a talk of two.
    talk: bool,
    /// Whether the member's own words stand alone, under a heading of their own.
    own_apart: bool,
}

/// A question with what each said, as HTML.
struct Answered {
    question: String,
    own: Option<String>,
    partner: Option<String>,
}

pub(in crate::pages) async fn show(member: Member, Segment(id): Segment) -> Result<Response, Failure> {
    if uuid::Uuid::try_parse(&id).is_err() {
        return Err(Problem::no_such_path().into());
    }
    let (couple, zone, prompts, careful) =
        tokio::join!(member.couple(), member.time_zone(), prompts(&member.guest, &id), is_careful(&member));
    let Seen { check_in, partner, unsure } = see(&member, couple, &id).await?;
    if check_in.state() == CheckInState::Gathering && check_in.own_replies.is_empty() {
        return Ok(go("/check-in"));
    }
    let guest = &member.guest;
    guest.show(&Page {
        frame: guest.frame("check-in"),
        state: check_in.state(),
        when: when(check_in.open_time.as_ref(), &zone, &zone),
        partner_away: partner.is_none() && unsure,
        talk: partner.is_some() && !careful,
        partner,
        own_apart: check_in.state() != CheckInState::Open && !check_in.own_replies.is_empty(),
        questions: answered(guest, &check_in, &prompts.unwrap_or_default()).await?,
        check_in_id: check_in.check_in_id,
    })
}

/// What a member gets to see of a check-in.
struct Seen {
    check_in: CheckIn,
    /// The partner's name, where their part is open to the member.
    partner: Option<String>,
    /// Whether more might be open than can be fetched.
    unsure: bool,
}

async fn see(member: &Member, couple: Result<Option<Couple>, Problem>, id: &str) -> Result<Seen, Problem> {
    let mut unsure = couple.is_err();
    let couple = couple.ok().flatten();
    if let Some(couple) = &couple {
        match both_parts(member, couple, id).await {
            Ok(check_in) => {
                let partner = Some(couple.partner_name.clone());
                return Ok(Seen { check_in, partner, unsure });
            }
            // Not open to the member, as after parting and linking anew: then there is one's own part alone.
            Err(Problem { status: StatusCode::NOT_FOUND | StatusCode::FORBIDDEN, .. }) => {}
            Err(_) => unsure = true,
        }
    }
    let check_in = match own_part(member, id).await {
        Err(problem) if problem.status == StatusCode::NOT_FOUND => {
            unknown(member, couple.as_ref(), id, problem).await?
        }
        own => own?,
    };
    Ok(Seen { check_in, partner: None, unsure })
}

/// Both parts, as far as they are open.
async fn both_parts(member: &Member, couple: &Couple, id: &str) -> Result<CheckIn, Problem> {
    let owner_account_id = couple.partner_account_id.clone();
    let opened = member.open(&owner_account_id, Scope::CheckIns, Some(id)).await?;
    let request = GetCheckInRequest { check_in_id: id.to_owned(), owner_account_id };
    let request = member.call_opened(request, opened)?;
    let reply = member.guest.app.upstream.check_ins().get_check_in(request).await?.into_inner();
    reply.check_in.ok_or_else(Problem::internal)
}

/// A check-in nobody answered leaves nothing in the journal: the schedule still knows that it was one, and then it
/// looks like any other that did not open.
async fn unknown(
    member: &Member,
    couple: Option<&Couple>,
    id: &str,
    problem: Problem,
) -> Result<CheckIn, Problem> {
    let Some(couple) = couple else { return Err(problem) };
    let schedule = times(member, couple).await?.schedule.unwrap_or_default();
    let (state, open_time) = if schedule.last_check_in_id == id {
        (CheckInState::NotThisTime, schedule.last_open_time)
    } else if schedule.next_check_in_id == id {
        (CheckInState::Gathering, schedule.next_open_time)
    } else {
        return Err(problem);
    };
    Ok(CheckIn { check_in_id: id.to_owned(), open_time, state: state.into(), ..CheckIn::default() })
}

/// Every question somebody answered, in the order of the questions; what answers none of them comes last.
async fn answered(guest: &Guest, check_in: &CheckIn, prompts: &[Prompt]) -> Result<Vec<Answered>, Problem> {
    let (own, partner) = (&check_in.own_replies, &check_in.partner_replies);
    let mut order: Vec<(&str, &str)> =
        prompts.iter().map(|p| (p.prompt_id.as_str(), p.text.as_str())).collect();
    for reply in own.iter().chain(partner) {
        if order.iter().all(|(id, _)| *id != reply.prompt_id) {
            order.push((&reply.prompt_id, "In other words"));
        }
    }
    let mut answered = Vec::new();
    for (id, question) in order {
        let (own, partner) = (html(guest, own, id).await?, html(guest, partner, id).await?);
        if own.is_some() || partner.is_some() {
            answered.push(Answered { question: question.to_owned(), own, partner });
        }
    }
    Ok(answered)
}

async fn html(guest: &Guest, replies: &[CheckInReply], prompt_id: &str) -> Result<Option<String>, Problem> {
    match replies.iter().find(|reply| reply.prompt_id == prompt_id) {
        Some(reply) => Ok(Some(guest.app.desk.html(reply.text.clone(), Source::Member).await?)),
        None => Ok(None),
    }
}
