//! What a person wants to share and how, as the forms carry it from step to step.

use super::parts::{Mark, spans};
use crate::pages::form::Form;
use candor_proto::journal::v1::{Selection, ShareDepth, ShareKind, WishedResponse};
use jiff::{SignedDuration, Timestamp};

/// How many days something can be open.
pub(super) const DAYS: [i64; 3] = [7, USUAL, LONGEST];
/// What services take when nothing is said.
const USUAL: i64 = 30;
const LONGEST: i64 = 90;

/// What is wished, whether it is complete or not.
#[derive(Clone)]
pub(super) struct Wish {
    /// What kind of thing.
    pub(super) kind: ShareKind,
    /// The entry's or assessment's id.
    pub(super) item_id: String,
    /// With whom; empty while nobody was chosen.
    pub(super) recipient: String,
    /// How much of it.
    pub(super) depth: ShareDepth,
    /// The person's own words.
    pub(super) words: String,
    /// The chosen paragraphs.
    pub(super) parts: Vec<Mark>,
    /// The chosen domains of a self-check.
    pub(super) domains: Vec<String>,
    /// What would help.
    pub(super) wished: WishedResponse,
    /// For how many days.
    pub(super) days: i64,
    /// Whether it opens at once.
    pub(super) now: bool,
}

impl Wish {
    /// Of a thing of which nothing is chosen yet: as little as can be.
    pub(super) fn new(kind: ShareKind, item_id: String) -> Option<Self> {
        uuid::Uuid::try_parse(&item_id).ok()?;
        Some(Self {
            kind,
            item_id,
            recipient: String::new(),
            depth: ShareDepth::Topic,
            words: String::new(),
            parts: Vec::new(),
            domains: Vec::new(),
            wished: WishedResponse::Unspecified,
            days: USUAL,
            now: false,
        })
    }

    /// What a form holds; `None` when it is about nothing.
    pub(super) fn of(form: &Form) -> Option<Self> {
        let kind = match form.text("kind").as_str() {
            "self-check" => ShareKind::SelfCheck,
            _ => ShareKind::Entry,
        };
        let number = |name: &str| form.text(name).parse::<i32>().ok();
        let depth = number("depth").and_then(|number| ShareDepth::try_from(number).ok());
        Some(Self {
            depth: depth.filter(|depth| *depth != ShareDepth::Unspecified).unwrap_or(ShareDepth::Topic),
            recipient: form.text("recipient"),
            words: form.text("words").trim().to_owned(),
            parts: form.all("part").filter_map(Mark::parse).collect(),
            domains: domains(form),
            wished: number("wished")
                .and_then(|number| WishedResponse::try_from(number).ok())
                .unwrap_or(WishedResponse::Unspecified),
            days: form.text("days").parse().ok().filter(|days| DAYS.contains(days)).unwrap_or(USUAL),
            now: form.text("when") == "now",
            ..Self::new(kind, form.text("item"))?
        })
    }

    /// What is still needed, as a sentence.
    pub(super) fn lacks(&self) -> Option<&'static str> {
        let entry = self.kind == ShareKind::Entry;
        match self.depth {
            ShareDepth::Topic if self.words.is_empty() => {
                Some("A few words of yours are needed: what is it about?")
            }
            ShareDepth::Summary if entry && self.words.is_empty() => {
                Some("A summary is in your own words. Please write a few.")
            }
            ShareDepth::Summary if !entry && self.domains.is_empty() => {
                Some("Please choose at least one part of the result.")
            }
            ShareDepth::Excerpt if self.parts.is_empty() => Some("Please choose at least one part."),
            _ => None,
        }
    }

    /// For the service.
    pub(super) fn selection(&self) -> Selection {
        let excerpt = self.depth == ShareDepth::Excerpt;
        let result = self.kind == ShareKind::SelfCheck && self.depth == ShareDepth::Summary;
        Selection {
            kind: self.kind.into(),
            item_id: self.item_id.clone(),
            depth: self.depth.into(),
            words: self.words.clone(),
            spans: if excerpt { spans(&self.parts) } else { Vec::new() },
            domain_ids: if result { self.domains.clone() } else { Vec::new() },
        }
    }

    /// When it ends, if that is not what services take anyway. A minute early, so that the longest time is not too long
    /// for a service whose clock is a little behind.
    pub(super) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let days = SignedDuration::from_hours(24 * self.days) - SignedDuration::from_mins(1);
        (self.days != USUAL).then(|| now.saturating_add(days).unwrap_or(now))
    }

    /// The number of the depth in forms.
    pub(super) fn depth_number(&self) -> i32 {
        self.depth.into()
    }

    /// The number of the wished response in forms.
    pub(super) fn wished_number(&self) -> i32 {
        self.wished.into()
    }

    /// The name of the kind in forms.
    pub(super) fn kind_name(&self) -> &'static str {
        if self.kind == ShareKind::SelfCheck { "self-check" } else { "entry" }
    }
}

/// The chosen domains, each once.
fn domains(form: &Form) -> Vec<String> {
    let mut chosen: Vec<String> = Vec::new();
    for domain in form.all("domain").filter(|domain| !domain.is_empty()) {
        if chosen.iter().all(|known| known != domain) {
            chosen.push(domain.to_owned());
        }
    }
    chosen
}
