//! Taking a KEK out of use for good, which is safe only when no data key needs it.

use crate::{Error, kek, store};
use sqlx::PgPool;
use std::{collections::HashSet, path::Path};

/// Takes an older KEK out of the file, unless data keys in one of the stores are still wrapped by it: then nothing
/// changes, and the answer is how many. Give it every store whose data keys the file wraps. Meanwhile nobody makes or
/// rewraps a data key there, so none can slip in between the count and the removal; processes that use a copy of the
/// file on another machine must have been given the newest one before.
///
/// # Errors
/// [`Error::KekFile`] when the file cannot be read or replaced, or the id is the newest or unknown; [`Error::Store`].
pub async fn remove_kek(stores: &[PgPool], path: &Path, id: &str) -> Result<u64, Error> {
    kek::demand_older(path, id)?;
    let (mut held, mut needed) = (Vec::new(), 0);
    for store in distinct(stores).await? {
        let mut tx = store.begin().await?;
        store::hold_keks(&mut tx).await?;
        needed += store::count_wrapped_by(&mut tx, id).await?.unsigned_abs();
        held.push(tx);
    }
    if needed == 0 {
        kek::remove(path, id)?;
    }
    drop(held);
    Ok(needed)
}

/// The same stores without those that are one database under two addresses, as two services with a role each have it.
///
/// # Errors
/// [`Error::Store`].
pub async fn distinct(stores: &[PgPool]) -> Result<Vec<PgPool>, Error> {
    let (mut known, mut distinct) = (HashSet::new(), Vec::new());
    for store in stores {
        if known.insert(store::identity(store).await?) {
            distinct.push(store.clone());
        }
    }
    Ok(distinct)
}
