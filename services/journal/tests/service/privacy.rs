//! Private text lies nowhere in the open, and goes with its key.

use crate::stage::{entry, mood, reason, stage};
use candor_proto::journal::v1::entry_service_server::EntryService as _;
use candor_proto::journal::v1::{GetEntryRequest, ListEntriesRequest, WriteEntryRequest};
use chassis::database;
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use std::time::Duration;
use tonic::Code;
use vault::Vault;

/// A text that is found nowhere by chance.
pub(crate) const CANARY: &str = "kanarienvogel-7f3a9";

/// Every row of every table, as text: what an operator with a database client could read.
pub(crate) async fn everything(pool: &PgPool) -> Vec<(String, String)> {
    let tables: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_schema::text, table_name::text FROM information_schema.tables
         WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut found = Vec::new();
    for (schema, table) in tables {
        let rows = AssertSqlSafe(format!(r#"SELECT kept::text FROM "{schema}"."{table}" AS kept"#));
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(pool).await.unwrap();
        found.extend(rows.into_iter().map(|row| (format!("{schema}.{table}"), row)));
    }
    found
}

pub(crate) fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn no_table_holds_a_word_of_what_was_written() {
    let stage = stage().await;
    let ada = stage.member();
    let request = WriteEntryRequest {
        title: format!("title {CANARY}"),
        mood: Some(mood(1, 1, &[2])),
        ..entry(stage.ids.next(), &format!("body {CANARY} {CANARY}"))
    };
    stage.write(ada, request.clone()).await.unwrap();
    stage.write(ada, request.clone()).await.unwrap();
    let other = WriteEntryRequest { title: String::new(), ..request.clone() };
    let refused = stage.write(ada, other).await.err().unwrap();
    assert!(!format!("{refused:?}").contains(CANARY));

    let keystore = database::connect(&stage.config.vault.keystore).await.unwrap();
    let mut rows = everything(&stage.pool).await;
    assert!(rows.iter().any(|(table, _)| table.starts_with("public.entries_p")), "the search sees nothing");
    assert!(rows.iter().any(|(table, _)| table == "bus.outbox"));
    rows.extend(everything(&keystore).await);
    for (table, row) in rows {
        for form in [CANARY.to_owned(), hex(CANARY), hex("title "), hex("body ")] {
            assert!(!row.contains(&form), "{table} holds it");
        }
    }
}

#[tokio::test]
async fn the_same_text_twice_shows_nothing_in_common() {
    let stage = stage().await;
    let ada = stage.member();
    for _ in 0..2 {
        stage.write(ada, entry(stage.ids.next(), &"the same ".repeat(100))).await.unwrap();
    }
    let bodies: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT body FROM entries").fetch_all(&stage.pool).await.unwrap();
    let macs: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT request_mac FROM entries").fetch_all(&stage.pool).await.unwrap();
    // Past the version and the key's id.
    assert!(
        bodies[0][17..].windows(8).all(|window| !bodies[1][17..].windows(8).any(|other| other == window))
    );
    assert_ne!(macs[0], macs[1]);
}

#[tokio::test]
async fn a_text_that_was_moved_or_altered_is_not_shown() {
    let stage = stage().await;
    let ada = stage.member();
    let (one, two) = (stage.ids.next(), stage.ids.next());
    for id in [one, two] {
        stage.write(ada, entry(id, CANARY)).await.unwrap();
    }
    sqlx::query(
        "UPDATE entries SET body = (SELECT body FROM entries WHERE entry_id = $1) WHERE entry_id = $2",
    )
    .bind(one)
    .bind(two)
    .execute(&stage.pool)
    .await
    .unwrap();
    let refused = stage.get(ada, &two.to_string()).await.err().unwrap();
    assert_eq!(refused.code(), Code::Internal);
    assert!(!format!("{refused:?}").contains(CANARY));
    assert_eq!(stage.get(ada, &one.to_string()).await.unwrap().body, CANARY);
}

#[tokio::test]
async fn with_its_key_destroyed_an_account_has_no_journal() {
    let stage = stage().await;
    let ada = stage.member();
    let id = stage.ids.next();
    stage.write(ada, WriteEntryRequest { mood: Some(mood(1, 1, &[])), ..entry(id, CANARY) }).await.unwrap();
    let token = {
        stage.write(ada, entry(stage.ids.next(), CANARY)).await.unwrap();
        stage.list(ada, 1, "").await.unwrap().next_page_token
    };
    let missing = stage.get(ada, &stage.ids.next().to_string()).await.err().unwrap();
    stage.vault.shred(ada).await.unwrap();
    let gone = stage.get(ada, &id.to_string()).await.err().unwrap();
    assert_eq!(
        (gone.code(), gone.message(), gone.details()),
        (missing.code(), missing.message(), missing.details())
    );
    for token in ["", &token] {
        assert!(stage.list(ada, 0, token).await.unwrap().entries.is_empty());
        assert!(stage.moods(ada, 0, token).await.unwrap().records.is_empty());
    }
    let refused = stage.write(ada, entry(stage.ids.next(), "more")).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "ACCOUNT_ERASED"));
}

/// A pool of a server that is not there.
fn away() -> PgPool {
    PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(200))
        .connect_lazy("postgres://candor@127.0.0.1:1/away")
        .unwrap()
}

#[tokio::test]
async fn without_the_key_store_or_the_database_it_says_try_again_and_keeps_nothing() {
    let stage = stage().await;
    let ada = stage.member();
    let id = stage.ids.next();
    stage.write(ada, entry(id, "kept")).await.unwrap();
    let kek_file = stage.config.vault.kek_file.clone();
    let keyless =
        Vault::with_store(away(), kek_file, journal::NAME, stage.clock.clone(), stage.ids.clone()).unwrap();
    let no_keys = crate::stage::start(&stage.pool, &keyless, &stage.clock, &stage.ids, Default::default());
    let no_tables = crate::stage::start(&away(), &stage.vault, &stage.clock, &stage.ids, Default::default());
    for journal in [no_keys, no_tables] {
        let refused =
            crate::stage::write(&journal, crate::stage::signed_in(ada, entry(stage.ids.next(), CANARY)))
                .await
                .err()
                .unwrap();
        assert_eq!(refused.code(), Code::Unavailable);
        assert!(!format!("{refused:?}").contains(CANARY));
        let get = GetEntryRequest { entry_id: id.to_string() };
        let refused = journal.get_entry(crate::stage::signed_in(ada, get)).await.err().unwrap();
        assert_eq!(refused.code(), Code::Unavailable);
        let refused = journal
            .list_entries(crate::stage::signed_in(ada, ListEntriesRequest::default()))
            .await
            .err()
            .unwrap();
        assert_eq!(refused.code(), Code::Unavailable);
    }
    assert_eq!(stage.count("entries").await, 1);
}
