//! What a consent ends with, and what holds it: care, a block, a suspension, a licence, an erasure.

use super::{all_of, one_entry, read_all, wire};
use crate::counselors::{application, licence};
use crate::erasure::WEEK;
use crate::kit::House;
use crate::people::{Person, visible};
use crate::trust::complaint;
use accounts::events;
use bus::Outbox;
use candor_proto::accounts::v1::{ConsentState, GrantConsentRequest, SecurityNoticeKind};
use candor_proto::options::v1::Scope;
use jiff::SignedDuration;

async fn house_with(names: [&str; 2]) -> (House, Person, Person, Person, String) {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, anna) = (house.verified(&operator, names[0]).await, house.member(names[1]).await);
    let care_id = house.in_care(&anna, &carla).await;
    for message in [all_of(Scope::Entries, &carla), one_entry(7, &carla)] {
        house.grant(&anna, message).await.unwrap();
    }
    house.open(&carla, read_all(Scope::Entries, &anna)).await.unwrap();
    (house, operator, carla, anna, care_id)
}

impl House {
    async fn is_closed(&self, owner: &Person, reader: &Person) {
        let wish = read_all(Scope::Entries, owner);
        let refused = self.open(reader, wish.clone()).await.err().expect("it is closed");
        let unknown = self.refusal(wish).await;
        assert_eq!(visible(&refused), visible(&unknown));
    }

    async fn states_of(&self, owner: &Person) -> Vec<i32> {
        self.consents_of(owner).await.iter().map(|one| one.state).collect()
    }
}

#[tokio::test]
async fn care_that_ends_ends_what_was_opened_and_a_later_one_revives_nothing() {
    for by_member in [true, false] {
        let (house, _, carla, anna, care_id) = house_with(["carla", "anna"]).await;
        house.end_care(if by_member { &anna } else { &carla }, &care_id).await.unwrap();
        house.is_closed(&anna, &carla).await;
        assert_eq!(house.states_of(&anna).await, [ConsentState::CareOver as i32; 2]);
        assert_eq!(house.told("accounts.v1.consent_revoked").await, 2);
        house.in_care(&anna, &carla).await;
        let refused = house.open(&carla, read_all(Scope::Entries, &anna)).await;
        assert!(refused.is_err() && house.granted_to(&carla).await.is_empty());
        assert_eq!(house.states_of(&anna).await, [ConsentState::CareOver as i32; 2]);
    }
}

#[tokio::test]
async fn a_block_closes_it() {
    let (house, _, carla, anna, care_id) = house_with(["carla", "anna"]).await;
    house.end_and_block(&anna, &care_id).await.unwrap();
    house.is_closed(&anna, &carla).await;
    assert_eq!(house.states_of(&anna).await, [ConsentState::CareOver as i32; 2]);
}

#[tokio::test]
async fn a_block_that_left_care_as_it_is_holds_it_from_either_side() {
    let (house, _, carla, anna, _) = house_with(["carla", "anna"]).await;
    for (keeper, kept) in [(&anna, &carla), (&carla, &anna)] {
        sqlx::query(
            "INSERT INTO invitation_block (pause_id, blocker_id, blocked_id, cause, blocked_at) VALUES (gen_random_uuid(), $1, $2, 'blocked', $3)",
        )
        .bind(keeper.account_id)
        .bind(kept.account_id)
        .bind(jiff_sqlx::Timestamp::from(house.now()))
        .execute(house.pool())
        .await
        .unwrap();
        let refused = house.open(&carla, read_all(Scope::Entries, &anna)).await;
        assert!(refused.is_err() && house.granted_to(&carla).await.is_empty());
        assert_eq!(house.states_of(&anna).await, [ConsentState::OnHold as i32; 2]);
        house.forget_pauses().await;
        house.open(&carla, read_all(Scope::Entries, &anna)).await.unwrap();
    }
}

#[tokio::test]
async fn a_suspension_and_a_licence_that_is_over_hold_it_and_a_new_one_brings_it_back() {
    let (house, operator, carla, anna, _) = house_with(["carla", "anna"]).await;
    let open_again = async |house: &House, carla: &Person, operator: &Person| {
        house.verify_counselor(operator, carla).await.unwrap();
        let carla = house.signed_in("carla@example.org").await;
        house.open(&carla, read_all(Scope::Entries, &anna)).await.unwrap();
        carla
    };
    house.suspend(&operator, &carla, "A complaint.").await.unwrap();
    // A passport of before has no session; whoever signs in anew is a member, in nobody's care as a counselor.
    house.open(&carla, read_all(Scope::Entries, &anna)).await.err().unwrap();
    let now_a_member = house.signed_in("carla@example.org").await;
    house.is_closed(&anna, &now_a_member).await;
    assert_eq!(house.states_of(&anna).await, [ConsentState::OnHold as i32; 2]);
    let carla = open_again(&house, &now_a_member, &operator).await;
    // The moment the licence is over, before any job has looked.
    house.advance(SignedDuration::from_secs(1));
    let year = Some(wire(house.now() + super::DAY * 365));
    house
        .grant(&anna, GrantConsentRequest { expire_time: year, ..all_of(Scope::Entries, &carla) })
        .await
        .unwrap();
    house.clock.set("2025-01-01T00:00:00Z".parse().unwrap());
    let carla = house.signed_in("carla@example.org").await;
    let anna = house.signed_in("anna@example.org").await;
    let refused = house.open(&carla, read_all(Scope::Entries, &anna)).await;
    assert!(refused.is_err() && house.granted_to(&carla).await.is_empty());
    assert_eq!(house.states_of(&anna).await[0], ConsentState::OnHold as i32);
    house.look_at_licences().await;
    let carla = house.signed_in("carla@example.org").await;
    let mut renewed = application("carla");
    renewed.licences = vec![licence("PT-4711-0815", "DE", "2026-12-31")];
    house.submit(&carla, renewed).await.unwrap();
    let operator = house.signed_in("ops@example.org").await;
    house.verify_counselor(&operator, &carla).await.unwrap();
    let carla = house.signed_in("carla@example.org").await;
    house.open(&carla, read_all(Scope::Entries, &anna)).await.unwrap();
}

#[tokio::test]
async fn a_suspension_of_the_owner_holds_it_and_it_is_back_once_that_is_over() {
    let (house, operator, carla, anna, _) = house_with(["carla", "anna"]).await;
    let ben = house.member("ben").await;
    house.link(&anna, &ben).await;
    let before = house.opened(&carla, read_all(Scope::Entries, &anna)).await.unwrap();
    let told = house.told("accounts.v1.access_epoch_raised").await;
    let report_id = house.complain(&ben, complaint(&anna)).await.unwrap();
    let suspension_id = house.suspend_for(&operator, &report_id, 0).await.unwrap();
    // Capabilities of before are good for nothing, and no new one is made.
    assert_eq!(house.told("accounts.v1.access_epoch_raised").await, told + 1);
    let raised = (anna.account_id, carla.account_id, before.opening.epoch + 1);
    assert!(house.epochs().await.contains(&raised));
    house.is_closed(&anna, &carla).await;
    assert!(house.granted_to(&carla).await.is_empty());
    let held = house.signed_in("anna@example.org").await;
    assert_eq!(house.states_of(&held).await, [ConsentState::OnHold as i32; 2]);
    assert_eq!(house.told("accounts.v1.consent_revoked").await, 0, "nothing ended");
    // She can take it back meanwhile.
    let first = house.consents_of(&held).await[0].consent_id.clone();
    house.take_back(&held, &first).await.unwrap();
    house.lift_suspension(&operator, &suspension_id).await.unwrap();
    let back = house.granted_to(&carla).await;
    assert_eq!(back.len(), 1, "what she took back stays closed");
    let states = house.states_of(&held).await;
    assert_eq!(states, [ConsentState::Withdrawn as i32, ConsentState::Open as i32]);
    assert!(!house.heard(&carla, SecurityNoticeKind::CareOnHold).await, "nobody is told why");
}

#[tokio::test]
async fn what_a_suspension_held_opens_again_when_its_time_is_over_and_not_beyond_its_own() {
    let (house, operator, carla, anna, _) = house_with(["carla", "anna"]).await;
    let ben = house.member("ben").await;
    house.link(&anna, &ben).await;
    house.advance(SignedDuration::from_secs(1));
    let short = Some(wire(house.now() + super::DAY * 3));
    let of_moods = GrantConsentRequest { expire_time: short, ..all_of(Scope::Moods, &carla) };
    house.grant(&anna, of_moods).await.unwrap();
    let report_id = house.complain(&ben, complaint(&anna)).await.unwrap();
    house.suspend_for(&operator, &report_id, 7).await.unwrap();
    house.is_closed(&anna, &carla).await;
    house.advance(super::DAY * 7);
    let carla = house.signed_in("carla@example.org").await;
    house.open(&carla, read_all(Scope::Entries, &anna)).await.unwrap();
    assert!(house.open(&carla, read_all(Scope::Moods, &anna)).await.is_err());
}

#[tokio::test]
async fn asking_to_be_erased_ends_it_and_the_erasure_of_the_owner_leaves_nothing() {
    let (house, _, carla, anna, _) = house_with(["carla", "anna"]).await;
    house.ask(&anna, false).await.unwrap();
    house.is_closed(&anna, &carla).await;
    assert_eq!(house.states_of(&anna).await, [ConsentState::CareOver as i32; 2]);
    assert_eq!(house.count("consent").await, 2);
    house.advance(WEEK);
    let erasure_id = house.erasure_id().await;
    house.go_through(erasure_id).await;
    assert_eq!(house.count("consent").await + house.count("care").await, 0);
}

#[tokio::test]
async fn a_counselors_erasure_ends_it_and_the_owner_keeps_knowing_what_was_open() {
    let (house, operator, carla, _, care_id) = house_with(["carla", "anna"]).await;
    // Operators suspend a counselor before their account is a member's again, and can be erased.
    house.suspend(&operator, &carla, "She leaves.").await.unwrap();
    let carla = house.signed_in("carla@example.org").await;
    house.ask(&carla, false).await.unwrap();
    house.advance(WEEK);
    let erasure_id = house.erasure_id().await;
    house.go_through(erasure_id).await;
    let anna = house.signed_in("anna@example.org").await;
    let known = house.consents_of(&anna).await;
    assert_eq!(known.len(), 2);
    for one in known {
        assert_eq!((one.state, one.counselor_name.as_str()), (ConsentState::CareOver as i32, ""));
        assert_eq!(one.care_id, care_id);
    }
}

#[tokio::test]
async fn a_resnapshot_tells_what_is_open_and_what_was() {
    let (house, _, _, anna, _) = house_with(["carla", "anna"]).await;
    let first = house.consents_of(&anna).await[1].consent_id.clone();
    house.take_back(&anna, &first).await.unwrap();
    house.publish().await;
    events::resnapshot(house.pool(), &Outbox::new(), &house.clock, &house.accounts.ids).await.unwrap();
    assert_eq!(house.told("accounts.v1.consent_granted").await, 1);
    assert_eq!(house.told("accounts.v1.consent_revoked").await, 1);
}
