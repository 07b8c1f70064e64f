//! The journal in a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main(
        |config: journal::Config, host| async move {
            let transport = config.transport()?;
            journal::run(config, host, transport).await
        },
        journal::migrate,
    )
}
