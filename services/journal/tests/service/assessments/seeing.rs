//! Who sees what, and what is left of it.

use super::{answer, answers, ready};
use crate::stage::{Stage, reason, signed_in};
use candor_proto::journal::v1::share_service_server::ShareService as _;
use candor_proto::journal::v1::{ListSharesRequest, Selection, ShareDepth, ShareItemRequest, ShareKind};
use futures::future::join_all;
use journal::store::couples::{self, Couple};
use tonic::{Code, Status};
use uuid::Uuid;

fn same(one: &Status, other: &Status) -> bool {
    (one.code(), one.message(), one.details()) == (other.code(), other.message(), other.details())
}

#[tokio::test]
async fn what_is_somebody_elses_is_as_what_does_not_exist() {
    let stage = ready().await;
    let (ada, ben) = (stage.member(), stage.member());
    let scored = stage.checked(ada, answers("trust", 5, "often")).await.assessment_id;
    let open = stage.check(ada).await.assessment_id;
    let nowhere = stage.ids.next().to_string();
    let missing = stage.assessment(ben, &nowhere).await.err().unwrap();
    assert_eq!((missing.code(), reason(&missing).as_str()), (Code::NotFound, "ASSESSMENT_NOT_FOUND"));
    for id in [&scored, &open, &nowhere] {
        for refused in [
            stage.assessment(ben, id).await.err(),
            stage.save_answers(ben, id, vec![answer("trust-1", "often")]).await.err(),
            stage.save_answers(ben, id, vec![answer("nothing", "x")]).await.err(),
            stage.score_check(ben, id).await.err(),
            stage.delete_check(ben, id).await.err(),
        ] {
            assert!(same(&refused.unwrap(), &missing));
        }
    }
    assert!(stage.trend(ben, 0, "").await.unwrap().assessments.is_empty());
    assert_eq!(stage.trend(ada, 0, "").await.unwrap().assessments.len(), 2);
}

#[tokio::test]
async fn deleted_is_gone_for_good() {
    let stage = ready().await;
    let ada = stage.member();
    let scored = stage.checked(ada, answers("trust", 5, "often")).await.assessment_id;
    let open = stage.check(ada).await.assessment_id;
    for id in [&scored, &open] {
        stage.delete_check(ada, id).await.unwrap();
        assert_eq!(stage.assessment(ada, id).await.err().unwrap().code(), Code::NotFound);
        assert_eq!(stage.delete_check(ada, id).await.err().unwrap().code(), Code::NotFound);
    }
    assert_eq!((stage.count("assessments").await, stage.count("assessment_scores").await), (0, 0));
    assert!(stage.check(ada).await.answers.is_empty());
}

#[tokio::test]
async fn answers_lie_nowhere_in_the_open_and_their_length_says_nothing() {
    let stage = ready().await;
    let (ada, ben) = (stage.member(), stage.member());
    let adas = stage.check(ada).await.assessment_id;
    let bens = stage.check(ben).await.assessment_id;
    let unanswered: Vec<i32> = lengths(&stage).await;
    let all = ["silence", "unease", "criticism", "affection", "hiding", "trust"];
    let given = all.iter().flat_map(|domain| answers(domain, 5, "nearly-always")).collect();
    stage.save_answers(ada, &adas, given).await.unwrap();
    stage.save_answers(ben, &bens, vec![answer("affection-1", "not-safe")]).await.unwrap();
    assert_eq!(lengths(&stage).await, unanswered);
    assert!(unanswered[0] == unanswered[1]);
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT a::text || encode(a.answers, 'escape') FROM assessments a")
            .fetch_all(&stage.pool)
            .await
            .unwrap();
    assert!(rows.len() == 2 && rows.iter().all(|row| !row.contains("nearly") && !row.contains("affection")));
}

async fn lengths(stage: &Stage) -> Vec<i32> {
    sqlx::query_scalar("SELECT octet_length(answers) FROM assessments").fetch_all(&stage.pool).await.unwrap()
}

#[tokio::test]
async fn answers_that_were_moved_are_not_shown() {
    let stage = ready().await;
    let (ada, ben) = (stage.member(), stage.member());
    let adas = stage.check(ada).await.assessment_id;
    stage.save_answers(ada, &adas, answers("trust", 5, "often")).await.unwrap();
    let bens = stage.check(ben).await.assessment_id;
    sqlx::query("UPDATE assessments SET answers = (SELECT answers FROM assessments WHERE account_id = $1) WHERE account_id = $2")
        .bind(ada)
        .bind(ben)
        .execute(&stage.pool)
        .await
        .unwrap();
    let refused = stage.assessment(ben, &bens).await.err().unwrap();
    assert_eq!(refused.code(), Code::Internal);
    assert!(!format!("{refused:?}").contains("often"));
    assert_eq!(stage.assessment(ada, &adas).await.unwrap().answers.len(), 5);
}

#[tokio::test]
async fn with_the_key_destroyed_nothing_can_be_read() {
    let stage = ready().await;
    let ada = stage.member();
    let missing = stage.assessment(ada, &stage.ids.next().to_string()).await.err().unwrap();
    let scored = stage.checked(ada, answers("trust", 5, "often")).await.assessment_id;
    let open = stage.check(ada).await.assessment_id;
    stage.vault.shred(ada).await.unwrap();
    for id in [&scored, &open] {
        assert!(same(&stage.assessment(ada, id).await.err().unwrap(), &missing));
        assert!(same(&stage.delete_check(ada, id).await.err().unwrap(), &missing));
        for refused in
            [stage.score_check(ada, id).await.err(), stage.save_answers(ada, id, vec![]).await.err()]
        {
            let refused = refused.unwrap();
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::FailedPrecondition, "ACCOUNT_ERASED")
            );
        }
    }
    assert!(stage.trend(ada, 0, "").await.unwrap().assessments.is_empty());
    assert_eq!(reason(&stage.start_with(ada, "", "self-check").await.err().unwrap()), "ACCOUNT_ERASED");
}

/// Links two members, as accounts says it.
async fn link(stage: &Stage, one: Uuid, other: Uuid) {
    let couple = Couple {
        couple_id: stage.ids.next(),
        first_id: one.min(other),
        second_id: one.max(other),
        version: 1,
        changed_at: stage.clock.now(),
    };
    let mut conn = stage.pool.acquire().await.unwrap();
    couples::note(&mut conn, &couple).await.unwrap();
}

async fn share(stage: &Stage, who: Uuid, with: Uuid, item_id: &str) -> Result<(), Status> {
    let request = ShareItemRequest {
        share_id: stage.ids.next().to_string(),
        recipient_account_id: with.to_string(),
        selection: Some(Selection {
            kind: ShareKind::SelfCheck.into(),
            item_id: item_id.to_owned(),
            depth: ShareDepth::Summary.into(),
            domain_ids: vec!["trust".to_owned()],
            ..Default::default()
        }),
        ..Default::default()
    };
    stage.journal.share_item(signed_in(who, request)).await?;
    Ok(())
}

#[tokio::test]
async fn what_was_shared_of_a_deleted_one_ends_with_it() {
    let stage = ready().await;
    let (ada, ben) = (stage.member(), stage.member());
    link(&stage, ada, ben).await;
    let scored = stage.checked(ada, answers("trust", 5, "often")).await.assessment_id;
    let kept = stage.checked(ada, answers("trust", 5, "often")).await.assessment_id;
    let open = stage.check(ada).await.assessment_id;
    let refused = share(&stage, ada, ben, &open).await.err().unwrap();
    assert_eq!(refused.code(), Code::NotFound, "only a result can be shared");
    share(&stage, ada, ben, &scored).await.unwrap();
    share(&stage, ada, ben, &kept).await.unwrap();
    stage.delete_check(ada, &scored).await.unwrap();

    assert_eq!(open_shares(&stage).await, 1);
    let withdrawn: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM bus.outbox WHERE key = 'journal.v1.share_withdrawn'")
            .fetch_one(&stage.pool)
            .await
            .unwrap();
    assert_eq!(withdrawn, 1);
    assert!(share(&stage, ada, ben, &scored).await.is_err());
    let listed = stage.journal.list_shares(signed_in(ada, ListSharesRequest::default())).await.unwrap();
    assert_eq!(listed.into_inner().shares.len(), 2);
}

async fn open_shares(stage: &Stage) -> i64 {
    stage.count("shares WHERE withdraw_time IS NULL").await
}

#[tokio::test]
async fn sharing_and_deleting_at_once_leave_nothing_open_of_what_is_gone() {
    let stage = ready().await;
    let pairs = (0..20).map(|_| async {
        let (ada, ben) = (stage.member(), stage.member());
        link(&stage, ada, ben).await;
        let id = stage.checked(ada, answers("trust", 5, "often")).await.assessment_id;
        let (shared, deleted) = tokio::join!(share(&stage, ada, ben, &id), stage.delete_check(ada, &id));
        deleted.unwrap();
        shared.is_ok()
    });
    join_all(pairs).await;
    assert_eq!(stage.count("assessments").await, 0);
    assert_eq!(open_shares(&stage).await, 0);
}
