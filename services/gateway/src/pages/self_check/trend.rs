//! How results change: the ones that can be compared, as numbers by day and as a small line for each domain.

use super::{INSTRUMENT, instrument};
use crate::error::Problem;
use crate::pages::{Guest, Member, words};
use candor_proto::journal::v1::{Assessment, ListAssessmentsRequest};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

/// Results that are looked through, newest first.
const LOOKED_AT: i32 = 50;
/// Results that are shown.
const SHOWN: usize = 12;
/// The size of a line's picture, without the room its points need at the edges.
const WIDTH: i64 = 200;
const HEIGHT: i64 = 60;
const EDGE: i64 = 6;

/// Results over time, the earliest first.
pub(super) struct Trend {
    /// The days of the results.
    pub(super) days: Vec<Day>,
    /// A row for each domain.
    pub(super) rows: Vec<Row>,
}

/// The day of a result.
pub(super) struct Day {
    /// For programs.
    pub(super) iso: String,
    /// "10 Mar 2026".
    pub(super) name: String,
    /// Where the result is.
    pub(super) link: String,
    /// Whether it is the one this page shows.
    pub(super) here: bool,
}

/// A domain over time.
pub(super) struct Row {
    /// The domain's title.
    pub(super) title: String,
    /// A score for each day, if there is one.
    pub(super) scores: Vec<Option<i32>>,
    /// The scores that there are, as points of a picture.
    pub(super) points: Vec<Point>,
}

/// A point of a picture.
pub(super) struct Point {
    /// From the left.
    pub(super) x: i64,
    /// From the top.
    pub(super) y: i64,
}

impl Row {
    /// The line through the points, as SVG writes it; empty without two points.
    pub(super) fn line(&self) -> String {
        if self.points.len() < 2 {
            return String::new();
        }
        let points = self.points.iter().map(|point| format!("{},{}", point.x, point.y));
        points.collect::<Vec<_>>().join(" ")
    }
}

/// The results that can be compared with one; nothing when it is alone.
///
/// # Errors
/// When the member's results cannot be listed.
pub(super) async fn of(
    member: &Member,
    shown: &Assessment,
    zone: &TimeZone,
) -> Result<Option<Trend>, Problem> {
    let request = ListAssessmentsRequest {
        instrument_id: INSTRUMENT.into(),
        page_size: LOOKED_AT,
        page_token: String::new(),
    };
    let request = member.call(request)?;
    let reply = member.guest.app.upstream.assessments().list_assessments(request).await?.into_inner();
    let mut results = reply.assessments;
    results.retain(|result| result.score_time.is_some());
    let versions: BTreeSet<_> = results.iter().map(|result| result.instrument_version).collect();
    let versions = comparable(&member.guest, shown.instrument_version, versions).await;
    results.retain(|result| versions.contains(&result.instrument_version));
    results.truncate(SHOWN);
    results.reverse();
    Ok((results.len() > 1).then(|| trend(&results, shown, zone)))
}

/// Which versions measure the same as one does. Those that cannot be asked about are left out.
async fn comparable(guest: &Guest, version: i32, versions: BTreeSet<i32>) -> BTreeSet<i32> {
    let mut same = BTreeSet::from([version]);
    let others: Vec<_> = versions.into_iter().filter(|other| *other != version).collect();
    if others.is_empty() {
        return same;
    }
    let Some(mark) = comparison_mark(guest, version).await else { return same };
    for other in others {
        if comparison_mark(guest, other).await.as_ref() == Some(&mark) {
            same.insert(other);
        }
    }
    same
}

/// What the questionnaire of a version says it can be compared by.
async fn comparison_mark(guest: &Guest, version: i32) -> Option<String> {
    let instrument = instrument(guest, version).await.ok()?;
    let questionnaire: serde_json::Value = serde_json::from_str(&instrument.questionnaire).ok()?;
    let extensions = questionnaire["extension"].as_array()?;
    let mark = extensions.iter().find(|extension| extension["url"] == "urn:candor:comparable")?;
    mark["valueString"].as_str().map(str::to_owned)
}

fn trend(results: &[Assessment], shown: &Assessment, zone: &TimeZone) -> Trend {
    let days = results.iter().map(|result| Day {
        iso: words::moment(result.score_time.as_ref(), zone).map(|moment| moment.iso).unwrap_or_default(),
        name: words::short_day(result.score_time.as_ref(), zone).unwrap_or_default(),
        link: format!("/self-check/results/{}", result.assessment_id),
        here: result.assessment_id == shown.assessment_id,
    });
    let rows = shown.scores.iter().map(|domain| {
        let score = |result: &Assessment| {
            result.scores.iter().find(|other| other.domain_id == domain.domain_id)?.score
        };
        let scores: Vec<_> = results.iter().map(score).collect();
        Row { title: domain.title.clone(), points: points(results, &scores), scores }
    });
    Trend { days: days.collect(), rows: rows.collect() }
}

/// Time goes to the right, more of a wall goes up.
fn points(results: &[Assessment], scores: &[Option<i32>]) -> Vec<Point> {
    let seconds = |result: &Assessment| result.score_time.as_ref().map_or(0, |time| time.seconds);
    let first = results.first().map_or(0, seconds);
    let span = (results.last().map_or(0, seconds) - first).max(1);
    let scored = results.iter().zip(scores).filter_map(|(result, score)| Some((result, (*score)?)));
    scored
        .map(|(result, score)| Point {
            x: EDGE + (seconds(result) - first) * WIDTH / span,
            y: EDGE + HEIGHT - i64::from(score.clamp(0, 100)) * HEIGHT / 100,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_proto::journal::v1::DomainScore;

    fn result(id: &str, seconds: i64, score: Option<i32>) -> Assessment {
        let domain = DomainScore {
            domain_id: "silence".into(),
            title: "Silence".into(),
            score,
            ..DomainScore::default()
        };
        Assessment {
            assessment_id: id.into(),
            score_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            scores: vec![domain],
            ..Assessment::default()
        }
    }

    #[test]
    fn a_line_goes_through_the_scores_there_are() {
        let results = [result("a", 0, Some(100)), result("b", 86_400, None), result("c", 172_800, Some(0))];
        let trend = trend(&results, &results[2], &TimeZone::UTC);
        assert_eq!(trend.rows[0].scores, [Some(100), None, Some(0)]);
        assert_eq!(trend.rows[0].line(), "6,6 206,66");
        assert_eq!((trend.days[0].name.as_str(), trend.days[0].here), ("1 Jan 1970", false));
        assert!(trend.days[2].here);
    }

    #[test]
    fn one_moment_is_no_line() {
        let results = [result("a", 5, Some(40)), result("b", 5, None)];
        assert_eq!(trend(&results, &results[0], &TimeZone::UTC).rows[0].line(), "");
    }
}
