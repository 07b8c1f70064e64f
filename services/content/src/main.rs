//! The content service in a process of its own.

use content::Config;
use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::process::main(
        |config: Config, host| async move {
            let transport = config.transport()?;
            content::run(config, host, transport).await
        },
        |config: Config| async move {
            let transport = config.transport()?;
            content::migrate(config, transport).await
        },
    )
}
