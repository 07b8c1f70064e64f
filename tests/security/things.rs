//! What a call can be about: somebody's things by name, and the same names for things that do not exist.

use crate::callers::Caller;
use serde_json::Value;
use std::collections::BTreeMap;

/// Words that only the owner, and whoever they are opened to, may read.
pub(crate) const CANARIES: [&str; 3] =
    ["otters-below-the-old-bridge", "a-lantern-in-the-reeds", "slow-water-under-alders"];

/// Names of the owner's private things: nobody else ever learns them.
const PRIVATE: [&str; 12] = [
    "$entry",
    "$assessment",
    "$inbox_item",
    "$reminder",
    "$session",
    "$email",
    "$passkey",
    "$device",
    "$care",
    "$consent",
    "$software_consent",
    "$pause",
];

/// The owner's things by their placeholders in requests.
#[derive(Clone, Default)]
pub(crate) struct Things(BTreeMap<&'static str, String>);

impl Things {
    pub(crate) fn set(&mut self, name: &'static str, value: &Value) {
        let value = value.as_str().unwrap_or_else(|| panic!("{name} is no text: {value}"));
        self.0.insert(name, value.to_owned());
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        &self.0[name]
    }

    /// The same names for nothing: ids that were never given, of the same form. Each kind of caller gets an address of
    /// their own, because attempts with one address are few.
    pub(crate) fn made_up(&self, caller: Caller) -> Self {
        let mut made_up = self.clone();
        for (n, (name, value)) in made_up.0.iter_mut().enumerate() {
            *value = match *name {
                "$email" => format!("no-{caller:?}@example.org").to_lowercase(),
                "$code" => "22222-33333-44444-55555".to_owned(),
                "$token" => value.chars().rev().collect(),
                "$open_time" | "$prompt" | "$jwks" => continue,
                _ => uuid::Uuid::from_u64_pair(0x0190_163d_8694_7000, 0x8000_0000_0000_0000 + n as u64)
                    .to_string(),
            };
        }
        made_up
    }

    /// The same names for nothing, but the owner stays.
    pub(crate) fn made_up_of_the_owner(&self, caller: Caller) -> Self {
        let mut made_up = self.made_up(caller);
        made_up.0.insert("$owner", self.0["$owner"].clone());
        made_up
    }

    /// The same names for nothing at all.
    pub(crate) fn made_up_of_nobody(&self) -> Self {
        self.made_up(Caller::Client)
    }

    /// A request about these; what has no name among them is nothing.
    pub(crate) fn request_of_anything(&self, template: &str) -> Value {
        let mut all = self.clone();
        let names = template.split('$').skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
            &rest[..end]
        });
        let mut text = template.to_owned();
        let mut unknown: Vec<_> =
            names.filter(|name| !all.0.contains_key(format!("${name}").as_str())).collect();
        unknown.sort_by_key(|name| std::cmp::Reverse(name.len()));
        for name in unknown {
            let nothing = match name {
                "code" => "22222-33333-44444-55555",
                "open_time" => "2026-03-04T19:30:00Z",
                "prompt" => "what-was-good",
                _ => "0190163d-8694-7000-8000-0000000000ff",
            };
            text = text.replace(&format!("${name}"), nothing);
        }
        all.0.retain(|name, _| template.contains(*name));
        all.request(&text)
    }

    /// A request about these.
    pub(crate) fn request(&self, template: &str) -> Value {
        // Longer names first: `$check_in` begins like `$check_in_schedule`.
        let mut names: Vec<_> = self.0.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let mut text = template.to_owned();
        for (name, value) in names {
            text = text.replace(name, value);
        }
        assert!(!text.contains('$'), "an unknown name in {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// What of the owner's is in an answer that the asker did not bring themselves.
    pub(crate) fn betrayed(&self, request: &Value, answer: &Value) -> Vec<String> {
        let (request, answer) = (request.to_string(), answer.to_string());
        let private = PRIVATE.iter().filter_map(|name| self.0.get(name)).map(String::as_str);
        let told = CANARIES.into_iter().chain(private);
        told.filter(|text| answer.contains(text) && !request.contains(text)).map(str::to_owned).collect()
    }
}
