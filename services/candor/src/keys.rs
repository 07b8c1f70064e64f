//! `candor vault …`: the key encryption keys in the key file, and the data keys that they wrap.

use crate::cli::{BoxError, Place, say};
use crate::installation::{Installation, counted, explain};
use crate::recording::{self, AUDIT};
use crate::settings::Settings;
use accounts::domain::audit::{Action as Act, Details};
use clap::{Args, Subcommand};
use sqlx::PgPool;
use std::path::{Path, PathBuf};
use vault::Usage;

/// Data keys wrapped in one statement.
const PAGE: u32 = 500;
/// The services that seal, and the settings of their key stores.
const STORES: [(&str, &str); 2] =
    [("accounts", "accounts.vault.keystore.url"), ("journal", "journal.vault.keystore.url")];

/// What can be done with them.
#[derive(Subcommand)]
pub(crate) enum Action {
    /// Says how many data keys there are and which key encryption keys wrap them
    Status(Place),
    /// Adds a key encryption key, which wraps every new data key from now on
    Rotate(Place),
    /// Wraps every data key with the newest key encryption key; cut off, it goes on where it ended
    Rewrap(Place),
    /// Takes an older key encryption key out of the key file, once no data key needs it
    Remove(Remove),
}

/// Which key.
#[derive(Args)]
pub(crate) struct Remove {
    /// Its id, as `candor vault status` shows it
    id: String,
    #[command(flatten)]
    place: Place,
}

/// Does it.
pub(crate) async fn run(action: &Action) -> Result<(), BoxError> {
    match action {
        Action::Status(place) => with_rings(place, async |_, rings| status(&rings).await).await,
        Action::Rotate(place) => rotate(place).await,
        Action::Rewrap(place) => with_rings(place, async |site, rings| rewrap(site, &rings).await).await,
        Action::Remove(which) => {
            with_rings(&which.place, async |site, rings| remove(site, &rings, &which.id).await).await
        }
    }
}

/// A key file, the services that use it, and the key stores with their data keys.
struct Ring {
    file: PathBuf,
    services: Vec<&'static str>,
    stores: Vec<PgPool>,
}

impl Ring {
    /// The live data keys of these services.
    async fn usage(&self) -> Result<Vec<Usage>, BoxError> {
        let mut all = Vec::new();
        for store in &self.stores {
            all.extend(vault::usage(store).await.map_err(told)?);
        }
        all.retain(|usage| self.services.contains(&usage.service.as_str()));
        Ok(all)
    }
}

fn sum<'a>(usage: impl IntoIterator<Item = &'a Usage>) -> u64 {
    usage.into_iter().map(|usage| usage.data_keys).sum()
}

/// The key files that are set, each with its services; usually one file for all.
fn files(settings: &Settings) -> Vec<(PathBuf, Vec<&'static str>)> {
    let mut files: Vec<(PathBuf, Vec<&'static str>)> = Vec::new();
    let set = [&settings.accounts.vault.kek_file, &settings.journal.vault.kek_file];
    for ((service, _), file) in STORES.into_iter().zip(set) {
        let file = file.canonicalize().unwrap_or_else(|_| file.clone());
        match files.iter_mut().find(|(known, _)| *known == file) {
            Some((_, services)) => services.push(service),
            None => files.push((file, vec![service])),
        }
    }
    files
}

/// Every key store must be there: whether a key is needed cannot be said of those that are not.
async fn with_rings(
    place: &Place,
    work: impl AsyncFnOnce(&Installation, Vec<Ring>) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let [(_, one), (_, other)] = STORES;
    Installation::visit(place, &[one, other, AUDIT], async |site| {
        for (_, key) in STORES {
            site.demand(key, place)?;
        }
        let mut rings = Vec::new();
        for (file, services) in files(&site.settings) {
            let mut stores = Vec::new();
            for service in &services {
                let vault = match *service {
                    "accounts" => &site.settings.accounts.vault,
                    _ => &site.settings.journal.vault,
                };
                stores.push(site.connect_to("the keys", &vault.keystore).await?);
            }
            rings.push(Ring { file, services, stores: vault::distinct(&stores).await.map_err(told)? });
        }
        work(site, rings).await
    })
    .await
}

fn told(error: vault::Error) -> BoxError {
    match error {
        vault::Error::Store(error) => explain("the keys", error),
        other => other.into(),
    }
}

async fn status(rings: &[Ring]) -> Result<(), BoxError> {
    for ring in rings {
        let keks = vault::kek_ids(&ring.file).map_err(told)?;
        let usage = ring.usage().await?;
        say(&format!("Key file {}, used by {}", ring.file.display(), ring.services.join(" and ")));
        for line in lines(&keks, &usage) {
            say(&line);
        }
        say(&verdict(&keks, &usage));
    }
    Ok(())
}

/// A line for each key encryption key, newest first; then those that wrap something and are not in the file.
fn lines(keks: &[String], usage: &[Usage]) -> Vec<String> {
    let line = |id: &str, rank: &str| {
        let under: Vec<_> = usage.iter().filter(|usage| usage.kek_id == id).collect();
        let by_service: Vec<_> =
            under.iter().map(|usage| format!("{} {}", usage.service, usage.data_keys)).collect();
        let detail =
            if by_service.is_empty() { String::new() } else { format!(" ({})", by_service.join(", ")) };
        let total = counted(sum(under.iter().copied()), "data key", "data keys");
        format!("  {id:<20}  {rank:<7}  {total}{detail}")
    };
    let newest = keks.iter().take(1).map(|id| line(id, "newest"));
    let older = keks.iter().skip(1).map(|id| line(id, "older"));
    let mut lost: Vec<_> = usage.iter().map(|usage| &usage.kek_id).filter(|id| !keks.contains(id)).collect();
    lost.sort();
    lost.dedup();
    let lost = lost.into_iter().map(|id| line(id, "MISSING"));
    newest.chain(older).chain(lost).collect()
}

/// What follows from it, and what to do next.
fn verdict(keks: &[String], usage: &[Usage]) -> String {
    let lost = sum(usage.iter().filter(|usage| !keks.contains(&usage.kek_id)));
    let remaining = sum(usage.iter().filter(|usage| keks.iter().skip(1).any(|id| *id == usage.kek_id)));
    let total = counted(sum(usage), "data key", "data keys");
    if lost > 0 {
        return format!(
            "{total}. What {lost} of them sealed cannot be read until the missing key is back in the file."
        );
    }
    match (remaining, keks.len()) {
        (0, 1) => format!("{total}, all under the newest key."),
        (0, _) => {
            format!("{total}, all under the newest key. An older key may go: `candor vault remove ID`.")
        }
        _ => format!(
            "{total}, {remaining} of them still under an older key: `candor vault rewrap` moves them."
        ),
    }
}

/// Needs no database but that of the audit, where it is there.
async fn rotate(place: &Place) -> Result<(), BoxError> {
    Installation::visit(place, &[AUDIT], async |site| {
        for (file, _) in files(&site.settings) {
            let id = vault::add_kek(&file).map_err(told)?;
            say(&format!(
                "{id} is the newest key in {} and wraps every new data key from now on. Keep a copy of the file in a safe \
                 place, give it to services that have one of their own, then move the other data keys: `candor vault rewrap`.",
                file.display()
            ));
            recording::record(site, Act::KeyAdded, Details::none().hashed("key", &id)).await?;
        }
        Ok(())
    })
    .await
}

async fn rewrap(site: &Installation, rings: &[Ring]) -> Result<(), BoxError> {
    let (mut moved, mut unreadable) = (0, 0);
    for ring in rings {
        let done = rewrap_ring(ring).await?;
        moved += done.moved;
        unreadable += done.unreadable;
    }
    if moved > 0 {
        let details = Details::none().number("data_keys", i64::try_from(moved).unwrap_or(i64::MAX));
        recording::record(site, Act::KeysRewrapped, details).await?;
    }
    match unreadable {
        0 => Ok(()),
        some => Err(format!(
            "{} could not be unwrapped and stayed as they were: their rows were altered, a backup of the key store has \
             them whole",
            counted(some, "data key", "data keys")
        )
        .into()),
    }
}

/// Moves the data keys of a file's services; returns how many moved and how many could not be read.
async fn rewrap_ring(ring: &Ring) -> Result<Moved, BoxError> {
    let keks = vault::kek_ids(&ring.file).map_err(told)?;
    let newest = keks.first().cloned().unwrap_or_default();
    let (mut moved, mut unreadable) = (0, 0);
    for store in &ring.stores {
        let total = waiting(store, &keks[1..]).await?;
        let mut steps = Steps::new(total);
        let done =
            vault::rewrap_with(store, &ring.file, PAGE, |moved| steps.reached(moved)).await.map_err(told)?;
        moved += done.moved;
        unreadable += done.unreadable;
    }
    let (usage, said) = (ring.usage().await?, counted(moved, "data key", "data keys"));
    let (there, all) = (sum(usage.iter().filter(|usage| usage.kek_id == newest)), sum(&usage));
    say(&format!("{said} moved; {there} of {all} under {newest}, the newest key."));
    if there == all && keks.len() > 1 {
        say(&format!(
            "No older key is needed any more. Backups of the key store from before still need them: once those are gone, \
             `candor vault remove {}`.",
            keks[1..].join("`, `candor vault remove ")
        ));
    }
    Ok(Moved { moved, unreadable })
}

/// What came of moving data keys.
struct Moved {
    moved: u64,
    unreadable: u64,
}

async fn waiting(store: &PgPool, older: &[String]) -> Result<u64, BoxError> {
    let usage = vault::usage(store).await.map_err(told)?;
    Ok(sum(usage.iter().filter(|usage| older.contains(&usage.kek_id))))
}

/// Progress in steps of a tenth: many data keys are no reason for many lines.
struct Steps {
    total: u64,
    tenths: u64,
}

impl Steps {
    fn new(total: u64) -> Self {
        Self { total, tenths: 0 }
    }

    fn reached(&mut self, moved: u64) {
        let tenths = moved.saturating_mul(10) / self.total.max(1);
        if moved > 0 && tenths > self.tenths {
            self.tenths = tenths;
            say(&format!("  {moved} of {} moved", self.total.max(moved)));
        }
    }
}

async fn remove(site: &Installation, rings: &[Ring], id: &str) -> Result<(), BoxError> {
    let stores: Vec<PgPool> = rings.iter().flat_map(|ring| ring.stores.iter().cloned()).collect();
    let mut removed = false;
    for ring in rings {
        if vault::kek_ids(&ring.file).map_err(told)?.iter().any(|known| known == id) {
            take_out(&stores, &ring.file, id).await?;
            removed = true;
        }
    }
    if !removed {
        return Err("there is no key of that id: `candor vault status` lists them".into());
    }
    recording::record(site, Act::KeyRemoved, Details::none().hashed("key", id)).await
}

async fn take_out(stores: &[PgPool], file: &Path, id: &str) -> Result<(), BoxError> {
    match vault::remove_kek(stores, file, id).await.map_err(told)? {
        0 => {
            say(&format!("{id} is no longer in {}.", file.display()));
            Ok(())
        }
        needed => {
            let keys = counted(needed, "data key still needs", "data keys still need");
            Err(format!("{keys} {id}, so it stays: `candor vault rewrap` moves them to the newest key")
                .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(service: &str, kek_id: &str, data_keys: u64) -> Usage {
        Usage { service: service.to_owned(), kek_id: kek_id.to_owned(), data_keys }
    }

    #[test]
    fn the_status_says_what_to_do_next() {
        let (one, two) = (["a".to_owned()], ["b".to_owned(), "a".to_owned()]);
        assert_eq!(verdict(&one, &[used("journal", "a", 1)]), "1 data key, all under the newest key.");
        assert!(verdict(&two, &[used("journal", "b", 3)]).contains("may go"));
        let mixed = [used("accounts", "a", 2), used("journal", "b", 3)];
        assert!(verdict(&two, &mixed).starts_with("5 data keys, 2 of them still under an older key"));
        assert!(verdict(&one, &mixed).contains("What 3 of them sealed cannot be read"));
        let shown = lines(&one, &mixed);
        assert!(shown[0].contains("newest") && shown[0].contains("2 data keys (accounts 2)"), "{shown:?}");
        assert!(shown[1].contains("MISSING"), "{shown:?}");
    }
}
