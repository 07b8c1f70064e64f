//! What an account says of a person, which is little.

use super::Invalid;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use zeroize::Zeroizing;

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// Writes, reads and shares what is theirs.
    Member,
    /// A professional: reads what a member consented to, once verified. Keeps no journal here.
    Counselor,
    /// Runs the platform and can read nobody's journal.
    Operator,
    /// Keeps the library.
    Editor,
    /// Helps people with the use of the platform, and sees nothing of theirs.
    Support,
}

impl AccountKind {
    /// Whether a password alone gives it no authority: others' trust hangs on it.
    pub fn needs_second_factor(self) -> bool {
        self != Self::Member
    }

    /// Whether it is of those who run the place or work for it.
    pub fn is_staff(self) -> bool {
        matches!(self, Self::Operator | Self::Editor | Self::Support)
    }

    /// The name in the store and in a passport.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Counselor => "counselor",
            Self::Operator => "operator",
            Self::Editor => "editor",
            Self::Support => "support",
        }
    }

    /// Takes a kind back from the store. What is not known may do least.
    pub fn stored(text: &str) -> Self {
        let known = [Self::Counselor, Self::Operator, Self::Editor, Self::Support];
        known.into_iter().find(|kind| kind.as_str() == text).unwrap_or(Self::Member)
    }
}

/// An IANA time zone, in its registered spelling.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(String);

impl Zone {
    /// Reads a zone's name, whatever its case.
    ///
    /// # Errors
    /// A name that the time zone database does not hold.
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        // A machine's own folder holds names beside the IANA ones, such as `localtime`; and Factory is no place.
        let listed = TimeZoneDatabase::bundled().get(typed).is_ok() && !typed.eq_ignore_ascii_case("factory");
        let known = listed.then(|| TimeZone::get(typed).ok()).flatten().filter(|zone| !zone.is_unknown());
        let name = known.as_ref().and_then(TimeZone::iana_name).map(str::to_owned);
        name.map(Self).ok_or(Invalid {
            field: "time_zone",
            description: "is not an IANA time zone such as Europe/Berlin",
        })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A language, a well-formed BCP 47 tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Locale(String);

impl Locale {
    /// Reads a tag; nothing typed means English.
    ///
    /// # Errors
    /// What does not look like a tag.
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        if typed.is_empty() {
            return Ok(Self("en".to_owned()));
        }
        let mut subtags = typed.split('-');
        let language = subtags.next().unwrap_or_default();
        let well_formed = typed.len() <= 35
            && (2..=8).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_alphabetic())
            && subtags.all(|tag| {
                (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
        if well_formed {
            Ok(Self(typed.to_owned()))
        } else {
            Err(Invalid { field: "locale", description: "is not a language tag such as en" })
        }
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What there is in the language that fits a tag best, and which that is: the tag itself, less and less of it, English, or
/// whatever comes first.
pub fn in_language<'a, T>(
    tag: &str,
    all: impl Iterator<Item = (&'a str, T)> + Clone,
) -> Option<(&'a str, T)> {
    let named = |tag: &str| all.clone().find(|(locale, _)| locale.eq_ignore_ascii_case(tag));
    let mut rest = Some(tag);
    let mut found = None;
    while let (None, Some(tag)) = (&found, rest) {
        found = named(tag);
        rest = tag.rsplit_once('-').map(|(shorter, _)| shorter);
    }
    found.or_else(|| named("en")).or_else(|| all.clone().next())
}

/// How a person recognises a device in their list of sessions.
pub struct DeviceLabel(Zeroizing<String>);

impl DeviceLabel {
    /// Reads a label of at most 80 characters, on one line.
    ///
    /// # Errors
    /// Too long, or with control characters.
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        let invalid = |description| Invalid { field: "device_label", description };
        let label = typed.trim();
        if label.chars().count() > 80 {
            return Err(invalid("must have at most 80 characters"));
        }
        if label.chars().any(char::is_control) {
            return Err(invalid("holds a control character"));
        }
        Ok(Self(Zeroizing::new(label.to_owned())))
    }

    /// What is sealed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_one_the_database_knows() {
        assert_eq!(Zone::parse("europe/berlin").unwrap().as_str(), "Europe/Berlin");
        assert_eq!(Zone::parse("UTC").unwrap().as_str(), "UTC");
        assert_eq!(Zone::parse("Etc/GMT+1").unwrap().as_str(), "Etc/GMT+1");
        for typed in ["localtime", "posixrules", "Factory", "factory", "posix/UTC", "right/UTC", "UTC0"] {
            assert!(Zone::parse(typed).is_err(), "{typed:?}");
        }
        for typed in ["", "Mars/Olympus", "../../etc/passwd", "Etc/Unknown", "Europe/Berlin\0"] {
            assert!(Zone::parse(typed).is_err(), "{typed:?}");
        }
    }

    #[test]
    fn a_locale_is_a_tag() {
        assert_eq!(Locale::parse("").unwrap().as_str(), "en");
        assert_eq!(Locale::parse("de-AT").unwrap().as_str(), "de-AT");
        for typed in ["e", "en_US", "en-", "-en", "123", "<b>", "en-waytoolongsubtag"] {
            assert!(Locale::parse(typed).is_err(), "{typed:?}");
        }
    }
}
