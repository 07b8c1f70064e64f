//! Wishes that are decided together: each is answered as it would be alone.

use crate::{kit::House, people::Person};
use accounts::Error;
use accounts::app::{self, AccessApplication, Wish};
use accounts::domain::Scope;
use chassis::identity::capability::Opening;
use uuid::Uuid;

impl House {
    async fn wish(&self, reader: &Person, owner_id: Uuid, item_id: Option<Uuid>) -> AccessApplication {
        self.wish_on(reader, owner_id, item_id, None).await
    }

    async fn wish_on(
        &self,
        reader: &Person,
        owner_id: Uuid,
        item_id: Option<Uuid>,
        receipt_id: Option<Uuid>,
    ) -> AccessApplication {
        let wish = Wish { owner_id, scope: Scope::SharedItems, item_id, purpose: 1, receipt_id };
        app::apply_for_access(&self.accounts, self.passport_of(reader), wish).await.unwrap()
    }

    /// What becomes of them in one batch.
    async fn together(&self, wishes: &[AccessApplication]) -> Vec<Result<Opening, Error>> {
        let mut conn = self.pool().acquire().await.unwrap();
        let decided = app::open_access(&self.clock, &mut conn, wishes).await.unwrap();
        decided.into_iter().map(|one| one.map(|granted| granted.opening())).collect()
    }
}

#[tokio::test]
async fn in_one_batch_each_hears_what_it_would_hear_alone() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let (carl, dora, emma) =
        (house.member("carl").await, house.member("dora").await, house.member("emma").await);
    house.link(&carl, &dora).await;
    house.befriend(&anna, &emma).await;
    sqlx::query("UPDATE session SET ended_at = $1 WHERE session_id = $2")
        .bind(jiff_sqlx::Timestamp::from(house.now()))
        .bind(dora.session_id)
        .execute(house.pool())
        .await
        .unwrap();
    let [seven, eight] = [7, 8].map(|number| Some(Uuid::from_u128(number)));
    let wishes = [
        house.wish(&ben, anna.account_id, seven).await,
        house.wish(&carl, anna.account_id, seven).await,
        house.wish(&dora, carl.account_id, None).await,
        house.wish(&ben, anna.account_id, seven).await,
        house.wish(&emma, anna.account_id, seven).await,
        house.wish(&anna, ben.account_id, None).await,
        house.wish(&ben, anna.account_id, eight).await,
        house.wish_on(&ben, anna.account_id, eight, Some(Uuid::from_u128(99))).await,
        house.wish(&carl, carl.account_id, None).await,
    ];
    let decided = house.together(&wishes).await;
    let [ben_first, carl_out, dora_over, ben_again, emma_in, anna_in, ben_other, no_receipt, carl_self] =
        &decided[..]
    else {
        panic!("an answer to each")
    };
    let receipt = |one: &Result<Opening, Error>| one.as_ref().unwrap().receipt_id;
    assert_eq!(receipt(ben_first), receipt(ben_again), "the same wish has the same receipt");
    assert_ne!(receipt(ben_first), receipt(ben_other));
    assert_eq!(emma_in.as_ref().unwrap().owner_id, anna.account_id);
    assert_ne!(emma_in.as_ref().unwrap().relation_id, ben_first.as_ref().unwrap().relation_id);
    assert_eq!(anna_in.as_ref().unwrap().owner_id, ben.account_id);
    assert!(matches!(carl_out, Err(Error::NothingOpen)));
    assert!(matches!(carl_self, Err(Error::NothingOpen)));
    assert!(matches!(dora_over, Err(Error::SessionOver)));
    assert!(matches!(no_receipt, Err(Error::ReceiptNotFound)));
    // Nothing is written for whoever was refused.
    assert_eq!(house.count("receipt").await, 4);
    // Alone, all of them hear the same.
    for (wish, together) in wishes.iter().zip(&decided) {
        let alone = house.together(std::slice::from_ref(wish)).await.pop().unwrap();
        assert_eq!(format!("{alone:?}"), format!("{together:?}"));
    }
    assert_eq!(house.count("receipt").await, 4);
}

#[tokio::test]
async fn whoever_has_no_turn_left_takes_none_from_the_others() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let mut wishes = Vec::new();
    for _ in 0..125 {
        wishes.push(house.wish(&ben, anna.account_id, None).await);
    }
    wishes.push(house.wish(&anna, ben.account_id, None).await);
    let decided = house.together(&wishes).await;
    let (bens, annas) = decided.split_at(125);
    assert!(annas[0].is_ok());
    assert_eq!(bens.iter().filter(|one| one.is_ok()).count(), 120, "as many as one may at once");
    assert!(bens[120..].iter().all(|one| matches!(one, Err(Error::TooManyOpenings(_)))));
}

#[tokio::test]
async fn what_is_taken_back_between_two_batches_opens_nothing_and_leaves_the_others_alone() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let emma = house.member("emma").await;
    house.befriend(&anna, &emma).await;
    let wishes =
        [house.wish(&ben, anna.account_id, None).await, house.wish(&emma, anna.account_id, None).await];
    assert!(house.together(&wishes).await.iter().all(Result::is_ok));
    house.unlink(&anna).await.unwrap();
    let decided = house.together(&wishes).await;
    assert!(matches!(decided[0], Err(Error::NothingOpen)));
    assert!(decided[1].is_ok());
}
