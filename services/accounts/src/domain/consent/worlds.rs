//! Ten thousand random worlds of links, circles, care, software, scopes, consents and time: the one decision against an oracle
//! that asks in another way what has to be so.

use super::{Asking, Grant, Holder, Holding, InCare, Purpose, Reach, Wanted};
use crate::domain::{Bonds, Relation, Scope, Tie};
use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

/// What people who are close share, and what a consent is about.
const OF_CONSENT: [Scope; 3] = [Scope::Entries, Scope::Moods, Scope::SelfChecks];

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn maybe_id(of: std::ops::Range<u128>) -> impl Strategy<Value = Option<Uuid>> {
    prop::option::of(of.prop_map(Uuid::from_u128))
}

fn any_scope() -> impl Strategy<Value = Scope> {
    prop::sample::select(Scope::ALL.to_vec())
}

prop_compose! {
    fn any_grant()(
        scope in any_scope(), item_id in maybe_id(1..3), purpose in prop::sample::select(Purpose::ALL.to_vec()),
        expires in 1i64..6, ended in prop::bool::weighted(0.25),
    ) -> Grant {
        Grant { consent_id: Uuid::from_u128(77), scope, item_id, purpose, expires_at: at(expires), ended }
    }
}

prop_compose! {
    fn any_care()(
        licensed in prop::bool::weighted(0.75), kept_apart in prop::bool::weighted(0.25),
        owner_suspended in prop::bool::weighted(0.25), grant in prop::option::of(any_grant()),
    ) -> InCare {
        InCare { licensed, kept_apart, owner_suspended, grant }
    }
}

prop_compose! {
    fn any_holder()(
        of_house: bool, in_care in prop::bool::weighted(0.8), licensed in prop::bool::weighted(0.75),
        kept_apart in prop::bool::weighted(0.25),
    ) -> Holder {
        if of_house { Holder::House } else { Holder::Counselor(in_care.then_some(Holding { licensed, kept_apart })) }
    }
}

prop_compose! {
    fn any_reach()(system in prop::bool::weighted(0.75), user in prop::bool::weighted(0.75)) -> Reach {
        Reach { system, user }
    }
}

prop_compose! {
    fn any_software()(
        acts in prop::bool::weighted(0.9), registered in any_reach(), token in any_reach(), holder in any_holder(),
        owner_suspended in prop::bool::weighted(0.25), grant in prop::option::weighted(0.9, any_grant()),
    ) -> Asking {
        Asking { acts, registered, token, holder, owner_suspended, grant }
    }
}

prop_compose! {
    fn any_world()(
        couple_id in maybe_id(10..11), in_owners_circle in maybe_id(11..12), in_readers_circle in maybe_id(12..13),
        in_care in prop::option::weighted(0.8, any_care()),
    ) -> Bonds {
        Bonds { couple_id, in_owners_circle, in_readers_circle, in_care, software: None }
    }
}

prop_compose! {
    // However the rest came to be kept beside it: nothing of it is software's.
    fn any_world_of_software()(bonds in any_world(), software in any_software()) -> Bonds {
        Bonds { software: Some(software), ..bonds }
    }
}

prop_compose! {
    fn any_wish()(scope in any_scope(), item_id in maybe_id(1..3), purpose in 0i32..5) -> Wanted {
        Wanted { scope, item_id, purpose }
    }
}

/// Every reason against it, by name.
fn reasons_against(care: Option<InCare>, wanted: &Wanted, now: Timestamp) -> Vec<&'static str> {
    let Some(care) = care else { return vec!["no care"] };
    let Some(grant) = care.grant else { return vec!["no consent"] };
    let reasons = [
        (!care.licensed, "no licence that holds there"),
        (care.kept_apart, "one keeps the other away"),
        (care.owner_suspended, "the owner's account is suspended"),
        (grant.ended, "taken back"),
        (grant.expires_at <= now, "over"),
        (grant.scope.number() != wanted.scope.number(), "another kind"),
        (grant.item_id.is_some_and(|item| Some(item) != wanted.item_id), "another item"),
        (wanted.purpose != 0 && wanted.purpose != grant.purpose.number(), "another purpose"),
        (grant.purpose == Purpose::Stated, "what no counselor says of themself"),
        (grant.scope == Scope::Moods && grant.item_id.is_some(), "a single mood"),
    ];
    reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect()
}

/// The same where software asks.
fn reasons_against_software(software: &Asking, wanted: &Wanted, now: Timestamp) -> Vec<&'static str> {
    let Some(grant) = software.grant else { return vec!["no consent"] };
    let of_house = software.holder == Holder::House;
    let care = match software.holder {
        Holder::Counselor(care) => care,
        Holder::House => Some(Holding { licensed: true, kept_apart: false }),
    };
    let in_its_context = |reach: Reach| if of_house { reach.system } else { reach.user };
    let reasons = [
        (!software.acts, "it may not act"),
        (software.owner_suspended, "the owner's account is suspended"),
        (!in_its_context(software.registered), "not what it is registered for"),
        (!in_its_context(software.token), "not what its token is for"),
        (care.is_none(), "no care"),
        (care.is_some_and(|care| !care.licensed), "no licence that holds there"),
        (care.is_some_and(|care| care.kept_apart), "one keeps the other away"),
        (grant.ended, "taken back"),
        (grant.expires_at <= now, "over"),
        (!OF_CONSENT.contains(&grant.scope), "what nobody can open"),
        (grant.scope != wanted.scope, "another kind"),
        (grant.item_id.is_some_and(|item| Some(item) != wanted.item_id), "another item"),
        (wanted.purpose != 0 && wanted.purpose != grant.purpose.number(), "another purpose"),
        (grant.scope == Scope::Moods && grant.item_id.is_some(), "a single mood"),
    ];
    reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect()
}

/// What two people are to each other who are close, nearest first: each with the numbers of what it opens. Written down
/// from design.md §2 and the missions of couple and circle, and not from the code: to a partner everything that people who
/// are close share; to whom the owner trusts what the owner shared; to whoever trusts the owner what the owner answered.
fn close_ties(bonds: &Bonds) -> [(Option<Uuid>, Relation, &'static [i32]); 3] {
    [
        (bonds.couple_id, Relation::Partner, &[1, 2, 3, 4]),
        (bonds.in_owners_circle, Relation::TrustedPerson, &[1]),
        (bonds.in_readers_circle, Relation::TrustedPerson, &[4]),
    ]
}

/// The relation by which something is open to somebody who is close, and its id.
fn opened_by_closeness(bonds: &Bonds, wanted: &Wanted) -> Option<(Relation, Uuid)> {
    let opens = |(id, relation, numbers): (Option<Uuid>, Relation, &[i32])| {
        id.filter(|_| numbers.contains(&wanted.scope.number())).map(|id| (relation, id))
    };
    close_ties(bonds).into_iter().find_map(opens)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn a_partner_reads_what_both_share_and_a_trusted_person_what_goes_their_way_and_nothing_else(
        bonds in any_world(), wanted in any_wish(), second in 0i64..7,
    ) {
        let tie = Tie::that_opens(&wanted, &bonds, at(second));
        if !OF_CONSENT.contains(&wanted.scope) {
            let opened = opened_by_closeness(&bonds, &wanted);
            prop_assert_eq!(tie.map(|tie| (tie.relation, tie.relation_id)), opened);
            // No time ends it: whoever ends it does.
            prop_assert!(tie.is_none_or(|tie| tie.until.is_none()));
        }
    }

    #[test]
    fn a_counselor_reads_what_nothing_speaks_against_and_nothing_else(
        bonds in any_world(), wanted in any_wish(), second in 0i64..7,
    ) {
        let now = at(second);
        let tie = Tie::that_opens(&wanted, &bonds, now);
        if OF_CONSENT.contains(&wanted.scope) {
            let against = reasons_against(bonds.in_care, &wanted, now);
            prop_assert_eq!(tie.is_some(), against.is_empty(), "{:?}", against);
            if let Some(tie) = tie {
                prop_assert_eq!((tie.relation, tie.relation_id), (Relation::Counselor, Uuid::from_u128(77)));
                prop_assert!(tie.until.is_some_and(|until| until > now));
            }
        }
    }

    #[test]
    fn software_reads_what_nothing_speaks_against_and_nothing_else(
        bonds in any_world_of_software(), wanted in any_wish(), second in 0i64..7,
    ) {
        let now = at(second);
        let tie = Tie::that_opens(&wanted, &bonds, now);
        let against = reasons_against_software(&bonds.software.unwrap(), &wanted, now);
        prop_assert_eq!(tie.is_some(), against.is_empty(), "{:?}", against);
        if let Some(tie) = tie {
            prop_assert_eq!((tie.relation, tie.relation_id), (Relation::Software, Uuid::from_u128(77)));
            prop_assert!(tie.until.is_some_and(|until| until > now));
        }
    }

    #[test]
    fn what_is_open_to_a_person_is_not_by_that_open_to_software_nor_the_other_way(
        bonds in any_world(), software in any_software(), wanted in any_wish(), second in 0i64..7,
    ) {
        let now = at(second);
        let alone = Bonds { software: Some(software), ..Bonds::default() };
        let beside = Bonds { software: Some(software), ..bonds };
        prop_assert_eq!(Tie::that_opens(&wanted, &alone, now), Tie::that_opens(&wanted, &beside, now));
        let person = Tie::that_opens(&wanted, &bonds, now);
        prop_assert!(person.is_none_or(|tie| tie.relation != Relation::Software));
    }

    #[test]
    fn neither_a_link_nor_a_circle_changes_what_a_consent_opens_and_care_changes_nothing_of_theirs(
        bonds in any_world(), other in any_world(), wanted in any_wish(), second in 0i64..7,
    ) {
        let now = at(second);
        let mixed = if OF_CONSENT.contains(&wanted.scope) {
            Bonds { in_care: bonds.in_care, ..other }
        } else {
            Bonds { in_care: other.in_care, ..bonds }
        };
        prop_assert_eq!(Tie::that_opens(&wanted, &bonds, now), Tie::that_opens(&wanted, &mixed, now));
    }
}
