//! Reporting a person, or one thing of theirs, to the people who run this place.

use super::{known, person};
use crate::{
    Error, TrustError,
    app::{Accounts, random_id, standing, text},
    domain::{Cursor, PageSize, REPORT_PACE, ReportKind, ReportReason, Testimony},
    store::{
        report::{self, NewPersonReport, Person},
        throttle,
    },
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;
use vault::Place;

/// Where a note is sealed, under the report's own key.
fn note_place(report_id: Uuid) -> Place<'static> {
    Place { table: "report", column: "note", row: report_id }
}

/// Where evidence is sealed, under the report's own key.
fn evidence_place(report_id: Uuid, position: i32) -> Place<'static> {
    // One column for each of the few there can be, so that none can stand in another's place.
    let column = match position {
        1 => "words 1",
        2 => "words 2",
        3 => "words 3",
        4 => "words 4",
        _ => "words 5",
    };
    Place { table: "report_evidence", column, row: report_id }
}

/// Whom somebody wants to report, and why.
pub struct Wish {
    /// Whom.
    pub account_id: Uuid,
    /// The share it is about, if it is about one.
    pub share_id: Option<Uuid>,
    /// Why.
    pub reason: ReportReason,
}

/// A client's attempt to report: the id it chose, and what it was an attempt at.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    id: Uuid,
    mac: [u8; 32],
}

impl Attempt {
    /// Of a request in its bytes. May ask the vault, so no transaction may be open.
    ///
    /// # Errors
    /// When the key store is away.
    pub async fn new(accounts: &Accounts, id: Uuid, request: &[u8]) -> Result<Self, Error> {
        Ok(Self { id, mac: accounts.key().await?.mac("a report", request) })
    }

    /// The report that it led to before, if it did.
    async fn known(self, conn: &mut PgConnection, reporter_id: Uuid) -> Result<Option<Uuid>, Error> {
        match report::of_attempt(conn, reporter_id, self.id, &self.mac).await? {
            None => Ok(None),
            Some((report_id, true)) => Ok(Some(report_id)),
            Some((_, false)) => Err(TrustError::AttemptReused.into()),
        }
    }
}

/// What somebody who wants to report may do.
pub enum Admittance {
    /// It was reported before by the same attempt.
    Known(Uuid),
    /// A report may be made.
    Free(Admitted),
}

/// A report that may be made. Its turn is taken.
pub struct Admitted {
    report_id: Uuid,
    about: Person,
    reason: ReportReason,
    attempt: Option<Attempt>,
}

/// A report, sealed and not kept yet.
pub struct SealedReport {
    admitted: Admitted,
    note: Option<Vec<u8>>,
    evidence: Vec<(i32, Vec<u8>)>,
}

impl SealedReport {
    /// Its id.
    pub fn report_id(&self) -> Uuid {
        self.admitted.report_id
    }
}

/// Words of a report, as those who may read it see them.
pub struct Attached {
    /// The number of `candor.accounts.v1.EvidenceKind`.
    pub kind: i32,
    /// The words.
    pub words: String,
}

/// A report as whoever made it sees it.
pub struct MyReport {
    /// The note, or empty.
    pub note: String,
    /// What was attached.
    pub evidence: Vec<Attached>,
    /// All that is not sealed.
    pub stored: report::Own,
}

/// Looks whether the caller may report, and takes their turn, before a key is made for the report. A retry takes none.
///
/// # Errors
/// [`Error::SessionOver`]; [`TrustError::AttemptReused`]; [`TrustError::PersonNotKnown`]; [`TrustError::TooManyReports`].
pub async fn admit(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    wish: Wish,
    attempt: Option<Attempt>,
) -> Result<Admittance, Error> {
    let now = accounts.clock.now();
    standing::hold(accounts, conn, by).await?;
    if let Some(attempt) = attempt
        && let Some(report_id) = attempt.known(conn, by.account_id).await?
    {
        return Ok(Admittance::Known(report_id));
    }
    let relation = known(conn, by.account_id, wish.account_id, now).await?;
    let about = person(wish.account_id, relation.ok_or(TrustError::PersonNotKnown)?, wish.share_id);
    let counted_as = accounts.key().await?.mac("reports by an account", by.account_id.as_bytes());
    if !throttle::take(conn, &counted_as, REPORT_PACE, now).await? {
        return Err(TrustError::TooManyReports(REPORT_PACE.interval.unsigned_abs()).into());
    }
    Ok(Admittance::Free(Admitted { report_id: random_id()?, about, reason: wish.reason, attempt }))
}

/// Seals a report under a key of its own: whoever may open it can open that and nothing else. Asks the vault, so no
/// transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn seal(
    accounts: &Accounts,
    admitted: Admitted,
    note: Option<&Testimony>,
    evidence: &[(i32, Testimony)],
) -> Result<SealedReport, Error> {
    let report_id = admitted.report_id;
    let key = accounts.vault.data_key(report_id).await?;
    let evidence = (1..).zip(evidence).map(|(position, (kind, words))| {
        (*kind, key.seal(&evidence_place(report_id, position), words.as_bytes()))
    });
    let evidence = evidence.collect();
    let note = note.map(|note| key.seal(&note_place(report_id), note.as_bytes()));
    Ok(SealedReport { admitted, note, evidence })
}

/// Keeps a report, and returns its id: another's, where the same attempt came twice at once. Nobody is told of it.
///
/// # Errors
/// [`Error::SessionOver`]; [`TrustError::AttemptReused`]; [`TrustError::PersonNotKnown`] for whom is gone by now.
pub async fn keep(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    report: &SealedReport,
) -> Result<Uuid, Error> {
    let now = accounts.clock.now();
    let about = &report.admitted.about;
    standing::hold_with(accounts, conn, by, &[about.account_id]).await?;
    let attempt = report.admitted.attempt;
    if let Some(attempt) = attempt
        && let Some(report_id) = attempt.known(conn, by.account_id).await?
    {
        return Ok(report_id);
    }
    if known(conn, by.account_id, about.account_id, now).await?.is_none() {
        return Err(TrustError::PersonNotKnown.into());
    }
    let kind = if about.share_id.is_some() { ReportKind::Item } else { ReportKind::Person };
    let new = NewPersonReport {
        report_id: report.admitted.report_id,
        reporter_id: by.account_id,
        about,
        kind: kind.as_str(),
        reason: report.admitted.reason.number(),
        note: report.note.as_deref(),
        evidence: &report.evidence,
        attempt: attempt.map(|attempt| (attempt.id, attempt.mac)),
    };
    report::insert_person(conn, &new, now).await?;
    Ok(new.report_id)
}

/// Destroys the key of a report that was not kept: nothing is sealed with it.
///
/// # Errors
/// When the key store is away.
pub async fn forget(accounts: &Accounts, report: &SealedReport) -> Result<(), Error> {
    accounts.vault.shred(report.report_id()).await?;
    Ok(())
}

/// A page of what somebody reported, newest first, and where the next one begins. Asks the vault, so no transaction may be
/// open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn own(
    accounts: &Accounts,
    account_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<MyReport>, Option<Cursor>), Error> {
    let (mut found, attached) = {
        let mut conn = accounts.pool.acquire().await?;
        let found = report::own(&mut conn, account_id, (after.time, after.id), size.get() + 1).await?;
        let ids: Vec<_> = found.iter().map(|one| one.report_id).collect();
        (found, report::evidence(&mut conn, &ids).await?)
    };
    let next =
        crate::app::care::cut(&mut found, size, |one| Cursor { time: one.reported_at, id: one.report_id });
    let mut attached_to: HashMap<Uuid, Vec<_>> = HashMap::new();
    for (report_id, position, kind, words) in attached {
        attached_to.entry(report_id).or_default().push((position, kind, words));
    }
    let mut page = Vec::with_capacity(found.len());
    for stored in found {
        let attached = attached_to.remove(&stored.report_id).unwrap_or_default();
        let (note, evidence) = open(accounts, stored.report_id, stored.note.as_deref(), attached).await?;
        page.push(MyReport { note, evidence, stored });
    }
    Ok((page, next))
}

/// Opens a report of a person with its own key.
pub(in crate::app) async fn open(
    accounts: &Accounts,
    report_id: Uuid,
    note: Option<&[u8]>,
    attached: Vec<(i32, i32, Vec<u8>)>,
) -> Result<(String, Vec<Attached>), Error> {
    let key = accounts.vault.data_key(report_id).await?;
    let note = note.map(|sealed| text(&key.open(&note_place(report_id), sealed)?)).transpose()?;
    let evidence = attached.into_iter().map(|(position, kind, sealed)| {
        let words = text(&key.open(&evidence_place(report_id, position), &sealed)?)?;
        Ok(Attached { kind, words })
    });
    Ok((note.unwrap_or_default(), evidence.collect::<Result<_, Error>>()?))
}

/// When a page of a list goes on.
pub(in crate::app) fn at(time: jiff_sqlx::Timestamp, id: Uuid) -> Cursor {
    Cursor { time: time.to_jiff(), id }
}

/// A time that may not be there.
pub(in crate::app) fn moment(time: Option<jiff_sqlx::Timestamp>) -> Option<Timestamp> {
    time.map(|time| time.to_jiff())
}
