//! What comes of it when a client's keys are fetched.

use super::KeySet;

/// Keys that were fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Those that can be used.
    pub set: KeySet,
    /// For how many seconds their publisher allows them to be kept, where it says so.
    pub max_age: Option<u32>,
}

/// Why keys could not be fetched. Nothing of what was found there is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchProblem {
    /// Plain http.
    Refused,
    /// No machine of that name, or none that answers.
    Unreachable,
    /// A machine that is not on the public internet. To whoever named it this is as if nothing answered: they must not find out
    /// which names there are inside.
    NotPublic,
    /// It cannot prove that it is the machine of that name.
    Certificate,
    /// It took too long.
    TooSlow,
    /// It answered something else than 200; redirects are not followed.
    Status,
    /// It answered more than a set of keys needs.
    TooLarge,
    /// What it answered holds no key that can be used.
    NoKeys,
}

impl FetchProblem {
    /// Every one there is.
    pub const ALL: [Self; 8] = [
        Self::Refused,
        Self::Unreachable,
        Self::NotPublic,
        Self::Certificate,
        Self::TooSlow,
        Self::Status,
        Self::TooLarge,
        Self::NoKeys,
    ];

    /// The number of `candor.accounts.v1.ClientKeysProblem`.
    pub fn number(self) -> i32 {
        match self {
            Self::Refused => 1,
            Self::Unreachable | Self::NotPublic => 2,
            Self::Certificate => 3,
            Self::TooSlow => 4,
            Self::Status => 5,
            Self::TooLarge => 6,
            Self::NoKeys => 7,
        }
    }

    /// The problem of a number; the first, where several have it.
    pub fn of(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|problem| problem.number() == number)
    }

    /// What is wrong, to be read after the field's name.
    pub fn description(self) -> &'static str {
        match self {
            Self::Refused => "could not be fetched: it must begin with https://",
            Self::Unreachable | Self::NotPublic => {
                "could not be fetched: nothing answers there on the public internet"
            }
            Self::Certificate => "could not be fetched: its certificate does not fit",
            Self::TooSlow => "could not be fetched: it took too long",
            Self::Status => {
                "could not be fetched: it must answer with status 200, and redirects are not followed"
            }
            Self::TooLarge => "could not be fetched: it answers more than 64 KiB",
            Self::NoKeys => {
                "holds no key that can be used: RSA of 2048 to 4096 bits, P-384 or Ed25519, each with an id of its own"
            }
        }
    }
}
