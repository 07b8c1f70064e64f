//! The pages of another e-mail address.

use super::*;

const COOKIE: &str = "__Host-candor=cs_alice";

#[tokio::test]
async fn another_address_is_asked_for_after_a_proof_waits_and_is_called_off() {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(0);
    let asked = world.visit("/security/address", COOKIE).await;
    assert_eq!(asked.header("location"), "/prove-again?next=%2Fsecurity%2Faddress");
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    let token = world.token("/security/address", COOKIE).await;
    let fields = |email| [("csrf", token.as_str()), ("email", email)];
    let wrong = world.submit("/security/address", COOKIE, &fields("<b>no")).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("The address is not an e-mail address we can write to."), "{}", wrong.body);
    assert!(
        wrong.body.contains("value=\"&#60;b&#62;no\""),
        "what was typed is there again, and only as text"
    );
    let done = world.submit("/security/address", COOKIE, &fields("new@example.org")).await;
    assert_eq!(done.header("location"), "/security");
    let page = world.visit("/security", COOKIE).await.body;
    assert!(page.contains("new@example.org waits to be confirmed."), "{page}");
    for _ in 0..2 {
        let off = world.submit("/security/address/cancel", COOKIE, &fields("")[..1]).await;
        assert_eq!(off.header("location"), "/security", "what is over already is no failure");
    }
    assert!(!world.visit("/security", COOKIE).await.body.contains("waits to be confirmed"));
}

#[tokio::test]
async fn a_link_confirms_only_for_whoever_is_signed_in_and_presses_the_button() {
    let world = World::new().await;
    *world.fakes.waiting_address.lock().unwrap() = Some("new@example.org".into());
    let stranger = world.visit("/security/address/confirm?token=good", "").await;
    assert!(
        stranger.header("location").starts_with("/sign-in?next=%2Fsecurity%2Faddress"),
        "{}",
        stranger.header("location")
    );
    let page = world.visit("/security/address/confirm?token=good", COOKIE).await.body;
    assert!(page.contains("name=\"token\" value=\"good\"") && !page.contains("new@example.org"), "{page}");
    assert!(world.fakes.waiting_address.lock().unwrap().is_some(), "looking changes nothing");
    let token = token_in(&page);
    let fields = |link| [("csrf", token.as_str()), ("token", link)];
    let other = world.submit("/security/address/confirm", COOKIE, &fields("other")).await;
    assert_eq!(other.status, 404);
    assert!(other.body.contains("belongs to another account"), "{}", other.body);
    let done = world.submit("/security/address/confirm", COOKIE, &fields("good")).await;
    assert!(done.body.contains("Your new address is confirmed"), "{}", done.body);
    let cut = world.visit("/security/address/confirm", COOKIE).await.body;
    assert!(cut.contains("This link is not complete"));
}

#[tokio::test]
async fn an_earlier_address_is_put_back_by_whoever_reads_its_mail_signed_in_or_not() {
    let world = World::new().await;
    let page = world.visit("/address/undo?token=good", "").await;
    let visit = page.cookies().join("; ");
    let token = token_in(&page.body);
    let fields = |link| [("csrf", token.as_str()), ("token", link)];
    let old = world.submit("/address/undo", &visit, &fields("old")).await;
    assert_eq!(old.status, 404);
    assert!(old.body.contains("too old or was used already"), "{}", old.body);
    let done = world.submit("/address/undo", &visit, &fields("good")).await;
    assert!(done.body.contains("Your address is back") && done.body.contains("href=\"/reset\""));
    // Somebody who is signed in to another account can use it as well.
    let page = world.visit("/address/undo?token=good", COOKIE).await.body;
    let token = token_in(&page);
    let done = world.submit("/address/undo", COOKIE, &[("csrf", &token), ("token", "good")]).await;
    assert_eq!(done.status, 200);
    assert!(world.visit("/address/undo", "").await.body.contains("This link is not complete"));
}
