//! Nothing private is anywhere but in front of its people. A whole life is lived, and much of it goes wrong, with a word in
//! every private field that stands nowhere else; then logs, traces, metrics, what the broker got, dumps of every database,
//! PostgreSQL's own log and all refusals are searched for each of these words, and for every secret that Candor made up,
//! in every guise. Last, words are put in on purpose, and found.

mod addresses;
mod call;
mod consents;
mod errors;
mod guards;
mod guises;
mod house;
mod life;
mod secrets;
mod trust;

use crate::people::text;
use candor_tests::eventually;
use guises::{Search, word};
use house::{House, PATIENCE, Said};
use life::{PERSONAL, Two};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use std::collections::{BTreeMap, BTreeSet};

/// The trace of the last thing that happens.
const LAST: &str = "00000000000000000000000000c0ffee";

/// What may be said. Who calls with a parameter that does not exist is told its name, where it is no more than a name, so
/// that they find their mistake; values are never repeated.
const ALLOWED: [&str; 1] = ["what callers were told: the name of a parameter as itself"];

#[tokio::test]
async fn nothing_private_is_said_anywhere() {
    let mut house = House::start().await;
    let two = life::live(&house).await;
    errors::every_field_of_every_call_is_wrong(&house, &two.anna).await;
    errors::nonsense(&house, &two.anna).await;
    errors::no_table_takes_a_row(&house, &two).await;
    errors::no_database_is_there(&mut house, &two).await;
    two.anna.ok(&house, "accounts.CoupleService.UnlinkPartner", json!({})).await;
    everything_private_was_used(&house);
    let entry_id = everything_has_got_around(&house, &two).await;

    let said = house.said().await;
    everything_was_heard(&said, &entry_id);
    let (allowed, leaks): (BTreeSet<_>, BTreeSet<_>) =
        house.leaks(&said).into_iter().partition(|leak| ALLOWED.iter().any(|what| leak.starts_with(what)));
    assert!(leaks.is_empty(), "{} leaks: {leaks:#?}", leaks.len());
    assert_eq!(allowed.len(), ALLOWED.len(), "what is allowed is there: {allowed:#?}");
    what_is_personal_is_only_in_databases_and_events(&said);
    what_is_put_in_is_found(&house, &two).await;
    house.five.stop().await;
}

/// Private fields that hold nothing long enough to be looked for: six digits, one answer of a few, and the counselor of
/// software that is the house's own, which has none.
const SHORT: [&str; 4] = [
    "candor.accounts.v1.ConfirmTotpRequest.code",
    "candor.accounts.v1.Software.counselor_name",
    "candor.accounts.v1.SoftwareConsent.counselor_name",
    "candor.journal.v1.ItemAnswer.code",
];

/// Each private field of the protos has been filled or answered, with a value that can be searched for.
fn everything_private_was_used(house: &House) {
    let secrets = house.secrets.borrow();
    let short = BTreeSet::from(SHORT.map(str::to_owned));
    assert_eq!(secrets.only_short(), short, "the list of what is too short to be looked for is true");
    let unused = &(&secrets::private_fields() - secrets.fields()) - &short;
    assert!(unused.is_empty(), "\n{unused:#?}\n→ let the story use these\n");
}

/// One more entry, and each of its five processes has told of it; whatever came before has been told, too.
async fn everything_has_got_around(house: &House, two: &Two) -> String {
    let body = json!({"body": house.text("an entry"), "timeZone": life::TIME_ZONE}).to_string();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("authorization", format!("Bearer {}", two.anna.secret)),
        ("traceparent", format!("00-{LAST}-00000000c0ffee00-01")),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value));
    house.send("GET", "/v1/me", &headers, Vec::new()).await;
    let reply = house.send("POST", "/v1/entries", &headers, body.into_bytes()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let programs: BTreeSet<&str> = candor_tests::five::PROGRAMS.into();
    eventually("all have told of the last calls", PATIENCE, async || {
        let spans = house.collector.trace(LAST);
        spans.iter().map(|span| span.service.as_str()).collect::<BTreeSet<_>>() == programs
    })
    .await;
    eventually("no event waits to be tried again", PATIENCE, async || {
        house.five.clock.advance(jiff::SignedDuration::from_mins(20));
        let mut waiting = 0;
        for service in ["content", "reminders"] {
            let mut database = PgConnection::connect(house.five.database_url(service)).await.unwrap();
            let aside = "SELECT count(*) FROM bus.inbox_retry";
            waiting += sqlx::query_scalar::<_, i64>(aside).fetch_one(&mut database).await.unwrap();
        }
        waiting == 0
    })
    .await;
    let entry: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    text(&entry["entry"]["entryId"])
}

/// What is searched is not empty by mistake.
fn everything_was_heard(said: &Said, entry_id: &str) {
    let holds = |place: &str, what: &str| {
        let there = Search::for_texts(&[what]).found(&said[place]);
        assert!(!there.is_empty(), "{place} holds {what}");
    };
    for program in candor_tests::five::PROGRAMS {
        holds(&format!("the log of {program}"), "\"level\":\"DEBUG\"");
        holds(&format!("the metrics of {program}"), "candor_process_uptime_seconds");
    }
    for service in ["accounts", "reminders", "content"] {
        holds(&format!("the dump of {service}"), "COPY bus.outbox");
    }
    holds("the dump of keys", "PostgreSQL database dump");
    holds("the dump of journal", entry_id);
    holds("the log of PostgreSQL", "ready to accept connections");
    holds("what the collector got", "journal.write_entry");
    holds("what the broker got", "journal.v1.entry_written");
    holds("what the broker got", entry_id);
    holds("what callers were told", "INVALID_ARGUMENT");
}

/// What databases need in clear, such as a zone or a body sign, is in them and may be in events; nobody else hears it.
fn what_is_personal_is_only_in_databases_and_events(said: &Said) {
    let personal = Search::for_texts(&PERSONAL);
    let may = |place: &str| place.starts_with("the dump of") || place == "what the broker got";
    for (place, text) in said.iter().filter(|(place, _)| !may(place)) {
        let found = personal.found(text);
        assert!(found.is_empty(), "{place}: {found:#?}");
    }
    assert!(!personal.found(&said["the dump of journal"]).is_empty(), "the search finds what is there");
}

/// The search would have found it: an event whose name and body hold a word goes through the running Candor, a database
/// of such a name is asked for, an entry is read.
async fn what_is_put_in_is_found(house: &House, two: &Two) {
    let (name, body, asked) = (word(1_000_001), word(1_000_002), word(1_000_003));
    let put_in = BTreeMap::from([&name, &body, &asked].map(|word| (word.clone(), word.clone())));
    let search = Search::for_guises(&put_in);
    let event = format!(
        "INSERT INTO bus.outbox (id, key, aggregate_id, version, time, traceparent, body)
         SELECT gen_random_uuid(), 'journal.v1.{name}', aggregate_id, version, time,
                '00-{LAST}-00000000c0ffee00-01', convert_to('{body}', 'UTF8') FROM bus.log LIMIT 1"
    );
    errors::run(house, "journal", &event).await;
    let nowhere: PgConnectOptions = house.five.database_url("journal").parse().unwrap();
    nowhere.database(&asked).connect().await.unwrap_err();
    let finds = |place: &str, text: &[u8], word: &str| {
        let found = search.found(text);
        found.iter().any(|found| found.starts_with(word)).then_some(()).ok_or_else(|| place.to_owned())
    };
    let expected = [
        ("the log of journal", &name),
        ("the metrics of journal", &name),
        ("what the collector got", &name),
        ("what the broker got", &name),
        ("what the broker got", &body),
        ("the dump of journal", &name),
        ("the dump of journal", &body),
        ("the log of PostgreSQL", &asked),
    ];
    let mut missed = Vec::new();
    eventually("every word is found where it was put", PATIENCE, async || {
        let said = house.said().await;
        missed =
            expected.iter().filter_map(|(place, word)| finds(place, &said[*place], word).err()).collect();
        missed.is_empty()
    })
    .await;
    let read = two.anna.ok(house, "journal.EntryService.ListEntries", json!({})).await.to_string();
    let answer = Said::from([("an answer".to_owned(), read.into_bytes())]);
    assert!(!house.leaks(&answer).is_empty(), "what a member reads holds what a member wrote");
}
