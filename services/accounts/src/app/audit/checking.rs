//! Holding what is stored against what was sealed, record by record. Remembers one batch.

use super::reads::Recorded;
use crate::{
    domain::audit::{Action, Anchor, Content, Finding, GENESIS, Head, Tree, commitment, hex},
    store::audit::{chain::Batch, reading::Stored},
};
use ed25519_dalek::{Signature, VerifyingKey};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Findings that are told at most.
const MOST_FINDINGS: usize = 20;
/// How much earlier than the last sealing a record may have been made: a transaction that took its time, and clocks that
/// differ a little.
const LATENESS: SignedDuration = SignedDuration::from_mins(10);

/// What was counted and found.
pub(super) struct Tally {
    pub(super) batches: i64,
    pub(super) records: i64,
    pub(super) erased: i64,
    pub(super) findings: Vec<Finding>,
}

/// Holds what passes by against what it must be.
pub(super) struct Checker<'a> {
    keys: BTreeMap<Uuid, Vec<u8>>,
    anchors: &'a [Anchor],
    last: Option<Head>,
    open: Option<Open>,
    batches: i64,
    records: i64,
    /// Records without content.
    bare: i64,
    /// How many records erasures say that they erased.
    accounted: i64,
    /// The exact reads that passed by and whose receipts were not looked at yet.
    reads: Vec<Recorded>,
    findings: Vec<Finding>,
}

/// The batch that is being read.
struct Open {
    batch: i64,
    commitments: Vec<u8>,
    sealed_before: Option<Timestamp>,
    /// The place of the next record.
    next: i64,
    /// Whether its list is the one that was sealed, so that records can be held against it.
    is_sound: bool,
}

impl Open {
    fn places(&self) -> i64 {
        i64::try_from(self.commitments.len() / 32).unwrap_or(i64::MAX)
    }

    fn at(&self, position: i64) -> &[u8] {
        let start = usize::try_from(position).unwrap_or(usize::MAX).saturating_mul(32);
        self.commitments.get(start..start.saturating_add(32)).unwrap_or_default()
    }

    fn holds(&self, commitment: &[u8]) -> bool {
        self.commitments.chunks(32).any(|one| one == commitment)
    }
}

impl<'a> Checker<'a> {
    pub(super) fn new(keys: BTreeMap<Uuid, Vec<u8>>, anchors: &'a [Anchor]) -> Self {
        let mut checker = Self {
            keys,
            anchors,
            last: None,
            open: None,
            batches: 0,
            records: 0,
            bare: 0,
            accounted: 0,
            reads: Vec::new(),
            findings: Vec::new(),
        };
        for anchor in anchors {
            if !is_signed(anchor) {
                checker.found(Finding::AnchorChanged(anchor.day));
            }
        }
        checker
    }

    /// Whether as much is wrong as is told.
    pub(super) fn is_full(&self) -> bool {
        self.findings.len() >= MOST_FINDINGS
    }

    /// Notes what is wrong, each thing once: of a receipt there may be several records.
    pub(super) fn found(&mut self, finding: Finding) {
        if !self.is_full() && !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// The exact reads that passed by since it was asked last.
    pub(super) fn take_reads(&mut self) -> Vec<Recorded> {
        std::mem::take(&mut self.reads)
    }

    /// A batch begins.
    pub(super) fn begin(&mut self, batch: &Batch) {
        let head = &batch.head;
        let (number, previous, total) = match &self.last {
            None => (1, GENESIS, 0),
            Some(last) => (last.batch + 1, last.hash(), last.total),
        };
        for missing in (number..head.batch).take(MOST_FINDINGS) {
            self.found(Finding::BatchMissing(missing));
        }
        let follows = head.previous == previous && head.total == total + i64::from(head.records);
        if number == head.batch && !follows {
            self.found(Finding::BatchUnchained(head.batch));
        }
        self.check_signature(batch);
        let mut tree = Tree::default();
        batch.commitments.chunks_exact(32).for_each(|one| tree.add(&one.try_into().unwrap_or([0; 32])));
        let is_whole = batch.commitments.len() == usize::try_from(head.records).unwrap_or(0) * 32;
        let is_sound = is_whole && tree.root() == head.root;
        if !is_sound {
            self.found(Finding::CommitmentsChanged(head.batch));
        }
        for anchor in self.anchors.iter().filter(|anchor| anchor.batch == head.batch) {
            if !anchor.is_of(head) {
                self.findings.push(Finding::Rewritten { day: anchor.day, batch: head.batch });
            }
        }
        let sealed_before = self.last.as_ref().map(|last| last.sealed_at);
        self.open = Some(Open {
            batch: head.batch,
            commitments: batch.commitments.clone(),
            sealed_before,
            next: 0,
            is_sound,
        });
        self.last = Some(head.clone());
        self.batches += 1;
    }

    fn check_signature(&mut self, batch: &Batch) {
        let head = &batch.head;
        let key = self.keys.get(&head.key_id).filter(|key| fits(key, &head.bytes(), &batch.signature));
        let Some(key) = key.map(|key| hex(key)) else {
            return self.found(Finding::BatchUnsigned(head.batch));
        };
        let is_known = |anchor: &Anchor| anchor.key_id == head.key_id && anchor.public_key == key;
        if !self.anchors.is_empty() && !self.anchors.iter().any(is_known) {
            self.found(Finding::KeyUnknown(head.batch));
        }
    }

    /// A record of a batch up to the open one.
    pub(super) fn record(&mut self, record: &Stored) {
        let (batch, position) = (record.batch, i64::from(record.position));
        let Some(open) = self.open.as_mut().filter(|open| open.batch == batch) else {
            return self.unplaced(record);
        };
        if position >= open.places() || position < 0 {
            return self.unplaced(record);
        }
        let missing = open.next..position;
        open.next = position + 1;
        let expected = open.at(position) == record.commitment;
        let is_elsewhere = open.is_sound && open.holds(&record.commitment);
        let (is_sound, sealed_before) = (open.is_sound, open.sealed_before);
        for position in missing.take(MOST_FINDINGS) {
            self.found(Finding::RecordMissing { batch, position });
        }
        self.records += 1;
        let record_id = record.record_id;
        if is_sound && !expected {
            self.found(if is_elsewhere {
                Finding::RecordMoved { record_id, batch, position }
            } else {
                Finding::RecordExchanged { record_id, batch, position }
            });
        }
        self.check_content(record, sealed_before);
    }

    fn check_content(&mut self, record: &Stored, sealed_before: Option<Timestamp>) {
        if record.is_bare {
            self.bare += 1;
            return;
        }
        let fits = record.content.as_ref().is_some_and(|(salt, content)| {
            let salt = salt.as_slice().try_into();
            salt.is_ok_and(|salt| commitment(salt, record.record_id, content)[..] == record.commitment)
        });
        let Some((_, content)) = record.content.as_ref().filter(|_| fits) else {
            return self.found(Finding::RecordChanged { record_id: record.record_id, batch: record.batch });
        };
        self.accounted += erased_by(content);
        self.reads.extend(Recorded::of(&content.action, content.subject_id, &content.details));
        let recorded_at = content.recorded_at;
        if let Some(sealed_at) = sealed_before.filter(|sealed_at| recorded_at + LATENESS < *sealed_at) {
            self.found(Finding::RecordBackdated { record_id: record.record_id, recorded_at, sealed_at });
        }
    }

    /// A record whose place was never given.
    pub(super) fn unplaced(&mut self, record: &Stored) {
        let (record_id, batch, position) = (record.record_id, record.batch, i64::from(record.position));
        self.found(Finding::RecordInserted { record_id, batch, position });
    }

    /// The open batch is over.
    pub(super) fn end(&mut self) {
        let Some(open) = self.open.take() else { return };
        for position in (open.next..open.places()).take(MOST_FINDINGS) {
            self.found(Finding::RecordMissing { batch: open.batch, position });
        }
    }

    /// The chain is over. `waiting_bare` are the records without content that wait for their place.
    pub(super) fn finish(mut self, waiting_bare: i64) -> Tally {
        let last = self.last.as_ref().map_or(0, |last| last.batch);
        let tail: Vec<_> = self.anchors.iter().filter(|anchor| anchor.batch > last).collect();
        if let Some(anchor) = tail.iter().max_by_key(|anchor| anchor.batch) {
            self.found(Finding::TailMissing { day: anchor.day, batch: anchor.batch, last });
        }
        let bare = self.bare + waiting_bare;
        if self.findings.is_empty() && bare > self.accounted {
            self.found(Finding::ContentTaken { bare, erased: self.accounted });
        }
        Tally { batches: self.batches, records: self.records, erased: self.bare, findings: self.findings }
    }
}

/// How many records an erasure says that it erased.
fn erased_by(content: &Content) -> i64 {
    if content.action != Action::RecordsErased.as_str() {
        return 0;
    }
    let details: Option<serde_json::Value> = serde_json::from_str(&content.details).ok();
    details.and_then(|details| details["records"].as_i64()).unwrap_or(0)
}

/// Whether a signature fits.
fn fits(public_key: &[u8], bytes: &[u8], signature: &[u8]) -> bool {
    let key = public_key.try_into().ok().and_then(|key| VerifyingKey::from_bytes(key).ok());
    let signature = Signature::from_slice(signature).ok();
    key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(bytes, &signature).is_ok())
}

/// Whether an anchor is one that the house took: its own signature is over all it says.
fn is_signed(anchor: &Anchor) -> bool {
    let key = unhex(&anchor.public_key);
    fits(&key, &anchor.bytes(), &unhex(&anchor.signature))
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    digits.unwrap_or_default().chunks_exact(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}
