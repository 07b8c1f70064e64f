//! Members who are here already: rows of accounts, with sessions whose secrets are known, so that nobody waits for
//! thousands of registrations. Passports are minted by accounts, as everybody's.

use crate::ground::Candor;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use candor_proto::accounts::v1::MintPassportRequest;
use candor_proto::accounts::v1::session_service_client::SessionServiceClient;
use futures::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use tonic::metadata::{Ascii, MetadataValue};
use uuid::Uuid;

/// How many passports are minted at the same time.
const AT_ONCE: usize = 16;

/// Somebody with an account and a session.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) account_id: Uuid,
    pub(crate) secret: String,
}

/// Members, with their passports of now. Clones share them.
#[derive(Clone)]
pub(crate) struct People {
    pub(crate) members: Arc<Vec<Member>>,
    passports: Arc<RwLock<Vec<MetadataValue<Ascii>>>>,
}

impl People {
    /// Makes so many members in a Candor's database. Their accounts' ids are numbers in a row, for SQL to find them by.
    pub(crate) async fn enrol(candor: &Candor, count: usize) -> Self {
        let (ids, first) =
            (crate::load::ids(), candor.next_account.fetch_add(count as u64, Ordering::Relaxed));
        let (mut members, mut sessions, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
        for number in first..first + count as u64 {
            let (account_id, session_id) = (Uuid::from_u128(number.into()), ids.next());
            let random: [u8; 32] = Sha256::digest(account_id.as_bytes()).into();
            let secret = format!("cs_{}", URL_SAFE_NO_PAD.encode(random));
            let hash: [u8; 32] = Sha256::new().chain_update("cs_").chain_update(random).finalize().into();
            sessions.push(session_id);
            hashes.push(hash.to_vec());
            members.push(Member { account_id, secret });
        }
        let accounts: Vec<Uuid> = members.iter().map(|member| member.account_id).collect();
        sqlx::query(ACCOUNTS).bind(&accounts).execute(candor.pool("accounts")).await.unwrap();
        sqlx::query(ACCEPTED).bind(&accounts).execute(candor.pool("accounts")).await.unwrap();
        let insert = sqlx::query(SESSIONS).bind(&accounts).bind(&sessions).bind(&hashes);
        insert.execute(candor.pool("accounts")).await.unwrap();
        let people = Self { members: Arc::new(members), passports: Arc::default() };
        people.renew(candor).await;
        people
    }

    /// Mints everybody a passport. One is good for a minute, longer than any turn.
    pub(crate) async fn renew(&self, candor: &Candor) {
        let client = SessionServiceClient::new(candor.five.grpc("accounts"));
        let minting = self.members.iter().map(|member| {
            let (mut client, session_secret) = (client.clone(), member.secret.clone());
            async move {
                let minted = client.mint_passport(MintPassportRequest { session_secret }).await;
                bearer(&minted.expect("a passport").into_inner().passport)
            }
        });
        let passports = stream::iter(minting).buffered(AT_ONCE).collect().await;
        *self.passports.write().unwrap_or_else(PoisonError::into_inner) = passports;
    }

    /// The number that the first one's account id is; the others follow.
    pub(crate) fn first_number(&self) -> u64 {
        u64::try_from(self.members[0].account_id.as_u128()).unwrap()
    }

    /// The member whose turn it is in a lane's call.
    pub(crate) fn pick(&self, lane: usize, call: u64) -> usize {
        // Lanes begin apart and walk at the same pace: everybody is asked for as often.
        let call = usize::try_from(call).unwrap_or_default();
        (lane * 7 + call * 31) % self.members.len()
    }

    /// A request in a member's name.
    pub(crate) fn request<T>(&self, member: usize, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.metadata_mut().insert("authorization", self.passport(member));
        request
    }

    /// A member's passport of now, as a bearer's token.
    pub(crate) fn passport(&self, member: usize) -> MetadataValue<Ascii> {
        self.passports.read().unwrap_or_else(PoisonError::into_inner)[member].clone()
    }
}

fn bearer(passport: &str) -> MetadataValue<Ascii> {
    format!("Bearer {passport}").parse().unwrap()
}

/// Nobody signs in with these addresses and passwords, so nothing has to open them.
const ACCOUNTS: &str = "
    INSERT INTO account (account_id, email_index, email, password_hash, kind, time_zone, locale, version, created_at,
                         adult_attested_at, verified_at, password_set_at)
    SELECT id, sha256(uuid_send(id)), uuid_send(id), uuid_send(id), 'member', 'Europe/Berlin', 'en', 2,
           now(), now(), now(), now()
    FROM unnest($1::uuid[]) AS id";

const ACCEPTED: &str = "
    INSERT INTO terms_acceptance (account_id, kind, version, locale, accepted_at)
    SELECT id, kind, 1, 'en', now()
    FROM unnest($1::uuid[]) AS id CROSS JOIN unnest(ARRAY['terms-of-use', 'privacy-notice']) AS kind";

const SESSIONS: &str = "
    INSERT INTO session (session_id, account_id, secret_hash, device_label, created_at, proved_at, used_at, idle_until,
                         absolute_until)
    SELECT session_id, account_id, hash, uuid_send(session_id), now(), now(), now(), now() + interval '30 days',
           now() + interval '30 days'
    FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS new (account_id, session_id, hash)";

/// People who are linked.
pub(crate) struct Couples;

impl Couples {
    /// Links everybody with their counterpart, in accounts and wherever accounts would tell of it.
    pub(crate) async fn link(candor: &Candor, ones: &People, others: &People) {
        let ids = crate::load::ids();
        let account_ids = |people: &People| people.members.iter().map(|member| member.account_id).collect();
        let (ones, others): (Vec<Uuid>, Vec<Uuid>) = (account_ids(ones), account_ids(others));
        let couples: Vec<Uuid> = ones.iter().map(|_| ids.next_opaque()).collect();
        let link = async |service: &str, statement: &'static str| {
            let linking = sqlx::query(statement).bind(&couples).bind(&ones).bind(&others);
            linking.execute(candor.pool(service)).await.unwrap();
        };
        link("accounts", COUPLES).await;
        link("accounts", COUPLE_MEMBERS).await;
        for service in ["journal", "reminders", "content"] {
            link(service, LINKED).await;
        }
    }
}

const COUPLES: &str = "
    INSERT INTO couple (couple_id, first_id, second_id, linked_at)
    SELECT couple_id, LEAST(one, other), GREATEST(one, other), now()
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS new (couple_id, one, other)";

const COUPLE_MEMBERS: &str = "
    INSERT INTO couple_member (account_id, partner_id, couple_id, own_name)
    SELECT one, other, couple_id, uuid_send(one)
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS new (couple_id, one, other)
    UNION ALL
    SELECT other, one, couple_id, uuid_send(other)
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS new (couple_id, one, other)";

const LINKED: &str = "
    INSERT INTO couples (couple_id, first_id, second_id, version, changed_at)
    SELECT couple_id, LEAST(one, other), GREATEST(one, other), 1, now()
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS new (couple_id, one, other)";
