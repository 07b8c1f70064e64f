//! Trust and safety: reporting and blocking, what operators see and decide, and what a suspended account can say for itself.

mod blocking;
mod deciding;
mod keeping;
pub mod ledger_looks;
mod reporting;
mod support;
mod suspended;

use crate::kit::House;
use crate::operators;
use crate::people::Person;
use candor_proto::accounts::v1::{
    AppealSuspensionRequest, BlockPersonRequest, DecideAppealRequest, DismissReportRequest, Evidence,
    EvidenceKind, GetReportRequest, GetReportResponse, GetSuspensionCaseRequest, GetSuspensionCaseResponse,
    GetSuspensionRequest, LiftSuspensionRequest, ListOwnReportsRequest, ListReportsRequest,
    ListSuspensionsRequest, OwnReport, ReportPersonRequest, ReportReason, ReportSummary,
    SuspendAccountRequest, Suspension, SuspensionReason, SuspensionSummary,
    moderation_service_server::ModerationService as _, trust_service_server::TrustService as _,
};
use tonic::Status;
use uuid::Uuid;

/// A report with a note and two pieces of evidence.
pub fn complaint(about: &Person) -> ReportPersonRequest {
    let one = |kind: EvidenceKind, words: &str| Evidence { kind: kind.into(), words: words.into() };
    ReportPersonRequest {
        account_id: about.account_id.to_string(),
        share_id: String::new(),
        reason: ReportReason::Threat.into(),
        note: "  He waits at my door. ".into(),
        evidence: vec![
            one(EvidenceKind::Shown, "You will see what happens."),
            one(EvidenceKind::Typed, "Monday: three calls."),
        ],
        attempt_id: String::new(),
    }
}

impl House {
    pub async fn complain(&self, by: &Person, message: ReportPersonRequest) -> Result<String, Status> {
        Ok(self.rpc.report_person(self.by(by, message)).await?.into_inner().report_id)
    }

    pub async fn own_reports(&self, by: &Person) -> Vec<OwnReport> {
        let request = self.by(by, ListOwnReportsRequest::default());
        self.rpc.list_own_reports(request).await.unwrap().into_inner().reports
    }

    pub async fn keep_away(&self, by: &Person, whom: &Person) -> Result<(), Status> {
        let message = BlockPersonRequest { account_id: whom.account_id.to_string() };
        self.rpc.block_person(self.by(by, message)).await.map(drop)
    }

    pub async fn reports(&self, by: &Person, decided: bool) -> Vec<ReportSummary> {
        let message = ListReportsRequest { decided, ..Default::default() };
        self.rpc.list_reports(self.by(by, message)).await.unwrap().into_inner().reports
    }

    pub async fn read_report(&self, by: &Person, report_id: &str) -> Result<GetReportResponse, Status> {
        let message = GetReportRequest { report_id: report_id.into() };
        Ok(self.rpc.get_report(self.by(by, message)).await?.into_inner())
    }

    pub async fn dismiss(&self, by: &Person, report_id: &str) -> Result<(), Status> {
        let message = DismissReportRequest { report_id: report_id.into() };
        self.rpc.dismiss_report(self.by(by, message)).await.map(drop)
    }

    pub async fn suspend_for(&self, by: &Person, report_id: &str, days: i32) -> Result<String, Status> {
        let reason = SuspensionReason::Threat.into();
        let message = SuspendAccountRequest { report_id: report_id.into(), reason, days };
        Ok(self.rpc.suspend_account(self.by(by, message)).await?.into_inner().suspension_id)
    }

    pub async fn suspensions(&self, by: &Person, appealed: bool) -> Vec<SuspensionSummary> {
        let message = ListSuspensionsRequest { appealed, ..Default::default() };
        self.rpc.list_suspensions(self.by(by, message)).await.unwrap().into_inner().suspensions
    }

    pub async fn case(&self, by: &Person, suspension_id: &str) -> Result<GetSuspensionCaseResponse, Status> {
        let message = GetSuspensionCaseRequest { suspension_id: suspension_id.into() };
        Ok(self.rpc.get_suspension_case(self.by(by, message)).await?.into_inner())
    }

    pub async fn decide(&self, by: &Person, suspension_id: &str, granted: bool) -> Result<(), Status> {
        let message = DecideAppealRequest { suspension_id: suspension_id.into(), granted };
        self.rpc.decide_appeal(self.by(by, message)).await.map(drop)
    }

    pub async fn lift_suspension(&self, by: &Person, suspension_id: &str) -> Result<(), Status> {
        let message = LiftSuspensionRequest { suspension_id: suspension_id.into() };
        self.rpc.lift_suspension(self.by(by, message)).await.map(drop)
    }

    pub async fn suspension_of(&self, person: &Person) -> Option<Suspension> {
        let request = self.by(person, GetSuspensionRequest {});
        self.rpc.get_suspension(request).await.unwrap().into_inner().suspension
    }

    pub async fn object(&self, by: &Person, appeal: &str) -> Result<(), Status> {
        let message = AppealSuspensionRequest { appeal: appeal.into() };
        self.rpc.appeal_suspension(self.by(by, message)).await.map(drop)
    }

    /// Another operator than the first.
    pub async fn second_operator(&self) -> Person {
        operators::make(self, "ops.two@example.org").await;
        self.signed_in("ops.two@example.org").await
    }

    /// Whether the passports of somebody who signs in say that the account is suspended.
    pub async fn is_held(&self, email: &str) -> bool {
        let session = self.sign_in(email, crate::kit::PASSWORD).await.unwrap();
        let at_sign_in = self.passport(&session.passport).await.unwrap().suspended;
        let minted = self.mint(&session.session_secret).await.unwrap();
        let minted = self.passport(&minted.passport).await.unwrap().suspended;
        assert_eq!(at_sign_in, minted);
        minted
    }

    /// What the audit holds of an id, in order.
    pub async fn record_of(&self, id: Uuid) -> Vec<(String, Option<Uuid>, String)> {
        let query = sqlx::query_as(
            "SELECT action, actor_id, details FROM audit_record WHERE subject_id = $1 ORDER BY record_id",
        );
        query.bind(id).fetch_all(self.pool()).await.unwrap()
    }
}
