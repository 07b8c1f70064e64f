//! Answering a check-in. The form carries schedule and time, so that it can be kept while other parts are away; and
//! whatever goes wrong, the page comes back with the words.

use super::prompts;
use crate::error::Problem;
use crate::pages::form::{Form, NotYet, Words};
use crate::pages::{Failure, Frame, Guest, Member, Segment, go};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::content::v1::Prompt;
use candor_proto::journal::v1::{AnswerCheckInRequest, CheckInReply, TakeBackCheckInAnswerRequest};
use candor_proto::reminders::v1::CheckInSchedule;
use jiff::Timestamp;

/// The form of an answer.
pub(super) struct AnswerForm {
    /// The schedule.
    pub(super) schedule_id: String,
    /// When the check-in opens, in RFC 3339.
    pub(super) open_time: String,
    /// The check-in.
    pub(super) check_in_id: String,
    /// Its questions with what is written so far.
    pub(super) questions: Vec<Question>,
}

/// A question with what is written so far.
pub(super) struct Question {
    /// Its id.
    pub(super) id: String,
    /// The question.
    pub(super) text: String,
    /// The reply, or empty.
    pub(super) reply: String,
}

impl AnswerForm {
    /// For the next check-in of a schedule, if it has one.
    pub(super) fn new(schedule: &CheckInSchedule, prompts: &[Prompt], own: &[CheckInReply]) -> Option<Self> {
        let time = schedule.next_open_time.as_ref()?;
        let time = Timestamp::new(time.seconds, time.nanos).ok()?;
        let question = |prompt: &Prompt| Question {
            id: prompt.prompt_id.clone(),
            text: prompt.text.clone(),
            reply: reply_to(own, &prompt.prompt_id),
        };
        Some(Self {
            schedule_id: schedule.schedule_id.clone(),
            open_time: time.to_string(),
            check_in_id: schedule.next_check_in_id.clone(),
            questions: prompts.iter().map(question).collect(),
        })
    }

    /// As it was sent; questions that cannot be loaded are numbered.
    async fn sent(guest: &Guest, form: &Form, replies: &[CheckInReply]) -> Self {
        let check_in_id = form.text("check_in_id");
        let prompts = prompts(guest, &check_in_id).await.unwrap_or_default();
        let questions = form.all("prompt_id").enumerate().map(|(place, id)| {
            let known = prompts.iter().find(|prompt| prompt.prompt_id == id);
            Question {
                text: known.map_or_else(|| format!("Question {}", place + 1), |prompt| prompt.text.clone()),
                reply: reply_to(replies, id),
                id: id.to_owned(),
            }
        });
        let questions = questions.collect();
        Self {
            schedule_id: form.text("schedule_id"),
            open_time: form.text("open_time"),
            check_in_id,
            questions,
        }
    }
}

fn reply_to(replies: &[CheckInReply], prompt_id: &str) -> String {
    let reply = replies.iter().find(|reply| reply.prompt_id == prompt_id);
    reply.map(|reply| reply.text.clone()).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "check_in_again.html")]
struct AgainPage {
    frame: Frame,
    message: String,
    form: AnswerForm,
}

/// Keeps an answer.
pub(in crate::pages) async fn keep(words: Words) -> Result<Response, Failure> {
    let Words { guest, form, member } = words;
    let replies = replies(&form);
    let kept = match member {
        Ok(_) if replies.is_empty() => Err(NotYet {
            status: StatusCode::BAD_REQUEST,
            message: "There are no words to keep yet. One answer is enough, and leaving it is fine too."
                .into(),
        }),
        Ok(member) => save(&member, &form, replies.clone()).await,
        Err(not) => Err(not),
    };
    let Err(not) = kept else { return Ok(go("/check-in?done=kept")) };
    let form = AnswerForm::sent(&guest, &form, &replies).await;
    let page = AgainPage { frame: guest.frame("check-in"), message: not.message, form };
    guest.show_with(not.status, &page)
}

fn replies(form: &Form) -> Vec<CheckInReply> {
    let pairs = form.all("prompt_id").zip(form.all("reply"));
    let said = pairs.filter(|(_, text)| !text.trim().is_empty());
    said.map(|(id, text)| CheckInReply { prompt_id: id.to_owned(), text: text.replace("\r\n", "\n") })
        .collect()
}

async fn save(member: &Member, form: &Form, replies: Vec<CheckInReply>) -> Result<(), NotYet> {
    let request = AnswerCheckInRequest {
        schedule_id: form.text("schedule_id"),
        open_time: open_time(&form.text("open_time")),
        replies,
    };
    let request = member.call(request).map_err(|problem| NotYet::after(&problem))?;
    let answer = member.guest.app.upstream.check_ins().answer_check_in(request).await;
    answer.map(|_| ()).map_err(|status| NotYet::after(&status.into()))
}

fn open_time(text: &str) -> Option<prost_types::Timestamp> {
    let time: Timestamp = text.parse().ok()?;
    Some(prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() })
}

/// Takes an answer back.
pub(in crate::pages) async fn take_back(
    member: Member,
    Segment(check_in_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    take_back_answer(&member, &check_in_id).await.map_err(Failure::between_two)?;
    Ok(go("/check-in?done=taken-back"))
}

/// Takes the member's answer to a check-in back.
///
/// # Errors
/// 400 when its time has come.
pub(super) async fn take_back_answer(member: &Member, check_in_id: &str) -> Result<(), Problem> {
    let request = member.call(TakeBackCheckInAnswerRequest { check_in_id: check_in_id.to_owned() })?;
    member.guest.app.upstream.check_ins().take_back_check_in_answer(request).await?;
    Ok(())
}
