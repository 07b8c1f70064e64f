//! `LedgerService`.

use super::{Rpc, wire};
use crate::{
    Error,
    app::{self, OwnReceipt},
    domain::{self, Cursor, Invalid, LedgerLookReason, PageSize},
    store::support::Look,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use candor_proto::accounts::v1::{
    ListReceiptsRequest, ListReceiptsResponse, ListStaffLooksRequest, ListStaffLooksResponse, Receipt,
    Relation, StaffLook, StaffLookKind, StaffRole, ledger_service_server::LedgerService,
};
use chassis::identity::Kind;
use chassis::rpc::{admit_kinds, admit_owner};
use tonic::{Request, Response, Status};

/// Whose accounts staff looks at.
const LOOKED_AT: [Kind; 2] = [Kind::Member, Kind::Counselor];

#[tonic::async_trait]
impl LedgerService for Rpc {
    async fn list_receipts(
        &self,
        request: Request<ListReceiptsRequest>,
    ) -> Result<Response<ListReceiptsResponse>, Status> {
        let (passport, message) = admit_owner(request)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let after = cursor(&message.page_token)?;
        let mut conn = self.accounts.pool.acquire().await.map_err(Error::from)?;
        let (receipts, next) = app::list_receipts(&mut conn, passport.account_id, size, after).await?;
        Ok(Response::new(ListReceiptsResponse {
            receipts: receipts.into_iter().map(receipt).collect(),
            next_page_token: page_token(next),
        }))
    }

    async fn list_staff_looks(
        &self,
        request: Request<ListStaffLooksRequest>,
    ) -> Result<Response<ListStaffLooksResponse>, Status> {
        let (passport, message) = admit_kinds(request, &LOOKED_AT)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let after = cursor(&message.page_token)?;
        let mut conn = self.accounts.pool.acquire().await.map_err(Error::from)?;
        let (found, next) = app::support::looks(&mut conn, passport.account_id, size, after).await?;
        let looks = found.into_iter().map(look).collect::<Result<_, _>>()?;
        Ok(Response::new(ListStaffLooksResponse { looks, next_page_token: page_token(next) }))
    }
}

fn look(look: Look) -> Result<StaffLook, Error> {
    let reason = look.reason.as_deref().map(|one| LedgerLookReason::stored(one).ok_or(Error::Unreadable));
    let reason = reason.transpose()?;
    let (kind, role) = match reason {
        None => (StaffLookKind::Support, StaffRole::Support),
        Some(_) => (StaffLookKind::Ledger, StaffRole::Operator),
    };
    Ok(StaffLook {
        look_id: look.look_id.to_string(),
        kind: kind.into(),
        look_time: Some(wire(look.looked_at.to_jiff())),
        role: role.into(),
        reason: reason.map_or(0, LedgerLookReason::number),
        agreed: reason.is_some(),
    })
}

/// A page token is a place in the caller's own list. It opens nothing, so it needs no seal.
pub(super) fn cursor(token: &str) -> Result<Cursor, Error> {
    if token.is_empty() {
        return Ok(Cursor::start());
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let unknown = Invalid { field: "page_token", description: "is not one that this list gave you" };
    Ok(bytes.and_then(|bytes| Cursor::from_bytes(&bytes)).ok_or(unknown)?)
}

/// Where the next page begins. It opens nothing, so it needs no seal.
pub(super) fn page_token(next: Option<Cursor>) -> String {
    next.map(|next| URL_SAFE_NO_PAD.encode(next.to_bytes())).unwrap_or_default()
}

/// In which relation somebody read.
pub(super) fn relation(relation: domain::Relation) -> Relation {
    match relation {
        domain::Relation::Partner => Relation::Partner,
        domain::Relation::TrustedPerson => Relation::TrustedPerson,
        domain::Relation::Counselor => Relation::Counselor,
        domain::Relation::Software => Relation::Software,
    }
}

fn receipt(own: OwnReceipt) -> Receipt {
    Receipt {
        receipt_id: own.receipt_id.to_string(),
        reader_account_id: own.reader_id.to_string(),
        relation: relation(own.relation).into(),
        scope: own.scope.number(),
        item_ids: own.shown.item_ids.iter().map(ToString::to_string).collect(),
        read_time: Some(wire(own.shown.time)),
        consent_id: own.consent_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}
