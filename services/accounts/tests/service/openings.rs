//! Wishes that are decided together: each is answered as it would be alone.

use crate::{
    kit::House,
    people::{Person, item, shared_items},
};
use accounts::Error;
use accounts::app::{self, AccessApplication, Wish};
use accounts::domain::Scope;
use chassis::identity::capability::Opening;
use futures::future::join_all;
use tonic::Code;
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

    /// What becomes of them in one batch, in which no reader is twice.
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
        house.wish(&emma, anna.account_id, seven).await,
        house.wish(&anna, ben.account_id, None).await,
    ];
    let decided = house.together(&wishes).await;
    let [ben_first, carl_out, dora_over, emma_in, anna_in] = &decided[..] else {
        panic!("an answer to each")
    };
    let again =
        [house.wish(&ben, anna.account_id, seven).await, house.wish(&carl, carl.account_id, None).await];
    let [ben_again, carl_self] = &house.together(&again).await[..] else { panic!("an answer to each") };
    let [ben_other] = &house.together(&[house.wish(&ben, anna.account_id, eight).await]).await[..] else {
        panic!("an answer")
    };
    let named = house.wish_on(&ben, anna.account_id, eight, Some(Uuid::from_u128(99))).await;
    let [no_receipt] = &house.together(&[named]).await[..] else { panic!("an answer") };
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
async fn whoever_asks_for_much_at_once_takes_no_turn_from_others_and_no_more_than_there_are() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let bens = (0..125).map(|_| house.open(&ben, shared_items(anna.account_id)));
    let (bens, annas) = tokio::join!(join_all(bens), house.open(&anna, shared_items(ben.account_id)));
    assert!(annas.is_ok());
    let (open, refused): (Vec<_>, Vec<_>) = bens.into_iter().partition(Result::is_ok);
    assert_eq!(open.len(), 120, "as many as one may at once");
    assert!(refused.iter().all(|one| one.as_ref().err().unwrap().code() == Code::ResourceExhausted));
    assert_eq!(house.count("receipt").await, 2);
}

#[tokio::test]
async fn a_reader_twice_in_one_statement_fails_the_statement() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let wish = house.wish(&ben, anna.account_id, None).await;
    let mut conn = house.pool().acquire().await.unwrap();
    assert!(app::open_access(&house.clock, &mut conn, &[wish.clone(), wish]).await.is_err());
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

#[tokio::test]
async fn a_wish_that_the_database_refuses_fails_alone() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let mut friends = Vec::new();
    for name in ["carl", "dora", "emma", "finn"] {
        let friend = house.member(name).await;
        house.befriend(&anna, &friend).await;
        friends.push(friend);
    }
    let refuses = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE division_by_zero; END';
         CREATE TRIGGER refuses BEFORE INSERT ON receipt FOR EACH ROW WHEN (NEW.reader_id = '{}')
         EXECUTE FUNCTION refuse()",
        ben.account_id
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuses)).execute(house.pool()).await.unwrap();
    let before: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT subject FROM throttle").fetch_all(house.pool()).await.unwrap();
    // The first is on its way when the others come, which are decided together.
    let all = friends.iter().chain([&ben, &friends[0]]).map(|person| house.open(person, item(&anna, 7)));
    let mut opened = join_all(all).await;
    let last = opened.pop().unwrap();
    assert_eq!(opened.pop().unwrap().err().unwrap().code(), Code::Internal);
    assert!(opened.iter().chain([&last]).all(Result::is_ok));
    assert_eq!(house.count("receipt").await, 4);
    // What was tried again took one turn, what failed none.
    let turns: Vec<i64> = sqlx::query_scalar(
        "SELECT (extract(epoch FROM free_at) * 1000)::bigint FROM throttle WHERE subject <> ALL($1) ORDER BY 1",
    )
    .bind(before)
    .fetch_all(house.pool())
    .await
    .unwrap();
    let now = house.now().as_millisecond();
    assert_eq!(turns.iter().map(|free_at| free_at - now).collect::<Vec<_>>(), [500, 500, 500, 1000]);
}
