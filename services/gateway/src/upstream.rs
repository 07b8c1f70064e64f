//! The services behind the gateway, and how every call to them is made: with a deadline, the caller's passport and
//! the trace it belongs to.

use crate::config::Config;
use crate::error::Problem;
use candor_proto::accounts::v1::identity_service_client::IdentityServiceClient;
use candor_proto::accounts::v1::session_service_client::SessionServiceClient;
use candor_proto::content::v1::library_service_client::LibraryServiceClient;
use candor_proto::content::v1::path_service_client::PathServiceClient;
use candor_proto::journal::v1::entry_service_client::EntryServiceClient;
use candor_proto::reminders::v1::inbox_service_client::InboxServiceClient;
use std::time::Duration;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How long a call may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// A page of a hundred long entries fits.
pub(crate) const MAX_REPLY: usize = 16 * 1024 * 1024;
/// Ours are a few hundred bytes.
const MAX_PASSPORT: usize = 4 * 1024;
const CONNECT: Duration = Duration::from_secs(2);

/// One lazily connected channel for each service; a service that is away is retried with the next call.
#[derive(Clone)]
pub(crate) struct Upstream {
    accounts: Channel,
    journal: Channel,
    reminders: Channel,
    content: Channel,
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
    pub(crate) fn of_package(&self, package: &str) -> Option<Channel> {
        match package.split('.').nth(1)? {
            "accounts" => Some(self.accounts.clone()),
            "journal" => Some(self.journal.clone()),
            "reminders" => Some(self.reminders.clone()),
            "content" => Some(self.content.clone()),
            _ => None,
        }
    }

    /// Registration and profiles.
    pub(crate) fn identity(&self) -> IdentityServiceClient<Channel> {
        IdentityServiceClient::new(self.accounts.clone())
    }

    /// Sessions and passports.
    pub(crate) fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.accounts.clone())
    }

    /// Journal entries.
    pub(crate) fn entries(&self) -> EntryServiceClient<Channel> {
        EntryServiceClient::new(self.journal.clone()).max_decoding_message_size(MAX_REPLY)
    }

    /// The in-app inbox.
    pub(crate) fn inbox(&self) -> InboxServiceClient<Channel> {
        InboxServiceClient::new(self.reminders.clone())
    }

    /// Articles.
    pub(crate) fn library(&self) -> LibraryServiceClient<Channel> {
        LibraryServiceClient::new(self.content.clone()).max_decoding_message_size(MAX_REPLY)
    }

    /// The seven-step path.
    pub(crate) fn path(&self) -> PathServiceClient<Channel> {
        PathServiceClient::new(self.content.clone())
    }

    /// Registers the readiness of every service as a dependency of this one.
    pub(crate) fn register_health(&self, health: &chassis::Health) {
        for (package, channel) in [
            ("candor.accounts.v1", &self.accounts),
            ("candor.journal.v1", &self.journal),
            ("candor.reminders.v1", &self.reminders),
            ("candor.content.v1", &self.content),
        ] {
            let channel = channel.clone();
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

fn channel(key: &str, url: &str) -> Result<Channel, String> {
    let endpoint =
        Endpoint::from_shared(url.to_owned()).map_err(|_| format!("The setting {key} is not an address."))?;
    let endpoint = endpoint
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true);
    Ok(endpoint.connect_lazy())
}

/// A call: a message with its deadline, its caller's passport and its trace.
///
/// # Errors
/// 401 when the passport cannot even stand in a header.
pub(crate) fn call<T>(message: T, passport: Option<&str>) -> Result<tonic::Request<T>, Problem> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(DEADLINE);
    let metadata = request.metadata_mut();
    if let Some(passport) = passport {
        // A header block beyond what a service takes would end the connection that everyone shares.
        if passport.len() > MAX_PASSPORT {
            return Err(Problem::unauthenticated());
        }
        let mut value: MetadataValue<_> =
            format!("Bearer {passport}").parse().map_err(|_| Problem::unauthenticated())?;
        value.set_sensitive(true);
        metadata.insert("authorization", value);
    }
    let traceparent = chassis::telemetry::propagate::inject_current();
    if let Some(traceparent) = traceparent.and_then(|text| text.parse().ok()) {
        metadata.insert("traceparent", traceparent);
    }
    Ok(request)
}
