//! What software read shows in the owner's ledger, exactly; and whoever holds the software sees how much is open to it, and
//! never whose it is.

use super::{OF_HOUSE, all_of};
use crate::clients::test_keys;
use crate::consents::{read_all, read_one};
use crate::kit::{House, reason};
use crate::people::Person;
use candor_proto::accounts::v1::{OpenAccessRequest, Relation};
use candor_proto::options::v1::Scope;
use chassis::identity::Kind;
use jiff::SignedDuration;
use uuid::Uuid;

#[tokio::test]
async fn every_read_shows_which_software_what_when_and_under_which_consent() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (praxis, token) = house.house_software(&operator).await;
    let (anna, ben) = house.couple().await;
    let given = house.give(&anna, all_of(Scope::Entries, &praxis)).await.unwrap();
    let reader = Person { account_id: token.account_id, session_id: token.session_id, kind: Kind::Client };
    let first = house.software_opens(&token, read_all(Scope::Entries, &anna)).await.unwrap().receipt_id;
    assert!(house.receipts(&anna, 100, "").await.receipts.is_empty(), "what was not read is no read");
    house.read_of(&first, &anna, &reader, 0..100).await;
    house.read_of(&first, &anna, &reader, 100..150).await;
    house.advance(SignedDuration::from_secs(30));
    let second = house.software_opens(&token, read_one(7, &anna)).await.unwrap().receipt_id;
    house.advance(SignedDuration::from_secs(5));
    let third = house.software_opens(&token, read_all(Scope::Entries, &anna)).await.unwrap().receipt_id;
    assert!(first != second && second != third);
    house.read_of(&second, &anna, &reader, 7..8).await;
    let shown = house.receipts(&anna, 100, "").await.receipts;
    assert_eq!(shown.len(), 2, "the third was opened and not read");
    let receipt = &shown[1];
    assert_eq!(
        (receipt.reader_account_id.as_str(), receipt.relation),
        (praxis.client_id(), Relation::Software as i32)
    );
    assert_eq!((receipt.consent_id.as_str(), receipt.item_ids.len()), (given.consent_id.as_str(), 150));
    // It stays when the consent is over, and is nobody else's to see.
    house.take_from_software(&anna, &given.consent_id).await.unwrap();
    assert_eq!(house.receipts(&anna, 100, "").await.receipts.len(), 2);
    assert!(house.receipts(&ben, 100, "").await.receipts.is_empty());
}

#[tokio::test]
async fn what_was_read_shows_although_the_reader_or_an_item_is_erased_and_never_once_the_owner_is() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (praxis, token) = house.house_software(&operator).await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let reader = Person { account_id: token.account_id, session_id: token.session_id, kind: Kind::Client };
    for owner in [&anna, &ben] {
        house.give(owner, all_of(Scope::Entries, &praxis)).await.unwrap();
    }
    let of_anna = house.software_opens(&token, read_all(Scope::Entries, &anna)).await.unwrap().receipt_id;
    let of_ben = house.software_opens(&token, read_all(Scope::Entries, &ben)).await.unwrap().receipt_id;
    let mut conn = house.pool().acquire().await.unwrap();
    for gone in [token.account_id, Uuid::from_u128(7), ben.account_id] {
        bus::erasure::begin(&mut conn, gone, house.accounts.ids.next(), house.now()).await.unwrap();
    }
    house.read_of(&of_anna, &anna, &reader, 7..9).await;
    house.read_of(&of_ben, &ben, &reader, 7..9).await;
    let shown = house.receipts(&anna, 100, "").await.receipts;
    assert_eq!((shown.len(), shown[0].item_ids.len()), (1, 2));
    let counted: i64 = sqlx::query_scalar("SELECT count(*) FROM receipt WHERE read_at IS NOT NULL")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!((counted, house.count("bus.inbox_retry").await), (1, 0));
}

#[tokio::test]
async fn each_opening_of_software_has_a_receipt_of_its_own() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (praxis, token) = house.house_software(&operator).await;
    let anna = house.member("anna").await;
    house.give(&anna, all_of(Scope::Entries, &praxis)).await.unwrap();
    let receipt_id = house.software_opens(&token, read_all(Scope::Entries, &anna)).await.unwrap().receipt_id;
    house.advance(SignedDuration::from_secs(1));
    let again = OpenAccessRequest { receipt_id, ..read_all(Scope::Entries, &anna) };
    let refused = house.software_opens(&token, again).await.err().unwrap();
    assert_eq!(reason(&refused), "RECEIPT_NOT_FOUND");
}

#[tokio::test]
async fn whoever_holds_software_sees_how_much_is_open_to_it_and_nobody_else_does() {
    let house = House::new().await;
    let operator = house.operator().await;
    let carla = house.verified(&operator, "carla").await;
    let anna = house.member("anna").await;
    house.in_care(&anna, &carla).await;
    let (of_house, _) = house.house_software(&operator).await;
    let (carlas, _) = house.counselors_software(&carla).await;
    let unused = house.software(&operator, test_keys::ed25519(5), &[OF_HOUSE]).await;
    for scope in [Scope::Entries, Scope::Moods] {
        house.give(&anna, all_of(scope, &of_house)).await.unwrap();
        house.give(&anna, all_of(scope, &carlas)).await.unwrap();
    }
    let counted =
        async |by: &Person, client_id: &str| house.client(by, client_id).await.unwrap().open_consents;
    assert_eq!(counted(&operator, of_house.client_id()).await, Some(2));
    assert_eq!(counted(&operator, unused.client_id()).await, Some(0));
    assert_eq!(counted(&carla, carlas.client_id()).await, Some(2));
    assert_eq!(counted(&operator, carlas.client_id()).await, None, "that is between those two");
    let given = house.given_by(&anna).await;
    let to_hers = given.iter().find(|one| one.client_id == carlas.client_id()).unwrap();
    house.take_from_software(&anna, &to_hers.consent_id).await.unwrap();
    assert_eq!(counted(&carla, carlas.client_id()).await, Some(1));
}
