//! Consent to software: what a member opens to a client, apart from what their counselor may read.

mod deciding;
mod ending;
mod listing;
mod reading;

use crate::clients::{Software, test_keys};
use crate::consents::wire;
use crate::kit::{House, reason};
use crate::people::{Person, visible};
use candor_proto::accounts::v1::{
    AccessPurpose, ConsentState, GetSoftwareRequest, GrantSoftwareConsentRequest, GrantedToSoftware,
    ListGrantedToSoftwareRequest, ListSoftwareConsentsRequest, ListSoftwareRequest, OpenAccessRequest,
    OpenAccessResponse, RevokeSoftwareConsentRequest, SecurityNoticeKind, Software as Offered,
    SoftwareConsent, consent_service_server::ConsentService as _,
    software_consent_service_server::SoftwareConsentService as _,
};
use candor_proto::options::v1::Scope;
use chassis::identity::{Capability, Kind, Passport};
use jiff::SignedDuration;
use tonic::{Code, Request, Status};
use uuid::Uuid;

/// The widest scopes of the house's software, and of a counselor's.
pub const OF_HOUSE: &str = "system/*.rs";
pub const OF_COUNSELOR: &str = "user/*.rs";

/// All of a kind, for what the software says of itself.
pub fn all_of(scope: Scope, software: &Software) -> GrantSoftwareConsentRequest {
    let text_id = match scope {
        Scope::Entries => "entries-to-software",
        Scope::Moods => "moods-to-software",
        _ => "self-checks-to-software",
    };
    GrantSoftwareConsentRequest {
        client_id: software.client_id().into(),
        scope: scope.into(),
        item_id: String::new(),
        purpose: AccessPurpose::Stated.into(),
        expire_time: None,
        text_id: text_id.into(),
        text_version: 1,
        text_locale: String::new(),
    }
}

/// One entry.
pub fn one_entry(item: u128, software: &Software) -> GrantSoftwareConsentRequest {
    GrantSoftwareConsentRequest {
        item_id: Uuid::from_u128(item).to_string(),
        text_id: "entry-to-software".into(),
        ..all_of(Scope::Entries, software)
    }
}

fn as_software<T>(passport: &Passport, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(passport.clone());
    request
}

impl House {
    /// Software of the house with a token for all of it.
    pub async fn house_software(&self, operator: &Person) -> (Software, Passport) {
        let software = self.software(operator, test_keys::ed25519(1), &[OF_HOUSE]).await;
        let passport = self.token_of(&software, OF_HOUSE).await;
        (software, passport)
    }

    /// A counselor's software with a token for all of it.
    pub async fn counselors_software(&self, counselor: &Person) -> (Software, Passport) {
        let software = self.software(counselor, test_keys::ed25519(2), &[OF_COUNSELOR]).await;
        let passport = self.token_of(&software, OF_COUNSELOR).await;
        (software, passport)
    }

    /// What a token that it gets now says.
    pub async fn token_of(&self, software: &Software, scope: &str) -> Passport {
        let token = software.token(self, scope).await.unwrap().access_token;
        self.passport(&token).await.unwrap()
    }

    pub async fn give(
        &self,
        by: &Person,
        message: GrantSoftwareConsentRequest,
    ) -> Result<SoftwareConsent, Status> {
        let given = self.rpc.grant_software_consent(self.by(by, message)).await?;
        Ok(given.into_inner().consent.unwrap())
    }

    pub async fn take_from_software(&self, by: &Person, consent_id: &str) -> Result<(), Status> {
        let message = RevokeSoftwareConsentRequest { consent_id: consent_id.into() };
        self.rpc.revoke_software_consent(self.by(by, message)).await.map(drop)
    }

    pub async fn given_by(&self, person: &Person) -> Vec<SoftwareConsent> {
        let message = ListSoftwareConsentsRequest { page_size: 100, ..Default::default() };
        self.rpc.list_software_consents(self.by(person, message)).await.unwrap().into_inner().consents
    }

    pub async fn states_given_by(&self, person: &Person) -> Vec<i32> {
        self.given_by(person).await.iter().map(|one| one.state).collect()
    }

    pub async fn software_for(&self, person: &Person) -> Vec<Offered> {
        let message = ListSoftwareRequest { page_size: 100, ..Default::default() };
        self.rpc.list_software(self.by(person, message)).await.unwrap().into_inner().software
    }

    pub async fn software_at(&self, person: &Person, client_id: &str) -> Result<Offered, Status> {
        let message = GetSoftwareRequest { client_id: client_id.into() };
        Ok(self.rpc.get_software(self.by(person, message)).await?.into_inner().software.unwrap())
    }

    pub async fn granted_to_software(&self, token: &Passport) -> Vec<GrantedToSoftware> {
        let message = ListGrantedToSoftwareRequest { page_size: 100, ..Default::default() };
        let answer = self.rpc.list_granted_to_software(as_software(token, message)).await;
        answer.unwrap().into_inner().granted
    }

    pub async fn software_opens(
        &self,
        token: &Passport,
        wish: OpenAccessRequest,
    ) -> Result<OpenAccessResponse, Status> {
        Ok(self.rpc.open_access(as_software(token, wish)).await?.into_inner())
    }

    pub async fn software_opened(&self, token: &Passport, wish: OpenAccessRequest) -> Capability {
        let opened = self.software_opens(token, wish).await.unwrap();
        self.capability(&opened.capability).await.unwrap()
    }

    /// It is as closed as if nobody were there.
    pub async fn closed_to_software(&self, token: &Passport, wish: OpenAccessRequest) {
        let nobody = OpenAccessRequest { owner_account_id: Uuid::from_u128(404).to_string(), ..wish.clone() };
        let unknown = self.software_opens(token, nobody).await.err().unwrap();
        let refused = self.software_opens(token, wish).await.err().expect("it is closed");
        assert_eq!(visible(&refused), visible(&unknown));
        assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "NOT_FOUND"));
    }
}

use crate::consents::{DAY, read_all, read_one};

#[tokio::test]
async fn a_member_opens_their_entries_to_software_and_takes_it_back() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (praxis, token) = house.house_software(&operator).await;
    let (anna, ben) = house.couple().await;
    house.closed_to_software(&token, read_all(Scope::Entries, &anna)).await;
    let given = house.give(&anna, all_of(Scope::Entries, &praxis)).await.unwrap();
    assert_eq!((given.software_name.as_str(), given.state), ("Praxis", ConsentState::Open as i32));
    assert_eq!(given.software_contact, "it@clinic.example");
    assert_eq!((given.care_id.as_str(), given.counselor_account_id.as_str()), ("", ""), "it takes no care");
    assert_eq!(given.expire_time, Some(wire(house.now() + DAY * 90)), "90 days where nothing is said");
    assert!(house.given_by(&anna).await == [given.clone()]);
    assert!(house.heard(&anna, SecurityNoticeKind::SoftwareConsentGranted).await);
    assert!(house.given_by(&ben).await.is_empty() && house.told_of(&ben).await.is_empty());
    assert!(house.consents_of(&anna).await.is_empty(), "it is nothing of a counselor's");

    let capability = house.software_opened(&token, read_all(Scope::Entries, &anna)).await;
    assert_eq!(capability.opening.relation_id.to_string(), given.consent_id);
    assert_eq!((capability.reader_id, capability.session_id), (token.account_id, token.session_id));
    let seen = house.granted_to_software(&token).await;
    assert_eq!((seen.len(), seen[0].member_account_id.as_str()), (1, anna.account_id.to_string().as_str()));

    house.take_from_software(&anna, &given.consent_id).await.unwrap();
    house.closed_to_software(&token, read_all(Scope::Entries, &anna)).await;
    let raised = (anna.account_id, token.account_id, capability.opening.epoch + 1);
    assert!(house.epochs().await.contains(&raised), "what was opened before is good for nothing");
    assert!(house.granted_to_software(&token).await.is_empty());
    let over = &house.given_by(&anna).await[0];
    assert_eq!((over.state, over.end_time), (ConsentState::Withdrawn as i32, Some(wire(house.now()))));
    // Once more changes nothing, and somebody else's is none.
    house.take_from_software(&anna, &given.consent_id).await.unwrap();
    let unknown = house.take_from_software(&ben, &Uuid::from_u128(5).to_string()).await.err().unwrap();
    let others = house.take_from_software(&ben, &given.consent_id).await.err().unwrap();
    assert_eq!(visible(&others), visible(&unknown));
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "CONSENT_NOT_FOUND"));
    let by_member = |action: &str| (action.to_owned(), "member".to_owned());
    let audited = house.audited_things(&given.consent_id).await;
    assert_eq!(audited, [by_member("consent_granted"), by_member("consent_revoked")]);
    let told = house.events().await;
    let of_it = told.iter().filter(|(_, id, _)| id.to_string() == given.consent_id);
    let versions: Vec<_> = of_it.map(|(key, _, version)| (key.as_str(), *version)).collect();
    assert_eq!(versions, [("accounts.v1.consent_granted", 1), ("accounts.v1.consent_revoked", 2)]);
}

#[tokio::test]
async fn only_software_of_the_house_and_of_counselors_in_whose_care_one_is_can_be_found_and_opened_to() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, carl) = (house.verified(&operator, "carla").await, house.verified(&operator, "carl").await);
    let (anna, ben) = house.couple().await;
    let (of_house, _) = house.house_software(&operator).await;
    let (carlas, _) = house.counselors_software(&carla).await;
    let (carls, _) = house.counselors_software(&carl).await;
    let deaf = house.software(&operator, test_keys::ed25519(3), &["system/Patient.rs"]).await;
    let gone = house.software(&operator, test_keys::ed25519(4), &[OF_HOUSE]).await;
    house.disable(&operator, gone.client_id()).await.unwrap();
    let care_id = house.in_care(&anna, &carla).await;
    house.in_care(&ben, &carl).await;
    let found = house.software_for(&anna).await;
    let ids: Vec<_> = found.iter().map(|one| one.client_id.as_str()).collect();
    assert!(
        ids.contains(&of_house.client_id()) && ids.contains(&carlas.client_id()) && ids.len() == 2,
        "{ids:?}"
    );
    let hers = found.iter().find(|one| one.client_id == carlas.client_id()).unwrap();
    assert_eq!((hers.counselor_name.as_str(), hers.care_id.as_str()), ("carla", care_id.as_str()));
    assert_eq!(hers.contact, "it@clinic.example");
    let kinds = [Scope::Entries as i32, Scope::Moods as i32, Scope::SelfChecks as i32];
    assert_eq!(
        (hers.whole_kinds.as_slice(), hers.single_items.as_slice()),
        (&kinds[..], &[kinds[0], kinds[2]][..])
    );
    assert!(house.software_at(&anna, carlas.client_id()).await.unwrap() == *hers);

    let nobodys = Uuid::from_u128(404).to_string();
    let unknown = house.software_at(&anna, &nobodys).await.err().unwrap();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "SOFTWARE_NOT_FOUND"));
    let nothing = GrantSoftwareConsentRequest { client_id: nobodys, ..all_of(Scope::Entries, &carls) };
    let refused = house.give(&anna, nothing).await.err().unwrap();
    for other in [&carls, &gone] {
        let hidden = house.software_at(&anna, other.client_id()).await.err().unwrap();
        assert_eq!(visible(&hidden), visible(&unknown));
        let not_given = house.give(&anna, all_of(Scope::Entries, other)).await.err().unwrap();
        assert_eq!(visible(&not_given), visible(&refused));
    }
    let hidden = house.software_at(&anna, deaf.client_id()).await.err().unwrap();
    assert_eq!(visible(&hidden), visible(&unknown), "what reads none of it is not offered");
    let unreached = house.give(&anna, all_of(Scope::Entries, &deaf)).await.err().unwrap();
    assert_eq!(reason(&unreached), "SOFTWARE_CANNOT_READ");
    // A counselor opens nothing of their own, and finds no software as members do.
    let refused = house.give(&carla, all_of(Scope::Entries, &of_house)).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let request = house.by(&anna, ListGrantedToSoftwareRequest::default());
    let refused = house.rpc.list_granted_to_software(request).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(house.count("software_consent").await + house.count("receipt").await, 0);
}

#[tokio::test]
async fn it_takes_a_fresh_proof_a_living_session_and_the_words_that_count() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (praxis, _) = house.house_software(&operator).await;
    let anna = house.member("anna").await;
    let good = all_of(Scope::Entries, &praxis);
    let mut request = house.by(&anna, good.clone());
    let mut stale = house.passport_of(&anna);
    stale.authenticated_at = house.now() - SignedDuration::from_mins(6);
    request.extensions_mut().insert(stale);
    let refused = house.rpc.grant_software_consent(request).await.err().unwrap();
    assert_eq!(reason(&refused), "STEP_UP_REQUIRED");
    let ended = Person { session_id: Uuid::from_u128(9), ..anna.clone() };
    assert_eq!(reason(&house.give(&ended, good.clone()).await.err().unwrap()), "SESSION_ENDED");
    let old = GrantSoftwareConsentRequest { text_version: 2, ..good.clone() };
    assert_eq!(reason(&house.give(&anna, old).await.err().unwrap()), "CONSENT_TEXT_CHANGED");
    let words = house.consent_text(&anna, "entries-to-software", 0).await.unwrap();
    assert!(words.current && words.text.contains("Taking back does not fetch it back"));
    let hour = SignedDuration::from_hours(1);
    for wrong in [
        GrantSoftwareConsentRequest { text_id: "entries-to-counselor".into(), ..good.clone() },
        GrantSoftwareConsentRequest { text_id: "moods-to-software".into(), ..good.clone() },
        GrantSoftwareConsentRequest { purpose: 0, ..good.clone() },
        GrantSoftwareConsentRequest { purpose: AccessPurpose::Closeness.into(), ..good.clone() },
        GrantSoftwareConsentRequest { scope: Scope::SharedItems.into(), ..good.clone() },
        GrantSoftwareConsentRequest { scope: 99, ..good.clone() },
        GrantSoftwareConsentRequest {
            item_id: Uuid::from_u128(1).to_string(),
            ..all_of(Scope::Moods, &praxis)
        },
        GrantSoftwareConsentRequest { expire_time: Some(wire(house.now())), ..good.clone() },
        GrantSoftwareConsentRequest {
            expire_time: Some(wire(house.now() + DAY * 365 + hour)),
            ..good.clone()
        },
    ] {
        assert_eq!(house.give(&anna, wrong).await.err().unwrap().code(), Code::InvalidArgument);
    }
    assert_eq!(house.count("software_consent").await, 0);
    let year = GrantSoftwareConsentRequest { expire_time: Some(wire(house.now() + DAY * 365)), ..good };
    house.give(&anna, year).await.unwrap();
}

#[tokio::test]
async fn the_same_opened_again_takes_the_place_of_what_was_and_a_hundred_are_open_at_most() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (praxis, token) = house.house_software(&operator).await;
    let anna = house.member("anna").await;
    let first = house.give(&anna, all_of(Scope::Entries, &praxis)).await.unwrap();
    let before = house.software_opened(&token, read_all(Scope::Entries, &anna)).await;
    house.advance(SignedDuration::from_secs(60));
    let week = Some(wire(house.now() + DAY * 7));
    let shorter = GrantSoftwareConsentRequest { expire_time: week, ..all_of(Scope::Entries, &praxis) };
    let second = house.give(&anna, shorter).await.unwrap();
    let open_and_replaced = [ConsentState::Open as i32, ConsentState::Replaced as i32];
    assert_eq!(house.states_given_by(&anna).await, open_and_replaced);
    assert_ne!(first.consent_id, second.consent_id);
    let after = house.software_opened(&token, read_all(Scope::Entries, &anna)).await;
    assert_eq!(after.opening.relation_id.to_string(), second.consent_id);
    assert_eq!(after.opening.epoch, before.opening.epoch + 1);
    for item in 1..=99 {
        house.give(&anna, one_entry(item, &praxis)).await.unwrap();
    }
    let refused = house.give(&anna, one_entry(100, &praxis)).await.err().unwrap();
    assert_eq!(reason(&refused), "TOO_MANY_CONSENTS");
    house.give(&anna, one_entry(99, &praxis)).await.unwrap();
    let message = ListSoftwareConsentsRequest { page_size: 60, open_only: true, ..Default::default() };
    let page = house.rpc.list_software_consents(house.by(&anna, message.clone())).await.unwrap().into_inner();
    let rest = ListSoftwareConsentsRequest { page_token: page.next_page_token, ..message };
    let rest = house.rpc.list_software_consents(house.by(&anna, rest)).await.unwrap().into_inner();
    assert_eq!((page.consents.len(), rest.consents.len(), rest.next_page_token.as_str()), (60, 40, ""));
    // The software sees the same, a page at a time.
    let message = ListGrantedToSoftwareRequest { page_size: 60, page_token: String::new() };
    let page = house.rpc.list_granted_to_software(as_software(&token, message)).await.unwrap().into_inner();
    let rest = ListGrantedToSoftwareRequest { page_size: 60, page_token: page.next_page_token };
    let rest = house.rpc.list_granted_to_software(as_software(&token, rest)).await.unwrap().into_inner();
    assert_eq!((page.granted.len(), rest.granted.len()), (60, 40));
    assert_eq!(house.read_one_is_open(&token, &anna).await, 7);
}

impl House {
    /// The number of the one entry that software opens here.
    async fn read_one_is_open(&self, token: &Passport, owner: &Person) -> u128 {
        let capability = self.software_opened(token, read_one(7, owner)).await;
        assert_eq!(token.kind, Kind::Client);
        capability.opening.item_id.unwrap().as_u128()
    }
}
