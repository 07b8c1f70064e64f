//! The services behind the gateway, and how every call to them is made: with a deadline, the caller's passport and
//! the trace it belongs to.

use crate::config::Config;
use crate::error::Problem;
use candor_proto::accounts::v1::OpenAccessRequest;
use candor_proto::accounts::v1::care_service_client::CareServiceClient;
use candor_proto::accounts::v1::circle_service_client::CircleServiceClient;
use candor_proto::accounts::v1::consent_service_client::ConsentServiceClient;
use candor_proto::accounts::v1::counselor_service_client::CounselorServiceClient;
use candor_proto::accounts::v1::couple_care_service_client::CoupleCareServiceClient;
use candor_proto::accounts::v1::couple_service_client::CoupleServiceClient;
use candor_proto::accounts::v1::identity_service_client::IdentityServiceClient;
use candor_proto::accounts::v1::ledger_look_service_client::LedgerLookServiceClient;
use candor_proto::accounts::v1::ledger_service_client::LedgerServiceClient;
use candor_proto::accounts::v1::moderation_service_client::ModerationServiceClient;
use candor_proto::accounts::v1::o_auth_client_service_client::OAuthClientServiceClient;
use candor_proto::accounts::v1::passkey_service_client::PasskeyServiceClient;
use candor_proto::accounts::v1::privacy_service_client::PrivacyServiceClient;
use candor_proto::accounts::v1::security_service_client::SecurityServiceClient;
use candor_proto::accounts::v1::session_service_client::SessionServiceClient;
use candor_proto::accounts::v1::software_consent_service_client::SoftwareConsentServiceClient;
use candor_proto::accounts::v1::support_service_client::SupportServiceClient;
use candor_proto::accounts::v1::terms_service_client::TermsServiceClient;
use candor_proto::accounts::v1::trust_service_client::TrustServiceClient;
use candor_proto::content::v1::instrument_service_client::InstrumentServiceClient;
use candor_proto::content::v1::library_service_client::LibraryServiceClient;
use candor_proto::content::v1::path_service_client::PathServiceClient;
use candor_proto::content::v1::prompt_service_client::PromptServiceClient;
use candor_proto::journal::v1::assessment_service_client::AssessmentServiceClient;
use candor_proto::journal::v1::check_in_service_client::CheckInServiceClient;
use candor_proto::journal::v1::entry_service_client::EntryServiceClient;
use candor_proto::journal::v1::opened_service_client::OpenedServiceClient;
use candor_proto::journal::v1::share_service_client::ShareServiceClient;
use candor_proto::reminders::v1::check_in_schedule_service_client::CheckInScheduleServiceClient;
use candor_proto::reminders::v1::inbox_service_client::InboxServiceClient;
use chassis::identity::capability;
use chassis::telemetry::Traced;
use std::time::Duration;
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How long the calls for one thing that is asked may take together.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// A page of a hundred long entries fits.
pub(crate) const MAX_REPLY: usize = 16 * 1024 * 1024;
/// Passports and capabilities of ours are a few hundred bytes. A header block beyond what a service takes would end
/// the connection that everyone shares.
const MAX_TOKEN: usize = 4 * 1024;
const CONNECT: Duration = Duration::from_secs(2);

/// One lazily connected channel for each service; a service that is away is retried with the next call.
#[derive(Clone)]
pub(crate) struct Upstream {
    accounts: Traced,
    journal: Traced,
    reminders: Traced,
    content: Traced,
}

impl Upstream {
    /// For the addresses of the settings.
    ///
    /// # Errors
    /// A sentence naming the setting that is no address.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        Ok(Self {
            accounts: channel("GATEWAY__ACCOUNTS_URL", &config.accounts_url)?,
            journal: channel("GATEWAY__JOURNAL_URL", &config.journal_url)?,
            reminders: channel("GATEWAY__REMINDERS_URL", &config.reminders_url)?,
            content: channel("GATEWAY__CONTENT_URL", &config.content_url)?,
        })
    }

    /// The service that answers for a proto package such as `candor.journal.v1`.
    pub(crate) fn of_package(&self, package: &str) -> Option<Traced> {
        match package.split('.').nth(1)? {
            "accounts" => Some(self.accounts.clone()),
            "journal" => Some(self.journal.clone()),
            "reminders" => Some(self.reminders.clone()),
            "content" => Some(self.content.clone()),
            _ => None,
        }
    }

    /// Registration and profiles.
    pub(crate) fn identity(&self) -> IdentityServiceClient<Traced> {
        IdentityServiceClient::new(self.accounts.clone())
    }

    /// Who is linked with whom.
    pub(crate) fn couple(&self) -> CoupleServiceClient<Traced> {
        CoupleServiceClient::new(self.accounts.clone())
    }

    /// Who is in whose circle.
    pub(crate) fn circle(&self) -> CircleServiceClient<Traced> {
        CircleServiceClient::new(self.accounts.clone())
    }

    /// Which couple is in whose care.
    pub(crate) fn couple_care(&self) -> CoupleCareServiceClient<Traced> {
        CoupleCareServiceClient::new(self.accounts.clone())
    }

    /// Who is in whose care.
    pub(crate) fn care(&self) -> CareServiceClient<Traced> {
        CareServiceClient::new(self.accounts.clone())
    }

    /// Who is a counselor.
    pub(crate) fn counselors(&self) -> CounselorServiceClient<Traced> {
        CounselorServiceClient::new(self.accounts.clone())
    }

    /// What was read of whom.
    pub(crate) fn ledger(&self) -> LedgerServiceClient<Traced> {
        LedgerServiceClient::new(self.accounts.clone())
    }

    /// Having one's own destroyed.
    pub(crate) fn privacy(&self) -> PrivacyServiceClient<Traced> {
        PrivacyServiceClient::new(self.accounts.clone())
    }

    /// The legal texts.
    pub(crate) fn terms(&self) -> TermsServiceClient<Traced> {
        TermsServiceClient::new(self.accounts.clone()).max_decoding_message_size(MAX_REPLY)
    }

    /// Reports, blocks, and one's own suspension.
    pub(crate) fn trust(&self) -> TrustServiceClient<Traced> {
        TrustServiceClient::new(self.accounts.clone())
    }

    /// Looking at somebody's ledger, which takes two.
    pub(crate) fn ledger_looks(&self) -> LedgerLookServiceClient<Traced> {
        LedgerLookServiceClient::new(self.accounts.clone())
    }

    /// Help with the use of the place.
    pub(crate) fn support(&self) -> SupportServiceClient<Traced> {
        SupportServiceClient::new(self.accounts.clone())
    }

    /// Reports, suspensions and appeals.
    pub(crate) fn moderation(&self) -> ModerationServiceClient<Traced> {
        ModerationServiceClient::new(self.accounts.clone())
    }

    /// Software with tokens of its own.
    pub(crate) fn clients(&self) -> OAuthClientServiceClient<Traced> {
        OAuthClientServiceClient::new(self.accounts.clone())
    }

    /// Shares and their answers.
    pub(crate) fn shares(&self) -> ShareServiceClient<Traced> {
        ShareServiceClient::new(self.journal.clone()).max_decoding_message_size(MAX_REPLY)
    }

    /// What members open to their counselors, with a capability; and one's own, to see it before.
    pub(crate) fn opened(&self) -> OpenedServiceClient<Traced> {
        OpenedServiceClient::new(self.journal.clone()).max_decoding_message_size(MAX_REPLY)
    }

    /// What members opened to their counselors.
    pub(crate) fn consents(&self) -> ConsentServiceClient<Traced> {
        ConsentServiceClient::new(self.accounts.clone())
    }

    /// What members opened to software, and what there is.
    pub(crate) fn software(&self) -> SoftwareConsentServiceClient<Traced> {
        SoftwareConsentServiceClient::new(self.accounts.clone())
    }

    /// Asks accounts to open what belongs to another person, for one call. What it answers is never held: the next
    /// call asks again.
    ///
    /// # Errors
    /// What accounts says; 404 when nothing is open.
    pub(crate) async fn open(&self, passport: &str, what: OpenAccessRequest) -> Result<Opened, Problem> {
        let deadline = Deadline::new();
        let request = call_within(what, Some(passport), deadline)?;
        let reply = ConsentServiceClient::new(self.accounts.clone()).open_access(request).await?.into_inner();
        let capability = reply.capability.parse().map_err(|_| Problem::internal())?;
        Ok(Opened { capability, deadline })
    }

    /// Sessions and passports.
    pub(crate) fn sessions(&self) -> SessionServiceClient<Traced> {
        SessionServiceClient::new(self.accounts.clone())
    }

    /// Passkeys.
    pub(crate) fn passkeys(&self) -> PasskeyServiceClient<Traced> {
        PasskeyServiceClient::new(self.accounts.clone())
    }

    /// How accounts are secured.
    pub(crate) fn security(&self) -> SecurityServiceClient<Traced> {
        SecurityServiceClient::new(self.accounts.clone())
    }

    /// Journal entries.
    pub(crate) fn entries(&self) -> EntryServiceClient<Traced> {
        EntryServiceClient::new(self.journal.clone()).max_decoding_message_size(MAX_REPLY)
    }

    /// The in-app inbox.
    pub(crate) fn inbox(&self) -> InboxServiceClient<Traced> {
        InboxServiceClient::new(self.reminders.clone())
    }

    /// Articles.
    pub(crate) fn library(&self) -> LibraryServiceClient<Traced> {
        LibraryServiceClient::new(self.content.clone()).max_decoding_message_size(MAX_REPLY)
    }

    /// The seven-step path.
    pub(crate) fn path(&self) -> PathServiceClient<Traced> {
        PathServiceClient::new(self.content.clone())
    }

    /// Self-checks and their results.
    pub(crate) fn assessments(&self) -> AssessmentServiceClient<Traced> {
        AssessmentServiceClient::new(self.journal.clone()).max_decoding_message_size(MAX_REPLY)
    }

    /// Questionnaires.
    pub(crate) fn instruments(&self) -> InstrumentServiceClient<Traced> {
        InstrumentServiceClient::new(self.content.clone()).max_decoding_message_size(MAX_REPLY)
    }

    /// Answers of check-ins.
    pub(crate) fn check_ins(&self) -> CheckInServiceClient<Traced> {
        CheckInServiceClient::new(self.journal.clone()).max_decoding_message_size(MAX_REPLY)
    }

    /// When check-ins are.
    pub(crate) fn check_in_schedule(&self) -> CheckInScheduleServiceClient<Traced> {
        CheckInScheduleServiceClient::new(self.reminders.clone())
    }

    /// The questions of check-ins.
    pub(crate) fn prompts(&self) -> PromptServiceClient<Traced> {
        PromptServiceClient::new(self.content.clone())
    }

    /// Registers the readiness of every service as a dependency of this one.
    pub(crate) fn register_health(&self, health: &chassis::Health) {
        for (package, channel) in [
            ("candor.accounts.v1", &self.accounts),
            ("candor.journal.v1", &self.journal),
            ("candor.reminders.v1", &self.reminders),
            ("candor.content.v1", &self.content),
        ] {
            let channel = channel.untraced();
            health.register(package, move || Box::pin(is_serving(channel.clone(), package)));
        }
    }
}

async fn is_serving(channel: Channel, package: &str) -> bool {
    let mut request = tonic::Request::new(HealthCheckRequest { service: package.to_owned() });
    request.set_timeout(CONNECT);
    let answer = HealthClient::new(channel).check(request).await;
    answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving)
}

fn channel(key: &str, url: &str) -> Result<Traced, String> {
    let endpoint =
        Endpoint::from_shared(url.to_owned()).map_err(|_| format!("The setting {key} is not an address."))?;
    let endpoint = endpoint
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true);
    Ok(Traced::new(endpoint.connect_lazy()))
}

/// When everything that is done for one thing must be over.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// Beginning now.
    pub(crate) fn new() -> Self {
        Self(Instant::now() + DEADLINE)
    }

    fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// What was opened of another person: good for one call, in the time that is left.
pub(crate) struct Opened {
    capability: MetadataValue<Ascii>,
    deadline: Deadline,
}

impl Opened {
    /// With a capability that the client asked for itself.
    ///
    /// # Errors
    /// 403 when it cannot be one.
    pub(crate) fn brought(capability: &[u8]) -> Result<Self, Problem> {
        let capability = Some(capability).filter(|token| token.len() <= MAX_TOKEN);
        let capability = capability.and_then(|token| MetadataValue::try_from(token).ok());
        let capability = capability.ok_or_else(Problem::capability)?;
        Ok(Self { capability, deadline: Deadline::new() })
    }
}

/// A call: a message with its deadline and its caller's passport.
///
/// # Errors
/// 401 when the passport cannot even stand in a header.
pub(crate) fn call<T>(message: T, passport: Option<&str>) -> Result<tonic::Request<T>, Problem> {
    call_within(message, passport, Deadline::new())
}

/// A call that reads of another person, with what was opened for it.
///
/// # Errors
/// As [`call`].
pub(crate) fn call_opened<T>(
    message: T,
    passport: &str,
    opened: Opened,
) -> Result<tonic::Request<T>, Problem> {
    let mut request = call_within(message, Some(passport), opened.deadline)?;
    let mut capability = opened.capability;
    capability.set_sensitive(true);
    request.metadata_mut().insert(capability::HEADER, capability);
    Ok(request)
}

fn call_within<T>(
    message: T,
    passport: Option<&str>,
    deadline: Deadline,
) -> Result<tonic::Request<T>, Problem> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(deadline.left());
    let metadata = request.metadata_mut();
    if let Some(passport) = passport {
        if passport.len() > MAX_TOKEN {
            return Err(Problem::unauthenticated());
        }
        let mut value: MetadataValue<_> =
            format!("Bearer {passport}").parse().map_err(|_| Problem::unauthenticated())?;
        value.set_sensitive(true);
        metadata.insert("authorization", value);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_proto::accounts::v1::GetMeRequest;

    #[tokio::test]
    async fn a_service_that_never_answers_is_given_up_and_said_to_be_slow() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let mut identity = IdentityServiceClient::new(channel("GATEWAY__ACCOUNTS_URL", &url).unwrap());
        let deadline = Deadline(Instant::now() + Duration::from_millis(50));
        let request = call_within(GetMeRequest {}, None, deadline).unwrap();
        let problem = Problem::from(identity.get_me(request).await.err().unwrap());
        assert_eq!((problem.status.as_u16(), &*problem.reason), (504, "DEADLINE_EXCEEDED"));
    }
}
