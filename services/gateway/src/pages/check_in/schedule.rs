//! When check-ins are: proposing, agreeing, ending. Nothing is said to anybody about not answering a proposal.

use super::Member;
use crate::error::Problem;
use crate::pages::{Failure, Form, Guest, go, words};
use axum::response::Response;
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
            schedule_id: guest.app.ids.next().to_string(),
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
    let couple = member.couple().await?.ok_or_else(Problem::no_such_path)?;
    let owner_account_id = couple.partner_account_id;
    let opened = member.open(&owner_account_id, Scope::CheckInSchedule, None).await?;
    let request = AcceptCheckInScheduleRequest { owner_account_id, schedule_id: form.text("schedule_id") };
    let request = member.call_opened(request, opened)?;
    member.guest.app.upstream.check_in_schedule().accept_check_in_schedule(request).await?;
    Ok(go("/check-in?done=agreed"))
}

/// Ends a schedule, or takes a proposal back.
pub(in crate::pages) async fn end(member: Member, form: Form) -> Result<Response, Failure> {
    let request = member.call(EndCheckInScheduleRequest { schedule_id: form.text("schedule_id") })?;
    member.guest.app.upstream.check_in_schedule().end_check_in_schedule(request).await?;
    Ok(go("/check-in?done=ended"))
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
