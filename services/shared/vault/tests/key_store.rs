//! The vault against a real key store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // what fails, fails the test

use candor_tests::{Database, eventually, postgres};
use chassis::{Clock, Ids};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;
use uuid::Uuid;
use vault::{Error, Place, Vault};

struct Stage {
    database: Database,
    folder: tempfile::TempDir,
    clock: Clock,
    ids: Ids,
}

impl Stage {
    async fn new() -> Self {
        let database = postgres().await;
        vault::migrate(database.pool()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        vault::init_kek(&folder.path().join("kek")).unwrap();
        let clock = Clock::manual("2024-03-10T07:30:00Z".parse().unwrap());
        Self { database, folder, ids: Ids::new(clock.clone()), clock }
    }

    fn kek_file(&self) -> PathBuf {
        self.folder.path().join("kek")
    }

    /// What another replica would see: nothing in memory.
    fn vault(&self, service: &'static str) -> Vault {
        let store = self.database.pool().clone();
        Vault::with_store(store, self.kek_file(), service, self.clock.clone(), self.ids.clone()).unwrap()
    }
}

fn place(row: Uuid) -> Place<'static> {
    Place { table: "entries", column: "body", row }
}

#[tokio::test]
async fn what_one_replica_seals_another_opens_and_other_services_do_not() {
    let stage = Stage::new().await;
    let (owner, other, row) = (stage.ids.next(), stage.ids.next(), stage.ids.next());
    let blob = stage.vault("journal").data_key(owner).await.unwrap().seal(&place(row), b"a quiet evening");
    let key = stage.vault("journal").data_key(owner).await.unwrap();
    assert_eq!(key.open(&place(row), &blob).unwrap().as_slice(), b"a quiet evening");
    let elsewhere = [
        stage.vault("journal").data_key(other).await.unwrap(),
        stage.vault("content").data_key(owner).await.unwrap(),
    ];
    for key in elsewhere {
        assert!(matches!(key.open(&place(row), &blob), Err(Error::Refused)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_first_uses_at_once_make_one_key() {
    let stage = Stage::new().await;
    for _ in 0..10 {
        let owner = stage.ids.next();
        let replicas: Vec<_> = (0..16).map(|_| stage.vault("journal")).collect();
        let asked: Vec<_> = replicas
            .into_iter()
            .map(|vault| tokio::spawn(async move { vault.data_key(owner).await.unwrap().mac("test", b"") }))
            .collect();
        let mut codes = Vec::new();
        for answer in asked {
            codes.push(answer.await.unwrap());
        }
        assert!(codes.iter().all(|code| *code == codes[0]));
    }
}

#[tokio::test]
async fn a_destroyed_key_stays_destroyed() {
    let stage = Stage::new().await;
    let (owner, never_used) = (stage.ids.next(), stage.ids.next());
    let vault = stage.vault("journal");
    let other_service = stage.vault("content");
    vault.data_key(owner).await.unwrap();
    other_service.data_key(owner).await.unwrap();
    for _ in 0..2 {
        vault.shred(owner).await.unwrap();
        vault.shred(never_used).await.unwrap();
    }
    for vault in [vault, stage.vault("journal")] {
        assert!(matches!(vault.data_key(owner).await, Err(Error::Destroyed)));
        assert!(matches!(vault.data_key(never_used).await, Err(Error::Destroyed)));
    }
    assert!(other_service.data_key(owner).await.is_ok());
    let count = sqlx::query_scalar("SELECT count(wrapped) FROM vault.data_keys");
    let wrapped: i64 = count.fetch_one(stage.database.pool()).await.unwrap();
    assert_eq!(wrapped, 1, "only the other service's key is left");
}

#[tokio::test]
async fn altered_rows_are_refused_and_reported() {
    let stage = Stage::new().await;
    let (altered, sound) = (stage.ids.next(), stage.ids.next());
    stage.vault("journal").data_key(altered).await.unwrap();
    stage.vault("journal").data_key(sound).await.unwrap();
    sqlx::query(
        "UPDATE vault.data_keys SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) WHERE owner_id = $1",
    )
    .bind(altered)
    .execute(stage.database.pool())
    .await
    .unwrap();
    assert!(matches!(stage.vault("journal").data_key(altered).await, Err(Error::Refused)));
    vault::add_kek(&stage.kek_file()).unwrap();
    let done = vault::rewrap(stage.database.pool(), &stage.kek_file(), 1).await.unwrap();
    assert_eq!((done.moved, done.unreadable, done.remaining), (1, 1, 1));
}

#[tokio::test]
async fn a_running_process_takes_up_a_new_kek_by_itself() {
    let stage = Stage::new().await;
    let (before, after) = (stage.ids.next(), stage.ids.next());
    let running = stage.vault("journal");
    running.data_key(before).await.unwrap();
    let idle = stage.vault("journal");
    vault::add_kek(&stage.kek_file()).unwrap();
    // What it makes from now on is wrapped by the new KEK ...
    running.data_key(after).await.unwrap();
    assert_eq!(vault::remaining(stage.database.pool(), &stage.kek_file()).await.unwrap(), 1);
    // ... and a process that has not noticed yet reads the file when it meets one.
    idle.data_key(after).await.unwrap();
}

/// Something sealed, to be read again at the end; `destroyed` once its owner's key was shredded.
struct Sealed {
    owner: Uuid,
    row: Uuid,
    blob: Vec<u8>,
    destroyed: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rewrapping_goes_on_while_others_write_and_after_it_was_killed() {
    let stage = Stage::new().await;
    let pool = stage.database.pool();
    let file = stage.kek_file();
    let stop = Arc::new(AtomicBool::new(false));
    let sealed = Arc::new(Mutex::new(Vec::new()));
    let rounds: Arc<Vec<AtomicU64>> = Arc::new((0..32).map(|_| AtomicU64::new(0)).collect());
    let writers: Vec<_> = (0..32)
        .map(|number| {
            let (vault, ids) = (stage.vault("journal"), stage.ids.clone());
            let (stop, sealed, rounds) = (Arc::clone(&stop), Arc::clone(&sealed), Arc::clone(&rounds));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let round = rounds[number].fetch_add(1, Ordering::Relaxed);
                    write_once(&vault, &ids, round, &sealed).await;
                }
            })
        })
        .collect();

    let first = first_kek(&file);
    wait_until(|| rounds.iter().all(|count| count.load(Ordering::Relaxed) >= 8)).await;
    vault::add_kek(&file).unwrap();
    // Every writer has come round twice, so none still holds a key wrapped before the new KEK was there.
    let seen: Vec<u64> = rounds.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    wait_until(|| rounds.iter().zip(&seen).all(|(count, seen)| count.load(Ordering::Relaxed) >= seen + 2))
        .await;

    let at_first = vault::remaining(pool, &file).await.unwrap();
    tokio::select! {
        _ = vault::rewrap(pool, &file, 2) => panic!("it was to be killed midway"),
        () = wait_for_progress(&stage, at_first - 20) => {}
    }
    let halfway = vault::remaining(pool, &file).await.unwrap();
    assert!(0 < halfway && halfway <= at_first - 20, "{halfway} of {at_first} remain");
    let rest = vault::rewrap(pool, &file, 50).await.unwrap();
    assert!(rest.moved > 0 && rest.unreadable == 0 && rest.remaining == 0, "{rest:?}");

    assert_eq!(vault::remove_kek(std::slice::from_ref(pool), &file, &first).await.unwrap(), 0);
    let seen: Vec<u64> = rounds.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    wait_until(|| rounds.iter().zip(&seen).all(|(count, seen)| count.load(Ordering::Relaxed) >= seen + 2))
        .await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let fresh = stage.vault("journal");
    let sealed = std::mem::take(&mut *sealed.lock().unwrap());
    assert!(sealed.iter().any(|item| item.destroyed) && sealed.len() > 300);
    for item in sealed {
        match fresh.data_key(item.owner).await {
            Ok(key) => {
                assert!(!item.destroyed);
                assert_eq!(key.open(&place(item.row), &item.blob).unwrap().as_slice(), item.row.as_bytes());
            }
            Err(error) => assert!(item.destroyed && matches!(error, Error::Destroyed), "{error}"),
        }
    }
}

/// Without a pause between the steps: whoever wraps a data key at that moment is waited for, and counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_added_and_removed_under_writers_that_lose_nothing() {
    let stage = Stage::new().await;
    let pool = stage.database.pool();
    let file = stage.kek_file();
    let (turns, sealed) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(Vec::new())));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (vault, ids) = (stage.vault("journal"), stage.ids.clone());
            let (turns, sealed) = (Arc::clone(&turns), Arc::clone(&sealed));
            tokio::spawn(async move {
                while let Ok(turn) = turns.acquire().await {
                    turn.forget();
                    write_once(&vault, &ids, 0, &sealed).await;
                }
            })
        })
        .collect();
    for round in 1..=10 {
        turns.add_permits(40);
        wait_until(|| sealed.lock().unwrap().len() >= round * 40 - 35).await;
        let older = first_kek(&file);
        let newest = vault::add_kek(&file).unwrap();
        loop {
            vault::rewrap(pool, &file, 7).await.unwrap();
            // Twice the same store, as two services have it: it is held once.
            if vault::remove_kek(&[pool.clone(), pool.clone()], &file, &older).await.unwrap() == 0 {
                break;
            }
        }
        assert_eq!(vault::kek_ids(&file).unwrap(), [newest]);
    }
    wait_until(|| sealed.lock().unwrap().len() == 400).await;
    turns.close();
    for writer in writers {
        writer.await.unwrap();
    }
    let fresh = stage.vault("journal");
    let sealed = std::mem::take(&mut *sealed.lock().unwrap());
    for item in sealed {
        let key = fresh.data_key(item.owner).await.unwrap();
        assert_eq!(key.open(&place(item.row), &item.blob).unwrap().as_slice(), item.row.as_bytes());
    }
}

#[tokio::test]
async fn a_key_that_is_needed_stays() {
    let stage = Stage::new().await;
    let (stores, file) = ([stage.database.pool().clone()], stage.kek_file());
    let (shredded, kept) = (stage.ids.next(), stage.ids.next());
    for owner in [shredded, kept] {
        stage.vault("journal").data_key(owner).await.unwrap();
    }
    stage.vault("content").data_key(kept).await.unwrap();
    stage.vault("journal").shred(shredded).await.unwrap();
    let first = first_kek(&file);
    let second = vault::add_kek(&file).unwrap();
    let used = |service: &str, kek_id: &str, data_keys| vault::Usage {
        service: service.to_owned(),
        kek_id: kek_id.to_owned(),
        data_keys,
    };
    assert_eq!(
        vault::usage(&stores[0]).await.unwrap(),
        [used("content", &first, 1), used("journal", &first, 1)]
    );
    assert_eq!(vault::remove_kek(&stores, &file, &first).await.unwrap(), 2);
    assert_eq!(vault::kek_ids(&file).unwrap(), [second.clone(), first.clone()]);
    let mut heard = Vec::new();
    let done = vault::rewrap_with(&stores[0], &file, 1, |moved| heard.push(moved)).await.unwrap();
    assert_eq!((done.moved, done.unreadable, done.remaining), (2, 0, 0));
    assert!(heard.starts_with(&[1, 2]) && heard.is_sorted(), "{heard:?}");
    assert_eq!(vault::remove_kek(&stores, &file, &first).await.unwrap(), 0);
    assert!(
        vault::remove_kek(&stores, &file, &first).await.is_err()
            && stage.vault("journal").data_key(kept).await.is_ok()
    );
    assert!(vault::remove_kek(&stores, &file, &second).await.is_err(), "the newest stays");
}

/// Makes a key and seals with it; every fourth time destroys a key as well.
async fn write_once(vault: &Vault, ids: &Ids, round: u64, sealed: &Mutex<Vec<Sealed>>) {
    let (owner, row) = (ids.next(), ids.next());
    let blob = vault.data_key(owner).await.unwrap().seal(&place(row), row.as_bytes());
    let destroyed = round % 4 == 3;
    if destroyed {
        vault.shred(owner).await.unwrap();
    }
    sealed.lock().unwrap().push(Sealed { owner, row, blob, destroyed });
}

fn first_kek(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().find(|line| !line.starts_with('#')).unwrap();
    line.split(' ').next().unwrap().to_owned()
}

async fn wait_for_progress(stage: &Stage, at_most: u64) {
    while vault::remaining(stage.database.pool(), &stage.kek_file()).await.unwrap() > at_most {
        tokio::task::yield_now().await;
    }
}

async fn wait_until(holds: impl Fn() -> bool) {
    eventually("every writer has come round", Duration::from_secs(60), async || holds()).await;
}

#[tokio::test]
async fn a_lost_or_foreign_key_file_is_told_before_it_is_used() {
    let stage = Stage::new().await;
    let (store, file) = (stage.database.pool(), stage.kek_file());
    let told = async || vault::demand_kek(store, &file, "journal").await.err().map(|error| error.to_string());
    std::fs::remove_file(&file).unwrap();
    assert_eq!(told().await, None, "nothing is wrapped yet");
    vault::init_kek(&file).unwrap();
    stage.vault("journal").data_key(stage.ids.next()).await.unwrap();
    assert_eq!(told().await, None);
    let id = vault::kek_ids(&file).unwrap().remove(0);
    std::fs::remove_file(&file).unwrap();
    assert!(
        told()
            .await
            .unwrap()
            .ends_with("is missing, but the key store holds keys wrapped with it; put the file back")
    );
    assert!(!file.exists());
    vault::init_kek(&file).unwrap();
    let sentence = told().await.unwrap();
    assert!(sentence.contains(&id), "{sentence}");
    assert!(vault::demand_kek(store, &file, "accounts").await.is_ok(), "it has no keys");
}
