//! What operators see and decide.

use super::shown::{application, summary};
use crate::{
    Error,
    app::counselor,
    domain::{
        PageSize,
        counselor::{DecisionReason, Standing},
    },
    rpc::{Rpc, ledger},
};
use candor_proto::accounts::v1::{
    CounselorApplication, ListCounselorApplicationsRequest, ListCounselorApplicationsResponse,
};
use chassis::identity::Passport;
use uuid::Uuid;

pub(super) async fn queue(
    rpc: &Rpc,
    by: &Passport,
    message: &ListCounselorApplicationsRequest,
) -> Result<ListCounselorApplicationsResponse, Error> {
    let standing = Standing::ALL.into_iter().find(|standing| standing.number() == message.standing);
    let size = PageSize::parse(message.page_size)?;
    let token = &message.page_token;
    let after = if token.is_empty() { None } else { Some(ledger::cursor(token)?) };
    let (page, next) = counselor::queue(&rpc.accounts, by, standing, size, after).await?;
    let applications = page.into_iter().map(summary).collect();
    Ok(ListCounselorApplicationsResponse {
        applications,
        next_page_token: crate::rpc::ledger::page_token(next),
    })
}

pub(super) async fn look_at(
    rpc: &Rpc,
    by: &Passport,
    account_id: Uuid,
) -> Result<CounselorApplication, Error> {
    let accounts = &rpc.accounts;
    let shown = counselor::look_at(accounts, account_id).await?;
    let mut tx = accounts.pool.begin().await?;
    counselor::note_look(accounts, &mut tx, by, account_id).await?;
    tx.commit().await?;
    Ok(application(shown))
}

pub(super) async fn verify(rpc: &Rpc, by: &Passport, account_id: Uuid, revision: i32) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    counselor::verify(accounts, &mut tx, by, account_id, revision).await?;
    tx.commit().await?;
    wake(rpc);
    Ok(())
}

pub(super) async fn refuse(
    rpc: &Rpc,
    by: &Passport,
    account_id: Uuid,
    revision: i32,
    reason: &str,
) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let reason = DecisionReason::parse(reason)?;
    let decision = counselor::prepare_decision(accounts, account_id, &reason).await?;
    let mut tx = accounts.pool.begin().await?;
    counselor::refuse(accounts, &mut tx, by, decision, revision).await?;
    tx.commit().await?;
    wake(rpc);
    Ok(())
}

pub(super) async fn suspend(rpc: &Rpc, by: &Passport, account_id: Uuid, reason: &str) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let reason = DecisionReason::parse(reason)?;
    let decision = counselor::prepare_decision(accounts, account_id, &reason).await?;
    let mut tx = accounts.pool.begin().await?;
    counselor::suspend(accounts, &mut tx, by, decision).await?;
    tx.commit().await?;
    wake(rpc);
    Ok(())
}

/// What was decided is told, here and by mail.
fn wake(rpc: &Rpc) {
    rpc.accounts.outbox.wake();
    rpc.accounts.mails.notify_one();
}
