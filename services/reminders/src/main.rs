//! The reminders service in a process of its own.

use reminders::Config;
use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main(
        |config: Config, host| async move {
            let transport = config.transport()?;
            reminders::run(config, host, transport).await
        },
        |config: Config| async move {
            let transport = config.transport()?;
            reminders::migrate(config, transport).await
        },
    )
}
