//! Who does not read a ledger, and when nobody does.

use super::{Asked, ask_for};
use crate::kit::{House, reason};
use crate::people::{Person, visible};
use crate::trust::complaint;
use accounts::app;
use accounts::domain::Address;
use candor_proto::accounts::v1::{
    AskLedgerLookRequest, LedgerLookReason, LedgerLookState, ListLedgerLooksRequest,
    ledger_look_service_server::LedgerLookService as _,
};
use chassis::identity::{Kind, Passport};
use jiff::SignedDuration;
use tonic::Code;
use uuid::Uuid;

const NOT_OPEN: &str = "LEDGER_LOOK_NOT_OPEN";

#[tokio::test]
async fn one_operator_alone_does_not() {
    let world = Asked::new().await;
    let Asked { house, one, other, request_id, .. } = &world;
    world.stays_closed(one, Code::FailedPrecondition, NOT_OPEN).await;
    for answer in [true, false] {
        let refused = house.answer_look(one, request_id, answer).await.err().unwrap();
        let expected = (Code::FailedPrecondition, "ANOTHER_OPERATOR_AGREES".to_owned());
        assert_eq!((refused.code(), reason(&refused)), expected);
    }
    assert!(world.state().await == LedgerLookState::Waiting);
    // In another session one is the same operator.
    let elsewhere = house.signed_in("ops@example.org").await;
    assert!(house.answer_look(&elsewhere, request_id, true).await.is_err());
    world.stays_closed(one, Code::FailedPrecondition, NOT_OPEN).await;
    // Nor is it the one who agreed who reads.
    house.answer_look(other, request_id, true).await.unwrap();
    world.stays_closed(other, Code::NotFound, "LEDGER_LOOK_NOT_FOUND").await;
}

#[tokio::test]
async fn not_without_an_answer_in_time_and_not_after_the_hour() {
    let world = Asked::new().await;
    let (day, hour) = (SignedDuration::from_hours(24), SignedDuration::from_hours(1));
    world.house.advance(day);
    let late = world.house.signed_in("ops.two@example.org").await;
    let refused = world.house.answer_look(&late, &world.request_id, true).await.err().unwrap();
    assert_eq!(reason(&refused), "LEDGER_LOOK_NOT_WAITING");
    assert!(world.state().await == LedgerLookState::Unanswered);
    let one = world.house.signed_in("ops@example.org").await;
    world.stays_closed(&one, Code::FailedPrecondition, NOT_OPEN).await;
    let request_id = world.house.ask_look(&one, ask_for(&world.report_id)).await.unwrap();
    world.house.answer_look(&late, &request_id, true).await.unwrap();
    world.house.advance(hour - SignedDuration::from_micros(1));
    let world = Asked { request_id, ..world };
    world.house.read_ledger(&one, &world.request_id).await.unwrap();
    world.house.advance(SignedDuration::from_micros(1));
    let refused = world.house.read_ledger(&one, &world.request_id).await.err().unwrap();
    assert_eq!(reason(&refused), NOT_OPEN);
    assert!(world.state().await == LedgerLookState::Over);
    // The table itself holds no longer one.
    let longer = sqlx::query("UPDATE ledger_look SET read_until = answered_at + interval '61 minutes'");
    assert!(longer.execute(world.house.pool()).await.is_err());
    let alone = sqlx::query("UPDATE ledger_look SET answered_by = asked_by");
    assert!(alone.execute(world.house.pool()).await.is_err());
}

#[tokio::test]
async fn not_once_it_was_declined_or_taken_back_by_either() {
    let world = Asked::new().await;
    let Asked { house, one, other, request_id, report_id, .. } = &world;
    house.answer_look(other, request_id, false).await.unwrap();
    world.stays_closed(one, Code::FailedPrecondition, NOT_OPEN).await;
    assert_eq!(
        reason(&house.answer_look(other, request_id, true).await.err().unwrap()),
        "LEDGER_LOOK_NOT_WAITING"
    );
    assert!(world.state().await == LedgerLookState::Declined);
    for whoever in [one, other] {
        let request_id = house.ask_look(one, ask_for(report_id)).await.unwrap();
        house.answer_look(other, &request_id, true).await.unwrap();
        house.withdraw_look(whoever, &request_id).await.unwrap();
        house.withdraw_look(whoever, &request_id).await.unwrap();
        assert_eq!(reason(&house.read_ledger(one, &request_id).await.err().unwrap()), NOT_OPEN);
    }
    // What waits is whoever's alone who asked.
    let waiting = house.ask_look(one, ask_for(report_id)).await.unwrap();
    let refused = house.withdraw_look(other, &waiting).await.err().unwrap();
    let unknown = house.withdraw_look(other, &Uuid::from_u128(404).to_string()).await.err().unwrap();
    assert_eq!(visible(&refused), visible(&unknown));
    house.withdraw_look(one, &waiting).await.unwrap();
    assert_eq!(
        reason(&house.answer_look(other, &waiting, true).await.err().unwrap()),
        "LEDGER_LOOK_NOT_WAITING"
    );
    assert!(house.looks_of_staff(&world.ben).await.is_empty());
}

#[tokio::test]
async fn not_after_either_was_revoked() {
    let world = Asked::agreed().await;
    let address = |email: &str| Address::parse(email).unwrap();
    let revoke = async |email: &str| app::revoke_staff(&world.house.accounts, &address(email)).await.unwrap();
    crate::operators::make(&world.house, "ops.three@example.org").await;
    revoke("ops.two@example.org").await;
    world.stays_closed(&world.one, Code::FailedPrecondition, NOT_OPEN).await;
    assert!(world.state().await == LedgerLookState::Withdrawn);
    let third = world.house.signed_in("ops.three@example.org").await;
    let request_id = world.house.ask_look(&world.one, ask_for(&world.report_id)).await.unwrap();
    world.house.answer_look(&third, &request_id, true).await.unwrap();
    let waiting = world.house.ask_look(&world.one, ask_for(&world.report_id)).await.unwrap();
    revoke("ops@example.org").await;
    let world = Asked { request_id, ..world };
    world.stays_closed(&world.one, Code::Unauthenticated, "SESSION_ENDED").await;
    // Nor does anybody agree to what they asked for.
    let refused = world.house.answer_look(&third, &waiting, true).await.err().unwrap();
    assert_eq!(reason(&refused), "LEDGER_LOOK_NOT_WAITING");
}

#[tokio::test]
async fn not_while_either_is_suspended() {
    for suspended in ["ops@example.org", "ops.two@example.org"] {
        let world = Asked::agreed().await;
        let whom = if suspended == "ops@example.org" { &world.one } else { &world.other };
        let suspend = sqlx::query(
            "INSERT INTO suspension (suspension_id, account_id, report_id, reason, suspended_by, suspended_at)
             VALUES ($1, $2, $1, 'other', $1, $3)",
        );
        use jiff_sqlx::ToSqlx as _;
        let suspend = suspend.bind(Uuid::from_u128(1)).bind(whom.account_id);
        suspend.bind(world.house.now().to_sqlx()).execute(world.house.pool()).await.unwrap();
        world.stays_closed(&world.one, Code::FailedPrecondition, NOT_OPEN).await;
    }
}

#[tokio::test]
async fn neither_members_nor_counselors_nor_support_nor_editors() {
    let world = Asked::agreed().await;
    let Asked { house, one, request_id, report_id, .. } = &world;
    for kind in [Kind::Member, Kind::Counselor, Kind::Support, Kind::Editor, Kind::Client] {
        let person = Person { kind, ..one.clone() };
        let listed = house.by(&person, ListLedgerLooksRequest::default());
        for refused in [
            house.ask_look(&person, ask_for(report_id)).await.err().unwrap(),
            house.rpc.list_ledger_looks(listed).await.err().unwrap(),
            house.look_request(&person, request_id).await.err().unwrap(),
            house.answer_look(&person, request_id, true).await.err().unwrap(),
            house.withdraw_look(&person, request_id).await.err().unwrap(),
            house.read_ledger(&person, request_id).await.err().unwrap(),
        ] {
            assert_eq!(refused.code(), Code::PermissionDenied, "{kind:?}");
        }
    }
    assert!(house.looks_of_staff(&world.ben).await.is_empty());
}

#[tokio::test]
async fn asking_agreeing_and_reading_want_a_fresh_proof() {
    let world = Asked::agreed().await;
    let Asked { house, one, other, request_id, report_id, .. } = &world;
    let waiting = house.ask_look(one, ask_for(report_id)).await.unwrap();
    house.advance(SignedDuration::from_mins(6));
    let stale = |person: &Person| {
        let proven = house.now() - SignedDuration::from_mins(6);
        Passport { authenticated_at: proven, ..house.passport_of(person) }
    };
    fn with<T>(passport: Passport, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.extensions_mut().insert(passport);
        request
    }
    let answer = candor_proto::accounts::v1::AnswerLedgerLookRequest { request_id: waiting, agreed: true };
    let read = candor_proto::accounts::v1::ReadLedgerRequest {
        request_id: request_id.clone(),
        ..Default::default()
    };
    for refused in [
        house.rpc.ask_ledger_look(with(stale(one), ask_for(report_id))).await.err().unwrap(),
        house.rpc.answer_ledger_look(with(stale(other), answer)).await.err().unwrap(),
        house.rpc.read_ledger(with(stale(one), read)).await.err().unwrap(),
    ] {
        assert_eq!(reason(&refused), "STEP_UP_REQUIRED");
    }
}

#[tokio::test]
async fn to_whose_ledger_it_is_and_to_who_reported_there_is_no_such_request() {
    let world = Asked::new().await;
    let Asked { house, one, other, request_id, report_id, .. } = &world;
    let nothing = Uuid::from_u128(404).to_string();
    let unknown = house.answer_look(other, &nothing, true).await.err().unwrap();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "LEDGER_LOOK_NOT_FOUND"));
    let no_cause = house.ask_look(one, ask_for(&nothing)).await.err().unwrap();
    let concern = async |column: &str, whom: Uuid| {
        let query = sqlx::AssertSqlSafe(format!("UPDATE {column} = $1"));
        sqlx::query(query).bind(whom).execute(house.pool()).await.unwrap();
    };
    let is_hidden = async |from: &Person| {
        for refused in [
            house.answer_look(from, request_id, true).await.err().unwrap(),
            house.look_request(from, request_id).await.err().unwrap(),
            house.withdraw_look(from, request_id).await.err().unwrap(),
            house.read_ledger(from, request_id).await.err().unwrap(),
        ] {
            assert_eq!(visible(&refused), visible(&unknown));
        }
        assert!(house.look_requests(from).await.is_empty());
    };
    // An operator who reported, as far as that can be.
    concern("report SET reporter_id", other.account_id).await;
    is_hidden(other).await;
    let refused = house.ask_look(other, ask_for(report_id)).await.err().unwrap();
    assert_eq!(visible(&refused), visible(&no_cause));
    concern("report SET reporter_id", world.anna.account_id).await;
    // And one whose ledger it is.
    concern("report SET about_id", other.account_id).await;
    for operator in [one, other] {
        let refused = house.ask_look(operator, ask_for(report_id)).await.err().unwrap();
        assert_eq!(visible(&refused), visible(&no_cause), "of those who run the place nobody reads a ledger");
    }
    concern("ledger_look SET account_id", other.account_id).await;
    is_hidden(other).await;
}

#[tokio::test]
async fn a_wish_says_why_rests_on_one_thing_and_is_asked_for_once() {
    let world = Asked::new().await;
    let Asked { house, one, other, report_id, .. } = &world;
    let good = ask_for(report_id);
    for wrong in [
        AskLedgerLookRequest { note: " \n ".into(), ..good.clone() },
        AskLedgerLookRequest { note: "a".repeat(501), ..good.clone() },
        AskLedgerLookRequest { reason: 0, ..good.clone() },
        AskLedgerLookRequest { reason: 9, ..good.clone() },
        AskLedgerLookRequest { report_id: String::new(), ..good.clone() },
        AskLedgerLookRequest { look_id: report_id.clone(), ..good.clone() },
        AskLedgerLookRequest { report_id: "all".into(), ..good.clone() },
    ] {
        assert_eq!(house.ask_look(one, wrong).await.err().unwrap().code(), Code::InvalidArgument);
    }
    let chosen = Uuid::from_u128(0x4000_8000_0000_0000_0000).to_string();
    let wish = AskLedgerLookRequest { request_id: chosen.clone(), ..good.clone() };
    for _ in 0..2 {
        assert_eq!(house.ask_look(one, wish.clone()).await.unwrap(), chosen);
    }
    assert_eq!(house.look_requests(one).await.len(), 2, "a retry makes no other");
    let safety = LedgerLookReason::Safety.into();
    for (by, other_wish) in [(one, AskLedgerLookRequest { reason: safety, ..wish.clone() }), (other, wish)] {
        let refused = house.ask_look(by, other_wish).await.err().unwrap();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::AlreadyExists, "LEDGER_LOOK_ID_REUSED")
        );
    }
    for _ in 0..8 {
        house.ask_look(one, good.clone()).await.unwrap();
    }
    let refused = house.ask_look(one, good).await.err().unwrap();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::ResourceExhausted, "TOO_MANY_LEDGER_LOOKS")
    );
}

#[tokio::test]
async fn a_request_goes_with_the_report_with_the_person_and_with_time() {
    let house = House::new().await;
    let (one, other) = (house.operator().await, house.second_operator().await);
    let (anna, ben) = house.couple().await;
    let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();
    let request_id = house.ask_look(&one, ask_for(&report_id)).await.unwrap();
    house.answer_look(&other, &request_id, true).await.unwrap();
    house.advance(SignedDuration::from_hours(30 * 24) + SignedDuration::from_secs(1));
    house.look_at_licences().await;
    assert_eq!(house.count("ledger_look").await, 0);
    let one = house.signed_in("ops@example.org").await;
    house.ask_look(&one, ask_for(&report_id)).await.unwrap();
    sqlx::query("DELETE FROM report").execute(house.pool()).await.unwrap();
    assert_eq!(house.count("ledger_look").await, 0, "what it rested on is gone");
}
