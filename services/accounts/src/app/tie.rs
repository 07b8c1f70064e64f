//! What connects somebody with others, or did: that it was, and since when. The names went with it.

use crate::{
    Error,
    domain::{Cursor, PageSize},
    store::tie,
};
use sqlx::PgConnection;
use uuid::Uuid;

pub use crate::store::tie::Row as Tie;

/// A page of what somebody has or had with others, newest first, and where the next page begins.
///
/// # Errors
/// When the database fails.
pub async fn list_ties(
    conn: &mut PgConnection,
    account_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<Tie>, Option<Cursor>), Error> {
    // One more than a page holds: whether there is a next one.
    let mut rows = tie::list(conn, account_id, (after.time, after.id), size.get() + 1).await?;
    let has_more = rows.len() > usize::try_from(size.get()).unwrap_or(usize::MAX);
    if has_more {
        rows.pop();
    }
    let last = rows.last().map(|row| Cursor { time: row.began_at, id: row.tie_id });
    Ok((rows, last.filter(|_| has_more)))
}
