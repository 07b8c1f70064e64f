//! What Ada opens to Carla, her counselor: seen by Ada before, read by Carla with a capability, the very same; and nobody
//! else reads any of it.

mod software;

use crate::assessments::{SELF_CHECK, answers, publish};
use crate::shares::{refusal, told};
use crate::stage::{Stage, entry, mood, passport, proto_time, reason, signed_in, stage};
use candor_proto::journal::v1::opened_service_server::OpenedService as _;
use candor_proto::journal::v1::*;
use candor_proto::options::v1::Scope;
use chassis::audience::{end_session, raise_epoch};
use chassis::identity::capability::{Capability, Opening};
use chassis::identity::{Assurance, Kind, Passport};
use jiff::{SignedDuration, ToSpan as _};
use tonic::{Code, Request, Status};
use uuid::Uuid;

struct World {
    stage: Stage,
    ada: Uuid,
    carla: Uuid,
    entries: Vec<String>,
    mood_id: String,
    checks: Vec<String>,
    /// Begun and not scored.
    unfinished: String,
}

/// Ada has three entries, one with a mood, a mood by itself, two scored self-checks and one begun.
async fn world() -> World {
    let stage = stage().await;
    publish(&stage, "self-check", 1, SELF_CHECK).await;
    let (ada, carla) = (stage.member(), stage.member());
    let mut entries = Vec::new();
    for (at, body) in ["The oldest.", "Between.", "The newest."].into_iter().enumerate() {
        let id = stage.ids.next();
        let request = WriteEntryRequest {
            title: format!("Title {at}"),
            entry_time: Some(proto_time(&format!("2024-03-0{}T08:00:00Z", at + 1))),
            time_zone: "Europe/Berlin".into(),
            mood: (at == 1).then(|| mood(-3, 2, &[3])),
            ..entry(id, body)
        };
        stage.write(ada, request).await.unwrap();
        entries.insert(0, id.to_string());
    }
    let felt = RecordMoodRequest { mood: Some(mood(4, 1, &[])), ..Default::default() };
    let mood_id = stage.record(ada, felt).await.unwrap().mood_id;
    let mut checks = Vec::new();
    for code in ["often", "rarely"] {
        checks.insert(0, stage.checked(ada, answers("silence", 4, code)).await.assessment_id);
        stage.advance_hours(1);
    }
    let unfinished = stage.check(ada).await.assessment_id;
    World { stage, ada, carla, entries, mood_id, checks, unfinished }
}

impl World {
    fn capability(&self, scope: Scope, item: Option<&str>) -> Capability {
        let opening = Opening {
            owner_id: self.ada,
            relation_id: Uuid::from_u128(31),
            scope: scope.into(),
            item_id: item.map(|id| id.parse().unwrap()),
            epoch: 3,
            receipt_id: self.stage.ids.next(),
        };
        let session_id = passport(self.carla).session_id;
        let expires_at = self.stage.clock.now() + 10.seconds();
        Capability { opening, reader_id: self.carla, session_id, expires_at }
    }

    fn counselor<T>(&self, capability: Option<&Capability>, message: T) -> Request<T> {
        let passport = Passport { kind: Kind::Counselor, assurance: Assurance::Two, ..passport(self.carla) };
        by(passport, capability, message)
    }

    fn owner(&self) -> String {
        self.ada.to_string()
    }

    async fn entries_of(
        &self,
        request: Request<ListOpenedEntriesRequest>,
    ) -> Result<ListOpenedEntriesResponse, Status> {
        Ok(self.stage.journal.list_opened_entries(request).await?.into_inner())
    }

    async fn read_entries(&self, capability: &Capability) -> Result<ListOpenedEntriesResponse, Status> {
        let message = ListOpenedEntriesRequest { owner_account_id: self.owner(), ..Default::default() };
        self.entries_of(self.counselor(Some(capability), message)).await
    }

    async fn read_entry(&self, capability: &Capability, id: &str) -> Result<OpenedEntry, Status> {
        let message = GetOpenedEntryRequest { owner_account_id: self.owner(), entry_id: id.into() };
        let request = self.counselor(Some(capability), message);
        Ok(self.stage.journal.get_opened_entry(request).await?.into_inner().entry.unwrap())
    }

    async fn read_check(&self, capability: &Capability, id: &str) -> Result<OpenedSelfCheck, Status> {
        let message = GetOpenedSelfCheckRequest { owner_account_id: self.owner(), assessment_id: id.into() };
        let request = self.counselor(Some(capability), message);
        Ok(self.stage.journal.get_opened_self_check(request).await?.into_inner().self_check.unwrap())
    }

    /// What was told of reads: under which receipt, and what.
    async fn reads(&self) -> Vec<(Uuid, Vec<String>)> {
        let told = told::<DataRead>(&self.stage.pool).await;
        told.into_iter()
            .map(|(receipt, _, read)| {
                assert_eq!(
                    (read.owner_account_id, read.reader_account_id),
                    (self.owner(), self.carla.to_string())
                );
                assert!(!read.told);
                (receipt, read.item_ids)
            })
            .collect()
    }
}

fn by<T>(passport: Passport, capability: Option<&Capability>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(passport);
    if let Some(capability) = capability {
        request.extensions_mut().insert(capability.clone());
    }
    request
}

#[tokio::test]
async fn what_the_preview_shows_is_what_the_counselor_reads_and_each_read_is_told() {
    let world = world().await;
    let (journal, own) = (&world.stage.journal, String::new());
    let preview = journal
        .list_opened_entries(signed_in(world.ada, ListOpenedEntriesRequest::default()))
        .await
        .unwrap()
        .into_inner();
    let all = world.capability(Scope::Entries, None);
    let read = world.read_entries(&all).await.unwrap();
    assert!(read == preview, "the same message, from the same query");
    assert_eq!(read.total_size, 3);
    let ids: Vec<_> = read.entries.iter().map(|entry| entry.entry_id.clone()).collect();
    assert_eq!(ids, world.entries, "newest first");
    let shown = read.entries[1].rendering.clone().unwrap();
    assert_eq!((shown.title.as_str(), shown.body.as_str()), ("Title 1", "Between."));
    assert_eq!(world.reads().await, [(all.opening.receipt_id, world.entries.clone())]);

    let one = world.capability(Scope::Entries, Some(&world.entries[2]));
    let message = GetOpenedEntryRequest { owner_account_id: own.clone(), entry_id: world.entries[2].clone() };
    let before = journal.get_opened_entry(signed_in(world.ada, message)).await.unwrap().into_inner();
    assert!(world.read_entry(&one, &world.entries[2]).await.unwrap() == before.entry.unwrap());

    let moods = world.capability(Scope::Moods, None);
    let message = |owner_account_id| ListOpenedMoodsRequest { owner_account_id, ..Default::default() };
    let before =
        journal.list_opened_moods(signed_in(world.ada, message(own.clone()))).await.unwrap().into_inner();
    let request = world.counselor(Some(&moods), message(world.owner()));
    let read = journal.list_opened_moods(request).await.unwrap().into_inner();
    assert!(read == before && read.total_size == 2);
    assert_eq!(read.moods[0].mood_id, world.mood_id);
    assert!(read.moods[1].mood == Some(mood(-3, 2, &[3])));

    let checks = world.capability(Scope::SelfChecks, None);
    let message = |owner_account_id| ListOpenedSelfChecksRequest { owner_account_id, ..Default::default() };
    let before =
        journal.list_opened_self_checks(signed_in(world.ada, message(own))).await.unwrap().into_inner();
    let request = world.counselor(Some(&checks), message(world.owner()));
    let read = journal.list_opened_self_checks(request).await.unwrap().into_inner();
    assert!(read == before && read.total_size == 2);
    let ids: Vec<_> = read.self_checks.iter().map(|check| check.assessment_id.clone()).collect();
    assert_eq!(ids, world.checks);
    let bands = &read.self_checks[0].bands;
    assert!(bands.len() > 1 && bands.iter().all(|band| !band.band.is_empty()));
    assert!(bands.iter().any(|band| band.band == "Too little to say."), "of what has no answers");
    let told = world.reads().await;
    assert_eq!(told.len(), 4, "one's own reading is no read");
    assert_eq!(told[3], (checks.opening.receipt_id, world.checks.clone()));
}

#[tokio::test]
async fn nothing_is_shown_but_what_the_consents_words_say() {
    let world = world().await;
    let read = world.read_entries(&world.capability(Scope::Entries, None)).await.unwrap();
    for entry in &read.entries {
        let rendering = entry.rendering.as_ref().unwrap();
        assert!(rendering.kind() == ShareKind::Entry && rendering.depth() == ShareDepth::Whole);
        assert!(rendering.words.is_empty() && rendering.bands.is_empty());
    }
    // What is unfinished is a draft: it is in no list, and there for nobody.
    let capability = world.capability(Scope::SelfChecks, None);
    let refused = world.read_check(&capability, &world.unfinished).await.err().unwrap();
    let unknown = world.read_check(&capability, &world.stage.ids.next().to_string()).await.err().unwrap();
    assert_eq!(refusal(&refused), refusal(&unknown));
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "NOT_FOUND"));
    let check = world.read_check(&capability, &world.checks[0]).await.unwrap();
    assert_eq!(check.assessment_id, world.checks[0]);
    // A part of a list is named by a place that is good for the same list alone.
    let part =
        ListOpenedEntriesRequest { owner_account_id: world.owner(), page_size: 2, page_token: String::new() };
    let all = world.capability(Scope::Entries, None);
    let first = world.entries_of(world.counselor(Some(&all), part.clone())).await.unwrap();
    let rest = ListOpenedEntriesRequest { page_token: first.next_page_token.clone(), ..part };
    let rest = world.entries_of(world.counselor(Some(&all), rest)).await.unwrap();
    assert_eq!((first.entries.len(), rest.entries.len(), rest.total_size), (2, 1, 0));
    assert_eq!(rest.next_page_token, "");
    let other = ListOpenedMoodsRequest {
        owner_account_id: world.owner(),
        page_token: first.next_page_token,
        ..Default::default()
    };
    let moods = world.capability(Scope::Moods, None);
    let refused = world.stage.journal.list_opened_moods(world.counselor(Some(&moods), other)).await;
    assert_eq!(refused.err().unwrap().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn it_takes_a_capability_for_exactly_this() {
    let world = world().await;
    let message = || ListOpenedEntriesRequest { owner_account_id: world.owner(), ..Default::default() };
    let right = world.capability(Scope::Entries, None);
    let missing = world.entries_of(world.counselor(None, message())).await.err().unwrap();
    assert_eq!((missing.code(), reason(&missing).as_str()), (Code::PermissionDenied, "CAPABILITY_REQUIRED"));
    let of = |opening| Capability { opening, ..right.clone() };
    let wrong = [
        of(Opening { scope: Scope::Moods.into(), ..right.opening }),
        of(Opening { scope: Scope::SharedItems.into(), ..right.opening }),
        of(Opening { owner_id: world.stage.member(), ..right.opening }),
        of(Opening { item_id: Some(Uuid::from_u128(1)), ..right.opening }),
        Capability { reader_id: world.stage.member(), ..right.clone() },
        Capability { session_id: Uuid::from_u128(77), ..right.clone() },
    ];
    for capability in &wrong {
        let refused = world.read_entries(capability).await.err().unwrap();
        assert_eq!(refusal(&refused), refusal(&missing));
    }
    let one = world.capability(Scope::Entries, Some(&world.entries[0]));
    assert_eq!(refusal(&world.read_entry(&one, &world.entries[1]).await.err().unwrap()), refusal(&missing));
    // Another member who names her needs one as well, and has none; a counselor without a second factor does nothing.
    let stranger = world.entries_of(signed_in(world.stage.member(), message())).await.err().unwrap();
    assert_eq!(refusal(&stranger), refusal(&missing));
    let weak = Passport { kind: Kind::Counselor, ..passport(world.carla) };
    let refused = world.entries_of(by(weak, Some(&right), message())).await.err().unwrap();
    assert_eq!(reason(&refused), "SECOND_FACTOR_REQUIRED");
    for kind in [Kind::Operator, Kind::Editor, Kind::Support, Kind::Client] {
        let passport = Passport { kind, assurance: Assurance::Two, ..passport(world.carla) };
        let refused = world.entries_of(by(passport, Some(&right), message())).await.err().unwrap();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    // A counselor has no journal of their own.
    let own =
        world.entries_of(world.counselor(None, ListOpenedEntriesRequest::default())).await.err().unwrap();
    assert_eq!(reason(&own), "MEMBERS_ONLY");
    assert!(world.reads().await.is_empty());
}

#[tokio::test]
async fn what_was_taken_back_is_closed_in_the_query_that_reads() {
    let world = world().await;
    let (all, moods, checks) = (
        world.capability(Scope::Entries, None),
        world.capability(Scope::Moods, None),
        world.capability(Scope::SelfChecks, None),
    );
    world.read_entries(&all).await.unwrap();
    let told = world.reads().await.len();
    let closed = async |what: &str| {
        let mut refused = vec![
            world.read_entries(&all).await.err(),
            world.read_entry(&all, &world.entries[0]).await.err(),
            world.read_check(&checks, &world.checks[0]).await.err(),
        ];
        let message = ListOpenedMoodsRequest { owner_account_id: world.owner(), ..Default::default() };
        let request = world.counselor(Some(&moods), message);
        refused.push(world.stage.journal.list_opened_moods(request).await.err());
        let message = ListOpenedSelfChecksRequest { owner_account_id: world.owner(), ..Default::default() };
        let request = world.counselor(Some(&checks), message);
        refused.push(world.stage.journal.list_opened_self_checks(request).await.err());
        for refused in refused {
            let refused = refused.unwrap_or_else(|| panic!("{what}: it is open"));
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "NOT_FOUND"), "{what}");
        }
        assert_eq!(world.reads().await.len(), told, "{what}: nothing was read");
    };
    let mut conn = world.stage.pool.acquire().await.unwrap();
    raise_epoch(&mut conn, world.ada, world.carla, 4).await.unwrap();
    closed("its epoch was overtaken").await;
    sqlx::query("DELETE FROM chassis.access_epoch").execute(&mut *conn).await.unwrap();
    // One of its own epoch is as good as before.
    raise_epoch(&mut conn, world.ada, world.carla, 3).await.unwrap();
    end_session(&mut conn, all.session_id, world.stage.clock.now()).await.unwrap();
    closed("the session is over").await;
    sqlx::query("DELETE FROM chassis.ended_session").execute(&mut *conn).await.unwrap();
    world.stage.clock.set(world.stage.clock.now() + SignedDuration::from_secs(9));
    assert!(world.read_entries(&all).await.is_ok());
    let told = told + 1;
    world.stage.clock.set(world.stage.clock.now() + SignedDuration::from_secs(1));
    assert_eq!(world.read_entries(&all).await.err().unwrap().code(), Code::NotFound);
    assert_eq!(world.reads().await.len(), told);
    // Her own preview goes on, whatever was opened to whom.
    let request = signed_in(world.ada, ListOpenedEntriesRequest::default());
    assert_eq!(world.entries_of(request).await.unwrap().entries.len(), 3);
}

#[tokio::test]
async fn of_whoever_is_erased_there_is_nothing_to_read() {
    let world = world().await;
    let all = world.capability(Scope::Entries, None);
    world.stage.vault.shred(world.ada).await.unwrap();
    let read = world.read_entries(&all).await.unwrap();
    assert!(read == ListOpenedEntriesResponse::default());
    let refused = world.read_entry(&all, &world.entries[0]).await.err().unwrap();
    assert_eq!(refused.code(), Code::NotFound);
}
