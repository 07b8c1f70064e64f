//! Two people: reading of another person over REST, and the pages of what they share.

use super::fakes::{ALICE, ENTRY, PASSPORT, SECRET, speaking_passport};
use super::two_fakes::{BEN, CODE, MINE, THEIRS};
use super::*;
use candor_proto::journal::v1::{ShareDepth, Span};
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";
/// Ben's name as a page may show it.
const NAME: &str = "&#60;b&#62;Ben&#60;/b&#62; &#34;&#38;&#39;";
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
    async fn press(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token("/invitation", cookie).await;
        let fields: Vec<_> = [("csrf", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.submit(path, cookie, &fields).await
    }
}

fn has_nothing_hostile(page: &str) {
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
    let one = format!("/shared/{MINE}?item={ENTRY}");
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
            assert_eq!((owner.as_str(), scope), (BEN, 1));
            item
        })
        .collect();
    assert_eq!(items, [MINE, "", THEIRS]);
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
async fn an_invitation_is_made_and_its_code_shown_once() {
    let world = World::new().await;
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    let made = world.press("/couple/invite", COOKIE, &[("own_name", " Alice ")]).await;
    assert_eq!(made.status, 200);
    assert!(made.body.contains(&format!("value=\"{CODE}\"")), "{}", made.body);
    assert!(made.body.contains(&format!("value=\"{ORIGIN}/invitation#{CODE}\"")));
    assert_eq!(*world.fakes.two.invited.lock().unwrap(), ["Alice"]);
    assert!(!world.visit("/couple", COOKIE).await.body.contains(CODE));
    let refused = world.press("/couple/invite", COOKIE, &[("own_name", " ")]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("role=\"alert\""));
}

#[tokio::test]
async fn an_invited_person_looks_signs_in_and_accepts_without_the_code_in_any_address() {
    let world = World::new().await;
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    let form = world.visit("/invitation", "").await;
    let visit = form.cookies()[0].split(';').next().unwrap().to_owned();
    assert!(form.body.contains("data-fragment"));
    // The whole link, as people paste it.
    let link = format!(" {ORIGIN}/invitation#{CODE} ");
    let page = world.press("/invitation", &visit, &[("code", &link)]).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(&format!("<bdi>{NAME}</bdi> invites you")), "{}", page.body);
    has_nothing_hostile(&page.body);
    assert!(page.body.contains("Register first") && !page.body.contains("/invitation/accept"));

    let kept = world.press("/invitation/keep", &visit, &[("code", CODE), ("to", "sign-in")]).await;
    assert_eq!(kept.header("location"), "/sign-in?next=/invitation");
    let cookie = kept.cookies()[0].to_owned();
    assert!(
        cookie.starts_with("__Host-candor-kept=") && cookie.contains("HttpOnly") && !cookie.contains(CODE)
    );
    let kept = cookie.split(';').next().unwrap();
    let both = format!("{visit}; {kept}");
    let sign_in = [("email", "a@b.example"), ("password", "a long enough password")];
    let signed_in = world.press("/sign-in", &both, &sign_in).await;
    assert_eq!(signed_in.header("location"), "/invitation", "found again without being asked for");

    let member = format!("{COOKIE}; {kept}");
    let page = world.visit("/invitation", &member).await;
    assert!(page.body.contains("/invitation/accept") && page.body.contains("I am 18 or older"));
    assert!(page.cookies().iter().any(|c| c.starts_with("__Host-candor-kept=;")), "kept no longer");
    let minor = world.press("/invitation/accept", COOKIE, &[("code", CODE), ("own_name", "Alice")]).await;
    assert_eq!(minor.status, 400);
    let fields = [("code", CODE), ("own_name", "Alice"), ("adult", "yes")];
    let done = world.press("/invitation/accept", COOKIE, &fields).await;
    assert_eq!(done.header("location"), "/couple");
    let accepted = world.fakes.two.accepted.lock().unwrap().clone();
    assert_eq!((accepted.len(), accepted[0].own_name.as_str()), (1, "Alice"));
    for answer in [&form, &page, &signed_in, &done] {
        assert!(!answer.header("location").contains(CODE));
    }
}

#[tokio::test]
async fn codes_that_are_not_open_look_alike() {
    let world = World::new().await;
    let page = async |path: &str, code: &str| {
        let fields = [("code", code), ("own_name", "Alice"), ("adult", "yes")];
        let page = world.press(path, COOKIE, &fields).await;
        (page.status.as_u16(), page.body)
    };
    let long = "x".repeat(200);
    let unknown = page("/invitation", "ZZZZZ").await;
    assert_eq!(unknown.0, 404);
    assert!(unknown.1.contains("This invitation is not open") && !unknown.1.contains("ZZZZZ"));
    for code in ["", "YYYYY-YYYYY", &long] {
        assert_eq!(page("/invitation", code).await, unknown);
        assert_eq!(page("/invitation/accept", code).await, unknown);
    }
    // A no is heard alike, whatever the code.
    for path in ["/invitation/decline", "/invitation/block"] {
        let heard = page(path, CODE).await;
        assert_eq!(heard.0, 200);
        for code in ["ZZZZZ", &long] {
            assert_eq!(page(path, code).await, heard, "{path}");
        }
    }
}

#[tokio::test]
async fn an_invited_person_can_say_no_in_every_way() {
    let world = World::new().await;
    let visit = world.visit("/invitation", "").await;
    let visit = visit.cookies()[0].split(';').next().unwrap().to_owned();
    let later = world.press("/invitation/later", &visit, &[("code", CODE)]).await;
    assert!(later.body.contains("Nothing was told to anybody."));
    assert!(world.fakes.two.said.lock().unwrap().is_empty());
    assert!(world.press("/invitation/decline", &visit, &[("code", CODE)]).await.body.contains("You said no"));
    let blocked = world.press("/invitation/block", &visit, &[("code", CODE)]).await;
    assert_eq!(blocked.header("location"), "/sign-in", "blocking needs somebody who blocks");
    world.press("/invitation/block", COOKIE, &[("code", CODE)]).await;
    let report = [("code", CODE), ("reason", "3"), ("note", "I am afraid")];
    assert_eq!(world.press("/invitation/report", &visit, &report).await.status, 200);
    assert_eq!(world.press("/invitation/report", &visit, &[("code", CODE)]).await.status, 400);
    let said = world.fakes.two.said.lock().unwrap().clone();
    assert_eq!(
        said,
        [format!("decline {CODE}"), format!("block {CODE}"), format!("report {CODE} 3 I am afraid")]
    );
}

#[tokio::test]
async fn sharing_goes_from_choice_to_preview_to_yes() {
    let world = World::new().await;
    let page = world.visit(&format!("/share?entry={ENTRY}"), COOKIE).await.body;
    let marks: Vec<_> =
        page.split("name=\"part\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(marks, ["0:0-34", "1:36-61"]);
    let fields = [
        ("kind", "entry"),
        ("item", ENTRY),
        ("depth", "3"),
        ("words", "mine <i>\"own\"</i>"),
        ("part", marks[1]),
        ("wished", "1"),
        ("days", "7"),
        ("when", "now"),
    ];
    let preview = world.press("/share/preview", COOKIE, &fields).await;
    assert_eq!(preview.status, 200, "{}", preview.body);
    assert!(preview.body.contains("<em>soft</em>") && preview.body.contains("being listened to"));
    has_nothing_hostile(&preview.body);
    let selection = world.fakes.two.previewed.lock().unwrap()[0].clone();
    assert!(selection.depth() == ShareDepth::Excerpt && selection.spans == [Span { start: 36, end: 61 }]);
    assert!(world.fakes.two.shared.lock().unwrap().is_empty(), "looking shares nothing");

    let hidden = hidden_fields(&preview.body);
    let hidden: Vec<_> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut answers = Vec::new();
    for _ in 0..2 {
        answers.push(world.submit("/share", COOKIE, &hidden).await);
    }
    let shared = world.fakes.two.shared.lock().unwrap().clone();
    assert_eq!(shared.len(), 1, "saying yes twice shares once");
    assert_eq!((shared[0].recipient_account_id.as_str(), shared[0].open_now), (BEN, true));
    assert!(shared[0].selection.as_ref() == Some(&selection), "what was previewed is what is shared");
    let until = shared[0].expire_time.unwrap().seconds - world.clock.now().as_second();
    assert_eq!(until, 7 * 86_400 - 60);
    for answer in answers {
        let expected = format!("/shared/{}?item={ENTRY}", shared[0].share_id);
        assert_eq!(answer.header("location"), expected, "{}", answer.body);
    }
    // Changing one's mind brings everything back.
    let again = world.submit("/share/change", COOKIE, &hidden).await.body;
    assert!(again.contains("mine &#60;i&#62;&#34;own&#34;&#60;/i&#62;"), "{again}");
    assert!(again.contains(&format!("value=\"{}\" checked", marks[1])));
    assert!(!again.contains(&format!("value=\"{}\" checked", marks[0])));
}

/// The hidden fields of the page's last form.
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let (_, form) = page.rsplit_once("action=\"/share\"").unwrap();
    let fields = form.split("<input type=\"hidden\" name=\"").skip(1);
    let unescape = |text: &str| {
        let text = text.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"");
        text.replace("&#39;", "'").replace("&#38;", "&")
    };
    let pairs = fields.map(|field| {
        let (name, rest) = field.split_once("\" value=\"").unwrap();
        (name.to_owned(), unescape(rest.split('"').next().unwrap()))
    });
    pairs.collect()
}

#[tokio::test]
async fn what_is_incomplete_comes_back_with_its_words() {
    let world = World::new().await;
    for (depth, words, says) in [
        ("1", "", "A few words of yours are needed"),
        ("2", "", "A summary is in your own words."),
        ("3", "some words", "Please choose at least one part."),
    ] {
        let fields = [("kind", "entry"), ("item", ENTRY), ("depth", depth), ("words", words)];
        let page = world.press("/share/preview", COOKIE, &fields).await;
        assert_eq!(page.status, 400);
        assert!(page.body.contains(says) && page.body.contains(words), "{}", page.body);
    }
    // A self-check has a topic and a summary, and needs no words for that.
    let page = world.visit(&format!("/share?assessment={OTHER}"), COOKIE).await.body;
    assert!(
        page.contains("The result") && !page.contains("All of it") && page.contains("value=\"self-check\"")
    );
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    let nobody = world.visit(&format!("/share?entry={ENTRY}"), COOKIE).await;
    assert_eq!(nobody.header("location"), "/couple");
    assert!(!world.visit(&format!("/entries/{ENTRY}"), COOKIE).await.body.contains("/share?"));
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
    let one = format!("/shared/{MINE}?item={ENTRY}");
    let page = world.visit(&one, COOKIE).await.body;
    assert!(page.contains("The answer") && page.contains("Only you ever see this."));
    assert!(page.contains("name=\"understood\" value=\"4\" checked"), "{page}");
    assert!(page.contains("that they read it"));
    let rated =
        world.press(&format!("/shared/{MINE}/rate"), COOKIE, &[("understood", "5"), ("item", ENTRY)]).await;
    assert_eq!(rated.header("location"), one);
    assert_eq!(*world.fakes.two.rated.lock().unwrap(), [5]);
    let back = world.press(&format!("/shared/{MINE}/withdraw"), COOKIE, &[("item", ENTRY)]).await;
    assert_eq!(back.header("location"), one);
    assert_eq!(*world.fakes.two.withdrawn.lock().unwrap(), [MINE]);
    let other = world.press(&format!("/shared/{OTHER}/withdraw"), COOKIE, &[("item", ENTRY)]).await;
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
    assert_eq!(world.press("/couple/unlink", COOKIE, &[]).await.header("location"), "/couple");
    assert!(world.visit("/couple", COOKIE).await.body.contains("You are not linked."));
}
