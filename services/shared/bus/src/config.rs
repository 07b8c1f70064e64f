//! Where the broker is.

use lapin::uri::AMQPUri;
use serde::{Deserialize, Deserializer};
use std::fmt;

/// Settings of the RabbitMQ transport.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `amqp://user:password@host:port/vhost`, or `amqps://…`.
    #[serde(deserialize_with = "address")]
    pub amqp_url: String,
    /// The topic exchange; queues are named `<exchange>.<consumer>`.
    #[serde(default = "default_exchange")]
    pub exchange: String,
}

impl Config {
    /// Settings with the usual exchange, `candor.events`.
    pub fn new(amqp_url: impl Into<String>) -> Self {
        Self { amqp_url: amqp_url.into(), exchange: default_exchange() }
    }
}

fn address<'de, D: Deserializer<'de>>(given: D) -> Result<String, D::Error> {
    let fits = |url: &str| url.parse::<AMQPUri>().is_ok();
    chassis::config::text(given, fits, "an address such as amqp://user:password@host:5672/%2f")
}

fn default_exchange() -> String {
    "candor.events".to_owned()
}

// The URL holds a password.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}
