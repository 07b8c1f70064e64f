//! `TrustService`.

use super::{
    Rpc, id,
    ledger::{cursor, page_token},
    optional_id, wire,
};
use crate::{
    Error,
    app::trust::{self, Admittance, Attached, Attempt, MyReport, MySuspension, Wish},
    domain::{Invalid, PageSize, ReportReason, Testimony},
};
use candor_proto::accounts::v1::{
    AppealSuspensionRequest, AppealSuspensionResponse, BlockPersonRequest, BlockPersonResponse, Evidence,
    GetSuspensionRequest, GetSuspensionResponse, ListOwnReportsRequest, ListOwnReportsResponse, OwnReport,
    ReportPersonRequest, ReportPersonResponse, Suspension, trust_service_server::TrustService,
};
use chassis::{
    Fault,
    identity::{Kind, Passport},
    rpc::{admit_kinds, admit_member},
};
use prost::Message as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Who has to do with others here.
const PEOPLE: [Kind; 2] = [Kind::Member, Kind::Counselor];

#[tonic::async_trait]
impl TrustService for Rpc {
    async fn report_person(
        &self,
        request: Request<ReportPersonRequest>,
    ) -> Result<Response<ReportPersonResponse>, Status> {
        let (passport, message) = admit_kinds(request, &PEOPLE)?;
        let reason =
            ReportReason::of(message.reason).ok_or_else(|| Fault::invalid_field("reason", "is not known"))?;
        let account_id = id("account_id", &message.account_id)?;
        let share_id = optional_id("share_id", &message.share_id)?;
        let wish = Wish { account_id, share_id, reason };
        let attempt = match optional_id("attempt_id", &message.attempt_id)? {
            Some(id) => {
                let request = Zeroizing::new(message.encode_to_vec());
                Some(Attempt::new(&self.accounts, id, &request).await?)
            }
            None => None,
        };
        let words = (message.note, message.evidence);
        let report_id = report(self, &passport, wish, attempt, words).await?;
        Ok(Response::new(ReportPersonResponse { report_id: report_id.to_string() }))
    }

    async fn list_own_reports(
        &self,
        request: Request<ListOwnReportsRequest>,
    ) -> Result<Response<ListOwnReportsResponse>, Status> {
        let (passport, message) = admit_kinds(request, &PEOPLE)?;
        let size = PageSize::parse(message.page_size).map_err(Error::from)?;
        let after = cursor(&message.page_token)?;
        let (page, next) = trust::own(&self.accounts, passport.account_id, size, after).await?;
        let reports = page.into_iter().map(own_report).collect();
        Ok(Response::new(ListOwnReportsResponse { reports, next_page_token: page_token(next) }))
    }

    async fn block_person(
        &self,
        request: Request<BlockPersonRequest>,
    ) -> Result<Response<BlockPersonResponse>, Status> {
        let (passport, message) = admit_member(request)?;
        block(self, &passport, id("account_id", &message.account_id)?).await?;
        Ok(Response::new(BlockPersonResponse {}))
    }

    async fn get_suspension(
        &self,
        request: Request<GetSuspensionRequest>,
    ) -> Result<Response<GetSuspensionResponse>, Status> {
        let (passport, _) = admit_kinds(request, &PEOPLE)?;
        let found = trust::my_suspension(&self.accounts, passport.account_id).await?;
        Ok(Response::new(GetSuspensionResponse { suspension: found.map(suspension) }))
    }

    async fn appeal_suspension(
        &self,
        request: Request<AppealSuspensionRequest>,
    ) -> Result<Response<AppealSuspensionResponse>, Status> {
        let (passport, message) = admit_kinds(request, &PEOPLE)?;
        appeal(self, &passport, &Zeroizing::new(message.appeal)).await?;
        Ok(Response::new(AppealSuspensionResponse {}))
    }
}

async fn report(
    rpc: &Rpc,
    by: &Passport,
    wish: Wish,
    attempt: Option<Attempt>,
    (note, evidence): (String, Vec<Evidence>),
) -> Result<Uuid, Error> {
    let accounts = &rpc.accounts;
    let note = Testimony::parse("note", &Zeroizing::new(note))?;
    let mut attached = Vec::with_capacity(evidence.len());
    for one in evidence {
        let blank = Invalid { field: "evidence", description: "holds nothing" };
        let words = Testimony::parse("evidence", &Zeroizing::new(one.words))?.ok_or(blank)?;
        attached.push((one.kind, words));
    }
    let mut tx = accounts.pool.begin().await?;
    let admitted = trust::admit(accounts, &mut tx, by, wish, attempt).await?;
    tx.commit().await?;
    let admitted = match admitted {
        Admittance::Known(report_id) => return Ok(report_id),
        Admittance::Free(admitted) => admitted,
    };
    let sealed = trust::seal(accounts, admitted, note.as_ref(), &attached).await?;
    let mut tx = accounts.pool.begin().await?;
    let report_id = trust::keep(accounts, &mut tx, by, &sealed).await?;
    tx.commit().await?;
    if report_id != sealed.report_id() {
        trust::forget(accounts, &sealed).await?;
    }
    Ok(report_id)
}

async fn block(rpc: &Rpc, by: &Passport, other_id: Uuid) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let pause = trust::pause_of_person(accounts, by.account_id, other_id).await?;
    let mut tx = accounts.pool.begin().await?;
    trust::block(accounts, &mut tx, by, &pause).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(())
}

async fn appeal(rpc: &Rpc, by: &Passport, typed: &str) -> Result<(), Error> {
    let accounts = &rpc.accounts;
    let blank = Invalid { field: "appeal", description: "must not be blank" };
    let words = Testimony::parse("appeal", typed)?.ok_or(blank)?;
    let sealed = trust::seal_appeal(accounts, by.account_id, &words).await?;
    let mut tx = accounts.pool.begin().await?;
    trust::appeal(accounts, &mut tx, by, &sealed).await?;
    Ok(tx.commit().await?)
}

/// What was attached to a report.
pub(super) fn evidence(attached: Vec<Attached>) -> Vec<Evidence> {
    attached.into_iter().map(|one| Evidence { kind: one.kind, words: one.words }).collect()
}

fn own_report(mine: MyReport) -> OwnReport {
    let stored = mine.stored;
    OwnReport {
        report_id: stored.report_id.to_string(),
        account_id: stored.about_id.to_string(),
        share_id: stored.share_id.map(|id| id.to_string()).unwrap_or_default(),
        reason: stored.reason,
        note: mine.note,
        evidence: evidence(mine.evidence),
        report_time: Some(wire(stored.reported_at)),
    }
}

fn suspension(mine: MySuspension) -> Suspension {
    let stored = mine.stored;
    Suspension {
        suspension_id: stored.suspension_id.to_string(),
        reason: mine.reason.number(),
        start_time: Some(wire(stored.suspended_at.to_jiff())),
        end_time: stored.until.map(|at| wire(at.to_jiff())),
        appeal_state: mine.appeal_state.number(),
        appeal: mine.appeal,
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{Appeal, SuspensionReason};
    use candor_proto::accounts::v1::{AppealState, SuspensionReason as Wire};

    #[test]
    fn numbers_are_those_of_the_proto() {
        use Wire::{Harassment, Other, Pretence, Privacy, Threat, UnderAge};
        let wire = [Threat, Harassment, Privacy, Pretence, UnderAge, Other].map(|reason| reason as i32);
        assert_eq!(SuspensionReason::ALL.map(SuspensionReason::number), wire);
        assert!(Wire::try_from(1 + wire.len() as i32).is_err());
        use AppealState::{Granted, Refused, Unspecified, Waiting};
        let wire = [Unspecified, Waiting, Granted, Refused].map(|state| state as i32);
        let ours = [Appeal::None, Appeal::Waiting, Appeal::Granted, Appeal::Refused];
        assert_eq!(ours.map(Appeal::number), wire);
    }
}
