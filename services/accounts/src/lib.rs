//! Accounts: who somebody is to Candor, and to one other person. Registration and the proof of an address, sign-in,
//! sessions, and the short-lived passports every other service believes; couples, the capabilities that open one
//! person's data to another, and the ledger of what was read.

pub mod app;
pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod jobs;
pub mod outbound;
pub mod rpc;
pub mod store;

pub use config::Config;
pub use error::{
    AddressError, CareError, ClientError, ConsentError, CounselorError, Error, LedgerLookError, PasskeyError,
    SoftwareError, SupportError, TermsError, TrustError,
};
pub use events::{CONSUMER, consumes, resnapshot};

use app::{Accounts, OwnKeys, OwnPart, clients::OwnTokens};
use bus::Transport;
use candor_proto::accounts::v1::care_service_server::CareServiceServer;
use candor_proto::accounts::v1::circle_service_server::CircleServiceServer;
use candor_proto::accounts::v1::consent_service_server::ConsentServiceServer;
use candor_proto::accounts::v1::counselor_service_server::CounselorServiceServer;
use candor_proto::accounts::v1::couple_care_service_server::CoupleCareServiceServer;
use candor_proto::accounts::v1::couple_service_server::CoupleServiceServer;
use candor_proto::accounts::v1::identity_service_server::IdentityServiceServer;
use candor_proto::accounts::v1::ledger_look_service_server::LedgerLookServiceServer;
use candor_proto::accounts::v1::ledger_service_server::LedgerServiceServer;
use candor_proto::accounts::v1::moderation_service_server::ModerationServiceServer;
use candor_proto::accounts::v1::o_auth_client_service_server::OAuthClientServiceServer;
use candor_proto::accounts::v1::passkey_service_server::PasskeyServiceServer;
use candor_proto::accounts::v1::privacy_service_server::PrivacyServiceServer;
use candor_proto::accounts::v1::security_service_server::SecurityServiceServer;
use candor_proto::accounts::v1::session_service_server::SessionServiceServer;
use candor_proto::accounts::v1::software_consent_service_server::SoftwareConsentServiceServer;
use candor_proto::accounts::v1::support_service_server::SupportServiceServer;
use candor_proto::accounts::v1::terms_service_server::TermsServiceServer;
use candor_proto::accounts::v1::trust_service_server::TrustServiceServer;
use chassis::config::ConfigError;
use chassis::{Background, Clock, Health, Host, Ids, database, identity::Keyring, serve::MAX_MESSAGE_BYTES};
use domain::Terms;
use outbound::{AnchorFolder, KeyFetcher, Postman, read_terms};
use rpc::Rpc;
use sqlx::PgPool;
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;
use vault::Vault;
use zeroize::Zeroizing;

/// The service's name: in keys, spans and metrics.
pub const NAME: &str = "accounts";

/// Brings the databases of accounts up to date (its own, the bus's tables in it, and the key store) and declares the
/// queue, so that nothing is lost before the first start.
///
/// # Errors
/// [`Error::Migrate`] naming the part that failed; [`Error::Bus`] when the broker cannot be reached.
pub async fn migrate(config: Config, transport: Transport) -> Result<(), Error> {
    let pool = database::connect_direct(&config.database).await?;
    let keystore = database::connect_direct(&config.vault.keystore).await?;
    let failed = |part| move |cause| Error::Migrate(part, cause);
    bus::migrate(&pool).await.map_err(failed("bus"))?;
    migrate_own(&pool).await.map_err(failed("accounts"))?;
    vault::migrate(&keystore).await.map_err(failed("key store"))?;
    bus::declare(&transport, CONSUMER, &consumes()).await?;
    Ok(())
}

/// Brings only the tables of accounts up to date.
///
/// # Errors
/// When the database cannot be reached or a migration fails.
pub async fn migrate_own(pool: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    sqlx::migrate!().run(pool).await
}

/// Serves until the host shuts down; then drains, finishes what background work has begun, and returns.
///
/// # Errors
/// When the key file, the mail settings or an address cannot be used, the server fails, or background work ends early.
pub async fn run(config: Config, host: Host, transport: Transport) -> Result<(), Error> {
    let accounts = Arc::new(assemble(&config, &host.clock, &host.ids).await?);
    let mailer = mail::Mailer::new(&config.mail, host.clock.clone(), host.ids.clone())?;
    let postman = Postman::new(mailer, &config.public_url);
    register_checks(&host.health, &accounts, &transport);

    let background = Background::new(&host.shutdown);
    let (pool, clock, outbox) = (accounts.pool.clone(), host.clock.clone(), accounts.outbox.clone());
    let (own, events, time) = (pool.clone(), transport.clone(), clock.clone());
    background.spawn("accounts relay", |stop| bus::relay::run(own, outbox, events, time, stop));
    let (part, own, wakes, time) =
        (OwnPart(Arc::clone(&accounts)), pool.clone(), accounts.outbox.clone(), clock.clone());
    background.spawn("accounts erasing", |stop| {
        bus::erasure::run(part, "accounts.erasing", own, wakes, time, stop)
    });
    let inbox = events::inbox(Arc::clone(&accounts));
    background.spawn("accounts inbox", |stop| inbox.run(transport, stop));
    let anchors = config.audit.anchor_folder.map(AnchorFolder::new);
    background.spawn("accounts jobs", |stop| jobs::run(Arc::clone(&accounts), postman, anchors, stop));

    let tokens = OwnTokens { pool: pool.clone(), clock: clock.clone() };
    let keyring = Keyring::new(Arc::new(OwnKeys { pool, clock }), host.clock.clone());
    let keyring = keyring.taking_clients(Arc::new(tokens));
    let rpc = Rpc::start(accounts, KeyFetcher::new(host.platform.profile)?);
    let mut routes = tonic::service::RoutesBuilder::default();
    routes
        .add_service(IdentityServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(SecurityServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(PasskeyServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(SessionServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(CoupleServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(CircleServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(CareServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(CoupleCareServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(CounselorServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(ConsentServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(TermsServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(
            SoftwareConsentServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES),
        )
        .add_service(TrustServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(LedgerLookServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(SupportServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(ModerationServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(OAuthClientServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(PrivacyServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(LedgerServiceServer::new(rpc.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES));
    let served = chassis::serve::serve(host, "candor.accounts.v1", keyring, routes).await;
    rpc.close().await;
    Ok(background.finish(served).await?)
}

/// Makes an operator's account with the given settings, without serving; for the `candor` command.
///
/// # Errors
/// As [`app::create_operator`], or a setting cannot be used.
pub async fn create_operator(
    config: &Config,
    clock: &Clock,
    ids: &Ids,
    operator: app::NewOperator,
) -> Result<Uuid, Error> {
    app::create_operator(&assemble(config, clock, ids).await?, operator).await
}

/// Makes the account of an editor, an operator or one who supports, as [`create_operator`].
///
/// # Errors
/// As [`app::create_staff`], or a setting cannot be used.
pub async fn create_staff(
    config: &Config,
    clock: &Clock,
    ids: &Ids,
    kind: domain::AccountKind,
    new: app::NewOperator,
) -> Result<Uuid, Error> {
    app::create_staff(&assemble(config, clock, ids).await?, kind, new).await
}

/// Takes the role from one of those, without serving; for the `candor` command.
///
/// # Errors
/// As [`app::revoke_staff`], or a setting cannot be used.
pub async fn revoke_staff(
    config: &Config,
    clock: &Clock,
    ids: &Ids,
    address: &domain::Address,
) -> Result<Uuid, Error> {
    app::revoke_staff(&assemble(config, clock, ids).await?, address).await
}

/// As [`revoke_staff`], and has what is left destroyed in a week, unless its owner calls that off; returns the certificate's
/// code as well.
///
/// # Errors
/// As [`app::revoke_and_erase_staff`], or a setting cannot be used.
pub async fn revoke_and_erase_staff(
    config: &Config,
    clock: &Clock,
    ids: &Ids,
    address: &domain::Address,
) -> Result<(Uuid, Zeroizing<String>), Error> {
    app::revoke_and_erase_staff(&assemble(config, clock, ids).await?, address).await
}

async fn assemble(config: &Config, clock: &Clock, ids: &Ids) -> Result<Accounts, Error> {
    let pool = database::connect(&config.database).await?;
    let vault = Vault::open(&config.vault, NAME, clock.clone(), ids.clone()).await?;
    let (hashing, sessions, url) = (config.hashing, config.sessions, &config.public_url);
    let accounts = Accounts::new(pool, clock.clone(), ids.clone(), vault, hashing, sessions, url);
    Ok(accounts.with_terms(terms(config.terms.dir.as_deref())?))
}

/// The legal texts of whoever runs the place, or those that come along.
fn terms(folder: Option<&Path>) -> Result<Terms, Error> {
    let fault = |rule: &str| ConfigError::invalid("accounts.terms.dir", rule);
    let Some(folder) = folder else {
        return Ok(Terms::shipped().map_err(|broken| fault(&broken.to_string()))?);
    };
    let files = read_terms(folder).map_err(|_| fault("must be a folder of texts that can be read"))?;
    let files = files.iter().map(|(path, content)| (path.as_str(), content.as_str()));
    Ok(Terms::read(files).map_err(|broken| fault(&broken.to_string()))?)
}

fn register_checks(health: &Health, accounts: &Arc<Accounts>, transport: &Transport) {
    health.register("accounts database", database::probe(&accounts.pool));
    let vault = accounts.vault.clone();
    health.register("accounts key store", move || {
        let vault = vault.clone();
        Box::pin(async move { vault.is_reachable().await })
    });
    let transport = transport.clone();
    health.register("accounts bus", move || {
        let transport = transport.clone();
        Box::pin(async move { transport.healthy() })
    });
    // Until the first key is made, nobody could be given a passport.
    let signing = Arc::clone(accounts);
    health.register("accounts signing key", move || {
        let signing = Arc::clone(&signing);
        Box::pin(async move { signing.can_sign().await })
    });
}
