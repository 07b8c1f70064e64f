//! What can be offered, and how a consent stands.

use super::*;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

fn said(scope: Scope, item_id: Option<Uuid>) -> Said<'static> {
    said_to(Relation::Counselor, scope, item_id)
}

fn said_to(to: Relation, scope: Scope, item_id: Option<Uuid>) -> Said<'static> {
    let text = ConsentText::of(to, scope, item_id.is_some());
    let (text_id, text_version) = text.map_or(("", 1), |text| (text.id, text.version));
    Said { scope, item_id, purpose: 2, expires_at: None, text_id, text_version, text_locale: "de-AT" }
}

fn field(refused: Result<Offer, NotOffered>) -> &'static str {
    match refused {
        Err(NotOffered::Invalid(invalid)) => invalid.field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn to_counselors_and_software_whole_kinds_and_single_items_are_opened_and_to_nobody_else_by_consent() {
    let item = Some(Uuid::from_u128(1));
    let kinds = [Scope::Entries, Scope::Moods, Scope::SelfChecks];
    for scope in Scope::ALL {
        for item_id in [None, item] {
            for close in [Relation::Partner, Relation::TrustedPerson] {
                assert_eq!(field(Offer::parse(close, &said(scope, item_id), now())), "scope");
            }
            for to in [Relation::Counselor, Relation::Software] {
                let offered = Offer::parse(to, &said_to(to, scope, item_id), now());
                match (kinds.contains(&scope), scope, item_id) {
                    (false, ..) => assert_eq!(field(offered), "scope"),
                    (true, Scope::Moods, Some(_)) => assert_eq!(field(offered), "item_id"),
                    _ => assert_eq!((offered.unwrap().scope, offered.unwrap().item_id), (scope, item_id)),
                }
            }
        }
    }
}

#[test]
fn ninety_days_unless_said_and_never_more_than_a_year() {
    let offered = |expires_at| {
        let said = Said { expires_at, ..said(Scope::Entries, None) };
        Offer::parse(Relation::Counselor, &said, now())
    };
    assert_eq!(offered(None).unwrap().expires_at, now() + DAY * 90);
    let year = now() + DAY * 365;
    assert_eq!(offered(Some(year)).unwrap().expires_at, year);
    let second = SignedDuration::from_secs(1);
    for wrong in [year + second, now(), now() - second] {
        assert_eq!(field(offered(Some(wrong))), "expire_time");
    }
}

#[test]
fn it_takes_a_purpose_and_the_words_that_count() {
    let offered = |said: &Said<'_>| Offer::parse(Relation::Counselor, said, now());
    for purpose in [0, 1, 4] {
        let said = Said { purpose, ..said(Scope::Entries, None) };
        assert_eq!(field(offered(&said)), "purpose");
    }
    for text_id in ["moods-to-counselor", "entries-to-software"] {
        assert_eq!(field(offered(&Said { text_id, ..said(Scope::Entries, None) })), "text_id");
    }
    // Software says of itself what it reads for; the words for a counselor are not those for it.
    let to_software = |said: &Said<'_>| Offer::parse(Relation::Software, said, now());
    for purpose in [2, 3, 4] {
        let said = Said { purpose, ..said_to(Relation::Software, Scope::Entries, None) };
        assert_eq!(to_software(&said).unwrap().purpose.number(), purpose);
    }
    for purpose in [0, 1, 5] {
        let said = Said { purpose, ..said_to(Relation::Software, Scope::Entries, None) };
        assert_eq!(field(to_software(&said)), "purpose");
    }
    assert_eq!(field(to_software(&said(Scope::Entries, None))), "text_id");
    let old = Said { text_version: 7, ..said(Scope::Entries, None) };
    let Err(NotOffered::TextChanged(text)) = offered(&old) else { panic!("old words count") };
    assert_eq!((text.id, text.version), ("entries-to-counselor", 1));
}

#[test]
fn what_is_over_says_why() {
    let (before, after) = (now() - DAY, now() + DAY);
    let of = |ended, expires_at, on_hold| ConsentState::of(ended, expires_at, on_hold, now());
    assert_eq!(of(None, after, false), ConsentState::Open);
    assert_eq!(of(None, after, true), ConsentState::OnHold);
    assert_eq!(of(None, now(), true), ConsentState::Expired);
    for end in ConsentEnd::ALL {
        assert_eq!(of(Some((before, end)), after, true), ConsentState::Ended(end));
        assert_eq!(of(Some((now(), end)), before, false), ConsentState::Expired);
        assert_eq!(ConsentEnd::stored(end.as_str()), Some(end));
    }
}
