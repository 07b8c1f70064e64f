//! What members open to their counselors and to software: choosing, seeing before, agreeing and taking back for a member; reading for a
//! counselor. Both see the things themselves with the same template.

mod items;
pub(super) mod mine;
mod practice;
pub(super) mod software;
mod text;
mod wish;

pub(super) use mine::{Counseling, Readers};

use crate::app::App;
use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::routing::{get, post};
use candor_proto::accounts::v1::{AccessPurpose, ConsentState};
use candor_proto::options::v1::Scope;
use std::sync::Arc;

use super::Failure;
use crate::error::Problem;

/// The pages of what is opened to counselors and to software.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/care/{care_id}/open", get(mine::show).post(mine::agree))
        .route("/care/{care_id}/open/preview", get(mine::preview))
        .route("/care/{care_id}/open/{consent_id}/withdraw", post(mine::withdraw))
        .merge(software::router())
        .route(practice::PLACE, get(practice::show))
        .route("/practice/opened/{member_id}/{kind}", get(practice::read_all))
        .route("/practice/opened/{member_id}/{kind}/{item_id}", get(practice::read_one))
}

/// To whom a member opens something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    Counselor,
    Software,
}

impl To {
    /// What it can be opened for, the usual first.
    fn purposes(self) -> &'static [AccessPurpose] {
        match self {
            Self::Counselor => &[AccessPurpose::Care, AccessPurpose::Session],
            Self::Software => &[AccessPurpose::Stated, AccessPurpose::Care, AccessPurpose::Session],
        }
    }

    /// Its name in those of the words that somebody agrees to.
    fn name(self) -> &'static str {
        match self {
            Self::Counselor => "counselor",
            Self::Software => "software",
        }
    }
}

/// A kind of thing that is opened to counselors and to software.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Entries,
    Moods,
    SelfChecks,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Entries, Self::Moods, Self::SelfChecks];

    /// Its name in addresses and forms.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Moods => "moods",
            Self::SelfChecks => "self-checks",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Entries => Scope::Entries,
            Self::Moods => Scope::Moods,
            Self::SelfChecks => Scope::SelfChecks,
        }
    }

    pub(super) fn of(scope: Scope) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.scope() == scope)
    }

    /// The words that somebody agrees to who opens it, by their name; none for a single mood.
    fn text_id(self, of_item: bool, to: To) -> Option<String> {
        let what = match (self, of_item) {
            (Self::Entries, false) => "entries",
            (Self::Moods, false) => "moods",
            (Self::SelfChecks, false) => "self-checks",
            (Self::Entries, true) => "entry",
            (Self::SelfChecks, true) => "self-check",
            (Self::Moods, true) => return None,
        };
        Some(format!("{what}-to-{}", to.name()))
    }

    /// What is open, for its owner.
    pub(super) fn own_words(self, of_item: bool) -> &'static str {
        match (self, of_item) {
            (Self::Entries, false) => "All your entries",
            (Self::Moods, _) => "All your moods",
            (Self::SelfChecks, false) => "What came of all your self-checks",
            (Self::Entries, true) => "One entry",
            (Self::SelfChecks, true) => "What came of one self-check",
        }
    }

    /// All of it, for its owner who is about to open it.
    fn offer_words(self) -> &'static str {
        match self {
            Self::Entries => "All my entries, and those I keep until it ends",
            Self::Moods => "All my moods, and those I record until it ends",
            Self::SelfChecks => "What came of my self-checks, without my answers",
        }
    }

    /// What is open, for whoever reads.
    fn others_words(self, of_item: bool) -> &'static str {
        match (self, of_item) {
            (Self::Entries, false) => "All entries",
            (Self::Moods, _) => "All moods",
            (Self::SelfChecks, false) => "What came of all self-checks",
            (Self::Entries, true) => "One entry",
            (Self::SelfChecks, true) => "What came of one self-check",
        }
    }

    /// What was read, for its owner, to stand after "read".
    pub(super) fn read_words(self, count: usize) -> String {
        match (self, count) {
            (Self::Entries, 1) => "an entry of yours".to_owned(),
            (Self::Entries, count) => format!("{count} entries of yours"),
            (Self::Moods, 1) => "a mood of yours".to_owned(),
            (Self::Moods, count) => format!("{count} moods of yours"),
            (Self::SelfChecks, 1) => "what came of a self-check of yours".to_owned(),
            (Self::SelfChecks, count) => format!("what came of {count} self-checks of yours"),
        }
    }

    /// Where its owner sees one of them.
    pub(super) fn own_place(self, item_id: &str) -> Option<String> {
        match self {
            Self::Entries => Some(format!("/entries/{item_id}")),
            Self::SelfChecks => Some(format!("/self-check/results/{item_id}")),
            Self::Moods => None,
        }
    }
}

/// What something is opened for, to stand after "for".
pub(super) fn purpose(purpose: AccessPurpose) -> &'static str {
    match purpose {
        AccessPurpose::Care => "your work together",
        AccessPurpose::Session => "preparing a session",
        AccessPurpose::Stated => "what it says it is for",
        AccessPurpose::Closeness | AccessPurpose::Unspecified => "what was said then",
    }
}

/// How a consent stands, in a word or two.
pub(super) fn state(state: ConsentState) -> &'static str {
    match state {
        ConsentState::Open => "open",
        ConsentState::OnHold => "on hold",
        ConsentState::Expired => "over by itself",
        ConsentState::Withdrawn => "taken back",
        ConsentState::Replaced => "opened anew",
        ConsentState::CareOver => "over with care",
        ConsentState::SoftwareOver => "over with the software",
        ConsentState::Erasure => "over as you asked to be erased",
        ConsentState::Unspecified => "not said",
    }
}

/// The three values in a page's path.
pub(super) struct Three(String, String, String);

impl FromRequestParts<Arc<App>> for Three {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let path = Path::<(String, String, String)>::from_request_parts(parts, app).await;
        path.map(|Path((one, two, three))| Self(one, two, three))
            .map_err(|_| Failure(Problem::no_such_path()))
    }
}
