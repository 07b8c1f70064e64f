//! A thousand pairs around the opening moment: two replicas whose clocks differ, two people who write and read, the
//! event, the jobs, and links that end, all at once. Never is anything one-sided.

use super::{
    GATHERING, NOT_THIS_TIME, OPEN, Two, answer, due, get, link, opening, state, take_back, texts, told, two,
    words,
};
use crate::stage::{self, Stage, reason};
use bus::{Envelope, Outbox};
use candor_proto::accounts::v1::CoupleUnlinked;
use candor_proto::journal::v1::{CheckIn, CheckInRevealed};
use candor_proto::reminders::v1::CheckInScheduleEnded;
use chassis::{Clock, Ids, database};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use journal::config::BatchConfig;
use journal::domain::{OpenTime, check_in_id};
use journal::rpc::Journal;
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

/// Pairs that race, and how many of them at the same moment.
const PAIRS: usize = 1000;
const AT_ONCE: usize = 50;
/// What each person does one after the other.
const DEEDS: usize = 6;

/// One replica of the journal: connections, a clock and ids of its own.
struct Replica {
    journal: Journal,
    pool: PgPool,
    clock: Clock,
    ids: Ids,
}

impl Replica {
    async fn start(stage: &Stage) -> Self {
        let clock = Clock::manual(stage.clock.now());
        let ids = Ids::new(clock.clone());
        let pool = database::connect(&stage.config.database).await.unwrap();
        let journal = stage::start(&pool, &stage.vault, &clock, &ids, BatchConfig::default());
        Self { journal, pool, clock, ids }
    }

    async fn tick(&self) {
        let (stop, outbox) = (CancellationToken::new(), Outbox::new());
        let Self { pool, clock, ids, .. } = self;
        journal::jobs::decide_check_ins_once(pool, &outbox, clock, ids, &stop).await.unwrap();
    }
}

/// Pairs whose check-ins open at the same moment.
struct Race {
    replicas: Arc<[Replica; 2]>,
    open_time: Timestamp,
    deeds: AtomicUsize,
    come: watch::Sender<bool>,
}

/// Two linked people.
#[derive(Clone, Copy)]
struct Pair {
    number: usize,
    couple_id: Uuid,
    people: [Uuid; 2],
    schedule_id: Uuid,
}

/// What became of one person's doings.
#[derive(Default)]
struct Person {
    /// The words that were saved last and not taken back.
    standing: Option<String>,
    /// What was open when they looked: their words and the partner's.
    open: Vec<(String, String)>,
    /// Whether something came too late.
    late: bool,
}

/// Numbers that look random and are the same in every run (Vigna's SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }
}

impl Pair {
    /// Whether their link ends while they race.
    fn is_unlinked(&self) -> bool {
        self.number % 10 == 9
    }

    /// When their link ends, or their schedule, as far as the check-in is concerned a little too late or in time.
    fn ended_at(&self, race: &Race) -> Option<Timestamp> {
        match self.number % 20 {
            4 | 9 => Some(race.open_time - SignedDuration::from_millis(1)),
            14 | 19 => Some(race.open_time + SignedDuration::from_millis(8)),
            _ => None,
        }
    }

    /// Whether the check-in cannot stay open, whoever decided it when.
    fn is_called_off(&self) -> bool {
        matches!(self.number % 20, 4 | 9)
    }

    fn check_in_id(&self, race: &Race) -> Uuid {
        check_in_id(self.schedule_id, OpenTime::kept(race.open_time).unwrap())
    }

    /// A read with the partner's opening, or one's own part alone.
    async fn look(&self, race: &Race, side: usize, replica: usize, both: bool) -> Result<CheckIn, Status> {
        let (who, partner, id) = (self.people[side], self.people[1 - side], self.check_in_id(race));
        let capability = opening(who, partner, self.couple_id, id, race.open_time + 1.hour());
        get(&race.replicas[replica].journal, who, id, both.then_some(capability)).await
    }
}

impl Race {
    /// One deed more; around the middle of them the moment comes, for one replica a little before the other.
    fn count(&self) {
        let done = self.deeds.fetch_add(1, Ordering::Relaxed) + 1;
        let middle = AT_ONCE * DEEDS * 2 / 2;
        let first = self.open_time.as_second() as usize / 60 % 2;
        if done == middle {
            self.replicas[first].clock.set(self.open_time);
            self.come.send_replace(true);
        }
        if done == middle + AT_ONCE * 2 {
            self.replicas[1 - first].clock.set(self.open_time + SignedDuration::from_millis(5));
        }
    }

    async fn wait(&self) {
        self.come.subscribe().wait_for(|come| *come).await.unwrap();
    }
}

/// One person: answers, answers anew, takes back and looks, on whichever replica.
async fn person(race: Arc<Race>, pair: Pair, side: usize) -> Person {
    let (who, id) = (pair.people[side], pair.check_in_id(&race));
    let mut dice = Dice((pair.number * 2 + side) as u64);
    let mut person = Person::default();
    for deed in 0..DEEDS {
        let replica = dice.roll(2);
        let journal = &race.replicas[replica].journal;
        match dice.roll(8) {
            0..=3 => {
                let text = format!("{side} of {} for the {deed}th time", pair.number);
                let saved = answer(journal, who, words(pair.schedule_id, race.open_time, &text)).await;
                if person.is_in_time(saved.as_ref().map(drop)) {
                    assert!(state(&saved.unwrap()) == GATHERING);
                    person.standing = Some(text);
                }
            }
            4 => {
                let taken = take_back(journal, who, id).await;
                if person.is_in_time(taken.as_ref().map(drop)) {
                    person.standing = None;
                }
            }
            look => person.note(pair.look(&race, side, replica, look > 5).await, look > 5),
        }
        race.count();
    }
    person
}

impl Person {
    /// Whether a change was made; if not, there is one good reason, or the link ended meanwhile.
    fn is_in_time(&mut self, done: Result<(), &Status>) -> bool {
        if let Err(status) = done {
            assert!(["CHECK_IN_OVER", "NOT_LINKED"].contains(&reason(status).as_str()), "{status:?}");
            self.late = true;
        }
        done.is_ok()
    }

    fn note(&mut self, seen: Result<CheckIn, Status>, both: bool) {
        let seen = match seen {
            Ok(seen) => seen,
            Err(status) => return assert_eq!(reason(&status), "CHECK_IN_NOT_FOUND"),
        };
        let (own, partner) = (texts(&seen.own_replies), texts(&seen.partner_replies));
        assert_eq!(own.first().copied(), self.standing.as_deref(), "one's own words, and no others");
        if state(&seen) == OPEN && both {
            self.open.push((own[0].to_owned(), partner[0].to_owned()));
        } else {
            assert!(partner.is_empty());
        }
    }
}

/// What else happens when the moment comes.
async fn the_world(race: Arc<Race>, pair: Pair) {
    race.wait().await;
    let replica = &race.replicas[pair.number % 2];
    if !pair.number.is_multiple_of(3) {
        let Replica { pool, ids, clock, .. } = replica;
        due(pool, ids, clock, pair.couple_id, pair.schedule_id, race.open_time).await;
    }
    if let Some(ended_at) = pair.ended_at(&race) {
        end(replica, pair, ended_at).await;
    }
    replica.tick().await;
}

/// The link or the schedule ends, as the others tell it.
async fn end(replica: &Replica, pair: Pair, ended_at: Timestamp) {
    let [first, second] = [pair.people[0].min(pair.people[1]), pair.people[0].max(pair.people[1])];
    let time = Some(journal::events::to_proto(ended_at));
    let unlinked = CoupleUnlinked {
        couple_id: pair.couple_id.to_string(),
        first_account_id: first.to_string(),
        second_account_id: second.to_string(),
        unlink_time: time,
    };
    let ended = CheckInScheduleEnded {
        schedule_id: pair.schedule_id.to_string(),
        couple_id: pair.couple_id.to_string(),
        end_time: time,
    };
    let Replica { pool, clock, ids, .. } = replica;
    let event = if pair.is_unlinked() {
        Envelope::new(ids.next(), clock.now(), pair.couple_id, 2, &unlinked)
    } else {
        Envelope::new(ids.next(), clock.now(), pair.schedule_id, 2, &ended)
    };
    let inbox = journal::events::inbox(pool.clone(), clock.clone(), ids.clone(), Outbox::new());
    inbox.handle(&[event]).await.unwrap();
}

/// Lets pairs race, and returns what became of each person's doings.
async fn run(race: &Arc<Race>, pairs: &[Pair]) -> Vec<[Person; 2]> {
    let worlds: Vec<_> = pairs.iter().map(|pair| tokio::spawn(the_world(race.clone(), *pair))).collect();
    let people = pairs.iter().flat_map(|pair| [0, 1].map(|side| (*pair, side)));
    let people: Vec<_> = people.map(|(pair, side)| tokio::spawn(person(race.clone(), pair, side))).collect();
    let mut people = join_all(people).await.into_iter().map(Result::unwrap);
    for replica in race.replicas.iter() {
        replica.clock.set(race.open_time + SignedDuration::from_millis(10));
    }
    join_all(worlds).await.into_iter().for_each(Result::unwrap);
    pairs.iter().map(|_| [people.next().unwrap(), people.next().unwrap()]).collect()
}

/// Whether a pair's check-in opened; and if anything of it is one-sided, fails.
async fn judge(race: &Race, pair: Pair, people: &[Person; 2], revealed: usize) -> bool {
    let is_unlinked = pair.is_unlinked();
    let both_in = people.iter().all(|person| person.standing.is_some());
    let mut states = Vec::new();
    for (side, person) in people.iter().enumerate() {
        let seen = pair.look(race, side, side, !is_unlinked).await;
        let Ok(seen) = seen else {
            assert!(person.standing.is_none(), "one's own answer is there: {}", pair.number);
            states.push(NOT_THIS_TIME); // there is nothing to see, and never will be more
            continue;
        };
        assert_eq!(texts(&seen.own_replies).first().copied(), person.standing.as_deref());
        let partner = texts(&seen.partner_replies).first().map(|text| (*text).to_owned());
        let shown =
            (state(&seen) == OPEN && !is_unlinked).then(|| people[1 - side].standing.clone().unwrap());
        assert_eq!(partner, shown, "what was saved last before it was decided: {}", pair.number);
        states.push(state(&seen));
    }
    assert_eq!(states[0], states[1], "one-sided: {}", pair.number);
    let is_open = states[0] == OPEN;
    assert!(is_open || states[0] == NOT_THIS_TIME);
    if pair.is_called_off() {
        assert!(!is_open && revealed <= 1, "it may have opened before the end was heard: {}", pair.number);
        return false;
    }
    assert!(is_open == both_in || (is_unlinked && !is_open), "{}: {both_in}", pair.number);
    assert_eq!(revealed, usize::from(is_open), "told once if it opened: {}", pair.number);
    for (side, person) in people.iter().enumerate() {
        let words = |side: usize| people[side].standing.clone().unwrap_or_default();
        let known = (words(side), words(1 - side));
        assert!(person.open.iter().all(|open| is_open && *open == known), "{}", pair.number);
    }
    is_open
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_racing_pairs_none_is_one_sided() {
    let Two { stage, .. } = two().await;
    let replicas = Arc::new([Replica::start(&stage).await, Replica::start(&stage).await]);
    let (mut opened, mut late, mut seen_open) = (0, 0, 0);
    for batch in 0..PAIRS / AT_ONCE {
        let open_time = stage.clock.now().checked_add((batch as i64 + 1).minutes()).unwrap();
        replicas[0].clock.set(open_time - SignedDuration::from_millis(1000));
        replicas[1].clock.set(open_time - SignedDuration::from_millis(1005));
        let race = Arc::new(Race {
            replicas: replicas.clone(),
            open_time,
            deeds: AtomicUsize::new(0),
            come: watch::channel(false).0,
        });
        let numbers = batch * AT_ONCE..(batch + 1) * AT_ONCE;
        let pairs = join_all(numbers.map(|number| pair(&stage, number))).await;
        let people = run(&race, &pairs).await;

        let mut revealed: HashMap<String, usize> = HashMap::new();
        for event in told::<CheckInRevealed>(&stage.pool).await {
            *revealed.entry(event.check_in_id).or_default() += 1;
        }
        for (pair, people) in pairs.iter().zip(&people) {
            let times = revealed.get(&pair.check_in_id(&race).to_string()).copied().unwrap_or_default();
            opened += usize::from(judge(&race, *pair, people, times).await);
            late += people.iter().filter(|person| person.late).count();
            seen_open += people.iter().filter(|person| !person.open.is_empty()).count();
        }
    }
    // It was a race: many won, many lost, and many met the moment half-way.
    assert!(opened > PAIRS / 10 && opened < PAIRS * 9 / 10, "{opened} opened");
    assert!(late > PAIRS / 10 && seen_open > PAIRS / 20, "{late} came late, {seen_open} saw it open");
}

async fn pair(stage: &Stage, number: usize) -> Pair {
    let people = [stage.member(), stage.member()];
    let couple_id = link(stage, people[0], people[1]).await;
    Pair { number, couple_id, people, schedule_id: stage.ids.next() }
}
