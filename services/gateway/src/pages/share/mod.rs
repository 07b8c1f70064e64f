//! Sharing one thing with one person: choose how much, see exactly what would be seen, then say yes. Each step is a form
//! of its own; until the last one nothing is kept anywhere.

mod parts;
mod wish;

use super::others::Other;
use super::rendering::{self, wished};
use super::self_check::{assessment, names_danger};
use super::{Failure, Form, Frame, Member, go, parameter, shared, words};
use crate::error::Problem;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::journal::v1::{
    DomainScore, GetEntryRequest, PreviewShareRequest, ShareDepth, ShareItemRequest, ShareKind,
    WishedResponse,
};
use jiff::Timestamp;
use parts::{Part, paragraphs};
use wish::{DAYS, Wish};

#[derive(Template)]
#[template(path = "share.html")]
struct Page {
    frame: Frame,
    /// With whom it can be shared.
    readers: Vec<Other>,
    wish: Wish,
    depths: Vec<Depth>,
    /// The paragraphs of an entry.
    parts: Vec<Part>,
    /// The domains of a self-check.
    domains: Vec<Domain>,
    message: Option<String>,
}

/// A domain of a self-check, to be chosen.
struct Domain {
    id: String,
    title: String,
    /// What would be said of it.
    says: String,
}

/// In place of the form, where something is not safe.
#[derive(Template)]
#[template(path = "share_not_safe.html")]
struct NotSafe {
    frame: Frame,
    assessment_id: String,
}

/// One way to share.
struct Depth {
    number: i32,
    name: &'static str,
    words: &'static str,
}

#[derive(Template)]
#[template(path = "share_preview.html")]
struct Preview {
    frame: Frame,
    reader: Other,
    share_id: String,
    wish: Wish,
    until: Option<Timestamp>,
    ends: Option<words::Moment>,
    rendering: rendering::Shown,
}

impl Page {
    /// Whether somebody is whom it is for.
    fn is_for(&self, reader: &Other) -> bool {
        chosen(&self.readers, &self.wish) == Some(reader)
    }

    fn is_chosen(&self, depth: &Depth) -> bool {
        self.wish.depth as i32 == depth.number
    }

    fn has_part(&self, part: &Part) -> bool {
        self.wish.parts.contains(&part.mark)
    }

    fn has_domain(&self, domain: &Domain) -> bool {
        self.wish.domains.contains(&domain.id)
    }

    fn responses(&self) -> Vec<(i32, &'static str, bool)> {
        [
            (WishedResponse::Unspecified, "rather not say"),
            (WishedResponse::Listen, "being listened to"),
            (WishedResponse::Comfort, "comfort"),
            (WishedResponse::Talk, "talking about it"),
        ]
        .map(|(response, name)| (response as i32, name, self.wish.wished == response))
        .to_vec()
    }

    fn days(&self) -> [(i64, bool); 3] {
        DAYS.map(|days| (days, self.wish.days == days))
    }
}

impl Preview {
    fn wished(&self) -> &'static str {
        wished(self.wish.wished)
    }
}

/// Whom a wish is for. Where there are several, nobody is chosen for the member.
fn chosen<'a>(readers: &'a [Other], wish: &Wish) -> Option<&'a Other> {
    match readers {
        [only] if wish.recipient.is_empty() => Some(only),
        _ => readers.iter().find(|reader| reader.account_id == wish.recipient),
    }
}

/// The first step, for `?entry=` or `?assessment=`.
pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let of = |name: &str, kind| parameter(query.as_deref(), name).and_then(|id| Wish::new(kind, id));
    let wish = of("entry", ShareKind::Entry).or_else(|| of("assessment", ShareKind::SelfCheck));
    choose(&member, wish.ok_or_else(Failure::closed)?, None).await
}

/// The first step again, with what was chosen.
pub(super) async fn change(member: Member, form: Form) -> Result<Response, Failure> {
    choose(&member, Wish::of(&form).ok_or_else(Failure::closed)?, None).await
}

async fn choose(member: &Member, wish: Wish, problem: Option<Problem>) -> Result<Response, Failure> {
    let (parts, domains) = match wish.kind {
        ShareKind::SelfCheck => match self_check(member, &wish.item_id).await? {
            Some(domains) => (Vec::new(), domains),
            None => return not_safe(member, wish),
        },
        _ => (entry_parts(member, &wish.item_id).await?, Vec::new()),
    };
    let readers = member.others().await?.readers();
    if readers.is_empty() {
        return Ok(go("/couple"));
    }
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let page = Page {
        frame: member.guest.frame("shared"),
        readers,
        depths: depths(wish.kind),
        message: problem.map(|problem| problem.detail),
        wish,
        parts,
        domains,
    };
    member.guest.show_with(status, &page)
}

/// The domains of one of the member's own finished self-checks; nothing where something in it is not safe.
async fn self_check(member: &Member, assessment_id: &str) -> Result<Option<Vec<Domain>>, Failure> {
    let found = assessment(member, assessment_id).await.map_err(Failure::between_two)?;
    if names_danger(&found.answers) {
        return Ok(None);
    }
    if found.score_time.is_none() {
        return Err(Failure::closed());
    }
    let domain = |score: DomainScore| Domain {
        says: if score.score.is_some() { score.band } else { "Too little to say.".into() },
        id: score.domain_id,
        title: score.title,
    };
    Ok(Some(found.scores.into_iter().map(domain).collect()))
}

/// Whether something in what is wished to be shared is not safe.
async fn is_not_safe(member: &Member, wish: &Wish) -> Result<bool, Failure> {
    Ok(wish.kind == ShareKind::SelfCheck && self_check(member, &wish.item_id).await?.is_none())
}

fn not_safe(member: &Member, wish: Wish) -> Result<Response, Failure> {
    let frame = member.guest.frame("shared");
    member.guest.show(&NotSafe { frame, assessment_id: wish.item_id })
}

/// The paragraphs of one of the member's own entries.
async fn entry_parts(member: &Member, entry_id: &str) -> Result<Vec<Part>, Failure> {
    let request = member.call(GetEntryRequest { entry_id: entry_id.to_owned() })?;
    let reply = member.guest.app.upstream.entries().get_entry(request).await;
    let entry = reply.map_err(Failure::between_two)?.into_inner().entry.ok_or_else(Problem::internal)?;
    Ok(member.guest.app.desk.work(move || paragraphs(&entry.body)).await?)
}

fn depths(kind: ShareKind) -> Vec<Depth> {
    let depth = |depth: ShareDepth, name, words| Depth { number: depth.into(), name, words };
    if kind == ShareKind::SelfCheck {
        return vec![
            depth(ShareDepth::Topic, "Only the topic", "In a few words of yours, what it was about."),
            depth(
                ShareDepth::Summary,
                "Parts of the result",
                "In words, the parts you choose. Never answers or numbers.",
            ),
        ];
    }
    vec![
        depth(ShareDepth::Topic, "Only the topic", "In a few words of yours, what it is about."),
        depth(ShareDepth::Summary, "A summary", "What matters in it, in your own words."),
        depth(ShareDepth::Excerpt, "Parts of it", "Paragraphs you choose, as you wrote them."),
        depth(ShareDepth::Whole, "All of it", "Title and text. Never mood or body."),
    ]
}

/// The second step: the very rendering that the other person would see.
pub(super) async fn preview(member: Member, form: Form) -> Result<Response, Failure> {
    let wish = Wish::of(&form).ok_or_else(Failure::closed)?;
    if is_not_safe(&member, &wish).await? {
        return not_safe(&member, wish);
    }
    if let Some(lack) = wish.lacks() {
        return choose(&member, wish, Some(Problem::bad_request("INVALID_ARGUMENT", lack))).await;
    }
    let request = member.call(PreviewShareRequest { selection: Some(wish.selection()) })?;
    let mut client = member.guest.app.upstream.shares();
    let (reply, others, zone) =
        tokio::join!(client.preview_share(request), member.others(), member.time_zone());
    let readers = others?.readers();
    if readers.is_empty() {
        return Ok(go("/couple"));
    }
    let Some(reader) = chosen(&readers, &wish).cloned() else {
        let lack = "Please choose with whom.";
        return choose(&member, wish, Some(Problem::bad_request("INVALID_ARGUMENT", lack))).await;
    };
    let rendering = match reply.map_err(Problem::from) {
        Ok(reply) => reply.into_inner().rendering.ok_or_else(Problem::internal)?,
        Err(problem) if problem.status == StatusCode::BAD_REQUEST => {
            return choose(&member, wish, Some(problem)).await;
        }
        Err(problem) => return Err(Failure::between_two(problem)),
    };
    let until = wish.until(member.guest.app.clock.now());
    let page = Preview {
        frame: member.guest.frame("shared"),
        reader,
        // The other person gets to see it: it holds no time.
        share_id: member.guest.app.ids.next_opaque().to_string(),
        ends: until.and_then(|until| words::moment(Some(&stamp(until)), &zone)),
        until,
        rendering: rendering::shown(&member.guest.app.desk, rendering).await?,
        wish,
    };
    member.guest.show(&page)
}

/// The last step. The id was chosen with the preview, so that saying yes twice shares once.
pub(super) async fn submit(member: Member, form: Form) -> Result<Response, Failure> {
    let wish = Wish::of(&form).ok_or_else(Failure::closed)?;
    if is_not_safe(&member, &wish).await? {
        return not_safe(&member, wish);
    }
    let until = form.text("until").parse::<Timestamp>().ok();
    let request = member.call(ShareItemRequest {
        share_id: form.text("share_id"),
        recipient_account_id: form.text("recipient"),
        selection: Some(wish.selection()),
        wished_response: wish.wished.into(),
        expire_time: until.map(stamp),
        open_now: wish.now,
    })?;
    match member.guest.app.upstream.shares().share_item(request).await.map_err(Problem::from) {
        Ok(reply) => {
            let share = reply.into_inner().share.unwrap_or_default();
            Ok(go(&shared::address(&share.share_id)))
        }
        Err(problem) if problem.status == StatusCode::BAD_REQUEST => {
            choose(&member, wish, Some(problem)).await
        }
        Err(problem) => Err(Failure::between_two(problem)),
    }
}

fn stamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}
