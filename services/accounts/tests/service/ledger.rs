//! The ledger: what the owner learns of reads, and what stays with whoever read.

use crate::{
    kit::House,
    people::{Person, item, shared_items, visible},
};
use accounts::{CONSUMER, app, consumes, events};
use bus::{Envelope, Transport, replay};
use candor_proto::accounts::v1::{
    ListReceiptsRequest, Receipt, Relation, ledger_service_server::LedgerService as _,
};
use candor_proto::journal::v1::DataRead;
use candor_proto::options::v1::Scope;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use uuid::Uuid;

/// The journal, as far as accounts hears of it.
struct Journal {
    transport: Transport,
    running: CancellationToken,
}

impl Journal {
    fn of(house: &House) -> Self {
        let transport = Transport::memory(&[(CONSUMER, consumes())]);
        let running = CancellationToken::new();
        let inbox = events::inbox(house.accounts.clone());
        assert_eq!(inbox.keys(), consumes());
        tokio::spawn(inbox.run(transport.clone(), running.clone()));
        Self { transport, running }
    }

    /// Tells of a read; when this returns accounts has dealt with it.
    async fn tells(&self, house: &House, read: &DataRead) -> Uuid {
        let receipt = read.receipt_id.parse().unwrap_or_default();
        let version = read.read_time.map_or(1, |time| time.seconds);
        let event = Envelope::new(house.accounts.ids.next(), house.now(), receipt, version, read);
        self.transport.publish(&event).await.unwrap();
        event.id
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.running.cancel();
    }
}

fn wire(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

fn read(
    house: &House,
    receipt: &str,
    owner: &Person,
    reader: &Person,
    items: &[u128],
    told: bool,
) -> DataRead {
    DataRead {
        receipt_id: receipt.to_owned(),
        owner_account_id: owner.account_id.to_string(),
        reader_account_id: reader.account_id.to_string(),
        item_ids: items.iter().map(|id| Uuid::from_u128(*id).to_string()).collect(),
        read_time: Some(wire(house.now())),
        told,
    }
}

async fn all(house: &House, person: &Person) -> Vec<Receipt> {
    house.receipts(person, 100, "").await.receipts
}

#[tokio::test]
async fn what_a_partner_opens_and_reads_stays_theirs_until_they_say_so() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let journal = Journal::of(&house);
    let receipt = house.open(&ben, shared_items(anna.account_id)).await.unwrap().receipt_id;
    assert!(all(&house, &anna).await.is_empty());
    journal.tells(&house, &read(&house, &receipt, &anna, &ben, &[1, 2, 3], false)).await;
    assert!(all(&house, &anna).await.is_empty());
    let counted: i64 =
        sqlx::query_scalar("SELECT count(*) FROM receipt WHERE cardinality(item_ids) = 3 AND read_at = $1")
            .bind(jiff_sqlx::Timestamp::from(house.now()))
            .fetch_one(house.pool())
            .await
            .unwrap();
    assert_eq!(counted, 1);

    // Half an hour later they say that they read one of the three.
    house.advance(SignedDuration::from_mins(30));
    journal.tells(&house, &read(&house, &receipt, &anna, &ben, &[2], true)).await;
    let shown = all(&house, &anna).await;
    let expected = Receipt {
        receipt_id: receipt.clone(),
        reader_account_id: ben.account_id.to_string(),
        relation: Relation::Partner.into(),
        scope: Scope::SharedItems.into(),
        item_ids: vec![Uuid::from_u128(2).to_string()],
        read_time: Some(wire(house.now())),
        consent_id: String::new(),
    };
    assert!(shown == [expected]);
    // Not even the receipt's id says when it was opened.
    assert_eq!(receipt.parse::<Uuid>().unwrap().get_version_num(), 4);
    // It is the owner's ledger alone.
    let carl = house.member("carl").await;
    assert!(all(&house, &ben).await.is_empty() && all(&house, &carl).await.is_empty());
    // What was told stays told when the two part.
    house.unlink(&ben).await.unwrap();
    assert!(all(&house, &anna).await == shown);
}

#[tokio::test]
async fn duplicates_and_disorder_come_to_the_same() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let journal = Journal::of(&house);
    let receipt = house.open(&ben, shared_items(anna.account_id)).await.unwrap().receipt_id;
    let early = house.now();
    let first = read(&house, &receipt, &anna, &ben, &[1], false);
    house.advance(SignedDuration::from_mins(1));
    let told = read(&house, &receipt, &anna, &ben, &[2], true);
    house.advance(SignedDuration::from_mins(1));
    let again = read(&house, &receipt, &anna, &ben, &[3, 2], true);
    let last = read(&house, &receipt, &anna, &ben, &[1, 4], false);
    for event in [&last, &again, &told, &again, &first, &told, &last] {
        journal.tells(&house, event).await;
    }
    let shown = all(&house, &anna).await;
    assert_eq!(shown.len(), 1);
    assert!(shown[0].read_time == told.read_time);
    assert_eq!(shown[0].item_ids, [2, 3].map(|id| Uuid::from_u128(id).to_string()));
    let (read_at, items): (jiff_sqlx::Timestamp, Vec<Uuid>) =
        sqlx::query_as("SELECT read_at, item_ids FROM receipt").fetch_one(house.pool()).await.unwrap();
    assert_eq!(read_at.to_jiff(), early);
    assert_eq!(items, [1, 2, 3, 4].map(Uuid::from_u128));
    // However much is read under one receipt, it holds so much and no more.
    let many: Vec<u128> = (10..400).collect();
    journal.tells(&house, &read(&house, &receipt, &anna, &ben, &many, true)).await;
    assert_eq!(all(&house, &anna).await[0].item_ids.len(), 100);
}

#[tokio::test]
async fn reads_that_come_together_count_each_for_itself() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let (carl, dora) = (house.member("carl").await, house.member("dora").await);
    house.link(&carl, &dora).await;
    let of_anna = house.open(&ben, shared_items(anna.account_id)).await.unwrap().receipt_id;
    let of_carl = house.open(&dora, shared_items(carl.account_id)).await.unwrap().receipt_id;
    let never_opened = Uuid::from_u128(5).to_string();
    let reads = [
        read(&house, &of_carl, &carl, &dora, &[7], true),
        read(&house, &of_anna, &anna, &ben, &[2], true),
        read(&house, &never_opened, &anna, &ben, &[8], true),
        read(&house, &of_anna, &anna, &ben, &[1], true),
        read(&house, &of_anna, &anna, &ben, &[3], false),
        // Of this reader it is not.
        read(&house, &of_anna, &anna, &dora, &[9], true),
    ];
    let event = |read: &DataRead| {
        let receipt = read.receipt_id.parse().unwrap();
        Envelope::new(house.accounts.ids.next(), house.now(), receipt, 1, read)
    };
    for together in [&reads[..2], &reads[..]] {
        let events: Vec<_> = together.iter().map(event).collect();
        events::inbox(house.accounts.clone()).handle(&events).await.unwrap();
    }
    let items = async |person| -> Vec<Vec<String>> {
        all(&house, person).await.into_iter().map(|receipt| receipt.item_ids).collect()
    };
    assert_eq!(items(&anna).await, [[1, 2].map(|id| Uuid::from_u128(id).to_string())]);
    assert_eq!(items(&carl).await, [[Uuid::from_u128(7).to_string()]]);
    let dead = replay::list(&mut house.pool().acquire().await.unwrap(), None).await.unwrap();
    assert_eq!(dead.iter().map(|letter| &*letter.reason).collect::<Vec<_>>(), ["RECEIPT_UNKNOWN"; 2]);
}

#[tokio::test]
async fn what_never_was_opened_between_the_two_counts_for_nothing() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let carl = house.member("carl").await;
    let journal = Journal::of(&house);
    let receipt = house.open(&ben, shared_items(anna.account_id)).await.unwrap().receipt_id;
    let good = read(&house, &receipt, &anna, &ben, &[1], true);
    let unknown = Uuid::from_u128(5).to_string();
    let wrong = [
        (DataRead { receipt_id: unknown, ..good.clone() }, "RECEIPT_UNKNOWN"),
        (DataRead { owner_account_id: carl.account_id.to_string(), ..good.clone() }, "RECEIPT_UNKNOWN"),
        (DataRead { reader_account_id: carl.account_id.to_string(), ..good.clone() }, "RECEIPT_UNKNOWN"),
        (read(&house, &receipt, &ben, &anna, &[1], true), "RECEIPT_UNKNOWN"),
        (DataRead { receipt_id: "x".into(), ..good.clone() }, "RECEIPT_ID"),
        (DataRead { owner_account_id: "x".into(), ..good.clone() }, "OWNER_ACCOUNT_ID"),
        (DataRead { reader_account_id: "x".into(), ..good.clone() }, "READER_ACCOUNT_ID"),
        (DataRead { item_ids: vec!["x".into()], ..good.clone() }, "ITEM_IDS"),
        (
            DataRead { read_time: Some(prost_types::Timestamp { seconds: 0, nanos: -1 }), ..good.clone() },
            "READ_TIME",
        ),
    ];
    let mut expected = BTreeSet::new();
    for (event, reason) in &wrong {
        expected.insert((journal.tells(&house, event).await, (*reason).to_owned()));
    }
    let dead = replay::list(&mut house.pool().acquire().await.unwrap(), None).await.unwrap();
    assert!(dead.iter().all(|letter| letter.consumer == CONSUMER));
    let dead: BTreeSet<_> = dead.into_iter().map(|letter| (letter.event_id, letter.reason)).collect();
    assert_eq!(dead, expected);
    for person in [&anna, &ben, &carl] {
        assert!(all(&house, person).await.is_empty());
    }
    // The good one still counts.
    journal.tells(&house, &good).await;
    assert_eq!(all(&house, &anna).await.len(), 1);
}

#[tokio::test]
async fn pages_hold_every_receipt_once_also_of_one_moment() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let journal = Journal::of(&house);
    let mut expected = BTreeSet::new();
    for at in 0..45 {
        if at % 9 == 0 {
            house.advance(SignedDuration::from_secs(5));
        }
        let receipt = house.open(&ben, item(&anna, at)).await.unwrap().receipt_id;
        journal.tells(&house, &read(&house, &receipt, &anna, &ben, &[at], at % 3 > 0)).await;
        if at % 3 > 0 {
            expected.insert(receipt);
        }
    }
    let (mut token, mut seen, mut sizes) = (String::new(), Vec::new(), Vec::new());
    loop {
        let page = house.receipts(&anna, 7, &token).await;
        sizes.push(page.receipts.len());
        seen.extend(page.receipts);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(sizes, [7, 7, 7, 7, 2]);
    assert!(
        seen.windows(2).all(|two| { two[0].read_time.unwrap().seconds >= two[1].read_time.unwrap().seconds })
    );
    assert_eq!(seen.into_iter().map(|one| one.receipt_id).collect::<BTreeSet<_>>(), expected);
    assert_eq!(house.receipts(&anna, 0, "").await.receipts.len(), 20);
    assert!(house.receipts(&anna, 30, "").await.next_page_token.is_empty());

    for (size, token) in [(-1, ""), (101, ""), (5, "x"), (5, "AAAA"), (5, "%%")] {
        let message = ListReceiptsRequest { page_size: size, page_token: token.into() };
        let refused = house.rpc.list_receipts(house.by(&anna, message)).await.err().unwrap();
        assert_eq!(visible(&refused).0, Code::InvalidArgument);
    }
}

/// How many receipts there are, and how many of them count.
async fn kept(house: &House) -> (i64, i64) {
    while app::sweep(&house.accounts).await.unwrap() > 0 {}
    sqlx::query_as("SELECT count(*), count(read_at) FROM receipt").fetch_one(house.pool()).await.unwrap()
}

#[tokio::test]
async fn a_read_that_is_told_weeks_late_still_counts() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let journal = Journal::of(&house);
    let receipt = house.open(&ben, item(&anna, 1)).await.unwrap().receipt_id;
    let never = house.open(&ben, item(&anna, 2)).await.unwrap().receipt_id;
    let told = read(&house, &receipt, &anna, &ben, &[1], true);
    house.advance(SignedDuration::from_hours(24 * 40));
    assert_eq!(kept(&house).await, (2, 0));
    journal.tells(&house, &told).await;
    let shown = all(&house, &anna).await;
    assert_eq!((shown.len(), &shown[0].receipt_id), (1, &receipt));
    assert!(shown[0].read_time == told.read_time);
    // Nothing on the bus is older than that: what has not counted by then never will.
    house.advance(SignedDuration::from_secs(1));
    assert_eq!(kept(&house).await, (1, 1));
    journal.tells(&house, &read(&house, &never, &anna, &ben, &[2], true)).await;
    assert!(all(&house, &anna).await == shown);
}

#[tokio::test]
async fn what_a_partner_never_told_goes_after_a_year_and_what_they_told_stays() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let journal = Journal::of(&house);
    for (at, told) in [(1, false), (2, true), (3, false)] {
        let receipt = house.open(&ben, item(&anna, at)).await.unwrap().receipt_id;
        journal.tells(&house, &read(&house, &receipt, &anna, &ben, &[at], told)).await;
    }
    house.advance(SignedDuration::from_hours(24 * 400));
    assert_eq!(kept(&house).await, (3, 3));
    house.advance(SignedDuration::from_secs(1));
    assert_eq!(kept(&house).await, (1, 1));
    assert_eq!(all(&house, &anna).await[0].item_ids, [Uuid::from_u128(2).to_string()]);
    house.advance(SignedDuration::from_hours(24 * 4_000));
    assert_eq!(kept(&house).await, (1, 1));
}
