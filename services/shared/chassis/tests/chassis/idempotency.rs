use chassis::idempotency::{Claim, Outcome, claim, claim_many, release, sweep};
use chassis::migrate;
use jiff::Timestamp;
use uuid::Uuid;

fn write(account: u128, key: u128, body: u8, resource: u128) -> Claim {
    Claim {
        account_id: Uuid::from_u128(account),
        method: "WriteEntry",
        key: Uuid::from_u128(key),
        body_mac: [body; 32],
        resource_id: Uuid::from_u128(resource),
        expires_at: "2024-03-11T07:30:00Z".parse().unwrap(),
    }
}

#[tokio::test]
async fn a_key_stands_for_one_write_of_one_account() {
    let database = candor_tests::postgres().await;
    migrate(database.pool()).await.unwrap();
    migrate(database.pool()).await.unwrap();
    let mut connection = database.pool().acquire().await.unwrap();
    assert_eq!(claim(&mut connection, &write(1, 1, 1, 10)).await.unwrap(), Outcome::Fresh);
    let again = claim(&mut connection, &write(1, 1, 1, 11)).await.unwrap();
    assert_eq!(again, Outcome::Replay(Uuid::from_u128(10)));
    assert_eq!(claim(&mut connection, &write(1, 1, 2, 12)).await.unwrap(), Outcome::Mismatch);
    assert_eq!(claim(&mut connection, &write(2, 1, 1, 13)).await.unwrap(), Outcome::Fresh);
    let other = Claim { method: "LogMood", ..write(1, 1, 1, 14) };
    assert_eq!(claim(&mut connection, &other).await.unwrap(), Outcome::Fresh);
}

#[tokio::test]
async fn many_claims_answer_in_order_even_when_they_repeat_each_other() {
    let database = candor_tests::postgres().await;
    migrate(database.pool()).await.unwrap();
    let mut connection = database.pool().acquire().await.unwrap();
    claim(&mut connection, &write(9, 9, 1, 99)).await.unwrap();
    let claims =
        [write(3, 1, 1, 31), write(9, 9, 1, 1), write(1, 1, 1, 11), write(3, 1, 1, 32), write(3, 1, 2, 33)];
    let outcomes = claim_many(&mut connection, &claims).await.unwrap();
    let replay = |resource| Outcome::Replay(Uuid::from_u128(resource));
    assert_eq!(outcomes, [Outcome::Fresh, replay(99), Outcome::Fresh, replay(31), Outcome::Mismatch]);
    assert_eq!(claim_many(&mut connection, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_write_that_did_not_happen_leaves_its_key_free() {
    let database = candor_tests::postgres().await;
    migrate(database.pool()).await.unwrap();
    let mut lost = database.pool().begin().await.unwrap();
    claim(&mut lost, &write(1, 1, 1, 10)).await.unwrap();
    // The same key at the same moment waits for the first to be decided.
    let pool = database.pool().clone();
    let second = tokio::spawn(async move {
        let mut connection = pool.acquire().await.unwrap();
        claim(&mut connection, &write(1, 1, 1, 11)).await.unwrap()
    });
    lost.rollback().await.unwrap();
    assert_eq!(second.await.unwrap(), Outcome::Fresh);
}

#[tokio::test]
async fn keys_are_forgotten_when_they_expire_a_few_at_a_time() {
    let database = candor_tests::postgres().await;
    migrate(database.pool()).await.unwrap();
    let mut connection = database.pool().acquire().await.unwrap();
    let claims: Vec<Claim> = (0..5).map(|n| write(n, n, 1, n)).collect();
    claim_many(&mut connection, &claims).await.unwrap();
    let later = |text: &str| text.parse::<Timestamp>().unwrap();
    assert_eq!(sweep(&mut connection, later("2024-03-11T07:29:59Z"), 10).await.unwrap(), 0);
    assert_eq!(sweep(&mut connection, later("2024-03-11T07:30:00Z"), 3).await.unwrap(), 3);
    assert_eq!(sweep(&mut connection, later("2024-03-11T07:30:00Z"), 3).await.unwrap(), 2);
    assert_eq!(claim(&mut connection, &claims[0]).await.unwrap(), Outcome::Fresh);
}

#[tokio::test]
async fn a_claim_that_is_released_may_be_made_again() {
    let database = candor_tests::postgres().await;
    migrate(database.pool()).await.unwrap();
    let mut connection = database.pool().acquire().await.unwrap();
    let claims = [write(1, 1, 1, 10), write(1, 2, 1, 20)];
    claim_many(&mut connection, &claims).await.unwrap();
    release(&mut connection, &claims[..1]).await.unwrap();
    release(&mut connection, &[]).await.unwrap();
    let outcomes = claim_many(&mut connection, &claims).await.unwrap();
    assert_eq!(outcomes, [Outcome::Fresh, Outcome::Replay(Uuid::from_u128(20))]);
}
