use super::*;
use crate::domain::instrument::tests::{ItemWeights, questionnaire};
use proptest::prelude::*;
use proptest::sample::Index;

/// Items by domain, each with the weights of its options in thousandths (none: does not count), and for each item
/// the place of the chosen option, if it is answered.
#[derive(Debug, Clone)]
struct World {
    domains: Vec<Vec<ItemWeights>>,
    chosen: Vec<Vec<Option<usize>>>,
}

impl World {
    fn instrument(&self) -> Instrument {
        Instrument::parse(&questionnaire(&self.domains)).unwrap()
    }

    /// Items and codes, as a client sends them.
    fn sent(&self) -> Vec<(String, String)> {
        let by_domain = self.chosen.iter().enumerate();
        by_domain
            .flat_map(|(domain, items)| {
                let answered = items.iter().enumerate();
                answered.filter_map(move |(item, option)| {
                    option.map(|option| (format!("d{domain}-{item}"), format!("o{option}")))
                })
            })
            .collect()
    }

    fn answers(&self) -> Answers {
        let mut answers = Answers::default();
        answers.merge(&self.instrument(), &self.sent()).unwrap();
        answers
    }

    fn scores(&self) -> Scores {
        self.answers().score(&self.instrument())
    }
}

/// Two to six options, at least two of which count and differ.
fn weights() -> impl Strategy<Value = ItemWeights> {
    let some = proptest::collection::vec(proptest::option::weighted(0.8, -5000i32..5000), 2..6);
    some.prop_filter("two weights", |weights| {
        let mut counting: Vec<_> = weights.iter().flatten().collect();
        counting.sort_unstable();
        counting.dedup();
        counting.len() > 1
    })
}

fn world() -> impl Strategy<Value = World> {
    let domains = proptest::collection::vec(proptest::collection::vec(weights(), 1..7), 1..5);
    (domains, proptest::collection::vec(proptest::option::weighted(0.7, any::<Index>()), 28)).prop_map(
        |(domains, picks)| {
            let mut picks = picks.into_iter();
            let pick =
                |options: &ItemWeights| picks.next().flatten().map(|pick: Index| pick.index(options.len()));
            let mut pick = pick;
            let chosen = domains.iter().map(|items| items.iter().map(&mut pick).collect()).collect();
            World { domains, chosen }
        },
    )
}

/// The answers of a domain that count: their weights, and the least and the most there could be.
fn counting(world: &World, domain: usize) -> Vec<(i32, i32, i32)> {
    let items = world.domains[domain].iter().zip(&world.chosen[domain]);
    items
        .filter_map(|(weights, chosen)| {
            let weight = weights[(*chosen)?]?;
            let least = weights.iter().flatten().min()?;
            Some((weight, *least, *weights.iter().flatten().max()?))
        })
        .collect()
}

proptest! {
    #[test]
    fn a_score_is_the_share_of_the_way_from_least_to_most(world in world()) {
        let scores = world.scores();
        for (index, items) in world.domains.iter().enumerate() {
            let counting = counting(&world, index);
            let score = scores.get(&format!("d{index}"));
            prop_assert_eq!(score.is_some(), !counting.is_empty() && counting.len() * 2 >= items.len());
            if let Some(score) = score {
                let way: i32 = counting.iter().map(|(weight, least, _)| weight - least).sum();
                let whole: i32 = counting.iter().map(|(_, least, most)| most - least).sum();
                let exact = 100.0 * f64::from(way) / f64::from(whole);
                prop_assert!(*score <= 100 && (f64::from(*score) - exact).abs() <= 0.5 + 1e-9);
            }
        }
        prop_assert!(scores.len() <= world.domains.len());
    }

    #[test]
    fn neither_the_order_of_answers_nor_how_they_were_sent_matters(
        (world, shuffled) in world().prop_flat_map(|world| {
            let sent = Just(world.sent()).prop_shuffle();
            (Just(world), sent)
        }),
        pieces in 1usize..5,
    ) {
        let instrument = world.instrument();
        let mut answers = Answers::default();
        for piece in shuffled.chunks(pieces) {
            answers.merge(&instrument, piece).unwrap();
        }
        prop_assert!(answers == world.answers());
        prop_assert_eq!(answers.score(&instrument), world.scores());
        let expected = world.sent();
        prop_assert_eq!(answers.in_order(&instrument), expected);
    }

    #[test]
    fn reversed_weights_give_the_mirrored_score(world in world()) {
        let mut mirrored = world.clone();
        for weights in mirrored.domains.iter_mut().flatten() {
            let least = weights.iter().flatten().min().copied().unwrap();
            let most = weights.iter().flatten().max().copied().unwrap();
            weights.iter_mut().for_each(|weight| *weight = weight.map(|weight| least + most - weight));
        }
        let (scores, mirrored) = (world.scores(), mirrored.scores());
        prop_assert_eq!(scores.len(), mirrored.len());
        for (domain, score) in scores {
            // A half is rounded up on both sides.
            prop_assert!([100, 101].contains(&(u16::from(score) + u16::from(mirrored[&domain]))));
        }
    }

    #[test]
    fn more_of_a_wall_never_lowers_a_score(world in world(), domain in any::<Index>(), item in any::<Index>()) {
        let domain = domain.index(world.domains.len());
        let item = item.index(world.domains[domain].len());
        let weights = &world.domains[domain][item];
        let chosen = world.chosen[domain][item].and_then(|option| weights[option]);
        let most = weights.iter().position(|weight| *weight == weights.iter().flatten().max().copied());
        let mut raised = world.clone();
        if chosen.is_some() {
            raised.chosen[domain][item] = most;
        }
        let (before, after) = (world.scores(), raised.scores());
        prop_assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        prop_assert!(before.iter().all(|(domain, score)| after[domain] >= *score));
    }

    #[test]
    fn an_answer_that_does_not_count_is_as_none(world in world()) {
        let mut without = world.clone();
        for (items, chosen) in without.domains.iter().zip(&mut without.chosen) {
            for (weights, chosen) in items.iter().zip(chosen) {
                *chosen = chosen.filter(|option| weights[*option].is_some());
            }
        }
        prop_assert_eq!(world.scores(), without.scores());
    }

    #[test]
    fn answers_taken_back_leave_nothing(world in world()) {
        let instrument = world.instrument();
        let mut answers = world.answers();
        let back: Vec<_> = world.sent().into_iter().map(|(link_id, _)| (link_id, String::new())).collect();
        answers.merge(&instrument, &back).unwrap();
        prop_assert!(answers == Answers::default() && answers.score(&instrument).is_empty());
    }

    #[test]
    fn sealed_bytes_hold_all_answers_and_their_length_says_nothing(world in world()) {
        let bytes = world.answers().to_bytes();
        prop_assert_eq!(bytes.len(), PADDING);
        prop_assert!(Answers::from_bytes(&bytes) == Some(world.answers()));
    }

    #[test]
    fn any_bytes_are_answers_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Some(answers) = Answers::from_bytes(&bytes) {
            prop_assert!(Answers::from_bytes(&answers.to_bytes()) == Some(answers));
        }
    }
}

/// One domain of four items, from 0 to 4 with one option that does not count.
fn four() -> Instrument {
    let item: ItemWeights = vec![Some(0), Some(1000), Some(2000), Some(3000), Some(4000), None];
    Instrument::parse(&questionnaire(&[vec![item; 4]])).unwrap()
}

fn score(sent: &[(&str, &str)]) -> Option<u8> {
    let sent: Vec<_> = sent.iter().map(|(item, code)| ((*item).to_owned(), (*code).to_owned())).collect();
    let mut answers = Answers::default();
    answers.merge(&four(), &sent).unwrap();
    answers.score(&four()).get("d0").copied()
}

#[test]
fn half_of_the_items_are_enough_and_fewer_are_not() {
    assert_eq!(score(&[("d0-0", "o4")]), None);
    assert_eq!(score(&[("d0-0", "o4"), ("d0-1", "o5"), ("d0-2", "o5"), ("d0-3", "o5")]), None);
    assert_eq!(score(&[("d0-0", "o4"), ("d0-3", "o4")]), Some(100));
    assert_eq!(score(&[("d0-0", "o0"), ("d0-3", "o0")]), Some(0));
    // 3 of 8 is 37.5.
    assert_eq!(score(&[("d0-0", "o1"), ("d0-3", "o2")]), Some(38));
}

#[test]
fn answers_that_do_not_fit_are_named_all_at_once_and_none_is_taken() {
    let pair = |item: &str, code: &str| (item.to_owned(), code.to_owned());
    let mut answers = Answers::default();
    answers.merge(&four(), &[pair("d0-0", "o1")]).unwrap();
    let sent = [pair("d0-0", "o2"), pair("d9-0", "o2"), pair("d0-1", "o9"), pair("d0-0", "o3"), pair("", "")];
    let broken = answers.merge(&four(), &sent).unwrap_err();
    let places: Vec<_> = broken.iter().map(|broken| (broken.index, broken.field)).collect();
    assert_eq!(places, [(1, "link_id"), (2, "code"), (3, "link_id"), (4, "link_id")]);
    assert_eq!(answers.in_order(&four()), [pair("d0-0", "o1")]);
}

#[test]
fn a_score_is_set_beside_the_one_before_only_where_both_have_one() {
    let item: ItemWeights = vec![Some(0), Some(4000)];
    let instrument =
        Instrument::parse(&questionnaire(&[vec![item.clone()], vec![item.clone()], vec![item]])).unwrap();
    let scores = |scores: &[(&str, u8)]| {
        scores.iter().map(|(id, score)| ((*id).to_owned(), *score)).collect::<Scores>()
    };
    let (now, before) = (scores(&[("d0", 10), ("d1", 60)]), scores(&[("d1", 40), ("d2", 30)]));
    let seen = results(&instrument, &now, Some(&before));
    let numbers: Vec<_> = seen.iter().map(|result| (result.score, result.previous_score)).collect();
    assert_eq!(numbers, [(Some(10), None), (Some(60), Some(40)), (None, None)]);
    let bands: Vec<_> = seen.iter().map(|result| result.band.as_str()).collect();
    assert_eq!(bands, ["low", "high", ""]);
    assert!(results(&instrument, &now, None).iter().all(|result| result.previous_score.is_none()));
}
