//! `candor run` is killed while it prepares its data, and while it serves: no server is left behind, and the next
//! start finds its way. A second start on the same data says so and leaves the first alone.

use candor_tests::{Process, binary, eventually};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// Processes that work in the folder or hold it open, as PostgreSQL and initdb do.
fn who_holds(folder: &Path) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let holds = |process: &PathBuf| {
        let open = fs::read_dir(process.join("fd")).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut links = open.chain([process.join("cwd")]).filter_map(|link| fs::read_link(link).ok());
        links.any(|target| target.starts_with(folder))
    };
    processes.filter(holds).collect()
}

fn start(folder: &Path) -> Process {
    let (data, ready) = (folder.join("data"), folder.join("ready.json"));
    let (data, ready) = (data.to_str().unwrap(), ready.to_str().unwrap());
    let free = "127.0.0.1:0";
    let arguments = ["run", "--data", data, "--http", free, "--grpc", free, "--ready-file", ready];
    Process::spawn(&binary("candor"), &arguments, &[], &folder.join("log"))
}

async fn a_second_start_says_why_not(folder: &Path, first: &Process) {
    let (data, said) = (folder.join("data"), folder.join("second"));
    let free = "127.0.0.1:0";
    let arguments = ["run", "--data", data.to_str().unwrap(), "--http", free, "--grpc", free];
    let second = Process::spawn(&binary("candor"), &arguments, &[], &said);
    assert_eq!(second.ended(PATIENCE).await.code(), Some(1));
    let said = fs::read_to_string(said).unwrap();
    let complaint: Vec<&str> = said.lines().filter(|line| line.starts_with("candor: ")).collect();
    assert_eq!(complaint.len(), 1, "one sentence: {said}");
    assert!(complaint[0].contains(&format!("is in use by process {}", first.pid())), "{said}");
    assert!(first.alive() && !who_holds(&data.join("postgres/cluster")).is_empty());
}

#[tokio::test]
async fn killed_at_any_moment_it_leaves_nothing_behind_and_starts_again() {
    let folder = tempfile::Builder::new().prefix("candor-killed-").tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let postgres = folder.path().join("data/postgres");
    let moments =
        ["passwords/candor", "cluster.new/PG_VERSION", "cluster/postmaster.pid", "passwords/content"];
    for moment in moments {
        let candor = start(folder.path());
        eventually(&format!("{moment} is there"), PATIENCE, async || postgres.join(moment).exists()).await;
        candor.kill();
        eventually(&format!("killed at {moment}, nothing is left"), PATIENCE, async || {
            who_holds(&postgres).is_empty()
        })
        .await;
    }
    let candor = start(folder.path());
    candor.wrote(&folder.path().join("ready.json")).await;
    assert!(!who_holds(&postgres).is_empty());
    a_second_start_says_why_not(folder.path(), &candor).await;
    candor.kill();
    eventually("killed while it serves, nothing is left", PATIENCE, async || who_holds(&postgres).is_empty())
        .await;
    fs::remove_file(folder.path().join("ready.json")).unwrap();
    let candor = start(folder.path());
    candor.wrote(&folder.path().join("ready.json")).await;
    assert!(candor.stop().await.success());
}
