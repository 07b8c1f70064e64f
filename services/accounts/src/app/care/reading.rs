//! What of care each of the two sees.

use super::{name_place, note_place};
use crate::{
    Error,
    app::{Accounts, counselor, text},
    domain::{CareState, Cursor, PageSize},
    store::care::{self, Mine, Person},
};
use uuid::Uuid;
use vault::Place;

/// Care as its member sees it.
pub struct MyCare {
    /// How it stands.
    pub state: CareState,
    /// The counselor's name, or empty.
    pub counselor_name: String,
    /// Whether it is on hold.
    pub on_hold: bool,
    /// All that is not sealed.
    pub stored: Mine,
}

/// Care as its counselor sees it.
pub struct PersonInCare {
    /// How it stands.
    pub state: CareState,
    /// The member's name.
    pub name: String,
    /// What the member said with it, or empty.
    pub note: String,
    /// All that is not sealed.
    pub stored: Person,
}

/// A page of a member's care, newest first, and where the next one begins. Asks the vault, so no transaction may be open. A
/// name that cannot be read is empty: nobody's way out of care may depend on it.
///
/// # Errors
/// When the database fails.
pub async fn mine(
    accounts: &Accounts,
    member_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<MyCare>, Option<Cursor>), Error> {
    let mut found = {
        let (mut conn, now) = (accounts.pool.acquire().await?, accounts.clock.now());
        care::mine(&mut conn, member_id, (after.time, after.id), now, size.get() + 1).await?
    };
    let next = cut(&mut found, size, |one| Cursor { time: one.asked_at, id: one.care_id });
    let mut page = Vec::with_capacity(found.len());
    for stored in found {
        let place = counselor::name_place(stored.counselor_id);
        let counselor_name = match &stored.counselor_name {
            Some(sealed) => open(accounts, stored.counselor_id, &place, sealed).await,
            None => String::new(),
        };
        let state = CareState::stored(&stored.state).ok_or(Error::Unreadable)?;
        let on_hold = !stored.licensed && matches!(state, CareState::Asked | CareState::Active);
        page.push(MyCare { state, counselor_name, on_hold, stored });
    }
    Ok((page, next))
}

/// A page of who asked a counselor and who is in their care, newest first, and where the next one begins. Asks the vault, so
/// no transaction may be open.
///
/// # Errors
/// When the database fails.
pub async fn people(
    accounts: &Accounts,
    counselor_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<PersonInCare>, Option<Cursor>), Error> {
    let mut found = {
        let (mut conn, now) = (accounts.pool.acquire().await?, accounts.clock.now());
        care::people(&mut conn, counselor_id, (after.time, after.id), now, size.get() + 1).await?
    };
    let next = cut(&mut found, size, |one| Cursor { time: one.asked_at, id: one.care_id });
    let mut page = Vec::with_capacity(found.len());
    for stored in found {
        let (care_id, member_id) = (stored.care_id, stored.member_id);
        let name = open(accounts, member_id, &name_place(care_id), &stored.member_name).await;
        let note = match &stored.note {
            Some(sealed) => open(accounts, member_id, &note_place(care_id), sealed).await,
            None => String::new(),
        };
        let state = CareState::stored(&stored.state).ok_or(Error::Unreadable)?;
        page.push(PersonInCare { state, name, note, stored });
    }
    Ok((page, next))
}

/// Cuts a list that was asked for one more than a page holds, and says where the next page begins.
pub(in crate::app) fn cut<T>(
    found: &mut Vec<T>,
    size: PageSize,
    at: impl Fn(&T) -> Cursor,
) -> Option<Cursor> {
    let most = usize::try_from(size.get()).unwrap_or(usize::MAX);
    if found.len() <= most {
        return None;
    }
    found.truncate(most);
    found.last().map(at)
}

/// What somebody sealed, or nothing where it cannot be read.
pub(in crate::app) async fn open(
    accounts: &Accounts,
    owner_id: Uuid,
    place: &Place<'_>,
    sealed: &[u8],
) -> String {
    let opened = async { text(&accounts.vault.data_key(owner_id).await?.open(place, sealed)?) };
    let opened: Result<String, Error> = opened.await;
    opened.unwrap_or_else(|error| {
        tracing::warn!(%error, "a word of care cannot be read; it is shown as empty");
        String::new()
    })
}
