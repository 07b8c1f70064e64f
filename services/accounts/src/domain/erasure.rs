//! Having everything destroyed that somebody has here: when, by whom, and what the certificate says of it.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

/// How long an erasure can be called off.
pub const ERASURE_GRACE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The backups of the key store are kept for so long: after that no copy of a destroyed key is anywhere.
pub const KEY_BACKUPS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// An erasure is stuck when it is not done so long after it began.
pub const ERASURE_STUCK_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// The parts of Candor that keep anything of a person, in the order of their names. An erasure is done when each of them
/// said so.
pub const ERASURE_PARTS: [&str; 4] = ["accounts", "content", "journal", "reminders"];

/// The longest wait until an erasure that is not done is told again.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(6);

/// How long to wait after an erasure was told so often (1, 2, …) before it is told again.
pub fn retell_after(told: i32) -> SignedDuration {
    let doublings = u32::try_from(told - 1).unwrap_or_default().min(10);
    SignedDuration::from_mins(10 << doublings).min(LONGEST_WAIT)
}

/// Where an erasure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureState {
    /// It can be called off.
    Waiting,
    /// Everything is being destroyed.
    Begun,
    /// Nothing is left.
    Done,
}

/// What one part of Candor destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasurePart {
    /// Which.
    pub service: String,
    /// When it destroyed the data key; none where it keeps none.
    pub shredded_at: Option<Timestamp>,
    /// What and how much, as words of the code.
    pub destroyed: Vec<(String, i64)>,
}

impl ErasurePart {
    /// A part that was told of; `None` where its words are no words of a code, or are not as many as its numbers.
    pub fn told(
        service: &str,
        shredded_at: Option<Timestamp>,
        classes: Vec<String>,
        counts: Vec<i64>,
    ) -> Option<Self> {
        let is_word = |word: &String| {
            (1..=40).contains(&word.len())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let sound = classes.len() == counts.len() && classes.len() <= 100 && classes.iter().all(is_word);
        let destroyed = classes.into_iter().zip(counts).collect();
        sound.then(|| Self { service: service.to_owned(), shredded_at, destroyed })
    }
}

/// From when on no backup holds a key that could open anything, if any key was destroyed.
pub fn backups_end(parts: &[ErasurePart]) -> Option<Timestamp> {
    let last = parts.iter().filter_map(|part| part.shredded_at).max()?;
    Some(last.saturating_add(KEY_BACKUPS_KEPT).unwrap_or(Timestamp::MAX))
}

/// What a certificate says. It names nobody.
#[derive(Serialize)]
struct Certificate<'a> {
    certificate: &'static str,
    erasure: Uuid,
    place: &'a str,
    requested: Timestamp,
    begun: Timestamp,
    finished: Timestamp,
    destroyed: Vec<Destroyed<'a>>,
    keys: Vec<KeyDestroyed<'a>>,
    backups_end: Option<Timestamp>,
    says: &'static str,
}

#[derive(Serialize)]
struct Destroyed<'a> {
    service: &'a str,
    class: &'a str,
    count: i64,
}

#[derive(Serialize)]
struct KeyDestroyed<'a> {
    service: &'a str,
    destroyed: Timestamp,
}

const SAYS: &str = "Everything listed was destroyed, and with each key all that it had sealed, wherever a copy of it is. \
    Copies of a key that backups hold are gone from the time backups_end on. What others wrote themselves stays theirs.";

/// When what happened to an erasure.
#[derive(Debug, Clone, Copy)]
pub struct ErasureTimes {
    /// When it was asked for.
    pub requested: Timestamp,
    /// When it was said to everybody.
    pub begun: Timestamp,
    /// When the last part was done.
    pub finished: Timestamp,
}

/// The text of a certificate, which is what is signed.
///
/// # Errors
/// Never for these values.
pub fn certificate(
    erasure: Uuid,
    place: &str,
    times: ErasureTimes,
    parts: &[ErasurePart],
) -> Result<String, serde_json::Error> {
    let destroyed = parts.iter().flat_map(|part| {
        let of = |(class, count): &(String, i64)| (class.clone(), *count);
        part.destroyed.iter().map(of).map(|(class, count)| (part.service.as_str(), class, count))
    });
    let destroyed: Vec<_> = destroyed.collect();
    let keys = parts.iter().filter_map(|part| {
        let destroyed = part.shredded_at?;
        Some(KeyDestroyed { service: &part.service, destroyed })
    });
    serde_json::to_string(&Certificate {
        certificate: "candor.erasure.v1",
        erasure,
        place,
        requested: times.requested,
        begun: times.begun,
        finished: times.finished,
        destroyed: destroyed
            .iter()
            .map(|(service, class, count)| Destroyed { service, class, count: *count })
            .collect(),
        keys: keys.collect(),
        backups_end: backups_end(parts),
        says: SAYS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        let waits: Vec<_> =
            [0, 1, 2, 3, 7, 100].map(|told| retell_after(told).as_mins()).into_iter().collect();
        assert_eq!(waits, [10, 10, 20, 40, 360, 360]);
    }

    #[test]
    fn only_words_of_a_code_come_into_a_certificate() {
        let told = |classes: &[&str], counts: Vec<i64>| {
            ErasurePart::told("journal", None, classes.iter().map(ToString::to_string).collect(), counts)
        };
        assert!(told(&["entries", "check_in_answers"], vec![3, 1]).is_some());
        for words in ["", "Anna", "an entry", "é", &"a".repeat(41)] {
            assert!(told(&[words], vec![1]).is_none(), "{words}");
        }
        assert!(told(&["entries"], vec![]).is_none());
    }

    #[test]
    fn a_certificate_says_what_was_destroyed_and_until_when_backups_hold_keys() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let shredded_at = Some(at("2024-03-17T07:30:01Z"));
        let parts = [
            ErasurePart { service: "content".into(), shredded_at: None, destroyed: vec![] },
            ErasurePart { service: "journal".into(), shredded_at, destroyed: vec![("entries".into(), 3)] },
        ];
        let (requested, begun) = (at("2024-03-10T07:30:00Z"), at("2024-03-17T07:30:00Z"));
        let times = ErasureTimes { requested, begun, finished: at("2024-03-17T07:32:05Z") };
        let text = certificate(Uuid::nil(), "candor.example", times, &parts).unwrap();
        let said: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(said["destroyed"][0]["class"], "entries");
        assert_eq!(said["destroyed"][0]["count"], 3);
        assert_eq!(said["keys"][0]["service"], "journal");
        assert_eq!(said["backups_end"], "2024-03-24T07:30:01Z");
        assert_eq!(said["finished"], "2024-03-17T07:32:05Z");
        assert!(text.starts_with(r#"{"certificate":"candor.erasure.v1","erasure":"#));
    }
}
