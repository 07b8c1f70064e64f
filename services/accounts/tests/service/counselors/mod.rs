//! Counselors: applying, what operators decide, whom members find, and what happens when a licence is over.

mod becoming;
mod directory;
mod ending;
mod events;

use crate::kit::House;
use crate::people::Person;
use accounts::jobs;
use candor_proto::accounts::v1::{
    Counselor, CounselorApplication, CounselorSpecialty, CounselorStanding, CounselorSummary,
    GetCounselorApplicationRequest, GetCounselorRequest, GetOwnCounselorApplicationRequest, LicenceEntry,
    ListCounselorApplicationsRequest, ListCounselorsRequest, ListCounselorsResponse,
    ListSecurityNoticesRequest, RefuseCounselorRequest, SubmitCounselorApplicationRequest,
    SuspendCounselorRequest, VerifyCounselorRequest, WithdrawCounselorApplicationRequest,
    counselor_service_server::CounselorService as _, security_service_server::SecurityService as _,
};
use chassis::identity::Kind;
use tonic::Status;

pub fn licence(number: &str, jurisdiction: &str, last_day: &str) -> LicenceEntry {
    LicenceEntry {
        title: "Psychotherapist".into(),
        jurisdiction: jurisdiction.into(),
        number: number.into(),
        look_up: "https://chamber.example/register".into(),
        last_day: last_day.into(),
    }
}

/// What somebody says of themself, with one licence until the end of 2024; tests begin in March of it.
pub fn application(name: &str) -> SubmitCounselorApplicationRequest {
    SubmitCounselorApplicationRequest {
        name: name.into(),
        languages: vec!["en".into(), "de".into()],
        specialties: vec![CounselorSpecialty::Couples.into(), CounselorSpecialty::Grief.into()],
        approach: "Slowly, and with questions.".into(),
        accepts_clients: true,
        licences: vec![licence("PT-4711-0815", "DE", "2024-12-31")],
        practice_only: true,
    }
}

impl House {
    pub async fn submit(
        &self,
        by: &Person,
        message: SubmitCounselorApplicationRequest,
    ) -> Result<CounselorApplication, Status> {
        let answer = self.rpc.submit_counselor_application(self.by(by, message)).await?;
        Ok(answer.into_inner().application.unwrap())
    }

    pub async fn own_application(&self, by: &Person) -> Option<CounselorApplication> {
        let request = self.by(by, GetOwnCounselorApplicationRequest {});
        self.rpc.get_own_counselor_application(request).await.unwrap().into_inner().application
    }

    pub async fn withdraw(&self, by: &Person) -> Result<(), Status> {
        let request = self.by(by, WithdrawCounselorApplicationRequest {});
        self.rpc.withdraw_counselor_application(request).await.map(drop)
    }

    pub async fn look_at(&self, by: &Person, whom: &Person) -> Result<CounselorApplication, Status> {
        let message = GetCounselorApplicationRequest { counselor_account_id: whom.account_id.to_string() };
        let answer = self.rpc.get_counselor_application(self.by(by, message)).await?;
        Ok(answer.into_inner().application.unwrap())
    }

    pub async fn queue(&self, by: &Person, standing: CounselorStanding) -> Vec<CounselorSummary> {
        let message = ListCounselorApplicationsRequest { standing: standing.into(), ..Default::default() };
        let answer = self.rpc.list_counselor_applications(self.by(by, message)).await.unwrap();
        answer.into_inner().applications
    }

    /// Looks, and verifies what is there.
    pub async fn verify_counselor(&self, by: &Person, whom: &Person) -> Result<(), Status> {
        let revision = self.look_at(by, whom).await?.revision;
        self.verify_revision(by, whom, revision).await
    }

    pub async fn verify_revision(&self, by: &Person, whom: &Person, revision: i32) -> Result<(), Status> {
        let counselor_account_id = whom.account_id.to_string();
        let message = VerifyCounselorRequest { counselor_account_id, revision };
        self.rpc.verify_counselor(self.by(by, message)).await.map(drop)
    }

    pub async fn refuse(&self, by: &Person, whom: &Person, reason: &str) -> Result<(), Status> {
        let revision = self.look_at(by, whom).await?.revision;
        let counselor_account_id = whom.account_id.to_string();
        let message = RefuseCounselorRequest { counselor_account_id, revision, reason: reason.into() };
        self.rpc.refuse_counselor(self.by(by, message)).await.map(drop)
    }

    pub async fn suspend(&self, by: &Person, whom: &Person, reason: &str) -> Result<(), Status> {
        let counselor_account_id = whom.account_id.to_string();
        let message = SuspendCounselorRequest { counselor_account_id, reason: reason.into() };
        self.rpc.suspend_counselor(self.by(by, message)).await.map(drop)
    }

    pub async fn counselors(
        &self,
        by: &Person,
        message: ListCounselorsRequest,
    ) -> Result<ListCounselorsResponse, Status> {
        Ok(self.rpc.list_counselors(self.by(by, message)).await?.into_inner())
    }

    pub async fn find(&self, by: &Person, whom: &Person) -> Result<Counselor, Status> {
        let message = GetCounselorRequest { counselor_account_id: whom.account_id.to_string() };
        Ok(self.rpc.get_counselor(self.by(by, message)).await?.into_inner().counselor.unwrap())
    }

    /// Somebody whom the operator verified, signed in anew as what they are now.
    pub async fn verified(&self, operator: &Person, name: &str) -> Person {
        let person = self.member(name).await;
        self.submit(&person, application(name)).await.unwrap();
        self.verify_counselor(operator, &person).await.unwrap();
        let person = self.signed_in(&format!("{name}@example.org")).await;
        assert_eq!(person.kind, Kind::Counselor);
        person
    }

    /// What somebody was told of their account, newest first.
    pub async fn told_of(&self, person: &Person) -> Vec<i32> {
        let request = self.by(person, ListSecurityNoticesRequest::default());
        let notices = self.rpc.list_security_notices(request).await.unwrap().into_inner().notices;
        notices.iter().map(|notice| notice.kind).collect()
    }

    /// The mails that lead to one's practice, taken out of the folder.
    pub async fn practice_mails(&self) -> Vec<String> {
        self.work().await;
        let mails = self.mails().into_iter();
        mails
            .filter(|mail| mail.text.contains("https://candor.example/practice"))
            .map(|mail| mail.to)
            .collect()
    }

    /// What the audit holds of somebody: the action and who did it, in order.
    pub async fn audited(&self, person: &Person) -> Vec<(String, String)> {
        let query = sqlx::query_as(
            "SELECT action, actor_kind FROM audit_record WHERE subject_id = $1 ORDER BY record_id",
        );
        query.bind(person.account_id).fetch_all(self.pool()).await.unwrap()
    }

    /// What the audit holds of a thing: the action and who did it, in order.
    pub async fn audited_things(&self, id: &str) -> Vec<(String, String)> {
        let query = sqlx::query_as(
            "SELECT action, actor_kind FROM audit_record WHERE subject_id = $1 ORDER BY record_id",
        );
        query.bind(id.parse::<uuid::Uuid>().unwrap()).fetch_all(self.pool()).await.unwrap()
    }

    /// Lets the job run that suspends whoever has no licence any more, and those that look after keys and old rows.
    pub async fn look_at_licences(&self) {
        jobs::suspend_expired(&self.accounts).await.unwrap();
        while jobs::keep_house(&self.accounts).await.unwrap() {}
    }
}
