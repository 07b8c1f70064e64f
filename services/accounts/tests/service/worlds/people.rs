//! Couples, circles and care: `tie` of the statement that opens to people.

use super::rows::Rows;
use super::{
    CareState, Given, Standing, any_given, any_standing, any_state, any_wish, at, for_what_is_given, nearest,
    one_of_each, seed,
};
use crate::kit::House;
use accounts::domain::{Bonds, Grant, InCare, OPENING_PACE, Purpose, RENEWABLE, Tie, Wanted};
use accounts::store::access::{self, Answer, Asked};
use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

/// How many worlds, and how many of them are decided in one statement.
const WORLDS: usize = 400;
const AT_ONCE: usize = 25;

/// How the two stand as a couple.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Couple {
    Never,
    Linked,
    Over,
    /// Each is linked with somebody else.
    WithOthers,
}

/// A place in a circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Never,
    Lasts,
    Over,
}

/// An owner and a reader.
#[derive(Debug, Clone)]
struct World {
    couple: Couple,
    in_owners_circle: Place,
    in_readers_circle: Place,
    standing: Standing,
    care: Option<CareState>,
    /// Care of before, which is over.
    had_care: bool,
    given: Vec<Given>,
    wanted: Wanted,
    second: i64,
}

fn any_couple() -> impl Strategy<Value = Couple> {
    prop_oneof![
        3 => Just(Couple::Never), 2 => Just(Couple::Linked), 1 => Just(Couple::Over), 1 => Just(Couple::WithOthers),
    ]
}

fn any_place() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::Never), Just(Place::Lasts), Just(Place::Over)]
}

prop_compose! {
    fn any_world()(
        couple in any_couple(), in_owners_circle in any_place(), in_readers_circle in any_place(),
        standing in any_standing(), care in prop::option::weighted(0.85, any_state()), had_care: bool,
        given in prop::collection::vec(any_given(&[Purpose::Care, Purpose::Session]), 0..6),
        wanted in any_wish(), second in 0i64..9, in_order: bool,
    ) -> World {
        let given = one_of_each(given);
        let (standing, care, wanted) = if in_order {
            (standing.in_order(), Some(CareState::Active), for_what_is_given(&given, wanted))
        } else {
            (standing, care, wanted)
        };
        World { couple, in_owners_circle, in_readers_circle, standing, care, had_care, given, wanted, second }
    }
}

/// A world whose rows are there.
struct Kept {
    world: World,
    owner_id: Uuid,
    reader_id: Uuid,
    session_id: Uuid,
    receipt_id: Uuid,
    subject: [u8; 32],
    couple_id: Option<Uuid>,
    in_owners_circle: Option<Uuid>,
    in_readers_circle: Option<Uuid>,
    /// The consents of the care that there is.
    grants: Vec<Grant>,
}

async fn place(rows: &mut Rows<'_>, place: Place, host: Uuid, guest: Uuid) -> Option<Uuid> {
    match place {
        Place::Never => None,
        Place::Lasts => Some(rows.place(host, guest, true).await),
        Place::Over => {
            rows.place(host, guest, false).await;
            None
        }
    }
}

async fn couple(rows: &mut Rows<'_>, couple: Couple, owner: Uuid, reader: Uuid) -> Option<Uuid> {
    match couple {
        Couple::Never => None,
        Couple::Linked => Some(rows.couple(owner, reader, true).await),
        Couple::Over => {
            rows.couple(owner, reader, false).await;
            None
        }
        Couple::WithOthers => {
            for one in [owner, reader] {
                let other = rows.account("member").await;
                rows.couple(one, other, true).await;
            }
            None
        }
    }
}

/// The consents of a world, of the care that there is and of another counselor's; those of the first.
async fn consents(rows: &mut Rows<'_>, world: &World, owner: Uuid, reader: Uuid) -> Vec<Grant> {
    if world.had_care {
        rows.care(owner, reader, CareState::Ended).await;
    }
    let Some(state) = world.care else { return Vec::new() };
    let care_id = rows.care(owner, reader, state).await;
    let another = rows.account("counselor").await;
    let other_care = rows.care(owner, another, CareState::Active).await;
    let mut grants = Vec::new();
    for given in &world.given {
        if given.elsewhere {
            rows.consent(owner, another, other_care, given).await;
        } else {
            let consent_id = rows.consent(owner, reader, care_id, given).await;
            grants.push(given.grant(consent_id, rows.now));
        }
    }
    grants
}

async fn keep(rows: &mut Rows<'_>, world: World) -> Kept {
    let (owner_id, reader_id) = (rows.account("member").await, rows.account("counselor").await);
    let (session_id, receipt_id) = (rows.session(reader_id).await, rows.id());
    let couple_id = couple(rows, world.couple, owner_id, reader_id).await;
    let in_owners_circle = place(rows, world.in_owners_circle, owner_id, reader_id).await;
    let in_readers_circle = place(rows, world.in_readers_circle, reader_id, owner_id).await;
    rows.standing(reader_id, owner_id, &world.standing).await;
    let grants = consents(rows, &world, owner_id, reader_id).await;
    let id = reader_id.into_bytes();
    let subject = [id, id].concat().try_into().unwrap();
    Kept {
        world,
        owner_id,
        reader_id,
        session_id,
        receipt_id,
        subject,
        couple_id,
        in_owners_circle,
        in_readers_circle,
        grants,
    }
}

impl Kept {
    fn asked(&self) -> Asked<'_> {
        let Wanted { scope, item_id, purpose } = self.world.wanted;
        Asked {
            subject: &self.subject,
            reader_id: self.reader_id,
            session_id: self.session_id,
            owner_id: self.owner_id,
            scope: scope.number(),
            item_id,
            purpose,
            receipt_id: None,
            new_receipt_id: self.receipt_id,
        }
    }

    /// What links the two, as the world has it, with one consent or none.
    fn bonds(&self, grant: Option<Grant>) -> Bonds {
        let World { standing, care, second, .. } = &self.world;
        let in_care = (*care == Some(CareState::Active)).then(|| InCare {
            licensed: standing.licensed(*second),
            kept_apart: standing.kept_apart(*second),
            owner_suspended: standing.owner_suspended(*second),
            grant,
        });
        Bonds {
            couple_id: self.couple_id,
            in_owners_circle: self.in_owners_circle,
            in_readers_circle: self.in_readers_circle,
            in_care,
            software: None,
        }
    }

    /// What the decision makes of the world: by the nearest consent that it opens anything by, where there are several.
    fn expected(&self, moment: Timestamp) -> Option<Uuid> {
        let decide = |grant| Tie::that_opens(&self.world.wanted, &self.bonds(grant), moment);
        let opening = self.grants.iter().copied().filter(|grant| decide(Some(*grant)).is_some());
        decide(nearest(opening)).map(|tie| tie.relation_id)
    }

    /// Holds what was found against what there is.
    fn hold_against(&self, answer: &Answer, moment: Timestamp) {
        let what = format!("seed {} (WORLDS_SEED): {:?}", seed(), self.world);
        assert!(answer.has_turn && answer.has_session, "{what}");
        let Bonds { couple_id, in_owners_circle, in_readers_circle, .. } = answer.bonds;
        let found = (couple_id, in_owners_circle, in_readers_circle);
        assert_eq!(found, (self.couple_id, self.in_owners_circle, self.in_readers_circle), "{what}");
        let expected = self.expected(moment);
        assert_eq!(answer.relation_id, expected, "what the statement foresees; {what}");
        let decided = Tie::that_opens(&self.world.wanted, &answer.bonds, moment);
        assert_eq!(decided.map(|tie| tie.relation_id), expected, "what is decided on what it found; {what}");
        assert_eq!(answer.epoch.is_some(), expected.is_some(), "{what}");
        assert_eq!(answer.receipt_id.is_some(), expected.is_some(), "a receipt for whoever reads; {what}");
    }
}

#[tokio::test]
async fn what_the_statement_foresees_for_people_is_what_is_decided() {
    let house = House::new().await;
    let now = house.now();
    let mut conn = house.pool().acquire().await.unwrap();
    let mut rows = Rows::new(&mut conn, now);
    let mut there = Vec::new();
    for world in super::worlds(any_world(), WORLDS) {
        there.push(keep(&mut rows, world).await);
    }
    let mut opened = [0; 8];
    // A statement decides at one moment.
    for second in 0..9 {
        let of_now: Vec<_> = there.iter().filter(|kept| kept.world.second == second).collect();
        let moment = at(now, second);
        for some in of_now.chunks(AT_ONCE) {
            let asked: Vec<_> = some.iter().map(|kept| kept.asked()).collect();
            let times = (moment, moment - RENEWABLE);
            let answers = access::open(&mut conn, &asked, OPENING_PACE, times).await.unwrap();
            for (kept, answer) in some.iter().zip(&answers) {
                kept.hold_against(answer, moment);
                let scope = usize::try_from(kept.world.wanted.scope.number()).unwrap();
                opened[scope] += usize::from(answer.relation_id.is_some());
            }
        }
    }
    assert!(
        opened[1..].iter().all(|count| *count > 0),
        "of every scope something is open in some world: {opened:?}"
    );
}
