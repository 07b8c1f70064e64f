//! What a process measures of itself.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use std::time::Instant;

/// Begins to measure the process. Its values are read when they are asked for.
pub(super) fn measure(meter: &Meter) {
    let started = Instant::now();
    meter
        .f64_observable_gauge("candor_process_uptime")
        .with_description("How long the process has been running.")
        .with_unit("s")
        .with_callback(move |observer| observer.observe(started.elapsed().as_secs_f64(), &[]))
        .build();
    meter
        .u64_observable_gauge("candor_build_info")
        .with_description("Always 1; its label says which version is running.")
        .with_callback(|observer| {
            observer.observe(1, &[KeyValue::new("version", env!("CARGO_PKG_VERSION"))]);
        })
        .build();
    read(
        meter,
        ("candor_process_resident_memory", "By"),
        "Memory of the machine that the process holds.",
        resident_bytes,
    );
    read(meter, ("candor_process_threads", ""), "Threads of the process.", threads);
    read(meter, ("candor_process_open_fds", ""), "Files and connections that the process has open.", open);
    read(meter, ("candor_process_max_fds", ""), "How many of them it may have open.", max_open);
}

/// A value that Linux tells; elsewhere there is none.
fn read(
    meter: &Meter,
    (name, unit): (&'static str, &'static str),
    description: &'static str,
    value: fn() -> Option<u64>,
) {
    let gauge = meter.u64_observable_gauge(name).with_description(description).with_unit(unit);
    gauge
        .with_callback(move |observer| value().into_iter().for_each(|now| observer.observe(now, &[])))
        .build();
}

fn resident_bytes() -> Option<u64> {
    let line = line("/proc/self/status", "VmRSS:")?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

fn threads() -> Option<u64> {
    line("/proc/self/status", "Threads:")?.trim().parse().ok()
}

fn open() -> Option<u64> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    open.checked_sub(1)?.try_into().ok() // one of them is the folder that is being read
}

fn max_open() -> Option<u64> {
    line("/proc/self/limits", "Max open files")?.split_whitespace().next()?.parse().ok()
}

/// What stands in a file's line after its beginning.
fn line(file: &str, beginning: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(beginning)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_its_memory_threads_and_files() {
        assert!(resident_bytes().unwrap() > 1024 * 1024);
        assert!(threads().unwrap() >= 1);
        let _held: Vec<_> = (0..10).map(|_| std::fs::File::open("/proc/self/stat").unwrap()).collect();
        assert!((13..max_open().unwrap()).contains(&open().unwrap()));
    }
}
