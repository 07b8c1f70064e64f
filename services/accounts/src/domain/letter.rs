//! The mails that accounts sends, before they are put into words.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Why a mail is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterKind {
    /// Asks for the proof of an address.
    Verification,
    /// Tells an owner that somebody tried to register with their address.
    AddressInUse,
    /// Lets a password be set anew.
    Reset,
    /// Tells an owner to look at what happened to their account. It says the same to everybody, so nothing of it is kept
    /// in the queue.
    Notice,
    /// Brings the link to a certificate of erasure, to an address whose account is gone.
    Certificate,
    /// Tells somebody to look at what was decided on them as a counselor, in words that are as much everybody's.
    Practice,
    /// Asks for the proof of another address.
    NewAddress,
    /// Tells an address that was given up how it is put back.
    AddressChanged,
}

impl LetterKind {
    /// The name in the queue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::AddressInUse => "address_in_use",
            Self::Reset => "reset",
            Self::Notice => "notice",
            Self::Certificate => "certificate",
            Self::Practice => "practice",
            Self::NewAddress => "new_address",
            Self::AddressChanged => "address_changed",
        }
    }

    /// Whether it says the same to everybody: nothing of it is kept, and it goes only to whoever wants such mails.
    pub fn only_points(self) -> bool {
        matches!(self, Self::Notice | Self::Practice)
    }

    /// Takes a kind back from the queue.
    pub fn stored(text: &str) -> Option<Self> {
        [
            Self::Verification,
            Self::AddressInUse,
            Self::Reset,
            Self::Notice,
            Self::Certificate,
            Self::Practice,
            Self::NewAddress,
            Self::AddressChanged,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
    }
}

/// What is sealed in the queue: to whom, and the token if there is one.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Letter {
    /// The address.
    pub to: String,
    /// The token of the link, if there is one.
    pub token: Option<String>,
}
