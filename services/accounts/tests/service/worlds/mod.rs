//! Random worlds in real rows. What the two statements foresee that open one person's data to another, or to software, is
//! held against the one decision, which hears of the world and not of its rows: where the two differ nothing is open, and
//! nobody but such a test would learn that something should have been.

mod people;
mod rows;
mod software;

use accounts::domain::{Grant, Purpose, Scope, Wanted};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use uuid::Uuid;

/// The place where every member of these worlds is.
const PLACE: &str = "DE-BY";

/// Which worlds are made: others with `WORLDS_SEED`.
fn seed() -> u8 {
    std::env::var("WORLDS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(42)
}

/// So many worlds of a kind, the same for the same seed.
fn worlds<T: std::fmt::Debug>(of: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed(); 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..count).map(|_| of.new_tree(&mut runner).unwrap().current()).collect()
}

/// A second of a world's few, as a moment.
fn at(now: Timestamp, second: i64) -> Timestamp {
    now + SignedDuration::from_secs(second)
}

/// How care between the two stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CareState {
    Asked,
    Active,
    Declined,
    Ended,
}

/// What the counselor may do, and what stands between the two.
#[derive(Debug, Clone)]
struct Standing {
    verified: bool,
    /// Of each licence: where it holds, whether it was checked, and until which second it holds.
    licences: Vec<(&'static str, bool, i64)>,
    /// Until which second the member keeps the counselor away, and the other way round; none is for good.
    kept_away: [Option<Option<i64>>; 2],
    /// Until which second the member's account is suspended, none is for good; and whether that was lifted.
    suspended: Option<(Option<i64>, bool)>,
}

impl Standing {
    /// Whether a licence holds where the member is: of the country, or of that part of it.
    fn licensed(&self, second: i64) -> bool {
        let holds = |(place, checked, until): &(&str, bool, i64)| {
            *checked && *until > second && (PLACE == *place || PLACE.starts_with(&format!("{place}-")))
        };
        self.verified && self.licences.iter().any(holds)
    }

    /// The same, with nothing that stands in the way: of what chance alone makes, next to nothing is ever open.
    fn in_order(mut self) -> Self {
        self.licences.push(("DE", true, 9));
        Self { verified: true, kept_away: [None, None], suspended: None, ..self }
    }

    fn kept_apart(&self, second: i64) -> bool {
        self.kept_away.iter().flatten().any(|until| until.is_none_or(|until| until > second))
    }

    fn owner_suspended(&self, second: i64) -> bool {
        self.suspended.is_some_and(|(until, lifted)| !lifted && until.is_none_or(|until| until > second))
    }
}

/// A consent of a world.
#[derive(Debug, Clone, Copy)]
struct Given {
    scope: Scope,
    item_id: Option<Uuid>,
    purpose: Purpose,
    expires: i64,
    ended: bool,
    /// Whether it is to somebody else, or of other care.
    elsewhere: bool,
}

impl Given {
    fn grant(&self, consent_id: Uuid, now: Timestamp) -> Grant {
        let Self { scope, item_id, purpose, expires, ended, .. } = *self;
        Grant { consent_id, scope, item_id, purpose, expires_at: at(now, expires), ended }
    }
}

/// A wish for what one of the consents is of, or any.
fn for_what_is_given(given: &[Given], wish: Wanted) -> Wanted {
    let Some(one) = given.iter().find(|one| !one.ended && !one.elsewhere) else { return wish };
    let item_id = one.item_id.or(wish.item_id.filter(|_| one.scope != Scope::Moods));
    Wanted { scope: one.scope, item_id, purpose: one.purpose.number() }
}

/// The nearest first: for the one item rather than for all, the longest, and then the lower id.
fn nearest(grants: impl Iterator<Item = Grant>) -> Option<Grant> {
    grants
        .min_by_key(|grant| (grant.item_id.is_none(), std::cmp::Reverse(grant.expires_at), grant.consent_id))
}

fn maybe_item() -> impl Strategy<Value = Option<Uuid>> {
    prop::option::of((1u128..3).prop_map(Uuid::from_u128))
}

fn any_state() -> impl Strategy<Value = CareState> {
    prop_oneof![
        6 => Just(CareState::Active),
        1 => Just(CareState::Asked),
        1 => Just(CareState::Declined),
        1 => Just(CareState::Ended),
    ]
}

fn any_end() -> impl Strategy<Value = Option<i64>> {
    prop::option::of(1i64..6)
}

prop_compose! {
    fn any_standing()(
        verified in prop::bool::weighted(0.9),
        licences in prop::collection::vec(
            (prop::sample::select(vec!["DE", "DE-BY", "DE-BE", "AT"]), prop::bool::weighted(0.8), 1i64..9), 0..4,
        ),
        keeps in prop::option::weighted(0.15, any_end()), is_kept in prop::option::weighted(0.15, any_end()),
        suspended in prop::option::weighted(0.2, (any_end(), any::<bool>())),
    ) -> Standing {
        Standing { verified, licences, kept_away: [keeps, is_kept], suspended }
    }
}

prop_compose! {
    /// One that the tables take: nothing else can be opened by a consent.
    fn any_given(purposes: &'static [Purpose])(
        scope in prop::sample::select(vec![Scope::Entries, Scope::Moods, Scope::SelfChecks]),
        item_id in maybe_item(), purpose in prop::sample::select(purposes), expires in 1i64..9,
        ended in prop::bool::weighted(0.2), elsewhere in prop::bool::weighted(0.2),
    ) -> Given {
        let item_id = item_id.filter(|_| scope != Scope::Moods);
        Given { scope, item_id, purpose, expires, ended, elsewhere }
    }
}

prop_compose! {
    fn any_wish()(
        scope in prop::sample::select(Scope::ALL.to_vec()), item_id in maybe_item(),
        purpose in prop_oneof![3 => Just(0), 2 => 1i32..5],
    ) -> Wanted {
        Wanted { scope, item_id, purpose }
    }
}

/// Of several consents that are open and of the same, the tables take one.
fn one_of_each(given: Vec<Given>) -> Vec<Given> {
    let mut kept: Vec<Given> = Vec::new();
    for one in given {
        let of = |one: &Given| (one.scope.number(), one.item_id, one.purpose.number(), one.elsewhere);
        if one.ended || !kept.iter().any(|known| !known.ended && of(known) == of(&one)) {
            kept.push(one);
        }
    }
    kept
}
