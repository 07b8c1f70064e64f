//! The first operator: made by hand, on the machine, not over the network.

use super::{Accounts, announce, audit, email_place, password_place};
use crate::{
    Error,
    domain::{
        AccountKind, Address, Locale, Password, Personal, Zone,
        audit::{Action, Actor, Details, Subject},
    },
    store::{
        account::{self, NewAccount, State},
        email_change,
    },
};
use bus::outbox;
use uuid::Uuid;

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
        kind: AccountKind::Operator.as_str(),
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
        details: Details::none().code("kind", AccountKind::Operator.as_str()),
        note: None,
    };
    audit::record(&mut tx, accounts, made).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(account_id)
}
