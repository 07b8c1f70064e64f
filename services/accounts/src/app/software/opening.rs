//! Software asks to read of a member: decided by the one function, shown as a capability.

use super::reach;
use crate::{
    Error, SoftwareError,
    app::{Accounts, Opened, access::sign, random_id},
    domain::{Asking, Bonds, Holder, Holding, Reach, SOFTWARE_OPENING_PACE, Scope, Tie, Wanted},
    store::software::{self, Answer, Asked},
};
use chassis::identity::{Passport, Scopes, capability::Opening};
use jiff::Timestamp;
use uuid::Uuid;

/// What software asks to read.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Whose data.
    pub owner_id: Uuid,
    /// What kind.
    pub scope: Scope,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// The number of the `candor.accounts.v1.AccessPurpose`.
    pub purpose: i32,
}

/// Decides on a wish in one statement, and signs what it opens. The time is taken before the statement sees anything, as
/// [`open_access`](crate::app::open_access) says why.
///
/// # Errors
/// [`SoftwareError::InsufficientScope`] where the token reaches it in no way, whoever is asked about;
/// [`Error::TooManyOpenings`]; [`SoftwareError::TokenOver`]; [`Error::NothingOpen`] for everybody who opened nothing to it and whoever
/// does not exist.
pub async fn open(accounts: &Accounts, reader: &Passport, wish: &Wish) -> Result<Opened, Error> {
    let token = reach::of(&reader.scopes, wish.scope, wish.item_id.is_some());
    if !token.anywhere() {
        return Err(SoftwareError::InsufficientScope.into());
    }
    let signer = accounts.signing.signer(accounts).await?;
    let subject = accounts.key().await?.mac("openings by a client", reader.account_id.as_bytes());
    let asked = Asked {
        subject: &subject,
        client_id: reader.account_id,
        token_id: reader.session_id,
        token,
        owner_id: wish.owner_id,
        scope: wish.scope.number(),
        item_id: wish.item_id,
        purpose: wish.purpose,
        receipt_id: random_id()?,
    };
    let now = accounts.clock.now();
    let answer = {
        let mut conn = accounts.pool.acquire().await?;
        software::open(&mut conn, &asked, SOFTWARE_OPENING_PACE, now).await?
    };
    let (opening, until) = decide(wish, token, &answer.ok_or(SoftwareError::TokenOver)?, now)?;
    sign(&signer, reader, &opening, until, now)
}

fn decide(
    wish: &Wish,
    token: Reach,
    answer: &Answer,
    now: Timestamp,
) -> Result<(Opening, Option<Timestamp>), Error> {
    if !answer.has_turn {
        return Err(Error::TooManyOpenings(SOFTWARE_OPENING_PACE.interval.unsigned_abs()));
    }
    if !answer.has_token {
        return Err(SoftwareError::TokenOver.into());
    }
    let Wish { owner_id, scope, item_id, purpose } = *wish;
    let bonds = Bonds { software: Some(asking(wish, token, answer)?), ..Bonds::default() };
    // The statement foresaw the decision; where the two differ, nothing is open.
    let tie = Tie::that_opens(&Wanted { scope, item_id, purpose }, &bonds, now);
    let found = tie.zip(answer.epoch).zip(answer.receipt_id);
    let ((Tie { relation_id, until, .. }, epoch), receipt_id) = found.ok_or(Error::NothingOpen)?;
    let scope = scope.number();
    Ok((Opening { owner_id, relation_id, scope, item_id, epoch, receipt_id }, until))
}

fn asking(wish: &Wish, token: Reach, answer: &Answer) -> Result<Asking, Error> {
    let registered = Scopes::exactly(&answer.scopes).ok_or(Error::Unreadable)?;
    let care = answer.licensed.zip(answer.kept_apart);
    let care = care.map(|(licensed, kept_apart)| Holding { licensed, kept_apart });
    Ok(Asking {
        acts: answer.acts,
        registered: reach::of(&registered, wish.scope, wish.item_id.is_some()),
        token,
        holder: if answer.of_house { Holder::House } else { Holder::Counselor(care) },
        owner_suspended: answer.owner_suspended,
        grant: answer.grant,
    })
}
