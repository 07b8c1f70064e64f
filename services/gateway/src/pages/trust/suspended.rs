//! What a suspended account reads and can do: objecting once, ending what connects it with others, its data.

use crate::error::Problem;
use crate::pages::{Failure, Form, Frame, Member, go, words};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{
    AppealState, AppealSuspensionRequest, GetSuspensionRequest, Suspension, SuspensionReason,
};

/// Where it is.
pub(in crate::pages) const PLACE: &str = "/suspended";

#[derive(Template)]
#[template(path = "suspended.html")]
struct Page {
    frame: Frame,
    suspension: Option<Shown>,
    typed: String,
    wrong: Option<String>,
}

struct Shown {
    reason: &'static str,
    since: Option<words::Moment>,
    ends: Option<words::Moment>,
    can_appeal: bool,
    waits: bool,
    refused: bool,
    appeal: String,
}

pub(super) async fn show(member: Member) -> Result<Response, Failure> {
    page(&member, String::new(), None).await
}

async fn page(member: &Member, typed: String, problem: Option<Problem>) -> Result<Response, Failure> {
    let request = member.call(GetSuspensionRequest {})?;
    let mut client = member.guest.app.upstream.trust();
    let (reply, zone) = tokio::join!(client.get_suspension(request), member.time_zone());
    let suspension = reply?.into_inner().suspension.map(|found| shown(found, &zone));
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let wrong = problem.map(|problem| match problem.violations.first() {
        Some(wrong) => format!("What you write {}.", wrong.description),
        None => problem.detail,
    });
    member.guest.show_with(status, &Page { frame: member.guest.frame("suspended"), suspension, typed, wrong })
}

fn shown(found: Suspension, zone: &jiff::tz::TimeZone) -> Shown {
    let appeal = found.appeal_state();
    Shown {
        reason: reason(found.reason()),
        since: words::moment(found.start_time.as_ref(), zone),
        ends: words::moment(found.end_time.as_ref(), zone),
        can_appeal: appeal == AppealState::Unspecified,
        waits: appeal == AppealState::Waiting,
        refused: appeal == AppealState::Refused,
        appeal: found.appeal,
    }
}

/// Why, in a sentence for whoever is suspended.
fn reason(reason: SuspensionReason) -> &'static str {
    match reason {
        SuspensionReason::Threat => "Somebody was threatened from this account.",
        SuspensionReason::Harassment => "Somebody was pressed or harassed from this account.",
        SuspensionReason::Privacy => "What was private to somebody was passed on from this account.",
        SuspensionReason::Pretence => {
            "This account seems to say that it is somebody, or a professional, that it is not."
        }
        SuspensionReason::UnderAge => "Whoever has this account seems to be younger than 18.",
        SuspensionReason::Other | SuspensionReason::Unspecified => {
            "Something was done from this account that the rules of this place do not allow."
        }
    }
}

pub(super) async fn appeal(member: Member, form: Form) -> Result<Response, Failure> {
    let typed = form.text("appeal").trim().to_owned();
    let request = member.call(AppealSuspensionRequest { appeal: typed.clone() })?;
    let Err(status) = member.guest.app.upstream.trust().appeal_suspension(request).await else {
        return Ok(go(PLACE));
    };
    let problem = Problem::from(status);
    if problem.status == StatusCode::UNAUTHORIZED {
        return Err(problem.into());
    }
    page(&member, typed, Some(problem)).await
}
