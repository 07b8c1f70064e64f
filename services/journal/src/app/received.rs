//! Shares of another person, as whoever they are open to reads and answers them. Each call that shows something of
//! theirs leaves a `DataRead` in the same transaction: only with it the receipt counts.

use super::{data_read, share_answered, thaw};
use crate::Error;
use crate::domain::{Cursor, EntryBody};
use crate::store::answers::{self, NewAnswer};
use crate::store::received::{self as store, OpenShare, Reader, SealedAnswer};
use bus::Envelope;
use candor_proto::journal::v1 as proto;
use chassis::Ids;
use chassis::identity::Capability;
use chassis::telemetry::propagate::inject_current;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::{DataKey, Place};

pub use crate::store::answers::list_own_answers;

/// The purpose of the MACs of answers.
const ANSWER_SHARE: &str = "journal.v1.AnswerShare";

/// What is open to the reader after a cursor, newest first, at most `limit`, and whether there is more.
///
/// # Errors
/// When the database fails.
pub async fn list_received(
    conn: &mut PgConnection,
    capability: &Capability,
    after: Cursor,
    limit: i64,
    now: Timestamp,
    ids: &Ids,
) -> Result<(Vec<OpenShare>, bool), Error> {
    let (shares, more) = store::list_open(conn, &Reader::new(capability, now), after, limit).await?;
    if !shares.is_empty() {
        let items: Vec<Uuid> = shares.iter().map(|share| share.share_id).collect();
        bus::outbox::append(conn, &[data_read(ids.next(), now, capability, &items, false)]).await?;
    }
    Ok((shares, more))
}

/// A wish to read a share, with what it is opened with.
#[derive(Clone)]
pub struct ReadShare {
    /// What accounts said to it.
    pub capability: Capability,
    /// The share.
    pub share_id: Uuid,
    /// The data key of the share's owner.
    pub owner_key: DataKey,
    /// The trace it was asked in, which what is told of it goes on with.
    traceparent: Option<String>,
}

impl ReadShare {
    /// A wish of the current trace.
    pub fn new(capability: Capability, share_id: Uuid, owner_key: DataKey) -> Self {
        Self { capability, share_id, owner_key, traceparent: inject_current() }
    }

    fn told(&self, event_id: Uuid, now: Timestamp) -> Envelope {
        let event = data_read(event_id, now, &self.capability, &[self.share_id], false);
        Envelope { traceparent: self.traceparent.clone(), ..event }
    }
}

/// A share that is open to its reader, and what it shows.
pub type Received = (OpenShare, proto::Rendering);

/// Of each wish, the share if it is open to its reader, and what it shows. Of those that were opened, and no others, it is
/// told that they were read: by the events, which are leased until `lease`.
///
/// # Errors
/// When the database refuses the whole: then nothing was read. Of a wish: [`Error::ShareNotFound`] for whatever is not open
/// to its reader, whatever the reason; [`Error::Unreadable`].
pub async fn find_received(
    conn: &mut PgConnection,
    wishes: &[ReadShare],
    now: Timestamp,
    ids: &Ids,
    lease: Option<Timestamp>,
) -> Result<(Vec<Result<Received, Error>>, Vec<Envelope>), sqlx::Error> {
    let asked: Vec<_> =
        wishes.iter().map(|wish| (Reader::new(&wish.capability, now), wish.share_id)).collect();
    let found = store::find_open(conn, &asked, now).await?;
    let opened: Vec<_> = wishes.iter().zip(found).map(|(wish, found)| open_received(wish, found)).collect();
    let read = wishes.iter().zip(&opened).filter(|(_, opened)| opened.is_ok());
    let events: Vec<_> = read.map(|(wish, _)| wish.told(ids.next(), now)).collect();
    bus::outbox::append_leased(conn, &events, lease).await?;
    Ok((opened, events))
}

fn open_received(wish: &ReadShare, found: Option<(OpenShare, Vec<u8>)>) -> Result<Received, Error> {
    let (share, sealed) = found.ok_or(Error::ShareNotFound)?;
    Ok((share, thaw(&wish.owner_key, wish.share_id, &sealed)?))
}

/// Notes that the reader wants the owner to know that they read it. Once is enough: the second time nothing is told.
///
/// # Errors
/// [`Error::ShareNotFound`].
pub async fn tell_read(
    conn: &mut PgConnection,
    capability: &Capability,
    share_id: Uuid,
    now: Timestamp,
    ids: &Ids,
) -> Result<(), Error> {
    let told = store::mark_told(conn, &Reader::new(capability, now), share_id).await?;
    if told.ok_or(Error::ShareNotFound)? {
        bus::outbox::append(conn, &[data_read(ids.next(), now, capability, &[share_id], true)]).await?;
    }
    Ok(())
}

/// An answer that is wanted, sealed already.
pub struct AnswerShare {
    new: NewAnswer,
}

impl AnswerShare {
    /// Seals an answer with the answerer's data key. `canonical_request` is the request in its canonical bytes, which
    /// tells a retry from another answer.
    pub fn new(
        data_key: &DataKey,
        capability: &Capability,
        share_id: Uuid,
        body: &EntryBody,
        canonical_request: &[u8],
        (answer_id, now): (Uuid, Timestamp),
    ) -> Self {
        let answer = SealedAnswer {
            answer_id,
            owner_id: capability.opening.owner_id,
            share_id,
            body: data_key.seal(&place(answer_id), body.as_str().as_bytes()),
            create_time: now,
        };
        let new = NewAnswer {
            account_id: capability.reader_id,
            couple_id: capability.opening.relation_id,
            answer,
            request_mac: data_key.mac(ANSWER_SHARE, canonical_request),
        };
        Self { new }
    }
}

/// Keeps the answer to a share that is open to the answerer, and gives it back as it is kept, still sealed. The same
/// answer once more changes nothing.
///
/// # Errors
/// [`Error::ShareNotFound`]; [`Error::AlreadyAnswered`] when there is another answer. Then the transaction must be rolled
/// back.
pub async fn answer_share(
    conn: &mut PgConnection,
    capability: &Capability,
    command: AnswerShare,
    ids: &Ids,
) -> Result<SealedAnswer, Error> {
    let new = command.new;
    let (share_id, now) = (new.answer.share_id, new.answer.create_time);
    let share = store::mark_answered(conn, &Reader::new(capability, now), share_id).await?;
    let share = share.ok_or(Error::ShareNotFound)?;
    if answers::insert_answer(conn, &new).await? {
        let answered = share_answered(ids.next(), now, &share);
        let told = data_read(ids.next(), now, capability, &[share_id], true);
        bus::outbox::append(conn, &[answered, told]).await?;
        return Ok(new.answer);
    }
    match answers::own_answer(conn, new.account_id, new.answer.owner_id, share_id).await? {
        Some((kept, mac)) if mac[..] == new.request_mac => Ok(kept),
        _ => Err(Error::AlreadyAnswered),
    }
}

/// The answer that the capability's owner gave to a share of the reader, still sealed.
///
/// # Errors
/// [`Error::AnswerNotFound`] for whatever is not open to them, whatever the reason.
pub async fn find_answer(
    conn: &mut PgConnection,
    capability: &Capability,
    share_id: Uuid,
    now: Timestamp,
    ids: &Ids,
) -> Result<SealedAnswer, Error> {
    let found = store::find_answer(conn, &Reader::new(capability, now), share_id).await?;
    let found = found.ok_or(Error::AnswerNotFound)?;
    bus::outbox::append(conn, &[data_read(ids.next(), now, capability, &[share_id], false)]).await?;
    Ok(found)
}

/// Opens an answer with its writer's data key.
///
/// # Errors
/// [`Error::Unreadable`] when it was altered or moved.
pub fn open_answer(data_key: &DataKey, answer: &SealedAnswer) -> Result<String, Error> {
    let mut plain = data_key.open(&place(answer.answer_id), &answer.body).map_err(Error::Unreadable)?;
    String::from_utf8(std::mem::take(&mut *plain)).map_err(|_| Error::Unreadable(vault::Error::Refused))
}

fn place(answer_id: Uuid) -> Place<'static> {
    Place { table: "share_answers", column: "body", row: answer_id }
}
