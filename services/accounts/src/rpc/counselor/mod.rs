//! `CounselorService`.

mod operators;
mod shown;

use super::{Rpc, id};
use crate::{
    Error,
    app::counselor,
    domain::{
        PageSize,
        counselor::{Jurisdiction, Language, Licence, Profile, Specialty},
    },
    store::counselor::Sought,
};
use candor_proto::accounts::v1::{
    CounselorApplication, GetCounselorApplicationRequest, GetCounselorApplicationResponse,
    GetCounselorRequest, GetCounselorResponse, GetOwnCounselorApplicationRequest,
    GetOwnCounselorApplicationResponse, ListCounselorApplicationsRequest, ListCounselorApplicationsResponse,
    ListCounselorsRequest, ListCounselorsResponse, RefuseCounselorRequest, RefuseCounselorResponse,
    SetCounselorAvailabilityRequest, SetCounselorAvailabilityResponse, SubmitCounselorApplicationRequest,
    SubmitCounselorApplicationResponse, SuspendCounselorRequest, SuspendCounselorResponse,
    VerifyCounselorRequest, VerifyCounselorResponse, WithdrawCounselorApplicationRequest,
    WithdrawCounselorApplicationResponse, counselor_service_server::CounselorService,
};
use chassis::{
    Fault,
    identity::{Kind, Passport},
    rpc::{admit_kinds, admit_member, require_step_up},
};
use shown::{application, listed};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Who applies, and who is a counselor already.
const APPLICANTS: [Kind; 2] = [Kind::Member, Kind::Counselor];
/// Who decides.
const DECIDERS: [Kind; 1] = [Kind::Operator];

#[tonic::async_trait]
impl CounselorService for Rpc {
    async fn submit_counselor_application(
        &self,
        request: Request<SubmitCounselorApplicationRequest>,
    ) -> Result<Response<SubmitCounselorApplicationResponse>, Status> {
        let (passport, message) = admit_kinds(request, &APPLICANTS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        submit(self, &passport, message).await?;
        let application = own(self, passport.account_id).await?;
        Ok(Response::new(SubmitCounselorApplicationResponse { application }))
    }

    async fn get_own_counselor_application(
        &self,
        request: Request<GetOwnCounselorApplicationRequest>,
    ) -> Result<Response<GetOwnCounselorApplicationResponse>, Status> {
        let (passport, _) = admit_kinds(request, &APPLICANTS)?;
        let application = own(self, passport.account_id).await?;
        Ok(Response::new(GetOwnCounselorApplicationResponse { application }))
    }

    async fn set_counselor_availability(
        &self,
        request: Request<SetCounselorAvailabilityRequest>,
    ) -> Result<Response<SetCounselorAvailabilityResponse>, Status> {
        let (passport, message) = admit_kinds(request, &APPLICANTS)?;
        let mut tx = self.accounts.pool.begin().await.map_err(Error::from)?;
        counselor::set_availability(&mut tx, passport.account_id, message.accepts_clients).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(Response::new(SetCounselorAvailabilityResponse {}))
    }

    async fn withdraw_counselor_application(
        &self,
        request: Request<WithdrawCounselorApplicationRequest>,
    ) -> Result<Response<WithdrawCounselorApplicationResponse>, Status> {
        let (passport, _) = admit_kinds(request, &APPLICANTS)?;
        withdraw(self, &passport).await?;
        Ok(Response::new(WithdrawCounselorApplicationResponse {}))
    }

    async fn list_counselors(
        &self,
        request: Request<ListCounselorsRequest>,
    ) -> Result<Response<ListCounselorsResponse>, Status> {
        let (_, message) = admit_member(request)?;
        Ok(Response::new(list(self, &message).await?))
    }

    async fn get_counselor(
        &self,
        request: Request<GetCounselorRequest>,
    ) -> Result<Response<GetCounselorResponse>, Status> {
        let (_, message) = admit_member(request)?;
        let account_id = id("counselor_account_id", &message.counselor_account_id)?;
        let found = counselor::listed(&self.accounts, account_id).await?;
        Ok(Response::new(GetCounselorResponse { counselor: Some(listed(found)) }))
    }

    async fn list_counselor_applications(
        &self,
        request: Request<ListCounselorApplicationsRequest>,
    ) -> Result<Response<ListCounselorApplicationsResponse>, Status> {
        let (passport, message) = admit_kinds(request, &DECIDERS)?;
        Ok(Response::new(operators::queue(self, &passport, &message).await?))
    }

    async fn get_counselor_application(
        &self,
        request: Request<GetCounselorApplicationRequest>,
    ) -> Result<Response<GetCounselorApplicationResponse>, Status> {
        let (passport, message) = admit_kinds(request, &DECIDERS)?;
        let account_id = account(&message.counselor_account_id)?;
        let application = Some(operators::look_at(self, &passport, account_id).await?);
        Ok(Response::new(GetCounselorApplicationResponse { application }))
    }

    async fn verify_counselor(
        &self,
        request: Request<VerifyCounselorRequest>,
    ) -> Result<Response<VerifyCounselorResponse>, Status> {
        let (passport, message) = admit_kinds(request, &DECIDERS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let account_id = account(&message.counselor_account_id)?;
        operators::verify(self, &passport, account_id, message.revision).await?;
        Ok(Response::new(VerifyCounselorResponse {}))
    }

    async fn refuse_counselor(
        &self,
        request: Request<RefuseCounselorRequest>,
    ) -> Result<Response<RefuseCounselorResponse>, Status> {
        let (passport, message) = admit_kinds(request, &DECIDERS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let (account_id, reason) = (account(&message.counselor_account_id)?, Zeroizing::new(message.reason));
        operators::refuse(self, &passport, account_id, message.revision, &reason).await?;
        Ok(Response::new(RefuseCounselorResponse {}))
    }

    async fn suspend_counselor(
        &self,
        request: Request<SuspendCounselorRequest>,
    ) -> Result<Response<SuspendCounselorResponse>, Status> {
        let (passport, message) = admit_kinds(request, &DECIDERS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let (account_id, reason) = (account(&message.counselor_account_id)?, Zeroizing::new(message.reason));
        operators::suspend(self, &passport, account_id, &reason).await?;
        Ok(Response::new(SuspendCounselorResponse {}))
    }
}

/// The account that an operator's call is about.
fn account(text: &str) -> Result<Uuid, Fault> {
    id("counselor_account_id", text)
}

async fn own(rpc: &Rpc, account_id: Uuid) -> Result<Option<CounselorApplication>, Error> {
    Ok(counselor::own(&rpc.accounts, account_id).await?.map(application))
}

async fn submit(rpc: &Rpc, by: &Passport, message: SubmitCounselorApplicationRequest) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let (name, approach) = (Zeroizing::new(message.name), Zeroizing::new(message.approach));
    let accepts = message.accepts_clients;
    let profile = Profile::parse(&name, &message.languages, &message.specialties, &approach, accepts)?;
    let licences = message.licences.into_iter().map(|typed| {
        let (number, look_up) = (Zeroizing::new(typed.number), Zeroizing::new(typed.look_up));
        Licence::parse(&typed.title, &typed.jurisdiction, &number, &look_up, &typed.last_day)
    });
    let licences = licences.collect::<Result<Vec<_>, _>>()?;
    let application = counselor::prepare(accounts, by.account_id, &profile, &licences).await?;
    let mut tx = accounts.pool.begin().await?;
    counselor::submit(accounts, &mut tx, by, &application).await?;
    Ok(tx.commit().await?)
}

async fn withdraw(rpc: &Rpc, by: &Passport) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let mut tx = accounts.pool.begin().await?;
    counselor::withdraw(accounts, &mut tx, by).await?;
    Ok(tx.commit().await?)
}

async fn list(rpc: &Rpc, message: &ListCounselorsRequest) -> Result<ListCounselorsResponse, Error> {
    let said = |text: &str| !text.trim().is_empty();
    let language = said(&message.language).then(|| Language::parse_as("language", &message.language));
    let place =
        said(&message.jurisdiction).then(|| Jurisdiction::parse_as("jurisdiction", &message.jurisdiction));
    let specialty =
        (message.specialty != 0).then(|| Specialty::parse_as("specialty", message.specialty)).transpose()?;
    let sought = Sought {
        specialty: specialty.map(Specialty::number),
        language: language.transpose()?.map(|language| language.as_str().to_owned()),
        places: place.transpose()?.map(|place| place.covering()),
        accepting: message.accepting,
    };
    let (size, after) = (PageSize::parse(message.page_size)?, super::ledger::cursor(&message.page_token)?);
    let (page, next) = counselor::directory(&rpc.accounts, &sought, size, after).await?;
    let counselors = page.into_iter().map(listed).collect();
    Ok(ListCounselorsResponse { counselors, next_page_token: super::ledger::page_token(next) })
}

#[cfg(test)]
mod tests {
    use crate::domain::counselor::{SPECIALTIES, Standing};
    use candor_proto::accounts::v1::{CounselorSpecialty, CounselorStanding};

    #[test]
    fn numbers_are_those_of_the_proto() {
        for number in 0..=SPECIALTIES {
            assert!(CounselorSpecialty::try_from(number).is_ok());
        }
        assert!(CounselorSpecialty::try_from(SPECIALTIES + 1).is_err());
        use CounselorStanding::{Applied, Refused, Suspended, Verified};
        let wire = [Applied, Verified, Refused, Suspended].map(|standing| standing as i32);
        assert_eq!(Standing::ALL.map(Standing::number), wire);
        assert!(CounselorStanding::try_from(5).is_err());
    }
}
