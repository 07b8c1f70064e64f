//! Somebody is reported, suspended, objects, and is open again.

use super::house::House;
use super::life::Person;
use crate::people::text;
use serde_json::{Value, json};

/// Lives all of it: Anna reports Gwen, who is in her circle.
pub(crate) async fn live(house: &House, anna: &Person, operator: &str) {
    let mut gwen = Person::join(house, "Gwen").await;
    befriend(house, anna, &gwen).await;
    let attached = |kind: &str| json!({"kind": kind, "words": house.text("what is attached to a report")});
    let report = json!({
        "accountId": gwen.account_id, "reason": "REPORT_REASON_THREAT", "note": house.text("a report of somebody"),
        "evidence": [attached("EVIDENCE_KIND_TYPED"), attached("EVIDENCE_KIND_SHOWN")],
    });
    let report = anna.ok(house, "accounts.TrustService.ReportPerson", report).await["reportId"].clone();
    anna.ok(house, "accounts.TrustService.ListOwnReports", json!({})).await;
    let decide = async |rpc: &str, request: Value| {
        house.ok(&format!("accounts.ModerationService.{rpc}"), request, Some(operator)).await
    };
    decide("ListReports", json!({})).await;
    decide("GetReport", json!({"reportId": report})).await;
    let sentence = json!({"reportId": report, "reason": "SUSPENSION_REASON_THREAT", "days": 7});
    let suspension = decide("SuspendAccount", sentence).await["suspensionId"].clone();

    let credentials =
        json!({"email": gwen.email, "password": gwen.password, "deviceLabel": house.text("a device")});
    gwen.secret = text(&house.ok("accounts.SessionService.SignIn", credentials, None).await["sessionSecret"]);
    let appeal = json!({"appeal": house.text("an appeal")});
    gwen.ok(house, "accounts.TrustService.AppealSuspension", appeal).await;
    gwen.ok(house, "accounts.TrustService.GetSuspension", json!({})).await;
    decide("ListSuspensions", json!({"appealed": true})).await;
    decide("GetSuspensionCase", json!({"suspensionId": suspension})).await;
    decide("DecideAppeal", json!({"suspensionId": suspension})).await;
    decide("LiftSuspension", json!({"suspensionId": suspension})).await;
    anna.ok(house, "accounts.TrustService.BlockPerson", json!({"accountId": gwen.account_id})).await;
}

/// A member reads a code to somebody who supports them; two operators look at the ledger because of it.
pub(crate) async fn support(house: &House, anna: &Person, supporter: &str, operators: [&str; 2]) {
    let made = anna.ok(house, "accounts.SupportService.CreateSupportCode", json!({})).await;
    let look = json!({"code": made["code"]});
    let seen = house.ok("accounts.SupportService.LookUpSupportCode", look, Some(supporter)).await;
    let [one, other] = operators;
    let by = async |operator: &str, rpc: &str, request: Value| {
        house.ok(&format!("accounts.LedgerLookService.{rpc}"), request, Some(operator)).await
    };
    let wish = json!({
        "lookId": seen["lookId"], "reason": "LEDGER_LOOK_REASON_ASKED_FOR", "note": house.text("why a ledger is looked at"),
    });
    for agreed in [false, true] {
        let asked = json!({"requestId": by(one, "AskLedgerLook", wish.clone()).await["requestId"]});
        by(other, "ListLedgerLooks", json!({})).await;
        by(other, "GetLedgerLook", asked.clone()).await;
        let mut answer = asked.clone();
        answer["agreed"] = json!(agreed);
        by(other, "AnswerLedgerLook", answer).await;
        if agreed {
            by(one, "ReadLedger", asked.clone()).await;
            by(one, "WithdrawLedgerLook", asked).await;
        }
    }
    anna.ok(house, "accounts.LedgerService.ListStaffLooks", json!({})).await;
}

async fn befriend(house: &House, anna: &Person, gwen: &Person) {
    let words = json!({"ownName": house.text("a name"), "called": house.text("what somebody is called")});
    let invited = anna.ok(house, "accounts.CircleService.InviteTrustedPerson", words).await;
    let yes = json!({"code": invited["code"], "ownName": house.text("a name"), "adult": true});
    gwen.ok(house, "accounts.CoupleService.AcceptInvitation", yes).await;
}
