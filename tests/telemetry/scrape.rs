//! What a process shows under `/metrics`, read.

use candor_tests::Rest;
use std::collections::{BTreeMap, BTreeSet};

/// The samples of one metric: each with its labels, and its value.
pub(crate) type Samples = BTreeMap<BTreeMap<String, String>, f64>;

/// All metrics of one or more processes, by name. Of a histogram there is the number of its observations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scrape(pub(crate) BTreeMap<String, Samples>);

impl Scrape {
    /// Of one process, whose name every sample is given as the label `process`.
    pub(crate) async fn of(process: &str, operators: &Rest) -> Self {
        let reply = operators.exchange("GET", "/metrics", &[], Vec::new()).await.unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        Self::read(process, &reply.body)
    }

    /// What a process wrote.
    pub(crate) fn read(process: &str, text: &str) -> Self {
        let mut scrape = Self::default();
        let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        let histograms: BTreeSet<&str> =
            kinds.filter(|(_, kind)| *kind == "histogram").map(|(name, _)| name).collect();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let part = |suffix: &str| name.strip_suffix(suffix).filter(|name| histograms.contains(name));
            if part("_bucket").or(part("_sum")).is_some() {
                continue;
            }
            let name = part("_count").unwrap_or(name).to_owned();
            let mut labels = read_labels(labels.trim_end_matches('}'));
            labels.insert("process".to_owned(), process.to_owned());
            scrape.0.entry(name).or_default().insert(labels, value.parse().unwrap());
        }
        scrape
    }

    /// Adds another process'.
    pub(crate) fn merge(&mut self, other: Self) {
        for (name, samples) in other.0 {
            self.0.entry(name).or_default().extend(samples);
        }
    }

    /// The sum of a metric's samples that have these labels; 0 where there are none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |found: &BTreeMap<String, String>| {
            labels.iter().all(|(key, value)| found.get(*key).is_some_and(|found| found == value))
        };
        let samples = self.0.get(name).into_iter().flatten();
        samples.filter(|(found, _)| fits(found)).map(|(_, value)| value).sum()
    }
}

/// Everything there was to see, one scrape after the other.
#[derive(Default)]
pub(crate) struct Scrapes(pub(crate) Vec<Scrape>);

impl Scrapes {
    /// Adds a scrape. Processes it says nothing of are as they were: they were not asked.
    pub(crate) fn add(&mut self, scrape: Scrape) {
        let mut all = self.0.last().cloned().unwrap_or_default();
        all.merge(scrape);
        self.0.push(all);
    }
}

/// `a="1",b="2"`, as it is written.
fn read_labels(text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while let Some((name, value)) = rest.split_once("=\"") {
        let end = value.find('"').unwrap();
        labels.insert(name.trim_start_matches(',').to_owned(), value[..end].to_owned());
        rest = &value[end + 1..];
    }
    labels
}

#[test]
fn metrics_are_read_as_they_are_written() {
    let text = "# HELP a_seconds Of a.\n# TYPE a_seconds histogram\na_seconds_bucket{to=\"{b}\",le=\"1\"} 2\n\
                a_seconds_sum{to=\"{b}\"} 0.5\na_seconds_count{to=\"{b}\"} 2\n# TYPE c_total counter\nc_total 7\n";
    let scrape = Scrape::read("p", text);
    assert_eq!(scrape.0.keys().collect::<Vec<_>>(), ["a_seconds", "c_total"]);
    assert_eq!(scrape.sum("a_seconds", &[("to", "{b}"), ("process", "p")]), 2.0);
    assert_eq!((scrape.sum("c_total", &[]), scrape.sum("c_total", &[("to", "b")])), (7.0, 0.0));
}
