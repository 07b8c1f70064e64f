//! Others who do the same append: a Fastify server and one of Django REST Framework, written in `peers/`, with the
//! versions of npm's and PyPI's packages that are pinned there.

use crate::append::{TWO_INSERTS, variables};
use crate::entries::text;
use crate::ground::Ground;
use crate::http::Http;
use crate::load::{self, Measure, closed};
use crate::pgbench::Pgbench;
use crate::rounds::{RATE, Side, side, take};
use crate::table::{Goal, Row};
use candor_tests::{Process, eventually, free_address};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sqlx::{AssertSqlSafe, PgPool};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;
use uuid::Uuid;

/// How long a registry may take to give what is asked of it.
const PATIENCE: Duration = Duration::from_secs(240);
/// Whose entries they are: as many accounts as pgbench writes for.
const ACCOUNTS: u128 = 256;
const PGBENCH: &str = "pgbench, two inserts, 32 clients";

/// A framework, and how a server of it is installed and started.
struct Kind {
    name: &'static str,
    registry: &'static str,
    install: &'static str,
    start: &'static str,
}

/// Commands of a shell in the folder of the peers; `$PORT` and `$DATABASE_URL` are theirs.
const KINDS: [Kind; 2] = [
    Kind {
        name: "Fastify and node-postgres, the same append",
        registry: "npm",
        install: "npm ci --no-audit --no-fund --loglevel=error",
        start: "exec node fastify.mjs $PORT $DATABASE_URL 2 8",
    },
    Kind {
        name: "Django REST Framework, the same append",
        registry: "PyPI",
        install: "test -x venv/bin/python || python3 -m venv venv; \
                  venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt",
        start: "exec venv/bin/gunicorn --workers 2 --threads 8 --worker-class gthread --graceful-timeout 2 --no-control-socket \
                --bind 127.0.0.1:$PORT \
                django_rest:application",
    },
];

/// Measures the section.
pub(crate) async fn measure(ground: &Ground) -> Vec<Row> {
    let bare = ground.bare_journal("peers").await;
    let (variables, time) = (variables(), ground.arguments.turn);
    let pgbench = Pgbench { url: &bare, script: TWO_INSERTS, variables: &variables };
    let folder = unpack();
    let (mut peers, mut missing) = (Vec::new(), Vec::new());
    for (number, kind) in KINDS.iter().enumerate() {
        match install(kind, &folder).await {
            Ok(()) => peers.push(Peer::start(ground, kind, &folder, number).await),
            Err(why) => missing.push((kind, why)),
        }
    }
    let mut sides: Vec<Side<'_>> = vec![side(PGBENCH, || pgbench.run(32, time))];
    sides.extend(peers.iter().map(|peer| side(peer.kind.name, || peer.turn(time))));
    let rounds = take(ground, sides).await;
    let row = |name: &'static str| Row {
        figure: format!("{name}, 32 in flight"),
        ours: rounds.median(name, RATE),
        beside: PGBENCH,
        denominator: Some(rounds.median(PGBENCH, RATE)),
        ratio: Some(rounds.ratio(name, PGBENCH, RATE)),
        unit: "/s",
        goal: Goal::None,
    };
    let mut rows: Vec<Row> = peers.iter().map(|peer| row(peer.kind.name)).collect();
    rows.extend(missing.into_iter().map(|(kind, why)| Row {
        figure: format!("{}: not measured, cannot be installed from {}: {why}", kind.name, kind.registry),
        ours: f64::NAN,
        beside: "",
        denominator: None,
        ratio: None,
        unit: "/s",
        goal: Goal::None,
    }));
    for peer in peers {
        assert!(peer.process.stop().await.code().is_none_or(|code| code == 0), "{} ends", peer.kind.name);
    }
    rows
}

/// Copies the peers to where their packages may lie, which stay there for the next run.
fn unpack() -> PathBuf {
    let folder = crate::scratch().join("peers");
    std::fs::create_dir_all(&folder).unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    for file in std::fs::read_dir(sources).unwrap().flatten() {
        std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    folder
}

/// Installs a peer, or says why it cannot be: the registry may be away, or its own tools.
async fn install(kind: &Kind, folder: &Path) -> Result<(), String> {
    let mut command = Command::new("sh");
    command.args(["-ec", kind.install]).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let done = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = done.map_err(|_| format!("it took more than {} s", PATIENCE.as_secs()))?;
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    eprintln!("  {} cannot be installed: {}; it said:\n{said}", kind.name, output.status);
    Err(format!("{}, {}", output.status, said.lines().next_back().unwrap_or("and nothing was said")))
}

/// A server that runs.
struct Peer<'a> {
    kind: &'a Kind,
    process: Process,
    http: Http,
    pool: PgPool,
    tokens: Arc<Vec<String>>,
}

impl<'a> Peer<'a> {
    async fn start(ground: &Ground, kind: &'a Kind, folder: &Path, number: usize) -> Self {
        let name = format!("peer_{number}");
        let url = ground.database(&name).await;
        let pool = PgPool::connect(&url).await.unwrap();
        let schema = std::fs::read_to_string(folder.join("schema.sql")).unwrap();
        sqlx::raw_sql(AssertSqlSafe(schema)).execute(&pool).await.unwrap();
        let address = free_address();
        let settings = [("PORT".to_owned(), address.port().to_string()), ("DATABASE_URL".to_owned(), url)];
        let script = format!("cd {}; {}", folder.display(), kind.start);
        let log = ground.folder().join(format!("{name}.log"));
        let process = Process::spawn(Path::new("sh"), &["-ec", &script], &settings, &log);
        eventually(&format!("{} answers", kind.name), Duration::from_secs(60), async || {
            assert!(process.alive(), "{}: {}", kind.name, process.log());
            tokio::net::TcpStream::connect(address).await.is_ok()
        })
        .await;
        let http = Http::new(format!("http://{address}"));
        Self { kind, process, http, pool, tokens: Arc::new((1..=ACCOUNTS).map(token).collect()) }
    }

    /// A turn; as many rows are there afterwards as were answered.
    async fn turn(&self, time: Duration) -> Measure {
        let before = self.count().await;
        let (http, tokens, ids) = (self.http.clone(), self.tokens.clone(), load::ids());
        let outcome = closed(32, time, move |lane, call| {
            let (http, tokens, body) = (http.clone(), tokens.clone(), text(ids.next()));
            // The lanes begin apart and walk through all accounts.
            let account = (lane * 8 + usize::try_from(call).unwrap_or_default()) % tokens.len();
            async move {
                let answer =
                    http.post("/entries", &tokens[account], format!(r#"{{"text":"{body}"}}"#)).await?;
                let answer: serde_json::Value = serde_json::from_slice(&answer).map_err(|e| e.to_string())?;
                let id = answer["id"].as_str().and_then(|id| Uuid::try_parse(id).ok());
                id.map(drop).ok_or_else(|| "no id was answered".to_owned())
            }
        });
        let outcome = outcome.await;
        assert_eq!(self.count().await - before, outcome.answered, "{}: every entry is there", self.kind.name);
        outcome.measure
    }

    async fn count(&self) -> u64 {
        let both = "SELECT LEAST((SELECT count(*) FROM entries), (SELECT count(*) FROM outbox))";
        let count: i64 = sqlx::query_scalar(both).fetch_one(&self.pool).await.unwrap();
        u64::try_from(count).unwrap()
    }
}

/// An account's token, as both peers check it.
fn token(account: u128) -> String {
    let account = Uuid::from_u128(account).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
    mac.update(account.as_bytes());
    let code: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{account}.{code}")
}
