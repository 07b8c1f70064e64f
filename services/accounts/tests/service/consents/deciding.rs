//! Whether something is open: to whom, what, for what, until when.

use super::{DAY, all_of, one_entry, read_all, read_one, wire};
use crate::kit::House;
use crate::people::{Person, visible};
use candor_proto::accounts::v1::{AccessPurpose, GrantConsentRequest, OpenAccessRequest};
use candor_proto::options::v1::Scope;
use chassis::identity::Kind;
use jiff::SignedDuration;
use tonic::Status;

const OF_CONSENT: [Scope; 3] = [Scope::Entries, Scope::Moods, Scope::SelfChecks];

/// Anna has opened her entries to Carla.
struct Opened {
    house: House,
    operator: Person,
    carla: Person,
    anna: Person,
    refusal: Status,
}

impl Opened {
    async fn new(message: impl Fn(&Person) -> GrantConsentRequest) -> Self {
        let house = House::new().await;
        let operator = house.operator().await;
        let (carla, anna) = (house.verified(&operator, "carla").await, house.member("anna").await);
        house.in_care(&anna, &carla).await;
        house.grant(&anna, message(&carla)).await.unwrap();
        let refusal = house.refusal(read_all(Scope::Entries, &anna)).await;
        Self { house, operator, carla, anna, refusal }
    }

    async fn closed_to(&self, reader: &Person, wish: OpenAccessRequest) {
        let refused = self.house.open(reader, wish).await.err().expect("it is closed");
        assert_eq!(visible(&refused), visible(&self.refusal), "as if nobody were there");
    }
}

#[tokio::test]
async fn to_nobody_but_that_counselor() {
    let world = Opened::new(|carla| all_of(Scope::Entries, carla)).await;
    let (house, anna) = (&world.house, &world.anna);
    house.open(&world.carla, read_all(Scope::Entries, anna)).await.unwrap();
    house.open(&world.carla, read_one(7, anna)).await.unwrap();
    let ben = house.member("ben").await;
    house.link(anna, &ben).await;
    let friend = house.member("friend").await;
    house.befriend(anna, &friend).await;
    let sam = house.member("sam").await;
    let carl = house.verified(&world.operator, "carl").await;
    house.in_care(&ben, &carl).await;
    house.grant(&ben, all_of(Scope::Entries, &carl)).await.unwrap();
    let asked = house.verified(&world.operator, "asked").await;
    house.ask_for_care(anna, crate::care::wish(&asked)).await.unwrap();
    // Partner, trusted person, stranger, the partner's counselor, one who was only asked; and the owner is no reader.
    for reader in [&ben, &friend, &sam, &carl, &asked, anna] {
        for scope in OF_CONSENT {
            world.closed_to(reader, read_all(scope, anna)).await;
        }
        world.closed_to(reader, read_one(7, anna)).await;
    }
    // Nor is anything of the counselor's, or of the partner's, open to the counselor.
    world.closed_to(&world.carla, read_all(Scope::Entries, &ben)).await;
    world.closed_to(anna, read_all(Scope::Entries, &world.carla)).await;
    // What people who are close share stays theirs.
    for scope in [Scope::SharedItems, Scope::CheckIns, Scope::CheckInSchedule, Scope::ShareAnswers] {
        world.closed_to(&world.carla, read_all(scope, anna)).await;
    }
    // Nor to those who run the place.
    let operator = Person { kind: Kind::Operator, ..world.carla.clone() };
    let refused = house.open(&operator, read_all(Scope::Entries, anna)).await.err().unwrap();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
}

#[tokio::test]
async fn all_of_a_kind_is_of_that_kind_and_one_item_is_that_item() {
    let world = Opened::new(|carla| one_entry(7, carla)).await;
    let (house, anna, carla) = (&world.house, &world.anna, &world.carla);
    let capability = house.opened(carla, read_one(7, anna)).await.unwrap();
    assert_eq!(capability.opening.item_id, Some(uuid::Uuid::from_u128(7)));
    world.closed_to(carla, read_one(8, anna)).await;
    for scope in OF_CONSENT {
        world.closed_to(carla, read_all(scope, anna)).await;
    }
    let same_id = OpenAccessRequest { scope: Scope::SelfChecks.into(), ..read_one(7, anna) };
    world.closed_to(carla, same_id).await;
    house.grant(anna, all_of(Scope::Moods, carla)).await.unwrap();
    house.open(carla, read_all(Scope::Moods, anna)).await.unwrap();
    for scope in [Scope::Entries, Scope::SelfChecks] {
        world.closed_to(carla, read_all(scope, anna)).await;
    }
}

#[tokio::test]
async fn for_that_purpose() {
    let session = AccessPurpose::Session.into();
    let world =
        Opened::new(|carla| GrantConsentRequest { purpose: session, ..all_of(Scope::Entries, carla) }).await;
    let (house, anna, carla) = (&world.house, &world.anna, &world.carla);
    for purpose in [0, session] {
        let wish = OpenAccessRequest { purpose, ..read_all(Scope::Entries, anna) };
        house.open(carla, wish).await.unwrap();
    }
    for purpose in [AccessPurpose::Care, AccessPurpose::Closeness] {
        world
            .closed_to(carla, OpenAccessRequest { purpose: purpose.into(), ..read_all(Scope::Entries, anna) })
            .await;
    }
}

#[tokio::test]
async fn until_that_moment_and_no_capability_outlives_it() {
    let world = Opened::new(|carla| all_of(Scope::Entries, carla)).await;
    let (house, anna, carla) = (&world.house, &world.anna, &world.carla);
    house.advance(SignedDuration::from_secs(1));
    let end = house.now() + DAY;
    house
        .grant(anna, GrantConsentRequest { expire_time: Some(wire(end)), ..one_entry(7, carla) })
        .await
        .unwrap();
    let of_all = house.consents_of(anna).await.pop().unwrap();
    house.take_back(anna, &of_all.consent_id).await.unwrap();
    house.clock.set(end - SignedDuration::from_secs(4));
    let (anna, carla) =
        (&house.signed_in("anna@example.org").await, &house.signed_in("carla@example.org").await);
    let last = house.opened(carla, read_one(7, anna)).await.unwrap();
    assert_eq!(last.expires_at, end);
    house.clock.set(end);
    world.closed_to(carla, read_one(7, anna)).await;
    assert!(house.granted_to(carla).await.is_empty());
    let states: Vec<_> = house.consents_of(anna).await.iter().map(|one| one.state).collect();
    use candor_proto::accounts::v1::ConsentState::{Expired, Withdrawn};
    assert_eq!(states, [Expired as i32, Withdrawn as i32]);
    // It is not taken back afterwards, and can be opened anew.
    let over = house.consents_of(anna).await[0].consent_id.clone();
    house.take_back(anna, &over).await.unwrap();
    assert_eq!(house.consents_of(anna).await[0].state, Expired as i32);
    house.grant(anna, one_entry(7, carla)).await.unwrap();
    house.open(carla, read_one(7, anna)).await.unwrap();
    assert_eq!(house.consents_of(anna).await[1].state, Expired as i32);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_it_is_taken_back_no_capability_is_newer_than_that() {
    let world = Opened::new(|carla| all_of(Scope::Entries, carla)).await;
    let (house, anna, carla) =
        (std::sync::Arc::new(world.house.replica()), world.anna.clone(), world.carla.clone());
    let mut granted = 0;
    for _ in 0..6 {
        world.house.advance(SignedDuration::from_secs(30));
        let given = world.house.consents_of(&anna).await.remove(0);
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (house, anna, carla) = (house.clone(), anna.clone(), carla.clone());
            running.spawn(async move {
                let mut answers = Vec::new();
                while answers.last().is_none_or(Result::is_ok) && answers.len() < 12 {
                    answers.push(house.opened(&carla, read_all(Scope::Entries, &anna)).await);
                }
                answers
            });
        }
        world.house.take_back(&anna, &given.consent_id).await.unwrap();
        world.closed_to(&carla, read_all(Scope::Entries, &anna)).await;
        let raised: i64 =
            sqlx::query_scalar("SELECT epoch FROM access_epoch WHERE owner_id = $1 AND reader_id = $2")
                .bind(anna.account_id)
                .bind(carla.account_id)
                .fetch_one(world.house.pool())
                .await
                .unwrap();
        for capability in running.join_all().await.into_iter().flatten().flatten() {
            assert!(capability.opening.epoch < raised);
            granted += 1;
        }
        world.house.grant(&anna, all_of(Scope::Entries, &carla)).await.unwrap();
    }
    assert!(granted > 0);
}
