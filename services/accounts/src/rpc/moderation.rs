//! `ModerationService`.

use super::{
    Rpc, id,
    ledger::{cursor, page_token},
    trust::evidence,
    wire,
};
use crate::{
    Error,
    app::moderation::{self, ReportSummary as Summary},
    domain::{Acquaintance, Appeal, Outcome, PageSize, ReportKind, SuspensionReason},
    store::suspension::Stored,
};
use candor_proto::accounts::v1::{
    DecideAppealRequest, DecideAppealResponse, DismissReportRequest, DismissReportResponse, GetReportRequest,
    GetReportResponse, GetSuspensionCaseRequest, GetSuspensionCaseResponse, LiftSuspensionRequest,
    LiftSuspensionResponse, ListReportsRequest, ListReportsResponse, ListSuspensionsRequest,
    ListSuspensionsResponse, ReportState, ReportSummary, SuspendAccountRequest, SuspendAccountResponse,
    SuspensionSummary, moderation_service_server::ModerationService,
};
use chassis::{
    Fault,
    identity::{Kind, Passport},
    rpc::{admit_kinds, require_step_up},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// Who decides.
const MODERATORS: [Kind; 1] = [Kind::Operator];

#[tonic::async_trait]
impl ModerationService for Rpc {
    async fn list_reports(
        &self,
        request: Request<ListReportsRequest>,
    ) -> Result<Response<ListReportsResponse>, Status> {
        let (passport, message) = admit_kinds(request, &MODERATORS)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let token = &message.page_token;
        let after = if token.is_empty() { None } else { Some(cursor(token)?) };
        let (page, next) =
            moderation::reports(&self.accounts, &passport, message.decided, size, after).await?;
        let reports = page.into_iter().map(summary).collect();
        Ok(Response::new(ListReportsResponse { reports, next_page_token: page_token(next) }))
    }

    async fn get_report(
        &self,
        request: Request<GetReportRequest>,
    ) -> Result<Response<GetReportResponse>, Status> {
        let (passport, message) = admit_kinds(request, &MODERATORS)?;
        Ok(Response::new(report(self, &passport, id("report_id", &message.report_id)?).await?))
    }

    async fn dismiss_report(
        &self,
        request: Request<DismissReportRequest>,
    ) -> Result<Response<DismissReportResponse>, Status> {
        let (passport, message) = admit_kinds(request, &MODERATORS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        dismiss(self, &passport, id("report_id", &message.report_id)?).await?;
        Ok(Response::new(DismissReportResponse {}))
    }

    async fn suspend_account(
        &self,
        request: Request<SuspendAccountRequest>,
    ) -> Result<Response<SuspendAccountResponse>, Status> {
        let (passport, message) = admit_kinds(request, &MODERATORS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let reason = SuspensionReason::of(message.reason)
            .ok_or_else(|| Fault::invalid_field("reason", "is not known"))?;
        let report_id = id("report_id", &message.report_id)?;
        let suspension_id = suspend(self, &passport, report_id, reason, message.days).await?;
        Ok(Response::new(SuspendAccountResponse { suspension_id: suspension_id.to_string() }))
    }

    async fn list_suspensions(
        &self,
        request: Request<ListSuspensionsRequest>,
    ) -> Result<Response<ListSuspensionsResponse>, Status> {
        let (passport, message) = admit_kinds(request, &MODERATORS)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let (after, by) = (cursor(&message.page_token)?, passport.account_id);
        let (page, next) =
            moderation::suspensions(&self.accounts, &passport, message.appealed, size, after).await?;
        let suspensions = page.iter().map(|stored| suspension(stored, by)).collect::<Result<_, _>>()?;
        Ok(Response::new(ListSuspensionsResponse { suspensions, next_page_token: page_token(next) }))
    }

    async fn get_suspension_case(
        &self,
        request: Request<GetSuspensionCaseRequest>,
    ) -> Result<Response<GetSuspensionCaseResponse>, Status> {
        let (passport, message) = admit_kinds(request, &MODERATORS)?;
        let suspension_id = id("suspension_id", &message.suspension_id)?;
        Ok(Response::new(case(self, &passport, suspension_id).await?))
    }

    async fn decide_appeal(
        &self,
        request: Request<DecideAppealRequest>,
    ) -> Result<Response<DecideAppealResponse>, Status> {
        let (passport, message) = admit_kinds(request, &MODERATORS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        let suspension_id = id("suspension_id", &message.suspension_id)?;
        decide(self, &passport, suspension_id, message.granted).await?;
        Ok(Response::new(DecideAppealResponse {}))
    }

    async fn lift_suspension(
        &self,
        request: Request<LiftSuspensionRequest>,
    ) -> Result<Response<LiftSuspensionResponse>, Status> {
        let (passport, message) = admit_kinds(request, &MODERATORS)?;
        require_step_up(&passport, self.accounts.clock.now())?;
        lift(self, &passport, id("suspension_id", &message.suspension_id)?).await?;
        Ok(Response::new(LiftSuspensionResponse {}))
    }
}

async fn report(rpc: &Rpc, by: &Passport, report_id: Uuid) -> Result<GetReportResponse, Error> {
    let accounts = &rpc.accounts;
    let opened = moderation::look_at(accounts, by.account_id, report_id).await?;
    let mut tx = accounts.pool.begin().await?;
    moderation::note_look(accounts, &mut tx, by, report_id).await?;
    tx.commit().await?;
    let text = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    Ok(GetReportResponse {
        report: Some(summary(opened.summary)),
        note: opened.note,
        evidence: evidence(opened.evidence),
        share_id: text(opened.share_id),
        suspension_id: text(opened.suspension_id),
    })
}

async fn dismiss(rpc: &Rpc, by: &Passport, report_id: Uuid) -> Result<(), Error> {
    let mut tx = rpc.accounts.pool.begin().await?;
    moderation::dismiss(&rpc.accounts, &mut tx, by, report_id).await?;
    Ok(tx.commit().await?)
}

async fn suspend(
    rpc: &Rpc,
    by: &Passport,
    report_id: Uuid,
    reason: SuspensionReason,
    days: i32,
) -> Result<Uuid, Error> {
    let accounts = &rpc.accounts;
    let sentence = moderation::prepare_sentence(accounts, by.account_id, report_id, reason, days).await?;
    let mut tx = accounts.pool.begin().await?;
    let suspension_id = moderation::suspend(accounts, &mut tx, by, sentence).await?;
    tx.commit().await?;
    wake(rpc);
    Ok(suspension_id)
}

async fn case(rpc: &Rpc, by: &Passport, suspension_id: Uuid) -> Result<GetSuspensionCaseResponse, Error> {
    let accounts = &rpc.accounts;
    let opened = moderation::case(accounts, by.account_id, suspension_id).await?;
    let mut tx = accounts.pool.begin().await?;
    moderation::note_case_look(accounts, &mut tx, by, suspension_id).await?;
    tx.commit().await?;
    let summary = suspension(&opened.stored, by.account_id)?;
    Ok(GetSuspensionCaseResponse { suspension: Some(summary), appeal: opened.appeal })
}

async fn decide(rpc: &Rpc, by: &Passport, suspension_id: Uuid, granted: bool) -> Result<(), Error> {
    let mut tx = rpc.accounts.pool.begin().await?;
    moderation::decide_appeal(&rpc.accounts, &mut tx, by, suspension_id, granted).await?;
    tx.commit().await?;
    wake(rpc);
    Ok(())
}

async fn lift(rpc: &Rpc, by: &Passport, suspension_id: Uuid) -> Result<(), Error> {
    let mut tx = rpc.accounts.pool.begin().await?;
    moderation::lift(&rpc.accounts, &mut tx, by, suspension_id).await?;
    tx.commit().await?;
    wake(rpc);
    Ok(())
}

/// What was decided is told, here and by mail.
fn wake(rpc: &Rpc) {
    rpc.accounts.outbox.wake();
    rpc.accounts.mails.notify_one();
}

/// The number of something in a list whose numbers begin with 1.
fn number<T: PartialEq>(all: &[T], one: &T) -> i32 {
    all.iter().position(|known| known == one).and_then(|at| i32::try_from(at + 1).ok()).unwrap_or(0)
}

fn summary(report: Summary) -> ReportSummary {
    let state = match report.outcome {
        None => ReportState::Open,
        Some(Outcome::Dismissed) => ReportState::Dismissed,
        Some(Outcome::Suspended) => ReportState::Suspended,
    };
    ReportSummary {
        report_id: report.report_id.to_string(),
        kind: number(&ReportKind::ALL, &report.kind),
        relation: report.relation.map_or(0, |relation| number(&Acquaintance::ALL, &relation)),
        reason: report.reason,
        state: state.into(),
        account_id: report.about_id.to_string(),
        report_time: Some(wire(report.reported_at)),
        decide_time: report.decided_at.map(wire),
    }
}

fn suspension(stored: &Stored, seen_by: Uuid) -> Result<SuspensionSummary, Error> {
    let appeal = Appeal::of(stored.appeal.is_some(), stored.appeal_granted);
    Ok(SuspensionSummary {
        suspension_id: stored.suspension_id.to_string(),
        account_id: stored.account_id.to_string(),
        report_id: stored.report_id.map(|id| id.to_string()).unwrap_or_default(),
        reason: SuspensionReason::stored(&stored.reason).ok_or(Error::Unreadable)?.number(),
        start_time: Some(wire(stored.suspended_at.to_jiff())),
        end_time: stored.until.map(|at| wire(at.to_jiff())),
        over_time: stored.ended_at.map(|at| wire(at.to_jiff())),
        appeal_state: appeal.number(),
        own: stored.suspended_by == seen_by,
    })
}

#[cfg(test)]
mod tests {
    use super::number;
    use crate::domain::{Acquaintance, ReportKind};
    use candor_proto::accounts::v1::{ReportKind as Kind, ReportRelation as Relation};

    #[test]
    fn numbers_are_those_of_the_proto() {
        let kinds = [Kind::Invitation, Kind::Person, Kind::Item].map(|kind| kind as i32);
        assert_eq!(ReportKind::ALL.map(|kind| number(&ReportKind::ALL, &kind)), kinds);
        assert!(Kind::try_from(4).is_err());
        use Relation::{Circle, Client, Counselor, Partner};
        let relations = [Partner, Circle, Counselor, Client].map(|relation| relation as i32);
        assert_eq!(Acquaintance::ALL.map(|one| number(&Acquaintance::ALL, &one)), relations);
        assert!(Relation::try_from(5).is_err());
    }
}
