//! The operator's commands as an operator sees them: on a Candor that runs, that is stopped, and on given databases.
#![allow(clippy::unwrap_used, clippy::panic)] // tests: what fails, fails the test

use bus::{Envelope, outbox};
use candor_tests::{Process, eventually, postgres};
use private_postgres::Access;
use sqlx::{Connection, PgConnection};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use uuid::Uuid;

const EVENT: Uuid = Uuid::from_u128(0x0199_dead_0000_7000_8000_0000_0000_0001);
const ABOUT: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0002);

/// What a command said, and whether it succeeded.
struct Said {
    succeeded: bool,
    out: String,
    err: String,
}

impl Said {
    /// Its answer, when it succeeded.
    #[track_caller]
    fn answer(self) -> String {
        assert!(self.succeeded, "{}{}", self.out, self.err);
        self.out
    }

    /// Its complaint, after what it logged on the way.
    #[track_caller]
    fn complaint(self) -> String {
        assert!(!self.succeeded, "{}", self.out);
        self.err.trim_end().lines().last().unwrap_or_default().to_owned()
    }

    /// Its complaint: one sentence.
    #[track_caller]
    fn refusal(self) -> String {
        assert!(!self.succeeded, "{}", self.out);
        assert_eq!(self.err.trim_end().lines().count(), 1, "{}", self.err);
        self.err
    }
}

fn candor(data: &Path, arguments: &str, settings: &[(&str, String)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
    command.args(arguments.split(' ')).arg("--data").arg(data);
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { succeeded: status.success(), out: text(stdout), err: text(stderr) }
}

async fn run(folder: &Path) -> Process {
    let (data, ready) = (folder.join("data"), folder.join("ready.json"));
    let arguments = ["run", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--data"];
    let places = [data.to_str().unwrap(), "--ready-file", ready.to_str().unwrap()];
    let arguments: Vec<&str> = arguments.into_iter().chain(places).collect();
    let program = Path::new(env!("CARGO_BIN_EXE_candor"));
    let process = Process::spawn(program, &arguments, &[], &folder.join("log"));
    process.wrote(&ready).await;
    process
}

/// An event of the journal that nobody can read.
async fn tell_nonsense(data: &Path) {
    let url = Access::of_running(&data.join("postgres")).unwrap().url("journal").unwrap();
    let mut journal = PgConnection::connect(&url).await.unwrap();
    let event = Envelope {
        id: EVENT,
        key: "journal.v1.entry_written".to_owned(),
        aggregate_id: ABOUT,
        version: 1,
        time: "2026-03-02T09:00:00Z".parse().unwrap(),
        traceparent: None,
        body: b"\x0a\x7fprivate".to_vec().into(),
    };
    outbox::append(&mut journal, &[event]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_candor_that_runs_and_on_one_that_is_stopped() {
    let folder = tempfile::Builder::new().prefix("candor-operate-").tempdir().unwrap();
    let data = folder.path().join("data");
    let candor = |arguments: &str| candor(&data, arguments, &[]);
    let process = run(folder.path()).await;

    assert_eq!(candor("bus dead").answer(), "No dead letters in accounts, journal, reminders, content.\n");
    tell_nonsense(&data).await;
    eventually("both consumers have given it up", Duration::from_secs(30), async || {
        candor("bus dead").answer().matches(&EVENT.to_string()).count() == 2
    })
    .await;
    let listed = candor("bus dead reminders").answer();
    for shown in ["journal.v1.entry_written", &ABOUT.to_string(), "UNDECODABLE", "1 dead letter in reminders"]
    {
        assert!(listed.contains(shown), "{shown} in {listed}");
    }
    assert!(!listed.contains("private") && !listed.contains("content"), "{listed}");
    let revived = candor(&format!("bus replay content {EVENT}")).answer();
    assert!(revived.starts_with("1 dead letter in content will be tried again"), "{revived}");
    assert!(candor(&format!("bus replay content {ABOUT}")).refusal().contains("no dead letter"));
    assert!(!candor("bus replay content").succeeded, "one or all is to be said");
    assert!(candor("bus replay accounts --all").answer().contains("no dead letters"));

    assert!(candor("bus resnapshot journal").answer().starts_with("0 events in the outbox of journal"));
    assert!(candor("bus resnapshot accounts").answer().starts_with("0 events"));
    assert!(candor("bus resnapshot content").answer().starts_with("12 events"));
    assert!(candor("bus resnapshot reminders").refusal().contains("no state that others keep"));
    keys_are_exchanged(&candor);
    what_was_done_is_in_the_audit(&data).await;
    assert!(candor("audit verify").answer().contains("The audit is what was recorded"));
    assert!(process.stop().await.success());

    // Its private server is started for the command, and stopped again.
    assert!(candor("bus dead reminders").answer().contains(&EVENT.to_string()));
    assert!(candor("bus replay reminders --all").answer().contains("1 dead letter in reminders"));
    assert!(candor("bus dead reminders").answer().contains("No dead letters in reminders."));
    assert!(candor("vault status").answer().contains("all under the newest key"));
    assert!(Access::of_running(&data.join("postgres")).is_none());
    let again = run(folder.path()).await;
    assert!(again.stop().await.success(), "what was sealed before still opens");
}

fn keys_are_exchanged(candor: &impl Fn(&str) -> Said) {
    let before = candor("vault status").answer();
    let older = before.split_whitespace().find(|word| word.starts_with("kek-")).unwrap().to_owned();
    assert!(before.contains("newest") && before.contains("all under the newest key."), "{before}");
    assert!(candor(&format!("vault remove {older}")).refusal().contains("needs its newest key"));
    let rotated = candor("vault rotate").answer();
    let newest = rotated.split_whitespace().next().unwrap().to_owned();
    assert!(newest.starts_with("kek-") && newest != older, "{rotated}");
    let between = candor("vault status").answer();
    assert!(between.contains("still under an older key"), "{between}");
    assert!(candor(&format!("vault remove {older}")).refusal().contains("so it stays"));
    let moved = candor("vault rewrap").answer();
    assert!(moved.contains(&newest) && moved.contains(&format!("`candor vault remove {older}`")), "{moved}");
    assert!(candor("vault rewrap").answer().starts_with("0 data keys moved; "));
    assert!(candor(&format!("vault remove {older}")).answer().contains("is no longer in"));
    assert!(candor(&format!("vault remove {older}")).refusal().contains("no key of that id"));
    let after = candor("vault status").answer();
    assert!(after.contains(&newest) && !after.contains(&older), "{after}");
}

/// What changed something is recorded once, as done at the machine; what only looked, failed or found nothing to do is not.
async fn what_was_done_is_in_the_audit(data: &Path) {
    let url = Access::of_running(&data.join("postgres")).unwrap().url("accounts").unwrap();
    let mut accounts = PgConnection::connect(&url).await.unwrap();
    let done: Vec<(String, String, String)> =
        sqlx::query_as("SELECT actor_kind, action, details FROM audit_record ORDER BY record_id")
            .fetch_all(&mut accounts)
            .await
            .unwrap();
    accounts.close().await.unwrap();
    let actions: Vec<_> = done.iter().map(|(_, action, _)| action.as_str()).collect();
    assert_eq!(
        actions,
        ["events_replayed", "state_told_again", "key_added", "keys_rewrapped", "key_removed"]
    );
    assert!(done.iter().all(|(kind, ..)| kind == "machine"), "{done:?}");
    assert_eq!(done[0].2, format!(r#"{{"event":"{EVENT}","service":"content"}}"#));
    assert_eq!(done[1].2, r#"{"events":12,"service":"content"}"#);
    assert!(done.iter().all(|(.., details)| !details.contains("kek-")), "{done:?}");
}

/// Makes the first operator, which is the first thing that is recorded.
fn make_an_operator(data: &Path) -> String {
    make(data, "operator create --email ops@example.org")
}

/// Makes somebody's account, whose id is the last word of what is said.
fn make(data: &Path, arguments: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
    command.args(arguments.split(' ')).arg("--data").arg(data);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a quiet walk by the river\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    said.rsplit(' ').next().unwrap().trim_end().trim_end_matches('.').to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_is_verified_while_candor_runs_and_when_it_is_stopped() {
    let folder = tempfile::Builder::new().prefix("candor-audit-").tempdir().unwrap();
    let data = folder.path().join("data");
    let process = run(folder.path()).await;
    let candor = |arguments: &str| candor(&data, arguments, &[]);
    assert!(candor("audit verify").answer().contains("0 records in 0 batches"));
    let operator = make_an_operator(&data);
    eventually("it is sealed and anchored", Duration::from_secs(60), async || {
        let said = candor("audit verify").answer();
        said.contains("1 record in 1 batch") && said.contains("It fits 1 anchor.")
    })
    .await;
    let elsewhere = folder.path().join("no-anchors");
    std::fs::create_dir(&elsewhere).unwrap();
    let alone = candor(&format!("audit verify --anchors {}", elsewhere.display())).answer();
    assert!(alone.contains("No anchor was there"), "{alone}");

    let url = Access::of_running(&data.join("postgres")).unwrap().url("accounts").unwrap();
    let mut accounts = PgConnection::connect(&url).await.unwrap();
    let change = "UPDATE audit_record SET subject_id = gen_random_uuid() RETURNING record_id";
    let changed: Uuid = sqlx::query_scalar(change).fetch_one(&mut accounts).await.unwrap();
    let refusal = candor("audit verify").refusal();
    assert!(refusal.contains(&format!("record {changed} of batch 1 does not say what it said")), "{refusal}");
    let back = "UPDATE audit_record SET subject_id = $1";
    let operator: Uuid = operator.parse().unwrap();
    sqlx::query(back).bind(operator).execute(&mut accounts).await.unwrap();
    accounts.close().await.unwrap();
    assert!(process.stop().await.success());
    assert!(candor("audit verify").answer().contains("The audit is what was recorded"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_works_for_the_place_no_more_loses_the_role_and_with_it_what_is_left() {
    let folder = tempfile::Builder::new().prefix("candor-staff-").tempdir().unwrap();
    let data = folder.path().join("data");
    let process = run(folder.path()).await;
    let candor = |arguments: &str| candor(&data, arguments, &[]);
    let operator = make_an_operator(&data);
    let editor: Uuid = make(&data, "staff create --role editor --email ed@example.org").parse().unwrap();
    let support: Uuid = make(&data, "staff create --role support --email sue@example.org").parse().unwrap();

    assert!(candor("staff revoke --erase --email ops@example.org").complaint().contains("the last operator"));
    assert!(
        candor("staff revoke --erase --email nobody@example.org")
            .complaint()
            .contains("nobody of those who run the place")
    );
    let said = candor("staff revoke --email sue@example.org").answer();
    assert_eq!(said, format!("The account {support} is a member's now.\n"));
    let said = candor("staff revoke --erase --email ed@example.org").answer();
    assert!(
        said.starts_with(&format!("The account {editor} is a member's now, and is destroyed in seven days"))
    );
    let code = said.trim_end().rsplit(' ').next().unwrap().to_owned();
    assert!(code.starts_with("ce_") && code.len() > 20, "{said}");
    assert!(
        candor("staff revoke --erase --email ed@example.org")
            .complaint()
            .contains("nobody of those who run the place")
    );

    let url = Access::of_running(&data.join("postgres")).unwrap().url("accounts").unwrap();
    let mut accounts = PgConnection::connect(&url).await.unwrap();
    let asked: Vec<Uuid> =
        sqlx::query_scalar("SELECT account_id FROM erasure").fetch_all(&mut accounts).await.unwrap();
    assert_eq!(asked, [editor], "of nobody else");
    let kinds = "SELECT kind FROM account WHERE account_id = $1";
    for (account_id, kind) in
        [(operator.parse().unwrap(), "operator"), (editor, "member"), (support, "member")]
    {
        let found: String =
            sqlx::query_scalar(kinds).bind(account_id).fetch_one(&mut accounts).await.unwrap();
        assert_eq!(found, kind);
    }
    accounts.close().await.unwrap();
    assert!(process.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_databases_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, empty) = (postgres().await, postgres().await);
    bus::migrate(journal.pool()).await.unwrap();
    let settings = [("JOURNAL__DATABASE__URL", journal.url()), ("CONTENT__DATABASE__URL", empty.url())];
    let candor = |arguments: &str| candor(folder.path(), arguments, &settings);
    assert_eq!(candor("bus dead journal").answer(), "No dead letters in journal.\n");
    assert!(candor("bus dead content").refusal().contains("`candor migrate`"));
    assert!(candor("bus dead reminders").refusal().contains("REMINDERS__DATABASE__URL is not set"));
    assert!(candor("bus resnapshot content").refusal().contains("`candor migrate`"));
    assert!(candor("vault status").refusal().contains("ACCOUNTS__VAULT__KEYSTORE__URL is not set"));
    assert!(candor("vault rotate").refusal().contains("does not exist"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made");

    assert!(candor("audit verify").refusal().contains("ACCOUNTS__DATABASE__URL is not set"));
    let only = [("JOURNAL__DATABASE__URL", journal.url())];
    let listed = self::candor(folder.path(), "bus dead", &only).answer();
    assert!(
        listed.contains("Not looked at, because no database is set: accounts, reminders, content."),
        "{listed}"
    );
}
