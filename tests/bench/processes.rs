//! What each process takes of a machine: with nothing to do, and while people write and sign in. What manifests ask for rests on
//! these figures.

use crate::entries::{Writers, expect};
use crate::ground::{Candor, Ground};
use crate::http::Http;
use crate::load::{Channels, closed, paced};
use crate::memory::Status;
use crate::people::People;
use crate::sign_ins;
use crate::table::{Goal, Row};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The processes, in the way of a request.
const PROGRAMS: [&str; 5] = ["gateway", "accounts", "journal", "reminders", "content"];
/// How long they have nothing to do before they are looked at.
const IDLE: Duration = Duration::from_secs(8);
/// Entries a second, over REST.
const PACE: u32 = 200;
/// Sign-ins at once meanwhile.
const AT_ONCE: usize = 4;
/// Linux counts the processor's time in hundredths of a second in `/proc`, whatever its own clock does.
const TICKS: f64 = 100.0;

/// Measures the section.
pub(crate) async fn measure(ground: &Ground) -> Vec<Row> {
    let candor = ground.candor("processes").await;
    let people = People::enrol(&candor, 64).await;
    let accounts = Channels::connect(&format!("http://{}", candor.five.address("accounts")), 2).await;
    sign_ins::register_all(&candor, &accounts).await;
    candor.settle(&[]).await;
    let idle = watched(&candor, async { sleep_until(Instant::now() + IDLE).await }).await;
    let http = Http::new(format!("http://{}", candor.five.address("gateway")));
    let (writers, time) = (Writers::new(&people), ground.arguments.turn);
    sign_ins::rest(&candor).await;
    let busy = watched(&candor, async {
        let poster = writers.clone();
        let writing = paced(PACE, time, move |_, call| {
            let (writers, http, member) = (poster.clone(), http.clone(), people.pick(0, call));
            async move { writers.post(&http, member, call).await }
        });
        let signing = closed(AT_ONCE, time, move |lane, call| sign_ins::one_of(accounts.clone(), lane, call));
        tokio::join!(writing, signing).0.answered
    });
    let (busy, answered) = busy.await;
    expect(&candor, 0, answered).await;
    candor.settle(&["reminders", "content"]).await;
    writers.check(&candor).await;
    candor.stop().await;
    let mut rows = Vec::new();
    for (program, (idle, busy)) in PROGRAMS.iter().zip(idle.0.iter().zip(&busy)) {
        let row = |figure: &str, ours: f64, idle: f64, unit| Row {
            figure: format!("{program}: {figure}, {PACE} entries/s over REST and {AT_ONCE} signing in"),
            ours,
            beside: "nothing to do",
            denominator: Some(idle),
            ratio: Some(ours / idle),
            unit,
            goal: Goal::None,
        };
        rows.push(row("memory at most", busy.most, idle.most, "MiB"));
        rows.push(row("processor", busy.processor, idle.processor, "m"));
    }
    rows
}

/// What a process took.
struct Taken {
    /// Its memory at most until now, resident, in MiB.
    most: f64,
    /// Of the processor, in thousandths of a core.
    processor: f64,
}

/// Does something, and says what each process took meanwhile.
async fn watched<T>(candor: &Candor, work: impl Future<Output = T>) -> (Vec<Taken>, T) {
    let pids = PROGRAMS.map(|program| candor.five.process(program).pid());
    let before = pids.map(ticks);
    let began = Instant::now();
    let done = work.await;
    let seconds = began.elapsed().as_secs_f64();
    let taken = pids.iter().zip(before).map(|(pid, before)| Taken {
        most: Status::of(*pid).mebibytes("VmHWM:"),
        processor: (ticks(*pid) - before) / TICKS / seconds * 1000.0,
    });
    (taken.collect(), done)
}

/// The processor's time that a process has had, in ticks: fields 14 and 15 of `/proc/<pid>/stat` (proc_pid_stat(5)).
fn ticks(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // What comes before the last bracket is the program's name.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
}
