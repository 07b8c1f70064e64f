//! What accounts keeps of a person, ended and destroyed.

use crate::store::circle::State;
use bus::erasure::Tally;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Ends every place in a circle that somebody has, and everybody's in theirs, and returns them.
pub async fn end_places(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Vec<State>, sqlx::Error> {
    let rows = sqlx::query!(
        "WITH gone AS (
             DELETE FROM circle_member WHERE host_id = $1 OR guest_id = $1 RETURNING circle_id
         )
         UPDATE circle c SET ended_at = $2 FROM gone WHERE c.circle_id = gone.circle_id
         RETURNING c.circle_id, c.host_id, c.guest_id, c.joined_at",
        account_id,
        now.to_sqlx() as _,
    )
    .fetch_all(conn)
    .await?;
    let states = rows.into_iter().map(|row| State {
        circle_id: row.circle_id,
        host_id: row.host_id,
        guest_id: row.guest_id,
        joined_at: row.joined_at.to_jiff(),
        ended_at: Some(now),
    });
    Ok(states.collect())
}

/// Ends every open invitation of somebody's.
pub async fn end_invitations(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE invitation SET ended_at = $2 WHERE inviter_id = $1 AND ended_at IS NULL",
        account_id,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Destroys every row of a person and counts them by class. Links, places and care must have ended. What stays are the ids of
/// links and places that ended, of receipts and consents of others, and of what was taken back: numbers that lead nowhere.
pub async fn destroy(conn: &mut PgConnection, account_id: Uuid) -> Result<Tally, sqlx::Error> {
    let mut tally = Tally::new();
    access(conn, account_id, &mut tally).await?;
    others(conn, account_id, &mut tally).await?;
    security(conn, account_id, &mut tally).await?;
    // Last: requests are found by the address, and everything else rests on the account.
    let requests = sqlx::query!(
        "DELETE FROM address_request r USING account a WHERE a.account_id = $1 AND r.email_index = a.email_index",
        account_id
    );
    tally.add("requests", requests.execute(&mut *conn).await?.rows_affected());
    let changes = sqlx::query!(
        "DELETE FROM address_request r USING email_change c WHERE c.account_id = $1 AND r.request_id = c.change_id",
        account_id
    );
    tally.add("requests", changes.execute(&mut *conn).await?.rows_affected());
    let asked = sqlx::query!("DELETE FROM email_change WHERE account_id = $1", account_id);
    tally.add("requests", asked.execute(&mut *conn).await?.rows_affected());
    let given_up = sqlx::query!("DELETE FROM email_undo WHERE account_id = $1", account_id);
    tally.add("earlier_addresses", given_up.execute(&mut *conn).await?.rows_affected());
    let account = sqlx::query!("DELETE FROM account WHERE account_id = $1", account_id);
    tally.add("account", account.execute(&mut *conn).await?.rows_affected());
    Ok(tally)
}

/// What was opened of theirs.
async fn access(conn: &mut PgConnection, account_id: Uuid, tally: &mut Tally) -> Result<(), sqlx::Error> {
    let receipts = sqlx::query!("DELETE FROM receipt WHERE owner_id = $1", account_id);
    tally.add("receipts", receipts.execute(&mut *conn).await?.rows_affected());
    let consents = sqlx::query!("DELETE FROM consent WHERE owner_id = $1", account_id);
    tally.add("consents", consents.execute(&mut *conn).await?.rows_affected());
    let to_software = sqlx::query!("DELETE FROM software_consent WHERE owner_id = $1", account_id);
    tally.add("software_consents", to_software.execute(&mut *conn).await?.rows_affected());
    sqlx::query!(
        "DELETE FROM access_epoch
         WHERE owner_id = $1 OR reader_id = $1 OR reader_id IN (SELECT client_id FROM client WHERE holder_id = $1)",
        account_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What they have with others, and others' words of them.
async fn others(conn: &mut PgConnection, account_id: Uuid, tally: &mut Tally) -> Result<(), sqlx::Error> {
    let reports = sqlx::query!("DELETE FROM report WHERE about_id = $1 OR reporter_id = $1", account_id);
    tally.add("reports", reports.execute(&mut *conn).await?.rows_affected());
    let noes = sqlx::query!("DELETE FROM invitation_decline WHERE account_id = $1", account_id);
    tally.add("declined_invitations", noes.execute(&mut *conn).await?.rows_affected());
    let pauses =
        sqlx::query!("DELETE FROM invitation_block WHERE blocker_id = $1 OR blocked_id = $1", account_id);
    tally.add("invitation_pauses", pauses.execute(&mut *conn).await?.rows_affected());
    let invitations = sqlx::query!("DELETE FROM invitation WHERE inviter_id = $1", account_id);
    tally.add("invitations", invitations.execute(&mut *conn).await?.rows_affected());
    let care = sqlx::query!("DELETE FROM care WHERE member_id = $1 OR counselor_id = $1", account_id);
    tally.add("care", care.execute(&mut *conn).await?.rows_affected());
    let as_couples = sqlx::query!(
        "DELETE FROM couple_care
         WHERE counselor_id = $1 OR care_id IN (SELECT care_id FROM couple_care_member WHERE member_id = $1)",
        account_id
    );
    tally.add("care", as_couples.execute(&mut *conn).await?.rows_affected());
    let clients = sqlx::query!("DELETE FROM client WHERE holder_id = $1", account_id);
    tally.add("clients", clients.execute(&mut *conn).await?.rows_affected());
    let practice = sqlx::query!("DELETE FROM counselor WHERE account_id = $1", account_id);
    tally.add("counselor_applications", practice.execute(conn).await?.rows_affected());
    Ok(())
}

/// What keeps their account theirs, or took it from them.
async fn security(conn: &mut PgConnection, account_id: Uuid, tally: &mut Tally) -> Result<(), sqlx::Error> {
    let sessions = sqlx::query!("DELETE FROM session WHERE account_id = $1", account_id);
    tally.add("sessions", sessions.execute(&mut *conn).await?.rows_affected());
    let halves = sqlx::query!("DELETE FROM pending_sign_in WHERE account_id = $1", account_id);
    tally.add("sessions", halves.execute(&mut *conn).await?.rows_affected());
    let apps = sqlx::query!("DELETE FROM totp WHERE account_id = $1", account_id);
    tally.add("second_factors", apps.execute(&mut *conn).await?.rows_affected());
    let passkeys = sqlx::query!("DELETE FROM passkey WHERE account_id = $1", account_id);
    tally.add("second_factors", passkeys.execute(&mut *conn).await?.rows_affected());
    let asked = sqlx::query!("DELETE FROM passkey_challenge WHERE account_id = $1", account_id);
    tally.add("passkey_challenges", asked.execute(&mut *conn).await?.rows_affected());
    let suspended = sqlx::query!("DELETE FROM suspension WHERE account_id = $1", account_id);
    tally.add("suspensions", suspended.execute(&mut *conn).await?.rows_affected());
    let codes = sqlx::query!("DELETE FROM support_code WHERE account_id = $1", account_id);
    tally.add("support_codes", codes.execute(&mut *conn).await?.rows_affected());
    let wishes = sqlx::query!("DELETE FROM ledger_look WHERE account_id = $1", account_id);
    tally.add("staff_looks", wishes.execute(&mut *conn).await?.rows_affected());
    let looks = sqlx::query!("DELETE FROM staff_look WHERE account_id = $1", account_id);
    tally.add("staff_looks", looks.execute(&mut *conn).await?.rows_affected());
    let devices = sqlx::query!("DELETE FROM known_device WHERE account_id = $1", account_id);
    tally.add("devices", devices.execute(&mut *conn).await?.rows_affected());
    let codes = sqlx::query!("DELETE FROM recovery_code WHERE account_id = $1", account_id);
    tally.add("recovery_codes", codes.execute(&mut *conn).await?.rows_affected());
    let accepted = sqlx::query!("DELETE FROM terms_acceptance WHERE account_id = $1", account_id);
    tally.add("accepted_terms", accepted.execute(&mut *conn).await?.rows_affected());
    let exports = sqlx::query!("DELETE FROM export WHERE account_id = $1", account_id);
    tally.add("exports", exports.execute(&mut *conn).await?.rows_affected());
    let notices = sqlx::query!("DELETE FROM security_notice WHERE account_id = $1", account_id);
    tally.add("notices", notices.execute(&mut *conn).await?.rows_affected());
    let mails = sqlx::query!("DELETE FROM mail_queue WHERE account_id = $1", account_id);
    tally.add("mails", mails.execute(&mut *conn).await?.rows_affected());
    let links = sqlx::query!("DELETE FROM verification WHERE account_id = $1", account_id);
    tally.add("mails", links.execute(&mut *conn).await?.rows_affected());
    let resets = sqlx::query!("DELETE FROM password_reset WHERE account_id = $1", account_id);
    tally.add("mails", resets.execute(conn).await?.rows_affected());
    Ok(())
}
