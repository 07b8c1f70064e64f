//! Parting: one of them ends the link, and everything between them is gone at once; what each wrote stays theirs.

use super::meeting::CheckIns;
use super::{CANARY, MADE_UP, Two, items, nothing, text};
use crate::story::Member;
use serde_json::Value;

/// What only exists between two people.
const BETWEEN: [&str; 4] = [
    "SCHEDULE_KIND_SHARE",
    "SCHEDULE_KIND_SHARE_ANSWER",
    "SCHEDULE_KIND_CHECK_IN_AHEAD",
    "SCHEDULE_KIND_CHECK_IN",
];

/// He ends it; she is not asked.
pub(super) async fn they_part(two: &Two<'_>, share_id: &str, check_ins: &CheckIns) {
    two.post(&two.ben, "/v1/couple:unlink", nothing()).await;
    two.post(&two.ben, "/v1/couple:unlink", nothing()).await;
    all_is_gone(two, share_id, check_ins).await;
}

/// Neither sees anything of the other, and nothing that points at the other.
pub(super) async fn all_is_gone(two: &Two<'_>, share_id: &str, check_ins: &CheckIns) {
    for (who, partner) in [(&two.anna, &two.ben), (&two.ben, &two.anna)] {
        let couple = two.get(who, "/v1/couple").await;
        assert!(couple["couple"].is_null() && couple["invitation"].is_null(), "{couple}");
        for path in between(partner, share_id, check_ins) {
            let path = path.as_str();
            two.is_hidden(who, path, &path.replace(&partner.account_id, MADE_UP)).await;
        }
        let none = |inbox: &Value| BETWEEN.into_iter().all(|kind| items(inbox, kind).next().is_none());
        let path = "/v1/inboxItems?pageSize=100";
        two.comes(who, path, "nothing in the inbox points at the other", none).await;
        let planned = two.get(who, "/v1/schedules?pageSize=100").await;
        let mut planned = planned["schedules"].as_array().into_iter().flatten();
        assert!(planned.all(|schedule| schedule["kind"] == "SCHEDULE_KIND_LOOK_BACK"));
    }
}

fn between(partner: &Member, share_id: &str, check_ins: &CheckIns) -> [String; 6] {
    let of_partner = format!("/v1/accounts/{}", partner.account_id);
    [
        format!("{of_partner}/shares"),
        format!("{of_partner}/shares/{share_id}"),
        format!("{of_partner}/answers/{share_id}"),
        format!("{of_partner}/checkInSchedule"),
        format!("/v1/checkIns/{}?ownerAccountId={}", check_ins.open, partner.account_id),
        format!("/v1/checkIns/{}?ownerAccountId={}", check_ins.closed, partner.account_id),
    ]
}

/// What each wrote is theirs, and what she was told of stays told.
pub(super) async fn what_each_wrote_stays(two: &Two<'_>, share_id: &str, check_ins: &CheckIns, entry: &str) {
    let answers = two.get(&two.ben, "/v1/answers").await;
    assert_eq!(answers["answers"][0]["shareId"], share_id);
    assert!(text(&answers["answers"][0]["body"]).contains(CANARY));
    let own = two.get(&two.anna, "/v1/shares?pageSize=100").await;
    let own = own["shares"].as_array().unwrap().iter().find(|share| share["shareId"] == share_id).unwrap();
    assert_eq!(own["state"], "SHARE_STATE_ENDED");
    assert_eq!(own["feltUnderstood"], 4);
    for (who, words, number) in [(&two.anna, "more walks", 2), (&two.ben, "fewer plans", 1)] {
        let mine = two.get(who, "/v1/checkIns").await;
        let mine = mine["checkIns"].as_array().unwrap();
        assert_eq!(mine.len(), number);
        let opened = mine.iter().find(|c| c["checkInId"] == check_ins.open.as_str()).unwrap();
        assert!(text(&opened["ownReplies"][0]["text"]).contains(words));
        assert!(opened["partnerReplies"].as_array().is_none_or(Vec::is_empty), "{opened}");
    }
    let entry = two.get(&two.anna, &format!("/v1/entries/{entry}")).await;
    assert!(text(&entry["entry"]["body"]).contains(CANARY));
    let receipts = two.get(&two.anna, "/v1/receipts").await;
    let receipts = receipts["receipts"].as_array().unwrap();
    assert!((1..=2).contains(&receipts.len()), "told and answered, and never a reading: {receipts:?}");
    let receipts = two.get(&two.ben, "/v1/receipts").await;
    let of_his = receipts["receipts"].as_array().map_or(0, Vec::len);
    assert!(of_his <= 1, "that she answered him, and nothing of her export: {receipts}");
}
