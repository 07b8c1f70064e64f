//! The pages of what is open to software: found, seen before, agreed to, taken back, and told of in the ledger.

use super::fakes::ENTRY;
use super::fakes_clients::CLIENT;
use super::fakes_software::GIVEN;
use super::*;
use candor_proto::accounts::v1::{AccessPurpose, Receipt, Relation};
use candor_proto::options::v1::Scope;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";
const NAME: &str = "&#60;b&#62;Ben&#60;/b&#62;";
const MORE: &str = " &#34;&#38;&#39;";

async fn proven() -> World {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    world
}

fn place() -> String {
    format!("/software/{CLIENT}")
}

#[tokio::test]
async fn a_member_finds_software_and_reads_who_answers_for_it_and_what_it_means() {
    let world = proven().await;
    let page = world.visit("/software", COOKIE).await.body;
    for expected in [
        "Nothing of yours is open to software.",
        "It may keep copies of what it reads.",
        "It does not fetch copies back.",
        NAME,
        "Progress &#60;i&#62;notes",
        "It belongs to the house",
        "it@clinic.example",
        "software that is not known any more",
        "over with the software",
        "/software?from=a%2Bb",
        &format!("href=\"{}\"", place()),
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains("<i>") && !page.contains("<b>Ben"), "{page}");
    world.fakes.software.carlas.store(true, Ordering::SeqCst);
    let page = world.visit("/software", COOKIE).await.body;
    assert!(page.contains("It belongs to your counselor <bdi>Carla &#60;b&#62;Roth"), "{page}");
    assert!(world.visit("/software", "").await.header("location").starts_with("/sign-in"));
    for from in ["/ledger", "/care"] {
        assert!(world.visit(from, COOKIE).await.body.contains("href=\"/software\""), "{from}");
    }
    let entry = world.visit(&format!("/entries/{ENTRY}"), COOKIE).await.body;
    assert!(entry.contains(&format!("/software?entry={ENTRY}")), "{entry}");
    let page = world.visit(&format!("/software?entry={ENTRY}"), COOKIE).await.body;
    assert!(page.contains(&format!("{}?entry={ENTRY}", place())), "{page}");
}

#[tokio::test]
async fn they_see_first_agree_and_take_it_back_with_one_button() {
    let world = proven().await;
    let choose = world.visit(&place(), COOKIE).await.body;
    for expected in ["value=\"entries\"", "value=\"moods\"", "What it says it is for", "/preview"] {
        assert!(choose.contains(expected), "{expected}: {choose}");
    }
    assert!(!choose.contains("value=\"self-checks\""), "what it is not registered for: {choose}");
    let preview = world.visit(&format!("{}/preview?what=entries&days=30", place()), COOKIE).await.body;
    for expected in [
        "All your entries, for what it says it is for.",
        "There are 42 now",
        NAME,
        "<strong>knowing</strong>",
        "Version 4 of these words, in Spanish.",
        "What a program has read, it may keep.",
        "days=30&#38;lang=de#words\" hreflang=\"de\"",
    ] {
        assert!(preview.contains(expected), "{expected}: {preview}");
    }
    assert_eq!(*world.fakes.opened.read.lock().unwrap(), [(String::new(), false)], "one's own");
    let token = token_in(&preview);
    let fields = [
        ("csrf", token.as_str()),
        ("what", "entries"),
        ("item", ""),
        ("purpose", "4"),
        ("days", "30"),
        ("version", "4"),
        ("lang", "de"),
    ];
    let done = world.submit(&place(), COOKIE, &fields).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/software"));
    let sent = world.fakes.software.granted.lock().unwrap().remove(0);
    assert_eq!((sent.client_id.as_str(), sent.scope), (CLIENT, Scope::Entries as i32));
    assert_eq!(
        (sent.purpose, sent.text_id.as_str(), sent.text_version, sent.text_locale.as_str()),
        (AccessPurpose::Stated as i32, "entries-to-software", 4, "de")
    );
    let days = sent.expire_time.unwrap().seconds - world.clock.now().as_second();
    assert_eq!(days, 30 * 24 * 60 * 60);

    world.fakes.software.open.store(true, Ordering::SeqCst);
    // Long after the proof it is taken back all the same.
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second() - 6000);
    let page = world.visit("/software", COOKIE).await.body;
    let withdraw = format!("/software/consents/{GIVEN}/withdraw");
    assert!(page.contains("All your entries") && page.contains(&withdraw), "{page}");
    assert!(page.contains("You agreed to: entries-to-software, version 1, in German."), "{page}");
    let done = world.submit(&withdraw, COOKIE, &[("csrf", &token_in(&page))]).await;
    assert_eq!(done.header("location"), "/software");
    assert_eq!(*world.fakes.software.revoked.lock().unwrap(), [GIVEN]);
    assert_eq!(world.submit(&withdraw, COOKIE, &[]).await.status, 403, "a form without its token");
}

#[tokio::test]
async fn what_is_refused_shows_what_would_be_read_and_the_words_that_count_again() {
    let world = proven().await;
    let one = format!("{}/preview?what=entries&item={ENTRY}", place());
    let preview = world.visit(&one, COOKIE).await.body;
    assert!(preview.contains("One entry, for what it says it is for."), "{preview}");
    let token = token_in(&preview);
    let fields = [("csrf", token.as_str()), ("what", "entries"), ("item", ENTRY), ("version", "3")];
    let said = ("CONSENT_TEXT_CHANGED", "The words of this consent are others by now.");
    *world.fakes.software.refusal.lock().unwrap() = Some(said);
    let refused = world.submit(&place(), COOKIE, &fields).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.contains(said.1) && refused.body.contains("Version 4") && refused.body.contains(NAME)
    );
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second() - 600);
    let unproven = world.submit(&place(), COOKIE, &fields).await.body;
    assert!(unproven.contains("prove again that it is you"), "{unproven}");
    let nowhere = [
        "/software/somebody-elses".to_owned(),
        "/software/somebody-elses/preview?what=entries".to_owned(),
        format!("{}/preview?what=patterns", place()),
        format!("{}/preview?what=moods&item=x", place()),
    ];
    for nowhere in nowhere {
        assert_eq!(world.visit(&nowhere, COOKIE).await.status, 404, "{nowhere}");
    }
}

#[tokio::test]
async fn the_ledger_says_which_software_read_what_and_under_which_consent() {
    let world = proven().await;
    world.fakes.software.open.store(true, Ordering::SeqCst);
    let read = Receipt {
        receipt_id: "r-1".into(),
        reader_account_id: CLIENT.into(),
        relation: Relation::Software.into(),
        scope: Scope::Entries.into(),
        item_ids: (0..7).map(|at| format!("0195f1c2-7f00-4000-8000-{at:012}")).collect(),
        read_time: Some(prost_types::Timestamp { seconds: world.clock.now().as_second() - 60, nanos: 0 }),
        consent_id: GIVEN.into(),
    };
    let unknown = Receipt { consent_id: "gone".into(), ..read.clone() };
    *world.fakes.opened.receipts.lock().unwrap() = vec![read, unknown];
    let page = world.visit("/ledger", COOKIE).await.body;
    for expected in [
        "read 7 entries of yours. You opened it on ",
        ", for what it says it is for.",
        "<bdi>Software</bdi> read 7 entries of yours.",
        "/entries/0195f1c2-7f00-4000-8000-000000000004",
        "What a counselor or software reads stands here exactly.",
        "/software\"><strong>All your entries",
        &format!("<bdi>The software {NAME}"),
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
}

#[tokio::test]
async fn whoever_writes_is_told_which_software_can_read_it() {
    let world = proven().await;
    let closed = world.visit("/write", COOKIE).await.body;
    assert!(closed.contains("Only you can read this"), "{closed}");
    world.fakes.software.open.store(true, Ordering::SeqCst);
    let open = world.visit("/write", COOKIE).await.body;
    assert!(open.contains("Your entries are open to software:") && open.contains(NAME), "{open}");
    assert!(!open.contains("Only you can"), "{open}");
}

#[tokio::test]
async fn whoever_holds_software_sees_how_much_is_open_to_it_and_never_whose_it_is() {
    let world = proven().await;
    *world.fakes.kind.lock().unwrap() = "operator";
    let page = world.visit(&format!("/clients/{CLIENT}"), COOKIE).await.body;
    assert!(page.contains("17 things are open to it at the moment. Whose they are is not shown"), "{page}");
}

#[tokio::test]
async fn what_is_open_to_software_is_shown_whole_behind_a_hundred_that_are_over() {
    let world = proven().await;
    world.fakes.software.open.store(true, Ordering::SeqCst);
    world.fakes.software.ended_since.store(101, Ordering::SeqCst);
    let page = world.visit("/software", COOKIE).await.body;
    assert!(page.contains(&format!("/software/consents/{GIVEN}/withdraw")), "it can be taken back: {page}");
    assert!(page.contains("href=\"/software?before=20#over\""), "{page}");
    let last = world.visit("/software?before=100", COOKIE).await.body;
    assert!(last.contains(&format!("{GIVEN}/withdraw")) && !last.contains("?before="), "{last}");
    assert_eq!(last.split("id=\"over\"").nth(1).unwrap().matches("class=\"read\"").count(), 2, "{last}");

    let read = Receipt {
        receipt_id: "r-1".into(),
        reader_account_id: CLIENT.into(),
        relation: Relation::Software.into(),
        scope: Scope::Entries.into(),
        item_ids: vec![ENTRY.into()],
        read_time: world.fakes.timestamp(-60),
        consent_id: GIVEN.into(),
    };
    *world.fakes.opened.receipts.lock().unwrap() = vec![read];
    let ledger = world.visit("/ledger", COOKIE).await.body;
    let open = ledger.split("id=\"reads\"").next().unwrap();
    for expected in [format!("To software: <bdi>{NAME}{MORE}</bdi>, since <time"), ", until <time".to_owned()]
    {
        assert!(open.contains(&expected), "{expected}: {open}");
    }
    assert!(!open.contains("Nothing you"), "{open}");
    assert!(
        ledger.contains(&format!("The software {NAME}{MORE}</bdi> read an entry of yours. You opened it on")),
        "{ledger}"
    );
}
