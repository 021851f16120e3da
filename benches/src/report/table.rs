//! The comparison as a table.

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::{Comparison, Row};
use crate::statistics::float;

/// The columns of the table of bars.
pub(super) const COLUMNS: [&str; 8] = ["measure", "backend", "ours", "baseline", "theirs", "ratio", "bar", "met"];
/// What the table of parts is called.
pub(super) const PARTS: &str = "What single rows sum up, or were measured with";
/// Its columns.
pub(super) const PART_COLUMNS: [&str; 6] = ["measure", "backend", "case", "ours", "theirs", "ratio"];
/// The columns of the table of spreads.
pub(super) const SPREAD_COLUMNS: [&str; 9] = ["measure", "who", "of", "runs", "min", "median", "p95", "p99", "worst"];

/// The tables, in plain text: what was measured, what was promised, whether it holds; what single rows sum up;
/// and how repeated runs were spread.
pub fn table(comparison: &Comparison) -> String {
    let bars = grid(&COLUMNS, comparison.rows.iter().map(|row| cells(row).to_vec()), &[2, 4, 5]);
    let mut tables = vec![bars, summary(comparison)];
    let parts = parts(comparison);
    if !parts.is_empty() {
        tables.push(format!("{PARTS}:\n{}", grid(&PART_COLUMNS, parts, &[3, 4, 5])));
    }
    let spreads = grid(&SPREAD_COLUMNS, spreads(comparison), &[3, 4, 5, 6, 7, 8]);
    tables.push(format!("Repeated runs:\n{spreads}"));
    tables.join("\n\n")
}

/// Rows under a header, without borders; some columns stand at the right.
fn grid(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>, right: &[usize]) -> String {
    let alignment = |column: usize| if right.contains(&column) { CellAlignment::Right } else { CellAlignment::Left };
    let align = |(column, text): (usize, String)| Cell::new(text).set_alignment(alignment(column));
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().map(|name| (*name).to_owned()).enumerate().map(align).collect::<Vec<_>>());
    for row in rows {
        table.add_row(row.into_iter().enumerate().map(align).collect::<Vec<_>>());
    }
    // The last column is padded, too.
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The texts of a row of bars, in order of the columns.
pub(super) fn cells(row: &Row) -> [String; 8] {
    let value = |value: f64| quantity(value, &row.unit);
    let worst = row.parts.iter().find(|part| part.value.total_cmp(&row.value).is_eq()).map(|part| part.name.as_str());
    [
        row.measure.name() + &worst.map(|worst| format!(" ({worst})")).unwrap_or_default(),
        row.backend.clone(),
        value(row.value) + &row.peak_memory_bytes.map(|b| format!(", {} MiB", b >> 20)).unwrap_or_default(),
        or_dash(row.baseline.clone()),
        or_dash(row.baseline_value.map(value)),
        or_dash(row.ratio.map(|ratio| format!("{}×", digits(ratio)))),
        or_dash(row.bar.clone()),
        match row.met {
            Some(true) => "yes".to_owned(),
            Some(false) => "NO".to_owned(),
            None => "–".to_owned(),
        },
    ]
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

/// The rows of parts.
pub(super) fn parts(comparison: &Comparison) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for row in &comparison.rows {
        for part in &row.parts {
            let value = |value: f64| quantity(value, part.unit.as_ref().unwrap_or(&row.unit));
            rows.push(vec![
                row.measure.name(),
                row.backend.clone(),
                part.name.clone(),
                value(part.value),
                or_dash(part.baseline_value.map(value)),
                or_dash(part.ratio.map(|ratio| format!("{}×", digits(ratio)))),
            ]);
        }
    }
    rows
}

/// The rows of spreads: each backend's, and each baseline's once.
pub(super) fn spreads(comparison: &Comparison) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for row in &comparison.rows {
        let theirs = row.baseline.as_ref().zip(row.baseline_spread.as_ref());
        for (who, spread) in row.spread.as_ref().map(|ours| (&row.backend, ours)).into_iter().chain(theirs) {
            let mut cells = vec![row.measure.name(), who.clone(), spread.unit.clone(), spread.runs.to_string()];
            let values = [spread.min, spread.median, spread.p95, spread.p99, spread.max];
            cells.extend(values.map(|value| quantity(value, &spread.unit)));
            if !rows.contains(&cells) {
                rows.push(cells);
            }
        }
    }
    rows
}

/// How many bars are met.
pub(super) fn summary(comparison: &Comparison) -> String {
    let held = comparison.rows.iter().filter(|row| row.met.is_some()).count();
    let met = comparison.rows.iter().filter(|row| row.met == Some(true)).count();
    let mut text = format!("{met} of {held} bars met.");
    if comparison.events < 10_000_000 {
        text.push_str(" The bars are meant for 10 million events; this was ");
        text.push_str(&thousands(comparison.events));
        text.push('.');
    }
    let cores = comparison.machine.cores;
    if let Some(load) = comparison.machine.load_before.filter(|load| load * 2.0 > float(cores as u64)) {
        let busy =
            format!(" The machine was busy when this began (load {} on {cores} cores): mistrust it.", digits(load));
        text.push_str(&busy);
    }
    text
}

/// A value with its unit, short.
pub(super) fn quantity(value: f64, unit: &str) -> String {
    let short = unit.split(' ').next().unwrap_or(unit);
    match short {
        "µs" if value >= 1e6 => format!("{} s", digits(value / 1e6)),
        "µs" if value >= 1e3 => format!("{} ms", digits(value / 1e3)),
        "events/s" if value >= 1e6 => format!("{} M/s", digits(value / 1e6)),
        "events/s" if value < 1e3 => format!("{} /s", digits(value)),
        "events/s" => format!("{} k/s", digits(value / 1e3)),
        _ => format!("{} {short}", digits(value)),
    }
}

/// Three digits that count.
pub(super) fn digits(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A count with its thousands separated.
pub(super) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
