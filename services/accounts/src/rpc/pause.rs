//! The part of `CoupleService` that is about whose invitations do not reach the caller.

use super::{
    Rpc,
    ledger::{cursor, page_token},
    wire,
};
use crate::{
    Error,
    app::{self, MyPause},
    domain::{PageSize, PauseCause},
};
use candor_proto::accounts::v1::{
    InvitationPause, InvitationPauseCause, ListInvitationPausesRequest, ListInvitationPausesResponse,
};
use chassis::identity::Passport;
use uuid::Uuid;

pub(super) async fn list(
    rpc: &Rpc,
    account_id: Uuid,
    message: &ListInvitationPausesRequest,
) -> Result<ListInvitationPausesResponse, Error> {
    let (size, after) = (PageSize::parse(message.page_size)?, cursor(&message.page_token)?);
    let (pauses, next) = app::pauses_of(&rpc.accounts, account_id, size, after).await?;
    let pauses = pauses.into_iter().map(pause).collect();
    Ok(ListInvitationPausesResponse { pauses, next_page_token: page_token(next) })
}

pub(super) async fn lift(rpc: &Rpc, by: &Passport, pause_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    app::lift_pause(accounts, &mut tx, by, pause_id).await?;
    Ok(tx.commit().await?)
}

fn pause(mine: MyPause) -> InvitationPause {
    let cause = match mine.cause {
        PauseCause::Left => InvitationPauseCause::Left,
        PauseCause::Declined => InvitationPauseCause::Declined,
        PauseCause::Blocked => InvitationPauseCause::Blocked,
    };
    InvitationPause {
        pause_id: mine.pause_id.to_string(),
        name: mine.name,
        cause: cause.into(),
        create_time: Some(wire(mine.since)),
        expire_time: mine.until.map(wire),
    }
}
