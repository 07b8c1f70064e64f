//! The pages of reports, blocks, suspensions and appeals.

use super::fakes_counselors::CARLA;
use super::fakes_trust::REPORT;
use super::two_fakes::{BEN, MINE, THEIRS};
use super::*;
use candor_proto::accounts::v1::{AppealState, EvidenceKind, Suspension, SuspensionReason};

const COOKIE: &str = "__Host-candor=cs_alice";
const ATTEMPT: &str = "6a1ab3f0-2f5e-4c8e-9d5e-3b6d7c1f0a43";

async fn world(kind: &'static str) -> World {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    *world.fakes.kind.lock().unwrap() = kind;
    world.fakes.strong.store(true, std::sync::atomic::Ordering::SeqCst);
    world
}

#[tokio::test]
async fn what_is_attached_is_seen_before_it_is_sent_and_nothing_else_goes() {
    let world = world("member").await;
    let place = format!("/report/{CARLA}");
    let form = world.visit(&place, COOKIE).await;
    let token = token_in(&form.body);
    let typed = [
        ("csrf", token.as_str()),
        ("reason", "3"),
        ("note", " She <b>shouts</b>. "),
        ("typed", "Monday"),
        ("shown", ""),
        ("block", "yes"),
        ("attempt", ATTEMPT),
    ];
    let without: Vec<_> = typed.iter().filter(|(name, _)| *name != "reason").copied().collect();
    let wrong = world.submit(&format!("{place}/preview"), COOKIE, &without).await;
    assert!(wrong.status == 400 && wrong.body.contains("Please choose why") && wrong.body.contains("Monday"));
    let seen = world.submit(&format!("{place}/preview"), COOKIE, &typed).await;
    for expected in ["It threatens me", "She &#60;b&#62;shouts", "Monday", "you block them"] {
        assert!(seen.body.contains(expected), "{expected}: {}", seen.body);
    }
    assert!(world.fakes.trust.reports.lock().unwrap().is_empty(), "looking sends nothing");
    let changed = world.submit(&format!("{place}/change"), COOKIE, &typed).await;
    assert!(changed.body.contains("Monday") && changed.body.contains("shouts"), "{}", changed.body);
    let sent = world.submit(&place, COOKIE, &typed).await;
    assert!(sent.status == 200 && sent.body.contains("It is sent"), "{}", sent.body);
    let report = world.fakes.trust.reports.lock().unwrap().remove(0);
    assert_eq!(
        (report.account_id.as_str(), report.reason, report.note.as_str()),
        (CARLA, 3, "She <b>shouts</b>.")
    );
    assert_eq!(report.attempt_id, ATTEMPT, "what is sent twice arrives once");
    assert!(seen.body.contains("name=\"attempt\" value=\""), "{}", seen.body);
    let evidence: Vec<_> = report.evidence.iter().map(|one| (one.kind, one.words.as_str())).collect();
    assert_eq!(evidence, [(EvidenceKind::Typed as i32, "Monday")]);
    assert_eq!(*world.fakes.trust.done.lock().unwrap(), [format!("block {CARLA}")]);
    let odd = [("csrf", token.as_str()), ("reason", "3"), ("note", "a\u{7}")];
    let refused = world.submit(&place, COOKIE, &odd).await;
    assert!(refused.body.contains("What you say with it holds a control character."), "{}", refused.body);
    assert_eq!(
        world.submit(&place, COOKIE, &[("reason", "3")]).await.status,
        403,
        "a form without its token"
    );
    assert_eq!(world.visit("/report/nonsense", COOKIE).await.status, 404);
}

#[tokio::test]
async fn what_was_shared_is_reported_with_the_words_that_are_left_in_it() {
    let world = world("member").await;
    let seen = world.visit(&format!("/received/{THEIRS}"), COOKIE).await.body;
    let place = format!("/report/{BEN}?share={THEIRS}");
    assert!(seen.contains(&place), "{seen}");
    let form = world.visit(&place, COOKIE).await.body;
    for expected in
        [&format!("name=\"share\" value=\"{THEIRS}\""), "What was shown to you", "before &#60;i&#62;it"]
    {
        assert!(form.contains(expected), "{expected}: {form}");
    }
    assert!(!form.contains("not open to you any more"), "{form}");
    let token = token_in(&form);
    let fields =
        [("csrf", token.as_str()), ("share", THEIRS), ("reason", "3"), ("shown", "before it"), ("typed", "")];
    let preview = world.submit(&format!("/report/{BEN}/preview"), COOKIE, &fields).await.body;
    assert!(preview.contains("Shown to you here") && preview.contains(THEIRS), "{preview}");
    world.submit(&format!("/report/{BEN}"), COOKIE, &fields).await;
    let report = world.fakes.trust.reports.lock().unwrap().remove(0);
    assert_eq!((report.account_id.as_str(), report.share_id.as_str()), (BEN, THEIRS));
    let evidence: Vec<_> = report.evidence.iter().map(|one| (one.kind, one.words.as_str())).collect();
    assert_eq!(evidence, [(EvidenceKind::Shown as i32, "before it")], "what was taken out does not go");
}

#[tokio::test]
async fn what_was_taken_back_can_still_be_reported_and_tells_nobody_what_there_is() {
    let world = world("member").await;
    let without_ids = |body: &str, id: &str| body.replace(id, "…").replace(&token_in(body), "…");
    // Taken back, never theirs, or with a link that is over: one page, from which nothing can be told.
    let (gone, never) = (MINE, "0195f1c2-7f00-7000-8000-00000000dead");
    let page = world.visit(&format!("/report/{BEN}?share={gone}"), COOKIE).await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("is not open to you any more") && !page.body.contains("id=\"shown\""),
        "{}",
        page.body
    );
    let other = world.visit(&format!("/report/{BEN}?share={never}"), COOKIE).await;
    assert_eq!(without_ids(&page.body, gone), without_ids(&other.body, never));
    world.fakes.two.parted.store(true, std::sync::atomic::Ordering::SeqCst);
    let parted = world.visit(&format!("/report/{BEN}?share={THEIRS}"), COOKIE).await;
    assert!(parted.status == 200 && parted.body.contains("is not open to you any more"), "{}", parted.body);
    let token = token_in(&page.body);
    let fields = [("csrf", token.as_str()), ("share", gone), ("reason", "3"), ("typed", "You will see.")];
    let sent = world.submit(&format!("/report/{BEN}"), COOKIE, &fields).await;
    assert!(sent.body.contains("It is sent"), "{}", sent.body);
    let report = world.fakes.trust.reports.lock().unwrap().remove(0);
    assert_eq!((report.share_id.as_str(), report.evidence.len()), (gone, 1));
    assert_eq!(world.visit(&format!("/report/{BEN}?share=nonsense"), COOKIE).await.status, 404);
}

#[tokio::test]
async fn whom_one_knows_is_listed_and_a_block_is_explained_before_it_is_done() {
    let world = world("member").await;
    let list = world.visit("/report", COOKIE).await;
    assert!(list.status == 200 && list.body.contains(&format!("/report/{CARLA}/block")), "{}", list.body);
    let place = format!("/report/{CARLA}/block");
    let page = world.visit(&place, COOKIE).await;
    assert!(page.body.contains("They are not told that you blocked them"), "{}", page.body);
    let done = world.submit(&place, COOKIE, &[("csrf", &token_in(&page.body))]).await;
    assert_eq!(done.header("location"), "/couple/pauses");
    assert_eq!(*world.fakes.trust.done.lock().unwrap(), [format!("block {CARLA}")]);
}

#[tokio::test]
async fn whoever_is_suspended_is_led_to_why_and_objects_once() {
    let world = world("member").await;
    let page = world.visit("/suspended", COOKIE).await;
    assert!(page.body.contains("Your account is not suspended"), "{}", page.body);
    let suspension = Suspension { reason: SuspensionReason::Threat.into(), ..Suspension::default() };
    *world.fakes.trust.suspension.lock().unwrap() = Some(suspension.clone());
    *world.fakes.trust.held.lock().unwrap() = true;
    let led = world.visit(&format!("/entries/{}", super::fakes::ENTRY), COOKIE).await;
    assert_eq!((led.status.as_u16(), led.header("location")), (303, "/suspended"));
    let page = world.visit("/suspended", COOKIE).await;
    for expected in [
        "Somebody was threatened from this account.",
        "until it is lifted",
        "/data",
        "/couple",
        "/report",
        "\"/security\"",
        "\"/sessions\"",
    ] {
        assert!(page.body.contains(expected), "{expected}: {}", page.body);
    }
    let token = token_in(&page.body);
    let blank = world.submit("/suspended", COOKIE, &[("csrf", &token), ("appeal", " ")]).await;
    assert!(
        blank.status == 400 && blank.body.contains("What you write must not be blank."),
        "{}",
        blank.body
    );
    let done = world.submit("/suspended", COOKIE, &[("csrf", &token), ("appeal", "Not <b>me</b>.")]).await;
    assert_eq!(done.header("location"), "/suspended");
    assert_eq!(*world.fakes.trust.done.lock().unwrap(), ["appeal Not <b>me</b>."]);
    let appeal_state = AppealState::Refused.into();
    let over = Suspension { appeal_state, appeal: "Not <b>me</b>.".into(), ..suspension };
    *world.fakes.trust.suspension.lock().unwrap() = Some(over);
    let page = world.visit("/suspended", COOKIE).await.body;
    assert!(page.contains("Not &#60;b&#62;me") && page.contains("the suspension stays"), "{page}");
    assert!(!page.contains("name=\"appeal\""), "once");
}

#[tokio::test]
async fn an_operator_reads_what_was_attached_and_decides() {
    let world = world("operator").await;
    let list = world.visit("/moderation", COOKIE).await.body;
    assert!(list.contains(&format!("/moderation/{REPORT}")) && list.contains("from=a%2Bb"), "{list}");
    assert!(world.visit("/moderation?show=decided", COOKIE).await.body.contains("Nothing was decided yet"));
    let place = format!("/moderation/{REPORT}");
    let page = world.visit(&place, COOKIE).await.body;
    for expected in
        ["He &#60;b&#62;waits", "Three &#60;i&#62;calls", "their partner, now or once", "in the audit"]
    {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let token = token_in(&page);
    let csrf = ("csrf", token.as_str());
    world.submit(&format!("{place}/dismiss"), COOKIE, &[csrf]).await;
    let unsaid = world.submit(&format!("{place}/suspend"), COOKIE, &[csrf, ("days", "7")]).await;
    assert_eq!(unsaid.status, 400);
    let unsaid = world.submit(&format!("{place}/suspend"), COOKIE, &[csrf, ("reason", "1")]).await;
    assert_eq!(unsaid.status, 400, "for good only where that was chosen");
    world.submit(&format!("{place}/suspend"), COOKIE, &[csrf, ("reason", "1"), ("days", "0")]).await;
    assert!(world.visit("/suspensions", COOKIE).await.body.contains("an appeal waits"));
    let place = format!("/suspensions/{REPORT}");
    let page = world.visit(&place, COOKIE).await.body;
    assert!(page.contains("Not &#60;b&#62;me") && page.contains("You suspended this account"), "{page}");
    assert_eq!(world.submit(&format!("{place}/decide"), COOKIE, &[csrf]).await.status, 400);
    for decision in ["grant", "refuse"] {
        world.submit(&format!("{place}/decide"), COOKIE, &[csrf, ("decision", decision)]).await;
    }
    world.submit(&format!("{place}/lift"), COOKIE, &[csrf]).await;
    let done = world.fakes.trust.done.lock().unwrap().clone();
    let (dismissed, lifted) = (format!("dismiss {REPORT}"), format!("lift {REPORT}"));
    let expected = [&dismissed, "suspend for 0 days because 1", "granted true", "granted false", &lifted]
        .map(str::to_owned);
    assert_eq!(done, expected);
    // Whoever did not prove lately who they are does so before anything is read.
    world.clock.set(world.clock.now() + jiff::SignedDuration::from_mins(10));
    let late = world.visit(&format!("/moderation/{REPORT}"), COOKIE).await;
    assert!(late.header("location").starts_with("/prove-again?next=%2Fmoderation%2F"), "{}", late.body);
}

#[tokio::test]
async fn a_member_reads_a_code_and_support_sees_how_the_account_stands() {
    let member = world("member").await;
    let page = member.visit("/security/support", COOKIE).await.body;
    assert!(!page.contains("01ABC-DEFGH") && page.contains("They can change nothing"), "{page}");
    let made = member.submit("/security/support", COOKIE, &[("csrf", &token_in(&page))]).await;
    assert!(made.body.contains("01ABC-DEFGH"), "{}", made.body);
    assert!(member.visit("/ledger", COOKIE).await.body.contains("Support looked how your account stands"));

    let support = world("support").await;
    let page = support.visit("/support", COOKIE).await.body;
    assert!(page.contains("aria-current=\"page\">Support</a>"), "{page}");
    let token = token_in(&page);
    let wrong = support.submit("/support", COOKIE, &[("csrf", &token), ("code", "01ABC-DEFGJ")]).await;
    assert!(wrong.status == 404 && wrong.body.contains("This code does not open."), "{}", wrong.body);
    let seen = support.submit("/support", COOKIE, &[("csrf", &token), ("code", " 01ABC-DEFGH ")]).await;
    for expected in [
        "A passkey.",
        "No authenticator app.",
        "Wrong codes of a second factor",
        "Mails that wait to be sent: 2.",
        "opens on",
        "It is not suspended.",
        REPORT,
    ] {
        assert!(seen.body.contains(expected), "{expected}: {}", seen.body);
    }
}
