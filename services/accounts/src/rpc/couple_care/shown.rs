//! Care of a couple as each of the three reads it.

use crate::{
    app::couple_care::{CoupleInCare, MyCoupleCare, Versions},
    domain::CoupleCareState,
    rpc::wire,
};
use candor_proto::accounts::v1::{
    self as wire_v1, ConfidentialityProposal, ConfidentialityVersion, CoupleCare,
};

pub(super) fn mine(mine: MyCoupleCare) -> CoupleCare {
    let (confidentiality, proposal) = versions(&mine.versions);
    let stored = mine.stored;
    CoupleCare {
        care_id: stored.care_id.to_string(),
        state: mine.state.number(),
        counselor_account_id: stored.counselor_id.to_string(),
        counselor_name: mine.counselor_name,
        is_own: mine.is_own,
        agreed: stored.agreed,
        said_no: stored.said_no,
        on_hold: !stored.licensed,
        joint_sessions_open: stored.joint_open,
        confidentiality,
        proposal,
        propose_time: Some(wire(stored.proposed_at)),
        expire_time: (mine.state != CoupleCareState::Active).then(|| wire(stored.expires_at)),
        start_time: stored.started_at.map(|at| wire(at.to_jiff())),
    }
}

pub(super) fn couple(couple: CoupleInCare) -> wire_v1::CoupleInCare {
    let (confidentiality, proposal) = versions(&couple.versions);
    let joint_sessions_open = couple.joint_open();
    let partners = couple.partners.into_iter().map(|partner| wire_v1::PartnerInCare {
        member_account_id: partner.stored.member_id.to_string(),
        name: partner.name,
        jurisdiction: partner.stored.jurisdiction,
        seen_alone_time: partner.stored.seen_alone_at.map(|at| wire(at.to_jiff())),
    });
    wire_v1::CoupleInCare {
        care_id: couple.stored.care_id.to_string(),
        state: couple.state.number(),
        partners: partners.collect(),
        joint_sessions_open,
        confidentiality,
        proposal,
        propose_time: Some(wire(couple.stored.proposed_at)),
        expire_time: (couple.state != CoupleCareState::Active).then(|| wire(couple.stored.expires_at)),
        start_time: couple.stored.started_at.map(|at| wire(at.to_jiff())),
    }
}

fn versions(versions: &Versions) -> (Vec<ConfidentialityVersion>, Option<ConfidentialityProposal>) {
    let counting = versions.counting.iter().map(|one| ConfidentialityVersion {
        version: one.version,
        policy: one.policy.number(),
        start_time: Some(wire(one.from)),
    });
    let proposed = versions.proposed.as_ref().map(|one| ConfidentialityProposal {
        version: one.version,
        policy: one.policy.number(),
        is_own: one.is_own,
        agreed: one.agreed,
        expire_time: Some(wire(one.expires_at)),
    });
    (counting.collect(), proposed)
}
