//! The command line.

use crate::{audit, dead_letters, demo, keys, operator, resnapshot, run};
use chassis::config::ConfigError;
use chassis::process::chain;
use clap::{Args, Parser, Subcommand};
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Settings cannot be used; a wrong command line ends with the same code.
const MISCONFIGURED: u8 = 2;

/// Candor in one process: every service, a private PostgreSQL, the in-memory bus. Settings of single services come
/// from a file or the environment, as in JOURNAL__DATABASE__URL; what is not set is provided.
#[derive(Parser)]
#[command(name = "candor")]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts everything and serves until Ctrl-C or SIGTERM
    Run(Run),
    /// Serves a demonstration: two made-up people and eight weeks of their life, clearly marked. The first start lives
    /// those weeks, which takes less than a minute. No counselor is among them yet
    Demo(demo::Demo),
    /// Brings every database up to date and loads the library, without serving
    Migrate(Place),
    /// Says whether the settings can be used
    CheckConfig(Place),
    /// Operators: those who run the platform and can read nobody's journal
    Operator {
        #[command(subcommand)]
        action: Operator,
    },
    /// Those who work for the place: operators, editors, and those who support members
    Staff {
        #[command(subcommand)]
        action: Staff,
    },
    /// The audit: who did what, and whether that is still what was recorded
    Audit {
        #[command(subcommand)]
        action: audit::Action,
    },
    /// Events between the services: what could not be handled, and telling things again
    Bus {
        #[command(subcommand)]
        action: Bus,
    },
    /// The keys that seal private text
    Vault {
        #[command(subcommand)]
        action: keys::Action,
    },
}

#[derive(Subcommand)]
enum Bus {
    /// Lists dead letters: events whose handler failed too often. Their bodies are not shown
    Dead(dead_letters::Dead),
    /// Lets dead letters try again, once what failed is repaired
    Replay(dead_letters::Replay),
    /// Has a service tell its current state again, for others that lost what they knew of it
    Resnapshot(resnapshot::Resnapshot),
}

/// Where data and settings are.
#[derive(Args)]
pub(crate) struct Place {
    /// The folder for everything that is kept
    #[arg(long, value_name = "DIR", default_value = ".candor")]
    pub(crate) data: PathBuf,
    /// A TOML file with settings; the environment wins over it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// How to serve.
#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) serving: Serving,
}

/// Where everything answers.
#[derive(Args)]
pub(crate) struct Serving {
    /// Where browsers and REST clients connect; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) http: SocketAddr,
    /// Where the first of the gRPC services answers; the others take the ports after it, or all a free one with port 0
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:50051")]
    pub(crate) grpc: SocketAddr,
    /// Written once everything answers: a JSON object with the addresses
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Operator {
    /// Makes an operator's account. The password is read from the terminal or from standard input
    Create(NewOperator),
}

#[derive(Subcommand)]
enum Staff {
    /// Makes the account of one of them. The password is read from the terminal or from standard input
    Create(NewStaff),
    /// Takes the role from one of them, who is signed out everywhere. What is left is a member's account
    Revoke(FormerStaff),
}

/// What somebody works as.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Role {
    /// Runs the platform
    Operator,
    /// Keeps the library
    Editor,
    /// Helps members with the use of the platform
    Support,
}

/// Who comes to work for the place.
#[derive(Args)]
pub(crate) struct NewStaff {
    #[command(flatten)]
    pub(crate) who: NewOperator,
    /// What they work as
    #[arg(long)]
    pub(crate) role: Role,
}

/// Who works for it no more.
#[derive(Args)]
pub(crate) struct FormerStaff {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Their e-mail address
    #[arg(long)]
    pub(crate) email: String,
    /// Has the account destroyed as well, in seven days; until then whoever has it can sign in and call that off
    #[arg(long)]
    pub(crate) erase: bool,
}

/// Who becomes an operator.
#[derive(Args)]
pub(crate) struct NewOperator {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Their e-mail address
    #[arg(long)]
    pub(crate) email: String,
    /// Their time zone, an IANA name
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(crate) time_zone: String,
    /// Their language
    #[arg(long, value_name = "TAG", default_value = "en")]
    pub(crate) locale: String,
}

/// From the command line to the exit code.
pub(crate) fn main() -> ExitCode {
    let line = Line::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("The process cannot start: {error}."), 1),
    };
    let done = runtime.block_on(async {
        match line.command {
            Command::Run(options) => run::run(&options).await,
            Command::Demo(options) => demo::run(options).await,
            Command::Migrate(place) => run::migrate(&place).await,
            Command::CheckConfig(place) => run::check(&place),
            Command::Operator { action: Operator::Create(new) } => operator::create(&new).await,
            Command::Staff { action: Staff::Create(new) } => operator::create_staff(&new).await,
            Command::Staff { action: Staff::Revoke(whom) } => operator::revoke(&whom).await,
            Command::Audit { action } => audit::run(&action).await,
            Command::Bus { action: Bus::Dead(which) } => dead_letters::list(&which).await,
            Command::Bus { action: Bus::Replay(which) } => dead_letters::replay(&which).await,
            Command::Bus { action: Bus::Resnapshot(whose) } => resnapshot::run(&whose).await,
            Command::Vault { action } => keys::run(&action).await,
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = if error.is::<ConfigError>() { MISCONFIGURED } else { 1 };
            complain(&chain(error.as_ref()), code)
        }
    }
}

/// Tells the person at the terminal.
#[allow(clippy::print_stdout)] // what a command says goes there; logs go to standard error
pub(crate) fn say(sentence: &str) {
    println!("{sentence}");
}

#[allow(clippy::print_stderr)]
fn complain(sentence: &str, code: u8) -> ExitCode {
    eprintln!("candor: {sentence}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound_and_knows_no_password() {
        let mut command = Line::command();
        command.build();
        command.clone().debug_assert();
        let create = command.find_subcommand("operator").unwrap().find_subcommand("create").unwrap();
        let staff = command.find_subcommand("staff").unwrap().find_subcommand("create").unwrap();
        assert!(staff.get_arguments().all(|argument| !argument.get_id().as_str().contains("password")));
        assert!(create.get_arguments().all(|argument| !argument.get_id().as_str().contains("password")));
    }
}
