//! She takes everything of hers along: asked for with a fresh proof, open a day later, whole, and without a word of his.

use super::{CANARY, Two, nothing, text};
use crate::story::{Member, PASSWORD};
use candor_tests::Reply;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use zip::ZipArchive;

const HIS_SHARE: &str = "What only he wrote";
const HER_ANSWER: &str = "What she answered him";
/// More than fit on a page.
const DAYS: usize = 105;
const HOSTILE: &str = "<script>alert('hers')</script>";

pub(super) async fn she_takes_it_along(two: &Two<'_>) {
    he_shares_and_she_answers(two).await;
    let mood = json!({"pleasantness": -2, "energy": 1, "bodySigns": ["BODY_SIGN_TREMBLING"]});
    let entry = json!({"title": HOSTILE, "body": HOSTILE, "timeZone": "Europe/Berlin", "mood": mood});
    two.post(&two.anna, "/v1/entries", entry).await;
    for day in 0..DAYS {
        two.post(&two.anna, "/v1/entries", json!({"body": day_of(day)})).await;
    }
    it_opens_a_day_after_she_asked(two).await;
    let taken = download(two, Some(&two.anna)).await;
    assert_eq!(taken.status, 200, "{}", taken.body);
    assert_eq!(taken.header("content-type"), Some("application/zip"));
    assert_eq!(taken.header("cache-control"), Some("no-store"));
    let files = unpack(&taken.bytes);
    all_of_hers_is_there(&files);
    nothing_of_his_is_there(two, &files);
    it_is_hers_alone(two).await;
    let called_off = two.ok(&two.anna, "DELETE", "/v1/me/export", None).await;
    assert_eq!(called_off, nothing());
    refused(two, Some(&two.anna), 404, "EXPORT_NOT_FOUND").await;
}

fn day_of(day: usize) -> String {
    format!("On day {day}, nothing much.")
}

async fn he_shares_and_she_answers(two: &Two<'_>) {
    let entry = json!({"title": "His", "body": HIS_SHARE, "timeZone": "America/New_York"});
    let written = two.post(&two.ben, "/v1/entries", entry).await;
    let selection = json!({
        "kind": "SHARE_KIND_ENTRY", "itemId": written["entry"]["entryId"], "depth": "SHARE_DEPTH_WHOLE",
    });
    let share = json!({"recipientAccountId": two.anna.account_id, "selection": selection, "openNow": true});
    let made = two.post(&two.ben, "/v1/shares", share).await;
    let path = format!("/v1/accounts/{}/shares/{}", two.ben.account_id, text(&made["share"]["shareId"]));
    let seen = two.get(&two.anna, &path).await;
    assert_eq!(seen["rendering"]["body"], HIS_SHARE, "she reads it here");
    two.post(&two.anna, &format!("{path}:answer"), json!({"body": HER_ANSWER})).await;
}

async fn it_opens_a_day_after_she_asked(two: &Two<'_>) {
    refused(two, Some(&two.anna), 400, "STEP_UP_REQUIRED").await;
    prove(two, &two.anna).await;
    refused(two, Some(&two.anna), 404, "EXPORT_NOT_FOUND").await;
    two.post(&two.anna, "/v1/me/export", nothing()).await;
    let notices = two.get(&two.anna, "/v1/me/security/notices").await;
    assert_eq!(notices["notices"][0]["kind"], "SECURITY_NOTICE_KIND_EXPORT_REQUESTED");
    refused(two, Some(&two.anna), 400, "EXPORT_NOT_OPEN").await;
    two.world.clock().advance(SignedDuration::from_hours(24));
    refused(two, Some(&two.anna), 400, "STEP_UP_REQUIRED").await;
    prove(two, &two.anna).await;
}

/// To her partner and to whoever is not signed in there is nothing.
async fn it_is_hers_alone(two: &Two<'_>) {
    prove(two, &two.ben).await;
    refused(two, Some(&two.ben), 404, "EXPORT_NOT_FOUND").await;
    assert!(two.get(&two.ben, "/v1/me/export").await["export"].is_null());
    refused(two, None, 401, "UNAUTHENTICATED").await;
}

async fn prove(two: &Two<'_>, who: &Member) {
    two.post(who, "/v1/sessions:stepUp", json!({"password": PASSWORD})).await;
}

async fn download(two: &Two<'_>, who: Option<&Member>) -> Reply {
    let bearer = who.map(|who| ("authorization".to_owned(), format!("Bearer {}", who.secret)));
    let headers: Vec<_> = bearer.into_iter().collect();
    let path = "/v1/me/export:download";
    two.world.rest().exchange("POST", path, &headers, Vec::new()).await.unwrap()
}

async fn refused(two: &Two<'_>, who: Option<&Member>, status: u16, reason: &str) {
    let reply = download(two, who).await;
    assert_eq!(reply.status, status, "{}", reply.body);
    let problem: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(problem["reason"], reason, "{problem}");
}

/// The files of a whole zip by their names.
pub(crate) fn unpack(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        files.insert(file.name().unwrap().into_owned(), text);
    }
    files
}

fn all_of_hers_is_there(files: &BTreeMap<String, String>) {
    for (part, words) in [
        ("journal/moods", "BODY_SIGN_TREMBLING"),
        ("journal/self-checks", "answers"),
        ("journal/check-ins", "more walks"),
        ("journal/shares", "it was not about you"),
        ("journal/answers", HER_ANSWER),
        ("reminders/planned", "SCHEDULE_KIND_LOOK_BACK"),
        ("reminders/inbox", "SCHEDULE_KIND_SHARE_ANSWER"),
        ("reminders/check-ins", "20:30"),
        ("content/path", "reachTime"),
        ("account/account", "anna@example.org"),
        ("account/sessions", "kitchen laptop"),
        ("account/couple", "Anna of the"),
        ("account/ties", "TIE_KIND_COUPLE"),
        ("account/notices", "SECURITY_NOTICE_KIND_EXPORT_TAKEN"),
        ("account/ledger", "RELATION_PARTNER"),
    ] {
        let file = &files[&format!("{part}-1.json")];
        assert!(file.contains(words), "{words} is not in {part}: {file}");
        assert!(files.contains_key(&format!("{part}-1.html")), "{part} can be read");
        let parsed: Value = serde_json::from_str(file).unwrap();
        assert_eq!((&parsed["format"], &parsed["formatVersion"]), (&json!("candor-export"), &json!(1)));
    }
    let pages = ["journal/entries-1.json", "journal/entries-2.json"].map(|file| &files[file]);
    for day in 0..DAYS {
        assert_eq!(pages.iter().filter(|page| page.contains(&day_of(day))).count(), 1, "day {day}, once");
    }
    let listed: Value = serde_json::from_str(&files["export.json"]).unwrap();
    for part in listed["parts"].as_array().unwrap() {
        assert!(
            part["files"].as_array().unwrap().iter().all(|file| files.contains_key(text(file))),
            "{part}"
        );
    }
    let readable = [&files["journal/entries-1.html"], &files["journal/entries-2.html"]];
    assert!(
        readable.iter().any(|page| page.contains(CANARY))
            && readable.iter().all(|page| !page.contains("<script"))
    );
    assert!(
        files["index.html"].contains("journal/entries-1.html") && files["README.txt"].contains("index.html")
    );
}

/// His share, his answer, his part of a check-in, his name and his address are not there; where they would stand it says so.
fn nothing_of_his_is_there(two: &Two<'_>, files: &BTreeMap<String, String>) {
    for (name, text) in files {
        for words in [HIS_SHARE, "was with you all evening", "fewer plans", "Ben of the", "ben@example.org"] {
            assert!(!text.contains(words), "{words} is in {name}");
        }
        assert!(!text.contains(&two.anna.secret), "no secret goes along");
    }
    for part in ["account/couple-1.json", "journal/check-ins-1.json", "journal/check-ins-1.html"] {
        assert!(files[part].contains("somebody else"), "{part} says that something is left out");
    }
}
