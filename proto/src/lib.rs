//! Candor's protocol buffers: messages, clients and servers generated from `candor/**/*.proto`,
//! the descriptor set, and the field rules as code. Nothing else lives here.

// Generated code is not ours to lint.
#![allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub)]

pub mod accounts {
    pub mod v1 {
        tonic::include_proto!("candor.accounts.v1");
    }
}
pub mod content {
    pub mod v1 {
        tonic::include_proto!("candor.content.v1");
    }
}
pub mod journal {
    pub mod v1 {
        tonic::include_proto!("candor.journal.v1");
    }
}
pub mod options {
    pub mod v1 {
        tonic::include_proto!("candor.options.v1");
    }
}
pub mod reminders {
    pub mod v1 {
        tonic::include_proto!("candor.reminders.v1");
    }
}

/// Every `.proto` file with its imports and comments, as an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor_set.bin"));

/// A rule that a field breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, such as `mood.body_signs[2]`.
    pub field: String,
    /// What is wrong with it, to be read after the field's name. Never holds the value.
    pub description: &'static str,
}

/// A message that knows the rules its `.proto` declares with `buf.validate`.
pub trait Validate {
    /// Adds what is broken, with `prefix` before each field's path.
    fn collect(&self, prefix: &str, found: &mut Vec<Violation>);

    /// Everything that is broken; empty when the message keeps its rules.
    fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        self.collect("", &mut found);
        found
    }
}

/// A request of an RPC that may read what belongs to another person, as its `candor.options.v1.delegation` says.
pub trait Delegated {
    /// The number of the `candor.options.v1.Scope` it reads.
    const SCOPE: i32;

    /// The account id of the person whose data is read; empty for the caller's own.
    fn owner(&self) -> &str;

    /// The id of the one item that is read; `None` for RPCs that list.
    fn item(&self) -> Option<&str>;
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

fn check(holds: bool, prefix: &str, name: &str, description: &'static str, found: &mut Vec<Violation>) {
    if !holds {
        found.push(Violation { field: join(prefix, name), description });
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn unique<T: PartialEq>(items: &[T]) -> bool {
    items.iter().enumerate().all(|(index, item)| !items[..index].contains(item))
}

include!(concat!(env!("OUT_DIR"), "/validate.rs"));
include!(concat!(env!("OUT_DIR"), "/delegated.rs"));
include!(concat!(env!("OUT_DIR"), "/resources.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_nested_and_repeated_fields_name_the_path() {
        let request = journal::v1::WriteEntryRequest {
            entry_id: "not-a-uuid".into(),
            body: String::new(),
            mood: Some(journal::v1::Mood { pleasantness: 6, energy: 0, body_signs: vec![1, 99, 1] }),
            ..Default::default()
        };
        let found: Vec<_> = request.violations().into_iter().map(|v| (v.field, v.description)).collect();
        assert_eq!(
            found,
            [
                ("entry_id".to_owned(), "is not a UUID"),
                ("body".to_owned(), "is required"),
                ("mood.pleasantness".to_owned(), "must be 5 or less"),
                ("mood.body_signs".to_owned(), "holds the same item twice"),
                ("mood.body_signs[1]".to_owned(), "is not a known value"),
            ]
        );
    }

    #[test]
    fn a_kind_of_data_is_a_resource_type_where_the_proto_says_so() {
        let named = |scope: options::v1::Scope| resource_of(scope as i32);
        assert_eq!(named(options::v1::Scope::Entries), Some("DocumentReference"));
        assert_eq!(named(options::v1::Scope::Moods), Some("Observation"));
        assert_eq!(named(options::v1::Scope::SelfChecks), Some("QuestionnaireResponse"));
        assert_eq!(named(options::v1::Scope::SharedItems), None);
        assert_eq!(resource_of(99), None);
    }

    #[test]
    fn a_nul_character_is_refused_everywhere() {
        let request = accounts::v1::VerifyEmailRequest { token: "a\0b".into(), password: "x".into() };
        assert_eq!(request.violations()[0].description, "holds a NUL character");
    }
}
