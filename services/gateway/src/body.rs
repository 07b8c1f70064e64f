//! Request bodies, never larger than what is taken.

use crate::error::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

/// The largest body: 1 MiB, as everywhere in Candor.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// Whether the headers announce a body that is too large, so that none of it has to be read.
pub(crate) fn announces_too_much(headers: &HeaderMap) -> bool {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|length| length > MAX_BODY as u64)
}

/// Reads a body whole.
///
/// # Errors
/// 413 beyond [`MAX_BODY`], 400 when the client stopped in the middle.
pub(crate) async fn read(body: Body) -> Result<Bytes, Problem> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large()),
        Err(_) => {
            Err(Problem::bad_request("INCOMPLETE_BODY", "The body did not arrive whole. Nothing was stored."))
        }
    }
}
