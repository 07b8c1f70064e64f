//! Shares, as their owner makes, sees and takes them back.

use super::renderings::{freeze, preview_share};
use super::{Attempt, item_shared, share_withdrawn};
use crate::Error;
use crate::domain::{MAX_SHARES, PACE_OF_SHARES, Selection, Window, WishedResponse};
use crate::store::couples::sharing_link;
use crate::store::shares::{self as store, NewShare, OwnShare, Rated, ShareFacts};
use candor_proto::journal::v1 as proto;
use chassis::Ids;
use chassis::idempotency::{self, Outcome};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::DataKey;

pub use crate::store::share_pages::{Wanted, list_shares};
pub use crate::store::shares::shares_after;

/// The name of the write in idempotency records and in the purpose of its MACs.
pub const SHARE_ITEM: &str = "journal.v1.ShareItem";

/// A share that is wanted.
pub struct ShareItem {
    /// Whose.
    pub account_id: Uuid,
    /// Its id.
    pub share_id: Uuid,
    /// With whom.
    pub recipient_id: Uuid,
    /// What of what.
    pub selection: Selection,
    /// What the owner would like in return.
    pub wish: WishedResponse,
    /// Whether it opens at once.
    pub open_now: bool,
    /// When it is to end, if the owner said so.
    pub expire_time: Option<Timestamp>,
    /// What tells a retry from another share.
    pub attempt: Attempt,
}

/// Shares one of the account's own things with its partner or somebody in its circle, and says under which id. What the recipient will see is
/// frozen now.
///
/// # Errors
/// [`Error::ShareIdReused`], [`Error::IdempotencyKeyReused`], [`Error::NotPartner`], [`Error::TooManyShares`],
/// [`Error::Invalid`] and as [`preview_share`]: then the transaction must be rolled back.
pub async fn share_item(
    conn: &mut PgConnection,
    data_key: &DataKey,
    command: &ShareItem,
    now: Timestamp,
    ids: &Ids,
) -> Result<Uuid, Error> {
    let ShareItem { account_id, share_id, .. } = *command;
    let claim = command.attempt.claim(account_id, SHARE_ITEM, share_id, now);
    match idempotency::claim(conn, &claim).await? {
        Outcome::Replay(id) => return Ok(id),
        Outcome::Mismatch if claim.key == share_id => return Err(Error::ShareIdReused),
        Outcome::Mismatch => return Err(Error::IdempotencyKeyReused),
        Outcome::Fresh => {}
    }
    store::queue_up(conn, account_id).await?;
    // The record of an earlier attempt may be swept; the row still knows its request.
    if is_retry(conn, command).await? {
        return Ok(share_id);
    }
    let window = Window::parse(now, command.open_now, command.expire_time)?;
    let link = sharing_link(conn, account_id, command.recipient_id).await?;
    let couple_id = link.ok_or(Error::NotPartner)?;
    let rendering = preview_share(conn, data_key, account_id, &command.selection).await?;
    keep_pace(conn, account_id, now).await?;
    let share = new_share(data_key, command, couple_id, &rendering, window, now);
    if store::insert_share(conn, &share).await? {
        let told = item_shared(ids.next(), now, &facts(&share));
        bus::outbox::append(conn, &[told]).await?;
    } else {
        is_retry(conn, command).await?;
    }
    Ok(share_id)
}

/// Refuses one share more than an account may make in a day. Those that were taken back count too.
async fn keep_pace(conn: &mut PgConnection, account_id: Uuid, now: Timestamp) -> Result<(), Error> {
    let since = now.saturating_sub(PACE_OF_SHARES).unwrap_or(Timestamp::MIN);
    match store::nth_newest(conn, account_id, MAX_SHARES, since).await? {
        Some(made) => Err(Error::TooManyShares(made.duration_since(since).unsigned_abs())),
        None => Ok(()),
    }
}

/// Whether an earlier attempt with the same content made the share.
async fn is_retry(conn: &mut PgConnection, command: &ShareItem) -> Result<bool, Error> {
    match store::share_mac(conn, command.account_id, command.share_id).await? {
        None => Ok(false),
        Some(mac) if mac[..] == command.attempt.request_mac => Ok(true),
        Some(_) => Err(Error::ShareIdReused),
    }
}

fn new_share(
    data_key: &DataKey,
    command: &ShareItem,
    couple_id: Uuid,
    rendering: &proto::Rendering,
    window: Window,
    now: Timestamp,
) -> NewShare {
    NewShare {
        account_id: command.account_id,
        share_id: command.share_id,
        recipient_id: command.recipient_id,
        couple_id,
        kind: command.selection.kind() as i16,
        item_id: command.selection.item_id(),
        depth: command.selection.depth() as i16,
        rendering: freeze(data_key, command.share_id, rendering),
        wished_response: command.wish as i16,
        create_time: now,
        window,
        request_mac: command.attempt.request_mac,
    }
}

fn facts(share: &NewShare) -> ShareFacts {
    ShareFacts {
        account_id: share.account_id,
        share_id: share.share_id,
        recipient_id: share.recipient_id,
        couple_id: share.couple_id,
        window: share.window,
        create_time: share.create_time,
        answer_time: None,
        withdrawn: false,
    }
}

/// One of the account's own shares.
///
/// # Errors
/// [`Error::ShareNotFound`] for what does not exist and for what is somebody else's alike.
pub async fn find_share(
    conn: &mut PgConnection,
    account_id: Uuid,
    share_id: Uuid,
) -> Result<OwnShare, Error> {
    store::find_share(conn, account_id, share_id).await?.ok_or(Error::ShareNotFound)
}

/// Takes one of the account's own shares back. One that was taken back before stays so, and nothing is told again.
///
/// # Errors
/// [`Error::ShareNotFound`].
pub async fn withdraw_share(
    conn: &mut PgConnection,
    account_id: Uuid,
    share_id: Uuid,
    now: Timestamp,
    ids: &Ids,
) -> Result<(), Error> {
    match store::withdraw_share(conn, account_id, share_id, now).await? {
        Some(share) => {
            bus::outbox::append(conn, &[share_withdrawn(ids.next(), now, &share)]).await?;
        }
        None => {
            find_share(conn, account_id, share_id).await?;
        }
    }
    Ok(())
}

/// Takes back all shares of an item that is deleted for good, and forgets what they showed. Returns how many events were
/// appended: one for each that was not taken back before.
///
/// # Errors
/// When the database fails.
pub async fn withdraw_of_item(
    conn: &mut PgConnection,
    account_id: Uuid,
    item_id: Uuid,
    now: Timestamp,
    ids: &Ids,
) -> Result<usize, Error> {
    let withdrawn = store::withdraw_shares_of(conn, account_id, item_id, now).await?;
    let told: Vec<_> = withdrawn.iter().map(|share| share_withdrawn(ids.next(), now, share)).collect();
    bus::outbox::append(conn, &told).await?;
    Ok(told.len())
}

/// Keeps how understood the owner felt by the answer to a share; `None` takes it back. Nobody is told.
///
/// # Errors
/// [`Error::ShareNotFound`]; [`Error::NotAnswered`] while there is nothing to rate.
pub async fn rate_share(
    conn: &mut PgConnection,
    account_id: Uuid,
    share_id: Uuid,
    felt_understood: Option<i16>,
) -> Result<(), Error> {
    match store::rate_share(conn, account_id, share_id, felt_understood).await? {
        Some(Rated::Kept) => Ok(()),
        Some(Rated::Unanswered) => Err(Error::NotAnswered),
        None => Err(Error::ShareNotFound),
    }
}
