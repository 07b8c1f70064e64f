//! Trust and safety for the people who need it: reporting somebody, keeping them away, and what a suspended account can say
//! for itself.

mod blocking;
mod keys;
mod reporting;
mod suspended;

pub(super) use blocking::part;
pub use blocking::{block, pause_of_person};
pub use keys::{destroy_over, keys_of};
pub use reporting::{
    Admittance, Admitted, Attached, Attempt, MyReport, SealedReport, Wish, admit, forget, keep, own, seal,
};
pub(super) use reporting::{at, moment, open};
pub(super) use suspended::open as open_suspension;
pub use suspended::{MySuspension, SealedAppeal, appeal, my_suspension, seal_appeal};

use crate::{Error, domain::Acquaintance, store::report, store::report::Person};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// What somebody is to the caller, or was: nobody else can be reported or blocked.
async fn known(
    conn: &mut PgConnection,
    account_id: Uuid,
    other_id: Uuid,
    now: Timestamp,
) -> Result<Option<Acquaintance>, Error> {
    if let Some(known) = report::known(conn, account_id, other_id).await? {
        return Ok(Some(known));
    }
    let found = account_id != other_id && report::is_counselor(conn, other_id, now).await?;
    Ok(found.then_some(Acquaintance::Counselor))
}

/// Whom a report is about.
fn person(account_id: Uuid, relation: Acquaintance, share_id: Option<Uuid>) -> Person {
    Person { account_id, relation, share_id }
}
