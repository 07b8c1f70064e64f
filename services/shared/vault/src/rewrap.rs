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
    rewrap_with(store, kek_file, page, |_| ()).await
}

/// The same, and after each page `progress` hears how many this run has moved.
///
/// # Errors
/// As [`rewrap`].
pub async fn rewrap_with(
    store: &PgPool,
    kek_file: &Path,
    page: u32,
    mut progress: impl FnMut(u64),
) -> Result<Rewrapped, Error> {
    let mut result = Rewrapped::default();
    loop {
        let keks = KekFile::read(kek_file)?;
        let before = result.moved;
        result.unreadable = 0;
        for older in keks.older() {
            let mut after = Some((String::new(), Uuid::nil()));
            while let Some(place) = after {
                after = rewrap_page(store, kek_file, older, place, page, &mut result).await?;
                progress(result.moved);
            }
        }
        // Once more, for keys that a process which had not read the file yet made behind our back.
        if result.moved == before {
            break;
        }
    }
    result.remaining = remaining(store, kek_file).await?;
    Ok(result)
}

/// How many live data keys another KEK than the file's newest still wraps.
///
/// # Errors
/// [`Error::KekFile`], [`Error::Store`].
pub async fn remaining(store: &PgPool, kek_file: &Path) -> Result<u64, Error> {
    let keks = KekFile::read(kek_file)?;
    Ok(store::count_not_wrapped_by(store, keks.newest()).await?.unsigned_abs())
}

/// Moves a page of the keys that `older` wraps, behind a place in their order; returns where the next page begins.
async fn rewrap_page(
    store: &PgPool,
    kek_file: &Path,
    older: &str,
    after: (String, Uuid),
    page: u32,
    result: &mut Rewrapped,
) -> Result<Option<(String, Uuid)>, Error> {
    let mut tx = store.begin().await?;
    // Read anew, while nobody removes a KEK: what was the newest at the start may be gone by now.
    store::share_keks(&mut tx).await?;
    let keks = KekFile::read(kek_file)?;
    let rows = store::wrapped_by(&mut tx, older, (&after.0, after.1), i64::from(page.max(1))).await?;
    let next = rows.last().map(|last| (last.service.clone(), last.owner_id));
    let mut renewed = Vec::with_capacity(rows.len());
    for row in rows {
        match renew(&keks, older, row) {
            Ok(key) => renewed.push(key),
            Err(Error::Refused) => result.unreadable += 1,
            Err(error) => return Err(error),
        }
    }
    let moved = store::renew(&mut tx, keks.newest(), &renewed).await?;
    tx.commit().await?;
    result.moved += moved;
    Ok(next)
}

fn renew(keks: &KekFile, older: &str, row: Outdated) -> Result<Renewed, Error> {
    let before = row.wrapped.ok_or(Error::Refused)?;
    let identity = Identity { service: &row.service, owner: row.owner_id, key_id: row.key_id };
    let root = keks.unwrap(older, &identity, &before)?;
    let (_, wrapped) = keks.wrap(&identity, &root)?;
    Ok(Renewed { key_id: row.key_id, before, wrapped })
}
