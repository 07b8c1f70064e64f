//! The journal in a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main(
        |config: journal::Config, host| async move {
            let transport = config.transport()?;
            journal::run(config, host, transport).await
        },
        |config: journal::Config| async move {
            let transport = config.transport()?;
            journal::migrate(config, transport).await
        },
    )
}
