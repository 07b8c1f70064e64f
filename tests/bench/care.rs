//! Members in the care of counselors, to whom they opened all their entries: rows of accounts, as those of `people`.

use crate::ground::Candor;
use crate::people::People;
use uuid::Uuid;

/// Takes every member into the care of their counterpart, who becomes a counselor with a licence that was checked, and opens
/// the member's entries to them.
pub(crate) async fn begin(candor: &Candor, members: &People, counselors: &People) {
    let ids = |people: &People| people.members.iter().map(|member| member.account_id).collect::<Vec<Uuid>>();
    let (members, carers) = (ids(members), ids(counselors));
    for statement in [KIND, STRONG, COUNSELORS, LICENCES, CARES, CONSENTS] {
        let put = sqlx::query(statement).bind(&members).bind(&carers);
        put.execute(candor.pool("accounts")).await.unwrap();
    }
    // Their passports say what they are now.
    counselors.renew(candor).await;
}

const KIND: &str = "
    UPDATE account SET kind = 'counselor' WHERE account_id = ANY($2::uuid[]) AND $1::uuid[] IS NOT NULL";

/// A counselor reads nothing on a password alone.
const STRONG: &str = "
    UPDATE session SET strong = true WHERE account_id = ANY($2::uuid[]) AND $1::uuid[] IS NOT NULL";

/// Nobody reads their names, so nothing has to open them.
const COUNSELORS: &str = "
    INSERT INTO counselor (account_id, state, revision, name, approach, languages, specialties, accepts_clients,
                           submitted_at, verified_at, decided_at)
    SELECT carer, 'verified', 1, uuid_send(carer), uuid_send(carer), '{de}', '{1}', true, now(), now(), now()
    FROM unnest($1::uuid[], $2::uuid[]) AS new (member, carer)";

const LICENCES: &str = "
    INSERT INTO counselor_licence (licence_id, account_id, position, title, jurisdiction, number, look_up, valid_until,
                                   checked_at)
    SELECT gen_random_uuid(), carer, 0, uuid_send(carer), 'DE', uuid_send(carer), uuid_send(carer),
           now() + interval '1 year', now()
    FROM unnest($1::uuid[], $2::uuid[]) AS new (member, carer)";

const CARES: &str = "
    INSERT INTO care (care_id, member_id, counselor_id, state, jurisdiction, member_name, asked_at, expires_at, started_at)
    SELECT md5(member::text)::uuid, member, carer, 'active', 'DE-BE', uuid_send(member), now(), now() + interval '14 days',
           now()
    FROM unnest($1::uuid[], $2::uuid[]) AS new (member, carer)";

/// Scope 5 are entries, purpose 2 is the work together.
const CONSENTS: &str = "
    INSERT INTO consent (consent_id, owner_id, counselor_id, care_id, scope, purpose, text_id, text_version, granted_at,
                         expires_at)
    SELECT gen_random_uuid(), member, carer, md5(member::text)::uuid, 5, 2, 'entries', 1, now(), now() + interval '90 days'
    FROM unnest($1::uuid[], $2::uuid[]) AS new (member, carer)";
