use super::*;
use crate::domain::{EntryBody, EntryTime, Mood, Title, Zone};
use proptest::prelude::*;

const ITEM: Uuid = Uuid::from_u128(7);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn entry(title: &str, body: &str) -> Entry {
    let now = at("2024-03-10T07:30:00Z");
    Entry {
        entry_id: ITEM,
        body: EntryBody::kept(body.to_owned()),
        title: Title::parse(title.to_owned()).unwrap(),
        entry_time: EntryTime::parse("entry_time", now, now).unwrap(),
        zone: Zone::parse("Europe/Berlin").unwrap(),
        mood: Some(Mood::parse(-5, 5, &[1]).unwrap()),
        create_time: now,
    }
}

fn parse(kind: i32, depth: i32, words: &str, spans: &[(i32, i32)]) -> Result<Selection, Invalid> {
    let domain_ids: &[String] = if (kind, depth) == (2, 2) { &["silence".to_owned()] } else { &[] };
    Selection::parse(kind, ITEM, depth, words, spans, domain_ids)
}

/// What came of a domain of a self-check.
fn result(domain_id: &str, score: Option<u8>) -> DomainResult {
    DomainResult {
        domain_id: domain_id.to_owned(),
        title: format!("the title of {domain_id}"),
        score,
        band: score.map(|score| format!("around {score}")).unwrap_or_default(),
        previous_score: score,
        next_article_id: "an-article".to_owned(),
    }
}

fn excerpt_of(body: &str, spans: &[(i32, i32)]) -> Result<String, Invalid> {
    let entry = entry("a title", body);
    render(&parse(1, 3, "", spans)?, Item::Entry(&entry)).map(|rendering| rendering.body)
}

#[test]
fn only_what_goes_together_is_a_selection() {
    let field = |kind, depth, words: &str, spans: &[(i32, i32)]| {
        parse(kind, depth, words, spans).err().map(|invalid| invalid.field)
    };
    let part: &[(i32, i32)] = &[(0, 1)];
    for (kind, depth, words, spans, refused) in [
        (1, 1, "words", &[][..], None),
        (1, 1, "", &[][..], Some("selection.words")),
        (1, 1, "\u{200B} ", &[][..], Some("selection.words")),
        (1, 2, "words", &[][..], None),
        (1, 2, "", &[][..], Some("selection.words")),
        (1, 3, "", part, None),
        (1, 3, "words", part, None),
        (1, 3, "words", &[][..], Some("selection.spans")),
        (1, 4, "", &[][..], None),
        (1, 4, "words", &[][..], None),
        (1, 4, "", part, Some("selection.spans")),
        (1, 1, "words", part, Some("selection.spans")),
        (2, 1, "words", &[][..], None),
        (2, 1, "", &[][..], Some("selection.words")),
        (2, 2, "", &[][..], None),
        (2, 2, "words", &[][..], None),
        (2, 2, "", part, Some("selection.spans")),
        (2, 3, "words", part, Some("selection.depth")),
        (2, 4, "words", &[][..], Some("selection.depth")),
        (1, 0, "words", &[][..], Some("selection.depth")),
        (1, 5, "words", &[][..], Some("selection.depth")),
        (0, 1, "words", &[][..], Some("selection.kind")),
        (3, 1, "words", &[][..], Some("selection.kind")),
        (1, 1, "nul\0", &[][..], Some("selection.words")),
    ] {
        assert_eq!(field(kind, depth, words, spans), refused, "{kind} {depth} {words:?} {spans:?}");
    }
    assert_eq!(field(1, 1, &"ä".repeat(2000), &[]), None);
    assert_eq!(field(1, 1, &"ä".repeat(2001), &[]), Some("selection.words"));
}

#[test]
fn domains_are_chosen_for_the_summary_of_a_self_check_and_for_nothing_else() {
    let chosen = |kind, depth, spans: &[(i32, i32)], domain_ids: &[&str]| {
        let domain_ids: Vec<String> = domain_ids.iter().map(|id| (*id).to_owned()).collect();
        Selection::parse(kind, ITEM, depth, "words", spans, &domain_ids).err().map(|invalid| invalid.field)
    };
    assert_eq!(chosen(2, 2, &[], &["trust", "silence"]), None);
    for refused in [
        chosen(2, 2, &[], &[]),
        chosen(2, 2, &[], &["trust", "silence", "trust"]),
        chosen(2, 1, &[], &["trust"]),
        chosen(1, 1, &[], &["trust"]),
        chosen(1, 2, &[], &["trust"]),
        chosen(1, 3, &[(0, 1)], &["trust"]),
        chosen(1, 4, &[], &["trust"]),
    ] {
        assert_eq!(refused, Some("selection.domain_ids"));
    }
}

#[test]
fn spans_stand_in_order_apart_and_inside_the_text() {
    for spans in [
        &[(1, 1)][..],
        &[(2, 1)],
        &[(-1, 1)],
        &[(0, 2), (1, 3)],
        &[(2, 3), (0, 1)],
        &[(0, 2), (0, 2)],
        &[(0, 6)],
        &[(5, 6)],
        &[(0, i32::MAX)],
    ] {
        assert_eq!(excerpt_of("abcde", spans).err().unwrap().field, "selection.spans", "{spans:?}");
    }
    assert_eq!(excerpt_of("abcde", &[(0, 5)]).unwrap(), "abcde");
    assert_eq!(excerpt_of("a \n b", &[(1, 4)]).err().unwrap().rule, "show nothing");
}

#[test]
fn what_is_left_out_between_two_parts_is_said_and_nothing_else() {
    assert_eq!(excerpt_of("abcde", &[(0, 1), (2, 3), (4, 5)]).unwrap(), "a\n\n[…]\n\nc\n\n[…]\n\ne");
    assert_eq!(excerpt_of("abcde", &[(1, 2), (2, 3)]).unwrap(), "bc");
    assert_eq!(excerpt_of("one.\n\ntwo.\n\nthree.", &[(0, 4), (6, 10)]).unwrap(), "one.\n\ntwo.");
    assert_eq!(excerpt_of("ä👩‍👩‍👧é", &[(0, 1), (6, 7)]).unwrap(), "ä\n\n[…]\n\né");
}

#[test]
fn each_depth_shows_what_it_says_and_never_a_mood() {
    let entry = entry("a title", "the text");
    let results = [result("silence", Some(3)), result("trust", None)];
    let show = |kind, depth, spans: &[(i32, i32)]| {
        let item = if kind == 1 { Item::Entry(&entry) } else { Item::SelfCheck(results.to_vec()) };
        let shown = render(&parse(kind, depth, "words", spans).unwrap(), item).unwrap();
        assert_eq!((shown.kind as i32, shown.depth as i32, shown.words.as_str()), (kind, depth, "words"));
        (shown.title, shown.body, shown.moment.is_some(), shown.bands.len())
    };
    assert_eq!(show(1, 1, &[]), (String::new(), String::new(), false, 0));
    assert_eq!(show(1, 2, &[]), (String::new(), String::new(), false, 0));
    assert_eq!(show(1, 3, &[(4, 8)]), (String::new(), "text".to_owned(), true, 0));
    assert_eq!(show(1, 4, &[]), ("a title".to_owned(), "the text".to_owned(), true, 0));
    assert_eq!(show(2, 1, &[]), (String::new(), String::new(), false, 0));
    assert_eq!(show(2, 2, &[]), (String::new(), String::new(), false, 1));
}

#[test]
fn a_share_waits_an_hour_and_lives_between_then_and_90_days() {
    let now = at("2024-03-10T07:30:00Z");
    let hours = |hours| now.checked_add(SignedDuration::from_hours(hours)).unwrap();
    let window = Window::parse(now, false, None).unwrap();
    assert_eq!((window.open_time, window.expire_time), (hours(1), hours(720)));
    assert_eq!(Window::parse(now, true, None).unwrap().open_time, now);
    assert!(Window::parse(now, false, Some(hours(1))).is_err());
    assert!(Window::parse(now, true, Some(hours(1))).is_ok());
    assert!(Window::parse(now, true, Some(now)).is_err());
    assert!(Window::parse(now, true, Some(hours(90 * 24))).is_ok());
    assert!(Window::parse(now, true, Some(hours(90 * 24 + 1))).is_err());
}

#[test]
fn where_a_share_stands_follows_from_its_times() {
    let now = at("2024-03-10T07:30:00Z");
    let window = Window { open_time: at("2024-03-10T07:00:00Z"), expire_time: at("2024-03-10T08:00:00Z") };
    let minutes = |minutes| now.checked_add(SignedDuration::from_mins(minutes)).unwrap();
    assert_eq!(state_of(window, false, None, now), ShareState::Open);
    assert_eq!(state_of(window, false, None, minutes(-31)), ShareState::Waiting);
    assert_eq!(state_of(window, false, None, minutes(-30)), ShareState::Open);
    assert_eq!(state_of(window, false, None, minutes(30)), ShareState::Expired);
    assert_eq!(state_of(window, true, Some(now), minutes(30)), ShareState::Withdrawn);
    assert_eq!(state_of(window, false, Some(now), minutes(90)), ShareState::Ended);
    assert_eq!(state_of(window, false, Some(minutes(60)), minutes(90)), ShareState::Expired);
}

proptest! {
    /// Whoever reads it learns of the domains that were chosen, and of no other.
    #[test]
    fn a_summary_shows_exactly_the_chosen_domains_in_the_instruments_order(
        scores in proptest::collection::vec(proptest::option::of(0u8..=100), 1..7),
        others in proptest::collection::vec(proptest::option::of(0u8..=100), 7),
        chosen in proptest::collection::btree_set(0usize..7, 1..7),
        backwards in any::<bool>(),
    ) {
        let id = |n: usize| format!("domain-{n}");
        let results: Vec<_> = scores.iter().enumerate().map(|(n, score)| result(&id(n), *score)).collect();
        let mut sent: Vec<String> = chosen.iter().map(|n| id(*n)).collect();
        if backwards {
            sent.reverse();
        }
        let selection = Selection::parse(2, ITEM, 2, "", &[], &sent).unwrap();
        let shown = render(&selection, Item::SelfCheck(results.clone()));
        prop_assert_eq!(shown.is_ok(), chosen.iter().all(|n| *n < scores.len()));
        match shown {
            Err(invalid) => prop_assert_eq!(invalid.field, "selection.domain_ids"),
            Ok(shown) => {
                let expected: Vec<_> = chosen.iter().map(|n| match scores[*n] {
                    Some(score) => (format!("the title of domain-{n}"), format!("around {score}")),
                    None => (format!("the title of domain-{n}"), "Too little to say.".to_owned()),
                }).collect();
                prop_assert_eq!(&shown.bands, &expected);
                let elsewhere = results.iter().enumerate().map(|(n, known)| {
                    if chosen.contains(&n) { known.clone() } else { result(&id(n), others[n]) }
                });
                let elsewhere = render(&selection, Item::SelfCheck(elsewhere.collect())).unwrap();
                prop_assert!(elsewhere == shown);
            }
        }
    }

    /// Compared with the plain way to say it: take the characters, one by one.
    #[test]
    fn an_excerpt_is_the_characters_of_its_spans(text in "\\PC{1,40}", cuts in proptest::collection::btree_set(0i32..42, 2..8)) {
        let cuts: Vec<i32> = cuts.into_iter().collect();
        let spans: Vec<(i32, i32)> = cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let characters: Vec<char> = text.chars().collect();
        let inside = spans.iter().all(|(_, end)| usize::try_from(*end).unwrap() <= characters.len());
        match excerpt_of(&text, &spans) {
            Ok(shown) => {
                prop_assert!(inside);
                let mut expected = String::new();
                for (n, (start, end)) in spans.iter().enumerate() {
                    let part = |from: i32, to: i32| characters[from as usize..to as usize].iter().collect::<String>();
                    if n > 0 {
                        let between = part(spans[n - 1].1, *start);
                        let nothing = between.trim().is_empty();
                        expected.push_str(if nothing { &between } else { "\n\n[…]\n\n" });
                    }
                    expected.push_str(&part(*start, *end));
                }
                prop_assert_eq!(shown, expected);
            }
            Err(refused) => prop_assert!(!inside || refused.rule == "show nothing"),
        }
    }
}
