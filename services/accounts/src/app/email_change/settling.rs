//! What becomes of the wish for another address once its caller was answered. Here, out of sight, known and unknown addresses
//! part: whoever has the address is told what a registration tells them, and otherwise a link goes to it.

use super::{asked_place, email_change, notice, outgoing, random, text};
use crate::{
    Error,
    app::{
        Accounts,
        settle::{Settled, tell_owner},
    },
    domain::{Letter, LetterKind, NewAddressToken, NoticeKind, VERIFICATION_MAIL_PACE},
    store::{account, couple, email_change::Asked, request, throttle},
};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::DataKey;

/// A wish for another address, made ready before the transaction.
pub struct ChangePlan {
    /// What is asked for; none where it was called off or replaced.
    asked: Option<(Asked, DataKey)>,
    /// Whoever has the address.
    known: Option<(Uuid, DataKey)>,
    /// The turns of mails that tell an owner that somebody tried.
    owner_subject: [u8; 32],
    /// The turns of links to this address.
    link_subject: [u8; 32],
}

/// Makes a wish ready. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database or the key store is away.
pub(in crate::app) async fn plan_change(
    accounts: &Accounts,
    claimed: &request::Claimed,
) -> Result<ChangePlan, Error> {
    let (asked, known) = {
        let mut conn = accounts.pool.acquire().await?;
        let asked = email_change::find(&mut conn, claimed.request_id).await?;
        let known = match &asked {
            Some(asked) => account::find(&mut conn, &asked.email_index).await?,
            None => None,
        };
        (asked, known.filter(|known| known.verified).map(|known| known.account_id))
    };
    let own = accounts.key().await?;
    let email_index = asked.as_ref().map(|asked| asked.email_index.clone()).unwrap_or_default();
    let asked = match asked {
        Some(asked) => {
            let key = accounts.vault.data_key(asked.account_id).await?;
            Some((asked, key))
        }
        None => None,
    };
    let known = match known {
        Some(id) => Some((id, accounts.vault.data_key(id).await?)),
        None => None,
    };
    Ok(ChangePlan {
        asked,
        known,
        owner_subject: own.mac("mail to an address", &email_index),
        link_subject: own.mac("link to another address", &email_index),
    })
}

/// Settles a wish as planned.
///
/// # Errors
/// When the database fails or a stored value does not read back.
pub(in crate::app) async fn settle_change(
    accounts: &Accounts,
    conn: &mut PgConnection,
    claimed: &request::Claimed,
    plan: &ChangePlan,
) -> Result<Settled, Error> {
    if let Some((asked, key)) = &plan.asked {
        let now = accounts.clock.now();
        // The account before what hangs on it, as everywhere. Whoever has the address is not held: they are only told.
        couple::lock_accounts(conn, &[asked.account_id]).await?;
        let known = account::find(conn, &asked.email_index).await?.filter(|known| known.verified);
        if known.as_ref().map(|known| known.account_id) != plan.known.as_ref().map(|(id, _)| *id) {
            return Ok(Settled::Stale);
        }
        let holder = email_change::holder(conn, &asked.email_index, Some(asked.account_id), now).await?;
        match (&known, &plan.known, holder) {
            (Some(known), Some((_, key)), _) => {
                tell_owner(accounts, conn, key, known, &plan.owner_subject).await?;
            }
            (_, _, Some(holder)) => tell_holder(accounts, conn, holder, &plan.owner_subject).await?,
            _ => offer(accounts, conn, asked, key, &plan.link_subject, now).await?,
        }
    }
    let ours = request::finish(conn, claimed.request_id, claimed.attempts).await?;
    Ok(if ours { Settled::Done } else { Settled::Lost })
}

/// Sends the link to the address that is asked for, unless several went there of late.
async fn offer(
    accounts: &Accounts,
    conn: &mut PgConnection,
    asked: &Asked,
    key: &DataKey,
    subject: &[u8; 32],
    now: Timestamp,
) -> Result<(), Error> {
    if !throttle::take(conn, subject, VERIFICATION_MAIL_PACE, now).await? {
        return Ok(());
    }
    let token = NewAddressToken::of(random()?);
    if !email_change::offer(conn, asked.change_id, &token.hash()).await? {
        return Ok(());
    }
    let to = text(&key.open(&asked_place(asked.change_id), &asked.email)?)?;
    let letter = Letter { to, token: Some(token.text().to_string()) };
    let to_whom = (asked.account_id, key);
    outgoing::queue_letter(accounts, conn, to_whom, LetterKind::NewAddress, &letter, now).await
}

/// Tells whoever gave an address up lately that somebody wants it: where they see it after signing in. No mail goes to an
/// address that is not theirs for now.
///
/// # Errors
/// When the database fails.
pub(in crate::app) async fn tell_holder(
    accounts: &Accounts,
    conn: &mut PgConnection,
    holder: Uuid,
    subject: &[u8; 32],
) -> Result<(), Error> {
    if throttle::take(conn, subject, VERIFICATION_MAIL_PACE, accounts.clock.now()).await? {
        notice::keep(accounts, conn, holder, NoticeKind::AddressTried, None).await?;
    }
    Ok(())
}
