//! `ConsentService`.

use super::{
    Rpc, id, ids,
    ledger::{cursor, page_token},
    optional_id, wire,
};
use crate::{
    ConsentError, Error,
    app::{
        self, Opened, Wish,
        consent::{self, MyConsent},
        metrics, software,
    },
    domain::{ConsentText, Offer, PageSize, Relation, Said, Scope},
    store::consent::Of,
};
use candor_proto::accounts::v1::{
    Consent, GetConsentTextRequest, GetConsentTextResponse, GrantConsentRequest, GrantConsentResponse,
    GrantedToMe, ListConsentsRequest, ListConsentsResponse, ListGrantedToMeRequest, ListGrantedToMeResponse,
    OpenAccessRequest, OpenAccessResponse, RevokeConsentRequest, RevokeConsentResponse,
    consent_service_server::ConsentService,
};
use chassis::{
    Fault,
    identity::{Kind, Passport},
    rpc::{admit_kinds, admit_member, admit_owner, admit_signed_in, require_step_up},
};
use jiff::Timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// Who reads of others.
const READERS: [Kind; 3] = [Kind::Member, Kind::Counselor, Kind::Client];
/// To whom something is opened by a consent.
const COUNSELORS: [Kind; 1] = [Kind::Counselor];

#[tonic::async_trait]
impl ConsentService for Rpc {
    async fn open_access(
        &self,
        request: Request<OpenAccessRequest>,
    ) -> Result<Response<OpenAccessResponse>, Status> {
        let (passport, message) = admit_kinds(request, &READERS)?;
        let wish = Wish {
            owner_id: id("owner_account_id", &message.owner_account_id)?,
            scope: scope(message.scope)?,
            item_id: optional_id("item_id", &message.item_id)?,
            purpose: message.purpose,
            receipt_id: optional_id("receipt_id", &message.receipt_id)?,
        };
        Ok(Response::new(metrics::opening(wish.scope, open(self, passport, wish).await)?))
    }

    async fn grant_consent(
        &self,
        request: Request<GrantConsentRequest>,
    ) -> Result<Response<GrantConsentResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        let now = self.accounts.clock.now();
        require_step_up(&passport, now)?;
        let counselor_id = id("counselor_account_id", &message.counselor_account_id)?;
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
        let offer = Offer::parse(Relation::Counselor, &said, now).map_err(Error::from)?;
        let granted = grant(self, &passport, counselor_id, &offer).await?;
        Ok(Response::new(GrantConsentResponse { consent: Some(shown(granted)) }))
    }

    async fn revoke_consent(
        &self,
        request: Request<RevokeConsentRequest>,
    ) -> Result<Response<RevokeConsentResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        revoke(self, &passport, id("consent_id", &message.consent_id)?).await?;
        Ok(Response::new(RevokeConsentResponse {}))
    }

    async fn list_consents(
        &self,
        request: Request<ListConsentsRequest>,
    ) -> Result<Response<ListConsentsResponse>, Status> {
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
        let (page, next) = consent::mine(&self.accounts, &of, size, after).await?;
        let consents = page.into_iter().map(shown).collect();
        Ok(Response::new(ListConsentsResponse { consents, next_page_token: page_token(next) }))
    }

    async fn list_granted_to_me(
        &self,
        request: Request<ListGrantedToMeRequest>,
    ) -> Result<Response<ListGrantedToMeResponse>, Status> {
        let (passport, message) = admit_kinds(request, &COUNSELORS)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let after = cursor(&message.page_token)?;
        let (page, next) = consent::granted(&self.accounts, passport.account_id, size, after).await?;
        let granted = page.into_iter().map(granted_to_me).collect();
        Ok(Response::new(ListGrantedToMeResponse { granted, next_page_token: page_token(next) }))
    }

    async fn get_consent_text(
        &self,
        request: Request<GetConsentTextRequest>,
    ) -> Result<Response<GetConsentTextResponse>, Status> {
        let (passport, message) = admit_signed_in(request)?;
        let text = ConsentText::find(&message.text_id, message.version);
        let text = text.ok_or(ConsentError::NoSuchText).map_err(Error::from)?;
        let wanted = consent::language(&self.accounts, passport.account_id, &message.locale).await?;
        let (locale, words) = text.words(wanted.as_str());
        Ok(Response::new(GetConsentTextResponse {
            text_id: text.id.to_owned(),
            version: text.version,
            text: words.to_owned(),
            current: text.is_current(),
            locale: locale.to_owned(),
            locales: text.locales().map(str::to_owned).collect(),
        }))
    }
}

async fn open(rpc: &Rpc, reader: Passport, wish: Wish) -> Result<OpenAccessResponse, Error> {
    let opened = match reader.kind {
        Kind::Client => open_to_software(rpc, &reader, &wish).await?,
        _ => open_to_person(rpc, reader, wish).await?,
    };
    Ok(OpenAccessResponse {
        capability: opened.token.to_string(),
        expire_time: Some(wire(opened.expires_at)),
        receipt_id: opened.receipt_id.to_string(),
    })
}

async fn open_to_person(rpc: &Rpc, reader: Passport, wish: Wish) -> Result<Opened, Error> {
    let application = app::apply_for_access(&rpc.accounts, reader, wish).await?;
    let granted = rpc.openings.submit(application.clone()).await.map_err(Error::Undecided)??;
    app::sign_access(&application, &granted)
}

/// Each opening of software has a receipt of its own, so there is none to go on with.
async fn open_to_software(rpc: &Rpc, reader: &Passport, wish: &Wish) -> Result<Opened, Error> {
    let Wish { owner_id, scope, item_id, purpose, receipt_id } = *wish;
    if receipt_id.is_some() {
        return Err(Error::ReceiptNotFound);
    }
    software::open(&rpc.accounts, reader, &software::Wish { owner_id, scope, item_id, purpose }).await
}

async fn grant(rpc: &Rpc, by: &Passport, counselor_id: Uuid, offer: &Offer) -> Result<MyConsent, Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    let consent_id = consent::grant(accounts, &mut tx, by, counselor_id, offer).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    consent::one_of_mine(accounts, by.account_id, consent_id).await
}

async fn revoke(rpc: &Rpc, by: &Passport, consent_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    consent::revoke(accounts, &mut tx, by, consent_id).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(())
}

pub(super) fn scope(number: i32) -> Result<Scope, Fault> {
    Scope::of(number).ok_or_else(|| Fault::invalid_field("scope", "is not known"))
}

/// A moment that a member chose. The database keeps microseconds.
pub(super) fn moment(field: &str, time: prost_types::Timestamp) -> Result<Timestamp, Fault> {
    let nanos = Some(time.nanos).filter(|nanos| (0..1_000_000_000).contains(nanos));
    let moment = nanos.and_then(|nanos| Timestamp::new(time.seconds, nanos / 1_000 * 1_000).ok());
    moment.ok_or_else(|| Fault::invalid_field(field, "is not a moment in time"))
}

fn shown(mine: MyConsent) -> Consent {
    let stored = mine.stored;
    Consent {
        consent_id: stored.consent_id.to_string(),
        care_id: stored.care_id.to_string(),
        counselor_account_id: stored.counselor_id.to_string(),
        counselor_name: mine.counselor_name,
        state: mine.state.number(),
        scope: stored.scope,
        item_id: stored.item_id.map(|id| id.to_string()).unwrap_or_default(),
        purpose: stored.purpose,
        text_id: stored.text_id,
        text_version: stored.text_version,
        text_locale: stored.text_locale,
        grant_time: Some(wire(stored.granted_at)),
        expire_time: Some(wire(stored.expires_at)),
        end_time: stored.ended_at.map(|at| wire(at.to_jiff())),
    }
}

fn granted_to_me(granted: consent::GrantedToMe) -> GrantedToMe {
    let stored = granted.stored;
    GrantedToMe {
        consent_id: stored.consent_id.to_string(),
        member_account_id: stored.owner_id.to_string(),
        member_name: granted.member_name,
        scope: stored.scope,
        item_id: stored.item_id.map(|id| id.to_string()).unwrap_or_default(),
        purpose: stored.purpose,
        grant_time: Some(wire(stored.granted_at)),
        expire_time: Some(wire(stored.expires_at)),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{ConsentEnd, ConsentState, Purpose, Scope};
    use candor_proto::accounts::v1::{AccessPurpose, ConsentState as WireState};
    use candor_proto::options::v1::Scope as Wire;

    #[test]
    fn scopes_have_the_numbers_of_the_proto() {
        let wire = [
            Wire::SharedItems,
            Wire::CheckIns,
            Wire::CheckInSchedule,
            Wire::ShareAnswers,
            Wire::Entries,
            Wire::Moods,
            Wire::SelfChecks,
        ];
        assert_eq!(Scope::ALL.map(Scope::number), wire.map(|scope| scope as i32));
        // A scope that the proto has and nobody decided about opens nothing.
        assert!(Scope::of(Wire::Unspecified as i32).is_none());
        assert!(Wire::try_from(1 + Scope::ALL.len() as i32).is_err());
    }

    #[test]
    fn purposes_and_states_have_the_numbers_of_the_proto() {
        let purposes = [AccessPurpose::Care, AccessPurpose::Session, AccessPurpose::Stated];
        assert_eq!(Purpose::ALL.map(Purpose::number), purposes.map(|purpose| purpose as i32));
        let [withdrawn, replaced, over, software, erasure] = ConsentEnd::ALL.map(ConsentState::Ended);
        let states = [
            ConsentState::Open,
            ConsentState::OnHold,
            ConsentState::Expired,
            withdrawn,
            replaced,
            over,
            software,
            erasure,
        ];
        let wire = [
            WireState::Open,
            WireState::OnHold,
            WireState::Expired,
            WireState::Withdrawn,
            WireState::Replaced,
            WireState::CareOver,
            WireState::SoftwareOver,
            WireState::Erasure,
        ];
        assert_eq!(states.map(ConsentState::number), wire.map(|state| state as i32));
        assert!(WireState::try_from(1 + wire.len() as i32).is_err());
    }
}
