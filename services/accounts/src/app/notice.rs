//! Telling an owner what happened to their account: always where they see it after signing in, and by a mail that says
//! nothing but *look* if they said that their mail is theirs alone.

use super::{Accounts, standing};
use crate::{
    Error,
    domain::{Cursor, NoticeKind, PageSize},
    store::{notice, notice::NewNotice, security},
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// A notice as its owner sees it.
pub struct OwnNotice {
    /// The notice.
    pub notice_id: Uuid,
    /// What happened.
    pub kind: NoticeKind,
    /// In which session, if in one.
    pub session_id: Option<Uuid>,
    /// When.
    pub happened_at: Timestamp,
}

/// Tells an owner, in the transaction of what happened.
pub(super) async fn tell(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    kind: NoticeKind,
    session_id: Option<Uuid>,
) -> Result<(), Error> {
    keep(accounts, conn, account_id, kind, session_id).await?;
    let (mail_id, now) = (accounts.ids.next(), accounts.clock.now());
    security::queue_notice_mail(conn, mail_id, account_id, kind.letter().as_str(), now).await?;
    Ok(())
}

/// Tells an owner where they see it after signing in, and by no mail.
pub(super) async fn keep(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    kind: NoticeKind,
    session_id: Option<Uuid>,
) -> Result<(), Error> {
    let new = NewNotice { notice_id: accounts.ids.next(), account_id, kind: kind.as_str(), session_id };
    Ok(notice::insert(conn, &new, accounts.clock.now()).await?)
}

/// A page of what an owner was told of late, newest first, and where the next one begins.
///
/// # Errors
/// When the database fails.
pub async fn list_notices(
    accounts: &Accounts,
    account_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<OwnNotice>, Option<Cursor>), Error> {
    let mut conn = accounts.pool.acquire().await?;
    // One more than a page holds: whether there is a next one.
    let mut rows = notice::list(&mut conn, account_id, (after.time, after.id), size.get() + 1).await?;
    let has_more = rows.len() > usize::try_from(size.get()).unwrap_or(usize::MAX);
    if has_more {
        rows.pop();
    }
    let last = rows.last().map(|row| Cursor { time: row.happened_at, id: row.notice_id });
    let notices = rows.into_iter().map(own).collect::<Result<_, _>>()?;
    Ok((notices, last.filter(|_| has_more)))
}

fn own(row: notice::Listed) -> Result<OwnNotice, Error> {
    Ok(OwnNotice {
        notice_id: row.notice_id,
        kind: NoticeKind::stored(&row.kind).ok_or(Error::Unreadable)?,
        session_id: row.session_id,
        happened_at: row.happened_at,
    })
}

/// Says whether notices go by mail as well.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; when the database fails.
pub async fn choose_notices(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    by_mail: bool,
) -> Result<(), Error> {
    standing::hold(accounts, conn, passport).await?;
    let (account_id, session_id) = (passport.account_id, Some(passport.session_id));
    if security::set_notices_by_mail(conn, account_id, by_mail).await? {
        tell(accounts, conn, account_id, NoticeKind::NoticesChanged, session_id).await?;
    }
    Ok(())
}
