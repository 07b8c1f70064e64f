//! The table, for people and as JSON lines.

use crate::arguments::Arguments;
use serde_json::json;
use std::fmt;

/// What a figure is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// The ratio is at least this.
    AtLeast(f64),
    /// The ratio is at most this.
    AtMost(f64),
    /// Our figure is at least this, whatever the ratio.
    FigureAtLeast(f64),
    /// Our figure is at most this, whatever the ratio.
    FigureAtMost(f64),
    /// None: it is there to be compared with.
    None,
    /// To be measured at all: it was not.
    Missed,
}

/// One figure.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) figure: String,
    /// How much.
    pub(crate) ours: f64,
    /// What stands beside it.
    pub(crate) beside: &'static str,
    /// How much that is, where there is one.
    pub(crate) denominator: Option<f64>,
    /// What ours is to it.
    pub(crate) ratio: Option<f64>,
    /// The unit of both.
    pub(crate) unit: &'static str,
    pub(crate) goal: Goal,
}

impl Row {
    fn met(&self) -> Option<bool> {
        let ratio = self.ratio.unwrap_or(f64::NAN);
        match self.goal {
            Goal::AtLeast(goal) => Some(ratio >= goal),
            Goal::AtMost(goal) => Some(ratio <= goal),
            Goal::FigureAtLeast(goal) => Some(self.ours >= goal),
            Goal::FigureAtMost(goal) => Some(self.ours <= goal),
            Goal::None => None,
            Goal::Missed => Some(false),
        }
    }

    /// What stands in the table instead of a section that went wrong.
    pub(crate) fn failed(section: &str) -> Self {
        Self {
            figure: format!("{section}: what was timed did not happen as it is meant to"),
            ours: f64::NAN,
            beside: "",
            denominator: None,
            ratio: None,
            unit: "/s",
            goal: Goal::Missed,
        }
    }

    fn goal_text(&self) -> String {
        match self.goal {
            Goal::AtLeast(goal) => format!("≥ {goal}"),
            Goal::AtMost(goal) => format!("≤ {goal}"),
            Goal::FigureAtLeast(goal) => format!("≥ {}", amount(goal, self.unit)),
            Goal::FigureAtMost(goal) => format!("≤ {}", amount(goal, self.unit)),
            Goal::None | Goal::Missed => String::new(),
        }
    }

    fn cells(&self) -> [String; 7] {
        let met = match (self.goal, self.met()) {
            (Goal::Missed, _) => "FAILED",
            (_, Some(true)) => "met",
            (_, Some(false)) => "NOT MET",
            (_, None) => "",
        };
        [
            self.figure.clone(),
            amount(self.ours, self.unit),
            self.beside.to_owned(),
            self.denominator.map(|number| amount(number, self.unit)).unwrap_or_default(),
            self.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            self.goal_text(),
            met.to_owned(),
        ]
    }
}

fn amount(number: f64, unit: &str) -> String {
    if number.is_nan() {
        return "–".to_owned();
    }
    let digits = if number.abs() < 100.0 { 1 } else { 0 };
    if unit == "/s" { format!("{number:.digits$}/s") } else { format!("{number:.digits$} {unit}") }
}

/// All figures of a run.
pub(crate) struct Table {
    rounds: usize,
    seconds: u64,
    load_before: String,
    rows: Vec<(&'static str, Row)>,
}

const HEADS: [&str; 7] = ["figure", "ours", "beside", "", "ratio", "goal", ""];

impl Table {
    /// An empty one, for a run that begins now.
    pub(crate) fn new(arguments: &Arguments) -> Self {
        let load_before = read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ");
        let seconds = arguments.turn.as_secs();
        Self { rounds: arguments.rounds, seconds, load_before, rows: Vec::new() }
    }

    /// Adds a section's figures.
    pub(crate) fn add(&mut self, section: &'static str, rows: Vec<Row>) {
        self.rows.extend(rows.into_iter().map(|row| (section, row)));
    }

    /// One JSON object a line for each figure, after one about the machine.
    pub(crate) fn json_lines(&self) -> String {
        let mut lines = vec![json!({
            "machine": machine(), "rounds": self.rounds, "seconds": self.seconds, "load_before": self.load_before,
        })];
        lines.extend(self.rows.iter().map(|(section, row)| {
            json!({
                "section": section, "figure": row.figure, "ours": row.ours, "unit": row.unit, "beside": row.beside,
                "denominator": row.denominator, "ratio": row.ratio, "goal": row.goal_text(), "met": row.met(),
                "failed": matches!(row.goal, Goal::Missed),
            })
        }));
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![HEADS.map(str::to_owned)];
        lines.extend(self.rows.iter().map(|(_, row)| row.cells()));
        let width =
            |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
        for cells in &lines {
            let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(f, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        writeln!(f)?;
        writeln!(f, "{}; load before: {}.", machine(), self.load_before)?;
        writeln!(
            f,
            "Medians of {} rounds of {} s in turns; a ratio is the median of the rounds' own ratios. fsync and\n\
             synchronous_commit are on for both sides, and asserted. The load generator, PostgreSQL, RabbitMQ and Candor share the\n\
             machine's cores; pgbench needs less of them for itself than a gRPC or HTTP client does.",
            self.rounds, self.seconds
        )
    }
}

/// The machine, as far as figures depend on it.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let cpu = read("/proc/cpuinfo");
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).unwrap_or_default();
    let memory = read("/proc/meminfo");
    let kilobytes: Option<u64> = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok());
    format!("{cores} cores ({}), {} GiB", model.1, kilobytes.unwrap_or_default() / 1024 / 1024)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

#[test]
fn a_section_that_went_wrong_stands_in_both_forms() {
    let arguments = Arguments::parse(std::iter::empty(), &[]).unwrap();
    let mut table = Table::new(&arguments);
    table.add("append", vec![Row::failed("append")]);
    let line = table.to_string().lines().find(|line| line.starts_with("append: ")).unwrap().to_owned();
    assert!(line.ends_with("FAILED"), "{line}");
    let json = table.json_lines();
    let row: serde_json::Value = serde_json::from_str(json.lines().nth(1).unwrap()).unwrap();
    assert_eq!(
        (&row["section"], &row["met"], &row["failed"]),
        (&json!("append"), &json!(false), &json!(true))
    );
}
