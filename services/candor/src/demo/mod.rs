//! `candor demo`: a folder with two made-up people and eight weeks of their life, and then `candor run` on it. They
//! live through the same doors as anybody, on a clock that is moved; what they live is in `story.toml`.

mod answers;
mod api;
mod folder;
mod life;
mod story;

use crate::cli::{BoxError, Run, say};
use crate::doors::{self, Doors};
use crate::run::{self, Ground};
use crate::services::{self, Running};
use crate::settings::{DATABASES, Given, Settings};
use api::Api;
use chassis::{Clock, config::ConfigError};
use clap::Args;
use folder::Folder;
use std::path::PathBuf;
use story::Story;
use tokio_util::sync::CancellationToken;

/// What stands on top of every page.
const NOTICE: &str = "Demonstration with made-up people. Nothing here is real.";
/// Settings that could reach something real: a demonstration has its own of each.
const OF_ITS_OWN: [&str; 2] = ["bus.amqp_url", "accounts.mail.smtp_url"];

/// Where the demonstration is, and where it answers.
#[derive(Args)]
pub(crate) struct Demo {
    /// The folder for the demonstration. One that holds anything else is refused
    #[arg(long, value_name = "DIR", default_value = ".candor-demo")]
    data: PathBuf,
    #[command(flatten)]
    serving: crate::cli::Serving,
}

/// `candor demo`.
pub(crate) async fn run(options: Demo) -> Result<(), BoxError> {
    let place = crate::cli::Place { data: options.data, config: None };
    let options = Run { place, serving: options.serving };
    let given = Given::read(&options.place)?;
    refuse_what_may_be_real(&given)?;
    let folder = Folder::claim(&options.place.data)?;
    run::run_after(&options, Some(NOTICE), async |ground| {
        let story = Story::read()?;
        if !folder.is_made() {
            say("Two made-up people live eight weeks here first. That takes less than a minute.");
            live(&story, &ground).await?;
            folder.mark_made()?;
        }
        introduce(&story);
        Ok(())
    })
    .await
}

/// A demonstration never touches databases, a broker or a mail server that somebody set.
fn refuse_what_may_be_real(given: &Given) -> Result<(), ConfigError> {
    let keys = DATABASES.into_iter().map(|(key, _)| key).chain(OF_ITS_OWN);
    match keys.into_iter().find(|key| given.text(key).is_some()) {
        Some(key) => Err(ConfigError::invalid(key, "is set, and a demonstration uses only what is its own")),
        None => Ok(()),
    }
}

/// Serves on doors nobody is told of, on a clock of the story's, and lives the story through them.
async fn live(story: &Story, ground: &Ground<'_>) -> Result<(), BoxError> {
    let doors = Doors::open(&doors::nowhere())?;
    let settings = Settings::complete(ground.given, &ground.databases.urls, &doors.addresses, ground.data)?;
    let mail = settings.accounts.mail.folder.clone().ok_or("the demonstration has no folder for its mail")?;
    let transport = services::transport(&settings)?;
    services::migrate(&settings, &transport).await?;
    let now = Clock::system().now();
    let plan = story.plan(now)?;
    let clock = Clock::manual(plan.begin);
    let api = Api::new(&doors.addresses)?;
    let shutdown = CancellationToken::new();
    let mut running = Running::start(settings, doors, &shutdown, &transport, clock.clone());
    running.ready().await?;
    let mut living = std::pin::pin!(life::live(story, &plan, &api, &clock, &mail));
    let mut ending = std::pin::pin!(running.finish(&shutdown));
    let lived = tokio::select! {
        lived = &mut living => lived,
        ended = &mut ending => return ended.and(Err("the services ended before the story did".into())),
    };
    if lived.is_ok() {
        clock.set(now);
    }
    shutdown.cancel();
    let ended = ending.await;
    lived.map_err(told).and(ended)
}

/// What a service refused, in its own words and no others.
fn told(error: BoxError) -> BoxError {
    match error.downcast_ref::<tonic::Status>() {
        Some(status) => format!("the demonstration cannot be made: {}", status.message()).into(),
        None => error,
    }
}

/// Who can sign in.
fn introduce(story: &Story) {
    say("\nA demonstration with made-up people. Sign in as one of them, or as both in two browsers:\n");
    for (name, person) in &story.people {
        say(&format!("  {name:<6}  {}  password: {}", person.email, person.password));
    }
    say("\nThey have no counselor yet: one joins them once counselors can be asked for care.");
}
