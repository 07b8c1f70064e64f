//! Looking at somebody's ledger takes two operators: what one asks for, what another agrees to, and for how long.

mod closed;
mod racing;

use super::complaint;
use crate::consents::{all_of, read_all};
use crate::kit::{House, reason};
use crate::people::{Person, shared_items, visible};
use accounts::app::{self, Under};
use accounts::domain::Read;
use candor_proto::accounts::v1::{
    AnswerLedgerLookRequest, AskLedgerLookRequest, GetLedgerLookRequest, GetLedgerLookResponse, LedgerLook,
    LedgerLookReason, LedgerLookState, ListLedgerLooksRequest, ListStaffLooksRequest, ReadLedgerRequest,
    ReadLedgerResponse, Relation, SecurityNoticeKind, StaffLook, StaffLookKind, StaffRole,
    WithdrawLedgerLookRequest, ledger_look_service_server::LedgerLookService as _,
    ledger_service_server::LedgerService as _,
};
use candor_proto::options::v1::Scope;
use jiff::SignedDuration;
use tonic::{Code, Status};
use uuid::Uuid;

/// A wish to read the ledger of whom a report is about.
pub fn ask_for(report_id: &str) -> AskLedgerLookRequest {
    AskLedgerLookRequest {
        report_id: report_id.into(),
        reason: LedgerLookReason::Misuse.into(),
        note: "  Somebody says that too much was read. ".into(),
        ..AskLedgerLookRequest::default()
    }
}

impl House {
    pub async fn ask_look(&self, by: &Person, message: AskLedgerLookRequest) -> Result<String, Status> {
        Ok(self.rpc.ask_ledger_look(self.by(by, message)).await?.into_inner().request_id)
    }

    pub async fn answer_look(&self, by: &Person, request_id: &str, agreed: bool) -> Result<(), Status> {
        let message = AnswerLedgerLookRequest { request_id: request_id.into(), agreed };
        self.rpc.answer_ledger_look(self.by(by, message)).await.map(drop)
    }

    pub async fn withdraw_look(&self, by: &Person, request_id: &str) -> Result<(), Status> {
        let message = WithdrawLedgerLookRequest { request_id: request_id.into() };
        self.rpc.withdraw_ledger_look(self.by(by, message)).await.map(drop)
    }

    pub async fn read_ledger(&self, by: &Person, request_id: &str) -> Result<ReadLedgerResponse, Status> {
        let message = ReadLedgerRequest { request_id: request_id.into(), ..Default::default() };
        Ok(self.rpc.read_ledger(self.by(by, message)).await?.into_inner())
    }

    pub async fn look_requests(&self, by: &Person) -> Vec<LedgerLook> {
        let request = self.by(by, ListLedgerLooksRequest::default());
        self.rpc.list_ledger_looks(request).await.unwrap().into_inner().looks
    }

    pub async fn look_request(&self, by: &Person, request_id: &str) -> Result<GetLedgerLookResponse, Status> {
        let message = GetLedgerLookRequest { request_id: request_id.into() };
        Ok(self.rpc.get_ledger_look(self.by(by, message)).await?.into_inner())
    }

    pub async fn looks_of_staff(&self, person: &Person) -> Vec<StaffLook> {
        let request = self.by(person, ListStaffLooksRequest::default());
        self.rpc.list_staff_looks(request).await.unwrap().into_inner().looks
    }
}

/// Anna reported Ben; two operators run the place.
pub struct Asked {
    pub house: House,
    pub one: Person,
    pub other: Person,
    pub anna: Person,
    pub ben: Person,
    pub report_id: String,
    pub request_id: String,
}

impl Asked {
    pub async fn new() -> Self {
        let house = House::new().await;
        let (one, other) = (house.operator().await, house.second_operator().await);
        let (anna, ben) = house.couple().await;
        let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();
        let request_id = house.ask_look(&one, ask_for(&report_id)).await.unwrap();
        Self { house, one, other, anna, ben, report_id, request_id }
    }

    /// Another operator agreed.
    pub async fn agreed() -> Self {
        let asked = Self::new().await;
        asked.house.answer_look(&asked.other, &asked.request_id, true).await.unwrap();
        asked
    }

    pub async fn state(&self) -> LedgerLookState {
        self.house.look_requests(&self.one).await[0].state()
    }

    /// Nothing is read, and the attempt stands nowhere as a look.
    pub async fn stays_closed(&self, by: &Person, code: Code, why: &str) {
        let refused = self.house.read_ledger(by, &self.request_id).await.err().expect("it is closed");
        assert_eq!((refused.code(), reason(&refused).as_str()), (code, why));
        assert!(self.house.looks_of_staff(&self.ben).await.is_empty());
    }
}

/// Somebody read something of somebody's, and accounts heard of it.
async fn reads(house: &House, receipt_id: Uuid, owner: &Person, reader: &Person, items: &[u128], told: bool) {
    let under = Under { receipt_id, owner_id: owner.account_id, reader_id: reader.account_id };
    let item_ids = items.iter().map(|id| Uuid::from_u128(*id)).collect();
    let read = Read { time: house.now(), item_ids, told };
    let mut tx = house.pool().begin().await.unwrap();
    app::count_reads(&house.accounts, &mut tx, &[(under, read)]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn one_asks_another_agrees_and_each_look_stands_in_the_ledger() {
    let world = Asked::new().await;
    let Asked { house, one, other, anna, ben, request_id, .. } = &world;
    // What anybody read of Ben: his partner said so once and once not, and his counselor exactly.
    let silent = house.opened(anna, shared_items(ben.account_id)).await.unwrap();
    reads(house, silent.opening.receipt_id, ben, anna, &[4], false).await;
    let carla = house.verified(one, "carla").await;
    house.in_care(ben, &carla).await;
    house.grant(ben, all_of(Scope::Entries, &carla)).await.unwrap();
    let exact = house.opened(&carla, read_all(Scope::Entries, ben)).await.unwrap();
    reads(house, exact.opening.receipt_id, ben, &carla, &[1, 2], false).await;

    let waiting = &house.look_requests(other).await[0];
    assert!(
        waiting.state() == LedgerLookState::Waiting && !waiting.own && waiting.report_id == world.report_id
    );
    assert_eq!(waiting.account_id, ben.account_id.to_string());
    let seen = house.look_request(other, request_id).await.unwrap();
    assert_eq!(seen.note, "Somebody says that too much was read.");
    assert!(!house.dump().await.contains("too much was read"));
    house.answer_look(other, request_id, true).await.unwrap();
    let one = &house.signed_in("ops@example.org").await;
    let read = house.read_ledger(one, request_id).await.unwrap();
    let entries: Vec<_> = read.entries.iter().map(|one| (one.relation(), one.scope(), one.items)).collect();
    assert!(entries == [(Relation::Counselor, Scope::Entries, 2)], "what is a partner's own stays theirs");
    assert_eq!(read.entries[0].reader_account_id, carla.account_id.to_string());
    reads(house, silent.opening.receipt_id, ben, anna, &[4], true).await;
    house.advance(SignedDuration::from_secs(5));
    let again = house.read_ledger(one, request_id).await.unwrap();
    let told = again.entries.iter().find(|one| one.relation() == Relation::Partner).unwrap();
    assert_eq!((told.reader_account_id.as_str(), told.items), ("", 1), "whom he is close to is not shown");

    let looks = house.looks_of_staff(ben).await;
    assert_eq!(looks.len(), 2, "each look");
    for look in &looks {
        assert!(look.kind() == StaffLookKind::Ledger && look.role() == StaffRole::Operator && look.agreed);
        assert!(look.reason() == LedgerLookReason::Misuse);
    }
    assert!(looks[0].look_time.unwrap().seconds == looks[1].look_time.unwrap().seconds + 5);
    let told = house.told_of(ben).await;
    let of_looks = |kind: &&i32| **kind == SecurityNoticeKind::LedgerLooked as i32;
    assert_eq!(told.iter().filter(of_looks).count(), 1, "told once for each request");
    // Nobody else hears of it.
    for person in [anna, &carla] {
        assert!(!house.heard(person, SecurityNoticeKind::LedgerLooked).await);
        assert!(house.looks_of_staff(person).await.is_empty());
    }
}

#[tokio::test]
async fn every_step_is_in_the_audit() {
    let world = Asked::agreed().await;
    let Asked { house, one, other, ben, request_id, .. } = &world;
    house.look_request(other, request_id).await.unwrap();
    house.read_ledger(one, request_id).await.unwrap();
    house.withdraw_look(one, request_id).await.unwrap();
    let declined = house.ask_look(one, ask_for(&world.report_id)).await.unwrap();
    house.answer_look(other, &declined, false).await.unwrap();
    let audited = house.record_of(ben.account_id).await;
    let steps: Vec<_> = audited.iter().map(|(action, actor, _)| (action.as_str(), actor.unwrap())).collect();
    let (one, other) = (one.account_id, other.account_id);
    let expected = [
        ("ledger_asked_for", one),
        ("ledger_agreed_to", other),
        ("ledger_read", one),
        ("ledger_taken_back", one),
        ("ledger_asked_for", one),
        ("ledger_declined", other),
    ];
    assert_eq!(steps, expected);
    for (_, _, details) in &audited[..4] {
        assert!(details.contains(request_id.as_str()), "{details}");
    }
    assert!(audited[0].2.contains("\"reason\":\"misuse\"") && audited[0].2.contains(&world.report_id));
    let notes: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM audit_record WHERE action = 'ledger_asked_for' AND note IS NOT NULL",
    )
    .fetch_one(house.pool())
    .await
    .unwrap();
    assert_eq!(notes, 2, "the reason stays there, sealed");
    let looked = house.record_of(request_id.parse().unwrap()).await;
    assert_eq!((looked.len(), looked[0].0.as_str()), (1, "ledger_request_looked_at"));
}

#[tokio::test]
async fn a_look_of_support_is_gone_on_from_for_thirty_days() {
    let house = House::new().await;
    let (one, other) = (house.operator().await, house.second_operator().await);
    let sara = house.supporter().await;
    let anna = house.member("anna").await;
    let code = house.support_code(&anna).await.unwrap();
    let look_id = house.look_up(&sara, &code).await.unwrap().look_id;
    let wish = || AskLedgerLookRequest {
        look_id: look_id.clone(),
        reason: LedgerLookReason::AskedFor.into(),
        note: "She asked for it.".into(),
        ..AskLedgerLookRequest::default()
    };
    let request_id = house.ask_look(&one, wish()).await.unwrap();
    house.answer_look(&other, &request_id, true).await.unwrap();
    assert!(house.read_ledger(&one, &request_id).await.unwrap().entries.is_empty());
    let kinds: Vec<_> = house.looks_of_staff(&anna).await.iter().map(|look| look.role()).collect();
    assert!(kinds.contains(&StaffRole::Operator) && kinds.contains(&StaffRole::Support) && kinds.len() == 2);
    // A look at a ledger is none to go on from.
    let ledger_look = house.looks_of_staff(&anna).await;
    let ledger_look = ledger_look.iter().find(|look| look.agreed).unwrap().look_id.clone();
    let unknown = AskLedgerLookRequest { look_id: Uuid::from_u128(404).to_string(), ..wish() };
    let unknown = house.ask_look(&one, unknown).await.err().unwrap();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "LEDGER_LOOK_WITHOUT_CAUSE"));
    let no_cause = AskLedgerLookRequest { look_id: ledger_look, ..wish() };
    assert_eq!(visible(&house.ask_look(&one, no_cause).await.err().unwrap()), visible(&unknown));
    house.advance(SignedDuration::from_hours(30 * 24));
    let one = house.signed_in("ops@example.org").await;
    assert_eq!(visible(&house.ask_look(&one, wish()).await.err().unwrap()), visible(&unknown));
}
