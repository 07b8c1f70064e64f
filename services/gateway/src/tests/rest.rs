use super::fakes::{ENTRY, PASSPORT, SECRET};
use super::*;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn an_entry_is_written_and_read_back_as_json() {
    let world = World::new().await;
    let body = format!(r#"{{"entryId": "{ENTRY}", "body": "a secret", "mood": {{"pleasantness": -2}}}}"#);
    let answer = world.call("POST", "/v1/entries", Some(PASSPORT), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json()["entry"]["entryId"], ENTRY);
    assert_eq!(world.fakes.written.lock().unwrap()[0].mood.as_ref().unwrap().pleasantness, -2);

    let answer = world.call("GET", &format!("/v1/entries/{ENTRY}"), Some(PASSPORT), "").await;
    let entry = &answer.json()["entry"];
    assert_eq!(entry["entryTime"], "2026-03-10T07:30:00Z");
    assert_eq!(entry["mood"]["bodySigns"][0], "BODY_SIGN_TIGHT_THROAT");

    let answer = world.call("GET", "/v1/articles", None, "").await;
    assert_eq!(answer.json()["articles"][0]["step"], "STEP_RECOGNISE");
    assert_eq!(answer.json()["nextPageToken"], "", "fields with default values are written");
}

#[tokio::test]
async fn errors_are_problems() {
    let world = World::new().await;
    let other = "0195f1c2-7f00-7000-8000-000000000002";
    let big = format!(r#"{{"body": "{}"}}"#, "x".repeat(2 << 20));
    let many = format!(r#"{{"mood": {{"bodySigns": [{}0]}}}}"#, "0,".repeat(500_000));
    let nul = r#"{"body": "a\u0000b"}"#;
    for (method, path, bearer, body, status, reason) in [
        ("GET", "/v1/entries", None, "", 401, "UNAUTHENTICATED"),
        ("GET", "/v1/entries", Some("forged"), "", 401, "UNAUTHENTICATED"),
        ("GET", "/v1/entries", Some("cs_nobody"), "", 401, "SESSION_OVER"),
        ("GET", &format!("/v1/entries/{other}"), Some(PASSPORT), "", 404, "ENTRY_NOT_FOUND"),
        ("POST", "/v1/entries", Some(PASSPORT), "{", 400, "INVALID_JSON"),
        ("POST", "/v1/entries", Some(PASSPORT), r#"{"body": 1}"#, 400, "INVALID_ARGUMENT"),
        ("POST", "/v1/entries", Some(PASSPORT), r#"{"unknown": 1}"#, 400, "INVALID_ARGUMENT"),
        ("POST", "/v1/entries", Some(PASSPORT), nul, 400, "INVALID_ARGUMENT"),
        ("POST", "/v1/entries", Some(PASSPORT), "{}", 400, "INVALID_ARGUMENT"),
        ("POST", "/v1/entries", Some(PASSPORT), &big, 413, "TOO_LARGE"),
        ("POST", "/v1/entries", Some(PASSPORT), &many, 400, "TOO_MANY_VALUES"),
        ("PATCH", "/v1/entries", Some(PASSPORT), "{}", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/nothing", None, "", 404, "NO_SUCH_PATH"),
        ("GET", "/v1", None, "", 404, "NO_SUCH_PATH"),
        ("GET", "/nothing", None, "", 404, "NO_SUCH_PATH"),
        ("DELETE", "/openapi.json", None, "", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/instruments", Some(PASSPORT), "", 501, "UNIMPLEMENTED"),
    ] {
        let answer = world.call(method, path, bearer, body).await;
        let at = format!("{method} {path}: {}", answer.body);
        assert_eq!(answer.status, status, "{at}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{at}");
        assert_eq!(answer.json()["reason"], reason, "{at}");
        assert_eq!(answer.json()["status"], status, "{at}");
        assert!(!answer.json()["detail"].as_str().unwrap().is_empty(), "{at}");
        assert_eq!(answer.header("www-authenticate").is_empty(), status != 401, "{at}");
        assert_eq!(answer.header("allow").is_empty(), status != 405, "{at}");
    }
    assert!(world.fakes.written.lock().unwrap().is_empty(), "nothing was stored");
    let answer =
        world.call("POST", "/v1/entries", Some(PASSPORT), r#"{"body": "x", "mood": {"energy": 9}}"#).await;
    assert_eq!(answer.json()["violations"][0]["field"], "mood.energy");
}

#[tokio::test]
async fn an_idempotency_key_is_the_id() {
    let world = World::new().await;
    let request = |key: &str, body: &'static str| {
        Request::post("/v1/entries")
            .header("authorization", format!("Bearer {PASSPORT}"))
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(Body::from(body))
            .unwrap()
    };
    let answer = world.send(request(ENTRY, r#"{"body":"one"}"#)).await;
    assert_eq!(answer.json()["entry"]["entryId"], ENTRY);
    assert_eq!(world.send(request(ENTRY, r#"{"body":"two"}"#)).await.status, 409);
    assert_eq!(world.send(request("once", r#"{"body":"two"}"#)).await.status, 400);
}

#[tokio::test]
async fn a_session_secret_is_exchanged_and_the_passport_held_for_20_seconds() {
    let world = World::new().await;
    let start = world.clock.now();
    let call = || world.call("GET", "/v1/entries", Some(SECRET), "");
    for (seconds, mints) in [(0, 1), (19, 1), (20, 2), (5, 3)] {
        world.clock.set(start + jiff::SignedDuration::from_secs(seconds));
        assert_eq!(call().await.status, 200);
        assert_eq!(world.fakes.mints.load(Ordering::SeqCst), mints, "after {seconds} s");
    }
    world.fakes.over.store(true, Ordering::SeqCst);
    assert_eq!(call().await.status, 401, "the service refuses the passport that is still held");
    assert_eq!(call().await.json()["reason"], "SESSION_OVER", "and it is not held any longer");
}

#[tokio::test]
async fn the_browsers_cookie_reads_and_writes_only_with_the_token() {
    let world = World::new().await;
    let cookie = format!("__Host-candor={SECRET}");
    let request = |method: &str, headers: &[(&str, &str)]| {
        let mut request = Request::builder().method(method).uri("/v1/entries").header("cookie", &cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if method == "GET" { "" } else { r#"{"body":"x"}"# };
        request.header("content-type", "application/json").body(Body::from(body)).unwrap()
    };
    assert_eq!(world.send(request("GET", &[])).await.status, 200);
    assert_eq!(world.send(request("POST", &[])).await.json()["reason"], "CSRF_TOKEN_REQUIRED");
    let token = world.token("/write", &cookie).await;
    let elsewhere = [("x-csrf-token", token.as_str()), ("origin", "https://evil.example")];
    assert_eq!(world.send(request("POST", &elsewhere)).await.json()["reason"], "CROSS_SITE");
    assert_eq!(
        world.send(request("POST", &[("x-csrf-token", &token), ("origin", ORIGIN)])).await.status,
        200
    );
    let written = world.fakes.written.lock().unwrap().len();
    assert_eq!(written, 1);
}

#[tokio::test]
async fn credentials_in_other_clothes_are_refused() {
    let world = World::new().await;
    for value in ["Basic YTpi", "Bearer", "Bearer ", "passport.of.alice"] {
        let request = Request::get("/v1/entries").header("authorization", value).body(Body::empty()).unwrap();
        assert_eq!(world.send(request).await.status, 401, "{value}");
    }
    let spoofed =
        Request::get("/v1/entries").header("x-user-id", "alice").header("x-forwarded-user", "alice");
    assert_eq!(world.send(spoofed.body(Body::empty()).unwrap()).await.status, 401);
    let twice = Request::get("/v1/entries").header("authorization", format!("Bearer {PASSPORT}"));
    let twice = twice.header("authorization", format!("Bearer {PASSPORT}")).body(Body::empty()).unwrap();
    assert_eq!(world.send(twice).await.status, 401);
    let long = "x".repeat(5000);
    assert_eq!(world.call("GET", "/v1/entries", Some(&long), "").await.status, 401);
    // The connection everyone shares has survived it.
    assert_eq!(world.call("GET", "/v1/entries", Some(PASSPORT), "").await.status, 200);
}

#[tokio::test]
async fn too_many_headers_and_too_long_addresses_are_refused() {
    let world = World::new().await;
    let request =
        Request::get("/v1/articles").header("x-long", "x".repeat(17_000)).body(Body::empty()).unwrap();
    assert_eq!(world.send(request).await.status, 431);
    let path = format!("/v1/articles?locale={}", "x".repeat(5000));
    assert_eq!(world.call("GET", &path, None, "").await.status, 414);
}

#[tokio::test]
async fn the_description_is_served() {
    let world = World::new().await;
    let document = world.call("GET", "/openapi.json", None, "").await;
    assert_eq!(document.json()["openapi"], "3.1.0");
    assert_eq!(document.json()["servers"][0]["url"], ORIGIN);
    let docs = world.visit("/docs", "").await;
    assert!(docs.body.contains("/v1/inboxItems/{inbox_item_id}:markRead"));
    assert!(docs.body.contains("BODY_SIGN_TIGHT_CHEST"));
}

#[tokio::test]
async fn a_service_that_is_away_is_said_so() {
    let clock = Clock::manual("2026-03-10T07:30:00Z".parse().unwrap());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let router = crate::router(&config(&format!("http://{nobody}"), Some(ORIGIN)), &host(&clock)).unwrap();
    let world = World { router, fakes: Arc::new(Fakes::new(clock.clone())), clock };
    let answer = world.call("GET", "/v1/articles", None, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"));
    assert!(!answer.body.contains(&nobody.to_string()));
    let page = world.visit("/library", "").await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("A part of Candor is away"));
}

#[tokio::test]
async fn a_session_that_ended_itself_leaves_no_passport_behind() {
    let world = World::new().await;
    assert_eq!(world.call("GET", "/v1/entries", Some(SECRET), "").await.status, 200);
    let id = "0195f1c2-7f00-7000-8000-000000000001";
    assert_eq!(world.call("DELETE", &format!("/v1/sessions/{id}"), Some(SECRET), "").await.status, 200);
    world.call("GET", "/v1/entries", Some(SECRET), "").await;
    assert_eq!(world.fakes.mints.load(Ordering::SeqCst), 2, "the secret is asked for again");
}
