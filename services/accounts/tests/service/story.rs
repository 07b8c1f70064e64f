//! The whole service as it runs: settings, server, background work, events on the bus.

use crate::people::shared_items;
use accounts::Config;
use bus::Transport;
use candor_proto::accounts::v1::{
    AccountVerified, DeclineInvitationRequest, EndSessionRequest, GetMeRequest, InvitePartnerRequest,
    ListReceiptsRequest, ListSigningKeysRequest, MintPassportRequest, PreviewInvitationRequest,
    RegisterRequest, SignInRequest, VerifyEmailRequest, consent_service_client::ConsentServiceClient,
    couple_service_client::CoupleServiceClient, identity_service_client::IdentityServiceClient,
    ledger_service_client::LedgerServiceClient, session_service_client::SessionServiceClient,
};
use candor_tests::{eventually, postgres};
use chassis::{Clock, Health, Host, Ids, config::load_from};
use figment::{Figment, providers::Serialized};
use prost::Message as _;
use std::{net::TcpListener, path::Path, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, transport::Channel};

const PATIENCE: Duration = Duration::from_secs(30);

fn settings(database: &str, keystore: &str, folder: &Path, address: &str) -> Figment {
    let set = |key: &str, value: &str| Serialized::default(key, value.to_owned());
    Figment::new()
        .merge(set("profile", "test"))
        .merge(set("accounts.listen.address", address))
        .merge(set("accounts.database.url", database))
        .merge(set("accounts.vault.keystore.url", keystore))
        .merge(set("accounts.vault.kek_file", folder.join("kek").to_str().unwrap()))
        .merge(set("accounts.mail.folder", folder.join("mail").to_str().unwrap()))
        .merge(set("accounts.mail.from", "no-reply@candor.example"))
        .merge(set("accounts.public_url", "https://candor.example"))
}

fn bearer<T>(passport: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {passport}").parse().unwrap());
    request
}

fn mailed_token(folder: &Path) -> Option<String> {
    let mail = std::fs::read_dir(folder.join("mail")).ok()?.filter_map(Result::ok).next()?;
    let text = std::fs::read_to_string(mail.path()).ok()?;
    Some(text.split_once("/verify?token=")?.1.lines().next()?.trim().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_registers_verifies_signs_in_and_leaves() {
    let (database, keystore) = (postgres().await, postgres().await);
    let folder = tempfile::tempdir().unwrap();
    vault::init_kek(&folder.path().join("kek")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let figment = settings(&database.url(), &keystore.url(), folder.path(), &address);
    let (platform, config) = load_from::<Config>(figment).unwrap();
    let transport = Transport::memory(&[
        ("listener", accounts::events::emits()),
        (accounts::CONSUMER, accounts::consumes()),
    ]);
    accounts::migrate(config.clone(), transport.clone()).await.unwrap();
    accounts::migrate(config.clone(), transport.clone()).await.unwrap(); // again changes nothing
    let mut heard = transport.subscribe("listener", &accounts::events::emits()).unwrap();
    let (clock, shutdown) = (Clock::system(), CancellationToken::new());
    let host = Host {
        ids: Ids::new(clock.clone()),
        clock,
        shutdown: shutdown.clone(),
        listener,
        platform: Arc::new(platform),
        health: Health::new(),
    };
    let health = host.health.clone();
    let running = tokio::spawn(accounts::run(config, host, transport));
    health.start(shutdown.clone());
    eventually("accounts is ready", PATIENCE, async || health.is_ready()).await;

    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let mut identity = IdentityServiceClient::new(channel.clone());
    let mut session = SessionServiceClient::new(channel.clone());
    let register = RegisterRequest {
        email: "Anna@Example.org".into(),
        password: "a quiet walk by the river".into(),
        time_zone: "Europe/Berlin".into(),
        locale: "de".into(),
        adult: true,
        notices_by_mail: false,
        terms_version: 1,
        privacy_version: 1,
    };
    identity.register(register).await.unwrap();
    eventually("the mail is there", PATIENCE, async || mailed_token(folder.path()).is_some()).await;
    let token = mailed_token(folder.path()).unwrap();
    identity
        .verify_email(VerifyEmailRequest { token, password: "a quiet walk by the river".into() })
        .await
        .unwrap();

    let sign_in = SignInRequest {
        email: "anna@example.org".into(),
        password: "a quiet walk by the river".into(),
        device_label: "phone".into(),
        ..SignInRequest::default()
    };
    let signed_in = session.sign_in(sign_in).await.unwrap().into_inner();
    let me = identity.get_me(bearer(&signed_in.passport, GetMeRequest {})).await.unwrap().into_inner();
    let me = me.account.unwrap();
    assert_eq!((me.email.as_str(), me.locale.as_str()), ("Anna@example.org", "de"));
    assert_eq!(
        session.list_signing_keys(ListSigningKeysRequest {}).await.unwrap().into_inner().keys.len(),
        1
    );

    // The other services answer at the same address; what is public needs no passport, what is not does.
    let mut couples = CoupleServiceClient::new(channel.clone());
    let invite = InvitePartnerRequest { own_name: "Anna".into() };
    let invited = couples.invite_partner(bearer(&signed_in.passport, invite.clone())).await.unwrap();
    let code = invited.into_inner().code;
    let preview = PreviewInvitationRequest { code: code.clone() };
    assert_eq!(couples.preview_invitation(preview).await.unwrap().into_inner().inviter_name, "Anna");
    let decline = DeclineInvitationRequest { code };
    couples.decline_invitation(bearer(&signed_in.passport, decline.clone())).await.unwrap();
    assert_eq!(couples.decline_invitation(decline).await.err().unwrap().code(), Code::Unauthenticated);
    assert_eq!(couples.invite_partner(invite).await.err().unwrap().code(), Code::Unauthenticated);
    let open = shared_items(uuid::Uuid::nil());
    let refused =
        ConsentServiceClient::new(channel.clone()).open_access(bearer(&signed_in.passport, open)).await;
    assert_eq!(refused.err().unwrap().code(), Code::NotFound);
    let list = bearer(&signed_in.passport, ListReceiptsRequest::default());
    let listed = LedgerServiceClient::new(channel).list_receipts(list).await.unwrap().into_inner();
    assert!(listed.receipts.is_empty());

    // No passport, or one that was tampered with, is refused before anything is read.
    assert_eq!(identity.get_me(GetMeRequest {}).await.err().unwrap().code(), Code::Unauthenticated);
    let forged = format!("{}AAAA", &signed_in.passport[..signed_in.passport.len() - 4]);
    let refused = identity.get_me(bearer(&forged, GetMeRequest {})).await.err().unwrap();
    assert_eq!(refused.code(), Code::Unauthenticated);

    let secret = MintPassportRequest { session_secret: signed_in.session_secret.clone() };
    let minted = session.mint_passport(secret.clone()).await.unwrap().into_inner();
    let end = EndSessionRequest { session_id: signed_in.session_id.clone() };
    session.end_session(bearer(&minted.passport, end)).await.unwrap();
    assert_eq!(session.mint_passport(secret).await.err().unwrap().code(), Code::Unauthenticated);

    let mut keys = Vec::new();
    while keys.len() < 3 {
        let delivery = heard.next().await;
        if let bus::transport::Content::Event(event) = &delivery.content {
            if event.key == "accounts.v1.account_verified" {
                let told = AccountVerified::decode(event.body.clone()).unwrap();
                assert_eq!(
                    (told.account_id, told.time_zone.as_str()),
                    (me.account_id.clone(), "Europe/Berlin")
                );
            }
            keys.push(event.key.clone());
        }
        delivery.ack().await;
    }
    keys.sort();
    assert_eq!(
        keys,
        ["accounts.v1.account_registered", "accounts.v1.account_verified", "accounts.v1.session_ended"]
    );
    shutdown.cancel();
    running.await.unwrap().unwrap();
}

#[test]
fn settings_that_cannot_work_are_refused_in_one_sentence() {
    let folder = Path::new("nowhere");
    let base = || settings("postgres://localhost/a", "postgres://localhost/k", folder, "127.0.0.1:0");
    let refused = |key: &str, value: &str| {
        load_from::<Config>(base().merge(Serialized::default(key, value.to_owned())))
            .err()
            .unwrap()
            .to_string()
    };
    assert!(refused("accounts.public_url", "candor.example").contains("ACCOUNTS__PUBLIC_URL"));
    assert!(refused("accounts.colour", "green").contains("ACCOUNTS__COLOUR"));
    let (_, config) = load_from::<Config>(base()).unwrap();
    assert!(config.transport().err().unwrap().to_string().contains("ACCOUNTS__BUS__AMQP_URL"));
}
