//! `CareService`.

use super::{
    Rpc, id,
    ledger::{cursor, page_token},
    wire,
};
use crate::{
    Error,
    app::care::{self, MyCare, PersonInCare, Said},
    domain::{CareNote, Cursor, Name, PageSize, counselor::Jurisdiction},
};
use candor_proto::accounts::v1::{
    self as wire_v1, AcceptCareRequest, AcceptCareResponse, Care, DeclineCareRequest, DeclineCareResponse,
    EndCareRequest, EndCareResponse, ListCareRequest, ListCareResponse, ListPeopleInCareRequest,
    ListPeopleInCareResponse, RequestCareRequest, RequestCareResponse, care_service_server::CareService,
};
use chassis::{
    Fault,
    identity::{Kind, Passport},
    rpc::{admit_kinds, admit_member, admit_owner, require_step_up},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Who is in care, and whose care it is.
const EITHER: [Kind; 2] = [Kind::Member, Kind::Counselor];
/// Whose care it is.
const COUNSELORS: [Kind; 1] = [Kind::Counselor];

#[tonic::async_trait]
impl CareService for Rpc {
    async fn request_care(
        &self,
        request: Request<RequestCareRequest>,
    ) -> Result<Response<RequestCareResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let counselor_id = id("counselor_account_id", &message.counselor_account_id)?;
        let care_id = ask(self, &passport, counselor_id, message).await?;
        Ok(Response::new(RequestCareResponse { care_id: care_id.to_string() }))
    }

    async fn list_care(
        &self,
        request: Request<ListCareRequest>,
    ) -> Result<Response<ListCareResponse>, Status> {
        let (passport, message) = admit_owner(request)?;
        let (size, after) = page(message.page_size, &message.page_token)?;
        let (page, next) = care::mine(&self.accounts, passport.account_id, size, after).await?;
        let care = page.into_iter().map(mine).collect();
        Ok(Response::new(ListCareResponse { care, next_page_token: page_token(next) }))
    }

    async fn end_care(&self, request: Request<EndCareRequest>) -> Result<Response<EndCareResponse>, Status> {
        let (passport, message) = admit_kinds(request, &EITHER)?;
        if message.block && passport.kind != Kind::Member {
            return Err(Fault::invalid_field("block", "is for members").into());
        }
        end(self, passport.account_id, id("care_id", &message.care_id)?, message.block).await?;
        Ok(Response::new(EndCareResponse {}))
    }

    async fn list_people_in_care(
        &self,
        request: Request<ListPeopleInCareRequest>,
    ) -> Result<Response<ListPeopleInCareResponse>, Status> {
        let (passport, message) = admit_kinds(request, &COUNSELORS)?;
        let (size, after) = page(message.page_size, &message.page_token)?;
        let (page, next) = care::people(&self.accounts, passport.account_id, size, after).await?;
        let people = page.into_iter().map(person).collect();
        Ok(Response::new(ListPeopleInCareResponse { people, next_page_token: page_token(next) }))
    }

    async fn accept_care(
        &self,
        request: Request<AcceptCareRequest>,
    ) -> Result<Response<AcceptCareResponse>, Status> {
        let (passport, message) = admit_kinds(request, &COUNSELORS)?;
        accept(self, &passport, id("care_id", &message.care_id)?).await?;
        Ok(Response::new(AcceptCareResponse {}))
    }

    async fn decline_care(
        &self,
        request: Request<DeclineCareRequest>,
    ) -> Result<Response<DeclineCareResponse>, Status> {
        let (passport, message) = admit_kinds(request, &COUNSELORS)?;
        decline(self, &passport, id("care_id", &message.care_id)?).await?;
        Ok(Response::new(DeclineCareResponse {}))
    }
}

fn page(size: i32, token: &str) -> Result<(PageSize, Cursor), Error> {
    Ok((PageSize::parse(size)?, cursor(token)?))
}

async fn ask(
    rpc: &Rpc,
    by: &Passport,
    counselor_id: Uuid,
    message: RequestCareRequest,
) -> Result<Uuid, Error> {
    let accounts = &rpc.accounts;
    let name = Name::parse(&Zeroizing::new(message.own_name))?;
    let note = CareNote::parse(&Zeroizing::new(message.note))?;
    let jurisdiction = Jurisdiction::parse_as("jurisdiction", &message.jurisdiction)?;
    let said = Said { counselor_id, name: &name, note: note.as_ref(), jurisdiction };
    let request = care::prepare(accounts, by.account_id, said).await?;
    let mut tx = accounts.pool.begin().await?;
    let care_id = care::request(accounts, &mut tx, by, &request).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(care_id)
}

async fn accept(rpc: &Rpc, by: &Passport, care_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    care::accept(accounts, &mut tx, by, care_id).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(())
}

async fn decline(rpc: &Rpc, by: &Passport, care_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    care::decline(accounts, &mut tx, by, care_id).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(())
}

async fn end(rpc: &Rpc, account_id: Uuid, care_id: Uuid, block: bool) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let block = if block { care::block_of(accounts, account_id, care_id).await? } else { None };
    let mut tx = accounts.pool.begin().await?;
    care::end(accounts, &mut tx, account_id, care_id, block.as_ref()).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(())
}

fn mine(mine: MyCare) -> Care {
    let stored = mine.stored;
    Care {
        care_id: stored.care_id.to_string(),
        state: mine.state.number(),
        counselor_account_id: stored.counselor_id.to_string(),
        counselor_name: mine.counselor_name,
        jurisdiction: stored.jurisdiction,
        on_hold: mine.on_hold,
        request_time: Some(wire(stored.asked_at)),
        expire_time: Some(wire(stored.expires_at)),
        start_time: stored.started_at.map(|at| wire(at.to_jiff())),
        end_time: stored.ended_at.map(|at| wire(at.to_jiff())),
    }
}

fn person(person: PersonInCare) -> wire_v1::PersonInCare {
    let stored = person.stored;
    wire_v1::PersonInCare {
        care_id: stored.care_id.to_string(),
        state: person.state.number(),
        member_account_id: stored.member_id.to_string(),
        member_name: person.name,
        note: person.note,
        jurisdiction: stored.jurisdiction,
        request_time: Some(wire(stored.asked_at)),
        expire_time: Some(wire(stored.expires_at)),
        start_time: stored.started_at.map(|at| wire(at.to_jiff())),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::CareState;
    use candor_proto::accounts::v1::CareState as Wire;

    #[test]
    fn states_have_the_numbers_of_the_proto() {
        let wire = [Wire::Asked, Wire::Active, Wire::Declined, Wire::Expired, Wire::Ended];
        assert_eq!(CareState::ALL.map(CareState::number), wire.map(|state| state as i32));
        assert!(Wire::try_from(1 + CareState::ALL.len() as i32).is_err());
    }
}
