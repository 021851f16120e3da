//! The comparison as a folder: raw JSON, a summary in Markdown, plots.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::table::{COLUMNS, PART_COLUMNS, PARTS, SPREAD_COLUMNS, cells, digits, parts, spreads, summary, thousands};
use super::{Comparison, plots};
use crate::Result;

/// The raw figures, in the folder of a run.
const RAW: &str = "compare.json";

/// Writes a comparison into a folder, made if missing: `compare.json`, `README.md` and a file per plot.
///
/// # Errors
/// Where a file cannot be written.
pub fn write(comparison: &Comparison, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(RAW), serde_json::to_string_pretty(comparison)? + "\n")?;
    let plots = plots::plots(comparison);
    for (name, _, svg) in &plots {
        fs::write(folder.join(format!("{name}.svg")), svg)?;
    }
    let titles: Vec<(&str, &str)> = plots.iter().map(|(name, title, _)| (*name, *title)).collect();
    fs::write(folder.join("README.md"), page(comparison, &titles)?)?;
    Ok(())
}

fn page(comparison: &Comparison, plots: &[(&str, &str)]) -> Result<String> {
    let mut page = String::new();
    let (events, days) = (thousands(comparison.events), comparison.days);
    writeln!(page, "# {events} events over {days} days\n")?;
    if let Some(date) = comparison.date.as_ref() {
        write!(page, "Measured on {date}. ")?;
    }
    writeln!(page, "{}\n", summary(comparison))?;
    if let Some(command) = comparison.command.as_ref() {
        writeln!(page, "```console\n$ {command}\n```\n")?;
    }
    writeln!(page, "{}", surroundings(comparison)?)?;
    writeln!(page, "## The bars\n")?;
    writeln!(page, "{EXPLANATION}\n")?;
    markdown_table(&mut page, &COLUMNS, comparison.rows.iter().map(|row| cells(row).to_vec()))?;
    let parts = parts(comparison);
    if !parts.is_empty() {
        writeln!(page, "\n## {PARTS}\n")?;
        markdown_table(&mut page, &PART_COLUMNS, parts)?;
    }
    if !plots.is_empty() {
        writeln!(page, "\n## Plots")?;
    }
    for (name, title) in plots {
        writeln!(page, "\n![{title}]({name}.svg)")?;
    }
    writeln!(page, "\n## Repeated runs\n")?;
    markdown_table(&mut page, &SPREAD_COLUMNS, spreads(comparison))?;
    writeln!(page, "\nThe raw figures: [`{RAW}`]({RAW}).")?;
    Ok(page)
}

const EXPLANATION: &str = "Ours and theirs are medians over repeated runs, or the rate of all batches together. \
Ratios read as the bars do: more is better where a bar says ≥, less where it says ≤. Every answer to a query was \
checked against a brute-force fold before its time counted.";

/// The machine and the versions.
fn surroundings(comparison: &Comparison) -> Result<String> {
    let machine = &comparison.machine;
    let mut text = String::from("| | |\n|---|---|\n");
    let memory = machine.memory_bytes.map(|bytes| format!("{} GiB", bytes >> 30));
    let load = machine.load_before.zip(machine.load_after);
    let lines = [
        ("system", Some(machine.system.clone())),
        ("kernel", machine.kernel.clone()),
        ("processor", machine.processor.clone()),
        ("cores", Some(machine.cores.to_string())),
        ("memory", memory),
        ("file system", machine.file_system.clone()),
        ("load before and after", load.map(|(before, after)| format!("{} and {}", digits(before), digits(after)))),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            writeln!(text, "| {name} | {value} |")?;
        }
    }
    for (name, version) in &comparison.versions {
        writeln!(text, "| {name} | {version} |")?;
    }
    Ok(text)
}

fn markdown_table(page: &mut String, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<()> {
    writeln!(page, "| {} |\n|{}", header.join(" | "), "---|".repeat(header.len()))?;
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        writeln!(page, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}
