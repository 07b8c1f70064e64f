//! `LedgerLookService`.

use super::{
    Rpc, id,
    ledger::{cursor, page_token, relation},
    optional_id, wire,
};
use crate::{
    Error,
    app::{
        OwnReceipt,
        ledger_look::{self, Ask, Request as Wish},
    },
    domain::{LedgerLookReason, LookCause, LookNote, PageSize, Visibility},
};
use candor_proto::accounts::v1::{
    AnswerLedgerLookRequest, AnswerLedgerLookResponse, AskLedgerLookRequest, AskLedgerLookResponse,
    GetLedgerLookRequest, GetLedgerLookResponse, LedgerEntry, LedgerLook, ListLedgerLooksRequest,
    ListLedgerLooksResponse, ReadLedgerRequest, ReadLedgerResponse, WithdrawLedgerLookRequest,
    WithdrawLedgerLookResponse, ledger_look_service_server::LedgerLookService,
};
use chassis::{
    Fault,
    identity::{Kind, Passport},
    rpc::{admit_kinds, require_step_up},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Who looks, and who agrees.
const OPERATORS: [Kind; 1] = [Kind::Operator];

#[tonic::async_trait]
impl LedgerLookService for Rpc {
    async fn ask_ledger_look(
        &self,
        request: Request<AskLedgerLookRequest>,
    ) -> Result<Response<AskLedgerLookResponse>, Status> {
        let (passport, message) = admit_kinds(request, &OPERATORS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let request_id = ask(self, &passport, message).await?;
        Ok(Response::new(AskLedgerLookResponse { request_id: request_id.to_string() }))
    }

    async fn list_ledger_looks(
        &self,
        request: Request<ListLedgerLooksRequest>,
    ) -> Result<Response<ListLedgerLooksResponse>, Status> {
        let (passport, message) = admit_kinds(request, &OPERATORS)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let (after, by) = (cursor(&message.page_token)?, passport.account_id);
        let (page, next) = ledger_look::requests(&self.accounts, &passport, size, after).await?;
        let looks = page.iter().map(|wish| look(wish, by)).collect();
        Ok(Response::new(ListLedgerLooksResponse { looks, next_page_token: page_token(next) }))
    }

    async fn get_ledger_look(
        &self,
        request: Request<GetLedgerLookRequest>,
    ) -> Result<Response<GetLedgerLookResponse>, Status> {
        let (passport, message) = admit_kinds(request, &OPERATORS)?;
        Ok(Response::new(get(self, &passport, id("request_id", &message.request_id)?).await?))
    }

    async fn answer_ledger_look(
        &self,
        request: Request<AnswerLedgerLookRequest>,
    ) -> Result<Response<AnswerLedgerLookResponse>, Status> {
        let (passport, message) = admit_kinds(request, &OPERATORS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        answer(self, &passport, id("request_id", &message.request_id)?, message.agreed).await?;
        Ok(Response::new(AnswerLedgerLookResponse {}))
    }

    async fn withdraw_ledger_look(
        &self,
        request: Request<WithdrawLedgerLookRequest>,
    ) -> Result<Response<WithdrawLedgerLookResponse>, Status> {
        let (passport, message) = admit_kinds(request, &OPERATORS)?;
        withdraw(self, &passport, id("request_id", &message.request_id)?).await?;
        Ok(Response::new(WithdrawLedgerLookResponse {}))
    }

    async fn read_ledger(
        &self,
        request: Request<ReadLedgerRequest>,
    ) -> Result<Response<ReadLedgerResponse>, Status> {
        let (passport, message) = admit_kinds(request, &OPERATORS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        Ok(Response::new(read(self, &passport, &message).await?))
    }
}

async fn ask(rpc: &Rpc, by: &Passport, message: AskLedgerLookRequest) -> Result<Uuid, Status> {
    let accounts = &rpc.accounts;
    let note = LookNote::parse(&Zeroizing::new(message.note)).map_err(Error::from)?;
    let reason =
        LedgerLookReason::of(message.reason).ok_or_else(|| Fault::invalid_field("reason", "is not known"))?;
    let report_id = optional_id("report_id", &message.report_id)?;
    let cause =
        LookCause::parse(report_id, optional_id("look_id", &message.look_id)?).map_err(Error::from)?;
    let asked = Ask { request_id: optional_id("request_id", &message.request_id)?, cause, reason };
    let sealed = ledger_look::seal_ask(accounts, by.account_id, &asked, &note).await?;
    let mut tx = accounts.pool.begin().await.map_err(Error::from)?;
    let request_id = ledger_look::ask(accounts, &mut tx, by, sealed).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(request_id)
}

async fn get(rpc: &Rpc, by: &Passport, request_id: Uuid) -> Result<GetLedgerLookResponse, Error> {
    let accounts = &rpc.accounts;
    let (wish, note) = ledger_look::look_at(accounts, by.account_id, request_id).await?;
    let mut tx = accounts.pool.begin().await?;
    ledger_look::note_look(accounts, &mut tx, by, request_id).await?;
    tx.commit().await?;
    Ok(GetLedgerLookResponse { look: Some(look(&wish, by.account_id)), note })
}

async fn answer(rpc: &Rpc, by: &Passport, request_id: Uuid, agreed: bool) -> Result<(), Error> {
    let mut tx = rpc.accounts.pool.begin().await?;
    ledger_look::answer(&rpc.accounts, &mut tx, by, request_id, agreed).await?;
    Ok(tx.commit().await?)
}

async fn withdraw(rpc: &Rpc, by: &Passport, request_id: Uuid) -> Result<(), Error> {
    let mut tx = rpc.accounts.pool.begin().await?;
    ledger_look::withdraw(&rpc.accounts, &mut tx, by, request_id).await?;
    Ok(tx.commit().await?)
}

async fn read(rpc: &Rpc, by: &Passport, message: &ReadLedgerRequest) -> Result<ReadLedgerResponse, Status> {
    let accounts = &rpc.accounts;
    let request_id = id("request_id", &message.request_id)?;
    let size = PageSize::parse(message.page_size).map_err(Error::from)?;
    let after = cursor(&message.page_token)?;
    let mut tx = accounts.pool.begin().await.map_err(Error::from)?;
    let page = ledger_look::read(accounts, &mut tx, by, request_id, size, after).await?;
    tx.commit().await.map_err(Error::from)?;
    accounts.mails.notify_one();
    Ok(ReadLedgerResponse {
        entries: page.receipts.iter().map(entry).collect(),
        next_page_token: page_token(page.next),
        read_until_time: Some(wire(page.until)),
    })
}

fn look(wish: &Wish, seen_by: Uuid) -> LedgerLook {
    let (stored, text) = (&wish.stored, |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default());
    let time = |at: Option<jiff_sqlx::Timestamp>| at.map(|at| wire(at.to_jiff()));
    LedgerLook {
        request_id: stored.request_id.to_string(),
        account_id: stored.account_id.to_string(),
        report_id: text(stored.report_id),
        look_id: text(stored.look_id),
        reason: wish.reason.number(),
        state: wish.state.number(),
        ask_time: time(Some(stored.asked_at)),
        expire_time: time(Some(stored.expires_at)),
        answer_time: time(stored.answered_at),
        read_until_time: time(stored.read_until),
        own: stored.asked_by == seen_by,
        answered_by_caller: stored.answered_by == Some(seen_by),
    }
}

/// A read without what was read; and whom it was by only where that shows exactly.
fn entry(own: &OwnReceipt) -> LedgerEntry {
    let exact = own.relation.visibility() == Visibility::Exactly;
    LedgerEntry {
        relation: relation(own.relation).into(),
        reader_account_id: if exact { own.reader_id.to_string() } else { String::new() },
        scope: own.scope.number(),
        items: i32::try_from(own.shown.item_ids.len()).unwrap_or(i32::MAX),
        read_time: Some(wire(own.shown.time)),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{LedgerLookReason, LookState};
    use candor_proto::accounts::v1::{LedgerLookReason as Reason, LedgerLookState as State};

    #[test]
    fn numbers_are_those_of_the_proto() {
        use Reason::{AskedFor, Law, Misuse, Safety};
        let wire = [AskedFor, Misuse, Safety, Law].map(|reason| reason as i32);
        assert_eq!(LedgerLookReason::ALL.map(LedgerLookReason::number), wire);
        assert!(Reason::try_from(1 + wire.len() as i32).is_err());
        use State::{Declined, Open, Over, Unanswered, Waiting, Withdrawn};
        let wire = [Waiting, Open, Declined, Withdrawn, Unanswered, Over].map(|state| state as i32);
        assert_eq!(LookState::ALL.map(LookState::number), wire);
        assert!(State::try_from(1 + wire.len() as i32).is_err());
    }
}
