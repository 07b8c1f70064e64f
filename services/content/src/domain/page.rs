//! Where a list goes on: the last article seen, and the list it belongs to.

use super::{Locale, Step};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The place after an article in reading order, within one list. Opaque to callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken {
    /// The list's language.
    pub locale: Locale,
    /// The list's filter.
    pub filter: Option<Step>,
    /// Step of the last article seen.
    pub step: i16,
    /// Position of the last article seen.
    pub position: i32,
    /// The last article seen.
    pub article_id: String,
}

impl PageToken {
    /// The token as callers carry it.
    pub fn encode(&self) -> String {
        let filter = self.filter.map_or(0, Step::number);
        let plain = format!("1|{}|{filter}|{}|{}|{}", self.locale, self.step, self.position, self.article_id);
        URL_SAFE_NO_PAD.encode(plain)
    }

    /// Reads a token. `None` unless it is, byte for byte, one that [`PageToken::encode`] makes.
    pub fn decode(text: &str) -> Option<Self> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let fields: Vec<&str> = plain.split('|').collect();
        let &["1", locale, filter, step, position, article_id] = fields.as_slice() else { return None };
        let filter = match filter {
            "0" => None,
            number => Some(Step::from_number(number.parse().ok()?)?),
        };
        let token = Self {
            locale: Locale::parse(locale)?,
            filter,
            step: Step::from_number(step.parse().ok()?)?.number(),
            position: position.parse().ok()?,
            article_id: super::library::is_id(article_id).then(|| article_id.to_owned())?,
        };
        (token.encode() == text).then_some(token)
    }

    /// Whether it goes on with this very list.
    pub fn continues(&self, locale: &Locale, filter: Option<Step>) -> bool {
        self.locale == *locale && self.filter == filter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> PageToken {
        PageToken {
            locale: Locale::parse("de-AT").unwrap(),
            filter: Some(Step::Journal),
            step: 2,
            position: 10,
            article_id: "why-writing-can-help".to_owned(),
        }
    }

    #[test]
    fn a_token_comes_back_as_it_went_and_fits_the_api() {
        assert_eq!(PageToken::decode(&token().encode()), Some(token()));
        let longest = PageToken {
            locale: Locale::parse("de-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaa").unwrap(),
            position: i32::MAX,
            article_id: "a".repeat(80),
            ..token()
        };
        assert!(longest.encode().len() <= 256);
    }

    #[test]
    fn anything_else_is_refused() {
        let forged = |plain: &str| URL_SAFE_NO_PAD.encode(plain);
        for text in [
            "x".to_owned(),
            "====".to_owned(),
            "'; DROP TABLE articles; --".to_owned(),
            forged(""),
            forged("2|en|0|1|10|a"),
            forged("1|en|0|1|10"),
            forged("1|en|0|1|10|a|b"),
            forged("1|en|8|1|10|a"),
            forged("1|en|0|0|10|a"),
            forged("1|en|0|1|99999999999|a"),
            forged("1|en|0|1|+10|a"),
            forged("1|en|00|1|10|a"),
            forged("1|EN|0|1|10|a"),
            forged("1|en|0|1|10|A"),
            forged("1|en|0|1|10|a\0"),
            URL_SAFE_NO_PAD.encode([0xff, 0xfe]),
            format!("{}A", token().encode()),
        ] {
            assert_eq!(PageToken::decode(&text), None, "{text:?}");
        }
    }
}
