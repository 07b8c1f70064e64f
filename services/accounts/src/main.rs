//! Accounts in a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main(
        |config: accounts::Config, host| async move {
            let transport = config.transport()?;
            accounts::run(config, host, transport).await
        },
        |config: accounts::Config| async move {
            let transport = config.transport()?;
            accounts::migrate(config, transport).await
        },
    )
}
