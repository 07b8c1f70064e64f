//! Changing a client's keys, and ending it.

use super::{Keys, holder, keep_keys, published, visible};
use crate::{
    ClientError, Error,
    app::{
        Accounts, announce,
        audit::{self, Record},
        software, standing,
    },
    domain::{
        audit::{Action, Actor, Details, Subject},
        client::{FETCH_PAUSE, Freshness},
    },
    store::{client, client_token},
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;

/// Puts other keys in the place of all there are. Tokens that were got with those before end with them: whoever changes
/// keys may do so because somebody else has them.
///
/// # Errors
/// [`Error::SessionOver`]; [`ClientError::NotFound`], [`ClientError::NotYours`], [`ClientError::Disabled`].
pub async fn rotate_keys(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    client_id: Uuid,
    keys: &Keys,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    standing::hold(accounts, conn, by).await?;
    if visible(conn, by, client_id).await?.holder_id != holder(by) {
        return Err(ClientError::NotYours.into());
    }
    let times = match keys {
        Keys::Registered(_) => None,
        Keys::Published(url, fetched) => {
            Some(published(url, Freshness::of(fetched.max_age, now), now + FETCH_PAUSE, now))
        }
    };
    if !client::change_keys(conn, client_id, times).await? {
        return Err(ClientError::Disabled.into());
    }
    keep_keys(conn, client_id, keys.set()).await?;
    end_tokens(accounts, conn, client_id, None).await?;
    let details = Details::none().code("keys", keys.code());
    record(accounts, conn, audit::actor(by), Action::ClientKeysRotated, client_id, details).await
}

/// Ends a client for good, every token it holds, and all that was opened to it. One that is over already stays so.
///
/// # Errors
/// [`Error::SessionOver`]; [`ClientError::NotFound`].
pub async fn disable(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    client_id: Uuid,
) -> Result<(), Error> {
    standing::hold(accounts, conn, by).await?;
    visible(conn, by, client_id).await?;
    if !end(accounts, conn, client_id).await? {
        return Ok(());
    }
    record(accounts, conn, audit::actor(by), Action::ClientDisabled, client_id, Details::none()).await
}

/// Ends clients whose counselor leaves, as [`disable`] does. Whoever calls this holds them.
///
/// # Errors
/// When the database fails.
pub(in crate::app) async fn end_with_holder(
    accounts: &Accounts,
    conn: &mut PgConnection,
    client_ids: &[Uuid],
) -> Result<(), Error> {
    for client_id in client_ids {
        end(accounts, conn, *client_id).await?;
        let details = Details::none().code("cause", "erasure");
        record(accounts, conn, Actor::HOUSE, Action::ClientDisabled, *client_id, details).await?;
    }
    Ok(())
}

/// Ends a client with its tokens and all that was opened to it; false when it is over already.
async fn end(accounts: &Accounts, conn: &mut PgConnection, client_id: Uuid) -> Result<bool, Error> {
    if !client::disable(conn, client_id, accounts.clock.now()).await? {
        return Ok(false);
    }
    // Whoever holds the client to issue a token is done by now: the update waited for them.
    end_tokens(accounts, conn, client_id, None).await?;
    software::disabled(accounts, conn, client_id).await?;
    Ok(true)
}

/// Takes tokens of a client back, one or all, and tells the others, who believe them until they hear of it.
pub(super) async fn end_tokens(
    accounts: &Accounts,
    conn: &mut PgConnection,
    client_id: Uuid,
    token_id: Option<Uuid>,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let ended = client_token::end(conn, client_id, token_id, now).await?;
    Ok(announce::sessions_ended(conn, &accounts.ids, now, &ended).await?)
}

async fn record(
    accounts: &Accounts,
    conn: &mut PgConnection,
    actor: Actor,
    action: Action,
    client_id: Uuid,
    details: Details,
) -> Result<(), Error> {
    let done = Record { actor, action, subject: Subject::thing(client_id), details, note: None };
    audit::record(conn, accounts, done).await
}
