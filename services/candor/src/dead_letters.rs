//! `candor bus dead` and `candor bus replay`: events whose handler failed too often.

use crate::cli::{BoxError, Place, say};
use crate::installation::{Installation, Service, counted, explain};
use crate::recording::{self, AUDIT};
use accounts::domain::audit::{Action, Details};
use bus::replay::{self, DeadLetter};
use clap::{ArgGroup, Args};
use uuid::Uuid;

/// Which to list.
#[derive(Args)]
pub(crate) struct Dead {
    /// Only those of this service; otherwise of every service whose database is known
    #[arg(value_enum)]
    service: Option<Service>,
    #[command(flatten)]
    place: Place,
}

/// Which are to try again.
#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true))]
#[command(override_usage = "candor bus replay <SERVICE> <EVENT_ID|--all> [OPTIONS]")]
pub(crate) struct Replay {
    /// Whose handler failed
    #[arg(value_enum)]
    service: Service,
    /// One of them, by its event's id
    #[arg(group = "which")]
    event_id: Option<Uuid>,
    /// All of them
    #[arg(long, group = "which")]
    all: bool,
    #[command(flatten)]
    place: Place,
}

/// Lists them, service by service.
pub(crate) async fn list(options: &Dead) -> Result<(), BoxError> {
    let services = options.service.map_or(Service::ALL.to_vec(), |one| vec![one]);
    let keys: Vec<_> = services.iter().map(|service| service.database_key()).collect();
    Installation::visit(&options.place, &keys, async |site| {
        let (there, absent): (Vec<_>, Vec<_>) =
            services.into_iter().partition(|service| site.has(service.database_key()));
        if let (true, Some(service)) = (there.is_empty(), absent.first()) {
            site.demand(service.database_key(), &options.place)?;
        }
        let mut found = 0;
        for service in &there {
            found += list_of(site, *service).await?;
        }
        if found == 0 {
            say(&format!("No dead letters in {}.", names(&there)));
        }
        if !absent.is_empty() {
            say(&format!("Not looked at, because no database is set: {}.", names(&absent)));
        }
        Ok(())
    })
    .await
}

/// Lists those of a service, page by page, and returns how many there are.
async fn list_of(site: &Installation, service: Service) -> Result<u64, BoxError> {
    let failed = |error| explain(service.name(), error);
    let pool = site.connect(service).await?;
    let mut conn = pool.acquire().await.map_err(failed)?;
    let (mut found, mut last) = (0, None::<(String, Uuid)>);
    loop {
        let after = last.as_ref().map(|(consumer, event_id)| (consumer.as_str(), *event_id));
        let letters = replay::list(&mut conn, after).await.map_err(failed)?;
        if found == 0 && !letters.is_empty() {
            say(&heading(service));
        }
        for letter in &letters {
            say(&line(letter));
        }
        found += letters.len() as u64;
        match letters.into_iter().last() {
            Some(letter) => last = Some((letter.consumer, letter.event_id)),
            None => break,
        }
    }
    if found > 0 {
        let (total, name) = (counted(found, "dead letter", "dead letters"), service.name());
        say(&format!(
            "{total} in {name}. Once what failed is repaired: `candor bus replay {name} --all`, or an event's id.\n"
        ));
    }
    Ok(found)
}

fn heading(service: Service) -> String {
    let columns = row("event", "kind", "about", "tried", "reason", "dead since");
    format!("{}\n{columns}", service.name())
}

fn line(letter: &DeadLetter) -> String {
    let (event_id, about) = (letter.event_id.to_string(), letter.aggregate_id.to_string());
    let (tried, since) =
        (letter.attempts.to_string(), letter.dead_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    row(&event_id, &letter.key, &about, &tried, &letter.reason, &since)
}

fn row(event: &str, kind: &str, about: &str, tried: &str, reason: &str, since: &str) -> String {
    format!("  {event:<36}  {kind:<32}  {about:<36}  {tried:>5}  {since:<20}  {reason}")
}

/// Lets them try again; a running service does so by itself.
pub(crate) async fn replay(options: &Replay) -> Result<(), BoxError> {
    let (service, key) = (options.service, options.service.database_key());
    let name = service.name();
    Installation::visit(&options.place, &[key, AUDIT], async |site| {
        site.demand(key, &options.place)?;
        let failed = |error| explain(name, error);
        let pool = site.connect(service).await?;
        let mut conn = pool.acquire().await.map_err(failed)?;
        let now = site.clock.now();
        let revived = match options.event_id {
            Some(id) if replay::one(&mut conn, name, id, now).await.map_err(failed)? => 1,
            Some(id) => {
                return Err(
                    format!("{name} has no dead letter {id}: `candor bus dead {name}` lists them").into()
                );
            }
            None => replay::all(&mut conn, Some(name), now).await.map_err(failed)?,
        };
        if revived > 0 {
            let details = Details::none().code("service", name);
            let details = match options.event_id {
                Some(id) => details.id("event", id),
                None => details.number("events", i64::try_from(revived).unwrap_or(i64::MAX)),
            };
            recording::record(site, Action::EventsReplayed, details).await?;
        }
        say(&match revived {
            0 => format!("There are no dead letters in {name}."),
            some => format!(
                "{} in {name} will be tried again: in a moment if {name} runs, otherwise when it starts.",
                counted(some, "dead letter", "dead letters")
            ),
        });
        Ok(())
    })
    .await
}

fn names(services: &[Service]) -> String {
    services.iter().map(|service| service.name()).collect::<Vec<_>>().join(", ")
}
