//! Living the story: each act at its time, through the API, by the one who does it.

use super::answers::answers;
use super::api::{Api, Member, as_soon_as_possible, until};
use super::story::{Act, Answer, Entry, MoodAlone, Plan, SelfCheck, Share, Story, Understood};
use crate::cli::BoxError;
use candor_proto::accounts::v1 as accounts;
use candor_proto::content::v1 as content;
use candor_proto::journal::v1 as journal;
use candor_proto::options::v1::Scope;
use candor_proto::reminders::v1 as reminders;
use chassis::Clock;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tonic::Status;

const SELF_CHECK: &str = "self-check";

/// Everything that is known while the story goes on.
struct Life<'a> {
    story: &'a Story,
    plan: &'a Plan<'a>,
    api: &'a Api,
    people: BTreeMap<&'a str, Member<'a>>,
    /// Ids of entries and self-checks by their keys, and of shares by their place in the story.
    items: BTreeMap<&'a str, String>,
    shares: BTreeMap<usize, String>,
    schedule_id: String,
    /// Who has replied to which question: nobody says the same thing twice.
    replied: BTreeSet<(String, String)>,
}

/// Lives the whole plan.
///
/// # Errors
/// When a service refuses something, or something does not come about.
pub(crate) async fn live(
    story: &Story,
    plan: &Plan<'_>,
    api: &Api,
    clock: &Clock,
    mail: &Path,
) -> Result<(), BoxError> {
    let mut people = BTreeMap::new();
    for (name, person) in &story.people {
        let member = Member::join(api, (&person.email, &person.password), &story.zone, mail).await?;
        people.insert(name.as_str(), member);
    }
    let (items, shares) = (BTreeMap::new(), BTreeMap::new());
    let (schedule_id, replied) = (String::new(), BTreeSet::new());
    let mut life = Life { story, plan, api, people, items, shares, schedule_id, replied };
    life.link().await?;
    for (at, act) in &plan.acts {
        life.come_to(*at, clock).await?;
        life.act(act).await?;
    }
    Ok(())
}

impl<'a> Life<'a> {
    /// Moves time on, and stops on the way wherever a reminder is due, so that each arrives at its time.
    async fn come_to(&mut self, at: Timestamp, clock: &Clock) -> Result<(), BoxError> {
        while let Some(due) = self.first_due().await?.filter(|due| *due <= at) {
            self.let_it_be(due.max(clock.now()), clock).await?;
            until("a reminder that is due", async || {
                Ok(self.first_due().await?.is_none_or(|next| next > due).then_some(()))
            })
            .await?;
        }
        self.let_it_be(at, clock).await
    }

    async fn let_it_be(&mut self, now: Timestamp, clock: &Clock) -> Result<(), BoxError> {
        clock.set(now);
        for member in self.people.values_mut() {
            member.be_signed_in().await?;
        }
        Ok(())
    }

    /// When the next thing is due that is planned for either of them.
    async fn first_due(&self) -> Result<Option<Timestamp>, Status> {
        let mut first: Option<Timestamp> = None;
        for member in self.people.values() {
            let request = reminders::ListSchedulesRequest { page_size: 1, ..Default::default() };
            let page = self.api.reminders().list_schedules(member.signed(request).await?).await?;
            let due = page.into_inner().schedules.into_iter().next().and_then(|schedule| schedule.due_time);
            let due = due.and_then(|due| Timestamp::new(due.seconds, due.nanos).ok());
            first = first.into_iter().chain(due).min();
        }
        Ok(first)
    }

    async fn act(&mut self, act: &Act<'a>) -> Result<(), BoxError> {
        match act {
            Act::Write(entry) => self.write(entry).await,
            Act::Feel(mood) => self.feel(mood).await,
            Act::Check(check) => self.check(check).await,
            Act::Share(n, share) => self.share(*n, share).await,
            Act::TellRead(n, share) => self.tell_read(*n, share).await,
            Act::Answer(n, share, answer) => self.answer(*n, share, answer).await,
            Act::Rate(n, share, felt) => self.rate(*n, share, felt).await,
            Act::Withdraw(n, share) => self.withdraw(*n, share).await,
            Act::Propose => self.propose().await,
            Act::Agree => self.agree().await,
            Act::Reply(who, time) => self.reply(who, *time).await,
            Act::Ahead(time) => self.ahead(*time).await,
            Act::Open(time) => self.open(*time).await,
        }
    }

    fn person(&self, who: &str) -> Result<&Member<'a>, BoxError> {
        self.people.get(who).ok_or_else(|| format!("nobody in the story is called {who}").into())
    }

    fn partner(&self, who: &str) -> Result<&Member<'a>, BoxError> {
        self.person(self.story.partner(who).unwrap_or_default())
    }

    async fn link(&self) -> Result<(), BoxError> {
        let inviter = self.story.check_ins.proposer.as_str();
        let invited = self.story.partner(inviter).unwrap_or_default();
        let mut couples = self.api.couples();
        let invitation = accounts::InvitePartnerRequest { own_name: inviter.to_owned() };
        let made = couples.invite_partner(self.person(inviter)?.signed(invitation).await?).await?;
        let yes = accounts::AcceptInvitationRequest {
            code: made.into_inner().code,
            own_name: invited.to_owned(),
            adult: true,
        };
        couples.accept_invitation(self.person(invited)?.signed(yes).await?).await?;
        Ok(())
    }

    async fn write(&mut self, entry: &'a Entry) -> Result<(), BoxError> {
        let request = journal::WriteEntryRequest {
            body: entry.text.clone(),
            title: entry.title.clone(),
            time_zone: self.story.zone.clone(),
            mood: Some(entry.mood()?),
            ..Default::default()
        };
        let request = self.person(&entry.who)?.signed(request).await?;
        let written = self.api.entries().write_entry(request).await?.into_inner();
        let entry_id = written.entry.map(|entry| entry.entry_id).unwrap_or_default();
        self.items.insert(&entry.key, entry_id);
        Ok(())
    }

    async fn feel(&self, alone: &MoodAlone) -> Result<(), BoxError> {
        let request = journal::RecordMoodRequest { mood: Some(alone.mood()?), ..Default::default() };
        let request = self.person(&alone.who)?.signed(request).await?;
        self.api.moods().record_mood(request).await?;
        Ok(())
    }

    async fn check(&mut self, check: &'a SelfCheck) -> Result<(), BoxError> {
        let asked = content::GetInstrumentRequest { instrument_id: SELF_CHECK.to_owned(), version: 0 };
        let instrument = self.api.instruments().get_instrument(asked).await?.into_inner().instrument;
        let answers = answers(&instrument.unwrap_or_default().questionnaire, &check.levels)?;
        let who = self.person(&check.who)?;
        let begun = as_soon_as_possible("the self-check", async || {
            let instrument_id = SELF_CHECK.to_owned();
            let request = journal::StartAssessmentRequest { instrument_id, ..Default::default() };
            self.api.assessments().start_assessment(who.signed(request).await?).await
        })
        .await?;
        let id = begun.into_inner().assessment.unwrap_or_default().assessment_id;
        let save = journal::SaveAnswersRequest { assessment_id: id.clone(), answers };
        self.api.assessments().save_answers(who.signed(save).await?).await?;
        let score = journal::ScoreAssessmentRequest { assessment_id: id.clone() };
        self.api.assessments().score_assessment(who.signed(score).await?).await?;
        self.items.insert(&check.key, id);
        Ok(())
    }

    async fn share(&mut self, n: usize, share: &Share) -> Result<(), BoxError> {
        let request = journal::ShareItemRequest {
            recipient_account_id: self.partner(&share.who)?.account_id.clone(),
            selection: Some(self.selection(share)?),
            wished_response: share.wish()?.into(),
            ..Default::default()
        };
        let owner = self.person(&share.who)?;
        let made = as_soon_as_possible("the link", async || {
            self.api.shares().share_item(owner.signed(request.clone()).await?).await
        })
        .await?;
        self.shares.insert(n, made.into_inner().share.unwrap_or_default().share_id);
        Ok(())
    }

    fn selection(&self, share: &Share) -> Result<journal::Selection, BoxError> {
        let kind =
            if share.entry.is_some() { journal::ShareKind::Entry } else { journal::ShareKind::SelfCheck };
        let key = share.entry.as_deref().or(share.self_check.as_deref()).unwrap_or_default();
        let item_id =
            self.items.get(key).ok_or_else(|| format!("the story shares {key} before it is there"))?;
        let mut selection = journal::Selection {
            kind: kind.into(),
            item_id: item_id.clone(),
            depth: share.depth()?.into(),
            words: share.words.clone(),
            domain_ids: self.domains(share),
            ..Default::default()
        };
        if let Some(excerpt) = &share.excerpt {
            let entry = self.story.entries.iter().find(|entry| entry.key == key);
            let text = entry.map_or("", |entry| entry.text.as_str());
            let before = text.split_once(excerpt.as_str()).map(|(before, _)| before.chars().count());
            let start = i32::try_from(before.ok_or("an excerpt is not in its entry")?)?;
            let end = start + i32::try_from(excerpt.chars().count())?;
            selection.spans.push(journal::Span { start, end });
        }
        Ok(selection)
    }

    /// All domains of a self-check that is shared.
    fn domains(&self, share: &Share) -> Vec<String> {
        let check = self.story.self_checks.iter().find(|check| Some(&check.key) == share.self_check.as_ref());
        check.map(|check| check.levels.keys().cloned().collect()).unwrap_or_default()
    }

    fn share_id(&self, n: usize) -> String {
        self.shares.get(&n).cloned().unwrap_or_default()
    }

    async fn tell_read(&self, n: usize, share: &Share) -> Result<(), BoxError> {
        let (owner, reader) = (self.person(&share.who)?, self.partner(&share.who)?);
        let (owner_account_id, share_id) = (owner.account_id.clone(), self.share_id(n));
        let request = journal::TellReadRequest { owner_account_id, share_id };
        self.api.shares().tell_read(reader.reading(owner, Scope::SharedItems, request).await?).await?;
        Ok(())
    }

    async fn answer(&self, n: usize, share: &Share, answer: &Answer) -> Result<(), BoxError> {
        let (owner, reader) = (self.person(&share.who)?, self.partner(&share.who)?);
        let (owner_account_id, share_id) = (owner.account_id.clone(), self.share_id(n));
        let request = journal::AnswerShareRequest { owner_account_id, share_id, body: answer.text.clone() };
        self.api.shares().answer_share(reader.reading(owner, Scope::SharedItems, request).await?).await?;
        Ok(())
    }

    async fn rate(&self, n: usize, share: &Share, felt: &Understood) -> Result<(), BoxError> {
        let request =
            journal::RateFeltUnderstoodRequest { share_id: self.share_id(n), felt_understood: felt.level };
        let request = self.person(&share.who)?.signed(request).await?;
        self.api.shares().rate_felt_understood(request).await?;
        Ok(())
    }

    async fn withdraw(&self, n: usize, share: &Share) -> Result<(), BoxError> {
        let request = journal::WithdrawShareRequest { share_id: self.share_id(n) };
        self.api.shares().withdraw_share(self.person(&share.who)?.signed(request).await?).await?;
        Ok(())
    }

    async fn propose(&mut self) -> Result<(), BoxError> {
        let proposer = self.person(&self.story.check_ins.proposer)?;
        let at = &self.plan.check_in;
        let request = reminders::ProposeCheckInScheduleRequest {
            weekday: i32::from(at.weekday().to_monday_one_offset()),
            local_time: at.strftime("%H:%M").to_string(),
            time_zone: self.story.zone.clone(),
            ..Default::default()
        };
        let made = as_soon_as_possible("the link", async || {
            self.api.schedule().propose_check_in_schedule(proposer.signed(request.clone()).await?).await
        })
        .await?;
        self.schedule_id = made.into_inner().proposal.unwrap_or_default().schedule_id;
        Ok(())
    }

    async fn agree(&self) -> Result<(), BoxError> {
        let proposer = self.person(&self.story.check_ins.proposer)?;
        let other = self.partner(&self.story.check_ins.proposer)?;
        let request = reminders::AcceptCheckInScheduleRequest {
            owner_account_id: proposer.account_id.clone(),
            schedule_id: self.schedule_id.clone(),
        };
        let request = other.reading(proposer, Scope::CheckInSchedule, request).await?;
        self.api.schedule().accept_check_in_schedule(request).await?;
        Ok(())
    }

    /// The schedule that runs, once it says what is asked of it.
    async fn schedule(
        &self,
        what: &str,
        holds: impl Fn(&reminders::CheckInSchedule) -> bool,
    ) -> Result<reminders::CheckInSchedule, BoxError> {
        let proposer = self.person(&self.story.check_ins.proposer)?;
        let other = self.partner(&self.story.check_ins.proposer)?;
        until(what, async || {
            let owner_account_id = other.account_id.clone();
            let request = reminders::GetCheckInScheduleRequest { owner_account_id };
            let request = proposer.reading(other, Scope::CheckInSchedule, request).await?;
            let seen = self.api.schedule().get_check_in_schedule(request).await?.into_inner();
            Ok(seen.schedule.filter(&holds))
        })
        .await
    }

    async fn reply(&mut self, who: &str, time: Timestamp) -> Result<(), BoxError> {
        let next = self.schedule("the next check-in", |schedule| is(schedule.next_open_time, time)).await?;
        let asked = content::ListCheckInPromptsRequest { check_in_id: next.next_check_in_id };
        let prompts = self.api.prompts().list_check_in_prompts(asked).await?.into_inner().prompts;
        let request = journal::AnswerCheckInRequest {
            schedule_id: next.schedule_id,
            open_time: next.next_open_time,
            replies: self.replies(who, &prompts),
        };
        self.api.check_ins().answer_check_in(self.person(who)?.signed(request).await?).await?;
        Ok(())
    }

    /// What somebody has to say to these questions: to those they have not been asked before or, if there are none, to
    /// the first.
    fn replies(&mut self, who: &str, prompts: &[content::Prompt]) -> Vec<journal::CheckInReply> {
        let known = self.story.check_ins.replies.get(who);
        let reply = |prompt: &content::Prompt| {
            let text = known?.get(&prompt.prompt_id)?.clone();
            Some(journal::CheckInReply { prompt_id: prompt.prompt_id.clone(), text })
        };
        let all: Vec<_> = prompts.iter().filter_map(reply).collect();
        let first = all.first().cloned();
        let mut fresh: Vec<_> = all
            .into_iter()
            .filter(|reply| self.replied.insert((who.to_owned(), reply.prompt_id.clone())))
            .collect();
        if fresh.is_empty() {
            fresh.extend(first);
        }
        fresh
    }

    /// A day before a check-in both are told.
    async fn ahead(&self, time: Timestamp) -> Result<(), BoxError> {
        let next = self.schedule("the next check-in", |schedule| is(schedule.next_open_time, time)).await?;
        self.are_told(reminders::ScheduleKind::CheckInAhead, &next.next_check_in_id).await
    }

    async fn are_told(&self, kind: reminders::ScheduleKind, subject_id: &str) -> Result<(), BoxError> {
        for member in self.people.values() {
            until("a notice in the inbox", async || {
                let items = self.inbox_of(member).await?;
                let is_there = items.iter().any(|item| item.kind() == kind && item.subject_id == subject_id);
                Ok(is_there.then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// The time of a check-in: the schedule goes on to the next, both are told, the check-in is decided, and both look
    /// into their inboxes.
    async fn open(&self, time: Timestamp) -> Result<(), BoxError> {
        let past = self.schedule("a check-in's time", |schedule| is(schedule.last_open_time, time)).await?;
        self.are_told(reminders::ScheduleKind::CheckIn, &past.last_check_in_id).await?;
        for member in self.people.values() {
            until("the check-in", async || {
                let request = journal::GetCheckInRequest {
                    check_in_id: past.last_check_in_id.clone(),
                    owner_account_id: String::new(),
                };
                let seen = self.api.check_ins().get_check_in(member.signed(request).await?).await;
                // Whoever did not answer need not have any part of it.
                let Ok(seen) = seen else { return Ok(Some(())) };
                let state = seen.into_inner().check_in.unwrap_or_default().state();
                Ok((state != journal::CheckInState::Gathering).then_some(()))
            })
            .await?;
            self.look_into_the_inbox(member).await?;
        }
        Ok(())
    }

    async fn inbox_of(&self, member: &Member<'_>) -> Result<Vec<reminders::InboxItem>, Status> {
        let request = reminders::ListInboxItemsRequest { page_size: 100, ..Default::default() };
        let page = self.api.inbox().list_inbox_items(member.signed(request).await?).await?;
        Ok(page.into_inner().items)
    }

    async fn look_into_the_inbox(&self, member: &Member<'_>) -> Result<(), BoxError> {
        for item in self.inbox_of(member).await?.into_iter().filter(|item| !item.read) {
            let request = reminders::MarkInboxItemReadRequest { inbox_item_id: item.inbox_item_id };
            self.api.inbox().mark_inbox_item_read(member.signed(request).await?).await?;
        }
        Ok(())
    }
}

/// Whether a time of the wire is this one.
fn is(wire: Option<prost_types::Timestamp>, time: Timestamp) -> bool {
    wire.is_some_and(|wire| wire.seconds == time.as_second())
}
