//! What of software and of consents to it members and software see.

use super::reach;
use crate::{
    Error, SoftwareError,
    app::{
        Accounts,
        care::{cut, open},
        clients, counselor, text,
    },
    domain::{ConsentEnd, ConsentState, Cursor, Holder, PageSize, Relation, Scope},
    store::software::{self, Mine, Of, Openable, Reached},
};
use chassis::identity::{Passport, Scopes};
use uuid::Uuid;

pub use crate::store::software::Granted;

/// Software that a member can open something to.
pub struct Offered {
    /// How whoever answers for it is reached.
    pub contact: String,
    /// The name of the counselor whose it is, or empty.
    pub counselor_name: String,
    /// The kinds of which all can be opened to it.
    pub whole: Vec<Scope>,
    /// The kinds of which one item can be opened to it.
    pub single: Vec<Scope>,
    /// All that is not sealed.
    pub stored: software::Offered,
}

/// A page of the software that a member can open something to, newest first, and where the next one begins. Asks the vault,
/// so no transaction may be open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn openable(
    accounts: &Accounts,
    member_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<Offered>, Option<Cursor>), Error> {
    let mut found = found(accounts, &Openable { member_id, client_id: None }, after, size.get() + 1).await?;
    let next = cut(&mut found, size, |one| Cursor { time: one.created_at, id: one.client_id });
    let mut page = Vec::with_capacity(found.len());
    for stored in found {
        page.extend(shown(accounts, stored).await?);
    }
    Ok((page, next))
}

/// One of them.
///
/// # Errors
/// [`SoftwareError::NotFound`].
pub async fn offered(accounts: &Accounts, member_id: Uuid, client_id: Uuid) -> Result<Offered, Error> {
    let of = Openable { member_id, client_id: Some(client_id) };
    let stored = found(accounts, &of, Cursor::start(), 1).await?.pop().ok_or(SoftwareError::NotFound)?;
    Ok(shown(accounts, stored).await?.ok_or(SoftwareError::NotFound)?)
}

async fn found(
    accounts: &Accounts,
    of: &Openable,
    after: Cursor,
    limit: i64,
) -> Result<Vec<software::Offered>, Error> {
    let (mut conn, now) = (accounts.pool.acquire().await?, accounts.clock.now());
    Ok(software::openable(&mut conn, of, (after.time, after.id), now, limit).await?)
}

/// As a member sees it; nothing where it is registered for nothing that could be opened to it.
async fn shown(accounts: &Accounts, stored: software::Offered) -> Result<Option<Offered>, Error> {
    let scopes = Scopes::exactly(&stored.scopes).ok_or(Error::Unreadable)?;
    let holder = stored.counselor_id.map_or(Holder::House, |_| Holder::Counselor(None));
    let (whole, single) = (reached(&scopes, &holder, false), reached(&scopes, &holder, true));
    if whole.is_empty() && single.is_empty() {
        return Ok(None);
    }
    let contact = contact(accounts, stored.client_id, &stored.contact).await?;
    let counselor_name = name(accounts, stored.counselor_id, stored.counselor_name.as_deref()).await;
    Ok(Some(Offered { contact, counselor_name, whole, single, stored }))
}

/// The kinds that can be opened to software of a holder with these scopes: all of each, or one item.
fn reached(scopes: &Scopes, holder: &Holder, one_item: bool) -> Vec<Scope> {
    let takes = |scope: &Scope| {
        Relation::Software.takes(*scope, one_item) && reach::of(scopes, *scope, one_item).of(holder)
    };
    Scope::ALL.into_iter().filter(takes).collect()
}

async fn contact(accounts: &Accounts, client_id: Uuid, sealed: &[u8]) -> Result<String, Error> {
    text(&accounts.key().await?.open(&clients::contact_place(client_id), sealed)?)
}

/// A counselor's name; one that cannot be read is empty.
async fn name(accounts: &Accounts, counselor_id: Option<Uuid>, sealed: Option<&[u8]>) -> String {
    match counselor_id.zip(sealed) {
        Some((counselor_id, sealed)) => {
            open(accounts, counselor_id, &counselor::name_place(counselor_id), sealed).await
        }
        None => String::new(),
    }
}

/// A consent as its owner sees it.
pub struct MyConsent {
    /// How it stands.
    pub state: ConsentState,
    /// How whoever answers for the software is reached, as far as it is known still.
    pub contact: String,
    /// The counselor's name, or empty.
    pub counselor_name: String,
    /// All that is not sealed.
    pub stored: Mine,
}

/// A page of what a member opened to software, newest first, and where the next one begins. Asks the vault, so no transaction
/// may be open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn mine(
    accounts: &Accounts,
    of: &Of,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<MyConsent>, Option<Cursor>), Error> {
    let now = accounts.clock.now();
    let mut found = {
        let mut conn = accounts.pool.acquire().await?;
        software::mine(&mut conn, of, (after.time, after.id), now, size.get() + 1).await?
    };
    let next = cut(&mut found, size, |one| Cursor { time: one.granted_at, id: one.consent_id });
    let mut page = Vec::with_capacity(found.len());
    for stored in found {
        let contact = match &stored.contact {
            Some(sealed) => contact(accounts, stored.client_id, sealed).await?,
            None => String::new(),
        };
        let counselor_name = name(accounts, stored.counselor_id, stored.counselor_name.as_deref()).await;
        let end = match stored.ended_by.as_deref() {
            Some(end) => Some(ConsentEnd::stored(end).ok_or(Error::Unreadable)?),
            None => None,
        };
        let ended = stored.ended_at.map(jiff_sqlx::Timestamp::to_jiff).zip(end);
        let state = ConsentState::of(ended, stored.expires_at, !stored.holds, now);
        page.push(MyConsent { state, contact, counselor_name, stored });
    }
    Ok((page, next))
}

/// One of a member's consents. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`Error::Unreadable`] when there is none.
pub async fn one_of_mine(accounts: &Accounts, owner_id: Uuid, consent_id: Uuid) -> Result<MyConsent, Error> {
    let of = Of { owner_id, consent_ids: vec![consent_id], ..Of::default() };
    let (mut found, _) = mine(accounts, &of, PageSize::parse(1)?, Cursor::start()).await?;
    found.pop().ok_or(Error::Unreadable)
}

/// A page of what is open to software now, as far as its token reaches, newest first, and where the next one begins.
///
/// # Errors
/// [`SoftwareError::TokenOver`] where there is no such client; when the database fails.
pub async fn granted(
    accounts: &Accounts,
    reader: &Passport,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<Granted>, Option<Cursor>), Error> {
    let (mut conn, now) = (accounts.pool.acquire().await?, accounts.clock.now());
    let holder = software::holder(&mut conn, reader.account_id).await?.ok_or(SoftwareError::TokenOver)?;
    let holder = holder.map_or(Holder::House, |_| Holder::Counselor(None));
    let numbers = |one_item| -> Vec<i32> {
        reached(&reader.scopes, &holder, one_item).into_iter().map(Scope::number).collect()
    };
    let (whole, single) = (numbers(false), numbers(true));
    let reached = Reached { whole: &whole, single: &single };
    let before = (after.time, after.id);
    let mut page =
        software::granted(&mut conn, reader.account_id, &reached, before, now, size.get() + 1).await?;
    let next = cut(&mut page, size, |one| Cursor { time: one.granted_at, id: one.consent_id });
    Ok((page, next))
}
