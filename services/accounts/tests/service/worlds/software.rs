//! Software: `yes` of the statement that opens to it.

use super::rows::Rows;
use super::{
    CareState, Given, Standing, any_given, any_standing, any_state, any_wish, at, for_what_is_given, nearest,
    one_of_each, seed,
};
use crate::kit::House;
use accounts::domain::{
    Asking, Bonds, Grant, Holder, Holding, Purpose, Reach, SOFTWARE_OPENING_PACE, Tie, Wanted,
};
use accounts::store::software::{self, Answer, Asked};
use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

const WORLDS: usize = 400;
/// As far as scopes reach. How far those reach that software is registered for, the statement does not foresee.
const EVERYWHERE: Reach = Reach { system: true, user: true };

/// Whose software it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    House,
    /// A counselor's; who may be none any more.
    Counselors {
        still: bool,
        care: Option<CareState>,
    },
}

/// An owner and software.
#[derive(Debug, Clone)]
struct World {
    whose: Whose,
    disabled: bool,
    token: Reach,
    standing: Standing,
    given: Vec<Given>,
    wanted: Wanted,
    second: i64,
}

fn any_holder() -> impl Strategy<Value = Whose> {
    let counselors = (prop::bool::weighted(0.85), prop::option::weighted(0.9, any_state()))
        .prop_map(|(still, care)| Whose::Counselors { still, care });
    prop_oneof![1 => Just(Whose::House), 2 => counselors]
}

prop_compose! {
    fn any_world()(
        whose in any_holder(), disabled in prop::bool::weighted(0.1), system in prop::bool::weighted(0.8),
        user in prop::bool::weighted(0.8), standing in any_standing(),
        given in prop::collection::vec(any_given(&Purpose::ALL), 1..7), wanted in any_wish(), second in 0i64..9,
        in_order: bool,
    ) -> World {
        let (token, given) = (Reach { system, user }, one_of_each(given));
        if in_order {
            let whose = match whose {
                Whose::House => Whose::House,
                Whose::Counselors { .. } => Whose::Counselors { still: true, care: Some(CareState::Active) },
            };
            let (standing, wanted) = (standing.in_order(), for_what_is_given(&given, wanted));
            return World { whose, disabled: false, token: EVERYWHERE, standing, given, wanted, second };
        }
        World { whose, disabled, token, standing, given, wanted, second }
    }
}

/// A world whose rows are there.
struct Kept {
    world: World,
    owner_id: Uuid,
    client_id: Uuid,
    token_id: Uuid,
    receipt_id: Uuid,
    subject: [u8; 32],
    grants: Vec<Grant>,
}

async fn keep(rows: &mut Rows<'_>, world: World) -> Kept {
    let owner_id = rows.account("member").await;
    let still = matches!(world.whose, Whose::Counselors { still: true, .. });
    let counselor = rows.account(if still { "counselor" } else { "member" }).await;
    rows.standing(counselor, owner_id, &world.standing).await;
    let holder = (world.whose != Whose::House).then_some(counselor);
    let (client_id, token_id) = rows.client(holder, world.disabled).await;
    let care = match world.whose {
        Whose::Counselors { care: Some(state), .. } => {
            Some((rows.care(owner_id, counselor, state).await, counselor))
        }
        // Nothing is opened to a counselor's software without care.
        Whose::Counselors { care: None, .. } => Some((rows.id(), counselor)),
        Whose::House => None,
    };
    let (elsewhere, _) = rows.client(holder, false).await;
    let mut grants = Vec::new();
    for given in &world.given {
        let to = if given.elsewhere { elsewhere } else { client_id };
        let consent_id = rows.software_consent(owner_id, to, care, given).await;
        if !given.elsewhere {
            grants.push(given.grant(consent_id, rows.now));
        }
    }
    let id = client_id.into_bytes();
    let subject = [id, id].concat().try_into().unwrap();
    Kept { receipt_id: rows.id(), world, owner_id, client_id, token_id, subject, grants }
}

impl Kept {
    fn asked(&self) -> Asked<'_> {
        let Wanted { scope, item_id, purpose } = self.world.wanted;
        Asked {
            subject: &self.subject,
            client_id: self.client_id,
            token_id: self.token_id,
            token: self.world.token,
            owner_id: self.owner_id,
            scope: scope.number(),
            item_id,
            purpose,
            receipt_id: self.receipt_id,
        }
    }

    /// The software as the world has it, with one consent or none.
    fn asking(&self, grant: Option<Grant>) -> Asking {
        let World { whose, disabled, token, standing, second, .. } = &self.world;
        let holder = match whose {
            Whose::House => Holder::House,
            Whose::Counselors { care, .. } => {
                Holder::Counselor((*care == Some(CareState::Active)).then(|| Holding {
                    licensed: standing.licensed(*second),
                    kept_apart: standing.kept_apart(*second),
                }))
            }
        };
        let acts = !disabled && !matches!(whose, Whose::Counselors { still: false, .. });
        let owner_suspended = standing.owner_suspended(*second);
        Asking { acts, registered: EVERYWHERE, token: *token, holder, owner_suspended, grant }
    }

    fn decide(&self, asking: Asking, moment: Timestamp) -> Option<Uuid> {
        let bonds = Bonds { software: Some(asking), ..Bonds::default() };
        Tie::that_opens(&self.world.wanted, &bonds, moment).map(|tie| tie.relation_id)
    }

    fn expected(&self, moment: Timestamp) -> Option<Uuid> {
        let opens = |grant: &Grant| self.decide(self.asking(Some(*grant)), moment).is_some();
        let nearest = nearest(self.grants.iter().copied().filter(opens));
        self.decide(self.asking(nearest), moment)
    }

    /// What the statement found, as whoever decides takes it.
    fn found(answer: &Answer, token: Reach) -> Asking {
        let care = answer.licensed.zip(answer.kept_apart);
        let care = care.map(|(licensed, kept_apart)| Holding { licensed, kept_apart });
        Asking {
            acts: answer.acts,
            registered: EVERYWHERE,
            token,
            holder: if answer.of_house { Holder::House } else { Holder::Counselor(care) },
            owner_suspended: answer.owner_suspended,
            grant: answer.grant,
        }
    }

    fn hold_against(&self, answer: &Answer, moment: Timestamp) {
        let what = format!("seed {} (WORLDS_SEED): {:?}", seed(), self.world);
        assert!(answer.has_turn && answer.has_token, "{what}");
        let expected = self.expected(moment);
        assert_eq!(answer.epoch.is_some(), expected.is_some(), "what the statement foresees; {what}");
        let decided = self.decide(Self::found(answer, self.world.token), moment);
        assert_eq!(decided, expected, "what is decided on what it found; {what}");
        assert_eq!(answer.receipt_id.is_some(), expected.is_some(), "a receipt for what reads; {what}");
    }
}

#[tokio::test]
async fn what_the_statement_foresees_for_software_is_what_is_decided() {
    let house = House::new().await;
    let now = house.now();
    let mut conn = house.pool().acquire().await.unwrap();
    let mut rows = Rows::new(&mut conn, now);
    let mut there = Vec::new();
    for world in super::worlds(any_world(), WORLDS) {
        there.push(keep(&mut rows, world).await);
    }
    let mut opened = [0; 2];
    for kept in &there {
        let moment = at(now, kept.world.second);
        let answer =
            software::open(&mut conn, &kept.asked(), SOFTWARE_OPENING_PACE, moment).await.unwrap().unwrap();
        kept.hold_against(&answer, moment);
        opened[usize::from(answer.epoch.is_some())] += 1;
    }
    assert!(opened.iter().all(|count| *count > WORLDS / 20), "worlds of both kinds: {opened:?}");
}
