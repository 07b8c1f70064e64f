//! The path: where one stands, and one small next step.

use super::self_check::is_careful;
use super::{Failure, Frame, Member, words};
use askama::Template;
use axum::response::Response;
use candor_proto::content::v1::{GetPathRequest, GetPathResponse, Milestone, PathStep};

#[derive(Template)]
#[template(path = "path.html")]
struct Page {
    frame: Frame,
    next: Option<Next>,
    steps: Vec<ShownStep>,
}

struct Next {
    title: String,
    reason: String,
    link: String,
    link_text: &'static str,
}

struct ShownStep {
    name: &'static str,
    milestones: Vec<ShownMilestone>,
}

struct ShownMilestone {
    title: String,
    /// Where it can be done.
    link: Option<&'static str>,
    reached: Option<words::Moment>,
    progress: i32,
    goal: i32,
}

pub(super) async fn show(member: Member) -> Result<Response, Failure> {
    let request = member.call(GetPathRequest {})?;
    let mut client = member.guest.app.upstream.path();
    let (reply, zone, careful) =
        tokio::join!(client.get_path(request), member.time_zone(), is_careful(&member));
    let mut reply = reply?.into_inner();
    if careful {
        keep_to_oneself(&mut reply);
    }
    let shown = |milestone| shown(milestone, &zone, careful);
    let steps = reply.steps.iter().map(|step| ShownStep {
        name: words::step(step.step()),
        milestones: step.milestones.iter().map(shown).collect(),
    });
    let page = Page { frame: member.guest.frame("path"), next: next(&reply), steps: steps.collect() };
    member.guest.show(&page)
}

/// Leaves out what is for two, but for what was reached: nothing here asks for it.
fn keep_to_oneself(reply: &mut GetPathResponse) {
    for step in &mut reply.steps {
        step.milestones.retain(|one| one.reach_time.is_some() || is_for_one(&one.milestone_id));
    }
    reply.steps.retain(|step| !step.milestones.is_empty());
}

fn shown(milestone: &Milestone, zone: &jiff::tz::TimeZone, careful: bool) -> ShownMilestone {
    let link = place(&milestone.milestone_id).map(|(link, _)| link);
    ShownMilestone {
        title: milestone.title.clone(),
        link: link.filter(|_| !careful || is_for_one(&milestone.milestone_id)),
        reached: words::moment(milestone.reach_time.as_ref(), zone),
        progress: milestone.progress.clamp(0, milestone.goal.max(0)),
        goal: milestone.goal,
    }
}

fn next(reply: &GetPathResponse) -> Option<Next> {
    let holds = |step: &&PathStep| step.milestones.iter().any(|m| m.milestone_id == reply.next_milestone_id);
    let step = reply.steps.iter().find(holds)?;
    let milestone = step.milestones.iter().find(|m| m.milestone_id == reply.next_milestone_id)?;
    let (link, link_text) = match place(&milestone.milestone_id) {
        Some((link, words)) => (link.to_owned(), words),
        None => (format!("/library?step={}", step.step), "Read about it"),
    };
    Some(Next { title: milestone.title.clone(), reason: reply.next_reason.clone(), link, link_text })
}

/// Whether a milestone is one that people reach by themselves. One that is not known may take two.
fn is_for_one(milestone_id: &str) -> bool {
    matches!(place(milestone_id), Some(("/self-check" | "/write", _)))
}

/// The page where a milestone can be reached, and what its link says.
fn place(milestone_id: &str) -> Option<(&'static str, &'static str)> {
    Some(match milestone_id {
        "first-self-check" | "second-self-check" => ("/self-check", "To the self-check"),
        "first-entry" | "three-entries" | "entry-with-mood" => ("/write", "Write"),
        "first-check-in" | "three-check-ins" => ("/check-in", "To the check-ins"),
        "first-share" | "second-share" => ("/timeline", "Look at what you wrote"),
        "first-answer" => ("/received", "To what was shared with you"),
        _ => return None,
    })
}
