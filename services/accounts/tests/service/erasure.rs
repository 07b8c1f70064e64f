//! Having everything destroyed: what ends at once, what can be called off, what is left, and what the certificate says.

use crate::{
    kit::{House, PASSWORD, reason},
    people::{Person, shared_items},
};
use accounts::{app::OwnPart, domain::ERASURE_PARTS, events, jobs};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bus::Envelope;
use candor_proto::accounts::v1::{
    CancelErasureRequest, Erasure, GetErasureCertificateRequest, GetErasureCertificateResponse,
    GetErasureRequest, ListSecurityNoticesRequest, ReportReason, RequestErasureRequest,
    RequestErasureResponse, privacy_service_server::PrivacyService as _,
    security_service_server::SecurityService as _,
};
use candor_proto::{content, journal, reminders};
use chassis::identity::Kind;
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use jiff::SignedDuration;
use std::{collections::BTreeSet, sync::Arc};
use tonic::{Code, Request, Status};
use uuid::Uuid;

pub const WAITING: &str = "ERASURE_STATE_WAITING";
pub const BEGUN: &str = "ERASURE_STATE_BEGUN";
pub const DONE: &str = "ERASURE_STATE_DONE";
const REQUESTED: &str = "SECURITY_NOTICE_KIND_ERASURE_REQUESTED";
const CANCELLED: &str = "SECURITY_NOTICE_KIND_ERASURE_CANCELLED";
pub const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
const SETTLED: SignedDuration = SignedDuration::from_mins(2);

impl House {
    pub async fn ask(&self, person: &Person, mail: bool) -> Result<RequestErasureResponse, Status> {
        let request = self.by(person, RequestErasureRequest { mail_certificate: mail });
        Ok(self.rpc.request_erasure(request).await?.into_inner())
    }

    pub async fn call_off(&self, person: &Person) -> Result<(), Status> {
        self.rpc.cancel_erasure(self.by(person, CancelErasureRequest {})).await.map(drop)
    }

    pub async fn erasure_of(&self, person: &Person) -> Option<Erasure> {
        self.rpc.get_erasure(self.by(person, GetErasureRequest {})).await.unwrap().into_inner().erasure
    }

    pub async fn certificate(&self, code: &str) -> Result<GetErasureCertificateResponse, Status> {
        let request = Request::new(GetErasureCertificateRequest { code: code.into() });
        Ok(self.rpc.get_erasure_certificate(request).await?.into_inner())
    }

    /// Everything that accounts has to do about erasures now, done.
    pub async fn erase(&self) {
        while jobs::erase(&self.accounts).await.unwrap() {}
        let part = OwnPart(Arc::clone(&self.accounts));
        bus::erasure::run_once(&part, self.pool(), &self.accounts.outbox, &self.clock).await.unwrap();
        while jobs::erase(&self.accounts).await.unwrap() {}
    }

    /// Everything that was told is published.
    pub async fn publish(&self) {
        bus::log::maintain(&mut self.pool().acquire().await.unwrap(), self.now()).await.unwrap();
        sqlx::query(
            "WITH told AS (DELETE FROM bus.outbox RETURNING id, key, aggregate_id, version, time, traceparent, body)
             INSERT INTO bus.log SELECT *, $1 FROM told",
        )
        .bind(jiff_sqlx::Timestamp::from(self.now()))
        .execute(self.pool())
        .await
        .unwrap();
    }

    /// What the one erasure there is is called.
    pub async fn erasure_id(&self) -> Uuid {
        sqlx::query_scalar("SELECT erasure_id FROM erasure").fetch_one(self.pool()).await.unwrap()
    }

    /// What the erasure of somebody is called.
    pub async fn erasure_id_of(&self, person: &Person) -> Uuid {
        let query = sqlx::query_scalar("SELECT erasure_id FROM erasure WHERE account_id = $1");
        query.bind(person.account_id).fetch_one(self.pool()).await.unwrap()
    }

    pub async fn hear(&self, event: &Envelope) {
        let inbox = events::inbox(self.accounts.clone());
        inbox.handle(std::slice::from_ref(event)).await.unwrap();
    }

    /// A part of Candor says that nothing is left in it.
    pub async fn answer(&self, service: &str, erasure_id: Uuid, entries: i64) {
        let (erasure, classes, counts) = (erasure_id.to_string(), vec!["entries".to_owned()], vec![entries]);
        let (id, now) = (self.accounts.ids.next(), self.now());
        let shred_time = Some(prost_types::Timestamp { seconds: now.as_second(), nanos: 0 });
        let event = match service {
            "journal" => {
                let said = journal::v1::Erased { erasure_id: erasure, classes, counts, shred_time };
                Envelope::new(id, now, erasure_id, 1, &said)
            }
            "reminders" => {
                let said = reminders::v1::Erased { erasure_id: erasure, ..Default::default() };
                Envelope::new(id, now, erasure_id, 1, &said)
            }
            _ => {
                let said = content::v1::Erased { erasure_id: erasure, ..Default::default() };
                Envelope::new(id, now, erasure_id, 1, &said)
            }
        };
        self.hear(&event).await;
    }

    /// An erasure, from its beginning to where every part has answered.
    pub async fn go_through(&self, erasure_id: Uuid) {
        self.erase().await;
        self.publish().await;
        for service in ["journal", "reminders", "content"] {
            self.answer(service, erasure_id, 3).await;
        }
        self.advance(SETTLED);
        self.erase().await;
        self.publish().await;
        self.advance(SignedDuration::from_secs(10));
        self.erase().await;
    }

    /// The tables in which an account's id stands.
    pub async fn tables_naming(&self, account_id: Uuid) -> BTreeSet<String> {
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
             WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'",
        )
        .fetch_all(self.pool())
        .await
        .unwrap();
        let mut naming = BTreeSet::new();
        for table in tables {
            let query = sqlx::AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
            let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(self.pool()).await.unwrap();
            let text = account_id.to_string();
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            if rows.iter().any(|row| row.contains(&text) || row.contains(&hex)) {
                naming.insert(table);
            }
        }
        naming
    }

    async fn noticed(&self, person: &Person) -> Vec<&'static str> {
        let request = self.by(person, ListSecurityNoticesRequest::default());
        let listed = self.rpc.list_security_notices(request).await.unwrap().into_inner().notices;
        listed.iter().map(|notice| notice.kind().as_str_name()).collect()
    }
}

#[tokio::test]
async fn asking_ends_what_connects_at_once_and_destroys_nothing() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let carl = house.member("carl").await;
    house.befriend(&anna, &carl).await;
    house.befriend(&carl, &anna).await;
    let open = house.invite_trusted(&anna, "Dora", "").await.unwrap().code;
    let asked = house.ask(&anna, false).await.unwrap();
    let (erasure, now) = (asked.erasure.unwrap(), house.now().as_second());
    assert_eq!(erasure.request_time.unwrap().seconds, now);
    assert_eq!(erasure.begin_time.unwrap().seconds, now + WEEK.as_secs());
    for person in [&anna, &ben] {
        assert!(house.couple_of(person).await.couple.is_none());
        let circles = house.circles_of(person).await;
        assert!(circles.people.is_empty() && circles.places.is_empty());
    }
    assert!(house.circles_of(&carl).await.people.is_empty() && house.preview(&open).await.is_err());
    assert_eq!(house.told("accounts.v1.couple_unlinked").await, 1);
    assert_eq!(house.told("accounts.v1.access_epoch_raised").await, 6);
    assert!(house.open(&ben, shared_items(anna.account_id)).await.is_err());
    assert_eq!(house.told("accounts.v1.erasure_begun").await, 0);
    // The account works as ever, and says what waits. Her notice is hers alone.
    house.sign_in("anna@example.org", PASSWORD).await.unwrap();
    assert!(house.erasure_of(&anna).await == Some(erasure));
    assert!(house.noticed(&anna).await.contains(&REQUESTED));
    assert!(house.erasure_of(&ben).await.is_none() && house.noticed(&ben).await.is_empty());
    // His invitations do not reach her, as after any parting.
    house.advance(SignedDuration::from_hours(5));
    let code = house.invite(&ben, "Ben").await.unwrap().code;
    assert_eq!(reason(&house.accept(&anna, &code, "Anna").await.err().unwrap()), "INVITATION_NOT_FOUND");
}

#[tokio::test]
async fn it_can_be_called_off_until_it_begins() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    house.call_off(&anna).await.unwrap();
    let code = house.ask(&anna, true).await.unwrap().certificate_code;
    assert_eq!(house.certificate(&code).await.unwrap().state().as_str_name(), WAITING);
    house.advance(WEEK - SignedDuration::from_secs(1));
    house.erase().await;
    let anna = house.signed_in("anna@example.org").await;
    house.call_off(&anna).await.unwrap();
    house.advance(WEEK);
    house.erase().await;
    let anna = house.signed_in("anna@example.org").await;
    assert!(house.erasure_of(&anna).await.is_none());
    assert_eq!(reason(&house.certificate(&code).await.err().unwrap()), "CERTIFICATE_NOT_FOUND");
    assert_eq!(house.count("erasure").await + house.count("bus.erased").await, 0);
    assert_eq!(house.noticed(&anna).await.first(), Some(&CANCELLED));
}

#[tokio::test]
async fn it_takes_a_fresh_proof_and_nobody_of_the_staff_and_asking_again_changes_the_code() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    let mut request = house.by(&anna, RequestErasureRequest { mail_certificate: false });
    let mut stale = house.passport_of(&anna);
    stale.authenticated_at = house.now() - SignedDuration::from_mins(6);
    request.extensions_mut().insert(stale);
    assert_eq!(reason(&house.rpc.request_erasure(request).await.err().unwrap()), "STEP_UP_REQUIRED");
    // Whoever runs the place or works for it stays while they do so; software is nobody.
    for kind in [Kind::Operator, Kind::Editor, Kind::Support] {
        let staff = Person { kind, ..anna.clone() };
        assert_eq!(reason(&house.ask(&staff, false).await.err().unwrap()), "STILL_STAFF");
        assert!(house.erasure_of(&staff).await.is_none());
    }
    let software = Person { kind: Kind::Client, ..anna.clone() };
    assert_eq!(house.ask(&software, false).await.err().unwrap().code(), Code::PermissionDenied);
    let first = house.ask(&anna, false).await.unwrap();
    house.advance(SignedDuration::from_hours(30));
    let again = house.ask(&anna, true).await.unwrap();
    assert_eq!(again.erasure.unwrap().begin_time, first.erasure.unwrap().begin_time);
    assert!(house.certificate(&first.certificate_code).await.is_err());
    assert_eq!(house.certificate(&again.certificate_code).await.unwrap().state().as_str_name(), WAITING);
    assert_eq!(house.noticed(&anna).await.len(), 1, "asking again is no news");
    for wrong in ["ce_", "nonsense", &"c".repeat(64)] {
        assert_eq!(house.certificate(wrong).await.err().unwrap().code(), Code::NotFound);
    }
}

#[tokio::test]
async fn nothing_is_left_but_numbers_that_lead_nowhere() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let carl = house.member("carl").await;
    house.befriend(&anna, &carl).await;
    house.open(&ben, shared_items(anna.account_id)).await.unwrap();
    house.open(&anna, shared_items(ben.account_id)).await.unwrap();
    let code = house.invite_trusted(&anna, "Dora", "Her canary word.").await.unwrap().code;
    house.report(&code, ReportReason::Pressure, "A note on the canary.").await.unwrap();
    house.block(&carl, &code).await.unwrap();
    house.work().await;
    house.mails();
    let asked = house.ask(&anna, true).await.unwrap();
    house.send(&house.postman).await;
    assert_eq!(house.mails().len(), 1, "the notice, to somebody who wants such mails");
    house.advance(WEEK);
    house.go_through(house.erasure_id().await).await;
    assert_eq!(house.certificate(&asked.certificate_code).await.unwrap().state().as_str_name(), DONE);
    house.publish().await;

    let left = house.tables_naming(anna.account_id).await;
    let (receipts, others): (Vec<_>, Vec<_>) =
        left.iter().partition(|table| table.starts_with("public.receipt"));
    assert_eq!(others, ["bus.erased", "public.circle", "public.couple"]);
    assert_eq!(receipts.len(), 2, "his ledger's one partition, and the whole: {receipts:?}");
    assert!(house.sign_in("anna@example.org", PASSWORD).await.is_err());
    assert_eq!(reason(&house.ask(&anna, false).await.err().unwrap()), "SESSION_ENDED");
    for table in ["invitation", "report", "invitation_block", "circle_member", "couple_member"] {
        assert_eq!(house.count(table).await, 0, "{table}");
    }
    // The address is free again: whoever registers with it is somebody new.
    house.work().await;
    let mail = house.mails();
    assert_eq!(mail.len(), 1);
    assert_eq!((mail[0].to.as_str(), mail[0].subject.as_str()), ("anna@example.org", "It is done"));
    assert_eq!(mail[0].token_of("/certificate?code="), asked.certificate_code);
    let again = house.member("anna").await;
    assert_ne!(again.account_id, anna.account_id);
    assert!(house.couple_of(&ben).await.couple.is_none());
}

#[tokio::test]
async fn whoever_came_back_with_an_old_backup_and_without_a_key_is_erased_all_the_same() {
    let house = House::new().await;
    let mut people = Vec::new();
    for name in 0..52 {
        let person = house.member(&format!("member{name}")).await;
        house.ask(&person, true).await.unwrap();
        people.push(person);
        house.advance(SignedDuration::from_secs(1));
    }
    // Of the first fifty the letters cannot be addressed anew, and the very oldest reads in no way at all.
    for person in &people[..51] {
        house.accounts.vault.shred(person.account_id).await.unwrap();
    }
    let spoil = sqlx::query("UPDATE erasure SET letter = 'x' WHERE account_id = $1");
    spoil.bind(people[0].account_id).execute(house.pool()).await.unwrap();
    house.advance(WEEK + SignedDuration::from_hours(2));
    house.erase().await;
    let begun: i64 = sqlx::query_scalar("SELECT count(*) FROM erasure WHERE begun_at IS NOT NULL")
        .fetch_one(house.pool())
        .await
        .unwrap();
    assert_eq!(begun, 51);
    // Somebody has to look at the one that cannot.
    assert_eq!(accounts::app::overdue_erasures(&house.accounts).await.unwrap(), 1);
}

#[tokio::test]
async fn the_certificate_is_signed_and_says_what_was_destroyed() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    let code = house.ask(&anna, false).await.unwrap().certificate_code;
    house.advance(WEEK);
    house.erase().await;
    let begun = house.certificate(&code).await.unwrap();
    assert_eq!((begun.state().as_str_name(), begun.pending_services.len()), (BEGUN, ERASURE_PARTS.len()));
    assert!(begun.certificate.is_empty() && begun.finish_time.is_none());
    house.go_through(house.erasure_id().await).await;
    let done = house.certificate(&code).await.unwrap();
    assert_eq!((done.state().as_str_name(), done.pending_services.len()), (DONE, 0));
    let key: [u8; 32] = STANDARD.decode(&done.public_key).unwrap().try_into().unwrap();
    let signature: [u8; 64] = STANDARD.decode(&done.signature).unwrap().try_into().unwrap();
    let key = VerifyingKey::from_bytes(&key).unwrap();
    key.verify(done.certificate.as_bytes(), &Signature::from_bytes(&signature)).unwrap();
    let said: serde_json::Value = serde_json::from_str(&done.certificate).unwrap();
    let count = |service: &str, class: &str| {
        let of =
            |one: &&candor_proto::accounts::v1::ErasedClass| one.service == service && one.class == class;
        done.destroyed.iter().find(of).map(|one| one.count)
    };
    assert_eq!(count("accounts", "account"), Some(1));
    assert_eq!((count("accounts", "devices"), house.count("known_device").await), (Some(1), 0));
    assert_eq!(count("journal", "entries"), Some(3));
    assert_eq!(said["destroyed"].as_array().unwrap().len(), done.destroyed.len());
    let services: Vec<_> = said["keys"].as_array().unwrap().iter().map(|key| &key["service"]).collect();
    assert_eq!(services, ["accounts", "journal"]);
    let week_later = done.backups_end_time.unwrap().seconds;
    assert!(week_later - WEEK.as_secs() <= done.finish_time.unwrap().seconds);
    assert!(!done.certificate.contains(&anna.account_id.to_string()) && !done.certificate.contains("anna"));
    // Nobody wanted a mail.
    house.work().await;
    assert!(house.mails().iter().all(|mail| mail.subject != "It is done"));
}
