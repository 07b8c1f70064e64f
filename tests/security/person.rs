//! Somebody with a session, and what proves that it is them.

use crate::call::Api;
use candor_tests::{Device, One, eventually};
use serde_json::{Value, json};
use std::time::Duration;
use totp_rs::Secret;

const PASSWORD: &str = "a long sentence nobody guesses";
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody with a session.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) account_id: String,
    pub(crate) session_id: String,
    secret: String,
    /// The token of the mail that proved the address; used up.
    pub(crate) token: String,
    pub(crate) passport: String,
    /// The secret of their authenticator app, where they have one.
    app: Option<String>,
    /// Their passkey, where they have one.
    key: Option<Device>,
}

impl Person {
    /// A member who registered, verified and signed in.
    pub(crate) async fn join(one: &One, api: &Api, name: &str) -> Self {
        let email = format!("{name}@example.org");
        let person = json!({
            "email": email, "password": PASSWORD, "timeZone": "Europe/Berlin", "adult": true,
            "termsVersion": 1, "privacyVersion": 1,
        });
        api.ok("candor.accounts.v1.IdentityService.Register", person, None).await;
        let token = one.mailed_token(&email).await;
        let proof = json!({"token": token, "password": PASSWORD});
        api.ok("candor.accounts.v1.IdentityService.VerifyEmail", proof, None).await;
        Self::sign_in(api, email, token).await
    }

    /// Somebody who runs the platform.
    pub(crate) async fn operator(one: &One, api: &Api) -> Self {
        let email = "operator@example.org".to_owned();
        let made = one.command(&["operator", "create", "--email", &email], &format!("{PASSWORD}\n"));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut operator = Self::sign_in(api, email, String::new()).await;
        operator.accept_terms(api).await;
        operator.add_app(one, api).await;
        operator
    }

    /// Accepts the terms, as everybody does at their first visit who did not register.
    pub(crate) async fn accept_terms(&mut self, api: &Api) {
        for kind in ["TERMS_KIND_USE", "TERMS_KIND_PRIVACY"] {
            let yes = json!({"kind": kind, "version": 1});
            self.ok(api, "candor.accounts.v1.TermsService.AcceptTerms", yes).await;
        }
        self.renew(api).await;
    }

    /// Somebody who works for the platform.
    pub(crate) async fn staff(one: &One, api: &Api, role: &str) -> Self {
        let email = format!("{role}@example.org");
        let line = ["staff", "create", "--role", role, "--email", &email];
        let made = one.command(&line, &format!("{PASSWORD}\n"));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut person = Self::sign_in(api, email, String::new()).await;
        person.accept_terms(api).await;
        person.add_app(one, api).await;
        person
    }

    /// Sets up an authenticator app, without which nobody runs a platform.
    pub(crate) async fn add_app(&mut self, one: &One, api: &Api) {
        let begun = self.ok(api, "candor.accounts.v1.SecurityService.BeginTotp", json!({})).await;
        let secret = text(&begun["secret"]);
        let code = shown_by(&secret, one);
        self.ok(api, "candor.accounts.v1.SecurityService.ConfirmTotp", json!({ "code": code })).await;
        self.app = Some(secret);
        self.renew(api).await;
    }

    /// Adds a passkey of a device in software; its id.
    pub(crate) async fn add_passkey(&mut self, one: &One, api: &Api, seed: u8) -> Value {
        let begin = "candor.accounts.v1.PasskeyService.BeginPasskey";
        let asked = self.ok(api, begin, json!({"name": "my blue key"})).await;
        // A passkey wants a name for where it is; on one's own machine that is localhost.
        let page = one.origin().replace("127.0.0.1", "localhost");
        let (device, credential) = Device::make(&page, asked["options"].as_str().unwrap(), seed);
        let add = json!({"challengeToken": asked["challengeToken"], "credential": credential});
        self.ok(api, "candor.accounts.v1.PasskeyService.AddPasskey", add).await;
        self.key = Some(device);
        self.renew(api).await;
        let mine = self.ok(api, "candor.accounts.v1.PasskeyService.ListPasskeys", json!({})).await;
        mine["passkeys"][0]["passkeyId"].clone()
    }

    /// Proves again who they are, with all they have for that: what takes a fresh proof is open for five minutes.
    pub(crate) async fn prove(&mut self, one: &One, api: &Api) {
        let proven = match &mut self.key {
            Some(device) => {
                let begin = "candor.accounts.v1.PasskeyService.BeginPasskeyStepUp";
                let asked = api.ok(begin, json!({}), Some(&self.passport)).await;
                let credential = device.answer(asked["options"].as_str().unwrap());
                let show = json!({"challengeToken": asked["challengeToken"], "credential": credential});
                let rpc = "candor.accounts.v1.PasskeyService.StepUpWithPasskey";
                api.ok(rpc, show, Some(&self.passport)).await
            }
            None => {
                let code = self.app.as_ref().map(|secret| shown_by(secret, one)).unwrap_or_default();
                let show = json!({"password": PASSWORD, "code": code});
                self.ok(api, "candor.accounts.v1.SessionService.StepUp", show).await
            }
        };
        self.passport = text(&proven["passport"]);
    }

    pub(crate) async fn sign_in(api: &Api, email: String, token: String) -> Self {
        let credentials = json!({"email": email, "password": PASSWORD, "deviceLabel": "laptop"});
        let session = api.ok("candor.accounts.v1.SessionService.SignIn", credentials, None).await;
        let passport = text(&session["passport"]);
        let me = api.ok("candor.accounts.v1.IdentityService.GetMe", json!({}), Some(&passport)).await;
        Self {
            email,
            account_id: text(&me["account"]["accountId"]),
            session_id: text(&session["sessionId"]),
            secret: text(&session["sessionSecret"]),
            token,
            passport,
            app: None,
            key: None,
        }
    }

    /// A session of now, for whoever has an authenticator app.
    pub(crate) async fn sign_in_again(&mut self, one: &One, api: &Api) {
        let credentials = json!({"email": self.email, "password": PASSWORD, "deviceLabel": "laptop"});
        let half = api.ok("candor.accounts.v1.SessionService.SignIn", credentials, None).await;
        let code = shown_by(self.app.as_ref().unwrap(), one);
        let rest = json!({"pendingToken": half["pendingToken"], "code": code});
        let session = api.ok("candor.accounts.v1.SessionService.CompleteSignIn", rest, None).await;
        self.session_id = text(&session["sessionId"]);
        self.secret = text(&session["sessionSecret"]);
        self.passport = text(&session["passport"]);
    }

    /// A passport of now.
    pub(crate) async fn renew(&mut self, api: &Api) {
        let request = json!({"sessionSecret": self.secret});
        let minted = api.ok("candor.accounts.v1.SessionService.MintPassport", request, None).await;
        self.passport = text(&minted["passport"]);
    }

    /// A call in their name that must succeed.
    pub(crate) async fn ok(&self, api: &Api, rpc: &str, request: Value) -> Value {
        api.ok(rpc, request, Some(&self.passport)).await
    }

    /// A call in their name that succeeds once what it needs has got around.
    pub(crate) async fn in_time(&self, api: &Api, rpc: &str, request: Value) -> Value {
        let mut answer = None;
        eventually(&format!("{rpc} succeeds"), PATIENCE, async || {
            let shown = crate::call::Shown::passport(&self.passport);
            answer = api.raw(rpc, &request, shown).await.ok().map(|bytes| crate::call::json(rpc, &bytes));
            answer.is_some()
        })
        .await;
        answer.unwrap()
    }

    /// A self-check that is scored; its id.
    pub(crate) async fn check_oneself(&self, api: &Api) -> Value {
        let get = "candor.content.v1.InstrumentService.GetInstrument";
        let instrument = api.ok(get, json!({"instrumentId": "self-check"}), None).await;
        let domains = instrument["instrument"]["domains"].as_array().unwrap();
        let items = domains.iter().flat_map(|domain| domain["items"].as_array().unwrap());
        let answer = |item: &Value| json!({"linkId": item["linkId"], "code": item["options"][1]["code"]});
        let answers: Vec<Value> = items.map(answer).collect();
        let start = json!({"instrumentId": "self-check"});
        let started = self.in_time(api, "candor.journal.v1.AssessmentService.StartAssessment", start).await;
        let id = started["assessment"]["assessmentId"].clone();
        let save = json!({"assessmentId": id, "answers": answers});
        self.ok(api, "candor.journal.v1.AssessmentService.SaveAnswers", save).await;
        let score = json!({"assessmentId": id});
        self.ok(api, "candor.journal.v1.AssessmentService.ScoreAssessment", score).await;
        id
    }

    /// A capability for a scope of another person's.
    pub(crate) async fn open(&self, api: &Api, owner_id: &str, scope: i32) -> String {
        let request = json!({"ownerAccountId": owner_id, "scope": scope});
        let opened = self.ok(api, "candor.accounts.v1.ConsentService.OpenAccess", request).await;
        text(&opened["capability"])
    }
}

/// What an authenticator app with that secret shows now.
fn shown_by(secret: &str, one: &One) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let app = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    app.generate(one.clock().now().as_second().unsigned_abs()).to_string()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
