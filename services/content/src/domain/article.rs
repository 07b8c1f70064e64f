//! An article, as an editor wrote it and as a reader gets it.

use super::Locale;
use jiff::civil::Date;

/// A step of the path through which walls come down. The number is the API's and the database's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i16)]
pub enum Step {
    /// Recognise the wall.
    Recognise = 1,
    /// Write a journal.
    Journal = 2,
    /// Talk with a counselor.
    Counselor = 3,
    /// Communicate in short, planned check-ins.
    Communicate = 4,
    /// Find a safe environment.
    SafeEnvironment = 5,
    /// Show vulnerability, a little at a time.
    Vulnerability = 6,
    /// Couples counseling.
    CouplesCounseling = 7,
}

impl Step {
    /// The steps in their usual order, with their names in the library's files.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("recognise", Self::Recognise),
        ("journal", Self::Journal),
        ("counselor", Self::Counselor),
        ("communicate", Self::Communicate),
        ("safe_environment", Self::SafeEnvironment),
        ("vulnerability", Self::Vulnerability),
        ("couples_counseling", Self::CouplesCounseling),
    ];

    /// The number, from 1.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// The step of a number, if there is one.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.iter().map(|(_, step)| *step).find(|step| i32::from(step.number()) == number)
    }
}

/// What somebody does with an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reads it.
    Article,
    /// Does it.
    Exercise,
}

impl Kind {
    /// The kinds with their names.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("article", Self::Article), ("exercise", Self::Exercise)];

    /// The name in files, database and API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Exercise => "exercise",
        }
    }
}

/// How well an article's claims are founded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// What people who do this work have found useful; no study is claimed.
    Practice,
    /// A recognised book or theory.
    Expert,
    /// Single studies.
    Studies,
    /// A review or meta-analysis of many studies.
    Review,
}

impl Grade {
    /// The grades with their names.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("practice", Self::Practice),
        ("expert", Self::Expert),
        ("studies", Self::Studies),
        ("review", Self::Review),
    ];

    /// The name in files, database and API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Practice => "practice",
            Self::Expert => "expert",
            Self::Studies => "studies",
            Self::Review => "review",
        }
    }
}

/// The ten points an editor scores from 0 to 2, in this order.
pub const RUBRIC: [&str; 10] = [
    "safe_if_abused",
    "no_self_blame",
    "sourced",
    "limits_and_help",
    "one_need",
    "ten_minutes",
    "reading_grade",
    "inclusive",
    "next_action",
    "feedback",
];

/// Whether scores allow publishing: 16 of 20, and nothing missing in the four points that can do harm.
pub fn publishable(rubric: &[i16; 10]) -> bool {
    rubric.iter().sum::<i16>() >= 16 && rubric[..4].iter().all(|score| *score == 2)
}

/// An article as its file holds it; every rule of the library is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// Readable id, the same in every language.
    pub id: String,
    /// Its language.
    pub locale: Locale,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
    /// Title.
    pub title: String,
    /// What it is about, in one or two sentences.
    pub summary: String,
    /// The step it belongs to.
    pub step: Step,
    /// Reading order within the step.
    pub position: i32,
    /// To read or to do.
    pub kind: Kind,
    /// How long reading takes.
    pub reading_minutes: i32,
    /// The one need it meets.
    pub need: String,
    /// A small thing to do next, which can be declined.
    pub next_action: String,
    /// How well its claims are founded.
    pub evidence: Grade,
    /// What it rests on; empty only for practice wisdom.
    pub sources: Vec<String>,
    /// For whom or when it is not meant.
    pub contraindications: Vec<String>,
    /// Who reviewed it clinically, or `none`.
    pub clinical_review: String,
    /// When an editor last reviewed it.
    pub reviewed_date: Date,
    /// When an editor looks again at the latest.
    pub next_review_date: Date,
    /// The scores of [`RUBRIC`].
    pub rubric: [i16; 10],
    /// The text in Markdown.
    pub body: String,
}

/// A published article as a reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Readable id.
    pub article_id: String,
    /// The language that was found.
    pub locale: String,
    /// Counts up with every change.
    pub version: i32,
    /// Number of the step.
    pub step: i16,
    /// Reading order within the step.
    pub position: i32,
    /// Name of the [`Kind`].
    pub kind: String,
    /// Title.
    pub title: String,
    /// What it is about.
    pub summary: String,
    /// The need it meets.
    pub need: String,
    /// A small thing to do next.
    pub next_action: String,
    /// How long reading takes.
    pub reading_minutes: i32,
    /// Name of the [`Grade`].
    pub evidence: String,
    /// What it rests on.
    pub sources: Vec<String>,
    /// For whom or when it is not meant.
    pub contraindications: Vec<String>,
    /// Who reviewed it clinically, or `none`.
    pub clinical_review: String,
    /// When an editor last reviewed it.
    pub reviewed_date: Date,
    /// When an editor looks again at the latest.
    pub next_review_date: Date,
    /// The text in Markdown; empty in lists.
    pub body: String,
}
