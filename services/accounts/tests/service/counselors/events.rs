//! What others are told of who is a counselor and who is none any more.

use super::application;
use crate::kit::House;
use crate::trust::complaint;
use accounts::events;
use candor_proto::accounts::v1::{CounselorSuspended, CounselorVerified};
use jiff::SignedDuration;
use prost::Message as _;
use uuid::Uuid;

const VERIFIED: &str = "accounts.v1.counselor_verified";
const SUSPENDED: &str = "accounts.v1.counselor_suspended";

impl House {
    /// What was told of counselors: the key, the aggregate and its version, in order.
    async fn told_of_counselors(&self) -> Vec<(String, Uuid, i64)> {
        let mut told = self.events().await;
        told.retain(|(key, ..)| [VERIFIED, SUSPENDED].contains(&key.as_str()));
        told
    }

    async fn told_again(&self) -> Vec<(String, Uuid, i64)> {
        let before = self.told_of_counselors().await.len();
        let (ids, outbox) = (&self.accounts.ids, &self.accounts.outbox);
        events::resnapshot(self.pool(), outbox, &self.clock, ids).await.unwrap();
        self.told_of_counselors().await.split_off(before)
    }

    async fn bodies(&self, key: &str) -> Vec<Vec<u8>> {
        let query = sqlx::query_scalar("SELECT body FROM bus.outbox WHERE key = $1 ORDER BY id");
        query.bind(key).fetch_all(self.pool()).await.unwrap()
    }
}

#[tokio::test]
async fn each_change_is_told_once_with_a_version_that_grows() {
    let house = House::new().await;
    let operator = house.operator().await;
    let carla = house.member("carla").await;
    house.submit(&carla, application("carla")).await.unwrap();
    assert!(house.told_of_counselors().await.is_empty() && house.told_again().await.is_empty());
    house.verify_counselor(&operator, &carla).await.unwrap();
    house.suspend(&operator, &carla, "A complaint.").await.unwrap();
    house.suspend(&operator, &carla, "Again.").await.err().unwrap();
    house.verify_counselor(&operator, &carla).await.unwrap();
    let told = house.told_of_counselors().await;
    let keys: Vec<_> = told.iter().map(|(key, ..)| key.as_str()).collect();
    assert_eq!(keys, [VERIFIED, SUSPENDED, VERIFIED]);
    assert!(told.windows(2).all(|two| two[0].1 == two[1].1 && two[0].2 < two[1].2), "{told:?}");
    // The account's own events have versions of their own.
    assert_ne!(told[0].1, carla.account_id);
    let verified = CounselorVerified::decode(&house.bodies(VERIFIED).await[0][..]).unwrap();
    assert_eq!(verified.counselor_account_id, carla.account_id.to_string());
    assert_eq!(verified.verify_time.unwrap().seconds, house.now().as_second());
    let suspended = CounselorSuspended::decode(&house.bodies(SUSPENDED).await[0][..]).unwrap();
    assert_eq!(suspended.counselor_account_id, carla.account_id.to_string());
    let said = String::from_utf8_lossy(&house.bodies(SUSPENDED).await.concat()).into_owned();
    assert!(!said.contains("complaint"), "not why");
    assert_eq!(house.told_again().await, [told[2].clone()], "what is so now, as it was told");
}

#[tokio::test]
async fn a_licence_that_is_over_and_a_suspended_account_are_told_alike() {
    let house = House::new().await;
    let operator = house.operator().await;
    let carla = house.verified(&operator, "carla").await;
    let carl = house.verified(&operator, "carl").await;
    let anna = house.member("anna").await;
    house.in_care(&anna, &carl).await;
    let report_id = house.complain(&anna, complaint(&carl)).await.unwrap();
    house.suspend_for(&operator, &report_id, 0).await.unwrap();
    house.clock.set("2025-01-01T00:00:00Z".parse().unwrap());
    house.look_at_licences().await;
    house.advance(SignedDuration::from_secs(1));
    house.look_at_licences().await;
    let told = house.told_of_counselors().await;
    let keys: Vec<_> = told.iter().map(|(key, ..)| key.as_str()).collect();
    assert_eq!(keys, [VERIFIED, VERIFIED, SUSPENDED, SUSPENDED]);
    assert_eq!((told[0].1, told[1].1), (told[3].1, told[2].1), "first carl, then carla");
    let again = house.told_again().await;
    assert!(again.len() == 2 && again.iter().all(|event| told[2..].contains(event)), "{again:?}");
    assert_ne!(carla.account_id, carl.account_id);
}
