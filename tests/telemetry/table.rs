//! What was scraped, held against the table of `ARCHITECTURE.md`.

use crate::scrape::Scrape;
use std::collections::{BTreeMap, BTreeSet};

/// What stays as it is while a process runs.
const CONSTANT: [&str; 4] =
    ["candor_build_info", "candor_database_connections_limit", "candor_process_max_fds", "target_info"];

/// Every metric of the table moved, but those that cannot.
pub(crate) fn everything_moved(scrapes: &[Scrape]) {
    let documented = documented();
    let still: Vec<&str> = documented
        .keys()
        .map(String::as_str)
        .filter(|name| !CONSTANT.contains(name) && !moved(name, scrapes))
        .collect();
    assert!(still.is_empty(), "\n{still:#?}\n→ never moved: have what they measure happen\n");
}

/// Whether a sample of a metric changed. One that is not there yet counts as 0, so appearing alone is no change.
fn moved(name: &str, scrapes: &[Scrape]) -> bool {
    let of = |scrape: &Scrape| scrape.0.get(name).cloned().unwrap_or_default();
    let each: Vec<_> = scrapes.iter().map(of).collect();
    let series: BTreeSet<_> = each.iter().flat_map(BTreeMap::keys).collect();
    let value = |samples: &BTreeMap<_, f64>, labels| samples.get(labels).copied().unwrap_or_default();
    series
        .into_iter()
        .any(|labels| each.windows(2).any(|two| value(&two[0], labels) != value(&two[1], labels)))
}

/// What is scraped is what the table has, and the other way.
pub(crate) fn names_are_those_of_the_table(scrape: &Scrape) {
    let documented: BTreeSet<String> = documented().into_keys().collect();
    let scraped: BTreeSet<String> = scrape.0.keys().cloned().collect();
    let (unsaid, gone) = (&scraped - &documented, &documented - &scraped);
    assert!(
        unsaid.is_empty(),
        "\n{unsaid:#?}\n→ say what they measure in ARCHITECTURE.md, `What is measured`\n"
    );
    assert!(
        gone.is_empty(),
        "\n{gone:#?}\n→ ARCHITECTURE.md, `What is measured`, has rows nothing measures\n"
    );
}

/// Every label is in the table, and no value is one that grows with the number of people.
pub(crate) fn labels_say_nothing_of_anybody(scrapes: &[Scrape]) {
    let documented = documented();
    for (name, samples) in
        scrapes.iter().flat_map(|scrape| &scrape.0).filter(|(name, _)| *name != "target_info")
    {
        let known = &documented[name];
        for (label, value) in samples.keys().flatten().filter(|(label, _)| *label != "process") {
            assert!(known.contains(label), "{name} has a label {label}, which the table does not know");
            let digits = value.bytes().filter(u8::is_ascii_digit).count();
            let bounded = value.len() <= 80 && (digits <= 3 || label == "database");
            assert!(bounded && !value.contains('@'), "{name} has {label}={value}");
        }
        assert!(samples.len() <= 400, "{name} has {} samples", samples.len());
    }
}

/// The table of `ARCHITECTURE.md`: names, with their labels.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../ARCHITECTURE.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("## What is measured").expect("the section");
    let section = section.split("\n## ").next().unwrap();
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let rows = section.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        (quoted(cells[0]), quoted(cells[1]).into_iter().collect::<BTreeSet<_>>())
    });
    rows.flat_map(|(names, labels)| names.into_iter().map(move |name| (name, labels.clone()))).collect()
}

#[test]
fn a_metric_that_stays_as_it_is_has_not_moved() {
    let first = "still_total 1\nstill_total{of=\"b\"} 0\ngauge 3\n";
    let then = "still_total 1\nstill_total{of=\"b\"} 0\nappeared_total 0\ncounted_total 1\ngauge 2\n";
    let mut scrapes = crate::scrape::Scrapes::default();
    for text in [first, then] {
        let mut all = Scrape::read("gateway", text);
        all.merge(Scrape::read("journal", text));
        scrapes.add(all);
    }
    // One process was asked alone: the others' samples did not go away.
    scrapes.add(Scrape::read("gateway", then));
    for (name, expected) in
        [("still_total", false), ("appeared_total", false), ("counted_total", true), ("gauge", true)]
    {
        assert_eq!(moved(name, &scrapes.0), expected, "{name}");
    }
}
