//! Turns of networks: so many at once, then one each interval; kept in bounded memory, and of those alone who came lately.

use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often something may happen for one network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How often at once.
    pub(super) burst: i32,
    /// One more after each of these.
    pub(super) interval: SignedDuration,
}

impl Pace {
    /// How far ahead of the clock the next free turn may lie while a turn is still granted.
    fn tolerance(self) -> SignedDuration {
        self.interval * (self.burst - 1)
    }

    /// How long after its last turn a network has all of them again, so that nothing has to be known of it.
    fn horizon(self) -> SignedDuration {
        self.interval * self.burst
    }
}

/// The turns of every network (GCRA).
pub(super) struct Turns {
    pace: Pace,
    room: usize,
    known: Mutex<Known>,
}

/// When the next turn of each network is free. What was not asked for since `since` is in `older`, and forgotten when `newer`
/// takes its place: after the horizon, when nothing is lost with it, or before when there are too many.
struct Known {
    newer: HashMap<IpAddr, Timestamp>,
    older: HashMap<IpAddr, Timestamp>,
    since: Timestamp,
}

impl Turns {
    /// At a pace, of at most so many networks. Where there are more, those are forgotten that were quiet for longest: whoever
    /// has that many networks is held up by no limit of one.
    pub(super) fn new(pace: Pace, room: usize) -> Self {
        let (newer, older, since) = (HashMap::new(), HashMap::new(), Timestamp::UNIX_EPOCH);
        Self { pace, room, known: Mutex::new(Known { newer, older, since }) }
    }

    /// Takes a turn.
    ///
    /// # Errors
    /// How long to wait. Being refused counts for nothing, so the wait never grows.
    pub(super) fn take(&self, network: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.make_room(now, self.pace.horizon(), self.room / 2);
        let earlier = known.older.remove(&network);
        let due = known.newer.get(&network).copied().or(earlier).unwrap_or(now);
        // No clock that was set back makes anybody wait for longer than a clock that goes.
        let due = due.clamp(now, now + self.pace.horizon());
        let wait = due.duration_since(now) - self.pace.tolerance();
        let granted = !wait.is_positive();
        known.newer.insert(network, if granted { due + self.pace.interval } else { due });
        if granted { Ok(()) } else { Err(wait.unsigned_abs()) }
    }

    /// How many networks are known.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let known = self.known.lock().unwrap();
        known.newer.len() + known.older.len()
    }
}

impl Known {
    fn make_room(&mut self, now: Timestamp, horizon: SignedDuration, most: usize) {
        let age = now.duration_since(self.since);
        if self.newer.len() >= most || age >= horizon || age.is_negative() {
            self.older = std::mem::take(&mut self.newer);
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const PACE: Pace = Pace { burst: 3, interval: SignedDuration::from_secs(10) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn ip(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    /// How many of a hundred attempts at once have a turn.
    fn granted(turns: &Turns, network: IpAddr, now: Timestamp) -> usize {
        (0..100).filter(|_| turns.take(network, now).is_ok()).count()
    }

    #[test]
    fn there_are_so_many_turns_at_once_and_then_one_each_interval() {
        let turns = Turns::new(PACE, 100);
        assert_eq!(granted(&turns, ip(1), at(0)), 3);
        assert_eq!(granted(&turns, ip(2), at(0)), 3, "others have their own");
        assert_eq!(turns.take(ip(1), at(0)), Err(Duration::from_secs(10)));
        assert_eq!(turns.take(ip(1), at(4)), Err(Duration::from_secs(6)), "a refusal adds nothing");
        assert_eq!(granted(&turns, ip(1), at(10)), 1);
        assert_eq!(granted(&turns, ip(1), at(29)), 1);
        assert_eq!(granted(&turns, ip(1), at(30)), 1);
        assert_eq!(granted(&turns, ip(1), at(60)), 3, "all of them again, and no more");
    }

    #[test]
    fn what_is_known_is_bounded_and_forgotten_when_it_is_quiet() {
        let turns = Turns::new(PACE, 100);
        for number in 0..10_000 {
            turns.take(ip(number), at(0)).unwrap();
            assert!(turns.len() <= 100);
        }
        // Whoever goes on is known through all that.
        assert_eq!(granted(&turns, ip(7), at(0)), 3);
        for number in 20_000..30_000 {
            turns.take(ip(number), at(1)).unwrap();
            turns.take(ip(7), at(1)).unwrap_err();
        }
        turns.take(ip(8), at(31)).unwrap();
        turns.take(ip(8), at(61)).unwrap();
        assert_eq!(turns.len(), 1);
    }

    #[test]
    fn nothing_is_forgotten_that_would_give_a_turn_back_too_soon() {
        let turns = Turns::new(PACE, 100);
        turns.take(ip(2), at(0)).unwrap();
        assert_eq!(granted(&turns, ip(1), at(29)), 3);
        for second in 30..39 {
            turns.take(ip(1), at(second)).unwrap_err();
        }
        turns.take(ip(1), at(39)).unwrap();
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_out_for_long() {
        let turns = Turns::new(PACE, 100);
        assert_eq!(granted(&turns, ip(1), at(86_400)), 3);
        assert_eq!(turns.take(ip(1), at(0)), Err(Duration::from_secs(10)));
        turns.take(ip(1), at(10)).unwrap();
    }
}
