//! E-mail addresses.

use super::Invalid;

const INVALID: Invalid = Invalid { field: "email", description: "is not an e-mail address we can write to" };

/// An e-mail address that mail can be sent to, in one form only.
///
/// The local part is plain ASCII without quoting: letters that only look alike, or that fold into one
/// another, would let one person's address be found as another's. An international domain is kept in its
/// ASCII form (RFC 5891).
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
}

impl Address {
    /// Reads an address as a person types it.
    ///
    /// # Errors
    /// What no mail can be sent to.
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        if typed.len() > 512 {
            return Err(INVALID);
        }
        let (local, domain) = typed.trim().rsplit_once('@').ok_or(INVALID)?;
        let domain = idna::domain_to_ascii(domain).map_err(|_| INVALID)?;
        if !is_local_part(local) || !is_domain(&domain) || local.len() + 1 + domain.len() > 254 {
            return Err(INVALID);
        }
        Ok(Self { text: format!("{local}@{domain}") })
    }

    /// The address to write to, the local part in the case it was typed in.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form two spellings of one address share.
    pub fn lookup(&self) -> String {
        self.text.to_ascii_lowercase()
    }
}

/// A dot-atom of RFC 5321: no quoting, no comments, at most 64 bytes.
fn is_local_part(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.split('.').all(|atom| {
            !atom.is_empty()
                && atom
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
        })
}

/// A host name with at least two labels; bracketed addresses of machines are refused.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.contains('.')
        && text.split('.').all(is_label)
        && text.rsplit('.').next().is_some_and(|last| last.bytes().any(|byte| byte.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_form() {
        let address = Address::parse("  Anna.Maria+x@EXAMPLE.Org ").unwrap();
        assert_eq!(address.as_str(), "Anna.Maria+x@example.org");
        assert_eq!(address.lookup(), "anna.maria+x@example.org");
        assert_eq!(Address::parse("a@b\u{fc}cher.example").unwrap().as_str(), "a@xn--bcher-kva.example");
        // The same letter, composed and decomposed.
        assert!(
            Address::parse("a@bu\u{308}cher.example").unwrap()
                == Address::parse("a@b\u{fc}cher.example").unwrap()
        );
    }

    #[test]
    fn what_no_mail_can_be_sent_to_is_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        let huge = format!("a@{}.org", "b.".repeat(4000));
        for typed in [
            "",
            "@",
            "a@",
            "@b.org",
            "a b@c.org",
            "a@b",
            "a..b@c.org",
            ".a@c.org",
            "a@-b.org",
            "a@b_c.org",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "\"a\"@b.org",
            "a@b.org\nBcc: c@d.org",
            "a\r@b.org",
            "a\0@b.org",
            "a<b>@c.org",
            "a@b@c.org",
            "mi\u{212a}e@example.org",
            "\u{430}nna@example.org",
            "a@b\0.org",
            "a@\u{202e}b.org",
            &long,
            &huge,
        ] {
            assert!(Address::parse(typed).is_err(), "{typed:?}");
        }
    }
}
