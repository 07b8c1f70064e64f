//! Who may read another person's data, on the side of the service that holds it. Accounts decides and says so with a
//! [`Capability`]; what it took back since is known here, in the service's own database, and asked **in the reading
//! query itself** with the SQL function
//!
//! ```sql
//! chassis.admits(owner, reader, session, epoch, ends, now) -> boolean
//! ```
//!
//! so that no replica's memory decides. It says no once the capability's time is over, its epoch was overtaken, or its
//! session ended. Epochs only grow, so events may come twice and in any order.

use crate::identity::{Capability, ClientTokens, Context, Interactions, Kind, Passport};
use crate::{Code, Fault, rpc};
use candor_proto::{Delegated, Validate};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Passports of a session that ended, and tokens of software, live no longer than this; the mark may be forgotten then.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(10);

/// Whose data a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The caller's own.
    Own,
    /// Another person's, with what accounts said to it.
    Of(Box<Capability>),
}

impl Reading {
    /// The capability.
    ///
    /// # Errors
    /// NOT_FOUND where the caller names themself as the other person.
    pub fn of_another(self) -> Result<Capability, Fault> {
        match self {
            Self::Of(capability) => Ok(*capability),
            Self::Own => Err(Fault::new(Code::NotFound, "NOT_FOUND", "There is nothing here for you.")),
        }
    }
}

/// Admits a request of a member to their own data or, with a capability for exactly this, to another person's.
///
/// # Errors
/// As [`crate::rpc::admit_member`]; PERMISSION_DENIED (`CAPABILITY_REQUIRED`) when the data is another person's and no
/// capability came, or one for another reader, session, owner, scope or item. It says nothing about whether there is
/// any data.
pub fn admit_reader<T: Validate + Delegated>(
    request: tonic::Request<T>,
) -> Result<(Passport, Reading, T), Fault> {
    let capability = request.extensions().get::<Capability>().cloned();
    let (passport, message) = crate::rpc::admit_member(request)?;
    of_whom(passport, capability, message)
}

/// Admits a request of a member to their own data, or of a counselor or software, with a capability for exactly this, to a
/// member's. Anybody else who names another person is refused as [`admit_reader`] refuses: accounts gives them no capability.
/// The token of software has to be for this besides; it may be for less than the software is registered for.
///
/// # Errors
/// As [`crate::rpc::admit_kinds`] and [`admit_reader`]; PERMISSION_DENIED (`INSUFFICIENT_SCOPE`) for software whose token does
/// not cover it, (`MEMBERS_ONLY`) for a counselor or software that names nobody.
pub fn admit_reader_with_consent<T: Validate + Delegated>(
    request: tonic::Request<T>,
) -> Result<(Passport, Reading, T), Fault> {
    let capability = request.extensions().get::<Capability>().cloned();
    let (passport, message) = rpc::admit_kinds(request, &[Kind::Member, Kind::Counselor, Kind::Client])?;
    let kind = passport.kind;
    if kind == Kind::Client && !covers(&passport, &message) {
        return Err(rpc::insufficient_scope());
    }
    match of_whom(passport, capability, message)? {
        (_, Reading::Own, _) if kind != Kind::Member => {
            Err(Fault::new(Code::PermissionDenied, "MEMBERS_ONLY", "Only a member can do this."))
        }
        admitted => Ok(admitted),
    }
}

/// Whether the token of software is for what a request reads: for searching where it lists, for reading where it gets one.
/// In which context is for accounts to say, which knows whose the software is.
fn covers<T: Delegated>(passport: &Passport, message: &T) -> bool {
    let needed = if message.item().is_some() { Interactions::READ } else { Interactions::SEARCH };
    let allows = |resource, context| passport.scopes.allow(context, resource, needed);
    candor_proto::resource_of(T::SCOPE)
        .is_some_and(|resource| allows(resource, Context::System) || allows(resource, Context::User))
}

fn of_whom<T: Delegated>(
    passport: Passport,
    capability: Option<Capability>,
    message: T,
) -> Result<(Passport, Reading, T), Fault> {
    if message.owner().is_empty() || message.owner().parse() == Ok(passport.account_id) {
        return Ok((passport, Reading::Own, message));
    }
    let capability = capability.filter(|capability| fits(capability, &passport, &message)).ok_or_else(|| {
        Fault::new(
            Code::PermissionDenied,
            "CAPABILITY_REQUIRED",
            "This belongs to somebody else. Ask OpenAccess first, and send what it answers with the call.",
        )
    })?;
    Ok((passport, Reading::Of(Box::new(capability)), message))
}

fn fits<T: Delegated>(capability: &Capability, passport: &Passport, message: &T) -> bool {
    let opening = &capability.opening;
    let item_fits = match (opening.item_id, message.item()) {
        // Getting one takes another scope of a token than listing, and accounts looked at the one for what it opened.
        (None, item) => item.is_none() || passport.kind != Kind::Client,
        (Some(opened), Some(asked)) => asked.parse() == Ok(opened),
        (Some(_), None) => false,
    };
    capability.reader_id == passport.account_id
        && capability.session_id == passport.session_id
        && message.owner().parse() == Ok(opening.owner_id)
        && opening.scope == T::SCOPE
        && item_fits
}

/// Raises the access epoch of owner and reader; a lower one than is known changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn raise_epoch(
    conn: &mut PgConnection,
    owner_id: Uuid,
    reader_id: Uuid,
    epoch: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO chassis.access_epoch AS known (owner_id, reader_id, epoch) VALUES ($1, $2, $3)
         ON CONFLICT (owner_id, reader_id) DO UPDATE SET epoch = GREATEST(known.epoch, excluded.epoch)",
        owner_id,
        reader_id,
        epoch,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks a session as ended: its capabilities are good for nothing any more.
///
/// # Errors
/// When the database fails.
pub async fn end_session(
    conn: &mut PgConnection,
    session_id: Uuid,
    ended_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO chassis.ended_session (session_id, ended_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        session_id,
        ended_at.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what was taken back from a person or by them: there is nobody left to open anything to. Returns how many rows
/// went.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &mut PgConnection, account_id: Uuid) -> Result<u64, sqlx::Error> {
    let done =
        sqlx::query!("DELETE FROM chassis.access_epoch WHERE owner_id = $1 OR reader_id = $1", account_id)
            .execute(conn)
            .await?;
    Ok(done.rows_affected())
}

/// Forgets sessions that ended long enough ago, at most `limit` of them; returns how many.
///
/// # Errors
/// When the database fails.
pub async fn sweep(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM chassis.ended_session WHERE session_id IN
             (SELECT session_id FROM chassis.ended_session WHERE ended_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        (now - REMEMBERED).to_sqlx() as jiff_sqlx::Timestamp,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The tokens of software, seen from a service that hears of what ended: each is a session of its own.
pub struct EndedTokens(pub PgPool);

impl ClientTokens for EndedTokens {
    fn is_live(&self, token_id: Uuid) -> BoxFuture<'_, Result<bool, Fault>> {
        Box::pin(async move {
            let ended = sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT FROM chassis.ended_session WHERE session_id = $1) AS "ended!""#,
                token_id,
            )
            .fetch_one(&self.0)
            .await?;
            Ok(!ended)
        })
    }
}
