//! A Candor on the machine's clock, in either form, and the trouble it gets into.

use crate::member::PATIENCE;
use crate::stage::Stage;
use candor_tests::five::SECOND_JOURNAL;
use candor_tests::{One, Rabbit, Rest, eventually, rabbit};
use std::process::Output;
use tonic::transport::Channel;

/// What is broken while something is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// The broker stopped in its tracks before: events leave and are not confirmed.
    BrokerFrozen,
    /// The broker was shut down before.
    BrokerDown,
    /// Accounts stops in its tracks as soon as it has answered.
    AccountsFrozen,
    /// Accounts is killed as soon as it has answered.
    AccountsDown,
    /// One replica of the journal stopped in its tracks before, and goes on holding what it is sent.
    ReplicaPaused,
}

impl Trouble {
    /// The replica that does not answer meanwhile.
    pub(crate) fn paused(self) -> Option<&'static str> {
        (self == Self::ReplicaPaused).then_some(SECOND_JOURNAL)
    }
}

/// A running Candor; in the form with processes, the journal has two replicas.
pub(crate) enum Place {
    One(Box<One>),
    Five(Box<Stage>, Option<Rabbit>),
}

impl Place {
    pub(crate) async fn one_process() -> Self {
        Self::One(Box::new(One::start_on_the_machines_clock().await))
    }

    pub(crate) async fn five_processes() -> Self {
        let broker = rabbit().await;
        Self::five(broker.url, broker.exchange, None).await
    }

    /// With a broker that may be stopped.
    pub(crate) async fn five_processes_with_a_broker() -> Self {
        let broker = Rabbit::start().await;
        Self::five(broker.url(), "candor.events".to_owned(), Some(broker)).await
    }

    async fn five(url: String, exchange: String, broker: Option<Rabbit>) -> Self {
        let mut stage = Stage::on_the_machines_clock(url, exchange).await;
        stage.five.up(SECOND_JOURNAL).await;
        Self::Five(Box::new(stage), broker)
    }

    pub(crate) fn grpc(&self, service: &str) -> Channel {
        match self {
            Self::One(one) => one.grpc(service),
            Self::Five(stage, _) => stage.five.grpc(service),
        }
    }

    pub(crate) fn rest(&self) -> Rest {
        match self {
            Self::One(one) => one.rest(),
            Self::Five(stage, _) => stage.five.rest(),
        }
    }

    /// Runs a command of whoever operates it.
    pub(crate) fn command(&self, line: &[&str], input: &str) -> Output {
        match self {
            Self::One(one) => one.command(line, input),
            Self::Five(stage, _) => stage.five.command(line, input),
        }
    }

    /// Every replica of the journal.
    pub(crate) fn journals(&self) -> Vec<(&'static str, Channel)> {
        match self {
            Self::One(one) => vec![("journal", one.grpc("journal"))],
            Self::Five(stage, _) => {
                ["journal", SECOND_JOURNAL].map(|replica| (replica, stage.five.grpc(replica))).into()
            }
        }
    }

    pub(crate) async fn mailed_token(&self, email: &str) -> String {
        match self {
            Self::One(one) => one.mailed_token(email).await,
            Self::Five(stage, _) => stage.five.mailed_token(email).await,
        }
    }

    fn stage(&mut self) -> (&mut Stage, Option<&mut Rabbit>) {
        match self {
            Self::One(_) => panic!("one process has no parts that break by themselves"),
            Self::Five(stage, broker) => (stage, broker.as_mut()),
        }
    }

    fn broker(&mut self) -> &mut Rabbit {
        self.stage().1.expect("a broker of its own")
    }

    /// The trouble that is there before something is taken back.
    pub(crate) async fn begin(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::None | Trouble::AccountsFrozen | Trouble::AccountsDown => {}
            Trouble::BrokerFrozen => self.broker().freeze(),
            Trouble::BrokerDown => self.broker().stop().await,
            Trouble::ReplicaPaused => self.stage().0.five.process(SECOND_JOURNAL).freeze(),
        }
    }

    /// The trouble that follows at once.
    pub(crate) fn follow(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::AccountsFrozen => self.stage().0.five.process("accounts").freeze(),
            Trouble::AccountsDown => self.stage().0.five.kill("accounts"),
            _ => {}
        }
    }

    /// It is over; everything is up again.
    pub(crate) async fn end(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::None => {}
            Trouble::BrokerFrozen => self.broker().thaw(),
            Trouble::BrokerDown => self.broker().up().await,
            Trouble::AccountsFrozen => self.stage().0.five.process("accounts").thaw(),
            Trouble::AccountsDown => self.stage().0.five.launch("accounts"),
            Trouble::ReplicaPaused => self.stage().0.five.process(SECOND_JOURNAL).thaw(),
        }
        let Self::Five(stage, _) = self else { return };
        for program in ["accounts", "journal", SECOND_JOURNAL] {
            stage.five.ready(program).await;
        }
        eventually("accounts has told everything", PATIENCE * 3, async || {
            stage.rows("accounts", "bus.outbox").await == 0
        })
        .await;
    }

    pub(crate) async fn stop(self) {
        match self {
            Self::One(one) => one.stop().await,
            Self::Five(stage, _) => stage.five.stop().await,
        }
    }
}
