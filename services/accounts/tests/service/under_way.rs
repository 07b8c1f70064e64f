//! Sign-ins that are under way while what they rest on changes: what ends every session ends them as well.

use crate::kit::{House, PASSWORD, reason};
use candor_proto::accounts::v1::{CompleteSignInRequest, session_service_server::SessionService as _};
use sqlx::{AssertSqlSafe, PgConnection};
use tonic::{Code, Request, Status};

const ANNA: &str = "anna@example.org";
/// What a change of the password does, of the address, and of what is left of an account that is erased.
const CHANGES: [&str; 3] = [
    "UPDATE account SET password_hash = 'another'",
    "UPDATE account SET email_index = sha256('another')",
    "DELETE FROM account",
];

impl House {
    /// Whether a statement waits for another one to commit.
    async fn somebody_waits(&self) -> bool {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')",
        )
        .fetch_one(self.pool())
        .await
        .unwrap()
    }

    /// What comes of something that began before a change was committed, and waits for it.
    async fn across<T>(
        &self,
        change: &str,
        under_way: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Status> {
        let mut tx = self.pool().begin().await.unwrap();
        let conn: &mut PgConnection = &mut tx;
        sqlx::raw_sql(AssertSqlSafe(change.to_owned())).execute(conn).await.unwrap();
        let commit = async {
            while !self.somebody_waits().await {
                tokio::task::yield_now().await;
            }
            tx.commit().await.unwrap();
        };
        tokio::join!(under_way, commit).0
    }
}

#[tokio::test]
async fn a_sign_in_with_what_was_changed_meanwhile_is_refused_like_any_other() {
    for change in CHANGES {
        let house = House::new().await;
        house.join(ANNA, PASSWORD).await;
        let refused = house.across(change, house.sign_in(ANNA, PASSWORD)).await.err().unwrap();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Unauthenticated, "SIGN_IN_REFUSED"),
            "{change}"
        );
        assert_eq!((house.count("session").await, house.count("known_device").await), (0, 0), "{change}");
    }
}

#[tokio::test]
async fn half_a_sign_in_neither_begins_nor_ends_with_what_was_changed_meanwhile() {
    for change in CHANGES {
        let house = House::new().await;
        house.join(ANNA, PASSWORD).await;
        let own = house.sign_in(ANNA, PASSWORD).await.unwrap();
        let (phone, _) = house.add_app(&own.passport).await;
        let half = house.sign_in(ANNA, PASSWORD).await.unwrap();
        let request = Request::new(CompleteSignInRequest {
            pending_token: half.pending_token,
            code: phone.code(&house),
            ..CompleteSignInRequest::default()
        });
        let both = format!("{change}; DELETE FROM pending_sign_in");
        let refused = house.across(&both, house.rpc.complete_sign_in(request)).await.err().unwrap();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Unauthenticated, "SIGN_IN_OVER"),
            "{change}"
        );
    }
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let own = house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.add_app(&own.passport).await;
    house.across(CHANGES[0], house.sign_in(ANNA, PASSWORD)).await.err().unwrap();
    assert_eq!(house.count("pending_sign_in").await, 0);
}

#[tokio::test]
async fn a_passkey_that_is_taken_away_while_somebody_signs_in_with_it_lets_nobody_in() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let own = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let (mut device, _) = house.add_passkey(&own.passport, 7).await;
    let taken = "UPDATE account SET kind = kind; DELETE FROM passkey";
    let refused = house.across(taken, house.sign_in_with(&mut device)).await.err().unwrap();
    assert_eq!(reason(&refused), "PASSKEY_REFUSED");
    assert_eq!(house.count("session").await, 1);
}

#[tokio::test]
async fn a_code_of_an_app_that_another_took_the_place_of_meanwhile_lets_nobody_in() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let own = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let (phone, _) = house.add_app(&own.passport).await;
    let half = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let request = Request::new(CompleteSignInRequest {
        pending_token: half.pending_token,
        code: phone.code(&house),
        ..CompleteSignInRequest::default()
    });
    let replaced = "UPDATE account SET kind = kind; UPDATE totp SET secret = 'another', last_step = 0";
    let refused = house.across(replaced, house.rpc.complete_sign_in(request)).await.err().unwrap();
    assert_eq!(reason(&refused), "SECOND_FACTOR_REFUSED");
    assert_eq!(house.count("session").await, 1);
}
