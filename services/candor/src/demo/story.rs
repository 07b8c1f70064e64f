//! The story as it is written, and as a plan: what happens when.

use crate::cli::BoxError;
use candor_proto::journal::v1::{Mood, ShareDepth, WishedResponse};
use figment::Figment;
use figment::providers::{Format, Toml};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Deserialize;
use std::collections::BTreeMap;

const TEXT: &str = include_str!("story.toml");
/// The story begins so many days before today, so that its last evening is over.
const DAYS: i64 = 55;
/// Days from one check-in to the next.
const A_WEEK: u16 = 7;
/// How long before a check-in it is announced.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long before a check-in its first answer is given.
const AHEAD: SignedDuration = SignedDuration::from_mins(150);

/// Two people and what they live.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Story {
    pub(crate) zone: String,
    pub(crate) people: BTreeMap<String, Person>,
    pub(crate) entries: Vec<Entry>,
    moods: Vec<MoodAlone>,
    pub(crate) self_checks: Vec<SelfCheck>,
    pub(crate) shares: Vec<Share>,
    pub(crate) check_ins: CheckIns,
}

/// One of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) password: String,
}

/// Something that is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) who: String,
    day: u16,
    at: Time,
    pub(crate) title: String,
    pub(crate) text: String,
    mood: [i32; 2],
    #[serde(default)]
    body: Vec<String>,
}

/// A mood by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoodAlone {
    pub(crate) who: String,
    day: u16,
    at: Time,
    mood: [i32; 2],
    #[serde(default)]
    body: Vec<String>,
}

/// A self-check, by the level of each domain.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SelfCheck {
    pub(crate) key: String,
    pub(crate) who: String,
    day: u16,
    at: Time,
    pub(crate) levels: BTreeMap<String, i64>,
}

/// Something that is shared, and what comes of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Share {
    pub(crate) who: String,
    day: u16,
    at: Time,
    #[serde(default)]
    pub(crate) entry: Option<String>,
    #[serde(default)]
    pub(crate) self_check: Option<String>,
    depth: String,
    #[serde(default)]
    pub(crate) excerpt: Option<String>,
    pub(crate) words: String,
    wish: String,
    #[serde(default)]
    told_read: Option<Moment>,
    #[serde(default)]
    answer: Option<Answer>,
    #[serde(default)]
    understood: Option<Understood>,
    #[serde(default)]
    withdrawn: Option<Moment>,
}

/// A moment of the story.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moment {
    day: u16,
    at: Time,
}

/// An answer to a share.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    day: u16,
    at: Time,
    pub(crate) text: String,
}

/// How understood the owner felt by it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Understood {
    day: u16,
    at: Time,
    pub(crate) level: i32,
}

/// The check-ins.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckIns {
    pub(crate) proposer: String,
    proposed: Moment,
    agreed: Moment,
    first: Moment,
    answered: Vec<Vec<String>>,
    /// What each replies to which question.
    pub(crate) replies: BTreeMap<String, BTreeMap<String, String>>,
}

/// What happens.
pub(crate) enum Act<'a> {
    Write(&'a Entry),
    Feel(&'a MoodAlone),
    Check(&'a SelfCheck),
    Share(usize, &'a Share),
    TellRead(usize, &'a Share),
    Answer(usize, &'a Share, &'a Answer),
    Rate(usize, &'a Share, &'a Understood),
    Withdraw(usize, &'a Share),
    Propose,
    Agree,
    /// Somebody answers the check-in of a time.
    Reply(&'a str, Timestamp),
    /// A check-in is a day away.
    Ahead(Timestamp),
    /// The time of a check-in has come, and somebody may have answered it.
    Open(Timestamp),
}

/// When all of it happens.
pub(crate) struct Plan<'a> {
    pub(crate) begin: Timestamp,
    /// When the check-ins are.
    pub(crate) check_in: jiff::Zoned,
    pub(crate) acts: Vec<(Timestamp, Act<'a>)>,
}

impl Story {
    /// The one that comes with the program.
    ///
    /// # Errors
    /// Where it is not written as it must be.
    pub(crate) fn read() -> Result<Self, BoxError> {
        let mut story: Self = Figment::from(Toml::string(TEXT)).extract()?;
        for entry in &mut story.entries {
            entry.text = unwrapped(&entry.text);
        }
        Ok(story)
    }

    /// The story as it ends shortly before `now`.
    ///
    /// # Errors
    /// When its zone is unknown.
    pub(crate) fn plan(&self, now: Timestamp) -> Result<Plan<'_>, BoxError> {
        let zone = TimeZone::get(&self.zone)?;
        let calendar = Calendar { first_day: now.to_zoned(zone.clone()).date() - DAYS.days(), zone };
        let mut acts = Vec::new();
        for entry in &self.entries {
            acts.push((calendar.at(entry.day, entry.at)?, Act::Write(entry)));
        }
        for mood in &self.moods {
            acts.push((calendar.at(mood.day, mood.at)?, Act::Feel(mood)));
        }
        for check in &self.self_checks {
            acts.push((calendar.at(check.day, check.at)?, Act::Check(check)));
        }
        for (n, share) in self.shares.iter().enumerate() {
            share.plan(n, &calendar, &mut acts)?;
        }
        self.check_ins.plan(&calendar, &mut acts)?;
        acts.sort_by_key(|(at, _)| *at);
        let first = &self.check_ins.first;
        let check_in = calendar.at(first.day, first.at)?.to_zoned(calendar.zone.clone());
        Ok(Plan { begin: calendar.at(0, Time::constant(18, 0, 0, 0))?, check_in, acts })
    }

    /// The other of the two.
    pub(crate) fn partner(&self, who: &str) -> Option<&str> {
        self.people.keys().map(String::as_str).find(|name| *name != who)
    }
}

/// A text without the line breaks that only the file has.
fn unwrapped(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut before = "";
    for line in text.trim().lines() {
        let begins_anew = line.is_empty()
            || before.is_empty()
            || line.starts_with(['-', '>'])
            || line.starts_with(|first: char| first.is_ascii_digit());
        if !whole.is_empty() {
            whole.push(if begins_anew { '\n' } else { ' ' });
        }
        whole.push_str(line);
        before = line;
    }
    whole
}

/// From days of the story to time.
struct Calendar {
    first_day: Date,
    zone: TimeZone,
}

impl Calendar {
    fn at(&self, day: u16, at: Time) -> Result<Timestamp, BoxError> {
        let date = self.first_day + i64::from(day).days();
        Ok(date.to_datetime(at).to_zoned(self.zone.clone())?.timestamp())
    }
}

impl Share {
    fn plan<'a>(
        &'a self,
        n: usize,
        calendar: &Calendar,
        acts: &mut Vec<(Timestamp, Act<'a>)>,
    ) -> Result<(), BoxError> {
        acts.push((calendar.at(self.day, self.at)?, Act::Share(n, self)));
        if let Some(told) = &self.told_read {
            acts.push((calendar.at(told.day, told.at)?, Act::TellRead(n, self)));
        }
        if let Some(answer) = &self.answer {
            acts.push((calendar.at(answer.day, answer.at)?, Act::Answer(n, self, answer)));
        }
        if let Some(felt) = &self.understood {
            acts.push((calendar.at(felt.day, felt.at)?, Act::Rate(n, self, felt)));
        }
        if let Some(withdrawn) = &self.withdrawn {
            acts.push((calendar.at(withdrawn.day, withdrawn.at)?, Act::Withdraw(n, self)));
        }
        Ok(())
    }

    pub(crate) fn depth(&self) -> Result<ShareDepth, BoxError> {
        let name = format!("SHARE_DEPTH_{}", self.depth.to_uppercase());
        ShareDepth::from_str_name(&name).ok_or_else(|| format!("the story has a depth {}", self.depth).into())
    }

    pub(crate) fn wish(&self) -> Result<WishedResponse, BoxError> {
        let name = format!("WISHED_RESPONSE_{}", self.wish.to_uppercase());
        WishedResponse::from_str_name(&name)
            .ok_or_else(|| format!("the story has a wish {}", self.wish).into())
    }
}

impl CheckIns {
    fn plan<'a>(&'a self, calendar: &Calendar, acts: &mut Vec<(Timestamp, Act<'a>)>) -> Result<(), BoxError> {
        acts.push((calendar.at(self.proposed.day, self.proposed.at)?, Act::Propose));
        acts.push((calendar.at(self.agreed.day, self.agreed.at)?, Act::Agree));
        for (week, answered) in (0_u16..).zip(&self.answered) {
            let time = calendar.at(self.first.day + week * A_WEEK, self.first.at)?;
            for (n, who) in (0_i32..).zip(answered) {
                acts.push((time - AHEAD + SignedDuration::from_mins(40) * n, Act::Reply(who, time)));
            }
            acts.push((time - A_DAY, Act::Ahead(time)));
            acts.push((time, Act::Open(time)));
        }
        Ok(())
    }
}

impl Entry {
    pub(crate) fn mood(&self) -> Result<Mood, BoxError> {
        mood(self.mood, &self.body)
    }
}

impl MoodAlone {
    pub(crate) fn mood(&self) -> Result<Mood, BoxError> {
        mood(self.mood, &self.body)
    }
}

fn mood([pleasantness, energy]: [i32; 2], body: &[String]) -> Result<Mood, BoxError> {
    let sign = |words: &String| {
        let name = format!("BODY_SIGN_{}", words.to_uppercase().replace(' ', "_"));
        let sign = candor_proto::journal::v1::BodySign::from_str_name(&name);
        sign.map(i32::from).ok_or_else(|| format!("the story has a body sign {words}"))
    };
    let body_signs = body.iter().map(sign).collect::<Result<_, _>>()?;
    Ok(Mood { pleasantness, energy, body_signs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const NOW: &str = "2026-05-20T10:00:00Z";

    #[test]
    fn it_is_in_order_and_over_by_now() {
        let story = Story::read().unwrap();
        let now = NOW.parse().unwrap();
        let plan = story.plan(now).unwrap();
        assert!(plan.acts.len() > 60);
        assert!(plan.acts.is_sorted_by_key(|(at, _)| *at));
        assert!(plan.begin < plan.acts[0].0 && plan.acts.last().unwrap().0 < now);
        let last = plan.acts.iter().filter_map(|(_, act)| match act {
            Act::Open(time) => Some(*time),
            _ => None,
        });
        assert!(last.max().unwrap() + SignedDuration::from_hours(7 * 24) > now, "the next one is ahead");
    }

    #[test]
    fn whatever_is_named_is_there() {
        let story = Story::read().unwrap();
        assert_eq!(story.people.len(), 2);
        let people: BTreeSet<&str> = story.people.keys().map(String::as_str).collect();
        let written = story.entries.iter().map(|e| e.who.as_str());
        let felt = story.moods.iter().map(|m| m.who.as_str());
        let checked = story.self_checks.iter().map(|c| c.who.as_str());
        let shared = story.shares.iter().map(|s| s.who.as_str());
        let answered = story.check_ins.answered.iter().flatten().map(String::as_str);
        for who in written.chain(felt).chain(checked).chain(shared).chain(answered) {
            assert!(people.contains(who), "{who}");
        }
        for entry in &story.entries {
            entry.mood().unwrap();
        }
        for mood in &story.moods {
            mood.mood().unwrap();
        }
        for share in &story.shares {
            share.depth().unwrap();
            share.wish().unwrap();
            let entry = story.entries.iter().find(|e| Some(&e.key) == share.entry.as_ref());
            let check = story.self_checks.iter().find(|c| Some(&c.key) == share.self_check.as_ref());
            assert!(entry.is_some() != check.is_some());
            if let Some(excerpt) = &share.excerpt {
                assert!(entry.unwrap().text.contains(excerpt), "{excerpt}");
            }
        }
    }

    #[test]
    fn both_have_something_to_say_to_every_question() {
        let story = Story::read().unwrap();
        let questions = include_str!("../../../content/prompts/check-in.en.toml");
        let ids: Vec<&str> =
            questions.lines().filter_map(|line| line.strip_prefix("id = \"")?.strip_suffix('"')).collect();
        assert!(ids.len() >= 30, "{ids:?}");
        for (who, replies) in &story.check_ins.replies {
            let known: Vec<&str> = replies.keys().map(String::as_str).collect();
            let mut asked = ids.clone();
            asked.sort_unstable();
            assert_eq!(known, asked, "{who}");
        }
    }

    #[test]
    fn they_speak_as_candor_speaks() {
        assert!(!TEXT.contains('!'));
        let text = TEXT.to_lowercase();
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphabetic()).collect();
        for banned in ["just", "should", "toxic", "heal", "streak", "forgot", "miss", "missed", "missing"] {
            assert!(!words.contains(banned), "the story says `{banned}`");
        }
    }
}
