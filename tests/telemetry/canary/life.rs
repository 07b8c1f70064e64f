//! Everything that two people can do, with a secret in every private field.

use super::guards;
use super::house::{House, PATIENCE};
use crate::people::text;
use candor_tests::{Browser, eventually};
use serde_json::{Value, json};

/// A zone and signs that nobody else has: needed in clear by the database, and to be said by nothing.
pub(crate) const TIME_ZONE: &str = "Antarctica/Troll";
const BODY_SIGNS: [&str; 2] = ["BODY_SIGN_KNOTTED_STOMACH", "BODY_SIGN_COLD_HANDS"];
/// What is personal and has few values, in the spellings of proto, database and code.
pub(crate) const PERSONAL: [&str; 7] = [
    TIME_ZONE,
    "Antarctica%2FTroll",
    "KNOTTED_STOMACH",
    "KnottedStomach",
    "COLD_HANDS",
    "ColdHands",
    "WISHED_RESPONSE_COMFORT",
];

/// A member.
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) secret: String,
    pub(crate) account_id: String,
    /// What their device is known by.
    pub(crate) device: String,
}

impl Person {
    /// Somebody who registered, verified and signed in.
    pub(crate) async fn join(house: &House, name: &str) -> Self {
        let email = format!("{}@{}.example", house.word("an address"), house.word("an address"));
        let password = house.text(&format!("{name}'s password"));
        let registration = json!({
            "email": email, "password": password, "timeZone": TIME_ZONE, "locale": "en", "adult": true,
            "termsVersion": 1, "privacyVersion": 1,
        });
        house.ok("accounts.IdentityService.Register", registration, None).await;
        house.five.mailed_token(&email).await;
        house.ok("accounts.IdentityService.ResendVerification", json!({"email": email}), None).await;
        let token = house.five.mailed_token(&email).await;
        let proof = json!({"token": token, "password": password});
        house.ok("accounts.IdentityService.VerifyEmail", proof, None).await;
        let credentials =
            json!({"email": email, "password": password, "deviceLabel": house.text("a device")});
        let session = house.ok("accounts.SessionService.SignIn", credentials, None).await;
        let secret = text(&session["sessionSecret"]);
        let me = house.ok("accounts.IdentityService.GetMe", json!({}), Some(&secret)).await;
        let device = text(&session["deviceToken"]);
        let rotated =
            house.ok("accounts.SessionService.RotateSecret", json!({"sessionSecret": secret}), None).await;
        let secret = text(&rotated["sessionSecret"]);
        Self { email, password, secret, account_id: text(&me["account"]["accountId"]), device }
    }

    /// A call in their name that must succeed.
    pub(crate) async fn ok(&self, house: &House, rpc: &str, request: Value) -> Value {
        house.ok(rpc, request, Some(&self.secret)).await
    }

    /// A passport of now.
    pub(crate) async fn passport(&self, house: &House) -> String {
        let request = json!({"sessionSecret": self.secret});
        text(&house.ok("accounts.SessionService.MintPassport", request, None).await["passport"])
    }
}

/// Two people, and what is between them.
pub(crate) struct Two {
    pub(crate) anna: Person,
    pub(crate) ben: Person,
    pub(crate) share_id: String,
    pub(crate) schedule: Value,
    pub(crate) prompt_id: Value,
}

/// Lives all of it, up to where they are still linked.
pub(crate) async fn live(house: &House) -> Two {
    let (anna, ben) = (Person::join(house, "Anna").await, Person::join(house, "Ben").await);
    sessions(house, &anna).await;
    invitations(house, &anna, &ben).await;
    let entry_id = write(house, &anna).await;
    check_oneself(house, &anna).await;
    let (schedule, prompt_id) = agree_and_answer(house, &anna, &ben).await;
    let share_id = share(house, &anna, &ben, &entry_id).await;
    guards::live(house, &anna, &ben).await;
    browse(house, &anna).await;
    take_along(house, &anna).await;
    house.five.clock.advance_days(7);
    what_came_of_the_check_in(house, &ben, &schedule).await;
    anna.ok(house, "accounts.LedgerService.ListReceipts", json!({})).await;
    Two { anna, ben, share_id, schedule, prompt_id }
}

/// Everything of hers as a file, a day after she asked.
async fn take_along(house: &House, anna: &Person) {
    let prove = json!({"password": anna.password});
    anna.ok(house, "accounts.SessionService.StepUp", prove.clone()).await;
    anna.ok(house, "accounts.PrivacyService.RequestExport", json!({})).await;
    house.five.clock.advance_days(1);
    anna.ok(house, "accounts.SessionService.StepUp", prove).await;
    let headers = [("authorization".to_owned(), format!("Bearer {}", anna.secret))];
    let file = house.send("POST", "/v1/me/export:download", &headers, Vec::new()).await;
    assert_eq!(file.status, 200, "{}", file.body);
    assert!(file.bytes.windows(11).any(|name| name == b"export.json"), "whole");
    for rpc in ["ListTies", "GetExport", "TakeExport", "CancelExport"] {
        anna.ok(house, &format!("accounts.PrivacyService.{rpc}"), json!({})).await;
    }
}

async fn sessions(house: &House, anna: &Person) {
    let credentials = json!({
        "email": anna.email, "password": anna.password, "deviceLabel": house.text("another device"),
    });
    let other = house.ok("accounts.SessionService.SignIn", credentials, None).await;
    anna.passport(house).await;
    anna.ok(house, "accounts.SessionService.StepUp", json!({"password": anna.password})).await;
    anna.ok(house, "accounts.SessionService.ListSessions", json!({})).await;
    let known = anna.ok(house, "accounts.SessionService.ListDevices", json!({})).await;
    let old = json!({"deviceId": known["devices"][1]["deviceId"]});
    anna.ok(house, "accounts.SessionService.ForgetDevice", old).await;
    let over = json!({"sessionId": other["sessionId"]});
    anna.ok(house, "accounts.SessionService.EndSession", over).await;
}

/// One that is reported, refused and blocked, and one that is accepted.
async fn invitations(house: &House, anna: &Person, ben: &Person) {
    let cora = Person::join(house, "Cora").await;
    let invite = async || {
        let name = json!({"ownName": house.text("a name")});
        let invited = anna.ok(house, "accounts.CoupleService.InvitePartner", name).await;
        anna.ok(house, "accounts.CoupleService.GetCouple", json!({})).await;
        json!({"code": invited["code"]})
    };
    let first = invite().await;
    house.ok("accounts.CoupleService.PreviewInvitation", first.clone(), None).await;
    let report = json!({
        "code": first["code"], "reason": "REPORT_REASON_PRESSURE", "note": house.text("a report"),
    });
    house.ok("accounts.CoupleService.ReportInvitation", report, None).await;
    cora.ok(house, "accounts.CoupleService.DeclineInvitation", first.clone()).await;
    cora.ok(house, "accounts.CoupleService.BlockInviter", first).await;
    let pauses = cora.ok(house, "accounts.CoupleService.ListInvitationPauses", json!({})).await;
    let lift = json!({"pauseId": pauses["pauses"][0]["pauseId"]});
    cora.ok(house, "accounts.CoupleService.LiftInvitationPause", lift).await;
    anna.ok(house, "accounts.CoupleService.CancelInvitation", json!({})).await;
    let mut yes = invite().await;
    yes["ownName"] = json!(house.text("a name"));
    yes["adult"] = json!(true);
    ben.ok(house, "accounts.CoupleService.AcceptInvitation", yes).await;
    anna.ok(house, "accounts.CoupleService.GetCouple", json!({})).await;
}

async fn write(house: &House, anna: &Person) -> Value {
    let mood = json!({"pleasantness": -4, "energy": 3, "bodySigns": BODY_SIGNS});
    let entry = json!({
        "title": house.text("a title"), "body": house.text("an entry"), "timeZone": TIME_ZONE, "mood": mood,
    });
    let written = anna.ok(house, "journal.EntryService.WriteEntry", entry).await;
    let entry_id = written["entry"]["entryId"].clone();
    anna.ok(house, "journal.EntryService.GetEntry", json!({"entryId": entry_id})).await;
    anna.ok(house, "journal.EntryService.ListEntries", json!({})).await;
    anna.ok(house, "journal.MoodService.RecordMood", json!({"mood": mood})).await;
    anna.ok(house, "journal.MoodService.ListMoods", json!({})).await;
    entry_id
}

async fn check_oneself(house: &House, anna: &Person) {
    let get = json!({"instrumentId": "self-check"});
    let instrument = house.ok("content.InstrumentService.GetInstrument", get.clone(), None).await;
    let domains = instrument["instrument"]["domains"].as_array().unwrap();
    let items = domains.iter().flat_map(|domain| domain["items"].as_array().unwrap());
    let answer = |item: &Value| json!({"linkId": item["linkId"], "code": item["options"][1]["code"]});
    let answers: Vec<Value> = items.map(answer).collect();
    let started = house.in_time("journal.AssessmentService.StartAssessment", get, &anna.secret).await;
    let id = started["assessment"]["assessmentId"].clone();
    let save = json!({"assessmentId": id, "answers": answers});
    anna.ok(house, "journal.AssessmentService.SaveAnswers", save).await;
    anna.ok(house, "journal.AssessmentService.ScoreAssessment", json!({"assessmentId": id})).await;
    anna.ok(house, "journal.AssessmentService.GetAssessment", json!({"assessmentId": id})).await;
    anna.ok(house, "journal.AssessmentService.ListAssessments", json!({})).await;
}

/// Both agree when, and both answer; the first of them takes back once, and answers anew.
async fn agree_and_answer(house: &House, anna: &Person, ben: &Person) -> (Value, Value) {
    let wish = json!({"weekday": "WEEKDAY_WEDNESDAY", "localTime": "20:30", "timeZone": TIME_ZONE});
    let propose = "reminders.CheckInScheduleService.ProposeCheckInSchedule";
    let proposal = house.in_time(propose, wish, &anna.secret).await["proposal"].clone();
    let accept = json!({"ownerAccountId": anna.account_id, "scheduleId": proposal["scheduleId"]});
    let rpc = "reminders.CheckInScheduleService.AcceptCheckInSchedule";
    let schedule = house.in_time(rpc, accept, &ben.secret).await["schedule"].clone();
    let asked = json!({"checkInId": schedule["nextCheckInId"]});
    let prompts = house.ok("content.PromptService.ListCheckInPrompts", asked.clone(), None).await;
    let prompt_id = prompts["prompts"][0]["promptId"].clone();
    let answer = || {
        json!({
            "scheduleId": schedule["scheduleId"], "openTime": schedule["nextOpenTime"],
            "replies": [{"promptId": prompt_id, "text": house.text("an answer of a check-in")}],
        })
    };
    let rpc = "journal.CheckInService.AnswerCheckIn";
    house.in_time(rpc, answer(), &anna.secret).await;
    anna.ok(house, "journal.CheckInService.TakeBackCheckInAnswer", asked).await;
    house.in_time(rpc, answer(), &anna.secret).await;
    house.in_time(rpc, answer(), &ben.secret).await;
    (schedule, prompt_id)
}

async fn what_came_of_the_check_in(house: &House, ben: &Person, schedule: &Value) {
    let asked = json!({"checkInId": schedule["nextCheckInId"]});
    eventually("the check-in is open", PATIENCE, async || {
        let seen = ben.ok(house, "journal.CheckInService.GetCheckIn", asked.clone()).await;
        seen["checkIn"]["state"] == "CHECK_IN_STATE_OPEN"
    })
    .await;
    ben.ok(house, "journal.CheckInService.ListCheckIns", json!({})).await;
}

/// She shares, he answers and tells her, she rates.
async fn share(house: &House, anna: &Person, ben: &Person, entry_id: &Value) -> String {
    let selection = json!({
        "kind": "SHARE_KIND_ENTRY", "itemId": entry_id, "depth": "SHARE_DEPTH_SUMMARY",
        "words": house.text("a summary"),
    });
    let look = json!({"selection": selection});
    anna.ok(house, "journal.ShareService.PreviewShare", look).await;
    let whole = json!({"kind": "SHARE_KIND_ENTRY", "itemId": entry_id, "depth": "SHARE_DEPTH_WHOLE"});
    let mut share_id = Value::Null;
    for selection in [selection, whole] {
        let share = json!({
            "recipientAccountId": ben.account_id, "selection": selection, "openNow": true,
            "wishedResponse": "WISHED_RESPONSE_COMFORT",
        });
        let made = house.in_time("journal.ShareService.ShareItem", share, &anna.secret).await;
        share_id = made["share"]["shareId"].clone();
    }
    anna.ok(house, "journal.ShareService.ListShares", json!({})).await;
    let of_annas = |share_id: &Value| json!({"ownerAccountId": anna.account_id, "shareId": share_id});
    let open = json!({"ownerAccountId": anna.account_id, "scope": "SCOPE_SHARED_ITEMS"});
    ben.ok(house, "accounts.ConsentService.OpenAccess", open).await;
    ben.ok(house, "journal.ShareService.GetReceivedShare", of_annas(&share_id)).await;
    let mut answer = of_annas(&share_id);
    answer["body"] = json!(house.text("an answer"));
    ben.ok(house, "journal.ShareService.AnswerShare", answer).await;
    ben.ok(house, "journal.ShareService.TellRead", of_annas(&share_id)).await;
    let received = json!({"ownerAccountId": anna.account_id});
    ben.ok(house, "journal.ShareService.ListReceivedShares", received).await;
    ben.ok(house, "journal.ShareService.ListOwnAnswers", json!({})).await;
    anna.ok(house, "journal.ShareService.GetShare", json!({"shareId": share_id})).await;
    let answered = json!({"ownerAccountId": ben.account_id, "shareId": share_id});
    anna.ok(house, "journal.ShareService.GetShareAnswer", answered).await;
    let rate = json!({"shareId": share_id, "feltUnderstood": 4});
    anna.ok(house, "journal.ShareService.RateFeltUnderstood", rate).await;
    text(&share_id)
}

/// The pages where something private is typed.
async fn browse(house: &House, anna: &Person) {
    let browser = Browser::new(house.five.rest());
    let in_vain = [("email", anna.email.as_str()), ("password", &house.text("a wrong password"))];
    assert_ne!(house.submit(&browser, "/sign-in", &in_vain).await.status, 303);
    let fields = [("email", anna.email.as_str()), ("password", anna.password.as_str())];
    assert_eq!(house.submit(&browser, "/sign-in", &fields).await.status, 303);
    let session = browser.cookie("candor-local");
    house.secrets.borrow_mut().take("the browser's session", &session.expect("a session's cookie"));
    let (title, body) = (house.text("a title"), house.text("an entry"));
    let entry = [("title", title.as_str()), ("body", body.as_str()), ("time_zone", TIME_ZONE)];
    assert_eq!(house.submit(&browser, "/write", &entry).await.status, 303);
    let code = [("code", &*house.text("no code"))];
    house.submit(&browser, "/invitation", &code).await;
}
