//! Check-ins: two people answer by themselves; both answers open at the agreed time, or neither.

use super::Invalid;
use super::entry::is_blank;
use jiff::{SignedDuration, Timestamp};
use std::fmt;
use uuid::Uuid;

/// The longest reply, in bytes of UTF-8: 4 KiB.
pub const MAX_REPLY_BYTES: usize = 4 * 1024;

/// Check-ins that an account may have answered and that have not opened yet.
pub const MAX_GATHERING: i64 = 8;

/// How far apart they are at least, where their times differ.
pub const GAP: SignedDuration = SignedDuration::from_mins(30);

/// Check-ins that an account may begin to answer in [`PACE_OF`].
pub const PACE: i64 = 20;

/// The time that [`PACE`] is about.
pub const PACE_OF: SignedDuration = SignedDuration::from_hours(24);

/// How far ahead a check-in may be answered: they come weekly, and one may be moved.
const AHEAD: SignedDuration = SignedDuration::from_hours(15 * 24);

/// Where a check-in stands. Once it is not gathering any more, it stays as it is; it opened too early for a journal that
/// hears only later that the schedule or the link had ended before, and is then not this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckInState {
    /// Answers can be given, changed and taken back.
    Gathering,
    /// Both answered in time.
    Open,
    /// It did not open, for whatever reason.
    NotThisTime,
}

impl CheckInState {
    /// By the name the database has for it.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "gathering" => Some(Self::Gathering),
            "open" => Some(Self::Open),
            "not_this_time" | "called_off" => Some(Self::NotThisTime),
            _ => None,
        }
    }
}

/// When a check-in opens: a whole second, so that all who derive its id derive the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenTime(Timestamp);

impl OpenTime {
    /// Takes a whole second at most 15 days after `now`. One that is over is taken too: that is no mistake of form.
    ///
    /// # Errors
    /// When it is no whole second, or further ahead.
    pub fn parse(time: Timestamp, now: Timestamp) -> Result<Self, Invalid> {
        let broken = |rule| Err(Invalid { field: "open_time", rule });
        if time.subsec_nanosecond() != 0 {
            return broken("is not a whole second");
        }
        if time.duration_since(now) > AHEAD {
            return broken("is more than 15 days ahead");
        }
        Ok(Self(time))
    }

    /// A time as it was kept, or as an event says it; `None` when it is no whole second.
    pub fn kept(time: Timestamp) -> Option<Self> {
        (time.subsec_nanosecond() == 0).then_some(Self(time))
    }

    /// The moment.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// Whether the time has come.
    pub fn has_come(self, now: Timestamp) -> bool {
        self.0 <= now
    }
}

/// A check-in's id: UUID version 5 of the schedule and the time as RFC 3339 in UTC, to the second. Reminders derives
/// the same, so neither needs to hear of a check-in from the other.
pub fn check_in_id(schedule_id: Uuid, open_time: OpenTime) -> Uuid {
    Uuid::new_v5(&schedule_id, open_time.0.to_string().as_bytes())
}

/// A check-in of a couple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckInKey {
    /// The link. The same schedule and time under another link is another check-in.
    pub couple_id: Uuid,
    /// The check-in.
    pub check_in_id: Uuid,
}

/// The time of a couple's check-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appointment {
    /// Which check-in.
    pub key: CheckInKey,
    /// The schedule.
    pub schedule_id: Uuid,
    /// When it opens.
    pub open_time: OpenTime,
}

/// A reply to one prompt.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The prompt, as content names it.
    pub prompt_id: String,
    /// The reply, exactly as it was written.
    pub text: String,
}

/// One to five replies to different prompts: an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Replies(Vec<Reply>);

impl Replies {
    /// Takes replies exactly as they were written.
    ///
    /// # Errors
    /// When one is blank or longer than 4 KiB, or two are to the same prompt.
    pub fn parse(replies: Vec<Reply>) -> Result<Self, Invalid> {
        let broken = |field, rule| Err(Invalid { field, rule });
        for (index, reply) in replies.iter().enumerate() {
            if reply.text.len() > MAX_REPLY_BYTES {
                return broken("replies.text", "takes at most 4096 bytes");
            }
            if is_blank(&reply.text) {
                return broken("replies.text", "is blank");
            }
            if replies[..index].iter().any(|earlier| earlier.prompt_id == reply.prompt_id) {
                return broken("replies.prompt_id", "names the same prompt twice");
            }
        }
        Ok(Self(replies))
    }

    /// Replies as they were kept: parsed when they were written.
    pub(crate) fn kept(replies: Vec<Reply>) -> Self {
        Self(replies)
    }

    /// The replies, in the order they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Reply> {
        self.0.iter()
    }
}

// Private text has no Debug that shows it.
impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replies(…)")
    }
}

/// An answer as the database holds it, sealed with its writer's data key.
#[derive(Clone)]
pub struct SealedAnswer {
    /// The writer.
    pub account_id: Uuid,
    /// The check-in.
    pub check_in_id: Uuid,
    /// The schedule.
    pub schedule_id: Uuid,
    /// When the check-in opens.
    pub open_time: OpenTime,
    /// The sealed replies.
    pub replies: Vec<u8>,
    /// When it was saved.
    pub saved_at: Timestamp,
    /// A keyed MAC of the request.
    pub request_mac: [u8; 32],
}

/// How much an account has answered, besides one check-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Whether it answered that one already.
    pub is_known: bool,
    /// Check-ins that have not opened.
    pub gathering: i64,
    /// Of these, those close to that one's time, but not at the same.
    pub near: i64,
    /// Check-ins it began to answer lately.
    pub lately: i64,
}

impl Load {
    /// Whether the account may answer that one too. Changing an answer is always in order.
    pub fn admits(self) -> bool {
        self.is_known || (self.gathering < MAX_GATHERING && self.near == 0 && self.lately < PACE)
    }
}

/// What is known of an answer without opening it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AnswerFacts {
    /// Which check-in.
    pub key: CheckInKey,
    /// Where the check-in stands.
    pub state: CheckInState,
    /// When it opens.
    pub open_time: OpenTime,
    /// The keyed MAC of the request that saved it last.
    pub request_mac: [u8; 32],
}

/// A check-in as one of the two may see it, still sealed.
#[derive(Clone)]
pub struct SealedCheckIn {
    /// Its id.
    pub check_in_id: Uuid,
    /// The schedule.
    pub schedule_id: Uuid,
    /// When it opens or would have opened.
    pub open_time: OpenTime,
    /// Where it stands.
    pub state: CheckInState,
    /// The caller's replies, sealed with the caller's key.
    pub own: Option<Vec<u8>>,
    /// The partner's, sealed with theirs: only where it is open, and only to a reader who was admitted.
    pub partner: Option<Vec<u8>>,
}

/// What may be told of a check-in that opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revealed {
    /// Which check-in.
    pub key: CheckInKey,
    /// One of the two, the lower id.
    pub first_id: Uuid,
    /// The other.
    pub second_id: Uuid,
    /// When it opened.
    pub open_time: OpenTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_check_in_has_the_id_that_reminders_derives_too() {
        let schedule_id = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
        let open_time = OpenTime::kept(at("2026-03-10T19:30:00Z")).unwrap();
        let expected: Uuid = "2b7ec692-6bfe-56d6-8eeb-74282f4295bb".parse().unwrap();
        assert_eq!(check_in_id(schedule_id, open_time), expected);
        // The same moment, said in another zone.
        let elsewhere = OpenTime::kept(at("2026-03-10T20:30:00+01:00")).unwrap();
        assert_eq!(check_in_id(schedule_id, elsewhere), expected);
        assert_ne!(check_in_id(Uuid::nil(), open_time), expected);
    }

    #[test]
    fn a_check_in_is_a_whole_second_at_most_15_days_ahead() {
        let now = at("2026-03-10T19:30:00.5Z");
        let parse = |text| OpenTime::parse(at(text), now).map_err(|invalid| (invalid.field, invalid.rule));
        assert!(parse("2026-03-25T19:30:00Z").is_ok());
        assert_eq!(parse("2026-03-25T19:30:01Z"), Err(("open_time", "is more than 15 days ahead")));
        assert_eq!(parse("2026-03-11T19:30:00.000000001Z"), Err(("open_time", "is not a whole second")));
        let over = parse("2026-03-10T19:30:00Z").unwrap();
        assert!(over.has_come(now) && over.has_come(over.timestamp()));
        assert!(!over.has_come(over.timestamp() - SignedDuration::from_nanos(1)));
    }

    #[test]
    fn replies_are_seen_short_and_to_different_prompts() {
        let reply = |prompt: &str, text: &str| Reply { prompt_id: prompt.into(), text: text.into() };
        let rule = |replies| Replies::parse(replies).unwrap_err().rule;
        assert!(Replies::parse(vec![reply("a", &"ä".repeat(2048)), reply("b", "🫥")]).is_ok());
        assert_eq!(rule(vec![reply("a", &"a".repeat(4097))]), "takes at most 4096 bytes");
        assert_eq!(rule(vec![reply("a", "x"), reply("b", " \u{200B}\n")]), "is blank");
        let twice = vec![reply("a", "x"), reply("b", "y"), reply("a", "z")];
        assert_eq!(rule(twice), "names the same prompt twice");
    }

    #[test]
    fn what_may_be_answered_besides_has_three_limits() {
        let load = Load { is_known: false, gathering: 7, near: 0, lately: 19 };
        assert!(load.admits());
        for more in [Load { gathering: 8, ..load }, Load { near: 1, ..load }, Load { lately: 20, ..load }] {
            assert!(!more.admits() && Load { is_known: true, ..more }.admits(), "{more:?}");
        }
    }

    #[test]
    fn debug_shows_no_text() {
        let replies = vec![Reply { prompt_id: "a".into(), text: "canary".into() }];
        assert!(!format!("{:?}", Replies::parse(replies).unwrap()).contains("canary"));
    }

    #[test]
    fn the_database_has_a_name_for_each_state_and_no_others() {
        let states = [CheckInState::Gathering, CheckInState::Open, CheckInState::NotThisTime];
        assert_eq!(["gathering", "open", "not_this_time"].map(CheckInState::parse), states.map(Some));
        assert_eq!(CheckInState::parse("called_off"), Some(CheckInState::NotThisTime), "for people the same");
        assert_eq!(CheckInState::parse(""), None);
    }
}
