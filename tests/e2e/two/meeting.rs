//! Check-ins: agreed to by both, answered apart, opened together or not at all.

use super::{CANARY, Two, text};
use crate::story::Member;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The check-ins of the story.
pub(super) struct CheckIns {
    /// Both answered.
    pub(super) open: String,
    /// Only she answered.
    pub(super) closed: String,
}

pub(super) async fn they_meet(two: &Two<'_>) -> CheckIns {
    they_agree(two).await;
    let first = next(two, &two.anna, &two.ben).await;
    assert_eq!(next(two, &two.ben, &two.anna).await, first, "both see the same check-in");
    answer(two, &two.anna, &first, "I would like more walks").await;
    answer(two, &two.ben, &first, "I would like fewer plans").await;
    nothing_shows_before_its_time(two, &first).await;
    the_day_before(two, &first).await;
    let open = it_opens(two, &first).await;

    let second = next(two, &two.anna, &two.ben).await;
    assert_ne!(second, first);
    answer(two, &two.anna, &second, "I was alone this week").await;
    let closed = it_stays_closed(two, &second).await;
    CheckIns { open, closed }
}

async fn they_agree(two: &Two<'_>) {
    let wish = json!({"weekday": "WEEKDAY_WEDNESDAY", "localTime": "20:30", "timeZone": "Europe/Berlin"});
    let proposed = two.post(&two.anna, "/v1/checkInSchedule:propose", wish).await;
    let id = text(&proposed["proposal"]["scheduleId"]);
    let seen = format!("/v1/accounts/{}/checkInSchedule", two.anna.account_id);
    let proposal = |seen: &Value| seen["partnerProposal"]["scheduleId"] == id && seen["schedule"].is_null();
    two.comes(&two.ben, &seen, "he sees what she proposes", proposal).await;
    let agreed = two.post(&two.ben, &format!("{seen}/{id}:accept"), json!({})).await;
    assert_eq!(agreed["schedule"]["localTime"], "20:30");
    let runs = |seen: &Value| seen["schedule"]["scheduleId"] == id && seen["ownProposal"].is_null();
    let seen = format!("/v1/accounts/{}/checkInSchedule", two.ben.account_id);
    two.comes(&two.anna, &seen, "she sees that it runs", runs).await;
}

/// The next check-in as one of them sees the schedule: schedule, time and id.
async fn next(two: &Two<'_>, who: &Member, partner: &Member) -> [String; 3] {
    let path = format!("/v1/accounts/{}/checkInSchedule", partner.account_id);
    let seen = two.comes(who, &path, "a next check-in is ahead", |seen| {
        let next = seen["schedule"]["nextOpenTime"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        next.is_some_and(|at| at > two.world.clock().now())
    });
    let seen = seen.await;
    ["scheduleId", "nextOpenTime", "nextCheckInId"].map(|name| text(&seen["schedule"][name]).to_owned())
}

async fn answer(two: &Two<'_>, who: &Member, [schedule, time, id]: &[String; 3], words: &str) {
    let prompts = two.world.rest().ok("GET", &format!("/v1/checkIns/{id}/prompts"), None, None).await;
    let prompts = prompts["prompts"].as_array().unwrap();
    assert_eq!(prompts.len(), 3);
    let replies = [json!({"promptId": prompts[0]["promptId"], "text": format!("{words}: {CANARY}.")})];
    let answer = json!({"scheduleId": schedule, "openTime": time, "replies": replies});
    let kept = two.post(who, "/v1/checkIns:answer", answer).await;
    assert_eq!(kept["checkIn"]["checkInId"], id.as_str(), "its id follows from schedule and time");
    assert_eq!(kept["checkIn"]["state"], "CHECK_IN_STATE_GATHERING");
}

/// A check-in as one of them sees it with the other's part.
fn with_partner(partner: &Member, id: &str) -> String {
    format!("/v1/checkIns/{id}?ownerAccountId={}", partner.account_id)
}

/// He took his answer back and gave it again; she sees the same in every case.
async fn nothing_shows_before_its_time(two: &Two<'_>, check_in: &[String; 3]) {
    let path = with_partner(&two.ben, &check_in[2]);
    let both = two.get(&two.anna, &path).await;
    two.post(&two.ben, &format!("/v1/checkIns/{}:takeBack", check_in[2]), json!({})).await;
    let alone = two.get(&two.anna, &path).await;
    assert_eq!(both, alone);
    assert!(both["checkIn"]["partnerReplies"].as_array().is_none_or(Vec::is_empty), "{both}");
    answer(two, &two.ben, check_in, "I would like fewer plans").await;
    assert_eq!(two.get(&two.anna, &path).await, both);
}

async fn the_day_before(two: &Two<'_>, [_, time, id]: &[String; 3]) {
    let time: Timestamp = time.parse().unwrap();
    two.world.clock().set(time - SignedDuration::from_hours(2));
    for who in [&two.anna, &two.ben] {
        two.is_told(who, "SCHEDULE_KIND_CHECK_IN_AHEAD", id).await;
        let inbox = two.get(who, "/v1/inboxItems?pageSize=100").await;
        assert_eq!(super::items(&inbox, "SCHEDULE_KIND_CHECK_IN").count(), 0, "its time has not come");
    }
}

async fn it_opens(two: &Two<'_>, [schedule, time, id]: &[String; 3]) -> String {
    two.world.clock().set(time.parse().unwrap());
    let open = |seen: &Value| seen["checkIn"]["state"] == "CHECK_IN_STATE_OPEN";
    for (who, partner, words) in [(&two.anna, &two.ben, "fewer plans"), (&two.ben, &two.anna, "more walks")] {
        let seen = two.comes(who, &with_partner(partner, id), "the check-in opens", open).await;
        let reply = text(&seen["checkIn"]["partnerReplies"][0]["text"]);
        assert!(reply.contains(words) && reply.contains(CANARY), "{reply}");
        let own = two.get(who, &format!("/v1/checkIns/{id}")).await;
        assert!(
            own["checkIn"]["partnerReplies"].as_array().is_none_or(Vec::is_empty),
            "one's own part alone"
        );
        two.is_told(who, "SCHEDULE_KIND_CHECK_IN", id).await;
        two.is_further(who, "STEP_COMMUNICATE").await;
    }
    let late =
        json!({"scheduleId": schedule, "openTime": time, "replies": [{"promptId": "x", "text": "late"}]});
    let (status, _) =
        two.world.rest().call("POST", "/v1/checkIns:answer", Some(&two.ben.secret), Some(late)).await;
    assert!((400..500).contains(&status), "nothing is added to what is over, got {status}");
    id.clone()
}

/// She answered and he did not: both see the same, that it was not this time.
async fn it_stays_closed(two: &Two<'_>, [_, time, id]: &[String; 3]) -> String {
    let time: Timestamp = time.parse().unwrap();
    two.world.clock().set(time + SignedDuration::from_mins(1));
    let closed = |seen: &Value| seen["checkIn"]["state"] == "CHECK_IN_STATE_NOT_THIS_TIME";
    let mut seen = Vec::new();
    for (who, partner) in [(&two.anna, &two.ben), (&two.ben, &two.anna)] {
        let path = with_partner(partner, id);
        let mut check_in = two.comes(who, &path, "the check-in is not this time", closed).await;
        assert!(check_in["checkIn"]["partnerReplies"].as_array().is_none_or(Vec::is_empty), "{check_in}");
        check_in["checkIn"].as_object_mut().unwrap().remove("ownReplies");
        seen.push(check_in);
    }
    assert_eq!(seen[0], seen[1], "nothing tells who answered");
    id.clone()
}
