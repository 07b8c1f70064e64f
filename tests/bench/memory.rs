//! The memory of the one process that has nothing to do.

use crate::ground::Ground;
use crate::table::{Goal, Row};
use candor_tests::One;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long it has nothing to do before it is looked at.
const IDLE: Duration = Duration::from_secs(8);

/// Measures the section.
pub(crate) async fn measure(_: &Ground) -> Vec<Row> {
    let one = One::start_on_the_machines_clock().await;
    // Somebody looks at the pages first, so that it has worked at all.
    for path in ["/", "/library", "/docs", "/v1/articles"] {
        assert_eq!(one.rest().call("GET", path, None, None).await.0, 200, "{path}");
    }
    sleep_until(Instant::now() + IDLE).await;
    let status = Status::of(one.pid());
    let ours = ["RssAnon:", "RssFile:", "RssShmem:"].map(|field| status.mebibytes(field)).iter().sum();
    let row = Row {
        figure: "idle memory of the one process, resident, without PostgreSQL".to_owned(),
        ours,
        beside: "of it not of the program's file",
        denominator: Some(status.mebibytes("RssAnon:")),
        ratio: None,
        unit: "MiB",
        goal: Goal::FigureAtMost(120.0),
    };
    one.stop().await;
    vec![row]
}

/// What the kernel says of a process's memory (proc_pid_status(5)).
pub(crate) struct Status(String);

impl Status {
    /// Of a process that lives.
    pub(crate) fn of(pid: u32) -> Self {
        Self(std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap())
    }

    /// A field that is in kibibytes, in MiB.
    pub(crate) fn mebibytes(&self, field: &str) -> f64 {
        let line = self.0.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
    }
}
