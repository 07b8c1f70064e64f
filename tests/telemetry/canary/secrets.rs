//! What must be nowhere: the words that the story puts into private fields, and every secret that Candor made up. Which
//! fields are private, their marks in the protos say.

use super::guises::word;
use candor_proto::DESCRIPTOR_SET;
use prost_reflect::{DescriptorPool, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Every message and call of ours.
pub(crate) static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTOR_SET).unwrap());
static MARK: LazyLock<ExtensionDescriptor> =
    LazyLock::new(|| POOL.get_extension_by_name("candor.options.v1.sensitivity").unwrap());

/// `SENSITIVITY_SEALED`.
const SEALED: i32 = 3;
/// What is shorter is found by chance. The code for support is this long.
const SHORTEST: usize = 11;

/// What must be nowhere, by its value: what it is.
#[derive(Default)]
pub(crate) struct Secrets {
    values: BTreeMap<String, String>,
    fields: BTreeSet<String>,
    short: BTreeSet<String>,
    words: u64,
}

impl Secrets {
    /// A word that is a secret from now on.
    pub(crate) fn word(&mut self, what: &str) -> String {
        self.words += 1;
        let word = word(self.words);
        self.values.insert(word.clone(), what.to_owned());
        word
    }

    /// A text with such a word, and with characters that are written differently nearly everywhere.
    pub(crate) fn text(&mut self, what: &str) -> String {
        format!("{} \u{fc}&<\"'\\ end", self.word(what))
    }

    /// Everything so far.
    pub(crate) fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// The fields whose values have been seen, and are looked for.
    pub(crate) fn fields(&self) -> &BTreeSet<String> {
        &self.fields
    }

    /// The fields of which nothing is looked for, because all that was seen of them is short.
    pub(crate) fn only_short(&self) -> BTreeSet<String> {
        &self.short - &self.fields
    }

    /// Looks through a message for private fields, and takes the values as secrets.
    pub(crate) fn see(&mut self, message: &MessageDescriptor, json: &Value) {
        for (name, value) in json.as_object().into_iter().flatten() {
            let Some(field) = message.get_field_by_json_name(name) else { continue };
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for value in values {
                match (field.kind(), value) {
                    (Kind::Message(inner), value) => self.see(&inner, value),
                    (Kind::String, Value::String(text)) if is_sealed(&field) => self.keep(&field, text),
                    _ => {}
                }
            }
        }
    }

    /// What is too short to be looked for is noted apart: its field was not put to the test.
    fn keep(&mut self, field: &FieldDescriptor, text: &str) {
        let known = self.values.keys().any(|known| text.contains(known.as_str()));
        if !known && text.len() < SHORTEST {
            self.short.insert(field.full_name().to_owned());
            return;
        }
        self.fields.insert(field.full_name().to_owned());
        if !known {
            self.take(field.full_name(), text);
        }
    }

    /// A secret that Candor made up.
    pub(crate) fn take(&mut self, what: &str, text: &str) {
        self.values.insert(text.to_owned(), what.to_owned());
        // A code also without its dashes; a signed token also by its signature, which is what makes it one.
        let dense = text.replace('-', "");
        let signature = text.rsplit('.').next().filter(|_| text.starts_with("eyJ"));
        for part in [Some(dense.as_str()), signature].into_iter().flatten() {
            self.values.insert(part.to_owned(), what.to_owned());
        }
    }
}

fn is_sealed(field: &FieldDescriptor) -> bool {
    field.options().get_extension(&MARK).as_enum_number() == Some(SEALED)
}

/// Every private field with a text, in all messages.
pub(crate) fn private_fields() -> BTreeSet<String> {
    let messages = POOL.all_messages().filter(|message| message.full_name().starts_with("candor."));
    let fields = messages.flat_map(|message| message.fields().collect::<Vec<_>>());
    let private = fields.filter(|field| field.kind() == Kind::String && is_sealed(field));
    private.map(|field| field.full_name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn private_fields_are_known_by_their_marks() {
        let mut secrets = Secrets::default();
        let request = POOL.get_message_by_name("candor.journal.v1.ShareItemRequest").unwrap();
        let words = secrets.text("words");
        secrets.see(&request, &json!({"shareId": "0190", "selection": {"words": words}}));
        let code = "22222-33333-44444-55555";
        let response = POOL.get_message_by_name("candor.accounts.v1.InvitePartnerResponse").unwrap();
        secrets.see(&response, &json!({"invitationId": "a long plain value", "code": code}));
        let seen: Vec<&str> = secrets.fields().iter().map(String::as_str).collect();
        assert_eq!(
            seen,
            ["candor.accounts.v1.InvitePartnerResponse.code", "candor.journal.v1.Selection.words"]
        );
        assert!(secrets.only_short().is_empty());
        let confirm = POOL.get_message_by_name("candor.accounts.v1.ConfirmTotpRequest").unwrap();
        secrets.see(&confirm, &json!({"code": "123456"}));
        let code = "candor.accounts.v1.ConfirmTotpRequest.code";
        assert!(secrets.only_short().contains(code) && !secrets.fields().contains(code));
        let values: Vec<&str> = secrets.values().keys().map(String::as_str).collect();
        assert_eq!(values, ["22222-33333-44444-55555", "22222333334444455555", &words[..14]]);
        assert!(secrets.fields().is_subset(&private_fields()));
    }
}
