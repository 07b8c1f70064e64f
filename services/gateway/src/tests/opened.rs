//! The pages of what is open to counselors: seen before, agreed to, taken back, read, and told of in the ledger.

use super::fakes::{ALICE, ENTRY};
use super::fakes_counselors::CARLA;
use super::fakes_opened::CONSENT;
use super::*;
use candor_proto::accounts::v1::{AccessPurpose, CareState, Receipt, Relation};
use candor_proto::options::v1::Scope;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";
const NAME: &str = "&#60;b&#62;Ben&#60;/b&#62;";
const MORE: &str = " &#34;&#38;&#39;";

async fn in_care(kind: &'static str) -> World {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    *world.fakes.kind.lock().unwrap() = kind;
    *world.fakes.care.state.lock().unwrap() = CareState::Active;
    world
}

#[tokio::test]
async fn a_member_sees_first_agrees_and_takes_it_back_with_one_button() {
    let world = in_care("member").await;
    let page = world.visit("/care/c-1/open", COOKIE).await.body;
    for expected in
        ["Nothing of yours is open to them.", "Carla &#60;b&#62;Roth", "taken back", "/care/c-1/open/preview"]
    {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let preview = world.visit("/care/c-1/open/preview?what=entries&purpose=3&days=30", COOKIE).await.body;
    for expected in [
        "All your entries, for preparing a session.",
        "There are 42 now",
        NAME,
        "<strong>knowing</strong>",
        "Version 4 of these words, in Spanish.",
        "<div class=\"prose\" lang=\"es\"><p>Lo abro",
        "name=\"lang\" value=\"es\"",
    ] {
        assert!(preview.contains(expected), "{expected}: {preview}");
    }
    assert!(!preview.contains("<img") && !preview.contains("javascript:alert(1)\u{22}"), "{preview}");
    assert_eq!(
        *world.fakes.opened.read.lock().unwrap(),
        [(String::new(), false)],
        "one's own, without any capability"
    );
    let token = token_in(&preview);
    let agreed = |version: &'static str| {
        [
            ("csrf", token.as_str()),
            ("what", "entries"),
            ("item", ""),
            ("purpose", "3"),
            ("days", "30"),
            ("version", version),
            ("lang", "es"),
        ]
    };
    let done = world.submit("/care/c-1/open", COOKIE, &agreed("4")).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/care/c-1/open"));
    let sent = world.fakes.opened.granted.lock().unwrap().remove(0);
    assert_eq!((sent.counselor_account_id.as_str(), sent.scope), (CARLA, Scope::Entries as i32));
    assert_eq!(
        (sent.purpose, sent.text_id.as_str(), sent.text_version, sent.text_locale.as_str()),
        (AccessPurpose::Session as i32, "entries-to-counselor", 4, "es"),
        "in the version and language that were shown"
    );
    let days = sent.expire_time.unwrap().seconds - world.clock.now().as_second();
    assert_eq!(days, 30 * 24 * 60 * 60);

    world.fakes.opened.open.store(true, Ordering::SeqCst);
    let page = world.visit("/care/c-1/open", COOKIE).await.body;
    assert!(page.contains("All your entries") && page.contains("For your work together."), "{page}");
    assert!(page.contains("You agreed to: entries-to-counselor, version 1, in German."), "{page}");
    // Long after the proof it is taken back all the same.
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second() - 6000);
    let place = format!("/care/c-1/open/{CONSENT}/withdraw");
    assert!(page.contains(&place), "{page}");
    let done = world.submit(&place, COOKIE, &[("csrf", &token_in(&page))]).await;
    assert_eq!(done.header("location"), "/care/c-1/open");
    assert_eq!(*world.fakes.opened.revoked.lock().unwrap(), [CONSENT]);
    assert_eq!(world.submit(&place, COOKIE, &[]).await.status, 403, "a form without its token");
}

#[tokio::test]
async fn what_is_refused_shows_what_would_be_seen_and_the_words_that_count_again() {
    let world = in_care("member").await;
    let preview =
        world.visit(&format!("/care/c-1/open/preview?what=entries&item={ENTRY}"), COOKIE).await.body;
    assert!(preview.contains("One entry, for your work together."), "{preview}");
    let token = token_in(&preview);
    let fields = [("csrf", token.as_str()), ("what", "entries"), ("item", ENTRY), ("version", "3")];
    let said = ("CONSENT_TEXT_CHANGED", "The words of this consent are others by now.");
    *world.fakes.opened.refusal.lock().unwrap() = Some(said);
    let refused = world.submit("/care/c-1/open", COOKIE, &fields).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.contains(said.1) && refused.body.contains("Version 4") && refused.body.contains(NAME)
    );
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second() - 600);
    let unproven = world.submit("/care/c-1/open", COOKIE, &fields).await.body;
    assert!(unproven.contains("prove again that it is you"), "{unproven}");
    for nowhere in [
        "/care/somebody-elses/open",
        "/care/c-1/open/preview?what=patterns",
        "/care/c-1/open/preview?what=moods&item=x",
    ] {
        assert_eq!(world.visit(nowhere, COOKIE).await.status, 404, "{nowhere}");
    }
    // Of care that is over, or on hold, nothing new is opened.
    *world.fakes.care.on_hold.lock().unwrap() = true;
    let page = world.visit("/care/c-1/open", COOKIE).await.body;
    assert!(
        page.contains("Nothing can be opened to them at the moment.") && !page.contains("Look at it first")
    );
}

#[tokio::test]
async fn the_words_are_read_in_another_language_without_saying_the_wish_again() {
    let world = in_care("member").await;
    let preview = world.visit("/care/c-1/open/preview?what=entries&purpose=3&days=30", COOKIE).await.body;
    let german = "/care/c-1/open/preview?what=entries&#38;item=&#38;purpose=3&#38;days=30&#38;lang=de#words";
    assert!(
        preview.contains(&format!("href=\"{german}\" hreflang=\"de\" lang=\"de\">Deutsch</a>")),
        "{preview}"
    );
    // A language that nothing here has a name for is said by its tag, and the one that is shown is not offered.
    assert!(preview.contains(">pt-BR</a>") && !preview.contains(">Español</a>"), "{preview}");
    let place = german.replace("&#38;", "&").replace("#words", "");
    let page = world.visit(&place, COOKIE).await.body;
    for expected in
        ["lang=\"de\"><p>Ich öffne es", "of these words, in German.", "All your entries, for preparing"]
    {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    // A refusal shows the words that were read again, and what is no tag is not asked for.
    let token = token_in(&page);
    let said = ("CONSENT_TEXT_CHANGED", "The words of this consent are others by now.");
    *world.fakes.opened.refusal.lock().unwrap() = Some(said);
    let fields = [("csrf", token.as_str()), ("what", "entries"), ("version", "3"), ("lang", "de")];
    let refused = world.submit("/care/c-1/open", COOKIE, &fields).await;
    assert!(refused.body.contains("Ich öffne es") && refused.body.contains(said.1), "{}", refused.body);
    let odd = world.visit("/care/c-1/open/preview?what=entries&lang=%3Cb%3E", COOKIE).await.body;
    assert!(odd.contains("Lo abro"), "{odd}");
}

#[tokio::test]
async fn a_counselor_reads_what_is_open_with_a_capability_and_nothing_else() {
    let world = in_care("counselor").await;
    let page = world.visit("/practice/opened", COOKIE).await.body;
    let (all, one) =
        (format!("/practice/opened/{ALICE}/entries"), format!("/practice/opened/{ALICE}/entries/{ENTRY}"));
    for expected in [
        NAME,
        "For preparing a session, and nothing else.",
        &format!("{all}\u{22}"),
        &one,
        "/practice/opened?from=a%2Bb",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let closed = world.visit(&all, COOKIE).await;
    assert_eq!(closed.status, 404);
    world.fakes.opened.open.store(true, Ordering::SeqCst);
    let seen = world.visit(&all, COOKIE).await.body;
    for expected in [NAME, "There are 42 in all.", &format!("{all}?from=e%2B1"), "stands in their ledger"] {
        assert!(seen.contains(expected), "{expected}: {seen}");
    }
    assert!(!seen.contains("<img"), "{seen}");
    assert_eq!(world.visit(&one, COOKIE).await.status, 200);
    let asked = world.fakes.two.opened.lock().unwrap().clone();
    let asked: Vec<_> = asked.iter().map(|wish| (wish.scope, wish.item_id.as_str())).collect();
    let entries = Scope::Entries as i32;
    assert_eq!(asked, [(entries, ""), (entries, ""), (entries, ENTRY)]);
    assert!(world.fakes.opened.read.lock().unwrap().iter().all(|(owner, shown)| owner == ALICE && *shown));
    for other in ["moods", "self-checks"] {
        assert_eq!(world.visit(&format!("/practice/opened/{ALICE}/{other}"), COOKIE).await.status, 404);
    }
    for nowhere in [
        "/practice/opened/nobody/entries",
        &format!("/practice/opened/{ALICE}/patterns"),
        &format!("{all}/x"),
    ] {
        assert_eq!(world.visit(nowhere, COOKIE).await.status, 404, "{nowhere}");
    }
}

#[tokio::test]
async fn the_preview_and_the_reading_show_the_very_same() {
    let world = in_care("counselor").await;
    world.fakes.opened.open.store(true, Ordering::SeqCst);
    let part = |body: &str| {
        let from = body.find("<article class=\"rendering\"").unwrap();
        let until = body.rfind("</details>").unwrap();
        body[from..until].to_owned()
    };
    let read = world.visit(&format!("/practice/opened/{ALICE}/entries"), COOKIE).await.body;
    *world.fakes.kind.lock().unwrap() = "member";
    let preview = world.visit("/care/c-1/open/preview?what=entries", COOKIE).await.body;
    assert_eq!(part(&read), part(&preview));
}

#[tokio::test]
async fn the_ledger_says_who_read_what_when_and_under_which_consent() {
    let world = in_care("member").await;
    world.fakes.opened.open.store(true, Ordering::SeqCst);
    let read = Receipt {
        receipt_id: "r-1".into(),
        reader_account_id: CARLA.into(),
        relation: Relation::Counselor.into(),
        scope: Scope::Entries.into(),
        item_ids: (0..7).map(|at| format!("0195f1c2-7f00-4000-8000-{at:012}")).collect(),
        read_time: Some(prost_types::Timestamp { seconds: world.clock.now().as_second() - 60, nanos: 0 }),
        consent_id: CONSENT.into(),
    };
    let unknown = Receipt {
        consent_id: "gone".into(),
        scope: Scope::Moods.into(),
        item_ids: vec!["m".into()],
        ..read.clone()
    };
    *world.fakes.opened.receipts.lock().unwrap() = vec![read, unknown];
    let page = world.visit("/ledger", COOKIE).await.body;
    for expected in [
        "read 7 entries of yours. You opened it on ",
        ", for your work together.",
        "/entries/0195f1c2-7f00-4000-8000-000000000004",
        "A counselor of yours</bdi> read a mood of yours.",
        "What a counselor or software reads stands here exactly.",
        "/care/c-1/open\u{22}><strong>All your entries",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    // A partner's words are as before, and a counselor's read is never put into their mouth.
    assert_eq!(page.matches("and said so").count(), 1, "{page}");
    assert!(!page.contains("000000000005"), "five of them are led to: {page}");
}

#[tokio::test]
async fn whoever_writes_is_told_who_can_read_it() {
    let world = in_care("member").await;
    let closed = world.visit("/write", COOKIE).await.body;
    assert!(
        closed.contains("Only you can read this, unless you share or open some of it yourself."),
        "{closed}"
    );
    world.fakes.opened.open.store(true, Ordering::SeqCst);
    let open = world.visit("/write", COOKIE).await.body;
    assert!(
        open.contains("Your entries are open to") && open.contains(NAME) && !open.contains("Only you can"),
        "{open}"
    );
}

#[tokio::test]
async fn what_is_open_to_a_counselor_is_shown_whole_behind_a_hundred_that_are_over() {
    let world = in_care("member").await;
    world.fakes.opened.open.store(true, Ordering::SeqCst);
    world.fakes.opened.ended_since.store(101, Ordering::SeqCst);
    let page = world.visit("/care/c-1/open", COOKIE).await.body;
    assert!(page.contains(&format!("/care/c-1/open/{CONSENT}/withdraw")), "it can be taken back: {page}");
    assert!(!page.contains("Nothing of yours is open"), "{page}");
    // What is over stands in pages, each of which leads to the one before.
    let past =
        |page: &str| page.split("id=\"over\"").nth(1).unwrap_or_default().matches("class=\"read\"").count();
    let mut places = vec!["/care/c-1/open".to_owned()];
    let mut seen = past(&page);
    let mut current = page;
    while let Some((_, rest)) = current.split_once("href=\"/care/c-1/open?before=") {
        let place = format!("/care/c-1/open?before={}", rest.split(['"', '#']).next().unwrap());
        current = world.visit(&place, COOKIE).await.body;
        assert!(
            current.contains(&format!("{CONSENT}/withdraw")),
            "what is open stands on every page: {current}"
        );
        seen += past(&current);
        places.push(place);
    }
    assert_eq!((seen, places.len()), (102, 6));

    let read = Receipt {
        receipt_id: "r-1".into(),
        reader_account_id: CARLA.into(),
        relation: Relation::Counselor.into(),
        scope: Scope::Entries.into(),
        item_ids: vec![ENTRY.into()],
        read_time: world.fakes.timestamp(-60),
        consent_id: CONSENT.into(),
    };
    *world.fakes.opened.receipts.lock().unwrap() = vec![read];
    let ledger = world.visit("/ledger", COOKIE).await.body;
    let open = ledger.split("id=\"reads\"").next().unwrap();
    assert!(open.contains("<strong>All your entries") && !open.contains("Nothing you"), "{open}");
    for expected in
        [format!("To your counselor <bdi>{NAME}{MORE}</bdi>, since <time"), ", until <time".to_owned()]
    {
        assert!(open.contains(&expected), "{expected}: {open}");
    }
    for expected in
        [format!("<bdi>{NAME}{MORE}</bdi> read an entry of yours."), "You opened it on <time".to_owned()]
    {
        assert!(ledger.contains(&expected), "{expected}: {ledger}");
    }
}
