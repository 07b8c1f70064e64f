//! Receipts of openings: which are gone on with, by name or by themselves, and which are others.

use crate::{
    kit::{House, reason},
    people::{Person, item, shared_items, visible},
};
use candor_proto::accounts::v1::OpenAccessRequest;
use candor_proto::options::v1::Scope;
use jiff::SignedDuration;
use std::{collections::BTreeSet, sync::Arc};
use tonic::Code;
use uuid::Uuid;

#[tokio::test]
async fn a_receipt_goes_on_for_the_same_and_for_nothing_else() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let (one, two) = (1, 2);
    let receipt_id = house.open(&ben, item(&anna, one)).await.unwrap().receipt_id;
    let again = |message: OpenAccessRequest| OpenAccessRequest { receipt_id: receipt_id.clone(), ..message };
    house.advance(SignedDuration::from_mins(59));
    let renewed = house.opened(&ben, again(item(&anna, one))).await.unwrap();
    assert_eq!(renewed.opening.receipt_id.to_string(), receipt_id);
    assert_eq!(renewed.expires_at.as_second(), house.now().as_second() + 10);
    assert_eq!(house.count("receipt").await, 1);

    let elsewhere = house.sign_in("ben@example.org", crate::kit::PASSWORD).await.unwrap().session_id;
    let elsewhere = Person { session_id: elsewhere.parse().unwrap(), ..ben.clone() };
    let mut refused = vec![
        house.open(&ben, again(item(&anna, two))).await.err().unwrap(),
        house.open(&ben, again(shared_items(anna.account_id))).await.err().unwrap(),
        house
            .open(&ben, OpenAccessRequest { scope: Scope::CheckIns.into(), ..again(item(&anna, one)) })
            .await
            .err()
            .unwrap(),
        house.open(&ben, OpenAccessRequest { purpose: 1, ..again(item(&anna, one)) }).await.err().unwrap(),
        house.open(&elsewhere, again(item(&anna, one))).await.err().unwrap(),
        house.open(&anna, again(item(&ben, one))).await.err().unwrap(),
        house
            .open(
                &ben,
                OpenAccessRequest { receipt_id: Uuid::from_u128(two).to_string(), ..item(&anna, one) },
            )
            .await
            .err()
            .unwrap(),
    ];
    house.advance(SignedDuration::from_mins(1));
    house.open(&ben, again(item(&anna, one))).await.unwrap();
    house.advance(SignedDuration::from_secs(1));
    refused.push(house.open(&ben, again(item(&anna, one))).await.err().unwrap());
    // A new link does not go on with the receipts of the one before.
    let fresh = house.open(&ben, item(&anna, one)).await.unwrap().receipt_id;
    house.unlink(&anna).await.unwrap();
    house.link(&anna, &ben).await;
    let fresh = OpenAccessRequest { receipt_id: fresh, ..item(&anna, one) };
    refused.push(house.open(&ben, fresh).await.err().unwrap());
    assert_eq!((refused[0].code(), reason(&refused[0]).as_str()), (Code::NotFound, "RECEIPT_NOT_FOUND"));
    assert!(refused.iter().all(|one| visible(one) == visible(&refused[0])));
}

#[tokio::test]
async fn what_one_opens_again_within_an_hour_is_one_receipt() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let wish = item(&anna, 1);
    // Half past seven: the hour is counted from the first opening, whatever a clock on the wall says.
    let first = house.open(&ben, wish.clone()).await.unwrap().receipt_id;
    for minutes in [1, 28, 1, 30] {
        house.advance(SignedDuration::from_mins(minutes));
        let again = house.opened(&ben, wish.clone()).await.unwrap();
        assert_eq!(again.opening.receipt_id.to_string(), first);
        assert_eq!(again.expires_at.as_second(), house.now().as_second() + 10);
    }
    let renewed: jiff_sqlx::Timestamp =
        sqlx::query_scalar("SELECT renewed_at FROM receipt").fetch_one(house.pool()).await.unwrap();
    assert_eq!(renewed.to_jiff(), house.now());
    house.advance(SignedDuration::from_secs(1));
    let mut seen = BTreeSet::from([first]);
    let elsewhere = house.sign_in("ben@example.org", crate::kit::PASSWORD).await.unwrap().session_id;
    let elsewhere = Person { session_id: elsewhere.parse().unwrap(), ..ben.clone() };
    // Whatever differs is another receipt: the time, the item, none at all, the kind, the purpose, the session, who.
    let others = [
        (&ben, wish.clone()),
        (&ben, item(&anna, 2)),
        (&ben, shared_items(anna.account_id)),
        (&ben, OpenAccessRequest { scope: Scope::CheckIns.into(), ..wish.clone() }),
        (&ben, OpenAccessRequest { purpose: 1, ..wish.clone() }),
        (&elsewhere, wish.clone()),
        (&anna, item(&ben, 1)),
    ];
    for (reader, wish) in &others {
        let receipt = house.open(reader, wish.clone()).await.unwrap().receipt_id;
        assert!(seen.insert(receipt.clone()));
        assert_eq!(house.open(reader, wish.clone()).await.unwrap().receipt_id, receipt);
    }
    // And the link.
    house.unlink(&anna).await.unwrap();
    house.open(&ben, wish.clone()).await.err().unwrap();
    house.link(&anna, &ben).await;
    let again = house.opened(&ben, wish).await.unwrap().opening;
    assert!(seen.insert(again.receipt_id.to_string()));
    assert_eq!((again.epoch, house.count("receipt").await), (1, seen.len() as i64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_opens_many_times_at_once_is_one_receipt() {
    let house = Arc::new(House::new().await);
    let other = Arc::new(house.replica());
    let (anna, ben) = house.couple().await;
    for round in 1..=4 {
        house.advance(SignedDuration::from_hours(2));
        let mut running = tokio::task::JoinSet::new();
        for task in 0..24 {
            let house = if task % 2 == 0 { house.clone() } else { other.clone() };
            let (ben, owner_id) = (ben.clone(), anna.account_id);
            running.spawn(async move { house.open(&ben, shared_items(owner_id)).await.unwrap().receipt_id });
        }
        let seen: BTreeSet<_> = running.join_all().await.into_iter().collect();
        assert_eq!((seen.len(), house.count("receipt").await), (1, round));
    }
}
