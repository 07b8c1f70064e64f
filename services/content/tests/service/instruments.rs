//! Instruments: from files into the database, to the others, and to whoever reads them.

use crate::{empty, ids, now, outbox};
use candor_proto::content::v1::instrument_service_server::InstrumentService;
use candor_proto::content::v1::{
    GetInstrumentRequest, Instrument as Shown, InstrumentPublished, ListInstrumentsRequest,
};
use chassis::Clock;
use content::app::instruments::load_instruments;
use content::domain::questionnaire::{FILES, Instrument, parse_files};
use content::rpc::Instruments;
use futures::future::join_all;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgPool};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

fn files() -> Vec<Instrument> {
    parse_files(FILES).unwrap()
}

/// The instruments with another title: another file.
fn retitled(title: &str) -> Vec<Instrument> {
    let changed = |(file, text): &(&'static str, &'static str)| {
        (*file, text.replacen("Am I building walls without noticing?", title, 1))
    };
    let changed: Vec<_> = FILES.iter().map(changed).collect();
    let changed: Vec<_> = changed.iter().map(|(file, text)| (*file, text.as_str())).collect();
    parse_files(&changed).unwrap()
}

async fn load(pool: &PgPool, instruments: &[Instrument]) -> usize {
    let mut conn = pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    let changed = load_instruments(&mut tx, instruments, now(), &ids()).await.unwrap();
    tx.commit().await.unwrap();
    changed
}

async fn get(pool: &PgPool, instrument_id: &str, version: i32) -> Result<Shown, Status> {
    let request = GetInstrumentRequest { instrument_id: instrument_id.to_owned(), version };
    let answer = Instruments::new(pool.clone()).get_instrument(Request::new(request)).await?;
    Ok(answer.into_inner().instrument.unwrap())
}

async fn list(pool: &PgPool) -> Vec<Shown> {
    let request = Request::new(ListInstrumentsRequest {});
    Instruments::new(pool.clone()).list_instruments(request).await.unwrap().into_inner().instruments
}

/// The events in the outbox, with what they are about and its version.
async fn told(pool: &PgPool) -> Vec<(Uuid, i64, InstrumentPublished)> {
    let rows: Vec<(Uuid, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT aggregate_id, version, body FROM bus.outbox
         WHERE key = 'content.v1.instrument_published' ORDER BY version, id",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let decoded = |(about, version, body): (Uuid, i64, Vec<u8>)| {
        (about, version, InstrumentPublished::decode(body.as_slice()).unwrap())
    };
    rows.into_iter().map(decoded).collect()
}

#[tokio::test]
async fn loading_twice_publishes_once_and_the_event_carries_the_file() {
    let database = empty().await;
    assert_eq!(load(database.pool(), &files()).await, FILES.len());
    assert_eq!(load(database.pool(), &files()).await, 0);
    let told = told(database.pool()).await;
    assert_eq!(told.len(), FILES.len());
    let (_, version, event) = told.iter().find(|(_, _, event)| event.instrument_id == "self-check").unwrap();
    assert_eq!((*version, event.version), (1, 1));
    assert_eq!(event.questionnaire, files()[0].text);
    assert!(event.encoded_len() <= 256 * 1024);
}

#[tokio::test]
async fn a_changed_file_is_the_next_version_and_the_ones_before_stay_as_they_were() {
    let database = empty().await;
    let pool = database.pool();
    load(pool, &files()).await;
    let first = get(pool, "self-check", 0).await.unwrap();
    assert_eq!(load(pool, &retitled("What do I notice?")).await, 1);
    assert_eq!(load(pool, &files()).await, 1, "back again is a change too");

    let told = told(pool).await;
    assert_eq!(told.iter().map(|(_, version, _)| *version).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(told.iter().all(|(about, ..)| *about == told[0].0), "they are about one thing");
    let (published, second) =
        (get(pool, "self-check", 0).await.unwrap(), get(pool, "self-check", 2).await.unwrap());
    assert_eq!((published.version, published.title.as_str()), (3, first.title.as_str()));
    assert_eq!((second.version, second.title.as_str()), (2, "What do I notice?"));
    assert!(get(pool, "self-check", 1).await.unwrap() == first);
    let listed = list(pool).await;
    assert_eq!(listed.iter().filter(|found| found.instrument_id == "self-check").count(), 1);
    assert!(listed.iter().all(|found| found.version == 3));
}

#[tokio::test]
async fn an_instrument_whose_file_is_gone_can_still_be_finished() {
    let database = empty().await;
    load(database.pool(), &files()).await;
    assert_eq!(load(database.pool(), &[]).await, 0);
    assert_eq!(get(database.pool(), "self-check", 1).await.unwrap().domains.len(), 6);
}

#[tokio::test]
async fn many_processes_that_load_at_once_publish_once() {
    let database = empty().await;
    let instruments = files();
    let changed = join_all((0..6).map(|_| load(database.pool(), &instruments))).await;
    assert_eq!(changed.iter().sum::<usize>(), instruments.len());
    assert_eq!(outbox(database.pool()).await.len(), instruments.len());
}

#[tokio::test]
async fn anyone_reads_the_self_check_as_it_is_shown_and_as_fhir() {
    let database = empty().await;
    let pool = database.pool();
    load(pool, &files()).await;
    let listed = list(pool).await;
    let listed = listed.iter().find(|found| found.instrument_id == "self-check").unwrap();
    assert!(listed.domains.is_empty() && listed.questionnaire.is_empty() && !listed.validated);

    let shown = get(pool, "self-check", 0).await.unwrap();
    assert_eq!(shown.title, listed.title);
    assert!(shown.description.contains("not validated") && !shown.validated);
    assert_eq!(shown.domains.len(), 6);
    let silence = &shown.domains[0];
    assert_eq!((silence.domain_id.as_str(), silence.items.len()), ("silence", 5));
    let options: Vec<_> = silence.items[0].options.iter().map(|option| option.display.as_str()).collect();
    assert_eq!(options, ["Never", "Rarely", "Sometimes", "Often", "Nearly always"]);
    let warmth = shown.domains.iter().find(|domain| domain.domain_id == "affection").unwrap();
    assert_eq!(warmth.items[0].options.len(), 8);
    let digest = Sha256::digest(&shown.questionnaire);
    assert_eq!(digest.as_slice(), files().iter().find(|file| file.id == "self-check").unwrap().digest);
}

#[tokio::test]
async fn what_there_is_not_is_not_found() {
    let database = empty().await;
    load(database.pool(), &files()).await;
    for (id, version) in [("self-check", 2), ("other", 0), ("", 0)] {
        let refused = get(database.pool(), id, version).await.err().unwrap();
        if id.is_empty() {
            assert_eq!(refused.code(), Code::InvalidArgument);
            continue;
        }
        assert_eq!(refused.code(), Code::NotFound);
        assert_eq!(refused.get_details_error_info().unwrap().reason, "INSTRUMENT_NOT_FOUND");
    }
    let refused = get(database.pool(), "self-check", -1).await.err().unwrap();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn every_version_can_be_told_again() {
    let database = empty().await;
    let pool = database.pool();
    for title in 0..23 {
        load(pool, &retitled(&format!("Title {title}"))).await;
    }
    let first = told(pool).await;
    let told_again =
        content::resnapshot(pool, &bus::Outbox::new(), &Clock::manual(now()), &ids()).await.unwrap();
    assert_eq!(told_again, 23);
    let all = told(pool).await;
    assert_eq!(all.len(), 46);
    for (pair, once) in all.chunks(2).zip(&first) {
        assert!(pair.iter().all(|told| told.0 == once.0 && told.1 == once.1 && told.2 == once.2));
    }
}
