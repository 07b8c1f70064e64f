//! The questions of check-ins: who gets which, and how they are asked.

use crate::library_lint::{BANNED, grade, sentences, words};
use candor_proto::content::v1::prompt_service_server::PromptService as _;
use candor_proto::content::v1::{ListCheckInPromptsRequest, Prompt as Asked};
use content::domain::prompts::{CheckInPrompts, FILE, Prompt};
use content::rpc::Prompts;
use std::collections::{HashMap, HashSet};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

fn all() -> CheckInPrompts {
    CheckInPrompts::parse(FILE).unwrap()
}

fn ids(prompts: &[&Prompt]) -> Vec<String> {
    prompts.iter().map(|prompt| prompt.id.clone()).collect()
}

async fn ask(check_in_id: &str) -> Result<Vec<Asked>, Status> {
    let request = ListCheckInPromptsRequest { check_in_id: check_in_id.to_owned() };
    let answer = Prompts::new(all()).list_check_in_prompts(Request::new(request)).await?;
    Ok(answer.into_inner().prompts)
}

#[tokio::test]
async fn a_check_in_has_one_question_of_each_depth_the_same_for_both() {
    let id = "2b7ec692-6bfe-56d6-8eeb-74282f4295bb";
    let asked = ask(id).await.unwrap();
    let (all, again) = (all(), ask(&id.to_uppercase()).await.unwrap());
    assert!(asked == again);
    assert_eq!(asked.len(), 3);
    for (asked, depth) in asked.iter().zip(all.depths()) {
        assert!(depth.iter().any(|prompt| prompt.id == asked.prompt_id && prompt.text == asked.text));
    }
    // Kept on purpose: whoever changes how they are picked changes the questions between two people's answers.
    let picked: Vec<_> = asked.iter().map(|prompt| prompt.prompt_id.as_str()).collect();
    assert_eq!(picked, ["body-now", "easier-to-talk", "wish-you-knew"]);
}

#[tokio::test]
async fn what_is_no_check_in_is_refused_by_name() {
    for id in ["", "weekly", "2b7ec692-6bfe-56d6-8eeb-74282f4295b", "' OR 1=1 --"] {
        let status = ask(id).await.err().unwrap();
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!((status.code(), violations[0].field.as_str()), (Code::InvalidArgument, "check_in_id"));
    }
}

#[test]
fn every_question_has_its_turn() {
    let all = all();
    let mut turns: HashMap<String, usize> = HashMap::new();
    for n in 0..4000u128 {
        for id in ids(&all.of_check_in(Uuid::from_u128(n))) {
            *turns.entry(id).or_default() += 1;
        }
    }
    for depth in all.depths() {
        let fair = 4000 / depth.len();
        for prompt in depth {
            let times = turns[&prompt.id];
            assert!(times > fair / 2 && times < fair * 2, "{}: {times}", prompt.id);
        }
    }
}

#[test]
fn a_question_more_or_less_leaves_most_check_ins_as_they_are() {
    let all = all();
    let mut fewer = all.clone();
    let gone = fewer.gentle.remove(3).id;
    for n in 0..1000 {
        let id = Uuid::from_u128(n);
        let (before, after) = (ids(&all.of_check_in(id)), ids(&fewer.of_check_in(id)));
        assert!(before == after || before[0] == gone && before[1..] == after[1..]);
    }
}

#[test]
fn there_is_enough_to_ask_at_every_depth() {
    let all = all();
    let texts: HashSet<_> = all.depths().into_iter().flatten().map(|prompt| &prompt.text).collect();
    assert!(texts.len() >= 24);
    assert_eq!(texts.len(), all.depths().iter().map(|depth| depth.len()).sum::<usize>(), "each once");
    assert!(all.depths().iter().all(|depth| depth.len() >= 8));
}

#[test]
fn they_are_short_questions_that_blame_nobody() {
    let all = all();
    let mut together = String::new();
    for prompt in all.depths().into_iter().flatten() {
        let Prompt { id, text } = prompt;
        for word in words(text) {
            assert!(!BANNED.contains(&word.as_str()), "{id}: {word}");
        }
        for sentence in sentences(text) {
            assert!(words(&sentence).len() <= 15, "{id}: {sentence}");
        }
        assert!(text.ends_with('?') && !text.contains('!'), "{id}: a question");
        assert!(words(text).iter().any(|word| word.starts_with("you")), "{id}: about the one who answers");
        // What accuses, counts up, or presses.
        for phrase in ["always", "never", "fault", "why ", "blame", "wrong", "have to", "promise"] {
            assert!(!text.to_lowercase().contains(phrase), "{id}: {phrase}");
        }
        together.push_str(text);
        together.push('\n');
    }
    assert!(grade(&together) <= 6.0, "grade {:.1}", grade(&together));
}

#[test]
fn a_file_that_breaks_a_rule_is_refused() {
    let depths = ["gentle", "middle", "deeper"];
    let file = |ids: [&str; 3]| -> String {
        let prompt = |(depth, id)| format!("[[{depth}]]\nid = \"{id}\"\ntext = \"How are you?\"\n");
        depths.into_iter().zip(ids).map(prompt).collect()
    };
    let refused = |file: &str| CheckInPrompts::parse(file).unwrap_err().to_string();
    let sound = file(["a", "b", "c"]);
    assert!(CheckInPrompts::parse(&sound).is_ok());
    for (broken, complaint) in [
        (file(["a", "b", "a"]), "has an id that is none, or twice: a"),
        (file(["a", "B c", "d"]), "has an id that is none, or twice: B c"),
        (sound.replacen("How are you?", " ", 1), "has no question for a"),
        (sound.replacen("[[gentle]]", "gentle = []\n[[middle]]", 1), "has a depth without a question"),
        (sound.replacen("[[gentle]]", "[[middle]]", 1), "missing field `gentle`"),
        (sound.replacen("text", "words", 1), "unknown field `words`"),
    ] {
        let error = refused(&broken);
        assert!(error.starts_with("prompts/check-in.en.toml ") && error.contains(complaint), "{error}");
    }
}
