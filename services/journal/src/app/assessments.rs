//! Assessments: beginning, answering, scoring, seeing, deleting. Questions come from content by event.

use super::{shares, to_proto};
use crate::Error;
use crate::domain::{
    Answers, Assessment, Cursor, DomainResult, Instrument, InvalidQuestionnaire, Scores, SealedAssessment,
    results,
};
use crate::store::assessments::{self as store, Listed, Version};
use bus::Envelope;
use candor_proto::journal::v1::SelfCheckScored;
use chassis::Ids;
use jiff::Timestamp;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;
use vault::{DataKey, Place};

pub use crate::store::assessments::scored_after as scored_assessments_after;

/// Learns a version of an instrument. Told twice or out of order, the outcome is the same.
///
/// # Errors
/// [`Error::Questionnaire`] for one that cannot be scored; nothing is kept of it.
pub async fn learn_instrument(
    conn: &mut PgConnection,
    instrument_id: &str,
    version: i32,
    questionnaire: &str,
) -> Result<(), Error> {
    Instrument::parse(questionnaire)?;
    store::keep_instrument(conn, instrument_id, version, questionnaire).await?;
    Ok(())
}

/// Goes on with the account's unfinished assessment of an instrument, or begins one with the version that is published
/// now, under `assessment_id`. A retry finds what the first attempt began, also after it was scored: the row itself is
/// the record of the attempt.
///
/// # Errors
/// [`Error::InstrumentNotReady`] when no version of the instrument is known; [`Error::AssessmentIdReused`] when the id
/// is that of an assessment of another instrument.
pub async fn start_assessment(
    conn: &mut PgConnection,
    data_key: &DataKey,
    account_id: Uuid,
    instrument_id: &str,
    assessment_id: Uuid,
    now: Timestamp,
) -> Result<Assessment, Error> {
    if let Some(unfinished) = store::find_unfinished(conn, account_id, instrument_id).await? {
        return whole(conn, data_key, unfinished).await;
    }
    let version = store::published_version(conn, instrument_id).await?.ok_or(Error::InstrumentNotReady)?;
    let new = SealedAssessment {
        account_id,
        assessment_id,
        instrument_id: instrument_id.to_owned(),
        instrument_version: version,
        answers: data_key.seal(&place(assessment_id), &Answers::default().to_bytes()),
        create_time: now,
        score_time: None,
    };
    if store::insert_assessment(conn, &new).await? {
        return whole(conn, data_key, new).await;
    }
    // Another attempt was faster, or the id is taken.
    if let Some(unfinished) = store::find_unfinished(conn, account_id, instrument_id).await? {
        return whole(conn, data_key, unfinished).await;
    }
    match store::find_assessment(conn, account_id, assessment_id).await? {
        Some(known) if known.instrument_id == instrument_id => whole(conn, data_key, known).await,
        Some(_) => Err(Error::AssessmentIdReused),
        None => Err(Error::AssessmentNotFound), // deleted at this very moment
    }
}

/// Keeps some answers of an assessment that is not scored yet; those to other items stay, whoever saves at the same
/// time.
///
/// # Errors
/// [`Error::AssessmentNotFound`], [`Error::AssessmentScored`], [`Error::InvalidAnswers`]: then nothing is kept.
pub async fn save_answers(
    conn: &mut PgConnection,
    data_key: &DataKey,
    account_id: Uuid,
    assessment_id: Uuid,
    answers: &[(String, String)],
) -> Result<Assessment, Error> {
    let mut sealed = lock(conn, account_id, assessment_id).await?;
    if sealed.score_time.is_some() {
        return Err(Error::AssessmentScored);
    }
    let instrument = definition(conn, &sealed).await?;
    let mut kept = open(data_key, &sealed)?;
    kept.merge(&instrument, answers).map_err(Error::InvalidAnswers)?;
    sealed.answers = data_key.seal(&place(assessment_id), &kept.to_bytes());
    store::keep_answers(conn, account_id, assessment_id, &sealed.answers).await?;
    whole(conn, data_key, sealed).await
}

/// Scores an assessment, which then changes no more, and tells the others that it was; not how. One that is scored
/// already is answered as it is.
///
/// # Errors
/// [`Error::AssessmentNotFound`]; [`Error::TooFewAnswers`] when no domain would have a score.
pub async fn score_assessment(
    conn: &mut PgConnection,
    data_key: &DataKey,
    account_id: Uuid,
    assessment_id: Uuid,
    now: Timestamp,
    ids: &Ids,
) -> Result<Assessment, Error> {
    let mut sealed = lock(conn, account_id, assessment_id).await?;
    if sealed.score_time.is_none() {
        let instrument = definition(conn, &sealed).await?;
        let scores = open(data_key, &sealed)?.score(&instrument);
        if scores.is_empty() {
            return Err(Error::TooFewAnswers);
        }
        store::keep_scores(conn, account_id, assessment_id, &scores, now).await?;
        sealed.score_time = Some(now);
        bus::outbox::append(conn, &[self_check_scored(ids.next(), now, &sealed)]).await?;
    }
    whole(conn, data_key, sealed).await
}

/// One of the account's assessments, with answers and, once it is scored, what came of it.
///
/// # Errors
/// [`Error::AssessmentNotFound`] for what does not exist and for what is somebody else's alike.
pub async fn get_assessment(
    conn: &mut PgConnection,
    data_key: &DataKey,
    account_id: Uuid,
    assessment_id: Uuid,
) -> Result<Assessment, Error> {
    let found = store::find_assessment(conn, account_id, assessment_id).await?;
    whole(conn, data_key, found.ok_or(Error::AssessmentNotFound)?).await
}

/// The account's assessments after a cursor, newest first, without answers, at most `limit`; and whether there are
/// more. An empty `instrument_id` means any.
///
/// # Errors
/// When the database fails.
pub async fn list_assessments(
    conn: &mut PgConnection,
    account_id: Uuid,
    instrument_id: &str,
    after: Cursor,
    limit: i64,
) -> Result<(Vec<Assessment>, bool), Error> {
    let (listed, more) = store::list_assessments(conn, account_id, instrument_id, after, limit).await?;
    let known = Known::of(conn, account_id, &listed).await?;
    let assessments = listed.into_iter().map(|listed| known.assessment(listed, Vec::new));
    Ok((assessments.collect::<Result<_, _>>()?, more))
}

/// Deletes one of the account's assessments and its scores for good. What was shared of it ends with it.
///
/// # Errors
/// [`Error::AssessmentNotFound`].
pub async fn delete_assessment(
    conn: &mut PgConnection,
    account_id: Uuid,
    assessment_id: Uuid,
    now: Timestamp,
    ids: &Ids,
) -> Result<(), Error> {
    if !store::delete_assessment(conn, account_id, assessment_id).await? {
        return Err(Error::AssessmentNotFound);
    }
    shares::withdraw_of_item(conn, account_id, assessment_id, now, ids).await?;
    Ok(())
}

/// What a share can show of a scored assessment: what came of each domain, in the instrument's order. `None`: the account
/// has no such assessment, or it is not scored. Until the transaction ends it is not deleted, so that of a share that is
/// being made and a deletion the one sees what the other did.
///
/// # Errors
/// When the database fails.
pub async fn shared_results(
    conn: &mut PgConnection,
    account_id: Uuid,
    assessment_id: Uuid,
) -> Result<Option<Vec<DomainResult>>, Error> {
    if !store::hold_assessment(conn, account_id, assessment_id).await? {
        return Ok(None);
    }
    let found = store::find_assessment(conn, account_id, assessment_id).await?;
    let Some(scored) = found.filter(|found| found.score_time.is_some()) else { return Ok(None) };
    let instrument = definition(conn, &scored).await?;
    let scores = store::scores(conn, account_id, &[assessment_id]).await?.remove(&assessment_id);
    Ok(Some(results(&instrument, &scores.unwrap_or_default(), None)))
}

/// What came of scored assessments of an account, each by itself: without answers, and beside none before it.
///
/// # Errors
/// When the database fails.
pub(super) async fn results_of(
    conn: &mut PgConnection,
    account_id: Uuid,
    scored: Vec<SealedAssessment>,
) -> Result<Vec<Assessment>, Error> {
    let listed: Vec<_> = scored.into_iter().map(|assessment| Listed { assessment, previous: None }).collect();
    let known = Known::of(conn, account_id, &listed).await?;
    listed.into_iter().map(|listed| known.assessment(listed, Vec::new)).collect()
}

/// `journal.v1.self_check_scored`: that it was scored and when, not how. A scored assessment never changes, so the event
/// is its version 1.
pub fn self_check_scored(event_id: Uuid, time: Timestamp, scored: &SealedAssessment) -> Envelope {
    let event = SelfCheckScored {
        assessment_id: scored.assessment_id.to_string(),
        account_id: scored.account_id.to_string(),
        instrument_id: scored.instrument_id.clone(),
        instrument_version: scored.instrument_version,
        score_time: scored.score_time.map(to_proto),
    };
    Envelope::new(event_id, time, scored.assessment_id, 1, &event)
}

/// One of the account's assessments, kept from changing until the transaction ends.
async fn lock(
    conn: &mut PgConnection,
    account_id: Uuid,
    assessment_id: Uuid,
) -> Result<SealedAssessment, Error> {
    if !store::lock_assessment(conn, account_id, assessment_id).await? {
        return Err(Error::AssessmentNotFound);
    }
    store::find_assessment(conn, account_id, assessment_id).await?.ok_or(Error::AssessmentNotFound)
}

/// An assessment with its answers and what came of it.
async fn whole(
    conn: &mut PgConnection,
    data_key: &DataKey,
    sealed: SealedAssessment,
) -> Result<Assessment, Error> {
    let account_id = sealed.account_id;
    let answers = open(data_key, &sealed)?;
    let previous = match sealed.score_time {
        Some(_) => store::previous(conn, &sealed).await?,
        None => None,
    };
    let listed = Listed { assessment: sealed, previous };
    let known = Known::of(conn, account_id, std::slice::from_ref(&listed)).await?;
    let answers = answers.in_order(known.instrument(&version(&listed.assessment))?);
    known.assessment(listed, || answers)
}

/// The definitions and scores that some assessments need, read at once.
struct Known {
    instruments: HashMap<Version, Instrument>,
    scores: HashMap<Uuid, Scores>,
}

impl Known {
    async fn of(conn: &mut PgConnection, account_id: Uuid, listed: &[Listed]) -> Result<Self, Error> {
        let mut versions = Vec::new();
        let mut scored = Vec::new();
        for Listed { assessment, previous } in listed {
            versions.push(version(assessment));
            scored.extend(assessment.score_time.map(|_| assessment.assessment_id));
            if let Some((previous_id, previous_version)) = previous {
                versions.push((assessment.instrument_id.clone(), *previous_version));
                scored.push(*previous_id);
            }
        }
        versions.sort_unstable();
        versions.dedup();
        Ok(Self {
            instruments: definitions(conn, &versions).await?,
            scores: store::scores(conn, account_id, &scored).await?,
        })
    }

    fn instrument(&self, version: &Version) -> Result<&Instrument, Error> {
        self.instruments.get(version).ok_or(Error::InstrumentGone)
    }

    fn assessment(
        &self,
        listed: Listed,
        answers: impl FnOnce() -> Vec<(String, String)>,
    ) -> Result<Assessment, Error> {
        let Listed { assessment, previous } = listed;
        Ok(Assessment {
            results: self.results(&assessment, previous)?,
            assessment_id: assessment.assessment_id,
            instrument_id: assessment.instrument_id,
            instrument_version: assessment.instrument_version,
            create_time: assessment.create_time,
            score_time: assessment.score_time,
            answers: answers(),
        })
    }

    /// What came of a scored assessment, beside the one before where both have scores of the same scale.
    fn results(
        &self,
        assessment: &SealedAssessment,
        previous: Option<(Uuid, i32)>,
    ) -> Result<Vec<DomainResult>, Error> {
        if assessment.score_time.is_none() {
            return Ok(Vec::new());
        }
        let instrument = self.instrument(&version(assessment))?;
        let mut before = None;
        if let Some((previous_id, previous_version)) = previous {
            let same = previous_version == assessment.instrument_version;
            let other = self.instrument(&(assessment.instrument_id.clone(), previous_version))?;
            before = self.scores.get(&previous_id).filter(|_| same || instrument.compares_with(other));
        }
        let none = Scores::new();
        let scores = self.scores.get(&assessment.assessment_id).unwrap_or(&none);
        Ok(results(instrument, scores, before))
    }
}

/// The definition that an assessment was begun with.
async fn definition(conn: &mut PgConnection, sealed: &SealedAssessment) -> Result<Instrument, Error> {
    let version = version(sealed);
    definitions(conn, std::slice::from_ref(&version)).await?.remove(&version).ok_or(Error::InstrumentGone)
}

async fn definitions(
    conn: &mut PgConnection,
    versions: &[Version],
) -> Result<HashMap<Version, Instrument>, Error> {
    let known = store::questionnaires(conn, versions).await?;
    let parsed = known.into_iter().map(|(version, text)| Ok((version, Instrument::parse(&text)?)));
    Ok(parsed.collect::<Result<_, InvalidQuestionnaire>>()?)
}

fn version(assessment: &SealedAssessment) -> Version {
    (assessment.instrument_id.clone(), assessment.instrument_version)
}

fn open(data_key: &DataKey, sealed: &SealedAssessment) -> Result<Answers, Error> {
    let plain = data_key.open(&place(sealed.assessment_id), &sealed.answers).map_err(Error::Unreadable)?;
    Answers::from_bytes(&plain).ok_or(Error::Unreadable(vault::Error::Refused))
}

fn place(assessment_id: Uuid) -> Place<'static> {
    Place { table: "assessments", column: "answers", row: assessment_id }
}
