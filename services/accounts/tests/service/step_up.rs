//! Proving again who one is.

use crate::kit::{House, OTHER_PASSWORD, PASSWORD, reason};
use crate::people::visible;
use candor_proto::accounts::v1::{
    SignInResponse, StepUpRequest, StepUpResponse, session_service_server::SessionService as _,
};
use chassis::rpc::require_step_up;
use jiff::SignedDuration;
use tonic::{Code, Status};

const ANNA: &str = "anna@example.org";

impl House {
    pub async fn prove_again(&self, passport: &str, password: &str) -> Result<StepUpResponse, Status> {
        self.prove_by_two(passport, password, "").await
    }

    pub async fn prove_by_two(
        &self,
        passport: &str,
        password: &str,
        code: &str,
    ) -> Result<StepUpResponse, Status> {
        let message = StepUpRequest { password: password.into(), code: code.into() };
        let request = self.with_passport(passport, message).await;
        self.rpc.step_up(request).await.map(tonic::Response::into_inner)
    }

    async fn is_proven(&self, passport: &str) -> bool {
        require_step_up(&self.passport(passport).await.unwrap(), self.now()).is_ok()
    }
}

async fn signed_in(house: &House) -> SignInResponse {
    house.join(ANNA, PASSWORD).await;
    house.sign_in(ANNA, PASSWORD).await.unwrap()
}

#[tokio::test]
async fn a_proof_counts_for_five_minutes_in_the_session_it_was_given_in() {
    let house = House::new().await;
    let session = signed_in(&house).await;
    let other = house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert!(house.is_proven(&session.passport).await);
    house.advance(SignedDuration::from_hours(2));
    let stale = house.mint(&session.session_secret).await.unwrap().passport;
    assert!(!house.is_proven(&stale).await);

    let proven = house.prove_again(&stale, PASSWORD).await.unwrap();
    assert!(house.is_proven(&proven.passport).await);
    assert_eq!(proven.passport_expire_time.unwrap().seconds, house.now().as_second() + 60);
    // It is the session that remembers, not the one passport; and no other session does.
    house.advance(SignedDuration::from_mins(5));
    assert!(house.is_proven(&house.mint(&session.session_secret).await.unwrap().passport).await);
    assert!(!house.is_proven(&house.mint(&other.session_secret).await.unwrap().passport).await);
    house.advance(SignedDuration::from_secs(1));
    assert!(!house.is_proven(&house.mint(&session.session_secret).await.unwrap().passport).await);
}

#[tokio::test]
async fn a_wrong_password_proves_nothing_and_ends_nothing() {
    let house = House::new().await;
    let session = signed_in(&house).await;
    house.advance(SignedDuration::from_hours(2));
    let stale = house.mint(&session.session_secret).await.unwrap().passport;
    let refused = house.prove_again(&stale, OTHER_PASSWORD).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "PROOF_REFUSED"));
    assert_eq!(house.prove_again(&stale, "").await.err().unwrap().code(), Code::InvalidArgument);
    assert!(!house.is_proven(&house.mint(&session.session_secret).await.unwrap().passport).await);
}

#[tokio::test]
async fn guesses_are_few_and_lock_nobody_out() {
    let house = House::new().await;
    let session = signed_in(&house).await;
    let own = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(visible(&house.prove_again(&session.passport, OTHER_PASSWORD).await.err().unwrap()));
    }
    assert!(seen.iter().all(|one| *one == seen[0]));
    // The turns are the session's, whichever of its passports is shown and whether or not the password is right.
    let another = house.mint(&session.session_secret).await.unwrap().passport;
    house.prove_again(&another, PASSWORD).await.unwrap();
    let runs = house.accounts.hashing.runs();
    let refused = house.prove_again(&another, PASSWORD).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "TOO_MANY_ATTEMPTS"));
    assert_eq!(house.accounts.hashing.runs(), runs);
    // The owner's own session has its own.
    house.prove_again(&own.passport, PASSWORD).await.unwrap();
    house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.advance(SignedDuration::from_secs(30));
    let later = house.mint(&session.session_secret).await.unwrap().passport;
    house.prove_again(&later, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn an_ended_session_proves_nothing_any_more() {
    let house = House::new().await;
    let session = signed_in(&house).await;
    house.end(&session.passport, &session.session_id).await.unwrap();
    // The passport lives on for a minute.
    let refused = house.prove_again(&session.passport, PASSWORD).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "SESSION_ENDED"));
}
