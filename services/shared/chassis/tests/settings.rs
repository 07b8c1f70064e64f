//! Settings from a file and the environment. A target of its own: its tests change the environment of their process.

#![allow(clippy::result_large_err)] // figment's error, in its own test helper
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // what fails, fails the test

use chassis::config::{ConfigError, Listen, Platform, Profile, Settings, load};
use chassis::database;
use figment::Jail;
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    listen: Listen,
    database: database::Config,
    #[serde(default)]
    size: u32,
}

impl Settings for Service {
    const SECTION: &'static str = "service";

    fn listen(&self) -> &Listen {
        &self.listen
    }

    fn check(&self, _: &Platform) -> Result<(), ConfigError> {
        if self.size > 10 { Err(ConfigError::invalid("service.size", "must be 10 or less")) } else { Ok(()) }
    }
}

const FILE: &str = "profile = \"production\"\n[service]\nlisten.address = \"127.0.0.1:1\"\n[service.database]\n\
                    url = \"postgres://a:hunter2@h/d\"\n[another]\nwhatever = 1\n[telemetry]\nlog = \"warn\"\n";

fn jail(file: &str, env: &[(&str, &str)], test: impl FnOnce(Result<(Platform, Service), String>)) {
    Jail::expect_with(|jail| {
        jail.clear_env();
        jail.create_file("candor.toml", file)?;
        for (key, value) in env {
            jail.set_env(key, value);
        }
        test(load::<Service>(Some(Path::new("candor.toml"))).map_err(|error| error.to_string()));
        Ok(())
    });
}

fn complaint(file: &str, env: &[(&str, &str)]) -> String {
    let mut sentence = String::new();
    jail(file, env, |loaded| sentence = loaded.err().expect("a complaint"));
    assert!(!sentence.contains("hunter2"), "{sentence}");
    assert!(sentence.ends_with('.') && !sentence.contains('\n'), "{sentence}");
    sentence
}

#[test]
fn defaults_then_the_file_then_the_environment() {
    let env = [("SERVICE__LISTEN__ADDRESS", "127.0.0.1:2"), ("SERVICE__DATABASE__MAX_CONNECTIONS", "3")];
    jail(FILE, &env, |loaded| {
        let (platform, service) = loaded.unwrap();
        assert_eq!(platform.profile, Profile::Production);
        assert_eq!(platform.telemetry.log, "warn");
        assert_eq!(platform.limits.calls_in_flight, 512);
        assert_eq!(service.listen.address.port(), 2);
        assert_eq!(service.database.url, "postgres://a:hunter2@h/d");
        assert_eq!(service.database.max_connections, 3);
        assert!(!format!("{:?}", service.database).contains("hunter2"));
    });
    jail(
        "",
        &[("SERVICE__LISTEN__ADDRESS", "127.0.0.1:0"), ("SERVICE__DATABASE__URL", "postgres://h/d")],
        |loaded| {
            assert_eq!(loaded.unwrap().0.profile, Profile::Development);
        },
    );
}

#[test]
fn every_complaint_names_its_key() {
    for (env, expected) in [
        (("SERVICE__DATABASE__ULR", "hunter2"), "SERVICE__DATABASE__ULR (service.database.ulr) is not known"),
        (("SERVICE__COLOUR", "hunter2"), "SERVICE__COLOUR (service.colour) is not known"),
        (("TELEMETRY__LGO", "hunter2"), "TELEMETRY__LGO (telemetry.lgo) is not known"),
        (("SERVICE__DATABASE__MAX_CONNECTIONS", "hunter2"), "SERVICE__DATABASE__MAX_CONNECTIONS"),
        (("SERVICE__LISTEN__ADDRESS", "hunter2"), "SERVICE__LISTEN__ADDRESS"),
        (("PROFILE", "hunter2"), "PROFILE (profile) must be one of: development, test, production"),
        (("CLOCK__FILE", "/x"), "CLOCK__FILE (clock.file) is allowed only when profile is test"),
        (("TELEMETRY__LOG", "hunter2=hunter2=hunter2"), "TELEMETRY__LOG"),
        (("TELEMETRY__OTLP_ENDPOINT", "hunter2 not an address"), "TELEMETRY__OTLP_ENDPOINT"),
        (("TELEMETRY__OTLP_ENDPOINT", "hunter2:4317"), "TELEMETRY__OTLP_ENDPOINT"),
        (("LIMITS__CALLS_IN_FLIGHT", "0"), "LIMITS__CALLS_IN_FLIGHT"),
        (("SERVICE__SIZE", "11"), "SERVICE__SIZE (service.size) must be 10 or less"),
    ] {
        let sentence = complaint(FILE, &[env]);
        assert!(sentence.contains(expected), "{sentence}");
    }
    assert!(complaint("", &[]).contains("SERVICE__LISTEN (service.listen) is required"));
    let no_url = "[service]\nlisten.address = \"127.0.0.1:1\"\ndatabase = {}\n";
    assert!(complaint(no_url, &[]).contains("SERVICE__DATABASE__URL (service.database.url) is required"));
    assert!(complaint("colour = \"hunter2\"", &[]).contains("COLOUR (colour) is not known"));
    let sentence = complaint("[service]\nurl = \"hunter2\n", &[]);
    assert!(sentence.contains("candor.toml is not valid TOML at line 2"), "{sentence}");
}

#[test]
fn time_comes_from_a_file_only_under_test() {
    let env = [("PROFILE", "test"), ("CLOCK__FILE", "now")];
    jail(FILE, &env, |loaded| {
        let (platform, _) = loaded.unwrap();
        std::fs::write("now", "2024-03-10T07:30:00Z").unwrap();
        assert_eq!(platform.clock.clock().now(), "2024-03-10T07:30:00Z".parse().unwrap());
    });
    assert!(load::<Service>(Some(Path::new("/nowhere/candor.toml"))).is_err());
}
