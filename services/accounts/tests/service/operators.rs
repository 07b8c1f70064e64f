//! Operators are made by hand; consumers can be told everything again; nothing private lies in the clear.

use crate::kit::{House, OTHER_PASSWORD, PASSWORD};
use accounts::{
    Error,
    app::{self, NewOperator},
    domain::{Address, Locale, Password, Zone},
    events,
};
use candor_proto::accounts::v1::{AccountKind, GetMeRequest, identity_service_server::IdentityService as _};
use chassis::identity::Kind;

fn operator(email: &str) -> NewOperator {
    NewOperator {
        address: Address::parse(email).unwrap(),
        password: Password::choose("password", PASSWORD).unwrap(),
        zone: Zone::parse("UTC").unwrap(),
        locale: Locale::parse("").unwrap(),
    }
}

/// Makes an operator as at the machine.
pub async fn make(house: &House, email: &str) -> uuid::Uuid {
    app::create_operator(&house.accounts, operator(email)).await.unwrap()
}

#[tokio::test]
async fn an_operator_signs_in_as_one() {
    let house = House::new().await;
    // A stranger who registered the address ahead gains nothing.
    house.register("ops@example.org", OTHER_PASSWORD).await.unwrap();
    house.work().await;
    let strangers = house.mails().pop().unwrap().token();
    let account_id = app::create_operator(&house.accounts, operator("ops@example.org")).await.unwrap();
    house.verify(&strangers).await.err().unwrap();
    house.sign_in("ops@example.org", OTHER_PASSWORD).await.err().unwrap();

    let session = house.sign_in("ops@example.org", PASSWORD).await.unwrap();
    let passport = house.passport(&session.passport).await.unwrap();
    assert_eq!((passport.kind, passport.account_id), (Kind::Operator, account_id));
    let request = house.with_passport(&session.passport, GetMeRequest {}).await;
    let me = house.rpc.get_me(request).await.unwrap().into_inner().account.unwrap();
    assert!(me.kind() == AccountKind::Operator);
}

#[tokio::test]
async fn a_member_does_not_become_an_operator_by_accident() {
    let house = House::new().await;
    house.join("anna@example.org", PASSWORD).await;
    let refused = app::create_operator(&house.accounts, operator("anna@example.org")).await;
    assert!(matches!(refused, Err(Error::AddressInUse)));
    let session = house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    assert_eq!(house.passport(&session.passport).await.unwrap().kind, Kind::Member);
}

#[tokio::test]
async fn consumers_can_be_told_everything_again() {
    let house = House::new().await;
    house.join("anna@example.org", PASSWORD).await;
    house.register("ben@example.org", PASSWORD).await.unwrap();
    house.work().await;
    let before = house.events().await;
    let (ids, outbox) = (&house.accounts.ids, &house.accounts.outbox);
    assert_eq!(events::resnapshot(house.pool(), outbox, &house.clock, ids).await.unwrap(), 3);
    let after = house.events().await;
    // In the order of their ids, which say nothing of when.
    let told = &after[before.len()..];
    assert!(told.len() == 3 && before[1..3].iter().all(|event| told.contains(event)), "{told:?}");
    let (_, anna, version) = before[1].clone();
    assert!(told.contains(&("accounts.v1.profile_changed".to_owned(), anna, version)), "{told:?}");
    assert!(after.iter().all(|(key, ..)| events::emits().contains(key)));
}

#[tokio::test]
async fn nothing_private_lies_in_the_clear() {
    let house = House::new().await;
    house.register("Canary.Bird@example.org", PASSWORD).await.unwrap();
    let mut dump = house.dump().await;
    while accounts::jobs::settle_requests(&house.accounts).await.unwrap() {}
    dump.push_str(&house.dump().await);
    house.work().await;
    let token = house.mails().pop().unwrap().token();
    dump.push_str(&house.dump().await);
    house.verify(&token).await.unwrap();
    let session = house.sign_in("canary.bird@example.org", PASSWORD).await.unwrap();
    dump.push_str(&house.dump().await);
    assert!(dump.contains(&session.session_id));
    for secret in
        ["canary", "Canary", "example.org", PASSWORD, "argon2", "kitchen", &token, &session.session_secret]
    {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!dump.contains(secret) && !dump.contains(&hex), "{secret}");
    }
}
