//! PostgreSQL's own load generator: what the database does for whoever speaks to it and does nothing else.

use crate::load::Measure;
use private_postgres::{Binaries, ensure_binaries};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// A script on a database.
pub(crate) struct Pgbench<'a> {
    /// The database's URL.
    pub(crate) url: &'a str,
    /// A transaction, in pgbench's language.
    pub(crate) script: &'a str,
    /// Values of its variables.
    pub(crate) variables: &'a [(&'static str, String)],
}

impl Pgbench<'_> {
    /// Runs it with so many clients for so long, with prepared statements.
    pub(crate) async fn run(&self, clients: usize, time: Duration) -> Measure {
        let place = tempfile::tempdir().unwrap();
        let script = place.path().join("script.sql");
        std::fs::write(&script, self.script).unwrap();
        let mut command = Command::new(program());
        command.args(["-n", "-M", "prepared", "-l", "--log-prefix=log", "-j", "1"]);
        // Its time runs while it connects its clients one by one; its rate is of what is left.
        let seconds = time.as_secs() + clients.div_ceil(64) as u64;
        command.arg("-c").arg(clients.to_string()).arg("-T").arg(seconds.to_string());
        for (name, value) in self.variables {
            command.arg("-D").arg(format!("{name}={value}"));
        }
        command.arg("-f").arg(&script).arg(self.url);
        command.current_dir(place.path()).stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.expect("pgbench, of PostgreSQL");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "pgbench: {said}{}", String::from_utf8_lossy(&output.stderr));
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        Measure { rate: rate.expect("pgbench says its rate"), ..Measure::of(latencies(place.path()), time) }
    }
}

/// pgbench where the server's program really lies: what is on the `PATH` may be a link to that alone.
fn program() -> PathBuf {
    let Binaries { folder, .. } = ensure_binaries(false).expect("PostgreSQL's binaries");
    let server = std::fs::canonicalize(folder.join("postgres")).expect("the server's program");
    server.with_file_name("pgbench")
}

/// The microseconds of every transaction, as pgbench logs them in the third column.
fn latencies(folder: &Path) -> Vec<u32> {
    let files = std::fs::read_dir(folder).unwrap().flatten();
    let logs = files.filter(|file| file.file_name().to_string_lossy().starts_with("log"));
    let texts: Vec<String> = logs.map(|file| std::fs::read_to_string(file.path()).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.filter_map(|line| line.split(' ').nth(2)?.parse().ok()).collect()
}
