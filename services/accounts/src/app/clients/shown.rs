//! Clients as whoever registered them sees them.

use super::{contact_place, holder, visible};
use crate::{
    Error,
    app::{
        Accounts,
        audit::{self, Record},
        text,
    },
    domain::{
        Cursor, PageSize,
        audit::{Action, Details, Subject},
        client::ClientKey,
    },
    store::{
        client::{self, Client},
        software,
    },
};
use chassis::identity::{Kind, Passport};
use uuid::Uuid;

/// A client.
pub struct Shown {
    /// As it is stored.
    pub client: Client,
    /// How whoever answers for it is reached.
    pub contact: String,
    /// Its keys.
    pub keys: Vec<ClientKey>,
    /// How many consents to it are open, for whoever holds it; nothing for whoever only sees it.
    pub open_consents: Option<i64>,
}

/// One client.
///
/// # Errors
/// [`ClientError::NotFound`](crate::ClientError::NotFound).
pub async fn get(accounts: &Accounts, by: &Passport, client_id: Uuid) -> Result<Shown, Error> {
    let (client, keys, counted) = {
        let mut conn = accounts.pool.acquire().await?;
        let client = visible(&mut conn, by, client_id).await?;
        let counted = software::count_open_to(&mut conn, &[client_id], accounts.clock.now()).await?;
        (client, client::keys(&mut conn, &[client_id]).await?, counted)
    };
    shown(accounts, holder(by), client, &keys, &counted).await
}

/// One client, as somebody looks at it. An operator's look is recorded, whosever it is.
///
/// # Errors
/// [`ClientError::NotFound`](crate::ClientError::NotFound).
pub async fn look_at(accounts: &Accounts, by: &Passport, client_id: Uuid) -> Result<Shown, Error> {
    let shown = get(accounts, by, client_id).await?;
    if by.kind == Kind::Operator {
        let (actor, subject) = (audit::actor(by), Subject::thing(client_id));
        let details = Details::none();
        let look = Record { actor, action: Action::ClientLookedAt, subject, details, note: None };
        audit::record(&mut *accounts.pool.acquire().await?, accounts, look).await?;
    }
    Ok(shown)
}

/// A page of the clients that somebody holds or held, newest first, and where the next page begins.
///
/// # Errors
/// When the database or the key store fails.
pub async fn list_own(
    accounts: &Accounts,
    holder_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<Shown>, Option<Cursor>), Error> {
    page(accounts, Some(holder_id), size, after).await
}

/// A page of the clients that somebody may see, newest first, and where the next page begins. That an operator looks at it is
/// recorded.
///
/// # Errors
/// When the database or the key store fails.
pub async fn list(
    accounts: &Accounts,
    by: &Passport,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<Shown>, Option<Cursor>), Error> {
    let (found, next) = page(accounts, holder(by), size, after).await?;
    if by.kind == Kind::Operator {
        let (what, mut conn) = ((Action::ClientsListed, Details::none()), accounts.pool.acquire().await?);
        audit::listed(&mut conn, accounts, by, what, found.len()).await?;
    }
    Ok((found, next))
}

/// A page of the clients of one holder, or of everybody.
async fn page(
    accounts: &Accounts,
    holder_id: Option<Uuid>,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<Shown>, Option<Cursor>), Error> {
    let (mut clients, keys, counted) = {
        let mut conn = accounts.pool.acquire().await?;
        // One more than a page holds: whether there is a next one.
        let clients = client::list(&mut conn, holder_id, (after.time, after.id), size.get() + 1).await?;
        let ids: Vec<_> = clients.iter().map(|client| client.client_id).collect();
        let counted = software::count_open_to(&mut conn, &ids, accounts.clock.now()).await?;
        (clients, client::keys(&mut conn, &ids).await?, counted)
    };
    let has_more = clients.len() > usize::try_from(size.get()).unwrap_or(usize::MAX);
    if has_more {
        clients.pop();
    }
    let last = clients.last().map(|client| Cursor { time: client.created_at, id: client.client_id });
    let mut all = Vec::with_capacity(clients.len());
    for client in clients {
        all.push(shown(accounts, holder_id, client, &keys, &counted).await?);
    }
    Ok((all, last.filter(|_| has_more)))
}

async fn shown(
    accounts: &Accounts,
    holder_id: Option<Uuid>,
    client: Client,
    keys: &[client::Key],
    counted: &[(Uuid, i64)],
) -> Result<Shown, Error> {
    let own = keys.iter().filter(|key| key.client_id == client.client_id);
    let keys = own.filter_map(|key| ClientKey::stored(key.key_id.clone(), &key.jwk)).collect();
    let contact = accounts.key().await?.open(&contact_place(client.client_id), &client.contact)?;
    let count = counted.iter().find(|(client_id, _)| *client_id == client.client_id);
    let open_consents = (client.holder_id == holder_id).then_some(count.map_or(0, |(_, count)| *count));
    Ok(Shown { contact: text(&contact)?, keys, client, open_consents })
}
