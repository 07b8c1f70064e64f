//! The services as a client of theirs sees them, and a member with a session.

use crate::cli::BoxError;
use crate::doors::Addresses;
use candor_proto::accounts::v1::consent_service_client::ConsentServiceClient;
use candor_proto::accounts::v1::couple_service_client::CoupleServiceClient;
use candor_proto::accounts::v1::identity_service_client::IdentityServiceClient;
use candor_proto::accounts::v1::session_service_client::SessionServiceClient;
use candor_proto::accounts::v1::terms_service_client::TermsServiceClient;
use candor_proto::accounts::v1::{
    GetTermsRequest, MintPassportRequest, OpenAccessRequest, RegisterRequest, SignInRequest, TermsKind,
    VerifyEmailRequest,
};
use candor_proto::content::v1::instrument_service_client::InstrumentServiceClient;
use candor_proto::content::v1::prompt_service_client::PromptServiceClient;
use candor_proto::journal::v1::assessment_service_client::AssessmentServiceClient;
use candor_proto::journal::v1::check_in_service_client::CheckInServiceClient;
use candor_proto::journal::v1::entry_service_client::EntryServiceClient;
use candor_proto::journal::v1::mood_service_client::MoodServiceClient;
use candor_proto::journal::v1::share_service_client::ShareServiceClient;
use candor_proto::options::v1::Scope;
use candor_proto::reminders::v1::check_in_schedule_service_client::CheckInScheduleServiceClient;
use candor_proto::reminders::v1::inbox_service_client::InboxServiceClient;
use candor_proto::reminders::v1::schedule_service_client::ScheduleServiceClient;
use std::path::Path;
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

/// How often, and how long, something that needs a moment to get around is asked for.
const ASK_EVERY: Duration = Duration::from_millis(50);
const ASK_FOR: Duration = Duration::from_secs(60);
const DEVICE: &str = "the demonstration";

/// Channels to the four services.
pub(crate) struct Api {
    accounts: Channel,
    journal: Channel,
    reminders: Channel,
    content: Channel,
}

impl Api {
    /// # Errors
    /// When an address cannot be used.
    pub(crate) fn new(addresses: &Addresses) -> Result<Self, BoxError> {
        let channel = |service: &str| -> Result<Channel, BoxError> {
            Ok(Endpoint::from_shared(format!("http://{}", addresses[service]))?.connect_lazy())
        };
        Ok(Self {
            accounts: channel("accounts")?,
            journal: channel("journal")?,
            reminders: channel("reminders")?,
            content: channel("content")?,
        })
    }

    pub(crate) fn couples(&self) -> CoupleServiceClient<Channel> {
        CoupleServiceClient::new(self.accounts.clone())
    }

    pub(crate) fn entries(&self) -> EntryServiceClient<Channel> {
        EntryServiceClient::new(self.journal.clone())
    }

    pub(crate) fn moods(&self) -> MoodServiceClient<Channel> {
        MoodServiceClient::new(self.journal.clone())
    }

    pub(crate) fn assessments(&self) -> AssessmentServiceClient<Channel> {
        AssessmentServiceClient::new(self.journal.clone())
    }

    pub(crate) fn shares(&self) -> ShareServiceClient<Channel> {
        ShareServiceClient::new(self.journal.clone())
    }

    pub(crate) fn check_ins(&self) -> CheckInServiceClient<Channel> {
        CheckInServiceClient::new(self.journal.clone())
    }

    pub(crate) fn schedule(&self) -> CheckInScheduleServiceClient<Channel> {
        CheckInScheduleServiceClient::new(self.reminders.clone())
    }

    pub(crate) fn reminders(&self) -> ScheduleServiceClient<Channel> {
        ScheduleServiceClient::new(self.reminders.clone())
    }

    pub(crate) fn inbox(&self) -> InboxServiceClient<Channel> {
        InboxServiceClient::new(self.reminders.clone())
    }

    pub(crate) fn instruments(&self) -> InstrumentServiceClient<Channel> {
        InstrumentServiceClient::new(self.content.clone())
    }

    pub(crate) fn prompts(&self) -> PromptServiceClient<Channel> {
        PromptServiceClient::new(self.content.clone())
    }

    /// The versions of terms of use and privacy notice that count here.
    async fn terms(&self) -> Result<(i32, i32), Status> {
        let mut terms = TermsServiceClient::new(self.accounts.clone());
        let answer = terms.get_terms(GetTermsRequest::default()).await?;
        let summaries = answer.into_inner().texts.into_iter().filter_map(|text| text.summary);
        let mut versions = (0, 0);
        for summary in summaries {
            match summary.kind() {
                TermsKind::Use => versions.0 = summary.version,
                TermsKind::Privacy => versions.1 = summary.version,
                TermsKind::Unspecified => {}
            }
        }
        Ok(versions)
    }

    fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.accounts.clone())
    }
}

/// Somebody who is here, and their session.
pub(crate) struct Member<'a> {
    api: &'a Api,
    email: &'a str,
    password: &'a str,
    pub(crate) account_id: String,
    secret: String,
}

impl<'a> Member<'a> {
    /// Registers, proves the address with the mail in the folder, and signs in.
    ///
    /// # Errors
    /// When the services refuse, or no mail comes.
    pub(crate) async fn join(
        api: &'a Api,
        (email, password): (&'a str, &'a str),
        zone: &str,
        mail: &Path,
    ) -> Result<Self, BoxError> {
        let mut identity = IdentityServiceClient::new(api.accounts.clone());
        let versions = api.terms().await?;
        let person = RegisterRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            time_zone: zone.to_owned(),
            locale: "en".to_owned(),
            adult: true,
            notices_by_mail: false,
            terms_version: versions.0,
            privacy_version: versions.1,
        };
        identity.register(person).await?;
        let token = until("the mail", async || Ok(mailed_token(mail, email))).await?;
        identity.verify_email(VerifyEmailRequest { token, password: password.to_owned() }).await?;
        let mut member = Self { api, email, password, account_id: String::new(), secret: String::new() };
        member.sign_in().await?;
        Ok(member)
    }

    async fn sign_in(&mut self) -> Result<(), Status> {
        let credentials = SignInRequest {
            email: self.email.to_owned(),
            password: self.password.to_owned(),
            device_label: DEVICE.to_owned(),
            ..SignInRequest::default()
        };
        self.secret = self.api.sessions().sign_in(credentials).await?.into_inner().session_secret;
        let minted = MintPassportRequest { session_secret: self.secret.clone() };
        self.account_id = self.api.sessions().mint_passport(minted).await?.into_inner().account_id;
        Ok(())
    }

    /// Signs in again, if the session is over.
    ///
    /// # Errors
    /// When accounts refuses.
    pub(crate) async fn be_signed_in(&mut self) -> Result<(), Status> {
        match self.passport().await {
            Err(over) if over.code() == Code::Unauthenticated => self.sign_in().await,
            other => other.map(drop),
        }
    }

    async fn passport(&self) -> Result<String, Status> {
        let request = MintPassportRequest { session_secret: self.secret.clone() };
        Ok(self.api.sessions().mint_passport(request).await?.into_inner().passport)
    }

    /// A call in their name.
    ///
    /// # Errors
    /// When the session is over.
    pub(crate) async fn signed<T>(&self, message: T) -> Result<Request<T>, Status> {
        sign(message, &self.passport().await?)
    }

    /// A call in their name about another person's data, which is opened for it.
    ///
    /// # Errors
    /// When it is not open to them.
    pub(crate) async fn reading<T>(
        &self,
        owner: &Member<'_>,
        scope: Scope,
        message: T,
    ) -> Result<Request<T>, Status> {
        let passport = self.passport().await?;
        let opening = OpenAccessRequest {
            owner_account_id: owner.account_id.clone(),
            scope: scope.into(),
            ..Default::default()
        };
        let mut consent = ConsentServiceClient::new(self.api.accounts.clone());
        let opened = consent.open_access(sign(opening, &passport)?).await?.into_inner();
        let mut request = sign(message, &passport)?;
        request.metadata_mut().insert("candor-capability", token(&opened.capability)?);
        Ok(request)
    }
}

fn sign<T>(message: T, passport: &str) -> Result<Request<T>, Status> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", token(&format!("Bearer {passport}"))?);
    Ok(request)
}

fn token(text: &str) -> Result<MetadataValue<Ascii>, Status> {
    text.parse().map_err(|_| Status::internal("a token that cannot be sent"))
}

/// Asks until there is something; what one service did may take a moment to reach another.
///
/// # Errors
/// When an attempt fails, or there is nothing for a minute.
pub(crate) async fn until<T>(
    what: &str,
    mut attempt: impl AsyncFnMut() -> Result<Option<T>, Status>,
) -> Result<T, BoxError> {
    let asking = async {
        loop {
            match attempt().await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => tokio::time::sleep(ASK_EVERY).await,
                Err(status) => return Err(status),
            }
        }
    };
    match tokio::time::timeout(ASK_FOR, asking).await {
        Ok(asked) => Ok(asked?),
        Err(_) => Err(format!("the demonstration waited in vain for {what}").into()),
    }
}

/// The same for a call that is not possible yet.
///
/// # Errors
/// When it fails for another reason, or is not possible for a minute.
pub(crate) async fn as_soon_as_possible<T>(
    what: &str,
    mut call: impl AsyncFnMut() -> Result<T, Status>,
) -> Result<T, BoxError> {
    until(what, async || match call().await {
        Ok(done) => Ok(Some(done)),
        Err(early) if matches!(early.code(), Code::NotFound | Code::FailedPrecondition) => Ok(None),
        Err(other) => Err(other),
    })
    .await
}

/// The token of a verification mail to an address, once it is there.
fn mailed_token(folder: &Path, email: &str) -> Option<String> {
    let mails = std::fs::read_dir(folder).ok()?.flatten().filter_map(|entry| {
        let path = entry.path();
        let is_mail = path.extension().is_some_and(|extension| extension == "eml");
        if is_mail { std::fs::read_to_string(path).ok() } else { None }
    });
    let mail = mails.into_iter().find(|mail| mail.contains(email))?;
    let plain = mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    let rest = plain.split("token=").nth(1)?;
    Some(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect())
}
