//! The couples in a counselor's care, and those who asked.

use super::PAGE;
use super::confidentiality::{Confidentiality, POLICIES, PolicyChoice};
use crate::pages::{Failure, Form, Frame, Member, Segment, Segments, go, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{
    AcceptCoupleCareRequest, ConfirmSeenAloneRequest, CoupleCareState, CoupleInCare,
    DeclineCoupleCareRequest, EndCoupleCareRequest, ListCouplesInCareRequest, LockJointSessionsRequest,
};
use jiff::tz::TimeZone;

/// Where they are.
pub(super) const PLACE: &str = "/practice/couples";

#[derive(Template)]
#[template(path = "couples.html")]
struct Page {
    frame: Frame,
    asking: Vec<Row>,
    in_care: Vec<Row>,
    policies: [PolicyChoice; 3],
    /// Where what is done about confidentiality is sent to.
    base: &'static str,
    more: Option<String>,
}

struct Row {
    id: String,
    partners: Vec<Partner>,
    joint_open: bool,
    confidentiality: Confidentiality,
    asked: Option<words::Moment>,
    expires: Option<words::Moment>,
    started: Option<words::Moment>,
}

struct Partner {
    id: String,
    name: String,
    place: String,
    seen: Option<words::Moment>,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let request = member.call(ListCouplesInCareRequest { page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.couple_care();
    let (reply, zone) = tokio::join!(client.list_couples_in_care(request), member.time_zone());
    let reply = reply?.into_inner();
    let token = reply.next_page_token;
    let more = (!token.is_empty()).then(|| format!("{PLACE}?from={}", query::encode(&token)));
    let (asking, in_care): (Vec<_>, Vec<_>) =
        reply.couples.into_iter().partition(|couple| couple.state() == CoupleCareState::Asked);
    let rows = |couples: Vec<CoupleInCare>| couples.into_iter().map(|couple| row(couple, &zone)).collect();
    let page = Page {
        frame: member.guest.frame("couples"),
        asking: rows(asking),
        in_care: rows(in_care),
        policies: POLICIES,
        base: PLACE,
        more,
    };
    member.guest.show(&page)
}

fn row(couple: CoupleInCare, zone: &TimeZone) -> Row {
    let partners = couple.partners.into_iter().map(|partner| Partner {
        seen: words::moment(partner.seen_alone_time.as_ref(), zone),
        id: partner.member_account_id,
        name: partner.name,
        place: partner.jurisdiction,
    });
    Row {
        partners: partners.collect(),
        joint_open: couple.joint_sessions_open,
        confidentiality: Confidentiality::of(&couple.confidentiality, couple.proposal.as_ref(), zone),
        asked: words::moment(couple.propose_time.as_ref(), zone),
        expires: words::moment(couple.expire_time.as_ref(), zone),
        started: words::moment(couple.start_time.as_ref(), zone),
        id: couple.care_id,
    }
}

pub(super) async fn accept(
    member: Member,
    Segment(care_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let request =
        member.call(AcceptCoupleCareRequest { care_id, attested: form.text("attested") == "yes" })?;
    member.guest.app.upstream.couple_care().accept_couple_care(request).await?;
    Ok(go(PLACE))
}

pub(super) async fn decline(
    member: Member,
    Segment(care_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(DeclineCoupleCareRequest { care_id })?;
    member.guest.app.upstream.couple_care().decline_couple_care(request).await?;
    Ok(go(PLACE))
}

pub(super) async fn end(member: Member, Segment(care_id): Segment, _form: Form) -> Result<Response, Failure> {
    let request = member.call(EndCoupleCareRequest { care_id })?;
    member.guest.app.upstream.couple_care().end_couple_care(request).await?;
    Ok(go(PLACE))
}

pub(super) async fn seen(
    member: Member,
    Segments(care_id, member_account_id): Segments,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(ConfirmSeenAloneRequest { care_id, member_account_id })?;
    member.guest.app.upstream.couple_care().confirm_seen_alone(request).await?;
    Ok(go(PLACE))
}

pub(super) async fn lock(
    member: Member,
    Segment(care_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(LockJointSessionsRequest { care_id })?;
    member.guest.app.upstream.couple_care().lock_joint_sessions(request).await?;
    Ok(go(PLACE))
}
