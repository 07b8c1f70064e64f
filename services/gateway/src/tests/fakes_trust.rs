//! Fake trust and safety: what accounts says of it.

use super::fakes::{ALICE, Fake};
use candor_proto::accounts::v1::ledger_look_service_server::LedgerLookServiceServer;
use candor_proto::accounts::v1::moderation_service_server::{ModerationService, ModerationServiceServer};
use candor_proto::accounts::v1::support_service_server::{SupportService, SupportServiceServer};
use candor_proto::accounts::v1::trust_service_server::{TrustService, TrustServiceServer};
use candor_proto::accounts::v1::*;
use chassis::{Code, Fault};
use std::sync::Mutex;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// A report and a suspension that there are.
pub(super) const REPORT: &str = "6a1ab3f0-2f5e-4c8e-9d5e-3b6d7c1f0a42";

/// What was asked about trust and safety.
#[derive(Default)]
pub(super) struct TrustAsked {
    pub(super) reports: Mutex<Vec<ReportPersonRequest>>,
    /// What was done with which.
    pub(super) done: Mutex<Vec<String>>,
    pub(super) suspension: Mutex<Option<Suspension>>,
    /// Whether everything that is gated is refused.
    pub(super) held: Mutex<bool>,
}

pub(super) fn add(server: Router, fake: Fake) -> Router {
    let server = server.add_service(SupportServiceServer::new(fake.clone()));
    let server = server.add_service(LedgerLookServiceServer::new(fake.clone()));
    server.add_service(TrustServiceServer::new(fake.clone())).add_service(ModerationServiceServer::new(fake))
}

impl Fake {
    pub(super) fn note_trust<T>(&self, request: &Request<T>, what: String) -> Result<(), Status> {
        self.admit_proven(request)?;
        self.0.trust.done.lock().unwrap().push(what);
        Ok(())
    }

    fn suspension_summary(&self) -> SuspensionSummary {
        SuspensionSummary {
            suspension_id: REPORT.into(),
            account_id: ALICE.into(),
            report_id: REPORT.into(),
            reason: SuspensionReason::Threat.into(),
            start_time: self.0.timestamp(-60),
            appeal_state: AppealState::Waiting.into(),
            own: true,
            ..SuspensionSummary::default()
        }
    }

    fn report_summary(&self) -> ReportSummary {
        ReportSummary {
            report_id: REPORT.into(),
            kind: ReportKind::Person.into(),
            relation: ReportRelation::Partner.into(),
            reason: ReportReason::Threat.into(),
            state: ReportState::Open.into(),
            account_id: ALICE.into(),
            report_time: self.0.timestamp(-60),
            decide_time: None,
        }
    }
}

#[tonic::async_trait]
impl TrustService for Fake {
    async fn report_person(&self, request: Request<ReportPersonRequest>) -> Answer<ReportPersonResponse> {
        self.admit(&request)?;
        if request.get_ref().note.contains('\u{7}') {
            return Err(Fault::invalid_field("note", "holds a control character").into());
        }
        self.0.trust.reports.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ReportPersonResponse { report_id: REPORT.into() }))
    }

    async fn list_own_reports(
        &self,
        request: Request<ListOwnReportsRequest>,
    ) -> Answer<ListOwnReportsResponse> {
        self.admit(&request)?;
        Ok(Response::new(ListOwnReportsResponse::default()))
    }

    async fn block_person(&self, request: Request<BlockPersonRequest>) -> Answer<BlockPersonResponse> {
        self.admit(&request)?;
        self.0.trust.done.lock().unwrap().push(format!("block {}", request.get_ref().account_id));
        Ok(Response::new(BlockPersonResponse {}))
    }

    async fn get_suspension(&self, request: Request<GetSuspensionRequest>) -> Answer<GetSuspensionResponse> {
        self.admit(&request)?;
        let suspension = self.0.trust.suspension.lock().unwrap().clone();
        Ok(Response::new(GetSuspensionResponse { suspension }))
    }

    async fn appeal_suspension(
        &self,
        request: Request<AppealSuspensionRequest>,
    ) -> Answer<AppealSuspensionResponse> {
        self.admit(&request)?;
        if request.get_ref().appeal.is_empty() {
            return Err(Fault::invalid_field("appeal", "must not be blank").into());
        }
        self.0.trust.done.lock().unwrap().push(format!("appeal {}", request.get_ref().appeal));
        Ok(Response::new(AppealSuspensionResponse {}))
    }
}

#[tonic::async_trait]
impl ModerationService for Fake {
    async fn list_reports(&self, request: Request<ListReportsRequest>) -> Answer<ListReportsResponse> {
        self.admit(&request)?;
        if request.get_ref().decided {
            return Ok(Response::new(ListReportsResponse::default()));
        }
        let reports = vec![self.report_summary()];
        Ok(Response::new(ListReportsResponse { reports, next_page_token: "a+b".into() }))
    }

    async fn get_report(&self, request: Request<GetReportRequest>) -> Answer<GetReportResponse> {
        self.admit(&request)?;
        if request.get_ref().report_id != REPORT {
            return Err(Fault::new(Code::NotFound, "REPORT_NOT_FOUND", "There is no such report.").into());
        }
        let kind = EvidenceKind::Typed.into();
        Ok(Response::new(GetReportResponse {
            report: Some(self.report_summary()),
            note: "He <b>waits</b>.".into(),
            evidence: vec![Evidence { kind, words: "Three <i>calls</i>.".into() }],
            share_id: String::new(),
            suspension_id: REPORT.into(),
        }))
    }

    async fn dismiss_report(&self, request: Request<DismissReportRequest>) -> Answer<DismissReportResponse> {
        self.note_trust(&request, format!("dismiss {}", request.get_ref().report_id))?;
        Ok(Response::new(DismissReportResponse {}))
    }

    async fn suspend_account(
        &self,
        request: Request<SuspendAccountRequest>,
    ) -> Answer<SuspendAccountResponse> {
        let message = request.get_ref();
        if message.reason == 0 || message.days < 0 {
            return Err(Fault::invalid_field("reason", "is not a value to choose").into());
        }
        self.note_trust(&request, format!("suspend for {} days because {}", message.days, message.reason))?;
        Ok(Response::new(SuspendAccountResponse { suspension_id: REPORT.into() }))
    }

    async fn list_suspensions(
        &self,
        request: Request<ListSuspensionsRequest>,
    ) -> Answer<ListSuspensionsResponse> {
        self.admit(&request)?;
        let suspensions = vec![self.suspension_summary()];
        Ok(Response::new(ListSuspensionsResponse { suspensions, next_page_token: String::new() }))
    }

    async fn get_suspension_case(
        &self,
        request: Request<GetSuspensionCaseRequest>,
    ) -> Answer<GetSuspensionCaseResponse> {
        self.admit(&request)?;
        let suspension = Some(self.suspension_summary());
        Ok(Response::new(GetSuspensionCaseResponse { suspension, appeal: "Not <b>me</b>.".into() }))
    }

    async fn decide_appeal(&self, request: Request<DecideAppealRequest>) -> Answer<DecideAppealResponse> {
        self.note_trust(&request, format!("granted {}", request.get_ref().granted))?;
        Ok(Response::new(DecideAppealResponse {}))
    }

    async fn lift_suspension(
        &self,
        request: Request<LiftSuspensionRequest>,
    ) -> Answer<LiftSuspensionResponse> {
        self.note_trust(&request, format!("lift {}", request.get_ref().suspension_id))?;
        Ok(Response::new(LiftSuspensionResponse {}))
    }
}

#[tonic::async_trait]
impl SupportService for Fake {
    async fn create_support_code(
        &self,
        request: Request<CreateSupportCodeRequest>,
    ) -> Answer<CreateSupportCodeResponse> {
        self.admit(&request)?;
        let expire_time = self.0.timestamp(900);
        Ok(Response::new(CreateSupportCodeResponse { code: "01ABC-DEFGH".into(), expire_time }))
    }

    async fn look_up_support_code(
        &self,
        request: Request<LookUpSupportCodeRequest>,
    ) -> Answer<LookUpSupportCodeResponse> {
        self.admit(&request)?;
        if request.get_ref().code != "01ABC-DEFGH" {
            let sentence = "This code does not open.";
            return Err(Fault::new(Code::NotFound, "SUPPORT_CODE_NOT_FOUND", sentence).into());
        }
        Ok(Response::new(LookUpSupportCodeResponse {
            look_id: REPORT.into(),
            address_confirmed: true,
            has_passkey: true,
            codes_refused: true,
            mails_waiting: 2,
            export_open_time: self.0.timestamp(60),
            ..LookUpSupportCodeResponse::default()
        }))
    }
}
