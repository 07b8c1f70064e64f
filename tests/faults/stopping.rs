//! A process is asked to end while calls run: they finish, it ends well and soon, and whoever comes meanwhile is
//! told to come back.

use crate::member::{Member, PATIENCE, assert_come_back_later};
use crate::stage::Stage;
use candor_tests::{Answer, Rest, eventually};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Postgres, Transaction};
use std::process::ExitStatus;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long a process that was asked to end may take.
const SOON: Duration = Duration::from_secs(10);

/// A call and the table it reads or writes.
struct Call {
    service: &'static str,
    table: &'static str,
    method: &'static str,
    path: &'static str,
}

const CALLS: [Call; 4] = [
    Call { service: "journal", table: "entries", method: "POST", path: "/v1/entries" },
    Call { service: "reminders", table: "inbox_items", method: "GET", path: "/v1/inboxItems" },
    Call { service: "content", table: "articles", method: "GET", path: "/v1/articles" },
    Call { service: "accounts", table: "account", method: "GET", path: "/v1/me" },
];

impl Call {
    fn body(&self) -> Option<Value> {
        (self.method == "POST").then(|| json!({"body": "on the way when the process was asked to end"}))
    }
}

/// A call under way, held up by a lock on its table.
struct Held {
    lock: Transaction<'static, Postgres>,
    answer: JoinHandle<Result<Answer, String>>,
}

impl Held {
    async fn begin(stage: &Stage, member: &Member, call: &Call) -> Self {
        let pool = stage.database(call.service).pool();
        let mut lock = pool.begin().await.unwrap();
        let statement = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", call.table);
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *lock).await.unwrap();
        let (rest, secret, body): (Rest, _, _) = (stage.five.rest(), member.secret.clone(), call.body());
        let (method, path) = (call.method, call.path);
        let answer = tokio::spawn(async move { rest.send(method, path, Some(&secret), body).await });
        let waiting = "pg_locks JOIN pg_database ON pg_database.oid = database \
                       WHERE NOT granted AND datname = current_database()";
        eventually("the call waits for the lock", PATIENCE, async || {
            stage.rows(call.service, waiting).await > 0
        })
        .await;
        Self { lock, answer }
    }

    async fn release(self) -> Answer {
        self.lock.rollback().await.unwrap();
        self.answer.await.unwrap().unwrap()
    }
}

async fn gateway_is_ready(stage: &Stage, ready: bool) {
    let operators = stage.five.operators("gateway");
    eventually(&format!("the gateway's readiness is {ready}"), PATIENCE, async || {
        let answer = operators.send("GET", "/readyz", None, None).await;
        answer.is_ok_and(|answer| (answer.status == 200) == ready)
    })
    .await;
}

fn assert_ended_well(name: &str, status: ExitStatus, asked: Instant) {
    assert_eq!(status.code(), Some(0), "{name}");
    assert!(asked.elapsed() <= SOON, "{name} took {:?}", asked.elapsed());
}

#[tokio::test]
async fn calls_that_run_finish_and_those_that_come_are_told_to_come_back() {
    let mut stage = Stage::shared().await;
    let member = Member::join(&stage.five, "vera@example.org").await;
    member.write(&stage.five, "so that the gateway holds a passport").await;
    for call in &CALLS {
        let held = Held::begin(&stage, &member, call).await;
        let process = stage.five.take(call.service);
        let asked = Instant::now();
        process.ask_to_end();
        gateway_is_ready(&stage, false).await;
        let turned_away = member.send(&stage.five, call.method, call.path, call.body()).await.unwrap();
        assert_come_back_later(&turned_away);
        assert!(process.alive(), "{} finishes its call first", call.service);
        assert_eq!(held.release().await.status, 200, "{} finishes its call", call.service);
        assert_ended_well(call.service, process.ended(SOON).await, asked);

        let away = Instant::now();
        assert_come_back_later(&member.send(&stage.five, call.method, call.path, call.body()).await.unwrap());
        assert!(away.elapsed() < Duration::from_secs(5), "no hang: {:?}", away.elapsed());
        stage.five.up(call.service).await;
        gateway_is_ready(&stage, true).await;
        let back = member.send(&stage.five, call.method, call.path, call.body()).await.unwrap();
        assert_eq!(back.status, 200, "{}: {back:?}", call.service);
    }
    assert_eq!(
        stage.rows("journal", "entries").await,
        3,
        "before, on the way, after: what was turned away is not kept"
    );
    the_gateway_finishes_too(&mut stage, &member).await;
    stage.five.stop().await;
}

async fn the_gateway_finishes_too(stage: &mut Stage, member: &Member) {
    let held = Held::begin(stage, member, &CALLS[0]).await;
    let process = stage.five.take("gateway");
    let asked = Instant::now();
    process.ask_to_end();
    let address = stage.five.address("gateway");
    eventually("the gateway's door is closed", PATIENCE, async || {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    assert!(process.alive(), "the gateway finishes its call first");
    assert_eq!(held.release().await.status, 200, "the gateway finishes its call");
    assert_ended_well("gateway", process.ended(SOON).await, asked);
    stage.five.up("gateway").await;
    member.is_served(&stage.five, "/v1/entries").await;
}
