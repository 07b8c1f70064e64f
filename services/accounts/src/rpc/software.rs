//! `SoftwareConsentService`.

use super::{
    Rpc,
    consent::{moment, scope},
    id, ids,
    ledger::{cursor, page_token},
    optional_id, wire,
};
use crate::{
    Error,
    app::{
        consent,
        software::{self, Granted, MyConsent, Offered},
    },
    domain::{Offer, PageSize, Relation, Said, Scope},
    store::software::Of,
};
use candor_proto::accounts::v1::{
    GetSoftwareRequest, GetSoftwareResponse, GrantSoftwareConsentRequest, GrantSoftwareConsentResponse,
    GrantedToSoftware, ListGrantedToSoftwareRequest, ListGrantedToSoftwareResponse,
    ListSoftwareConsentsRequest, ListSoftwareConsentsResponse, ListSoftwareRequest, ListSoftwareResponse,
    RevokeSoftwareConsentRequest, RevokeSoftwareConsentResponse, Software, SoftwareConsent,
    software_consent_service_server::SoftwareConsentService,
};
use chassis::{
    identity::{Kind, Passport},
    rpc::{admit_kinds, admit_member, admit_owner, require_step_up},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// To whom something is opened here.
const SOFTWARE: [Kind; 1] = [Kind::Client];

#[tonic::async_trait]
impl SoftwareConsentService for Rpc {
    async fn list_software(
        &self,
        request: Request<ListSoftwareRequest>,
    ) -> Result<Response<ListSoftwareResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let after = cursor(&message.page_token)?;
        let (page, next) = software::openable(&self.accounts, passport.account_id, size, after).await?;
        let software = page.into_iter().map(offered).collect();
        Ok(Response::new(ListSoftwareResponse { software, next_page_token: page_token(next) }))
    }

    async fn get_software(
        &self,
        request: Request<GetSoftwareRequest>,
    ) -> Result<Response<GetSoftwareResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        let client_id = id("client_id", &message.client_id)?;
        let found = software::offered(&self.accounts, passport.account_id, client_id).await?;
        Ok(Response::new(GetSoftwareResponse { software: Some(offered(found)) }))
    }

    async fn grant_software_consent(
        &self,
        request: Request<GrantSoftwareConsentRequest>,
    ) -> Result<Response<GrantSoftwareConsentResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        let now = self.accounts.clock.now();
        require_step_up(&passport, now)?;
        let client_id = id("client_id", &message.client_id)?;
        let locale = consent::language(&self.accounts, passport.account_id, &message.text_locale).await?;
        let said = Said {
            scope: scope(message.scope)?,
            item_id: optional_id("item_id", &message.item_id)?,
            purpose: message.purpose,
            expires_at: message.expire_time.map(|time| moment("expire_time", time)).transpose()?,
            text_id: &message.text_id,
            text_version: message.text_version,
            text_locale: locale.as_str(),
        };
        let offer = Offer::parse(Relation::Software, &said, now).map_err(Error::from)?;
        let granted = grant(self, &passport, client_id, &offer).await?;
        Ok(Response::new(GrantSoftwareConsentResponse { consent: Some(shown(granted)) }))
    }

    async fn revoke_software_consent(
        &self,
        request: Request<RevokeSoftwareConsentRequest>,
    ) -> Result<Response<RevokeSoftwareConsentResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        revoke(self, &passport, id("consent_id", &message.consent_id)?).await?;
        Ok(Response::new(RevokeSoftwareConsentResponse {}))
    }

    async fn list_software_consents(
        &self,
        request: Request<ListSoftwareConsentsRequest>,
    ) -> Result<Response<ListSoftwareConsentsResponse>, Status> {
        let (passport, message) = admit_owner(request)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let after = cursor(&message.page_token)?;
        let of = Of {
            owner_id: passport.account_id,
            consent_ids: ids("consent_ids", &message.consent_ids)?,
            care_id: optional_id("care_id", &message.care_id)?,
            open_only: message.open_only,
            over_only: message.over_only,
        };
        let (page, next) = software::mine(&self.accounts, &of, size, after).await?;
        let consents = page.into_iter().map(shown).collect();
        Ok(Response::new(ListSoftwareConsentsResponse { consents, next_page_token: page_token(next) }))
    }

    async fn list_granted_to_software(
        &self,
        request: Request<ListGrantedToSoftwareRequest>,
    ) -> Result<Response<ListGrantedToSoftwareResponse>, Status> {
        let (passport, message) = admit_kinds(request, &SOFTWARE)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let after = cursor(&message.page_token)?;
        let (page, next) = software::granted(&self.accounts, &passport, size, after).await?;
        let granted = page.into_iter().map(granted_to_software).collect();
        Ok(Response::new(ListGrantedToSoftwareResponse { granted, next_page_token: page_token(next) }))
    }
}

async fn grant(rpc: &Rpc, by: &Passport, client_id: Uuid, offer: &Offer) -> Result<MyConsent, Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    let consent_id = software::grant(accounts, &mut tx, by, client_id, offer).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    software::one_of_mine(accounts, by.account_id, consent_id).await
}

async fn revoke(rpc: &Rpc, by: &Passport, consent_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    software::revoke(accounts, &mut tx, by, consent_id).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(())
}

fn text(id: Option<Uuid>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn offered(offered: Offered) -> Software {
    let numbers = |scopes: Vec<Scope>| scopes.into_iter().map(Scope::number).collect();
    let stored = offered.stored;
    Software {
        client_id: stored.client_id.to_string(),
        name: stored.name,
        purpose: stored.purpose,
        contact: offered.contact,
        counselor_account_id: text(stored.counselor_id),
        counselor_name: offered.counselor_name,
        care_id: text(stored.care_id),
        whole_kinds: numbers(offered.whole),
        single_items: numbers(offered.single),
    }
}

fn shown(mine: MyConsent) -> SoftwareConsent {
    let stored = mine.stored;
    SoftwareConsent {
        consent_id: stored.consent_id.to_string(),
        client_id: stored.client_id.to_string(),
        software_name: stored.name.unwrap_or_default(),
        software_purpose: stored.about.unwrap_or_default(),
        software_contact: mine.contact,
        care_id: text(stored.care_id),
        counselor_account_id: text(stored.counselor_id),
        counselor_name: mine.counselor_name,
        state: mine.state.number(),
        scope: stored.scope,
        item_id: text(stored.item_id),
        purpose: stored.purpose,
        text_id: stored.text_id,
        text_version: stored.text_version,
        text_locale: stored.text_locale,
        grant_time: Some(wire(stored.granted_at)),
        expire_time: Some(wire(stored.expires_at)),
        end_time: stored.ended_at.map(|at| wire(at.to_jiff())),
    }
}

fn granted_to_software(granted: Granted) -> GrantedToSoftware {
    GrantedToSoftware {
        consent_id: granted.consent_id.to_string(),
        member_account_id: granted.owner_id.to_string(),
        scope: granted.scope,
        item_id: text(granted.item_id),
        purpose: granted.purpose,
        grant_time: Some(wire(granted.granted_at)),
        expire_time: Some(wire(granted.expires_at)),
    }
}
