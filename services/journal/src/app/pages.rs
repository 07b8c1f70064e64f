//! Page tokens: a cursor and its MAC under the account's data key, so that a token that was altered, or made for
//! another account or another list, is none.

use crate::Error;
use crate::domain::{Cursor, Invalid};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;
use vault::DataKey;

const VERSION: u8 = 1;
const MAC: usize = 32;
const CURSOR_END: usize = 1 + Cursor::LENGTH;

/// The lists that have pages; a token of one is none for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeline {
    /// Entries by the moment they are about.
    Entries,
    /// Moods by the moment they were felt.
    Moods,
    /// Check-ins by the moment they open.
    CheckIns,
    /// Assessments by the moment they were begun.
    Assessments,
    /// One's own shares by the moment they were made.
    Shares,
    /// Another's shares by the moment they opened.
    ReceivedShares,
    /// One's own answers by the moment they were given.
    OwnAnswers,
    /// What a counselor reads: entries by the moment they are about.
    OpenedEntries,
    /// What a counselor reads: moods by the moment they were felt.
    OpenedMoods,
    /// What a counselor reads: self-checks by the moment they were begun.
    OpenedSelfChecks,
}

impl Timeline {
    fn purpose(self) -> &'static str {
        match self {
            Self::Entries => "journal.v1.ListEntries.page_token",
            Self::Moods => "journal.v1.ListMoods.page_token",
            Self::CheckIns => "journal.v1.ListCheckIns.page_token",
            Self::Assessments => "journal.v1.ListAssessments.page_token",
            Self::Shares => "journal.v1.ListShares.page_token",
            Self::ReceivedShares => "journal.v1.ListReceivedShares.page_token",
            Self::OwnAnswers => "journal.v1.ListOwnAnswers.page_token",
            Self::OpenedEntries => "journal.v1.ListOpenedEntries.page_token",
            Self::OpenedMoods => "journal.v1.ListOpenedMoods.page_token",
            Self::OpenedSelfChecks => "journal.v1.ListOpenedSelfChecks.page_token",
        }
    }
}

/// A token for the page after the cursor.
pub fn seal_token(data_key: &DataKey, timeline: Timeline, cursor: Cursor) -> String {
    let mut bytes = Vec::with_capacity(CURSOR_END + MAC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&cursor.to_bytes());
    let mac = data_key.mac(timeline.purpose(), &bytes);
    bytes.extend_from_slice(&mac);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The cursor of a token.
///
/// # Errors
/// [`Error::Invalid`] naming `page_token` when this account was never given it for this list.
pub fn open_token(data_key: &DataKey, timeline: Timeline, token: &str) -> Result<Cursor, Error> {
    let unknown =
        || Error::Invalid(Invalid { field: "page_token", rule: "is not one that this list gave you" });
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| unknown())?;
    let (head, mac) = bytes.split_at_checked(CURSOR_END).ok_or_else(unknown)?;
    let genuine = bool::from(data_key.mac(timeline.purpose(), head).ct_eq(mac));
    let cursor: &[u8; Cursor::LENGTH] = head[1..].try_into().map_err(|_| unknown())?;
    Cursor::from_bytes(cursor).filter(|_| genuine && head[0] == VERSION).ok_or_else(unknown)
}
