//! The library's way from files into the database.

use crate::{empty, library, load, now, outbox, version};
use candor_proto::content::v1::ArticlePublished;
use content::app::Loaded;
use prost::Message;

#[tokio::test]
async fn loading_twice_changes_nothing_the_second_time() {
    let database = empty().await;
    let articles = library();
    assert_eq!(load(database.pool(), &articles).await, Loaded { published: articles.len(), withdrawn: 0 });
    let told = outbox(database.pool()).await;
    assert_eq!(told.len(), articles.len());
    assert!(told.iter().all(|event| *event == ("content.v1.article_published".to_owned(), 1)));

    assert_eq!(load(database.pool(), &articles).await, Loaded::default());
    assert_eq!(outbox(database.pool()).await.len(), articles.len());
}

#[tokio::test]
async fn a_changed_file_is_a_new_version_and_one_event() {
    let database = empty().await;
    let mut articles = library();
    load(database.pool(), &articles).await;
    articles[3].title.push_str(", again");
    articles[3].digest[0] ^= 1;
    assert_eq!(load(database.pool(), &articles).await, Loaded { published: 1, withdrawn: 0 });
    assert_eq!(version(database.pool(), &articles[3].id).await, Some(2));
    assert_eq!(version(database.pool(), &articles[2].id).await, Some(1));

    let body: Vec<u8> = sqlx::query_scalar("SELECT body FROM bus.outbox WHERE version = 2")
        .fetch_one(database.pool())
        .await
        .unwrap();
    let event = ArticlePublished::decode(body.as_slice()).unwrap();
    assert_eq!((event.article_id, event.locale, event.version), (articles[3].id.clone(), "en".to_owned(), 2));
}

#[tokio::test]
async fn a_file_that_is_gone_is_no_longer_served_and_counts_on_when_it_returns() {
    let database = empty().await;
    let mut articles = library();
    load(database.pool(), &articles).await;
    let gone = articles.remove(0);
    assert_eq!(load(database.pool(), &articles).await, Loaded { published: 0, withdrawn: 1 });
    assert_eq!(version(database.pool(), &gone.id).await, None);
    assert_eq!(load(database.pool(), &articles).await, Loaded::default());

    articles.push(gone.clone());
    assert_eq!(load(database.pool(), &articles).await, Loaded { published: 1, withdrawn: 0 });
    assert_eq!(version(database.pool(), &gone.id).await, Some(2));
}

#[tokio::test]
async fn many_processes_that_load_at_once_publish_once() {
    let database = empty().await;
    let articles = library();
    let loads = (0..6).map(|_| load(database.pool(), &articles));
    let published: usize = futures::future::join_all(loads).await.iter().map(|loaded| loaded.published).sum();
    assert_eq!(published, articles.len());
    assert_eq!(outbox(database.pool()).await.len(), articles.len());
}

#[tokio::test]
async fn a_load_that_fails_leaves_neither_articles_nor_events() {
    let database = empty().await;
    let mut conn = database.pool().acquire().await.unwrap();
    let mut articles = library();
    articles.last_mut().unwrap().id = "x".repeat(81);
    let mut tx = sqlx::Connection::begin(&mut *conn).await.unwrap();
    content::app::load_library(&mut tx, &articles, now(), &crate::ids()).await.unwrap_err();
    tx.rollback().await.unwrap();
    assert_eq!(version(database.pool(), &articles[0].id).await, None);
    assert!(outbox(database.pool()).await.is_empty());
}
