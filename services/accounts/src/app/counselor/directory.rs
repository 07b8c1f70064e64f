//! Whom members find, and what waits for operators.

use super::{approach_place, name_place, open_licence};
use crate::{
    CounselorError, Error,
    app::{Accounts, audit, text},
    domain::{
        Cursor, PageSize,
        audit::{Action, Details},
        counselor::{Licence, Standing},
    },
    store::counselor::{self as store, Sought, Stored, StoredLicence},
};
use chassis::identity::Passport;
use jiff::Timestamp;
use uuid::Uuid;

/// A counselor as members see them.
pub struct Listed {
    /// The name.
    pub name: String,
    /// How they work.
    pub approach: String,
    /// Their licences that were checked and hold.
    pub licences: Vec<Licence>,
    /// All that is not sealed.
    pub stored: Stored,
}

/// Somebody in a list of operators'.
pub struct Summary {
    /// The account.
    pub account_id: Uuid,
    /// The name.
    pub name: String,
    /// How they stand.
    pub standing: Standing,
    /// Since when something waits.
    pub review_since: Option<Timestamp>,
    /// When was decided last.
    pub decided_at: Option<Timestamp>,
}

/// A page of the counselors whom members find, and where the next one begins. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn directory(
    accounts: &Accounts,
    sought: &Sought,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<Listed>, Option<Cursor>), Error> {
    let now = accounts.clock.now();
    let (mut found, mut licences) = {
        let mut conn = accounts.pool.acquire().await?;
        let found = store::listed(&mut conn, sought, (after.time, after.id), now, size.get() + 1).await?;
        let ids: Vec<_> = found.iter().map(|stored| stored.account_id).collect();
        (found, store::licences_that_hold(&mut conn, &ids, now).await?)
    };
    let next = cut(&mut found, size, |stored| stored.verified_at.map(|at| at.to_jiff()));
    let mut page = Vec::with_capacity(found.len());
    for stored in found {
        let (own, others) = licences.into_iter().partition(|one| one.account_id == stored.account_id);
        licences = others;
        let account_id = stored.account_id;
        page.extend(if_readable(account_id, open(accounts, stored, own).await)?);
    }
    Ok((page, next))
}

/// One counselor whom members find.
///
/// # Errors
/// [`CounselorError::NotFound`].
pub async fn listed(accounts: &Accounts, account_id: Uuid) -> Result<Listed, Error> {
    let now = accounts.clock.now();
    let (stored, licences) = {
        let mut conn = accounts.pool.acquire().await?;
        let stored = store::find_listed(&mut conn, account_id, now).await?.ok_or(CounselorError::NotFound)?;
        (stored, store::licences_that_hold(&mut conn, &[account_id], now).await?)
    };
    open(accounts, stored, licences).await
}

async fn open(accounts: &Accounts, stored: Stored, licences: Vec<StoredLicence>) -> Result<Listed, Error> {
    let account_id = stored.account_id;
    let key = accounts.vault.data_key(account_id).await?;
    Ok(Listed {
        name: text(&key.open(&name_place(account_id), &stored.name)?)?,
        approach: text(&key.open(&approach_place(account_id), &stored.approach)?)?,
        licences: licences.iter().map(|one| open_licence(&key, one)).collect::<Result<_, _>>()?,
        stored,
    })
}

/// A page of what operators decide on: what waits, or those of one standing. That it is looked at is recorded.
///
/// # Errors
/// When the database or the key store fails.
pub async fn queue(
    accounts: &Accounts,
    by: &Passport,
    standing: Option<Standing>,
    size: PageSize,
    after: Option<Cursor>,
) -> Result<(Vec<Summary>, Option<Cursor>), Error> {
    let waiting = standing.is_none_or(|standing| standing == Standing::Applied);
    let after = after.unwrap_or(if waiting { Cursor::oldest() } else { Cursor::start() });
    let mut found = {
        let mut conn = accounts.pool.acquire().await?;
        let after = (after.time, after.id);
        match standing.filter(|_| !waiting) {
            Some(standing) => store::decided(&mut conn, standing.as_str(), after, size.get() + 1).await?,
            None => store::waiting(&mut conn, after, size.get() + 1).await?,
        }
    };
    let next = cut(&mut found, size, |stored| {
        (if waiting { stored.review_since } else { stored.decided_at }).map(|at| at.to_jiff())
    });
    let which = standing.filter(|_| !waiting).map_or("waiting", Standing::as_str);
    let what = (Action::CounselorsListed, Details::none().code("which", which));
    audit::listed(&mut *accounts.pool.acquire().await?, accounts, by, what, found.len()).await?;
    let mut page = Vec::with_capacity(found.len());
    for stored in found {
        page.extend(if_readable(stored.account_id, summary(accounts, &stored).await)?);
    }
    Ok((page, next))
}

async fn summary(accounts: &Accounts, stored: &Stored) -> Result<Summary, Error> {
    let key = accounts.vault.data_key(stored.account_id).await?;
    Ok(Summary {
        name: text(&key.open(&name_place(stored.account_id), &stored.name)?)?,
        standing: Standing::stored(&stored.state).ok_or(Error::Unreadable)?,
        review_since: stored.review_since.map(|at| at.to_jiff()),
        decided_at: stored.decided_at.map(|at| at.to_jiff()),
        account_id: stored.account_id,
    })
}

/// What is read for a list: whoever cannot be read is left out and complained of, instead of taking everybody else along. A
/// key that was destroyed is nothing to complain of: they are on their way out.
fn if_readable<T>(account_id: Uuid, read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(Error::Vault(vault::Error::Destroyed)) => Ok(None),
        Err(
            error @ (Error::Unreadable | Error::Vault(vault::Error::Refused | vault::Error::UnknownKek(_))),
        ) => {
            tracing::error!(%error, %account_id, "a counselor cannot be read, and is left out of the list");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Cuts a list that was asked for one more than a page holds, and says where the next page begins.
fn cut(
    found: &mut Vec<Stored>,
    size: PageSize,
    time: impl Fn(&Stored) -> Option<Timestamp>,
) -> Option<Cursor> {
    let most = usize::try_from(size.get()).unwrap_or(usize::MAX);
    if found.len() <= most {
        return None;
    }
    found.truncate(most);
    found.last().and_then(|last| time(last).map(|time| Cursor { time, id: last.account_id }))
}
