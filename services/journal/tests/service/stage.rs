//! A journal on databases of its own, called as a signed-in member calls it.

use bus::{Outbox, Transport};
use candor_proto::journal::v1::entry_service_server::EntryService;
use candor_proto::journal::v1::mood_service_server::MoodService;
use candor_proto::journal::v1::{
    Entry, GetEntryRequest, ListEntriesRequest, ListEntriesResponse, ListMoodsRequest, ListMoodsResponse,
    Mood, MoodRecord, RecordMoodRequest, WriteEntryRequest,
};
use chassis::identity::{Assurance, Kind, Passport};
use chassis::{Clock, Ids, database};
use jiff::{Timestamp, ToSpan as _};
use journal::config::BatchConfig;
use journal::rpc::Journal;
use sqlx::{AssertSqlSafe, PgPool};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;
use vault::Vault;

/// The moment every test begins.
pub(crate) const NOW: &str = "2024-03-10T07:30:00Z";

pub(crate) struct Stage {
    pub(crate) pool: PgPool,
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) journal: Journal,
    pub(crate) config: journal::Config,
    _files: tempfile::TempDir,
    _databases: [candor_tests::Database; 2],
}

pub(crate) async fn stage() -> Stage {
    stage_with(BatchConfig::default()).await
}

pub(crate) async fn stage_with(batch: BatchConfig) -> Stage {
    let databases = [candor_tests::postgres().await, candor_tests::postgres().await];
    let files = tempfile::tempdir().unwrap();
    let kek_file = files.path().join("kek");
    vault::init_kek(&kek_file).unwrap();
    let clock = Clock::manual(NOW.parse().unwrap());
    let ids = Ids::new(clock.clone());
    let config = journal::Config {
        listen: chassis::config::Listen { address: "127.0.0.1:0".parse().unwrap() },
        database: database::Config::new(databases[0].url()),
        vault: vault::Config { keystore: database::Config::new(databases[1].url()), kek_file },
        accounts_url: "http://127.0.0.1:9".to_owned(),
        bus: None,
        batch,
    };
    let transport = Transport::memory(&[(journal::CONSUMER, journal::consumes())]);
    journal::migrate(config.clone(), transport).await.unwrap();
    let pool = database::connect(&config.database).await.unwrap();
    let vault = Vault::open(&config.vault, journal::NAME, clock.clone(), ids.clone()).await.unwrap();
    let journal = start(&pool, &vault, &clock, &ids, batch);
    Stage { pool, vault, clock, ids, journal, config, _files: files, _databases: databases }
}

pub(crate) fn start(pool: &PgPool, vault: &Vault, clock: &Clock, ids: &Ids, batch: BatchConfig) -> Journal {
    Journal::start(pool.clone(), vault.clone(), Outbox::new(), clock.clone(), ids.clone(), batch)
}

impl Stage {
    /// A member nobody else is.
    pub(crate) fn member(&self) -> Uuid {
        self.ids.next()
    }

    pub(crate) fn advance_hours(&self, hours: i64) {
        self.clock.set(self.clock.now().checked_add(hours.hours()).unwrap());
    }

    pub(crate) async fn write(&self, who: Uuid, request: WriteEntryRequest) -> Result<Entry, Status> {
        write(&self.journal, signed_in(who, request)).await
    }

    pub(crate) async fn get(&self, who: Uuid, entry_id: &str) -> Result<Entry, Status> {
        let request = signed_in(who, GetEntryRequest { entry_id: entry_id.to_owned() });
        Ok(self.journal.get_entry(request).await?.into_inner().entry.unwrap())
    }

    pub(crate) async fn list(
        &self,
        who: Uuid,
        page_size: i32,
        token: &str,
    ) -> Result<ListEntriesResponse, Status> {
        let request = ListEntriesRequest { page_size, page_token: token.to_owned() };
        Ok(self.journal.list_entries(signed_in(who, request)).await?.into_inner())
    }

    pub(crate) async fn record(&self, who: Uuid, request: RecordMoodRequest) -> Result<MoodRecord, Status> {
        Ok(self.journal.record_mood(signed_in(who, request)).await?.into_inner().record.unwrap())
    }

    pub(crate) async fn moods(
        &self,
        who: Uuid,
        page_size: i32,
        token: &str,
    ) -> Result<ListMoodsResponse, Status> {
        let request = ListMoodsRequest { page_size, page_token: token.to_owned() };
        Ok(self.journal.list_moods(signed_in(who, request)).await?.into_inner())
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        sqlx::query_scalar(count).fetch_one(&self.pool).await.unwrap()
    }
}

pub(crate) async fn write(journal: &Journal, request: Request<WriteEntryRequest>) -> Result<Entry, Status> {
    Ok(journal.write_entry(request).await?.into_inner().entry.unwrap())
}

/// A request as it comes out of the identity layer.
pub(crate) fn signed_in<T>(who: Uuid, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(passport(who));
    request
}

pub(crate) fn passport(who: Uuid) -> Passport {
    let now: Timestamp = NOW.parse().unwrap();
    Passport {
        account_id: who,
        kind: Kind::Member,
        session_id: Uuid::from_u128(5),
        authenticated_at: now,
        assurance: Assurance::One,
        expires_at: now.checked_add(60.seconds()).unwrap(),
        scopes: Default::default(),
        suspended: false,
        terms_due: false,
    }
}

pub(crate) fn entry(entry_id: Uuid, body: &str) -> WriteEntryRequest {
    WriteEntryRequest { entry_id: entry_id.to_string(), body: body.to_owned(), ..Default::default() }
}

pub(crate) fn mood(pleasantness: i32, energy: i32, body_signs: &[i32]) -> Mood {
    Mood { pleasantness, energy, body_signs: body_signs.to_vec() }
}

pub(crate) fn proto_time(text: &str) -> prost_types::Timestamp {
    let time: Timestamp = text.parse().unwrap();
    journal::events::to_proto(time)
}

/// The machine-readable reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// The fields a refusal names.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    let violations =
        status.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}
