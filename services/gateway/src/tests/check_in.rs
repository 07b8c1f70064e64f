//! Check-ins as one of the two sees them.

use super::fakes_check_in::{LAST, NEXT, NO_SCHEDULE, SCHEDULE, evening, reply, running};
use super::two_fakes::{BEN, HOSTILE_NAME};
use super::*;
use candor_proto::journal::v1::{CheckIn, CheckInState};
use candor_proto::options::v1::Scope;
use candor_proto::reminders::v1::GetCheckInScheduleResponse;
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";
const PROPOSAL: &str = "0195f1c2-7f00-7000-8000-00000000005d";

/// The partner's name as a page may show it.
const NAME: &str = "&#60;b&#62;Ben&#60;/b&#62; &#34;&#38;&#39;";

impl World {
    fn part(&self) {
        self.fakes.two.parted.store(true, Ordering::SeqCst);
    }

    /// What accounts opened last.
    fn last_opened(&self) -> (String, Scope, String) {
        let opened = self.fakes.two.opened.lock().unwrap().last().unwrap().clone();
        (opened.owner_account_id.clone(), opened.scope(), opened.item_id)
    }

    fn times(&self, times: GetCheckInScheduleResponse) {
        *self.fakes.check_ins.times.lock().unwrap() = times;
    }

    fn running(&self) {
        self.times(GetCheckInScheduleResponse { schedule: Some(running()), ..Default::default() });
    }

    fn hold(&self, id: &str, state: CheckInState, own: &str, partner: &str) {
        let replies = |text: &str| if text.is_empty() { vec![] } else { vec![reply("middle", text)] };
        let check_in = CheckIn {
            check_in_id: id.into(),
            schedule_id: SCHEDULE.into(),
            open_time: if id == LAST { running().last_open_time } else { running().next_open_time },
            state: state.into(),
            own_replies: replies(own),
            partner_replies: replies(partner),
        };
        let mut held = self.fakes.check_ins.held.lock().unwrap();
        held.retain(|known| known.check_in_id != id);
        held.push(check_in);
    }

    fn asked(&self) -> Vec<String> {
        self.fakes.check_ins.asked.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn alone_there_is_an_explanation_and_something_to_do() {
    let world = World::new().await;
    world.part();
    world.hold(LAST, CheckInState::NotThisTime, "my old words", "");
    let page = world.visit("/check-in", COOKIE).await.body;
    assert!(page.contains("You are not linked.") && page.contains("/self-check"), "{page}");
    assert!(page.contains(&format!("/check-in/{LAST}")), "what was written stays theirs: {page}");
    assert!(!page.contains("action=\"/check-in/propose\""), "{page}");
    let page = world.visit(&format!("/check-in/{LAST}"), COOKIE).await.body;
    assert!(page.contains("my old words") && page.contains("Not this time."), "{page}");
}

#[tokio::test]
async fn a_time_is_proposed_and_taken_back() {
    let world = World::new().await;
    let page = world.visit("/check-in", COOKIE).await.body;
    assert!(
        page.contains("value=\"20:30\"") && page.contains("<option selected>Europe/Berlin</option>"),
        "{page}"
    );
    assert!(page.contains("data-time-zone"), "{page}");
    let token = token_in(&page);
    let fields = [
        ("csrf", token.as_str()),
        ("schedule_id", PROPOSAL),
        ("weekday", "2"),
        ("local_time", "20:30"),
        ("time_zone", "Europe/Lisbon"),
    ];
    let answer = world.submit("/check-in/propose", COOKIE, &fields).await;
    assert_eq!(answer.header("location"), "/check-in?done=proposed");
    assert_eq!(world.asked(), ["propose 2 20:30 Europe/Lisbon"]);
    let (_, id) = page.split_once("action=\"/check-in/propose\"").unwrap();
    let (_, id) = id.split_once("name=\"schedule_id\" value=\"").unwrap();
    assert_eq!(uuid::Uuid::parse_str(&id[..36]).unwrap().get_version_num(), 4, "it holds no time");
    let mut unreadable = fields;
    unreadable[3] = ("local_time", "soon");
    let page = world.submit("/check-in/propose", COOKIE, &unreadable).await;
    assert!(page.status == 400 && page.body.contains("Please write it as 20:30."), "{}", page.body);

    world.times(GetCheckInScheduleResponse { own_proposal: Some(evening(PROPOSAL)), ..Default::default() });
    let page = world.visit("/check-in", COOKIE).await.body;
    assert!(page.contains("You proposed") && page.contains("Every Tuesday at 20:30"), "{page}");
    assert!(page.contains("Europe/Lisbon") && page.contains("There is no hurry"), "{page}");
    let fields = [("csrf", token.as_str()), ("schedule_id", PROPOSAL)];
    let answer = world.submit("/check-in/end", COOKIE, &fields).await;
    assert_eq!(answer.header("location"), "/check-in?done=ended");
    assert_eq!(world.asked().last().unwrap(), &format!("end {PROPOSAL}"));
}

#[tokio::test]
async fn a_proposal_of_the_partner_can_be_agreed_to_or_left() {
    let world = World::new().await;
    world.times(GetCheckInScheduleResponse {
        partner_proposal: Some(evening(PROPOSAL)),
        ..Default::default()
    });
    let page = world.visit("/check-in", COOKIE).await.body;
    assert!(page.contains(&format!("<bdi>{NAME}</bdi> proposes")) && page.contains("Not now"), "{page}");
    assert!(page.contains("Propose another time"), "{page}");
    let token = token_in(&page);
    let fields = [("csrf", token.as_str()), ("schedule_id", PROPOSAL)];
    let answer = world.submit("/check-in/agree", COOKIE, &fields).await;
    assert_eq!(answer.header("location"), "/check-in?done=agreed");
    assert_eq!(world.asked(), [format!("accept {BEN} {PROPOSAL}")]);
    assert!(world.last_opened() == (BEN.into(), Scope::CheckInSchedule, String::new()));
    // Not linked any more: nothing is asked of anybody.
    world.part();
    assert_eq!(world.submit("/check-in/agree", COOKIE, &fields).await.status, 404);
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn the_next_check_in_is_answered_changed_and_taken_back() {
    let world = World::new().await;
    world.running();
    let page = world.visit("/check-in", COOKIE).await.body;
    for part in [
        "every Tuesday at 20:30",
        "Tuesday, 10 March 2026, 21:30</time></strong> in your time zone, Europe/Berlin.",
        "In Europe/Lisbon it is then Tuesday, 10 March 2026, 20:30.",
        "Nobody sees whether you answered.",
        "Otherwise it is “not this time” for both.",
        "<label for=\"reply-2\">What was hard?</label>",
        "name=\"open_time\" value=\"2026-03-10T20:30:00Z\"",
        "Phones out of reach",
        "data-timer hidden",
    ] {
        assert!(page.contains(part), "no {part}: {page}");
    }
    assert!(page.contains(&format!("/check-in/{LAST}")) && !page.contains("Take it back"), "{page}");
    let token = token_in(&page);
    let fields = [
        ("csrf", token.as_str()),
        ("schedule_id", SCHEDULE),
        ("open_time", "2026-03-10T20:30:00Z"),
        ("check_in_id", NEXT),
        ("prompt_id", "gentle"),
        ("reply", " "),
        ("prompt_id", "middle"),
        ("reply", "The <i>move</i>.\r\nAnd sleep."),
    ];
    let answer = world.submit("/check-in/answer", COOKIE, &fields).await;
    assert_eq!(answer.header("location"), "/check-in?done=kept", "{}", answer.body);
    let answered = world.fakes.check_ins.answered.lock().unwrap()[0].clone();
    assert_eq!(answered.schedule_id, SCHEDULE);
    assert_eq!(answered.open_time, running().next_open_time);
    assert!(answered.replies == [reply("middle", "The <i>move</i>.\nAnd sleep.")]);

    world.hold(NEXT, CheckInState::Gathering, "The <i>move</i>.", "never to be seen");
    let page = world.visit("/check-in?done=kept", COOKIE).await.body;
    assert!(
        page.contains("Your answer is kept.") && page.contains("The &#60;i&#62;move&#60;/i&#62;."),
        "{page}"
    );
    assert!(page.contains("Change your answer") && !page.contains("never to be seen"), "{page}");
    let answer = world.submit(&format!("/check-in/{NEXT}/take-back"), COOKIE, &[("csrf", &token)]).await;
    assert_eq!(answer.header("location"), "/check-in?done=taken-back");
    assert_eq!(world.asked(), [format!("take back {NEXT}")]);
}

#[tokio::test]
async fn words_of_an_answer_survive_whatever_goes_wrong() {
    let world = World::new().await;
    world.running();
    let token = world.token("/check-in", COOKIE).await;
    let submit = async |token: &str, cookie: &str, words: &str| {
        let fields = [
            ("csrf", token),
            ("schedule_id", SCHEDULE),
            ("open_time", "2026-03-10T20:30:00Z"),
            ("check_in_id", NEXT),
            ("prompt_id", "middle"),
            ("reply", words),
        ];
        world.submit("/check-in/answer", cookie, &fields).await
    };
    let blank = submit(&token, COOKIE, "  \n").await;
    assert!(blank.status == 400 && blank.body.contains("One answer is enough"), "{}", blank.body);
    let stale = submit("old", COOKIE, "my words").await;
    let ended = submit(&token, "__Host-candor=cs_nobody", "my words").await;
    world.fakes.check_ins.over.store(true, Ordering::SeqCst);
    let over = submit(&token, COOKIE, "my words").await;
    world.fakes.check_ins.no_prompts.store(true, Ordering::SeqCst);
    let nameless = submit(&token, COOKIE, "my words").await;
    for (page, status, label) in [
        (stale, 403, "What was hard?"),
        (ended, 401, "What was hard?"),
        (over, 400, "is over"),
        (nameless, 400, "Question 1"),
    ] {
        assert_eq!(page.status, status, "{}", page.body);
        assert!(page.body.contains("my words") && page.body.contains(label), "{}", page.body);
        assert!(page.body.contains("still") && page.body.contains(SCHEDULE), "{}", page.body);
    }
    assert!(world.fakes.check_ins.answered.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_is_kept_while_accounts_cannot_speak_of_links() {
    let world = World::new().await;
    world.running();
    world.hold(LAST, CheckInState::NotThisTime, "old", "");
    let token = world.token("/check-in", COOKIE).await;
    world.fakes.away.store(true, Ordering::SeqCst);
    let page = world.visit("/check-in", COOKIE).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("cannot be looked up right now") && page.body.contains(LAST), "{}", page.body);
    assert!(!page.body.contains("You are not linked"), "{}", page.body);
    let fields = [
        ("csrf", token.as_str()),
        ("schedule_id", SCHEDULE),
        ("open_time", "2026-03-10T20:30:00Z"),
        ("prompt_id", "middle"),
        ("reply", "kept all the same"),
    ];
    assert_eq!(
        world.submit("/check-in/answer", COOKIE, &fields).await.header("location"),
        "/check-in?done=kept"
    );
    // And while reminders cannot speak of times.
    world.fakes.away.store(false, Ordering::SeqCst);
    world.fakes.check_ins.no_times.store(true, Ordering::SeqCst);
    let page = world.visit("/check-in", COOKIE).await;
    assert!(page.status == 200 && page.body.contains("check in cannot be looked up"), "{}", page.body);
}

#[tokio::test]
async fn both_answers_are_side_by_side_once_they_are_open() {
    let world = World::new().await;
    world.running();
    world.hold(LAST, CheckInState::Open, "mine *own*", "theirs <script>x</script>");
    let path = format!("/check-in/{LAST}");
    let page = world.visit(&path, COOKIE).await.body;
    for part in ["Both answers are open.", "What was hard?", "mine <em>own</em>", NAME, "theirs"] {
        assert!(page.contains(part), "no {part}: {page}");
    }
    assert!(!page.contains("<script>x") && page.contains("data-timer hidden"), "{page}");
    assert!(page.contains("Tuesday, 3 March 2026, 21:30") && !page.contains(HOSTILE_NAME), "{page}");
    assert!(world.last_opened() == (BEN.into(), Scope::CheckIns, LAST.into()));
    // What the partner wrote is shown only with an opening of this very check-in.
    world.fakes.check_ins.closed.store(true, Ordering::SeqCst);
    let page = world.visit(&path, COOKIE).await.body;
    assert!(page.contains("mine <em>own</em>") && !page.contains("theirs"), "{page}");
    assert!(page.contains("cannot be fetched right now"), "{page}");
    // Linked anew, or not linked any more: one's own part alone.
    world.fakes.check_ins.closed.store(false, Ordering::SeqCst);
    world.fakes.check_ins.earlier_link.store(true, Ordering::SeqCst);
    let anew = world.visit(&path, COOKIE).await.body;
    world.part();
    let page = world.visit(&path, COOKIE).await.body;
    assert!(
        page.contains("mine <em>own</em>") && !page.contains("theirs") && !page.contains("Ben"),
        "{page}"
    );
    assert!(!page.contains("cannot be fetched"), "{page}");
    assert_eq!(anew, page);
    // Accounts cannot say: one's own part, and that there may be more.
    world.fakes.away.store(true, Ordering::SeqCst);
    let page = world.visit(&path, COOKIE).await.body;
    assert!(page.contains("mine <em>own</em>") && page.contains("cannot be fetched right now"), "{page}");
}

#[tokio::test]
async fn not_this_time_is_the_same_whatever_the_reason() {
    let world = World::new().await;
    world.running();
    let path = format!("/check-in/{LAST}");
    let page = async || world.visit(&path, COOKIE).await.body;
    // Nobody answered, and journal knows nothing.
    let nothing = page().await;
    assert!(nothing.contains("Not this time."), "{nothing}");
    // Nobody answered, and journal noted it; the partner alone did.
    for partner in ["", "theirs alone"] {
        world.hold(LAST, CheckInState::NotThisTime, "", partner);
        assert_eq!(page().await, nothing);
    }
    // The member alone did: their own words are theirs to read, and the rest is the same.
    world.hold(LAST, CheckInState::NotThisTime, "mine alone", "");
    let alone = page().await;
    let (before, rest) = alone.split_once("<section aria-labelledby=\"own\">").unwrap();
    let (own, after) = rest.split_once("</section>").unwrap();
    assert!(own.contains("mine alone"), "{own}");
    let squeezed = |html: &str| html.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeezed(&format!("{before}{after}")), squeezed(&nothing));
}

#[tokio::test]
async fn a_check_in_that_is_not_open_shows_nothing_of_the_partner() {
    let world = World::new().await;
    world.running();
    let path = format!("/check-in/{NEXT}");
    assert_eq!(world.visit(&path, COOKIE).await.header("location"), "/check-in");
    world.hold(NEXT, CheckInState::Gathering, "", "theirs");
    assert_eq!(world.visit(&path, COOKIE).await.header("location"), "/check-in");
    world.hold(NEXT, CheckInState::Gathering, "mine", "theirs");
    let page = world.visit(&path, COOKIE).await.body;
    assert!(page.contains("Not open yet.") && page.contains("mine") && !page.contains("theirs"), "{page}");
    for path in ["/check-in/nothing", &format!("/check-in/{PROPOSAL}")] {
        assert_eq!(world.visit(path, COOKIE).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn ending_takes_ones_own_answer_back_first() {
    let world = World::new().await;
    world.running();
    world.hold(NEXT, CheckInState::Gathering, "mine", "theirs");
    world.hold(LAST, CheckInState::Open, "mine before", "theirs");
    let page = world.visit("/check-in", COOKIE).await.body;
    assert!(page.contains("Your answer to the next one is taken back and deleted."), "{page}");
    assert!(page.contains("name=\"runs\" value=\"yes\""), "{page}");
    let token = token_in(&page);
    let end = async |schedule: &str| {
        let fields = [("csrf", token.as_str()), ("runs", "yes"), ("schedule_id", schedule)];
        world.submit("/check-in/end", COOKIE, &fields).await
    };
    assert_eq!(end(SCHEDULE).await.header("location"), "/check-in?done=ended");
    assert_eq!(world.asked(), [format!("take back {NEXT}"), format!("end {SCHEDULE}")]);
    // Of another schedule, nothing is taken back.
    assert_eq!(end(PROPOSAL).await.header("location"), "/check-in?done=ended");
    assert_eq!(world.asked()[2..], [format!("end {PROPOSAL}")]);
    // Whatever becomes of the answer, it ends; what is left is told and can be reached.
    let over = chassis::Fault::new(chassis::Code::FailedPrecondition, "CHECK_IN_OVER", "It is over.").into();
    *world.fakes.check_ins.no_taking_back.lock().unwrap() = Some(over);
    assert_eq!(end(SCHEDULE).await.header("location"), "/check-in?done=ended");
    *world.fakes.check_ins.no_taking_back.lock().unwrap() = Some(tonic::Status::unavailable("away"));
    let ended = end(SCHEDULE).await;
    assert_eq!(ended.header("location"), "/check-in?done=ended-but-answered");
    assert_eq!(world.asked().len(), 5);
    world.times(GetCheckInScheduleResponse::default());
    let page = world.visit(ended.header("location"), COOKIE).await.body;
    assert!(page.contains("could not be taken back right now") && page.contains(NEXT), "{page}");
}

#[tokio::test]
async fn an_answer_that_gathers_is_reached_and_taken_back_without_a_schedule() {
    let world = World::new().await;
    world.running();
    world.hold(NEXT, CheckInState::Gathering, "mine", "theirs");
    let link = format!("href=\"/check-in/{NEXT}\"");
    assert!(!world.visit("/check-in", COOKIE).await.body.contains(&link), "it is on the page already");
    world.times(GetCheckInScheduleResponse::default());
    for parted in [false, true] {
        world.fakes.two.parted.store(parted, Ordering::SeqCst);
        let page = world.visit("/check-in", COOKIE).await.body;
        assert!(page.contains(&link) && page.contains("not open yet"), "{page}");
        let page = world.visit(&format!("/check-in/{NEXT}"), COOKIE).await.body;
        let action = format!("action=\"/check-in/{NEXT}/take-back\"");
        assert!(page.contains(&action) && page.contains("mine") && !page.contains("theirs"), "{page}");
        let token = token_in(&page);
        let answer = world.submit(&format!("/check-in/{NEXT}/take-back"), COOKIE, &[("csrf", &token)]).await;
        assert_eq!(answer.header("location"), "/check-in?done=taken-back");
    }
}

#[tokio::test]
async fn what_is_not_there_to_agree_to_or_to_end_reads_alike() {
    let world = World::new().await;
    let token = world.token("/check-in", COOKIE).await;
    let fields = [("csrf", token.as_str()), ("schedule_id", NO_SCHEDULE)];
    let mut pages = Vec::new();
    for path in ["/check-in/agree", "/check-in/end"] {
        pages.push(world.submit(path, COOKIE, &fields).await);
    }
    world.part();
    pages.push(world.submit("/check-in/agree", COOKIE, &fields).await);
    pages.push(world.visit(&format!("/received/{PROPOSAL}"), COOKIE).await);
    for page in &pages {
        assert_eq!((page.status.as_u16(), &page.body), (404, &pages[0].body));
    }
}
