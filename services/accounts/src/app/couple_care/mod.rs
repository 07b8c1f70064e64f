//! Care of a couple: proposed by one, agreed to by the other, accepted by the counselor; any of the three ends it without a
//! word. It opens nothing by itself, and nothing of the care that one of the two may be in alone shows in it.

mod confidentiality;
mod ending;
mod joint;
mod reading;

pub use confidentiality::{agree_to_policy, decline_policy, propose_policy, withdraw_policy};
pub use ending::{decline, end, expire};
pub(super) use ending::{end_all_of, end_between, end_of_couple};
pub use joint::{confirm_seen_alone, lock_joint_sessions};
pub use reading::{Counting, CoupleInCare, MyCoupleCare, PartnerInCare, Proposed, Versions, couples, mine};

use super::{
    Accounts, announce,
    audit::{self, Record},
    notice, random_id, standing,
};
use crate::{
    CareError, CounselorError, Error,
    domain::{
        CARE_PACE, CARE_REQUEST_LIFE, Confidentiality, CoupleCareState, MOST_COUPLE_CARE, Name, NoticeKind,
        audit::{Action, Details, Subject},
        counselor::Jurisdiction,
    },
    store::{
        care::{self, State},
        counselor,
        couple_care::{self as store, Held, Link, NewCoupleCare, Own, Parties},
        throttle,
    },
};
use bus::outbox;
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

/// Where the name that the counselor reads of one of the two is sealed.
fn name_place(care_id: Uuid) -> Place<'static> {
    Place { table: "couple_care_member", column: "name", row: care_id }
}

/// What one of a couple says of themself, sealed.
pub struct SealedSelf {
    care_id: Uuid,
    jurisdiction: Jurisdiction,
    name: Vec<u8>,
    counted_as: [u8; 32],
}

impl SealedSelf {
    fn own(&self) -> Own<'_> {
        Own { jurisdiction: self.jurisdiction.as_str(), name: &self.name }
    }
}

/// Seals what somebody says of themself, for a care that is known or is to be. Asks the vault, so no transaction may be
/// open.
///
/// # Errors
/// When the key store is away.
pub async fn prepare(
    accounts: &Accounts,
    member_id: Uuid,
    care_id: Option<Uuid>,
    name: &Name,
    jurisdiction: Jurisdiction,
) -> Result<SealedSelf, Error> {
    let care_id = care_id.map_or_else(random_id, Ok)?;
    let key = accounts.vault.data_key(member_id).await?;
    Ok(SealedSelf {
        care_id,
        jurisdiction,
        name: key.seal(&name_place(care_id), name.as_bytes()),
        counted_as: super::care::counted_as(accounts, member_id).await?,
    })
}

/// Proposes a counselor to one's partner, and returns the care's id: that of the one the person has open with the counselor,
/// if there is one.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`CounselorError::NotFound`]; [`CareError::NotLinked`],
/// [`CareError::Blocked`], [`CareError::NotLicensedThere`], [`CareError::NoRoom`], [`CareError::CoupleInCare`],
/// [`CareError::AlreadyProposed`], [`CareError::TooManyProposals`], [`CareError::TooOften`].
pub async fn propose(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    counselor_id: Uuid,
    said: &SealedSelf,
    policy: Confidentiality,
) -> Result<Uuid, Error> {
    let now = accounts.clock.now();
    let partner_id = store::partner_of(conn, by.account_id).await?.ok_or(CareError::NotLinked)?;
    standing::hold_with(accounts, conn, by, &[partner_id, counselor_id]).await?;
    let link = store::hold_link(conn, by.account_id).await?;
    let link = link.filter(|link| link.partner_id == partner_id).ok_or(CareError::NotLinked)?;
    expire_due(conn, link.couple_id, now).await?;
    if let Some((care_id, proposer_id)) = store::open_with(conn, link.couple_id, counselor_id).await? {
        let is_own = proposer_id == by.account_id;
        return if is_own { Ok(care_id) } else { Err(CareError::AlreadyProposed.into()) };
    }
    admit(conn, by.account_id, counselor_id, &said.jurisdiction, now).await?;
    admit_one_more(conn, by.account_id, link, now, said).await?;
    let new = NewCoupleCare {
        care_id: said.care_id,
        link,
        proposer_id: by.account_id,
        counselor_id,
        own: said.own(),
        policy: policy.as_str(),
        expires_at: now + CARE_REQUEST_LIFE,
    };
    store::insert(conn, &new, now).await?;
    // By no mail: nothing that a partner does makes one.
    notice::keep(accounts, conn, partner_id, NoticeKind::CoupleCareProposed, None).await?;
    Ok(said.care_id)
}

/// Ends what a couple has open beyond its time, so that it is in nobody's way.
async fn expire_due(conn: &mut PgConnection, couple_id: Uuid, now: Timestamp) -> Result<(), Error> {
    let mut over = Vec::new();
    for care_id in store::open_of_couple(conn, couple_id).await? {
        if store::hold(conn, care_id, now).await?.is_none() {
            over.push(care_id);
        }
    }
    store::end(conn, &over, "expired", now).await?;
    Ok(())
}

/// Whether a counselor can be asked by one of a couple.
async fn admit(
    conn: &mut PgConnection,
    member_id: Uuid,
    counselor_id: Uuid,
    jurisdiction: &Jurisdiction,
    now: Timestamp,
) -> Result<(), Error> {
    let found = counselor::find_listed(conn, counselor_id, now).await?.ok_or(CounselorError::NotFound)?;
    if care::is_kept_away(conn, counselor_id, member_id, now).await? {
        return Err(CareError::Blocked.into());
    }
    if !care::is_licensed(conn, counselor_id, jurisdiction.as_str(), now).await? {
        return Err(CareError::NotLicensedThere.into());
    }
    if !found.accepts_clients {
        return Err(CareError::NoRoom.into());
    }
    Ok(())
}

async fn admit_one_more(
    conn: &mut PgConnection,
    member_id: Uuid,
    link: Link,
    now: Timestamp,
    said: &SealedSelf,
) -> Result<(), Error> {
    if store::has_active(conn, link.couple_id).await? {
        return Err(CareError::CoupleInCare.into());
    }
    if store::count_proposed(conn, link.couple_id, member_id).await? >= MOST_COUPLE_CARE {
        return Err(CareError::TooManyProposals.into());
    }
    if !throttle::take(conn, &said.counted_as, CARE_PACE, now).await? {
        return Err(CareError::TooOften(CARE_PACE.interval.unsigned_abs()).into());
    }
    Ok(())
}

/// Holds whom a care is about, then the link it hangs on, then the care: whatever ends one of them waits, or has happened and
/// is seen.
async fn hold(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
) -> Result<(Parties, Held), Error> {
    let parties = store::parties(conn, care_id, by.account_id).await?.ok_or(CareError::NotFound)?;
    standing::hold_with(accounts, conn, by, &parties.all()).await?;
    let member_id = parties.member_ids.first().copied().ok_or(CareError::NotFound)?;
    let link = store::hold_link(conn, member_id).await?;
    if link.is_none_or(|link| link.couple_id != parties.couple_id) {
        return Err(CareError::NotFound.into());
    }
    let held = store::hold(conn, care_id, accounts.clock.now()).await?.ok_or(CareError::NotFound)?;
    Ok((parties, held))
}

/// As [`hold`], for the counselor: only what both agreed to, and nothing where they may not act for both.
async fn hold_for_counselor(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
) -> Result<(Parties, Held), Error> {
    let (parties, held) = hold(accounts, conn, by, care_id).await?;
    let is_for_them = held.counselor_id == by.account_id
        && held.open_to_counselor
        && held.state != CoupleCareState::Proposed.as_str();
    if is_for_them { Ok((parties, held)) } else { Err(CareError::NotFound.into()) }
}

/// Agrees to what one's partner proposed, its confidentiality included. Who agreed already stays so.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`CareError::NotFound`], and as [`propose`] what stands in the way of
/// asking the counselor.
pub async fn agree(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    said: &SealedSelf,
) -> Result<(), Error> {
    let (now, care_id) = (accounts.clock.now(), said.care_id);
    let (parties, held) = hold(accounts, conn, by, care_id).await?;
    if !parties.member_ids.contains(&by.account_id) {
        return Err(CareError::NotFound.into());
    }
    if held.state != CoupleCareState::Proposed.as_str() || held.proposer_id == by.account_id {
        return Ok(());
    }
    admit(conn, by.account_id, held.counselor_id, &said.jurisdiction, now).await?;
    if store::has_active(conn, held.couple_id).await? {
        return Err(CareError::CoupleInCare.into());
    }
    store::agree(conn, care_id, by.account_id, said.own(), now).await?;
    store::add_agreement(conn, care_id, by.account_id, now).await?;
    let asked = store::hold(conn, care_id, now).await?;
    if asked.is_some_and(|asked| asked.open_to_counselor) {
        notice::tell(accounts, conn, held.counselor_id, NoticeKind::CareAsked, None).await?;
    }
    Ok(())
}

/// Takes a couple on, and with it the confidentiality that both agreed to. Whatever else the couple has open is over. Who is
/// taken on already stays so.
///
/// # Errors
/// [`Error::SessionOver`]; [`CareError::NotFound`].
pub async fn accept(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let (parties, held) = hold_for_counselor(accounts, conn, by, care_id).await?;
    if held.state == CoupleCareState::Active.as_str() {
        return Ok(());
    }
    let mut others = store::open_of_couple(conn, held.couple_id).await?;
    others.retain(|other| *other != care_id);
    store::end(conn, &others, "ended", now).await?;
    store::start(conn, care_id, now).await?;
    store::add_agreement(conn, care_id, by.account_id, now).await?;
    record(accounts, conn, by, Action::CareAccepted, care_id, Details::none().code("of", "couple")).await?;
    for member_id in &parties.member_ids {
        notice::tell(accounts, conn, *member_id, NoticeKind::CareAnswered, None).await?;
    }
    let started = State {
        care_id,
        member_ids: parties.member_ids,
        counselor_id: by.account_id,
        couple_id: Some(held.couple_id),
        started_at: now,
        ended_at: None,
    };
    Ok(outbox::append(conn, &[announce::care(&accounts.ids, now, &started)]).await?)
}

/// Records what somebody did with a care.
async fn record(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    action: Action,
    care_id: Uuid,
    details: Details,
) -> Result<(), Error> {
    let (actor, subject) = (audit::actor(by), Subject::thing(care_id));
    audit::record(conn, accounts, Record { actor, action, subject, details, note: None }).await
}
