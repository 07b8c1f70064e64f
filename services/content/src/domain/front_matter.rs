//! The facts at the head of an article's file: TOML between two lines of `+++`, read strictly.

use super::library::LibraryError;
use jiff::civil::Date;
use toml::{Table, Value};

/// Splits a file into its facts and its text.
///
/// # Errors
/// When the fences are not there.
pub(super) fn split<'a>(file: &str, text: &'a str) -> Result<(&'a str, &'a str), LibraryError> {
    text.strip_prefix("+++\n")
        .and_then(|rest| rest.split_once("\n+++\n"))
        .ok_or_else(|| LibraryError::new(file, "must begin with TOML between two lines of +++"))
}

/// The keys of one file (or of one table in it). Each is taken once; what is left at the end is unknown.
pub(super) struct Keys<'a> {
    file: &'a str,
    prefix: &'static str,
    table: Table,
}

impl<'a> Keys<'a> {
    /// Parses the facts.
    pub(super) fn parse(file: &'a str, facts: &str) -> Result<Self, LibraryError> {
        let table = facts.parse().map_err(|error: toml::de::Error| {
            LibraryError::new(file, format!("is not valid TOML: {}", error.message()))
        })?;
        Ok(Self { file, prefix: "", table })
    }

    /// An error about a key.
    pub(super) fn wrong(&self, key: &str, rule: &str) -> LibraryError {
        LibraryError::new(self.file, format!("has a key `{}{key}` that {rule}", self.prefix))
    }

    fn take(&mut self, key: &str) -> Result<Value, LibraryError> {
        let missing = || LibraryError::new(self.file, format!("lacks the key `{}{key}`", self.prefix));
        self.table.remove(key).ok_or_else(missing)
    }

    /// A line of text of at most `limit` bytes.
    pub(super) fn text(&mut self, key: &str, limit: usize) -> Result<String, LibraryError> {
        match self.take(key)? {
            Value::String(text) if is_line(&text, limit) => Ok(text),
            _ => Err(self.wrong(key, &format!("must be a line of text of 1 to {limit} bytes"))),
        }
    }

    /// A list of lines of text.
    pub(super) fn texts(&mut self, key: &str, limit: usize) -> Result<Vec<String>, LibraryError> {
        let rule = format!("must be a list of at most 20 lines of text of 1 to {limit} bytes each");
        let Value::Array(values) = self.take(key)? else { return Err(self.wrong(key, &rule)) };
        if values.len() > 20 {
            return Err(self.wrong(key, &rule));
        }
        let line = |value| match value {
            Value::String(text) if is_line(&text, limit) => Ok(text),
            _ => Err(self.wrong(key, &rule)),
        };
        values.into_iter().map(line).collect()
    }

    /// A whole number from `least` to `most`.
    pub(super) fn number<N: TryFrom<i64>>(
        &mut self,
        key: &str,
        least: i64,
        most: i64,
    ) -> Result<N, LibraryError> {
        let number = match self.take(key)? {
            Value::Integer(number) if (least..=most).contains(&number) => N::try_from(number).ok(),
            _ => None,
        };
        number.ok_or_else(|| self.wrong(key, &format!("must be a whole number from {least} to {most}")))
    }

    /// A day, as a string `YYYY-MM-DD`.
    pub(super) fn date(&mut self, key: &str) -> Result<Date, LibraryError> {
        let date = match self.take(key)? {
            Value::String(text) if text.len() == 10 => text.parse().ok(),
            _ => None,
        };
        date.ok_or_else(|| self.wrong(key, "must be a day as \"YYYY-MM-DD\""))
    }

    /// One of a few names.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Result<T, LibraryError> {
        let value = self.take(key)?;
        let chosen = choices.iter().find(|(name, _)| value.as_str() == Some(name));
        chosen.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.wrong(key, &format!("must be one of {}", names.join(", ")))
        })
    }

    /// A table of its own.
    pub(super) fn table(&mut self, key: &str, prefix: &'static str) -> Result<Keys<'a>, LibraryError> {
        match self.take(key)? {
            Value::Table(table) => Ok(Keys { file: self.file, prefix, table }),
            _ => Err(self.wrong(key, "must be a table")),
        }
    }

    /// Refuses what nobody asked for.
    pub(super) fn finish(self) -> Result<(), LibraryError> {
        match self.table.keys().next() {
            Some(key) => Err(self.wrong(key, "is not known")),
            None => Ok(()),
        }
    }
}

fn is_line(text: &str, limit: usize) -> bool {
    (1..=limit).contains(&text.len()) && text.trim() == text && !text.chars().any(char::is_control)
}
