//! What operators decide on: reports, suspensions and appeals. They see what whoever reported attached, and nothing else of
//! anybody; a report about or by themselves is none to them.

mod deciding;
mod queue;
mod suspensions;

pub use deciding::{Sentence, dismiss, prepare_sentence, suspend};
pub use queue::{OpenedReport, ReportSummary, look_at, note_look, reports};
pub use suspensions::{case, decide_appeal, lift, note_case_look, suspensions};

use super::{
    Accounts,
    audit::{self, Record},
};
use crate::{
    Error,
    domain::audit::{Action, Details, Subject},
};
use chassis::identity::Passport;
use sqlx::PgConnection;

async fn record(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    action: Action,
    subject: Subject,
    details: Details,
) -> Result<(), Error> {
    let record = Record { actor: audit::actor(by), action, subject, details, note: None };
    audit::record(conn, accounts, record).await
}
