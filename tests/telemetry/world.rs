//! A Candor that tells a collector everything, in either form.

use candor_tests::five::{Five, Servers, databases};
use candor_tests::{Collector, Database, One, Rest, rabbit};
use std::collections::BTreeMap;

/// A running Candor, and what it tells of itself.
pub(crate) struct World {
    pub(crate) collector: Collector,
    place: Place,
}

enum Place {
    One(Box<One>),
    Five(Box<Apart>),
}

/// Five processes, and the databases that go away with them.
pub(crate) struct Apart {
    pub(crate) five: Five,
    _databases: BTreeMap<&'static str, Database>,
}

impl World {
    /// `candor run`: one process, its own PostgreSQL, the in-memory bus.
    pub(crate) async fn one_process() -> Self {
        let collector = Collector::start().await;
        let place = Place::One(Box::new(One::start_with(collector.settings()).await));
        Self { collector, place }
    }

    /// Five processes on the shared servers.
    pub(crate) async fn five_processes() -> Self {
        Self::five_processes_with(Vec::new()).await
    }

    /// The same with more settings.
    pub(crate) async fn five_processes_with(more: Vec<(String, String)>) -> Self {
        let (collector, databases, broker) = tokio::join!(Collector::start(), databases(), rabbit());
        let servers = Servers::new(&databases, broker.url, broker.exchange);
        let settings = [collector.settings(), more].concat();
        let five = Five::start_with(servers, settings).await;
        Self { collector, place: Place::Five(Box::new(Apart { five, _databases: databases })) }
    }

    /// The five processes.
    pub(crate) fn apart(&self) -> &Apart {
        match &self.place {
            Place::One(_) => panic!("there is one process"),
            Place::Five(apart) => apart,
        }
    }

    pub(crate) fn rest(&self) -> Rest {
        match &self.place {
            Place::One(one) => one.rest(),
            Place::Five(apart) => apart.five.rest(),
        }
    }

    /// The name by which the process that runs a service goes.
    pub(crate) fn process_of<'a>(&self, service: &'a str) -> &'a str {
        match &self.place {
            Place::One(_) => "candor",
            Place::Five(..) => service,
        }
    }

    /// The token of the newest verification mail to `email`.
    pub(crate) async fn mailed_token(&self, email: &str) -> String {
        match &self.place {
            Place::One(one) => one.mailed_token(email).await,
            Place::Five(apart) => apart.five.mailed_token(email).await,
        }
    }

    /// The URL of a service's database.
    pub(crate) fn database_url(&self, service: &str) -> String {
        match &self.place {
            Place::One(one) => one.database_url(service),
            Place::Five(apart) => apart.five.database_url(service).to_owned(),
        }
    }

    /// Stops everything by asking.
    pub(crate) async fn stop(self) {
        match self.place {
            Place::One(one) => one.stop().await,
            Place::Five(apart) => apart.five.stop().await,
        }
    }
}
