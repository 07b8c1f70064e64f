//! Check-ins: answering, taking back, deciding, reading.
//!
//! Who may be on the same check-in at the same moment: two people on several devices, the event that says that its time
//! has come, a job of each replica, and readers. All of them hold the check-in's row before they change anything, so
//! each change happens wholly before the decision or not at all; and what was decided is never decided again.

use super::{data_read, to_proto};
use crate::Error;
use crate::domain::{
    AnswerFacts, Appointment, CheckInKey, CheckInState, Replies, Reply, Revealed, SealedAnswer, SealedCheckIn,
};
use crate::store::{check_ins as store, couples};
use bus::Envelope;
use candor_proto::journal::v1::{self as proto, CheckInRevealed};
use chassis::Ids;
use chassis::identity::Capability;
use jiff::{SignedDuration, Timestamp};
use prost::Message as _;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::{DataKey, Place};

pub use crate::store::check_ins::{
    call_off as call_off_check_ins, list_own as list_check_ins, opened_after as opened_check_ins_after,
};

/// How long answers to a check-in are kept that no schedule has: nobody announced it.
const UNANNOUNCED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The name of the write in the purpose of its MACs.
pub const ANSWER_CHECK_IN: &str = "journal.v1.AnswerCheckIn";

/// Seals an answer's replies with their writer's data key.
pub fn seal_replies(data_key: &DataKey, check_in_id: Uuid, replies: &Replies) -> Vec<u8> {
    let own_replies = replies
        .iter()
        .map(|reply| proto::CheckInReply { prompt_id: reply.prompt_id.clone(), text: reply.text.clone() });
    let plain = proto::CheckIn { own_replies: own_replies.collect(), ..Default::default() };
    data_key.seal(&place(check_in_id), &plain.encode_to_vec())
}

/// Opens an answer's replies with their writer's data key.
///
/// # Errors
/// [`Error::Unreadable`] when they were altered or moved.
pub fn open_replies(data_key: &DataKey, check_in_id: Uuid, sealed: &[u8]) -> Result<Replies, Error> {
    let plain = data_key.open(&place(check_in_id), sealed).map_err(Error::Unreadable)?;
    let plain = proto::CheckIn::decode(&plain[..]).map_err(|_| Error::Unreadable(vault::Error::Refused))?;
    let reply = |reply: proto::CheckInReply| Reply { prompt_id: reply.prompt_id, text: reply.text };
    Ok(Replies::kept(plain.own_replies.into_iter().map(reply).collect()))
}

fn place(check_in_id: Uuid) -> Place<'static> {
    Place { table: "check_in_answers", column: "replies", row: check_in_id }
}

/// Keeps an answer in place of an earlier one, and says where the check-in stands. The retry of a request that was
/// kept is answered whenever it comes.
///
/// # Errors
/// [`Error::CheckInOver`] when its time has come, its schedule ended or it was decided, [`Error::NotLinked`],
/// [`Error::TooManyCheckIns`]: then the transaction must be rolled back.
pub async fn answer_check_in(
    conn: &mut PgConnection,
    ids: &Ids,
    answer: &SealedAnswer,
) -> Result<CheckInState, Error> {
    let (account_id, check_in_id, now) = (answer.account_id, answer.check_in_id, answer.saved_at);
    if answer.open_time.has_come(now) {
        return answered_before(conn, ids, answer).await;
    }
    store::queue_up(conn, account_id).await?;
    let (couple_id, _) = couples::link_of(conn, account_id).await?.ok_or(Error::NotLinked)?;
    let appointment = Appointment {
        key: CheckInKey { couple_id, check_in_id },
        schedule_id: answer.schedule_id,
        open_time: answer.open_time,
    };
    if store::is_ended(conn, couple_id, answer.schedule_id, answer.open_time.timestamp()).await? {
        return answered_before(conn, ids, answer).await;
    }
    if !store::load(conn, account_id, &appointment, now).await?.admits() {
        return Err(Error::TooManyCheckIns);
    }
    // Another replica's clock may be a little ahead of ours: it decided already.
    if store::make_and_hold(conn, &appointment, false).await? != CheckInState::Gathering {
        return answered_before(conn, ids, answer).await;
    }
    if !store::keep_answer(conn, couple_id, answer).await? {
        return Err(Error::CheckInOver);
    }
    Ok(CheckInState::Gathering)
}

/// For an answer that comes too late: where the check-in stands, if this very answer was kept in time.
async fn answered_before(
    conn: &mut PgConnection,
    ids: &Ids,
    answer: &SealedAnswer,
) -> Result<CheckInState, Error> {
    decide_own(conn, ids, answer.account_id, answer.check_in_id, answer.saved_at).await?;
    let kept = store::find_answer(conn, answer.account_id, answer.check_in_id).await?;
    let same = kept.filter(|kept| kept.request_mac == answer.request_mac);
    same.map(|kept| kept.state).ok_or(Error::CheckInOver)
}

/// Takes an account's answer back. Without one, nothing changes.
///
/// # Errors
/// [`Error::CheckInOver`] when there is one and the check-in's time has come or it was decided.
pub async fn take_back_answer(
    conn: &mut PgConnection,
    account_id: Uuid,
    check_in_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(AnswerFacts { key, open_time, .. }) = store::find_answer(conn, account_id, check_in_id).await?
    else {
        return Ok(());
    };
    match store::hold(conn, key).await? {
        None => Ok(()), // both took their answers back at this moment
        Some(CheckInState::Gathering) if !open_time.has_come(now) => {
            store::delete_answer(conn, account_id, key).await?;
            Ok(store::forget_unanswered(conn, key).await?)
        }
        Some(_) => Err(Error::CheckInOver),
    }
}

/// Reminders say that a check-in's time has come: it is noted, and the check-in decided, unless our clock is a little
/// behind theirs; then whoever looks next decides.
///
/// # Errors
/// When the database fails.
pub async fn check_in_due(
    conn: &mut PgConnection,
    ids: &Ids,
    appointment: &Appointment,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let state = store::make_and_hold(conn, appointment, true).await?;
    if state == CheckInState::Gathering && appointment.open_time.has_come(now) {
        decide_held(conn, ids, &[appointment.key], now).await?;
    }
    Ok(())
}

/// A schedule ended, so its check-ins whose time had not come are over at once, and stay so.
///
/// # Errors
/// When the database fails.
pub async fn end_check_in_schedule(
    conn: &mut PgConnection,
    couple_id: Uuid,
    schedule_id: Uuid,
    ended_at: Timestamp,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    store::end_schedule(conn, couple_id, schedule_id, ended_at, now).await
}

/// Decides at most `limit` check-ins whose time has come; says how many there were. Those that somebody else is busy
/// with are passed over.
///
/// # Errors
/// When the database fails.
pub async fn decide_due(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    limit: i64,
) -> Result<usize, sqlx::Error> {
    let held = store::hold_due(conn, now, limit).await?;
    if !held.is_empty() {
        decide_held(conn, ids, &held, now).await?;
    }
    Ok(held.len())
}

/// Decides a check-in that the account answered, if its time has come and nobody did yet. It holds one row and no
/// other, so that whoever holds many never waits for it in a circle.
///
/// # Errors
/// When the database fails.
pub async fn decide_own(
    conn: &mut PgConnection,
    ids: &Ids,
    account_id: Uuid,
    check_in_id: Uuid,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let found = store::find_answer(conn, account_id, check_in_id).await?;
    let due = found.filter(|found| found.state == CheckInState::Gathering && found.open_time.has_come(now));
    let Some(AnswerFacts { key, .. }) = due else { return Ok(()) };
    if store::hold(conn, key).await? == Some(CheckInState::Gathering) {
        decide_held(conn, ids, &[key], now).await?;
    }
    Ok(())
}

/// Decides check-ins whose rows are held, and tells of those that opened.
async fn decide_held(
    conn: &mut PgConnection,
    ids: &Ids,
    held: &[CheckInKey],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let revealed = store::decide(conn, held, now).await?;
    let told: Vec<Envelope> =
        revealed.iter().map(|revealed| check_in_revealed(ids.next(), now, revealed)).collect();
    bus::outbox::append(conn, &told).await
}

/// `journal.v1.check_in_revealed`: a check-in is decided once, so the event is its version 1.
pub fn check_in_revealed(event_id: Uuid, time: Timestamp, revealed: &Revealed) -> Envelope {
    let event = CheckInRevealed {
        check_in_id: revealed.key.check_in_id.to_string(),
        couple_id: revealed.key.couple_id.to_string(),
        first_account_id: revealed.first_id.to_string(),
        second_account_id: revealed.second_id.to_string(),
        open_time: Some(to_proto(revealed.open_time.timestamp())),
    };
    Envelope::new(event_id, time, revealed.key.check_in_id, 1, &event)
}

/// A check-in with the account's own part.
///
/// # Errors
/// [`Error::CheckInNotFound`] without an answer of the account, until the check-in's time has come and was announced;
/// that says nothing about the partner's.
pub async fn find_check_in(
    conn: &mut PgConnection,
    ids: &Ids,
    account_id: Uuid,
    check_in_id: Uuid,
    now: Timestamp,
) -> Result<SealedCheckIn, Error> {
    decide_own(conn, ids, account_id, check_in_id, now).await?;
    store::find_own(conn, account_id, check_in_id, now).await?.ok_or(Error::CheckInNotFound)
}

/// A check-in as the partner opens it to the reader. Where it holds the partner's part, it is noted that the reader
/// read it; with `partner_readable` unset (their key is destroyed) there is none.
///
/// # Errors
/// As [`find_check_in`], and whenever the opening is good for nothing any more.
pub async fn find_opened_check_in(
    conn: &mut PgConnection,
    ids: &Ids,
    capability: &Capability,
    check_in_id: Uuid,
    partner_readable: bool,
    now: Timestamp,
) -> Result<SealedCheckIn, Error> {
    decide_own(conn, ids, capability.reader_id, check_in_id, now).await?;
    let found = store::find_opened(conn, capability, check_in_id, now).await?;
    let mut check_in = found.ok_or(Error::CheckInNotFound)?;
    if !partner_readable {
        check_in.partner = None;
    }
    if check_in.partner.is_some() {
        let read = data_read(ids.next(), now, capability, &[check_in_id], false);
        bus::outbox::append(conn, &[read]).await?;
    }
    Ok(check_in)
}

/// Forgets at most `limit` check-ins that nobody announced for a month after they were to open, with the answers to them.
/// What opened, what was announced, and what was called off stays.
///
/// # Errors
/// When the database fails.
pub async fn forget_unannounced_check_ins(
    conn: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    store::forget_unannounced(conn, now - UNANNOUNCED, limit).await
}
