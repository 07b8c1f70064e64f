//! Signing in, beside Argon2id alone; and what a crowd at the door does to those who write.

use crate::durable::Watch;
use crate::entries::{Writers, expect};
use crate::ground::{Candor, Ground};
use crate::load::{self, Channels, Measure, closed, paced};
use crate::people::People;
use crate::rounds::{P99, RATE, side, take};
use crate::table::{Goal, Row};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use candor_proto::accounts::v1::identity_service_client::IdentityServiceClient;
use candor_proto::accounts::v1::session_service_client::SessionServiceClient;
use candor_proto::accounts::v1::{RegisterRequest, SignInRequest, VerifyEmailRequest};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Those who sign in, in turn.
const MEMBERS: usize = 64;
/// Sign-ins at once.
const AT_ONCE: usize = 8;
/// Entries a second meanwhile.
const PACE: u32 = 200;
const PASSWORD: &str = "a long sentence nobody guesses";

const SIGN_INS: &str = "sign-ins, 8 in flight";
const ARGON2: &str = "Argon2id on one core";
const QUIET: &str = "write entry at 200/s, quiet";
const BURST: &str = "write entry at 200/s, while 32 sign in at once";

/// Measures the section.
pub(crate) async fn measure(ground: &Ground) -> Vec<Row> {
    let mut candor = ground.candor("sign_ins").await;
    candor.without(&["reminders", "content"]).await;
    let desk = Desk::open(&candor).await;
    let time = ground.arguments.turn;
    let rounds = take(
        ground,
        vec![
            side(SIGN_INS, || desk.sign_ins(&candor, time)),
            side(ARGON2, || argon2(time)),
            side(QUIET, || desk.write(&candor, time)),
            side(BURST, || desk.write_in_a_crowd(&candor, time)),
        ],
    )
    .await;
    desk.writers.check(&candor).await;
    candor.stop().await;
    let row = |figure: &str, ours, other, of, unit, goal| Row {
        figure: figure.to_owned(),
        ours: rounds.median(ours, of),
        beside: other,
        denominator: Some(rounds.median(other, of)),
        ratio: Some(rounds.ratio(ours, other, of)),
        unit,
        goal,
    };
    vec![
        row(SIGN_INS, SIGN_INS, ARGON2, RATE, "/s", Goal::AtLeast(0.9)),
        row("write entry at 200/s while 32 sign in at once, p99", BURST, QUIET, P99, "ms", Goal::AtMost(2.0)),
    ]
}

/// Argon2id with the cost of ours, one after the other, for a time.
async fn argon2(time: Duration) -> Measure {
    let hashing = tokio::task::spawn_blocking(move || {
        let params = Params::new(19_456, 2, 1, None).unwrap();
        let mut memory = vec![Block::new(); params.block_count()];
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let (mut output, mut latencies) = ([0; 32], Vec::new());
        let end = Instant::now() + time;
        while Instant::now() < end {
            let began = Instant::now();
            let salt = [7; 16];
            hasher
                .hash_password_into_with_memory(PASSWORD.as_bytes(), &salt, &mut output, &mut memory)
                .unwrap();
            latencies.push(u32::try_from(began.elapsed().as_micros()).unwrap());
        }
        Measure::of(latencies, time)
    });
    hashing.await.unwrap()
}

struct Desk {
    people: People,
    writers: Writers,
    journal: Channels,
    accounts: Channels,
    kept: Cell<u64>,
    sessions: Cell<u64>,
}

impl Desk {
    async fn open(candor: &Candor) -> Self {
        let accounts = Channels::connect(&format!("http://{}", candor.five.address("accounts")), 2).await;
        register_all(candor, &accounts).await;
        let people = People::enrol(candor, 64).await;
        let journal = Channels::connect(&format!("http://{}", candor.five.address("journal")), 4).await;
        let sessions = Cell::new(candor.count("accounts", "session").await);
        Self { writers: Writers::new(&people), people, journal, accounts, kept: Cell::new(0), sessions }
    }

    /// A turn of sign-ins; each has made a session.
    async fn sign_ins(&self, candor: &Candor, time: Duration) -> Measure {
        let accounts = self.accounts.clone();
        rest(candor).await;
        let outcome = closed(AT_ONCE, time, move |lane, call| one_of(accounts.clone(), lane, call)).await;
        self.begun(candor, outcome.answered).await;
        outcome.measure
    }

    async fn begun(&self, candor: &Candor, answered: u64) {
        let sessions = candor.count("accounts", "session").await;
        assert_eq!(sessions - self.sessions.get(), answered, "every sign-in made a session");
        self.sessions.set(sessions);
    }

    /// A turn of writing at a pace.
    async fn write(&self, candor: &Candor, time: Duration) -> Measure {
        self.people.renew(candor).await;
        let watch = Watch::begin(candor.pool("journal")).await;
        let (writers, people, channels) = (self.writers.clone(), self.people.clone(), self.journal.clone());
        let outcome = paced(PACE, time, move |_, call| {
            let lane = usize::try_from(call).unwrap_or_default();
            let (writers, wire, member) = (writers.clone(), channels.wire(lane), people.pick(0, call));
            async move { writers.write(wire, member, call).await }
        });
        let outcome = outcome.await;
        watch.carried(outcome.answered).await;
        self.kept.set(expect(candor, self.kept.get(), outcome.answered).await);
        candor.settle(&[]).await;
        outcome.measure
    }

    /// The same while a crowd signs in.
    async fn write_in_a_crowd(&self, candor: &Candor, time: Duration) -> Measure {
        rest(candor).await;
        let (over, accounts) = (Arc::new(AtomicBool::new(false)), self.accounts.clone());
        let crowd: Vec<_> = (0..32)
            .map(|lane| {
                let (over, accounts) = (over.clone(), accounts.clone());
                tokio::spawn(async move {
                    let mut signed_in = 0;
                    while !over.load(Ordering::Relaxed) {
                        one_of(accounts.clone(), lane, signed_in).await.expect("a sign-in");
                        signed_in += 1;
                    }
                    signed_in
                })
            })
            .collect();
        let measure = self.write(candor, time).await;
        over.store(true, Ordering::Relaxed);
        let mut signed_in = 0;
        for lane in crowd {
            signed_in += lane.await.unwrap();
        }
        self.begun(candor, signed_in).await;
        measure
    }
}

/// Registers everybody who signs in.
pub(crate) async fn register_all(candor: &Candor, accounts: &Channels) {
    for number in 0..MEMBERS {
        register(candor, accounts, &address(number)).await;
    }
}

/// Signs somebody in; another one in each call of a lane, so that nobody's turns run out.
pub(crate) async fn one_of(accounts: Channels, lane: usize, call: u64) -> Result<(), String> {
    let turn = usize::try_from(call).unwrap_or_default();
    sign_in(accounts, lane, (lane + 32 * turn + turn) % MEMBERS).await
}

/// Gives everybody their turns back: what is measured is what a sign-in costs, not how often one may.
pub(crate) async fn rest(candor: &Candor) {
    sqlx::query("DELETE FROM throttle").execute(candor.pool("accounts")).await.unwrap();
}

async fn sign_in(accounts: Channels, lane: usize, member: usize) -> Result<(), String> {
    let message = SignInRequest {
        email: address(member),
        password: PASSWORD.to_owned(),
        device_label: "a laptop".to_owned(),
        ..SignInRequest::default()
    };
    let answer = SessionServiceClient::new(accounts.of(lane)).sign_in(message).await;
    let answer = answer.map_err(|status| load::failure(&status))?.into_inner();
    if answer.session_secret.starts_with("cs_") { Ok(()) } else { Err("no secret".to_owned()) }
}

fn address(number: usize) -> String {
    format!("member-{number}@example.org")
}

async fn register(candor: &Candor, accounts: &Channels, email: &str) {
    let mut client = IdentityServiceClient::new(accounts.of(0));
    let request = RegisterRequest {
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        adult: true,
        terms_version: 1,
        privacy_version: 1,
        ..RegisterRequest::default()
    };
    client.register(request).await.unwrap();
    let token = candor.five.mailed_token(email).await;
    let proof = VerifyEmailRequest { token, password: PASSWORD.to_owned() };
    client.verify_email(proof).await.unwrap();
}
