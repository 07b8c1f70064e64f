//! Reading the tree, and the rules every source file keeps.

use std::fs;
use std::path::{Path, PathBuf};

/// The services with a database, all of one shape.
pub(crate) const SERVICES: [&str; 4] = ["accounts", "journal", "reminders", "content"];
/// The crates every service stands on.
pub(crate) const SHARED: [&str; 5] = ["chassis", "bus", "vault", "mail", "private-postgres"];

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// One source file: its path below the root, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The text up to the first test module, without comments: what ships.
    pub(crate) fn shipped(&self) -> String {
        let end = self.text.find("#[cfg(test)]").unwrap_or(self.text.len());
        self.text[..end]
            .lines()
            .map(|line| if line.trim_start().starts_with("//") { "" } else { line })
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

/// Every file below `folder` (relative to the root) whose name ends in `suffix`.
pub(crate) fn files(folder: &str, suffix: &str) -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root().join(folder), suffix, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, suffix: &str, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["target", "node_modules", ".git", ".sqlx", ".candor", ".candor-demo"]
                .contains(&name.as_str())
            {
                walk(&path, suffix, found);
            }
        } else if name.ends_with(suffix)
            && let Ok(text) = fs::read_to_string(&path)
        {
            let path = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.push(Source { path, text });
        }
    }
}

/// Fails with everything that breaks a rule, and what to do instead.
pub(crate) fn refuse(broken: &[String], instead: &str) {
    assert!(broken.is_empty(), "\n{}\n→ {instead}\n", broken.join("\n"));
}

#[test]
fn file_names_say_what_is_inside() {
    let vague = ["utils.rs", "util.rs", "helpers.rs", "helper.rs", "common.rs", "manager.rs", "misc.rs"];
    let broken: Vec<_> = files("", ".rs")
        .into_iter()
        .filter(|f| vague.iter().any(|name| f.path.ends_with(&format!("/{name}"))))
        .map(|f| f.path)
        .collect();
    refuse(&broken, "name the file after the one thing it holds");
}

#[test]
fn files_stay_readable() {
    let broken: Vec<_> = files("", ".rs")
        .into_iter()
        .filter(|f| !f.is_test())
        .map(|f| (f.shipped().lines().count(), f.path))
        .filter(|(lines, _)| *lines > 420)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    refuse(&broken, "over about 400 lines a file becomes a folder of that name");
}

#[test]
fn nothing_sleeps_in_tests() {
    let broken: Vec<_> = files("", ".rs")
        .into_iter()
        .filter(|f| f.path != "tests/architecture/sources.rs")
        .filter(|f| f.is_test() || f.text.contains("#[cfg(test)]"))
        .filter(|f| {
            let start = if f.is_test() { 0 } else { f.text.find("#[cfg(test)]").unwrap_or(0) };
            f.text[start..].contains("time::sleep(") || f.text[start..].contains("thread::sleep(")
        })
        .map(|f| f.path)
        .collect();
    refuse(&broken, "wait for the condition itself: a notify, or candor_tests::eventually");
}

#[test]
fn no_path_of_a_machine_is_committed() {
    let broken: Vec<_> = files("", "")
        .into_iter()
        // In a second working tree `.git` is a file that says where the first one is.
        .filter(|f| {
            !f.path.ends_with(".lock") && f.path != "tests/architecture/sources.rs" && f.path != ".git"
        })
        .flat_map(|f| {
            let path = f.path.clone();
            f.text
                .lines()
                .enumerate()
                .filter(|(_, line)| {
                    ["/home/", "/root/", "/work/"].iter().any(|p| {
                        line.match_indices(p).any(|(at, _)| {
                            !line[..at]
                                .ends_with(|c: char| c.is_alphanumeric() || c == '.' || c == '_' || c == '}')
                        })
                    })
                })
                .map(move |(n, _)| format!("{path}:{}", n + 1))
                .collect::<Vec<_>>()
        })
        .collect();
    refuse(&broken, "say it relative to the repository");
}
