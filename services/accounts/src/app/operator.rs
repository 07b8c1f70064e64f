//! Those who run the place or work for it: made by hand, on the machine, not over the network, and taken away there as well.

use super::{Accounts, announce, audit, email_place, erasure, notice, password_place};
use crate::{
    Error,
    domain::{
        AccountKind, Address, Locale, NoticeKind, Password, Personal, Zone,
        audit::{Action, Actor, Details, Subject},
    },
    store::{
        account::{self, NewAccount, State},
        counselor, email_change, session, staff,
    },
};
use bus::outbox;
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

/// An operator as somebody at the machine names them.
pub struct NewOperator {
    /// The address.
    pub address: Address,
    /// The password.
    pub password: Password,
    /// The time zone.
    pub zone: Zone,
    /// The language.
    pub locale: Locale,
}

/// Makes an operator's account, its address taken as proven, and returns its id. An unproven account that a
/// stranger made with the address gives way.
///
/// # Errors
/// [`Error::AddressInUse`] when a proven account has the address, or had it until lately: nobody becomes an operator by
/// accident.
pub async fn create_operator(accounts: &Accounts, operator: NewOperator) -> Result<Uuid, Error> {
    create_staff(accounts, AccountKind::Operator, operator).await
}

/// Makes the account of somebody who works for the place, as [`create_operator`] does for those who run it.
///
/// # Errors
/// [`Error::NotStaff`] for members and counselors; [`Error::AddressInUse`].
pub async fn create_staff(
    accounts: &Accounts,
    kind: AccountKind,
    operator: NewOperator,
) -> Result<Uuid, Error> {
    if !kind.is_staff() {
        return Err(Error::NotStaff);
    }
    let email_index = accounts.index(&operator.address).await?;
    let personal = Personal::of_address(operator.address.as_str());
    let hash = accounts.hashing.choose("password", operator.password, personal).await?;
    let account_id = accounts.ids.next();
    let key = accounts.vault.data_key(account_id).await?;
    let now = accounts.clock.now();
    let new = NewAccount {
        account_id,
        email_index: &email_index,
        email: &key.seal(&email_place(account_id), operator.address.as_str().as_bytes()),
        password_hash: &accounts.key().await?.seal(&password_place(account_id), hash.as_bytes()),
        kind: kind.as_str(),
        time_zone: operator.zone.as_str(),
        locale: operator.locale.as_str(),
        // A mailbox of theirs nobody was asked about.
        notices_by_mail: false,
    };
    let mut tx = accounts.pool.begin().await?;
    account::delete_unverified(&mut tx, &email_index).await?;
    let made = account::insert(&mut tx, &new, now, Some(now)).await?;
    if !made || email_change::holder(&mut tx, &email_index, None, now).await?.is_some() {
        return Err(Error::AddressInUse);
    }
    let state = State {
        account_id,
        version: 1,
        time_zone: operator.zone.as_str().to_owned(),
        locale: operator.locale.as_str().to_owned(),
        verified: true,
    };
    outbox::append(&mut tx, &[announce::verified(&accounts.ids, now, &state)]).await?;
    let made = audit::Record {
        actor: Actor::MACHINE,
        action: Action::StaffCreated,
        subject: Subject::account(account_id),
        details: Details::none().code("kind", kind.as_str()),
        note: None,
    };
    audit::record(&mut tx, accounts, made).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(account_id)
}

/// Takes the role from one of those who run the place or work for it, and returns the account's id. What is left is a member's
/// account, signed out everywhere. The last operator stays one. What they did as one of the staff stays in the audit, also
/// when they have the account erased.
///
/// # Errors
/// [`Error::NotStaff`]; [`Error::LastOperator`].
pub async fn revoke_staff(accounts: &Accounts, address: &Address) -> Result<Uuid, Error> {
    let account_id = account_at(accounts, address).await?;
    let mut tx = accounts.pool.begin().await?;
    take_role(accounts, &mut tx, account_id).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(account_id)
}

/// As [`revoke_staff`], and asks for what is left to be destroyed, as its owner would: they are told, and can call it off for a
/// week. For whoever does not come back to do so themself. Returns the certificate's code as well.
///
/// # Errors
/// As [`revoke_staff`].
pub async fn revoke_and_erase_staff(
    accounts: &Accounts,
    address: &Address,
) -> Result<(Uuid, Zeroizing<String>), Error> {
    let account_id = account_at(accounts, address).await?;
    let prepared = erasure::prepare_erasure(accounts, account_id, false).await?;
    let mut tx = accounts.pool.begin().await?;
    take_role(accounts, &mut tx, account_id).await?;
    erasure::keep(accounts, &mut tx, (account_id, None), &prepared, None).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok((account_id, prepared.code()))
}

/// Whose address it is.
async fn account_at(accounts: &Accounts, address: &Address) -> Result<Uuid, Error> {
    let email_index = accounts.index(address).await?;
    let found = account::credentials(&mut *accounts.pool.acquire().await?, &email_index).await?;
    Ok(found.ok_or(Error::NotStaff)?.account_id)
}

async fn take_role(accounts: &Accounts, tx: &mut PgConnection, account_id: Uuid) -> Result<(), Error> {
    let now = accounts.clock.now();
    // With all operators, so that two of them are not taken away at once, each for the other's sake.
    let held = staff::hold_with_operators(tx, account_id).await?;
    let kind_of = |(id, kind): &(Uuid, String)| (*id == account_id).then(|| AccountKind::stored(kind));
    let kind = held.iter().find_map(kind_of).filter(|kind| kind.is_staff()).ok_or(Error::NotStaff)?;
    if kind == AccountKind::Operator && held.len() == 1 {
        return Err(Error::LastOperator);
    }
    counselor::set_kind(tx, account_id, AccountKind::Member.as_str()).await?;
    let ended = session::end_all(tx, account_id, None, now).await?;
    announce::sessions_ended(tx, &accounts.ids, now, &ended).await?;
    notice::tell(accounts, tx, account_id, NoticeKind::RoleEnded, None).await?;
    let revoked = audit::Record {
        actor: Actor::MACHINE,
        action: Action::StaffRevoked,
        subject: Subject::account(account_id),
        details: Details::none().code("kind", kind.as_str()),
        note: None,
    };
    audit::record(tx, accounts, revoked).await
}
