//! How far scopes of software reach: what the proto calls a kind of data, in the syntax of SMART App Launch 2. Listing a kind
//! is searching (`s`), and getting one item is reading (`r`).

use crate::domain::{Reach, Scope};
use chassis::identity::{Context, Interactions, Scopes};

/// How far these scopes reach for all of a kind of data, or for one item of it.
pub(super) fn of(scopes: &Scopes, scope: Scope, one_item: bool) -> Reach {
    let Some(resource) = candor_proto::resource_of(scope.number()) else { return Reach::default() };
    let needed = if one_item { Interactions::READ } else { Interactions::SEARCH };
    Reach {
        system: scopes.allow(Context::System, resource, needed),
        user: scopes.allow(Context::User, resource, needed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Relation;
    use proptest::prelude::*;

    /// What a scope reaches, read off its text.
    fn reaches(text: &str, context: &str, scope: Scope, letter: char) -> bool {
        let resource = match scope {
            Scope::Entries => "DocumentReference",
            Scope::Moods => "Observation",
            Scope::SelfChecks => "QuestionnaireResponse",
            _ => return false,
        };
        let (said, rest) = text.split_once('/').unwrap();
        let (what, letters) = rest.split_once('.').unwrap();
        said == context && ["*", resource].contains(&what) && letters.contains(letter)
    }

    fn any_text() -> impl Strategy<Value = String> {
        let resources = ["*", "DocumentReference", "Observation", "QuestionnaireResponse", "Patient"];
        let parts = (
            prop::sample::select(vec!["system", "user"]),
            prop::sample::select(resources.to_vec()),
            prop::sample::select(vec!["r", "s", "rs"]),
        );
        parts.prop_map(|(context, resource, letters)| format!("{context}/{resource}.{letters}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn as_far_as_one_of_them_says_and_no_further(
            texts in prop::collection::vec(any_text(), 1..5), scope in prop::sample::select(Scope::ALL.to_vec()),
            one_item: bool,
        ) {
            let scopes = Scopes::exactly(&texts.join(" ")).unwrap();
            let letter = if one_item { 'r' } else { 's' };
            let said = |context| texts.iter().any(|text| reaches(text, context, scope, letter));
            prop_assert_eq!(of(&scopes, scope, one_item), Reach { system: said("system"), user: said("user") });
        }
    }

    #[test]
    fn whatever_can_be_opened_to_software_has_a_resource_and_nothing_else_has() {
        for scope in Scope::ALL {
            let can = Relation::Software.takes(scope, false) || Relation::Software.takes(scope, true);
            assert_eq!(candor_proto::resource_of(scope.number()).is_some(), can, "{}", scope.as_str());
        }
    }
}
