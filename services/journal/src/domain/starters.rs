//! Beginnings of an answer, to help whoever reads a share along: say back what was heard, say that it makes sense, ask
//! and leave room. They fit what the owner would like in return, and are only ever beginnings.

use super::WishedResponse;

/// A way to answer. The numbers are those of `candor.journal.v1.AnswerStep`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnswerStep {
    /// Say back what was heard.
    Reflect = 1,
    /// Say that it makes sense.
    Validate = 2,
    /// Ask, and leave room.
    Ask = 3,
}

/// A beginning of an answer.
pub type Starter = (AnswerStep, &'static str);

const LISTEN: [Starter; 7] = [
    (AnswerStep::Reflect, "What I hear is …"),
    (AnswerStep::Reflect, "I read it slowly. What stays with me is …"),
    (AnswerStep::Reflect, "If I understand you, it was like …"),
    (AnswerStep::Validate, "Thank you for letting me see this. It makes sense to me that …"),
    (AnswerStep::Validate, "I can see why that weighed on you, because …"),
    (AnswerStep::Ask, "I am here, and nothing has to be solved. Is there more that …"),
    (AnswerStep::Ask, "Did I understand you, or is there a part I read differently: …"),
];

const COMFORT: [Starter; 7] = [
    (AnswerStep::Reflect, "I hear how hard … was for you."),
    (AnswerStep::Reflect, "Reading this, I noticed how much you carry: …"),
    (AnswerStep::Validate, "No wonder you felt …, after …"),
    (AnswerStep::Validate, "You make sense to me, also when …"),
    (AnswerStep::Validate, "I am glad that you told me, because …"),
    (AnswerStep::Ask, "What would do you good from me now: …"),
    (AnswerStep::Ask, "Would it feel right if I …"),
];

const TALK: [Starter; 7] = [
    (AnswerStep::Reflect, "What I take from it is …"),
    (AnswerStep::Reflect, "The part I would like to understand better is …"),
    (AnswerStep::Validate, "I can see how you came to …"),
    (AnswerStep::Validate, "From where you stand, it makes sense that …"),
    (AnswerStep::Ask, "I would like to talk about it. A good moment for me would be …"),
    (AnswerStep::Ask, "What is most important to you when we talk about …"),
    (AnswerStep::Ask, "Is there something you would like me to know before, such as …"),
];

/// Beginnings that fit the wish, by step: two or three for each. Where there is no wish, those for listening.
pub fn starters(wish: WishedResponse) -> &'static [Starter] {
    match wish {
        WishedResponse::Unsaid | WishedResponse::Listen => &LISTEN,
        WishedResponse::Comfort => &COMFORT,
        WishedResponse::Talk => &TALK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISHES: [WishedResponse; 4] =
        [WishedResponse::Unsaid, WishedResponse::Listen, WishedResponse::Comfort, WishedResponse::Talk];

    #[test]
    fn every_wish_has_two_or_three_beginnings_for_each_step_in_order() {
        for wish in WISHES {
            let all = starters(wish);
            assert!(all.is_sorted_by_key(|(step, _)| *step));
            for step in [AnswerStep::Reflect, AnswerStep::Validate, AnswerStep::Ask] {
                let count = all.iter().filter(|(other, _)| *other == step).count();
                assert!((2..=3).contains(&count), "{wish:?} {step:?}");
            }
        }
    }

    #[test]
    fn beginnings_keep_the_rules_of_tone() {
        let banned = [
            "just", "should", "toxic", "heal", "miss", "forgot", "waiting", "streak", "but", "always",
            "never",
        ];
        for (_, text) in WISHES.into_iter().flat_map(starters) {
            let words: Vec<String> = text
                .split(|c: char| !c.is_alphanumeric() && c != '\'')
                .filter(|word| !word.is_empty())
                .map(str::to_lowercase)
                .collect();
            assert!(text.contains('…') && !text.contains('!'), "{text}");
            assert!(
                text.split(['.', '?']).all(|sentence| sentence.split_whitespace().count() <= 15),
                "{text}"
            );
            assert!(!words.iter().any(|word| banned.contains(&word.as_str())), "{text}");
        }
    }
}
