//! What came of a call, to be compared byte for byte.

use crate::call::json;
use prost::bytes::Bytes;
use serde_json::{Value, json};
use tonic::{Code, Status};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Got {
    Done(Bytes),
    Refused(Code, String, Vec<u8>),
}

impl Got {
    pub(crate) fn of(answer: Result<Bytes, Status>) -> Self {
        match answer {
            Ok(bytes) => Self::Done(bytes),
            Err(status) => {
                Self::Refused(status.code(), status.message().to_owned(), status.details().to_vec())
            }
        }
    }

    pub(crate) fn asks_for_proof(&self) -> bool {
        const REASON: &[u8] = b"STEP_UP_REQUIRED";
        matches!(self, Self::Refused(.., details) if details.windows(REASON.len()).any(|part| part == REASON))
    }

    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Done(_) => Code::Ok,
            Self::Refused(code, ..) => *code,
        }
    }

    pub(crate) fn text(&self, rpc: &str) -> Value {
        match self {
            Self::Done(bytes) => json(rpc, bytes),
            Self::Refused(_, message, details) => {
                json!([message, String::from_utf8_lossy(details).into_owned()])
            }
        }
    }
}
