//! `candor bus resnapshot`: a service tells its current state again, so that others can rebuild what they know of it.

use crate::cli::{BoxError, Place, say};
use crate::installation::{Installation, Service, counted, explain};
use crate::recording::{self, AUDIT};
use accounts::domain::audit::{Action, Details};
use bus::Outbox;
use chassis::process::chain;
use clap::Args;
use std::error::Error;

/// Whose state is told again.
#[derive(Args)]
pub(crate) struct Resnapshot {
    /// The service that owns the state
    #[arg(value_enum)]
    service: Service,
    #[command(flatten)]
    place: Place,
}

/// Puts the state into the service's outbox. A running service publishes it by itself.
pub(crate) async fn run(options: &Resnapshot) -> Result<(), BoxError> {
    let (service, key) = (options.service, options.service.database_key());
    let name = service.name();
    if service == Service::Reminders {
        return Err("reminders has no state that others keep: its events say that something happened at a moment, and \
                    told again they would say it happened twice"
            .into());
    }
    Installation::visit(&options.place, &[key, AUDIT], async |site| {
        site.demand(key, &options.place)?;
        let events = tell(site, service).await?;
        if events > 0 {
            let details = Details::none().code("service", name);
            let details = details.number("events", i64::try_from(events).unwrap_or(i64::MAX));
            recording::record(site, Action::StateToldAgain, details).await?;
        }
        let told = counted(events, "event", "events");
        say(&format!(
            "{told} in the outbox of {name}: published by itself if {name} runs, otherwise when it starts. \
             Whoever knows all of it already is not changed by it."
        ));
        Ok(())
    })
    .await
}

async fn tell(site: &Installation, service: Service) -> Result<u64, BoxError> {
    let name = service.name();
    let pool = site.connect(service).await?;
    // Nobody is woken by this one: the relay of the running service looks for itself.
    let (outbox, clock, ids) = (Outbox::new(), &site.clock, &site.ids);
    match service {
        Service::Accounts => {
            accounts::resnapshot(&pool, &outbox, clock, ids).await.map_err(|error| match error {
                accounts::Error::Database(error) => explain(name, error),
                other => said(name, &other),
            })
        }
        Service::Journal => {
            journal::resnapshot(&pool, &outbox, clock, ids).await.map_err(|error| match error {
                journal::Error::Database(error) => explain(name, error),
                other => said(name, &other),
            })
        }
        Service::Content => {
            content::resnapshot(&pool, &outbox, clock, ids).await.map_err(|error| match error {
                content::Error::Database(error) => explain(name, error),
                other => said(name, &other),
            })
        }
        Service::Reminders => Ok(0),
    }
}

fn said(name: &str, error: &(dyn Error + 'static)) -> BoxError {
    format!("{name}: {}", chain(error)).into()
}
