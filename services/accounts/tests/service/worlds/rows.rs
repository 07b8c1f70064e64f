//! A world as rows. Names and words stand in them that nobody reads here.

use super::{CareState, Given, PLACE, Standing, at};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Writes rows of one moment.
pub struct Rows<'a> {
    pub conn: &'a mut PgConnection,
    pub now: Timestamp,
    next: u128,
}

impl<'a> Rows<'a> {
    pub fn new(conn: &'a mut PgConnection, now: Timestamp) -> Self {
        Self { conn, now, next: 1 << 64 }
    }

    /// An id that no other row has.
    pub fn id(&mut self) -> Uuid {
        self.next += 1;
        Uuid::from_u128(self.next)
    }

    fn before(&self) -> jiff_sqlx::Timestamp {
        (self.now - SignedDuration::from_hours(24)).to_sqlx()
    }

    fn moment(&self, second: Option<i64>) -> Option<jiff_sqlx::Timestamp> {
        second.map(|second| at(self.now, second).to_sqlx())
    }

    pub async fn account(&mut self, kind: &str) -> Uuid {
        let account_id = self.id();
        let index = [account_id.into_bytes(), account_id.into_bytes()].concat();
        sqlx::query(
            "INSERT INTO account (account_id, email_index, email, password_hash, kind, time_zone, locale, version,
                                  created_at, adult_attested_at, verified_at, password_set_at)
             VALUES ($1, $2, '', '', $3, 'UTC', 'en', 1, $4, $4, $4, $4)",
        )
        .bind(account_id)
        .bind(index)
        .bind(kind)
        .bind(self.before())
        .execute(&mut *self.conn)
        .await
        .unwrap();
        account_id
    }

    /// A session that lives.
    pub async fn session(&mut self, account_id: Uuid) -> Uuid {
        let session_id = self.id();
        let hash = [session_id.into_bytes(), session_id.into_bytes()].concat();
        sqlx::query(
            "INSERT INTO session (session_id, account_id, secret_hash, device_label, created_at, used_at, idle_until,
                                  absolute_until, proved_at)
             VALUES ($1, $2, $3, '', $4, $4, $5, $5, $4)",
        )
        .bind(session_id)
        .bind(account_id)
        .bind(hash)
        .bind(self.before())
        .bind((self.now + SignedDuration::from_hours(24)).to_sqlx())
        .execute(&mut *self.conn)
        .await
        .unwrap();
        session_id
    }

    /// A couple, whose link may be over.
    pub async fn couple(&mut self, one: Uuid, other: Uuid, linked: bool) -> Uuid {
        let (couple_id, before) = (self.id(), self.before());
        sqlx::query(
            "INSERT INTO couple (couple_id, first_id, second_id, linked_at, unlinked_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(couple_id)
        .bind(one.min(other))
        .bind(one.max(other))
        .bind(before)
        .bind((!linked).then_some(before))
        .execute(&mut *self.conn)
        .await
        .unwrap();
        for (account_id, partner_id) in [(one, other), (other, one)].into_iter().filter(|_| linked) {
            sqlx::query(
                "INSERT INTO couple_member (account_id, partner_id, couple_id, own_name) VALUES ($1, $2, $3, '')",
            )
            .bind(account_id)
            .bind(partner_id)
            .bind(couple_id)
            .execute(&mut *self.conn)
            .await
            .unwrap();
        }
        couple_id
    }

    /// A place in a circle, which may be over.
    pub async fn place(&mut self, host: Uuid, guest: Uuid, lasts: bool) -> Uuid {
        let (circle_id, before) = (self.id(), self.before());
        sqlx::query("INSERT INTO circle (circle_id, host_id, guest_id, joined_at, ended_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(circle_id)
            .bind(host)
            .bind(guest)
            .bind(before)
            .bind((!lasts).then_some(before))
            .execute(&mut *self.conn)
            .await
            .unwrap();
        if lasts {
            sqlx::query(
                "INSERT INTO circle_member (host_id, guest_id, circle_id, host_name, guest_name, called)
                 VALUES ($1, $2, $3, '', '', '')",
            )
            .bind(host)
            .bind(guest)
            .bind(circle_id)
            .execute(&mut *self.conn)
            .await
            .unwrap();
        }
        circle_id
    }

    /// What a counselor may do, and what stands between them and a member.
    pub async fn standing(&mut self, counselor: Uuid, member: Uuid, standing: &Standing) {
        self.practice(counselor, standing).await;
        for (keeper, other, until) in
            [(member, counselor, standing.kept_away[0]), (counselor, member, standing.kept_away[1])]
        {
            let Some(until) = until else { continue };
            let cause = if until.is_some() { "left" } else { "blocked" };
            sqlx::query(
                "INSERT INTO invitation_block (blocker_id, blocked_id, blocked_at, cause, until)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(keeper)
            .bind(other)
            .bind(self.before())
            .bind(cause)
            .bind(self.moment(until))
            .execute(&mut *self.conn)
            .await
            .unwrap();
        }
        if let Some((until, lifted)) = standing.suspended {
            let before = self.before();
            sqlx::query(
                "INSERT INTO suspension (suspension_id, account_id, report_id, reason, suspended_by, suspended_at, until,
                                         ended_at)
                 VALUES ($1, $2, $1, 'threat', $1, $3, $4, $5)",
            )
            .bind(self.id())
            .bind(member)
            .bind(before)
            .bind(self.moment(until))
            .bind(lifted.then_some(before))
            .execute(&mut *self.conn)
            .await
            .unwrap();
        }
    }

    async fn practice(&mut self, counselor: Uuid, standing: &Standing) {
        let before = self.before();
        sqlx::query(
            "INSERT INTO counselor (account_id, state, revision, name, approach, languages, specialties, accepts_clients,
                                    submitted_at, verified_at)
             VALUES ($1, $2, 1, '', '', '{en}', '{1}', true, $3, $4)",
        )
        .bind(counselor)
        .bind(if standing.verified { "verified" } else { "suspended" })
        .bind(before)
        .bind(standing.verified.then_some(before))
        .execute(&mut *self.conn)
        .await
        .unwrap();
        for (position, (place, checked, until)) in (0i32..).zip(&standing.licences) {
            sqlx::query(
                "INSERT INTO counselor_licence (licence_id, account_id, position, title, jurisdiction, number, look_up,
                                                valid_until, checked_at)
                 VALUES ($1, $2, $3, '', $4, '', '', $5, $6)",
            )
            .bind(self.id())
            .bind(counselor)
            .bind(position)
            .bind(place)
            .bind(at(self.now, *until).to_sqlx())
            .bind(checked.then_some(before))
            .execute(&mut *self.conn)
            .await
            .unwrap();
        }
    }

    pub async fn care(&mut self, member: Uuid, counselor: Uuid, state: CareState) -> Uuid {
        let (care_id, before) = (self.id(), self.before());
        let (word, started, ended) = match state {
            CareState::Asked => ("asked", false, false),
            CareState::Active => ("active", true, false),
            CareState::Declined => ("declined", false, true),
            CareState::Ended => ("ended", true, true),
        };
        sqlx::query(
            "INSERT INTO care (care_id, member_id, counselor_id, state, jurisdiction, member_name, asked_at, expires_at,
                               started_at, ended_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)",
        )
        .bind(care_id)
        .bind(member)
        .bind(counselor)
        .bind(word)
        .bind(PLACE)
        .bind((!ended).then_some(&b""[..]))
        .bind(before)
        .bind(started.then_some(before))
        .bind(ended.then_some(before))
        .execute(&mut *self.conn)
        .await
        .unwrap();
        care_id
    }

    pub async fn consent(&mut self, owner: Uuid, counselor: Uuid, care_id: Uuid, given: &Given) -> Uuid {
        let (consent_id, before) = (self.id(), self.before());
        sqlx::query(
            "INSERT INTO consent (consent_id, owner_id, counselor_id, care_id, scope, item_id, purpose, text_id,
                                  text_version, granted_at, expires_at, ended_at, ended_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'words', 1, $8, $9, $10, $11)",
        )
        .bind(consent_id)
        .bind(owner)
        .bind(counselor)
        .bind(care_id)
        .bind(given.scope.number())
        .bind(given.item_id)
        .bind(given.purpose.number())
        .bind(before)
        .bind(at(self.now, given.expires).to_sqlx())
        .bind(given.ended.then_some(before))
        .bind(given.ended.then_some("withdrawn"))
        .execute(&mut *self.conn)
        .await
        .unwrap();
        consent_id
    }

    /// Software with a token that lives.
    pub async fn client(&mut self, holder: Option<Uuid>, disabled: bool) -> (Uuid, Uuid) {
        let (client_id, token_id, before) = (self.id(), self.id(), self.before());
        sqlx::query(
            "INSERT INTO client (client_id, holder_id, registered_by, name, purpose, contact, scopes, keys_version,
                                 created_at, disabled_at)
             VALUES ($1, $2, $1, '', '', '', 'system/*.rs user/*.rs', 1, $3, $4)",
        )
        .bind(client_id)
        .bind(holder)
        .bind(before)
        .bind(disabled.then_some(before))
        .execute(&mut *self.conn)
        .await
        .unwrap();
        sqlx::query("INSERT INTO client_token (token_id, client_id, expires_at) VALUES ($1, $2, $3)")
            .bind(token_id)
            .bind(client_id)
            .bind((self.now + SignedDuration::from_hours(1)).to_sqlx())
            .execute(&mut *self.conn)
            .await
            .unwrap();
        (client_id, token_id)
    }

    pub async fn software_consent(
        &mut self,
        owner: Uuid,
        client_id: Uuid,
        care: Option<(Uuid, Uuid)>,
        given: &Given,
    ) -> Uuid {
        let (consent_id, before) = (self.id(), self.before());
        sqlx::query(
            "INSERT INTO software_consent (consent_id, owner_id, client_id, care_id, counselor_id, scope, item_id, purpose,
                                           text_id, text_version, granted_at, expires_at, ended_at, ended_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'words', 1, $9, $10, $11, $12)",
        )
        .bind(consent_id)
        .bind(owner)
        .bind(client_id)
        .bind(care.map(|(care_id, _)| care_id))
        .bind(care.map(|(_, counselor_id)| counselor_id))
        .bind(given.scope.number())
        .bind(given.item_id)
        .bind(given.purpose.number())
        .bind(before)
        .bind(at(self.now, given.expires).to_sqlx())
        .bind(given.ended.then_some(before))
        .bind(given.ended.then_some("withdrawn"))
        .execute(&mut *self.conn)
        .await
        .unwrap();
        consent_id
    }
}
