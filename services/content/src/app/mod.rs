//! Use cases, each on a borrowed transaction or connection.

mod erasing;
pub mod instruments;

pub use erasing::OwnPart;

use crate::Error;
use crate::domain::path::{self, Fact, Standing};
use crate::domain::{Article, Listed, Locale, PageToken, Step};
use crate::store;
use bus::resnapshot::Page;
use bus::{Envelope, outbox};
use candor_proto::content::v1::{ArticlePublished, StepCompleted};
use chassis::Ids;
use jiff::Timestamp;
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Articles have readable ids; events want UUIDs. An article's is a name-based one within this namespace.
const ARTICLES: Uuid = Uuid::from_u128(0x019a_b1c5_6a00_7c11_9d5e_2f6b_8a04_c3d7);

/// Articles or milestones told at a time when all are told again.
const TOLD_AT_ONCE: i64 = 500;

/// What loading the library changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loaded {
    /// New articles and new versions.
    pub published: usize,
    /// Articles whose file is gone.
    pub withdrawn: usize,
}

/// Makes the published library equal to the given one. Unchanged articles stay as they are; a changed one counts
/// one version up and is told to the others in the same transaction; one that is gone is no longer served.
///
/// # Errors
/// Only when the database fails.
pub async fn load_library(
    conn: &mut PgConnection,
    articles: &[Article],
    now: Timestamp,
    ids: &Ids,
) -> Result<Loaded, Error> {
    store::lock_library(conn).await?;
    let heads = store::heads(conn).await?;
    let known: HashMap<_, _> =
        heads.iter().map(|head| ((head.article_id.as_str(), head.locale.as_str()), head)).collect();
    let mut events = Vec::new();
    for article in articles {
        let head = known.get(&(article.id.as_str(), article.locale.as_str()));
        if head.is_some_and(|head| !head.withdrawn && head.digest == article.digest) {
            continue;
        }
        let version = head.map_or(0, |head| head.version) + 1;
        store::publish(conn, article, version, now).await?;
        events.push(article_published(&article.id, article.locale.as_str(), version, now, ids));
    }
    outbox::append(conn, &events).await?;

    let kept: HashSet<_> =
        articles.iter().map(|article| (article.id.as_str(), article.locale.as_str())).collect();
    let gone = |head: &&store::Head| {
        !head.withdrawn && !kept.contains(&(head.article_id.as_str(), head.locale.as_str()))
    };
    let gone: Vec<_> = heads.iter().filter(gone).collect();
    for head in &gone {
        store::withdraw(conn, &head.article_id, &head.locale, now).await?;
    }
    Ok(Loaded { published: events.len(), withdrawn: gone.len() })
}

/// A page of the published library, for consumers that lost what they knew: by id and language.
///
/// # Errors
/// When the database fails.
pub async fn tell_published(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<(String, String)>,
) -> Result<Page<(String, String)>, Error> {
    let (article_id, locale) = after.unwrap_or_default();
    let articles = store::published_after(conn, (&article_id, &locale), TOLD_AT_ONCE).await?;
    let next = articles.last().filter(|_| is_full(&articles));
    let next = next.map(|last| (last.article_id.clone(), last.locale.clone()));
    let tell = |article: &store::Published| {
        article_published(&article.article_id, &article.locale, article.version, now, ids)
    };
    Ok(Page { events: articles.iter().map(tell).collect(), next })
}

/// A page of the milestones all accounts have reached, each under the version it was first told under.
///
/// # Errors
/// When the database fails.
pub async fn tell_reached(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<(Uuid, i64)>,
) -> Result<Page<(Uuid, i64)>, Error> {
    let milestones = store::reached_after(conn, after.unwrap_or_default(), TOLD_AT_ONCE).await?;
    let next = milestones.last().filter(|_| is_full(&milestones));
    let next = next.map(|last| (last.account_id, last.version));
    let tell = |reached: &store::Reached| {
        // One that is not on the path any more stays reached; only its step is not known here.
        let step = path::step_of(&reached.milestone_id).map_or(0, Step::number);
        step_completed(reached.account_id, step, &reached.milestone_id, reached.version, now, ids)
    };
    Ok(Page { events: milestones.iter().map(tell).collect(), next })
}

fn is_full<T>(page: &[T]) -> bool {
    i64::try_from(page.len()).is_ok_and(|count| count == TOLD_AT_ONCE)
}

fn article_published(id: &str, locale: &str, version: i32, now: Timestamp, ids: &Ids) -> Envelope {
    let event = ArticlePublished { article_id: id.to_owned(), locale: locale.to_owned(), version };
    let name = format!("{locale}/{id}");
    Envelope::new(ids.next(), now, Uuid::new_v5(&ARTICLES, name.as_bytes()), version.into(), &event)
}

/// A page of the published library in reading order, and where the next one begins.
///
/// # Errors
/// When the token belongs to another list, or the database fails.
pub async fn list_articles(
    conn: &mut PgConnection,
    locale: &Locale,
    filter: Option<Step>,
    size: usize,
    token: Option<&PageToken>,
) -> Result<(Vec<Listed>, Option<PageToken>), Error> {
    if token.is_some_and(|token| !token.continues(locale, filter)) {
        return Err(Error::InvalidPageToken);
    }
    let after = token.map_or((0, 0, ""), |token| (token.step, token.position, token.article_id.as_str()));
    let step = filter.map_or(0, Step::number);
    let limit = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let mut articles = store::list(conn, &locale.chain(), step, after, limit).await?;
    let more = articles.len() > size;
    articles.truncate(size);
    let next = articles.last().filter(|_| more).map(|last| PageToken {
        locale: locale.clone(),
        filter,
        step: last.step,
        position: last.position,
        article_id: last.article_id.clone(),
    });
    Ok((articles, next))
}

/// One published article, in the wished language or the nearest there is.
///
/// # Errors
/// When there is none, or the database fails.
pub async fn get_article(
    conn: &mut PgConnection,
    article_id: &str,
    locale: &Locale,
) -> Result<Listed, Error> {
    store::get(conn, article_id, &locale.chain()).await?.ok_or(Error::ArticleNotFound)
}

/// Where an account stands on the path.
///
/// # Errors
/// Only when the database fails.
pub async fn standing(conn: &mut PgConnection, account_id: Uuid) -> Result<Standing, Error> {
    // In this order: what is reached is at least what the counts amount to.
    let done = store::counts(conn, account_id).await?;
    let reached = store::milestones(conn, account_id).await?;
    let linked = store::couples::is_linked(conn, account_id).await?;
    Ok(Standing { done, reached, linked })
}

/// Two people are linked, the lower id first. A link that is known to have ended stays ended.
///
/// # Errors
/// Only when the database fails.
pub async fn linked(
    conn: &mut PgConnection,
    couple_id: Uuid,
    members: [Uuid; 2],
    linked_at: Timestamp,
) -> Result<(), Error> {
    Ok(store::couples::upsert(conn, couple_id, members, store::couples::LINKED, linked_at).await?)
}

/// They are linked no more: what is for two leaves their paths, but for what they reached.
///
/// # Errors
/// Only when the database fails.
pub async fn unlinked(
    conn: &mut PgConnection,
    couple_id: Uuid,
    members: [Uuid; 2],
    unlinked_at: Timestamp,
) -> Result<(), Error> {
    Ok(store::couples::upsert(conn, couple_id, members, store::couples::ENDED, unlinked_at).await?)
}

/// Something an account did, which may bring it further on its path.
#[derive(Debug, Clone, Copy)]
pub struct Deed {
    /// Who did it.
    pub account_id: Uuid,
    /// What kind of thing.
    pub fact: Fact,
    /// Which thing; the same thing counts once.
    pub item_id: Uuid,
    /// When.
    pub time: Timestamp,
}

/// Brings accounts further on their paths. Told twice or out of order, the outcome is the same; each milestone is told to
/// the others once.
///
/// # Errors
/// Only when the database fails.
pub async fn advance(
    conn: &mut PgConnection,
    deeds: &[Deed],
    now: Timestamp,
    ids: &Ids,
) -> Result<(), Error> {
    let mut done = store::progress(conn, deeds.iter().map(|deed| (deed.account_id, deed.fact))).await?;
    // Most deeds come after the last milestone: they need no lock.
    let mut further: Vec<_> = deeds
        .iter()
        .filter(|deed| {
            let done = done.entry((deed.account_id, deed.fact.number())).or_default();
            done.add(deed.time, deed.item_id, deed.fact.limit())
        })
        .collect();
    // In one order everywhere, so that replicas wait for each other instead of deadlocking.
    further.sort_by_key(|deed| (deed.account_id, deed.fact.number()));
    for deed in further {
        advance_one(conn, *deed, now, ids).await?;
    }
    Ok(())
}

async fn advance_one(conn: &mut PgConnection, deed: Deed, now: Timestamp, ids: &Ids) -> Result<(), Error> {
    let Deed { account_id, fact, item_id, time } = deed;
    let mut done = store::lock_progress(conn, account_id, fact).await?;
    if !done.add(time, item_id, fact.limit()) {
        return Ok(());
    }
    store::keep_progress(conn, account_id, fact, &done).await?;

    let before = store::milestones(conn, account_id).await?;
    let mut events = Vec::new();
    for (step, milestone, time) in path::reached(fact, &done) {
        if !before.contains_key(milestone.id) {
            let step = step.step.number();
            events.push(step_completed(account_id, step, milestone.id, milestone.number, now, ids));
        }
        store::reach(conn, account_id, milestone.id, time, milestone.number).await?;
    }
    outbox::append(conn, &events).await?;
    Ok(())
}

fn step_completed(
    account_id: Uuid,
    step: i16,
    milestone_id: &str,
    version: i64,
    now: Timestamp,
    ids: &Ids,
) -> Envelope {
    let event = StepCompleted {
        account_id: account_id.to_string(),
        step: step.into(),
        milestone_id: milestone_id.to_owned(),
    };
    Envelope::new(ids.next(), now, account_id, version, &event)
}
