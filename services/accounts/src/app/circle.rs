//! The circle of trust: seen by whose it is, seen in part by who is in it, ended by either without a word.

use super::{Accounts, announce, couple::close_between, invitation::called_place as invited_place, text};
use crate::{
    Error,
    domain::{CIRCLE_ROOM, MOST_PLACES, Name, TrustReason},
    store::{
        circle::{self, Side, State},
        invitation,
    },
};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::{DataKey, Place};

/// Where what a host calls somebody is sealed.
pub(super) fn called_place(circle_id: Uuid) -> Place<'static> {
    Place { table: "circle_member", column: "called", row: circle_id }
}

/// Where a host's reason is sealed.
pub(super) fn reason_place(circle_id: Uuid) -> Place<'static> {
    Place { table: "circle_member", column: "reason", row: circle_id }
}

/// Where the name that a guest reads is sealed.
pub(super) fn host_name_place(circle_id: Uuid) -> Place<'static> {
    Place { table: "circle_member", column: "host_name", row: circle_id }
}

/// Where the name that a host reads is sealed.
pub(super) fn guest_name_place(circle_id: Uuid) -> Place<'static> {
    Place { table: "circle_member", column: "guest_name", row: circle_id }
}

/// Somebody in one's circle.
pub struct MyPerson {
    /// Their place in it.
    pub circle_id: Uuid,
    /// The person.
    pub guest_id: Uuid,
    /// The name they chose.
    pub name: String,
    /// What one calls them.
    pub called: String,
    /// Why one trusts them, or empty.
    pub reason: String,
    /// Since when.
    pub joined_at: Timestamp,
}

/// One's place in somebody's circle.
pub struct MyPlace {
    /// The place.
    pub circle_id: Uuid,
    /// Whose circle.
    pub host_id: Uuid,
    /// The name they chose.
    pub host_name: String,
    /// The name one chose.
    pub own_name: String,
    /// Since when.
    pub joined_at: Timestamp,
}

/// An invitation to one's circle that waits.
pub struct MyInvitation {
    /// Its id.
    pub invitation_id: Uuid,
    /// What one calls whom it is for.
    pub called: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What somebody sees of circles.
pub struct Circles {
    /// Who is in theirs.
    pub people: Vec<MyPerson>,
    /// Who is invited to it, whatever they may have said.
    pub invitations: Vec<MyInvitation>,
    /// The circles they are in.
    pub places: Vec<MyPlace>,
}

/// Somebody's circle, their open invitations to it, and the circles they are in. Asks the vault, so no transaction may be
/// open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn circles_of(accounts: &Accounts, account_id: Uuid) -> Result<Circles, Error> {
    let (people, invitations, places) = {
        let mut conn = accounts.pool.acquire().await?;
        let now = accounts.clock.now();
        (
            circle::people(&mut conn, account_id, CIRCLE_ROOM).await?,
            // Only then: an invitation that is used in between is over, and never shows beside whom it brought.
            invitation::open_to_circle(&mut conn, account_id, now).await?,
            circle::places(&mut conn, account_id, MOST_PLACES).await?,
        )
    };
    let own_key = accounts.vault.data_key(account_id).await?;
    let open = |place: Place<'_>, sealed: &[u8]| text(&own_key.open(&place, sealed)?);
    let mut circles = Circles { people: Vec::new(), invitations: Vec::new(), places: Vec::new() };
    for person in people {
        let guest_key = accounts.vault.data_key(person.guest_id).await?;
        circles.people.push(my_person(person, &own_key, &guest_key)?);
    }
    for invited in invitations {
        circles.invitations.push(MyInvitation {
            called: open(invited_place(invited.invitation_id), &invited.called)?,
            invitation_id: invited.invitation_id,
            expires_at: invited.expires_at,
        });
    }
    for place in places {
        let host_key = accounts.vault.data_key(place.host_id).await?;
        circles.places.push(MyPlace {
            host_name: text(&host_key.open(&host_name_place(place.circle_id), &place.host_name)?)?,
            own_name: open(guest_name_place(place.circle_id), &place.guest_name)?,
            circle_id: place.circle_id,
            host_id: place.host_id,
            joined_at: place.joined_at,
        });
    }
    Ok(circles)
}

fn my_person(person: circle::Person, own_key: &DataKey, guest_key: &DataKey) -> Result<MyPerson, Error> {
    let circle_id = person.circle_id;
    let reason = person.reason.as_deref();
    let reason = reason.map(|sealed| text(&own_key.open(&reason_place(circle_id), sealed)?));
    Ok(MyPerson {
        circle_id,
        guest_id: person.guest_id,
        name: text(&guest_key.open(&guest_name_place(circle_id), &person.guest_name)?)?,
        called: text(&own_key.open(&called_place(circle_id), &person.called)?)?,
        reason: reason.transpose()?.unwrap_or_default(),
        joined_at: person.joined_at,
    })
}

/// What a host keeps about somebody, sealed.
pub struct Note {
    circle_id: Uuid,
    called: Vec<u8>,
    reason: Option<Vec<u8>>,
}

/// Seals what a host keeps about somebody. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn seal_note(
    accounts: &Accounts,
    host_id: Uuid,
    circle_id: Uuid,
    called: &Name,
    reason: Option<&TrustReason>,
) -> Result<Note, Error> {
    let key = accounts.vault.data_key(host_id).await?;
    Ok(Note {
        circle_id,
        called: key.seal(&called_place(circle_id), called.as_bytes()),
        reason: reason.map(|reason| key.seal(&reason_place(circle_id), reason.as_bytes())),
    })
}

/// Keeps what a host calls somebody in their circle and why they trust them.
///
/// # Errors
/// [`Error::PersonNotFound`] when there is no such place in the host's circle.
pub async fn keep_note(conn: &mut PgConnection, host_id: Uuid, note: &Note) -> Result<(), Error> {
    let kept = circle::update(conn, host_id, note.circle_id, &note.called, note.reason.as_deref()).await?;
    if kept { Ok(()) } else { Err(Error::PersonNotFound) }
}

/// Ends a place in a circle for one of its two, with everything that was open between them. Without one nothing changes.
///
/// # Errors
/// When the database fails.
pub async fn end_place(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    circle_id: Uuid,
    side: Side,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let ended = circle::end(conn, circle_id, account_id, side, now).await?;
    tell_ended(accounts, conn, ended.as_slice(), now).await
}

/// Ends one of somebody's open invitations to their circle, if there is one of that id.
///
/// # Errors
/// When the database fails.
pub async fn cancel_circle_invitation(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    invitation_id: Uuid,
) -> Result<(), Error> {
    Ok(invitation::end_to_circle(conn, account_id, invitation_id, accounts.clock.now()).await?)
}

/// Raises both access epochs of each place that ended, and tells of it.
pub(super) async fn tell_ended(
    accounts: &Accounts,
    conn: &mut PgConnection,
    ended: &[State],
    now: Timestamp,
) -> Result<(), Error> {
    for place in ended {
        let told = announce::circle(&accounts.ids, now, place);
        close_between(accounts, conn, (place.host_id, place.guest_id), told, now).await?;
    }
    Ok(())
}
