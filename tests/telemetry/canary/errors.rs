//! What goes wrong, with a secret in it: requests that are no good, a database that refuses or is away, events that
//! cannot be handled.

use super::call::Rpc;
use super::house::{House, PATIENCE};
use super::life::{Person, TIME_ZONE, Two};
use candor_tests::eventually;
use candor_tests::five::SERVICES;
use prost_reflect::{Kind, MessageDescriptor};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Longer than any field may be.
const TOO_LONG: usize = 70_000;
/// Longer than whatever stands in an address may be; what is much longer, no client sends.
const TOO_LONG_IN_AN_ADDRESS: usize = 5_000;
const NOBODY: &str = "0190163d-8694-7000-8000-000000000000";

/// Every call with every field filled with what does not belong there.
pub(crate) async fn every_field_of_every_call_is_wrong(house: &House, anna: &Person) {
    for rpc in Rpc::all() {
        let name = rpc.method.full_name().to_owned();
        let mut base = serde_json::Map::new();
        for field in rpc.in_path() {
            base.insert(field, json!(NOBODY));
        }
        let mut wrong = wrong_fields(house, &name, &rpc.method.input());
        wrong.push((house.text(&format!("{name}, a name of a field")), json!(1)));
        for (field, value) in wrong {
            let mut request = base.clone();
            let in_address = rpc.verb != "POST" || base.contains_key(&field);
            request.insert(field.clone(), if in_address { shortened(value) } else { value });
            let (path, body) = rpc.address(&Value::Object(request));
            refused(house, anna, &rpc, &path, body, &field).await;
        }
        let spoilt = format!("{{\"{}\": \"{}", "x", house.text(&format!("{name}, no JSON")));
        let (path, _) = rpc.address(&Value::Object(base));
        if rpc.verb == "POST" {
            refused(house, anna, &rpc, &path, spoilt.into_bytes(), "half a text").await;
        }
    }
}

fn shortened(value: Value) -> Value {
    match value {
        Value::String(text) => text.chars().take(TOO_LONG_IN_AN_ADDRESS).collect::<String>().into(),
        Value::Array(each) => each.into_iter().map(shortened).collect(),
        other => other,
    }
}

async fn refused(house: &House, anna: &Person, rpc: &Rpc, path: &str, body: Vec<u8>, field: &str) {
    let headers = [
        ("content-type".to_owned(), "application/json".to_owned()),
        ("authorization".to_owned(), format!("Bearer {}", anna.secret)),
    ];
    let reply = house.send(rpc.verb, path, &headers, body).await;
    let name = rpc.method.full_name();
    assert!((400..500).contains(&reply.status), "{name} with a wrong {field}: {reply:?}");
}

/// For each field of a message, and each of the messages in it, a value that no rule allows.
fn wrong_fields(house: &House, name: &str, message: &MessageDescriptor) -> Vec<(String, Value)> {
    let mut wrong = Vec::new();
    for field in message.fields() {
        let json_name = field.json_name().to_owned();
        let word = house.text(&format!("{name}, a wrong {json_name}"));
        let text = match field.kind() {
            Kind::String => word.clone() + &"x".repeat(TOO_LONG),
            _ => word,
        };
        let listed = |value: Value| if field.is_list() { json!([value]) } else { value };
        wrong.push((json_name.clone(), listed(json!(text))));
        if let Kind::Message(inner) = field.kind()
            && inner.full_name().starts_with("candor.")
        {
            for (inside, value) in wrong_fields(house, name, &inner) {
                let mut object = serde_json::Map::new();
                object.insert(inside, value);
                wrong.push((json_name.clone(), listed(Value::Object(object))));
            }
        }
    }
    wrong
}

/// Headers that say what they should not, places that do not exist, and what no client of ours would send.
pub(crate) async fn nonsense(house: &House, anna: &Person) {
    let word = |what: &str| house.word(what);
    for (name, value) in [
        ("authorization", format!("Bearer {}", word("a bearer"))),
        ("authorization", word("an authorization")),
        ("cookie", format!("candor-local={}; candor-local-visit={}", word("a cookie"), word("a cookie"))),
        ("traceparent", word("a traceparent")),
    ] {
        house.send("GET", "/v1/me", &[(name.to_owned(), value)], Vec::new()).await;
    }
    let bearer = ("authorization".to_owned(), format!("Bearer {}", anna.secret));
    for name in [
        "tracestate",
        "baggage",
        "user-agent",
        "x-forwarded-for",
        "referer",
        "accept-language",
        "idempotency-key",
    ] {
        let header = (name.to_owned(), format!("a={}", word(name)));
        house.send("GET", "/v1/entries", &[bearer.clone(), header], Vec::new()).await;
    }
    for path in
        ["/{}", "/v1/{}", "/v1/entries/{}", "/entries/{}", "/library/{}", "/sign-in?next={}", "/v1/path?x={}"]
    {
        let path = path.replace("{}", &word("an address"));
        house.send("GET", &path, std::slice::from_ref(&bearer), Vec::new()).await;
    }
    let path = format!("/v1/me?{}=1", word("the name of a parameter"));
    house.send("GET", &path, std::slice::from_ref(&bearer), Vec::new()).await;
    let calls = [
        ("accounts", "IdentityService/ResendVerification"),
        ("journal", "EntryService/WriteEntry"),
        ("reminders", "ScheduleService/CancelSchedule"),
        ("content", "LibraryService/GetArticle"),
    ];
    let passport = anna.passport(house).await;
    for (service, method) in calls {
        for field in 1..=3 {
            // A text that is no UTF-8, and one that is cut off.
            let text = [word("no text").into_bytes(), vec![0xff]].concat();
            let length = u8::try_from(text.len()).unwrap();
            let bearer = ("authorization", format!("Bearer {passport}"));
            let spoilt = [vec![field << 3 | 2, length], text.clone()].concat();
            house.refused(service, method, std::slice::from_ref(&bearer), spoilt).await;
            let cut_off = [vec![field << 3 | 2, length + 9], text].concat();
            house.refused(service, method, &[bearer], cut_off).await;
        }
        let shown = [
            ("authorization", format!("Bearer {}", word("a passport"))),
            ("candor-capability", word("a capability")),
        ];
        house.refused(service, method, &shown, Vec::new()).await;
        house
            .refused(
                service,
                &word("a method"),
                &[("authorization", format!("Bearer {passport}"))],
                Vec::new(),
            )
            .await;
    }
}

/// No table takes a row: first where events are handled, then everywhere.
pub(crate) async fn no_table_takes_a_row(house: &House, two: &Two) {
    let passports = [two.anna.passport(house).await, two.ben.passport(house).await];
    for service in ["content", "reminders"] {
        run(house, service, REFUSE).await;
    }
    let entry =
        json!({"title": house.text("a title"), "body": house.text("an entry"), "timeZone": TIME_ZONE});
    house.ok("journal.EntryService.WriteEntry", entry, Some(&passports[0])).await;
    for service in ["content", "reminders"] {
        eventually("an event waits to be tried again", PATIENCE, async || {
            let mut database = PgConnection::connect(house.five.database_url(service)).await.unwrap();
            let waiting = "SELECT count(*) FROM bus.inbox_retry";
            sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut database).await.unwrap() > 0
        })
        .await;
    }
    for service in ["accounts", "journal"] {
        run(house, service, REFUSE).await;
    }
    everything_private(house, two, &passports, 500).await;
    for service in SERVICES {
        run(house, service, ALLOW).await;
    }
}

/// PostgreSQL is away, and comes back.
pub(crate) async fn no_database_is_there(house: &mut House, two: &Two) {
    let passports = [two.anna.passport(house).await, two.ben.passport(house).await];
    house.postgres.stop().await;
    everything_private(house, two, &passports, 503).await;
    house.postgres.up().await;
    eventually("Candor is back", PATIENCE, async || {
        let (status, _) =
            house.call("accounts.IdentityService.GetMe", json!({}), Some(&two.anna.secret)).await;
        status == 200
    })
    .await;
}

/// All calls that would keep something private.
async fn everything_private(house: &House, two: &Two, passports: &[String; 2], status: u16) {
    let text = |what: &str| house.text(what);
    let email = format!("{}@{}.example", house.word("an address"), house.word("an address"));
    let of_annas = json!({"ownerAccountId": two.anna.account_id, "shareId": two.share_id});
    let mut answer = of_annas;
    answer["body"] = json!(text("an answer"));
    let entry = json!({"title": text("a title"), "body": text("an entry"), "timeZone": TIME_ZONE});
    let reply = json!([{"promptId": two.prompt_id, "text": text("an answer of a check-in")}]);
    let calls = [
        (0, "journal.EntryService.WriteEntry", entry),
        (0, "journal.MoodService.RecordMood", json!({"mood": {"bodySigns": ["BODY_SIGN_COLD_HANDS"]}})),
        (0, "journal.ShareService.RateFeltUnderstood", json!({"shareId": two.share_id, "feltUnderstood": 1})),
        (0, "journal.AssessmentService.StartAssessment", json!({"instrumentId": "self-check"})),
        (1, "journal.ShareService.AnswerShare", answer),
        (
            1,
            "journal.CheckInService.AnswerCheckIn",
            json!({"scheduleId": two.schedule["scheduleId"], "openTime": two.schedule["nextOpenTime"], "replies": reply}),
        ),
        (0, "accounts.CoupleService.InvitePartner", json!({"ownName": text("a name")})),
        (
            0,
            "accounts.IdentityService.Register",
            json!({"email": email, "password": text("a password"), "timeZone": TIME_ZONE, "adult": true, "termsVersion": 1, "privacyVersion": 1}),
        ),
        (0, "accounts.IdentityService.ResendVerification", json!({"email": two.anna.email})),
        (
            0,
            "accounts.IdentityService.VerifyEmail",
            json!({"token": text("a token"), "password": text("a password")}),
        ),
        (
            0,
            "accounts.SessionService.SignIn",
            json!({"email": two.ben.email, "password": two.ben.password, "deviceLabel": text("a device")}),
        ),
    ];
    let mut failed = 0;
    for (who, rpc, request) in calls {
        let (got, json) = house.call(rpc, request, Some(&passports[who])).await;
        assert_ne!(got, 200, "{rpc}: {json}");
        failed += usize::from(got == status);
    }
    assert!(failed >= 6, "most fail for want of a database, with {status}: {failed}");
}

/// Every table of the service's own takes rows no more.
const REFUSE: &str = "DO $$ DECLARE place regclass; BEGIN
    FOR place IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
        AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'bus')
    LOOP EXECUTE format('ALTER TABLE %s ADD CONSTRAINT takes_nothing CHECK (false) NOT VALID', place); END LOOP;
    END $$";
/// It takes them again.
const ALLOW: &str = "DO $$ DECLARE place regclass; BEGIN
    FOR place IN SELECT conrelid FROM pg_constraint WHERE conname = 'takes_nothing' AND coninhcount = 0
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT takes_nothing', place); END LOOP;
    END $$";

/// Runs a statement in a service's database.
pub(crate) async fn run(house: &House, service: &str, statement: &str) {
    let mut database = PgConnection::connect(house.five.database_url(service)).await.unwrap();
    database.execute(sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))).await.unwrap();
}
