//! Texts out of files: `<kind>/<version>/<language>.md`, which begin with a date and whether the version is material.

use super::{RequiredTerms, Terms, TermsKind, TermsVersion};
use crate::domain::Locale;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// What is wrong with a folder of texts, for whoever runs the place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TermsFault(String);

impl TermsFault {
    fn of(path: &str, what: &str) -> Self {
        Self(format!("holds {path}, which {what}"))
    }
}

/// One file, read.
struct Text<'a> {
    kind: TermsKind,
    version: i32,
    locale: &'a str,
    date: Date,
    material: bool,
    words: &'a str,
}

impl Terms {
    /// Reads files, each with its path below the folder.
    ///
    /// # Errors
    /// A file that is no text of the form, languages of a version that disagree, or a kind without any text.
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, TermsFault> {
        let mut versions: BTreeMap<(TermsKind, i32), TermsVersion> = BTreeMap::new();
        for (path, content) in files {
            let text = text(path, content)?;
            let version = versions.entry((text.kind, text.version)).or_insert_with(|| TermsVersion {
                kind: text.kind,
                version: text.version,
                date: text.date,
                material: text.material,
                words: BTreeMap::new(),
            });
            if (version.date, version.material) != (text.date, text.material) {
                return Err(TermsFault::of(
                    path,
                    "has another head than the same version in another language",
                ));
            }
            version.words.insert(text.locale.to_owned(), text.words.to_owned());
        }
        let mut required = RequiredTerms::default();
        for kind in TermsKind::ALL {
            let mut own = versions.values().filter(|text| text.kind == kind);
            let first = own.next().ok_or_else(|| TermsFault(format!("holds no {}", kind.as_str())))?;
            // Whoever accepted what came after the last material change is not asked again.
            let least = own.rfind(|text| text.material).unwrap_or(first);
            required.kinds.push(kind.as_str().to_owned());
            required.versions.push(least.version);
        }
        Ok(Self { versions: versions.into_values().collect(), required })
    }
}

fn text<'a>(path: &'a str, content: &'a str) -> Result<Text<'a>, TermsFault> {
    let fault = |what| TermsFault::of(path, what);
    let mut parts = path.split('/');
    let (kind, version, file) = (parts.next(), parts.next(), parts.next());
    let kind = kind.and_then(TermsKind::stored).ok_or_else(|| fault("is no kind of text"))?;
    let version = version.and_then(|number| number.parse().ok()).filter(|number: &i32| *number > 0);
    let version = version.ok_or_else(|| fault("has no number as its version"))?;
    let locale = file.and_then(|file| file.strip_suffix(".md")).filter(|_| parts.next().is_none());
    let locale = locale.filter(|tag| !tag.is_empty() && Locale::parse(tag).is_ok());
    let locale = locale.ok_or_else(|| fault("is named after no language"))?;
    let (head, words) = content.split_once("\n\n").ok_or_else(|| fault("has no head"))?;
    let said = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let date = said("date:").and_then(|date| date.parse().ok()).ok_or_else(|| fault("has no date"))?;
    let material = match said("material:") {
        Some("yes") => true,
        Some("no") => false,
        _ => return Err(fault("does not say whether it is material")),
    };
    if words.trim().is_empty() {
        return Err(fault("says nothing"));
    }
    Ok(Text { kind, version, locale, date, material, words })
}
