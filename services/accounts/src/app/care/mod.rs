//! Care: a member asks a counselor, who accepts or declines; either ends it without a word. Being in care opens nothing by
//! itself, and nobody but the two ever hears of it.

mod reading;

pub use reading::{MyCare, PersonInCare, mine, people};
pub(super) use reading::{cut, open};

use super::{
    Accounts, announce,
    audit::{self, Record},
    consent,
    couple::close_between,
    couple_care, notice,
    pause::Pause,
    random_id, software, standing,
};
use crate::{
    CareError, CounselorError, Error,
    domain::{
        CARE_PACE, CARE_REQUEST_LIFE, CareNote, CareState, MOST_CARE_REQUESTS, Name, NoticeKind, PauseCause,
        audit::{Action, Details, Subject},
        counselor::Jurisdiction,
    },
    store::{
        access,
        care::{self, Ended, NewCare, Request as Asked},
        counselor, couple, couple_care as store, throttle,
    },
};
use bus::outbox;
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

/// Members whose requests are over, looked after at a time.
const AT_A_TIME: i64 = 200;

pub(super) fn name_place(care_id: Uuid) -> Place<'static> {
    Place { table: "care", column: "member_name", row: care_id }
}

fn note_place(care_id: Uuid) -> Place<'static> {
    Place { table: "care", column: "note", row: care_id }
}

/// A request, sealed and not kept yet.
pub struct Request {
    care_id: Uuid,
    counselor_id: Uuid,
    jurisdiction: Jurisdiction,
    name: Vec<u8>,
    note: Option<Vec<u8>>,
    counted_as: [u8; 32],
}

/// What a member says with a request.
pub struct Said<'a> {
    /// Whom they ask.
    pub counselor_id: Uuid,
    /// What the counselor reads as their name.
    pub name: &'a Name,
    /// What else they say.
    pub note: Option<&'a CareNote>,
    /// Where they say they are.
    pub jurisdiction: Jurisdiction,
}

/// Makes a request ready. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn prepare(accounts: &Accounts, member_id: Uuid, said: Said<'_>) -> Result<Request, Error> {
    let care_id = random_id()?;
    let key = accounts.vault.data_key(member_id).await?;
    Ok(Request {
        care_id,
        counselor_id: said.counselor_id,
        name: key.seal(&name_place(care_id), said.name.as_bytes()),
        note: said.note.map(|note| key.seal(&note_place(care_id), note.as_bytes())),
        jurisdiction: said.jurisdiction,
        counted_as: counted_as(accounts, member_id).await?,
    })
}

/// What a member's requests are counted as.
pub(super) async fn counted_as(accounts: &Accounts, member_id: Uuid) -> Result<[u8; 32], Error> {
    Ok(accounts.key().await?.mac("requests for care by an account", member_id.as_bytes()))
}

/// Asks a counselor, and returns the care's id: that of the one which is open between the two, if there is one. A counselor
/// who keeps the member away does not hear of it; to the member it looks like any request.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`CounselorError::NotFound`] for whom members do not find,
/// [`CounselorError::KeepsPractice`]; [`CareError::Blocked`], [`CareError::NotLicensedThere`], [`CareError::NoRoom`],
/// [`CareError::TooMany`], [`CareError::TooOften`].
pub async fn request(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    request: &Request,
) -> Result<Uuid, Error> {
    let (now, counselor_id) = (accounts.clock.now(), request.counselor_id);
    // Whoever suspends a counselor holds them as well: they are asked before that, or not.
    standing::hold_with(accounts, conn, by, &[counselor_id]).await?;
    care::expire(conn, by.account_id, now).await?;
    if let Some(open) = care::open_between(conn, by.account_id, counselor_id).await? {
        return Ok(open);
    }
    admit(conn, by.account_id, request, now).await?;
    if !throttle::take(conn, &request.counted_as, CARE_PACE, now).await? {
        return Err(CareError::TooOften(CARE_PACE.interval.unsigned_abs()).into());
    }
    let new = NewCare {
        care_id: request.care_id,
        member_id: by.account_id,
        counselor_id,
        jurisdiction: request.jurisdiction.as_str(),
        member_name: &request.name,
        note: request.note.as_deref(),
        expires_at: now + CARE_REQUEST_LIFE,
    };
    care::insert(conn, &new, now).await?;
    if !care::is_kept_away(conn, by.account_id, counselor_id, now).await? {
        notice::tell(accounts, conn, counselor_id, NoticeKind::CareAsked, None).await?;
    }
    Ok(request.care_id)
}

async fn admit(
    conn: &mut PgConnection,
    member_id: Uuid,
    request: &Request,
    now: Timestamp,
) -> Result<(), Error> {
    let counselor_id = request.counselor_id;
    let found = counselor::find_listed(conn, counselor_id, now).await?;
    let found = found.filter(|found| found.account_id != member_id).ok_or(CounselorError::NotFound)?;
    if counselor::keeps_practice(conn, member_id).await? {
        return Err(CounselorError::KeepsPractice.into());
    }
    if care::is_kept_away(conn, counselor_id, member_id, now).await? {
        return Err(CareError::Blocked.into());
    }
    if !care::is_licensed(conn, counselor_id, request.jurisdiction.as_str(), now).await? {
        return Err(CareError::NotLicensedThere.into());
    }
    if !found.accepts_clients {
        return Err(CareError::NoRoom.into());
    }
    if care::count_asked(conn, member_id).await? >= MOST_CARE_REQUESTS {
        return Err(CareError::TooMany.into());
    }
    Ok(())
}

/// Takes somebody on who asked. Who is taken on already stays so.
///
/// # Errors
/// [`Error::SessionOver`]; [`CareError::NotFound`], [`CareError::NotLicensedThere`].
pub async fn accept(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let asked = hold_asked(accounts, conn, by, care_id, now).await?;
    if !asked.licensed {
        return Err(CareError::NotLicensedThere.into());
    }
    if asked.state != CareState::Asked.as_str() {
        return Ok(());
    }
    let started = care::start(conn, care_id, now).await?;
    notice::tell(accounts, conn, asked.member_id, NoticeKind::CareAnswered, None).await?;
    let accepted = Record {
        actor: audit::actor(by),
        action: Action::CareAccepted,
        subject: Subject::thing(care_id),
        details: Details::none(),
        note: None,
    };
    audit::record(conn, accounts, accepted).await?;
    Ok(outbox::append(conn, &[announce::care(&accounts.ids, now, &started)]).await?)
}

/// Does not take somebody on.
///
/// # Errors
/// [`Error::SessionOver`]; [`CareError::NotFound`].
pub async fn decline(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let asked = hold_asked(accounts, conn, by, care_id, now).await?;
    if asked.state != CareState::Asked.as_str() {
        return Err(CareError::NotFound.into());
    }
    care::decline(conn, care_id, now).await?;
    notice::tell(accounts, conn, asked.member_id, NoticeKind::CareAnswered, None).await
}

/// Holds what a counselor was asked, or accepted, behind its two.
async fn hold_asked(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
    now: Timestamp,
) -> Result<Asked, Error> {
    let other = care::other_of(conn, care_id, by.account_id).await?;
    standing::hold_with(accounts, conn, by, other.as_slice()).await?;
    Ok(care::hold_open(conn, care_id, by.account_id, now).await?.ok_or(CareError::NotFound)?)
}

/// Makes a block of a care's counselor ready; `None` where the care is not the member's. Asks the vault, so no transaction
/// may be open.
///
/// # Errors
/// When the database fails.
pub async fn block_of(accounts: &Accounts, member_id: Uuid, care_id: Uuid) -> Result<Option<Pause>, Error> {
    let mut conn = accounts.pool.acquire().await?;
    let Some(counselor_id) = care::other_of(&mut conn, care_id, member_id).await? else {
        return Ok(None);
    };
    let found = counselor::find(&mut conn, counselor_id).await?;
    drop(conn);
    let name = found.as_ref().map(|found| found.name.as_slice()).unwrap_or_default();
    super::pause::pause_of_counselor(accounts, member_id, counselor_id, name).await.map(Some)
}

/// Ends care for either of the two, or takes a request back, with everything that was open between them. Without one nothing
/// changes. With a block the counselor is kept away from then on.
///
/// # Errors
/// When the database fails.
pub async fn end(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    care_id: Uuid,
    block: Option<&Pause>,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let Some(other_id) = care::other_of(conn, care_id, account_id).await? else { return Ok(()) };
    couple::lock_accounts(conn, &[account_id, other_id]).await?;
    if let Some(block) = block {
        block.keep(conn, PauseCause::Blocked, now).await?;
        return end_between(accounts, conn, account_id, other_id).await;
    }
    let ended = care::end(conn, care_id, account_id, now).await?;
    tell_ended(accounts, conn, account_id, ended.as_slice(), now).await
}

/// Ends all care between somebody and whom they keep away, also what they have as one of a couple.
///
/// # Errors
/// When the database fails.
pub(super) async fn end_between(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    other_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    couple::lock_accounts(conn, &[account_id, other_id]).await?;
    let ended = care::end_between(conn, [account_id, other_id], now).await?;
    tell_ended(accounts, conn, account_id, &ended, now).await?;
    couple_care::end_between(accounts, conn, account_id, other_id).await
}

/// Ends all care of somebody who leaves, as the member and as the counselor. What they have as one of a couple ends with
/// their link.
///
/// # Errors
/// When the database fails.
pub(super) async fn end_all_of(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let ended = care::end_all_of(conn, account_id, now).await?;
    tell_ended(accounts, conn, account_id, &ended, now).await?;
    couple_care::end_all_of(accounts, conn, account_id).await
}

/// Tells of each care that somebody ended: the others by events, and the other of the two by a notice. A request that its
/// member took back is only gone.
async fn tell_ended(
    accounts: &Accounts,
    conn: &mut PgConnection,
    ended_by: Uuid,
    ended: &[Ended],
    now: Timestamp,
) -> Result<(), Error> {
    for care in ended {
        if let Some(state) = care.state(now) {
            consent::end_of_care(accounts, conn, care.care_id, now).await?;
            software::end_of_care(accounts, conn, care.care_id, now).await?;
            let told = announce::care(&accounts.ids, now, &state);
            close_between(accounts, conn, (care.member_id, care.counselor_id), told, now).await?;
        } else if ended_by == care.member_id {
            continue;
        }
        let other = if ended_by == care.member_id { care.counselor_id } else { care.member_id };
        notice::tell(accounts, conn, other, NoticeKind::CareOver, None).await?;
    }
    Ok(())
}

/// Closes whatever a counselor's members opened to them, because the counselor is none for now, and tells the members that
/// their care is on hold.
pub(super) async fn hold_all_of(
    accounts: &Accounts,
    conn: &mut PgConnection,
    counselor_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let mut members = care::members_of(conn, counselor_id).await?;
    members.extend(store::members_of(conn, counselor_id).await?);
    members.sort_unstable();
    members.dedup();
    // All notices before any epoch: a member who is just leaving holds their account first, then the epochs.
    for member_id in &members {
        notice::tell(accounts, conn, *member_id, NoticeKind::CareOnHold, None).await?;
    }
    for member_id in members {
        let raised = access::raise(conn, member_id, counselor_id).await?;
        outbox::append(conn, &[announce::epoch_raised(&accounts.ids, now, &raised)]).await?;
    }
    software::hold_of_counselor(accounts, conn, counselor_id).await
}

/// Members whose requests nobody answered in time, some at a time.
///
/// # Errors
/// When the database fails.
pub async fn unanswered(accounts: &Accounts) -> Result<Vec<Uuid>, Error> {
    let mut conn = accounts.pool.acquire().await?;
    Ok(care::unanswered(&mut conn, accounts.clock.now(), AT_A_TIME).await?)
}

/// Ends a member's requests that nobody answered in time, and tells them.
///
/// # Errors
/// When the database fails.
pub async fn expire(accounts: &Accounts, conn: &mut PgConnection, member_id: Uuid) -> Result<(), Error> {
    couple::lock_accounts(conn, &[member_id]).await?;
    for _ in 0..care::expire(conn, member_id, accounts.clock.now()).await? {
        notice::tell(accounts, conn, member_id, NoticeKind::CareOver, None).await?;
    }
    Ok(())
}
