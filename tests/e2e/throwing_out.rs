//! Somebody else's way in, thrown out by whoever is suspended or has yet to accept the terms. What it opens stays open to such
//! an account, so what ends it does as well.

use crate::software::{add_app, code_of, operator};
use crate::story::{self, Member, PASSWORD};
use crate::world::World;
use candor_tests::{Browser, Device, One};
use jiff::SignedDuration;
use serde_json::{Value, json};

const NEW: &str = "another long sentence only Anna knows";

/// Somebody, and the one who holds their phone sometimes: who put a passkey of their own into the account.
struct Shared {
    member: Member,
    app: String,
    passkey: Device,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

async fn post(one: &One, who: &str, path: &str, body: Value) -> Value {
    one.rest().ok("POST", path, Some(who), Some(body)).await
}

async fn list(one: &One, who: &str, path: &str, name: &str) -> Vec<Value> {
    one.rest().ok("GET", path, Some(who), None).await[name].as_array().cloned().unwrap_or_default()
}

/// Browsers want a name for a passkey; on one's own machine that is localhost.
fn origin(one: &One) -> String {
    one.origin().replace("127.0.0.1", "localhost")
}

async fn shared(world: &World, one: &One, email: &str, seed: u8) -> Shared {
    let member = story::join_over_rest(world, email).await;
    let app = add_app(one, &member.secret).await;
    let wish = json!({"name": "a phone"});
    let asked = post(one, &member.secret, "/v1/me/security/passkeys:begin", wish).await;
    let (passkey, says) = Device::make(&origin(one), &text(&asked["options"]), seed);
    let made = json!({"challengeToken": asked["challengeToken"], "credential": says});
    post(one, &member.secret, "/v1/me/security/passkeys", made).await;
    // A code of the app counts once.
    one.clock().advance(SignedDuration::from_secs(61));
    Shared { member, app, passkey }
}

/// What comes of a sign-in with the passkey.
async fn enter(one: &One, passkey: &mut Device) -> (u16, Value) {
    let rest = one.rest();
    let asked = rest.ok("POST", "/v1/sessions:beginPasskey", None, Some(json!({}))).await;
    let shown = json!({
        "challengeToken": asked["challengeToken"], "credential": passkey.answer(&text(&asked["options"])),
        "deviceLabel": "not hers",
    });
    rest.call("POST", "/v1/sessions:passkey", None, Some(shown)).await
}

/// What is closed to such an account says so.
async fn is_gated(one: &One, who: &str, says: &str) {
    let entry = json!({"title": "", "body": "Words.", "timeZone": "UTC"});
    let (status, problem) = one.rest().call("POST", "/v1/entries", Some(who), Some(entry)).await;
    assert!(status >= 400 && problem["reason"] == says, "{status}: {problem}");
}

async fn is_over(one: &One, session: &Value, passkey: &mut Device) {
    let secret = json!({"sessionSecret": session["sessionSecret"]});
    let (status, problem) = one.rest().call("POST", "/v1/sessions:mintPassport", None, Some(secret)).await;
    assert_eq!((status, &problem["reason"]), (401, &"SESSION_ENDED".into()), "{problem}");
    let (status, problem) = enter(one, passkey).await;
    assert_eq!((status, &problem["reason"]), (401, &"PASSKEY_REFUSED".into()), "{problem}");
}

async fn whoever_has_yet_to_accept_the_terms(world: &World, one: &One) {
    let mut anna = shared(world, one, "anna@example.org", 1).await;
    let secret = anna.member.secret.clone();
    let (status, theirs) = enter(one, &mut anna.passkey).await;
    assert_eq!(status, 200, "{theirs}");
    post(one, &secret, "/v1/me/terms:withdraw", json!({"kind": "TERMS_KIND_USE"})).await;
    one.clock().advance(SignedDuration::from_secs(61));
    is_gated(one, &secret, "TERMS_NOT_ACCEPTED").await;
    let devices = list(one, &secret, "/v1/devices", "devices").await;
    let other = devices.iter().find(|device| device["current"] != true).unwrap();
    let rest = one.rest();
    let path = format!("/v1/devices/{}", text(&other["deviceId"]));
    rest.ok("DELETE", &path, Some(&secret), None).await;
    assert_eq!(list(one, &secret, "/v1/devices", "devices").await.len(), devices.len() - 1);
    let passkeys = list(one, &secret, "/v1/me/security/passkeys", "passkeys").await;
    let path = format!("/v1/me/security/passkeys/{}", text(&passkeys[0]["passkeyId"]));
    rest.ok("DELETE", &path, Some(&secret), None).await;
    is_over(one, &theirs, &mut anna.passkey).await;
    post(one, &secret, "/v1/me:changePassword", json!({"newPassword": NEW})).await;
    post(one, &secret, "/v1/me/security/recoveryCodes:renew", json!({"othersGoOn": true})).await;
    rest.ok("DELETE", "/v1/me/security/totp?othersGoOn=true", Some(&secret), None).await;
    let credentials = json!({"email": "anna@example.org", "password": NEW, "deviceLabel": "hers"});
    let session = rest.ok("POST", "/v1/sessions", None, Some(credentials)).await;
    is_gated(one, &text(&session["sessionSecret"]), "TERMS_NOT_ACCEPTED").await;
}

/// Reports somebody to an operator, who suspends the account.
async fn suspend(one: &One, operator: &str, whom: &Member, by: &Member) {
    let invited = post(one, &by.secret, "/v1/couple:invite", json!({"ownName": "Carl"})).await;
    let yes = json!({"code": invited["code"], "ownName": "Ben", "adult": true});
    post(one, &whom.secret, "/v1/invitations:accept", yes).await;
    let told = json!({
        "accountId": whom.account_id, "reason": "REPORT_REASON_THREAT", "note": "It was said.",
        "evidence": [{"kind": "EVIDENCE_KIND_TYPED", "words": "Words."}],
    });
    let report = text(&post(one, &by.secret, "/v1/trust/reports", told).await["reportId"]);
    let path = format!("/v1/moderation/reports/{report}:suspend");
    post(one, operator, &path, json!({"reason": "SUSPENSION_REASON_THREAT", "days": 30})).await;
}

/// On the pages, where whoever is suspended finds the way.
async fn whoever_is_suspended(world: &World, one: &One, operator: &str) {
    let carl = story::join_over_rest(world, "carl@example.org").await;
    let mut ben = shared(world, one, "ben@example.org", 2).await;
    suspend(one, operator, &ben.member, &carl).await;
    let (status, theirs) = enter(one, &mut ben.passkey).await;
    assert_eq!(status, 200, "what the passkey opens stays open: {theirs}");

    let browser = Browser::new(one.rest());
    let fields = [("email", "ben@example.org"), ("password", PASSWORD)];
    let half = browser.submit("/sign-in", "/sign-in", &fields).await.body;
    let token = half.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let code = code_of(one, &ben.app);
    let entered = browser.submit("/sign-in", "/sign-in/second", &[("token", token), ("code", &code)]).await;
    assert_eq!(entered.status, 303, "{}", entered.body);
    let page = browser.open("/suspended").await.body;
    assert!(page.contains("Your account is suspended") && page.contains("href=\"/security\""), "{page}");
    assert!(page.contains("href=\"/sessions\""), "{page}");

    let sessions = browser.open("/sessions").await.body;
    // The last in the list is the one that was not signed in from for longest.
    let forget = sessions.split("action=\"").filter(|rest| rest.starts_with("/sessions/devices/")).last();
    let forget = forget.and_then(|rest| rest.split('"').next()).unwrap();
    assert_eq!(browser.submit("/sessions", forget, &[]).await.header("location"), Some("/sessions"));
    let security = browser.open("/security").await.body;
    let remove = security.split("href=\"").find(|rest| rest.starts_with("/security/passkeys/0")).unwrap();
    let remove = remove.split('"').next().unwrap();
    assert_eq!(browser.submit(remove, remove, &[]).await.header("location"), Some("/security"));
    is_over(one, &theirs, &mut ben.passkey).await;
    let password = browser.submit("/security/password", "/security/password", &[("new_password", NEW)]).await;
    assert_eq!(password.header("location"), Some("/security"), "{}", password.body);
    let codes = browser.submit("/security/codes", "/security/codes", &[]).await;
    assert!(codes.body.contains("Your recovery codes"), "{}", codes.body);
    let away = browser.submit("/security/app/remove", "/security/app/remove", &[]).await;
    assert_eq!(away.header("location"), Some("/security"), "{}", away.body);
    // Everything else is as closed as it was.
    let closed = browser.submit("/write", "/write", &[("body", "Words.")]).await;
    assert_eq!((closed.status, closed.header("location")), (403, None), "{}", closed.body);
}

#[tokio::test]
async fn an_account_that_most_is_closed_to_throws_somebody_elses_passkey_out_and_takes_another_password() {
    let world = World::one_process().await;
    if let World::One(one) = &world {
        let operator = operator(&**one).await;
        whoever_is_suspended(&world, one, &operator).await;
        whoever_has_yet_to_accept_the_terms(&world, one).await;
    }
    world.stop().await;
}
