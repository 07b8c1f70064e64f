//! How somebody becomes a counselor, and what keeps others from it.

use super::{application, licence};
use crate::kit::{House, reason};
use crate::people::Person;
use candor_proto::accounts::v1::{
    CounselorStanding, ListCounselorsRequest, SecurityNoticeKind, SetCounselorAvailabilityRequest,
    counselor_service_server::CounselorService as _,
};
use chassis::identity::{Assurance, Kind, Passport};
use tonic::Code;

#[tokio::test]
async fn somebody_applies_is_verified_and_is_found() {
    let house = House::new().await;
    let (operator, member, carla) =
        (house.operator().await, house.member("anna").await, house.member("carla").await);
    assert!(house.own_application(&carla).await.is_none());
    let applied = house.submit(&carla, application("Carla Roth")).await.unwrap();
    assert_eq!((applied.standing, applied.revision), (CounselorStanding::Applied as i32, 1));
    assert_eq!(applied.licences[0].number, "PT-4711-0815");
    assert!(applied.review_time.is_some() && applied.licences[0].check_time.is_none());
    // Applying is no authority, and shows them to nobody.
    assert_eq!(house.find(&member, &carla).await.err().unwrap().code(), Code::NotFound);
    assert_eq!(house.signed_in("carla@example.org").await.kind, Kind::Member);

    let waiting = house.queue(&operator, CounselorStanding::Unspecified).await;
    assert_eq!((waiting.len(), waiting[0].name.as_str()), (1, "Carla Roth"));
    house.verify_counselor(&operator, &carla).await.unwrap();
    assert!(house.queue(&operator, CounselorStanding::Unspecified).await.is_empty());
    assert_eq!(house.queue(&operator, CounselorStanding::Verified).await.len(), 1);

    let found = house.find(&member, &carla).await.unwrap();
    assert_eq!((found.name.as_str(), found.approach.as_str()), ("Carla Roth", "Slowly, and with questions."));
    assert_eq!(found.licences[0].last_day, "2024-12-31");
    // Whoever was signed in as a member is not any more: what they do next they do as a counselor.
    let refused = house.submit(&carla, application("Carla")).await.err().unwrap();
    assert_eq!(reason(&refused), "SESSION_ENDED");
    let carla = house.signed_in("carla@example.org").await;
    assert_eq!(carla.kind, Kind::Counselor);
    assert_eq!(house.told_of(&carla).await, [SecurityNoticeKind::CounselorVerified as i32]);
    assert_eq!(house.practice_mails().await, ["carla@example.org"]);
    let audited = house.audited(&carla).await;
    let audited: Vec<_> = audited.iter().map(|(action, actor)| (action.as_str(), actor.as_str())).collect();
    let expected = [
        ("counselor_submitted", "member"),
        ("counselor_looked_at", "operator"),
        ("counselor_verified", "operator"),
    ];
    assert_eq!(audited, expected);
    // Names, words and numbers are sealed.
    let dump = house.dump().await;
    for private in ["PT-4711-0815", "Carla Roth", "Slowly", "chamber.example", "Psychotherapist"] {
        assert!(!dump.contains(private), "{private}");
    }
}

#[tokio::test]
async fn a_counselor_without_a_second_factor_does_nothing_but_look_after_their_account() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let mut request = house.by(&carla, SetCounselorAvailabilityRequest { accepts_clients: false });
    request.extensions_mut().get_mut::<Passport>().unwrap().assurance = Assurance::One;
    let refused = house.rpc.set_counselor_availability(request).await.err().unwrap();
    assert_eq!(reason(&refused), "SECOND_FACTOR_REQUIRED");
    // And a counselor is no member: what belongs to members is closed to them.
    let refused = house.counselors(&carla, ListCounselorsRequest::default()).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn an_account_for_a_practice_links_with_nobody_and_one_with_ties_is_none_for_a_practice() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let (host, guest) = (house.member("host").await, house.member("guest").await);
    house.befriend(&host, &guest).await;
    for person in [&anna, &ben, &host, &guest] {
        let refused = house.submit(person, application("Somebody")).await.err().unwrap();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "ACCOUNT_HAS_TIES")
        );
    }
    assert_eq!(house.count("counselor").await, 0);

    let (carla, otto) = (house.member("carla").await, house.member("otto").await);
    let before = house.invite(&carla, "Carla").await.unwrap().code;
    house.submit(&carla, application("Carla")).await.unwrap();
    // What was open is over, and nothing new is made or taken.
    assert_eq!(house.accept(&otto, &before, "Otto").await.err().unwrap().code(), Code::NotFound);
    let code = house.invite(&otto, "Otto").await.unwrap().code;
    let circle = house.invite_trusted(&host, "Carla", "Kind.").await.unwrap().code;
    for refused in [
        house.invite(&carla, "Carla").await.err().unwrap(),
        house.invite_trusted(&carla, "Otto", "").await.err().unwrap(),
        house.accept(&carla, &code, "Carla").await.err().unwrap(),
        house.join_circle_refused(&carla, &circle).await,
    ] {
        assert_eq!(reason(&refused), "ACCOUNT_KEEPS_PRACTICE");
    }
    house.withdraw(&carla).await.unwrap();
    house.accept(&carla, &code, "Carla").await.unwrap();
}

#[tokio::test]
async fn of_an_application_and_a_yes_at_the_same_moment_one_wins() {
    let house = House::new().await;
    for turn in 0..6 {
        let (carla, otto) =
            (house.member(&format!("carla{turn}")).await, house.member(&format!("otto{turn}")).await);
        let code = house.invite(&otto, "Otto").await.unwrap().code;
        let (applied, linked) =
            tokio::join!(house.submit(&carla, application("Carla")), house.accept(&carla, &code, "Carla"));
        assert_ne!(applied.is_ok(), linked.is_ok(), "turn {turn}");
    }
}

#[tokio::test]
async fn nothing_is_verified_that_was_changed_unseen() {
    let house = House::new().await;
    let (operator, carla) = (house.operator().await, house.member("carla").await);
    house.submit(&carla, application("Carla")).await.unwrap();
    let seen = house.look_at(&operator, &carla).await.unwrap().revision;
    house.submit(&carla, application("Somebody else")).await.unwrap();
    let refused = house.verify_revision(&operator, &carla, seen).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Aborted, "APPLICATION_CHANGED"));
    assert_eq!(house.own_application(&carla).await.unwrap().standing, CounselorStanding::Applied as i32);
    house.verify_counselor(&operator, &carla).await.unwrap();
}

#[tokio::test]
async fn whoever_is_refused_reads_why_and_can_apply_again_or_take_it_back() {
    let house = House::new().await;
    let (operator, carla) = (house.operator().await, house.member("carla").await);
    house.submit(&carla, application("Carla")).await.unwrap();
    house.refuse(&operator, &carla, "The number is not in the register.").await.unwrap();
    let refused = house.own_application(&carla).await.unwrap();
    assert_eq!(refused.standing, CounselorStanding::Refused as i32);
    assert_eq!(refused.reason, "The number is not in the register.");
    assert!(!house.dump().await.contains("not in the register"));
    assert_eq!(house.told_of(&carla).await, [SecurityNoticeKind::CounselorRefused as i32]);
    let again = house.refuse(&operator, &carla, "Again.").await.err().unwrap();
    assert_eq!(reason(&again), "NOTHING_WAITS");

    house.submit(&carla, application("Carla")).await.unwrap();
    assert_eq!(house.queue(&operator, CounselorStanding::Unspecified).await.len(), 1);
    for _ in 0..2 {
        house.withdraw(&carla).await.unwrap();
    }
    assert!(house.own_application(&carla).await.is_none());
    assert_eq!(house.count("counselor_licence").await, 0);
    assert_eq!(house.look_at(&operator, &carla).await.err().unwrap().code(), Code::NotFound);
}

#[tokio::test]
async fn what_was_checked_goes_on_counting_while_something_new_waits() {
    let house = House::new().await;
    let (operator, member) = (house.operator().await, house.member("anna").await);
    let carla = house.verified(&operator, "carla").await;
    // Other words of their own are theirs to change.
    let words =
        super::SubmitCounselorApplicationRequest { approach: "Other words.".into(), ..application("carla") };
    let kept = house.submit(&carla, words.clone()).await.unwrap();
    assert!(kept.review_time.is_none() && kept.standing() == CounselorStanding::Verified);
    assert_eq!(house.find(&member, &carla).await.unwrap().approach, "Other words.");

    let mut more = words.clone();
    more.licences.push(licence("CH-1", "CH", "2025-06-30"));
    let kept = house.submit(&carla, more.clone()).await.unwrap();
    assert!(kept.review_time.is_some() && kept.standing() == CounselorStanding::Verified);
    assert_eq!(house.find(&member, &carla).await.unwrap().licences.len(), 1, "the new one is not shown");
    house.refuse(&operator, &carla, "Not found.").await.unwrap();
    let kept = house.own_application(&carla).await.unwrap();
    assert_eq!((kept.standing, kept.licences.len()), (CounselorStanding::Verified as i32, 1));
    house.submit(&carla, more.clone()).await.unwrap();
    house.verify_counselor(&operator, &carla).await.unwrap();
    assert_eq!(house.find(&member, &carla).await.unwrap().licences.len(), 2);

    // Licences are on a name: under another one nothing was checked.
    more.name = "Somebody else".into();
    house.submit(&carla, more).await.unwrap();
    assert_eq!(house.find(&member, &carla).await.err().unwrap().code(), Code::NotFound);
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_nothing_kept() {
    let house = House::new().await;
    let carla: Person = house.member("carla").await;
    let with = |licences| super::SubmitCounselorApplicationRequest { licences, ..application("Carla") };
    let one = || licence("1", "DE", "2024-12-31");
    for wrong in [
        with(vec![one(), one()]),
        with(vec![licence("1", "DE", "2024-03-09")]),
        with(vec![licence("1", "Germany", "2024-12-31")]),
        with(vec![licence("1", "DE", "31.12.2024")]),
        with((0..11).map(|n| licence(&n.to_string(), "DE", "2024-12-31")).collect()),
        super::SubmitCounselorApplicationRequest { practice_only: false, ..application("Carla") },
        super::SubmitCounselorApplicationRequest { specialties: vec![99], ..application("Carla") },
    ] {
        assert_eq!(house.submit(&carla, wrong).await.err().unwrap().code(), Code::InvalidArgument);
    }
    assert_eq!(house.count("counselor").await, 0);
    // The last day itself still counts.
    house.submit(&carla, with(vec![licence("1", "DE", "2024-03-10")])).await.unwrap();
}
