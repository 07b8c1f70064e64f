//! The command line.

use std::path::PathBuf;
use std::time::Duration;

/// What is to be measured, and how long.
#[derive(Clone)]
pub(crate) struct Arguments {
    only: Vec<String>,
    /// How often each figure and what stands beside it take turns.
    pub(crate) rounds: usize,
    /// How long a turn is.
    pub(crate) turn: Duration,
    /// Where the figures go as JSON lines.
    pub(crate) json: Option<PathBuf>,
}

const USAGE: &str = "Use: bench [--only SECTION[,SECTION…]] [--rounds N] [--seconds S] [--json FILE].";

impl Arguments {
    /// Reads the arguments; `sections` are those there are.
    ///
    /// # Errors
    /// A sentence that says how to use it.
    pub(crate) fn parse(mut given: impl Iterator<Item = String>, sections: &[&str]) -> Result<Self, String> {
        let mut arguments = Self { only: Vec::new(), rounds: 3, turn: Duration::from_secs(5), json: None };
        while let Some(name) = given.next() {
            let value = given.next().ok_or_else(|| format!("{name} needs a value. {USAGE}"))?;
            let number = || value.parse::<u16>().ok().filter(|number| *number > 0);
            match name.as_str() {
                "--only" => arguments.only = value.split(',').map(str::to_owned).collect(),
                "--json" => arguments.json = Some(value.into()),
                "--rounds" => {
                    arguments.rounds = number().ok_or_else(|| USAGE.to_owned())?.into();
                }
                "--seconds" => {
                    arguments.turn = Duration::from_secs(number().ok_or_else(|| USAGE.to_owned())?.into());
                }
                _ => return Err(format!("{name} is not known. {USAGE}")),
            }
        }
        match arguments.only.iter().find(|name| !sections.contains(&name.as_str())) {
            Some(unknown) => {
                Err(format!("There is no section {unknown}; these are: {}.", sections.join(", ")))
            }
            None => Ok(arguments),
        }
    }

    /// Whether a section is to be measured.
    pub(crate) fn wants(&self, section: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == section)
    }
}
