//! The secrets that `deploy/secrets` makes, and those that operators make.

use crate::manifests::{Manifests, OVERLAYS, documents, name, printed, texts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A mail server such as an operator names.
pub(crate) const SMTP_URL: &str = "smtps://user:password@mail.example";

/// Name, key and value of each secret.
pub(crate) type Secrets = BTreeMap<String, BTreeMap<String, String>>;

/// What the script makes for an overlay.
fn made(overlay: &str) -> Secrets {
    let mut all = Secrets::new();
    for secret in documents(&printed("deploy/secrets", &[overlay], &[("SMTP_URL", SMTP_URL)])) {
        let plain = texts(&secret, "/data").into_iter().map(|(key, value)| {
            let value = String::from_utf8(BASE64.decode(value).unwrap()).unwrap();
            (key, value)
        });
        let before = all.insert(name(&secret).to_owned(), plain.collect());
        assert!(before.is_none(), "{} is made twice", name(&secret));
    }
    all
}

/// Every secret of an installation.
pub(crate) fn secrets(manifests: &Manifests) -> Secrets {
    static MADE: LazyLock<BTreeMap<&str, Secrets>> =
        LazyLock::new(|| OVERLAYS.into_iter().map(|overlay| (overlay, made(overlay))).collect());
    let mut all = MADE[manifests.overlay].clone();
    let mut made = |name: String, keys: &[(&str, &str)]| {
        let keys = keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let before = all.insert(name, keys.collect());
        assert!(before.is_none(), "what an operator makes is not made here too");
    };
    for cluster in manifests.kind("RabbitmqCluster") {
        let keys = [("username", "default_user_x"), ("password", "a-Z_9")];
        made(format!("{}-default-user", name(cluster)), &keys);
    }
    for cluster in manifests.kind("Cluster") {
        made(format!("{}-ca", name(cluster)), &[("ca.crt", "a certificate")]);
    }
    for certificate in manifests.kind("Certificate") {
        let secret = certificate["spec"]["secretName"].as_str().unwrap().to_owned();
        made(secret, &[("tls.crt", "a certificate"), ("tls.key", "a key")]);
    }
    all
}
