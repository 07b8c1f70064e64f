//! Help with the use of the place: what a code shows, once, and that nobody who helps finds out or changes anything without
//! one; and how the roles are given and taken.

use crate::kit::{House, PASSWORD, reason};
use crate::people::{Person, visible};
use accounts::{
    Error,
    app::{self, NewOperator},
    domain::{AccountKind, Address, Locale, Password, Zone},
};
use candor_proto::accounts::v1::{
    CreateSupportCodeRequest, LookUpSupportCodeRequest, LookUpSupportCodeResponse, SecurityNoticeKind,
    StaffLookKind, StaffRole, support_service_server::SupportService as _,
};
use chassis::identity::Kind;
use jiff::SignedDuration;
use tonic::{Code, Status};

fn new(email: &str) -> NewOperator {
    NewOperator {
        address: Address::parse(email).unwrap(),
        password: Password::choose("password", PASSWORD).unwrap(),
        zone: Zone::parse("UTC").unwrap(),
        locale: Locale::parse("").unwrap(),
    }
}

impl House {
    /// Somebody who works for the place.
    pub async fn works(&self, kind: AccountKind, email: &str) -> Person {
        app::create_staff(&self.accounts, kind, new(email)).await.unwrap();
        self.signed_in(email).await
    }

    pub async fn support_code(&self, by: &Person) -> Result<String, Status> {
        let request = self.by(by, CreateSupportCodeRequest {});
        Ok(self.rpc.create_support_code(request).await?.into_inner().code)
    }

    pub async fn look_up(&self, by: &Person, code: &str) -> Result<LookUpSupportCodeResponse, Status> {
        let request = self.by(by, LookUpSupportCodeRequest { code: code.into() });
        Ok(self.rpc.look_up_support_code(request).await?.into_inner())
    }

    /// Somebody who helps with the use of the place.
    pub async fn supporter(&self) -> Person {
        self.works(AccountKind::Support, "sara@example.org").await
    }

    async fn kinds_of_looks(&self, person: &Person) -> Vec<i32> {
        self.looks_of_staff(person).await.iter().map(|look| look.kind).collect()
    }
}

#[tokio::test]
async fn a_code_shows_once_how_the_account_stands_and_the_owner_is_told() {
    let house = House::new().await;
    let sara = house.supporter().await;
    assert_eq!(sara.kind, Kind::Support);
    let anna = house.member("anna").await;
    let code = house.support_code(&anna).await.unwrap();
    let seen = house.look_up(&sara, &code.to_lowercase()).await.unwrap();
    let quiet = LookUpSupportCodeResponse {
        look_id: seen.look_id.clone(),
        address_confirmed: true,
        mails_waiting: seen.mails_waiting,
        ..LookUpSupportCodeResponse::default()
    };
    assert!(seen == quiet);
    use prost::Message as _;
    let answer = String::from_utf8_lossy(&seen.encode_to_vec()).into_owned();
    for private in ["anna", "Berlin", &anna.account_id.to_string()] {
        assert!(!answer.contains(private), "{private}");
    }
    assert!(house.heard(&anna, SecurityNoticeKind::SupportLooked).await);
    assert_eq!(house.kinds_of_looks(&anna).await, [StaffLookKind::Support as i32]);
    let looks = house.looks_of_staff(&anna).await;
    assert!(looks[0].look_id == seen.look_id && looks[0].role() == StaffRole::Support && !looks[0].agreed);
    let audited = house.record_of(anna.account_id).await;
    let details = format!("{{\"look\":\"{}\"}}", seen.look_id);
    assert_eq!(audited, [("support_looked".to_owned(), Some(sara.account_id), details)]);
    // Once.
    let used = house.look_up(&sara, &code).await.err().unwrap();
    assert_eq!((used.code(), reason(&used).as_str()), (Code::NotFound, "SUPPORT_CODE_NOT_FOUND"));
    assert_eq!(house.kinds_of_looks(&anna).await.len(), 1);
    assert!(!house.dump().await.contains(&code));
}

#[tokio::test]
async fn a_code_is_one_of_the_last_quarter_of_an_hour() {
    let house = House::new().await;
    let sara = house.supporter().await;
    let anna = house.member("anna").await;
    let never = house.look_up(&sara, "01ABC-DEFGH").await.err().unwrap();
    let first = house.support_code(&anna).await.unwrap();
    let second = house.support_code(&anna).await.unwrap();
    let replaced = house.look_up(&sara, &first).await.err().unwrap();
    house.advance(SignedDuration::from_mins(15));
    let over = house.look_up(&sara, &second).await.err().unwrap();
    let odd = house.look_up(&sara, "nonsense").await.err().unwrap();
    for other in [&replaced, &over, &odd] {
        assert_eq!(visible(other), visible(&never));
    }
    // Guessing has turns, whatever comes of it.
    for _ in 0..30 {
        if let Err(status) = house.look_up(&sara, "01ABC-DEFGH").await
            && status.code() == Code::ResourceExhausted
        {
            return;
        }
    }
    panic!("codes can be guessed at any speed");
}

#[tokio::test]
async fn what_is_open_of_an_account_is_seen_in_a_code_of_its_owner_alone() {
    let house = House::new().await;
    let sara = house.supporter().await;
    let anna = house.member("anna").await;
    house.ask(&anna, false).await.unwrap();
    let code = house.support_code(&anna).await.unwrap();
    for kind in [Kind::Member, Kind::Counselor, Kind::Operator, Kind::Editor, Kind::Client] {
        let other = Person { kind, ..sara.clone() };
        assert_eq!(house.look_up(&other, &code).await.err().unwrap().code(), Code::PermissionDenied);
    }
    assert!(house.look_up(&sara, &code).await.unwrap().erasing);
    for kind in [Kind::Operator, Kind::Editor, Kind::Support, Kind::Client] {
        let other = Person { kind, ..anna.clone() };
        assert_eq!(house.support_code(&other).await.err().unwrap().code(), Code::PermissionDenied);
    }
}

#[tokio::test]
async fn a_role_is_taken_at_the_machine_and_the_last_operator_stays() {
    let house = House::new().await;
    let operator = house.operator().await;
    let sara = house.supporter().await;
    let refused = app::create_staff(&house.accounts, AccountKind::Counselor, new("cleo@example.org")).await;
    assert!(matches!(refused, Err(Error::NotStaff)));
    let address = |email: &str| Address::parse(email).unwrap();
    let revoke = async |email: &str| app::revoke_staff(&house.accounts, &address(email)).await;
    assert!(matches!(revoke("nobody@example.org").await, Err(Error::NotStaff)));
    assert!(matches!(revoke("ops@example.org").await, Err(Error::LastOperator)));
    assert_eq!(revoke("sara@example.org").await.unwrap(), sara.account_id);
    let gone = house.look_up(&sara, "01ABC-DEFGH").await.err().unwrap();
    assert_eq!(reason(&gone), "SESSION_ENDED", "a passport of before is good for nothing here");
    assert_eq!(house.signed_in("sara@example.org").await.kind, Kind::Member);
    let former = house.signed_in("sara@example.org").await;
    assert!(house.heard(&former, SecurityNoticeKind::RoleEnded).await);
    assert!(matches!(revoke("sara@example.org").await, Err(Error::NotStaff)));
    let actions: Vec<_> = house.record_of(sara.account_id).await.into_iter().map(|row| row.0).collect();
    assert_eq!(actions, ["staff_created", "staff_revoked"]);
    house.second_operator().await;
    revoke("ops@example.org").await.unwrap();
    assert!(matches!(revoke("ops.two@example.org").await, Err(Error::LastOperator)));
    assert_eq!(house.signed_in("ops@example.org").await.account_id, operator.account_id);
}

#[tokio::test]
async fn how_an_account_stands_is_seen_whole_and_also_by_one_that_is_suspended() {
    let house = House::new().await;
    let (operator, sara) = (house.operator().await, house.supporter().await);
    let (anna, ben) = house.couple().await;
    let report_id = house.complain(&anna, crate::trust::complaint(&ben)).await.unwrap();
    house.suspend_for(&operator, &report_id, 0).await.unwrap();
    let ben = house.signed_in("ben@example.org").await;
    let rows = [
        "INSERT INTO totp (account_id, confirmed, secret, created_at, last_step) VALUES ($1, true, 'x', '2024-03-10T00:00:00Z', 0)",
        "INSERT INTO recovery_code (account_id, code_hash) VALUES ($1, sha256('x'))",
        "INSERT INTO security_notice (notice_id, account_id, kind, happened_at)
         SELECT gen_random_uuid(), $1, 'codes_refused', '2024-03-10T00:00:00Z'",
        "UPDATE mail_queue SET dead_at = '2024-03-10T00:00:00Z', letter = NULL WHERE account_id = $1",
    ];
    // A proof from before there was a factor is not enough, so the code is made first.
    let code = house.support_code(&ben).await.unwrap();
    for row in rows {
        sqlx::query(row).bind(ben.account_id).execute(house.pool()).await.unwrap();
    }
    let seen = house.look_up(&sara, &code).await.unwrap();
    assert!(seen.suspended && seen.has_app && seen.has_recovery_codes && !seen.has_passkey);
    assert!(seen.codes_refused && seen.mails_undelivered && !seen.is_counselor && !seen.erasing);
    let carla = house.verified(&operator, "carla").await;
    let code = house.support_code(&carla).await.unwrap();
    let seen = house.look_up(&sara, &code).await.unwrap();
    assert!(seen.is_counselor && !seen.suspended && seen.mails_waiting > 0 && !seen.mails_undelivered);
    assert_eq!(house.kinds_of_looks(&carla).await, [StaffLookKind::Support as i32]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_bring_one_code_one_looks_and_nobody_waits_for_ever() {
    let house = std::sync::Arc::new(House::new().await);
    let sara = house.supporter().await;
    let anna = house.member("anna").await;
    for _ in 0..3 {
        let code = house.support_code(&anna).await.unwrap();
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let (house, sara, code) = (house.clone(), sara.clone(), code.clone());
            running.spawn(async move { house.look_up(&sara, &code).await.is_ok() });
        }
        // Whoever makes another one meanwhile waits for no circle.
        let (other, anna) = (house.clone(), anna.clone());
        let making = tokio::spawn(async move { other.support_code(&anna).await.is_ok() });
        let seen = running.join_all().await.into_iter().filter(|seen| *seen).count();
        assert!(making.await.unwrap() && seen <= 1, "{seen}");
        house.advance(SignedDuration::from_mins(4));
    }
}

#[tokio::test]
async fn what_somebody_did_as_staff_outlasts_their_account() {
    let house = House::new().await;
    let (operator, second) = (house.operator().await, house.second_operator().await);
    let (anna, ben) = house.couple().await;
    let report_id = house.complain(&anna, crate::trust::complaint(&ben)).await.unwrap();
    house.suspend_for(&second, &report_id, 7).await.unwrap();
    let before = house.record_of(ben.account_id).await;
    let address = Address::parse("ops.two@example.org").unwrap();
    app::revoke_staff(&house.accounts, &address).await.unwrap();
    let mut tx = house.pool().begin().await.unwrap();
    app::audit::forget_account(&house.accounts, &mut tx, second.account_id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(house.record_of(ben.account_id).await, before, "nobody takes away what they did here");
    let office: Vec<_> = house.record_of(second.account_id).await.into_iter().map(|row| row.0).collect();
    assert_eq!(office, ["staff_created", "staff_revoked"]);
    assert_eq!(house.reports(&operator, true).await.len(), 1);
}
