//! `ShareService`.

mod own;
mod received;

use super::Journal;
use crate::Error;
use crate::domain::Invalid;
use candor_proto::journal::v1 as proto;
use candor_proto::journal::v1::share_service_server::ShareService;
use chassis::audience::{Reading, admit_reader};
use chassis::identity::Capability;
use chassis::rpc::{admit_member, admit_owner};
use tonic::{Request, Response, Status};
use uuid::Uuid;

#[tonic::async_trait]
impl ShareService for Journal {
    async fn preview_share(
        &self,
        request: Request<proto::PreviewShareRequest>,
    ) -> Result<Response<proto::PreviewShareResponse>, Status> {
        let (caller, request) = admit_member(request)?;
        let rendering = self.preview(caller.account_id, request).await?;
        Ok(Response::new(proto::PreviewShareResponse { rendering: Some(rendering) }))
    }

    async fn share_item(
        &self,
        request: Request<proto::ShareItemRequest>,
    ) -> Result<Response<proto::ShareItemResponse>, Status> {
        let sent_key = super::SentKey::of(request.metadata());
        let (caller, request) = admit_member(request)?;
        let share = self.share(caller.account_id, &sent_key, request).await?;
        Ok(Response::new(proto::ShareItemResponse { share: Some(share) }))
    }

    async fn list_shares(
        &self,
        request: Request<proto::ListSharesRequest>,
    ) -> Result<Response<proto::ListSharesResponse>, Status> {
        let (caller, request) = admit_owner(request)?;
        Ok(Response::new(self.shares(caller.account_id, &request).await?))
    }

    async fn get_share(
        &self,
        request: Request<proto::GetShareRequest>,
    ) -> Result<Response<proto::GetShareResponse>, Status> {
        let (caller, request) = admit_member(request)?;
        let share = self.own_share(caller.account_id, share_id(&request.share_id)?).await?;
        Ok(Response::new(proto::GetShareResponse { share: Some(share) }))
    }

    async fn withdraw_share(
        &self,
        request: Request<proto::WithdrawShareRequest>,
    ) -> Result<Response<proto::WithdrawShareResponse>, Status> {
        let (caller, request) = admit_member(request)?;
        self.withdraw(caller.account_id, share_id(&request.share_id)?).await?;
        Ok(Response::new(proto::WithdrawShareResponse {}))
    }

    async fn rate_felt_understood(
        &self,
        request: Request<proto::RateFeltUnderstoodRequest>,
    ) -> Result<Response<proto::RateFeltUnderstoodResponse>, Status> {
        let (caller, request) = admit_member(request)?;
        self.rate(caller.account_id, share_id(&request.share_id)?, request.felt_understood).await?;
        Ok(Response::new(proto::RateFeltUnderstoodResponse {}))
    }

    async fn list_received_shares(
        &self,
        request: Request<proto::ListReceivedSharesRequest>,
    ) -> Result<Response<proto::ListReceivedSharesResponse>, Status> {
        let (_, reading, request) = admit_reader(request)?;
        let capability = of_another(reading)?;
        Ok(Response::new(self.received_shares(&capability, &request).await?))
    }

    async fn get_received_share(
        &self,
        request: Request<proto::GetReceivedShareRequest>,
    ) -> Result<Response<proto::GetReceivedShareResponse>, Status> {
        let (_, reading, request) = admit_reader(request)?;
        let capability = of_another(reading)?;
        Ok(Response::new(self.received_share(&capability, share_id(&request.share_id)?).await?))
    }

    async fn answer_share(
        &self,
        request: Request<proto::AnswerShareRequest>,
    ) -> Result<Response<proto::AnswerShareResponse>, Status> {
        let (_, reading, request) = admit_reader(request)?;
        let answer = self.answer_received(&of_another(reading)?, request).await?;
        Ok(Response::new(proto::AnswerShareResponse { answer: Some(answer) }))
    }

    async fn tell_read(
        &self,
        request: Request<proto::TellReadRequest>,
    ) -> Result<Response<proto::TellReadResponse>, Status> {
        let (_, reading, request) = admit_reader(request)?;
        self.told_read(&of_another(reading)?, share_id(&request.share_id)?).await?;
        Ok(Response::new(proto::TellReadResponse {}))
    }

    async fn get_share_answer(
        &self,
        request: Request<proto::GetShareAnswerRequest>,
    ) -> Result<Response<proto::GetShareAnswerResponse>, Status> {
        let (_, reading, request) = admit_reader(request)?;
        let Reading::Of(capability) = reading else { return Err(Error::AnswerNotFound.into()) };
        let answer = self.share_answer(&capability, share_id(&request.share_id)?).await?;
        Ok(Response::new(proto::GetShareAnswerResponse { answer: Some(answer) }))
    }

    async fn list_own_answers(
        &self,
        request: Request<proto::ListOwnAnswersRequest>,
    ) -> Result<Response<proto::ListOwnAnswersResponse>, Status> {
        let (caller, request) = admit_owner(request)?;
        Ok(Response::new(self.own_answers(caller.account_id, &request).await?))
    }
}

/// What is open to the caller is always another's.
fn of_another(reading: Reading) -> Result<Capability, Error> {
    match reading {
        Reading::Of(capability) => Ok(*capability),
        Reading::Own => Err(Error::ShareNotFound),
    }
}

fn share_id(text: &str) -> Result<Uuid, Error> {
    needed_id("share_id", text)
}

fn needed_id(field: &'static str, text: &str) -> Result<Uuid, Error> {
    super::chosen_id(field, text)?.ok_or(Error::Invalid(Invalid { field, rule: "is required" }))
}
