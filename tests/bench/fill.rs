//! Rows of those who have lived here before, as many as are wanted in each table that a hot path touches.

use crate::ground::{Candor, Ground};
use crate::people::People;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use uuid::Uuid;

/// Accounts that were here before; those who are measured have lower numbers.
const SOMEBODY: &str = "lpad(to_hex(1000000000 + i), 32, '0')::uuid";
/// Somebody else.
const OTHER: &str = "lpad(to_hex(2000000000 + i), 32, '0')::uuid";
/// An id of version 7, later with each number.
const IN_TURN: &str =
    "(lpad(to_hex(1700000000000 + i), 12, '0') || '7abc8' || substr(md5(i::text), 1, 15))::uuid";
/// Each account has so many entries, shares and inbox items.
const OF_EACH: i64 = 50;

/// Tables that must be as full as was asked for.
pub(crate) static WITNESSES: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    [("accounts", "receipt"), ("journal", "entries"), ("reminders", "inbox_items")].into_iter().collect()
});

/// Fills the databases of one Candor.
pub(crate) async fn fill(ground: &Ground, tag: &str, rows: i64) {
    for (database, statements) in [
        ("accounts", &ACCOUNTS[..]),
        ("journal", &JOURNAL[..]),
        ("reminders", &REMINDERS[..]),
        ("keys", &KEYS[..]),
    ] {
        let url = ground.superuser(&format!("{database}_{tag}"));
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let mut run = async |statement: String| {
            let done = sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut connection).await;
            done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        };
        // The rows fit together: nothing has to look each of them up.
        run("SET session_replication_role = replica".to_owned()).await;
        for statement in statements {
            let statement = statement
                .replace("{somebody}", SOMEBODY)
                .replace("{someone_of_few}", &SOMEBODY.replace("+ i", &format!("+ i / {OF_EACH}")))
                .replace("{other}", OTHER)
                .replace("{in_turn}", IN_TURN)
                .replace("{rows}", &format!("generate_series(0, {}) AS i", rows - 1));
            run(statement).await;
        }
        run("VACUUM (ANALYZE)".to_owned()).await;
        run("CHECKPOINT".to_owned()).await;
        connection.close().await.unwrap();
    }
}

const ACCOUNTS: [&str; 12] = [
    "INSERT INTO account (account_id, email_index, email, password_hash, kind, time_zone, locale, version, created_at,
                          adult_attested_at, verified_at, password_set_at)
     SELECT {somebody}, sha256(uuid_send({somebody})), uuid_send({somebody}), uuid_send({somebody}),
            'member', 'Europe/Berlin', 'en', 2, now(), now(), now(), now() FROM {rows}",
    "INSERT INTO session (session_id, account_id, secret_hash, device_label, created_at, proved_at, used_at, idle_until,
                          absolute_until)
     SELECT {in_turn}, {somebody}, sha256(uuid_send({in_turn})), uuid_send({in_turn}), now(), now(), now(),
            now() + interval '30 days', now() + interval '30 days' FROM {rows}",
    "INSERT INTO counselor (account_id, state, revision, name, approach, languages, specialties, accepts_clients,
                            submitted_at, verified_at, decided_at)
     SELECT {other}, 'verified', 1, uuid_send({other}), uuid_send({other}), '{de}', '{1}', true, now(), now(), now()
     FROM {rows}",
    "INSERT INTO counselor_licence (licence_id, account_id, position, title, jurisdiction, number, look_up, valid_until,
                                    checked_at)
     SELECT {in_turn}, {other}, 0, uuid_send({other}), 'DE', uuid_send({other}), uuid_send({other}),
            now() + interval '1 year', now() FROM {rows}",
    "INSERT INTO care (care_id, member_id, counselor_id, state, jurisdiction, member_name, asked_at, expires_at, started_at)
     SELECT {in_turn}, {somebody}, {other}, 'active', 'DE', uuid_send({somebody}), now(), now() + interval '14 days', now()
     FROM {rows}",
    "INSERT INTO consent (consent_id, owner_id, counselor_id, care_id, scope, purpose, text_id, text_version, granted_at,
                          expires_at)
     SELECT {in_turn}, {somebody}, {other}, {in_turn}, 5, 2, 'entries', 1, now(), now() + interval '90 days' FROM {rows}",
    "INSERT INTO invitation_block (blocker_id, blocked_id, blocked_at) SELECT {somebody}, {other}, now() FROM {rows}",
    "INSERT INTO throttle SELECT sha256(uuid_send({somebody})), now() + interval '1 day' FROM {rows}",
    "INSERT INTO couple SELECT {in_turn}, {somebody}, {other}, now() FROM {rows}",
    "INSERT INTO couple_member SELECT {somebody}, {other}, {in_turn}, uuid_send({somebody}) FROM {rows}",
    "INSERT INTO access_epoch SELECT {somebody}, {other}, 1 FROM {rows}",
    "INSERT INTO receipt (owner_id, receipt_id, reader_id, session_id, relation, relation_id, scope, purpose, epoch,
                          opened_at, hour, read_at)
     SELECT {other}, gen_random_uuid(), {somebody}, {in_turn}, 'partner', {in_turn}, 1, 0, 0, now(), i, now() FROM {rows}",
];

const JOURNAL: [&str; 4] = [
    "INSERT INTO entries SELECT {someone_of_few}, {in_turn}, decode(repeat(md5(i::text), 35), 'hex'), NULL,
            now() - (i % 700) * interval '1 day', 'Europe/Berlin', NULL, now(), sha256(uuid_send({in_turn})) FROM {rows}",
    "INSERT INTO chassis.idempotency SELECT {someone_of_few}, 'journal.v1.WriteEntry', {in_turn},
            sha256(uuid_send({in_turn})), {in_turn}, now() + interval '1 day' FROM {rows}",
    "INSERT INTO couples SELECT {in_turn}, {somebody}, {other}, 1, now() FROM {rows}",
    "INSERT INTO shares SELECT {someone_of_few}, gen_random_uuid(), {other}, {in_turn}, 1, {in_turn}, 4,
            decode(repeat(md5(i::text), 20), 'hex'), 0, now(), now(), now() + interval '30 days', NULL, NULL, NULL, NULL,
            sha256(uuid_send({in_turn})) FROM {rows}",
];

const REMINDERS: [&str; 3] = [
    "INSERT INTO couples SELECT {in_turn}, {somebody}, {other}, 1, now() FROM {rows}",
    "INSERT INTO schedules (schedule_id, account_id, kind, subject_id, due_at, due_on, time_zone, state, created_at,
                            settled_at)
     SELECT {in_turn}, {someone_of_few}, 1, {in_turn}, now(), now()::date, 'Europe/Berlin', 'fired', now(), now() FROM {rows}",
    "INSERT INTO inbox_items (inbox_item_id, account_id, schedule_id, kind, subject_id, created_at)
     SELECT {in_turn}, {someone_of_few}, {in_turn}, 1, {in_turn}, now() - (i % 700) * interval '1 hour' FROM {rows}",
];

const KEYS: [&str; 1] =
    ["INSERT INTO vault.data_keys SELECT 'journal', {somebody}, gen_random_uuid(), 'test',
            decode(repeat(md5(i::text), 4), 'hex'), now() FROM {rows}"];

/// Puts look-backs that have fired into the inboxes of the first of these people.
pub(crate) async fn inbox(candor: &Candor, people: &People, members: usize, each: u64) {
    let accounts: Vec<Uuid> = people.members[..members].iter().map(|member| member.account_id).collect();
    for statement in [
        "INSERT INTO schedules (schedule_id, account_id, kind, subject_id, due_at, due_on, time_zone, state, created_at,
                                settled_at)
         SELECT md5(id::text || n)::uuid, id, 1, md5(id::text || n)::uuid, now() - n * interval '1 day',
                now()::date - n::int, 'Europe/Berlin', 'fired', now(), now()
         FROM unnest($1::uuid[]) AS id, generate_series(1, $2::bigint) AS n",
        "INSERT INTO inbox_items (inbox_item_id, account_id, schedule_id, kind, subject_id, created_at)
         SELECT schedule_id, account_id, schedule_id, 1, subject_id, due_at FROM schedules
         WHERE account_id = ANY($1) AND state = 'fired' AND $2::bigint > 0",
    ] {
        let put = sqlx::query(statement).bind(&accounts).bind(i64::try_from(each).unwrap());
        put.execute(candor.pool("reminders")).await.unwrap();
    }
}
