//! A counselor takes everything of theirs along and goes: the file has what they had as a member, too, and no word of whoever is
//! in their care; care and the listing end at once; a week later no service has anything of them.

use crate::erasing::until_done;
use crate::remains::nothing_is_left;
use crate::software::{add_app, code_of, operator};
use crate::story::{self, CANARY, Member, PASSWORD};
use crate::two::exporting::unpack;
use crate::world::{Candor, World};
use candor_tests::One;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What she says of herself, which is nobody's once she is gone.
const APPROACH: &str = "Slowly, says the heron of the practice.";
const NOTE: &str = "We hardly talk, says the other heron.";

pub(crate) struct Counselor {
    pub(crate) member: Member,
    app: String,
}

async fn ok(one: &impl Candor, who: &str, path: &str, body: Value) -> Value {
    one.rest().ok("POST", path, Some(who), Some(body)).await
}

async fn get(one: &One, who: &str, path: &str) -> Value {
    one.rest().ok("GET", path, Some(who), None).await
}

/// Somebody who wrote as a member, and whom an operator verified then.
pub(crate) async fn counselor(world: &World, operator: &str) -> Counselor {
    let carla = story::join_over_rest(world, "carla@example.org").await;
    story::write_and_read_over_rest(world, &carla).await;
    story::path_and_schedule_follow(world, &carla).await;
    let licence = json!({
        "title": "Psychotherapist", "jurisdiction": "DE", "number": "PT-4711", "lastDay": "2099-12-31",
    });
    let application = json!({
        "name": "Carla of the heron", "languages": ["en"], "specialties": ["COUNSELOR_SPECIALTY_COUPLES"],
        "approach": APPROACH, "acceptsClients": true, "licences": [licence], "practiceOnly": true,
    });
    ok(world, &carla.secret, "/v1/counselor:submit", application).await;
    let path = format!("/v1/counselorApplications/{}:verify", carla.account_id);
    ok(world, operator, &path, json!({"revision": 1})).await;
    let credentials = json!({"email": "carla@example.org", "password": PASSWORD, "deviceLabel": "a desk"});
    let session = world.rest().ok("POST", "/v1/sessions", None, Some(credentials)).await;
    let secret = session["sessionSecret"].as_str().unwrap().to_owned();
    let app = add_app(world, &secret).await;
    Counselor { member: Member { secret, ..carla }, app }
}

pub(crate) async fn in_care(one: &impl Candor, anna: &Member, carla: &Counselor) {
    let ask = json!({
        "counselorAccountId": carla.member.account_id, "ownName": "Anna of the reeds", "note": NOTE,
        "jurisdiction": "DE", "attested": true,
    });
    let asked = ok(one, &anna.secret, "/v1/care:request", ask).await;
    let path = format!("/v1/care/{}:accept", asked["careId"].as_str().unwrap());
    ok(one, &carla.member.secret, &path, json!({"attested": true})).await;
}

async fn prove(one: &One, secret: &str, app: &str, password: &str) {
    let proof = json!({"password": password, "code": code_of(one, app)});
    ok(one, secret, "/v1/sessions:stepUp", proof).await;
}

async fn take(one: &One, secret: &str) -> BTreeMap<String, String> {
    let bearer = ("authorization".to_owned(), format!("Bearer {secret}"));
    let sent = one.rest().exchange("POST", "/v1/me/export:download", &[bearer], Vec::new()).await.unwrap();
    assert_eq!(sent.status, 200, "{}", sent.body);
    unpack(&sent.bytes)
}

fn is_whole_and_hers_alone(files: &BTreeMap<String, String>, anna: &Member) {
    for (part, words) in [
        ("journal/entries", CANARY),
        ("content/path", "reachTime"),
        ("account/account", "carla@example.org"),
        ("account/counselor-application", APPROACH),
        ("account/terms", "TERMS_KIND_USE"),
        ("practice/people", anna.account_id.as_str()),
    ] {
        let file = &files[&format!("{part}-1.json")];
        assert!(file.contains(words), "{words} is not in {part}: {file}");
    }
    for (name, text) in files {
        assert!(!text.contains(NOTE) && !text.contains("of the reeds"), "{name}: {text}");
    }
    assert!(files.contains_key("export.json"));
}

async fn tell(world: &World, one: &One) {
    let operator = operator(one).await;
    let carla = counselor(world, &operator).await;
    let anna = story::join_over_rest(world, "anna@example.org").await;
    in_care(one, &anna, &carla).await;
    let secret = &carla.member.secret;
    ok(one, secret, "/v1/me/export", json!({})).await;
    ok(one, &operator, "/v1/me/export", json!({})).await;
    one.clock().advance_days(1);
    prove(one, secret, &carla.app, PASSWORD).await;
    is_whole_and_hers_alone(&take(one, secret).await, &anna);

    let asked = ok(one, secret, "/v1/me/erasure", json!({"mailCertificate": false})).await;
    let care = get(one, &anna.secret, "/v1/care").await;
    assert_eq!(care["care"][0]["state"], "CARE_STATE_ENDED", "{care}");
    let listed = get(one, &anna.secret, "/v1/counselors").await;
    assert!(listed["counselors"].as_array().is_none_or(Vec::is_empty), "{listed}");
    let certified = until_done(world, &carla.member, &asked["certificateCode"]).await;
    let text = certified["certificate"].as_str().unwrap();
    assert!(text.contains("counselor_applications") && !text.contains(&carla.member.account_id));
    nothing_is_left(world, &carla.member.account_id, &[]).await;
    assert!(get(one, &anna.secret, "/v1/me").await["account"].is_object(), "whoever was in care is as ever");
}

#[tokio::test]
async fn a_counselor_takes_theirs_along_and_nothing_of_them_is_left_in_any_service() {
    let world = World::one_process().await;
    if let World::One(one) = &world {
        tell(&world, one).await;
    }
    for words in [CANARY, APPROACH, NOTE] {
        world.assert_nowhere_readable(words).await;
    }
    world.stop().await;
}
