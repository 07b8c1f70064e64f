//! How somebody feels: pleasantness and energy (Russell's circumplex, 1980), and what the body shows.

use super::Invalid;
use std::collections::BTreeSet;

/// A sign of the body. Described, never diagnosed. The numbers are those of the API and of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i16)]
pub enum BodySign {
    /// Trembling.
    Trembling = 1,
    /// A tight chest.
    TightChest = 2,
    /// A tight throat.
    TightThroat = 3,
    /// A racing heart.
    RacingHeart = 4,
    /// Shallow breath.
    ShallowBreath = 5,
    /// A knot in the stomach.
    KnottedStomach = 6,
    /// Clenched jaw or fists.
    Clenched = 7,
    /// Sweating.
    Sweating = 8,
    /// Heat in the face.
    HotFace = 9,
    /// Cold hands or feet.
    ColdHands = 10,
    /// Heaviness.
    Heaviness = 11,
    /// Numbness.
    Numbness = 12,
    /// Tears.
    Tears = 13,
    /// Restlessness.
    Restless = 14,
    /// Tired.
    Tired = 15,
    /// At ease.
    AtEase = 16,
}

impl BodySign {
    /// Every sign, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::Trembling,
        Self::TightChest,
        Self::TightThroat,
        Self::RacingHeart,
        Self::ShallowBreath,
        Self::KnottedStomach,
        Self::Clenched,
        Self::Sweating,
        Self::HotFace,
        Self::ColdHands,
        Self::Heaviness,
        Self::Numbness,
        Self::Tears,
        Self::Restless,
        Self::Tired,
        Self::AtEase,
    ];

    /// The sign's number.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// The sign with that number, if there is one.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|sign| i32::from(sign.number()) == number)
    }
}

/// How somebody feels.
#[derive(Clone, PartialEq, Eq)]
pub struct Mood {
    pleasantness: i16,
    energy: i16,
    body_signs: BTreeSet<BodySign>,
}

impl Mood {
    /// Takes pleasantness and energy, each from -5 to 5, and the numbers of the body's signs, each once.
    ///
    /// # Errors
    /// When a number is outside its range, unknown, or there twice.
    pub fn parse(pleasantness: i32, energy: i32, body_signs: &[i32]) -> Result<Self, Invalid> {
        let mut signs = BTreeSet::new();
        for number in body_signs {
            let sign = BodySign::from_number(*number)
                .ok_or(Invalid { field: "mood.body_signs", rule: "holds a value that is not known" })?;
            if !signs.insert(sign) {
                return Err(Invalid { field: "mood.body_signs", rule: "holds the same item twice" });
            }
        }
        Ok(Self {
            pleasantness: scale("mood.pleasantness", pleasantness)?,
            energy: scale("mood.energy", energy)?,
            body_signs: signs,
        })
    }

    /// From -5 (very unpleasant) to 5 (very pleasant).
    pub fn pleasantness(&self) -> i16 {
        self.pleasantness
    }

    /// From -5 (no energy at all) to 5 (very much energy).
    pub fn energy(&self) -> i16 {
        self.energy
    }

    /// What the body shows, in the order of the signs' numbers.
    pub fn body_signs(&self) -> impl Iterator<Item = BodySign> + '_ {
        self.body_signs.iter().copied()
    }
}

fn scale(field: &'static str, value: i32) -> Result<i16, Invalid> {
    i16::try_from(value)
        .ok()
        .filter(|value| (-5..=5).contains(value))
        .ok_or(Invalid { field, rule: "must be between -5 and 5" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_name_signs_both_ways() {
        for (index, sign) in BodySign::ALL.into_iter().enumerate() {
            assert_eq!(usize::try_from(sign.number()).unwrap(), index + 1);
            assert_eq!(BodySign::from_number(i32::from(sign.number())), Some(sign));
        }
        for unknown in [i32::MIN, -1, 0, 17, 65_537, i32::MAX] {
            assert_eq!(BodySign::from_number(unknown), None);
        }
    }

    #[test]
    fn a_mood_says_which_of_its_fields_is_wrong() {
        let field = |mood: Result<Mood, Invalid>| mood.err().unwrap().field;
        assert_eq!(field(Mood::parse(6, 0, &[])), "mood.pleasantness");
        assert_eq!(field(Mood::parse(0, -6, &[])), "mood.energy");
        assert_eq!(field(Mood::parse(0, 0, &[0])), "mood.body_signs");
        assert_eq!(field(Mood::parse(0, 0, &[3, 3])), "mood.body_signs");
    }

    proptest! {
        #[test]
        fn a_mood_is_kept_or_refused_and_never_bent(p in any::<i32>(), e in -7i32..8, signs in proptest::collection::vec(-1i32..19, 0..18)) {
            let p = p % 8;
            if let Ok(mood) = Mood::parse(p, e, &signs) {
                prop_assert_eq!((i32::from(mood.pleasantness()), i32::from(mood.energy())), (p, e));
                let mut sorted = signs;
                sorted.sort_unstable();
                let kept: Vec<_> = mood.body_signs().map(|sign| i32::from(sign.number())).collect();
                prop_assert_eq!(kept, sorted);
            } else {
                let unique: BTreeSet<_> = signs.iter().collect();
                let in_range = (-5..=5).contains(&p) && (-5..=5).contains(&e);
                prop_assert!(!in_range || unique.len() < signs.len() || signs.iter().any(|n| !(1..=16).contains(n)));
            }
        }
    }
}
