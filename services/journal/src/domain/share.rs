//! What is opened to whom: the selection, the rendering that preview and share have in common, and where a share stands.

use super::{DomainResult, Entry, Invalid, to_microseconds};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The longest own words, in characters.
const MAX_WORDS_CHARS: usize = 2000;
/// How long a share waits before it opens, unless it is to open at once.
const DELAY: SignedDuration = SignedDuration::from_hours(1);
/// How long a share is open when its owner does not say.
const DEFAULT_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The longest a share may live.
pub const MAX_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The most shares that an account may make in [`PACE_OF_SHARES`].
pub const MAX_SHARES: i64 = 30;
/// The time that [`MAX_SHARES`] is about.
pub const PACE_OF_SHARES: SignedDuration = SignedDuration::from_hours(24);

/// What stands where something between two parts of an excerpt is left out.
const LEFT_OUT: &str = "\n\n[…]\n\n";

/// What stands for the band of a domain without a score, whatever the reason: too few answers, or such as do not count.
pub const TOO_LITTLE: &str = "Too little to say.";

/// What kind of thing is shared. The numbers are those of `candor.journal.v1.ShareKind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareKind {
    /// A journal entry.
    Entry = 1,
    /// The result of a self-check.
    SelfCheck = 2,
}

/// How much of it. The numbers are those of `candor.journal.v1.ShareDepth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareDepth {
    /// Only what it is about.
    Topic = 1,
    /// A summary.
    Summary = 2,
    /// Chosen parts of an entry.
    Excerpt = 3,
    /// The whole entry.
    Whole = 4,
}

/// What the owner would like in return. The numbers are those of `candor.journal.v1.WishedResponse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WishedResponse {
    /// The owner did not say.
    Unsaid = 0,
    /// Only that the other listens.
    Listen = 1,
    /// Comfort.
    Comfort = 2,
    /// To talk about it.
    Talk = 3,
}

impl WishedResponse {
    /// By its number.
    ///
    /// # Errors
    /// When no wish has it.
    pub fn parse(number: i32) -> Result<Self, Invalid> {
        match number {
            0 => Ok(Self::Unsaid),
            1 => Ok(Self::Listen),
            2 => Ok(Self::Comfort),
            3 => Ok(Self::Talk),
            _ => Err(Invalid { field: "wished_response", rule: "is not one of those there are" }),
        }
    }
}

/// A part of a text: from one character to before another, counted in Unicode characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    /// The first character of it.
    start: usize,
    /// The first character after it.
    end: usize,
}

/// How much is shown, with what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    Topic,
    Summary,
    Bands(BTreeSet<String>),
    Excerpt(Vec<Span>),
    Whole,
}

/// What is to be shown of what; only of such kinds and depths as go together.
#[derive(Clone, PartialEq, Eq)]
pub struct Selection {
    kind: ShareKind,
    item_id: Uuid,
    shown: Shown,
    words: String,
}

impl Selection {
    /// Takes a selection as it was sent. `spans` are starts and ends; whether they lie inside the text, and whether the
    /// instrument has such domains, is seen when it is rendered.
    ///
    /// # Errors
    /// [`Invalid`] naming what does not go together: `selection.kind`, `.depth`, `.words`, `.spans` or `.domain_ids`.
    pub fn parse(
        kind: i32,
        item_id: Uuid,
        depth: i32,
        words: &str,
        spans: &[(i32, i32)],
        domain_ids: &[String],
    ) -> Result<Self, Invalid> {
        let kind = match kind {
            1 => ShareKind::Entry,
            2 => ShareKind::SelfCheck,
            _ => return broken("selection.kind", "is not one of those there are"),
        };
        let words = parse_words(words)?;
        let shown = match (depth, kind) {
            (1, _) => Shown::Topic,
            (2, ShareKind::Entry) => Shown::Summary,
            (2, ShareKind::SelfCheck) => Shown::Bands(parse_domains(domain_ids)?),
            (3, ShareKind::Entry) => Shown::Excerpt(parse_spans(spans)?),
            (4, ShareKind::Entry) => Shown::Whole,
            (3 | 4, ShareKind::SelfCheck) => {
                return broken("selection.depth", "can only be topic or summary for a self-check");
            }
            _ => return broken("selection.depth", "is not one of those there are"),
        };
        if matches!(shown, Shown::Topic | Shown::Summary) && words.is_empty() {
            return broken("selection.words", "are needed here: nothing else is shown");
        }
        if !spans.is_empty() && !matches!(shown, Shown::Excerpt(_)) {
            return broken("selection.spans", "are for an excerpt");
        }
        if !domain_ids.is_empty() && !matches!(shown, Shown::Bands(_)) {
            return broken(DOMAIN_IDS, "are for the summary of a self-check");
        }
        Ok(Self { kind, item_id, shown, words })
    }

    /// The whole of an entry.
    pub fn whole_entry(item_id: Uuid) -> Self {
        Self { kind: ShareKind::Entry, item_id, shown: Shown::Whole, words: String::new() }
    }

    /// What kind of thing.
    pub fn kind(&self) -> ShareKind {
        self.kind
    }

    /// Which: an entry's or an assessment's id.
    pub fn item_id(&self) -> Uuid {
        self.item_id
    }

    /// How much of it.
    pub fn depth(&self) -> ShareDepth {
        match self.shown {
            Shown::Topic => ShareDepth::Topic,
            Shown::Summary | Shown::Bands(_) => ShareDepth::Summary,
            Shown::Excerpt(_) => ShareDepth::Excerpt,
            Shown::Whole => ShareDepth::Whole,
        }
    }
}

const DOMAIN_IDS: &str = "selection.domain_ids";

fn broken<T>(field: &'static str, rule: &'static str) -> Result<T, Invalid> {
    Err(Invalid { field, rule })
}

/// Own words as they were written; blank ones are none.
fn parse_words(words: &str) -> Result<String, Invalid> {
    if words.contains('\0') {
        return broken("selection.words", "hold a NUL character");
    }
    if words.chars().count() > MAX_WORDS_CHARS {
        return broken("selection.words", "take at most 2000 characters");
    }
    Ok(if super::entry::is_blank(words) { String::new() } else { words.to_owned() })
}

/// At least one domain, each once; whether there are such is seen when they are rendered.
fn parse_domains(domain_ids: &[String]) -> Result<BTreeSet<String>, Invalid> {
    let domains: BTreeSet<String> = domain_ids.iter().cloned().collect();
    if domains.is_empty() {
        return broken(DOMAIN_IDS, "are needed for the summary of a self-check");
    }
    if domains.len() < domain_ids.len() {
        return broken(DOMAIN_IDS, "name a domain twice");
    }
    Ok(domains)
}

/// Spans in order, none empty, none over another.
fn parse_spans(spans: &[(i32, i32)]) -> Result<Vec<Span>, Invalid> {
    const FIELD: &str = "selection.spans";
    if spans.is_empty() {
        return broken(FIELD, "are needed for an excerpt");
    }
    let mut parsed: Vec<Span> = Vec::with_capacity(spans.len());
    for (start, end) in spans {
        let (Ok(start), Ok(end)) = (usize::try_from(*start), usize::try_from(*end)) else {
            return broken(FIELD, "cannot begin before the text");
        };
        if end <= start {
            return broken(FIELD, "must each end after they begin");
        }
        if parsed.last().is_some_and(|before| start < before.end) {
            return broken(FIELD, "must be in order and apart from each other");
        }
        parsed.push(Span { start, end });
    }
    Ok(parsed)
}

/// What a selection is of, as it is now.
pub enum Item<'a> {
    /// An entry, opened.
    Entry(&'a Entry),
    /// What came of each domain of a scored self-check, in the instrument's order.
    SelfCheck(Vec<DomainResult>),
}

/// What the recipient sees: plain text, in memory only.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendering {
    /// What kind of thing.
    pub kind: ShareKind,
    /// How much of it.
    pub depth: ShareDepth,
    /// The owner's own words, or empty.
    pub words: String,
    /// The title of a whole entry, or empty.
    pub title: String,
    /// The text or its parts, or empty.
    pub body: String,
    /// The moment an entry is about, and the zone its writer was in; for excerpts and whole entries.
    pub moment: Option<(Timestamp, String)>,
    /// Titles of domains and words of their bands, for the summary of a self-check.
    pub bands: Vec<(String, String)>,
}

/// What a selection shows of its item. Preview and share both come from here, so that they cannot differ. Moods are
/// never part of it.
///
/// # Errors
/// [`Invalid`] when a span reaches beyond the text, an excerpt shows nothing, or the instrument has no such domain.
pub fn render(selection: &Selection, item: Item<'_>) -> Result<Rendering, Invalid> {
    let mut rendering = Rendering {
        kind: selection.kind,
        depth: selection.depth(),
        words: selection.words.clone(),
        title: String::new(),
        body: String::new(),
        moment: None,
        bands: Vec::new(),
    };
    match (&selection.shown, item) {
        (Shown::Topic | Shown::Summary, _) => {}
        (Shown::Bands(domain_ids), Item::SelfCheck(results)) => rendering.bands = bands(domain_ids, results)?,
        (Shown::Excerpt(spans), Item::Entry(entry)) => {
            rendering.body = excerpt(entry.body.as_str(), spans)?;
            rendering.moment = Some(moment(entry));
        }
        (Shown::Whole, Item::Entry(entry)) => {
            rendering.title = entry.title.as_ref().map(|title| title.as_str().to_owned()).unwrap_or_default();
            rendering.body = entry.body.as_str().to_owned();
            rendering.moment = Some(moment(entry));
        }
        (Shown::Excerpt(_) | Shown::Whole, Item::SelfCheck(_)) => {
            return broken("selection.depth", "can only be topic or summary for a self-check");
        }
        (Shown::Bands(_), Item::Entry(_)) => {
            return broken(DOMAIN_IDS, "are for the summary of a self-check");
        }
    }
    Ok(rendering)
}

/// The chosen domains with the words of their bands, in the instrument's order. One without a score stands there like
/// any other, so that what is left out says nothing but that it was not chosen.
fn bands(chosen: &BTreeSet<String>, results: Vec<DomainResult>) -> Result<Vec<(String, String)>, Invalid> {
    let shown = results.into_iter().filter(|result| chosen.contains(&result.domain_id));
    let bands: Vec<_> = shown.map(DomainResult::in_words).collect();
    if bands.len() < chosen.len() {
        return broken(DOMAIN_IDS, "name a domain that this self-check does not have");
    }
    Ok(bands)
}

fn moment(entry: &Entry) -> (Timestamp, String) {
    (entry.entry_time.timestamp(), entry.zone.as_str().to_owned())
}

/// The parts of a text, each as it was written. Where something between two of them is left out, a line says so; the
/// white space between two paragraphs that are both shown is nothing.
fn excerpt(text: &str, spans: &[Span]) -> Result<String, Invalid> {
    const FIELD: &str = "selection.spans";
    // Where each character begins, and where the text ends.
    let places: Vec<usize> = text.char_indices().map(|(place, _)| place).chain([text.len()]).collect();
    let mut shown = String::new();
    let mut before: Option<usize> = None;
    for span in spans {
        let (Some(&start), Some(&end)) = (places.get(span.start), places.get(span.end)) else {
            return broken(FIELD, "reach beyond the end of the text");
        };
        if let Some(left) = before {
            let between = &text[left..start];
            let nothing = between.chars().all(char::is_whitespace);
            shown.push_str(if nothing { between } else { LEFT_OUT });
        }
        shown.push_str(&text[start..end]);
        before = Some(end);
    }
    if super::entry::is_blank(&shown) {
        return broken(FIELD, "show nothing");
    }
    Ok(shown)
}

/// From when until when a share is open, unless its owner takes it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When it opens.
    pub open_time: Timestamp,
    /// When it ends.
    pub expire_time: Timestamp,
}

impl Window {
    /// Of a share that is made now.
    ///
    /// # Errors
    /// [`Invalid`] naming `expire_time` when it ends before it opens, or lives longer than 90 days.
    pub fn parse(now: Timestamp, open_now: bool, expire_time: Option<Timestamp>) -> Result<Self, Invalid> {
        let after = |life| now.saturating_add(life).unwrap_or(Timestamp::MAX);
        let open_time = if open_now { now } else { after(DELAY) };
        let expire_time = expire_time.map_or_else(|| after(DEFAULT_LIFE), to_microseconds);
        if expire_time <= open_time {
            return broken("expire_time", "must be later than the share opens");
        }
        if expire_time > after(MAX_LIFE) {
            return broken("expire_time", "is more than 90 days on");
        }
        Ok(Self { open_time, expire_time })
    }
}

/// Where a share stands. The numbers are those of `candor.journal.v1.ShareState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareState {
    /// Not open yet.
    Waiting = 1,
    /// Open to the recipient.
    Open = 2,
    /// Its time is over.
    Expired = 3,
    /// Its owner took it back.
    Withdrawn = 4,
    /// The two are not linked any more.
    Ended = 5,
}

/// Where a share stands now. `unlinked_at` is when its link ended, if it did: a share whose time was over before that is
/// expired.
pub fn state_of(
    window: Window,
    withdrawn: bool,
    unlinked_at: Option<Timestamp>,
    now: Timestamp,
) -> ShareState {
    if withdrawn {
        ShareState::Withdrawn
    } else if unlinked_at.is_some_and(|ended| ended < window.expire_time) {
        ShareState::Ended
    } else if window.expire_time <= now {
        ShareState::Expired
    } else if now < window.open_time {
        ShareState::Waiting
    } else {
        ShareState::Open
    }
}

#[cfg(test)]
#[path = "share_tests.rs"]
mod tests;
