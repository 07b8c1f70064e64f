//! `application/x-www-form-urlencoded`, read strictly: what is not UTF-8 is refused, never replaced.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The text is not valid percent-encoded UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotUtf8;

/// The name-value pairs of a query string or a form, in order; names may repeat.
///
/// # Errors
/// When a name or a value is not UTF-8 once it is decoded.
pub(crate) fn pairs(text: &str) -> Result<Vec<(String, String)>, NotUtf8> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((plus(name)?, plus(value)?))
        })
        .collect()
}

/// One segment of a path. There, unlike in a form, `+` is a plus.
///
/// # Errors
/// When it is not UTF-8 once it is decoded.
pub(crate) fn segment(text: &str) -> Result<String, NotUtf8> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| NotUtf8)?;
    Ok(decoded.into_owned())
}

/// A value made safe to stand in a query string or as one segment of a path.
pub(crate) fn encode(value: &str) -> String {
    utf8_percent_encode(value, &RESERVED).to_string()
}

fn plus(text: &str) -> Result<String, NotUtf8> {
    segment(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_keep_their_order_and_their_plus_signs() {
        let found = pairs("a=1&b=x+y%2Bz&a=2&&c").unwrap();
        let expected = [("a", "1"), ("b", "x y+z"), ("a", "2"), ("c", "")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(segment("a+b").unwrap(), "a+b");
        assert_eq!(pairs(&format!("x={}", encode("ü&=/ ?"))).unwrap()[0].1, "ü&=/ ?");
    }

    #[test]
    fn what_is_not_utf8_is_refused() {
        assert_eq!(pairs("a=%ff"), Err(NotUtf8));
        assert_eq!(segment("%c3%28"), Err(NotUtf8));
    }
}
