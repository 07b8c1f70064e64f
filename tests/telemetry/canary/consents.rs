//! What somebody opens to the counselor in whose care they are, and to software: seen before, read, and taken back.

use super::house::House;
use super::life::Person;
use serde_json::{Value, json};

/// Anna opens everything that can be opened; the counselor reads it; she takes it back and looks into her ledger.
pub(crate) async fn live(house: &House, anna: &Person, counselor: &Value, bearer: &str) {
    let of = |rpc: &str| format!("accounts.ConsentService.{rpc}");
    let read = |rpc: &str| format!("journal.OpenedService.{rpc}");
    let mut given = Vec::new();
    for (scope, list, text) in [
        ("SCOPE_ENTRIES", "ListOpenedEntries", "entries-to-counselor"),
        ("SCOPE_MOODS", "ListOpenedMoods", "moods-to-counselor"),
        ("SCOPE_SELF_CHECKS", "ListOpenedSelfChecks", "self-checks-to-counselor"),
    ] {
        let words = anna.ok(house, &of("GetConsentText"), json!({"textId": text})).await;
        let whose = json!({"ownerAccountId": anna.account_id});
        let before = anna.ok(house, &read(list), whose.clone()).await;
        let wish = json!({
            "counselorAccountId": counselor, "scope": scope, "purpose": "ACCESS_PURPOSE_CARE", "textId": text,
            "textVersion": words["version"],
        });
        given.push(anna.ok(house, &of("GrantConsent"), wish).await["consent"]["consentId"].clone());
        let seen = house.ok(&read(list), whose, Some(bearer)).await;
        assert!(seen == before, "{list}: what was shown before is what is read");
        for (field, rpc, id) in
            [("entries", "GetOpenedEntry", "entryId"), ("selfChecks", "GetOpenedSelfCheck", "assessmentId")]
        {
            if let Some(first) = seen[field].as_array().and_then(|all| all.first()) {
                let mut one = json!({"ownerAccountId": anna.account_id});
                one[id] = first[id].clone();
                house.ok(&read(rpc), one, Some(bearer)).await;
            }
        }
    }
    house.ok(&of("ListGrantedToMe"), json!({}), Some(bearer)).await;
    anna.ok(house, &of("ListConsents"), json!({})).await;
    for consent_id in &given[1..] {
        anna.ok(house, &of("RevokeConsent"), json!({"consentId": consent_id})).await;
    }
}

/// Anna opens everything that can be opened to software, which reads it with its token; she takes it back.
pub(crate) async fn live_with_software(house: &House, anna: &Person, client: &str, token: &str) {
    let of = |rpc: &str| format!("accounts.SoftwareConsentService.{rpc}");
    let read = |rpc: &str| format!("journal.OpenedService.{rpc}");
    anna.ok(house, "accounts.SessionService.StepUp", json!({"password": anna.password})).await;
    anna.ok(house, &of("ListSoftware"), json!({})).await;
    anna.ok(house, &of("GetSoftware"), json!({ "clientId": client })).await;
    let mut given = Vec::new();
    for (scope, list, text) in [
        ("SCOPE_ENTRIES", "ListOpenedEntries", "entries-to-software"),
        ("SCOPE_MOODS", "ListOpenedMoods", "moods-to-software"),
        ("SCOPE_SELF_CHECKS", "ListOpenedSelfChecks", "self-checks-to-software"),
    ] {
        let words = anna.ok(house, "accounts.ConsentService.GetConsentText", json!({"textId": text})).await;
        let whose = json!({"ownerAccountId": anna.account_id});
        let before = anna.ok(house, &read(list), whose.clone()).await;
        let wish = json!({
            "clientId": client, "scope": scope, "purpose": "ACCESS_PURPOSE_STATED", "textId": text,
            "textVersion": words["version"],
        });
        let consent = anna.ok(house, &of("GrantSoftwareConsent"), wish).await["consent"].clone();
        given.push(consent["consentId"].clone());
        let seen = house.ok(&read(list), whose, Some(token)).await;
        assert!(seen == before, "{list}: what was shown before is what is read");
    }
    house.ok(&of("ListGrantedToSoftware"), json!({}), Some(token)).await;
    anna.ok(house, &of("ListSoftwareConsents"), json!({})).await;
    for consent_id in &given {
        anna.ok(house, &of("RevokeSoftwareConsent"), json!({"consentId": consent_id})).await;
    }
}
