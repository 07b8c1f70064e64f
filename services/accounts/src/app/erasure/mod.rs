//! Having everything destroyed that somebody has here. Asked for, it ends at once what connects them with others; after the
//! grace it is told to every part of Candor, each of which destroys what it has and says so; when all of them did, a signed
//! certificate is all that is left.

mod asking;
mod certifying;
mod taking_part;
mod telling;

pub use crate::store::erasure::Waiting as WaitingErasure;
pub(super) use asking::keep;
pub use asking::{PreparedErasure, cancel_erasure, erasure_of, prepare_erasure, request_erasure};
pub use certifying::{CertifiedErasure, FoundCertificate, certificate_of, certify, complete_erasures};
pub use taking_part::{OwnPart, keep_part};
pub use telling::{
    ResealedLetter, begin_erasure, current_erasures, due_erasures, erasures_to_tell_again, overdue_erasures,
    reseal_letter, tell_again,
};

use super::{Accounts, care, circle, clients, couple, pause::Pause, software};
use crate::{
    Error,
    store::{client, counselor, couple::lock_accounts, erasure, tie},
};
pub use erasure::Under as UnderErasure;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

/// Where address and code are sealed until the certificate's mail is queued.
fn letter_place(account_id: Uuid) -> Place<'static> {
    Place { table: "erasure", column: "letter", row: account_id }
}

/// Holds somebody who leaves, with everybody in whose things something ends by that, before anything does. All that begins or
/// ends between two holds both in this order: of a member and their counselor who leave at once, one waits for the other.
async fn hold_with_ties(conn: &mut PgConnection, account_id: Uuid) -> Result<(), Error> {
    let mut all = tie::others(conn, account_id).await?;
    all.push(account_id);
    lock_accounts(conn, &all).await?;
    // Whatever would begin with them waits now. What began a moment ago is few, and behind the others.
    let mut late = tie::others(conn, account_id).await?;
    late.retain(|other| !all.contains(other));
    lock_accounts(conn, &late).await?;
    Ok(())
}

/// Ends what connects somebody with others: their link, every place in a circle, care, what they opened to software, and
/// what they invited to; a counselor's own software and their place on the list as well. Whoever calls this holds them with
/// their ties.
async fn end_ties(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    pause: Option<&Pause>,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    // Before what was opened to them: whoever disables one holds it first as well.
    let own_clients = client::hold_living(conn, account_id).await?;
    couple::unlink(accounts, conn, account_id, pause).await?;
    let ended = erasure::end_places(conn, account_id, now).await?;
    circle::tell_ended(accounts, conn, &ended, now).await?;
    care::end_all_of(accounts, conn, account_id).await?;
    software::end_of_owner(accounts, conn, account_id, now).await?;
    // After care, with which all that members opened to them has ended: they are told of one end, not of two.
    clients::end_with_holder(accounts, conn, &own_clients).await?;
    counselor::unlist(conn, account_id).await?;
    Ok(erasure::end_invitations(conn, account_id, now).await?)
}
