//! Linking: an invitation that is reported, one that is accepted, and what both see then.

use super::{CANARY, Two, nothing, text};
use candor_proto::accounts::v1 as accounts;
use serde_json::{Value, json};
use tonic::Code;

pub(super) async fn they_link(two: &Two<'_>) {
    an_invitation_is_reported(two).await;
    let invited = invite(two).await;
    let rest = two.world.rest();
    let preview = json!({"code": invited["code"]});
    let seen = rest.ok("POST", "/v1/invitations:preview", None, Some(preview.clone())).await;
    assert_eq!(seen["inviterName"], format!("Anna of the {CANARY}"));
    assert!(text(&invited["link"]).contains(&format!("#{}", text(&invited["code"]))), "in the fragment");
    let waiting = two.get(&two.anna, "/v1/couple").await;
    assert_eq!(waiting["invitation"]["invitationId"], invited["invitationId"]);
    assert!(waiting["couple"].is_null());

    // The way people type: small letters, spaces.
    let typed = text(&invited["code"]).to_lowercase().replace('-', " ");
    let yes = json!({"code": typed, "ownName": format!("Ben of the {CANARY}"), "adult": true});
    let minor = json!({"code": typed, "ownName": "Ben"});
    let (status, _) = rest.call("POST", "/v1/invitations:accept", Some(&two.ben.secret), Some(minor)).await;
    assert_eq!(status, 400, "whoever accepts is 18 or older");
    let linked = two.post(&two.ben, "/v1/invitations:accept", yes.clone()).await;
    assert_eq!(linked["couple"]["partnerAccountId"], two.anna.account_id);
    let (status, _) = rest.call("POST", "/v1/invitations:preview", None, Some(preview)).await;
    assert_eq!(status, 404, "a code works once");

    for (who, other, name) in [(&two.anna, &two.ben, "Ben"), (&two.ben, &two.anna, "Anna")] {
        let seen = two.get(who, "/v1/couple").await;
        assert_eq!(seen["couple"]["partnerAccountId"], other.account_id);
        assert_eq!(seen["couple"]["partnerName"], format!("{name} of the {CANARY}"));
        assert!(seen["invitation"].is_null(), "{seen}");
    }
    linking_opens_nothing(two).await;
}

async fn invite(two: &Two<'_>) -> Value {
    let invitation = json!({"ownName": format!("Anna of the {CANARY}")});
    two.post(&two.anna, "/v1/couple:invite", invitation).await
}

/// Somebody who does not know her reports it, and Ben says no: he cannot accept it any more. To her, who can look at her
/// own code, all is as if nobody had answered.
async fn an_invitation_is_reported(two: &Two<'_>) {
    let invited = invite(two).await;
    let rest = two.world.rest();
    let look = async || {
        rest.ok("POST", "/v1/invitations:preview", None, Some(json!({"code": invited["code"]}))).await
    };
    let before = look().await;
    let report = json!({
        "code": invited["code"], "reason": "REPORT_REASON_UNKNOWN_PERSON",
        "note": format!("Who is the {CANARY}?"),
    });
    rest.ok("POST", "/v1/invitations:report", None, Some(report)).await;
    two.post(&two.ben, "/v1/invitations:decline", json!({"code": invited["code"]})).await;
    assert_eq!(look().await, before);
    let yes = Some(json!({"code": invited["code"], "ownName": "Ben", "adult": true}));
    let (status, _) = rest.call("POST", "/v1/invitations:accept", Some(&two.ben.secret), yes).await;
    assert_eq!(status, 404, "a no stays a no");
    let waiting = two.get(&two.anna, "/v1/couple").await;
    assert_eq!(waiting["invitation"]["invitationId"], invited["invitationId"], "as if nobody had answered");
    two.post(&two.anna, "/v1/couple:cancelInvitation", nothing()).await;
    assert!(two.get(&two.anna, "/v1/couple").await["invitation"].is_null());
    // Her next one would not reach him for a while; he lifts that.
    let pauses = two.get(&two.ben, "/v1/invitationPauses").await;
    assert_eq!(pauses["pauses"][0]["cause"], "INVITATION_PAUSE_CAUSE_DECLINED");
    let lift = format!("/v1/invitationPauses/{}:lift", text(&pauses["pauses"][0]["pauseId"]));
    two.post(&two.ben, &lift, nothing()).await;
    assert!(two.get(&two.ben, "/v1/invitationPauses").await["pauses"].as_array().is_none_or(Vec::is_empty));
}

/// A link alone shows nothing of the other, whatever is asked.
async fn linking_opens_nothing(two: &Two<'_>) {
    let path = format!("/v1/accounts/{}/shares", two.anna.account_id);
    let page = two.comes(&two.ben, &path, "the link is known to the journal", |_| true).await;
    assert!(page["shares"].as_array().is_none_or(Vec::is_empty), "{page}");
    let passport = two.ben.passport(two.world).await;
    let mut consent = accounts::consent_service_client::ConsentServiceClient::new(two.world.grpc("accounts"));
    let of_nobody = accounts::OpenAccessRequest {
        owner_account_id: super::MADE_UP.to_owned(),
        scope: candor_proto::options::v1::Scope::SharedItems.into(),
        ..Default::default()
    };
    let refused = consent.open_access(crate::story::signed(of_nobody, &passport)).await.err().unwrap();
    assert_eq!(refused.code(), Code::NotFound);
}
