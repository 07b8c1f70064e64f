//! What a member wants to open, as a form says it: to a counselor or to software.

use super::items::{self, Items, Whose};
use super::{Kind, To, purpose};
use crate::pages::{Failure, Member};
use crate::query;
use candor_proto::accounts::v1::AccessPurpose;
use candor_proto::options::v1::Scope;
use jiff::tz::TimeZone;

/// Things of a kind that a preview shows.
const NEWEST: i32 = 3;
/// For how many days something can be opened, the usual first.
pub(super) const DAYS: [i64; 5] = [90, 7, 30, 180, 365];

/// Whether a text may be the tag of a language.
fn is_tag(text: &str) -> bool {
    (2..=35).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// What a member wants to open.
pub(super) struct Wish {
    pub(super) to: To,
    pub(super) kind: Kind,
    pub(super) item: String,
    pub(super) purpose: AccessPurpose,
    pub(super) days: i64,
    /// In which language the words are to be; empty for the member's own.
    pub(super) locale: String,
}

impl Wish {
    pub(super) fn of(to: To, text: impl Fn(&str) -> String) -> Result<Self, Failure> {
        let kind = Kind::named(&text("what")).ok_or_else(Failure::closed)?;
        let purpose =
            text("purpose").parse::<i32>().ok().and_then(|number| AccessPurpose::try_from(number).ok());
        let purpose = purpose.filter(|purpose| to.purposes().contains(purpose));
        let days = text("days").parse().ok().filter(|days| DAYS.contains(days));
        Ok(Self {
            to,
            kind,
            item: text("item"),
            purpose: purpose.unwrap_or(to.purposes()[0]),
            days: days.unwrap_or(DAYS[0]),
            locale: Some(text("lang")).filter(|tag| is_tag(tag)).unwrap_or_default(),
        })
    }

    pub(super) fn of_item(&self) -> bool {
        !self.item.is_empty()
    }

    /// The words that somebody agrees to who opens it, by their name.
    pub(super) fn text_id(&self) -> Result<String, Failure> {
        self.kind.text_id(self.of_item(), self.to).ok_or_else(Failure::closed)
    }

    /// Where the same is wished with the words in another language.
    pub(super) fn in_language(&self, place: &str, locale: &str) -> String {
        let (what, item, purpose) = (self.kind.name(), query::encode(&self.item), self.purpose_number());
        let (days, locale) = (self.days, query::encode(locale));
        format!("{place}?what={what}&item={item}&purpose={purpose}&days={days}&lang={locale}")
    }

    pub(super) fn scope(&self) -> Scope {
        self.kind.scope()
    }

    pub(super) fn what(&self) -> &'static str {
        self.kind.own_words(self.of_item())
    }

    pub(super) fn purpose(&self) -> &'static str {
        purpose(self.purpose)
    }

    pub(super) fn purpose_number(&self) -> i32 {
        self.purpose as i32
    }

    pub(super) fn ends(&self, member: &Member) -> Option<prost_types::Timestamp> {
        let now = member.guest.app.clock.now();
        let ends = now.checked_add(jiff::SignedDuration::from_hours(self.days * 24)).ok()?;
        Some(prost_types::Timestamp { seconds: ends.as_second(), nanos: 0 })
    }

    /// What would be seen, asked about one's own.
    pub(super) async fn look(&self, member: &Member, zone: &TimeZone) -> Result<Items, Failure> {
        if self.of_item() {
            return items::one(member, Whose::Own, self.kind, self.item.clone(), zone).await;
        }
        items::list(member, Whose::Own, self.kind, (NEWEST, String::new()), zone).await
    }
}
