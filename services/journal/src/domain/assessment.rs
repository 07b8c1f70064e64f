//! Assessments: answers to an instrument, and how they are scored. Pure and total.

use super::instrument::{Domain, Instrument};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// Answers are padded to a multiple of this many bytes, so that the length of what is sealed does not tell which codes
/// were chosen, or how many. Those of the self-check always fit into one.
const PADDING: usize = 2048;

/// Answers by item: private, so it has no Debug.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<String, String>);

/// An answer that is refused: its place in the request, the field, and what is wrong with it. Never the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidAnswer {
    /// The answer's place in the request, from 0.
    pub index: usize,
    /// `link_id` or `code`.
    pub field: &'static str,
    /// What is wrong with it, to be read after the field's name.
    pub rule: &'static str,
}

/// Scores by domain; a domain without enough answers has none.
pub type Scores = BTreeMap<String, u8>;

/// What came of a domain.
#[derive(Clone, PartialEq, Eq)]
pub struct DomainResult {
    /// The domain.
    pub domain_id: String,
    /// Its title.
    pub title: String,
    /// From 0 to 100, if there were enough answers.
    pub score: Option<u8>,
    /// The band's words; empty without a score.
    pub band: String,
    /// The score of the scored assessment before, if there is one to set beside it.
    pub previous_score: Option<u8>,
    /// The article to go on with, or empty.
    pub next_article_id: String,
}

impl DomainResult {
    /// The domain's title and the words of its band, without any number. One without a score stands there like any other.
    pub fn in_words(self) -> (String, String) {
        match self.score {
            Some(_) => (self.title, self.band),
            None => (self.title, super::TOO_LITTLE.to_owned()),
        }
    }
}

/// An assessment as the database holds it: the answers sealed with the member's data key.
#[derive(Clone)]
pub struct SealedAssessment {
    /// Whose.
    pub account_id: Uuid,
    /// Its id, unique among the member's assessments.
    pub assessment_id: Uuid,
    /// The instrument.
    pub instrument_id: String,
    /// The version that its answers belong to.
    pub instrument_version: i32,
    /// The sealed answers.
    pub answers: Vec<u8>,
    /// When it was begun.
    pub create_time: Timestamp,
    /// When it was scored, if it is.
    pub score_time: Option<Timestamp>,
}

/// An assessment as its member sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct Assessment {
    /// Its id.
    pub assessment_id: Uuid,
    /// The instrument.
    pub instrument_id: String,
    /// The version that its answers belong to.
    pub instrument_version: i32,
    /// When it was begun.
    pub create_time: Timestamp,
    /// When it was scored, if it is.
    pub score_time: Option<Timestamp>,
    /// Items and codes in the instrument's order; empty in lists.
    pub answers: Vec<(String, String)>,
    /// What came of each domain, in the instrument's order; empty while it is not scored.
    pub results: Vec<DomainResult>,
}

impl Answers {
    /// Takes some answers over those there are; an empty code takes one back.
    ///
    /// # Errors
    /// Every answer to an item, or with a code, that the instrument does not know, and every second one to an item.
    /// Then nothing is taken.
    pub fn merge(
        &mut self,
        instrument: &Instrument,
        answers: &[(String, String)],
    ) -> Result<(), Vec<InvalidAnswer>> {
        let mut seen = HashSet::new();
        let broken: Vec<_> = answers
            .iter()
            .enumerate()
            .filter_map(|(index, (link_id, code))| {
                let twice = !seen.insert(link_id);
                let (field, rule) = fault(instrument, link_id, code, twice)?;
                Some(InvalidAnswer { index, field, rule })
            })
            .collect();
        if !broken.is_empty() {
            return Err(broken);
        }
        for (link_id, code) in answers {
            if code.is_empty() {
                self.0.remove(link_id);
            } else {
                self.0.insert(link_id.clone(), code.clone());
            }
        }
        Ok(())
    }

    /// Items and codes, in the instrument's order.
    pub fn in_order(&self, instrument: &Instrument) -> Vec<(String, String)> {
        let answered = instrument.items().filter_map(|item| self.0.get_key_value(&item.link_id));
        answered.map(|(link_id, code)| (link_id.clone(), code.clone())).collect()
    }

    /// As bytes to be sealed, of a length that says next to nothing.
    pub fn to_bytes(&self) -> Vec<u8> {
        // A map of strings always becomes JSON; an empty one would be refused when it is read.
        let mut bytes = serde_json::to_vec(&self.0).unwrap_or_default();
        bytes.resize(bytes.len().next_multiple_of(PADDING), b' ');
        bytes
    }

    /// From bytes that were sealed; `None` when they are none of ours.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }

    /// The score of each domain that has enough answers.
    pub fn score(&self, instrument: &Instrument) -> Scores {
        let scored =
            instrument.domains.iter().filter_map(|domain| Some((domain, self.domain_score(domain)?)));
        scored.map(|(domain, score)| (domain.domain_id.clone(), score)).collect()
    }

    /// 100 × Σ(weight − least) / Σ(most − least) over the items with an answer that counts, rounded half up; none when
    /// they are fewer than half of the domain's items.
    fn domain_score(&self, domain: &Domain) -> Option<u8> {
        let (mut counted, mut sum, mut span) = (0, 0, 0);
        for item in &domain.items {
            let code = self.0.get(&item.link_id);
            if let Some(weight) = code.and_then(|code| item.weight(code)).flatten() {
                counted += 1;
                sum += weight - item.range.0;
                span += item.range.1 - item.range.0;
            }
        }
        if span == 0 || counted * 2 < domain.items.len() {
            return None;
        }
        u8::try_from((200 * sum + span) / (2 * span)).ok()
    }
}

fn fault(
    instrument: &Instrument,
    link_id: &str,
    code: &str,
    twice: bool,
) -> Option<(&'static str, &'static str)> {
    let Some(item) = instrument.item(link_id) else {
        return Some(("link_id", "is not an item of this version of the instrument"));
    };
    if twice {
        return Some(("link_id", "has an answer in this request already"));
    }
    let known = code.is_empty() || item.weight(code).is_some();
    (!known).then_some(("code", "is not an answer to this item"))
}

/// What came of each domain, beside the scores before, where they can be set side by side.
pub fn results(instrument: &Instrument, scores: &Scores, before: Option<&Scores>) -> Vec<DomainResult> {
    let result = |domain: &Domain| {
        let score = scores.get(&domain.domain_id).copied();
        let previous_score = before.and_then(|before| before.get(&domain.domain_id).copied());
        DomainResult {
            domain_id: domain.domain_id.clone(),
            title: domain.title.clone(),
            score,
            band: score.map(|score| domain.band(score).to_owned()).unwrap_or_default(),
            previous_score: previous_score.filter(|_| score.is_some()),
            next_article_id: domain.next_article_id.clone(),
        }
    };
    instrument.domains.iter().map(result).collect()
}

#[cfg(test)]
#[path = "assessment_tests.rs"]
mod tests;
