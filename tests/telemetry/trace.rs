//! One trace from the browser to the last consumer, followed along its edges, in both forms.

use crate::people::{Person, link, text};
use crate::tree::Tree;
use crate::world::World;
use candor_tests::collector::{Kind, Span};
use candor_tests::{Reply, eventually};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use std::collections::BTreeSet;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);
/// All that a span says besides its name, its kind and its times.
const ATTRIBUTES: [&str; 15] = [
    "commands",
    "db.collection.name",
    "db.operation.name",
    "db.response.affected_rows",
    "db.response.returned_rows",
    "db.system.name",
    "event_id",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "rpc.grpc.status_code",
    "rpc.method",
    "rpc.service",
    "rpc.system",
    "trace_id",
];
/// A caller's span, and its trace.
const OUTSIDE: [&str; 2] = ["00f067aa0ba902b7", "4bf92f3577b34da6a3ce929d0e0e4736"];

pub(crate) async fn tell(world: World) {
    let (anna, ben) =
        tokio::join!(Person::join(&world, "anna@example.org"), Person::join(&world, "ben@example.org"));
    link(&world, &anna, &ben).await;
    a_form_is_one_trace(&world, &anna).await;
    a_caller_s_trace_goes_on(&world, &anna).await;
    reading_of_another_is_one_trace(&world, &anna, &ben).await;
    what_is_no_trace_is_left_out(&world).await;
    a_caller_s_no_is_followed(&world, &anna).await;
    spans_say_what_they_may(&world);
    world.stop().await;
}

/// Browser → gateway → journal → batch → database → outbox → broker → both consumers → their databases.
async fn a_form_is_one_trace(world: &World, anna: &Person) {
    let browser = anna.browser(world).await;
    let fields = [("title", "Dinner"), ("body", "I was quiet."), ("pleasantness", "1")];
    let kept = browser.submit("/write", "/write", &fields).await;
    assert_eq!(kept.status, 303, "{kept:?}");
    let trace = trace_of_the_one(world, "POST /write").await;
    let names = ["POST /write", "content journal.v1.entry_written", "reminders journal.v1.entry_written"];
    let tree = Tree::whole(world, &trace, "", &names).await;
    let root = tree.root();
    let [gateway, journal] = ["gateway", "journal"].map(|service| world.process_of(service));
    assert_eq!(
        (root.name.as_str(), root.kind, root.service.as_str()),
        ("POST /write", Kind::Server, gateway)
    );
    assert_eq!(
        (&*root.attributes["http.route"], &*root.attributes["http.response.status_code"]),
        ("/write", "303")
    );

    let written = tree.call(root, "journal.write_entry", [gateway, journal]);
    let batch = tree.child(written, "journal.write_batch", Kind::Internal, journal);
    let statements = tree.statements(batch);
    // The claim of the key, the entry, its mood and its event: named after the first of them in the text.
    assert!(statements.contains(&"WITH bus.outbox") && !statements.contains(&"COMMIT"), "{statements:?}");
    entry_written_goes_round(world, &tree, written);
    // Of the first entry follow milestones, told from within the handling of the event that made them.
    let further = "publish content.v1.step_completed";
    let tree = Tree::whole(world, &trace, "", &[further]).await;
    let content = world.process_of("content");
    let sent = tree.child(written, "publish journal.v1.entry_written", Kind::Producer, journal);
    let handled = tree.child(sent, "content journal.v1.entry_written", Kind::Consumer, content);
    let mut further = tree.spans().iter().filter(|span| span.name == further);
    assert!(further.all(|span| (&span.parent, span.kind) == (&handled.id, Kind::Producer)));
}

/// What follows from a written entry: one event, from the journal to both who consume it.
fn entry_written_goes_round(world: &World, tree: &Tree, written: &Span) {
    let sent =
        tree.child(written, "publish journal.v1.entry_written", Kind::Producer, world.process_of("journal"));
    for (consumer, statement) in [("content", "INSERT path_milestones"), ("reminders", "INSERT schedules")] {
        let name = format!("{consumer} journal.v1.entry_written");
        let handled = tree.child(sent, &name, Kind::Consumer, world.process_of(consumer));
        let statements = tree.statements(handled);
        assert!(statements.contains(&statement), "{statement} is among {statements:?} of {consumer}");
        assert_eq!(handled.attributes["event_id"], sent.attributes["event_id"]);
    }
}

/// Over REST, in a trace that began outside.
async fn a_caller_s_trace_goes_on(world: &World, anna: &Person) {
    let [span, trace] = OUTSIDE;
    let traceparent = format!("00-{trace}-{span}-01");
    let written = write_in(world, anna, &[("traceparent", &traceparent), ("tracestate", "other=1")]).await;
    assert_eq!(written.status, 200, "{written:?}");
    let names = ["content journal.v1.entry_written", "reminders journal.v1.entry_written"];
    let tree = Tree::whole(world, trace, span, &names).await;
    let root = tree.root();
    assert_eq!((root.name.as_str(), root.parent.as_str()), ("POST /v1/entries", span));
    let (gateway, journal) = (world.process_of("gateway"), world.process_of("journal"));
    entry_written_goes_round(world, &tree, tree.call(root, "journal.write_entry", [gateway, journal]));
}

/// Gateway → accounts, which opens → journal, which tells → accounts, where the receipt counts.
async fn reading_of_another_is_one_trace(world: &World, anna: &Person, ben: &Person) {
    let entry = json!({"title": "Dinner", "body": "It was not about you.", "timeZone": "Europe/Berlin"});
    let entry = anna.post(world, "/v1/entries", entry).await;
    let share = json!({
        "recipientAccountId": ben.account_id, "openNow": true,
        "selection": {
            "kind": "SHARE_KIND_ENTRY", "itemId": entry["entry"]["entryId"], "depth": "SHARE_DEPTH_WHOLE",
        },
    });
    // The journal hears of the link over the bus.
    let mut shared = serde_json::Value::Null;
    eventually("the share is made", PATIENCE, async || {
        let (status, made) =
            world.rest().call("POST", "/v1/shares", Some(&anna.secret), Some(share.clone())).await;
        shared = made;
        status == 200
    })
    .await;
    let path = format!("/v1/accounts/{}/shares/{}", anna.account_id, text(&shared["share"]["shareId"]));
    world.rest().ok("GET", &path, Some(&ben.secret), None).await;

    let route = "GET /v1/accounts/{owner_account_id}/shares/{share_id}";
    let trace = trace_of_the_one(world, route).await;
    let tree = Tree::whole(world, &trace, "", &[route, "accounts journal.v1.data_read"]).await;
    let [gateway, journal, accounts] =
        ["gateway", "journal", "accounts"].map(|service| world.process_of(service));
    let root = tree.root();
    let opened = tree.call(root, "accounts.open_access", [gateway, accounts]);
    let decided = tree.child(opened, "accounts.open_batch", Kind::Internal, accounts);
    assert!(!tree.statements(decided).is_empty());
    let read = tree.call(root, "journal.get_received_share", [gateway, journal]);
    let together = tree.child(read, "journal.read_batch", Kind::Internal, journal);
    assert!(!tree.statements(together).is_empty());
    let told = tree.child(read, "publish journal.v1.data_read", Kind::Producer, journal);
    let counts = tree.child(told, "accounts journal.v1.data_read", Kind::Consumer, accounts);
    assert!(!tree.statements(counts).is_empty());
}

/// Each request with a broken `traceparent` is a whole trace of its own, in which nothing of it is found.
async fn what_is_no_trace_is_left_out(world: &World) {
    let [span, trace] = OUTSIDE.map(|id| id.replace('4', "5"));
    let zeros = ["0".repeat(16), "0".repeat(32)];
    let broken = [
        String::new(),
        "nonsense".to_owned(),
        format!("00-{trace}-{span}"),
        format!("00-{trace}-{span}-01-more"),
        format!("ff-{trace}-{span}-01"),
        format!("00-{}-{span}-01", zeros[1]),
        format!("00-{trace}-{}-01", zeros[0]),
        format!("00-{}-{span}-01", trace.to_uppercase()),
        format!("00-{trace}0-{span}-01"),
        format!("00-{trace}-{span}-zz"),
        format!("00-{trace}-{}-01", "ä".repeat(8)),
    ];
    let good = format!("00-{trace}-{span}-01");
    let mut requests: Vec<Vec<(&str, &str)>> =
        broken.iter().map(|one| vec![("traceparent", one.as_str())]).collect();
    requests.push(vec![("traceparent", &good), ("traceparent", &good)]);
    for request in &requests {
        let reply = send(world, "GET", "/v1/articles?pageSize=1", None, request, "").await;
        assert_eq!(reply.status, 200, "{request:?}: {reply:?}");
    }
    let roots = || {
        let spans = world.collector.spans().into_iter();
        spans.filter(|span| span.name == "GET /v1/articles").collect::<Vec<_>>()
    };
    eventually("every request has its span", PATIENCE, async || roots().len() == requests.len()).await;
    let traces: BTreeSet<String> = roots().into_iter().map(|root| root.trace).collect();
    assert_eq!(traces.len(), requests.len(), "one trace each");
    assert!(!traces.iter().any(|id| id.starts_with(&trace[..16])), "nobody's trace is taken on half a word");
    for trace in traces {
        let tree = Tree::whole(world, &trace, "", &["GET /v1/articles", "content.list_articles"]).await;
        let (gateway, content) = (world.process_of("gateway"), world.process_of("content"));
        tree.call(tree.root(), "content.list_articles", [gateway, content]);
    }
}

/// Whoever says that a trace is not to be kept is believed, by every process; the ids go on all the same.
async fn a_caller_s_no_is_followed(world: &World, anna: &Person) {
    let span = OUTSIDE[0];
    let [unkept, kept] = ["6", "7"].map(|digit| OUTSIDE[1].replace('4', digit));
    let written = write_in(world, anna, &[("traceparent", &format!("00-{unkept}-{span}-00"))]).await;
    assert_eq!(written.status, 200, "{written:?}");
    let mut journal = PgConnection::connect(&world.database_url("journal")).await.unwrap();
    let with_both_ids = format!("00-{unkept}-%-00");
    eventually("the event is with the broker", PATIENCE, async || {
        let told = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM bus.log WHERE traceparent LIKE $1");
        told.bind(&with_both_ids).fetch_one(&mut journal).await.unwrap() == 1
    })
    .await;
    // Once a later one is here as a whole, whatever had been kept of the first would be, too.
    write_in(world, anna, &[("traceparent", &format!("00-{kept}-{span}-01"))]).await;
    let names = ["content journal.v1.entry_written", "reminders journal.v1.entry_written"];
    Tree::whole(world, &kept, span, &names).await;
    assert_eq!(world.collector.trace(&unkept).len(), 0);
}

/// Names are those of the design, and attributes hold no more than they are for.
fn spans_say_what_they_may(world: &World) {
    let spans = world.collector.spans();
    for span in &spans {
        let foreign: Vec<_> =
            span.attributes.keys().filter(|key| !ATTRIBUTES.contains(&key.as_str())).collect();
        assert!(foreign.is_empty(), "{} says {foreign:?}: {span:#?}", span.name);
        let told = span.attributes.values().any(|value| value.contains('@') || value.len() > 80);
        assert!(!told, "{span:#?}");
        if span.kind == Kind::Server && span.attributes.contains_key("rpc.method") {
            let (service, method) = span.name.split_once('.').unwrap();
            let proto = &span.attributes["rpc.service"];
            assert!(proto.starts_with(&format!("candor.{service}.v1.")), "{span:#?}");
            assert!(method.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{span:#?}");
            assert_eq!(span.service, world.process_of(service), "{span:#?}");
        }
    }
    let housekeeping: Vec<_> = spans.iter().filter(|span| span.name.contains("health.")).collect();
    assert!(housekeeping.is_empty(), "what is asked every second is no trace: {housekeeping:#?}");
}

/// The trace of the only request to a route.
async fn trace_of_the_one(world: &World, route: &str) -> String {
    let mut found = Vec::new();
    eventually(&format!("{route} has a span"), PATIENCE, async || {
        found = world.collector.spans().into_iter().filter(|span| span.name == route).collect();
        !found.is_empty()
    })
    .await;
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0).trace
}

/// Writes an entry over REST, with more headers.
async fn write_in(world: &World, person: &Person, headers: &[(&str, &str)]) -> Reply {
    let entry = json!({"body": "Another day.", "timeZone": "Europe/Berlin"}).to_string();
    send(world, "POST", "/v1/entries", Some(&person.secret), headers, &entry).await
}

async fn send(
    world: &World,
    method: &str,
    path: &str,
    bearer: Option<&str>,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let mut all: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.push(("content-type".to_owned(), "application/json".to_owned()));
    all.extend(bearer.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
    world.rest().exchange(method, path, &all, body.as_bytes().to_vec()).await.unwrap()
}
