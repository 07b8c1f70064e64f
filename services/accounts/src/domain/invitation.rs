//! Invitations: the code, and to whom it is open.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Crockford's base 32: no I, L, O and U, so that nothing is misread or reads as a word.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Symbols of a code, five bits each.
const SYMBOLS: usize = 20;
/// Symbols in a group, as it is written.
const GROUP: usize = 5;
/// Hashed before the code, so that the hash of a code is the hash of nothing else.
const PREFIX: &str = "ci_";

/// An invitation's code: 100 random bits. Only its hash is kept.
pub struct InvitationCode(Zeroizing<[u8; SYMBOLS]>);

impl InvitationCode {
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

    /// Reads a code however it was typed: case, blanks and dashes do not matter, and letters that look like a digit
    /// are that digit. `None` for anything that was never a code.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut symbols = Zeroizing::new([0; SYMBOLS]);
        let mut count = 0;
        for typed in typed.chars().filter(|typed| !is_separator(*typed)) {
            *symbols.get_mut(count)? = symbol(typed)?;
            count += 1;
        }
        (count == SYMBOLS).then_some(Self(symbols))
    }

    /// The code as it is written: groups of five with dashes.
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

    /// What is stored. No salt or slowness is needed over 100 random bits.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::new().chain_update(PREFIX).chain_update(self.0.as_slice()).finalize().into()
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{200b}' | '\u{feff}')
}

fn symbol(typed: char) -> Option<u8> {
    let canonical = match typed.to_ascii_uppercase() {
        'O' => b'0',
        'I' | 'L' => b'1',
        other => u8::try_from(other).ok()?,
    };
    ALPHABET.contains(&canonical).then_some(canonical)
}

/// What somebody is invited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationKind {
    /// To link as a couple.
    Couple,
    /// To be a trusted person in the circle of whoever invites.
    Circle,
}

impl InvitationKind {
    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Couple => "couple",
            Self::Circle => "circle",
        }
    }

    /// Takes a kind back from the store.
    pub fn stored(text: &str) -> Option<Self> {
        [Self::Couple, Self::Circle].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What to.
    pub kind: InvitationKind,
    /// Whoever invites.
    pub inviter_id: Uuid,
    /// When its time is over.
    pub expires_at: Timestamp,
    /// Whether it was cancelled, replaced or used.
    pub has_ended: bool,
    /// Whether whoever invites is linked with somebody.
    pub inviter_is_linked: bool,
}

impl Standing {
    /// Whether whoever holds the code may see who invites. What somebody said to it changes nothing here: whoever made
    /// the code can look as well, and must find what they find when nobody answers.
    pub fn is_shown(&self, now: Timestamp) -> bool {
        let is_taken = self.kind == InvitationKind::Couple && self.inviter_is_linked;
        !self.has_ended && !is_taken && now < self.expires_at
    }

    /// Whether a member may accept it: it is shown, it is not their own, and they did not say no, be it to the code or
    /// to whoever invites. What anybody else said changes nothing: whoever made the code may have a second account.
    pub fn is_open_to(&self, account_id: Uuid, has_said_no: bool, now: Timestamp) -> bool {
        self.is_shown(now) && account_id != self.inviter_id && !has_said_no
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_is_twenty_symbols_in_groups_of_five() {
        let text = InvitationCode::of([0xa5; 32]).text();
        assert_eq!(text.len(), 23);
        assert!(text.split('-').all(|group| group.len() == 5));
        assert_eq!(InvitationCode::of([0; 32]).text().as_str(), "00000-00000-00000-00000");
    }

    #[test]
    fn it_reads_back_however_it_was_typed() {
        let hash = InvitationCode::parse("01ABC-DEFGH-JKMNP-QRSTV").unwrap().hash();
        for typed in [
            "01abcdefghjkmnpqrstv",
            " oiabc defgh jkmnp qrstv ",
            "OLABC\u{2013}DEFGH\u{2011}jkmnp\u{a0}QRSTV\n",
            "0-1-A-B-C-D-E-F-G-H-J-K-M-N-P-Q-R-S-T-V",
        ] {
            assert_eq!(InvitationCode::parse(typed).unwrap().hash(), hash, "{typed:?}");
        }
    }

    #[test]
    fn what_was_never_a_code_is_none() {
        let code = "01ABC-DEFGH-JKMNP-QRSTV";
        let others = [
            "",
            "-",
            &code[1..],
            &format!("{code}0"),
            "U1ABC-DEFGH-JKMNP-QRSTV",
            "\u{661}1ABC-DEFGH-JKMNP-QRSTV",
        ];
        for other in others {
            assert!(InvitationCode::parse(other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn an_invitation_is_open_until_anything_closes_it() {
        let (inviter_id, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let now = Timestamp::UNIX_EPOCH;
        let open = Standing {
            kind: InvitationKind::Couple,
            inviter_id,
            expires_at: now + jiff::SignedDuration::from_secs(1),
            has_ended: false,
            inviter_is_linked: false,
        };
        assert!(open.is_shown(now) && open.is_open_to(other, false, now));
        assert!(!open.is_open_to(inviter_id, false, now) && !open.is_open_to(other, true, now));
        let closed = [
            Standing { has_ended: true, ..open },
            Standing { inviter_is_linked: true, ..open },
            Standing { expires_at: now, ..open },
        ];
        assert!(closed.iter().all(|one| !one.is_shown(now) && !one.is_open_to(other, false, now)));
        // Whoever is linked can still invite to their circle.
        let circle = Standing { kind: InvitationKind::Circle, inviter_is_linked: true, ..open };
        assert!(circle.is_open_to(other, false, now) && !circle.is_open_to(inviter_id, false, now));
        assert!(!Standing { has_ended: true, ..circle }.is_shown(now));
    }

    proptest! {
        #[test]
        fn every_code_reads_back(random: [u8; 32]) {
            let code = InvitationCode::of(random);
            let again = InvitationCode::parse(&code.text().to_lowercase()).unwrap();
            prop_assert_eq!(again.hash(), code.hash());
        }

        #[test]
        fn every_bit_of_a_hundred_counts(random: [u8; 32], bit in 0usize..100) {
            let mut other = random;
            // The lowest hundred bits of the first sixteen bytes.
            other[15 - bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(InvitationCode::of(random).hash(), InvitationCode::of(other).hash());
        }

        #[test]
        fn any_text_is_a_code_or_none(typed in "\\PC{0,40}") {
            if let Some(code) = InvitationCode::parse(&typed) {
                prop_assert_eq!(InvitationCode::parse(&code.text()).unwrap().hash(), code.hash());
            }
        }
    }
}
