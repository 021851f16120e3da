//! Which plots there are, and what stands on them.

use super::svg::{Axis, Chart, Line};
use super::table::{digits, thousands};
use super::{Comparison, Series};

/// A plot to be.
struct Plot {
    /// The name of its series and of its file.
    name: &'static str,
    title: &'static str,
    x: fn() -> Axis,
    y: fn() -> Axis,
}

const PLOTS: [Plot; 5] = [
    Plot { name: "cost-window-90d", title: "Tools of a project in the last 90 days", x: history, y: time },
    Plot { name: "cost-window-7d", title: "Tools of a project in the last 7 days", x: history, y: time },
    Plot { name: "cost-ever", title: "Tools of a project since ever", x: history, y: time },
    Plot { name: "throughput-by-batch", title: "Durable appends, by size of the batch", x: batch, y: rate },
    Plot { name: "throughput-by-threads", title: "Durable appends of one event, by threads", x: threads, y: rate },
];

/// The plots of a comparison: name, title and SVG; those without data are left out.
pub(super) fn plots(comparison: &Comparison) -> Vec<(&'static str, &'static str, String)> {
    let draw = |plot: &Plot| {
        let of_plot = |series: &&Series| series.plot == plot.name;
        let line = |series: &Series| Line { name: series.subject.clone(), points: series.points.clone() };
        let chart = Chart {
            title: plot.title.to_owned(),
            subtitle: subtitle(comparison, plot.name.starts_with("cost")),
            x: (plot.x)(),
            y: (plot.y)(),
            lines: comparison.series.iter().filter(of_plot).map(line).collect(),
        };
        Some((plot.name, plot.title, chart.svg()?))
    };
    PLOTS.iter().filter_map(draw).collect()
}

fn subtitle(comparison: &Comparison, is_of_queries: bool) -> String {
    let (events, days) = (thousands(comparison.events), comparison.days);
    if is_of_queries {
        format!("median, up to {events} events over {days} days, always as dense; lower is better")
    } else {
        format!("into stores that hold {events} events; higher is better")
    }
}

fn history() -> Axis {
    Axis { label: "events in the store", tick: short }
}

fn batch() -> Axis {
    Axis { label: "events in a batch", tick: short }
}

fn threads() -> Axis {
    Axis { label: "threads", tick: short }
}

fn time() -> Axis {
    Axis { label: "Time", tick: duration }
}

fn rate() -> Axis {
    Axis { label: "Events per second", tick: short }
}

/// A count, short: 20k, 5M.
fn short(value: f64) -> String {
    match value {
        1e6.. => format!("{}M", plain(value / 1e6)),
        1e3.. => format!("{}k", plain(value / 1e3)),
        _ => plain(value),
    }
}

/// Microseconds, short: 20 µs, 5 ms.
fn duration(value: f64) -> String {
    match value {
        1e6.. => format!("{} s", plain(value / 1e6)),
        1e3.. => format!("{} ms", plain(value / 1e3)),
        _ => format!("{} µs", plain(value)),
    }
}

/// A number without zeros that say nothing.
fn plain(value: f64) -> String {
    let text = digits(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{duration, short};

    #[test]
    fn ticks_are_short() {
        assert_eq!([1.0, 20.0, 500.0, 2e3, 1e5, 1e7].map(short), ["1", "20", "500", "2k", "100k", "10M"]);
        assert_eq!([0.1, 1.0, 50.0, 1e3, 2e6].map(duration), ["0.1 µs", "1 µs", "50 µs", "1 ms", "2 s"]);
    }
}
