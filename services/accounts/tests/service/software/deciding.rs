//! Whether something is open to software: to which, what, with which token, for what, until when.

use super::{OF_COUNSELOR, OF_HOUSE, all_of, one_entry};
use crate::clients::{Software, test_keys};
use crate::consents::{self, DAY, read_all, read_one, wire};
use crate::kit::{House, reason};
use crate::people::{Person, visible};
use candor_proto::accounts::v1::{AccessPurpose, GrantSoftwareConsentRequest, OpenAccessRequest};
use candor_proto::options::v1::Scope;
use chassis::identity::Passport;
use jiff::SignedDuration;
use tonic::Code;
use uuid::Uuid;

const OF_CONSENT: [Scope; 3] = [Scope::Entries, Scope::Moods, Scope::SelfChecks];

/// Anna is in Carla's care, and has opened her entries to Carla's software.
struct World {
    house: House,
    operator: Person,
    carla: Person,
    anna: Person,
    software: Software,
    token: Passport,
}

impl World {
    async fn new() -> Self {
        let house = House::new().await;
        let operator = house.operator().await;
        let (carla, anna) = (house.verified(&operator, "carla").await, house.member("anna").await);
        house.in_care(&anna, &carla).await;
        let (software, token) = house.counselors_software(&carla).await;
        house.give(&anna, all_of(Scope::Entries, &software)).await.unwrap();
        Self { house, operator, carla, anna, software, token }
    }
}

#[tokio::test]
async fn what_is_open_to_a_counselors_software_is_not_to_the_counselor_nor_to_anybody_elses_and_the_reverse()
{
    let World { house, operator, carla, anna, software, token } = World::new().await;
    house.software_opened(&token, read_all(Scope::Entries, &anna)).await;
    house.software_opened(&token, read_one(7, &anna)).await;
    let refused = house.open(&carla, read_all(Scope::Entries, &anna)).await.err().unwrap();
    assert_eq!(visible(&refused), visible(&house.refusal(read_all(Scope::Entries, &anna)).await));
    assert!(house.granted_to(&carla).await.is_empty());
    // Carla's other software, another counselor's, and the house's.
    let other = house.software(&carla, test_keys::ed25519(3), &[OF_COUNSELOR]).await;
    let other = house.token_of(&other, OF_COUNSELOR).await;
    let carl = house.verified(&operator, "carl").await;
    let (_, carls) = house.counselors_software(&carl).await;
    let (_, of_house) = house.house_software(&operator).await;
    for reader in [&other, &carls, &of_house] {
        for scope in OF_CONSENT {
            house.closed_to_software(reader, read_all(scope, &anna)).await;
        }
        house.closed_to_software(reader, read_one(7, &anna)).await;
        assert!(house.granted_to_software(reader).await.is_empty());
    }
    // Nor another member's, nor the counselor's own.
    let ben = house.member("ben").await;
    for nobody in [&ben, &carla] {
        house.closed_to_software(&token, read_all(Scope::Entries, nobody)).await;
    }
    // And what is open to the counselor is not to the software.
    house.grant(&anna, consents::all_of(Scope::Moods, &carla)).await.unwrap();
    house.open(&carla, read_all(Scope::Moods, &anna)).await.unwrap();
    house.closed_to_software(&token, read_all(Scope::Moods, &anna)).await;
    assert_eq!(house.software_at(&anna, software.client_id()).await.unwrap().client_id, software.client_id());
}

#[tokio::test]
async fn all_of_a_kind_is_of_that_kind_one_item_is_that_item_and_for_that_purpose() {
    let World { house, anna, software, token, .. } = World::new().await;
    for scope in [Scope::Moods, Scope::SelfChecks] {
        house.closed_to_software(&token, read_all(scope, &anna)).await;
    }
    let all = house.given_by(&anna).await[0].consent_id.clone();
    house.take_from_software(&anna, &all).await.unwrap();
    let session = AccessPurpose::Session.into();
    house
        .give(&anna, GrantSoftwareConsentRequest { purpose: session, ..one_entry(7, &software) })
        .await
        .unwrap();
    let capability = house.software_opened(&token, read_one(7, &anna)).await;
    assert_eq!(capability.opening.item_id, Some(Uuid::from_u128(7)));
    house.closed_to_software(&token, read_one(8, &anna)).await;
    house.closed_to_software(&token, read_all(Scope::Entries, &anna)).await;
    let same_id = OpenAccessRequest { scope: Scope::SelfChecks.into(), ..read_one(7, &anna) };
    house.closed_to_software(&token, same_id).await;
    house.software_opened(&token, OpenAccessRequest { purpose: session, ..read_one(7, &anna) }).await;
    for purpose in [AccessPurpose::Care, AccessPurpose::Stated, AccessPurpose::Closeness] {
        let wish = OpenAccessRequest { purpose: purpose.into(), ..read_one(7, &anna) };
        house.closed_to_software(&token, wish).await;
    }
}

#[tokio::test]
async fn with_a_token_that_is_for_it_in_the_context_that_is_its_own() {
    let World { house, operator, carla, anna, .. } = World::new().await;
    let both = ["user/*.rs", "system/*.rs"];
    let software = house.software(&carla, test_keys::ed25519(5), &both).await;
    for scope in OF_CONSENT {
        house.give(&anna, all_of(scope, &software)).await.unwrap();
    }
    // Which resource is which kind, and that listing is searching and getting one is reading.
    for (scopes, open, insufficient) in [
        ("user/DocumentReference.s", read_all(Scope::Entries, &anna), read_one(7, &anna)),
        ("user/DocumentReference.r", read_one(7, &anna), read_all(Scope::Entries, &anna)),
        ("user/Observation.rs", read_all(Scope::Moods, &anna), read_all(Scope::Entries, &anna)),
        ("user/QuestionnaireResponse.rs", read_all(Scope::SelfChecks, &anna), read_all(Scope::Moods, &anna)),
    ] {
        let token = house.token_of(&software, scopes).await;
        house.software_opened(&token, open).await;
        let refused = house.software_opens(&token, insufficient.clone()).await.err().unwrap();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::PermissionDenied, "INSUFFICIENT_SCOPE"),
            "{scopes}"
        );
        let nobody = OpenAccessRequest { owner_account_id: Uuid::from_u128(404).to_string(), ..insufficient };
        let of_nobody = house.software_opens(&token, nobody).await.err().unwrap();
        assert_eq!(visible(&of_nobody), visible(&refused), "it says nothing about anybody");
    }
    // On its own account it reads nothing of a counselor's people.
    let on_its_own = house.token_of(&software, "system/*.rs").await;
    house.closed_to_software(&on_its_own, read_all(Scope::Entries, &anna)).await;
    assert!(house.granted_to_software(&on_its_own).await.is_empty());
    let narrow = house.token_of(&software, "user/Observation.rs").await;
    let seen = house.granted_to_software(&narrow).await;
    assert_eq!(seen.iter().map(|one| one.scope).collect::<Vec<_>>(), [Scope::Moods as i32]);
    // Nothing of what people who are close share is for software, whatever its token.
    let (_, of_house) = house.house_software(&operator).await;
    for scope in [Scope::SharedItems, Scope::CheckIns, Scope::CheckInSchedule, Scope::ShareAnswers] {
        let refused = house.software_opens(&of_house, read_all(scope, &anna)).await.err().unwrap();
        assert_eq!(reason(&refused), "INSUFFICIENT_SCOPE");
    }
    // What it is not registered for cannot be opened to it.
    let moods = house.software(&operator, test_keys::ed25519(6), &["system/Observation.rs"]).await;
    house.give(&anna, all_of(Scope::Moods, &moods)).await.unwrap();
    for unreached in [all_of(Scope::Entries, &moods), one_entry(7, &moods)] {
        assert_eq!(reason(&house.give(&anna, unreached).await.err().unwrap()), "SOFTWARE_CANNOT_READ");
    }
    let wrong_context = house.software(&carla, test_keys::ed25519(7), &["system/*.rs"]).await;
    let refused = house.give(&anna, all_of(Scope::Moods, &wrong_context)).await.err().unwrap();
    assert_eq!(reason(&refused), "SOFTWARE_CANNOT_READ");
}

#[tokio::test]
async fn until_that_moment_with_a_living_token_and_no_capability_outlives_either() {
    let World { house, anna, software, .. } = World::new().await;
    house.advance(SignedDuration::from_secs(1));
    let end = house.now() + DAY;
    let until =
        GrantSoftwareConsentRequest { expire_time: Some(wire(end)), ..all_of(Scope::Entries, &software) };
    house.give(&anna, until).await.unwrap();
    house.clock.set(end - SignedDuration::from_secs(4));
    let anna = house.signed_in("anna@example.org").await;
    let token = house.token_of(&software, OF_COUNSELOR).await;
    let last = house.software_opened(&token, read_all(Scope::Entries, &anna)).await;
    assert_eq!(last.expires_at, end);
    house.clock.set(end);
    house.closed_to_software(&token, read_all(Scope::Entries, &anna)).await;
    assert!(house.granted_to_software(&token).await.is_empty());
    // A token that was taken back, or is over, opens nothing, whoever still believes it.
    house.give(&anna, all_of(Scope::Entries, &software)).await.unwrap();
    let issued = software.token(&house, OF_COUNSELOR).await.unwrap().access_token;
    let token = house.passport(&issued).await.unwrap();
    house.software_opened(&token, read_all(Scope::Entries, &anna)).await;
    house.revoke(&software.assertion(&house), &issued).await.unwrap();
    let refused = house.software_opens(&token, read_all(Scope::Entries, &anna)).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "TOKEN_ENDED"));
    let token = house.token_of(&software, OF_COUNSELOR).await;
    house.advance(SignedDuration::from_secs(296));
    let last = house.software_opened(&token, read_all(Scope::Entries, &anna)).await;
    assert_eq!(last.expires_at, token.expires_at);
    house.advance(SignedDuration::from_secs(4));
    let refused = house.software_opens(&token, read_all(Scope::Entries, &anna)).await.err().unwrap();
    assert_eq!(reason(&refused), "TOKEN_ENDED");
}

#[tokio::test]
async fn one_client_opens_six_hundred_at_once_and_then_ten_a_second_and_no_other_pays() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (praxis, token) = house.house_software(&operator).await;
    let other = house.software(&operator, test_keys::ed25519(2), &[OF_HOUSE]).await;
    let other = house.token_of(&other, OF_HOUSE).await;
    let anna = house.member("anna").await;
    house.give(&anna, all_of(Scope::Entries, &praxis)).await.unwrap();
    for _ in 0..600 {
        house.software_opens(&token, read_all(Scope::Entries, &anna)).await.unwrap();
    }
    let refused = house.software_opens(&token, read_all(Scope::Entries, &anna)).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "TOO_MANY_OPENINGS"));
    let nothing = house.software_opens(&other, read_all(Scope::Entries, &anna)).await.err().unwrap();
    assert_eq!(nothing.code(), Code::NotFound);
    house.advance(SignedDuration::from_millis(100));
    house.software_opens(&token, read_all(Scope::Entries, &anna)).await.unwrap();
}
