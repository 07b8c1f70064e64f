//! Erasures when things go wrong: parts that are silent, answers that come twice, early or late, events about somebody who
//! is not there any more.

use crate::{
    erasure::{BEGUN, DONE, WEEK},
    kit::House,
    people::shared_items,
};
use bus::Envelope;
use candor_proto::journal::v1::{DataRead, Erased};
use jiff::SignedDuration;
use uuid::Uuid;

#[tokio::test]
async fn a_part_that_is_silent_is_told_again_with_growing_pauses() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    let code = house.ask(&anna, false).await.unwrap().certificate_code;
    house.advance(WEEK);
    house.erase().await;
    let erasure_id = house.erasure_id().await;
    house.answer("reminders", erasure_id, 0).await;
    house.answer("content", erasure_id, 0).await;
    for (told, minutes) in (1..).zip([10, 20, 40, 80, 160, 320, 360, 360]) {
        assert_eq!(house.told("accounts.v1.erasure_begun").await, told);
        house.advance(SignedDuration::from_mins(minutes) - SignedDuration::from_secs(1));
        house.erase().await;
        assert_eq!(house.told("accounts.v1.erasure_begun").await, told, "{minutes}");
        house.advance(SignedDuration::from_secs(1));
        house.erase().await;
    }
    house.publish().await;
    house.advance(SignedDuration::from_mins(1));
    house.erase().await;
    let waits = house.certificate(&code).await.unwrap();
    assert_eq!((waits.state().as_str_name(), waits.pending_services), (BEGUN, vec!["journal".to_owned()]));
    house.answer("journal", erasure_id, 1).await;
    house.erase().await;
    house.publish().await;
    house.erase().await;
    assert_eq!(house.certificate(&code).await.unwrap().state().as_str_name(), DONE);
    // Nobody is told any more, and what was told before is out of the log.
    house.advance(SignedDuration::from_hours(24));
    house.erase().await;
    assert_eq!(house.told("accounts.v1.erasure_begun").await, 0);
    let naming = house.tables_naming(anna.account_id).await;
    assert_eq!(naming.into_iter().collect::<Vec<_>>(), ["bus.erased"]);
}

#[tokio::test]
async fn answers_count_in_any_order_and_number() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    let code = house.ask(&anna, false).await.unwrap().certificate_code;
    let erasure_id = house.erasure_id().await;
    // Of an erasure that nobody asked for.
    house.answer("journal", Uuid::from_u128(9), 7).await;
    house.advance(WEEK);
    house.erase().await;
    house.answer("journal", erasure_id, 1).await;
    house.answer("journal", erasure_id, 1).await;
    house.advance(SignedDuration::from_secs(1));
    house.answer("journal", erasure_id, 2).await;
    let entries = |reply: &candor_proto::accounts::v1::GetErasureCertificateResponse| {
        let journals = reply.destroyed.iter().filter(|one| one.service == "journal");
        journals.map(|one| one.count).collect::<Vec<_>>()
    };
    assert_eq!(entries(&house.certificate(&code).await.unwrap()), [2]);
    house.go_through(erasure_id).await;
    let done = house.certificate(&code).await.unwrap();
    assert_eq!(done.state().as_str_name(), DONE);
    // What comes after the end changes nothing.
    house.advance(SignedDuration::from_hours(1));
    house.answer("journal", erasure_id, 99).await;
    house.erase().await;
    assert!(house.certificate(&code).await.unwrap() == done);
    // A word that is no word of the code comes into no certificate.
    let said = Erased {
        erasure_id: erasure_id.to_string(),
        classes: vec!["Anna's".into()],
        counts: vec![1],
        shred_time: None,
    };
    let event = Envelope::new(house.accounts.ids.next(), house.now(), erasure_id, 1, &said);
    house.hear(&event).await;
    assert_eq!(house.count("bus.inbox_retry").await, 1);
}

#[tokio::test]
async fn a_read_that_is_told_late_is_no_dead_letter_and_brings_nothing_back() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let hers = house.open(&ben, shared_items(anna.account_id)).await.unwrap().receipt_id;
    let his = house.open(&anna, shared_items(ben.account_id)).await.unwrap().receipt_id;
    house.ask(&anna, false).await.unwrap();
    house.advance(WEEK);
    house.go_through(house.erasure_id().await).await;
    for (receipt, owner, reader) in [(hers, &anna, &ben), (his, &ben, &anna)] {
        let read = DataRead {
            receipt_id: receipt.clone(),
            owner_account_id: owner.account_id.to_string(),
            reader_account_id: reader.account_id.to_string(),
            item_ids: Vec::new(),
            read_time: None,
            told: true,
        };
        let receipt = receipt.parse().unwrap();
        house.hear(&Envelope::new(house.accounts.ids.next(), house.now(), receipt, 1, &read)).await;
    }
    assert_eq!(house.count("bus.inbox_retry").await, 0);
    assert_eq!(house.count("receipt WHERE read_at IS NOT NULL").await, 0);
    assert!(house.receipts(&ben, 10, "").await.receipts.is_empty());
}

#[tokio::test]
async fn an_erasure_goes_on_in_another_replica() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    let code = house.ask(&anna, true).await.unwrap().certificate_code;
    house.advance(WEEK);
    let other = house.replica();
    tokio::join!(house.erase(), other.erase());
    assert_eq!(house.told("accounts.v1.erasure_begun").await, 1);
    other.go_through(house.erasure_id().await).await;
    tokio::join!(house.erase(), other.erase());
    assert_eq!(house.certificate(&code).await.unwrap().state().as_str_name(), DONE);
    house.work().await;
    assert_eq!(house.mails().iter().filter(|mail| mail.subject == "It is done").count(), 1);
}
