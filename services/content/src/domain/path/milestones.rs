//! What there is on the path, as data.

use super::{Fact, Milestone, PathStep};
use crate::domain::Step;

/// What a milestone leaves out that most do not need.
const PLAIN: Milestone = Milestone {
    number: 0,
    id: "",
    title: "",
    counts: Fact::EntryWritten,
    goal: 1,
    days_apart: 0,
    for_two: false,
    reasons: &[],
};

/// The path, in its usual order. A milestone is here only when some event can advance it.
pub const PATH: &[PathStep] = &[
    PathStep {
        step: Step::Recognise,
        milestones: &[
            Milestone {
                number: 4,
                id: "first-self-check",
                title: "Look at your own walls",
                counts: Fact::SelfCheckScored,
                reasons: &[
                    "Some questions about small everyday habits. What you answer is for your eyes first.",
                ],
                ..PLAIN
            },
            Milestone {
                number: 5,
                id: "second-self-check",
                title: "Look again, some weeks later",
                counts: Fact::SelfCheckScored,
                goal: 2,
                days_apart: 21,
                reasons: &[
                    "A first look shows where you are. A later one shows what has moved.",
                    "You looked at your own walls some weeks ago. Looking again can show what has moved.",
                ],
                ..PLAIN
            },
        ],
    },
    PathStep {
        step: Step::Journal,
        milestones: &[
            Milestone {
                number: 1,
                id: "first-entry",
                title: "Write a first entry",
                counts: Fact::EntryWritten,
                reasons: &[
                    "A first entry can be two sentences long, and it stays yours. Not now is fine too.",
                ],
                ..PLAIN
            },
            Milestone {
                number: 2,
                id: "three-entries",
                title: "Write three entries",
                counts: Fact::EntryWritten,
                goal: 3,
                reasons: &[
                    "A few entries side by side can show what comes back. There is no hurry.",
                    "You have written one entry. Two more, whenever you like, may show what comes back.",
                    "You have written two entries. One more, whenever you like, may show what comes back.",
                ],
                ..PLAIN
            },
            Milestone {
                number: 3,
                id: "entry-with-mood",
                title: "Name a mood beside an entry",
                counts: Fact::EntryWithMood,
                reasons: &["You have been writing. A mood beside an entry can say what the words leave out."],
                ..PLAIN
            },
        ],
    },
    PathStep {
        step: Step::Communicate,
        milestones: &[
            Milestone {
                number: 6,
                id: "first-check-in",
                title: "Have a check-in that opens",
                counts: Fact::CheckInOpened,
                for_two: true,
                reasons: &["A check-in is a few quiet minutes for each of you. You both choose the time."],
                ..PLAIN
            },
            Milestone {
                number: 7,
                id: "three-check-ins",
                title: "Have three check-ins that open",
                counts: Fact::CheckInOpened,
                goal: 3,
                for_two: true,
                reasons: &[
                    "Short and now and then is enough. You both choose the time.",
                    "One check-in has opened. Another may come whenever it suits you both.",
                    "Two check-ins have opened. Another may come whenever it suits you both.",
                ],
                ..PLAIN
            },
        ],
    },
    PathStep {
        step: Step::Vulnerability,
        milestones: &[
            Milestone {
                number: 8,
                id: "first-share",
                title: "Share one small thing",
                counts: Fact::ItemShared,
                for_two: true,
                reasons: &[
                    "One small thing is enough: a topic, or two sentences. You can take it back any time.",
                ],
                ..PLAIN
            },
            Milestone {
                number: 9,
                id: "second-share",
                title: "Share something again",
                counts: Fact::ItemShared,
                goal: 2,
                for_two: true,
                reasons: &[
                    "It can stay as small as you like. You can take it back any time.",
                    "You have shared something once. If it felt right, something small again may come easier.",
                ],
                ..PLAIN
            },
            Milestone {
                number: 10,
                id: "first-answer",
                title: "Answer something that was shared with you",
                counts: Fact::ShareAnswered,
                for_two: true,
                // Never proposed: it takes somebody else first, and nobody learns here whether they did.
                ..PLAIN
            },
        ],
    },
];

/// The order in which milestones are proposed: the small before the large, what one does alone before what is for two.
pub(super) const PROPOSED: [&str; 9] = [
    "first-entry",
    "first-self-check",
    "second-self-check",
    "entry-with-mood",
    "three-entries",
    "first-check-in",
    "first-share",
    "three-check-ins",
    "second-share",
];

/// What is said when everything is reached.
pub const ALL_REACHED: &str = "You have been through all that is here for now. Nothing is waiting for you.";

/// What is said when the rest has its own time.
pub const NOT_NOW: &str = "Nothing is proposed for now. What you have done stays yours.";
