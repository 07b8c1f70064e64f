//! Care of a couple, for one of the two: what is proposed, agreed to and active, ending it, and confidentiality.

use super::asking::{Said, find};
use super::confidentiality::{Confidentiality, POLICIES, PolicyChoice, policy_of};
use super::{needs_proof, sentences};
use crate::error::Problem;
use crate::pages::{Failure, Form, Frame, Member, Segment, go, words};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{
    AgreeToCoupleCareRequest, CoupleCare, CoupleCareState, EndCoupleCareRequest, ListCoupleCareRequest,
    ProposeCoupleCareRequest,
};
use jiff::tz::TimeZone;

/// Where it is.
pub(super) const PLACE: &str = "/care/together";

#[derive(Template)]
#[template(path = "couple_care.html")]
struct Page {
    frame: Frame,
    /// The partner's name; none where there is no link.
    partner: Option<String>,
    rows: Vec<Row>,
    policies: [PolicyChoice; 3],
    /// Where what is done about confidentiality is sent to.
    base: &'static str,
}

struct Row {
    id: String,
    counselor_id: String,
    counselor: String,
    proposed: bool,
    asked: bool,
    active: bool,
    is_own: bool,
    said_no: bool,
    on_hold: bool,
    joint_open: bool,
    confidentiality: Confidentiality,
    expires: Option<words::Moment>,
    started: Option<words::Moment>,
}

#[derive(Template)]
#[template(path = "couple_care_ask.html")]
struct FormPage {
    frame: Frame,
    action: String,
    counselor_id: String,
    counselor: String,
    partner: String,
    said: Said,
    /// What to choose from; empty where the other chose.
    policies: Vec<PolicyChoice>,
    chosen: i32,
    /// What the other chose.
    policy: Option<PolicyChoice>,
    needs_proof: bool,
    wrong: Vec<String>,
}

#[derive(Template)]
#[template(path = "couple_care_end.html")]
struct EndPage {
    frame: Frame,
    partner: String,
    care: Row,
}

async fn list(member: &Member) -> Result<Vec<CoupleCare>, Failure> {
    let request = member.call(ListCoupleCareRequest {})?;
    Ok(member.guest.app.upstream.couple_care().list_couple_care(request).await?.into_inner().care)
}

/// One of what the couple has open.
async fn one(member: &Member, care_id: &str) -> Result<CoupleCare, Failure> {
    list(member).await?.into_iter().find(|care| care.care_id == care_id).ok_or_else(Failure::closed)
}

async fn partner(member: &Member) -> Result<String, Failure> {
    Ok(member.couple().await?.ok_or_else(Failure::closed)?.partner_name)
}

pub(super) async fn show(member: Member) -> Result<Response, Failure> {
    let (found, couple, zone) = tokio::join!(list(&member), member.couple(), member.time_zone());
    let rows = found?.into_iter().map(|care| row(care, &zone)).collect();
    let page = Page {
        frame: member.guest.frame("care"),
        partner: couple?.map(|couple| couple.partner_name),
        rows,
        policies: POLICIES,
        base: PLACE,
    };
    member.guest.show(&page)
}

fn row(care: CoupleCare, zone: &TimeZone) -> Row {
    let state = care.state();
    Row {
        proposed: state == CoupleCareState::Proposed,
        asked: state == CoupleCareState::Asked,
        active: state == CoupleCareState::Active,
        is_own: care.is_own,
        said_no: care.said_no,
        on_hold: care.on_hold,
        joint_open: care.joint_sessions_open,
        confidentiality: Confidentiality::of(&care.confidentiality, care.proposal.as_ref(), zone),
        expires: words::moment(care.expire_time.as_ref(), zone),
        started: words::moment(care.start_time.as_ref(), zone),
        id: care.care_id,
        counselor_id: care.counselor_account_id,
        counselor: care.counselor_name,
    }
}

/// The form to propose a counselor. It takes a fresh proof, so that nobody fills it in for nothing.
pub(super) async fn show_form(member: Member, Segment(account_id): Segment) -> Result<Response, Failure> {
    member.require_proof()?;
    ask_page(&member, &account_id, Said::default(), 0, None).await
}

async fn ask_page(
    member: &Member,
    account_id: &str,
    said: Said,
    chosen: i32,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let (counselor, partner) = tokio::try_join!(find(member, account_id), partner(member))?;
    let page = FormPage {
        frame: member.guest.frame("care"),
        action: format!("{PLACE}/ask/{}", counselor.account_id),
        counselor_id: counselor.account_id,
        counselor: counselor.name,
        partner,
        said,
        policies: POLICIES.to_vec(),
        chosen,
        policy: None,
        needs_proof: needs_proof(problem.as_ref()),
        wrong: sentences(problem.as_ref()),
    };
    member.guest.show_with(problem.map_or(StatusCode::OK, |problem| problem.status), &page)
}

pub(super) async fn ask(
    member: Member,
    Segment(account_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let (said, policy) = (Said::of(&form), policy_of(&form));
    let request = member.call(ProposeCoupleCareRequest {
        counselor_account_id: account_id.clone(),
        own_name: said.own_name.clone(),
        jurisdiction: said.jurisdiction.clone(),
        attested: said.attested,
        policy,
    })?;
    let mut client = member.guest.app.upstream.couple_care();
    let Err(status) = client.propose_couple_care(request).await else { return Ok(go(PLACE)) };
    let problem = shown_in_form(status)?;
    ask_page(&member, &account_id, said, policy, Some(problem)).await
}

/// A problem that is shown in the form; others have a page of their own.
fn shown_in_form(status: tonic::Status) -> Result<Problem, Failure> {
    let problem = Problem::from(status);
    match problem.status {
        StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => Err(Failure::between_two(problem)),
        _ => Ok(problem),
    }
}

/// The form to agree to what the other proposed.
pub(super) async fn show_agree(member: Member, Segment(care_id): Segment) -> Result<Response, Failure> {
    member.require_proof()?;
    agree_page(&member, &care_id, Said::default(), None).await
}

async fn agree_page(
    member: &Member,
    care_id: &str,
    said: Said,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let (care, partner) = tokio::try_join!(one(member, care_id), partner(member))?;
    if care.agreed {
        return Ok(go(PLACE));
    }
    let policy = care.proposal.as_ref().and_then(|proposal| PolicyChoice::of(proposal.policy));
    let page = FormPage {
        frame: member.guest.frame("care"),
        action: format!("{PLACE}/{}/agree", care.care_id),
        counselor_id: care.counselor_account_id,
        counselor: care.counselor_name,
        partner,
        said,
        policies: Vec::new(),
        chosen: 0,
        policy,
        needs_proof: needs_proof(problem.as_ref()),
        wrong: sentences(problem.as_ref()),
    };
    member.guest.show_with(problem.map_or(StatusCode::OK, |problem| problem.status), &page)
}

pub(super) async fn agree(
    member: Member,
    Segment(care_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let said = Said::of(&form);
    let request = member.call(AgreeToCoupleCareRequest {
        care_id: care_id.clone(),
        own_name: said.own_name.clone(),
        jurisdiction: said.jurisdiction.clone(),
        attested: said.attested,
    })?;
    let mut client = member.guest.app.upstream.couple_care();
    let Err(status) = client.agree_to_couple_care(request).await else { return Ok(go(PLACE)) };
    let problem = shown_in_form(status)?;
    agree_page(&member, &care_id, said, Some(problem)).await
}

/// What ending means, before it is done.
pub(super) async fn show_end(member: Member, Segment(care_id): Segment) -> Result<Response, Failure> {
    let (care, partner, zone) = tokio::join!(one(&member, &care_id), partner(&member), member.time_zone());
    let care = row(care?, &zone);
    member.guest.show(&EndPage { frame: member.guest.frame("care"), partner: partner?, care })
}

pub(super) async fn end(member: Member, Segment(care_id): Segment, _form: Form) -> Result<Response, Failure> {
    let request = member.call(EndCoupleCareRequest { care_id })?;
    member.guest.app.upstream.couple_care().end_couple_care(request).await?;
    Ok(go(PLACE))
}
