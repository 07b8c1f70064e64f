//! RabbitMQ: the shared broker, and nodes of a test's own.

use crate::child::{self, Child};
use crate::eventually;
use crate::process::free_address;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The shared broker, as one test sees it.
pub struct Broker {
    /// Where it is.
    pub url: String,
    /// An exchange name of the test's own; queue names begin with it, so tests do not meet.
    pub exchange: String,
}

/// The shared broker, with names of the test's own.
///
/// # Panics
/// When [`crate::AMQP_URL`] is not set.
pub async fn rabbit() -> Broker {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Broker { url: crate::shared(crate::AMQP_URL), exchange: format!("test.{}.{count}", std::process::id()) }
}

/// A RabbitMQ node of one's own, on free loopback ports, below one folder. It may be stopped, killed and started
/// again, and keeps its data and its address. Gone when dropped, with everything it kept.
pub struct Rabbit {
    folder: tempfile::TempDir,
    port: u16,
    epmd_port: u16,
    distribution_port: u16,
    /// Erlang's name server, ours alone; without it the node would start one and leave it behind.
    _epmd: Child,
    node: Option<Child>,
}

impl Rabbit {
    /// Makes a node and waits until it serves: 5 to 10 s.
    ///
    /// # Panics
    /// When RabbitMQ is not installed or does not come up.
    pub async fn start() -> Self {
        Self::start_in(&std::env::temp_dir()).await
    }

    /// The same with its folder below this one, for who minds on which disk it lies.
    ///
    /// # Panics
    /// As [`Rabbit::start`].
    pub async fn start_in(place: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("candor-rabbit-").tempdir_in(place).unwrap();
        for name in ["data", "log"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut cookie = std::fs::File::options();
        cookie.write(true).create_new(true).mode(0o400);
        std::io::Write::write_all(
            &mut cookie.open(folder.path().join(".erlang.cookie")).unwrap(),
            format!("candor{}", std::process::id()).as_bytes(),
        )
        .unwrap();
        std::fs::write(folder.path().join("rabbitmq.conf"), CONFIGURATION).unwrap();
        std::fs::write(folder.path().join("enabled_plugins"), "[].\n").unwrap();
        let (port, epmd_port, distribution_port) =
            (free_address().port(), free_address().port(), free_address().port());
        let mut epmd = child::command(Path::new("epmd"), "KILL");
        epmd.args(["-address", "127.0.0.1", "-port", &epmd_port.to_string()]);
        let epmd = Child::spawn(epmd).expect("epmd, of Debian's package erlang-base");
        let mut rabbit = Self { folder, port, epmd_port, distribution_port, _epmd: epmd, node: None };
        rabbit.up().await;
        rabbit
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// Where it keeps data and logs; what was sent durably lies in files below.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its queues, each with how many messages are in it, those included that somebody is at work on.
    ///
    /// # Panics
    /// When the node does not answer.
    pub fn queues(&self) -> BTreeMap<String, u64> {
        let mut command = child::command(&script().with_file_name("rabbitmqctl"), "KILL");
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "LANG"));
        command
            .env("HOME", self.folder.path())
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .args([
                "--node",
                "candor@localhost",
                "--quiet",
                "list_queues",
                "name",
                "messages",
                "--no-table-headers",
            ]);
        let said = command.output().expect("rabbitmqctl runs");
        let text = String::from_utf8_lossy(&said.stdout);
        assert!(said.status.success(), "{text}{}", String::from_utf8_lossy(&said.stderr));
        let lines = text.lines().filter_map(|line| line.split_once('\t'));
        lines.map(|(name, count)| (name.to_owned(), count.trim().parse().unwrap())).collect()
    }

    /// Starts the node again, and waits until it serves.
    ///
    /// # Panics
    /// With its log, when it does not come up.
    pub async fn up(&mut self) {
        assert!(self.node.is_none(), "the node runs already");
        let node = Child::spawn(self.command()).expect("RabbitMQ's server script starts");
        let log = || std::fs::read_to_string(self.folder.path().join("log/console.log")).unwrap_or_default();
        eventually("RabbitMQ serves", Duration::from_secs(90), async || {
            assert!(node.alive(), "RabbitMQ ended; it said:\n{}", log());
            speaks_amqp(self.port).await
        })
        .await;
        self.node = Some(node);
    }

    /// Ends the node as an operator would; what is durable stays. About 6 s.
    ///
    /// # Panics
    /// When it does not end within 30 s.
    pub async fn stop(&mut self) {
        let Some(mut node) = self.node.take() else { return };
        node.signal(Signal::TERM);
        let ended = tokio::time::timeout(Duration::from_secs(30), node.wait()).await;
        assert!(ended.is_ok(), "RabbitMQ does not end");
    }

    /// Stops the node in its tracks: its connections stay open, and nothing is answered.
    pub fn freeze(&self) {
        if let Some(node) = &self.node {
            node.signal(Signal::STOP);
        }
    }

    /// Lets it go on where it was.
    pub fn thaw(&self) {
        if let Some(node) = &self.node {
            node.signal(Signal::CONT);
        }
    }

    /// Kills the node as a power cut would.
    pub fn kill(&mut self) {
        self.node.take();
    }

    fn command(&self) -> Command {
        let path = |name: &str| self.folder.path().join(name);
        let log = std::fs::File::options().create(true).append(true).open(path("log/console.log")).unwrap();
        let mut command = child::command(&script(), "KILL");
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "LANG"));
        command
            .env("HOME", self.folder.path())
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_NODENAME", "candor@localhost")
            .env("RABBITMQ_MNESIA_BASE", path("data"))
            .env("RABBITMQ_LOG_BASE", path("log"))
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("enabled_plugins"))
            .env("RABBITMQ_PID_FILE", path("pid"))
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            // The script then becomes the node instead of waiting for it as a child: one process, one pid.
            .env("RABBITMQ_ALLOW_INPUT", "true")
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-noinput -kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
            )
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        command
    }
}

const CONFIGURATION: &str = "\
log.console = true
log.console.level = warning
log.file = false
disk_free_limit.absolute = 50MB
";

/// The server script. The one on the `PATH` is Debian's wrapper, which insists on the user rabbitmq.
fn script() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/rabbitmq/lib").into_iter().flatten().flatten();
    let mut scripts: Vec<_> = versions.map(|entry| entry.path().join("sbin/rabbitmq-server")).collect();
    scripts.sort();
    scripts
        .pop()
        .expect("RabbitMQ is not installed: run, as root, apt-get install rabbitmq-server, or `make test`")
}

/// Whether a broker answers the protocol's greeting with its first frame.
async fn speaks_amqp(port: u16) -> bool {
    let greet = async {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"AMQP\x00\x00\x09\x01").await?;
        stream.read_u8().await
    };
    matches!(tokio::time::timeout(Duration::from_secs(5), greet).await, Ok(Ok(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_survives_a_stop_and_a_kill_on_the_same_address() {
        let mut rabbit = Rabbit::start().await;
        let url = rabbit.url();
        rabbit.stop().await;
        assert!(!speaks_amqp(rabbit.port).await);
        rabbit.up().await;
        rabbit.kill();
        assert!(!speaks_amqp(rabbit.port).await);
        rabbit.up().await;
        assert_eq!(rabbit.url(), url);
    }
}
