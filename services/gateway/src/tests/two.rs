//! Two people: reading of another person over REST, and the pages of what they share.

use super::fakes::{ALICE, ENTRY, PASSPORT, SECRET, speaking_passport};
use super::two_fakes::{BEN, CODE, MINE, PAUSE, THEIRS};
use super::*;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";
/// Ben's name as a page may show it.
pub(super) const NAME: &str = "&#60;b&#62;Ben&#60;/b&#62; &#34;&#38;&#39;";
const OTHER: &str = "0195f1c2-7f00-7000-8000-0000000000ff";

impl World {
    /// What accounts was asked to open: owner, scope, item.
    fn asked_to_open(&self) -> Vec<(String, i32, String)> {
        let opened = self.fakes.two.opened.lock().unwrap();
        opened.iter().map(|o| (o.owner_account_id.clone(), o.scope, o.item_id.clone())).collect()
    }

    /// The capabilities of the calls that can read of another person.
    fn brought(&self) -> Vec<Option<String>> {
        self.fakes.two.brought.lock().unwrap().clone()
    }

    /// Sends a form with the token it needs.
    pub(super) async fn press(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token("/invitation", cookie).await;
        let fields: Vec<_> = [("csrf", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.submit(path, cookie, &fields).await
    }
}

pub(super) fn has_nothing_hostile(page: &str) {
    for hostile in ["<b>Ben", "<img src=x", "javascript:", "<i>it", "href=\"/sign-out\"", "<script>"] {
        assert!(!page.contains(hostile), "{hostile}: {page}");
    }
}

#[tokio::test]
async fn what_is_anothers_is_opened_once_for_each_call() {
    let one = format!("/v1/accounts/{BEN}/shares/{THEIRS}");
    let (all, shouted) = (format!("/v1/accounts/{BEN}/shares"), one.replace(BEN, &BEN.to_uppercase()));
    let (answer, speaking) = (format!("{one}:answer"), speaking_passport());
    let body = r#"{"body": "I hear you"}"#;
    for (method, path, bearer, body, item) in [
        ("GET", &one, SECRET, "", THEIRS),
        ("GET", &one, PASSPORT, "", THEIRS),
        ("GET", &one, speaking.as_str(), "", THEIRS),
        ("GET", &shouted, SECRET, "", THEIRS),
        ("GET", &all, SECRET, "", ""),
        ("POST", &answer, SECRET, body, THEIRS),
    ] {
        let world = World::new().await;
        for time in 1..3_usize {
            let answer = world.call(method, path, Some(bearer), body).await;
            assert_eq!(answer.status == 200, !path.contains("B2"), "{path}: {}", answer.body);
            let opened = world.asked_to_open();
            assert_eq!(opened.len(), time, "{path}: one opening for each call, none held");
            assert!(opened[time - 1].0.eq_ignore_ascii_case(BEN), "{path}");
            assert_eq!((opened[time - 1].1, opened[time - 1].2.as_str()), (1, item), "{path}");
            let brought = if path.contains("B2") { vec![] } else { vec![Some(format!("capability-{time}"))] };
            assert_eq!(world.brought().split_off(brought.len() * (time - 1)), brought, "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_ones_own_is_not_opened() {
    let world = World::new().await;
    let speaking = speaking_passport();
    for bearer in [SECRET, speaking.as_str()] {
        for owner in [ALICE.to_owned(), ALICE.to_uppercase()] {
            world.call("GET", &format!("/v1/accounts/{owner}/shares/{THEIRS}"), Some(bearer), "").await;
        }
        // An RPC of the same kind whose owner may be left out, and one that names nobody at all.
        world.call("GET", &format!("/v1/checkIns/{OTHER}"), Some(bearer), "").await;
        world.call("GET", "/v1/entries", Some(bearer), "").await;
    }
    assert_eq!(world.asked_to_open(), []);
    assert!(world.brought().iter().all(Option::is_none));
}

#[tokio::test]
async fn a_refusal_to_open_is_the_answer_and_nothing_is_called() {
    let world = World::new().await;
    for path in [format!("/v1/accounts/{OTHER}/shares"), format!("/v1/accounts/{OTHER}/shares/{THEIRS}")] {
        let answer = world.call("GET", &path, Some(SECRET), "").await;
        assert_eq!((answer.status.as_u16(), answer.json()["reason"].as_str()), (404, Some("NOT_FOUND")));
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let gone = world.call("GET", &format!("/v1/accounts/{OTHER}/shares"), Some("forged"), "").await;
    assert_eq!(gone.status, 401);
    assert_eq!(world.brought(), []);
    // What is no id is the service's to refuse, by the name of its field.
    for path in [format!("/v1/accounts/nobody/shares/{THEIRS}"), format!("/v1/accounts/{BEN}/shares/nothing")]
    {
        let opened = world.asked_to_open().len();
        let answer = world.call("GET", &path, Some(SECRET), "").await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.body);
        assert_eq!(world.asked_to_open().len(), opened, "{path}");
    }
    // And what is not there once it is open is the other service's word.
    let answer = world.call("GET", &format!("/v1/accounts/{BEN}/shares/{OTHER}"), Some(SECRET), "").await;
    assert_eq!((answer.status.as_u16(), answer.json()["reason"].as_str()), (404, Some("SHARE_NOT_FOUND")));
}

#[tokio::test]
async fn a_client_may_bring_what_it_opened_itself() {
    let world = World::new().await;
    let read = |capabilities: &[&str]| {
        let mut request = Request::get(format!("/v1/accounts/{BEN}/shares/{THEIRS}"))
            .header("authorization", format!("Bearer {SECRET}"));
        for capability in capabilities {
            request = request.header("candor-capability", *capability);
        }
        request.body(Body::empty()).unwrap()
    };
    assert_eq!(world.send(read(&["capability-of-mine"])).await.status, 200);
    assert_eq!(
        (world.asked_to_open(), world.brought()),
        (vec![], vec![Some("capability-of-mine".to_owned())])
    );
    let long = "x".repeat(5000);
    for wrong in [&["capability-1", "capability-2"][..], &[long.as_str()]] {
        let answer = world.send(read(wrong)).await;
        assert_eq!(answer.json()["reason"], "CAPABILITY_INVALID");
        assert_eq!(answer.status, 403);
    }
    assert_eq!(world.send(read(&["something else"])).await.json()["reason"], "CAPABILITY_REQUIRED");
    assert_eq!(world.brought().len(), 2, "what cannot be one goes nowhere");
    assert_eq!(world.asked_to_open(), []);
    // Where nothing is read of anybody else, it is nobody's business.
    let own = Request::get("/v1/entries").header("authorization", format!("Bearer {SECRET}"));
    let own = own.header("candor-capability", long).body(Body::empty()).unwrap();
    assert_eq!(world.send(own).await.status, 200);
}

#[tokio::test]
async fn the_pages_of_two_show_hostile_words_as_words() {
    let world = World::new().await;
    let one = format!("/shared/{MINE}");
    let (share, theirs) = (format!("/share?entry={ENTRY}"), format!("/received/{THEIRS}"));
    for (path, says) in [
        ("/couple", NAME),
        ("/couple/unlink", NAME),
        ("/shared", "before &#60;i&#62;it"),
        (&one, "<em>soft</em>"),
        ("/received", NAME),
        (&theirs, "<em>soft</em>"),
        (&share, "&#60;script&#62;"),
        ("/answers", "<em>soft</em>"),
        ("/ledger", NAME),
    ] {
        let page = world.visit(path, COOKIE).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        assert!(page.body.contains(says), "{path} lacks {says}: {}", page.body);
        has_nothing_hostile(&page.body);
        let lost = world.visit(path, "").await;
        assert!(lost.header("location").starts_with("/sign-in?next="), "{path}");
    }
    let entry = world.visit(&format!("/entries/{ENTRY}"), COOKIE).await.body;
    assert!(entry.contains(&format!("href=\"/share?entry={ENTRY}\"")));
    // Each page that reads of Ben opened it for itself.
    let items: Vec<_> = world
        .asked_to_open()
        .into_iter()
        .map(|(owner, scope, item)| {
            assert_eq!(owner.as_str(), BEN);
            (scope, item)
        })
        .collect();
    // An answer is a scope of its own.
    assert_eq!(items, [(4, MINE.into()), (1, "".into()), (1, THEIRS.into())]);
    assert!(world.brought().iter().all(Option::is_some));
}

#[tokio::test]
async fn nothing_is_done_without_the_token() {
    let world = World::new().await;
    let one = |action: &str| format!("/shared/{MINE}/{action}");
    let theirs = |action: &str| format!("/received/{THEIRS}/{action}");
    let fields =
        [("own_name", "Alice"), ("code", CODE), ("adult", "yes"), ("reason", "1"), ("body", "words")];
    for path in [
        "/couple/invite",
        "/couple/cancel",
        "/couple/unlink",
        "/couple/unlink/cancel",
        "/invitation",
        "/invitation/keep",
        "/invitation/accept",
        "/invitation/decline",
        "/invitation/block",
        "/invitation/report",
        "/share",
        "/share/preview",
        &one("withdraw"),
        &one("rate"),
        &theirs("answer"),
        &theirs("tell"),
    ] {
        assert_eq!(world.submit(path, COOKIE, &fields).await.status, 403, "{path}");
    }
    let two = &world.fakes.two;
    assert!(two.said.lock().unwrap().is_empty() && two.invited.lock().unwrap().is_empty());
    assert!(two.accepted.lock().unwrap().is_empty() && two.shared.lock().unwrap().is_empty());
    assert!(two.withdrawn.lock().unwrap().is_empty() && two.answered.lock().unwrap().is_empty());
    assert!(!two.parted.load(Ordering::SeqCst));
}

#[tokio::test]
async fn what_is_not_open_is_one_page_whatever_the_reason() {
    let world = World::new().await;
    let page = async |path: &str| {
        let page = world.visit(path, COOKIE).await;
        (page.status.as_u16(), page.body)
    };
    let unknown = page(&format!("/received/{OTHER}")).await;
    assert_eq!(unknown.0, 404);
    for path in ["/received/nothing", "/shared/nothing", "/share", "/share?entry=x"] {
        assert_eq!(page(path).await, unknown, "{path}");
    }
    assert_eq!(page(&format!("/share?entry={OTHER}")).await, unknown);
    assert_eq!(page(&format!("/shared/{OTHER}")).await, unknown);
    world.fakes.two.closed.store(true, Ordering::SeqCst);
    assert_eq!(page(&format!("/received/{THEIRS}")).await, unknown, "taken back");
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    assert_eq!(page(&format!("/received/{THEIRS}")).await, unknown, "not linked");
    let stranger = page("/couple").await;
    assert!(stranger.1.contains("You are not linked.") && !stranger.1.contains("Ben"));
}

#[tokio::test]
async fn what_was_received_is_answered_and_told() {
    let world = World::new().await;
    let page = world.visit(&format!("/received/{THEIRS}"), COOKIE).await.body;
    assert!(page.contains("What I hear is") && page.contains("comfort") && page.contains("never learns"));
    let path = format!("/received/{THEIRS}/answer");
    let done = world.press(&path, COOKIE, &[("body", "I hear\r\nyou")]).await;
    assert_eq!(done.header("location"), format!("/received/{THEIRS}"), "{}", done.body);
    assert_eq!(*world.fakes.two.answered.lock().unwrap(), ["I hear\nyou"]);
    let told = world.press(&format!("/received/{THEIRS}/tell"), COOKIE, &[]).await;
    assert_eq!((told.status.as_u16(), world.fakes.two.told.lock().unwrap().len()), (303, 1));

    // Words come back when they cannot be given.
    let stale = world.submit(&path, COOKIE, &[("csrf", "old"), ("body", "long <b>words")]).await;
    assert!(
        stale.status == 403
            && stale.body.contains("long &#60;b&#62;words")
            && stale.body.contains("<button type=\"submit\">Answer")
    );
    world.fakes.two.closed.store(true, Ordering::SeqCst);
    let closed = world.press(&path, COOKIE, &[("body", "long words")]).await;
    assert_eq!(closed.status, 404);
    assert!(closed.body.contains("long words") && closed.body.contains("readonly"), "{}", closed.body);
    let gone = world.submit(&path, "__Host-candor=cs_nobody", &[("body", "long words")]).await;
    assert!(gone.status == 401 && gone.body.contains("long words"));
    assert_eq!(world.fakes.two.answered.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn ones_own_share_is_seen_rated_and_taken_back() {
    let world = World::new().await;
    let one = format!("/shared/{MINE}");
    let page = world.visit(&one, COOKIE).await.body;
    assert!(page.contains("The answer") && page.contains("Only you ever see this."));
    assert!(page.contains("name=\"understood\" value=\"4\" checked"), "{page}");
    assert!(page.contains("that they read it"));
    let rated = world.press(&format!("/shared/{MINE}/rate"), COOKIE, &[("understood", "5")]).await;
    assert_eq!(rated.header("location"), one);
    assert_eq!(*world.fakes.two.rated.lock().unwrap(), [5]);
    let back = world.press(&format!("/shared/{MINE}/withdraw"), COOKIE, &[]).await;
    assert_eq!(back.header("location"), one);
    assert_eq!(*world.fakes.two.withdrawn.lock().unwrap(), [MINE]);
    let other = world.press(&format!("/shared/{OTHER}/withdraw"), COOKIE, &[]).await;
    assert_eq!(other.status, 404);
    // Without a link the share stays the owner's; the answer is not open, and nothing is asked for.
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    let opened = world.asked_to_open().len();
    let page = world.visit(&one, COOKIE).await.body;
    assert!(page.contains("There is an answer, but it is not open to you now."), "{page}");
    assert!(page.contains("somebody you linked with") && !page.contains("Take it back"));
    assert_eq!(world.asked_to_open().len(), opened);
}

#[tokio::test]
async fn parting_says_what_happens_and_asks_no_reason() {
    let world = World::new().await;
    let page = world.visit("/couple/unlink", COOKIE).await.body;
    for words in ["no reason", "You are not linked.", "somebody you trust", "emergency number"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("<textarea") && !page.contains("type=\"radio\""));
    // Where one is signed in, before and after.
    assert!(page.contains("href=\"/sessions\"") && page.contains("(this one)"), "{page}");
    assert_eq!(world.press("/couple/unlink", COOKIE, &[]).await.header("location"), "/couple/parted");
    let after = world.visit("/couple/parted", COOKIE).await.body;
    for words in ["You are not linked", "href=\"/sessions\"", "90 days", "emergency number", "/couple/pauses"]
    {
        assert!(after.contains(words), "{words}");
    }
    assert!(world.visit("/couple", COOKIE).await.body.contains("You are not linked."));
}

#[tokio::test]
async fn a_link_can_end_a_little_later_and_only_its_page_says_so() {
    let world = World::new().await;
    let planned = "The link ends by itself";
    assert!(!world.visit("/couple/unlink", COOKIE).await.body.contains(planned));
    for no_number in ["", "soon", "1.5"] {
        let refused = world.press("/couple/unlink", COOKIE, &[("hours", no_number)]).await;
        assert_eq!(refused.status, 400, "{no_number:?} is not now");
    }
    assert!(!world.visit("/couple/unlink", COOKIE).await.body.contains(planned));
    let done = world.press("/couple/unlink", COOKIE, &[("hours", "72")]).await;
    assert_eq!(done.header("location"), "/couple/unlink");
    assert!(!world.fakes.two.parted.load(Ordering::SeqCst));
    let page = world.visit("/couple/unlink", COOKIE).await.body;
    assert!(page.contains(planned) && page.contains("13 March 2026"), "{page}");
    for path in ["/couple", "/check-in", "/shared", "/received"] {
        assert!(!world.visit(path, COOKIE).await.body.contains("13 March 2026"), "{path}");
    }
    // Nothing is parted yet, so there is nothing to look after.
    assert_eq!(world.visit("/couple/parted", COOKIE).await.header("location"), "/couple");
    assert_eq!(world.press("/couple/unlink/cancel", COOKIE, &[]).await.header("location"), "/couple/unlink");
    assert!(!world.visit("/couple/unlink", COOKIE).await.body.contains(planned));
}

#[tokio::test]
async fn whose_invitations_do_not_reach_one_is_seen_and_lifted() {
    let world = World::new().await;
    let page = world.visit("/couple/pauses", COOKIE).await.body;
    has_nothing_hostile(&page);
    for words in
        [NAME, "you ended the link", "It ends by itself on", "you blocked them", "not known any more"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    // The earlier ones are one link away, and so is the way back.
    assert!(
        page.contains("href=\"/couple/pauses?from=a%2Bb%2Fc%3D\"") && !page.contains("Back to the newest")
    );
    let older = world.visit("/couple/pauses?from=a%2Bb%2Fc%3D", COOKIE).await.body;
    assert!(
        older.contains("you said no to an invitation") && older.contains("Back to the newest"),
        "{older}"
    );
    assert!(!older.contains("Earlier</a>") && !older.contains(NAME));
    let lift = format!("/couple/pauses/{PAUSE}/lift");
    assert_eq!(world.submit(&lift, COOKIE, &[]).await.status, 403, "without the token");
    assert_eq!(world.press(&lift, COOKIE, &[]).await.header("location"), "/couple/pauses");
    assert_eq!(*world.fakes.two.said.lock().unwrap(), [format!("lift {PAUSE}")]);
}
