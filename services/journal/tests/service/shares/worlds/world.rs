//! One world, and how it lives.

use super::dice::Dice;
use super::oracle::{Ask, Made, Oracle, Verdict};
use super::reads::verdict_of;
use crate::shares::{answer, selection, share, withdraw};
use crate::stage::{Stage, entry, start, write};
use bus::{Envelope, Outbox, Transport};
use candor_proto::accounts::v1::{
    AccessEpochRaised, CircleChanged, CoupleLinked, CoupleUnlinked, SessionEnded,
};
use candor_proto::journal::v1::{ShareDepth, ShareItemRequest};
use candor_proto::options::v1::Scope;
use chassis::Clock;
use chassis::identity::capability::{Capability, Opening};
use jiff::{Timestamp, ToSpan as _};
use journal::rpc::Journal;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// What accounts said that has not arrived, or may arrive once more.
#[derive(Clone)]
enum Said {
    Link { id: Uuid, members: [Uuid; 2], host: Option<Uuid>, version: i64, at: Timestamp },
    Epoch { owner: Uuid, reader: Uuid, epoch: i64 },
    Ended { session: Uuid, account: Uuid },
}

pub(super) struct World {
    pub(super) stage: Arc<Stage>,
    pub(super) seed: u64,
    pub(super) dice: Dice,
    pub(super) clock: Clock,
    pub(super) journal: Journal,
    bus: Transport,
    pub(super) members: Vec<Uuid>,
    entries: BTreeMap<Uuid, Uuid>,
    pub(super) sessions: BTreeMap<Uuid, [Uuid; 2]>,
    /// Links that accounts has not ended, and whose circle each is, if it is no couple.
    linked: Vec<(Uuid, [Uuid; 2], Option<Uuid>)>,
    epochs: BTreeMap<(Uuid, Uuid), i64>,
    said: Vec<Said>,
    pub(super) oracle: Oracle,
    /// What was read under which receipt.
    pub(super) receipts: BTreeMap<Uuid, HashSet<String>>,
    _inbox: DropGuard,
}

impl World {
    pub(super) fn new(stage: &Arc<Stage>, seed: u64) -> Self {
        let clock = Clock::manual(crate::stage::NOW.parse().unwrap());
        let journal = start(&stage.pool, &stage.vault, &clock, &stage.ids, Default::default());
        let bus = Transport::memory(&[(journal::CONSUMER, journal::consumes())]);
        let stop = CancellationToken::new();
        let inbox =
            journal::events::inbox(stage.pool.clone(), clock.clone(), stage.ids.clone(), Outbox::new());
        tokio::spawn(inbox.run(bus.clone(), stop.clone()));
        let members: Vec<Uuid> = (0..4).map(|_| stage.member()).collect();
        Self {
            dice: Dice::new(seed),
            sessions: members.iter().map(|who| (*who, [stage.ids.next(), stage.ids.next()])).collect(),
            entries: members.iter().map(|who| (*who, stage.ids.next())).collect(),
            stage: stage.clone(),
            seed,
            clock,
            journal,
            bus,
            members,
            linked: Vec::new(),
            epochs: BTreeMap::new(),
            said: Vec::new(),
            oracle: Oracle::default(),
            receipts: BTreeMap::new(),
            _inbox: stop.drop_guard(),
        }
    }

    /// Some fifty things happen, one after the other.
    pub(super) async fn live(&mut self) {
        for (who, entry_id) in self.entries.clone() {
            let request = crate::stage::signed_in(who, entry(entry_id, "An entry of somebody's."));
            write(&self.journal, request).await.unwrap();
        }
        for _ in 0..3 {
            self.link();
        }
        self.deliver(100).await;
        for _ in 0..50 {
            match self.dice.roll(16) {
                0 => self.link(),
                1 => self.unlink(),
                2 => self.raise_epoch(),
                3 => self.end_session(),
                4..6 => self.deliver(60).await,
                6..11 => self.share().await,
                11 => self.withdraw().await,
                12..14 => self.answer().await,
                _ => {
                    let minutes = self.dice.pick(&[0, 1, 20, 61, 100]);
                    self.clock.set(self.clock.now() + minutes.minutes());
                }
            }
        }
    }

    pub(super) fn two(&mut self) -> [Uuid; 2] {
        let one = self.dice.pick(&self.members);
        let others: Vec<Uuid> = self.members.iter().copied().filter(|other| *other != one).collect();
        [one, self.dice.pick(&others)]
    }

    fn link(&mut self) {
        let members = self.two();
        // Mostly again those who were linked before.
        let host = self.dice.chance(40).then_some(members[0]);
        self.say_linked(members, host);
    }

    fn say_linked(&mut self, members: [Uuid; 2], host: Option<Uuid>) {
        let id = self.stage.ids.next();
        self.linked.push((id, members, host));
        self.said.push(Said::Link { id, members, host, version: 1, at: self.clock.now() });
    }

    fn unlink(&mut self) {
        if self.linked.is_empty() {
            return;
        }
        let n = self.dice.roll(self.linked.len());
        let (id, members, host) = self.linked.remove(n);
        self.said.push(Said::Link { id, members, host, version: 2, at: self.clock.now() });
        for (owner, reader) in [(members[0], members[1]), (members[1], members[0])] {
            self.raise(owner, reader);
        }
        if self.dice.chance(50) {
            self.say_linked(members, host);
        }
    }

    fn raise(&mut self, owner: Uuid, reader: Uuid) {
        let epoch = self.epochs.entry((owner, reader)).or_default();
        *epoch += 1;
        self.said.push(Said::Epoch { owner, reader, epoch: *epoch });
    }

    fn raise_epoch(&mut self) {
        let [owner, reader] = self.two();
        self.raise(owner, reader);
    }

    fn end_session(&mut self) {
        let account = self.dice.pick(&self.members);
        let session = self.sessions[&account][1]; // the other one goes on, so that something stays open
        self.said.push(Said::Ended { session, account });
    }

    /// Some of what was said arrives, in any order, some of it twice, some of it again.
    async fn deliver(&mut self, percent: usize) {
        let mut arriving = Vec::new();
        for said in std::mem::take(&mut self.said) {
            if !self.dice.chance(percent) {
                self.said.push(said);
                continue;
            }
            if self.dice.chance(15) {
                self.said.push(said.clone()); // and some other time once more
            }
            arriving.insert(self.dice.roll(arriving.len() + 1), said);
        }
        for said in arriving {
            let envelope = self.envelope(&said);
            for _ in 0..=usize::from(self.dice.chance(20)) {
                self.bus.publish(&envelope).await.unwrap();
            }
            match said {
                Said::Link { id, members, host, version, at } => {
                    self.oracle.link_arrived(id, members, host, version, at);
                }
                Said::Epoch { owner, reader, epoch } => self.oracle.epoch_arrived(owner, reader, epoch),
                Said::Ended { session, .. } => self.oracle.session_end_arrived(session),
            }
        }
    }

    fn envelope(&self, said: &Said) -> Envelope {
        let (id, now) = (self.stage.ids.next(), self.clock.now());
        match said {
            Said::Link { id: circle, members, host: Some(host), version, at } => {
                let event = CircleChanged {
                    circle_id: circle.to_string(),
                    host_account_id: host.to_string(),
                    guest_account_id: members.iter().find(|who| *who != host).unwrap().to_string(),
                    joined: *version == 1,
                    change_time: Some(journal::events::to_proto(*at)),
                };
                Envelope::new(id, now, *circle, *version, &event)
            }
            Said::Link { id: couple, members, host: None, version, at } => {
                let (first, second) = (members[0].min(members[1]), members[0].max(members[1]));
                let time = Some(journal::events::to_proto(*at));
                let (couple_id, first_account_id, second_account_id) =
                    (couple.to_string(), first.to_string(), second.to_string());
                if *version == 1 {
                    let event =
                        CoupleLinked { couple_id, first_account_id, second_account_id, link_time: time };
                    Envelope::new(id, now, *couple, 1, &event)
                } else {
                    let event =
                        CoupleUnlinked { couple_id, first_account_id, second_account_id, unlink_time: time };
                    Envelope::new(id, now, *couple, 2, &event)
                }
            }
            Said::Epoch { owner, reader, epoch } => {
                let (owner_account_id, reader_account_id) = (owner.to_string(), reader.to_string());
                let event = AccessEpochRaised { owner_account_id, reader_account_id, epoch: *epoch };
                Envelope::new(id, now, self.stage.ids.next(), *epoch, &event)
            }
            Said::Ended { session, account } => {
                let event = SessionEnded { account_id: account.to_string(), session_id: session.to_string() };
                Envelope::new(id, now, *session, 1, &event)
            }
        }
    }

    async fn share(&mut self) {
        let [owner, mut recipient] = self.two();
        // Mostly somebody they may share with.
        if self.dice.chance(80)
            && let Some(partner) =
                self.members.iter().copied().find(|other| self.oracle.link(owner, *other).is_some())
        {
            recipient = partner;
        }
        let now = self.clock.now();
        let open_now = self.dice.chance(75);
        let expires = now + self.dice.pick(&[62, 400, 5_000, 50_000]).minutes();
        // Ids are unique for each owner only: two owners may choose the same.
        let taken = self.oracle.shares.iter().find(|made| made.owner != owner).map(|made| made.share_id);
        let free =
            |id: &Uuid| !self.oracle.shares.iter().any(|made| made.owner == owner && made.share_id == *id);
        let share_id = match taken.filter(free) {
            Some(id) if self.dice.chance(20) => id,
            _ => self.stage.ids.next(),
        };
        let words = format!("{} {share_id}", self.seed);
        let request = ShareItemRequest {
            share_id: share_id.to_string(),
            recipient_account_id: recipient.to_string(),
            selection: Some(selection(self.entries[&owner], ShareDepth::Topic, &words, &[])),
            expire_time: Some(journal::events::to_proto(expires)),
            open_now,
            ..Default::default()
        };
        let done = share(&self.journal, owner, request).await;
        let link = self.oracle.link(owner, recipient);
        // Within a day only so many.
        let link = link.filter(|_| self.oracle.lately(owner, now) < 30);
        assert_eq!(done.is_ok(), link.is_some(), "world {}: {:?}", self.seed, done.err().map(|it| it.code()));
        if let Some(couple) = link {
            let opens = if open_now { now } else { now + 1.hour() };
            let (withdrawn, answer) = (false, None);
            self.oracle.shares.push(Made {
                share_id,
                owner,
                recipient,
                couple,
                words,
                made: now,
                opens,
                expires,
                withdrawn,
                answer,
            });
        }
    }

    async fn withdraw(&mut self) {
        if self.oracle.shares.is_empty() {
            return;
        }
        let n = self.dice.roll(self.oracle.shares.len());
        let made = &mut self.oracle.shares[n];
        made.withdrawn = true;
        withdraw(&self.journal, made.owner, &made.share_id.to_string()).await.unwrap();
    }

    /// What accounts would say now to a reader: its newest epoch, for ten seconds.
    pub(super) fn honest(
        &self,
        owner_id: Uuid,
        reader_id: Uuid,
        relation_id: Uuid,
        item_id: Option<Uuid>,
    ) -> Capability {
        let opening = Opening {
            owner_id,
            relation_id,
            scope: Scope::SharedItems.into(),
            item_id,
            epoch: self.epochs.get(&(owner_id, reader_id)).copied().unwrap_or_default(),
            receipt_id: self.stage.ids.next(),
        };
        let session_id = self.sessions[&reader_id][0];
        Capability { opening, reader_id, session_id, expires_at: self.clock.now() + 10.seconds() }
    }

    async fn answer(&mut self) {
        if self.oracle.shares.is_empty() {
            return;
        }
        let n = self.dice.roll(self.oracle.shares.len());
        let made = self.oracle.shares[n].clone();
        let capability = self.honest(made.owner, made.recipient, made.couple, Some(made.share_id));
        let session = capability.session_id;
        let ask = Ask {
            reader: made.recipient,
            session,
            owner: made.owner,
            item: Some(made.share_id),
            capability: Some(&capability),
        };
        let (verdict, _) = self.oracle.read(&ask, self.clock.now());
        let words = format!("answer {}", made.words);
        let done = answer(&self.journal, &capability, &made.share_id.to_string(), &words).await;
        assert_eq!(verdict_of(&done), verdict, "world {}: answer", self.seed);
        if verdict == Verdict::Open {
            if made.answer.is_none() {
                let items = HashSet::from([made.share_id.to_string()]);
                self.receipts.insert(capability.opening.receipt_id, items);
            }
            self.oracle.shares[n].answer = Some(words);
        }
    }
}
