//! Settings that cannot be used: every program says in one sentence which key is wrong, never its value, and does
//! not start.

use candor_tests::five::{Five, KEYS, PROGRAMS, SERVICES, Servers};
use candor_tests::{Process, binary};
use std::time::Duration;

/// The exit code of a program that cannot use its settings.
const MISCONFIGURED: i32 = 2;

/// Settings that are complete; the servers they name need not be there.
fn nowhere() -> Five {
    let url = |name: &'static str| (name, format!("postgres://nobody@127.0.0.1:1/{name}"));
    let databases = SERVICES.into_iter().chain([KEYS]).map(url).collect();
    Five::new(Servers { databases, amqp_url: "amqp://127.0.0.1:1".to_owned(), exchange: "x".to_owned() })
}

/// How a program ends with these settings, and what it says.
async fn ends(
    five: &Five,
    program: &str,
    action: &str,
    settings: &[(String, String)],
) -> (Option<i32>, String) {
    let log = five.folder().join("said");
    let _ = std::fs::remove_file(&log);
    let process = Process::spawn(&binary(program), &[action], settings, &log);
    let status = process.ended(Duration::from_secs(20)).await;
    (status.code(), std::fs::read_to_string(&log).unwrap())
}

async fn is_refused(five: &Five, program: &str, settings: &[(String, String)], key: &str, value: &str) {
    for action in ["check-config", "run"] {
        let (code, said) = ends(five, program, action, settings).await;
        assert_eq!(code, Some(MISCONFIGURED), "{program} {action} with {key}: {said}");
        assert!(said.contains(key), "{program} {action} names {key}: {said}");
        assert_eq!(said.lines().count(), 1, "{program} {action} says it in one sentence: {said}");
        assert!(said.trim_end().ends_with('.'), "{program} {action} says it in a sentence: {said}");
        assert!(!said.contains(value), "{program} {action} keeps the value to itself: {said}");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_named_and_nothing_starts() {
    let five = nowhere();
    for program in PROGRAMS {
        let whole = five.settings(program);
        assert_eq!(ends(&five, program, "check-config", &whole).await, (Some(0), String::new()), "{program}");
        let section = program.to_uppercase();
        let wrong = [
            (format!("{section}__COLOUR"), "midnight-blue"),
            (format!("{section}__LISTEN__ADDRESS"), "the-moon"),
            ("OPS__ADDRESS".to_owned(), "the-moon"),
            ("OPS__COLOUR".to_owned(), "midnight-blue"),
            ("PROFILE".to_owned(), "holiday"),
            ("LIMITS__CALLS_IN_FLIGHT".to_owned(), "plenty"),
        ];
        for (key, value) in wrong {
            let mut settings = whole.clone();
            settings.retain(|(name, _)| *name != key);
            settings.push((key.clone(), value.to_owned()));
            is_refused(&five, program, &settings, &key, value).await;
        }
        let mut settings = whole.clone();
        settings.retain(|(name, _)| name != "PROFILE");
        let clock = five.clock.path().display().to_string();
        is_refused(&five, program, &settings, "CLOCK__FILE", &clock).await;
        let needed = format!("{section}__LISTEN__ADDRESS");
        let mut settings = whole.clone();
        settings.retain(|(name, _)| *name != needed);
        is_refused(&five, program, &settings, &format!("{section}__LISTEN"), "nothing to keep").await;
    }
}
