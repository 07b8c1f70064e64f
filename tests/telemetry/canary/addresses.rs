//! Another address for an account, and the one before put back.

use super::house::{House, PATIENCE};
use super::life::Person;
use candor_tests::eventually;
use serde_json::json;

/// Somebody changes their address, and whoever reads the mail of the one before puts that back.
pub(crate) async fn live(house: &House) {
    let frida = Person::join(house, "Frida").await;
    let earlier = house.five.mailed_token(&frida.email).await;
    let email = format!("{}@{}.example", house.word("an address"), house.word("an address"));
    frida.ok(house, "accounts.IdentityService.RequestEmailChange", json!({"email": email})).await;
    frida.ok(house, "accounts.SecurityService.GetSecurity", json!({})).await;
    let proof = json!({"token": house.five.mailed_token(&email).await});
    frida.ok(house, "accounts.IdentityService.ConfirmEmailChange", proof).await;
    let mut token = earlier.clone();
    eventually("the mail that puts the earlier address back is there", PATIENCE, async || {
        token = house.five.mailed_token(&frida.email).await;
        token != earlier
    })
    .await;
    house.ok("accounts.IdentityService.UndoEmailChange", json!({"token": token}), None).await;
}
