//! Sharing a part of an entry: seen as previewed, read unnoticed, answered, and taken back.

use super::{CANARY, MADE_UP, Two, items, nothing, text};
use crate::story::signed;
use candor_proto::accounts::v1 as accounts;
use candor_proto::journal::v1 as journal;
use candor_proto::options::v1::Scope;
use jiff::SignedDuration;
use serde_json::{Value, json};

const OPENED: &str = "I was quiet at dinner, and it was not about you.";

pub(super) async fn she_writes(two: &Two<'_>) -> String {
    let body = format!("{OPENED}\n\nWhat I do not say yet: {CANARY}.");
    let entry = json!({"title": "Dinner", "body": body, "timeZone": "Europe/Berlin"});
    let written = two.post(&two.anna, "/v1/entries", entry).await;
    text(&written["entry"]["entryId"]).to_owned()
}

fn excerpt(entry_id: &str) -> Value {
    let end = OPENED.chars().count();
    json!({
        "kind": "SHARE_KIND_ENTRY", "itemId": entry_id, "depth": "SHARE_DEPTH_EXCERPT",
        "spans": [{"start": 0, "end": end}], "words": format!("About the {CANARY}."),
    })
}

fn received(two: &Two<'_>, share_id: &str) -> String {
    format!("/v1/accounts/{}/shares/{share_id}", two.anna.account_id)
}

/// Previewed, shared, unseen for an hour, then seen exactly as previewed. Answers the share's id.
pub(super) async fn a_share_opens_after_an_hour(two: &Two<'_>, entry_id: &str) -> String {
    let selection = excerpt(entry_id);
    let preview = two.post(&two.anna, "/v1/shares:preview", json!({"selection": selection})).await;
    assert_eq!(preview["rendering"]["body"], OPENED);
    assert_eq!(preview["rendering"]["words"], format!("About the {CANARY}."));
    assert!(preview["rendering"]["title"].as_str().is_none_or(str::is_empty), "an excerpt has no title");
    let share = json!({
        "recipientAccountId": two.ben.account_id, "selection": selection,
        "wishedResponse": "WISHED_RESPONSE_LISTEN",
    });
    let made = two.post(&two.anna, "/v1/shares", share).await;
    let share_id = text(&made["share"]["shareId"]).to_owned();
    assert_eq!(made["share"]["state"], "SHARE_STATE_WAITING");
    assert_eq!(made["share"]["rendering"], preview["rendering"]);
    two.is_hidden(&two.ben, &received(two, &share_id), &received(two, MADE_UP)).await;

    two.world.clock().advance(SignedDuration::from_mins(61));
    let path = received(two, &share_id);
    let seen = two.comes(&two.ben, &path, "the share has opened", |_| true).await;
    assert_eq!(seen["rendering"], preview["rendering"], "what is read is what the preview showed");
    assert!(seen["starters"].as_array().is_some_and(|starters| starters.len() >= 3), "{seen}");
    two.is_told(&two.ben, "SCHEDULE_KIND_SHARE", &share_id).await;
    share_id
}

/// He reads through REST and, with an opening of his own, through gRPC. She learns nothing of it.
pub(super) async fn he_reads_and_she_is_not_told(two: &Two<'_>, share_id: &str) {
    let over_rest = two.get(&two.ben, &received(two, share_id)).await;
    let passport = two.ben.passport(two.world).await;
    let mut consent = accounts::consent_service_client::ConsentServiceClient::new(two.world.grpc("accounts"));
    let opening = accounts::OpenAccessRequest {
        owner_account_id: two.anna.account_id.clone(),
        scope: Scope::SharedItems.into(),
        item_id: share_id.to_owned(),
        purpose: accounts::AccessPurpose::Closeness.into(),
        ..Default::default()
    };
    let opened = consent.open_access(signed(opening, &passport)).await.unwrap().into_inner();
    let mut shares = journal::share_service_client::ShareServiceClient::new(two.world.grpc("journal"));
    let read = journal::GetReceivedShareRequest {
        owner_account_id: two.anna.account_id.clone(),
        share_id: share_id.to_owned(),
    };
    let mut request = signed(read, &passport);
    request.metadata_mut().insert("candor-capability", opened.capability.parse().unwrap());
    let over_grpc = shares.get_received_share(request).await.unwrap().into_inner();
    assert_eq!(over_grpc.rendering.unwrap().body, text(&over_rest["rendering"]["body"]));
    she_sees_no_reading(two, share_id, 0).await;
}

/// Of the share she sees what she knew; in her ledger stand the readings she was told of, and no others.
async fn she_sees_no_reading(two: &Two<'_>, share_id: &str, told: usize) {
    let own = two.get(&two.anna, "/v1/shares").await;
    let own = own["shares"].as_array().unwrap().iter().find(|share| share["shareId"] == share_id).unwrap();
    assert_eq!(own["toldReadTime"].is_string(), told > 0, "{own}");
    let receipts = two.get(&two.anna, "/v1/receipts").await;
    let receipts = receipts["receipts"].as_array().cloned().unwrap_or_default();
    assert!(receipts.len() <= told, "{receipts:?}");
    for receipt in receipts {
        assert_eq!(receipt["readerAccountId"], two.ben.account_id);
        assert_eq!(receipt["itemIds"], json!([share_id]));
        assert_eq!(receipt["relation"], "RELATION_PARTNER");
    }
}

/// He says that he read it; that stands in her ledger. He answers; she reads it, and rates it for herself.
pub(super) async fn he_tells_and_answers(two: &Two<'_>, share_id: &str) {
    let shared = received(two, share_id);
    two.post(&two.ben, &format!("{shared}:tellRead"), nothing()).await;
    let there = |receipts: &Value| receipts["receipts"].as_array().is_some_and(|all| !all.is_empty());
    two.comes(&two.anna, "/v1/receipts", "what he told is in her ledger", there).await;
    she_sees_no_reading(two, share_id, 1).await;

    let body = format!("I hear that the {CANARY} was with you all evening.");
    let answer = json!({"body": body});
    two.post(&two.ben, &format!("{shared}:answer"), answer.clone()).await;
    let again = two.post(&two.ben, &format!("{shared}:answer"), answer).await;
    assert_eq!(again["answer"]["body"], body, "a retry answers as the first time");
    let second = Some(json!({"body": "Something else."}));
    let path = format!("{shared}:answer");
    let (status, _) = two.world.rest().call("POST", &path, Some(&two.ben.secret), second).await;
    assert_eq!(status, 409, "there is one answer to a share");

    two.is_told(&two.anna, "SCHEDULE_KIND_SHARE_ANSWER", share_id).await;
    let path = format!("/v1/accounts/{}/answers/{share_id}", two.ben.account_id);
    assert_eq!(two.get(&two.anna, &path).await["answer"]["body"], body);
    two.post(&two.anna, &format!("/v1/shares/{share_id}:rate"), json!({"feltUnderstood": 4})).await;
    let own = two.get(&two.anna, "/v1/shares").await;
    assert_eq!(
        (&own["shares"][0]["answered"], &own["shares"][0]["feltUnderstood"]),
        (&json!(true), &json!(4))
    );
    let seen = two.get(&two.ben, &shared).await;
    assert!(!seen.to_string().contains("feltUnderstood"), "only she sees how understood she felt");
    two.is_further(&two.anna, "STEP_VULNERABILITY").await;
    she_sees_no_reading(two, share_id, 2).await;
}

/// One unread item says that something is there, however much it is; the next comes once that is read.
async fn he_has_seen_what_is_there(two: &Two<'_>) {
    let inbox = two.get(&two.ben, "/v1/inboxItems?pageSize=100").await;
    for item in items(&inbox, "SCHEDULE_KIND_SHARE") {
        let path = format!("/v1/inboxItems/{}:markRead", text(&item["inboxItemId"]));
        two.post(&two.ben, &path, nothing()).await;
    }
}

/// One share is taken back before it opened, one after it was read: both are as if they had never been.
pub(super) async fn what_is_withdrawn_is_gone(two: &Two<'_>, entry_id: &str) {
    let topic = |words: String, open_now: bool| {
        let selection = json!({
            "kind": "SHARE_KIND_ENTRY", "itemId": entry_id, "depth": "SHARE_DEPTH_TOPIC", "words": words,
        });
        json!({"recipientAccountId": two.ben.account_id, "selection": selection, "openNow": open_now})
    };
    let unseen = two.post(&two.anna, "/v1/shares", topic(format!("Not yet: {CANARY}."), false)).await;
    let unseen = text(&unseen["share"]["shareId"]);
    two.post(&two.anna, &format!("/v1/shares/{unseen}:withdraw"), nothing()).await;
    he_has_seen_what_is_there(two).await;
    let seen = two.post(&two.anna, "/v1/shares", topic(format!("Now: {CANARY}."), true)).await;
    let seen = text(&seen["share"]["shareId"]);
    two.is_told(&two.ben, "SCHEDULE_KIND_SHARE", seen).await;
    two.get(&two.ben, &received(two, seen)).await;
    let withdrawn = two.post(&two.anna, &format!("/v1/shares/{seen}:withdraw"), nothing()).await;
    for share_id in [unseen, seen] {
        two.is_hidden(&two.ben, &received(two, share_id), &received(two, MADE_UP)).await;
    }
    let again = two.post(&two.anna, &format!("/v1/shares/{seen}:withdraw"), nothing()).await;
    assert_eq!(again, withdrawn, "twice is as once");
    let gone = |inbox: &Value| {
        items(inbox, "SCHEDULE_KIND_SHARE")
            .all(|item| item["subjectId"] != seen && item["subjectId"] != unseen)
    };
    two.comes(&two.ben, "/v1/inboxItems?pageSize=100", "nothing points at what was taken back", gone).await;
}
