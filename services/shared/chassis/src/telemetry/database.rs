//! What sqlx says of its work, as spans and durations. It is the one place for all of it, whichever service asks
//! whichever database: a statement that is run inside a traced span becomes a child of it, and each connection that a pool
//! hands out tells how long it was waited for. Outside a trace, and where nobody collects traces, statements cost nothing.

use super::metrics;
use opentelemetry::metrics::Histogram;
use opentelemetry::trace::{Span as _, SpanKind, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::DynFilterFn;
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

/// sqlx's word on a statement that has ended.
const STATEMENT: &str = "sqlx::query";
/// sqlx's word on a connection that was handed out, where a pool is told to say it.
const ACQUIRED: &str = "sqlx::pool::acquire";

/// Listens to sqlx; to what it says of statements only where spans are collected. Made after the process' meter is set.
pub(super) fn layer<S>(tracer: SdkTracer, collected: bool) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let waits =
        metrics::histogram("candor_database_wait", "How long connections to a database are waited for.");
    let wanted = |metadata: &Metadata<'_>, _: &layer::Context<'_, S>| match metadata.target() {
        STATEMENT => Context::current().span().is_recording(),
        target => target == ACQUIRED,
    };
    let wanted = DynFilterFn::new(wanted).with_callsite_filter(move |metadata| match metadata.target() {
        STATEMENT if collected => Interest::sometimes(),
        ACQUIRED => Interest::sometimes(),
        _ => Interest::never(),
    });
    Listener { tracer, waits }.with_filter(wanted)
}

struct Listener {
    tracer: SdkTracer,
    waits: Histogram<f64>,
}

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        match (event.metadata().target(), said.waited, said.elapsed) {
            (ACQUIRED, Some(waited), _) => self.waits.record(waited, &[]),
            (STATEMENT, _, Some(elapsed)) => self.span(&said, elapsed),
            _ => {}
        }
    }
}

impl Listener {
    /// A span that has ended already. Of the statement's text it has the verb and the table.
    fn span(&self, said: &Said, elapsed: Duration) {
        let parent = Context::current();
        let end = opentelemetry::time::now();
        let Summary { verb, table } = Summary::of(&said.statement);
        let name = if table.is_empty() { verb.to_owned() } else { format!("{verb} {table}") };
        let mut attributes = vec![
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.operation.name", verb.to_owned()),
            KeyValue::new("db.response.returned_rows", said.returned),
            KeyValue::new("db.response.affected_rows", said.affected),
        ];
        if !table.is_empty() {
            attributes.push(KeyValue::new("db.collection.name", table.to_owned()));
        }
        let span = self.tracer.span_builder(name).with_kind(SpanKind::Client).with_attributes(attributes);
        let span = span.with_start_time(end.checked_sub(elapsed).unwrap_or(end));
        span.start_with_context(&self.tracer, &parent).end_with_timestamp(end);
    }
}

/// The fields of sqlx's events that are of use here.
#[derive(Default)]
struct Said {
    statement: String,
    elapsed: Option<Duration>,
    returned: i64,
    affected: i64,
    waited: Option<f64>,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" if self.statement.is_empty() => self.statement = value.to_owned(),
            // Empty where the summary is the whole.
            "db.statement" if !value.is_empty() => self.statement = value.to_owned(),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        match field.name() {
            "rows_returned" => self.returned = value,
            "rows_affected" => self.affected = value,
            _ => {}
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match field.name() {
            "elapsed_secs" => self.elapsed = Duration::try_from_secs_f64(value).ok(),
            "acquired_after_secs" => self.waited = Some(value),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// What a statement does, and to what first of all.
#[derive(Debug, PartialEq, Eq)]
struct Summary<'a> {
    verb: &'a str,
    table: &'a str,
}

impl<'a> Summary<'a> {
    fn of(statement: &'a str) -> Self {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let words = || statement.split(|c: char| !is_word(c)).filter(|word| !word.is_empty());
        let leads =
            |word: &str| ["FROM", "INTO", "UPDATE"].iter().any(|lead| word.eq_ignore_ascii_case(lead));
        // Not `DO UPDATE SET`, nor `FROM UNNEST(…)`, nor `FOR UPDATE SKIP LOCKED`.
        let mut named = words().zip(words().skip(1)).filter(|(word, name)| leads(word) && !is_keyword(name));
        let verb = words().next().unwrap_or("statement");
        let table = named.next().map_or("", |(_, table)| table);
        Self { verb, table }
    }
}

fn is_keyword(word: &str) -> bool {
    ["SET", "UNNEST", "SELECT", "ONLY", "LATERAL", "OF", "SKIP"]
        .iter()
        .any(|one| word.eq_ignore_ascii_case(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::kept::Kept;
    use opentelemetry_sdk::trace::{Sampler, SpanData};

    #[test]
    fn a_statement_is_told_by_its_verb_and_its_table() {
        let told = |statement| {
            let Summary { verb, table } = Summary::of(statement);
            format!("{verb} {table}")
        };
        assert_eq!(told("\n\nSELECT a, b\n FROM entries WHERE id = $1\n"), "SELECT entries");
        assert_eq!(told("INSERT INTO bus.outbox (id) SELECT * FROM UNNEST($1)"), "INSERT bus.outbox");
        assert_eq!(told("WITH due AS (SELECT id FROM bus.outbox FOR UPDATE)"), "WITH bus.outbox");
        assert_eq!(told("UPDATE sessions SET ended_at = $1"), "UPDATE sessions");
        assert_eq!(told("SELECT id FROM UNNEST($1) AS id"), "SELECT ");
        assert_eq!(told("COMMIT"), "COMMIT ");
        assert_eq!(told(""), "statement ");
    }

    /// Says what sqlx says of a statement, outside and inside a span of a sampler's choice; answers with the spans made.
    fn spans(sampler: Sampler) -> Vec<SpanData> {
        let (kept, _here) = Kept::here(sampler);
        let say = || {
            tracing::debug!(
                target: STATEMENT,
                summary = "SELECT word FROM …",
                db.statement = "\n\nSELECT word FROM diary WHERE word = 'dear'\n",
                rows_affected = 0_u64,
                rows_returned = 3_u64,
                elapsed_secs = 0.25,
            );
        };
        say(); // outside a trace it is nobody's
        tracing::info_span!("work").in_scope(say);
        kept.spans()
    }

    #[test]
    fn a_statement_is_a_child_of_the_span_it_is_run_in_and_says_nothing_of_its_text() {
        let spans = spans(Sampler::AlwaysOn);
        assert_eq!(spans.len(), 2);
        let (statement, work) = (&spans[0], &spans[1]);
        assert_eq!((&*statement.name, &*work.name), ("SELECT diary", "work"));
        assert_eq!(statement.parent_span_id, work.span_context.span_id());
        assert_eq!(statement.span_kind, SpanKind::Client);
        let lasted = statement.end_time.duration_since(statement.start_time).unwrap();
        assert_eq!(lasted, Duration::from_millis(250));
        assert!(!format!("{statement:?}").contains("dear"), "{statement:?}");
        assert!(spans.iter().all(|span| span.events.is_empty()));
    }

    #[test]
    fn nothing_is_made_of_a_statement_in_a_trace_that_is_not_kept() {
        assert!(spans(Sampler::AlwaysOff).is_empty());
    }
}
