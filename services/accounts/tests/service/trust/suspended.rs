//! What the passports of a suspended account say, and what they do not open.

use super::complaint;
use crate::kit::{House, PASSWORD};
use candor_proto::accounts::v1::{StepUpRequest, session_service_server::SessionService as _};

#[tokio::test]
async fn a_proof_made_anew_is_still_one_of_a_suspended_account() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();
    let suspension_id = house.suspend_for(&operator, &report_id, 30).await.unwrap();
    let session = house.sign_in("ben@example.org", PASSWORD).await.unwrap();
    let prove = async || {
        let message = StepUpRequest { password: PASSWORD.into(), ..StepUpRequest::default() };
        let request = house.with_passport(&session.passport, message).await;
        let answer = house.rpc.step_up(request).await.unwrap().into_inner();
        house.passport(&answer.passport).await.unwrap().suspended
    };
    assert!(prove().await);
    house.lift_suspension(&operator, &suspension_id).await.unwrap();
    assert!(!prove().await, "the same session is open again with its next passport");
}
