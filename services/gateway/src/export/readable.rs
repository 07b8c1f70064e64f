//! The same to be read by people: plain pages that need nothing but a browser, no network and no script. The templates escape
//! whatever they are given, and the pages themselves forbid anything to be loaded or run.

use super::others::LEFT_OUT;
use super::sections::Section;
use super::{FORMAT, VERSION, Written};
use crate::pages::words;
use askama::Template;
use jiff::tz::TimeZone;
use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, ReflectMessage as _, Value};

/// Something as it is shown: a text, named fields, or several of the kind.
#[derive(Template, Default)]
#[template(path = "export_value.html")]
struct Shown {
    text: String,
    /// Whether the text says that something is left out.
    left_out: bool,
    fields: Vec<Named>,
    many: Vec<Shown>,
}

struct Named {
    name: String,
    value: Shown,
}

#[derive(Template)]
#[template(path = "export_page.html")]
struct Page {
    title: &'static str,
    before: Option<String>,
    after: Option<String>,
    things: Vec<Shown>,
}

#[derive(Template)]
#[template(path = "export_index.html")]
struct Index<'a> {
    day: String,
    time: String,
    zone: &'a str,
    parts: Vec<Part>,
    left_out: &'static str,
}

struct Part {
    title: &'static str,
    first: String,
    pages: usize,
    empty: bool,
}

#[derive(Template)]
#[template(path = "export_readme.txt")]
struct Readme {
    left_out: &'static str,
    format: &'static str,
    version: u32,
}

/// A page of a section, `number` from 1, and whether there is anything on it.
pub(super) fn page(
    section: &Section,
    number: usize,
    is_last: bool,
    replies: &[DynamicMessage],
    zone: &TimeZone,
) -> askama::Result<(String, bool)> {
    let things: Vec<Shown> = replies.iter().flat_map(|reply| things(reply, zone)).collect();
    let file = |number: usize| {
        let file = section.file(number, "html");
        file.rsplit('/').next().unwrap_or_default().to_owned()
    };
    let any = !things.is_empty();
    let page = Page {
        title: section.title,
        before: (number > 1).then(|| file(number - 1)),
        after: (!is_last).then(|| file(number + 1)),
        things,
    };
    Ok((page.render()?, any))
}

/// The page that leads to all others.
pub(super) fn index(
    written: &[Written],
    now: &prost_types::Timestamp,
    zone: &TimeZone,
) -> askama::Result<String> {
    let parts = written.iter().map(|written| Part {
        title: written.section.title,
        first: written.section.file(1, "html"),
        pages: written.pages,
        empty: written.empty,
    });
    let (day, time) =
        words::moment(Some(now), zone).map(|moment| (moment.day, moment.time)).unwrap_or_default();
    let zone = zone.iana_name().unwrap_or("UTC");
    Index { day, time, zone, parts: parts.collect(), left_out: LEFT_OUT }.render()
}

/// What says how to read the files.
pub(super) fn readme() -> askama::Result<String> {
    Readme { left_out: LEFT_OUT, format: FORMAT, version: VERSION }.render()
}

/// The things of an answer: each of a list, or the answer itself.
fn things(reply: &DynamicMessage, zone: &TimeZone) -> Vec<Shown> {
    let mut things = Vec::new();
    let mut rest = Vec::new();
    for (field, value) in shown_fields(reply) {
        match value {
            Value::List(values) if field.kind().as_message().is_some() => {
                things.extend(values.iter().map(|value| show(&field, value, zone)));
            }
            Value::Message(message) if !is_time(message) => things.push(show(&field, value, zone)),
            _ => rest.push(Named { name: words_of(field.name()), value: show(&field, value, zone) }),
        }
    }
    if !rest.is_empty() {
        things.insert(0, Shown { fields: rest, ..Shown::default() });
    }
    things.retain(|thing| !thing.is_empty());
    things
}

impl Shown {
    fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.fields.is_empty() && self.many.is_empty()
    }
}

/// The fields that people want to read, what names a thing first and its text last. Ids are left to programs.
fn shown_fields(message: &DynamicMessage) -> Vec<(FieldDescriptor, &Value)> {
    let mut fields: Vec<_> = message.fields().filter(|(field, value)| !is_id(field, value)).collect();
    fields.sort_by_key(|(field, _)| match field.name() {
        "title" | "name" | "called" => 0,
        "body" | "text" => 2,
        _ => 1,
    });
    fields
}

fn is_id(field: &FieldDescriptor, value: &Value) -> bool {
    let id = |value: &Value| value.as_str().is_some_and(|text| uuid::Uuid::try_parse(text).is_ok());
    match value {
        Value::String(_) => field.name().ends_with("_id") && id(value),
        Value::List(values) => field.name().ends_with("_ids") && values.iter().all(id),
        _ => false,
    }
}

fn show(field: &FieldDescriptor, value: &Value, zone: &TimeZone) -> Shown {
    match value {
        Value::List(values) => {
            Shown { many: values.iter().map(|value| show(field, value, zone)).collect(), ..Shown::default() }
        }
        Value::Message(message) if is_time(message) => Shown::of(time(message, zone)),
        Value::Message(message) => {
            let fields = shown_fields(message).into_iter();
            let named = fields.map(|(field, value)| Named {
                name: words_of(field.name()),
                value: show(&field, value, zone),
            });
            Shown { fields: named.filter(|named| !named.value.is_empty()).collect(), ..Shown::default() }
        }
        Value::String(text) => Shown { left_out: text == LEFT_OUT, ..Shown::of(text) },
        Value::Bool(yes) => Shown::of(if *yes { "yes" } else { "no" }),
        Value::EnumNumber(number) => match field.kind() {
            Kind::Enum(kind) => Shown::of(choice(&kind, *number)),
            _ => Shown::of(number.to_string()),
        },
        Value::I32(number) => Shown::of(number.to_string()),
        Value::I64(number) => Shown::of(number.to_string()),
        Value::U32(number) => Shown::of(number.to_string()),
        Value::U64(number) => Shown::of(number.to_string()),
        Value::F32(number) => Shown::of(number.to_string()),
        Value::F64(number) => Shown::of(number.to_string()),
        // No answer has any; programs find them in the other file.
        Value::Bytes(_) | Value::Map(_) => Shown::default(),
    }
}

fn is_time(message: &DynamicMessage) -> bool {
    message.descriptor().full_name() == "google.protobuf.Timestamp"
}

fn time(message: &DynamicMessage, zone: &TimeZone) -> String {
    let stamp = message.transcode_to::<prost_types::Timestamp>().ok();
    words::moment(stamp.as_ref(), zone).map(|at| format!("{}, {}", at.day, at.time)).unwrap_or_default()
}

/// The words of a choice: `BODY_SIGN_TIGHT_CHEST` of `BodySign` is "Tight chest".
fn choice(kind: &EnumDescriptor, number: i32) -> String {
    let Some(value) = kind.get_value(number) else { return number.to_string() };
    let own = kind.name().chars().filter(char::is_ascii_uppercase).count();
    // The kind's name stands before each of its values, with a line where a capital was.
    let before = kind.name().len() + own;
    words_of(&value.name().get(before..).unwrap_or(value.name()).to_ascii_lowercase())
}

/// The words of a field's name: `entry_time` is "Entry time".
fn words_of(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters.map(|letter| if letter == '_' { ' ' } else { letter })).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sections::SECTIONS;
    use super::*;
    use candor_proto::DESCRIPTOR_SET;
    use candor_proto::journal::v1::{BodySign, Entry, ListEntriesResponse, Mood};
    use prost::Message as _;
    use prost_reflect::DescriptorPool;

    const ID: &str = "018f0000-0000-7000-8000-000000000001";

    fn entries(entries: Vec<Entry>) -> DynamicMessage {
        let reply = ListEntriesResponse { entries, next_page_token: String::new() };
        let pool = DescriptorPool::decode(DESCRIPTOR_SET).unwrap();
        let descriptor = pool.get_message_by_name("candor.journal.v1.ListEntriesResponse").unwrap();
        DynamicMessage::decode(descriptor, &reply.encode_to_vec()[..]).unwrap()
    }

    fn entry(body: &str) -> Entry {
        Entry {
            entry_id: ID.into(),
            body: body.into(),
            title: "A title".into(),
            entry_time: Some(prost_types::Timestamp { seconds: 1_773_127_800, nanos: 0 }),
            mood: Some(Mood { energy: 2, body_signs: vec![BodySign::TightChest.into()], ..Mood::default() }),
            ..Entry::default()
        }
    }

    fn shown(number: usize, is_last: bool, all: Vec<Entry>) -> (String, bool) {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        page(&SECTIONS[0], number, is_last, &[entries(all)], &zone).unwrap()
    }

    #[test]
    fn an_entry_is_read_without_knowing_anything_of_programs() {
        let (page, any) = shown(2, false, vec![entry("First.\n\nSecond.")]);
        assert!(any && page.contains("<h1>What you wrote</h1>"), "{page}");
        let places: Vec<_> = ["A title", "Tuesday, 10 March 2026, 08:30", "Tight chest", "First.\n\nSecond."]
            .iter()
            .map(|words| page.find(words).unwrap_or_else(|| panic!("{words}: {page}")))
            .collect();
        assert!(places.is_sorted(), "what names it first, its text last");
        assert!(!page.contains(ID), "ids are for programs");
        assert!(page.contains("href=\"entries-1.html\"") && page.contains("href=\"entries-3.html\""));
    }

    #[test]
    fn what_is_typed_is_shown_and_never_run() {
        let hostile = "</dd></article><script>alert(1)</script><img src=x onerror=\"alert('2')\">&amp;";
        let (page, _) = shown(1, true, vec![Entry { title: hostile.into(), ..entry(hostile) }]);
        for tag in ["<script", "<img", "onerror=\""] {
            assert!(!page.contains(tag), "{page}");
        }
        assert_eq!(
            page.matches("&lt;script&gt;").count() + page.matches("&#60;script&#62;").count(),
            2,
            "{page}"
        );
        assert_eq!(page.matches("</article>").count(), 1);
        // Were one to get through, the page forbids it to run and to load.
        assert!(page.contains("default-src 'none'"));
        for place in ["http:", "https:", "//"] {
            assert!(!page.contains(place), "the page asks nobody for anything");
        }
    }

    #[test]
    fn the_first_page_leads_to_all_and_says_what_is_missing() {
        let parts = [
            Written { section: &SECTIONS[0], pages: 3, empty: false },
            Written { section: &SECTIONS[1], pages: 1, empty: true },
        ];
        let now = prost_types::Timestamp { seconds: 1_773_127_800, nanos: 0 };
        let index = index(&parts, &now, &TimeZone::UTC).unwrap();
        assert!(index.contains("href=\"journal/entries-1.html\"") && index.contains("(3 pages)"), "{index}");
        assert!(index.contains("How you felt: nothing") && index.contains("somebody else"));
        assert!(readme().unwrap().contains("\"candor-export\""));
    }
}
