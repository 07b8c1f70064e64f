//! How confidentiality is in care of a couple: changed by all three together, from then on, and never for what was before.

use super::{hold, hold_for_counselor, record, store};
use crate::{
    CareError, Error,
    app::{Accounts, notice},
    domain::{
        CARE_REQUEST_LIFE, Confidentiality, CoupleCareState, NoticeKind, audit::Action, audit::Details,
    },
    store::couple_care::{Parties, Version},
};
use chassis::identity::{Kind, Passport};
use sqlx::PgConnection;
use uuid::Uuid;

/// Holds care that is active, for any of the three; the counselor has to be one who may act in it.
async fn hold_active(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
) -> Result<Parties, Error> {
    let (parties, held) = if by.kind == Kind::Counselor {
        hold_for_counselor(accounts, conn, by, care_id).await?
    } else {
        hold(accounts, conn, by, care_id).await?
    };
    // Whoever was the counselor, and is a member for now, has no say.
    let has_say = by.kind == Kind::Counselor || parties.member_ids.contains(&by.account_id);
    let is_active = held.state == CoupleCareState::Active.as_str();
    if has_say && is_active { Ok(parties) } else { Err(CareError::NotFound.into()) }
}

/// Proposes another confidentiality, and returns its version.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`CareError::NotFound`], [`CareError::ProposalWaits`],
/// [`CareError::SameConfidentiality`].
pub async fn propose_policy(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
    policy: Confidentiality,
) -> Result<i32, Error> {
    let now = accounts.clock.now();
    let parties = hold_active(accounts, conn, by, care_id).await?;
    if store::hold_proposal(conn, care_id, now).await?.is_some() {
        return Err(CareError::ProposalWaits.into());
    }
    let known = store::versions(conn, &[care_id], now).await?;
    if known.last().is_some_and(|last| last.policy == policy.as_str()) {
        return Err(CareError::SameConfidentiality.into());
    }
    let expires_at = now + CARE_REQUEST_LIFE;
    let version = store::propose(conn, care_id, by.account_id, policy.as_str(), expires_at).await?;
    tell_others(accounts, conn, by, &parties, NoticeKind::ConfidentialityProposed).await?;
    Ok(version)
}

/// Agrees to what is proposed, if it is still that; true when all three agreed with this. Who agreed already stays so.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`CareError::NotFound`], [`CareError::ProposalGone`].
pub async fn agree_to_policy(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
    version: i32,
    policy: Confidentiality,
) -> Result<bool, Error> {
    let now = accounts.clock.now();
    let parties = hold_active(accounts, conn, by, care_id).await?;
    held_as_read(accounts, conn, care_id, (version, policy)).await?;
    if !store::add_agreement(conn, care_id, by.account_id, now).await? {
        return Ok(false);
    }
    let details = Details::none().number("version", version.into()).code("policy", policy.as_str());
    record(accounts, conn, by, Action::ConfidentialityChanged, care_id, details).await?;
    tell_others(accounts, conn, by, &parties, NoticeKind::ConfidentialityChanged).await?;
    Ok(true)
}

/// Takes back what somebody proposed, as long as it does not count.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`CareError::NotFound`]; [`CareError::ProposalGone`], also where it is
/// somebody else's.
pub async fn withdraw_policy(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
    version: i32,
) -> Result<(), Error> {
    hold_active(accounts, conn, by, care_id).await?;
    let proposal = held_proposal(accounts, conn, care_id, version).await?;
    if proposal.proposer_id != by.account_id {
        return Err(CareError::ProposalGone.into());
    }
    Ok(store::remove_proposal(conn, care_id).await?)
}

/// Says no to what somebody else proposed, as long as it does not count: it is gone, so that another can be proposed. That
/// somebody said no is kept nowhere and told to nobody; to the other two it is as if it had been taken back, or its time were
/// over.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`CareError::NotFound`]; [`CareError::ProposalGone`], also where it is
/// something else by now, or the caller's own.
pub async fn decline_policy(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
    version: i32,
    policy: Confidentiality,
) -> Result<(), Error> {
    hold_active(accounts, conn, by, care_id).await?;
    let proposal = held_as_read(accounts, conn, care_id, (version, policy)).await?;
    if proposal.proposer_id == by.account_id {
        return Err(CareError::ProposalGone.into());
    }
    Ok(store::remove_proposal(conn, care_id).await?)
}

/// What is proposed, if it is what somebody read: a number that became free may be of another by now.
async fn held_as_read(
    accounts: &Accounts,
    conn: &mut PgConnection,
    care_id: Uuid,
    (version, policy): (i32, Confidentiality),
) -> Result<Version, Error> {
    let proposal = held_proposal(accounts, conn, care_id, version).await?;
    if proposal.policy == policy.as_str() { Ok(proposal) } else { Err(CareError::ProposalGone.into()) }
}

async fn held_proposal(
    accounts: &Accounts,
    conn: &mut PgConnection,
    care_id: Uuid,
    version: i32,
) -> Result<Version, Error> {
    let proposal = store::hold_proposal(conn, care_id, accounts.clock.now()).await?;
    Ok(proposal.filter(|proposal| proposal.version == version).ok_or(CareError::ProposalGone)?)
}

/// Tells the other two where they look after signing in, and by no mail.
async fn tell_others(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    parties: &Parties,
    kind: NoticeKind,
) -> Result<(), Error> {
    for account_id in parties.all().into_iter().filter(|id| *id != by.account_id) {
        notice::keep(accounts, conn, account_id, kind, None).await?;
    }
    Ok(())
}
