//! The pages of software: registering it, what it has to be told, other keys, and its end.

use super::fakes_clients::CLIENT;
use super::*;
use jiff::SignedDuration;

const COOKIE: &str = "__Host-candor=cs_alice";

/// An operator who proved a moment ago who they are.
async fn proven() -> World {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    *world.fakes.kind.lock().unwrap() = "operator";
    world
}

fn wish<'a>(token: &'a str, jwks: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("csrf", token),
        ("client_id", CLIENT),
        ("name", "Praxis <i>two</i>"),
        ("purpose", "Notes"),
        ("contact", "it@clinic.example"),
        ("scopes", " system/*.rs  system/Observation.r\n"),
        ("jwks", jwks),
        ("jwks_url", ""),
    ]
}

#[tokio::test]
async fn clients_are_listed_with_what_is_wrong_and_nothing_of_them_is_markup() {
    let world = proven().await;
    let page = world.visit("/clients", COOKIE).await;
    assert_eq!(page.status, 200);
    for expected in [
        "Praxis &#60;b&#62;one&#60;/b&#62;",
        "Progress notes",
        "The certificate at the address does not fit.",
        "No token so far.",
        &format!("href=\"/clients/{CLIENT}\""),
        "href=\"/clients?from=a%2Bb%2Fc%3D\"",
    ] {
        assert!(page.body.contains(expected), "{expected}: {}", page.body);
    }
    assert!(!world.visit("/clients?from=a%2Bb%2Fc%3D", COOKIE).await.body.contains("Earlier"));
    assert!(world.visit("/clients", "").await.header("location").starts_with("/sign-in"));
}

#[tokio::test]
async fn the_navigation_leads_operators_and_counselors_there_and_nobody_else() {
    for (kind, leads) in
        [("operator", true), ("counselor", true), ("member", false), ("editor", false), ("support", false)]
    {
        let world = proven().await;
        *world.fakes.kind.lock().unwrap() = kind;
        let page = world.visit("/sessions", COOKIE).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.body.contains("<a href=\"/clients\""), leads, "{kind}");
    }
    assert!(!World::new().await.visit("/sessions", COOKIE).await.body.contains("/clients"));
}

#[tokio::test]
async fn a_client_is_registered_and_shows_what_it_has_to_be_told() {
    let world = proven().await;
    let form = world.visit("/clients/new", COOKIE).await;
    let token = token_in(&form.body);
    assert!(
        form.body.contains("name=\"client_id\"")
            && !form.body.contains("name=\"client_id\" value=\"\"")
            && form.body.contains("value=\"system/*.rs\"")
    );
    let made = world.submit("/clients", COOKIE, &wish(&token, "{\"keys\": []}")).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (303, &*format!("/clients/{CLIENT}")));
    let sent = world.fakes.clients.registered.lock().unwrap().remove(0);
    assert_eq!((sent.client_id.as_str(), sent.name.as_str()), (CLIENT, "Praxis <i>two</i>"));
    assert_eq!(
        (sent.scopes, sent.jwks.as_str()),
        (vec!["system/*.rs".into(), "system/Observation.r".into()], "{\"keys\": []}")
    );

    let page = world.visit(&format!("/clients/{CLIENT}"), COOKIE).await;
    assert_eq!(page.status, 200);
    for expected in [
        CLIENT,
        "https://candor.example/oauth/token",
        "https://candor.example/.well-known/smart-configuration",
        "k1",
        "ES384",
        "https://clinic.example/keys",
        "it@clinic.example",
        "grant_type=client_credentials",
    ] {
        assert!(page.body.contains(expected), "{expected}: {}", page.body);
    }
    assert!(!page.body.contains("<b>one"));
    for nowhere in ["/clients/nonsense", "/clients/0195f1c2-7f00-7000-8000-000000000099"] {
        assert_eq!(world.visit(nowhere, COOKIE).await.status, 404, "{nowhere}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_the_field_and_nothing_typed_is_lost() {
    let world = proven().await;
    let token = token_in(&world.visit("/clients/new", COOKIE).await.body);
    let again = world.submit("/clients", COOKIE, &wish(&token, "wrong")).await;
    assert_eq!(again.status, 400);
    for expected in [
        "The key set is not a JSON Web Key Set.",
        "Praxis &#60;i&#62;two&#60;/i&#62;",
        "it@clinic.example",
        &format!("value=\"{CLIENT}\""),
    ] {
        assert!(again.body.contains(expected), "{expected}: {}", again.body);
    }
    let refused = world.submit("/clients", COOKIE, &wish("nonsense", "{}")).await;
    assert_eq!(refused.status, 403);
    assert!(world.fakes.clients.registered.lock().unwrap().is_empty());
}

#[tokio::test]
async fn whoever_took_a_while_proves_it_again_and_loses_nothing() {
    let world = proven().await;
    let token = token_in(&world.visit("/clients/new", COOKIE).await.body);
    world.clock.set(world.clock.now() + SignedDuration::from_mins(6));
    let late = world.submit("/clients", COOKIE, &wish(&token, "{}")).await;
    assert_eq!(late.status, 400);
    assert!(late.body.contains("href=\"/prove-again\"") && late.body.contains("it@clinic.example"));
    let keys = [("csrf", token.as_str()), ("jwks", "{\"k\": 1}"), ("jwks_url", "")];
    let late = world.submit(&format!("/clients/{CLIENT}/keys"), COOKIE, &keys).await;
    assert!(
        late.body.contains("href=\"/prove-again\"") && late.body.contains("{&#34;k&#34;: 1}"),
        "{}",
        late.body
    );
    // Whoever has not proven it at all is not even shown the form.
    let door = world.visit("/clients/new", COOKIE).await;
    assert_eq!(door.header("location"), "/prove-again?next=%2Fclients%2Fnew");
    assert!(world.fakes.clients.registered.lock().unwrap().is_empty());
    assert!(world.fakes.clients.rotated.lock().unwrap().is_empty());
}

#[tokio::test]
async fn whoever_has_no_second_factor_is_led_to_where_it_is_set_up_before_any_form() {
    let world = proven().await;
    world.fakes.clients.factor_is_missing.store(true, std::sync::atomic::Ordering::SeqCst);
    for path in ["/clients", "/clients/new"] {
        let page = world.visit(path, COOKIE).await;
        assert_eq!((page.status.as_u16(), page.header("location")), (303, "/security"), "{path}");
    }
}

#[tokio::test]
async fn keys_are_changed_and_a_client_is_ended() {
    let world = proven().await;
    let place = format!("/clients/{CLIENT}");
    let token = world.token(&place, COOKIE).await;
    let keys =
        |jwks| [("csrf", token.as_str()), ("jwks", jwks), ("jwks_url", " https://clinic.example/new ")];
    let refused = world.submit(&format!("{place}/keys"), COOKIE, &keys("wrong")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("The key set is not a JSON Web Key Set."), "{}", refused.body);
    let changed = world.submit(&format!("{place}/keys"), COOKIE, &keys("")).await;
    assert_eq!((changed.status.as_u16(), changed.header("location")), (303, place.as_str()));
    assert_eq!(world.fakes.clients.rotated.lock().unwrap()[0].jwks_url, "https://clinic.example/new");

    let page = world.visit(&format!("{place}/disable"), COOKIE).await;
    assert!(page.body.contains("It cannot be undone."));
    assert!(world.fakes.clients.disabled.lock().unwrap().is_empty());
    let ended = world.submit(&format!("{place}/disable"), COOKIE, &[("csrf", &token)]).await;
    assert_eq!((ended.status.as_u16(), ended.header("location")), (303, place.as_str()));
    assert_eq!(*world.fakes.clients.disabled.lock().unwrap(), [CLIENT]);
    let page = world.visit(&place, COOKIE).await;
    assert!(
        page.body.contains("Disabled on")
            && !page.body.contains("/keys\"")
            && !page.body.contains("/disable")
    );
    assert_eq!(world.visit(&format!("{place}/disable"), COOKIE).await.header("location"), place);
}
