//! Moving every data key to the newest KEK, while others read, make and destroy keys.

use crate::{
    Error,
    kek::{Identity, KekFile},
    store::{self, Outdated, Renewed},
};
use sqlx::PgPool;
use std::path::Path;
use uuid::Uuid;

/// What a run of [`rewrap`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Data keys moved to the newest KEK by this run.
    pub moved: u64,
    /// Data keys that could not be unwrapped: altered rows, to be restored from a backup. They stay as they are.
    pub unreadable: u64,
    /// Live data keys that another KEK than the newest wraps, after the run. At 0 the older KEKs may go.
    pub remaining: u64,
}

/// Wraps all data keys of all services with the file's newest KEK, `page` keys (at least 1) a statement.
/// Each page stands by itself: a run that is cut off loses nothing, and the next goes on where it ended.
///
/// # Errors
/// [`Error::KekFile`], [`Error::Random`], [`Error::Store`].
pub async fn rewrap(store: &PgPool, kek_file: &Path, page: u32) -> Result<Rewrapped, Error> {
    let keks = KekFile::read(kek_file)?;
    let mut result = Rewrapped::default();
    loop {
        let mut moved = 0;
        result.unreadable = 0;
        for older in keks.older() {
            let pass = rewrap_from(store, &keks, older, page).await?;
            moved += pass.moved;
            result.unreadable += pass.unreadable;
        }
        result.moved += moved;
        // Once more, for keys that a process which had not read the file yet made behind our back.
        if moved == 0 {
            break;
        }
    }
    result.remaining = remaining_for(store, &keks).await?;
    Ok(result)
}

/// How many live data keys another KEK than the file's newest still wraps.
///
/// # Errors
/// [`Error::KekFile`], [`Error::Store`].
pub async fn remaining(store: &PgPool, kek_file: &Path) -> Result<u64, Error> {
    remaining_for(store, &KekFile::read(kek_file)?).await
}

async fn remaining_for(store: &PgPool, keks: &KekFile) -> Result<u64, Error> {
    Ok(store::count_not_wrapped_by(store, keks.newest()).await?.unsigned_abs())
}

/// One pass over the keys that `older` wraps.
async fn rewrap_from(store: &PgPool, keks: &KekFile, older: &str, page: u32) -> Result<Rewrapped, Error> {
    let mut result = Rewrapped::default();
    let mut after = (String::new(), Uuid::nil());
    loop {
        let rows = store::wrapped_by(store, older, (&after.0, after.1), i64::from(page.max(1))).await?;
        let Some(last) = rows.last() else { return Ok(result) };
        after = (last.service.clone(), last.owner_id);
        let read = rows.len();
        let mut renewed = Vec::with_capacity(read);
        for row in rows {
            match renew(keks, older, row) {
                Ok(key) => renewed.push(key),
                Err(Error::Refused) => result.unreadable += 1,
                Err(error) => return Err(error),
            }
        }
        result.moved += store::renew(store, keks.newest(), &renewed).await?;
        tracing::info!(moved = result.moved, unreadable = result.unreadable, "data keys wrapped anew");
    }
}

fn renew(keks: &KekFile, older: &str, row: Outdated) -> Result<Renewed, Error> {
    let before = row.wrapped.ok_or(Error::Refused)?;
    let identity = Identity { service: &row.service, owner: row.owner_id, key_id: row.key_id };
    let root = keks.unwrap(older, &identity, &before)?;
    let (_, wrapped) = keks.wrap(&identity, &root)?;
    Ok(Renewed { key_id: row.key_id, before, wrapped })
}
