//! What keeps an account its owner's: passwords, codes, the tokens of software; and the people that somebody trusts.

#[path = "../../../services/accounts/src/domain/client/test_keys.rs"]
mod test_keys;

use super::consents;
use super::house::{House, PATIENCE};
use super::life::Person;
use crate::people::text;
use candor_tests::{Device, eventually};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};
use totp_rs::{Builder, Secret, Totp};

/// Lives all of it; Anna lets somebody into her circle, and is in care, alone and with Ben.
pub(crate) async fn live(house: &House, anna: &Person, ben: &Person) {
    let mut dora = Person::join(house, "Dora").await;
    circle(house, anna, &dora).await;
    erasure(house, &dora).await;
    lost_password(house, &mut dora).await;
    let operator = operator(house).await;
    software(house, &operator, anna).await;
    counselor(house, [anna, ben], &operator).await;
    super::trust::live(house, anna, &operator).await;
    let supporter = staff(house, &["staff", "create", "--role", "support"]).await;
    let second = staff(house, &["staff", "create", "--role", "operator"]).await;
    super::trust::support(house, anna, &supporter, [&operator, &second]).await;
    // Somebody without another factor, since recovery codes come with the first.
    passkey(house, &mut Person::join(house, "Erik").await).await;
    super::addresses::live(house).await;
}

/// One who is uninvited again; one who comes, is described anew, and goes.
async fn circle(house: &House, anna: &Person, dora: &Person) {
    let invite = async || {
        let words = json!({
            "ownName": house.text("a name"), "called": house.text("what somebody is called"),
            "reason": house.text("a reason for trust"),
        });
        let invited = anna.ok(house, "accounts.CircleService.InviteTrustedPerson", words).await;
        anna.ok(house, "accounts.CircleService.GetCircle", json!({})).await;
        invited
    };
    let first = json!({"invitationId": invite().await["invitationId"]});
    anna.ok(house, "accounts.CircleService.CancelCircleInvitation", first).await;
    let code = json!({"code": invite().await["code"]});
    house.ok("accounts.CoupleService.PreviewInvitation", code.clone(), None).await;
    let mut yes = code;
    yes["ownName"] = json!(house.text("a name"));
    yes["adult"] = json!(true);
    let place = dora.ok(house, "accounts.CoupleService.AcceptInvitation", yes).await["place"].clone();
    for person in [anna, dora] {
        person.ok(house, "accounts.CircleService.GetCircle", json!({})).await;
    }
    let anew = json!({
        "circleId": place["circleId"], "called": house.text("what somebody is called"),
        "reason": house.text("a reason for trust"),
    });
    anna.ok(house, "accounts.CircleService.UpdateTrustedPerson", anew).await;
    let over = json!({"circleId": place["circleId"]});
    dora.ok(house, "accounts.CircleService.LeaveCircle", over).await;
}

/// Asks for everything to be destroyed, looks, and calls it off.
async fn erasure(house: &House, dora: &Person) {
    let wish = json!({"mailCertificate": true});
    let asked = dora.ok(house, "accounts.PrivacyService.RequestErasure", wish).await;
    dora.ok(house, "accounts.PrivacyService.GetErasure", json!({})).await;
    let code = json!({"code": asked["certificateCode"]});
    house.ok("accounts.PrivacyService.GetErasureCertificate", code, None).await;
    dora.ok(house, "accounts.PrivacyService.CancelErasure", json!({})).await;
}

/// A second factor, a password set anew with it, and a sign-in in two halves.
async fn lost_password(house: &House, dora: &mut Person) {
    let verification = house.five.mailed_token(&dora.email).await;
    let codes = add_app(house, &dora.secret).await;
    house.ok("accounts.IdentityService.RequestPasswordReset", json!({"email": dora.email}), None).await;
    let mut token = verification.clone();
    eventually("the mail that sets a password anew is there", PATIENCE, async || {
        token = house.five.mailed_token(&dora.email).await;
        token != verification
    })
    .await;
    dora.password = house.text("a new password");
    let anew = json!({
        "token": token, "newPassword": dora.password, "code": codes[0], "deviceLabel": house.text("a device"),
        "deviceToken": dora.device,
    });
    house.ok("accounts.IdentityService.ResetPassword", anew, None).await;
    let credentials = json!({
        "email": dora.email, "password": dora.password, "deviceLabel": house.text("a device"),
        "deviceToken": dora.device,
    });
    let half = house.ok("accounts.SessionService.SignIn", credentials, None).await;
    let other_half =
        json!({"pendingToken": half["pendingToken"], "code": codes[1], "deviceToken": dora.device});
    let session = house.ok("accounts.SessionService.CompleteSignIn", other_half, None).await;
    dora.secret = text(&session["sessionSecret"]);
    for (rpc, request) in [
        ("SessionService.StepUp", json!({"password": dora.password, "code": codes[2]})),
        ("SecurityService.GetSecurity", json!({})),
        ("SecurityService.ChooseNotices", json!({"byMail": true})),
        ("SecurityService.ListSecurityNotices", json!({})),
        ("SecurityService.RenewRecoveryCodes", json!({})),
        ("IdentityService.ChangePassword", json!({"newPassword": house.text("a newer password")})),
        ("SecurityService.RemoveTotp", json!({})),
        ("SessionService.EndSessions", json!({})),
    ] {
        dora.ok(house, &format!("accounts.{rpc}"), request).await;
    }
}

/// A passkey: added, shown for everything it is good for, named anew, taken away.
async fn passkey(house: &House, erik: &mut Person) {
    let origin = format!("http://{}", house.five.address("gateway")).replace("127.0.0.1", "localhost");
    let wish = json!({"name": house.text("a passkey's name")});
    let asked = erik.ok(house, "accounts.PasskeyService.BeginPasskey", wish).await;
    let (mut device, says) = Device::make(&origin, &text(&asked["options"]), 7);
    let made = json!({"challengeToken": asked["challengeToken"], "credential": says});
    erik.ok(house, "accounts.PasskeyService.AddPasskey", made).await;
    let credentials =
        json!({"email": erik.email, "password": erik.password, "deviceLabel": house.text("a device")});
    let half = house.ok("accounts.SessionService.SignIn", credentials, None).await;
    let wish = json!({"pendingToken": half["pendingToken"]});
    let asked = house.ok("accounts.PasskeyService.BeginPasskeySignIn", wish, None).await;
    let shown = json!({
        "challengeToken": asked["challengeToken"], "credential": device.answer(&text(&asked["options"])),
        "deviceLabel": house.text("a device"), "deviceToken": erik.device,
    });
    let session = house.ok("accounts.PasskeyService.SignInWithPasskey", shown, None).await;
    erik.secret = text(&session["sessionSecret"]);
    let asked = erik.ok(house, "accounts.PasskeyService.BeginPasskeyStepUp", json!({})).await;
    let shown = json!({
        "challengeToken": asked["challengeToken"], "credential": device.answer(&text(&asked["options"])),
    });
    erik.ok(house, "accounts.PasskeyService.StepUpWithPasskey", shown).await;
    let id =
        erik.ok(house, "accounts.PasskeyService.ListPasskeys", json!({})).await["passkeys"][0]["passkeyId"]
            .clone();
    let anew = json!({"passkeyId": id, "name": house.text("a passkey's name")});
    erik.ok(house, "accounts.PasskeyService.RenamePasskey", anew).await;
    erik.ok(house, "accounts.PasskeyService.RemovePasskey", json!({"passkeyId": id})).await;
}

/// Sets up an authenticator app; its recovery codes.
async fn add_app(house: &House, bearer: &str) -> Vec<Value> {
    let begun = house.ok("accounts.SecurityService.BeginTotp", json!({}), Some(bearer)).await;
    let code = json!({"code": app_of(&begun).generate(now(house).unsigned_abs()).to_string()});
    let confirmed = house.ok("accounts.SecurityService.ConfirmTotp", code, Some(bearer)).await;
    confirmed["recoveryCodes"].as_array().unwrap().clone()
}

fn app_of(begun: &Value) -> Totp {
    let secret = Secret::try_from_base32(text(&begun["secret"])).unwrap();
    Builder::new().with_secret(secret).build().unwrap()
}

fn now(house: &House) -> i64 {
    house.five.clock.now().as_second()
}

/// The session of somebody who runs the platform.
async fn operator(house: &House) -> String {
    staff(house, &["operator", "create"]).await
}

/// The session of somebody who is made at the machine.
async fn staff(house: &House, command: &[&str]) -> String {
    let (email, password) = (format!("{}@ops.example", house.word("an address")), house.text("a password"));
    create_staff(house, command, &email, &password);
    let credentials = json!({"email": email, "password": password, "deviceLabel": house.text("a device")});
    let session = house.ok("accounts.SessionService.SignIn", credentials, None).await;
    let secret = text(&session["sessionSecret"]);
    for kind in ["TERMS_KIND_USE", "TERMS_KIND_PRIVACY"] {
        let yes = json!({"kind": kind, "version": 1});
        house.ok("accounts.TermsService.AcceptTerms", yes, Some(&secret)).await;
    }
    add_app(house, &secret).await;
    secret
}

/// Somebody applies to be a counselor, is refused, applies again, is verified, found and suspended.
async fn counselor(house: &House, [anna, ben]: [&Person; 2], operator: &str) {
    let cleo = Person::join(house, "Cleo").await;
    let of = |rpc: &str| format!("accounts.CounselorService.{rpc}");
    let submit = async || {
        let licence = json!({
            "title": house.text("a licence"), "jurisdiction": "DE", "number": house.text("a licence's number"),
            "lookUp": house.text("where a licence is looked up"), "lastDay": "2099-12-31",
        });
        let said = json!({
            "name": house.text("a counselor's name"), "languages": ["en"],
            "specialties": ["COUNSELOR_SPECIALTY_GRIEF"], "approach": house.text("how a counselor works"),
            "licences": [licence], "practiceOnly": true, "acceptsClients": true,
        });
        cleo.ok(house, &of("SubmitCounselorApplication"), said).await["application"].clone()
    };
    let decide = async |rpc: &str, request: Value| house.ok(&of(rpc), request, Some(operator)).await;
    let account = submit().await["accountId"].clone();
    decide("ListCounselorApplications", json!({})).await;
    let whose = json!({"counselorAccountId": account});
    decide("GetCounselorApplication", whose.clone()).await;
    let no = json!({"counselorAccountId": account, "revision": 1, "reason": house.text("a refusal")});
    decide("RefuseCounselor", no).await;
    cleo.ok(house, &of("GetOwnCounselorApplication"), json!({})).await;
    let revision = submit().await["revision"].clone();
    decide("VerifyCounselor", json!({"counselorAccountId": account, "revision": revision})).await;
    anna.ok(house, &of("ListCounselors"), json!({})).await;
    anna.ok(house, &of("GetCounselor"), whose).await;
    let cleo = signed_in_strongly(house, &cleo).await;
    care_of_two(house, [anna, ben], &account, &cleo).await;
    care(house, anna, &account, &cleo).await;
    let over = json!({"counselorAccountId": account, "reason": house.text("a suspension")});
    decide("SuspendCounselor", over).await;
}

/// A session of somebody's with a second factor, which a counselor needs.
async fn signed_in_strongly(house: &House, person: &Person) -> String {
    let credentials = json!({
        "email": person.email, "password": person.password, "deviceLabel": house.text("a device"),
    });
    let session = house.ok("accounts.SessionService.SignIn", credentials, None).await;
    let secret = text(&session["sessionSecret"]);
    add_app(house, &secret).await;
    secret
}

/// Anna is in a counselor's care, and no more.
async fn care(house: &House, anna: &Person, counselor: &Value, bearer: &str) {
    let of = |rpc: &str| format!("accounts.CareService.{rpc}");
    let ask = json!({
        "counselorAccountId": counselor, "ownName": house.text("a name"),
        "note": house.text("a note for a counselor"), "jurisdiction": "DE", "attested": true,
    });
    anna.ok(house, "accounts.SessionService.StepUp", json!({"password": anna.password})).await;
    let care_id = anna.ok(house, &of("RequestCare"), ask).await["careId"].clone();
    house.ok(&of("ListPeopleInCare"), json!({}), Some(bearer)).await;
    house.ok(&of("AcceptCare"), json!({"careId": care_id, "attested": true}), Some(bearer)).await;
    anna.ok(house, &of("ListCare"), json!({})).await;
    consents::live(house, anna, counselor, bearer).await;
    anna.ok(house, &of("EndCare"), json!({"careId": care_id, "block": true})).await;
}

/// Anna and Ben are in a counselor's care.
async fn care_of_two(house: &House, two: [&Person; 2], counselor: &Value, bearer: &str) {
    let of = |rpc: &str| format!("accounts.CoupleCareService.{rpc}");
    let own = || json!({"ownName": house.text("a name"), "jurisdiction": "DE", "attested": true});
    let [anna, ben] = two;
    for person in two {
        person.ok(house, "accounts.SessionService.StepUp", json!({"password": person.password})).await;
    }
    let mut proposal = own();
    proposal["counselorAccountId"] = counselor.clone();
    proposal["policy"] = json!("CONFIDENTIALITY_POLICY_LIMITED");
    let care_id = anna.ok(house, &of("ProposeCoupleCare"), proposal).await["careId"].clone();
    let mut yes = own();
    yes["careId"] = care_id.clone();
    ben.ok(house, &of("AgreeToCoupleCare"), yes).await;
    house.ok(&of("ListCouplesInCare"), json!({}), Some(bearer)).await;
    house.ok(&of("AcceptCoupleCare"), json!({"careId": care_id, "attested": true}), Some(bearer)).await;
    for person in two {
        person.ok(house, &of("ListCoupleCare"), json!({})).await;
    }
}

/// An operator registers a client, which gets a token, reads what Anna opens to it, and gives it back.
async fn software(house: &House, secret: &str, anna: &Person) {
    let pair = test_keys::ed25519(7);
    let wish = json!({
        "name": "Praxis", "purpose": "Reads what is opened to it", "contact": house.text("a contact"),
        "scopes": ["system/*.rs"], "jwks": pair.jwks("k1"),
    });
    let registered = house.ok("accounts.OAuthClientService.RegisterClient", wish, Some(secret)).await;
    let client = text(&registered["client"]["clientId"]);
    house.ok("accounts.OAuthClientService.ListClients", json!({}), Some(secret)).await;
    let assertion = |jti: &str| {
        let claims = json!({
            "iss": client, "sub": client, "aud": format!("http://{}/oauth/token", house.five.address("gateway")),
            "exp": now(house) + 200, "jti": jti,
        });
        pair.sign(&pair.header("k1"), &claims)
    };
    let ask = json!({"clientAssertion": assertion("one"), "scope": "system/*.rs"});
    let issued = house.ok("accounts.OAuthClientService.IssueClientToken", ask, None).await;
    consents::live_with_software(house, anna, &client, issued["accessToken"].as_str().unwrap()).await;
    let back = json!({"clientAssertion": assertion("two"), "token": issued["accessToken"]});
    house.ok("accounts.OAuthClientService.RevokeClientToken", back, None).await;
}

fn create_staff(house: &House, line: &[&str], email: &str, password: &str) {
    let mut command = Command::new(candor_tests::binary("candor"));
    command.args(line).args(["--email", email]).envs(house.five.settings("accounts"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
