use super::fakes::ENTRY;
use super::*;
use std::io::Write;
use std::sync::Mutex;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_holds_templates_and_nothing_of_what_was_said() {
    let world = World::new().await;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(log.clone()).finish();
    // While there is one subscriber, tracing asks whichever thread comes by first whether anybody listens, and remembers
    // the no of another test's thread. With two it asks them.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber);

    world.visit(&format!("/entries/{ENTRY}?query-canary=1"), "__Host-candor=cs_alice").await;
    world.visit("/entries/path-canary", "__Host-candor=cs_alice").await;
    world.visit("/unmatched-canary", "").await;
    world.call("GET", &format!("/v1/entries/{ENTRY}"), Some("bearer-canary"), "").await;
    world
        .call("POST", "/v1/entries", Some("bearer-canary"), r#"{"body": "body-canary", "key-canary": 1}"#)
        .await;
    let token = world.token("/write", "__Host-candor=cs_alice").await;
    let fields = [("csrf", token.as_str()), ("body", "form-canary")];
    world.submit("/write", "__Host-candor=cs_alice", &fields).await;

    let code = "CODE-canary-0000000000";
    let token = world.token("/invitation", "__Host-candor=cs_alice").await;
    for path in
        ["/invitation", "/invitation/keep", "/invitation/accept", "/invitation/decline", "/invitation/report"]
    {
        let fields =
            [("csrf", token.as_str()), ("code", code), ("own_name", "name-canary"), ("note", "note-canary")];
        let answer = world.submit(path, "__Host-candor=cs_alice", &fields).await;
        assert!(!answer.header("location").contains("canary"), "{path}");
    }
    let fields = [("csrf", token.as_str()), ("item", ENTRY), ("words", "words-canary")];
    world.submit("/share/preview", "__Host-candor=cs_alice", &fields).await;
    world.visit("/received/id-canary", "__Host-candor=cs_alice").await;

    let assertion =
        [("client_assertion", "assertion-canary"), ("scope", "scope-canary"), ("token", "token-canary")];
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/token?client_assertion=query-canary"] {
        world.submit(path, "", &assertion).await;
    }
    world.visit("/oauth/token?client_assertion=query-canary", "").await;

    let statuses = world.knock_often("192.0.2.177", "198.51.100.178", 21, "/v1/accounts").await;
    assert_eq!(statuses[20], 429);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for expected in [
        "\"/entries/{entry_id}\"",
        "\"/v1/entries/{entry_id}\"",
        "\"unmatched\"",
        "\"status\":404",
        "\"/v1/accounts\"",
        "\"status\":429",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    for private in ["canary", ENTRY, "cs_alice", "passport.of", &token, "192.0.2", "198.51.100"] {
        assert!(!text.contains(private), "{private} is in {text}");
    }
}
