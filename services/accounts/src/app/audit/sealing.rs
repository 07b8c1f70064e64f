//! Making the chain: records that wait are sealed together, whoever wrote them and in whatever order they committed.

use crate::{
    Error,
    app::{Accounts, random},
    domain::audit::{Anchor, GENESIS, Head, MOST_RECORDS_OF_A_BATCH, Tree, hex},
    store::audit::chain::{self, Batch, Key, Waiting},
};
use ed25519_dalek::{
    Signer as _, SigningKey,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _},
};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;
use zeroize::Zeroizing;

/// A key that can sign heads.
pub struct SealingKey {
    key_id: Uuid,
    pair: SigningKey,
}

impl SealingKey {
    /// Its id.
    pub fn id(&self) -> Uuid {
        self.key_id
    }

    /// Its signature over something that the house says, other than a head: whatever it is begins with what it is.
    pub fn sign(&self, said: &[u8]) -> [u8; 64] {
        self.pair.sign(said).to_bytes()
    }
}

/// Where a private key is sealed.
fn key_place(key_id: Uuid) -> Place<'static> {
    Place { table: "audit_key", column: "private_key", row: key_id }
}

/// Whether any record waits for its place.
///
/// # Errors
/// When the database fails.
pub async fn is_waiting(conn: &mut PgConnection) -> Result<bool, Error> {
    Ok(chain::is_waiting(conn).await?)
}

/// The key that signs, made on first use. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database or the key store fails, or the key does not read back.
pub async fn sealing_key(accounts: &Accounts) -> Result<SealingKey, Error> {
    let found = chain::newest_key(&mut *accounts.pool.acquire().await?).await?;
    let found = match found {
        Some(found) => found,
        None => make_key(accounts).await?,
    };
    let pkcs8 = accounts.key().await?.open(&key_place(found.key_id), &found.private_key)?;
    let pair = SigningKey::from_pkcs8_der(&pkcs8).map_err(|_| Error::SigningKey)?;
    Ok(SealingKey { key_id: found.key_id, pair })
}

/// Makes the first key; of several replicas that do so at once, one does.
async fn make_key(accounts: &Accounts) -> Result<Key, Error> {
    let seed = Zeroizing::new(random()?);
    let pair = SigningKey::from_bytes(&seed);
    let pkcs8 = pair.to_pkcs8_der().map_err(|_| Error::SigningKey)?;
    let key_id = accounts.ids.next();
    let new = Key {
        key_id,
        public_key: pair.verifying_key().to_bytes().to_vec(),
        private_key: accounts.key().await?.seal(&key_place(key_id), pkcs8.as_bytes()),
    };
    let mut tx = accounts.pool.begin().await?;
    chain::lock(&mut tx).await?;
    if let Some(others) = chain::newest_key(&mut tx).await? {
        return Ok(others);
    }
    chain::insert_key(&mut tx, &new, accounts.clock.now()).await?;
    tx.commit().await?;
    Ok(new)
}

/// Seals records that wait into one batch; how many they were. Replicas take turns.
///
/// # Errors
/// When the database fails.
pub async fn seal_batch(
    accounts: &Accounts,
    conn: &mut PgConnection,
    key: &SealingKey,
) -> Result<i64, Error> {
    chain::lock(conn).await?;
    let waiting = chain::waiting(conn, MOST_RECORDS_OF_A_BATCH).await?;
    let records = i32::try_from(waiting.len()).map_err(|_| Error::Unreadable)?;
    if records == 0 {
        return Ok(0);
    }
    let last = chain::last_head(conn).await?;
    let batch = batch(key, last.as_ref(), &waiting, records, accounts.clock.now())?;
    let ids: Vec<_> = waiting.iter().map(|record| record.record_id).collect();
    let placed = chain::append(conn, &batch, &ids).await?;
    if placed == u64::try_from(waiting.len()).unwrap_or_default() {
        Ok(i64::from(records))
    } else {
        Err(Error::Unreadable)
    }
}

fn batch(
    key: &SealingKey,
    last: Option<&Head>,
    waiting: &[Waiting],
    records: i32,
    now: Timestamp,
) -> Result<Batch, Error> {
    let mut tree = Tree::default();
    let mut commitments = Vec::with_capacity(waiting.len() * 32);
    for record in waiting {
        tree.add(record.commitment.as_slice().try_into().map_err(|_| Error::Unreadable)?);
        commitments.extend_from_slice(&record.commitment);
    }
    let head = Head {
        batch: last.map_or(1, |last| last.batch + 1),
        previous: last.map_or(GENESIS, Head::hash),
        root: tree.root(),
        records,
        total: last.map_or(0, |last| last.total) + i64::from(records),
        sealed_at: super::recording::stored(now),
        key_id: key.key_id,
    };
    let signature = key.pair.sign(&head.bytes()).to_bytes().to_vec();
    Ok(Batch { head, commitments, signature })
}

/// What is to be kept of the chain outside the database, for the day that it is; none while nothing is sealed. It is
/// signed with the newest key.
///
/// # Errors
/// When the database fails.
pub async fn todays_anchor(
    accounts: &Accounts,
    conn: &mut PgConnection,
    key: &SealingKey,
) -> Result<Option<Anchor>, Error> {
    let Some(last) = chain::last_head(conn).await? else { return Ok(None) };
    let keys = chain::keys(conn).await?;
    let signed_with = keys.into_iter().find(|key| key.key_id == last.key_id).ok_or(Error::Unreadable)?;
    let mut anchor =
        Anchor::of(&last, &signed_with.public_key, super::recording::stored(accounts.clock.now()));
    anchor.signature = hex(&key.pair.sign(&anchor.bytes()).to_bytes());
    Ok(Some(anchor))
}
