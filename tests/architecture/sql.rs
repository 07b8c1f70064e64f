//! Where SQL lives, and what it may say.

use crate::sources::{SERVICES, files, refuse};

#[test]
fn sql_lives_in_the_store() {
    let mut broken = Vec::new();
    for service in SERVICES {
        for file in files(&format!("services/{service}/src"), ".rs") {
            let in_store = file.path.contains("/src/store");
            let code = file.shipped();
            if !in_store
                && (code.contains("sqlx::query") || code.contains("query!(") || code.contains("query_as!("))
            {
                broken.push(file.path);
            }
        }
    }
    refuse(&broken, "all SQL of a service stands in store.rs, as free functions on &mut PgConnection");
}

#[test]
fn sql_is_checked_and_asks_no_clock() {
    let mut broken = Vec::new();
    for file in files("services", ".rs") {
        let code = file.shipped();
        if file.path.contains("/src/") {
            for unchecked in ["sqlx::query(", "sqlx::query_as(", "sqlx::query_scalar(", "query_unchecked!"] {
                // private-postgres has no tables of its own, only CREATE DATABASE, which cannot be prepared.
                if code.contains(unchecked)
                    && !file.path.contains("private-postgres")
                    && !file.path.contains("services/candor/")
                {
                    broken.push(format!("{} has {unchecked}…)", file.path));
                }
            }
        }
        for word in ["now()", "CURRENT_TIMESTAMP", "clock_timestamp()"] {
            // A method of that name is the injected clock's: where quotes are escaped, code looks like text here.
            let in_sql =
                code.split('"').skip(1).step_by(2).any(|text| text.replace(".now()", "").contains(word));
            if in_sql && file.path.contains("/src/") {
                broken.push(format!("{} asks the database for the time", file.path));
            }
        }
    }
    for file in files("services", ".sql") {
        let lower = file.text.to_lowercase();
        if lower.contains("now()") || lower.contains("current_timestamp") {
            broken.push(format!("{} asks the database for the time", file.path));
        }
    }
    refuse(&broken, "use query!, query_as! or query_scalar!, and bind the injected clock's time");
}

/// The columns of every CREATE TABLE of a migration.
fn columns(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for statement in text.split("CREATE TABLE ").skip(1) {
        let table = statement.split(['(', ' ', '\n']).next().unwrap_or_default().to_owned();
        if statement.split(';').next().unwrap_or_default().contains("PARTITION OF") {
            continue;
        }
        let body = statement.split_once('(').map(|(_, rest)| rest).unwrap_or_default();
        for line in body.lines().take_while(|l| !l.starts_with(')')) {
            let line = line.trim();
            let first = line.split_whitespace().next().unwrap_or_default();
            let is_column = first.chars().next().is_some_and(|c| c.is_ascii_lowercase())
                && line.split_whitespace().nth(1).is_some();
            if is_column {
                found.push((table.clone(), first.trim_end_matches(',').to_owned()));
            }
        }
    }
    found
}

#[test]
fn every_column_says_how_private_it_is() {
    let mut broken = Vec::new();
    let mut seen = 0;
    for file in files("services", ".sql") {
        for (table, column) in columns(&file.text) {
            seen += 1;
            let marked = file.text.lines().any(|line| {
                let mark = ["SEALED", "SENSITIVE", "PLAIN"].iter().any(|m| line.contains(m));
                mark && line.split("--").nth(1).is_some_and(|_| {
                    let code_names_it = line.trim_start().starts_with(&format!("{column} "));
                    code_names_it
                        || line.contains(&format!("-- {column}:"))
                        || line.contains(&format!(" {column}:"))
                })
            });
            if !marked {
                broken.push(format!("{}: {table}.{column}", file.path));
            }
        }
    }
    assert!(seen > 50, "only {seen} columns were found: the reader of migrations is broken");
    refuse(&broken, "mark it `-- column: PLAIN | SENSITIVE | SEALED …` beside the CREATE TABLE");
}
