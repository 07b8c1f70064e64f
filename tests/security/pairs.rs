//! Two people, what they have, and what is open between them.

use crate::call::Api;
use crate::person::{PATIENCE, Person, text};
use crate::things::{CANARIES, Things};
use candor_tests::{One, eventually};
use serde_json::{Value, json};

/// The scopes that somebody can open to somebody.
pub(crate) const SCOPES: [i32; 4] = [1, 2, 3, 4];

/// How two people stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Linked; an excerpt, an answer and a check-in are open.
    Shared,
    /// Linked; the one share has not opened yet, and only the owner answered the check-in.
    Unshared,
    /// As shared, and then unlinked.
    Former,
}

/// An owner of things, and the other of the two.
pub(crate) struct Pair {
    pub(crate) standing: Standing,
    pub(crate) owner: Person,
    pub(crate) other: Person,
    pub(crate) things: Things,
    /// Capabilities of the other for the owner's data, by scope, from while they were linked.
    pub(crate) held: Vec<(i32, String)>,
}

impl Pair {
    /// Both join and link.
    pub(crate) async fn join(one: &One, api: &Api, names: [&str; 2], standing: Standing) -> Self {
        let (owner, other) = tokio::join!(Person::join(one, api, names[0]), Person::join(one, api, names[1]));
        let mut things = Things::default();
        let code = link(api, &owner, &other).await;
        for (name, value) in [
            ("$owner", &owner.account_id),
            ("$email", &owner.email),
            ("$session", &owner.session_id),
            ("$token", &owner.token),
            ("$code", &code),
        ] {
            things.set(name, &json!(value));
        }
        // Somebody is invited to the circle.
        let invited = invite_to_circle(api, &owner).await;
        things.set("$circle_invitation", &invited["invitationId"]);
        Self { standing, owner, other, things, held: Vec::new() }
    }

    /// Puts somebody into the owner's circle.
    pub(crate) async fn befriend(&mut self, api: &Api, friend: &Person) {
        let code = text(&invite_to_circle(api, &self.owner).await["code"]);
        let yes = json!({"code": code, "ownName": "A friend", "adult": true});
        let joined = friend.ok(api, "candor.accounts.v1.CoupleService.AcceptInvitation", yes).await;
        self.things.set("$circle", &joined["place"]["circleId"]);
    }

    /// The owner shares one thing with somebody in their circle; what is seen from there.
    pub(crate) async fn share_with(&self, api: &Api, mut friend: Person) -> Self {
        friend.renew(api).await;
        let topic = json!({
            "kind": "SHARE_KIND_ENTRY", "itemId": self.things.get("$entry"),
            "depth": "SHARE_DEPTH_TOPIC", "words": "One thing, for you alone.",
        });
        let share = json!({"recipientAccountId": friend.account_id, "selection": topic, "openNow": true});
        let share = self.owner.in_time(api, "candor.journal.v1.ShareService.ShareItem", share).await;
        let mut things = self.things.clone();
        things.set("$share", &share["share"]["shareId"]);
        let (owner, held) = (self.owner.clone(), Vec::new());
        Self { standing: Standing::Shared, owner, other: friend, things, held }
    }

    /// The first week: an entry, a mood, a self-check, an agreed check-in that is answered.
    pub(crate) async fn live_a_week(&mut self, api: &Api) {
        let body = format!("{} and, apart from that, {}.", CANARIES[0], CANARIES[1]);
        let entry = json!({"title": "Evening", "body": body, "timeZone": "Europe/Berlin"});
        let entry = self.owner.ok(api, "candor.journal.v1.EntryService.WriteEntry", entry).await;
        self.things.set("$entry", &entry["entry"]["entryId"]);
        let mood = json!({"mood": {"pleasantness": -3, "energy": 2, "bodySigns": ["BODY_SIGN_TEARS"]}});
        self.owner.ok(api, "candor.journal.v1.MoodService.RecordMood", mood).await;
        self.check_oneself(api).await;
        self.agree_and_answer(api).await;
    }

    async fn check_oneself(&mut self, api: &Api) {
        let assessment_id = self.owner.check_oneself(api).await;
        self.things.set("$assessment", &assessment_id);
    }

    async fn agree_and_answer(&mut self, api: &Api) {
        let schedule = self.propose(api, "WEEKDAY_WEDNESDAY").await;
        self.things.set("$schedule", &json!(schedule));
        let accept = json!({"ownerAccountId": self.owner.account_id, "scheduleId": schedule});
        let rpc = "candor.reminders.v1.CheckInScheduleService.AcceptCheckInSchedule";
        let agreed = self.read_of_owner(api, rpc, accept, 3).await;
        self.things.set("$open_time", &agreed["schedule"]["nextOpenTime"]);
        self.things.set("$check_in", &agreed["schedule"]["nextCheckInId"]);
        let asked = json!({"checkInId": self.things.get("$check_in")});
        let prompts = api.ok("candor.content.v1.PromptService.ListCheckInPrompts", asked, None).await;
        self.things.set("$prompt", &prompts["prompts"][0]["promptId"]);
        let answer = |words: &str| {
            json!({
                "scheduleId": schedule, "openTime": self.things.get("$open_time"),
                "replies": [{"promptId": self.things.get("$prompt"), "text": words}],
            })
        };
        let rpc = "candor.journal.v1.CheckInService.AnswerCheckIn";
        self.owner.in_time(api, rpc, answer(CANARIES[2])).await;
        if self.standing != Standing::Unshared {
            self.other.in_time(api, rpc, answer("Mine.")).await;
        }
    }

    async fn propose(&self, api: &Api, weekday: &str) -> String {
        let wish = json!({"weekday": weekday, "localTime": "20:30", "timeZone": "Europe/Berlin"});
        let rpc = "candor.reminders.v1.CheckInScheduleService.ProposeCheckInSchedule";
        text(&self.owner.in_time(api, rpc, wish).await["proposal"]["scheduleId"])
    }

    /// A call of the other about the owner's data, as soon as it can be made.
    async fn read_of_owner(&self, api: &Api, rpc: &str, request: Value, scope: i32) -> Value {
        let capability = self.other.open(api, &self.owner.account_id, scope).await;
        let shown =
            crate::call::Shown { passport: Some(&self.other.passport), capability: Some(&capability) };
        let mut answer = None;
        eventually(&format!("{rpc} succeeds"), PATIENCE, async || {
            answer = api.raw(rpc, &request, shown).await.ok().map(|bytes| crate::call::json(rpc, &bytes));
            answer.is_some()
        })
        .await;
        answer.unwrap()
    }

    /// A week later: the look back is in the inbox, the check-in is decided, and something is shared.
    pub(crate) async fn share(&mut self, api: &Api) {
        tokio::join!(self.owner.renew(api), self.other.renew(api));
        self.wait_for_the_week(api).await;
        let again = json!({"body": "Another evening.", "timeZone": "Europe/Berlin"});
        self.owner.ok(api, "candor.journal.v1.EntryService.WriteEntry", again).await;
        let planned = self.first(api, "candor.reminders.v1.ScheduleService.ListSchedules", "schedules").await;
        self.things.set("$reminder", &planned["scheduleId"]);
        let proposal = self.propose(api, "WEEKDAY_FRIDAY").await;
        self.things.set("$proposal", &json!(proposal));
        let end = i32::try_from(CANARIES[0].chars().count()).unwrap();
        let excerpt = json!({
            "kind": "SHARE_KIND_ENTRY", "itemId": self.things.get("$entry"),
            "depth": "SHARE_DEPTH_EXCERPT", "spans": [{"start": 0, "end": end}],
        });
        let share = json!({
            "recipientAccountId": self.other.account_id, "selection": excerpt,
            "openNow": self.standing != Standing::Unshared,
        });
        let share = self.owner.ok(api, "candor.journal.v1.ShareService.ShareItem", share).await;
        self.things.set("$share", &share["share"]["shareId"]);
        self.be_answered(api).await;
    }

    async fn wait_for_the_week(&mut self, api: &Api) {
        let item = self.first(api, "candor.reminders.v1.InboxService.ListInboxItems", "items").await;
        self.things.set("$inbox_item", &item["inboxItemId"]);
        let open = if self.standing == Standing::Unshared {
            "CHECK_IN_STATE_NOT_THIS_TIME"
        } else {
            "CHECK_IN_STATE_OPEN"
        };
        eventually("the check-in is decided", PATIENCE, async || {
            let request = json!({"checkInId": self.things.get("$check_in")});
            let seen = self.owner.ok(api, "candor.journal.v1.CheckInService.GetCheckIn", request).await;
            seen["checkIn"]["state"] == open
        })
        .await;
    }

    /// The other shares something, too; the owner answers it, unless nothing is to be open.
    async fn be_answered(&mut self, api: &Api) {
        let entry = json!({"body": "Mine.", "timeZone": "Europe/Berlin"});
        let entry = self.other.ok(api, "candor.journal.v1.EntryService.WriteEntry", entry).await;
        let topic = json!({
            "kind": "SHARE_KIND_ENTRY", "itemId": entry["entry"]["entryId"],
            "depth": "SHARE_DEPTH_TOPIC", "words": "An evening of mine.",
        });
        let share = json!({"recipientAccountId": self.owner.account_id, "selection": topic, "openNow": true});
        let share = self.other.ok(api, "candor.journal.v1.ShareService.ShareItem", share).await;
        let share_id = &share["share"]["shareId"];
        self.things.set("$others_share", share_id);
        if self.standing == Standing::Unshared {
            return;
        }
        let capability = self.owner.open(api, &self.other.account_id, 1).await;
        let answer = json!({
            "ownerAccountId": self.other.account_id, "shareId": share_id,
            "body": format!("I hear you: {}.", CANARIES[2]),
        });
        let shown =
            crate::call::Shown { passport: Some(&self.owner.passport), capability: Some(&capability) };
        api.raw("candor.journal.v1.ShareService.AnswerShare", &answer, shown).await.unwrap();
    }

    /// The first thing on a page of the owner's, once there is one.
    async fn first(&self, api: &Api, rpc: &str, list: &str) -> Value {
        let mut found = Value::Null;
        eventually(&format!("{rpc} has something"), PATIENCE, async || {
            let page = self.owner.ok(api, rpc, json!({})).await;
            found = page[list].get(0).cloned().unwrap_or_default();
            !found.is_null()
        })
        .await;
        found
    }

    /// The owner ends the link; the other keeps the capabilities they had. Returns once every service knows.
    pub(crate) async fn part(&mut self, api: &Api) {
        for scope in SCOPES {
            self.held.push((scope, self.other.open(api, &self.owner.account_id, scope).await));
        }
        self.owner.ok(api, "candor.accounts.v1.CoupleService.UnlinkPartner", json!({})).await;
        let share = json!({"ownerAccountId": self.owner.account_id, "shareId": self.things.get("$share")});
        let schedule = json!({"ownerAccountId": self.owner.account_id});
        let reads = [
            ("candor.journal.v1.ShareService.GetReceivedShare", share, &self.held[0].1),
            ("candor.reminders.v1.CheckInScheduleService.GetCheckInSchedule", schedule, &self.held[2].1),
        ];
        for (rpc, request, capability) in reads {
            let shown =
                crate::call::Shown { passport: Some(&self.other.passport), capability: Some(capability) };
            eventually(&format!("{rpc} is refused"), PATIENCE, async || {
                api.raw(rpc, &request, shown).await.is_err()
            })
            .await;
        }
    }
}

/// Invites somebody to a circle. What the inviter keeps for themself is in no other answer.
async fn invite_to_circle(api: &Api, host: &Person) -> Value {
    let wish = json!({"ownName": "The host", "called": CANARIES[1], "reason": CANARIES[1]});
    host.ok(api, "candor.accounts.v1.CircleService.InviteTrustedPerson", wish).await
}

/// Links two members; the code that did it.
pub(crate) async fn link(api: &Api, inviter: &Person, invited: &Person) -> String {
    let rpc = "candor.accounts.v1.CoupleService.InvitePartner";
    let code = text(&inviter.ok(api, rpc, json!({"ownName": "The one"})).await["code"]);
    let yes = json!({"code": code, "ownName": "The other", "adult": true});
    invited.ok(api, "candor.accounts.v1.CoupleService.AcceptInvitation", yes).await;
    code
}
