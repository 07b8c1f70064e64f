//! Software reads with a capability and with a token that is for it, and each read is told.

use super::{World, by, world};
use crate::shares::refusal;
use crate::stage::{passport, reason};
use candor_proto::journal::v1::opened_service_server::OpenedService as _;
use candor_proto::journal::v1::*;
use candor_proto::options::v1::Scope;
use chassis::audience::{end_session, raise_epoch};
use chassis::identity::capability::Capability;
use chassis::identity::{Kind, Passport, Scopes};
use tonic::{Code, Request, Status};

/// Carla is software here, with a token of these scopes.
fn software<T>(world: &World, scopes: &str, capability: Option<&Capability>, message: T) -> Request<T> {
    let scopes = Scopes::exactly(scopes).unwrap();
    let passport = Passport { kind: Kind::Client, scopes, ..passport(world.carla) };
    by(passport, capability, message)
}

struct Reads {
    entries: Result<ListOpenedEntriesResponse, Status>,
    entry: Result<GetOpenedEntryResponse, Status>,
    moods: Result<ListOpenedMoodsResponse, Status>,
    checks: Result<ListOpenedSelfChecksResponse, Status>,
    check: Result<GetOpenedSelfCheckResponse, Status>,
}

impl Reads {
    /// Which of them answered, in their order.
    fn done(&self) -> [bool; 5] {
        let Self { entries, entry, moods, checks, check } = self;
        [entries.is_ok(), entry.is_ok(), moods.is_ok(), checks.is_ok(), check.is_ok()]
    }

    fn refusals(self) -> Vec<Status> {
        let Self { entries, entry, moods, checks, check } = self;
        let all = [entries.err(), entry.err(), moods.err(), checks.err(), check.err()];
        all.into_iter().flatten().collect()
    }
}

/// Each call, with a capability for exactly what it reads.
async fn read_with(world: &World, scopes: &str) -> Reads {
    let (entry_id, check_id) = (&world.entries[0], &world.checks[0]);
    let of = |scope, item: Option<&str>| world.capability(scope, item);
    let (journal, owner) = (&world.stage.journal, || world.owner());
    let request = ListOpenedEntriesRequest { owner_account_id: owner(), ..Default::default() };
    let capability = of(Scope::Entries, None);
    let entries = journal.list_opened_entries(software(world, scopes, Some(&capability), request)).await;
    let request = GetOpenedEntryRequest { owner_account_id: owner(), entry_id: entry_id.clone() };
    let capability = of(Scope::Entries, Some(entry_id));
    let entry = journal.get_opened_entry(software(world, scopes, Some(&capability), request)).await;
    let request = ListOpenedMoodsRequest { owner_account_id: owner(), ..Default::default() };
    let capability = of(Scope::Moods, None);
    let moods = journal.list_opened_moods(software(world, scopes, Some(&capability), request)).await;
    let request = ListOpenedSelfChecksRequest { owner_account_id: owner(), ..Default::default() };
    let capability = of(Scope::SelfChecks, None);
    let checks = journal.list_opened_self_checks(software(world, scopes, Some(&capability), request)).await;
    let request = GetOpenedSelfCheckRequest { owner_account_id: owner(), assessment_id: check_id.clone() };
    let capability = of(Scope::SelfChecks, Some(check_id));
    let check = journal.get_opened_self_check(software(world, scopes, Some(&capability), request)).await;
    Reads {
        entries: entries.map(tonic::Response::into_inner),
        entry: entry.map(tonic::Response::into_inner),
        moods: moods.map(tonic::Response::into_inner),
        checks: checks.map(tonic::Response::into_inner),
        check: check.map(tonic::Response::into_inner),
    }
}

#[tokio::test]
async fn it_reads_the_same_as_a_counselor_and_each_read_is_told() {
    let world = world().await;
    let all = world.capability(Scope::Entries, None);
    let by_counselor = world.read_entries(&all).await.unwrap();
    for scopes in ["system/*.rs", "user/*.rs"] {
        let before = world.reads().await.len();
        let reads = read_with(&world, scopes).await;
        assert_eq!(reads.done(), [true; 5], "{scopes}");
        assert!(reads.entries.unwrap() == by_counselor, "the same message, from the same query");
        let told = world.reads().await.split_off(before);
        let items: Vec<_> = told.into_iter().map(|(_, items)| items.len()).collect();
        assert_eq!(items, [3, 1, 2, 2, 1]);
    }
}

#[tokio::test]
async fn a_token_that_is_for_less_reads_less() {
    let world = world().await;
    let [entries, entry, moods, checks, check] = [0, 1, 2, 3, 4];
    for (scopes, open) in [
        ("system/DocumentReference.s", vec![entries]),
        ("system/DocumentReference.r", vec![entry]),
        ("user/DocumentReference.rs", vec![entries, entry]),
        ("system/Observation.rs", vec![moods]),
        ("system/Observation.r", vec![]),
        ("user/QuestionnaireResponse.rs", vec![checks, check]),
        ("system/*.s", vec![entries, moods, checks]),
        ("system/Patient.rs", vec![]),
    ] {
        let before = world.reads().await.len();
        let reads = read_with(&world, scopes).await;
        let mut done = [false; 5];
        open.iter().for_each(|at| done[*at] = true);
        assert_eq!(reads.done(), done, "{scopes}");
        for refused in reads.refusals() {
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::PermissionDenied, "INSUFFICIENT_SCOPE")
            );
        }
        assert_eq!(world.reads().await.len() - before, open.len(), "{scopes}: what is refused is no read");
    }
}

#[tokio::test]
async fn it_takes_a_capability_for_exactly_this_and_software_has_no_journal_of_its_own() {
    let world = world().await;
    let journal = &world.stage.journal;
    let message = || ListOpenedEntriesRequest { owner_account_id: world.owner(), ..Default::default() };
    let missing = journal.list_opened_entries(software(&world, "system/*.rs", None, message())).await;
    let missing = missing.err().unwrap();
    assert_eq!((missing.code(), reason(&missing).as_str()), (Code::PermissionDenied, "CAPABILITY_REQUIRED"));
    let moods = world.capability(Scope::Moods, None);
    let other = journal.list_opened_entries(software(&world, "system/*.rs", Some(&moods), message())).await;
    assert_eq!(refusal(&other.err().unwrap()), refusal(&missing));
    // One for all of a kind lists, and gets none: that takes another scope, which accounts looks at.
    let all = world.capability(Scope::Entries, None);
    let one = GetOpenedEntryRequest { owner_account_id: world.owner(), entry_id: world.entries[0].clone() };
    let refused = journal.get_opened_entry(software(&world, "system/*.rs", Some(&all), one)).await;
    assert_eq!(refusal(&refused.err().unwrap()), refusal(&missing));
    for owner_account_id in [String::new(), world.carla.to_string()] {
        let own = ListOpenedEntriesRequest { owner_account_id, ..Default::default() };
        let refused = journal.list_opened_entries(software(&world, "system/*.rs", None, own)).await;
        assert_eq!(reason(&refused.err().unwrap()), "MEMBERS_ONLY");
    }
    assert!(world.reads().await.is_empty());
}

#[tokio::test]
async fn what_was_taken_back_and_a_token_that_ended_read_nothing() {
    let world = world().await;
    let mut conn = world.stage.pool.acquire().await.unwrap();
    raise_epoch(&mut conn, world.ada, world.carla, 4).await.unwrap();
    let closed = async |what: &str| {
        let reads = read_with(&world, "system/*.rs").await;
        assert_eq!(reads.done(), [false; 5], "{what}");
        for refused in reads.refusals() {
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "NOT_FOUND"), "{what}");
        }
        assert!(world.reads().await.is_empty(), "{what}");
    };
    closed("taken back").await;
    sqlx::query("DELETE FROM chassis.access_epoch").execute(&mut *conn).await.unwrap();
    end_session(&mut conn, passport(world.carla).session_id, world.stage.clock.now()).await.unwrap();
    closed("its token ended").await;
}
