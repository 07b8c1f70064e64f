//! When check-ins are: proposing, agreeing, ending. Nothing is said to anybody about not answering a proposal.

use super::answer::take_back_answer;
use super::{Member, past};
use crate::error::Problem;
use crate::pages::{Failure, Form, Guest, go, words};
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::journal::v1::{CheckIn, CheckInState};
use candor_proto::options::v1::Scope;
use candor_proto::reminders::v1::{
    AcceptCheckInScheduleRequest, CheckInSchedule, EndCheckInScheduleRequest, ProposeCheckInScheduleRequest,
    Weekday,
};
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// The time that is proposed unless another is chosen.
const EVENING: &str = "20:30";

/// A proposal's form.
pub(super) struct Proposing {
    /// The id of the proposal, so that sending it twice is safe.
    pub(super) schedule_id: String,
    /// The days to choose from.
    pub(super) days: Vec<Day>,
    /// The time, as HH:MM.
    pub(super) time: String,
    /// The zone that is chosen until the browser says its own.
    pub(super) zone: String,
    /// The zones to choose from.
    pub(super) zones: Vec<String>,
}

/// A day to choose.
pub(super) struct Day {
    /// Its number.
    pub(super) number: i32,
    /// Its name.
    pub(super) name: &'static str,
    /// Whether it is chosen.
    pub(super) chosen: bool,
}

impl Proposing {
    /// As the member proposed before, or a quiet evening.
    pub(super) fn after(guest: &Guest, before: Option<&CheckInSchedule>, zone: &TimeZone) -> Self {
        let weekday = before.map_or(Weekday::Sunday, CheckInSchedule::weekday);
        let days = words::weekdays();
        Self {
            // Both get to see it: it holds no time.
            schedule_id: guest.app.ids.next_opaque().to_string(),
            days: days.map(|(number, name)| Day { number, name, chosen: number == weekday as i32 }).collect(),
            time: before.map_or(EVENING, |before| &before.local_time).to_owned(),
            zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            zones: words::zone_names(),
        }
    }
}

/// Proposes a day and a time.
pub(in crate::pages) async fn propose(member: Member, form: Form) -> Result<Response, Failure> {
    let request = ProposeCheckInScheduleRequest {
        schedule_id: form.text("schedule_id"),
        weekday: form.text("weekday").parse().unwrap_or_default(),
        local_time: local_time(&form.text("local_time"))?,
        time_zone: form.text("time_zone"),
    };
    let request = member.call(request)?;
    member.guest.app.upstream.check_in_schedule().propose_check_in_schedule(request).await?;
    Ok(go("/check-in?done=proposed"))
}

/// A time as browsers send it, or as people write it where the browser does not help, as HH:MM.
fn local_time(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let padded = if text.find(':') == Some(1) { format!("0{text}") } else { text.to_owned() };
    let time: Option<Time> = padded.parse().ok().filter(|_| padded.contains(':'));
    let time = time.ok_or_else(|| {
        let detail = "The time cannot be read. Please write it as 20:30. Nothing was changed.";
        Problem::bad_request("INVALID_ARGUMENT", detail)
    })?;
    Ok(time.strftime("%H:%M").to_string())
}

/// Agrees to what the partner proposed.
pub(in crate::pages) async fn agree(member: Member, form: Form) -> Result<Response, Failure> {
    let couple = member.couple().await?.ok_or_else(Failure::closed)?;
    let owner_account_id = couple.partner_account_id;
    let agreed = async {
        let opened = member.open(&owner_account_id, Scope::CheckInSchedule, None).await?;
        let schedule_id = form.text("schedule_id");
        let request =
            AcceptCheckInScheduleRequest { owner_account_id: owner_account_id.clone(), schedule_id };
        let request = member.call_opened(request, opened)?;
        let mut client = member.guest.app.upstream.check_in_schedule();
        Ok::<_, Problem>(client.accept_check_in_schedule(request).await?)
    };
    agreed.await.map_err(Failure::between_two)?;
    Ok(go("/check-in?done=agreed"))
}

/// Ends a schedule, or takes a proposal back. The member's own answers to check-ins of a schedule go first: then none of
/// them opens, even while journal has not heard of the end. When they cannot be taken back, it ends all the same.
pub(in crate::pages) async fn end(member: Member, form: Form) -> Result<Response, Failure> {
    let schedule_id = form.text("schedule_id");
    let taken_back = match form.text("runs").as_str() {
        "yes" => take_back_answers(&member, &schedule_id).await,
        _ => Ok(()),
    };
    let request = member.call(EndCheckInScheduleRequest { schedule_id })?;
    let reply = member.guest.app.upstream.check_in_schedule().end_check_in_schedule(request).await;
    reply.map_err(Failure::between_two)?;
    Ok(go(if taken_back.is_ok() { "/check-in?done=ended" } else { "/check-in?done=ended-but-answered" }))
}

/// Takes back what the member answered to check-ins of a schedule that have not opened. One that opened meanwhile stays
/// as it is.
async fn take_back_answers(member: &Member, schedule_id: &str) -> Result<(), Problem> {
    // Newest first: those that are still to come are on the first page.
    let answered = past(member, String::new()).await?.check_ins;
    let waiting =
        |found: &&CheckIn| found.schedule_id == schedule_id && found.state() == CheckInState::Gathering;
    for found in answered.iter().filter(waiting) {
        match take_back_answer(member, &found.check_in_id).await {
            Err(problem) if problem.status != StatusCode::BAD_REQUEST => return Err(problem),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_people_write_it() {
        for (text, time) in
            [("20:30", "20:30"), (" 8:05 ", "08:05"), ("20:30:00", "20:30"), ("00:00", "00:00")]
        {
            assert_eq!(local_time(text).unwrap(), time);
        }
        for text in ["", "25:00", "half past eight", "2030", "8", "20:3"] {
            let problem = local_time(text).unwrap_err();
            assert!(problem.detail.contains("Please write it as 20:30"), "{text}");
        }
    }
}
