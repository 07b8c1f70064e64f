//! Shares that are read together: the audience is asked for each.

use super::{pair, reads};
use chassis::audience;
use chassis::identity::capability::{Capability, Opening};
use jiff::SignedDuration;
use journal::Error;
use journal::app::received::{ReadShare, find_received};
use uuid::Uuid;

#[tokio::test]
async fn in_one_batch_each_reads_what_is_open_to_them_and_leaves_a_receipt_for_that_alone() {
    let pair = pair().await;
    let stage = &pair.stage;
    let first = pair.share(pair.topic("first")).await;
    let second = pair.share(pair.topic("second")).await;
    let withdrawn = pair.share(pair.topic("withdrawn")).await.share_id;
    pair.withdraw(&withdrawn).await.unwrap();
    let damaged = pair.share(pair.topic("damaged")).await.share_id;
    sqlx::query("UPDATE shares SET rendering = set_byte(rendering, 40, get_byte(rendering, 40) # 1) WHERE share_id = $1")
        .bind(damaged.parse::<Uuid>().unwrap())
        .execute(&stage.pool)
        .await
        .unwrap();
    let owner_key = stage.vault.data_key(pair.ada).await.unwrap();
    let wish = |share_id: &str| {
        let share_id: Uuid = share_id.parse().unwrap();
        ReadShare::new(pair.opening(Some(share_id)), share_id, owner_key.clone())
    };
    let changed = |share_id: &str, change: &dyn Fn(Capability) -> Capability| {
        let mut wish = wish(share_id);
        wish.capability = change(wish.capability);
        wish
    };
    let wishes = [
        wish(&first.share_id),
        wish(&withdrawn),
        wish(&second.share_id),
        wish(&first.share_id),
        changed(&first.share_id, &|capability| Capability { reader_id: stage.member(), ..capability }),
        changed(&first.share_id, &|capability| Capability {
            opening: Opening { relation_id: stage.ids.next(), ..capability.opening },
            ..capability
        }),
        changed(&first.share_id, &|capability| Capability {
            expires_at: stage.clock.now() - SignedDuration::from_secs(1),
            ..capability
        }),
        wish(&damaged),
        wish(&stage.ids.next().to_string()),
    ];
    let before = reads(&stage.pool).await.len();
    let mut transaction = stage.pool.begin().await.unwrap();
    let (read, _) =
        find_received(&mut transaction, &wishes, stage.clock.now(), &stage.ids, None).await.unwrap();
    transaction.commit().await.unwrap();

    let rendering = |at: usize| read[at].as_ref().ok().map(|(_, rendering)| rendering.clone());
    assert!(
        rendering(0) == first.rendering
            && rendering(2) == second.rendering
            && rendering(3) == first.rendering
    );
    for refused in [1, 4, 5, 6, 8] {
        assert!(matches!(read[refused], Err(Error::ShareNotFound)), "wish {refused}");
    }
    assert!(matches!(read[7], Err(Error::Unreadable(_))));
    let told = reads(&stage.pool).await.split_off(before);
    let mut told: Vec<_> = told.into_iter().map(|(receipt_id, items, _)| (receipt_id, items)).collect();
    let mut expected: Vec<_> = [0, 2, 3]
        .map(|at: usize| (wishes[at].capability.opening.receipt_id, vec![wishes[at].share_id.to_string()]))
        .into();
    told.sort();
    expected.sort();
    assert_eq!(told, expected, "a receipt counts for what was opened, and for nothing else");
}

#[tokio::test]
async fn readers_who_come_at_once_are_each_answered_with_what_they_asked_for() {
    let pair = std::sync::Arc::new(pair().await);
    let mut made = Vec::new();
    for number in 0..8 {
        made.push(pair.share(pair.topic(&format!("number {number}"))).await);
    }
    let reading = (0..64).map(|n| {
        let (pair, share) = (pair.clone(), made[n % made.len()].clone());
        tokio::spawn(async move {
            let opening = pair.opening(Some(share.share_id.parse().unwrap()));
            let read = super::received(pair.journal(), &opening, &share.share_id).await.unwrap();
            assert!(read.rendering == share.rendering);
        })
    });
    for one in futures::future::join_all(reading).await {
        one.unwrap();
    }
    assert_eq!(reads(&pair.stage.pool).await.len(), 64);
}

#[tokio::test]
async fn what_ended_before_a_batch_is_closed_in_it_and_its_neighbours_are_not() {
    let pair = pair().await;
    let stage = &pair.stage;
    let share = pair.share(pair.topic("first")).await;
    let share_id: Uuid = share.share_id.parse().unwrap();
    let owner_key = stage.vault.data_key(pair.ada).await.unwrap();
    let wish = |change: &dyn Fn(Capability) -> Capability| {
        ReadShare::new(change(pair.opening(Some(share_id))), share_id, owner_key.clone())
    };
    let (ended, now) = (stage.ids.next(), stage.clock.now());
    audience::end_session(&mut stage.pool.acquire().await.unwrap(), ended, now).await.unwrap();
    audience::raise_epoch(&mut stage.pool.acquire().await.unwrap(), pair.ada, pair.ben, 1).await.unwrap();
    let of_epoch =
        |epoch| move |one: Capability| Capability { opening: Opening { epoch, ..one.opening }, ..one };
    let wishes = [
        wish(&of_epoch(1)),
        wish(&of_epoch(0)),
        wish(&|one| Capability { session_id: ended, ..of_epoch(1)(one) }),
        wish(&of_epoch(1)),
    ];
    let mut transaction = stage.pool.begin().await.unwrap();
    let (read, _) = find_received(&mut transaction, &wishes, now, &stage.ids, None).await.unwrap();
    let open: Vec<_> = read.iter().map(Result::is_ok).collect();
    assert_eq!(open, [true, false, false, true]);
    assert!([1, 2].iter().all(|at: &usize| matches!(read[*at], Err(Error::ShareNotFound))));
}

#[tokio::test]
async fn a_read_that_cannot_be_told_of_fails_alone() {
    let pair = pair().await;
    let share = pair.share(pair.topic("first")).await;
    let openings: Vec<_> = (0..12).map(|_| pair.opening(Some(share.share_id.parse().unwrap()))).collect();
    let refuses = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE division_by_zero; END';
         CREATE TRIGGER refuses BEFORE INSERT ON bus.outbox FOR EACH ROW WHEN (NEW.aggregate_id = '{}')
         EXECUTE FUNCTION refuse()",
        openings[7].opening.receipt_id
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuses)).execute(&pair.stage.pool).await.unwrap();
    // The first are on their way when the others come, which are read together.
    let reading = openings.iter().map(|opening| super::received(pair.journal(), opening, &share.share_id));
    let read = futures::future::join_all(reading).await;
    for (at, one) in read.iter().enumerate() {
        assert_eq!(one.is_ok(), at != 7, "reader {at}");
    }
    assert_eq!(read[7].as_ref().err().unwrap().code(), tonic::Code::Internal);
    assert_eq!(reads(&pair.stage.pool).await.len(), 11, "nobody's read is told of twice");
}
