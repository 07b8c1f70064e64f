//! The story of two people: they link, look at themselves, share a little, are answered, meet in
//! check-ins, take along what is theirs, and part.

pub(crate) mod exporting;
mod linking;
mod meeting;
mod parting;
mod self_check;
mod sharing;

use crate::story::{self, Member};
use crate::world::World;
use candor_tests::eventually;
use serde_json::{Value, json};
use std::time::Duration;

/// Words that must never be found outside a sealed column.
const CANARY: &str = "heron-among-the-september-reeds";
const PATIENCE: Duration = Duration::from_secs(30);

/// Two members, and the world they are in.
struct Two<'a> {
    world: &'a World,
    anna: Member,
    ben: Member,
}

impl Two<'_> {
    /// A call that must succeed.
    async fn ok(&self, who: &Member, method: &str, path: &str, body: Option<Value>) -> Value {
        self.world.rest().ok(method, path, Some(&who.secret), body).await
    }

    async fn get(&self, who: &Member, path: &str) -> Value {
        self.ok(who, "GET", path, None).await
    }

    async fn post(&self, who: &Member, path: &str, body: Value) -> Value {
        self.ok(who, "POST", path, Some(body)).await
    }

    /// A read that is refused exactly as the same read of something that does not exist.
    async fn is_hidden(&self, who: &Member, path: &str, made_up: &str) {
        let (status, problem) = self.world.rest().call("GET", path, Some(&who.secret), None).await;
        assert_eq!(status, 404, "{path}: {problem}");
        let (status, nothing) = self.world.rest().call("GET", made_up, Some(&who.secret), None).await;
        assert_eq!(status, 404, "{made_up}: {nothing}");
        assert_eq!(story::without_instance(problem), story::without_instance(nothing), "{path}");
    }

    /// Waits until a read of one member's says what it is to say.
    async fn comes(&self, who: &Member, path: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Value::Null;
        eventually(what, PATIENCE, async || {
            let (status, answer) = self.world.rest().call("GET", path, Some(&who.secret), None).await;
            seen = answer;
            status == 200 && holds(&seen)
        })
        .await;
        seen
    }

    /// Waits until one item of a kind about a subject is in a member's inbox.
    async fn is_told(&self, who: &Member, kind: &str, subject_id: &str) {
        let about = |inbox: &Value| items(inbox, kind).filter(|item| item["subjectId"] == subject_id).count();
        let path = "/v1/inboxItems?pageSize=100";
        self.comes(who, path, &format!("{kind} is in the inbox, once"), |inbox| about(inbox) == 1).await;
    }

    /// Waits until a member has reached something in a step of the path.
    async fn is_further(&self, who: &Member, step: &str) {
        let what = format!("something of {step} is reached");
        self.comes(who, "/v1/path", &what, |path| {
            let steps = path["steps"].as_array().into_iter().flatten().filter(|s| s["step"] == step);
            let mut milestones = steps.flat_map(|s| s["milestones"].as_array().into_iter().flatten());
            milestones.any(|m| m["reachTime"].is_string())
        })
        .await;
    }
}

fn items<'a>(inbox: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    inbox["items"].as_array().into_iter().flatten().filter(move |item| item["kind"] == kind)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The whole story.
pub(crate) async fn tell(mut world: World) {
    let anna = story::join_over_rest(&world, "anna@example.org").await;
    let ben = story::join_over_grpc(&world, "ben@example.org").await;
    let two = Two { world: &world, anna, ben };
    linking::they_link(&two).await;
    self_check::she_looks_at_herself(&two).await;
    let entry = sharing::she_writes(&two).await;
    let share = sharing::a_share_opens_after_an_hour(&two, &entry).await;
    sharing::he_reads_and_she_is_not_told(&two, &share).await;
    sharing::he_tells_and_answers(&two, &share).await;
    sharing::what_is_withdrawn_is_gone(&two, &entry).await;
    let check_ins = meeting::they_meet(&two).await;
    exporting::she_takes_it_along(&two).await;
    parting::they_part(&two, &share, &check_ins).await;
    let (anna, ben) = (two.anna, two.ben);

    world.kill_and_start_again().await;
    let two = Two { world: &world, anna, ben };
    parting::all_is_gone(&two, &share, &check_ins).await;
    parting::what_each_wrote_stays(&two, &share, &check_ins, &entry).await;
    world.assert_nowhere_readable(CANARY).await;
    world.stop().await;
}

/// An id that was never given.
const MADE_UP: &str = "0190163d-8694-739b-aea5-966c26f8a000";

/// A body without anything.
fn nothing() -> Value {
    json!({})
}
