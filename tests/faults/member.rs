//! A member, and what they do.

use candor_proto::journal::v1 as journal;
use candor_tests::five::Five;
use candor_tests::{Answer, eventually};
use serde_json::{Value, json};
use std::time::Duration;
use tonic::Request;

/// How long the bus, or a restart, may take to bring everything about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The same where a process was killed: what its relay was busy with is free again after a lease of 60 s.
pub(crate) const PAST_THE_LEASE: Duration = Duration::from_secs(90);

/// Somebody who registered, verified and signed in.
pub(crate) struct Member {
    pub(crate) secret: String,
    pub(crate) passport: String,
}

impl Member {
    pub(crate) async fn join(five: &Five, email: &str) -> Self {
        let rest = five.rest();
        let password = "a long sentence nobody guesses";
        let person = json!({"email": email, "password": password, "timeZone": "Europe/Berlin", "locale": "en", "adult": true, "termsVersion": 1, "privacyVersion": 1});
        rest.ok("POST", "/v1/accounts", None, Some(person)).await;
        let token = five.mailed_token(email).await;
        let proof = json!({"token": token, "password": password});
        rest.ok("POST", "/v1/accounts:verifyEmail", None, Some(proof)).await;
        let credentials = json!({"email": email, "password": password, "deviceLabel": "laptop"});
        let session = rest.ok("POST", "/v1/sessions", None, Some(credentials)).await;
        let secret = session["sessionSecret"].as_str().unwrap().to_owned();
        let passport = session["passport"].as_str().unwrap().to_owned();
        Self { secret, passport }
    }

    /// A call through the gateway; whatever comes back.
    pub(crate) async fn send(
        &self,
        five: &Five,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, String> {
        five.rest().send(method, path, Some(&self.secret), body).await
    }

    /// Writes through the gateway.
    pub(crate) async fn write(&self, five: &Five, body: &str) {
        let entry = json!({"body": body, "timeZone": "Europe/Berlin"});
        five.rest().ok("POST", "/v1/entries", Some(&self.secret), Some(entry)).await;
    }

    /// Waits until the gateway answers this member again.
    pub(crate) async fn is_served(&self, five: &Five, path: &str) {
        eventually(&format!("{path} is served"), PATIENCE, async || {
            self.send(five, "GET", path, None).await.is_ok_and(|answer| answer.status == 200)
        })
        .await;
    }

    /// How far the member is with a milestone.
    pub(crate) async fn progress(&self, five: &Five, milestone: &str) -> i64 {
        let path = five.rest().ok("GET", "/v1/path", Some(&self.secret), None).await;
        let steps = path["steps"].as_array().unwrap();
        let mut milestones = steps.iter().flat_map(|step| step["milestones"].as_array().unwrap());
        milestones.find(|m| m["milestoneId"] == milestone).unwrap()["progress"].as_i64().unwrap()
    }

    /// What is planned for the member.
    pub(crate) async fn planned(&self, five: &Five) -> usize {
        let planned = five.rest().ok("GET", "/v1/schedules", Some(&self.secret), None).await;
        planned["schedules"].as_array().unwrap().len()
    }

    /// Asks for the timeline at the journal itself; whatever comes back.
    pub(crate) async fn timeline(
        &self,
        five: &Five,
        page_token: String,
    ) -> Result<journal::ListEntriesResponse, tonic::Status> {
        let mut entries = journal::entry_service_client::EntryServiceClient::new(five.grpc("journal"));
        let request = journal::ListEntriesRequest { page_size: 100, page_token };
        Ok(entries.list_entries(signed(request, &self.passport)).await?.into_inner())
    }
}

/// A call in somebody's name.
pub(crate) fn signed<T>(message: T, passport: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {passport}").parse().unwrap());
    request
}

/// A refusal that says when to come back, in the form every problem has.
pub(crate) fn assert_come_back_later(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.content_type, "application/problem+json", "{answer:?}");
    assert!(answer.retry_after.is_some_and(|seconds| seconds >= 1), "{answer:?}");
    assert_eq!(answer.json["status"], 503, "{answer:?}");
}
