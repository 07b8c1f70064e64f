//! The file of everything that is one's own.

use super::fakes::{PASSPORT, SECRET};
use super::fakes_export::Event;
use super::*;
use axum::body::to_bytes;
use candor_proto::accounts::v1::{CounselorStanding, Export};
use http_body_util::BodyExt as _;
use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use zip::ZipArchive;

const DOWNLOAD: &str = "/v1/me/export:download";

impl World {
    /// With an open export of hers.
    pub(super) async fn with_export() -> Self {
        let world = Self::new().await;
        let export = Export {
            request_time: world.fakes.timestamp(-86_400),
            open_time: world.fakes.timestamp(0),
            expire_time: world.fakes.timestamp(7 * 86_400),
            take_count: 0,
        };
        *world.fakes.privacy.export.lock().unwrap() = Some(export);
        *world.fakes.proved_at.lock().unwrap() = Some(world.clock.now().as_second());
        world
    }

    /// The answer to the call of a session, before its body is read.
    async fn download(&self) -> axum::response::Response {
        let request = Request::post(DOWNLOAD)
            .header(header::HOST, "candor.example")
            .header(header::AUTHORIZATION, format!("Bearer {SECRET}"))
            .body(Body::empty());
        self.router.clone().oneshot(request.unwrap()).await.unwrap()
    }

    pub(super) async fn files(&self) -> BTreeMap<String, String> {
        let sent = to_bytes(self.download().await.into_body(), usize::MAX).await.unwrap();
        let mut zip = ZipArchive::new(Cursor::new(sent)).unwrap();
        let mut files = BTreeMap::new();
        for at in 0..zip.len() {
            let mut file = zip.by_index(at).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            files.insert(file.name().unwrap().into_owned(), text);
        }
        files
    }
}

#[tokio::test]
async fn the_file_has_what_is_hers_and_no_word_of_anybody_else() {
    let world = World::with_export().await;
    world.fakes.two.trusted.store(true, std::sync::atomic::Ordering::SeqCst);
    let files = world.files().await;
    // Two pages of entries, as two files; each as it is read, and as programs read it.
    for file in ["journal/entries-1.json", "journal/entries-2.json", "journal/entries-2.html"] {
        assert!(files[file].contains("I was **afraid** and said nothing."), "{file}");
    }
    assert!(!files.contains_key("journal/entries-3.json"));
    assert!(!files["journal/entries-1.html"].contains("<script"), "{}", files["journal/entries-1.html"]);
    let one: serde_json::Value = serde_json::from_str(&files["journal/entries-1.json"]).unwrap();
    assert_eq!(one["format"], "candor-export");
    assert_eq!((&one["part"], &one["page"]), (&"journal/entries".into(), &1.into()));
    assert_eq!(one["source"], "candor.journal.v1.EntryService.ListEntries");
    assert_eq!(one["data"][0]["entries"][0]["title"], "Dinner <b>talk</b>", "as the API answers it");
    // What her guest and her partner chose to be called is theirs; what she calls them is hers.
    let circle: serde_json::Value = serde_json::from_str(&files["account/circle-1.json"]).unwrap();
    let person = &circle["data"][0]["people"][0];
    assert!(person["name"].as_str().unwrap().contains("somebody else"), "{person}");
    assert_eq!(person["called"], "Clara <i>it");
    let listed: serde_json::Value = serde_json::from_str(&files["export.json"]).unwrap();
    for part in listed["parts"].as_array().unwrap() {
        for file in part["files"].as_array().unwrap() {
            assert!(files.contains_key(file.as_str().unwrap()), "{file}");
        }
    }
    for (name, text) in &files {
        for secret in [SECRET, PASSPORT, "cs_", ".proven", "capability-"] {
            assert!(!text.contains(secret), "{secret} is in {name}");
        }
    }
}

#[tokio::test]
async fn a_counselors_file_has_the_practice_and_no_word_of_those_in_care() {
    let world = World::with_export().await;
    *world.fakes.kind.lock().unwrap() = "counselor";
    world.fakes.strong.store(true, std::sync::atomic::Ordering::SeqCst);
    *world.fakes.counselors.standing.lock().unwrap() = CounselorStanding::Verified;
    let files = world.files().await;
    for (file, words) in [
        ("account/counselor-application-1.json", "PT-4711"),
        ("practice/clients-1.json", "it@clinic.example"),
        ("practice/people-1.json", "memberAccountId"),
        ("practice/couples-1.json", "confidentiality"),
        ("practice/consents-1.json", "SCOPE_ENTRIES"),
        ("practice/people-1.html", "somebody else"),
        // What is theirs of before they were a counselor is theirs still.
        ("journal/entries-1.json", "I was **afraid**"),
    ] {
        assert!(files[file].contains(words), "{file}: {}", files[file]);
    }
    for place in ["account/couple-1.json", "account/circle-1.json", "account/couple-care-1.json"] {
        assert!(!files.contains_key(place), "{place}");
    }
    let of_others = ["Anna of", "We hardly", "\"jurisdiction\": \"DE\""];
    for (name, text) in files.iter().filter(|(name, _)| name.starts_with("practice/")) {
        assert!(of_others.iter().all(|words| !text.contains(words)), "{name}: {text}");
    }
}

#[tokio::test]
async fn whoever_works_for_the_place_takes_their_account_along_and_nothing_of_their_work() {
    let world = World::with_export().await;
    *world.fakes.kind.lock().unwrap() = "operator";
    world.fakes.strong.store(true, std::sync::atomic::Ordering::SeqCst);
    let files = world.files().await;
    let data: Vec<_> = files.keys().filter(|name| name.ends_with("-1.json")).collect();
    assert_eq!(data.len(), 7, "{data:?}");
    assert!(data.iter().all(|name| name.starts_with("account/")), "{data:?}");
    assert!(files.contains_key("export.json") && files.contains_key("account/terms-1.json"));
}

#[tokio::test]
async fn the_file_is_sent_as_a_file_that_nobody_keeps() {
    let world = World::with_export().await;
    let answer = world.download().await;
    assert_eq!(answer.status(), 200);
    for (name, value) in [
        ("content-type", "application/zip"),
        ("content-disposition", "attachment; filename=\"my-data.zip\""),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.headers()[name], value);
    }
    to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    assert_eq!(world.fakes.privacy.export.lock().unwrap().unwrap().take_count, 1);
}

#[tokio::test]
async fn whatever_ends_it_in_the_middle_leaves_no_whole_file() {
    for event in [Event::Away, Event::CalledOff, Event::Another, Event::SignedOut] {
        let world = World::with_export().await;
        *world.fakes.export.0.lock().unwrap() = event;
        let mut body = world.download().await.into_body();
        let mut sent = Vec::new();
        let end = loop {
            match body.frame().await {
                Some(Ok(frame)) => sent.extend_from_slice(frame.data_ref().unwrap()),
                end => break end,
            }
        };
        assert!(end.is_some_and(|end| end.is_err()), "whoever reads is told that it broke off");
        assert!(!sent.is_empty() && ZipArchive::new(Cursor::new(sent)).is_err());
    }
}

#[tokio::test]
async fn only_a_session_that_proved_itself_gets_an_open_one() {
    let world = World::with_export().await;
    let passport = world.call("POST", DOWNLOAD, Some(PASSPORT), "").await;
    assert_eq!((passport.status.as_u16(), &passport.json()["reason"]), (400, &"SESSION_REQUIRED".into()));
    assert_eq!(world.call("POST", DOWNLOAD, None, "").await.status, 401);
    assert_eq!(world.call("GET", DOWNLOAD, Some(SECRET), "").await.status, 405);
    // With the browser's cookie alone, as another site's page could send it.
    let request = Request::post(DOWNLOAD).header(header::COOKIE, "__Host-candor=cs_alice");
    assert_eq!(world.send(request.body(Body::empty()).unwrap()).await.status, 403);
    *world.fakes.proved_at.lock().unwrap() = Some(0);
    let late = world.call("POST", DOWNLOAD, Some(SECRET), "").await;
    assert_eq!((late.status.as_u16(), &late.json()["reason"]), (400, &"STEP_UP_REQUIRED".into()));
    assert_eq!(world.fakes.privacy.export.lock().unwrap().unwrap().take_count, 0, "none was taken");
}

#[tokio::test]
async fn whoever_has_two_on_their_way_is_asked_to_wait() {
    let world = World::with_export().await;
    *world.fakes.export.0.lock().unwrap() = Event::Slow;
    let on_their_way = [world.download().await, world.download().await];
    assert!(on_their_way.iter().all(|answer| answer.status() == 200));
    let third = world.call("POST", DOWNLOAD, Some(SECRET), "").await;
    assert_eq!((third.status.as_u16(), &third.json()["reason"]), (429, &"EXPORT_ON_ITS_WAY".into()));
    assert_eq!(world.fakes.privacy.export.lock().unwrap().unwrap().take_count, 2, "none was taken");
}
