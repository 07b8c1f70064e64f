//! Counselors: how somebody becomes one, who decides on it, and whom members find.
//!
//! An account is of the kind counselor exactly while it is verified. Applying gives it no authority; it makes it one for a
//! practice, which links with nobody and is in no circle.

mod application;
mod decision;
mod directory;

pub use application::{Application, prepare, set_availability, submit, withdraw};
pub(super) use decision::seal_decision;
pub use decision::{
    Decision, expired, prepare_decision, refuse, suspend, suspend_expired, suspend_with_account, verify,
};
pub use directory::{Listed, Summary, directory, listed, queue};

use super::{
    Accounts,
    audit::{self, Record},
    text,
};
use crate::{
    CounselorError, Error,
    domain::{
        audit::{Action, Details, Subject},
        counselor::{Jurisdiction, LastDay, Licence, Standing},
    },
    store::counselor::{self as store, Stored, StoredLicence},
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::{DataKey, Place};
use zeroize::Zeroizing;

/// Where the name that members read is sealed.
pub(super) fn name_place(account_id: Uuid) -> Place<'static> {
    Place { table: "counselor", column: "name", row: account_id }
}

fn approach_place(account_id: Uuid) -> Place<'static> {
    Place { table: "counselor", column: "approach", row: account_id }
}

fn reason_place(account_id: Uuid) -> Place<'static> {
    Place { table: "counselor", column: "reason", row: account_id }
}

fn licence_place(column: &'static str, licence_id: Uuid) -> Place<'static> {
    Place { table: "counselor_licence", column, row: licence_id }
}

/// A licence as its holder and operators see it.
pub struct ShownLicence {
    /// The licence.
    pub licence: Licence,
    /// When an operator checked it.
    pub checked_at: Option<Timestamp>,
}

/// What somebody said of themself, as they and operators see it.
pub struct Shown {
    /// How they stand.
    pub standing: Standing,
    /// The name.
    pub name: String,
    /// How they work.
    pub approach: String,
    /// Why they were refused or suspended, or empty.
    pub reason: String,
    /// Their licences.
    pub licences: Vec<ShownLicence>,
    /// All that is not sealed.
    pub stored: Stored,
}

/// What the caller said of themself; `None` where they never applied. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn own(accounts: &Accounts, account_id: Uuid) -> Result<Option<Shown>, Error> {
    let (stored, licences) = {
        let mut conn = accounts.pool.acquire().await?;
        let Some(stored) = store::find(&mut conn, account_id).await? else { return Ok(None) };
        (stored, store::licences(&mut conn, account_id).await?)
    };
    let key = accounts.vault.data_key(account_id).await?;
    shown(&key, stored, licences).map(Some)
}

/// All that somebody said who applied, for an operator. Asks the vault; [`note_look`] records it.
///
/// # Errors
/// [`CounselorError::NotFound`].
pub async fn look_at(accounts: &Accounts, account_id: Uuid) -> Result<Shown, Error> {
    Ok(own(accounts, account_id).await?.ok_or(CounselorError::NotFound)?)
}

/// Records that an operator looked at what somebody said.
///
/// # Errors
/// When the database fails.
pub async fn note_look(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    account_id: Uuid,
) -> Result<(), Error> {
    let looked = Record {
        actor: audit::actor(by),
        action: Action::CounselorLookedAt,
        subject: Subject::account(account_id),
        details: Details::none(),
        note: None,
    };
    audit::record(conn, accounts, looked).await
}

fn shown(key: &DataKey, stored: Stored, licences: Vec<StoredLicence>) -> Result<Shown, Error> {
    let account_id = stored.account_id;
    let reason = stored.reason.as_deref();
    let reason = reason.map(|sealed| text(&key.open(&reason_place(account_id), sealed)?)).transpose()?;
    let licences = licences.iter().map(|licence| {
        let checked_at = licence.checked_at.map(|at| at.to_jiff());
        Ok::<_, Error>(ShownLicence { licence: open_licence(key, licence)?, checked_at })
    });
    Ok(Shown {
        standing: Standing::stored(&stored.state).ok_or(Error::Unreadable)?,
        name: text(&key.open(&name_place(account_id), &stored.name)?)?,
        approach: text(&key.open(&approach_place(account_id), &stored.approach)?)?,
        reason: reason.unwrap_or_default(),
        licences: licences.collect::<Result<_, _>>()?,
        stored,
    })
}

fn open_licence(key: &DataKey, stored: &StoredLicence) -> Result<Licence, Error> {
    let open = |column, sealed: &[u8]| text(&key.open(&licence_place(column, stored.licence_id), sealed)?);
    Ok(Licence {
        title: open("title", &stored.title)?,
        jurisdiction: Jurisdiction::parse_as("jurisdiction", &stored.jurisdiction)?,
        number: Zeroizing::new(open("number", &stored.number)?),
        look_up: Zeroizing::new(open("look_up", &stored.look_up)?),
        last_day: LastDay::of_end(stored.valid_until),
    })
}
