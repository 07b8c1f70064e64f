//! Another address: what `IdentityService` answers about it.

use super::Rpc;
use crate::{
    AddressError, Error, app,
    domain::{Address, NewAddressToken, UndoToken},
};
use candor_proto::accounts::v1::{
    CancelEmailChangeResponse, ConfirmEmailChangeResponse, RequestEmailChangeResponse,
    UndoEmailChangeResponse,
};
use chassis::identity::Passport;

pub(super) async fn request(
    rpc: &Rpc,
    passport: &Passport,
    email: &str,
) -> Result<RequestEmailChangeResponse, Error> {
    let accounts = &rpc.accounts;
    let address = Address::parse(email)?;
    let wanted = app::prepare_email_change(accounts, passport.account_id, &address).await?;
    let mut tx = accounts.pool.begin().await?;
    app::request_email_change(accounts, &mut tx, passport, &wanted).await?;
    tx.commit().await?;
    accounts.requests.notify_one();
    accounts.mails.notify_one();
    Ok(RequestEmailChangeResponse {})
}

pub(super) async fn confirm(
    rpc: &Rpc,
    passport: &Passport,
    token: &str,
) -> Result<ConfirmEmailChangeResponse, Error> {
    let accounts = &rpc.accounts;
    let token = NewAddressToken::parse(token).ok_or(AddressError::LinkNotFound)?;
    let key = app::prepare_confirmation(accounts, passport.account_id).await?;
    let mut tx = accounts.pool.begin().await?;
    app::confirm_email_change(accounts, &mut tx, passport, &key, &token).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(ConfirmEmailChangeResponse {})
}

pub(super) async fn cancel(rpc: &Rpc, passport: &Passport) -> Result<CancelEmailChangeResponse, Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    app::cancel_email_change(accounts, &mut tx, passport).await?;
    tx.commit().await?;
    Ok(CancelEmailChangeResponse {})
}

pub(super) async fn undo(rpc: &Rpc, token: &str) -> Result<UndoEmailChangeResponse, Error> {
    let accounts = &rpc.accounts;
    let token = UndoToken::parse(token).ok_or(AddressError::UndoNotFound)?;
    let undo = app::prepare_undo(accounts, &token).await?;
    let mut tx = accounts.pool.begin().await?;
    app::undo_email_change(accounts, &mut tx, &undo).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(UndoEmailChangeResponse {})
}
