//! Consent: what a member opens to the counselor in whose care they are, and what the two of them see of it.

mod deciding;
mod ending;
mod languages;
mod listing;
mod reading;

use crate::kit::{House, reason};
use crate::people::{Person, visible};
use candor_proto::accounts::v1::{
    AccessPurpose, Consent, ConsentState, GetConsentTextRequest, GetConsentTextResponse, GrantConsentRequest,
    GrantedToMe, ListConsentsRequest, ListGrantedToMeRequest, OpenAccessRequest, RevokeConsentRequest,
    SecurityNoticeKind, consent_service_server::ConsentService as _,
};
use candor_proto::options::v1::Scope;
use jiff::{SignedDuration, Timestamp};
use tonic::{Code, Status};
use uuid::Uuid;

pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// All of a kind, for the work together.
pub fn all_of(scope: Scope, counselor: &Person) -> GrantConsentRequest {
    let text_id = match scope {
        Scope::Entries => "entries-to-counselor",
        Scope::Moods => "moods-to-counselor",
        _ => "self-checks-to-counselor",
    };
    GrantConsentRequest {
        counselor_account_id: counselor.account_id.to_string(),
        scope: scope.into(),
        item_id: String::new(),
        purpose: AccessPurpose::Care.into(),
        expire_time: None,
        text_id: text_id.into(),
        text_version: 1,
        text_locale: String::new(),
    }
}

/// One entry, for the work together.
pub fn one_entry(item: u128, counselor: &Person) -> GrantConsentRequest {
    GrantConsentRequest {
        item_id: Uuid::from_u128(item).to_string(),
        text_id: "entry-to-counselor".into(),
        ..all_of(Scope::Entries, counselor)
    }
}

/// Wants to read everything of a kind.
pub fn read_all(scope: Scope, owner: &Person) -> OpenAccessRequest {
    OpenAccessRequest {
        owner_account_id: owner.account_id.to_string(),
        scope: scope.into(),
        ..OpenAccessRequest::default()
    }
}

/// Wants to read one entry.
pub fn read_one(item: u128, owner: &Person) -> OpenAccessRequest {
    OpenAccessRequest { item_id: Uuid::from_u128(item).to_string(), ..read_all(Scope::Entries, owner) }
}

pub fn wire(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

impl House {
    pub async fn grant(&self, by: &Person, message: GrantConsentRequest) -> Result<Consent, Status> {
        Ok(self.rpc.grant_consent(self.by(by, message)).await?.into_inner().consent.unwrap())
    }

    pub async fn take_back(&self, by: &Person, consent_id: &str) -> Result<(), Status> {
        let message = RevokeConsentRequest { consent_id: consent_id.into() };
        self.rpc.revoke_consent(self.by(by, message)).await.map(drop)
    }

    pub async fn consents_of(&self, person: &Person) -> Vec<Consent> {
        let message = ListConsentsRequest { page_size: 100, ..Default::default() };
        self.rpc.list_consents(self.by(person, message)).await.unwrap().into_inner().consents
    }

    pub async fn granted_to(&self, counselor: &Person) -> Vec<GrantedToMe> {
        let message = ListGrantedToMeRequest { page_size: 100, ..Default::default() };
        self.rpc.list_granted_to_me(self.by(counselor, message)).await.unwrap().into_inner().granted
    }

    pub async fn consent_text(
        &self,
        by: &Person,
        id: &str,
        version: i32,
    ) -> Result<GetConsentTextResponse, Status> {
        let message = GetConsentTextRequest { text_id: id.into(), version, locale: String::new() };
        Ok(self.rpc.get_consent_text(self.by(by, message)).await?.into_inner())
    }

    /// How opening is refused to whoever has nothing to do with the owner.
    pub async fn refusal(&self, wish: OpenAccessRequest) -> Status {
        let nobody = OpenAccessRequest { owner_account_id: Uuid::from_u128(404).to_string(), ..wish };
        let stranger = self.member("a.stranger").await;
        self.open(&stranger, nobody).await.err().unwrap()
    }
}

#[tokio::test]
async fn a_member_opens_their_entries_sees_it_and_takes_it_back() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let (anna, ben) = house.couple().await;
    let care_id = house.in_care(&anna, &carla).await;
    let given = house.grant(&anna, all_of(Scope::Entries, &carla)).await.unwrap();
    assert_eq!((given.counselor_name.as_str(), given.state), ("carla", ConsentState::Open as i32));
    assert_eq!((given.care_id.as_str(), given.text_version), (care_id.as_str(), 1));
    assert_eq!(given.expire_time, Some(wire(house.now() + DAY * 90)), "90 days where nothing is said");
    assert!(house.consents_of(&anna).await == [given.clone()]);
    assert!(
        house.heard(&anna, SecurityNoticeKind::ConsentGranted).await,
        "so that she would notice another's doing"
    );
    let seen = house.granted_to(&carla).await;
    assert_eq!((seen.len(), seen[0].member_name.as_str()), (1, "Anna"));
    assert_eq!(seen[0].member_account_id, anna.account_id.to_string());
    // Nobody else hears of it.
    assert!(house.consents_of(&ben).await.is_empty() && house.told_of(&ben).await.is_empty());
    assert!(!house.heard(&carla, SecurityNoticeKind::ConsentGranted).await);

    let capability = house.opened(&carla, read_all(Scope::Entries, &anna)).await.unwrap();
    assert_eq!(capability.opening.relation_id.to_string(), given.consent_id);
    house.take_back(&anna, &given.consent_id).await.unwrap();
    let refused = house.open(&carla, read_all(Scope::Entries, &anna)).await.err().unwrap();
    assert_eq!(visible(&refused), visible(&house.refusal(read_all(Scope::Entries, &anna)).await));
    assert!(house.epochs().await.contains(&(
        anna.account_id,
        carla.account_id,
        capability.opening.epoch + 1
    )));
    assert!(house.granted_to(&carla).await.is_empty());
    let over = &house.consents_of(&anna).await[0];
    assert_eq!((over.state, over.end_time), (ConsentState::Withdrawn as i32, Some(wire(house.now()))));
    // Once more changes nothing, and somebody else's is none.
    house.take_back(&anna, &given.consent_id).await.unwrap();
    let unknown = house.take_back(&ben, &Uuid::from_u128(5).to_string()).await.err().unwrap();
    let others = house.take_back(&ben, &given.consent_id).await.err().unwrap();
    assert_eq!(visible(&others), visible(&unknown));
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "CONSENT_NOT_FOUND"));
    let audited = house.audited_things(&given.consent_id).await;
    let by_member = |action: &str| (action.to_owned(), "member".to_owned());
    assert_eq!(audited, [by_member("consent_granted"), by_member("consent_revoked")]);
    let told = house.events().await;
    let versions: Vec<_> = told
        .iter()
        .filter(|(_, id, _)| id.to_string() == given.consent_id)
        .map(|(key, _, v)| (key.as_str(), *v))
        .collect();
    assert_eq!(versions, [("accounts.v1.consent_granted", 1), ("accounts.v1.consent_revoked", 2)]);
}

#[tokio::test]
async fn only_to_a_counselor_in_whose_active_care_one_is() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, carl) = (house.verified(&operator, "carla").await, house.verified(&operator, "carl").await);
    let (anna, ben) = house.couple().await;
    let friend = house.member("friend").await;
    house.befriend(&anna, &friend).await;
    house.ask_for_care(&anna, crate::care::wish(&carl)).await.unwrap();
    house.in_care(&ben, &carla).await;
    let nobody = Person { account_id: Uuid::from_u128(404), ..carla.clone() };
    let unknown = house.grant(&anna, all_of(Scope::Entries, &nobody)).await.err().unwrap();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::FailedPrecondition, "NOT_IN_CARE"));
    // Her partner, somebody in her circle, an operator, herself, a counselor who only was asked, and her partner's.
    for other in [&ben, &friend, &operator, &anna, &carl, &carla] {
        for message in [all_of(Scope::Entries, other), one_entry(1, other)] {
            let refused = house.grant(&anna, message).await.err().unwrap();
            assert_eq!(visible(&refused), visible(&unknown));
        }
    }
    assert_eq!(house.count("consent").await + house.count("receipt").await, 0);
    // A counselor opens nothing of their own, and a member is granted nothing.
    let refused = house.grant(&carla, all_of(Scope::Entries, &carl)).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied);
    for person in [&anna, &operator] {
        let request = house.by(person, ListGrantedToMeRequest::default());
        assert_eq!(house.rpc.list_granted_to_me(request).await.err().unwrap().code(), Code::PermissionDenied);
    }
    // On hold nothing new is opened.
    house.in_care(&anna, &carla).await;
    house.suspend(&operator, &carla, "A complaint.").await.unwrap();
    let held = house.grant(&anna, all_of(Scope::Entries, &carla)).await.err().unwrap();
    assert_eq!(reason(&held), "CARE_ON_HOLD");
}

#[tokio::test]
async fn it_takes_a_fresh_proof_a_living_session_and_the_words_that_count() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let anna = house.member("anna").await;
    house.in_care(&anna, &carla).await;
    let good = all_of(Scope::Entries, &carla);
    let mut request = house.by(&anna, good.clone());
    let mut stale = house.passport_of(&anna);
    stale.authenticated_at = house.now() - SignedDuration::from_mins(6);
    request.extensions_mut().insert(stale);
    assert_eq!(reason(&house.rpc.grant_consent(request).await.err().unwrap()), "STEP_UP_REQUIRED");
    let ended = Person { session_id: Uuid::from_u128(9), ..anna.clone() };
    assert_eq!(reason(&house.grant(&ended, good.clone()).await.err().unwrap()), "SESSION_ENDED");

    let old = GrantConsentRequest { text_version: 2, ..good.clone() };
    let refused = house.grant(&anna, old).await.err().unwrap();
    assert_eq!(reason(&refused), "CONSENT_TEXT_CHANGED");
    let current = house.consent_text(&anna, "entries-to-counselor", 0).await.unwrap();
    assert!(refused.message().contains(&format!("version {} of {}", current.version, current.text_id)));
    assert!(current.current && current.text.contains("every entry I have kept"));
    let same = house.consent_text(&carla, "entries-to-counselor", current.version).await.unwrap();
    assert!(same == current);
    for (id, version) in [("entries-to-counselor", 99), ("everything-to-everybody", 0)] {
        assert_eq!(house.consent_text(&anna, id, version).await.err().unwrap().code(), Code::NotFound);
    }
    let hour = SignedDuration::from_hours(1);
    for wrong in [
        GrantConsentRequest { text_id: "moods-to-counselor".into(), ..good.clone() },
        GrantConsentRequest { text_version: 0, ..good.clone() },
        GrantConsentRequest { purpose: 0, ..good.clone() },
        GrantConsentRequest { purpose: AccessPurpose::Closeness.into(), ..good.clone() },
        GrantConsentRequest { scope: Scope::SharedItems.into(), ..good.clone() },
        GrantConsentRequest { scope: Scope::CheckIns.into(), ..good.clone() },
        GrantConsentRequest { scope: 99, ..good.clone() },
        GrantConsentRequest { item_id: "all".into(), ..good.clone() },
        GrantConsentRequest { item_id: Uuid::from_u128(1).to_string(), ..all_of(Scope::Moods, &carla) },
        GrantConsentRequest { expire_time: Some(wire(house.now())), ..good.clone() },
        GrantConsentRequest { expire_time: Some(wire(house.now() + DAY * 365 + hour)), ..good.clone() },
    ] {
        assert_eq!(house.grant(&anna, wrong).await.err().unwrap().code(), Code::InvalidArgument);
    }
    assert_eq!(house.count("consent").await, 0);
    let year = GrantConsentRequest { expire_time: Some(wire(house.now() + DAY * 365)), ..good };
    house.grant(&anna, year).await.unwrap();
}

#[tokio::test]
async fn the_same_opened_again_takes_the_place_of_what_was_and_a_hundred_are_open_at_most() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let anna = house.member("anna").await;
    house.in_care(&anna, &carla).await;
    let first = house.grant(&anna, all_of(Scope::Entries, &carla)).await.unwrap();
    let before = house.opened(&carla, read_all(Scope::Entries, &anna)).await.unwrap();
    house.advance(SignedDuration::from_secs(60));
    let week = Some(wire(house.now() + DAY * 7));
    let shorter = GrantConsentRequest { expire_time: week, ..all_of(Scope::Entries, &carla) };
    let second = house.grant(&anna, shorter).await.unwrap();
    let states: Vec<_> =
        house.consents_of(&anna).await.iter().map(|one| (one.consent_id.clone(), one.state)).collect();
    let (open, replaced) = (ConsentState::Open as i32, ConsentState::Replaced as i32);
    assert_eq!(states, [(second.consent_id.clone(), open), (first.consent_id, replaced)]);
    let after = house.opened(&carla, read_all(Scope::Entries, &anna)).await.unwrap();
    assert_eq!(after.opening.relation_id.to_string(), second.consent_id);
    assert_eq!(after.opening.epoch, before.opening.epoch + 1);
    // For another purpose, of another kind, or of one item it stands beside it.
    let session = AccessPurpose::Session.into();
    house
        .grant(&anna, GrantConsentRequest { purpose: session, ..all_of(Scope::Entries, &carla) })
        .await
        .unwrap();
    house.grant(&anna, all_of(Scope::Moods, &carla)).await.unwrap();
    for item in 1..=97 {
        house.grant(&anna, one_entry(item, &carla)).await.unwrap();
    }
    let refused = house.grant(&anna, one_entry(98, &carla)).await.err().unwrap();
    assert_eq!(reason(&refused), "TOO_MANY_CONSENTS");
    house.grant(&anna, one_entry(97, &carla)).await.unwrap();
    let message = ListConsentsRequest { page_size: 60, open_only: true, ..Default::default() };
    let page = house.rpc.list_consents(house.by(&anna, message.clone())).await.unwrap().into_inner();
    let rest = ListConsentsRequest { page_token: page.next_page_token, ..message };
    let rest = house.rpc.list_consents(house.by(&anna, rest)).await.unwrap().into_inner();
    assert_eq!((page.consents.len(), rest.consents.len(), rest.next_page_token.as_str()), (60, 40, ""));
}
