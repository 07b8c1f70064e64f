//! The words that a member agrees to: in which version and language they are shown, and how it is said which they were.

use super::wish::Wish;
use crate::pages::markdown::Source;
use crate::pages::{Failure, Member, words};
use candor_proto::accounts::v1::GetConsentTextRequest;

/// The words to agree to, as a preview shows them.
pub(super) struct Text {
    pub(super) html: String,
    pub(super) version: i32,
    /// In which language they are, a tag.
    pub(super) locale: String,
    pub(super) others: Vec<Other>,
}

/// The same in another language.
pub(super) struct Other {
    pub(super) locale: String,
    /// What the language calls itself.
    pub(super) name: String,
    pub(super) place: String,
}

impl Text {
    /// The words for what is wished, in the language it says or the member's own. `preview` is where they are shown.
    pub(super) async fn of(member: &Member, wish: &Wish, preview: &str) -> Result<Self, Failure> {
        let (text_id, locale) = (wish.text_id()?, wish.locale.clone());
        let request = member.call(GetConsentTextRequest { text_id, version: 0, locale })?;
        let text = member.guest.app.upstream.consents().get_consent_text(request).await?.into_inner();
        let others = text.locales.into_iter().filter(|locale| *locale != text.locale);
        let own_name = |locale: &str| words::LANGUAGES.iter().find(|known| known.tag == locale);
        let others = others.map(|locale| Other {
            name: own_name(&locale).map_or_else(|| locale.clone(), |known| known.own_name.to_owned()),
            place: wish.in_language(preview, &locale),
            locale,
        });
        let others = others.collect();
        let html = member.guest.app.desk.html(text.text, Source::Member).await?;
        Ok(Self { html, version: text.version, locale: text.locale, others })
    }

    /// What the language is called on the pages.
    pub(super) fn language(&self) -> &str {
        words::language(&self.locale)
    }
}

/// Which words somebody agreed to, in a few words.
pub(super) fn agreed_to(text_id: &str, version: i32, locale: &str) -> String {
    format!("{text_id}, version {version}, in {}", words::language(locale))
}
