//! Everybody reads everything, and is answered as the rules say.

use super::dice::Dice;
use super::oracle::{Ask, Made, Verdict};
use super::world::World;
use crate::shares::{ids, list_shares, received, refusal, share_answer, shown, state, told};
use crate::stage::passport;
use candor_proto::journal::v1::share_service_server::ShareService as _;
use candor_proto::journal::v1::{
    DataRead, GetReceivedShareRequest, GetShareAnswerRequest, ListReceivedSharesRequest, ListSharesRequest,
    Share, TellReadRequest,
};
use candor_proto::options::v1::Scope;
use chassis::identity::Passport;
use chassis::identity::capability::Capability;
use jiff::ToSpan as _;
use journal::domain::ShareState;
use std::collections::{BTreeMap, HashSet};
use tonic::{Code, Status};
use uuid::Uuid;

impl World {
    /// A capability for this question, with something wrong about it now and then.
    fn any_capability(
        &mut self,
        reader: Uuid,
        owner: Uuid,
        couple: Uuid,
        item: Option<Uuid>,
        scope: Scope,
    ) -> Option<Capability> {
        let mut shown = self.honest(owner, reader, couple, item);
        shown.opening.scope = scope.into();
        let others = self.oracle.links();
        let wrong = |dice: &mut Dice| dice.chance(7);
        if wrong(&mut self.dice) {
            return None;
        }
        if wrong(&mut self.dice) && !others.is_empty() {
            shown.opening.relation_id = self.dice.pick(&others);
        }
        if self.dice.chance(20) {
            let before = i64::try_from(self.dice.roll(3)).unwrap();
            shown.opening.epoch = (shown.opening.epoch - before).max(0);
        }
        if self.dice.chance(20) {
            let age = self.dice.pick(&[-5, 0, 1, 10]);
            shown.expires_at = self.clock.now() + age.seconds();
        }
        if wrong(&mut self.dice) {
            shown.opening.scope = self.dice.pick(&[1, 2, 4]);
        }
        if self.dice.chance(25) {
            shown.opening.item_id = None;
        }
        if wrong(&mut self.dice) {
            shown.opening.item_id = Some(self.stage.ids.next());
        }
        if wrong(&mut self.dice) {
            shown.reader_id = self.dice.pick(&self.members);
        }
        if wrong(&mut self.dice) {
            shown.opening.owner_id = self.dice.pick(&self.members);
        }
        if self.dice.chance(20) {
            shown.session_id = self.sessions[&reader][1];
        }
        Some(shown)
    }

    /// Everybody asks for every share, for every answer and for every list, and is answered as the rules say. Returns how
    /// many were open, missing and refused.
    pub(super) async fn read_everything(&mut self) -> [usize; 3] {
        let mut counts = [0; 3];
        let missing = self.missing().await;
        let asked: Vec<Made> = self.oracle.shares.clone();
        for made in &asked {
            // Everybody, and those whom it is about once more.
            let readers = [&self.members[..], &[made.recipient, made.recipient, made.owner]].concat();
            for reader in readers {
                // Mostly by its owner's name and link; the reader's own way otherwise.
                let owner =
                    if self.dice.chance(90) { made.owner } else { self.dice.pick(&self.members.clone()) };
                let verdict = self.read_share(reader, owner, made, &missing.0).await;
                counts[verdict as usize] += 1;
                let answerer = if self.dice.chance(90) { made.recipient } else { owner };
                let verdict = self.read_answer(reader, answerer, made, &missing.1).await;
                counts[verdict as usize] += 1;
            }
        }
        for reader in self.members.clone() {
            for owner in self.members.clone() {
                self.read_list(reader, owner).await;
            }
        }
        self.compare_receipts().await;
        self.compare_own_lists().await;
        counts
    }

    /// The refusals for what does not exist: of a share, and of an answer.
    async fn missing(&mut self) -> (Refusal, Refusal) {
        let [owner, reader] = self.two();
        let unknown = self.stage.ids.next();
        let capability = self.honest(owner, reader, self.stage.ids.next(), Some(unknown));
        let share = received(&self.journal, &capability, &unknown.to_string()).await.err().unwrap();
        let answer = share_answer(&self.journal, &capability, &unknown.to_string()).await.err().unwrap();
        (refusal(&share), refusal(&answer))
    }

    fn reader(&self, reader: Uuid, capability: Option<&Capability>, other: bool) -> Passport {
        let session = capability.map_or(self.sessions[&reader][0], |shown| shown.session_id);
        let session_id = if other { Uuid::from_u128(5) } else { session };
        Passport { session_id, ..passport(reader) }
    }

    async fn read_share(&mut self, reader: Uuid, owner: Uuid, made: &Made, missing: &Refusal) -> Verdict {
        let (couple, item) = (made.couple, Some(made.share_id));
        let capability = self.any_capability(reader, owner, couple, item, Scope::SharedItems);
        let other_session = self.dice.chance(4);
        let by = self.reader(reader, capability.as_ref(), other_session);
        let ask = Ask {
            reader,
            session: by.session_id,
            owner,
            item: Some(made.share_id),
            capability: capability.as_ref(),
        };
        let (verdict, found) = self.oracle.read(&ask, self.clock.now());
        let words = found.map(|share| share.words.clone());
        let (owner_account_id, share_id) = (owner.to_string(), made.share_id.to_string());
        let tells = self.dice.chance(15);
        let context = format!("world {}: {reader} reads {share_id} of {owner}", self.seed);
        if tells {
            let message = TellReadRequest { owner_account_id, share_id };
            let done = self.journal.tell_read(shown(by, capability.clone(), message)).await;
            assert_eq!(verdict_of(&done), verdict, "{context}");
            return verdict; // told twice leaves no second receipt, so none is expected here
        }
        let message = GetReceivedShareRequest { owner_account_id, share_id: share_id.clone() };
        let done = self.journal.get_received_share(shown(by, capability.clone(), message)).await;
        assert_eq!(verdict_of(&done), verdict, "{context}");
        match done {
            Ok(read) => {
                let read = read.into_inner();
                assert_eq!(read.rendering.map(|it| it.words), words, "{context}");
                let receipt = capability.unwrap().opening.receipt_id;
                self.receipts.insert(receipt, HashSet::from([share_id]));
            }
            Err(refused) if refused.code() == Code::NotFound => {
                assert_eq!(refusal(&refused), *missing, "{context}");
            }
            Err(_) => {}
        }
        verdict
    }

    async fn read_answer(&mut self, reader: Uuid, answerer: Uuid, made: &Made, missing: &Refusal) -> Verdict {
        let (couple, item) = (made.couple, Some(made.share_id));
        let capability = self.any_capability(reader, answerer, couple, item, Scope::ShareAnswers);
        let by = self.reader(reader, capability.as_ref(), false);
        let ask = Ask {
            reader,
            session: by.session_id,
            owner: answerer,
            item: Some(made.share_id),
            capability: capability.as_ref(),
        };
        let (verdict, words) = self.oracle.read_answer(&ask, self.clock.now());
        let words = words.map(str::to_owned);
        let share_id = made.share_id.to_string();
        let message =
            GetShareAnswerRequest { owner_account_id: answerer.to_string(), share_id: share_id.clone() };
        let done = self.journal.get_share_answer(shown(by, capability.clone(), message)).await;
        let context = format!("world {}: {reader} reads the answer of {answerer} to {share_id}", self.seed);
        assert_eq!(verdict_of(&done), verdict, "{context}");
        match done {
            Ok(read) => {
                assert_eq!(read.into_inner().answer.map(|it| it.body), words, "{context}");
                let receipt = capability.unwrap().opening.receipt_id;
                self.receipts.insert(receipt, HashSet::from([share_id]));
            }
            Err(refused) if refused.code() == Code::NotFound => {
                assert_eq!(refusal(&refused), *missing, "{context}");
            }
            Err(_) => {}
        }
        verdict
    }

    async fn read_list(&mut self, reader: Uuid, owner: Uuid) {
        let couple = self.oracle.link(owner, reader).unwrap_or_else(|| self.stage.ids.next());
        let mut capability = self.any_capability(reader, owner, couple, None, Scope::SharedItems);
        if let Some(shown) = &mut capability
            && self.dice.chance(90)
        {
            shown.opening.item_id = None;
        }
        let by = self.reader(reader, capability.as_ref(), false);
        let ask = Ask { reader, session: by.session_id, owner, item: None, capability: capability.as_ref() };
        let expected = self.oracle.list(&ask, self.clock.now());
        let message = ListReceivedSharesRequest {
            owner_account_id: owner.to_string(),
            page_size: 100,
            ..Default::default()
        };
        let done = self.journal.list_received_shares(shown(by, capability.clone(), message)).await;
        let found = done.ok().map(|page| ids(&page.into_inner()));
        let found = found.map(|ids| ids.into_iter().collect::<HashSet<String>>());
        let expected = expected.map(|ids| ids.iter().map(Uuid::to_string).collect::<HashSet<String>>());
        assert_eq!(found, expected, "world {}: {reader} lists {owner}", self.seed);
        if let Some(items) = found.filter(|items| !items.is_empty()) {
            self.receipts.insert(capability.unwrap().opening.receipt_id, items);
        }
    }

    /// Every read of words left its receipt, and nothing else did; telling is the exception, and says so.
    async fn compare_receipts(&self) {
        let mut left = BTreeMap::new();
        for (receipt, _, read) in told::<DataRead>(&self.stage.pool).await {
            let of_this_world = self.members.iter().any(|who| who.to_string() == read.owner_account_id);
            let only_told = read.told && !self.receipts.contains_key(&receipt);
            if of_this_world && !only_told {
                let items: HashSet<String> = read.item_ids.into_iter().collect();
                assert!(left.insert(receipt, items).is_none(), "world {}: one receipt each", self.seed);
            }
        }
        assert_eq!(left, self.receipts, "world {}", self.seed);
    }

    /// What each owner sees agrees with what became of their shares.
    async fn compare_own_lists(&self) {
        for who in &self.members {
            let request = ListSharesRequest { page_size: 100, ..Default::default() };
            let own = list_shares(&self.journal, *who, request).await.unwrap().shares;
            let request = ListSharesRequest { page_size: 100, open_only: true, ..Default::default() };
            let open = list_shares(&self.journal, *who, request).await.unwrap().shares;
            let lasts = |it: &&Share| matches!(state(it), ShareState::Waiting | ShareState::Open);
            assert!(open.iter().eq(own.iter().filter(lasts)), "world {}", self.seed);
            let of_them: Vec<&Made> = self.oracle.shares.iter().filter(|made| made.owner == *who).collect();
            assert_eq!(own.len(), of_them.len());
            for made in of_them {
                let listed = own.iter().find(|it| it.share_id == made.share_id.to_string()).unwrap();
                assert_eq!(listed.answered, made.answer.is_some(), "world {}", self.seed);
                let withdrawn = state(listed) == ShareState::Withdrawn;
                assert_eq!(withdrawn, made.withdrawn, "world {}", self.seed);
            }
        }
    }
}

type Refusal = (Code, String, Vec<u8>);

pub(super) fn verdict_of<T>(done: &Result<T, Status>) -> Verdict {
    match done {
        Ok(_) => Verdict::Open,
        Err(refused) => match refused.code() {
            Code::NotFound => Verdict::Missing,
            Code::PermissionDenied => Verdict::Refused,
            other => panic!("{other:?}: {}", refused.message()),
        },
    }
}
