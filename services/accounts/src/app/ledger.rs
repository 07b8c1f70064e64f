//! The access ledger: receipts count once their data were read, and show to the owner by the one rule of
//! [`Reads::shown`](crate::domain::Reads::shown).

use super::{Accounts, audit};
use crate::{
    Error,
    domain::{Cursor, PageSize, Read, Reads, Relation, Scope, Shown, Visibility},
    store::{
        self,
        audit::NewRecord,
        receipt::{self, Receipt},
    },
};
use bus::key_of;
use candor_proto::journal::v1::DataRead;
use prost::Message as _;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Which receipt a read was made under, and between whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Under {
    /// The receipt.
    pub receipt_id: Uuid,
    /// Whose data.
    pub owner_id: Uuid,
    /// Who read.
    pub reader_id: Uuid,
}

/// A receipt while reads are added to it.
struct Counting {
    receipt: Receipt,
    relation: Relation,
    before: Reads,
}

impl Counting {
    fn of(receipt: Receipt) -> Result<Self, Error> {
        let relation = Relation::stored(&receipt.relation).ok_or(Error::Unreadable)?;
        Ok(Self { relation, before: receipt.reads.clone(), receipt })
    }

    /// Adds a read; of a partner or trusted person who is erased none counts any more.
    fn add(&mut self, read: &Read) {
        let visibility = self.relation.visibility();
        if visibility == Visibility::Exactly || !self.receipt.is_readers_erased {
            self.receipt.reads = self.receipt.reads.with(read, visibility);
        }
    }

    /// Whether there is something to record: of an exact read whatever its receipt says now, of others that they count; of
    /// whoever is erased nothing.
    fn is_to_record(&self) -> bool {
        if self.receipt.is_readers_erased {
            return false;
        }
        let (before, now) = (&self.before, &self.receipt.reads);
        match self.relation.visibility() {
            Visibility::WhenTold => before.read_at.is_none(),
            Visibility::Exactly => (before.read_at, &before.item_ids) != (now.read_at, &now.item_ids),
        }
    }

    /// What is recorded, if anything is; from then on the receipt names it.
    fn record(&mut self, accounts: &Accounts) -> Result<Option<NewRecord>, Error> {
        if !self.is_to_record() {
            return Ok(None);
        }
        self.receipt.records += 1;
        let record = audit::prepare(accounts, audit::of_read(&self.receipt, self.relation)?)?;
        self.receipt.record_id = Some(record.record_id);
        Ok(Some(record))
    }
}

/// Counts reads, and records them in the audit. Twice, or in another order, comes to the same. However many they are, it is
/// three statements; where nothing new counts, one. Of a partner or trusted person who is erased there may be no receipt any
/// more; a counselor's and software's reads the owner is to know all the same.
///
/// # Errors
/// [`Error::ReceiptNotFound`] when one of them is under no receipt between its two; then none counts.
pub async fn count_reads(
    accounts: &Accounts,
    conn: &mut PgConnection,
    reads: &[(Under, Read)],
) -> Result<(), Error> {
    let ids: Vec<_> = reads.iter().map(|(under, _)| (under.owner_id, under.receipt_id)).collect();
    let mut receipts = HashMap::new();
    for receipt in receipt::lock(conn, &ids).await? {
        receipts.insert(receipt.id, Counting::of(receipt)?);
    }
    let mut without = Vec::new();
    for (under, read) in reads {
        let found = receipts.get_mut(&(under.owner_id, under.receipt_id));
        match found.filter(|counting| counting.receipt.reader_id == under.reader_id) {
            Some(counting) => counting.add(read),
            None => without.push(under.reader_id),
        }
    }
    if !without.is_empty() {
        let erased = bus::erasure::among(conn, &without).await?;
        if without.iter().any(|reader_id| !erased.contains(reader_id)) {
            return Err(Error::ReceiptNotFound);
        }
    }
    let (mut kept, mut records) = (Vec::new(), Vec::new());
    for mut counting in receipts.into_values().filter(|one| one.receipt.reads != one.before) {
        records.extend(counting.record(accounts)?);
        let shown = counting.receipt.reads.shown(counting.relation.visibility());
        kept.push((counting.receipt, shown.map(|shown| shown.time)));
    }
    if !kept.is_empty() {
        receipt::keep(conn, &kept).await?;
    }
    if !records.is_empty() {
        store::audit::insert(conn, &records).await?;
    }
    Ok(())
}

/// Whose ledger a read is for. Whoever read may be erased by now, or what was read: its owner is to know all the same.
pub fn whose_ledger(read: &DataRead) -> Option<Uuid> {
    read.owner_account_id.parse().ok()
}

/// Whether an event that failed is about somebody whom it names.
pub(super) fn is_about(key: &str, body: &[u8], account_id: Uuid) -> bool {
    let read = (key == key_of::<DataRead>()).then(|| DataRead::decode(body).ok()).flatten();
    read.and_then(|read| whose_ledger(&read)).is_none_or(|owner| owner == account_id)
}

/// A receipt as its owner sees it.
pub struct OwnReceipt {
    /// The receipt.
    pub receipt_id: Uuid,
    /// Who read.
    pub reader_id: Uuid,
    /// In which relation.
    pub relation: Relation,
    /// What kind of data.
    pub scope: Scope,
    /// The consent under which a counselor or software read.
    pub consent_id: Option<Uuid>,
    /// When, and what.
    pub shown: Shown,
}

/// A page of the receipts that are the owner's to know, newest first, and where the next page begins.
///
/// # Errors
/// When the database fails.
pub async fn list_receipts(
    conn: &mut PgConnection,
    owner_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<OwnReceipt>, Option<Cursor>), Error> {
    // One more than a page holds: whether there is a next one.
    let mut rows = receipt::list(conn, owner_id, (after.time, after.id), size.get() + 1).await?;
    let has_more = rows.len() > usize::try_from(size.get()).unwrap_or(usize::MAX);
    if has_more {
        rows.pop();
    }
    let last = rows.last().map(|row| Cursor { time: row.shown_at, id: row.receipt_id });
    let receipts = rows.into_iter().map(own).collect::<Result<_, _>>()?;
    Ok((receipts, last.filter(|_| has_more)))
}

fn own(row: receipt::Listed) -> Result<OwnReceipt, Error> {
    let relation = Relation::stored(&row.relation).ok_or(Error::Unreadable)?;
    let scope = Scope::of(row.scope).ok_or(Error::Unreadable)?;
    let shown = row.reads.shown(relation.visibility()).ok_or(Error::Unreadable)?;
    let by_consent = matches!(relation, Relation::Counselor | Relation::Software);
    let consent_id = by_consent.then_some(row.relation_id);
    let (receipt_id, reader_id) = (row.receipt_id, row.reader_id);
    Ok(OwnReceipt { receipt_id, reader_id, relation, scope, consent_id, shown })
}
