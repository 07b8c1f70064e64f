//! Instruments, as content publishes them. Duplicates and disorder change nothing: a version never changes.

use crate::{Error, app};
use bus::HandlerError;
use candor_proto::content::v1::InstrumentPublished;
use chassis::Fault;
use sqlx::PgConnection;

/// A version of an instrument is published: from now on it can be answered and scored here. One that cannot be scored
/// never will be: it goes to the dead letters, and what was published before stays in use.
pub(super) async fn published(
    conn: &mut PgConnection,
    event: InstrumentPublished,
) -> Result<(), HandlerError> {
    let InstrumentPublished { instrument_id, version, questionnaire } = event;
    if !(1..=80).contains(&instrument_id.len()) || instrument_id.contains('\0') {
        return Err(HandlerError::Malformed("INSTRUMENT_ID"));
    }
    if version < 1 {
        return Err(HandlerError::Malformed("VERSION"));
    }
    app::assessments::learn_instrument(conn, &instrument_id, version, &questionnaire).await.map_err(|error| {
        match error {
            Error::Questionnaire(_) => HandlerError::Malformed("QUESTIONNAIRE"),
            other => Fault::from(other).into(),
        }
    })
}
