//! What is taken back is taken back, measured: a reader who does nothing but read, with the freshest capability there
//! can be, on every replica at once. A read that starts more than a second after the revoking call returned never
//! succeeds while the bus is up; more than ten seconds after, never, whatever is broken.
//!
//! These run on the machine's clock.

mod care;
mod couple;
mod own;
mod place;
mod readable;
mod readers;

use care::InCare;
use couple::Couple;
use place::{Place, Trouble};
use readable::Readable;
use readers::Readers;
use std::time::Duration;
use tokio::time::Instant;

/// While the bus is up.
const SOON: Duration = Duration::from_secs(1);
/// Whatever is broken: the life of a capability.
const AT_WORST: Duration = Duration::from_secs(10);
/// How much longer than the bound the reader goes on trying.
const BEYOND: Duration = Duration::from_secs(2);

/// How something is taken back.
#[derive(Debug, Clone, Copy)]
enum Revocation {
    /// The owner takes the share back.
    Withdraw,
    /// The owner ends the link.
    Unlink,
    /// The reader's session ends.
    EndSession,
}

impl Revocation {
    async fn happen(self, couple: &Couple) {
        match self {
            Self::Withdraw => couple.withdraw().await,
            Self::Unlink => couple.unlink().await,
            Self::EndSession => couple.end_the_readers_session().await,
        }
    }
}

/// Somebody reads all the time; it is taken back in the midst of trouble; they go on trying until well beyond the
/// bound, and while the trouble ends.
async fn measure(couple: &mut Couple, revocation: Revocation, trouble: Trouble) {
    let bound = if trouble == Trouble::None { SOON } else { AT_WORST };
    couple.prepare().await;
    let readers = Readers::start(&couple.place, &couple.readable()).await;
    couple.place.begin(trouble).await;
    revocation.happen(couple).await;
    let returned = Instant::now();
    couple.place.follow(trouble);
    readers.try_until(returned + bound + BEYOND, trouble.paused()).await;
    couple.place.end(trouble).await;
    readers.try_until(Instant::now() + BEYOND, None).await;
    hold_to(bound, &format!("{revocation:?}, {trouble:?}"), readers, returned).await;
}

/// Says when the last read succeeded at each replica, and holds it to the bound.
#[allow(clippy::print_stdout)] // the numbers are what whoever runs this wants to see
async fn hold_to(bound: Duration, what: &str, readers: Readers, returned: Instant) {
    for (replica, read) in readers.finish(returned).await {
        let (lag, tries) = (read.worst_lag, read.tries_after);
        println!("{what}, {replica}: worst lag {lag:?}; {tries} tries after it returned");
        assert!(lag <= bound, "{what}, {replica}: a read {lag:?} later succeeded");
    }
}

/// How what was opened by consent is taken back.
#[derive(Debug, Clone, Copy)]
enum Consent {
    /// The owner takes it back from the counselor.
    Revoke,
    /// The owner ends the care.
    EndCare,
    /// The owner takes it back from software.
    RevokeFromSoftware,
}

impl Consent {
    const ALL: [Self; 3] = [Self::Revoke, Self::RevokeFromSoftware, Self::EndCare];

    /// Who reads what it takes back.
    fn of([counselors, softwares]: &[Readable; 2], how: Self) -> &Readable {
        if matches!(how, Self::RevokeFromSoftware) { softwares } else { counselors }
    }

    async fn happen(self, care: &mut InCare) {
        match self {
            Self::Revoke => care.take_back().await,
            Self::EndCare => care.end().await,
            Self::RevokeFromSoftware => care.take_back_from_software().await,
        }
    }
}

/// As [`measure`], of what a counselor or software reads.
async fn measure_consent(care: &mut InCare, how: Consent, trouble: Trouble) {
    let bound = if trouble == Trouble::None { SOON } else { AT_WORST };
    let open = care.prepare().await;
    let readers = Readers::start(&care.place, Consent::of(&open, how)).await;
    care.place.begin(trouble).await;
    how.happen(care).await;
    let returned = Instant::now();
    care.place.follow(trouble);
    readers.try_until(returned + bound + BEYOND, trouble.paused()).await;
    care.place.end(trouble).await;
    readers.try_until(Instant::now() + BEYOND, None).await;
    hold_to(bound, &format!("{how:?}, {trouble:?}"), readers, returned).await;
}

async fn measure_consents(place: Place, troubles: &[Trouble]) {
    let mut care = InCare::join(place).await;
    for trouble in troubles {
        for how in Consent::ALL {
            measure_consent(&mut care, how, *trouble).await;
        }
    }
    care.place.stop().await;
}

async fn measure_all(place: Place, cases: &[(Revocation, Trouble)]) {
    let mut couple = Couple::join(place).await;
    for (revocation, trouble) in cases {
        measure(&mut couple, *revocation, *trouble).await;
    }
    couple.place.stop().await;
}

const WHILE_ALL_IS_UP: [(Revocation, Trouble); 3] = [
    (Revocation::Withdraw, Trouble::None),
    (Revocation::EndSession, Trouble::None),
    (Revocation::Unlink, Trouble::None),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_back_is_gone_within_a_second_in_one_process() {
    measure_all(Place::one_process().await, &WHILE_ALL_IS_UP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_back_is_gone_within_a_second_on_both_replicas() {
    measure_all(Place::five_processes().await, &WHILE_ALL_IS_UP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: capabilities live for ten seconds, and a broker freezes, stops and starts"]
async fn what_is_taken_back_is_gone_within_ten_seconds_without_a_bus() {
    let cases = [
        (Revocation::Withdraw, Trouble::BrokerFrozen),
        (Revocation::EndSession, Trouble::BrokerFrozen),
        (Revocation::Unlink, Trouble::BrokerFrozen),
        (Revocation::EndSession, Trouble::BrokerDown),
        (Revocation::Unlink, Trouble::BrokerDown),
    ];
    measure_all(Place::five_processes_with_a_broker().await, &cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: capabilities live for ten seconds, and what a killed relay was busy with is free after its lease"]
async fn what_is_taken_back_is_gone_within_ten_seconds_without_accounts() {
    let cases = [
        (Revocation::Unlink, Trouble::AccountsFrozen),
        (Revocation::EndSession, Trouble::AccountsFrozen),
        (Revocation::Unlink, Trouble::AccountsDown),
        (Revocation::EndSession, Trouble::AccountsDown),
    ];
    measure_all(Place::five_processes().await, &cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: capabilities live for ten seconds"]
async fn what_is_taken_back_is_gone_within_ten_seconds_while_a_replica_holds_the_news() {
    // Which of the two replicas is handed which event is the broker's choice, so it is tried more than once.
    let cases = [
        (Revocation::Unlink, Trouble::ReplicaPaused),
        (Revocation::Unlink, Trouble::ReplicaPaused),
        (Revocation::EndSession, Trouble::ReplicaPaused),
        (Revocation::EndSession, Trouble::ReplicaPaused),
        (Revocation::Withdraw, Trouble::ReplicaPaused),
    ];
    measure_all(Place::five_processes().await, &cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_opened_by_consent_is_closed_within_a_second_in_one_process() {
    measure_consents(Place::one_process().await, &[Trouble::None]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_opened_by_consent_is_closed_within_a_second_on_both_replicas() {
    measure_consents(Place::five_processes().await, &[Trouble::None]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: capabilities live for ten seconds, and a broker freezes, stops and starts"]
async fn what_was_opened_by_consent_is_closed_within_ten_seconds_without_a_bus() {
    let troubles = [Trouble::BrokerFrozen, Trouble::BrokerDown];
    measure_consents(Place::five_processes_with_a_broker().await, &troubles).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: capabilities live for ten seconds, and what a killed relay was busy with is free after its lease"]
async fn what_was_opened_by_consent_is_closed_within_ten_seconds_without_accounts() {
    measure_consents(Place::five_processes().await, &[Trouble::AccountsFrozen, Trouble::AccountsDown]).await;
}
