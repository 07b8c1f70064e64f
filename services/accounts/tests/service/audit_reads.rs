//! Reads in the audit: that each is recorded once, and that nobody changes or removes what is said of one unnoticed.

use crate::{
    consents::{all_of, read_all, wire},
    erasure::WEEK,
    kit::House,
    people::{Person, item},
    software::all_of as all_to_software,
};
use accounts::{
    app::{self, audit::verify},
    domain::audit::Finding,
    events, jobs,
};
use bus::Envelope;
use candor_proto::journal::v1::DataRead;
use candor_proto::options::v1::Scope;
use chassis::identity::Kind;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::ops::Range;
use uuid::Uuid;

/// What the journal tells.
fn data(house: &House, receipt_id: Uuid, owner: &Person, reader: &Person, items: Range<u128>) -> DataRead {
    DataRead {
        receipt_id: receipt_id.to_string(),
        owner_account_id: owner.account_id.to_string(),
        reader_account_id: reader.account_id.to_string(),
        item_ids: items.map(|id| Uuid::from_u128(id).to_string()).collect(),
        read_time: Some(wire(house.now())),
        told: false,
    }
}

fn event(house: &House, read: &DataRead) -> Envelope {
    Envelope::new(house.accounts.ids.next(), house.now(), read.receipt_id.parse().unwrap(), 1, read)
}

fn told(house: &House, receipt_id: Uuid, owner: &Person, reader: &Person, items: Range<u128>) -> Envelope {
    event(house, &data(house, receipt_id, owner, reader, items))
}

/// A member whose counselor read something.
struct Read {
    house: House,
    carla: Person,
    anna: Person,
    receipt_id: Uuid,
}

impl Read {
    async fn new() -> Self {
        let house = House::new().await;
        let carla = house.verified(&house.operator().await, "carla").await;
        let anna = house.member("anna").await;
        house.in_care(&anna, &carla).await;
        house.grant(&anna, all_of(Scope::Entries, &carla)).await.unwrap();
        let receipt_id =
            house.opened(&carla, read_all(Scope::Entries, &anna)).await.unwrap().opening.receipt_id;
        Self { house, carla, anna, receipt_id }
    }

    fn tells(&self, items: Range<u128>) -> Envelope {
        told(&self.house, self.receipt_id, &self.anna, &self.carla, items)
    }

    async fn hears(&self, events: &[Envelope]) {
        events::inbox(self.house.accounts.clone()).handle(events).await.unwrap();
    }

    /// What is wrong, once everything that waits is sealed.
    async fn findings(&self) -> Vec<Finding> {
        findings(&self.house).await
    }

    async fn tamper(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(self.house.pool()).await.unwrap();
    }
}

async fn findings(house: &House) -> Vec<Finding> {
    while jobs::seal_audit(&house.accounts).await.unwrap() {}
    verify(house.pool(), &[]).await.unwrap().findings
}

/// What is recorded of reads: who did it, to whom, and what else.
async fn recorded(house: &House) -> Vec<(String, Uuid, Uuid, Value)> {
    let rows: Vec<(String, Uuid, Uuid, String)> = sqlx::query_as(
        "SELECT actor_kind, actor_id, subject_id, details FROM audit_record WHERE action = 'data_read'
         ORDER BY record_id",
    )
    .fetch_all(house.pool())
    .await
    .unwrap();
    let parsed = |(kind, actor, subject, details): (_, _, _, String)| {
        (kind, actor, subject, serde_json::from_str(&details).unwrap())
    };
    rows.into_iter().map(parsed).collect()
}

#[tokio::test]
async fn what_a_counselor_reads_is_recorded_when_it_counts_and_names_nothing_of_what_it_was() {
    let read = Read::new().await;
    assert!(recorded(&read.house).await.is_empty(), "what was opened is no read");
    read.hears(&[read.tells(0..30)]).await;
    let records = recorded(&read.house).await;
    let [(kind, actor, subject, details)] = &records[..] else { panic!("{records:?}") };
    assert_eq!((kind.as_str(), *actor), ("counselor", read.carla.account_id));
    assert_eq!(*subject, read.anna.account_id);
    let names: Vec<_> = details.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["consent", "item_ids", "items", "number", "read_at", "receipt", "scope"]);
    assert_eq!((&details["items"], &details["scope"]), (&json!(30), &json!("entries")));
    assert_eq!(details["receipt"], read.receipt_id.to_string());
    assert_eq!(details["item_ids"].as_str().unwrap().len(), 64, "a hash and no list");
    assert_eq!(read.findings().await, []);
}

#[tokio::test]
async fn duplicates_and_disorder_make_one_record_and_more_of_the_same_receipt_another() {
    let read = Read::new().await;
    let first = read.tells(0..30);
    let again = Envelope { id: read.house.accounts.ids.next(), ..first.clone() };
    read.house.advance(SignedDuration::from_secs(1));
    let within = read.tells(3..9);
    // In one batch and in others, in any order.
    read.hears(&[within.clone(), again, first.clone()]).await;
    read.hears(&[first]).await;
    read.hears(&[Envelope { id: read.house.accounts.ids.next(), ..within }]).await;
    assert_eq!(recorded(&read.house).await.len(), 1);
    read.hears(&[read.tells(30..40)]).await;
    let records = recorded(&read.house).await;
    let said: Vec<_> =
        records.iter().map(|(.., said)| (said["number"].clone(), said["items"].clone())).collect();
    assert_eq!(said, [(json!(1), json!(30)), (json!(2), json!(40))]);
    assert_eq!(read.findings().await, []);
}

#[tokio::test]
async fn a_receipt_that_was_changed_or_removed_shows() {
    let read = Read::new().await;
    read.hears(&[read.tells(0..30)]).await;
    read.hears(&[read.tells(30..40)]).await;
    assert_eq!(read.findings().await, []);
    let receipt_id = read.receipt_id;
    let first: Uuid = sqlx::query_scalar(
        "SELECT record_id FROM audit_record WHERE action = 'data_read' ORDER BY record_id LIMIT 1",
    )
    .fetch_one(read.house.pool())
    .await
    .unwrap();
    let as_it_was = format!("item_ids = item_ids[1:30], record_id = '{first}', records = 1");
    let changes = [
        "item_ids = item_ids[2:]",
        "item_ids = array_append(item_ids, gen_random_uuid())",
        "item_ids = (SELECT array_agg(id ORDER BY id DESC) FROM unnest(item_ids) AS id)",
        "item_ids = '{}'",
        "read_at = NULL",
        "read_at = read_at - interval '1 day'",
        "reader_id = gen_random_uuid()",
        "relation_id = gen_random_uuid()",
        "scope = 6",
        "record_id = NULL",
        "records = 7",
        "record_id = (SELECT record_id FROM audit_record WHERE action <> 'data_read' LIMIT 1)",
        // What was right once, with the record of then.
        &as_it_was,
    ];
    for change in changes {
        read.tamper("CREATE TABLE kept AS SELECT * FROM receipt").await;
        read.tamper(&format!("UPDATE receipt SET {change} WHERE receipt_id = '{receipt_id}'")).await;
        assert_eq!(read.findings().await, [Finding::ReadChanged(receipt_id)], "{change}");
        read.tamper("TRUNCATE receipt; INSERT INTO receipt SELECT * FROM kept; DROP TABLE kept").await;
    }
    assert_eq!(read.findings().await, []);
    read.tamper("UPDATE receipt SET owner_id = gen_random_uuid()").await;
    assert_eq!(read.findings().await, [Finding::ReadMissing(receipt_id)]);
    read.tamper("DELETE FROM receipt").await;
    assert_eq!(read.findings().await, [Finding::ReadMissing(receipt_id)]);
}

#[tokio::test]
async fn what_software_reads_is_recorded_with_the_software_as_who_did_it() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (praxis, token) = house.house_software(&operator).await;
    let anna = house.member("anna").await;
    house.give(&anna, all_to_software(Scope::Entries, &praxis)).await.unwrap();
    let receipt_id = house.software_opened(&token, read_all(Scope::Entries, &anna)).await.opening.receipt_id;
    let reader = Person { account_id: token.account_id, session_id: token.session_id, kind: Kind::Client };
    house.hear(&told(&house, receipt_id, &anna, &reader, 0..5)).await;
    let records = recorded(&house).await;
    assert_eq!((records.len(), records[0].0.as_str(), records[0].1), (1, "client", token.account_id));
    assert_eq!(findings(&house).await, []);
    sqlx::query("UPDATE receipt SET item_ids = item_ids[1:4]").execute(house.pool()).await.unwrap();
    assert_eq!(findings(&house).await, [Finding::ReadChanged(receipt_id)]);
}

#[tokio::test]
async fn of_a_partner_it_is_recorded_once_that_a_receipt_counts_and_it_goes_with_the_receipt() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let mut receipts = Vec::new();
    for at in 1..=2 {
        let receipt = house.opened(&ben, item(&anna, at)).await.unwrap().opening.receipt_id;
        for items in [0..1, 0..1, 1..3] {
            house.hear(&told(&house, receipt, &anna, &ben, items)).await;
        }
        receipts.push(receipt);
    }
    let records = recorded(&house).await;
    assert_eq!(records.len(), 2);
    let (kind, actor, subject, details) = &records[0];
    assert_eq!((kind.as_str(), *actor, *subject), ("member", ben.account_id, anna.account_id));
    let names: Vec<_> = details.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["receipt", "relation", "scope"], "not what it was, and not how often");
    assert_eq!(findings(&house).await, []);
    // He says of the first that he read it. After 400 days the other goes, and what the audit says of it.
    let said = DataRead { told: true, ..data(&house, receipts[0], &anna, &ben, 0..1) };
    house.hear(&event(&house, &said)).await;
    house.advance(SignedDuration::from_hours(24 * 400 + 1));
    while app::sweep(&house.accounts).await.unwrap() > 0 {}
    let left = recorded(&house).await;
    assert_eq!((left.len(), house.count("receipt").await), (1, 1));
    assert_eq!(left[0].3["receipt"], receipts[0].to_string());
    assert_eq!(findings(&house).await, []);
}

#[tokio::test]
async fn an_erasure_takes_what_was_recorded_of_reads_and_the_chain_still_verifies() {
    for counselor_leaves in [false, true] {
        let read = Read::new().await;
        let house = &read.house;
        read.hears(&[read.tells(0..30)]).await;
        assert_eq!(read.findings().await, []);
        let gone = if counselor_leaves { &read.carla } else { &read.anna };
        house.ask(gone, false).await.unwrap();
        house.advance(WEEK);
        house.go_through(house.erasure_id().await).await;
        assert!(recorded(house).await.is_empty());
        assert_eq!(house.count("receipt").await, i64::from(counselor_leaves), "it is its owner's");
        assert_eq!(read.findings().await, []);
        // What comes late of somebody who is gone brings nothing back.
        read.hears(&[read.tells(30..40)]).await;
        assert!(recorded(house).await.is_empty());
        assert_eq!(read.findings().await, []);
    }
}

#[tokio::test]
async fn a_read_that_does_not_count_is_not_recorded_and_those_beside_it_are() {
    let read = Read::new().await;
    let ben = read.house.member("ben").await;
    let wrong = told(&read.house, read.receipt_id, &read.anna, &ben, 0..3);
    read.hears(&[wrong, read.tells(0..30)]).await;
    let records = recorded(&read.house).await;
    assert_eq!((records.len(), records[0].1), (1, read.carla.account_id));
    assert_eq!(read.findings().await, []);
}
