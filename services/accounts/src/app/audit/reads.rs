//! Reads in the audit: what is recorded of them, and holding receipts against it.

use super::{checking::Checker, recording::Record};
use crate::{
    Error,
    domain::{
        Relation, Scope, Visibility,
        audit::{Action, Actor, ActorKind, Details, ExactRead, Finding, Subject, own_read},
    },
    store::{
        audit::reading::{self, Counted},
        receipt::Receipt,
    },
};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Receipts that are held against the audit at a time; each may hold some thousand ids.
const AT_ONCE: usize = 256;

/// What is recorded of a receipt that counts now, or holds more than before. Who read is the actor and whose it is the subject,
/// so that it goes with the erasure of either.
///
/// # Errors
/// [`Error::Unreadable`] when the receipt is none that accounts wrote.
pub(in crate::app) fn of_read(receipt: &Receipt, relation: Relation) -> Result<Record, Error> {
    let (owner_id, receipt_id) = receipt.id;
    let kind = match relation {
        Relation::Partner | Relation::TrustedPerson => ActorKind::Member,
        Relation::Counselor => ActorKind::Counselor,
        Relation::Software => ActorKind::Client,
    };
    let scope = Scope::of(receipt.scope).ok_or(Error::Unreadable)?;
    let details = match relation.visibility() {
        Visibility::WhenTold => own_read(receipt_id, relation, scope),
        Visibility::Exactly => exact(receipt, scope)?,
    };
    Ok(Record {
        actor: Actor { kind, account_id: Some(receipt.reader_id), session_id: Some(receipt.session_id) },
        action: Action::DataRead,
        subject: Subject::account(owner_id),
        details,
        note: None,
    })
}

fn exact(receipt: &Receipt, scope: Scope) -> Result<Details, Error> {
    let read = ExactRead {
        receipt_id: receipt.id.1,
        number: receipt.records,
        consent_id: receipt.relation_id,
        scope,
        item_ids: &receipt.reads.item_ids,
        read_at: receipt.reads.read_at.ok_or(Error::Unreadable)?,
    };
    Ok(read.details())
}

/// A record of an exact read, as far as its receipt is found by it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recorded {
    owner_id: Uuid,
    receipt_id: Uuid,
    number: i32,
}

impl Recorded {
    /// What a sound record says of an exact read; none where it is about something else.
    pub(super) fn of(action: &str, subject_id: Uuid, details: &str) -> Option<Self> {
        let (receipt_id, number) =
            ExactRead::named_by(details).filter(|_| action == Action::DataRead.as_str())?;
        Some(Self { owner_id: subject_id, receipt_id, number })
    }

    /// Whether a receipt is what the newest record about it says, and that is not older than this one.
    fn is_kept(&self, receipt: &Counted) -> bool {
        let newest = receipt.read_at.zip(Scope::of(receipt.scope)).map(|(read_at, scope)| {
            let read = ExactRead {
                receipt_id: receipt.receipt_id,
                number: receipt.records,
                consent_id: receipt.consent_id,
                scope,
                item_ids: &receipt.item_ids,
                read_at: read_at.to_jiff(),
            };
            read.details().text()
        });
        receipt.records >= self.number
            && newest.is_some()
            && receipt.record_details == newest
            && receipt.record_actor == Some(receipt.reader_id)
            && receipt.record_subject == Some(receipt.owner_id)
    }
}

/// Holds the receipts of the exact reads that passed by against what was recorded of them. Each must be there, as the newest
/// record about it says: the receipts of such reads go with their owner alone, and with them what was recorded.
pub(super) async fn check(conn: &mut PgConnection, checker: &mut Checker<'_>) -> Result<(), Error> {
    for some in checker.take_reads().chunks(AT_ONCE) {
        let ids: Vec<_> = some.iter().map(|one| (one.owner_id, one.receipt_id)).collect();
        let found = reading::counted(conn, &ids).await?;
        let found: HashMap<_, _> = found.iter().map(|one| ((one.owner_id, one.receipt_id), one)).collect();
        for recorded in some {
            match found.get(&(recorded.owner_id, recorded.receipt_id)) {
                None => checker.found(Finding::ReadMissing(recorded.receipt_id)),
                Some(receipt) if !recorded.is_kept(receipt) => {
                    checker.found(Finding::ReadChanged(recorded.receipt_id));
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}
