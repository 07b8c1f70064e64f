//! What of care of a couple each of the three sees.

use super::{name_place, store};
use crate::{
    Error,
    app::{
        Accounts,
        care::{cut, open},
        counselor,
    },
    domain::{Confidentiality, CoupleCareState, Cursor, PageSize},
    store::couple_care::{Couple, Mine, Partner, Version},
};
use jiff::Timestamp;
use uuid::Uuid;

/// Open at a time for one couple at most: their limits allow no more.
const MOST: i64 = 20;

/// A version of confidentiality that counts or counted.
pub struct Counting {
    /// 1, 2, …
    pub version: i32,
    /// What it is.
    pub policy: Confidentiality,
    /// From when on it counts.
    pub from: Timestamp,
}

/// A version that is proposed.
pub struct Proposed {
    /// Which version it would be.
    pub version: i32,
    /// What it would be.
    pub policy: Confidentiality,
    /// Whether whoever looks proposed it.
    pub is_own: bool,
    /// Whether whoever looks agreed.
    pub agreed: bool,
    /// When it is over by itself.
    pub expires_at: Timestamp,
}

/// How confidentiality is, was, and may be.
pub struct Versions {
    /// Oldest first; the last one counts.
    pub counting: Vec<Counting>,
    /// What is proposed.
    pub proposed: Option<Proposed>,
}

/// Care as one of the two sees it.
pub struct MyCoupleCare {
    /// How it stands.
    pub state: CoupleCareState,
    /// The counselor's name, or empty.
    pub counselor_name: String,
    /// Whether whoever looks proposed it.
    pub is_own: bool,
    /// How confidentiality is.
    pub versions: Versions,
    /// All that is not sealed.
    pub stored: Mine,
}

/// One of a couple as the counselor sees them.
pub struct PartnerInCare {
    /// Their name, or empty.
    pub name: String,
    /// All that is not sealed.
    pub stored: Partner,
}

/// Care as the counselor sees it.
pub struct CoupleInCare {
    /// How it stands.
    pub state: CoupleCareState,
    /// The two.
    pub partners: Vec<PartnerInCare>,
    /// How confidentiality is.
    pub versions: Versions,
    /// All that is not sealed.
    pub stored: Couple,
}

impl CoupleInCare {
    /// Whether both were seen alone.
    pub fn joint_open(&self) -> bool {
        let seen = |partner: &PartnerInCare| partner.stored.seen_alone_at.is_some();
        self.state == CoupleCareState::Active && self.partners.len() == 2 && self.partners.iter().all(seen)
    }
}

/// What somebody's couple has open, newest first. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database fails.
pub async fn mine(accounts: &Accounts, member_id: Uuid) -> Result<Vec<MyCoupleCare>, Error> {
    let now = accounts.clock.now();
    let (found, mut versions) = {
        let mut conn = accounts.pool.acquire().await?;
        let found = store::mine(&mut conn, member_id, now, MOST).await?;
        let ids: Vec<_> = found.iter().map(|one| one.care_id).collect();
        (found, store::versions(&mut conn, &ids, now).await?)
    };
    let mut page = Vec::with_capacity(found.len());
    for stored in found {
        let counselor_name = match &stored.counselor_name {
            Some(sealed) => {
                let place = counselor::name_place(stored.counselor_id);
                open(accounts, stored.counselor_id, &place, sealed).await
            }
            None => String::new(),
        };
        page.push(MyCoupleCare {
            state: CoupleCareState::stored(&stored.state).ok_or(Error::Unreadable)?,
            counselor_name,
            is_own: stored.proposer_id == member_id,
            versions: take(&mut versions, stored.care_id, member_id)?,
            stored,
        });
    }
    Ok(page)
}

/// A page of the couples who asked a counselor and who are in their care, newest first, and where the next one begins. Asks
/// the vault, so no transaction may be open.
///
/// # Errors
/// When the database fails.
pub async fn couples(
    accounts: &Accounts,
    counselor_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<CoupleInCare>, Option<Cursor>), Error> {
    let now = accounts.clock.now();
    let (found, next, mut versions, mut partners) = {
        let mut conn = accounts.pool.acquire().await?;
        let after = (after.time, after.id);
        let mut found = store::couples(&mut conn, counselor_id, after, now, size.get() + 1).await?;
        let next = cut(&mut found, size, |one| Cursor { time: one.proposed_at, id: one.care_id });
        let ids: Vec<_> = found.iter().map(|one| one.care_id).collect();
        let partners = store::partners(&mut conn, &ids).await?;
        (found, next, store::versions(&mut conn, &ids, now).await?, partners)
    };
    let mut page = Vec::with_capacity(found.len());
    for stored in found {
        let (own, others) = partners.into_iter().partition(|one| one.care_id == stored.care_id);
        partners = others;
        page.push(CoupleInCare {
            state: CoupleCareState::stored(&stored.state).ok_or(Error::Unreadable)?,
            partners: named(accounts, own).await,
            versions: take(&mut versions, stored.care_id, counselor_id)?,
            stored,
        });
    }
    Ok((page, next))
}

async fn named(accounts: &Accounts, partners: Vec<Partner>) -> Vec<PartnerInCare> {
    let mut named = Vec::with_capacity(partners.len());
    for stored in partners {
        let name = open(accounts, stored.member_id, &name_place(stored.care_id), &stored.name).await;
        named.push(PartnerInCare { name, stored });
    }
    named
}

/// Takes the versions of one care out of those of several, as one of the three sees them.
fn take(versions: &mut Vec<Version>, care_id: Uuid, viewer_id: Uuid) -> Result<Versions, Error> {
    let (own, others) = std::mem::take(versions).into_iter().partition(|one| one.care_id == care_id);
    *versions = others;
    let own: Vec<Version> = own;
    let mut taken = Versions { counting: Vec::new(), proposed: None };
    for one in own {
        let policy = Confidentiality::stored(&one.policy).ok_or(Error::Unreadable)?;
        match one.counts_from {
            Some(from) => {
                taken.counting.push(Counting { version: one.version, policy, from: from.to_jiff() })
            }
            None => {
                taken.proposed = Some(Proposed {
                    version: one.version,
                    policy,
                    is_own: one.proposer_id == viewer_id,
                    agreed: one.agreed_ids.contains(&viewer_id),
                    expires_at: one.expires_at,
                });
            }
        }
    }
    Ok(taken)
}
