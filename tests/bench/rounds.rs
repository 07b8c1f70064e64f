//! Turns: what is compared runs one after the other, in both orders, so that whatever else the machine does meets all.

use crate::ground::Ground;
use crate::load::Measure;
use futures::future::LocalBoxFuture;
use std::collections::BTreeMap;

/// One side of a comparison: its name, and a turn of it.
pub(crate) type Side<'a> = (&'static str, Box<dyn Fn() -> LocalBoxFuture<'a, Measure> + 'a>);

/// Makes a side of a comparison.
pub(crate) fn side<'a, Fut>(name: &'static str, turn: impl Fn() -> Fut + 'a) -> Side<'a>
where
    Fut: Future<Output = Measure> + 'a,
{
    (name, Box::new(move || Box::pin(turn())))
}

/// What the sides came to, round by round.
pub(crate) struct Rounds(BTreeMap<&'static str, Vec<Measure>>);

/// Which number of a measure.
pub(crate) type Of = fn(&Measure) -> f64;

/// Calls a second.
pub(crate) const RATE: Of = |measure| measure.rate;
/// The slowest of a hundred.
pub(crate) const P99: Of = |measure| measure.p99;
/// The one in the middle.
pub(crate) const P50: Of = |measure| measure.p50;

/// Lets the sides take turns.
pub(crate) async fn take(ground: &Ground, sides: Vec<Side<'_>>) -> Rounds {
    let mut rounds: BTreeMap<_, Vec<Measure>> = BTreeMap::new();
    for round in 0..ground.arguments.rounds {
        let there: Vec<usize> = (0..sides.len()).collect();
        let back: Vec<usize> = there.iter().rev().copied().collect();
        for index in if round % 2 == 0 { there } else { back } {
            let (name, turn) = &sides[index];
            let measure = turn().await;
            let Measure { rate, p50, p99 } = measure;
            eprintln!("  {} {name}: {rate:.0}/s, p50 {p50:.2} ms, p99 {p99:.2} ms", round + 1);
            rounds.entry(*name).or_default().push(measure);
        }
    }
    Rounds(rounds)
}

impl Rounds {
    /// The median of a side's rounds.
    pub(crate) fn median(&self, side: &str, of: Of) -> f64 {
        middle(self.0[side].iter().map(of).collect())
    }

    /// The median of what one side is to the other in each round.
    pub(crate) fn ratio(&self, one: &str, other: &str, of: Of) -> f64 {
        middle(self.0[one].iter().zip(&self.0[other]).map(|(one, other)| of(one) / of(other)).collect())
    }
}

/// The median.
pub(crate) fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let half = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[half] } else { f64::midpoint(numbers[half - 1], numbers[half]) }
}
