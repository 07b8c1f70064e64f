//! Instruments as files: FHIR R4 `Questionnaire`s, embedded by `build.rs`. Read here is what is shown of them; how they
//! are scored is the journal's business, which reads the same file its own way. A narrow view on purpose: crates for
//! whole FHIR resources cost minutes of build.

use super::library::is_id;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

mod files {
    #![allow(missing_docs, unreachable_pub)]
    include!(concat!(env!("OUT_DIR"), "/instruments.rs"));
}

/// Every instrument's file: `<id>.json` and its text.
pub const FILES: &[(&str, &str)] = files::FILES;

/// The largest questionnaire, in bytes: 256 KiB, which is what an event carries.
const MAX_BYTES: usize = 256 * 1024;

/// The longest `linkId` or code, in bytes: an answer names both.
const MAX_ID: usize = 64;

/// The longest line, such as a title or an answer, and the longest description, in bytes.
const MAX_LINE: usize = 200;
const MAX_DESCRIPTION: usize = 8 * 1024;

/// Says whether it was validated in studies.
const VALIDATED: &str = "urn:candor:validated";

/// A questionnaire that breaks a rule: which element, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {rule}")]
pub struct InvalidQuestionnaire {
    /// The element, such as `instruments/self-check.json item[2].linkId`.
    pub path: String,
    /// What is wrong with it, to be read after the path.
    pub rule: &'static str,
}

/// An instrument as its file holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrument {
    /// Readable id.
    pub id: String,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
    /// The file's text: the `Questionnaire` as JSON.
    pub text: String,
}

/// A questionnaire as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Questionnaire {
    /// The title.
    pub title: String,
    /// What it is, and what it is not.
    pub description: String,
    /// Whether it was validated in studies.
    pub validated: bool,
    /// Items that are scored together, in the order to be shown.
    pub domains: Vec<Domain>,
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// The group's `linkId`.
    pub domain_id: String,
    /// The title.
    pub title: String,
    /// Its items.
    pub items: Vec<Item>,
}

/// A statement to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its `linkId`.
    pub link_id: String,
    /// The statement.
    pub text: String,
    /// The answers to choose from.
    pub options: Vec<AnswerOption>,
}

/// An answer to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerOption {
    /// Its code.
    pub code: String,
    /// Its words.
    pub display: String,
}

/// Reads files, in the order given.
///
/// # Errors
/// The first element that breaks a rule, behind the file's name.
pub fn parse_files(files: &[(&str, &str)]) -> Result<Vec<Instrument>, InvalidQuestionnaire> {
    files.iter().map(|(file, text)| instrument(file, text)).collect()
}

fn instrument(file: &str, text: &str) -> Result<Instrument, InvalidQuestionnaire> {
    let named = |error: InvalidQuestionnaire| InvalidQuestionnaire {
        path: format!("instruments/{file} {}", error.path),
        rule: error.rule,
    };
    let id = file.strip_suffix(".json").filter(|id| is_id(id));
    let id = id.ok_or_else(|| named(invalid("its name", "must be words joined by hyphens, then .json")))?;
    if url(text) != Some(format!("urn:candor:instrument:{id}")) {
        return Err(named(invalid("url", "must be urn:candor:instrument: and the file's name")));
    }
    Questionnaire::parse(text).map_err(named)?;
    Ok(Instrument { id: id.to_owned(), digest: Sha256::digest(text).into(), text: text.to_owned() })
}

fn url(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.get("url")?.as_str().map(str::to_owned)
}

impl Questionnaire {
    /// Reads a questionnaire.
    ///
    /// # Errors
    /// The first element that is missing or breaks a rule. Any text is taken or refused; none is guessed at.
    pub fn parse(text: &str) -> Result<Self, InvalidQuestionnaire> {
        if text.len() > MAX_BYTES {
            return Err(invalid("the file", "takes at most 262144 bytes"));
        }
        let value: Value = serde_json::from_str(text).map_err(|_| invalid("the file", "is not JSON"))?;
        let top = Element { path: String::new(), value: &value };
        if top.line("resourceType", MAX_ID)? != "Questionnaire" {
            return Err(invalid("resourceType", "must be Questionnaire"));
        }
        let mut seen = HashSet::new();
        let domains = top.elements("item")?;
        Ok(Self {
            title: top.line("title", MAX_LINE)?,
            description: top.text("description", MAX_DESCRIPTION)?,
            validated: top.flag(VALIDATED)?,
            domains: domains.iter().map(|group| domain(group, &mut seen)).collect::<Result<_, _>>()?,
        })
    }
}

fn domain(group: &Element<'_>, seen: &mut HashSet<String>) -> Result<Domain, InvalidQuestionnaire> {
    if group.line("type", MAX_ID)? != "group" {
        return Err(group.broken("type", "must be group"));
    }
    Ok(Domain {
        domain_id: group.link_id(seen)?,
        title: group.line("text", MAX_LINE)?,
        items: group.elements("item")?.iter().map(|found| item(found, seen)).collect::<Result<_, _>>()?,
    })
}

fn item(found: &Element<'_>, seen: &mut HashSet<String>) -> Result<Item, InvalidQuestionnaire> {
    if found.line("type", MAX_ID)? != "choice" {
        return Err(found.broken("type", "must be choice"));
    }
    let mut codes = HashSet::new();
    let mut options = Vec::new();
    for option in found.elements("answerOption")? {
        let coding = option.element("valueCoding")?;
        let code = coding.line("code", MAX_ID)?;
        if !codes.insert(code.clone()) {
            return Err(coding.broken("code", "must differ from the other options' of its item"));
        }
        options.push(AnswerOption { code, display: coding.line("display", MAX_LINE)? });
    }
    Ok(Item { link_id: found.link_id(seen)?, text: found.line("text", MAX_LINE)?, options })
}

/// A JSON value and where it is.
struct Element<'v> {
    path: String,
    value: &'v Value,
}

impl<'v> Element<'v> {
    fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn broken(&self, name: &str, rule: &'static str) -> InvalidQuestionnaire {
        InvalidQuestionnaire { path: self.path(name), rule }
    }

    fn element(&self, name: &str) -> Result<Self, InvalidQuestionnaire> {
        let value = self.value.get(name).filter(|value| value.is_object());
        let value = value.ok_or_else(|| self.broken(name, "must be an object"))?;
        Ok(Self { path: self.path(name), value })
    }

    /// A list with something in it.
    fn elements(&self, name: &str) -> Result<Vec<Self>, InvalidQuestionnaire> {
        let list = self.value.get(name).and_then(Value::as_array).filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| self.broken(name, "must be a list with something in it"))?;
        let at = |(index, value)| Self { path: format!("{}[{index}]", self.path(name)), value };
        Ok(list.iter().enumerate().map(at).collect())
    }

    fn text(&self, name: &str, most: usize) -> Result<String, InvalidQuestionnaire> {
        let text = self.value.get(name).and_then(Value::as_str);
        let sound = text.filter(|text| !text.trim().is_empty() && text.len() <= most);
        sound.map(str::to_owned).ok_or_else(|| self.broken(name, "must be a text that is not too long"))
    }

    fn line(&self, name: &str, most: usize) -> Result<String, InvalidQuestionnaire> {
        let line = self.text(name, most)?;
        if line.chars().any(char::is_control) {
            return Err(self.broken(name, "must be one line"));
        }
        Ok(line)
    }

    fn link_id(&self, seen: &mut HashSet<String>) -> Result<String, InvalidQuestionnaire> {
        let link_id = self.line("linkId", MAX_ID)?;
        if seen.insert(link_id.clone()) {
            return Ok(link_id);
        }
        Err(self.broken("linkId", "must differ from all others"))
    }

    /// The `valueBoolean` of an extension.
    fn flag(&self, url: &str) -> Result<bool, InvalidQuestionnaire> {
        let extensions = self.value.get("extension").and_then(Value::as_array);
        let mut found = extensions
            .into_iter()
            .flatten()
            .filter(|extension| extension.get("url").and_then(Value::as_str) == Some(url));
        let flag = found.next().and_then(|extension| extension.get("valueBoolean")).and_then(Value::as_bool);
        flag.ok_or_else(|| self.broken("extension", "must say whether it is validated"))
    }
}

fn invalid(path: &str, rule: &'static str) -> InvalidQuestionnaire {
    InvalidQuestionnaire { path: path.to_owned(), rule }
}
