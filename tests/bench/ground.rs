//! What everything is measured on: one PostgreSQL that waits for its disk, one RabbitMQ, and Candor's processes.

use crate::arguments::Arguments;
use crate::durable;
use candor_tests::five::{Five, KEYS, SERVICES, Servers};
use candor_tests::{Process, Rabbit, binary};
use private_postgres::{Options, Server};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tempfile::TempDir;

/// As a database server of this size is set up, durability untouched. Both sides of every ratio stand on it.
const SETTINGS: [(&str, &str); 8] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("shared_buffers", "1GB"),
    ("max_wal_size", "4GB"),
    ("random_page_cost", "1.1"),
    ("checkpoint_timeout", "30min"),
    ("max_connections", "500"),
    // Tells when a row was committed, by the server's own clock.
    ("track_commit_timestamp", "on"),
];

/// The servers, and how long to measure.
pub(crate) struct Ground {
    pub(crate) arguments: Arguments,
    postgres: Server,
    rabbit: Rabbit,
    folder: TempDir,
}

impl Ground {
    /// Starts both servers on free ports, with their data below `target`, which is on a disk.
    pub(crate) async fn prepare(arguments: &Arguments) -> Self {
        let place = crate::scratch();
        std::fs::create_dir_all(&place).unwrap();
        let folder = tempfile::Builder::new().prefix("servers-").tempdir_in(place).unwrap();
        let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let data = folder.path().join("postgres");
        let options = Options { folder: data, install: true, settings, ..Options::default() };
        let postgres = Server::start(options).await.expect("PostgreSQL starts");
        let rabbit = Rabbit::start_in(folder.path()).await;
        assert!(rabbit.folder().starts_with(crate::scratch()), "the broker's disk is PostgreSQL's");
        Self { arguments: arguments.clone(), postgres, rabbit, folder }
    }

    /// Where what lasts as long as the run may lie.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The broker.
    pub(crate) fn amqp_url(&self) -> String {
        self.rabbit.url()
    }

    /// Stops the broker in its tracks, until what is returned is dropped: events wait in their outboxes.
    pub(crate) fn silence(&self) -> Silence<'_> {
        self.rabbit.freeze();
        Silence(&self.rabbit)
    }

    /// A new, empty database, and the URL of the role that owns it.
    pub(crate) async fn database(&self, name: &str) -> String {
        let url = self.postgres.create_database(name, name).await.expect("a database");
        for role in [&url, &self.superuser(name)] {
            durable::settings(role).await;
        }
        url
    }

    /// The superuser's URL for a database.
    pub(crate) fn superuser(&self, database: &str) -> String {
        self.postgres.url(database).expect("the superuser's password")
    }

    /// A pool of the superuser's on a database, for preparing and for looking at what happened.
    pub(crate) fn pool(&self, database: &str) -> PgPool {
        let url = self.superuser(database);
        PgPoolOptions::new().max_connections(4).connect_lazy(&url).unwrap()
    }

    /// The servers' addresses for one Candor of its own; `tag` tells it from others.
    pub(crate) async fn servers(&self, tag: &str) -> Servers {
        let mut databases = BTreeMap::new();
        for name in SERVICES.into_iter().chain([KEYS]) {
            databases.insert(name, self.database(&database_name(name, tag)).await);
        }
        Servers { databases, amqp_url: self.amqp_url(), exchange: format!("bench.{tag}") }
    }

    /// All five processes of one Candor, ready.
    pub(crate) async fn candor(&self, tag: &'static str) -> Candor {
        let five = Five::start_on_the_machines_clock(self.servers(tag).await).await;
        let pools = SERVICES.map(|service| (service, self.pool(&database_name(service, tag))));
        Candor { five, next_account: AtomicU64::new(1), pools: pools.into_iter().collect() }
    }

    /// A database with the journal's tables and nobody who works on it: for what is measured without Candor.
    pub(crate) async fn bare_journal(&self, tag: &str) -> String {
        let name = format!("bare_{tag}");
        let url = self.database(&name).await;
        let mut servers = self.servers(&name).await;
        servers.databases.insert("journal", url);
        let five = Five::new(servers);
        let log = self.folder().join(format!("{name}.log"));
        let migration = Process::spawn(&binary("journal"), &["migrate"], &five.settings("journal"), &log);
        assert!(migration.ended(Duration::from_secs(60)).await.success(), "{name}: see {}", log.display());
        self.superuser(&name)
    }

    /// Stops the servers.
    pub(crate) async fn stop(self) {
        let Self { postgres, mut rabbit, .. } = self;
        rabbit.kill(); // nothing in it is worth six seconds
        postgres.stop().await;
    }
}

/// While this lives, the broker does nothing.
pub(crate) struct Silence<'a>(&'a Rabbit);

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        self.0.thaw();
    }
}

fn database_name(service: &str, tag: &str) -> String {
    format!("{service}_{tag}")
}

/// Waits for a condition, asking seldom: whoever asks takes from what is measured.
async fn patiently(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    for _ in 0..600 {
        ticks.tick().await;
        if condition().await {
            return;
        }
    }
    panic!("this did not come true within two minutes: {what}");
}

/// One Candor: its processes, and a look into its databases.
pub(crate) struct Candor {
    pub(crate) five: Five,
    /// The number of whoever joins next.
    pub(crate) next_account: AtomicU64,
    pools: BTreeMap<&'static str, PgPool>,
}

impl Candor {
    /// A look into a service's database.
    pub(crate) fn pool(&self, service: &str) -> &PgPool {
        &self.pools[service]
    }

    /// A number that a service's database knows.
    pub(crate) async fn count(&self, service: &str, what: &str) -> u64 {
        let query = AssertSqlSafe(format!("SELECT count(*) FROM {what}"));
        let count: i64 = sqlx::query_scalar(query).fetch_one(self.pool(service)).await.unwrap();
        u64::try_from(count).unwrap()
    }

    /// Waits until every event of the journal is with the broker, and these consumers have handled what is for them.
    pub(crate) async fn settle(&self, consumers: &[&str]) {
        let waiting = "SELECT EXISTS (SELECT FROM bus.outbox)";
        patiently("every event is published", async || {
            !sqlx::query_scalar::<_, bool>(waiting).fetch_one(self.pool("journal")).await.unwrap()
        })
        .await;
        for consumer in consumers {
            let keys = match *consumer {
                "accounts" => "'journal.v1.data_read'",
                _ => "'journal.v1.entry_written', 'journal.v1.item_shared'",
            };
            let told = self.count("journal", &format!("bus.log WHERE key IN ({keys})")).await;
            let handled = format!("bus.inbox WHERE consumer = '{consumer}'");
            patiently("every event is handled", async || self.count(consumer, &handled).await == told).await;
        }
    }

    /// Stops some of its processes for good; the others do without.
    pub(crate) async fn without(&mut self, programs: &[&'static str]) {
        for program in programs {
            assert!(self.five.take(program).stop().await.success(), "{program} ends");
        }
    }

    /// Ends it.
    pub(crate) async fn stop(self) {
        for pool in self.pools.values() {
            pool.close().await;
        }
        self.five.stop().await;
    }
}
