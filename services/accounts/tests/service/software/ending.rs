//! What a consent to software ends with, and what holds it: the client, care, a block, a suspension, an erasure.

use super::{all_of, one_entry};
use crate::clients::{Software, test_keys};
use crate::consents::read_all;
use crate::erasure::WEEK;
use crate::kit::House;
use crate::people::Person;
use crate::trust::complaint;
use accounts::events;
use bus::Outbox;
use candor_proto::accounts::v1::{ConsentState, SecurityNoticeKind};
use candor_proto::options::v1::Scope;
use chassis::identity::Passport;

/// Anna has opened two things each to Carla's software and to the house's.
struct World {
    house: House,
    operator: Person,
    carla: Person,
    anna: Person,
    care_id: String,
    carlas: (Software, Passport),
    of_house: (Software, Passport),
}

const OPEN: i32 = ConsentState::Open as i32;
const ON_HOLD: i32 = ConsentState::OnHold as i32;
const CARE_OVER: i32 = ConsentState::CareOver as i32;
const SOFTWARE_OVER: i32 = ConsentState::SoftwareOver as i32;
const ERASURE: i32 = ConsentState::Erasure as i32;

impl World {
    async fn new() -> Self {
        let house = House::new().await;
        let operator = house.operator().await;
        let (carla, anna) = (house.verified(&operator, "carla").await, house.member("anna").await);
        let care_id = house.in_care(&anna, &carla).await;
        let (carlas, of_house) =
            (house.counselors_software(&carla).await, house.house_software(&operator).await);
        for software in [&carlas.0, &of_house.0] {
            for message in [all_of(Scope::Entries, software), one_entry(7, software)] {
                house.give(&anna, message).await.unwrap();
            }
        }
        for (_, token) in [&carlas, &of_house] {
            house.software_opened(token, read_all(Scope::Entries, &anna)).await;
        }
        Self { house, operator, carla, anna, care_id, carlas, of_house }
    }

    /// How what was opened to Carla's, and to the house's, stands.
    async fn states(&self) -> (Vec<i32>, Vec<i32>) {
        let given = self.house.given_by(&self.anna).await;
        let of = |software: &Software| {
            let of_it = given.iter().filter(|one| one.client_id == software.client_id());
            of_it.map(|one| one.state).collect()
        };
        (of(&self.carlas.0), of(&self.of_house.0))
    }

    async fn epoch(&self, token: &Passport) -> i64 {
        let raised = self.house.epochs().await;
        let found = raised
            .iter()
            .find(|(owner, reader, _)| (*owner, *reader) == (self.anna.account_id, token.account_id));
        found.map_or(0, |(.., epoch)| *epoch)
    }
}

#[tokio::test]
async fn care_that_ends_ends_what_was_opened_to_the_counselors_software_and_nothing_of_the_houses() {
    for by_member in [true, false] {
        let world = World::new().await;
        let (house, anna) = (&world.house, &world.anna);
        house.end_care(if by_member { anna } else { &world.carla }, &world.care_id).await.unwrap();
        house.closed_to_software(&world.carlas.1, read_all(Scope::Entries, anna)).await;
        house.software_opened(&world.of_house.1, read_all(Scope::Entries, anna)).await;
        assert_eq!(world.states().await, (vec![CARE_OVER; 2], vec![OPEN; 2]));
        assert_eq!((world.epoch(&world.carlas.1).await, world.epoch(&world.of_house.1).await), (1, 0));
        assert_eq!(house.told("accounts.v1.consent_revoked").await, 2);
        // A later care is another: nothing revives.
        house.in_care(anna, &world.carla).await;
        house.closed_to_software(&world.carlas.1, read_all(Scope::Entries, anna)).await;
        assert!(house.granted_to_software(&world.carlas.1).await.is_empty());
        assert_eq!(world.states().await.0, [CARE_OVER; 2]);
    }
}

#[tokio::test]
async fn a_block_ends_it_and_one_that_left_care_as_it_is_holds_it_from_either_side() {
    let world = World::new().await;
    let (house, anna, carla) = (&world.house, &world.anna, &world.carla);
    for (keeper, kept) in [(anna, carla), (carla, anna)] {
        sqlx::query(
            "INSERT INTO invitation_block (pause_id, blocker_id, blocked_id, cause, blocked_at) VALUES (gen_random_uuid(), $1, $2, 'blocked', $3)",
        )
        .bind(keeper.account_id)
        .bind(kept.account_id)
        .bind(jiff_sqlx::Timestamp::from(house.now()))
        .execute(house.pool())
        .await
        .unwrap();
        house.closed_to_software(&world.carlas.1, read_all(Scope::Entries, anna)).await;
        assert!(house.granted_to_software(&world.carlas.1).await.is_empty());
        assert!(house.software_at(anna, world.carlas.0.client_id()).await.is_err());
        assert_eq!(world.states().await, (vec![ON_HOLD; 2], vec![OPEN; 2]));
        house.forget_pauses().await;
        house.software_opened(&world.carlas.1, read_all(Scope::Entries, anna)).await;
    }
    house.end_and_block(anna, &world.care_id).await.unwrap();
    house.closed_to_software(&world.carlas.1, read_all(Scope::Entries, anna)).await;
    assert_eq!(world.states().await, (vec![CARE_OVER; 2], vec![OPEN; 2]));
}

#[tokio::test]
async fn a_suspension_of_the_counselor_holds_it_ends_the_tokens_and_a_new_verification_brings_it_back() {
    let world = World::new().await;
    let (house, anna) = (&world.house, &world.anna);
    house.suspend(&world.operator, &world.carla, "A complaint.").await.unwrap();
    let refused = house.software_opens(&world.carlas.1, read_all(Scope::Entries, anna)).await;
    assert_eq!(refused.err().unwrap().code(), tonic::Code::Unauthenticated);
    assert!(world.carlas.0.token(house, super::OF_COUNSELOR).await.is_err());
    assert_eq!(world.states().await, (vec![ON_HOLD; 2], vec![OPEN; 2]));
    assert_eq!(world.epoch(&world.carlas.1).await, 1, "what was open is good for nothing");
    let now_a_member = house.signed_in("carla@example.org").await;
    house.verify_counselor(&world.operator, &now_a_member).await.unwrap();
    let token = house.token_of(&world.carlas.0, super::OF_COUNSELOR).await;
    house.software_opened(&token, read_all(Scope::Entries, anna)).await;
    assert_eq!(world.states().await.0, [OPEN; 2]);
}

#[tokio::test]
async fn a_suspension_of_the_owner_holds_all_of_it_and_it_is_back_once_that_is_over() {
    let world = World::new().await;
    let (house, anna) = (&world.house, &world.anna);
    let ben = house.member("ben").await;
    house.link(anna, &ben).await;
    let report_id = house.complain(&ben, complaint(anna)).await.unwrap();
    let suspension_id = house.suspend_for(&world.operator, &report_id, 0).await.unwrap();
    for token in [&world.carlas.1, &world.of_house.1] {
        assert_eq!(world.epoch(token).await, 1, "what was open is good for nothing");
        house.closed_to_software(token, read_all(Scope::Entries, anna)).await;
        assert!(house.granted_to_software(token).await.is_empty());
    }
    assert_eq!(world.states().await, (vec![ON_HOLD; 2], vec![ON_HOLD; 2]));
    assert_eq!(house.told("accounts.v1.consent_revoked").await, 0, "nothing ended");
    house.lift_suspension(&world.operator, &suspension_id).await.unwrap();
    for token in [&world.carlas.1, &world.of_house.1] {
        house.software_opened(token, read_all(Scope::Entries, anna)).await;
    }
    assert_eq!(world.states().await, (vec![OPEN; 2], vec![OPEN; 2]));
}

#[tokio::test]
async fn a_licence_that_is_over_holds_it_at_that_moment() {
    let world = World::new().await;
    let (house, anna) = (&world.house, &world.anna);
    sqlx::query("UPDATE counselor_licence SET valid_until = $1")
        .bind(jiff_sqlx::Timestamp::from(house.now()))
        .execute(house.pool())
        .await
        .unwrap();
    house.closed_to_software(&world.carlas.1, read_all(Scope::Entries, anna)).await;
    assert!(house.granted_to_software(&world.carlas.1).await.is_empty());
    assert_eq!(world.states().await, (vec![ON_HOLD; 2], vec![OPEN; 2]));
    let held = house.give(anna, all_of(Scope::Moods, &world.carlas.0)).await.err().unwrap();
    assert_eq!(crate::kit::reason(&held), "CARE_ON_HOLD");
    house.software_opened(&world.of_house.1, read_all(Scope::Entries, anna)).await;
}

#[tokio::test]
async fn disabling_the_software_ends_it_and_tells_whoever_had_opened_something() {
    let world = World::new().await;
    let (house, anna) = (&world.house, &world.anna);
    let ben = house.member("ben").await;
    let other = house.software(&world.operator, test_keys::ed25519(8), &[super::OF_HOUSE]).await;
    house.give(&ben, all_of(Scope::Entries, &other)).await.unwrap();
    house.disable(&world.operator, world.of_house.0.client_id()).await.unwrap();
    let refused = house.software_opens(&world.of_house.1, read_all(Scope::Entries, anna)).await;
    assert_eq!(refused.err().unwrap().code(), tonic::Code::Unauthenticated);
    assert_eq!(world.states().await, (vec![OPEN; 2], vec![SOFTWARE_OVER; 2]));
    assert_eq!((world.epoch(&world.of_house.1).await, world.epoch(&world.carlas.1).await), (1, 0));
    assert_eq!(house.told("accounts.v1.consent_revoked").await, 2);
    assert!(house.heard(anna, SecurityNoticeKind::SoftwareOver).await);
    assert!(!house.heard(&ben, SecurityNoticeKind::SoftwareOver).await, "nothing of theirs ended");
    let known = &house.given_by(anna).await[0];
    assert_eq!(known.software_name, "Praxis", "what was open is known by its name");
    house.disable(&world.operator, world.of_house.0.client_id()).await.unwrap();
    assert_eq!(house.told("accounts.v1.consent_revoked").await, 2);
}

#[tokio::test]
async fn asking_to_be_erased_ends_all_of_it_and_the_erasure_leaves_nothing() {
    let world = World::new().await;
    let (house, anna) = (&world.house, &world.anna);
    house.ask(anna, false).await.unwrap();
    for (_, token) in [&world.carlas, &world.of_house] {
        house.closed_to_software(token, read_all(Scope::Entries, anna)).await;
        assert_eq!(world.epoch(token).await, 1);
    }
    assert_eq!(world.states().await, (vec![CARE_OVER; 2], vec![ERASURE; 2]));
    // Called off, it stays closed: it is opened anew by whoever wants it to be.
    house.call_off(anna).await.unwrap();
    house.closed_to_software(&world.of_house.1, read_all(Scope::Entries, anna)).await;
    house.ask(anna, false).await.unwrap();
    house.advance(WEEK);
    let erasure_id = house.erasure_id_of(anna).await;
    house.go_through(erasure_id).await;
    assert_eq!(house.count("software_consent").await, 0);
    let named = house.tables_naming(anna.account_id).await;
    assert!(!named.contains("software_consent") && !named.contains("receipt"), "{named:?}");
}

#[tokio::test]
async fn a_counselors_erasure_ends_it_and_the_owner_keeps_knowing_what_was_open() {
    let world = World::new().await;
    let house = &world.house;
    house.suspend(&world.operator, &world.carla, "She leaves.").await.unwrap();
    let carla = house.signed_in("carla@example.org").await;
    house.ask(&carla, false).await.unwrap();
    house.advance(WEEK);
    let erasure_id = house.erasure_id().await;
    house.go_through(erasure_id).await;
    let anna = house.signed_in("anna@example.org").await;
    let known = house.given_by(&anna).await;
    let of_carlas: Vec<_> = known.iter().filter(|one| !one.care_id.is_empty()).collect();
    assert_eq!(of_carlas.len(), 2);
    for one in of_carlas {
        assert_eq!((one.state, one.software_name.as_str()), (CARE_OVER, ""));
        assert_eq!((one.counselor_name.as_str(), one.software_contact.as_str()), ("", ""));
    }
}

#[tokio::test]
async fn a_resnapshot_tells_what_is_open_and_what_was() {
    let world = World::new().await;
    let house = &world.house;
    let first = house.given_by(&world.anna).await[0].consent_id.clone();
    house.take_from_software(&world.anna, &first).await.unwrap();
    house.publish().await;
    events::resnapshot(house.pool(), &Outbox::new(), &house.clock, &house.accounts.ids).await.unwrap();
    assert_eq!(house.told("accounts.v1.consent_granted").await, 3);
    assert_eq!(house.told("accounts.v1.consent_revoked").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_software_is_disabled_nothing_is_left_open_to_it() {
    let world = World::new().await;
    let house = std::sync::Arc::new(world.house.replica());
    let software = std::sync::Arc::new(
        world.house.software(&world.operator, test_keys::ed25519(8), &[super::OF_HOUSE]).await,
    );
    let mut members = Vec::new();
    for name in ["ben", "cora", "dora"] {
        members.push(world.house.member(name).await);
    }
    let mut running = tokio::task::JoinSet::new();
    for member in members.clone() {
        let (house, software) = (house.clone(), software.clone());
        running.spawn(async move {
            for item in 1..6 {
                let _ = house.give(&member, one_entry(item, &software)).await;
            }
        });
    }
    world.house.disable(&world.operator, software.client_id()).await.unwrap();
    running.join_all().await;
    for member in &members {
        for state in world.house.states_given_by(member).await {
            assert_eq!(state, SOFTWARE_OVER);
        }
    }
}
