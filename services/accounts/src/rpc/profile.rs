//! One's own account: what `IdentityService` answers about it.

use super::{Rpc, wire};
use crate::{
    Error,
    app::{self, Correction},
    domain::{self, Invalid, Locale, Zone},
};
use candor_proto::accounts::v1::{Account, AccountKind, UpdateProfileRequest};
use chassis::identity::Passport;
use uuid::Uuid;

pub(super) async fn update(
    rpc: &Rpc,
    passport: &Passport,
    message: &UpdateProfileRequest,
) -> Result<Account, Error> {
    let accounts = &rpc.accounts;
    let correction = correction(message)?;
    let mut tx = accounts.pool.begin().await?;
    app::correct_profile(accounts, &mut tx, passport, &correction).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    me(rpc, passport.account_id).await
}

/// What the mask names; without a mask, whatever is set.
fn correction(message: &UpdateProfileRequest) -> Result<Correction, Error> {
    let paths = message.update_mask.as_ref().map(|mask| mask.paths.as_slice()).unwrap_or_default();
    if paths.iter().any(|path| path != "time_zone" && path != "locale") {
        let description = "may name time_zone and locale";
        return Err(Invalid { field: "update_mask", description }.into());
    }
    let named = |name: &str, value: &str| match paths {
        [] => !value.is_empty(),
        _ => paths.iter().any(|path| path == name),
    };
    let zone = named("time_zone", &message.time_zone).then(|| Zone::parse(&message.time_zone));
    let locale = named("locale", &message.locale).then(|| Locale::parse(&message.locale));
    Ok(Correction { zone: zone.transpose()?, locale: locale.transpose()? })
}

pub(super) async fn me(rpc: &Rpc, account_id: Uuid) -> Result<Account, Error> {
    let me = app::me(&rpc.accounts, account_id).await?;
    let kind = match me.kind {
        domain::AccountKind::Member => AccountKind::Member,
        domain::AccountKind::Counselor => AccountKind::Counselor,
        domain::AccountKind::Operator => AccountKind::Operator,
        domain::AccountKind::Editor => AccountKind::Editor,
        domain::AccountKind::Support => AccountKind::Support,
    };
    Ok(Account {
        account_id: me.account_id.to_string(),
        email: me.email,
        time_zone: me.time_zone,
        locale: me.locale,
        create_time: Some(wire(me.created_at)),
        kind: kind.into(),
    })
}
