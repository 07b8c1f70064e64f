use super::*;
use proptest::prelude::*;

fn scopes(list: &str) -> Scopes {
    Scopes::exactly(list).unwrap()
}

#[test]
fn a_scope_is_read_and_written_alike() {
    for text in ["system/*.rs", "user/Patient.r", "system/Observation.cruds", "system/Consent.s", "user/*.cd"]
    {
        assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
    }
}

#[test]
fn what_is_no_scope_of_ours_is_not_taken_for_one() {
    for text in [
        "",
        "/",
        ".",
        "system",
        "system/",
        "system/*",
        "system/*.",
        "system/.rs",
        "/*.rs",
        "*/*.rs",
        "system/*.sr",
        "system/*.rr",
        "system/*.x",
        "system/*.read",
        "system/*.write",
        "system/*.*",
        "System/*.rs",
        "SYSTEM/*.rs",
        "system/observation.rs",
        "system/Nothing.rs",
        "system/Observation.RS",
        "system/*.rs ",
        " system/*.rs",
        "system//*.rs",
        "system/*.rs?category=laboratory",
        "system/*.rs?",
        "system/Observation.rs/x",
        "system/Observation.r.s",
        "patient/*.rs",
        "launch",
        "openid",
        "fhirUser",
        "offline_access",
        "system/**.rs",
        "system/*.r\u{455}",
        "system/Observ\u{430}tion.rs",
    ] {
        assert_eq!(text.parse::<Scope>(), Err(UnknownScope), "{text:?}");
    }
}

#[test]
fn a_set_has_one_form() {
    for (given, form) in [
        ("user/*.r system/*.rs", "system/*.rs user/*.r"),
        ("system/Patient.r system/Patient.s system/Patient.r", "system/Patient.rs"),
        ("system/Patient.r system/*.rs", "system/*.rs"),
        ("system/Patient.rs system/*.r", "system/*.r system/Patient.rs"),
        ("user/Patient.r system/*.rs", "system/*.rs user/Patient.r"),
    ] {
        assert_eq!(scopes(given).to_string(), form, "{given}");
    }
}

#[test]
fn what_is_asked_is_narrowed_to_what_is_allowed() {
    for (asked, allowed, granted) in [
        ("system/*.rs", "system/*.rs", "system/*.rs"),
        ("system/Observation.rs", "system/*.rs", "system/Observation.rs"),
        ("system/*.rs", "system/Observation.r", "system/Observation.r"),
        ("system/*.cruds", "system/*.rs", "system/*.rs"),
        ("system/*.cud", "system/*.rs", ""),
        ("user/*.rs", "system/*.rs", ""),
        ("system/Patient.rs system/Observation.s", "system/Patient.r user/*.rs", "system/Patient.r"),
        ("system/*.r", "system/Patient.rs system/Observation.s", "system/Patient.r"),
    ] {
        assert_eq!(scopes(asked).within(&scopes(allowed)).to_string(), granted, "{asked} within {allowed}");
    }
}

#[test]
fn a_list_leaves_out_what_is_not_known_and_breaks_no_syntax() {
    let asked = Scopes::asked(" openid  system/*.rs launch/patient system/Observation.rs?code=1 ").unwrap();
    assert_eq!(asked.to_string(), "system/*.rs");
    assert!(Scopes::asked("").unwrap().is_empty());
    for malformed in ["system/*.rs\nuser/*.rs", "a\tb", "\"", "a\\b", "ü", "\u{0}", &"a ".repeat(51)] {
        assert_eq!(Scopes::asked(malformed), Err(Malformed), "{malformed:?}");
    }
    for wrong in ["", "system/*.rs ", "system/*.rs  user/*.rs", "system/*.rs openid", &"user/*.r ".repeat(51)]
    {
        assert_eq!(Scopes::exactly(wrong), None, "{wrong:?}");
    }
}

#[test]
fn what_may_be_done_is_what_a_scope_says() {
    let held = scopes("system/Observation.r system/*.s user/Patient.rs");
    for (context, resource, interactions, allowed) in [
        (Context::System, "Observation", Interactions::READ, true),
        (Context::System, "Observation", Interactions::READING, true),
        (Context::System, "Patient", Interactions::READ, false),
        (Context::System, "Patient", Interactions::SEARCH, true),
        (Context::User, "Patient", Interactions::READING, true),
        (Context::User, "Observation", Interactions::READ, false),
    ] {
        assert_eq!(held.allow(context, resource, interactions), allowed, "{context:?} {resource}");
    }
    assert!(!Scopes::default().allow(Context::System, "Patient", Interactions::READ));
}

fn any_scope() -> impl Strategy<Value = Scope> {
    let context = prop_oneof![Just(Context::System), Just(Context::User)];
    let names = prop::sample::select(vec![None, Some("Patient"), Some("Observation"), Some("Consent")]);
    (context, names, 1u8..32).prop_map(|(context, resource, set)| Scope {
        context,
        resource,
        interactions: Interactions(set),
    })
}

proptest! {
    #[test]
    fn a_set_survives_its_text(scopes in prop::collection::vec(any_scope(), 1..12)) {
        let set = Scopes::of(&scopes);
        prop_assert_eq!(Scopes::exactly(&set.to_string()), Some(set.clone()));
        prop_assert_eq!(Scopes::of(&set.iter().copied().collect::<Vec<_>>()), set);
    }

    /// Whatever is asked for, a token allows exactly what was both asked for and registered.
    #[test]
    fn nothing_is_granted_beyond_either(
        asked in prop::collection::vec(any_scope(), 0..8), allowed in prop::collection::vec(any_scope(), 0..8),
    ) {
        let (asked, allowed) = (Scopes::of(&asked), Scopes::of(&allowed));
        let granted = asked.within(&allowed);
        for context in [Context::System, Context::User] {
            for name in ["Patient", "Observation", "Consent", "Task"] {
                for bit in 0..5 {
                    let one = Interactions(1 << bit);
                    let both = asked.allow(context, name, one) && allowed.allow(context, name, one);
                    prop_assert_eq!(granted.allow(context, name, one), both);
                }
            }
        }
    }

    #[test]
    fn any_text_is_a_list_or_none(text in "\\PC*") {
        if let Ok(asked) = Scopes::asked(&text) {
            prop_assert!(asked.len() <= MOST_SCOPES);
        }
    }
}
