//! The things themselves, as a counselor reads them: the same for the preview, which is asked about one's own.

use super::Kind;
use crate::error::Problem;
use crate::pages::{Failure, Member, rendering, words};
use crate::upstream::Opened;
use candor_proto::journal::v1::{
    DomainBand, GetOpenedEntryRequest, GetOpenedSelfCheckRequest, ListOpenedEntriesRequest,
    ListOpenedMoodsRequest, ListOpenedSelfChecksRequest, OpenedEntry, OpenedMood, OpenedSelfCheck,
};
use jiff::tz::TimeZone;

/// Whose things: one's own, or another person's, with what accounts opened.
pub(super) enum Whose {
    Own,
    Of(String, Opened),
}

/// What is shown of them.
#[derive(Default)]
pub(super) struct Items {
    pub(super) entries: Vec<rendering::Shown>,
    pub(super) moods: Vec<Mood>,
    pub(super) self_checks: Vec<SelfCheck>,
    /// How many there are in all; on the first page alone.
    pub(super) total: i32,
    /// Where the next page begins.
    pub(super) next: Option<String>,
}

impl Items {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.moods.is_empty() && self.self_checks.is_empty()
    }
}

pub(super) struct Mood {
    pub(super) words: String,
    pub(super) signs: Vec<&'static str>,
    pub(super) moment: Option<words::Moment>,
}

pub(super) struct SelfCheck {
    pub(super) instrument: String,
    pub(super) bands: Vec<DomainBand>,
    pub(super) moment: Option<words::Moment>,
}

impl Whose {
    fn call<T>(
        self,
        member: &Member,
        message: impl FnOnce(String) -> T,
    ) -> Result<tonic::Request<T>, Problem> {
        match self {
            Self::Own => member.call(message(String::new())),
            Self::Of(owner, opened) => member.call_opened(message(owner), opened),
        }
    }
}

/// A page of all of a kind.
pub(super) async fn list(
    member: &Member,
    whose: Whose,
    kind: Kind,
    (page_size, page_token): (i32, String),
    zone: &TimeZone,
) -> Result<Items, Failure> {
    let mut client = member.guest.app.upstream.opened();
    let next = |token: String| (!token.is_empty()).then_some(token);
    Ok(match kind {
        Kind::Entries => {
            let call =
                |owner_account_id| ListOpenedEntriesRequest { owner_account_id, page_size, page_token };
            let found = client.list_opened_entries(whose.call(member, call)?).await?.into_inner();
            let entries = entries(member, found.entries).await?;
            Items { entries, total: found.total_size, next: next(found.next_page_token), ..Items::default() }
        }
        Kind::Moods => {
            let call = |owner_account_id| ListOpenedMoodsRequest { owner_account_id, page_size, page_token };
            let found = client.list_opened_moods(whose.call(member, call)?).await?.into_inner();
            let moods = found.moods.iter().map(|one| mood(one, zone)).collect();
            Items { moods, total: found.total_size, next: next(found.next_page_token), ..Items::default() }
        }
        Kind::SelfChecks => {
            let call =
                |owner_account_id| ListOpenedSelfChecksRequest { owner_account_id, page_size, page_token };
            let found = client.list_opened_self_checks(whose.call(member, call)?).await?.into_inner();
            let self_checks = found.self_checks.into_iter().map(|one| self_check(one, zone)).collect();
            Items {
                self_checks,
                total: found.total_size,
                next: next(found.next_page_token),
                ..Items::default()
            }
        }
    })
}

/// One of a kind.
pub(super) async fn one(
    member: &Member,
    whose: Whose,
    kind: Kind,
    item_id: String,
    zone: &TimeZone,
) -> Result<Items, Failure> {
    let mut client = member.guest.app.upstream.opened();
    let mut items = Items { total: 1, ..Items::default() };
    match kind {
        Kind::Entries => {
            let call = |owner_account_id| GetOpenedEntryRequest { owner_account_id, entry_id: item_id };
            let found = client.get_opened_entry(whose.call(member, call)?).await?.into_inner();
            items.entries = entries(member, found.entry.into_iter().collect()).await?;
        }
        Kind::SelfChecks => {
            let call =
                |owner_account_id| GetOpenedSelfCheckRequest { owner_account_id, assessment_id: item_id };
            let found = client.get_opened_self_check(whose.call(member, call)?).await?.into_inner();
            items.self_checks = found.self_check.into_iter().map(|one| self_check(one, zone)).collect();
        }
        Kind::Moods => return Err(Failure::closed()),
    }
    Ok(items)
}

async fn entries(member: &Member, found: Vec<OpenedEntry>) -> Result<Vec<rendering::Shown>, Failure> {
    let mut shown = Vec::with_capacity(found.len());
    for rendering in found.into_iter().filter_map(|entry| entry.rendering) {
        shown.push(rendering::shown(&member.guest.app.desk, rendering).await?);
    }
    Ok(shown)
}

fn mood(opened: &OpenedMood, zone: &TimeZone) -> Mood {
    let mood = opened.mood.as_ref();
    Mood {
        words: mood.and_then(words::mood).unwrap_or_else(|| "in between".to_owned()),
        signs: mood.into_iter().flat_map(|mood| mood.body_signs()).map(words::body_sign).collect(),
        moment: words::moment(opened.felt_time.as_ref(), zone),
    }
}

fn self_check(opened: OpenedSelfCheck, zone: &TimeZone) -> SelfCheck {
    SelfCheck {
        moment: words::moment(opened.score_time.as_ref(), zone),
        instrument: opened.instrument_id,
        bands: opened.bands,
    }
}
