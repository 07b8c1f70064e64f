//! The pages of counselors: where members find them, one's own practice, and what operators decide.

use super::fakes_counselors::CARLA;
use super::*;
use candor_proto::accounts::v1::{CounselorSpecialty, CounselorStanding};
use jiff::SignedDuration;

const COOKIE: &str = "__Host-candor=cs_alice";

/// Somebody who proved a moment ago who they are.
async fn proven(kind: &'static str) -> World {
    let world = World::new().await;
    *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
    *world.fakes.kind.lock().unwrap() = kind;
    world
}

fn stands(world: &World, standing: CounselorStanding) {
    *world.fakes.counselors.standing.lock().unwrap() = standing;
}

#[tokio::test]
async fn members_find_counselors_and_narrow_them_down_and_nothing_said_is_markup() {
    let world = proven("member").await;
    let page = world.visit("/counselors?specialty=9&language=en&place=DE&accepting=yes", COOKIE).await;
    assert_eq!(page.status, 200);
    for expected in [
        "Carla &#60;b&#62;Roth&#60;/b&#62;",
        "couples · loss and grief",
        "Licensed in DE.",
        "no room at the moment",
        &format!("href=\"/counselors/{CARLA}\""),
        "<option value=\"9\" selected>",
        "specialty=9&#38;language=en&#38;place=DE&#38;accepting=yes&#38;from=a%2Bb%2Fc%3D",
    ] {
        assert!(page.body.contains(expected), "{expected}: {}", page.body);
    }
    let sought = world.fakes.counselors.sought.lock().unwrap().remove(0);
    assert_eq!(sought.specialty, CounselorSpecialty::Grief as i32);
    assert_eq!(
        (sought.language.as_str(), sought.jurisdiction.as_str(), sought.accepting),
        ("en", "DE", true)
    );

    let one = world.visit(&format!("/counselors/{CARLA}"), COOKIE).await;
    assert!(one.body.contains("Holds until 2027-03-31.") && !one.body.contains("<i>and"), "{}", one.body);
    assert!(world.visit("/counselors?language=xx", COOKIE).await.body.contains("Nobody fits all of this."));
    let wrong = world.visit("/counselors?place=nowhere", COOKIE).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("The place is not a country such as DE."), "{}", wrong.body);
    for nowhere in ["/counselors/nonsense", "/counselors/0195f1c2-7f00-4000-8000-000000000099"] {
        assert_eq!(world.visit(nowhere, COOKIE).await.status, 404, "{nowhere}");
    }
    assert!(world.visit("/counselors", "").await.header("location").starts_with("/sign-in"));
}

#[tokio::test]
async fn somebody_applies_and_takes_it_back() {
    let world = proven("member").await;
    assert!(world.visit("/practice", COOKIE).await.body.contains("href=\"/practice/application\">Apply</a>"));
    let form = world.visit("/practice/application", COOKIE).await;
    let token = token_in(&form.body);
    assert_eq!(form.body.matches("name=\"number\"").count(), 2);
    let fields = |day| {
        vec![
            ("csrf", token.as_str()),
            ("name", " Carla Roth "),
            ("languages", "en, de"),
            ("specialty", "1"),
            ("specialty", "9"),
            ("approach", "Slowly.\r\nGently."),
            ("accepts_clients", "yes"),
            ("title", "Psychotherapist"),
            ("jurisdiction", "DE"),
            ("number", "PT-4711"),
            ("look_up", ""),
            ("last_day", day),
            ("title", ""),
            ("jurisdiction", ""),
            ("number", " "),
            ("look_up", ""),
            ("last_day", ""),
            ("practice_only", "yes"),
        ]
    };
    let wrong = world.submit("/practice/application", COOKIE, &fields("yesterday")).await;
    assert_eq!(wrong.status, 400);
    for kept in ["The last day of a licence is not a day such as 2027-03-31.", "PT-4711", "Gently."] {
        assert!(wrong.body.contains(kept), "{kept}: {}", wrong.body);
    }
    let done = world.submit("/practice/application", COOKIE, &fields("2027-03-31")).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/practice"));
    let sent = world.fakes.counselors.submitted.lock().unwrap().remove(0);
    assert_eq!((sent.name.as_str(), sent.approach.as_str()), ("Carla Roth", "Slowly.\nGently."));
    assert_eq!((sent.languages.join(" "), sent.specialties), ("en de".to_owned(), vec![1, 9]));
    assert_eq!(sent.licences.len(), 1);

    let page = world.visit("/practice", COOKIE).await.body;
    for expected in ["applied", "not checked yet", "PT-4711", "This waits to be looked at since"] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let room = [("csrf", token.as_str()), ("accepts_clients", "no")];
    world.submit("/practice/availability", COOKIE, &room).await;
    assert_eq!(*world.fakes.counselors.available.lock().unwrap(), [false]);
    let back = world.submit("/practice/withdraw", COOKIE, &[("csrf", &token)]).await;
    assert_eq!(back.header("location"), "/practice");
    assert!(world.visit("/practice", COOKIE).await.body.contains(">Apply</a>"));
}

#[tokio::test]
async fn whoever_was_refused_reads_why_and_a_counselor_has_nothing_to_take_back() {
    let world = proven("member").await;
    stands(&world, CounselorStanding::Refused);
    let page = world.visit("/practice", COOKIE).await.body;
    assert!(page.contains("Not in the register.") && page.contains("/practice/withdraw"), "{page}");
    *world.fakes.kind.lock().unwrap() = "counselor";
    stands(&world, CounselorStanding::Verified);
    let page = world.visit("/practice", COOKIE).await.body;
    assert!(!page.contains("/practice/withdraw") && page.contains("checked"), "{page}");
}

#[tokio::test]
async fn whoever_took_a_while_proves_it_again_and_loses_nothing() {
    let world = proven("member").await;
    let token = token_in(&world.visit("/practice/application", COOKIE).await.body);
    world.clock.set(world.clock.now() + SignedDuration::from_mins(6));
    let fields = [("csrf", token.as_str()), ("name", "Carla Roth"), ("title", "LMFT")];
    let late = world.submit("/practice/application", COOKIE, &fields).await;
    assert_eq!(late.status, 400);
    assert!(late.body.contains("href=\"/prove-again\"") && late.body.contains("LMFT"), "{}", late.body);
    let door = world.visit("/practice/application", COOKIE).await;
    assert_eq!(door.header("location"), "/prove-again?next=%2Fpractice%2Fapplication");
}

#[tokio::test]
async fn operators_decide_on_what_they_looked_at() {
    let world = proven("operator").await;
    stands(&world, CounselorStanding::Applied);
    let list = world.visit("/applications", COOKIE).await.body;
    assert!(list.contains(&format!("href=\"/applications/{CARLA}\"")) && list.contains("applied"), "{list}");
    let place = format!("/applications/{CARLA}");
    let page = world.visit(&place, COOKIE).await;
    for expected in ["PT-4711", "https://chamber.example", "name=\"revision\" value=\"7\"", "not checked"] {
        assert!(page.body.contains(expected), "{expected}: {}", page.body);
    }
    assert!(!page.body.contains("/suspend") && !page.body.contains("<i>and"));
    let token = token_in(&page.body);
    let no = [("csrf", token.as_str()), ("revision", "7"), ("reason", " Not there. ")];
    assert_eq!(world.submit(&format!("{place}/refuse"), COOKIE, &no).await.header("location"), place);
    let refused = world.fakes.counselors.refused.lock().unwrap().remove(0);
    assert_eq!((refused.revision, refused.reason.as_str()), (7, "Not there."));
    world.submit(&format!("{place}/verify"), COOKIE, &no[..2]).await;
    assert_eq!(world.fakes.counselors.verified.lock().unwrap()[0].revision, 7);
    let page = world.visit(&place, COOKIE).await.body;
    assert!(page.contains("/suspend") && !page.contains("/verify"), "{page}");
    let why = [("csrf", token.as_str()), ("reason", "A complaint.")];
    world.submit(&format!("{place}/suspend"), COOKIE, &why).await;
    assert_eq!(world.fakes.counselors.suspended.lock().unwrap()[0].reason, "A complaint.");
    // Whoever did not prove it lately comes back to where they were.
    world.clock.set(world.clock.now() + SignedDuration::from_mins(6));
    let late = world.submit(&format!("{place}/suspend"), COOKIE, &why).await;
    assert!(late.header("location").starts_with("/prove-again?next=%2Fapplications%2F"));
    assert_eq!(world.visit("/applications/nonsense", COOKIE).await.status, 303);
}

#[tokio::test]
async fn the_navigation_leads_each_to_what_is_theirs() {
    for (kind, practice, applications) in
        [("counselor", true, false), ("operator", false, true), ("editor", false, false)]
    {
        let world = proven(kind).await;
        let page = world.visit("/sessions", COOKIE).await.body;
        assert_eq!(page.contains("<a href=\"/practice\""), practice, "{kind}");
        assert_eq!(page.contains("<a href=\"/applications\""), applications, "{kind}");
    }
}
