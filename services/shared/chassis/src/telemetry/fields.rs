//! A span's fields as the text of a JSON object, which a log line within the span shows. Every call has spans and few say
//! anything, so the text is written once and added to, without a tree of values in between.

use std::fmt::{self, Write as _};
use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::{FormatFields, Writer};

/// The format.
pub(super) struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        writer.write_char('{')?;
        let mut members = Members { writer, first: true, written: Ok(()) };
        fields.record(&mut members);
        members.written?;
        members.writer.write_char('}')
    }

    fn add_fields(&self, current: &'writer mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        let open = current.fields.pop() == Some('}');
        if !open {
            current.fields.push('{');
        }
        let first = current.fields.len() == 1;
        let mut members = Members { writer: current.as_writer(), first, written: Ok(()) };
        fields.record(&mut members);
        members.written?;
        members.writer.write_char('}')
    }
}

/// The members of an object, as they come. Of two with the same name whoever reads it takes the later.
struct Members<'writer> {
    writer: Writer<'writer>,
    first: bool,
    written: fmt::Result,
}

/// Adds a member to the text of an object. Neither name nor value holds what JSON would have to escape.
pub(super) fn add(object: &mut String, name: &str, value: &str) {
    let open = object.pop() == Some('}');
    let comma = if open && object.len() > 1 { "," } else { "" };
    let _ = write!(object, "{}{comma}\"{name}\":\"{value}\"}}", if open { "" } else { "{" });
}

/// Whether a field is for traces alone: what a log line needs of a span is said by the others.
fn is_for_traces(field: &Field) -> bool {
    let name = field.name();
    name.starts_with("otel.") || matches!(name, "rpc.system" | "rpc.grpc.status_code")
}

impl Members<'_> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.written.is_ok() && !is_for_traces(field) {
            self.written = self.name(field).and_then(|()| value(&mut self.writer));
        }
    }

    fn name(&mut self, field: &Field) -> fmt::Result {
        if !std::mem::replace(&mut self.first, false) {
            self.writer.write_char(',')?;
        }
        let name = field.name();
        self.writer.write_char('"')?;
        // As the keyword it would have been.
        Escaped(&mut self.writer).write_str(name.strip_prefix("r#").unwrap_or(name))?;
        self.writer.write_str("\":")
    }
}

impl Visit for Members<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |writer| string(writer, format_args!("{value}")));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON knows neither infinity nor what is no number.
        self.member(field, |writer| {
            if value.is_finite() { write!(writer, "{value}") } else { writer.write_str("null") }
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field, |writer| string(writer, format_args!("{value:?}")));
    }
}

fn string(writer: &mut Writer<'_>, value: fmt::Arguments<'_>) -> fmt::Result {
    writer.write_char('"')?;
    Escaped(writer).write_fmt(value)?;
    writer.write_char('"')
}

/// Writes what stands within the quotes of a JSON string.
struct Escaped<'a, 'writer>(&'a mut Writer<'writer>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        let special = |byte: u8| byte < 0x20 || matches!(byte, b'"' | b'\\');
        while let Some(at) = text.bytes().position(special) {
            let (plain, rest) = text.split_at(at);
            self.0.write_str(plain)?;
            match rest.as_bytes()[0] {
                byte @ (b'"' | b'\\') => write!(self.0, "\\{}", char::from(byte))?,
                byte => write!(self.0, "\\u{byte:04x}")?,
            }
            text = &rest[1..];
        }
        self.0.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::sync::{Arc, Mutex};
    use tracing::{Subscriber, span};
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt as _};
    use tracing_subscriber::registry::LookupSpan;

    /// Keeps the text of the last span that was made or changed, as the log would.
    #[derive(Clone, Default)]
    struct Text(Arc<Mutex<String>>);

    impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Text {
        fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
            let mut fields = FormattedFields::<Fields>::new(String::new());
            Fields.format_fields(fields.as_writer(), attributes).unwrap();
            self.0.lock().unwrap().clone_from(&fields.fields);
            context.span(id).unwrap().extensions_mut().insert(fields);
        }

        fn on_record(&self, id: &span::Id, values: &Record<'_>, context: Context<'_, S>) {
            let span = context.span(id).unwrap();
            let mut extensions = span.extensions_mut();
            let fields: &mut FormattedFields<Fields> = extensions.get_mut().unwrap();
            Fields.add_fields(fields, values).unwrap();
            self.0.lock().unwrap().clone_from(&fields.fields);
        }
    }

    /// What the log shows of a span.
    fn shown(work: impl FnOnce()) -> Value {
        let text = Text::default();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(text.clone()), work);
        let text = text.0.lock().unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn a_member_is_added_to_any_object() {
        for (before, after) in
            [("{}", r#"{"id":"7"}"#), (r#"{"a":1}"#, r#"{"a":1,"id":"7"}"#), ("", r#"{"id":"7"}"#)]
        {
            let mut object = before.to_owned();
            add(&mut object, "id", "7");
            assert_eq!(object, after);
        }
    }

    #[test]
    fn fields_of_every_kind_are_an_object() {
        let object = shown(|| {
            let quoted = "a \"b\" \\ c\n\u{1}ü";
            tracing::info_span!("s", quoted, of.i = -1_i64, u = 2_u64, yes = true, half = 0.5, none = f64::NAN, shown = ?quoted);
        });
        let quoted = "a \"b\" \\ c\n\u{1}ü";
        let expected = json!({"quoted": quoted, "of.i": -1, "u": 2, "yes": true, "half": 0.5, "none": null, "shown": format!("{quoted:?}")});
        assert_eq!(object, expected);
    }

    #[test]
    fn what_is_recorded_later_is_added_and_the_last_word_holds() {
        assert_eq!(shown(|| drop(tracing::info_span!("s"))), json!({}));
        let object = shown(|| {
            let span = tracing::info_span!("s", first = tracing::field::Empty, second = "x");
            span.record("first", "y");
            span.record("second", 2);
        });
        assert_eq!(object, json!({"first": "y", "second": 2}));
    }
}
