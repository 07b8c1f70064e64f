//! `candor operator create`: the first operator, made at the machine and not over the network.

use crate::cli::{BoxError, NewOperator, say};
use crate::databases::Databases;
use crate::settings::{Given, Settings};
use crate::{doors, password, run};
use accounts::domain::{Address, Invalid, Locale, Password, Zone};
use chassis::{Ids, telemetry};

/// Makes the account, also while `candor run` serves on the same data.
pub(crate) async fn create(new: &NewOperator) -> Result<(), BoxError> {
    let given = Given::read(&new.place)?;
    let operator = parse(new)?;
    let data = run::data_folder(&new.place.data)?;
    let checked = Settings::check(&given, &doors::nowhere(), &data)?;
    let observed = telemetry::init(&checked.platform, "candor")?;
    let databases = Databases::start_or_join(&given, &data).await?;
    let made = async {
        run::migrate_into(&given, &databases, &data).await?;
        let settings = Settings::complete(&given, &databases.urls, &doors::nowhere(), &data)?;
        let clock = settings.platform.clock.clock();
        let ids = Ids::new(clock.clone());
        Ok(accounts::create_operator(&settings.accounts, &clock, &ids, operator).await?)
    };
    let made: Result<_, BoxError> = made.await;
    databases.stop().await;
    observed.shutdown().await;
    say(&format!("The operator's account is {}.", made?));
    Ok(())
}

fn parse(new: &NewOperator) -> Result<accounts::app::NewOperator, BoxError> {
    let wrong =
        |invalid: Invalid| -> BoxError { format!("{} {}", invalid.field, invalid.description).into() };
    let address = Address::parse(&new.email).map_err(wrong)?;
    let zone = Zone::parse(&new.time_zone).map_err(wrong)?;
    let locale = Locale::parse(&new.locale).map_err(wrong)?;
    let typed = password::read().map_err(|error| format!("the password cannot be read: {error}"))?;
    let password = Password::choose("password", &typed).map_err(wrong)?;
    Ok(accounts::app::NewOperator { address, password, zone, locale })
}
