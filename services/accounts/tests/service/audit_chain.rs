//! The audit's chain: whoever can write to the database changes, removes, inserts or moves nothing unnoticed.

use crate::{audit::done, kit::House};
use accounts::{
    app::audit::{self, Record, Verified, verify},
    domain::audit::{Action, Finding},
    jobs,
    outbound::AnchorFolder,
};
use jiff::SignedDuration;
use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use uuid::Uuid;

/// A house with a chain of three batches of four records each, a minute apart, and an anchor of the second.
struct Chained {
    house: House,
    folder: AnchorFolder,
    _place: TempDir,
}

impl Chained {
    async fn new() -> Self {
        let (house, place) = (House::new().await, tempfile::tempdir().unwrap());
        let folder = AnchorFolder::new(place.path().join("anchors"));
        let chained = Self { house, folder, _place: place };
        for batch in 1..=3 {
            chained.seal(4).await;
            if batch == 2 {
                jobs::anchor_audit(&chained.house.accounts, Some(&chained.folder)).await.unwrap();
            }
        }
        chained
    }

    async fn seal(&self, records: u128) {
        self.house.advance(SignedDuration::from_mins(20));
        let mut conn = self.house.pool().acquire().await.unwrap();
        for n in 0..records {
            let what = Record { action: Action::AccountSuspended, ..done(Uuid::from_u128(n)) };
            audit::record(&mut conn, &self.house.accounts, what).await.unwrap();
        }
        jobs::seal_audit(&self.house.accounts).await.unwrap();
    }

    async fn verify(&self) -> Verified {
        verify(self.house.pool(), &self.folder.all().unwrap()).await.unwrap()
    }

    async fn findings(&self) -> Vec<Finding> {
        self.verify().await.findings
    }

    /// What whoever holds the database does to it.
    async fn tamper(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(self.house.pool()).await.unwrap();
    }

    async fn record_at(&self, batch: i64, position: i32) -> Uuid {
        sqlx::query_scalar("SELECT record_id FROM audit_record WHERE batch = $1 AND position = $2")
            .bind(batch)
            .bind(position)
            .fetch_one(self.house.pool())
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_chain_that_nobody_touched_is_sound_and_counted() {
    let chained = Chained::new().await;
    let mut conn = chained.house.pool().acquire().await.unwrap();
    audit::record(&mut conn, &chained.house.accounts, done(Uuid::nil())).await.unwrap();
    let found = chained.verify().await;
    assert_eq!(found.findings, []);
    assert_eq!((found.batches, found.records, found.waiting, found.anchors), (3, 12, 1, 1));
    // Read in pages as well: a chain that is longer than one.
    drop(conn);
    for _ in 0..70 {
        chained.seal(1).await;
    }
    let found = chained.verify().await;
    assert_eq!((found.findings, found.batches, found.records), (vec![], 73, 83));
}

#[tokio::test]
async fn what_a_record_says_cannot_be_changed() {
    let each = [
        "recorded_at = recorded_at + interval '1 second'",
        "actor_kind = 'member'",
        "actor_id = NULL",
        "session_id = gen_random_uuid()",
        "action = 'records_erased'",
        "subject_kind = 'thing'",
        "subject_id = gen_random_uuid()",
        r#"details = '{"kind":"editor"}'"#,
        "note = '\\x00'",
        "salt = sha256('x')",
        "details = NULL",
    ];
    let chained = Chained::new().await;
    let record_id = chained.record_at(2, 1).await;
    for change in each {
        chained.tamper("CREATE TABLE kept AS SELECT * FROM audit_record").await;
        chained.tamper(&format!("UPDATE audit_record SET {change} WHERE record_id = '{record_id}'")).await;
        assert_eq!(chained.findings().await, [Finding::RecordChanged { record_id, batch: 2 }], "{change}");
        chained
            .tamper("TRUNCATE audit_record; INSERT INTO audit_record SELECT * FROM kept; DROP TABLE kept")
            .await;
    }
    assert_eq!(chained.findings().await, []);
}

#[tokio::test]
async fn a_record_cannot_be_removed() {
    let chained = Chained::new().await;
    for position in [0, 2, 3] {
        chained.tamper(&format!("DELETE FROM audit_record WHERE batch = 2 AND position = {position}")).await;
    }
    let missing = |position| Finding::RecordMissing { batch: 2, position };
    assert_eq!(chained.findings().await, [missing(0), missing(2), missing(3)]);
}

#[tokio::test]
async fn a_record_cannot_be_exchanged_for_one_of_the_same_place() {
    let chained = Chained::new().await;
    let (record_id, other) = (chained.record_at(2, 1).await, chained.record_at(1, 1).await);
    // Another true record, put in its place: it says what it always said, but it was not sealed there.
    chained
        .tamper(&format!(
            "DELETE FROM audit_record WHERE record_id = '{record_id}';
             UPDATE audit_record SET batch = 2 WHERE record_id = '{other}'"
        ))
        .await;
    let exchanged = Finding::RecordExchanged { record_id: other, batch: 2, position: 1 };
    assert_eq!(chained.findings().await, [Finding::RecordMissing { batch: 1, position: 1 }, exchanged]);
}

#[tokio::test]
async fn records_cannot_change_places() {
    let chained = Chained::new().await;
    let (one, other) = (chained.record_at(2, 1).await, chained.record_at(2, 2).await);
    chained
        .tamper(&format!(
            "UPDATE audit_record SET position = 99 WHERE record_id = '{one}';
             UPDATE audit_record SET position = 1 WHERE record_id = '{other}';
             UPDATE audit_record SET position = 2 WHERE record_id = '{one}'"
        ))
        .await;
    let moved = |record_id, position| Finding::RecordMoved { record_id, batch: 2, position };
    assert_eq!(chained.findings().await, [moved(other, 1), moved(one, 2)]);
}

/// A record of before, made up with everything that belongs to it.
async fn made_up(chained: &Chained) -> Uuid {
    let mut conn = chained.house.pool().acquire().await.unwrap();
    audit::record(&mut conn, &chained.house.accounts, done(Uuid::max())).await.unwrap();
    sqlx::query_scalar("SELECT record_id FROM audit_record WHERE batch IS NULL")
        .fetch_one(&mut *conn)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_record_cannot_be_inserted() {
    let chained = Chained::new().await;
    let record_id = made_up(&chained).await;
    for (batch, position) in [(2, 4), (2, -1), (0, 0), (4, 0), (7, 3)] {
        chained
            .tamper(&format!(
                "UPDATE audit_record SET batch = {batch}, position = {position} WHERE record_id = '{record_id}'"
            ))
            .await;
        let inserted = Finding::RecordInserted { record_id, batch, position: position.into() };
        assert_eq!(chained.findings().await, [inserted]);
    }
}

#[tokio::test]
async fn a_record_cannot_be_dated_back() {
    let chained = Chained::new().await;
    let now = chained.house.now();
    chained.house.clock.set(now - SignedDuration::from_mins(30));
    let record_id = made_up(&chained).await;
    chained.house.clock.set(now);
    chained.seal(1).await;
    let found = chained.findings().await;
    assert!(
        matches!(&found[..], [Finding::RecordBackdated { record_id: id, .. }] if *id == record_id),
        "{found:?}"
    );
    // A transaction that took its time is none of that.
    let sound = Chained::new().await;
    sound.house.clock.set(sound.house.now() - SignedDuration::from_mins(5));
    made_up(&sound).await;
    sound.house.clock.set(sound.house.now() + SignedDuration::from_mins(5));
    sound.seal(1).await;
    assert_eq!(sound.findings().await, []);
}

#[tokio::test]
async fn a_batch_cannot_be_removed_changed_or_written_anew() {
    let cases = [
        (
            "DELETE FROM audit_batch WHERE batch = 2; DELETE FROM audit_record WHERE batch = 2",
            Finding::BatchMissing(2),
        ),
        (
            "UPDATE audit_batch SET sealed_at = sealed_at - interval '1 hour' WHERE batch = 1",
            Finding::BatchUnsigned(1),
        ),
        ("UPDATE audit_batch SET total = total + 1 WHERE batch = 3", Finding::BatchUnchained(3)),
        ("UPDATE audit_batch SET root = sha256('x') WHERE batch = 2", Finding::BatchUnsigned(2)),
        ("UPDATE audit_batch SET previous = sha256('x') WHERE batch = 3", Finding::BatchUnchained(3)),
        (
            "UPDATE audit_batch SET signature = decode(repeat('00', 64), 'hex') WHERE batch = 3",
            Finding::BatchUnsigned(3),
        ),
        (
            "UPDATE audit_batch SET commitments = substr(commitments, 33) || sha256('x') WHERE batch = 3",
            Finding::CommitmentsChanged(3),
        ),
        (
            "UPDATE audit_batch SET commitments = commitments || sha256('x') WHERE batch = 3",
            Finding::CommitmentsChanged(3),
        ),
        ("UPDATE audit_key SET public_key = sha256('x')", Finding::BatchUnsigned(1)),
    ];
    for (statement, first) in cases {
        let chained = Chained::new().await;
        chained.tamper(statement).await;
        let found = chained.findings().await;
        assert_eq!(found.first(), Some(&first), "{statement}: {found:?}");
    }
}

#[tokio::test]
async fn a_missing_end_shows_against_the_anchors() {
    let chained = Chained::new().await;
    // What was sealed after the last anchor can be cut off unnoticed until the next day's.
    chained.tamper("DELETE FROM audit_batch WHERE batch = 3; DELETE FROM audit_record WHERE batch = 3").await;
    assert_eq!(chained.findings().await, []);
    chained.tamper("DELETE FROM audit_batch WHERE batch = 2; DELETE FROM audit_record WHERE batch = 2").await;
    let found = chained.findings().await;
    assert!(matches!(found[..], [Finding::TailMissing { batch: 2, last: 1, .. }]), "{found:?}");
    chained.tamper("TRUNCATE audit_batch, audit_record").await;
    let found = chained.findings().await;
    assert!(matches!(found[..], [Finding::TailMissing { batch: 2, last: 0, .. }]), "{found:?}");
}

/// Everything from the second batch on made anew by the house itself: with the right key and in right form.
async fn written_anew(chained: &Chained) {
    chained
        .tamper(
            "DELETE FROM audit_batch WHERE batch >= 2; DELETE FROM audit_record WHERE batch = 2 AND position = 0;
             UPDATE audit_record SET batch = NULL, position = NULL WHERE batch >= 2",
        )
        .await;
    jobs::seal_audit(&chained.house.accounts).await.unwrap();
}

#[tokio::test]
async fn a_history_written_anew_shows_against_the_anchors() {
    let chained = Chained::new().await;
    written_anew(&chained).await;
    let without_anchors = verify(chained.house.pool(), &[]).await.unwrap();
    assert_eq!(without_anchors.findings, []);
    let found = chained.findings().await;
    assert!(matches!(found[..], [Finding::Rewritten { batch: 2, .. }]), "{found:?}");
}

#[tokio::test]
async fn a_history_written_anew_with_another_key_shows_as_well() {
    let chained = Chained::new().await;
    chained
        .tamper("TRUNCATE audit_batch, audit_key; UPDATE audit_record SET batch = NULL, position = NULL")
        .await;
    jobs::seal_audit(&chained.house.accounts).await.unwrap();
    let found = chained.findings().await;
    assert!(
        matches!(found[..], [Finding::KeyUnknown(1), Finding::TailMissing { batch: 2, last: 1, .. }]),
        "{found:?}"
    );
}

#[tokio::test]
async fn an_anchor_that_was_changed_shows() {
    let chained = Chained::new().await;
    let mut anchors = chained.folder.all().unwrap();
    anchors[0].batch = 1;
    let found = verify(chained.house.pool(), &anchors).await.unwrap().findings;
    assert!(
        matches!(found[..], [Finding::AnchorChanged(_), Finding::Rewritten { batch: 1, .. }]),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_day_has_one_anchor_and_it_stays() {
    let chained = Chained::new().await;
    let house = &chained.house;
    let first = chained.folder.all().unwrap();
    chained.seal(1).await;
    jobs::anchor_audit(&house.accounts, Some(&chained.folder)).await.unwrap();
    jobs::anchor_audit(&house.replica().accounts, Some(&chained.folder)).await.unwrap();
    assert_eq!(chained.folder.all().unwrap(), first);
    house.advance(SignedDuration::from_hours(24));
    jobs::anchor_audit(&house.accounts, Some(&chained.folder)).await.unwrap();
    let anchors = chained.folder.all().unwrap();
    assert_eq!((anchors.len(), anchors[1].batch, anchors[1].records), (2, 4, 13));
    assert!(!chained.folder.keep(&anchors[1]).unwrap());
}

#[tokio::test]
async fn erasing_a_person_takes_the_content_and_the_chain_still_holds() {
    let chained = Chained::new().await;
    let house = &chained.house;
    let gone = Uuid::from_u128(2);
    let mut conn = house.pool().acquire().await.unwrap();
    audit::record(&mut conn, &house.accounts, done(gone)).await.unwrap();
    audit::forget_account(&house.accounts, &mut conn, gone).await.unwrap();
    let dump = house.dump().await;
    let left: Vec<&str> = dump.lines().filter(|line| line.contains(&gone.to_string())).collect();
    // That somebody was made one of the staff is what the others answer for.
    assert!(matches!(left[..], [line] if line.contains("staff_created")), "{left:?}");
    chained.seal(1).await;
    let found = chained.verify().await;
    assert_eq!((found.findings, found.erased, found.records), (vec![], 3, 15));
    // Somebody of whom nothing was recorded leaves no trace of their erasure either.
    audit::forget_account(&house.accounts, &mut conn, Uuid::from_u128(77)).await.unwrap();
    assert_eq!(house.count("audit_record WHERE batch IS NULL").await, 0);
}

#[tokio::test]
async fn content_that_is_taken_away_by_hand_is_no_erasure() {
    let chained = Chained::new().await;
    chained
        .tamper(
            "UPDATE audit_record SET salt = NULL, recorded_at = NULL, actor_kind = NULL, actor_id = NULL,
                 session_id = NULL, action = NULL, subject_kind = NULL, subject_id = NULL, details = NULL, note = NULL
             WHERE batch = 2 AND position = 0",
        )
        .await;
    assert_eq!(chained.findings().await, [Finding::ContentTaken { bare: 1, erased: 0 }]);
}

#[tokio::test]
async fn replicas_that_seal_at_once_make_one_chain() {
    let chained = Chained::new().await;
    let (one, two) = (&chained.house, chained.house.replica());
    let mut conn = one.pool().acquire().await.unwrap();
    for round in 0..20 {
        audit::record(&mut conn, &one.accounts, done(Uuid::from_u128(round))).await.unwrap();
        let (first, second) = tokio::join!(jobs::seal_audit(&one.accounts), jobs::seal_audit(&two.accounts));
        assert!(!first.unwrap() && !second.unwrap());
    }
    let found = chained.verify().await;
    assert_eq!((found.findings, found.records, found.waiting), (vec![], 32, 0));
}

/// How much memory the process holds at this moment, in kilobytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Adds records by the thousand. The bytes of a commitment are put together here once more, by hand: whoever verifies with
/// a program of their own has to come to the same.
async fn add_many(house: &House, records: i32) {
    let part = |text: &str| [&[1], &(text.len() as u64).to_be_bytes()[..], text.as_bytes()].concat();
    let id = [&[1], &16u64.to_be_bytes()[..], Uuid::nil().as_bytes()].concat();
    let texts = ["operator", "staff_created", "account", "{}"].map(part).concat();
    // The actor, no session, the subject, no note.
    let rest = [&texts[..], &id, &[0], &id, &[0]].concat();
    sqlx::query(
        "INSERT INTO audit_record (record_id, commitment, salt, recorded_at, actor_kind, actor_id, action,
                                   subject_kind, subject_id, details)
         SELECT id, sha256('candor.audit.v1.record'::bytea || '\\x00' || sha256(uuid_send(id)) || uuid_send(id)
                           || int8send($2) || $3),
                sha256(uuid_send(id)), $4, 'operator', $5, 'staff_created', 'account', $5, '{}'
         FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $1)) AS made",
    )
    .bind(records)
    .bind(house.now().as_microsecond())
    .bind(rest)
    .bind(jiff_sqlx::Timestamp::from(house.now()))
    .bind(Uuid::nil())
    .execute(house.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn a_commitment_is_what_the_rule_says() {
    let chained = Chained::new().await;
    add_many(&chained.house, 9).await;
    jobs::seal_audit(&chained.house.accounts).await.unwrap();
    let found = chained.verify().await;
    assert_eq!((found.findings, found.records), (vec![], 21));
}

#[tokio::test]
#[ignore = "slow: a million records"]
async fn a_million_records_are_verified_a_page_at_a_time() {
    let chained = Chained::new().await;
    let mut highest = 0;
    for records in [100_000, 900_000] {
        add_many(&chained.house, records).await;
        while jobs::seal_audit(&chained.house.accounts).await.unwrap() {}
        if highest == 0 {
            chained.verify().await;
            highest = resident();
        }
    }
    let began = std::time::Instant::now();
    let found = chained.verify().await;
    let (took, now) = (began.elapsed(), resident());
    eprintln!("{} records in {took:?}; {now} kB, and {highest} kB after a tenth", found.records);
    assert_eq!((found.findings, found.records), (vec![], 1_000_012));
    assert!(now < highest + 50_000, "{now} kB after {highest} kB");
    chained.tamper("DELETE FROM audit_record WHERE batch = 200 AND position = 1234").await;
    assert_eq!(chained.findings().await, [Finding::RecordMissing { batch: 200, position: 1_234 }]);
}
