//! One thing that was shown to somebody is reported. Operators read what was attached to it, and nothing else of anybody's.

use crate::call::{Api, Shown, json};
use crate::pairs::link;
use crate::person::Person;
use crate::things::CANARIES;
use candor_tests::One;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tonic::{Code, Status};

const READ: &str = "candor.journal.v1.ShareService.GetReceivedShare";
const REPORT: &str = "candor.accounts.v1.TrustService.ReportPerson";
/// What of the shown words is attached.
const ATTACHED: &str = "otters, you said";
/// What whoever is reported sees of it.
const VIEW: [&str; 5] = [
    "candor.accounts.v1.LedgerService.ListReceipts",
    "candor.accounts.v1.LedgerService.ListStaffLooks",
    "candor.accounts.v1.SecurityService.ListSecurityNotices",
    "candor.journal.v1.ShareService.ListShares",
    "candor.reminders.v1.InboxService.ListInboxItems",
];

/// Shares the whole of a new entry; the share.
async fn share(api: &Api, by: &Person, with: &Person, words: &str) -> Value {
    let entry = json!({"body": words, "timeZone": "Europe/Berlin"});
    let entry = by.ok(api, "candor.journal.v1.EntryService.WriteEntry", entry).await;
    let whole = json!({"kind": "SHARE_KIND_ENTRY", "itemId": entry["entry"]["entryId"], "depth": "SHARE_DEPTH_WHOLE"});
    let share = json!({"recipientAccountId": with.account_id, "selection": whole, "openNow": true});
    let made = by.in_time(api, "candor.journal.v1.ShareService.ShareItem", share).await;
    made["share"]["shareId"].clone()
}

/// Opens and reads a share.
async fn read(api: &Api, by: &Person, owner: &Person, share: &Value) -> Result<Value, Status> {
    let open = json!({"ownerAccountId": owner.account_id, "scope": 1, "itemId": share});
    let rpc = "candor.accounts.v1.ConsentService.OpenAccess";
    let opened = json(rpc, &api.raw(rpc, &open, Shown::passport(&by.passport)).await?);
    let shown = Shown { passport: Some(&by.passport), capability: opened["capability"].as_str() };
    let request = json!({"ownerAccountId": owner.account_id, "shareId": share});
    Ok(json(READ, &api.raw(READ, &request, shown).await?))
}

fn complaint(about: &Person, share: &Value) -> Value {
    json!({
        "accountId": about.account_id, "shareId": share, "reason": "REPORT_REASON_THREAT", "note": "It frightens me.",
        "evidence": [{"kind": "EVIDENCE_KIND_SHOWN", "words": ATTACHED}],
    })
}

async fn view(api: &Api, of: &Person) -> Vec<Value> {
    let mut seen = Vec::new();
    for rpc in VIEW {
        seen.push(of.ok(api, rpc, json!({})).await);
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_is_reported_with_what_was_attached_and_nothing_else_of_anybodys() {
    let one = One::start().await;
    let api = Api::of(&one);
    let operator = Person::operator(&one, &api).await;
    let (anna, ben, olga, tina) = tokio::join!(
        Person::join(&one, &api, "anna"),
        Person::join(&one, &api, "ben"),
        Person::join(&one, &api, "olga"),
        Person::join(&one, &api, "tina"),
    );
    link(&api, &anna, &ben).await;
    link(&api, &olga, &tina).await;
    let shown = share(&api, &anna, &ben, CANARIES[0]).await;
    let taken_back = share(&api, &anna, &ben, CANARIES[1]).await;
    let never_his = share(&api, &olga, &tina, CANARIES[2]).await;
    for share in [&shown, &taken_back] {
        read(&api, &ben, &anna, share).await.unwrap();
    }
    let withdraw = json!({ "shareId": taken_back });
    anna.ok(&api, "candor.journal.v1.ShareService.WithdrawShare", withdraw).await;
    for (owner, share) in [(&anna, &taken_back), (&anna, &never_his), (&olga, &never_his)] {
        assert_eq!(read(&api, &ben, owner, share).await.err().unwrap().code(), Code::NotFound);
    }
    let before = view(&api, &anna).await;

    // What was taken back is reported like what is still there; of what never was his it is his word and nothing more.
    for share in [&shown, &taken_back, &never_his] {
        ben.ok(&api, REPORT, complaint(&anna, share)).await;
    }
    let refused = async |about: &str| {
        let request = json!({"accountId": about, "shareId": never_his, "reason": "REPORT_REASON_THREAT"});
        let refused = api.raw(REPORT, &request, Shown::passport(&ben.passport)).await.err().unwrap();
        (refused.code(), refused.message().to_owned(), refused.details().to_vec())
    };
    let stranger = refused(&olga.account_id).await;
    assert_eq!(
        stranger.0,
        Code::NotFound,
        "whom he has nothing to do with is nobody, whatever share he names"
    );
    assert_eq!(stranger, refused("0190163d-8694-7000-8000-0000000000ff").await);

    let rpc = "candor.accounts.v1.ModerationService.ListReports";
    let listed = operator.ok(&api, rpc, json!({})).await["reports"].as_array().unwrap().clone();
    let mut named = BTreeSet::new();
    for report in &listed {
        assert_eq!(
            (&report["kind"], &report["accountId"]),
            (&json!("REPORT_KIND_ITEM"), &json!(anna.account_id))
        );
        let request = json!({ "reportId": report["reportId"] });
        let seen = operator.ok(&api, "candor.accounts.v1.ModerationService.GetReport", request).await;
        named.insert(seen["shareId"].to_string());
        let evidence = json!([{"kind": "EVIDENCE_KIND_SHOWN", "words": ATTACHED}]);
        assert_eq!((&seen["evidence"], &seen["note"]), (&evidence, &json!("It frightens me.")));
        let all = seen.to_string();
        let others = [&ben.account_id, &ben.email, &anna.email, &olga.account_id, &tina.account_id];
        for hidden in CANARIES.iter().copied().chain(others.map(String::as_str)) {
            assert!(!all.contains(hidden), "{hidden}: {all}");
        }
        // The share itself is as closed to them as anything.
        let closed = read(&api, &operator, &anna, &seen["shareId"]).await.err().unwrap();
        assert_eq!(closed.code(), Code::PermissionDenied);
    }
    let reported = [&shown, &taken_back, &never_his].map(Value::to_string);
    assert_eq!((named, listed.len()), (BTreeSet::from(reported), 3));
    assert_eq!(view(&api, &anna).await, before, "to whoever is reported it never happened");
    one.stop().await;
}
