//! The story of the walking skeleton, told through REST and gRPC alike.

use crate::world::World;
use candor_proto::accounts::v1 as accounts;
use candor_proto::content::v1 as content;
use candor_proto::journal::v1 as journal;
use candor_proto::reminders::v1 as reminders;
use candor_tests::eventually;
use serde_json::{Value, json};
use std::time::Duration;
use tonic::{Code, Request};

/// Words that must never be found outside a sealed column.
pub(crate) const CANARY: &str = "kingfisher-over-the-quiet-weir";
pub(crate) const PASSWORD: &str = "a long sentence only Anna knows";
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn signed<T>(message: T, passport: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {passport}").parse().unwrap());
    request
}

/// A member who registered, verified and signed in.
pub(crate) struct Member {
    pub(crate) secret: String,
    pub(crate) account_id: String,
}

impl Member {
    pub(crate) async fn passport(&self, world: &World) -> String {
        let mut sessions =
            accounts::session_service_client::SessionServiceClient::new(world.grpc("accounts"));
        let minted = sessions
            .mint_passport(accounts::MintPassportRequest { session_secret: self.secret.clone() })
            .await
            .unwrap()
            .into_inner();
        minted.passport
    }
}

/// Registers over REST: refused before the address is proven, welcome after.
pub(crate) async fn join_over_rest(world: &World, email: &str) -> Member {
    let rest = world.rest();
    let person = json!({"email": email, "password": PASSWORD, "timeZone": "Europe/Berlin", "locale": "en", "adult": true, "termsVersion": 1, "privacyVersion": 1});
    rest.ok("POST", "/v1/accounts", None, Some(person.clone())).await;
    let credentials = json!({"email": email, "password": PASSWORD, "deviceLabel": "kitchen laptop"});
    let (status, problem) = rest.call("POST", "/v1/sessions", None, Some(credentials.clone())).await;
    assert_eq!(status, 401, "an address that is not proven opens nothing: {problem}");

    let token = world.mailed_token(email).await;
    let proof = json!({"token": token, "password": PASSWORD});
    rest.ok("POST", "/v1/accounts:verifyEmail", None, Some(proof.clone())).await;
    let (status, _) = rest.call("POST", "/v1/accounts:verifyEmail", None, Some(proof)).await;
    assert!((400..500).contains(&status), "a token works once, got {status}");

    let session = rest.ok("POST", "/v1/sessions", None, Some(credentials)).await;
    let secret = session["sessionSecret"].as_str().unwrap().to_owned();
    let me = rest.ok("GET", "/v1/me", Some(&secret), None).await;
    assert_eq!(me["account"]["email"], email);
    Member { secret, account_id: me["account"]["accountId"].as_str().unwrap().to_owned() }
}

/// Registers over gRPC.
pub(crate) async fn join_over_grpc(world: &World, email: &str) -> Member {
    let mut identity = accounts::identity_service_client::IdentityServiceClient::new(world.grpc("accounts"));
    let mut sessions = accounts::session_service_client::SessionServiceClient::new(world.grpc("accounts"));
    identity
        .register(accounts::RegisterRequest {
            email: email.into(),
            password: PASSWORD.into(),
            time_zone: "America/New_York".into(),
            locale: "en".into(),
            adult: true,
            notices_by_mail: false,
            terms_version: 1,
            privacy_version: 1,
        })
        .await
        .unwrap();
    let credentials = accounts::SignInRequest {
        email: email.into(),
        password: PASSWORD.into(),
        device_label: "phone".into(),
        ..accounts::SignInRequest::default()
    };
    let early = sessions.sign_in(credentials.clone()).await.err().expect("not proven yet");
    assert_eq!(early.code(), Code::Unauthenticated);
    let token = world.mailed_token(email).await;
    let proof = accounts::VerifyEmailRequest { token, password: PASSWORD.into() };
    identity.verify_email(proof).await.unwrap();
    let session = sessions.sign_in(credentials).await.unwrap().into_inner();
    let me =
        identity.get_me(signed(accounts::GetMeRequest {}, &session.passport)).await.unwrap().into_inner();
    Member { secret: session.session_secret, account_id: me.account.unwrap().account_id }
}

/// Writes over REST, sees it on the timeline, reads it back. Answers the entry's id.
pub(crate) async fn write_and_read_over_rest(world: &World, member: &Member) -> String {
    let rest = world.rest();
    let entry = json!({
        "title": "Morning", "body": format!("Something I never said: {CANARY}."), "timeZone": "Europe/Berlin",
        "mood": {"pleasantness": -2, "energy": 1, "bodySigns": ["BODY_SIGN_TREMBLING", "BODY_SIGN_TIGHT_CHEST"]},
    });
    let written = rest.ok("POST", "/v1/entries", Some(&member.secret), Some(entry.clone())).await;
    let id = written["entry"]["entryId"].as_str().unwrap().to_owned();
    let timeline = rest.ok("GET", "/v1/entries", Some(&member.secret), None).await;
    assert_eq!(timeline["entries"].as_array().unwrap().len(), 1);
    let read = rest.ok("GET", &format!("/v1/entries/{id}"), Some(&member.secret), None).await;
    assert_eq!(read["entry"]["body"], entry["body"]);
    assert_eq!(read["entry"]["mood"], entry["mood"]);
    id
}

/// Writes over gRPC, with an id of the client's own, twice: one entry.
pub(crate) async fn write_and_read_over_grpc(world: &World, member: &Member) -> String {
    let passport = member.passport(world).await;
    let mut entries = journal::entry_service_client::EntryServiceClient::new(world.grpc("journal"));
    let request = journal::WriteEntryRequest {
        entry_id: "0190163d-8694-739b-aea5-966c26f8ad91".into(),
        body: format!("Über den Fluss, again: {CANARY} 🪶"),
        time_zone: "America/New_York".into(),
        mood: Some(journal::Mood {
            pleasantness: 3,
            energy: -1,
            body_signs: vec![journal::BodySign::AtEase as i32],
        }),
        ..Default::default()
    };
    let first = entries.write_entry(signed(request.clone(), &passport)).await.unwrap().into_inner();
    let again = entries.write_entry(signed(request.clone(), &passport)).await.unwrap().into_inner();
    assert!(first == again, "a retry answers as the first time");
    let other = journal::WriteEntryRequest { body: "something else".into(), ..request.clone() };
    let refused = entries.write_entry(signed(other, &passport)).await.err().unwrap();
    assert_eq!(refused.code(), Code::AlreadyExists);

    let page = entries
        .list_entries(signed(journal::ListEntriesRequest::default(), &passport))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.entries.len(), 1);
    let id = first.entry.unwrap().entry_id;
    let get = journal::GetEntryRequest { entry_id: id.clone() };
    let read = entries.get_entry(signed(get, &passport)).await.unwrap().into_inner().entry.unwrap();
    assert_eq!(read.body, request.body);
    id
}

/// Somebody else's entry is not there: word for word as one that does not exist, through both doors.
pub(crate) async fn is_refused(world: &World, stranger: &Member, entry_id: &str) {
    let nowhere = "01890000-0000-7000-8000-000000000000";
    let (status, problem) =
        world.rest().call("GET", &format!("/v1/entries/{entry_id}"), Some(&stranger.secret), None).await;
    let (_, missing) =
        world.rest().call("GET", &format!("/v1/entries/{nowhere}"), Some(&stranger.secret), None).await;
    assert_eq!(status, 404);
    assert_eq!(without_instance(problem), without_instance(missing));

    let passport = stranger.passport(world).await;
    let mut entries = journal::entry_service_client::EntryServiceClient::new(world.grpc("journal"));
    let mut ask = async |id: &str| {
        entries
            .get_entry(signed(journal::GetEntryRequest { entry_id: id.into() }, &passport))
            .await
            .err()
            .unwrap()
    };
    let (theirs, missing) = (ask(entry_id).await, ask(nowhere).await);
    assert_eq!(
        (theirs.code(), theirs.message(), theirs.details()),
        (Code::NotFound, missing.message(), missing.details())
    );

    let bare = entries.get_entry(journal::GetEntryRequest { entry_id: entry_id.into() }).await.err().unwrap();
    assert_eq!(bare.code(), Code::Unauthenticated);
}

pub(crate) fn without_instance(mut problem: Value) -> Value {
    problem.as_object_mut().unwrap().remove("instance");
    problem
}

/// The event crossed the bus: the path knows of the first entry, and a look-back is planned, once.
pub(crate) async fn path_and_schedule_follow(world: &World, member: &Member) {
    eventually("the path counts the first entry", PATIENCE, async || {
        let path = world.rest().ok("GET", "/v1/path", Some(&member.secret), None).await;
        milestone(&path, "first-entry").is_some_and(|m| m["reachTime"].is_string())
    })
    .await;
    eventually("one look-back is planned", PATIENCE, async || {
        let planned = world.rest().ok("GET", "/v1/schedules", Some(&member.secret), None).await;
        planned["schedules"]
            .as_array()
            .is_some_and(|s| s.len() == 1 && s[0]["kind"] == "SCHEDULE_KIND_LOOK_BACK")
    })
    .await;
}

/// Nothing of one member's path shows on another's.
pub(crate) async fn path_is_untouched(world: &World, member: &Member) {
    let path = world.rest().ok("GET", "/v1/path", Some(&member.secret), None).await;
    assert!(milestone(&path, "first-entry").unwrap()["reachTime"].is_null(), "{path}");
}

fn milestone(path: &Value, id: &str) -> Option<Value> {
    let steps = path["steps"].as_array()?;
    steps
        .iter()
        .flat_map(|s| s["milestones"].as_array().cloned().unwrap_or_default())
        .find(|m| m["milestoneId"] == id)
}

/// The items of a member's inbox about an entry.
async fn items_about(world: &World, member: &Member, entry_id: &str) -> Vec<Value> {
    let items = world.rest().ok("GET", "/v1/inboxItems", Some(&member.secret), None).await;
    let items = items["items"].as_array().cloned().unwrap_or_default();
    items.into_iter().filter(|item| item["subjectId"] == entry_id).collect()
}

/// A week on the reminder is in the inbox, once, however often time moves; its owner marks it read.
pub(crate) async fn reminder_arrives_once(world: &World, member: &Member, entry_id: &str) {
    let passport = member.passport(world).await;
    let mut inbox = reminders::inbox_service_client::InboxServiceClient::new(world.grpc("reminders"));
    let list = |passport: &str| signed(reminders::ListInboxItemsRequest::default(), passport);
    assert!(inbox.list_inbox_items(list(&passport)).await.unwrap().into_inner().items.is_empty());

    world.clock().advance_days(2);
    let later = json!({"body": "Two days on.", "timeZone": "Europe/Berlin"});
    let later = world.rest().ok("POST", "/v1/entries", Some(&member.secret), Some(later)).await;
    let later = later["entry"]["entryId"].as_str().unwrap();
    eventually("a second reminder is planned", PATIENCE, async || {
        let planned = world.rest().ok("GET", "/v1/schedules", Some(&member.secret), None).await;
        planned["schedules"].as_array().is_some_and(|schedules| schedules.len() == 2)
    })
    .await;
    world.clock().advance_days(6);
    eventually("the reminder is in the inbox", PATIENCE, async || {
        items_about(world, member, entry_id).await.len() == 1
    })
    .await;
    assert!(items_about(world, member, later).await.is_empty(), "it is not due yet");
    let stale = inbox.list_inbox_items(list(&passport)).await.err().unwrap();
    assert_eq!(stale.code(), Code::Unauthenticated, "a passport of last week opens nothing");

    world.clock().advance_days(1);
    // Once the second one is here, reminders has seen the new time; whatever was due by then has fired.
    eventually("the second reminder is in the inbox", PATIENCE, async || {
        items_about(world, member, later).await.len() == 1
    })
    .await;
    let items = items_about(world, member, entry_id).await;
    assert_eq!(items.len(), 1, "it fires once: {items:?}");
    let id = items[0]["inboxItemId"].as_str().unwrap();
    let path = format!("/v1/inboxItems/{id}:markRead");
    world.rest().ok("POST", &path, Some(&member.secret), Some(json!({}))).await;
    assert_eq!(items_about(world, member, entry_id).await[0]["read"], true);
}

/// Another member's inbox item cannot be marked, and is not in one's own list.
pub(crate) async fn inbox_is_private(world: &World, owner: &Member, stranger: &Member) {
    let items = world.rest().ok("GET", "/v1/inboxItems", Some(&owner.secret), None).await;
    let id = items["items"][0]["inboxItemId"].as_str().unwrap();
    let path = format!("/v1/inboxItems/{id}:markRead");
    let (status, _) = world.rest().call("POST", &path, Some(&stranger.secret), Some(json!({}))).await;
    assert_eq!(status, 404);
}

/// The library is open to everyone, with at least ten real articles.
pub(crate) async fn library_is_open(world: &World) {
    let mut library = content::library_service_client::LibraryServiceClient::new(world.grpc("content"));
    let page = library.list_articles(content::ListArticlesRequest::default()).await.unwrap().into_inner();
    assert!(page.articles.len() >= 10);
    let article_id = page.articles[0].article_id.clone();
    let one =
        library.get_article(content::GetArticleRequest { article_id, locale: "de-AT".into() }).await.unwrap();
    assert!(one.into_inner().article.unwrap().body.len() > 1000);
}

/// After signing out, the session mints nothing.
pub(crate) async fn sign_out(world: &World, member: &Member) {
    let sessions = world.rest().ok("GET", "/v1/sessions", Some(&member.secret), None).await;
    let id = sessions["sessions"][0]["sessionId"].as_str().unwrap();
    world.rest().ok("DELETE", &format!("/v1/sessions/{id}"), Some(&member.secret), None).await;
    let mut client = accounts::session_service_client::SessionServiceClient::new(world.grpc("accounts"));
    let refused = client
        .mint_passport(accounts::MintPassportRequest { session_secret: member.secret.clone() })
        .await
        .err()
        .unwrap();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

/// What was written before every process was killed is there after they started again.
pub(crate) async fn survived(world: &World, member: &Member, entry_id: &str) {
    let read = world.rest().ok("GET", &format!("/v1/entries/{entry_id}"), Some(&member.secret), None).await;
    assert!(read["entry"]["body"].as_str().unwrap().contains(CANARY));
    assert_eq!(items_about(world, member, entry_id).await.len(), 1, "starting again fires nothing twice");
}
