//! Whom somebody can report, what is kept of it, and that nobody else hears of it.

use super::complaint;
use crate::kit::{House, reason};
use crate::people::{Person, visible};
use candor_proto::accounts::v1::{ReportKind, ReportPersonRequest, ReportReason, ReportRelation};
use chassis::identity::Kind;
use jiff::SignedDuration;
use tonic::Code;
use uuid::Uuid;

#[tokio::test]
async fn what_is_attached_is_all_that_an_operator_reads_and_nobody_else_reads_it() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    let (told, mails) = (house.told_of(&ben).await, house.events().await.len());
    let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();

    let listed = house.reports(&operator, false).await;
    assert_eq!(listed.len(), 1);
    let about = (listed[0].kind(), listed[0].relation(), listed[0].reason());
    assert!(about == (ReportKind::Person, ReportRelation::Partner, ReportReason::Threat));
    let seen = house.read_report(&operator, &report_id).await.unwrap();
    assert_eq!(seen.note, "He waits at my door.");
    let words: Vec<_> = seen.evidence.iter().map(|one| (one.kind, one.words.as_str())).collect();
    assert_eq!(words, [(2, "You will see what happens."), (1, "Monday: three calls.")]);
    // Not who it was, and nothing of anybody's address.
    use prost::Message as _;
    let answer = String::from_utf8_lossy(&seen.encode_to_vec()).into_owned();
    for private in [anna.account_id.to_string(), "anna@".into(), "ben@".into(), "Anna".into()] {
        assert!(!answer.contains(&private), "{private}");
    }
    let looked = house.record_of(report_id.parse().unwrap()).await;
    assert_eq!(looked, [("report_looked_at".to_owned(), Some(operator.account_id), "{}".to_owned())]);

    // To whoever it is about it never happened.
    assert_eq!((house.told_of(&ben).await, house.events().await.len()), (told, mails));
    assert!(house.own_reports(&ben).await.is_empty());
    let own = house.own_reports(&anna).await;
    assert_eq!((own[0].note.as_str(), own[0].evidence.len()), ("He waits at my door.", 2));
    // In the tables there is no word of it.
    let dump = house.dump().await;
    for word in ["waits at my door", "see what happens", "three calls"] {
        assert!(!dump.contains(word), "{word}");
    }
}

#[tokio::test]
async fn only_whom_one_has_or_had_to_do_with_can_be_reported_or_blocked() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    let (dora, otto) = (house.member("dora").await, house.member("otto").await);
    house.befriend(&anna, &dora).await;
    let carla = house.verified(&operator, "carla").await;
    let unknown = Person { account_id: Uuid::from_u128(7), ..otto.clone() };
    let nobody = house.complain(&anna, complaint(&unknown)).await.err().unwrap();
    assert_eq!((nobody.code(), reason(&nobody).as_str()), (Code::NotFound, "PERSON_NOT_KNOWN"));
    // Somebody who is here, oneself, and those who run the place are like nobody.
    for whom in [&otto, &anna, &operator] {
        let refused = house.complain(&anna, complaint(whom)).await.err().unwrap();
        assert_eq!(visible(&refused), visible(&nobody));
        let refused = house.keep_away(&anna, whom).await.err().unwrap();
        assert_eq!(visible(&refused), visible(&nobody));
    }
    for whom in [&ben, &dora, &carla] {
        house.complain(&anna, complaint(whom)).await.unwrap();
    }
    house.complain(&dora, complaint(&anna)).await.unwrap();
    let mut relations: Vec<_> =
        house.reports(&operator, false).await.iter().map(|one| one.relation).collect();
    relations.sort_unstable();
    assert_eq!(relations, [1, 2, 2, 3]);

    // A counselor reports who is in their care, and not who only asked, nor who never did.
    let client = complaint(&otto);
    assert!(house.complain(&carla, client.clone()).await.is_err());
    let care_id = house.ask_for_care(&otto, crate::care::wish(&carla)).await.unwrap();
    assert!(house.complain(&carla, client.clone()).await.is_err());
    house.accept_care(&carla, &care_id).await.unwrap();
    house.end_care(&otto, &care_id).await.unwrap();
    house.complain(&carla, client).await.unwrap();

    // What was once is enough, also when it is long over.
    house.unlink(&anna).await.unwrap();
    house.complain(&ben, complaint(&anna)).await.unwrap();
}

#[tokio::test]
async fn a_report_says_something_and_not_all_day() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let mut wrong = complaint(&ben);
    wrong.evidence[0].words = "  ".into();
    assert_eq!(house.complain(&anna, wrong).await.err().unwrap().code(), Code::InvalidArgument);
    let mut wrong = complaint(&ben);
    wrong.reason = 0;
    assert_eq!(house.complain(&anna, wrong).await.err().unwrap().code(), Code::InvalidArgument);
    let mut wrong = complaint(&ben);
    wrong.evidence = vec![wrong.evidence[0].clone(); 6];
    assert_eq!(house.complain(&anna, wrong).await.err().unwrap().code(), Code::InvalidArgument);
    for _ in 0..10 {
        house.complain(&anna, complaint(&ben)).await.unwrap();
    }
    let refused = house.complain(&anna, complaint(&ben)).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "TOO_MANY_REPORTS"));
    assert_eq!(house.count("report").await, 10);
}

#[tokio::test]
async fn nobody_but_operators_sees_the_queue_and_no_operator_what_is_about_or_by_them() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();
    for kind in [Kind::Member, Kind::Counselor, Kind::Editor, Kind::Support, Kind::Client] {
        let other = Person { kind, ..ben.clone() };
        let refused = house.read_report(&other, &report_id).await.err().unwrap();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let refused = house.suspend_for(&other, &report_id, 0).await.err().unwrap();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let missing = house.read_report(&operator, &Uuid::nil().to_string()).await.err().unwrap();
    for mine in ["about_id", "reporter_id"] {
        let sql = format!("UPDATE report SET {mine} = $1");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(operator.account_id).execute(house.pool()).await.unwrap();
        assert!(house.reports(&operator, false).await.is_empty());
        for refused in [
            house.read_report(&operator, &report_id).await.err().unwrap(),
            house.dismiss(&operator, &report_id).await.err().unwrap(),
            house.suspend_for(&operator, &report_id, 0).await.err().unwrap(),
        ] {
            assert_eq!(visible(&refused), visible(&missing));
        }
        let sql = format!("UPDATE report SET {mine} = $1");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ben.account_id).execute(house.pool()).await.unwrap();
    }
    assert_eq!(house.reports(&operator, false).await.len(), 1);
}

#[tokio::test]
async fn invitations_that_are_reported_stand_in_the_same_queue() {
    let house = House::new().await;
    let operator = house.operator().await;
    let anna = house.member("anna").await;
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    house.report(&code, ReportReason::Harassment, "Every week.").await.unwrap();
    let listed = house.reports(&operator, false).await;
    assert!(listed[0].kind() == ReportKind::Invitation && listed[0].reason() == ReportReason::Harassment);
    let seen = house.read_report(&operator, &listed[0].report_id).await.unwrap();
    assert_eq!((seen.note.as_str(), seen.evidence.len()), ("Every week.", 0));
    house.suspend_for(&operator, &listed[0].report_id, 7).await.unwrap();
    assert!(house.is_held("anna@example.org").await);
    // Whoever has the code reads nothing of it any more.
    assert_eq!(house.preview(&code).await.err().unwrap().code(), Code::NotFound);
}

#[tokio::test]
async fn an_attempt_that_is_made_again_is_one_report() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let attempt =
        |id: u128| ReportPersonRequest { attempt_id: Uuid::from_u128(id).to_string(), ..complaint(&ben) };
    let first = house.complain(&anna, attempt(7)).await.unwrap();
    // More often than there are turns: a retry takes none.
    for _ in 0..12 {
        assert_eq!(house.complain(&anna, attempt(7)).await.unwrap(), first);
    }
    assert_eq!(house.own_reports(&anna).await.len(), 1);
    assert_ne!(
        first,
        Uuid::from_u128(7).to_string(),
        "the report's own id names a key, and is nobody's to choose"
    );
    let other = ReportPersonRequest { note: "Something else.".into(), ..attempt(7) };
    let refused = house.complain(&anna, other).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "ATTEMPT_ID_REUSED"));
    // Another's attempt of the same id is another's.
    let (about_anna, mut from_ben) = (complaint(&anna), attempt(7));
    from_ben.account_id = about_anna.account_id;
    assert_ne!(house.complain(&ben, from_ben).await.unwrap(), first);
    assert_ne!(house.complain(&anna, attempt(8)).await.unwrap(), first);
    let unnamed = [
        house.complain(&anna, complaint(&ben)).await.unwrap(),
        house.complain(&anna, complaint(&ben)).await.unwrap(),
    ];
    assert_ne!(unnamed[0], unnamed[1]);
    assert_eq!(house.own_reports(&anna).await.len(), 4);
    // A key of somebody's own account is not destroyed with a report.
    let account = ReportPersonRequest { attempt_id: anna.account_id.to_string(), ..complaint(&ben) };
    assert_ne!(house.complain(&anna, account).await.unwrap(), anna.account_id.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_attempt_twice_at_once_is_one_report() {
    let house = std::sync::Arc::new(House::new().await);
    let (anna, ben) = house.couple().await;
    for round in 0..4 {
        let attempt_id = Uuid::from_u128(100 + round).to_string();
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..2 {
            let (house, anna) = (house.clone(), anna.clone());
            let message = ReportPersonRequest { attempt_id: attempt_id.clone(), ..complaint(&ben) };
            running.spawn(async move { house.complain(&anna, message).await.unwrap() });
        }
        let ids = running.join_all().await;
        assert_eq!(ids[0], ids[1]);
    }
    let reports = house.own_reports(&anna).await;
    assert_eq!(reports.len(), 4);
    assert!(reports.iter().all(|report| report.note == "He waits at my door."), "each is readable");
}

#[tokio::test]
async fn one_thing_that_was_shared_is_reported_as_that_and_brings_nothing_but_what_is_attached() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    let share_id = Uuid::from_u128(0x5a4e).to_string();
    let about = ReportPersonRequest { share_id: share_id.clone(), ..complaint(&ben) };
    let report_id = house.complain(&anna, about).await.unwrap();
    house.advance(SignedDuration::from_secs(1));
    let of_person = house.complain(&anna, complaint(&ben)).await.unwrap();
    let listed = house.reports(&operator, false).await;
    let kinds: Vec<_> =
        listed.iter().map(|one| (one.report_id.as_str(), one.kind(), one.relation())).collect();
    let relation = ReportRelation::Partner;
    let expected = [
        (report_id.as_str(), ReportKind::Item, relation),
        (of_person.as_str(), ReportKind::Person, relation),
    ];
    assert!(kinds == expected);
    let seen = house.read_report(&operator, &report_id).await.unwrap();
    assert_eq!((seen.share_id.as_str(), seen.note.as_str()), (share_id.as_str(), "He waits at my door."));
    let words: Vec<_> = seen.evidence.iter().map(|one| one.words.as_str()).collect();
    assert_eq!(words, ["You will see what happens.", "Monday: three calls."]);
    assert!(house.read_report(&operator, &of_person).await.unwrap().share_id.is_empty());
    let own = house.own_reports(&anna).await;
    assert_eq!((own[1].share_id.as_str(), own[0].share_id.as_str()), (share_id.as_str(), ""));
    assert!(house.own_reports(&ben).await.is_empty());
    // It is decided on as any other.
    house.suspend_for(&operator, &report_id, 7).await.unwrap();
    assert!(house.is_held("ben@example.org").await);
}

#[tokio::test]
async fn which_share_it_is_about_is_the_word_of_whoever_reports_and_opens_nothing() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    let otto = house.member("otto").await;
    let of = |share: u128, whom: &Person, attempt: u128| ReportPersonRequest {
        share_id: Uuid::from_u128(share).to_string(),
        attempt_id: Uuid::from_u128(attempt).to_string(),
        ..complaint(whom)
    };
    // Accounts knows no shares: one that was taken back, or never was hers, is taken as she says, because a threat must not be
    // out of reach once it was taken back.
    let never_hers = house.complain(&anna, of(404, &ben, 1)).await.unwrap();
    assert!(house.read_report(&operator, &never_hers).await.unwrap().evidence.len() == 2);
    assert_eq!(house.count("receipt").await, 0, "nothing was opened for it");
    // It makes nobody known whom she has nothing to do with.
    let stranger = house.complain(&anna, of(404, &otto, 2)).await.err().unwrap();
    let nobody = Person { account_id: Uuid::from_u128(7), ..otto.clone() };
    let unknown = house.complain(&anna, of(404, &nobody, 3)).await.err().unwrap();
    assert_eq!(visible(&stranger), visible(&unknown));
    assert_eq!(reason(&unknown), "PERSON_NOT_KNOWN");
    // The same attempt about another share is another attempt.
    let refused = house.complain(&anna, of(405, &ben, 1)).await.err().unwrap();
    assert_eq!(reason(&refused), "ATTEMPT_ID_REUSED");
    let wrong = ReportPersonRequest { share_id: "that one".into(), ..complaint(&ben) };
    assert_eq!(house.complain(&anna, wrong).await.err().unwrap().code(), Code::InvalidArgument);
}
