//! All that somebody can have besides an entry and a partner who was shown it: a circle, a counselor, consents, software, moods,
//! a self-check, a check-in, what is to be reminded of.

use crate::leaving::{Counselor, counselor, in_care};
use crate::software::{Software, operator};
use crate::story::{self, CANARY, Member};
use crate::world::World;
use candor_tests::eventually;
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// Those whom she has to do with besides her partner.
pub(crate) struct Others {
    friend: Member,
    carla: Counselor,
}

async fn post(world: &World, who: &Member, path: &str, body: Value) -> Value {
    world.rest().ok("POST", path, Some(&who.secret), Some(body)).await
}

async fn get(world: &World, who: &Member, path: &str) -> Value {
    world.rest().ok("GET", path, Some(&who.secret), None).await
}

/// A call that is answered once what it needs has got around.
async fn in_time(world: &World, who: &Member, path: &str, body: Value) -> Value {
    let mut answer = Value::Null;
    eventually(&format!("{path} succeeds"), PATIENCE, async || {
        let (status, said) = world.rest().call("POST", path, Some(&who.secret), Some(body.clone())).await;
        answer = said;
        status == 200
    })
    .await;
    answer
}

/// She lives on. What is private in it holds the canary.
pub(crate) async fn live_wholly(world: &World, anna: &Member, ben: &Member, entry_id: &str) -> Others {
    let operator = operator(world).await;
    let carla = counselor(world, &operator).await;
    let friend = story::join_over_rest(world, "tess@example.org").await;
    has_a_friend(world, anna, &friend, entry_id).await;
    in_care(world, anna, &carla).await;
    opens_to_her_counselor(world, anna, &carla).await;
    are_in_care_together(world, anna, ben, &carla).await;
    opens_to_software(world, anna, &operator).await;
    let mood = json!({"mood": {"pleasantness": -3, "energy": 1, "bodySigns": ["BODY_SIGN_TEARS"]}});
    post(world, anna, "/v1/moods", mood).await;
    checks_herself(world, anna).await;
    agree_on_a_check_in(world, anna, ben).await;
    Others { friend, carla }
}

/// Somebody she trusts, with a reason of her own, who is shown the topic of what she wrote.
async fn has_a_friend(world: &World, anna: &Member, friend: &Member, entry_id: &str) {
    let wish = json!({"ownName": "Anna", "called": "Tess", "reason": format!("She knows the {CANARY}.")});
    let invited = post(world, anna, "/v1/circle:invite", wish).await;
    let yes = json!({"code": invited["code"], "ownName": "Tess", "adult": true});
    post(world, friend, "/v1/invitations:accept", yes).await;
    let topic = json!({
        "kind": "SHARE_KIND_ENTRY", "itemId": entry_id, "depth": "SHARE_DEPTH_TOPIC",
        "words": format!("It is about the {CANARY}."),
    });
    let share = json!({"recipientAccountId": friend.account_id, "openNow": true, "selection": topic});
    in_time(world, anna, "/v1/shares", share).await;
}

/// Everything she wrote, which the counselor reads.
async fn opens_to_her_counselor(world: &World, anna: &Member, carla: &Counselor) {
    let consent = json!({
        "counselorAccountId": carla.member.account_id, "scope": "SCOPE_ENTRIES", "purpose": "ACCESS_PURPOSE_CARE",
        "textId": "entries-to-counselor", "textVersion": 1,
    });
    post(world, anna, "/v1/consents", consent).await;
    let opened = get(world, &carla.member, &format!("/v1/accounts/{}/opened/entries", anna.account_id)).await;
    assert!(opened.to_string().contains(CANARY), "{opened}");
}

async fn are_in_care_together(world: &World, anna: &Member, ben: &Member, carla: &Counselor) {
    let wish = json!({
        "counselorAccountId": carla.member.account_id, "ownName": format!("Anna of the {CANARY}"),
        "jurisdiction": "DE", "attested": true, "policy": "CONFIDENTIALITY_POLICY_SEPARATE",
    });
    let proposed = post(world, anna, "/v1/couple-care:propose", wish).await;
    let path = format!("/v1/couple-care/{}", proposed["careId"].as_str().unwrap());
    let yes = json!({"ownName": "Ben", "jurisdiction": "DE", "attested": true});
    post(world, ben, &format!("{path}:agree"), yes).await;
    post(world, &carla.member, &format!("{path}:accept"), json!({"attested": true})).await;
}

/// The same to software of the house, which reads as well.
async fn opens_to_software(world: &World, anna: &Member, operator: &str) {
    let software = Software::register(world, operator).await;
    let consent = json!({
        "clientId": software.client_id, "scope": "SCOPE_ENTRIES", "purpose": "ACCESS_PURPOSE_STATED",
        "textId": "entries-to-software", "textVersion": 1,
    });
    post(world, anna, "/v1/software-consents", consent).await;
    let token = software.token("one").await.1["access_token"].as_str().unwrap().to_owned();
    let path = format!("/v1/accounts/{}/opened/entries", anna.account_id);
    let opened = world.rest().ok("GET", &path, Some(&token), None).await;
    assert!(opened.to_string().contains(CANARY), "{opened}");
}

async fn checks_herself(world: &World, anna: &Member) {
    let instrument = world.rest().ok("GET", "/v1/instruments/self-check", None, None).await;
    let domains = instrument["instrument"]["domains"].as_array().unwrap();
    let items = domains.iter().flat_map(|domain| domain["items"].as_array().unwrap());
    let answers: Vec<Value> =
        items.map(|item| json!({"linkId": item["linkId"], "code": item["options"][1]["code"]})).collect();
    let begun = in_time(world, anna, "/v1/assessments", json!({"instrumentId": "self-check"})).await;
    let path = format!("/v1/assessments/{}", begun["assessment"]["assessmentId"].as_str().unwrap());
    post(world, anna, &format!("{path}:saveAnswers"), json!({"answers": answers})).await;
    post(world, anna, &format!("{path}:score"), json!({})).await;
}

/// A check-in that both answered, and that has not opened.
async fn agree_on_a_check_in(world: &World, anna: &Member, ben: &Member) {
    let wish = json!({"weekday": "WEEKDAY_FRIDAY", "localTime": "20:30", "timeZone": "Europe/Berlin"});
    let proposed = in_time(world, anna, "/v1/checkInSchedule:propose", wish).await;
    let id = proposed["proposal"]["scheduleId"].as_str().unwrap();
    let path = format!("/v1/accounts/{}/checkInSchedule/{id}:accept", anna.account_id);
    let agreed = in_time(world, ben, &path, json!({})).await;
    let next = &agreed["schedule"];
    let prompts = format!("/v1/checkIns/{}/prompts", next["nextCheckInId"].as_str().unwrap());
    let prompts = world.rest().ok("GET", &prompts, None, None).await;
    for (who, words) in [(anna, CANARY), (ben, "More walks.")] {
        let answer = json!({
            "scheduleId": id, "openTime": next["nextOpenTime"],
            "replies": [{"promptId": prompts["prompts"][0]["promptId"], "text": words}],
        });
        in_time(world, who, "/v1/checkIns:answer", answer).await;
    }
}

impl Others {
    /// They are here as before, and nothing of hers is: no circle, nobody in care, nothing that was opened.
    pub(crate) async fn are_as_ever(&self, world: &World, anna: &Member) {
        let circle = get(world, &self.friend, "/v1/circle").await;
        assert!(!circle.to_string().contains(&anna.account_id), "{circle}");
        let path = format!("/v1/accounts/{}/shares", anna.account_id);
        assert_eq!(world.rest().call("GET", &path, Some(&self.friend.secret), None).await.0, 404);
        for path in ["/v1/care/people", "/v1/couple-care/couples", "/v1/consents/granted-to-me"] {
            let listed = get(world, &self.carla.member, path).await;
            assert!(!listed.to_string().contains(&anna.account_id), "{path}: {listed}");
        }
        let path = format!("/v1/accounts/{}/opened/entries", anna.account_id);
        assert_eq!(world.rest().call("GET", &path, Some(&self.carla.member.secret), None).await.0, 404);
    }
}
