//! `CoupleCareService`.

mod shown;

use super::{
    Rpc, id,
    ledger::{cursor, page_token},
};
use crate::{
    Error,
    app::couple_care,
    domain::{Confidentiality, Name, PageSize, counselor::Jurisdiction},
};
use candor_proto::accounts::v1::{
    AcceptCoupleCareRequest, AcceptCoupleCareResponse, AgreeToConfidentialityRequest,
    AgreeToConfidentialityResponse, AgreeToCoupleCareRequest, AgreeToCoupleCareResponse,
    ConfirmSeenAloneRequest, ConfirmSeenAloneResponse, DeclineConfidentialityRequest,
    DeclineConfidentialityResponse, DeclineCoupleCareRequest, DeclineCoupleCareResponse,
    EndCoupleCareRequest, EndCoupleCareResponse, ListCoupleCareRequest, ListCoupleCareResponse,
    ListCouplesInCareRequest, ListCouplesInCareResponse, LockJointSessionsRequest, LockJointSessionsResponse,
    ProposeConfidentialityRequest, ProposeConfidentialityResponse, ProposeCoupleCareRequest,
    ProposeCoupleCareResponse, WithdrawConfidentialityRequest, WithdrawConfidentialityResponse,
    couple_care_service_server::CoupleCareService,
};
use chassis::{
    identity::{Kind, Passport},
    rpc::{admit_kinds, admit_member, require_step_up},
};
use shown::{couple, mine};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Who is in care, and whose care it is.
const ANY_OF_THREE: [Kind; 2] = [Kind::Member, Kind::Counselor];
/// Whose care it is.
const COUNSELORS: [Kind; 1] = [Kind::Counselor];

#[tonic::async_trait]
impl CoupleCareService for Rpc {
    async fn propose_couple_care(
        &self,
        request: Request<ProposeCoupleCareRequest>,
    ) -> Result<Response<ProposeCoupleCareResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let counselor_id = id("counselor_account_id", &message.counselor_account_id)?;
        let care_id = propose(self, &passport, counselor_id, message).await?;
        Ok(Response::new(ProposeCoupleCareResponse { care_id: care_id.to_string() }))
    }

    async fn agree_to_couple_care(
        &self,
        request: Request<AgreeToCoupleCareRequest>,
    ) -> Result<Response<AgreeToCoupleCareResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let care_id = id("care_id", &message.care_id)?;
        agree(self, &passport, care_id, message).await?;
        Ok(Response::new(AgreeToCoupleCareResponse {}))
    }

    async fn list_couple_care(
        &self,
        request: Request<ListCoupleCareRequest>,
    ) -> Result<Response<ListCoupleCareResponse>, Status> {
        let (passport, _) = admit_member(request)?;
        let care = couple_care::mine(&self.accounts, passport.account_id).await?;
        Ok(Response::new(ListCoupleCareResponse { care: care.into_iter().map(mine).collect() }))
    }

    async fn end_couple_care(
        &self,
        request: Request<EndCoupleCareRequest>,
    ) -> Result<Response<EndCoupleCareResponse>, Status> {
        let (passport, message) = admit_kinds(request, &ANY_OF_THREE)?;
        end(self, passport.account_id, id("care_id", &message.care_id)?).await?;
        Ok(Response::new(EndCoupleCareResponse {}))
    }

    async fn list_couples_in_care(
        &self,
        request: Request<ListCouplesInCareRequest>,
    ) -> Result<Response<ListCouplesInCareResponse>, Status> {
        let (passport, message) = admit_kinds(request, &COUNSELORS)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let after = cursor(&message.page_token)?;
        let (page, next) = couple_care::couples(&self.accounts, passport.account_id, size, after).await?;
        let couples = page.into_iter().map(couple).collect();
        Ok(Response::new(ListCouplesInCareResponse { couples, next_page_token: page_token(next) }))
    }

    async fn accept_couple_care(
        &self,
        request: Request<AcceptCoupleCareRequest>,
    ) -> Result<Response<AcceptCoupleCareResponse>, Status> {
        let (passport, message) = admit_kinds(request, &COUNSELORS)?;
        accept(self, &passport, id("care_id", &message.care_id)?).await?;
        Ok(Response::new(AcceptCoupleCareResponse {}))
    }

    async fn decline_couple_care(
        &self,
        request: Request<DeclineCoupleCareRequest>,
    ) -> Result<Response<DeclineCoupleCareResponse>, Status> {
        let (passport, message) = admit_kinds(request, &COUNSELORS)?;
        decline(self, &passport, id("care_id", &message.care_id)?).await?;
        Ok(Response::new(DeclineCoupleCareResponse {}))
    }

    async fn propose_confidentiality(
        &self,
        request: Request<ProposeConfidentialityRequest>,
    ) -> Result<Response<ProposeConfidentialityResponse>, Status> {
        let (passport, message) = admit_kinds(request, &ANY_OF_THREE)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let care_id = id("care_id", &message.care_id)?;
        let version = propose_policy(self, &passport, care_id, message.policy).await?;
        Ok(Response::new(ProposeConfidentialityResponse { version }))
    }

    async fn agree_to_confidentiality(
        &self,
        request: Request<AgreeToConfidentialityRequest>,
    ) -> Result<Response<AgreeToConfidentialityResponse>, Status> {
        let (passport, message) = admit_kinds(request, &ANY_OF_THREE)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let care_id = id("care_id", &message.care_id)?;
        let counts = agree_to_policy(self, &passport, care_id, message.version, message.policy).await?;
        Ok(Response::new(AgreeToConfidentialityResponse { counts }))
    }

    async fn withdraw_confidentiality(
        &self,
        request: Request<WithdrawConfidentialityRequest>,
    ) -> Result<Response<WithdrawConfidentialityResponse>, Status> {
        let (passport, message) = admit_kinds(request, &ANY_OF_THREE)?;
        withdraw_policy(self, &passport, id("care_id", &message.care_id)?, message.version).await?;
        Ok(Response::new(WithdrawConfidentialityResponse {}))
    }

    async fn decline_confidentiality(
        &self,
        request: Request<DeclineConfidentialityRequest>,
    ) -> Result<Response<DeclineConfidentialityResponse>, Status> {
        let (passport, message) = admit_kinds(request, &ANY_OF_THREE)?;
        let care_id = id("care_id", &message.care_id)?;
        decline_policy(self, &passport, care_id, message.version, message.policy).await?;
        Ok(Response::new(DeclineConfidentialityResponse {}))
    }

    async fn confirm_seen_alone(
        &self,
        request: Request<ConfirmSeenAloneRequest>,
    ) -> Result<Response<ConfirmSeenAloneResponse>, Status> {
        let (passport, message) = admit_kinds(request, &COUNSELORS)?;
        let care_id = id("care_id", &message.care_id)?;
        let member_id = id("member_account_id", &message.member_account_id)?;
        confirm(self, &passport, care_id, member_id).await?;
        Ok(Response::new(ConfirmSeenAloneResponse {}))
    }

    async fn lock_joint_sessions(
        &self,
        request: Request<LockJointSessionsRequest>,
    ) -> Result<Response<LockJointSessionsResponse>, Status> {
        let (passport, message) = admit_kinds(request, &COUNSELORS)?;
        lock(self, &passport, id("care_id", &message.care_id)?).await?;
        Ok(Response::new(LockJointSessionsResponse {}))
    }
}

async fn propose(
    rpc: &Rpc,
    by: &Passport,
    counselor_id: Uuid,
    message: ProposeCoupleCareRequest,
) -> Result<Uuid, Error> {
    let accounts = &rpc.accounts;
    let policy = Confidentiality::parse(message.policy)?;
    let name = Name::parse(&Zeroizing::new(message.own_name))?;
    let jurisdiction = Jurisdiction::parse_as("jurisdiction", &message.jurisdiction)?;
    let said = couple_care::prepare(accounts, by.account_id, None, &name, jurisdiction).await?;
    let mut tx = accounts.pool.begin().await?;
    let care_id = couple_care::propose(accounts, &mut tx, by, counselor_id, &said, policy).await?;
    tx.commit().await?;
    Ok(care_id)
}

async fn agree(
    rpc: &Rpc,
    by: &Passport,
    care_id: Uuid,
    message: AgreeToCoupleCareRequest,
) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let name = Name::parse(&Zeroizing::new(message.own_name))?;
    let jurisdiction = Jurisdiction::parse_as("jurisdiction", &message.jurisdiction)?;
    let said = couple_care::prepare(accounts, by.account_id, Some(care_id), &name, jurisdiction).await?;
    let mut tx = accounts.pool.begin().await?;
    couple_care::agree(accounts, &mut tx, by, &said).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(())
}

async fn accept(rpc: &Rpc, by: &Passport, care_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    couple_care::accept(accounts, &mut tx, by, care_id).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(())
}

async fn decline(rpc: &Rpc, by: &Passport, care_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    couple_care::decline(accounts, &mut tx, by, care_id).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(())
}

async fn end(rpc: &Rpc, account_id: Uuid, care_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    couple_care::end(accounts, &mut tx, account_id, care_id).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(())
}

async fn propose_policy(rpc: &Rpc, by: &Passport, care_id: Uuid, policy: i32) -> Result<i32, Error> {
    let (accounts, policy) = (&rpc.accounts, Confidentiality::parse(policy)?);
    let mut tx = accounts.pool.begin().await?;
    let version = couple_care::propose_policy(accounts, &mut tx, by, care_id, policy).await?;
    tx.commit().await?;
    Ok(version)
}

async fn agree_to_policy(
    rpc: &Rpc,
    by: &Passport,
    care_id: Uuid,
    version: i32,
    policy: i32,
) -> Result<bool, Error> {
    let (accounts, policy) = (&rpc.accounts, Confidentiality::parse(policy)?);
    let mut tx = accounts.pool.begin().await?;
    let counts = couple_care::agree_to_policy(accounts, &mut tx, by, care_id, version, policy).await?;
    tx.commit().await?;
    Ok(counts)
}

async fn withdraw_policy(rpc: &Rpc, by: &Passport, care_id: Uuid, version: i32) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    couple_care::withdraw_policy(accounts, &mut tx, by, care_id, version).await?;
    Ok(tx.commit().await?)
}

async fn decline_policy(
    rpc: &Rpc,
    by: &Passport,
    care_id: Uuid,
    version: i32,
    policy: i32,
) -> Result<(), Error> {
    let (accounts, policy) = (&rpc.accounts, Confidentiality::parse(policy)?);
    let mut tx = accounts.pool.begin().await?;
    couple_care::decline_policy(accounts, &mut tx, by, care_id, version, policy).await?;
    Ok(tx.commit().await?)
}

async fn confirm(rpc: &Rpc, by: &Passport, care_id: Uuid, member_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    couple_care::confirm_seen_alone(accounts, &mut tx, by, care_id, member_id).await?;
    Ok(tx.commit().await?)
}

async fn lock(rpc: &Rpc, by: &Passport, care_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    couple_care::lock_joint_sessions(accounts, &mut tx, by, care_id).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use crate::domain::{Confidentiality, CoupleCareState};
    use candor_proto::accounts::v1::{ConfidentialityPolicy as Policy, CoupleCareState as State};

    #[test]
    fn numbers_are_those_of_the_proto() {
        let states = [State::Proposed, State::Asked, State::Active].map(|state| state as i32);
        assert_eq!(CoupleCareState::ALL.map(CoupleCareState::number), states);
        assert!(State::try_from(4).is_err());
        let policies = [Policy::NoSecrets, Policy::Limited, Policy::Separate].map(|policy| policy as i32);
        assert_eq!(Confidentiality::ALL.map(Confidentiality::number), policies);
        assert!(Policy::try_from(4).is_err());
    }
}
