//! `ConsentService`.

use super::{Rpc, id, optional_id, wire};
use crate::{
    Error,
    app::{self, Wish, metrics},
    domain::Scope,
};
use candor_proto::accounts::v1::{
    OpenAccessRequest, OpenAccessResponse, consent_service_server::ConsentService,
};
use chassis::{Fault, identity::Passport, rpc::admit_member};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl ConsentService for Rpc {
    async fn open_access(
        &self,
        request: Request<OpenAccessRequest>,
    ) -> Result<Response<OpenAccessResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        let wish = Wish {
            owner_id: id("owner_account_id", &message.owner_account_id)?,
            scope: Scope::of(message.scope).ok_or_else(|| Fault::invalid_field("scope", "is not known"))?,
            item_id: optional_id("item_id", &message.item_id)?,
            purpose: message.purpose,
            receipt_id: optional_id("receipt_id", &message.receipt_id)?,
        };
        Ok(Response::new(metrics::opening(wish.scope, open(self, passport, wish).await)?))
    }
}

async fn open(rpc: &Rpc, reader: Passport, wish: Wish) -> Result<OpenAccessResponse, Error> {
    let application = app::apply_for_access(&rpc.accounts, reader, wish).await?;
    let granted = rpc.openings.submit(application.clone()).await.map_err(Error::Undecided)??;
    let opened = app::sign_access(&application, &granted)?;
    Ok(OpenAccessResponse {
        capability: opened.token.to_string(),
        expire_time: Some(wire(opened.expires_at)),
        receipt_id: opened.receipt_id.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use crate::domain::Scope;
    use candor_proto::options::v1::Scope as Wire;

    #[test]
    fn scopes_have_the_numbers_of_the_proto() {
        let wire = [Wire::SharedItems, Wire::CheckIns, Wire::CheckInSchedule, Wire::ShareAnswers];
        assert_eq!(Scope::ALL.map(Scope::number), wire.map(|scope| scope as i32));
        // A scope that the proto has and nobody decided about opens nothing.
        assert!(Scope::of(Wire::Unspecified as i32).is_none());
        assert!(Wire::try_from(1 + Scope::ALL.len() as i32).is_err());
    }
}
