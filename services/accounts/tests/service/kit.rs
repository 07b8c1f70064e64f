//! An installation of accounts for one test: databases of its own, a clock that the test moves, a mail folder.

use accounts::{
    app::{Accounts, OwnKeys, clients::OwnTokens},
    config::{Hashing, Sessions},
    domain::Terms,
    jobs,
    outbound::{KeyFetcher, Postman},
    rpc::Rpc,
};
use candor_proto::accounts::v1::{
    EndSessionRequest, ListSessionsRequest, MintPassportRequest, MintPassportResponse, RegisterRequest,
    ResendVerificationRequest, Session, SignInRequest, SignInResponse, VerifyEmailRequest,
    identity_service_server::IdentityService as _, session_service_server::SessionService as _,
};
use candor_tests::Database;
use chassis::{
    Clock, Fault, Ids,
    config::Profile,
    identity::{Capability, Keyring, Passport},
};
use jiff::{SignedDuration, Timestamp};
use mail::Mailer;
use sqlx::PgPool;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};
use uuid::Uuid;
use vault::Vault;

pub const PASSWORD: &str = "a quiet walk by the river";
pub const OTHER_PASSWORD: &str = "somebody else's long phrase";

/// One replica, and what it shares with others.
pub struct House {
    pub clock: Clock,
    pub accounts: Arc<Accounts>,
    pub rpc: Rpc,
    pub postman: Postman,
    keyring: Keyring,
    shared: Arc<Shared>,
}

struct Shared {
    database: Database,
    keystore: Database,
    folder: TempDir,
    /// What the kitchen tablet is known by.
    tablet: Mutex<String>,
}

/// A mail as it lies in the folder.
#[derive(Debug)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
}

impl Mail {
    pub fn token(&self) -> String {
        self.token_of("/verify?token=")
    }

    /// The token of a link that begins like this.
    pub fn token_of(&self, link: &str) -> String {
        let (_, rest) = self.text.split_once(link).expect("a link");
        rest.lines().next().unwrap().trim().to_owned()
    }
}

impl House {
    pub async fn new() -> Self {
        let (database, keystore) = (candor_tests::postgres().await, candor_tests::postgres().await);
        bus::migrate(database.pool()).await.unwrap();
        accounts::migrate_own(database.pool()).await.unwrap();
        vault::migrate(keystore.pool()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        vault::init_kek(&folder.path().join("kek")).unwrap();
        let clock = Clock::manual("2024-03-10T07:30:00Z".parse().unwrap());
        let house = Self::replica_over(
            Arc::new(Shared { database, keystore, folder, tablet: Mutex::default() }),
            clock,
            Terms::shipped().unwrap(),
        );
        jobs::keep_house(&house.accounts).await.unwrap();
        house
    }

    /// Another replica on the same databases.
    pub fn replica(&self) -> Self {
        Self::replica_over(Arc::clone(&self.shared), self.clock.clone(), Terms::shipped().unwrap())
    }

    /// Another replica, with other legal texts.
    pub fn replica_with(&self, terms: Terms) -> Self {
        Self::replica_over(Arc::clone(&self.shared), self.clock.clone(), terms)
    }

    fn replica_over(shared: Arc<Shared>, clock: Clock, terms: Terms) -> Self {
        let ids = Ids::new(clock.clone());
        let (pool, kek) = (shared.database.pool().clone(), shared.folder.path().join("kek"));
        let keys = shared.keystore.pool().clone();
        let vault = Vault::with_store(keys, kek, accounts::NAME, clock.clone(), ids.clone()).unwrap();
        let hashing = Hashing { at_once: 2, waiting: 64 };
        let sessions = Sessions { idle_days: 10, absolute_days: 30 };
        let url = "https://candor.example/";
        let accounts = Accounts::new(pool.clone(), clock.clone(), ids.clone(), vault, hashing, sessions, url);
        let accounts = Arc::new(accounts.with_terms(terms));
        let config = mail::Config {
            smtp_url: None,
            folder: Some(shared.folder.path().join("mail")),
            from: "no-reply@candor.example".into(),
        };
        let mailer = Mailer::new(&config, clock.clone(), ids).unwrap();
        Self {
            rpc: Rpc::start(Arc::clone(&accounts), KeyFetcher::new(Profile::Test).unwrap()),
            accounts,
            postman: Postman::new(mailer, "https://candor.example/"),
            keyring: Keyring::new(
                Arc::new(OwnKeys { pool: pool.clone(), clock: clock.clone() }),
                clock.clone(),
            )
            .taking_clients(Arc::new(OwnTokens { pool, clock: clock.clone() })),
            clock,
            shared,
        }
    }

    pub fn pool(&self) -> &PgPool {
        self.shared.database.pool()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn advance(&self, by: SignedDuration) {
        self.clock.set(self.clock.now() + by);
    }

    pub async fn register(&self, email: &str, password: &str) -> Result<(), Status> {
        self.register_from(email, password, "Europe/Berlin").await
    }

    pub async fn register_from(&self, email: &str, password: &str, zone: &str) -> Result<(), Status> {
        self.rpc.register(Request::new(registration(email, password, zone))).await.map(drop)
    }

    /// Somebody who says nothing of whether it is safe to write to them, registered and verified.
    pub async fn register_discreetly(&self, email: &str, password: &str) {
        let message = RegisterRequest { notices_by_mail: false, ..registration(email, password, "UTC") };
        self.rpc.register(Request::new(message)).await.unwrap();
        self.work().await;
        self.verify_with(&self.verification_token(), password).await.unwrap();
    }

    pub async fn resend(&self, email: &str) -> Result<(), Status> {
        let message = ResendVerificationRequest { email: email.into() };
        self.rpc.resend_verification(Request::new(message)).await.map(drop)
    }

    /// Everything that background work has to do now, done.
    pub async fn work(&self) {
        while jobs::settle_requests(&self.accounts).await.unwrap() {}
        self.send(&self.postman).await;
    }

    /// Sends every mail that is due; how many rounds it took.
    pub async fn send(&self, postman: &Postman) -> usize {
        let (mut rounds, running) = (0, CancellationToken::new());
        while jobs::send_mails(&self.accounts, postman, &running).await.unwrap() {
            rounds += 1;
        }
        rounds
    }

    /// Takes the mails out of the folder, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        let folder = self.shared.folder.path().join("mail");
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        files.iter().map(take).collect()
    }

    pub async fn verify(&self, token: &str) -> Result<(), Status> {
        self.verify_with(token, PASSWORD).await
    }

    pub async fn verify_with(&self, token: &str, password: &str) -> Result<(), Status> {
        let message = VerifyEmailRequest { token: token.into(), password: password.into() };
        self.rpc.verify_email(Request::new(message)).await.map(drop)
    }

    /// The token of the newest verification mail; other mails may have come after it.
    fn verification_token(&self) -> String {
        let mut mails = self.mails();
        mails.retain(|mail| mail.text.contains("/verify?token="));
        mails.pop().unwrap().token()
    }

    /// Registers and verifies.
    pub async fn join(&self, email: &str, password: &str) {
        self.register(email, password).await.unwrap();
        self.work().await;
        self.verify_with(&self.verification_token(), password).await.unwrap();
    }

    /// From the kitchen tablet, which keeps what it is known by.
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<SignInResponse, Status> {
        let device = self.tablet();
        let answer = self.sign_in_from(email, password, &device).await?;
        if !answer.device_token.is_empty() {
            self.shared.tablet.lock().unwrap().clone_from(&answer.device_token);
        }
        Ok(answer)
    }

    /// What the kitchen tablet is known by.
    pub fn tablet(&self) -> String {
        self.shared.tablet.lock().unwrap().clone()
    }

    /// From a device that is known by that, or from one that nothing knows.
    pub async fn sign_in_from(
        &self,
        email: &str,
        password: &str,
        device: &str,
    ) -> Result<SignInResponse, Status> {
        let message = SignInRequest {
            email: email.into(),
            password: password.into(),
            device_label: "kitchen tablet".into(),
            device_token: device.into(),
        };
        self.rpc.sign_in(Request::new(message)).await.map(tonic::Response::into_inner)
    }

    pub async fn mint(&self, secret: &str) -> Result<MintPassportResponse, Status> {
        let message = MintPassportRequest { session_secret: secret.into() };
        self.rpc.mint_passport(Request::new(message)).await.map(tonic::Response::into_inner)
    }

    pub async fn passport(&self, token: &str) -> Result<Passport, Fault> {
        self.keyring.verify(token).await
    }

    pub async fn capability(&self, token: &str) -> Result<Capability, Fault> {
        self.keyring.verify_capability(token).await
    }

    /// A request as the identity layer hands it on.
    pub async fn with_passport<T>(&self, token: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(self.passport(token).await.unwrap());
        request
    }

    pub async fn sessions(&self, passport: &str) -> Vec<Session> {
        let request = self.with_passport(passport, ListSessionsRequest {}).await;
        self.rpc.list_sessions(request).await.unwrap().into_inner().sessions
    }

    pub async fn end(&self, passport: &str, session_id: &str) -> Result<(), Status> {
        let message = EndSessionRequest { session_id: session_id.into() };
        let request = self.with_passport(passport, message).await;
        self.rpc.end_session(request).await.map(drop)
    }

    /// The events told so far: key, aggregate and version, in order.
    pub async fn events(&self) -> Vec<(String, Uuid, i64)> {
        sqlx::query_as("SELECT key, aggregate_id, version FROM bus.outbox ORDER BY id")
            .fetch_all(self.pool())
            .await
            .unwrap()
    }

    /// Every row of every table as text.
    pub async fn dump(&self) -> String {
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
             WHERE table_schema IN ('public', 'bus') AND table_name <> '_sqlx_migrations'",
        )
        .fetch_all(self.pool())
        .await
        .unwrap();
        let mut all = String::new();
        for table in tables {
            let query = sqlx::AssertSqlSafe(format!("SELECT row_to_json(t)::text FROM {table} t"));
            let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(self.pool()).await.unwrap();
            all.push_str(&rows.join("\n"));
        }
        all
    }

    pub async fn count(&self, table: &'static str) -> i64 {
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        sqlx::query_scalar(query).fetch_one(self.pool()).await.unwrap()
    }
}

pub fn registration(email: &str, password: &str, zone: &str) -> RegisterRequest {
    RegisterRequest {
        email: email.into(),
        password: password.into(),
        time_zone: zone.into(),
        locale: String::new(),
        adult: true,
        notices_by_mail: true,
        terms_version: 1,
        privacy_version: 1,
    }
}

fn take(file: &PathBuf) -> Mail {
    let content = std::fs::read_to_string(file).unwrap();
    std::fs::remove_file(file).unwrap();
    let (head, text) = content.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
    };
    Mail { to: header("To:"), subject: header("Subject:"), text: text.to_owned() }
}

/// The reason in a status' details.
pub fn reason(status: &Status) -> String {
    use tonic_types::StatusExt as _;
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}
