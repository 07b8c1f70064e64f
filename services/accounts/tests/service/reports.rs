//! Reports of invitations: what is kept of them, and that whoever made the code cannot keep others' out.

use crate::kit::House;
use accounts::jobs;
use candor_proto::accounts::v1::ReportReason;
use jiff::SignedDuration;
use std::sync::Arc;
use tokio::task::JoinSet;
use tonic::Code;
use uuid::Uuid;

impl House {
    /// The reasons of what is kept, in the order in which it came.
    async fn reasons(&self) -> Vec<i32> {
        sqlx::query_scalar("SELECT reason FROM report ORDER BY reported_at, report_id")
            .fetch_all(self.pool())
            .await
            .unwrap()
    }

    async fn report_of(&self, code: &str, reason: ReportReason) {
        self.advance(SignedDuration::from_secs(1));
        self.report(code, reason, "words").await.unwrap();
    }

    async fn ids(&self) -> Vec<Uuid> {
        sqlx::query_scalar("SELECT report_id FROM report ORDER BY reported_at, report_id")
            .fetch_all(self.pool())
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn reports_are_kept_sealed_and_outlive_the_invitation() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    // Cancelling does not help against it.
    house.cancel(&anna).await.unwrap();
    house.report(&code, ReportReason::Threat, "  they said they know where I live ").await.unwrap();
    let kept: Vec<(Uuid, i32, Option<Vec<u8>>)> =
        sqlx::query_as("SELECT about_id, reason, note FROM report").fetch_all(house.pool()).await.unwrap();
    assert_eq!((kept.len(), kept[0].0, kept[0].1), (1, anna.account_id, ReportReason::Threat as i32));
    let note = kept[0].2.clone().unwrap();
    assert!(!note.windows(5).any(|part| part == b"where"));
    house.advance(SignedDuration::from_hours(24 * 60));
    while jobs::keep_house(&house.accounts).await.unwrap() {}
    assert_eq!((house.count("invitation").await, house.count("report").await), (0, 1));
    // Without words there is no note.
    let next = house.invite(&anna, "Anna").await.unwrap().code;
    house.report(&next, ReportReason::UnknownPerson, "  ").await.unwrap();
    let notes: i64 =
        sqlx::query_scalar("SELECT count(note) FROM report").fetch_one(house.pool()).await.unwrap();
    assert_eq!((house.count("report").await, notes), (2, 1));
    let refused = house.report(&next, ReportReason::Unspecified, "").await.err().unwrap();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn whoever_invites_cannot_fill_the_place_of_others_reports() {
    use ReportReason::{Other, Pressure, Threat, UnknownPerson};
    let house = House::new().await;
    let (anna, carl) = (house.member("anna").await, house.member("carl").await);
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    for _ in 0..7 {
        house.report_of(&code, Other).await;
    }
    house.report_of(&code, Pressure).await;
    for _ in 0..7 {
        house.report_of(&code, Other).await;
    }
    let mut kept = house.reasons().await;
    kept.sort_unstable();
    assert_eq!(kept, [Pressure, Other, Other, Other, Other].map(|reason| reason as i32));
    // The weakest make room, one for each.
    for reason in [UnknownPerson, Threat, Pressure, UnknownPerson] {
        house.report_of(&code, reason).await;
    }
    let all = [Pressure, UnknownPerson, Threat, Pressure, UnknownPerson].map(|reason| reason as i32);
    assert_eq!(house.reasons().await, all);
    house.report_of(&code, Other).await;
    assert_eq!(house.reasons().await, all);
    // Another code has room of its own.
    let others = house.invite(&carl, "Carl").await.unwrap().code;
    house.report_of(&others, Other).await;
    assert_eq!(house.count("report").await, 6);
}

#[tokio::test]
async fn among_equals_the_first_stay_and_the_last_is_heard() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    for _ in 0..5 {
        house.report_of(&code, ReportReason::Threat).await;
    }
    let first = house.ids().await;
    for _ in 0..3 {
        house.report_of(&code, ReportReason::Threat).await;
    }
    let after = house.ids().await;
    assert_eq!((after.len(), &after[..4]), (5, &first[..4]));
    assert!(after[4] > first[4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reports_that_come_at_once_are_five_and_the_strongest() {
    let house = Arc::new(House::new().await);
    let other = Arc::new(house.replica());
    let anna = house.member("anna").await;
    for round in 1..=4 {
        house.advance(SignedDuration::from_hours(24));
        let code = house.invite(&anna, "Anna").await.unwrap().code;
        let mut running = JoinSet::new();
        for task in 0..24 {
            let (house, code) = (if task % 2 == 0 { house.clone() } else { other.clone() }, code.clone());
            let reason = if task % 8 == 7 { ReportReason::Threat } else { ReportReason::Other };
            running.spawn(async move { house.report(&code, reason, "words").await });
        }
        assert!(running.join_all().await.iter().all(Result::is_ok));
        let (all, threats): (i64, i64) =
            sqlx::query_as("SELECT count(*), count(*) FILTER (WHERE reason = 3) FROM report")
                .fetch_one(house.pool())
                .await
                .unwrap();
        assert_eq!((all, threats), (round * 5, round * 3));
    }
}
