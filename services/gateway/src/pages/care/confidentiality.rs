//! How confidentiality is in care of a couple: in words, proposed, agreed to and taken back, by any of the three.

use super::{couples, together};
use crate::pages::{Failure, Form, Member, Segment, go, words};
use axum::response::Response;
use candor_proto::accounts::v1::{
    AgreeToConfidentialityRequest, ConfidentialityPolicy, ConfidentialityProposal, ConfidentialityVersion,
    DeclineConfidentialityRequest, ProposeConfidentialityRequest, WithdrawConfidentialityRequest,
};
use jiff::tz::TimeZone;

/// A confidentiality in a form, or on a page.
#[derive(Clone, Copy)]
pub(in crate::pages) struct PolicyChoice {
    pub(super) number: i32,
    pub(in crate::pages) name: &'static str,
    pub(in crate::pages) means: &'static str,
}

/// All there are.
pub(super) const POLICIES: [PolicyChoice; 3] = [
    PolicyChoice {
        number: ConfidentialityPolicy::NoSecrets as i32,
        name: "No secrets",
        means: "What either partner says alone may be brought up with both.",
    },
    PolicyChoice {
        number: ConfidentialityPolicy::Limited as i32,
        name: "Limited",
        means: "The counselor may keep something for a while, and helps it to be said.",
    },
    PolicyChoice {
        number: ConfidentialityPolicy::Separate as i32,
        name: "Separate",
        means: "What one partner says alone stays with the counselor.",
    },
];

impl PolicyChoice {
    /// The one of a number.
    pub(in crate::pages) fn of(number: i32) -> Option<Self> {
        POLICIES.into_iter().find(|choice| choice.number == number)
    }
}

/// The number that a form chose; 0 where it chose none.
pub(super) fn policy_of(form: &Form) -> i32 {
    form.text("policy").parse().unwrap_or(0)
}

/// How it is, was, and may be.
pub(super) struct Confidentiality {
    /// What counts.
    pub(super) current: Option<Since>,
    /// What counted before, latest first.
    pub(super) earlier: Vec<Since>,
    pub(super) proposed: Option<Proposed>,
}

pub(super) struct Since {
    pub(super) policy: PolicyChoice,
    pub(super) from: Option<words::Moment>,
}

pub(super) struct Proposed {
    pub(super) version: i32,
    pub(super) policy: PolicyChoice,
    pub(super) is_own: bool,
    pub(super) agreed: bool,
    pub(super) expires: Option<words::Moment>,
}

impl Confidentiality {
    pub(super) fn of(
        versions: &[ConfidentialityVersion],
        proposal: Option<&ConfidentialityProposal>,
        zone: &TimeZone,
    ) -> Self {
        let since = |version: &ConfidentialityVersion| {
            let from = words::moment(version.start_time.as_ref(), zone);
            PolicyChoice::of(version.policy).map(|policy| Since { policy, from })
        };
        let mut known = versions.iter().rev().filter_map(since);
        let current = known.next();
        let proposed = proposal.and_then(|proposal| {
            Some(Proposed {
                version: proposal.version,
                policy: PolicyChoice::of(proposal.policy)?,
                is_own: proposal.is_own,
                agreed: proposal.agreed,
                expires: words::moment(proposal.expire_time.as_ref(), zone),
            })
        });
        Self { earlier: known.collect(), current, proposed }
    }
}

/// Where whoever did something goes on.
fn place(member: &Member) -> &'static str {
    if member.guest.frame("care").station.is_counselor() { couples::PLACE } else { together::PLACE }
}

pub(super) async fn propose(
    member: Member,
    Segment(care_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let place = place(&member);
    let request = member.call(ProposeConfidentialityRequest { care_id, policy: policy_of(&form) })?;
    let done = member.guest.app.upstream.couple_care().propose_confidentiality(request).await;
    done.map_err(|status| Failure::back_to(place, status))?;
    Ok(go(place))
}

pub(super) async fn agree(
    member: Member,
    Segment(care_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let place = place(&member);
    let (version, policy) = (form.text("version").parse().unwrap_or(0), policy_of(&form));
    let request = member.call(AgreeToConfidentialityRequest { care_id, version, policy })?;
    let done = member.guest.app.upstream.couple_care().agree_to_confidentiality(request).await;
    done.map_err(|status| Failure::back_to(place, status))?;
    Ok(go(place))
}

pub(super) async fn withdraw(
    member: Member,
    Segment(care_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let version = form.text("version").parse().unwrap_or(0);
    let request = member.call(WithdrawConfidentialityRequest { care_id, version })?;
    member.guest.app.upstream.couple_care().withdraw_confidentiality(request).await?;
    Ok(go(place(&member)))
}

pub(super) async fn decline(
    member: Member,
    Segment(care_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let (version, policy) = (form.text("version").parse().unwrap_or(0), policy_of(&form));
    let request = member.call(DeclineConfidentialityRequest { care_id, version, policy })?;
    member.guest.app.upstream.couple_care().decline_confidentiality(request).await?;
    Ok(go(place(&member)))
}
