//! Fake looks at ledgers: what accounts says of them.

use super::fakes::{ALICE, Fake};
use super::fakes_counselors::CARLA;
use super::fakes_trust::REPORT;
use candor_proto::accounts::v1::ledger_look_service_server::LedgerLookService;
use candor_proto::accounts::v1::*;
use candor_proto::options::v1::Scope;
use chassis::{Code, Fault};
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// A request of another operator that waits.
pub(super) const WAITING: &str = "3d0f7f3a-93a4-4a36-8d0b-4b8c4f8f6c11";
/// One of the caller's own that another agreed to.
pub(super) const OPEN: &str = "3d0f7f3a-93a4-4a36-8d0b-4b8c4f8f6c12";

impl Fake {
    fn look(&self, request_id: &str) -> LedgerLook {
        let open = request_id == OPEN;
        let state = if open { LedgerLookState::Open } else { LedgerLookState::Waiting };
        LedgerLook {
            request_id: request_id.into(),
            account_id: ALICE.into(),
            report_id: REPORT.into(),
            reason: LedgerLookReason::Misuse.into(),
            state: state.into(),
            ask_time: self.0.timestamp(-60),
            expire_time: self.0.timestamp(3600),
            read_until_time: if open { self.0.timestamp(600) } else { None },
            own: open,
            ..LedgerLook::default()
        }
    }
}

#[tonic::async_trait]
impl LedgerLookService for Fake {
    async fn ask_ledger_look(&self, request: Request<AskLedgerLookRequest>) -> Answer<AskLedgerLookResponse> {
        let asked = request.get_ref();
        self.note_trust(&request, format!("ask {}{} {}", asked.report_id, asked.look_id, asked.reason))?;
        if asked.note.is_empty() {
            return Err(Fault::invalid_field("note", "must not be blank").into());
        }
        Ok(Response::new(AskLedgerLookResponse { request_id: asked.request_id.clone() }))
    }

    async fn list_ledger_looks(
        &self,
        request: Request<ListLedgerLooksRequest>,
    ) -> Answer<ListLedgerLooksResponse> {
        self.admit(&request)?;
        let looks = vec![self.look(WAITING), self.look(OPEN)];
        Ok(Response::new(ListLedgerLooksResponse { looks, next_page_token: "a+b".into() }))
    }

    async fn get_ledger_look(&self, request: Request<GetLedgerLookRequest>) -> Answer<GetLedgerLookResponse> {
        self.admit(&request)?;
        let look = Some(self.look(&request.get_ref().request_id));
        Ok(Response::new(GetLedgerLookResponse { look, note: "Too <b>much</b>.".into() }))
    }

    async fn answer_ledger_look(
        &self,
        request: Request<AnswerLedgerLookRequest>,
    ) -> Answer<AnswerLedgerLookResponse> {
        self.note_trust(&request, format!("agreed {}", request.get_ref().agreed))?;
        Ok(Response::new(AnswerLedgerLookResponse {}))
    }

    async fn withdraw_ledger_look(
        &self,
        request: Request<WithdrawLedgerLookRequest>,
    ) -> Answer<WithdrawLedgerLookResponse> {
        self.note_trust(&request, "taken back".to_owned())?;
        Ok(Response::new(WithdrawLedgerLookResponse {}))
    }

    async fn read_ledger(&self, request: Request<ReadLedgerRequest>) -> Answer<ReadLedgerResponse> {
        self.admit_proven(&request)?;
        if request.get_ref().request_id != OPEN {
            let sentence = "This ledger is not open.";
            return Err(Fault::new(Code::FailedPrecondition, "LEDGER_LOOK_NOT_OPEN", sentence).into());
        }
        let counselor = LedgerEntry {
            relation: Relation::Counselor.into(),
            reader_account_id: CARLA.into(),
            scope: Scope::Entries.into(),
            items: 3,
            read_time: self.0.timestamp(-60),
        };
        let partner = LedgerEntry {
            relation: Relation::Partner.into(),
            reader_account_id: String::new(),
            scope: Scope::SharedItems.into(),
            items: 1,
            ..counselor.clone()
        };
        Ok(Response::new(ReadLedgerResponse {
            entries: vec![counselor, partner],
            next_page_token: "a+b".into(),
            read_until_time: self.0.timestamp(600),
        }))
    }
}
