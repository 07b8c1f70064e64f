//! A word in every guise in which a program could let it slip, and the search for all of them at once.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use candor_tests::percent;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A word that stands nowhere by chance: no letter of it is a hexadecimal digit, so no id or hash holds it.
pub(crate) fn word(number: u64) -> String {
    let mut state = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let letters = (0..14).map(|_| {
        state ^= state >> 30;
        state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state ^= state >> 27;
        char::from(b'g' + u8::try_from(state % 20).unwrap())
    });
    letters.collect()
}

/// A value as it is, and as it would look after the usual conversions. Small and capital letters are one in a search.
fn guises(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = value.as_bytes();
    let joined = |each: &dyn Fn(u8) -> String, between: &str| {
        bytes.iter().map(|byte| each(*byte)).collect::<Vec<_>>().join(between).into_bytes()
    };
    let mut guises = vec![
        ("itself", bytes.to_vec()),
        ("hexadecimal", joined(&|byte| format!("{byte:02x}"), "")),
        ("hexadecimal with spaces", joined(&|byte| format!("{byte:02x}"), " ")),
        ("hexadecimal escapes", joined(&|byte| format!("\\x{byte:02x}"), "")),
        ("percent escapes", joined(&|byte| format!("%{byte:02X}"), "")),
        ("percent escapes where needed", percent(value).into_bytes()),
        ("JSON escapes", joined(&|byte| format!("\\u{byte:04x}"), "")),
        ("a list of numbers", joined(&|byte| byte.to_string(), ", ")),
        ("a dense list of numbers", joined(&|byte| byte.to_string(), ",")),
        ("an octal dump", joined(&|byte| format!("\\{byte:03o}"), "")),
    ];
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        guises.extend((0..3).map(|offset| ("base64", inside_base64(&engine, bytes, offset))));
    }
    // What came in base64 may be kept as the bytes it means.
    if let Some(meant) = URL_SAFE_NO_PAD.decode(value).ok().filter(|meant| meant.len() >= 16) {
        let hex: String = meant.iter().map(|byte| format!("{byte:02x}")).collect();
        let base64 = STANDARD_NO_PAD.encode(&meant);
        guises.extend([("its bytes", meant), ("its bytes in hexadecimal", hex.into_bytes())]);
        guises.push(("its bytes in base64", base64.into_bytes()));
    }
    let mut known = BTreeSet::new();
    guises.retain(|(_, bytes)| known.insert(bytes.clone()));
    guises
}

/// What stands in base64 wherever these bytes begin `offset` bytes after a group's start, whatever is around them.
fn inside_base64(engine: &impl base64::Engine, bytes: &[u8], offset: usize) -> Vec<u8> {
    let mut padded = vec![0; offset];
    padded.extend(bytes);
    let encoded = engine.encode(&padded);
    let (first, after) = ((offset * 8).div_ceil(6), padded.len() * 8 / 6);
    encoded.as_bytes()[first..after].to_vec()
}

/// How many letters of a pattern lead to it.
const HEAD: usize = 8;

/// Values that must be nowhere, each with what it is. All are looked for in one pass.
pub(crate) struct Search {
    /// Patterns in small letters by their first letters.
    by_head: HashMap<u64, Vec<Needle>>,
    /// Whether any head ends in these two letters: most places of a text are left after one look.
    tails: Vec<bool>,
}

struct Needle {
    what: String,
    guise: &'static str,
    pattern: Vec<u8>,
}

impl Search {
    /// For values in all their guises.
    pub(crate) fn for_guises(values: &BTreeMap<String, String>) -> Self {
        let needles = values.iter().flat_map(|(value, what)| {
            let needle = move |(guise, pattern)| Needle { what: what.clone(), guise, pattern };
            guises(value).into_iter().map(needle)
        });
        Self::of(needles)
    }

    /// For texts as they are.
    pub(crate) fn for_texts(texts: &[&str]) -> Self {
        let needle = |text: &&str| Needle {
            what: (*text).to_owned(),
            guise: "itself",
            pattern: text.as_bytes().to_vec(),
        };
        Self::of(texts.iter().map(needle))
    }

    fn of(needles: impl Iterator<Item = Needle>) -> Self {
        let mut search = Self { by_head: HashMap::new(), tails: vec![false; 1 << 16] };
        for mut needle in needles {
            needle.pattern.make_ascii_lowercase();
            assert!(needle.pattern.len() >= HEAD, "what is shorter is found by chance: {}", needle.what);
            let head = u64::from_be_bytes(needle.pattern[..HEAD].try_into().unwrap());
            search.tails[usize::from(head as u16)] = true;
            search.by_head.entry(head).or_default().push(needle);
        }
        search
    }

    /// What of it is in a text, in small letters or capitals, and the text around the first of each.
    pub(crate) fn found(&self, text: &[u8]) -> BTreeSet<String> {
        let (mut found, mut head) = (BTreeMap::new(), 0);
        for (end, byte) in (1..).zip(text) {
            head = head << 8 | u64::from(byte.to_ascii_lowercase());
            if end < HEAD || !self.tails[usize::from(head as u16)] {
                continue;
            }
            let start = end - HEAD;
            for needle in self.by_head.get(&head).into_iter().flatten() {
                let Some(there) = text.get(start..start + needle.pattern.len()) else { continue };
                if there.eq_ignore_ascii_case(&needle.pattern) {
                    let around = &text[start.saturating_sub(120)..text.len().min(end + 60)];
                    found.entry((&needle.what, needle.guise)).or_insert(around);
                }
            }
        }
        let said = found.into_iter().map(|((what, guise), around)| {
            format!("{what} as {guise}: …{}…", String::from_utf8_lossy(around))
        });
        said.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    fn search(value: &str) -> Search {
        Search::for_guises(&BTreeMap::from([(value.to_owned(), "the word".to_owned())]))
    }

    #[test]
    fn words_differ_and_hold_no_digit() {
        let words: BTreeSet<String> = (0..5_000).map(word).collect();
        assert_eq!(words.len(), 5_000);
        assert!(words.iter().flat_map(|word| word.bytes()).all(|letter| letter.is_ascii_lowercase()));
        assert!(!words.iter().flat_map(|word| word.bytes()).any(|letter| letter.is_ascii_hexdigit()));
    }

    #[test]
    fn a_word_is_found_in_every_guise_and_at_every_place() {
        let (word, other) = (word(1), word(2));
        let search = search(&word);
        for before in ["", "a", "ab", "abc", "\u{fc}b", "{\"x\":\"ab"] {
            for after in ["", "z", "&<", "\"}", "\u{fc}"] {
                let text = format!("{before}{word}{after}");
                let dress = |bytes: &[u8]| {
                    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                    let quoted = String::from_utf8_lossy(bytes).into_owned();
                    vec![
                        quoted.clone(),
                        quoted.to_uppercase(),
                        hex.to_uppercase(),
                        hex,
                        STANDARD.encode(bytes),
                        URL_SAFE.encode(bytes),
                        format!("{bytes:?}"),
                        format!("{quoted:?}"),
                        bytes.escape_ascii().to_string(),
                        serde_json::to_string(bytes).unwrap(),
                        serde_json::to_string(&quoted).unwrap(),
                        percent(&quoted),
                    ]
                };
                for dressed in dress(text.as_bytes()) {
                    let what = search.found(dressed.as_bytes());
                    assert!(!what.is_empty(), "{text} is not found in {dressed}");
                }
                for dressed in dress(text.replace(&word, &other).as_bytes()) {
                    assert!(search.found(dressed.as_bytes()).is_empty(), "{dressed} holds no {word}");
                }
            }
        }
    }

    #[test]
    fn a_token_is_found_as_the_bytes_it_means() {
        let bytes: Vec<u8> = (100..132).collect();
        let token = URL_SAFE_NO_PAD.encode(&bytes);
        let search = search(&token);
        for kept in [bytes.clone(), STANDARD.encode(&bytes).into_bytes(), format!("{token}.").into_bytes()] {
            assert!(!search.found(&kept).is_empty());
        }
        assert!(search.found(&bytes[1..]).is_empty());
    }
}
