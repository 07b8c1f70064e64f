//! The questions of check-ins: a file, embedded and parsed strictly, and which of them a check-in gets.

use super::library::is_id;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The file that this binary carries.
pub const FILE: &str = include_str!("../../prompts/check-in.en.toml");

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Its stable, readable id.
    pub id: String,
    /// The question.
    pub text: String,
}

/// All questions of check-ins, by depth.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckInPrompts {
    /// Easy to answer on any day.
    pub gentle: Vec<Prompt>,
    /// About what was hard or close lately.
    pub middle: Vec<Prompt>,
    /// About what lies underneath.
    pub deeper: Vec<Prompt>,
}

/// A file of questions that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("prompts/check-in.en.toml {0}")]
pub struct InvalidPrompts(String);

impl CheckInPrompts {
    /// Parses a file.
    ///
    /// # Errors
    /// When it is no such TOML, a depth has no question, or an id is none, or there twice.
    pub fn parse(file: &str) -> Result<Self, InvalidPrompts> {
        let prompts: Self =
            toml::from_str(file).map_err(|error| InvalidPrompts(error.message().to_owned()))?;
        if prompts.depths().iter().any(|depth| depth.is_empty()) {
            return Err(InvalidPrompts("has a depth without a question".to_owned()));
        }
        let mut ids = BTreeSet::new();
        for prompt in prompts.depths().into_iter().flatten() {
            if !is_id(&prompt.id) || !ids.insert(&prompt.id) {
                return Err(InvalidPrompts(format!("has an id that is none, or twice: {}", prompt.id)));
            }
            if prompt.text.trim().is_empty() {
                return Err(InvalidPrompts(format!("has no question for {}", prompt.id)));
            }
        }
        Ok(prompts)
    }

    /// The depths, from gentle to deeper.
    pub fn depths(&self) -> [&[Prompt]; 3] {
        [&self.gentle, &self.middle, &self.deeper]
    }

    /// The questions of a check-in: one of each depth, from gentle to deeper; the same ones for everybody, always.
    pub fn of_check_in(&self, check_in_id: Uuid) -> Vec<&Prompt> {
        // The one whose hash with the check-in is the highest: a question that comes or goes changes what few
        // check-ins get, where a remainder would change nearly all, between two answers to the same.
        let highest = |depth| -> Option<&Prompt> {
            let depth: &[Prompt] = depth;
            depth.iter().max_by_key(|prompt| rank(check_in_id, prompt))
        };
        self.depths().into_iter().filter_map(highest).collect()
    }
}

fn rank(check_in_id: Uuid, prompt: &Prompt) -> [u8; 32] {
    Sha256::new().chain_update(check_in_id.as_bytes()).chain_update(&prompt.id).finalize().into()
}
