//! The library as files: embedded by `build.rs`, parsed strictly, refused as a whole when one rule is broken.

use super::article::{Article, Grade, Kind, RUBRIC, Step, publishable};
use super::{Locale, front_matter};
use jiff::{ToSpan, civil::Date};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

mod files {
    #![allow(missing_docs, unreachable_pub)]
    include!(concat!(env!("OUT_DIR"), "/library.rs"));
}

/// Every file of the library: `<locale>/<id>.md` and its text.
pub const FILES: &[(&str, &str)] = files::FILES;

/// A file of the library that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("library/{file} {problem}")]
pub struct LibraryError {
    file: String,
    problem: String,
}

impl LibraryError {
    /// `problem` is read after the file's name.
    pub(super) fn new(file: &str, problem: impl Into<String>) -> Self {
        Self { file: file.to_owned(), problem: problem.into() }
    }
}

/// Parses files, in the order given.
///
/// # Errors
/// The first file that breaks a rule, alone or together with another, naming the key.
pub fn parse(files: &[(&str, &str)]) -> Result<Vec<Article>, LibraryError> {
    let articles: Vec<Article> =
        files.iter().map(|(file, text)| article(file, text)).collect::<Result<_, _>>()?;
    let mut places = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (article, (file, _)) in articles.iter().zip(files) {
        if !names.insert((&article.locale, &article.id)) {
            return Err(LibraryError::new(file, "has a key `id` that another file has too"));
        }
        if !places.insert((&article.locale, article.step, article.position)) {
            return Err(LibraryError::new(
                file,
                "has a key `position` that another article of its step has too",
            ));
        }
    }
    Ok(articles)
}

/// Whether a text can be an article's id: lower-case words joined by hyphens, at most 80 bytes.
pub fn is_id(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.len() <= 80 && text.split('-').all(word)
}

fn article(file: &str, text: &str) -> Result<Article, LibraryError> {
    let (locale, stem) = place(file)?;
    let (facts, body) = front_matter::split(file, text)?;
    let mut keys = front_matter::Keys::parse(file, facts)?;
    let article = Article {
        id: keys.text("id", 80)?,
        locale,
        digest: Sha256::digest(text).into(),
        title: keys.text("title", 120)?,
        summary: keys.text("summary", 300)?,
        step: keys.choice("step", Step::ALL)?,
        position: keys.number("position", 1, 1000)?,
        kind: keys.choice("kind", Kind::ALL)?,
        reading_minutes: keys.number("reading_minutes", 1, 30)?,
        need: keys.text("need", 120)?,
        next_action: keys.text("next_action", 300)?,
        evidence: keys.choice("evidence", Grade::ALL)?,
        sources: keys.texts("sources", 400)?,
        contraindications: keys.texts("contraindications", 300)?,
        clinical_review: keys.text("clinical_review", 200)?,
        reviewed_date: keys.date("reviewed_date")?,
        next_review_date: keys.date("next_review")?,
        rubric: rubric(&mut keys)?,
        body: body.trim().to_owned(),
    };
    check(&article, stem, &keys)?;
    keys.finish()?;
    if article.body.is_empty() || article.body.len() > 64 * 1024 {
        return Err(LibraryError::new(file, "must have a text of 1 byte to 64 KiB"));
    }
    Ok(article)
}

fn place(file: &str) -> Result<(Locale, &str), LibraryError> {
    let parts = file.strip_suffix(".md").and_then(|path| path.split_once('/'));
    let locale =
        parts.and_then(|(folder, _)| Locale::parse(folder).filter(|locale| locale.as_str() == folder));
    match (parts, locale) {
        (Some((_, stem)), Some(locale)) => Ok((locale, stem)),
        _ => Err(LibraryError::new(file, "must lie in a folder named by its language tag")),
    }
}

fn rubric(keys: &mut front_matter::Keys<'_>) -> Result<[i16; 10], LibraryError> {
    let mut table = keys.table("rubric", "rubric.")?;
    let mut scores = [0; 10];
    for (score, point) in scores.iter_mut().zip(RUBRIC) {
        *score = table.number(point, 0, 2)?;
    }
    table.finish()?;
    Ok(scores)
}

/// The rules that join several keys.
fn check(article: &Article, stem: &str, keys: &front_matter::Keys<'_>) -> Result<(), LibraryError> {
    if article.id != stem || !is_id(&article.id) {
        return Err(keys.wrong("id", "must be the file's name: lower-case words joined by hyphens"));
    }
    if article.sources.is_empty() != (article.evidence == Grade::Practice) {
        return Err(keys.wrong("sources", "must name sources, except where evidence is practice"));
    }
    if article.contraindications.is_empty() {
        return Err(keys.wrong("contraindications", "must say for whom or when it is not meant"));
    }
    if !within_a_year(article.reviewed_date, article.next_review_date) {
        return Err(keys.wrong("next_review", "must come after reviewed_date, within twelve months"));
    }
    if !publishable(&article.rubric) {
        return Err(keys.wrong("rubric", "must reach 16 of 20, with the first four points at 2"));
    }
    Ok(())
}

fn within_a_year(reviewed: Date, next: Date) -> bool {
    next > reviewed && reviewed.checked_add(1.year()).is_ok_and(|latest| next <= latest)
}
