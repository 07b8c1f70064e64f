//! A session that ended changes nothing about software, though its passport lives on for a minute.

use super::{test_keys, wish};
use crate::kit::{House, reason};
use chassis::identity::Kind;
use tonic::Code;

#[tokio::test]
async fn an_ended_session_registers_changes_and_ends_no_client() {
    let house = House::new().await;
    let operator = house.operator().await;
    let pair = test_keys::p384();
    let client = house.register_client(&operator, wish(pair.jwks("k1"), &["system/*.rs"])).await.unwrap();
    let passport = house.sign_in("ops@example.org", crate::kit::PASSWORD).await.unwrap().passport;
    house.end(&passport, &operator.session_id.to_string()).await.unwrap();

    let (id, other) = (client.client_id.as_str(), || test_keys::ed25519(1).jwks("k2"));
    for refused in [
        house.register_client(&operator, wish(other(), &["system/*.rs"])).await.err().unwrap(),
        house.rotate(&operator, id, other()).await.err().unwrap(),
        house.disable(&operator, id).await.err().unwrap(),
    ] {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "SESSION_ENDED"));
    }
    assert_eq!(house.count("client").await, 1);
    let again = house.signed_in("ops@example.org").await;
    assert_eq!(again.kind, Kind::Operator);
    let seen = house.client(&again, id).await.unwrap();
    assert!(seen == client, "nothing of it was changed");
    house.rotate(&again, id, other()).await.unwrap();
    house.disable(&again, id).await.unwrap();
}
