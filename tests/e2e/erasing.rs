//! Somebody has everything destroyed: what connects her with others ends at once, a week later everything goes in every
//! service, and a certificate is all that is left of her. What the other wrote stays his.

use crate::life::{Others, live_wholly};
use crate::remains::nothing_is_left;
use crate::story::{self, CANARY, Member};
use crate::world::World;
use candor_tests::eventually;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
async fn post(world: &World, who: &Member, path: &str, body: Value) -> Value {
    world.rest().ok("POST", path, Some(&who.secret), Some(body)).await
}

/// They link; each writes; she shares, he answers; and she has all else that somebody can have.
async fn live(world: &World) -> (Member, Member, Others) {
    let anna = story::join_over_rest(world, "anna@example.org").await;
    let ben = story::join_over_grpc(world, "ben@example.org").await;
    let entry_id = story::write_and_read_over_rest(world, &anna).await;
    story::write_and_read_over_grpc(world, &ben).await;
    story::path_and_schedule_follow(world, &anna).await;
    let invited = post(world, &anna, "/v1/couple:invite", json!({"ownName": "Anna"})).await;
    let yes = json!({"code": invited["code"], "ownName": "Ben", "adult": true});
    post(world, &ben, "/v1/invitations:accept", yes).await;
    let share = json!({
        "recipientAccountId": ben.account_id, "openNow": true,
        "selection": {"kind": "SHARE_KIND_ENTRY", "itemId": entry_id, "depth": "SHARE_DEPTH_WHOLE"},
    });
    let mut made = Value::Null;
    eventually("the journal has heard of the link", PATIENCE, async || {
        let (status, answer) =
            world.rest().call("POST", "/v1/shares", Some(&anna.secret), Some(share.clone())).await;
        made = answer;
        status == 200
    })
    .await;
    let share_id = made["share"]["shareId"].as_str().unwrap();
    let path = format!("/v1/accounts/{}/shares/{share_id}", anna.account_id);
    world.rest().ok("GET", &path, Some(&ben.secret), None).await;
    post(world, &ben, &format!("{path}:answer"), json!({"body": "I hear you."})).await;
    let others = live_wholly(world, &anna, &ben, &entry_id).await;
    (anna, ben, others)
}

async fn state_of(world: &World, code: &Value) -> Value {
    let asked = json!({"code": code});
    world.rest().ok("POST", "/v1/erasures:certificate", None, Some(asked)).await
}

/// Asks, waits, and sees it done; the certificate.
async fn erase(world: &World, anna: &Member, ben: &Member) -> Value {
    let asked = post(world, anna, "/v1/me/erasure", json!({"mailCertificate": true})).await;
    let code = asked["certificateCode"].clone();
    let couple = world.rest().ok("GET", "/v1/couple", Some(&ben.secret), None).await;
    assert!(couple.get("couple").is_none_or(Value::is_null), "it ends at once: {couple}");
    assert_eq!(state_of(world, &code).await["state"], "ERASURE_STATE_WAITING");
    let entries = world.rest().ok("GET", "/v1/entries", Some(&anna.secret), None).await;
    assert_eq!(entries["entries"].as_array().map(Vec::len), Some(1), "nothing is destroyed yet");
    until_done(world, anna, &code).await
}

/// A week later everything is gone; the certificate.
pub(crate) async fn until_done(world: &World, who: &Member, code: &Value) -> Value {
    world.clock().advance_days(7);
    eventually("they are signed out", PATIENCE, async || {
        world.rest().call("GET", "/v1/me", Some(&who.secret), None).await.0 == 401
    })
    .await;
    let mut certified = Value::Null;
    eventually("it is done", PATIENCE, async || {
        world.clock().advance(SignedDuration::from_secs(30));
        certified = state_of(world, code).await;
        certified["state"] == "ERASURE_STATE_DONE"
    })
    .await;
    certified
}

fn says(certified: &Value, service: &str, class: &str) -> String {
    let destroyed = certified["destroyed"].as_array().unwrap().iter();
    let mut found = destroyed.filter(|one| one["service"] == service && one["class"] == class);
    found.next().map(|one| one["count"].as_str().unwrap().to_owned()).unwrap_or_default()
}

async fn tell(world: World) -> World {
    let (anna, ben, others) = live(&world).await;
    let certified = erase(&world, &anna, &ben).await;
    for (service, class) in [
        ("accounts", "account"),
        ("content", "path_progress"),
        ("journal", "entries"),
        ("journal", "shares"),
        ("journal", "moods"),
        ("journal", "assessments"),
        ("journal", "check_in_answers"),
        ("reminders", "schedules"),
    ] {
        assert!(!says(&certified, service, class).is_empty(), "{service} {class}: {certified}");
    }
    let text = certified["certificate"].as_str().unwrap();
    assert!(!text.contains(&anna.account_id) && text.contains("\"service\":\"journal\""));
    // He has what he wrote, and nothing of hers.
    let entries = world.rest().ok("GET", "/v1/entries", Some(&ben.secret), None).await;
    assert_eq!(entries["entries"].as_array().map(Vec::len), Some(1));
    let path = "/v1/entries/0190163d-8694-739b-aea5-966c26f8ad91";
    let own = world.rest().ok("GET", path, Some(&ben.secret), None).await;
    assert!(own["entry"]["body"].as_str().unwrap().contains(CANARY));
    // Whoever registers with the address is somebody new.
    let again = story::join_over_rest(&world, "anna@example.org").await;
    assert_ne!(again.account_id, anna.account_id);
    let entries = world.rest().ok("GET", "/v1/entries", Some(&again.secret), None).await;
    assert!(entries["entries"].as_array().is_none_or(Vec::is_empty));
    others.are_as_ever(&world, &anna).await;
    nothing_is_left(&world, &anna.account_id, &[]).await;
    world.assert_nowhere_readable(CANARY).await;
    world
}

#[tokio::test]
async fn everything_is_destroyed_in_one_process() {
    tell(World::one_process().await).await.stop().await;
}

#[tokio::test]
async fn everything_is_destroyed_in_five_processes() {
    tell(World::five_processes().await).await.stop().await;
}
