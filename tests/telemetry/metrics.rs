//! Every metric that is documented moves when what it measures happens, and nothing is measured that is not documented.

use crate::people::{Person, link, text};
use crate::scrape::{Scrape, Scrapes};
use crate::table::{everything_moved, labels_say_nothing_of_anybody, names_are_those_of_the_table};
use crate::world::{Apart, World};
use candor_tests::eventually;
use candor_tests::five::PROGRAMS;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::cell::RefCell;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);
/// What each process takes on at most here; small, so that it can be filled.
const PLACES: usize = 6;

/// A Candor whose places are few, and all that was scraped of it.
struct Watched {
    world: World,
    scrapes: RefCell<Scrapes>,
}

impl Watched {
    fn apart(&self) -> &Apart {
        self.world.apart()
    }

    /// All metrics of all processes now.
    async fn scrape(&self) -> Scrape {
        let mut all = Scrape::default();
        for program in PROGRAMS {
            all.merge(Scrape::of(program, &self.apart().five.operators(program)).await);
        }
        self.scrapes.borrow_mut().add(all.clone());
        all
    }

    /// Waits until a metric's samples with these labels add up to what they are to.
    async fn comes(&self, name: &str, labels: &[(&str, &str)], holds: impl Fn(f64) -> bool) {
        let what = format!("{name} of {labels:?} is what it is to be");
        eventually(&what, PATIENCE, async || holds(self.scrape().await.sum(name, labels))).await;
    }

    async fn database(&self, service: &str) -> PgConnection {
        PgConnection::connect(&self.world.database_url(service)).await.unwrap()
    }

    async fn run(&self, service: &str, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        self.database(service).await.execute(sqlx::raw_sql(statement)).await.unwrap();
    }

    /// Holds what a statement locks until what is returned is dropped.
    async fn hold(&self, service: &str, statement: &str) -> PgConnection {
        let mut connection = self.database(service).await;
        let statement = AssertSqlSafe(format!("BEGIN; {statement}"));
        connection.execute(sqlx::raw_sql(statement)).await.unwrap();
        connection
    }

    async fn entry(&self, person: &Person) -> Value {
        let entry = json!({"body": "A quiet day.", "timeZone": "Europe/Berlin"});
        person.post(&self.world, "/v1/entries", entry).await["entry"].clone()
    }
}

#[tokio::test]
async fn what_is_measured_moves_and_is_what_is_documented() {
    let places = PLACES.to_string();
    let few = [
        ("LIMITS__CALLS_IN_FLIGHT", places.as_str()),
        ("JOURNAL__BATCH__MAX", "1"),
        ("JOURNAL__BATCH__QUEUE", "1"),
        ("JOURNAL__BATCH__WRITERS", "1"),
        ("ACCOUNTS__HASHING__AT_ONCE", "1"),
        ("ACCOUNTS__HASHING__WAITING", "0"),
    ];
    let few = few.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let world = World::five_processes_with(few.to_vec()).await;
    let watched = Watched { world, scrapes: RefCell::default() };
    watched.scrape().await;

    let anna = Person::join(&watched.world, "anna@example.org").await;
    let ben = Person::join(&watched.world, "ben@example.org").await;
    two_share(&watched, &anna, &ben).await;
    a_full_house(&watched).await;
    a_full_batch(&watched, &anna).await;
    passwords_crowd(&watched, &anna).await;
    one_network_is_held_up(&watched).await;
    a_mail_is_given_up(&watched).await;
    events_wait_return_and_fail(&watched, &anna).await;
    a_service_is_away(&watched).await;
    a_value_was_altered(&watched, &anna).await;
    reminders_are_late_or_missed(&watched).await;
    an_erasure_is_stuck_and_done(&watched).await;

    watched.scrape().await;
    let scrapes = watched.scrapes.into_inner().0;
    everything_moved(&scrapes);
    names_are_those_of_the_table(scrapes.last().unwrap());
    labels_say_nothing_of_anybody(&scrapes);
    for program in PROGRAMS {
        let sent = watched.world.collector.metrics_of(program);
        assert!(sent.contains("candor_process_uptime"), "{program} sends its metrics as well: {sent:?}");
    }
    watched.world.stop().await;
}

/// They link; she shares with him now and in an hour, he reads.
async fn two_share(watched: &Watched, anna: &Person, ben: &Person) {
    let world = &watched.world;
    link(world, anna, ben).await;
    let entry = watched.entry(anna).await;
    let share = |open_now: bool| {
        json!({
            "recipientAccountId": ben.account_id, "openNow": open_now,
            "selection": {"kind": "SHARE_KIND_ENTRY", "itemId": entry["entryId"], "depth": "SHARE_DEPTH_WHOLE"},
        })
    };
    let mut made = Value::Null;
    eventually("the journal has heard of the link", PATIENCE, async || {
        let (status, answer) =
            world.rest().call("POST", "/v1/shares", Some(&anna.secret), Some(share(true))).await;
        made = answer;
        status == 200
    })
    .await;
    anna.post(world, "/v1/shares", share(false)).await;
    let path = format!("/v1/accounts/{}/shares/{}", anna.account_id, text(&made["share"]["shareId"]));
    world.rest().ok("GET", &path, Some(&ben.secret), None).await;
    let opened = [("scope", "shared_items"), ("outcome", "opened")];
    watched.comes("candor_accounts_openings_total", &opened, |number| number == 1.0).await;
    watched.comes("candor_vault_keys_total", &[("from", "memory")], |number| number > 0.0).await;
    watched.comes("candor_bus_handled_total", &[("consumer", "accounts")], |number| number > 0.0).await;
    let unheard = [("key", "accounts.v1.account_registered")];
    watched.comes("candor_bus_unroutable_total", &unheard, |number| number == 2.0).await;
    watched.comes("candor_reminders_delivered_total", &[("kind", "share")], |number| number == 1.0).await;
}

/// As many calls as there are places, held up in the database; one more is refused at either door.
async fn a_full_house(watched: &Watched) {
    let held = watched.hold("content", "LOCK TABLE articles IN ACCESS EXCLUSIVE MODE").await;
    let content = watched.apart().five.grpc("content");
    let readers: Vec<_> = (0..PLACES)
        .map(|_| {
            let rest = watched.world.rest();
            tokio::spawn(async move { rest.call("GET", "/v1/articles", None, None).await.0 })
        })
        .collect();
    let full = PLACES as f64;
    watched.comes("candor_gateway_requests_in_flight", &[], |number| number == full).await;
    let content_s = [("process", "content")];
    watched.comes("candor_grpc_requests_in_flight", &content_s, |number| number == full).await;
    let busy = [("process", "content"), ("state", "busy")];
    watched.comes("candor_database_connections", &busy, |number| number >= full).await;
    let (status, _) = watched.world.rest().call("GET", "/v1/articles", None, None).await;
    assert_eq!(status, 503);
    let mut library = candor_proto::content::v1::library_service_client::LibraryServiceClient::new(content);
    let refused = library.list_articles(candor_proto::content::v1::ListArticlesRequest::default()).await;
    assert_eq!(refused.err().unwrap().code(), tonic::Code::ResourceExhausted);
    drop(held);
    for reader in readers {
        assert_eq!(reader.await.unwrap(), 200);
    }
    watched.comes("candor_gateway_refused_total", &[], |number| number == 1.0).await;
    watched.comes("candor_grpc_refused_total", &content_s, |number| number == 1.0).await;
    watched.comes("candor_gateway_requests_in_flight", &[], |number| number == 0.0).await;
    watched.comes("candor_grpc_requests_in_flight", &content_s, |number| number == 0.0).await;
}

/// One entry is being written and one waits; the next is refused.
async fn a_full_batch(watched: &Watched, anna: &Person) {
    let held = watched.hold("journal", "LOCK TABLE entries IN EXCLUSIVE MODE").await;
    let write = || {
        let (rest, secret) = (watched.world.rest(), anna.secret.clone());
        let entry = json!({"body": "Another.", "timeZone": "Europe/Berlin"});
        tokio::spawn(async move { rest.call("POST", "/v1/entries", Some(&secret), Some(entry)).await.0 })
    };
    let writers: Vec<_> = (0..3).map(|_| write()).collect();
    let of_entries = [("batch", "journal.write_batch")];
    watched.comes("candor_batch_refused_total", &of_entries, |number| number == 1.0).await;
    drop(held);
    let mut answers = Vec::new();
    for writer in writers {
        answers.push(writer.await.unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, [200, 200, 429]);
}

/// Two passwords at once, and room for one.
async fn passwords_crowd(watched: &Watched, anna: &Person) {
    let try_in = async || {
        let wrong = json!({"email": anna.email, "password": "not what she chose", "deviceLabel": "x"});
        watched.world.rest().call("POST", "/v1/sessions", None, Some(wrong)).await.0
    };
    eventually("two passwords meet", PATIENCE, async || {
        tokio::join!(try_in(), try_in(), try_in());
        watched.apart().five.clock.advance(SignedDuration::from_secs(3));
        watched.scrape().await.sum("candor_accounts_hashing_refused_total", &[]) > 0.0
    })
    .await;
    let running = watched.comes("candor_accounts_hashing_running", &[], |number| number == 1.0);
    tokio::select! {
        () = strangers_try(watched) => {}
        () = running => {}
    }
    watched.comes("candor_accounts_hashing_running", &[], |number| number == 0.0).await;
    let refused = [("outcome", "refused")];
    watched.comes("candor_accounts_sign_ins_total", &refused, |number| number > 0.0).await;
    // The second half of a sign-in is one as well.
    let nobodys = json!({"pendingToken": format!("ch_{}", "A".repeat(43)), "code": "123456"});
    watched.world.rest().call("POST", "/v1/sessions:complete", None, Some(nobodys)).await;
    watched.comes("candor_accounts_sign_ins_total", &[("outcome", "over")], |number| number > 0.0).await;
    watched.comes("candor_accounts_sign_ins_total", &[("outcome", "busy")], |number| number > 0.0).await;
}

/// Links that nobody was sent, until there is no turn left; then the clock gives all of them back.
async fn one_network_is_held_up(watched: &Watched) {
    let nobodys = json!({"token": "nobody was sent it", "password": "not what anybody chose"});
    let mut last = 0;
    while last != 429 {
        let path = "/v1/accounts:verifyEmail";
        last = watched.world.rest().call("POST", path, None, Some(nobodys.clone())).await.0;
    }
    watched.comes("candor_gateway_limited_total", &[], |number| number > 0.0).await;
    watched.apart().five.clock.advance(SignedDuration::from_mins(1));
}

/// One password after the other, each of somebody else and one a second: whoever has tried too often is not heard.
async fn strangers_try(watched: &Watched) {
    for number in 0.. {
        let nobodys = format!("nobody-{number}@example.org");
        let wrong = json!({"email": nobodys, "password": "not what anybody chose", "deviceLabel": "x"});
        watched.world.rest().call("POST", "/v1/sessions", None, Some(wrong)).await;
        watched.apart().five.clock.advance(SignedDuration::from_secs(1));
    }
}

/// The folder for mail is away; then the letter is spoilt as well.
async fn a_mail_is_given_up(watched: &Watched) {
    let five = &watched.apart().five;
    let (mail, away) = (five.folder().join("mail"), five.folder().join("mail.away"));
    std::fs::rename(&mail, &away).unwrap();
    let person = json!({
        "email": "cora@example.org", "password": "a long sentence of her own", "timeZone": "Europe/Berlin",
        "locale": "en", "adult": true, "termsVersion": 1, "privacyVersion": 1,
    });
    watched.world.rest().ok("POST", "/v1/accounts", None, Some(person)).await;
    watched.comes("candor_accounts_mails_failed_total", &[], |number| number >= 1.0).await;
    watched.run("accounts", r"UPDATE mail_queue SET letter = letter || '\x00'").await;
    five.clock.advance(SignedDuration::from_mins(1));
    watched.comes("candor_accounts_mails_dead_total", &[], |number| number == 1.0).await;
    std::fs::rename(&away, &mail).unwrap();
}

/// An event waits in the outbox, one comes twice, one cannot be read, one fails and succeeds later.
async fn events_wait_return_and_fail(watched: &Watched, anna: &Person) {
    let now = watched.apart().five.clock.now();
    let columns = "id, key, aggregate_id, version, time, traceparent, body";
    let waiting = format!(
        "INSERT INTO bus.outbox ({columns}, leased_until) SELECT gen_random_uuid(), key, aggregate_id, version,
             '{}', NULL, body, 'infinity' FROM bus.log LIMIT 1",
        now - SignedDuration::from_hours(1)
    );
    watched.run("journal", &waiting).await;
    let journal = [("process", "journal")];
    watched.comes("candor_bus_outbox_pending", &journal, |number| number == 1.0).await;
    watched.comes("candor_bus_outbox_oldest_age_seconds", &journal, |age| age >= 3600.0).await;
    watched.run("journal", "DELETE FROM bus.outbox WHERE leased_until = 'infinity'").await;

    let entry_written = "FROM bus.log WHERE key = 'journal.v1.entry_written' LIMIT 1";
    let again = format!("INSERT INTO bus.outbox ({columns}) SELECT {columns} {entry_written}");
    watched.run("journal", &again).await;
    let spoilt = format!(
        r"INSERT INTO bus.outbox ({columns}) SELECT gen_random_uuid(), key, aggregate_id, version, time, NULL, '\xff'
          {entry_written}"
    );
    watched.run("journal", &spoilt).await;
    for consumer in ["content", "reminders"] {
        let consumer = [("consumer", consumer)];
        watched.comes("candor_bus_duplicates_total", &consumer, |number| number >= 1.0).await;
        watched.comes("candor_bus_dead_total", &consumer, |number| number == 1.0).await;
        watched.comes("candor_bus_dead_letters", &consumer, |number| number == 1.0).await;
    }

    watched.run("content", "ALTER TABLE path_progress RENAME TO path_progress_away").await;
    watched.entry(anna).await;
    let content = [("consumer", "content")];
    watched.comes("candor_bus_retried_total", &content, |number| number >= 1.0).await;
    watched.comes("candor_bus_retries_waiting", &content, |number| number == 1.0).await;
    watched.run("content", "ALTER TABLE path_progress_away RENAME TO path_progress").await;
    watched.apart().five.clock.advance(SignedDuration::from_mins(20));
    watched.comes("candor_bus_retries_waiting", &content, |number| number == 0.0).await;
}

/// The gateway notices that a service does not answer, and that it does again.
async fn a_service_is_away(watched: &Watched) {
    let five = &watched.apart().five;
    let gateway = five.operators("gateway");
    let content = [("dependency", "candor.content.v1")];
    let up = async |expected: f64| {
        eventually("the gateway knows whether content is there", PATIENCE, async || {
            let scrape = Scrape::of("gateway", &gateway).await;
            watched.scrapes.borrow_mut().add(scrape.clone());
            scrape.sum("candor_dependency_up", &content) == expected
        })
        .await;
    };
    five.process("content").freeze();
    up(0.0).await;
    five.process("content").thaw();
    up(1.0).await;
}

/// A text that was altered in the database does not open.
async fn a_value_was_altered(watched: &Watched, anna: &Person) {
    let entry = text(&watched.entry(anna).await["entryId"]);
    let alter = format!(r"UPDATE entries SET body = body || '\x00' WHERE entry_id = '{entry}'");
    watched.run("journal", &alter).await;
    let path = format!("/v1/entries/{entry}");
    let (status, _) = watched.world.rest().call("GET", &path, Some(&anna.secret), None).await;
    assert_eq!(status, 500);
    watched.comes("candor_vault_refused_total", &[("service", "journal")], |number| number == 1.0).await;
}

/// Everything planned is held for forty days: look-backs fire late, and the share that had ended is not told of.
async fn reminders_are_late_or_missed(watched: &Watched) {
    let held = watched.hold("reminders", "SELECT * FROM schedules WHERE state = 'pending' FOR UPDATE").await;
    watched.apart().five.clock.advance_days(40);
    let month = 30.0 * 86_400.0;
    watched.comes("candor_reminders_overdue_seconds", &[], |seconds| seconds > month).await;
    drop(held);
    let [look_back, share] = ["look_back", "share"].map(|kind| [("kind", kind)]);
    watched.comes("candor_reminders_fired_late_total", &look_back, |number| number >= 1.0).await;
    watched.comes("candor_reminders_missed_total", &share, |number| number == 1.0).await;
    watched.comes("candor_reminders_overdue_seconds", &[], |seconds| seconds == 0.0).await;
}

/// The journal cannot look after an erasure for two hours: it is stuck and told again; then it is done.
async fn an_erasure_is_stuck_and_done(watched: &Watched) {
    let dora = Person::join(&watched.world, "dora@example.org").await;
    dora.post(&watched.world, "/v1/me/erasure", json!({})).await;
    let held = watched.hold("journal", "LOCK TABLE bus.erased IN EXCLUSIVE MODE").await;
    let clock = &watched.apart().five.clock;
    clock.advance_days(7);
    let counted = [("outcome", "begun"), ("outcome", "told_again"), ("outcome", "done")];
    let [begun, told_again, done] = counted.map(|outcome| [outcome]);
    watched.comes("candor_accounts_erasures_total", &begun, |number| number == 1.0).await;
    clock.advance(SignedDuration::from_hours(2));
    watched.comes("candor_accounts_erasures_stuck", &[], |number| number == 1.0).await;
    watched.comes("candor_accounts_erasures_total", &told_again, |number| number == 1.0).await;
    drop(held);
    eventually("it is done", PATIENCE, async || {
        clock.advance(SignedDuration::from_secs(30));
        watched.scrape().await.sum("candor_accounts_erasures_total", &done) == 1.0
    })
    .await;
    watched.comes("candor_accounts_erasures_stuck", &[], |number| number == 0.0).await;
    // That it is done is in the audit.
    watched.comes("candor_accounts_audit_sealed_total", &[], |number| number >= 1.0).await;
}
