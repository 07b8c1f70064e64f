//! What a member reads to somebody who supports them: a code that lets that person see, once, how the account stands.

use super::recovery_code::symbol;
use jiff::SignedDuration;
use zeroize::Zeroizing;

use super::Pace;

/// Symbols of a code, five bits each.
const SYMBOLS: usize = 10;
/// Symbols in a group, as it is read out.
const GROUP: usize = 5;
/// How long a code works.
pub const SUPPORT_CODE_LIFE: SignedDuration = SignedDuration::from_mins(15);
/// Looks with a code by one of those who support: ten at once, then one a minute.
pub const SUPPORT_LOOK_PACE: Pace = Pace { burst: 10, interval: SignedDuration::from_mins(1) };
/// Wrong codes of so long ago are trouble with signing in of now.
pub const TROUBLE_WITHIN: SignedDuration = SignedDuration::from_hours(48);

/// A support code: 50 random bits. Only a keyed hash of it is kept, for a quarter of an hour.
pub struct SupportCode(Zeroizing<[u8; SYMBOLS]>);

impl SupportCode {
    /// Makes a code of random bytes.
    pub fn of(random: [u8; 32]) -> Self {
        let random = Zeroizing::new(random);
        Self(Zeroizing::new(std::array::from_fn(|at| {
            super::recovery_code::ALPHABET[usize::from(random[at] & 31)]
        })))
    }

    /// Reads a code however it was typed. `None` for anything that was never a code.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut symbols = Zeroizing::new([0; SYMBOLS]);
        let mut count = 0;
        for typed in typed.chars().filter(|typed| !typed.is_whitespace() && *typed != '-') {
            *symbols.get_mut(count)? = symbol(typed)?;
            count += 1;
        }
        (count == SYMBOLS).then_some(Self(symbols))
    }

    /// The code as it is read out: two groups of five.
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(SYMBOLS + 1));
        for (at, symbol) in self.0.iter().enumerate() {
            if at == GROUP {
                text.push('-');
            }
            text.push(char::from(*symbol));
        }
        text
    }

    /// What is hashed, with a key.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_ten_symbols_and_reads_back_however_it_is_typed() {
        let code = SupportCode::of([0xa5; 32]);
        let text = code.text();
        assert!(text.len() == 11 && text.as_bytes()[5] == b'-');
        assert_eq!(SupportCode::parse(&text.to_lowercase()).unwrap().as_bytes(), code.as_bytes());
        assert_eq!(SupportCode::parse("o1iab-cdefg").unwrap().as_bytes(), b"011ABCDEFG");
        for other in ["", "123456", "01ABC-DEFG", "01ABC-DEFGHJ", "U1ABC-DEFGH"] {
            assert!(SupportCode::parse(other).is_none(), "{other:?}");
        }
    }
}
