//! What a recipient sees of something shared. Preview, owner's page and recipient's page show it with the same template.

use super::desk::Desk;
use super::markdown::{Source, excerpt, to_html};
use super::words::{Moment, moment, zone};
use crate::error::Problem;
use candor_proto::journal::v1::{DomainBand, Rendering, ShareDepth, ShareKind, WishedResponse};

/// Characters of something shared that are shown in a list.
const EXCERPT: usize = 160;

/// A rendering, ready to be shown. Everything in it may be hostile: words become HTML as a member's own do.
pub(super) struct Shown {
    pub(super) what: &'static str,
    pub(super) words: Option<String>,
    pub(super) title: String,
    pub(super) body: Option<String>,
    /// The texts letter for letter, as every program receives them. Markdown leaves some of it out when it is shown:
    /// comments, targets of links, the names of code blocks.
    pub(super) letters: String,
    pub(super) moment: Option<Moment>,
    pub(super) bands: Vec<DomainBand>,
}

/// Makes the HTML of a rendering.
///
/// # Errors
/// Only by a bug of ours.
pub(super) async fn shown(desk: &Desk, rendering: Rendering) -> Result<Shown, Problem> {
    desk.work(move || {
        let html = |text: &str| (!text.is_empty()).then(|| to_html(text, Source::Member));
        Shown {
            what: what(rendering.kind(), rendering.depth()),
            words: html(&rendering.words),
            body: html(&rendering.body),
            letters: [rendering.words.as_str(), &rendering.body].join("\n\n").trim().to_owned(),
            moment: moment(rendering.entry_time.as_ref(), &zone(&rendering.time_zone)),
            title: rendering.title,
            bands: rendering.bands,
        }
    })
    .await
}

/// A line that tells one share from another in a list of one's own.
pub(super) fn line(rendering: &Rendering) -> String {
    let texts = [&rendering.words, &rendering.title, &rendering.body];
    texts.into_iter().find(|text| !text.is_empty()).map(|text| excerpt(text, EXCERPT)).unwrap_or_default()
}

/// What is shared, in a few words.
pub(super) fn what(kind: ShareKind, depth: ShareDepth) -> &'static str {
    match (kind, depth) {
        (ShareKind::SelfCheck, ShareDepth::Topic) => "What a self-check was about",
        (ShareKind::SelfCheck, _) => "The result of a self-check",
        (_, ShareDepth::Topic) => "What an entry is about",
        (_, ShareDepth::Summary) => "A summary of an entry",
        (_, ShareDepth::Excerpt) => "Parts of an entry",
        (_, ShareDepth::Whole) => "A whole entry",
        (_, ShareDepth::Unspecified) => "Something",
    }
}

/// What the owner would like in return, to stand after "what would help"; empty when they did not say.
pub(super) fn wished(wished: WishedResponse) -> &'static str {
    match wished {
        WishedResponse::Unspecified => "",
        WishedResponse::Listen => "being listened to, nothing more",
        WishedResponse::Comfort => "comfort",
        WishedResponse::Talk => "talking about it",
    }
}
