//! The promises of a private server: it ends with its parent, it recovers, and a folder has one server.
#![allow(clippy::unwrap_used, clippy::panic)] // tests: what fails, fails the test

use private_postgres::{Access, Error, Options, Server};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, PgConnection};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn options(folder: &Path) -> Options {
    Options { folder: folder.to_owned(), ..Options::default() }
}

/// The crate's own program as a process of its own, so that it can be killed; answers with its server's URL.
fn spawn(command: &mut Command) -> (Child, String) {
    let mut parent = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut url).unwrap();
    (parent, url.trim().to_owned())
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_private-postgres"));
    command.arg(folder);
    command
}

fn postmaster(folder: &Path) -> Pid {
    let state = std::fs::read_to_string(folder.join("cluster/postmaster.pid")).unwrap();
    Pid::from_raw(state.lines().next().unwrap().trim().parse().unwrap()).unwrap()
}

/// Waits for the end of a process that is not our child.
fn ends(pid: Pid) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let Ok(process) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) else {
        return true;
    };
    let timeout = Timespec { tv_sec: 30, tv_nsec: 0 };
    poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&timeout)).unwrap() == 1
}

async fn one(url: &str, query: &'static str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
}

async fn run(url: &str, statement: &'static str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_killed_parent_takes_its_server_along_and_the_next_start_has_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let (mut parent, url) = spawn(&mut program(folder.path()));
    run(&url, "CREATE TABLE kept (n BIGINT); INSERT INTO kept VALUES (7)").await;
    let open = PgConnection::connect(&url).await.unwrap(); // a client must not hold the server back
    let server = postmaster(folder.path());
    parent.kill().unwrap(); // SIGKILL
    parent.wait().unwrap();
    assert!(ends(server), "PostgreSQL outlived its parent");
    drop(open);

    let again = Server::start(options(folder.path())).await.unwrap();
    assert_eq!(one(&again.url("postgres").unwrap(), "SELECT n FROM kept").await, 7);
    again.stop().await;
    assert!(!folder.path().join("cluster/postmaster.pid").exists());
}

#[tokio::test]
async fn a_start_right_after_a_kill_waits_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let (mut parent, url) = spawn(&mut program(folder.path()));
    run(&url, "CREATE TABLE kept (n BIGINT); INSERT INTO kept SELECT generate_series(1, 1000)").await;
    parent.kill().unwrap();
    parent.wait().unwrap(); // the parent is gone, its server is not yet
    let again = Server::start(options(folder.path())).await.unwrap();
    assert_eq!(one(&again.url("postgres").unwrap(), "SELECT count(*) FROM kept").await, 1000);
    again.stop().await;
}

#[tokio::test]
async fn a_server_that_is_killed_comes_back_with_what_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(options(folder.path())).await.unwrap();
    let url = server.url("postgres").unwrap();
    run(&url, "CREATE TABLE kept (n BIGINT); INSERT INTO kept VALUES (7)").await;
    let first = postmaster(folder.path());
    kill_process(first, Signal::KILL).unwrap();
    let mut interval = tokio::time::interval(Duration::from_millis(20));
    let back = async {
        loop {
            interval.tick().await;
            if let Ok(mut connection) = PgConnection::connect(&url).await
                && let Ok(n) =
                    sqlx::query_scalar::<_, i64>("SELECT n FROM kept").fetch_one(&mut connection).await
            {
                return n;
            }
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(30), back).await.unwrap(), 7);
    assert_ne!(postmaster(folder.path()), first);
    server.stop().await;
}

#[tokio::test]
async fn a_second_start_on_the_same_folder_says_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(options(folder.path())).await.unwrap();
    let Err(Error::InUse { pid, .. }) = Server::start(options(folder.path())).await else {
        panic!("started twice");
    };
    assert_eq!(pid, std::process::id().to_string());
    let output = program(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("is in use by process") && said.trim().lines().count() == 1, "{said}");
    let reached = Access::of_running(folder.path()).unwrap();
    assert_eq!(one(&reached.url("postgres").unwrap(), "SELECT 1::bigint").await, 1);
    server.stop().await;
}

#[tokio::test]
async fn databases_belong_to_their_role_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(options(folder.path())).await.unwrap();
    let journal = server.create_database("journal", "journal").await.unwrap();
    let accounts = server.create_database("accounts", "accounts").await.unwrap();
    assert_eq!(server.create_database("journal", "journal").await.unwrap(), journal, "made twice");
    run(&journal, "CREATE TABLE entries (n BIGINT)").await;
    PgConnection::connect(&accounts.replace("/accounts?", "/journal?")).await.unwrap_err();
    PgConnection::connect(&journal.replacen("journal:", "journal:x", 1)).await.unwrap_err();
    assert!(matches!(server.create_database("x; DROP", "x").await, Err(Error::Name(_))));
    server.stop().await;
}

#[tokio::test]
async fn the_log_holds_nothing_of_what_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(options(folder.path())).await.unwrap();
    let mut connection = PgConnection::connect(&server.url("postgres").unwrap()).await.unwrap();
    sqlx::raw_sql("SELECT 'canary'::uuid").execute(&mut connection).await.unwrap_err();
    sqlx::query("SELECT $1::text::uuid").bind("canary").execute(&mut connection).await.unwrap_err();
    drop(connection);
    server.stop().await;
    let log = std::fs::read_to_string(folder.path().join("postgres.log")).unwrap();
    assert!(log.contains("ready to accept connections") && !log.contains("canary"), "{log}");
}

/// As root the server runs as another user, also below folders that user cannot enter; as root the same program
/// can also be tried as an ordinary user.
#[tokio::test]
async fn it_runs_as_root_and_as_an_ordinary_user() {
    let above = tempfile::tempdir().unwrap();
    std::fs::set_permissions(above.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let folder = above.path().join("deeper/data");
    let server = Server::start(options(&folder)).await.unwrap();
    assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    server.stop().await;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    assert_ne!(std::fs::metadata(&folder).unwrap().uid(), 0);

    // As nobody, with a copy of the program where nobody can reach it.
    let open = tempfile::tempdir().unwrap();
    std::fs::set_permissions(open.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let copy = open.path().join("program");
    std::fs::copy(env!("CARGO_BIN_EXE_private-postgres"), &copy).unwrap();
    let data = open.path().join("data");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(&copy).arg(&data);
    let (mut parent, url) = spawn(&mut command);
    assert_eq!(one(&url, "SELECT 1::bigint").await, 1);
    assert_eq!(std::fs::metadata(&data).unwrap().uid(), 65534);
    kill_process(Pid::from_child(&parent), Signal::TERM).unwrap();
    assert!(parent.wait().unwrap().success());
}
