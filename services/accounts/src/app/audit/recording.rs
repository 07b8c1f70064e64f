//! Adding a record.

use crate::{
    Error,
    app::{Accounts, random},
    domain::audit::{Action, Actor, ActorKind, Content, Details, Subject, commitment},
    store::audit::{self, NewRecord},
};
use chassis::{
    Clock, Ids,
    identity::{Kind, Passport},
};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

/// What somebody did.
pub struct Record {
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// To whom or to what.
    pub subject: Subject,
    /// What else there is to say.
    pub details: Details,
    /// What the actor wrote down as the reason, if anything, from [`seal_note`].
    pub note: Option<SealedNote>,
}

/// The caller of an RPC, as an actor.
pub fn actor(passport: &Passport) -> Actor {
    let kind = match passport.kind {
        Kind::Member => ActorKind::Member,
        Kind::Counselor => ActorKind::Counselor,
        Kind::Operator => ActorKind::Operator,
        Kind::Editor => ActorKind::Editor,
        Kind::Support => ActorKind::Support,
        Kind::Client => ActorKind::Client,
    };
    Actor { kind, account_id: Some(passport.account_id), session_id: Some(passport.session_id) }
}

/// Words for one record, sealed under the service's own key.
pub struct SealedNote {
    record_id: Uuid,
    sealed: Vec<u8>,
}

/// Where a note is sealed.
pub(super) fn note_place(record_id: Uuid) -> Place<'static> {
    Place { table: "audit_record", column: "note", row: record_id }
}

/// Seals what an actor wrote. May ask the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn seal_note(accounts: &Accounts, text: &str) -> Result<SealedNote, Error> {
    let record_id = accounts.ids.next();
    let sealed = accounts.key().await?.seal(&note_place(record_id), text.as_bytes());
    Ok(SealedNote { record_id, sealed })
}

/// Records what somebody did, in the transaction that does it.
///
/// # Errors
/// When the database fails, or the operating system gives no random bytes.
pub async fn record(conn: &mut PgConnection, accounts: &Accounts, what: Record) -> Result<(), Error> {
    Ok(audit::insert(conn, &[prepare(accounts, what)?]).await?)
}

/// Records that one of the staff looked at a page of a list: at which, and how many stood on it. Whose they were is not kept:
/// whoever looks at a list looks for nobody, and of each it would be one record more.
///
/// # Errors
/// As [`record`].
pub(in crate::app) async fn listed(
    conn: &mut PgConnection,
    accounts: &Accounts,
    by: &Passport,
    (action, details): (Action, Details),
    shown: usize,
) -> Result<(), Error> {
    let details = details.number("shown", i64::try_from(shown).unwrap_or(i64::MAX));
    // Nobody's id, and nothing's: a list has none.
    let subject = Subject::thing(accounts.ids.next_opaque());
    record(conn, accounts, Record { actor: actor(by), action, subject, details, note: None }).await
}

/// Records what was done with a command at the machine, which stands on less than the service does.
///
/// # Errors
/// As [`record`].
pub async fn record_at_machine(
    conn: &mut PgConnection,
    (clock, ids): (&Clock, &Ids),
    action: Action,
    details: Details,
) -> Result<(), Error> {
    let subject = Subject::thing(ids.next_opaque());
    let what = Record { actor: Actor::MACHINE, action, subject, details, note: None };
    Ok(audit::insert(conn, &[ready(clock, ids, what)?]).await?)
}

/// Makes a record ready to be added with others, where much happens at once.
///
/// # Errors
/// When the operating system gives no random bytes.
pub(in crate::app) fn prepare(accounts: &Accounts, what: Record) -> Result<NewRecord, Error> {
    ready(&accounts.clock, &accounts.ids, what)
}

fn ready(clock: &Clock, ids: &Ids, what: Record) -> Result<NewRecord, Error> {
    let (record_id, note) = match what.note {
        Some(note) => (note.record_id, Some(note.sealed)),
        None => (ids.next(), None),
    };
    let content = Content {
        recorded_at: stored(clock.now()),
        actor_kind: what.actor.kind.as_str().to_owned(),
        actor_id: what.actor.account_id,
        session_id: what.actor.session_id,
        action: what.action.as_str().to_owned(),
        subject_kind: what.subject.kind.as_str().to_owned(),
        subject_id: what.subject.id,
        details: what.details.text(),
        note,
    };
    let salt = random()?;
    Ok(NewRecord { record_id, commitment: commitment(&salt, record_id, &content), salt, content })
}

/// A time as the database keeps it, to the microsecond: what is hashed must read back the same.
pub(super) fn stored(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}
