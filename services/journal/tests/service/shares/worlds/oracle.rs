//! What the journal has been told and asked to do, and what follows from it for a read. Plain rules over plain lists.

use candor_proto::options::v1::Scope;
use chassis::identity::capability::Capability;
use jiff::{Timestamp, ToSpan as _};
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// A share as the world made it.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) share_id: Uuid,
    pub(super) owner: Uuid,
    pub(super) recipient: Uuid,
    pub(super) couple: Uuid,
    pub(super) words: String,
    pub(super) made: Timestamp,
    pub(super) opens: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) withdrawn: bool,
    pub(super) answer: Option<String>,
}

/// A link, as far as its events arrived.
#[derive(Debug, Clone)]
struct Link {
    members: [Uuid; 2],
    /// Whose circle it is; none for a couple.
    host: Option<Uuid>,
    version: i64,
    changed_at: Timestamp,
}

/// How a read is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Open,
    Missing,
    Refused,
}

/// Everything that arrived, in whatever order.
#[derive(Default)]
pub(super) struct Oracle {
    links: BTreeMap<Uuid, Link>,
    epochs: BTreeMap<(Uuid, Uuid), i64>,
    ended: HashSet<Uuid>,
    pub(super) shares: Vec<Made>,
}

/// Who asks, for what, showing what.
pub(super) struct Ask<'a> {
    pub(super) reader: Uuid,
    pub(super) session: Uuid,
    pub(super) owner: Uuid,
    /// The one thing asked for; none for a list.
    pub(super) item: Option<Uuid>,
    pub(super) capability: Option<&'a Capability>,
}

impl Oracle {
    pub(super) fn link_arrived(
        &mut self,
        id: Uuid,
        members: [Uuid; 2],
        host: Option<Uuid>,
        version: i64,
        at: Timestamp,
    ) {
        let link = self.links.entry(id).or_insert(Link { members, host, version, changed_at: at });
        if link.version < version {
            (link.version, link.changed_at) = (version, at);
        }
    }

    /// How many shares an owner made in the last day.
    pub(super) fn lately(&self, owner: Uuid, now: Timestamp) -> usize {
        let recent = |made: &&Made| made.owner == owner && made.made > now - 24.hours();
        self.shares.iter().filter(recent).count()
    }

    pub(super) fn epoch_arrived(&mut self, owner: Uuid, reader: Uuid, epoch: i64) {
        let known = self.epochs.entry((owner, reader)).or_insert(epoch);
        *known = epoch.max(*known);
    }

    pub(super) fn session_end_arrived(&mut self, session: Uuid) {
        self.ended.insert(session);
    }

    /// The epoch that is known of two.
    pub(super) fn epoch(&self, owner: Uuid, reader: Uuid) -> i64 {
        self.epochs.get(&(owner, reader)).copied().unwrap_or_default()
    }

    /// The link under which one may share with another: of those that are known and not over a couple before a place in
    /// one's own circle, and the latest of each.
    pub(super) fn link(&self, one: Uuid, other: Uuid) -> Option<Uuid> {
        let between = |link: &Link| link.members == [one, other] || link.members == [other, one];
        let may = |link: &Link| between(link) && link.host.is_none_or(|host| host == one);
        let standing = self.links.iter().filter(|(_, link)| may(link) && link.version == 1);
        let best = standing.max_by_key(|(id, link)| (link.host.is_none(), link.changed_at, **id));
        best.map(|(id, _)| *id)
    }

    /// Every link there ever was, as far as it is known.
    pub(super) fn links(&self) -> Vec<Uuid> {
        self.links.keys().copied().collect()
    }

    /// Whether a capability is one for this question at all; this depends on no data.
    fn fits(ask: &Ask<'_>, scope: Scope) -> bool {
        let Some(shown) = ask.capability else { return false };
        let item = match (shown.opening.item_id, ask.item) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(opened), Some(asked)) => opened == asked,
        };
        shown.reader_id == ask.reader
            && shown.session_id == ask.session
            && shown.opening.owner_id == ask.owner
            && shown.opening.scope == i32::from(scope)
            && item
    }

    /// Whether what was opened still is, for something under this link.
    fn stands(&self, shown: &Capability, couple: Uuid, now: Timestamp) -> bool {
        let ended = self.links.get(&couple).is_some_and(|link| link.version > 1);
        shown.opening.relation_id == couple
            && !ended
            && now < shown.expires_at
            && shown.opening.epoch >= self.epoch(shown.opening.owner_id, shown.reader_id)
            && !self.ended.contains(&shown.session_id)
    }

    fn open(&self, share: &Made, shown: &Capability, now: Timestamp) -> bool {
        share.owner == shown.opening.owner_id
            && share.recipient == shown.reader_id
            && share.opens <= now
            && now < share.expires
            && !share.withdrawn
            && self.stands(shown, share.couple, now)
    }

    /// A read of one share of the named owner, and which one it is.
    pub(super) fn read(&self, ask: &Ask<'_>, now: Timestamp) -> (Verdict, Option<&Made>) {
        if ask.owner == ask.reader {
            return (Verdict::Missing, None);
        }
        if !Self::fits(ask, Scope::SharedItems) {
            return (Verdict::Refused, None);
        }
        let named = |share: &&Made| share.owner == ask.owner && Some(share.share_id) == ask.item;
        let found = self.shares.iter().find(named);
        let open = found.filter(|share| ask.capability.is_some_and(|shown| self.open(share, shown, now)));
        (if open.is_some() { Verdict::Open } else { Verdict::Missing }, open)
    }

    /// A read of the answer that the named owner of the answer gave to a share of the reader.
    pub(super) fn read_answer(&self, ask: &Ask<'_>, now: Timestamp) -> (Verdict, Option<&str>) {
        if ask.owner == ask.reader {
            return (Verdict::Missing, None);
        }
        let fits = Self::fits(ask, Scope::ShareAnswers);
        let Some(shown) = ask.capability.filter(|_| fits) else { return (Verdict::Refused, None) };
        let found = self.shares.iter().find(|share| {
            share.owner == ask.reader && Some(share.share_id) == ask.item && share.recipient == ask.owner
        });
        let open = found.filter(|share| self.stands(shown, share.couple, now));
        match open.and_then(|share| share.answer.as_deref()) {
            Some(answer) => (Verdict::Open, Some(answer)),
            None => (Verdict::Missing, None),
        }
    }

    /// A list of what the named owner has open: nothing where it is refused.
    pub(super) fn list(&self, ask: &Ask<'_>, now: Timestamp) -> Option<HashSet<Uuid>> {
        let shown =
            ask.capability.filter(|_| ask.owner != ask.reader && Self::fits(ask, Scope::SharedItems))?;
        let open = self.shares.iter().filter(|share| self.open(share, shown, now));
        Some(open.map(|share| share.share_id).collect())
    }
}
