//! `candor operator create`, `candor staff create` and `candor staff revoke`: those who run the place or work for it are made
//! at the machine and not over the network.

use crate::cli::{BoxError, FormerStaff, NewOperator, NewStaff, Place, Role, say};
use crate::databases::Databases;
use crate::settings::{Given, Settings};
use crate::{doors, password, run};
use accounts::domain::{AccountKind, Address, Invalid, Locale, Password, Zone};
use chassis::{Clock, Ids, telemetry};

/// Makes an operator's account, also while `candor run` serves on the same data.
pub(crate) async fn create(new: &NewOperator) -> Result<(), BoxError> {
    let operator = parse(new)?;
    let made = at(&new.place, async |config, clock, ids| {
        Ok(accounts::create_operator(config, clock, ids, operator).await?)
    });
    say(&format!("The operator's account is {}.", made.await?));
    Ok(())
}

/// Makes the account of somebody who works for the place.
pub(crate) async fn create_staff(new: &NewStaff) -> Result<(), BoxError> {
    let who = parse(&new.who)?;
    let kind = match new.role {
        Role::Operator => AccountKind::Operator,
        Role::Editor => AccountKind::Editor,
        Role::Support => AccountKind::Support,
    };
    let made = at(&new.who.place, async |config, clock, ids| {
        Ok(accounts::create_staff(config, clock, ids, kind, who).await?)
    });
    say(&format!("The account is {}.", made.await?));
    Ok(())
}

/// Takes the role from one of them.
pub(crate) async fn revoke(whom: &FormerStaff) -> Result<(), BoxError> {
    let address = Address::parse(&whom.email).map_err(wrong)?;
    if whom.erase {
        return revoke_and_erase(whom, &address).await;
    }
    let revoked = at(&whom.place, async |config, clock, ids| {
        Ok(accounts::revoke_staff(config, clock, ids, &address).await?)
    });
    say(&format!("The account {} is a member's now.", revoked.await?));
    Ok(())
}

async fn revoke_and_erase(whom: &FormerStaff, address: &Address) -> Result<(), BoxError> {
    let revoked = at(&whom.place, async |config, clock, ids| {
        Ok(accounts::revoke_and_erase_staff(config, clock, ids, address).await?)
    });
    let (account_id, code) = revoked.await?;
    say(&format!(
        "The account {account_id} is a member's now, and is destroyed in seven days, unless its owner calls that off. \
         With this code the page /certificate says what was destroyed: {}",
        *code
    ));
    Ok(())
}

/// Does something in accounts with the settings of a place, also while `candor run` serves on the same data.
async fn at<T>(
    place: &Place,
    act: impl AsyncFnOnce(&accounts::Config, &Clock, &Ids) -> Result<T, BoxError>,
) -> Result<T, BoxError> {
    let given = Given::read(place)?;
    let data = run::data_folder(&place.data)?;
    let checked = Settings::check(&given, &doors::nowhere(), &data)?;
    let observed = telemetry::init(&checked.platform, "candor")?;
    let databases = Databases::start_or_join(&given, &data).await?;
    let done = async {
        run::migrate_into(&given, &databases, &data).await?;
        let settings = Settings::complete(&given, &databases.urls, &doors::nowhere(), &data)?;
        let clock = settings.platform.clock.clock();
        let ids = Ids::new(clock.clone());
        act(&settings.accounts, &clock, &ids).await
    };
    let done: Result<T, BoxError> = done.await;
    databases.stop().await;
    observed.shutdown().await;
    done
}

fn wrong(invalid: Invalid) -> BoxError {
    format!("{} {}", invalid.field, invalid.description).into()
}

fn parse(new: &NewOperator) -> Result<accounts::app::NewOperator, BoxError> {
    let address = Address::parse(&new.email).map_err(wrong)?;
    let zone = Zone::parse(&new.time_zone).map_err(wrong)?;
    let locale = Locale::parse(&new.locale).map_err(wrong)?;
    let typed = password::read().map_err(|error| format!("the password cannot be read: {error}"))?;
    let password = Password::choose("password", &typed).map_err(wrong)?;
    Ok(accounts::app::NewOperator { address, password, zone, locale })
}
