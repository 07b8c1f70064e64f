//! Fake consents, and what is read with them.

use super::fakes::{ALICE, ENTRY, Fake};
use super::fakes_counselors::CARLA;
use super::two_fakes::{BEN, CLARA, HOSTILE_NAME, HOSTILE_TEXT, checked, nothing};
use candor_proto::accounts::v1::consent_service_server::{ConsentService, ConsentServiceServer};
use candor_proto::accounts::v1::*;
use candor_proto::journal::v1::opened_service_server::{OpenedService, OpenedServiceServer};
use candor_proto::journal::v1::*;
use candor_proto::options::v1::Scope;
use chassis::{Code, Fault};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// Of what Alice opened to Carla.
pub(super) const CONSENT: &str = "2d3cd512-4b7f-4eaf-8f7f-5d8f9e3b2c64";

/// What was asked about consents.
#[derive(Default)]
pub(super) struct OpenedAsked {
    pub(super) granted: Mutex<Vec<GrantConsentRequest>>,
    pub(super) revoked: Mutex<Vec<String>>,
    /// Whether all of Alice's entries are open to Carla, and who asks is her.
    pub(super) open: AtomicBool,
    /// How many consents are over that were opened since, besides the one that always is.
    pub(super) ended_since: AtomicUsize,
    /// What counselors read of Alice.
    pub(super) receipts: Mutex<Vec<Receipt>>,
    /// Whose things were read, and with what.
    pub(super) read: Mutex<Vec<(String, bool)>>,
    /// Why a consent is refused, if it is.
    pub(super) refusal: Mutex<Option<(&'static str, &'static str)>>,
}

pub(super) fn add(server: Router, fake: Fake) -> Router {
    server.add_service(ConsentServiceServer::new(fake.clone())).add_service(OpenedServiceServer::new(fake))
}

/// A page of a list; its token is how many stand before it.
pub(super) fn page<T>(all: Vec<T>, size: i32, token: &str) -> (Vec<T>, String) {
    let (size, from) = (usize::try_from(size).unwrap(), token.parse().unwrap_or(0));
    let next = from + size;
    let token = if next < all.len() { next.to_string() } else { String::new() };
    (all.into_iter().skip(from).take(size).collect(), token)
}

impl Fake {
    fn consent(&self) -> Consent {
        Consent {
            consent_id: CONSENT.into(),
            care_id: "c-1".into(),
            counselor_account_id: CARLA.into(),
            counselor_name: HOSTILE_NAME.into(),
            state: ConsentState::Open.into(),
            scope: Scope::Entries.into(),
            item_id: String::new(),
            purpose: AccessPurpose::Care.into(),
            text_id: "entries-to-counselor".into(),
            text_version: 1,
            text_locale: "de".into(),
            grant_time: self.0.timestamp(-3600),
            expire_time: self.0.timestamp(86_400),
            end_time: None,
        }
    }

    /// Notes whose things are read, and demands a capability for another's.
    fn read<T>(&self, request: &Request<T>, owner: &str) -> Result<(), Status> {
        self.admit(request)?;
        let shown = request.metadata().contains_key("candor-capability");
        self.0.opened.read.lock().unwrap().push((owner.to_owned(), shown));
        if owner.is_empty() || shown { Ok(()) } else { Err(Status::permission_denied("no capability")) }
    }
}

#[tonic::async_trait]
impl ConsentService for Fake {
    async fn open_access(&self, request: Request<OpenAccessRequest>) -> Answer<OpenAccessResponse> {
        self.admit(&request)?;
        checked(request.get_ref())?;
        let request = request.into_inner();
        let trusted = request.owner_account_id == CLARA && self.is_trusted();
        let consented = self.0.opened.open.load(Ordering::SeqCst) && request.scope() == Scope::Entries;
        let open = request.owner_account_id == BEN && self.is_linked() || trusted || consented;
        let mut opened = self.two().opened.lock().unwrap();
        opened.push(request);
        if !open {
            return Err(nothing("NOT_FOUND", "There is nothing here for you."));
        }
        let capability = format!("capability-{}", opened.len());
        Ok(Response::new(OpenAccessResponse { capability, ..OpenAccessResponse::default() }))
    }

    async fn grant_consent(&self, request: Request<GrantConsentRequest>) -> Answer<GrantConsentResponse> {
        self.admit_proven(&request)?;
        if let Some((reason, message)) = *self.0.opened.refusal.lock().unwrap() {
            return Err(Fault::new(Code::FailedPrecondition, reason, message).into());
        }
        self.0.opened.granted.lock().unwrap().push(request.into_inner());
        Ok(Response::new(GrantConsentResponse { consent: Some(self.consent()) }))
    }

    async fn revoke_consent(&self, request: Request<RevokeConsentRequest>) -> Answer<RevokeConsentResponse> {
        self.admit(&request)?;
        self.0.opened.revoked.lock().unwrap().push(request.into_inner().consent_id);
        Ok(Response::new(RevokeConsentResponse {}))
    }

    async fn list_consents(&self, request: Request<ListConsentsRequest>) -> Answer<ListConsentsResponse> {
        self.admit(&request)?;
        let request = request.into_inner();
        let open = self.0.opened.open.load(Ordering::SeqCst).then(|| self.consent());
        let over = |consent_id: &str| Consent {
            consent_id: consent_id.into(),
            state: ConsentState::Withdrawn.into(),
            scope: Scope::Moods.into(),
            end_time: self.0.timestamp(-60),
            ..self.consent()
        };
        let since =
            (0..self.0.opened.ended_since.load(Ordering::SeqCst)).map(|at| over(&format!("over-{at}")));
        let mut all: Vec<_> = since.chain(open).chain([over("over")]).collect();
        all.retain(|one| {
            let is_open = one.state() == ConsentState::Open;
            let named = |ids: &[String]| ids.is_empty() || ids.contains(&one.consent_id);
            (is_open && !request.over_only || !is_open && !request.open_only)
                && (request.care_id.is_empty() || request.care_id == one.care_id)
                && named(&request.consent_ids)
        });
        let (consents, next_page_token) = page(all, request.page_size, &request.page_token);
        Ok(Response::new(ListConsentsResponse { consents, next_page_token }))
    }

    async fn list_granted_to_me(
        &self,
        request: Request<ListGrantedToMeRequest>,
    ) -> Answer<ListGrantedToMeResponse> {
        self.admit(&request)?;
        let all = GrantedToMe {
            consent_id: CONSENT.into(),
            member_account_id: ALICE.into(),
            member_name: HOSTILE_NAME.into(),
            scope: Scope::Entries.into(),
            item_id: String::new(),
            purpose: AccessPurpose::Session.into(),
            grant_time: self.0.timestamp(-3600),
            expire_time: self.0.timestamp(86_400),
        };
        let one = GrantedToMe { item_id: ENTRY.into(), ..all.clone() };
        let next_page_token =
            if request.get_ref().page_token.is_empty() { "a+b".into() } else { String::new() };
        Ok(Response::new(ListGrantedToMeResponse { granted: vec![all, one], next_page_token }))
    }

    async fn get_consent_text(
        &self,
        request: Request<GetConsentTextRequest>,
    ) -> Answer<GetConsentTextResponse> {
        self.admit(&request)?;
        let GetConsentTextRequest { text_id, locale, .. } = request.into_inner();
        let (locale, text) = match &*locale {
            // Alice's own language.
            "" => ("es", "Lo abro, **knowing**."),
            "de" => ("de", "Ich öffne es, **knowing**."),
            _ => ("en", "I open it, **knowing**."),
        };
        let locales = ["en", "de", "es", "pt-BR"].map(str::to_owned).to_vec();
        let (version, current) = (4, true);
        let (text, locale) = (text.into(), locale.into());
        Ok(Response::new(GetConsentTextResponse { text_id, version, text, current, locale, locales }))
    }
}

fn entry() -> OpenedEntry {
    let rendering = Rendering {
        kind: ShareKind::Entry.into(),
        depth: ShareDepth::Whole.into(),
        title: HOSTILE_NAME.into(),
        body: HOSTILE_TEXT.into(),
        ..Rendering::default()
    };
    OpenedEntry { entry_id: ENTRY.into(), rendering: Some(rendering) }
}

#[tonic::async_trait]
impl OpenedService for Fake {
    async fn list_opened_entries(
        &self,
        request: Request<ListOpenedEntriesRequest>,
    ) -> Answer<ListOpenedEntriesResponse> {
        self.read(&request, &request.get_ref().owner_account_id)?;
        let (entries, next_page_token) = (vec![entry()], "e+1".into());
        Ok(Response::new(ListOpenedEntriesResponse { entries, next_page_token, total_size: 42 }))
    }

    async fn get_opened_entry(
        &self,
        request: Request<GetOpenedEntryRequest>,
    ) -> Answer<GetOpenedEntryResponse> {
        self.read(&request, &request.get_ref().owner_account_id)?;
        Ok(Response::new(GetOpenedEntryResponse { entry: Some(entry()) }))
    }

    async fn list_opened_moods(
        &self,
        request: Request<ListOpenedMoodsRequest>,
    ) -> Answer<ListOpenedMoodsResponse> {
        self.read(&request, &request.get_ref().owner_account_id)?;
        let mood = Mood { pleasantness: -4, energy: 2, body_signs: vec![BodySign::TightThroat.into()] };
        let mood = OpenedMood { mood_id: "m-1".into(), mood: Some(mood), felt_time: self.0.timestamp(-60) };
        let moods = vec![mood];
        Ok(Response::new(ListOpenedMoodsResponse { moods, next_page_token: String::new(), total_size: 1 }))
    }

    async fn list_opened_self_checks(
        &self,
        request: Request<ListOpenedSelfChecksRequest>,
    ) -> Answer<ListOpenedSelfChecksResponse> {
        self.read(&request, &request.get_ref().owner_account_id)?;
        Ok(Response::new(ListOpenedSelfChecksResponse::default()))
    }

    async fn get_opened_self_check(
        &self,
        request: Request<GetOpenedSelfCheckRequest>,
    ) -> Answer<GetOpenedSelfCheckResponse> {
        self.read(&request, &request.get_ref().owner_account_id)?;
        let band = DomainBand { title: "Trust".into(), band: "Some of it".into() };
        let self_check = OpenedSelfCheck { bands: vec![band], ..OpenedSelfCheck::default() };
        Ok(Response::new(GetOpenedSelfCheckResponse { self_check: Some(self_check) }))
    }
}
