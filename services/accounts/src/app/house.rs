//! Removes what has served its time.

use super::{Accounts, audit};
use crate::{
    Error,
    domain::{LOOKS_LISTED, Relation, Visibility},
    store::{
        care, client_token, couple_care, email_change, export, invitation, known_device, ledger_look, mail,
        notice, passkey_challenge, pause, pending_sign_in, receipt, request, reset, session, support,
        throttle, verification,
    },
};
use jiff::SignedDuration;

/// Rows removed from one table at a time, so that no statement takes long.
const AT_A_TIME: i64 = 1_000;
/// A request that could not be settled for so long is given up: its caller has tried again by now.
const REQUESTS_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Assertions that are over are remembered for so long: the clock of another replica may be behind.
const ASSERTIONS_KEPT: SignedDuration = SignedDuration::from_mins(1);
/// Dead mails are counted for so long.
const DEAD_MAILS_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Ended sessions answer "already over" for so long.
const SESSIONS_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What an owner was told of their account's security is shown for half a year.
const NOTICES_KEPT: SignedDuration = SignedDuration::from_hours(180 * 24);
/// Invitations that are over are known for so long: whoever holds a code can still block and report its inviter.
const INVITATIONS_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Requests for care that led to nothing are shown to whoever asked for so long.
const CARE_REQUESTS_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Receipts that were opened and never counted are kept for so long: longer than the bus keeps anything that could still
/// make them count.
const UNCOUNTED_KEPT: SignedDuration = SignedDuration::from_hours(40 * 24);
/// What a partner or trusted person read and never told is kept for so long, for whoever has to find out what happened; nobody is shown it.
const UNTOLD_KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Removes what has served its time from every table, some at a time; returns how many rows went.
///
/// # Errors
/// When the database fails.
pub async fn sweep(accounts: &Accounts) -> Result<u64, Error> {
    let now = accounts.clock.now();
    let untold = sweep_untold(accounts).await?;
    let mut conn = accounts.pool.acquire().await?;
    Ok(untold
        + request::sweep(&mut conn, now - REQUESTS_KEPT, AT_A_TIME).await?
        + verification::sweep(&mut conn, now, AT_A_TIME).await?
        + reset::sweep(&mut conn, now, AT_A_TIME).await?
        + email_change::sweep(&mut conn, now, AT_A_TIME).await?
        + pending_sign_in::sweep(&mut conn, now, AT_A_TIME).await?
        + known_device::sweep(&mut conn, now, AT_A_TIME).await?
        + passkey_challenge::sweep(&mut conn, now, AT_A_TIME).await?
        + notice::sweep(&mut conn, now - NOTICES_KEPT, AT_A_TIME).await?
        + client_token::sweep_assertions(&mut conn, now - ASSERTIONS_KEPT, AT_A_TIME).await?
        + client_token::sweep(&mut conn, now, AT_A_TIME).await?
        + support::sweep(&mut conn, now, AT_A_TIME).await?
        + ledger_look::sweep(&mut conn, now - LOOKS_LISTED, AT_A_TIME).await?
        + throttle::sweep(&mut conn, now, AT_A_TIME).await?
        + invitation::sweep(&mut conn, now - INVITATIONS_KEPT, AT_A_TIME).await?
        + export::sweep(&mut conn, now, AT_A_TIME).await?
        + care::sweep(&mut conn, now - CARE_REQUESTS_KEPT, AT_A_TIME).await?
        + couple_care::sweep(&mut conn, now - CARE_REQUESTS_KEPT, AT_A_TIME).await?
        + pause::sweep(&mut conn, now, AT_A_TIME).await?
        + receipt::sweep_uncounted(&mut conn, now - UNCOUNTED_KEPT, AT_A_TIME).await?
        + mail::sweep(&mut conn, now - DEAD_MAILS_KEPT, AT_A_TIME).await?
        + session::sweep(&mut conn, now - SESSIONS_KEPT, AT_A_TIME).await?)
}

/// Removes what partners and trusted people read and never told, and what the audit says of it, in one transaction.
async fn sweep_untold(accounts: &Accounts) -> Result<u64, Error> {
    let untold = Relation::ALL.iter().filter(|relation| relation.visibility() == Visibility::WhenTold);
    let untold: Vec<String> = untold.map(|relation| relation.as_str().to_owned()).collect();
    let before = accounts.clock.now() - UNTOLD_KEPT;
    let mut tx = accounts.pool.begin().await?;
    let gone = receipt::sweep_unshown(&mut tx, &untold, before, AT_A_TIME).await?;
    let records: Vec<_> = gone.iter().copied().flatten().collect();
    audit::forget(accounts, &mut tx, &records).await?;
    tx.commit().await?;
    Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
}
