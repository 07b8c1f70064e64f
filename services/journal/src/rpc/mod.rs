//! gRPC: admits, parses, opens and commits transactions, answers.

mod assessments;
mod check_ins;
mod entries;
mod moods;
mod opened;
mod reader;
mod shares;
mod writer;

use crate::app::{Timeline, open_token};
use crate::config::BatchConfig;
use crate::domain::{Cursor, EntryTime, Invalid, Mood};
use crate::{Error, app};
use bus::Outbox;
use candor_proto::journal::v1 as proto;
use chassis::{Batch, Clock, Fault, Ids};
use jiff::Timestamp;
use sqlx::PgPool;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tonic::metadata::{MetadataMap, MetadataValue};
use uuid::Uuid;
use vault::{DataKey, Vault};

/// The journal's RPCs. Clones share everything.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    pool: PgPool,
    vault: Vault,
    clock: Clock,
    ids: Ids,
    outbox: Outbox,
    writes: Batch<app::WriteEntry, app::Written>,
    reads: Batch<app::received::ReadShare, app::received::Received>,
}

impl Journal {
    /// On the journal's database, key store and outbox; starts the writers of entries and the readers of shares.
    pub fn start(
        pool: PgPool,
        vault: Vault,
        outbox: Outbox,
        clock: Clock,
        ids: Ids,
        batch: BatchConfig,
    ) -> Self {
        let writer = writer::Writer::new(pool.clone(), outbox.clone());
        // Writers outlive the server, which drains first: `close` ends them.
        let write = move |commands| writer.clone().write(commands);
        let reader = reader::Reader::new(pool.clone(), outbox.clone(), clock.clone(), ids.clone());
        let read = move |wishes| reader.clone().read(wishes);
        let never = CancellationToken::new;
        let BatchConfig { max, queue, writers } = batch;
        let writes = Batch::start("journal.write_batch", max, queue, writers, never(), write);
        let reads = Batch::start("journal.read_batch", max, queue, writers, never(), read);
        Self(Arc::new(Inner { pool, vault, clock, ids, outbox, writes, reads }))
    }

    /// Writes and reads what was handed in, and returns when the last of it is answered.
    pub async fn close(&self) {
        self.0.writes.close().await;
        self.0.reads.close().await;
    }

    /// The caller's data key for keeping something.
    async fn key_to_write(&self, account_id: Uuid) -> Result<DataKey, Error> {
        self.0.vault.data_key(account_id).await.map_err(|error| match error {
            vault::Error::Destroyed => Error::AccountErased,
            other => Error::Vault(other),
        })
    }

    /// The caller's data key for reading; `None` once it is destroyed, and with it all that it sealed.
    async fn key_to_read(&self, account_id: Uuid) -> Result<Option<DataKey>, Error> {
        match self.0.vault.data_key(account_id).await {
            Ok(key) => Ok(Some(key)),
            Err(vault::Error::Destroyed) => Ok(None),
            Err(other) => Err(Error::Vault(other)),
        }
    }
}

/// The id a client chose, or none.
fn chosen_id(field: &'static str, id: &str) -> Result<Option<Uuid>, Error> {
    if id.is_empty() {
        return Ok(None);
    }
    Uuid::parse_str(id).map(Some).map_err(|_| Error::Invalid(Invalid { field, rule: "is not a UUID" }))
}

/// The `idempotency-key` a client sent beside the message, if it did: over HTTP, the header `Idempotency-Key`.
struct SentKey(Option<MetadataValue<tonic::metadata::Ascii>>);

impl SentKey {
    fn of(metadata: &MetadataMap) -> Self {
        Self(metadata.get("idempotency-key").cloned())
    }

    fn parse(&self) -> Result<Option<Uuid>, Error> {
        let Some(value) = &self.0 else { return Ok(None) };
        let key =
            value.to_str().ok().filter(|text| text.len() == 36).and_then(|text| Uuid::parse_str(text).ok());
        key.map(Some).ok_or(Error::Invalid(Invalid { field: "idempotency-key", rule: "is not a UUID" }))
    }
}

/// A moment the client sent, or now.
fn moment(
    field: &'static str,
    sent: Option<prost_types::Timestamp>,
    now: Timestamp,
) -> Result<EntryTime, Error> {
    let time = sent.map_or(Ok(now), |sent| instant(field, sent))?;
    Ok(EntryTime::parse(field, time, now)?)
}

/// A moment the client sent, whichever.
fn instant(field: &'static str, sent: prost_types::Timestamp) -> Result<Timestamp, Error> {
    let valid = (0..1_000_000_000).contains(&sent.nanos);
    let time = valid.then(|| Timestamp::new(sent.seconds, sent.nanos).ok()).flatten();
    Ok(time.ok_or(Invalid { field, rule: "is not a moment in time" })?)
}

/// Where a page begins.
fn page_start(data_key: &DataKey, timeline: Timeline, token: &str) -> Result<Cursor, Error> {
    if token.is_empty() { Ok(Cursor::newest()) } else { open_token(data_key, timeline, token) }
}

fn mood_from_proto(mood: &proto::Mood) -> Result<Mood, Invalid> {
    Mood::parse(mood.pleasantness, mood.energy, &mood.body_signs)
}

fn mood_to_proto(mood: &Mood) -> proto::Mood {
    proto::Mood {
        pleasantness: mood.pleasantness().into(),
        energy: mood.energy().into(),
        body_signs: mood.body_signs().map(|sign| sign.number().into()).collect(),
    }
}

fn to_proto(time: Timestamp) -> Option<prost_types::Timestamp> {
    Some(app::to_proto(time))
}

/// The database's failures, as faults.
fn database(error: sqlx::Error) -> Fault {
    Error::Database(error).into()
}
