//! `OAuthClientService`.

mod identify;
mod registered;

use super::{Rpc, wire};
use crate::{
    ClientError, Error,
    app::clients::{self, Keys, Wish},
    domain::{
        Invalid, PageSize,
        client::{About, JwksUrl, KeySet},
    },
};
use candor_proto::accounts::v1::{
    DisableClientRequest, DisableClientResponse, GetClientRequest, GetClientResponse,
    IssueClientTokenRequest, IssueClientTokenResponse, ListClientsRequest, ListClientsResponse,
    ListOwnClientsRequest, ListOwnClientsResponse, RegisterClientRequest, RegisterClientResponse,
    RevokeClientTokenRequest, RevokeClientTokenResponse, RotateClientKeysRequest, RotateClientKeysResponse,
    o_auth_client_service_server::OAuthClientService,
};
use chassis::{
    Fault,
    identity::{Kind, Passport, Scopes},
    rpc::{admit_kinds, admit_owner, admit_public, require_step_up},
};
use identify::identify;
use registered::registered;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Who has clients.
const HOLDERS: [Kind; 2] = [Kind::Operator, Kind::Counselor];

#[tonic::async_trait]
impl OAuthClientService for Rpc {
    async fn register_client(
        &self,
        request: Request<RegisterClientRequest>,
    ) -> Result<Response<RegisterClientResponse>, Status> {
        let (passport, message) = admit_kinds(request, &HOLDERS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let client_id = register(self, &passport, message).await?;
        let client = Some(registered(clients::get(&self.accounts, &passport, client_id).await?));
        Ok(Response::new(RegisterClientResponse { client }))
    }

    async fn list_clients(
        &self,
        request: Request<ListClientsRequest>,
    ) -> Result<Response<ListClientsResponse>, Status> {
        let (passport, message) = admit_kinds(request, &HOLDERS)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let after = super::ledger::cursor(&message.page_token)?;
        let (page, next) = clients::list(&self.accounts, &passport, size, after).await?;
        Ok(Response::new(ListClientsResponse {
            clients: page.into_iter().map(registered).collect(),
            next_page_token: super::ledger::page_token(next),
        }))
    }

    async fn list_own_clients(
        &self,
        request: Request<ListOwnClientsRequest>,
    ) -> Result<Response<ListOwnClientsResponse>, Status> {
        let (passport, message) = admit_owner(request)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let after = super::ledger::cursor(&message.page_token)?;
        let (page, next) = clients::list_own(&self.accounts, passport.account_id, size, after).await?;
        Ok(Response::new(ListOwnClientsResponse {
            clients: page.into_iter().map(registered).collect(),
            next_page_token: super::ledger::page_token(next),
        }))
    }

    async fn get_client(
        &self,
        request: Request<GetClientRequest>,
    ) -> Result<Response<GetClientResponse>, Status> {
        let (passport, message) = admit_kinds(request, &HOLDERS)?;
        let client = clients::look_at(&self.accounts, &passport, id(&message.client_id)?).await?;
        Ok(Response::new(GetClientResponse { client: Some(registered(client)) }))
    }

    async fn rotate_client_keys(
        &self,
        request: Request<RotateClientKeysRequest>,
    ) -> Result<Response<RotateClientKeysResponse>, Status> {
        let (passport, message) = admit_kinds(request, &HOLDERS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let client_id = id(&message.client_id)?;
        rotate(self, &passport, client_id, &message).await?;
        let client = Some(registered(clients::get(&self.accounts, &passport, client_id).await?));
        Ok(Response::new(RotateClientKeysResponse { client }))
    }

    async fn disable_client(
        &self,
        request: Request<DisableClientRequest>,
    ) -> Result<Response<DisableClientResponse>, Status> {
        let (passport, message) = admit_kinds(request, &HOLDERS)?;
        disable(self, &passport, id(&message.client_id)?).await?;
        Ok(Response::new(DisableClientResponse {}))
    }

    async fn issue_client_token(
        &self,
        request: Request<IssueClientTokenRequest>,
    ) -> Result<Response<IssueClientTokenResponse>, Status> {
        let message = admit_public(request)?;
        let assertion = Zeroizing::new(message.client_assertion);
        Ok(Response::new(issue(self, &assertion, &message.client_id, &message.scope).await?))
    }

    async fn revoke_client_token(
        &self,
        request: Request<RevokeClientTokenRequest>,
    ) -> Result<Response<RevokeClientTokenResponse>, Status> {
        let message = admit_public(request)?;
        let (assertion, token) = (Zeroizing::new(message.client_assertion), Zeroizing::new(message.token));
        revoke(self, &assertion, &message.client_id, &token).await?;
        Ok(Response::new(RevokeClientTokenResponse {}))
    }
}

async fn register(rpc: &Rpc, by: &Passport, message: RegisterClientRequest) -> Result<Uuid, Error> {
    let accounts = &rpc.accounts;
    let about = About::parse(&message.name, &message.purpose, &message.contact)?;
    let scopes = Scopes::exactly(&message.scopes.join(" "));
    let unknown =
        "holds one that is not of the form system/*.rs or user/Observation.r, with a resource of FHIR R4";
    let scopes = scopes.ok_or(Invalid { field: "scopes", description: unknown })?;
    let keys = keys(rpc, by, &message.jwks, &message.jwks_url).await?;
    let client_id = message.client_id.parse().ok();
    let draft = clients::draft(accounts, by, Wish { client_id, about, scopes, keys }).await?;
    let mut tx = accounts.pool.begin().await?;
    let client_id = clients::register(accounts, &mut tx, draft).await?;
    tx.commit().await?;
    Ok(client_id)
}

async fn rotate(
    rpc: &Rpc,
    by: &Passport,
    client_id: Uuid,
    message: &RotateClientKeysRequest,
) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let keys = keys(rpc, by, &message.jwks, &message.jwks_url).await?;
    let mut tx = accounts.pool.begin().await?;
    clients::rotate_keys(accounts, &mut tx, by, client_id, &keys).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(())
}

/// The keys that somebody gives, either way. Those at an address are fetched, outside of any transaction.
async fn keys(rpc: &Rpc, by: &Passport, jwks: &str, jwks_url: &str) -> Result<Keys, Error> {
    match (jwks.is_empty(), jwks_url.is_empty()) {
        (false, true) => Ok(Keys::Registered(KeySet::registered(jwks)?)),
        (true, false) => {
            let url = JwksUrl::parse(jwks_url)?;
            clients::count_address(&rpc.accounts, by).await?;
            let fetched = rpc.fetcher.fetch(&url).await;
            let fetched = fetched.map_err(|problem| {
                // Here alone it is told apart whether a name leads inside or nowhere.
                tracing::warn!(?problem, "keys at an address cannot be fetched");
                Invalid { field: "jwks_url", description: problem.description() }
            })?;
            Ok(Keys::Published(url, fetched))
        }
        _ => Err(Invalid { field: "jwks", description: "or jwks_url is needed, one of the two" }.into()),
    }
}

async fn disable(rpc: &Rpc, by: &Passport, client_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    clients::disable(accounts, &mut tx, by, client_id).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(())
}

async fn issue(
    rpc: &Rpc,
    assertion: &str,
    client_id: &str,
    scope: &str,
) -> Result<IssueClientTokenResponse, Error> {
    let accounts = &rpc.accounts;
    let (acting, proof) = identify(rpc, assertion, client_id).await?;
    let ticket = clients::ticket(accounts, &acting, proof, scope).await?;
    let mut tx = accounts.pool.begin().await?;
    let claims = clients::issue(accounts, &mut tx, &ticket).await?;
    tx.commit().await?;
    let issued = clients::sign(ticket, &claims)?;
    Ok(IssueClientTokenResponse {
        access_token: issued.token.to_string(),
        expire_time: Some(wire(issued.expires_at)),
        expires_in: i32::try_from(issued.seconds).unwrap_or_default(),
        scope: issued.scopes.to_string(),
    })
}

async fn revoke(rpc: &Rpc, assertion: &str, client_id: &str, token: &str) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let (acting, proof) = identify(rpc, assertion, client_id).await?;
    let mut tx = accounts.pool.begin().await?;
    clients::revoke(accounts, &mut tx, &acting, proof, token).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(())
}

/// A client's id in a request; one that is none names no client.
fn id(text: &str) -> Result<Uuid, Fault> {
    text.parse().map_err(|_| Error::from(ClientError::NotFound).into())
}
