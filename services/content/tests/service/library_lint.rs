//! What the library promises its readers, as far as a program can see it.

use crate::library;
use content::domain::Article;
use content::domain::article::Kind;
use content::domain::library::{FILES, is_id, parse};
use std::collections::HashSet;

/// Words that blame, push, promise or guess. Compared as whole words in lower case.
pub(crate) const BANNED: &[&str] = &[
    // mission.md, rules of tone
    "just",
    "should",
    "toxic",
    "heal",
    "heals",
    "healed",
    "healing",
    "miss",
    "misses",
    "missed",
    "missing",
    "forgot",
    "streak",
    "streaks",
    // promises
    "guarantee",
    "guarantees",
    "guaranteed",
    "cure",
    "cures",
    "proven",
    "must",
    // a gender guessed
    "he",
    "she",
    "his",
    "her",
    "hers",
    "him",
    "himself",
    "herself",
    "husband",
    "wife",
    "boyfriend",
    "girlfriend",
    "man",
    "woman",
    "men",
    "women",
];

pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !(letter.is_alphanumeric() || letter == '\'' || letter == '’' || letter == '-'))
        .map(|word| word.trim_matches(['\'', '’', '-']).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Everything of an article that somebody reads, without its sources.
fn text(article: &Article) -> String {
    let facts = [&article.title, &article.summary, &article.need, &article.next_action]
        .map(|fact| format!("{fact}\n"));
    format!("{}{}\n{}", facts.concat(), article.contraindications.join("\n"), prose(&article.body))
}

/// The body without its marks and without the targets of links.
fn prose(body: &str) -> String {
    let mut plain = String::new();
    let mut rest = body;
    while let Some((before, link)) = rest.split_once("](") {
        plain.push_str(before);
        rest = link.split_once(')').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain.replace(['*', '#', '[', '_', '`'], "")
}

pub(crate) fn sentences(text: &str) -> Vec<String> {
    let ended = text
        .replace(['?', '!', ':'], ".")
        .replace("...\"", ".\n")
        .replace("...", " ")
        .replace(".\"", ". ")
        .replace(". ", ".\n");
    let lines = ended
        .lines()
        .map(|line| line.trim_start_matches(|c: char| c == '-' || c.is_ascii_digit() || c == '.'));
    lines.map(str::trim).filter(|line| !words(line).is_empty()).map(str::to_owned).collect()
}

/// Groups of vowels, less the silent e at the end.
fn syllables(word: &str) -> usize {
    let is_vowel = |letter: char| "aeiouyü".contains(letter);
    let groups = word.chars().fold((0, false), |(count, inside), letter| {
        (count + usize::from(is_vowel(letter) && !inside), is_vowel(letter))
    });
    let silent = word.ends_with('e') && !word.ends_with("le") && !word.ends_with("ee");
    (groups.0 - usize::from(silent && groups.0 > 1)).max(1)
}

/// Flesch and Kincaid's estimate of the school grade a text asks for.
pub(crate) fn grade(text: &str) -> f64 {
    let words = words(text);
    let syllables: usize = words.iter().map(|word| syllables(word)).sum();
    let per_sentence = words.len() as f64 / sentences(text).len() as f64;
    0.39 * per_sentence + 11.8 * (syllables as f64 / words.len() as f64) - 15.59
}

fn links(body: &str) -> Vec<&str> {
    body.split("](").skip(1).map(|link| link.split_once(')').map_or(link, |(target, _)| target)).collect()
}

#[test]
fn there_is_something_for_every_step_of_the_path() {
    let articles = library();
    for (name, step) in content::domain::Step::ALL {
        assert!(articles.iter().any(|article| article.step == *step), "{name}");
    }
    assert!(articles.len() >= 10);
}

#[test]
fn no_word_blames_pushes_promises_or_guesses() {
    for article in library() {
        let text = text(&article);
        for word in words(&text) {
            assert!(!BANNED.contains(&word.as_str()), "{}: {word}", article.id);
        }
        for phrase in ["still waiting", "!", "your fault because", "you will feel better"] {
            assert!(!text.to_lowercase().contains(phrase), "{}: {phrase}", article.id);
        }
    }
}

#[test]
fn sentences_are_short_and_plain() {
    for article in library() {
        let text = text(&article);
        for sentence in sentences(&prose(&article.body)) {
            assert!(words(&sentence).len() <= 15, "{}: {sentence}", article.id);
        }
        for sentence in sentences(&text) {
            assert!(words(&sentence).len() <= 22, "{}: {sentence}", article.id);
        }
        assert!(grade(&text) <= 8.0, "{}: grade {:.1}", article.id, grade(&text));
    }
}

#[test]
fn the_measure_of_plainness_tells_plain_from_stilted() {
    let plain = "You can stop. Nobody minds. The page is here.";
    let stilted = "Interpersonal vulnerability necessitates considerable psychological preparation, \
                   notwithstanding intermittent physiological manifestations of apprehension.";
    assert!(grade(plain) < 3.0, "{}", grade(plain));
    assert!(grade(stilted) > 12.0, "{}", grade(stilted));
}

#[test]
fn each_has_the_length_it_says_and_the_sections_it_owes() {
    for article in library() {
        let count = words(&prose(&article.body)).len();
        assert!((400..=800).contains(&count), "{}: {count} words", article.id);
        assert_eq!(article.reading_minutes as usize, count.div_ceil(200), "{}: {count} words", article.id);
        for section in ["## What this page is not", "## One small thing, if you like"] {
            assert!(article.body.contains(section), "{}: {section}", article.id);
        }
        assert!(article.kind == Kind::Article || article.body.contains("minute"), "{}", article.id);
    }
}

#[test]
fn each_is_safe_to_read_for_somebody_who_is_being_hurt() {
    for article in library() {
        let body = article.body.to_lowercase().replace('\n', " ");
        assert!(body.contains("not a wall to take down"), "{}: fear is not a wall", article.id);
        assert!(body.contains("domestic violence helpline"), "{}: names help", article.id);
        assert!(
            body.contains("crisis line") || body.contains("emergency"),
            "{}: names urgent help",
            article.id
        );
        assert!(
            body.contains("doctor") || body.contains("counselor"),
            "{}: names a professional",
            article.id
        );
        assert!(
            article
                .contraindications
                .iter()
                .any(|line| line.starts_with("Not ") || line.starts_with("Never "))
        );
    }
}

#[test]
fn each_can_be_declined() {
    for article in library() {
        let text = format!("{} {}", article.next_action, article.body).to_lowercase();
        let declining = [
            "not now",
            "another day",
            "leave it",
            "keep it",
            "skip it",
            "can wait",
            "not for writing",
            "is all right for today",
        ];
        assert!(declining.iter().any(|phrase| text.contains(phrase)), "{}", article.id);
    }
}

#[test]
fn no_number_could_be_taken_for_a_phone_number() {
    for article in library() {
        let mut run = 0;
        for letter in
            text(&article).chars().filter(|letter| !matches!(letter, ' ' | '-' | '.' | '/' | '(' | ')'))
        {
            run = if letter.is_ascii_digit() { run + 1 } else { 0 };
            // A year, or a decade, is the longest number there may be.
            assert!(run <= 4, "{}", article.id);
        }
        assert!(!text(&article).contains("http"), "{}", article.id);
    }
}

#[test]
fn links_lead_to_articles_that_are_there() {
    let articles = library();
    let ids: HashSet<_> = articles.iter().map(|article| article.id.as_str()).collect();
    for article in &articles {
        let links = links(&article.body);
        assert!(!links.is_empty(), "{}: related reading", article.id);
        for link in links {
            assert!(ids.contains(link) && link != article.id, "{}: {link}", article.id);
        }
    }
}

#[test]
fn nothing_is_called_reviewed_that_no_human_has_reviewed() {
    for article in library() {
        assert_eq!(
            article.clinical_review, "none",
            "{}: name the reviewer here once there is one",
            article.id
        );
        let body = article.body.to_lowercase();
        assert!(!body.contains("reviewed by") && !body.contains("clinically"), "{}", article.id);
    }
}

#[test]
fn no_sentence_appears_in_two_languages() {
    let mut seen: Vec<(String, String)> = Vec::new();
    for article in library() {
        for sentence in
            sentences(&prose(&article.body)).into_iter().filter(|sentence| words(sentence).len() > 4)
        {
            let elsewhere =
                seen.iter().find(|(locale, known)| *known == sentence && locale != article.locale.as_str());
            assert!(elsewhere.is_none(), "{}: {sentence}", article.id);
            seen.push((article.locale.to_string(), sentence));
        }
    }
}

/// The text of a real file, changed.
fn with(change: impl Fn(String) -> String) -> Result<Vec<Article>, String> {
    let (file, text) = FILES.iter().find(|(file, _)| *file == "en/what-a-wall-is.md").unwrap();
    let text = change((*text).to_owned());
    parse(&[(file, &text)]).map_err(|error| error.to_string())
}

#[test]
fn a_wrong_file_is_refused_with_its_name_and_the_key() {
    let cases: &[(&str, &str, &str)] = &[
        ("need = ", "needs = ", "lacks the key `need`"),
        (
            "kind = \"article\"",
            "kind = \"article\"\ncolour = \"red\"",
            "has a key `colour` that is not known",
        ),
        ("kind = \"article\"", "kind = \"poem\"", "has a key `kind` that must be one of article, exercise"),
        (
            "step = \"recognise\"",
            "step = \"dance\"",
            "has a key `step` that must be one of recognise, journal",
        ),
        (
            "position = 10",
            "position = \"10\"",
            "has a key `position` that must be a whole number from 1 to 1000",
        ),
        (
            "reading_minutes = 3",
            "reading_minutes = 0",
            "has a key `reading_minutes` that must be a whole number",
        ),
        ("id = \"what-a-wall-is\"", "id = \"walls\"", "has a key `id` that must be the file's name"),
        ("title = \"What a wall is\"", "title = \" \"", "has a key `title` that must be a line of text"),
        ("2027-11-22", "2028-11-22", "has a key `next_review` that must come after reviewed_date"),
        ("2026-11-23", "2026-11-31", "has a key `reviewed_date` that must be a day"),
        ("evidence = \"studies\"", "evidence = \"practice\"", "has a key `sources` that must name sources"),
        ("no_self_blame = 2", "no_self_blame = 1", "has a key `rubric` that must reach 16 of 20"),
        (
            "one_need = 2",
            "one_need = 3",
            "has a key `rubric.one_need` that must be a whole number from 0 to 2",
        ),
        ("one_need = 2", "", "lacks the key `rubric.one_need`"),
        ("feedback = 0", "feedback = 0\nfun = 2", "has a key `rubric.fun` that is not known"),
        ("kind = \"article\"", "kind = ", "is not valid TOML"),
        ("+++\nid", "id", "must begin with TOML between two lines of +++"),
    ];
    for (from, to, complaint) in cases {
        let error = with(|text| text.replacen(from, to, 1)).unwrap_err();
        let expected = format!("library/en/what-a-wall-is.md {complaint}");
        assert!(error.starts_with(&expected), "{error}");
    }
    assert!(with(|text| text).is_ok());
    assert!(
        with(|text| text[..text.rfind("+++\n").unwrap() + 4].to_owned())
            .unwrap_err()
            .contains("must have a text")
    );
}

#[test]
fn two_files_cannot_share_a_place_and_a_file_lies_in_its_languages_folder() {
    let (_, text) = FILES.iter().find(|(file, _)| *file == "en/what-a-wall-is.md").unwrap();
    let twin = text.replacen("id = \"what-a-wall-is\"", "id = \"twin\"", 1);
    let error = parse(&[("en/what-a-wall-is.md", text), ("en/twin.md", &twin)]).unwrap_err().to_string();
    assert!(error.starts_with("library/en/twin.md has a key `position`"), "{error}");
    for file in
        ["what-a-wall-is.md", "EN/what-a-wall-is.md", "english!/what-a-wall-is.md", "en/what-a-wall-is.txt"]
    {
        assert!(parse(&[(file, text)]).unwrap_err().to_string().contains("language tag"), "{file}");
    }
    assert!(is_id("a-1") && !is_id("a--b") && !is_id("") && !is_id("A") && !is_id("ä"));
}
