//! The settings of everything: what was set, over defaults for one machine.

use crate::cli::Place;
use crate::doors::Addresses;
use chassis::config::{ConfigError, Platform, Profile, SECTIONS, load_from, part, sources};
use figment::Figment;
use figment::providers::Serialized;
use figment::value::{Dict, Value};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;

/// The services with a gRPC door, in the order of their ports.
pub(crate) const SERVICES: [&str; 4] = ["accounts", "journal", "reminders", "content"];
/// The HTTP edge.
pub(crate) const GATEWAY: &str = "gateway";
const BUS: &str = "bus";

/// A setting that names a database, and the database it gets when it is not set.
pub(crate) const DATABASES: [(&str, &str); 6] = [
    ("accounts.database.url", "accounts"),
    ("accounts.vault.keystore.url", "key_store"),
    ("journal.database.url", "journal"),
    ("journal.vault.keystore.url", "key_store"),
    ("reminders.database.url", "reminders"),
    ("content.database.url", "content"),
];

/// URLs for those settings.
pub(crate) type Urls = BTreeMap<&'static str, String>;

/// What was set, in the file or the environment.
pub(crate) struct Given(Figment);

impl Given {
    /// Reads both.
    pub(crate) fn read(place: &Place) -> Result<Self, ConfigError> {
        let sections: Vec<&str> = SERVICES.into_iter().chain([GATEWAY, BUS]).collect();
        let given = sources(place.config.as_deref(), &sections)?;
        let top: Dict = given.extract().unwrap_or_default();
        let known = |key: &str| key == "profile" || SECTIONS.contains(&key) || sections.contains(&key);
        match top.keys().find(|key| !known(key)) {
            Some(unknown) => Err(ConfigError::invalid(unknown, "is not known")),
            None => Ok(Self(given)),
        }
    }

    /// A setting's text, if it was set.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.0.find_value(key).ok().and_then(Value::into_string)
    }

    /// The broker, if the bus is not to be in memory.
    pub(crate) fn broker(&self) -> Result<Option<bus::Config>, ConfigError> {
        part(&self.0, BUS)
    }
}

/// The settings of every service.
pub(crate) struct Settings {
    pub(crate) platform: Platform,
    pub(crate) accounts: accounts::Config,
    pub(crate) journal: journal::Config,
    pub(crate) reminders: reminders::Config,
    pub(crate) content: content::Config,
    pub(crate) gateway: gateway::Config,
    pub(crate) broker: Option<bus::Config>,
}

impl Settings {
    /// Completes what was set: databases from `urls`, addresses as given, files below `data`.
    pub(crate) fn complete(
        given: &Given,
        urls: &Urls,
        addresses: &Addresses,
        data: &Path,
    ) -> Result<Self, ConfigError> {
        let mut all = Figment::from(Serialized::defaults(defaults(addresses, data)));
        if let Some(site) = given.text("gateway.public_url") {
            all = all.merge(Serialized::default("accounts.public_url", site));
        }
        if given.text("accounts.mail.smtp_url").is_none() {
            all = all.merge(Serialized::default("accounts.mail.folder", data.join("mail")));
        }
        for (key, url) in urls {
            all = all.merge(Serialized::default(key, url));
        }
        let all = all.merge(&given.0);
        let (platform, accounts) = load_from(all.clone())?;
        Ok(Self {
            platform,
            accounts,
            journal: load_from(all.clone())?.1,
            reminders: load_from(all.clone())?.1,
            content: load_from(all.clone())?.1,
            gateway: load_from(all)?.1,
            broker: given.broker()?,
        })
    }

    /// As [`Settings::complete`] before there are databases: whether the rest can be used.
    pub(crate) fn check(given: &Given, addresses: &Addresses, data: &Path) -> Result<Self, ConfigError> {
        for key in ["accounts.vault.kek_file", "journal.vault.kek_file"] {
            if given.text(key).is_some_and(|path| !Path::new(&path).is_file()) {
                return Err(ConfigError::invalid(key, "must name a file that is there"));
            }
        }
        Self::complete(given, &Self::placeholders(), addresses, data)
    }

    /// A URL for each database; nobody connects to them.
    pub(crate) fn placeholders() -> Urls {
        DATABASES.into_iter().map(|(key, name)| (key, format!("postgres://127.0.0.1/{name}"))).collect()
    }

    /// Whether this is for real people, where nothing secret is made up.
    pub(crate) fn production(&self) -> bool {
        self.platform.profile == Profile::Production
    }
}

fn defaults(addresses: &Addresses, data: &Path) -> serde_json::Value {
    let url = |name: &str| format!("http://{}", addresses[name]);
    let listen = |name: &str| json!({ "address": addresses[name] });
    let vault = json!({ "kek_file": data.join("kek") });
    let plain = |name: &str| json!({ "listen": listen(name), "accounts_url": url("accounts") });
    let mut journal = plain("journal");
    journal["vault"] = vault.clone();
    json!({
        "telemetry": { "log": default_log() },
        "accounts": {
            "listen": listen("accounts"),
            "vault": vault,
            "mail": { "from": "Candor <no-reply@candor.invalid>" },
            "public_url": url(GATEWAY),
            "audit": { "anchor_folder": data.join("audit-anchors") },
        },
        "journal": journal,
        "reminders": plain("reminders"),
        "content": plain("content"),
        "gateway": {
            "listen": listen(GATEWAY),
            "accounts_url": url("accounts"),
            "journal_url": url("journal"),
            "reminders_url": url("reminders"),
            "content_url": url("content"),
        },
    })
}

/// A person at a terminal reads sentences; whatever collects logs reads all of them.
fn default_log() -> &'static str {
    if std::io::stderr().is_terminal() { "warn" } else { "info" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> (tempfile::TempDir, Place) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("candor.toml");
        std::fs::write(&file, text).unwrap();
        let place = Place { data: folder.path().to_owned(), config: Some(file) };
        (folder, place)
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let (_folder, place) = given("");
        let settings =
            Settings::check(&Given::read(&place).unwrap(), &crate::doors::nowhere(), &place.data).unwrap();
        assert!(settings.broker.is_none() && !settings.production());
    }

    #[test]
    fn what_is_set_wins_and_what_is_unknown_is_named() {
        let (_folder, place) =
            given("[journal.database]\nmax_connections = 3\n[bus]\namqp_url = 'amqp://x'\n");
        let settings =
            Settings::check(&Given::read(&place).unwrap(), &crate::doors::nowhere(), &place.data).unwrap();
        assert_eq!(settings.journal.database.max_connections, 3);
        assert!(settings.broker.is_some());
        for (text, key) in [
            ("[jurnal]\nx = 1", "JURNAL"),
            ("[journal]\ncolour = 'blue'", "JOURNAL__COLOUR"),
            ("[bus]\nexchange = 'x'", "BUS"),
            ("[journal.database]\nmax_connections = 0", "JOURNAL__DATABASE__MAX_CONNECTIONS"),
            ("[journal.database]\nurl = 'mysql://x'", "JOURNAL__DATABASE__URL"),
            ("[accounts.mail]\nsmtp_url = 'http://x'", "ACCOUNTS__MAIL__SMTP_URL"),
            ("[accounts.mail]\nfrom = 'nobody'", "ACCOUNTS__MAIL__FROM"),
            ("[bus]\namqp_url = 'http://x'", "BUS__AMQP_URL"),
            ("[journal.bus]\namqp_url = 'http://x'", "JOURNAL__BUS__AMQP_URL"),
            ("[accounts.vault]\nkek_file = '/nowhere/kek'", "ACCOUNTS__VAULT__KEK_FILE"),
            ("[clock]\nfile = '/x'", "CLOCK__FILE"),
        ] {
            let (_folder, place) = given(text);
            let refused = Given::read(&place)
                .and_then(|given| Settings::check(&given, &crate::doors::nowhere(), &place.data))
                .err()
                .unwrap_or_else(|| panic!("{text} was taken"));
            assert!(refused.to_string().contains(key), "{refused}");
        }
    }
}
