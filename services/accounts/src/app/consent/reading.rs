//! What of consents each of the two sees.

use crate::{
    Error,
    app::{
        Accounts,
        care::{cut, name_place, open},
        counselor,
    },
    domain::{ConsentEnd, ConsentState, Cursor, PageSize},
    store::consent::{self, Granted, Mine, Of},
};
use uuid::Uuid;

/// A consent as its owner sees it.
pub struct MyConsent {
    /// How it stands.
    pub state: ConsentState,
    /// The counselor's name, or empty.
    pub counselor_name: String,
    /// All that is not sealed.
    pub stored: Mine,
}

/// Something that is open to a counselor.
pub struct GrantedToMe {
    /// The member's name, or empty.
    pub member_name: String,
    /// All that is not sealed.
    pub stored: Granted,
}

/// A page of what a member opened, newest first, and where the next one begins. Asks the vault, so no transaction may be
/// open. A name that cannot be read is empty: nobody's way to take something back may depend on it.
///
/// # Errors
/// When the database fails.
pub async fn mine(
    accounts: &Accounts,
    of: &Of,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<MyConsent>, Option<Cursor>), Error> {
    let now = accounts.clock.now();
    let mut found = {
        let mut conn = accounts.pool.acquire().await?;
        consent::mine(&mut conn, of, (after.time, after.id), now, size.get() + 1).await?
    };
    let next = cut(&mut found, size, |one| Cursor { time: one.granted_at, id: one.consent_id });
    let mut page = Vec::with_capacity(found.len());
    for stored in found {
        let place = counselor::name_place(stored.counselor_id);
        let counselor_name = match &stored.counselor_name {
            Some(sealed) => open(accounts, stored.counselor_id, &place, sealed).await,
            None => String::new(),
        };
        let end = match stored.ended_by.as_deref() {
            Some(end) => Some(ConsentEnd::stored(end).ok_or(Error::Unreadable)?),
            None => None,
        };
        let ended = stored.ended_at.map(jiff_sqlx::Timestamp::to_jiff).zip(end);
        let state = ConsentState::of(ended, stored.expires_at, !stored.holds, now);
        page.push(MyConsent { state, counselor_name, stored });
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

/// A page of what is open to a counselor now, newest first, and where the next one begins. Asks the vault, so no transaction
/// may be open.
///
/// # Errors
/// When the database fails.
pub async fn granted(
    accounts: &Accounts,
    counselor_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<GrantedToMe>, Option<Cursor>), Error> {
    let mut found = {
        let (mut conn, now) = (accounts.pool.acquire().await?, accounts.clock.now());
        consent::granted(&mut conn, counselor_id, (after.time, after.id), now, size.get() + 1).await?
    };
    let next = cut(&mut found, size, |one| Cursor { time: one.granted_at, id: one.consent_id });
    let mut page = Vec::with_capacity(found.len());
    for stored in found {
        let place = name_place(stored.care_id);
        let member_name = open(accounts, stored.owner_id, &place, &stored.member_name).await;
        page.push(GrantedToMe { member_name, stored });
    }
    Ok((page, next))
}
