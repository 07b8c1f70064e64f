//! What bad input gets: a clear error that names the field, and nothing stored.

use crate::story::Member;
use crate::world::World;
use serde_json::{Value, json};

async fn entries(world: &World, member: &Member) -> usize {
    let page = world.rest().ok("GET", "/v1/entries?pageSize=100", Some(&member.secret), None).await;
    page["entries"].as_array().map_or(0, Vec::len)
}

/// Every bad request is a 4xx that names what is wrong; the timeline is as long as before.
pub(crate) async fn is_refused_clearly(world: &World, member: &Member) {
    let before = entries(world, member).await;
    let cases: [(Value, &str); 9] = [
        (json!({"body": ""}), "body"),
        (json!({"body": 5}), "body"),
        (json!({"body": "x", "colour": "blue"}), "colour"),
        (json!({"body": "a\u{0}b"}), "body"),
        (json!({"body": "x".repeat(65_537)}), "body"),
        (json!({"body": "x", "entryId": "7"}), "entry_id"),
        (json!({"body": "x", "timeZone": "Mars/Olympus"}), "time_zone"),
        (json!({"body": "x", "mood": {"pleasantness": 9}}), "mood.pleasantness"),
        (json!({"body": "x", "entryTime": "2999-01-01T00:00:00Z"}), "entry_time"),
    ];
    for (body, field) in cases {
        let (status, problem) =
            world.rest().call("POST", "/v1/entries", Some(&member.secret), Some(body)).await;
        assert_eq!(status, 400, "{problem}");
        assert!(problem.to_string().contains(field), "the answer names {field}: {problem}");
    }
    let huge = json!({"body": "x".repeat(2 * 1024 * 1024)});
    let (status, _) = world.rest().call("POST", "/v1/entries", Some(&member.secret), Some(huge)).await;
    assert_eq!(status, 413);

    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.";
    for token in [none, "nonsense", "cs_nonsense", ""] {
        let (status, _) = world.rest().call("GET", "/v1/me", Some(token), None).await;
        assert_eq!(status, 401);
    }
    let (status, _) = world.rest().call("GET", "/v1/nowhere", Some(&member.secret), None).await;
    assert_eq!(status, 404);
    let (status, _) = world.rest().call("PUT", "/v1/entries", Some(&member.secret), Some(json!({}))).await;
    assert_eq!(status, 405);
    assert_eq!(entries(world, member).await, before, "nothing was stored");
}
