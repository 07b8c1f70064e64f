//! Counselors and applications as the wire has them.

use crate::{
    app::counselor::{Listed, Shown, ShownLicence, Summary},
    rpc::wire,
};
use candor_proto::accounts::v1::{Counselor, CounselorApplication, CounselorSummary, Licence, PublicLicence};

/// An application, to whoever may see all of it.
pub(super) fn application(shown: Shown) -> CounselorApplication {
    let stored = shown.stored;
    CounselorApplication {
        account_id: stored.account_id.to_string(),
        standing: shown.standing.number(),
        revision: stored.revision,
        name: shown.name,
        languages: stored.languages,
        specialties: stored.specialties,
        approach: shown.approach,
        accepts_clients: stored.accepts_clients,
        licences: shown.licences.into_iter().map(licence).collect(),
        submit_time: Some(wire(stored.submitted_at)),
        review_time: stored.review_since.map(|at| wire(at.to_jiff())),
        decide_time: stored.decided_at.map(|at| wire(at.to_jiff())),
        reason: shown.reason,
        expired: stored.expired,
        unlisted: stored.unlisted,
    }
}

fn licence(shown: ShownLicence) -> Licence {
    let licence = shown.licence;
    Licence {
        title: licence.title,
        jurisdiction: licence.jurisdiction.as_str().to_owned(),
        number: licence.number.to_string(),
        look_up: licence.look_up.to_string(),
        last_day: licence.last_day.to_string(),
        check_time: shown.checked_at.map(wire),
    }
}

/// A counselor, to members.
pub(super) fn listed(listed: Listed) -> Counselor {
    let stored = listed.stored;
    let licences = listed.licences.into_iter().map(|licence| PublicLicence {
        title: licence.title,
        jurisdiction: licence.jurisdiction.as_str().to_owned(),
        last_day: licence.last_day.to_string(),
    });
    Counselor {
        account_id: stored.account_id.to_string(),
        name: listed.name,
        languages: stored.languages,
        specialties: stored.specialties,
        approach: listed.approach,
        accepts_clients: stored.accepts_clients,
        licences: licences.collect(),
    }
}

/// Somebody in a list of operators'.
pub(super) fn summary(summary: Summary) -> CounselorSummary {
    CounselorSummary {
        account_id: summary.account_id.to_string(),
        name: summary.name,
        standing: summary.standing.number(),
        review_time: summary.review_since.map(wire),
        decide_time: summary.decided_at.map(wire),
    }
}
