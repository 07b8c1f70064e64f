//! Recovery codes: what lets somebody in who has lost their second factor. Each works once.

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Crockford's base 32: no I, L, O and U.
pub(super) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Symbols of a code, five bits each.
const SYMBOLS: usize = 16;
/// Symbols in a group, as it is written.
const GROUP: usize = 4;
/// Hashed before the code, so that the hash of a code is the hash of nothing else.
const PREFIX: &str = "cq_";

/// How many an account gets at a time.
pub const RECOVERY_CODES: usize = 10;

/// A recovery code: 80 random bits. Only its hash is kept.
pub struct RecoveryCode(Zeroizing<[u8; SYMBOLS]>);

impl RecoveryCode {
    /// Makes a code of random bytes.
    pub fn of(random: [u8; 32]) -> Self {
        let random = Zeroizing::new(random);
        let mut bits = u128::from_be_bytes(std::array::from_fn(|at| random[at]));
        let symbols = std::array::from_fn(|_| {
            let symbol = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
            symbol
        });
        Self(Zeroizing::new(symbols))
    }

    /// Reads a code however it was typed: case, blanks and dashes do not matter, and letters that look like a digit are
    /// that digit. `None` for anything that was never a code, such as the six digits of an app.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut symbols = Zeroizing::new([0; SYMBOLS]);
        let mut count = 0;
        for typed in typed.chars().filter(|typed| !typed.is_whitespace() && *typed != '-') {
            *symbols.get_mut(count)? = symbol(typed)?;
            count += 1;
        }
        (count == SYMBOLS).then_some(Self(symbols))
    }

    /// The code as it is written: groups of four with dashes.
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(SYMBOLS + SYMBOLS / GROUP));
        for (at, symbol) in self.0.iter().enumerate() {
            if at > 0 && at % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(*symbol));
        }
        text
    }

    /// What is stored. No salt or slowness is needed over 80 random bits.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::new().chain_update(PREFIX).chain_update(self.0.as_slice()).finalize().into()
    }
}

/// The symbol that somebody means.
pub(super) fn symbol(typed: char) -> Option<u8> {
    let canonical = match typed.to_ascii_uppercase() {
        'O' => b'0',
        'I' | 'L' => b'1',
        other => u8::try_from(other).ok()?,
    };
    ALPHABET.contains(&canonical).then_some(canonical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_is_sixteen_symbols_in_groups_of_four_and_no_code_of_an_app() {
        let text = RecoveryCode::of([0xa5; 32]).text();
        assert!(text.len() == 19 && text.split('-').all(|group| group.len() == 4));
        let hash = RecoveryCode::parse("01AB-CDEF-GHJK-MNPQ").unwrap().hash();
        for typed in ["01abcdefghjkmnpq", " olab cdef ghjk mnpq\n", "0-I-A-B-C-D-E-F-G-H-J-K-M-N-P-Q"] {
            assert_eq!(RecoveryCode::parse(typed).unwrap().hash(), hash, "{typed:?}");
        }
        for other in
            ["", "123456", "123 456", "01AB-CDEF-GHJK-MNP", "01AB-CDEF-GHJK-MNPQR", "U1AB-CDEF-GHJK-MNPQ"]
        {
            assert!(RecoveryCode::parse(other).is_none(), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn every_code_reads_back_and_eighty_bits_of_it_count(random: [u8; 32], bit in 0usize..80) {
            let code = RecoveryCode::of(random);
            prop_assert_eq!(RecoveryCode::parse(&code.text().to_lowercase()).unwrap().hash(), code.hash());
            let mut other = random;
            other[15 - bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(RecoveryCode::of(other).hash(), code.hash());
        }
    }
}
