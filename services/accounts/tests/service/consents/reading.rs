//! What a counselor read shows in the owner's ledger, exactly.

use super::{all_of, read_all, read_one};
use crate::kit::{House, reason};
use crate::people::Person;
use bus::Envelope;
use candor_proto::accounts::v1::{OpenAccessRequest, Relation};
use candor_proto::journal::v1::DataRead;
use candor_proto::options::v1::Scope;
use jiff::SignedDuration;
use std::collections::BTreeSet;
use uuid::Uuid;

impl House {
    /// The journal tells of a read.
    pub async fn read_of(
        &self,
        receipt_id: &str,
        owner: &Person,
        reader: &Person,
        items: std::ops::Range<u128>,
    ) {
        let read = DataRead {
            receipt_id: receipt_id.to_owned(),
            owner_account_id: owner.account_id.to_string(),
            reader_account_id: reader.account_id.to_string(),
            item_ids: items.map(|id| Uuid::from_u128(id).to_string()).collect(),
            read_time: Some(super::wire(self.now())),
            told: false,
        };
        let receipt = receipt_id.parse().unwrap();
        self.hear(&Envelope::new(self.accounts.ids.next(), self.now(), receipt, 1, &read)).await;
    }
}

#[tokio::test]
async fn every_read_shows_who_what_when_and_under_which_consent() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let (anna, ben) = house.couple().await;
    house.in_care(&anna, &carla).await;
    let given = house.grant(&anna, all_of(Scope::Entries, &carla)).await.unwrap();
    let first = house.open(&carla, read_all(Scope::Entries, &anna)).await.unwrap().receipt_id;
    assert!(
        house.receipts(&anna, 100, "").await.receipts.is_empty(),
        "what was opened and not read is no read"
    );
    house.read_of(&first, &anna, &carla, 0..100).await;
    house.read_of(&first, &anna, &carla, 100..150).await;
    let read_at = super::wire(house.now());
    // A minute later she reads one of them: that is another read, not more of the same.
    house.advance(SignedDuration::from_secs(50));
    let second = house.open(&carla, read_one(7, &anna)).await.unwrap().receipt_id;
    house.advance(SignedDuration::from_secs(5));
    let third = house.open(&carla, read_all(Scope::Entries, &anna)).await.unwrap().receipt_id;
    assert_eq!(BTreeSet::from([&first, &second, &third]).len(), 3);
    house.read_of(&second, &anna, &carla, 7..8).await;
    house.read_of(&third, &anna, &carla, 0..2).await;
    let shown = house.receipts(&anna, 100, "").await.receipts;
    let ids: Vec<_> = shown.iter().map(|receipt| receipt.receipt_id.as_str()).collect();
    // The two of the same moment stand in the order of their ids.
    assert_eq!((ids.len(), ids[2]), (3, first.as_str()));
    let receipt = &shown[2];
    assert_eq!(
        (receipt.reader_account_id.as_str(), receipt.relation),
        (carla.account_id.to_string().as_str(), Relation::Counselor as i32)
    );
    assert_eq!(
        (receipt.consent_id.as_str(), receipt.scope),
        (given.consent_id.as_str(), Scope::Entries as i32)
    );
    assert_eq!(receipt.item_ids.len(), 150, "each of them, however many");
    assert_eq!(receipt.read_time, Some(read_at));
    // It stays when the consent is over, and is nobody else's to see.
    house.take_back(&anna, &given.consent_id).await.unwrap();
    assert_eq!(house.receipts(&anna, 100, "").await.receipts.len(), 3);
    assert!(house.receipts(&ben, 100, "").await.receipts.is_empty());
}

#[tokio::test]
async fn a_counselors_receipt_is_never_gone_on_with() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let anna = house.member("anna").await;
    house.in_care(&anna, &carla).await;
    house.grant(&anna, all_of(Scope::Entries, &carla)).await.unwrap();
    let receipt_id = house.open(&carla, read_all(Scope::Entries, &anna)).await.unwrap().receipt_id;
    house.advance(SignedDuration::from_secs(1));
    let again = OpenAccessRequest { receipt_id, ..read_all(Scope::Entries, &anna) };
    assert_eq!(reason(&house.open(&carla, again).await.err().unwrap()), "RECEIPT_NOT_FOUND");
}
