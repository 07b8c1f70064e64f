//! Where keys may be fetched from, and that the machine there is who it says.

use super::publisher::Publisher;
use super::test_keys;
use accounts::domain::client::{FetchProblem, JwksUrl};
use accounts::outbound::{KeyFetcher, Reach};
use chassis::config::Profile;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig, crypto::ring};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

fn url(text: &str) -> JwksUrl {
    JwksUrl::parse(text).unwrap()
}

/// Who certifies, and a machine certified as `name`.
fn certified(name: &str) -> (RootCertStore, TlsAcceptor) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(issuer.der().clone()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    (roots, TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn keys_come_over_tls_from_a_machine_that_proves_its_name() {
    let (roots, tls) = certified("localhost");
    let publisher = Publisher::behind(tls).await;
    publisher.publish(&test_keys::rsa().jwks("k1"), "Cache-Control: max-age=60\r\n");
    let fetcher = KeyFetcher::trusting(roots.clone(), Reach::Loopback).unwrap();
    let own = url(&format!("https://localhost:{}/keys", publisher.port));
    let fetched = fetcher.fetch(&own).await.unwrap();
    assert_eq!((fetched.set.find("k1").is_some(), fetched.max_age), (true, Some(60)));
    // The same machine under a name that it is not certified for.
    let other = url(&format!("https://127.0.0.1:{}/keys", publisher.port));
    assert_eq!(fetcher.fetch(&other).await, Err(FetchProblem::Certificate));
    // Certified by somebody whom nobody here trusts.
    let (strangers, _) = certified("localhost");
    let fetcher = KeyFetcher::trusting(strangers, Reach::Loopback).unwrap();
    assert_eq!(fetcher.fetch(&own).await, Err(FetchProblem::Certificate));
    // And one that speaks no TLS at all.
    let plain = Publisher::start().await;
    plain.publish(&test_keys::rsa().jwks("k1"), "");
    let plain_url = url(&format!("https://localhost:{}/keys", plain.port));
    let fetcher = KeyFetcher::trusting(roots, Reach::Loopback).unwrap();
    assert!(fetcher.fetch(&plain_url).await.is_err());
}

#[tokio::test]
async fn outside_of_tests_nothing_of_this_place_is_called() {
    let (roots, tls) = certified("localhost");
    let secure = Publisher::behind(tls).await;
    let plain = Publisher::start().await;
    for publisher in [&secure, &plain] {
        publisher.publish(&test_keys::rsa().jwks("k1"), "");
    }
    let fetchers = [
        KeyFetcher::trusting(roots, Reach::Public).unwrap(),
        KeyFetcher::new(Profile::Development).unwrap(),
        KeyFetcher::new(Profile::Production).unwrap(),
    ];
    for fetcher in fetchers {
        for text in [
            format!("https://localhost:{}/keys", secure.port),
            format!("https://127.0.0.1:{}/keys", secure.port),
            format!("https://127.0.0.2:{}/keys", secure.port),
            format!("https://0.0.0.0:{}/keys", secure.port),
            format!("https://[::1]:{}/keys", secure.port),
            format!("https://[::ffff:127.0.0.1]:{}/keys", secure.port),
            format!("https://2130706433:{}/keys", secure.port),
            format!("https://0x7f000001:{}/keys", secure.port),
            format!("https://0177.0.0.1:{}/keys", secure.port),
            format!("https://127.1:{}/keys", secure.port),
            format!("http://127.0.0.1:{}/keys", plain.port),
            format!("http://localhost:{}/keys", plain.port),
            "https://10.0.0.1/keys".into(),
            "https://169.254.169.254/latest/meta-data".into(),
            "https://[fd00:ec2::254]/latest/meta-data".into(),
        ] {
            let answer = fetcher.fetch(&url(&text)).await;
            // A spelling that the resolver does not take for an address leads nowhere.
            let closed =
                [Err(FetchProblem::Refused), Err(FetchProblem::NotPublic), Err(FetchProblem::Unreachable)];
            assert!(closed.contains(&answer), "{text}: {answer:?}");
        }
    }
    assert_eq!((secure.calls(), plain.calls()), (0, 0));
}

#[tokio::test]
async fn tests_reach_this_machine_alone() {
    let fetcher = KeyFetcher::new(Profile::Test).unwrap();
    for text in ["https://10.0.0.1/keys", "https://1.1.1.1/keys", "http://1.1.1.1/keys"] {
        assert_eq!(fetcher.fetch(&url(text)).await, Err(FetchProblem::NotPublic), "{text}");
    }
    assert_eq!(fetcher.fetch(&url("http://127.0.0.1:1/keys")).await, Err(FetchProblem::Unreachable));
}
