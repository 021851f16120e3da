//! The usage of tools, projects, sessions, days or hours, as a table that people like to look at.

use jiff::tz::TimeZone;
use tooltally::{Aggregate, GroupKey, Outcome, Timestamp, Usage, UsageRow, Window};

use super::Surface;
use super::humanize::{ago, count, counted, duration, percent};
use super::table::{Column, Grid, bar};
use crate::calendar::{Unit, label, zone_name};
use crate::project::Names;

/// How wide the longest bar is, in columns, on a wide terminal and on a narrow one.
const BAR_WIDTHS: (u64, u64) = (14, 8);
/// From how many columns on a terminal is wide.
const WIDE: usize = 100;
/// Where nothing was measured.
const NONE: &str = "-";

/// How rows and instants are called.
#[derive(Debug)]
pub struct Titles<'a> {
    /// The short names of projects.
    pub names: &'a Names,
    /// The unit of spans.
    pub unit: Unit,
    /// The zone of days and hours.
    pub zone: &'a TimeZone,
    /// The present.
    pub now: Timestamp,
}

/// The rows, most used first, with their total. There must be at least one.
pub fn render(rows: &[UsageRow], window: Window, titles: &Titles<'_>, surface: Surface) -> String {
    let mut total = Usage::default();
    for row in rows {
        total.merge(&row.usage);
    }
    let kind = rows.first().map_or("", |row| kind(&row.key, titles.unit));
    let shape = Shape::of(&total, rows, surface);
    let mut grid = Grid::new(shape.columns(rows.first().map(|row| &row.key), kind));
    for row in rows {
        grid.row(shape.cells(&row.key, &row.usage, &total, titles));
    }
    grid.total(shape.total_cells(&total, titles, rows.first().map(|row| &row.key)));
    let heading = heading(rows.len(), &total, kind, window, titles);
    format!("{}\n\n{}", surface.bold(&heading), grid.render(surface))
}

fn kind(key: &GroupKey, unit: Unit) -> &'static str {
    match (key, unit) {
        (GroupKey::Total, _) => "Total",
        (GroupKey::Tool(_), _) => "Tool",
        (GroupKey::Project(_), _) => "Project",
        (GroupKey::Session { .. }, _) => "Session",
        (GroupKey::Span(_), Unit::Hour) => "Hour",
        (GroupKey::Span(_), _) => "Day",
    }
}

fn heading(rows: usize, total: &Usage, kind: &str, window: Window, titles: &Titles<'_>) -> String {
    let day = |time: Timestamp| time.to_jiff().to_zoned(titles.zone.clone()).strftime("%-d %b %Y").to_string();
    let minute = |time: Timestamp| time.to_jiff().to_zoned(titles.zone.clone()).strftime("%-d %b %Y %H:%M").to_string();
    let span = match (window.from(), window.to()) {
        (None, None) => match total.first_used().zip(total.last_used()) {
            Some((first, last)) if day(first) == day(last) => format!("on {}", day(first)),
            Some((first, last)) => format!("{} to {}", day(first), day(last)),
            None => String::new(),
        },
        (Some(from), None) => format!("since {}", minute(from)),
        (None, Some(to)) => format!("before {}", minute(to)),
        (Some(from), Some(to)) => format!("from {} to {}", minute(from), minute(to)),
    };
    let noun = kind.to_lowercase();
    let of_what = counted(rows as u64, &noun);
    format!("{} in {of_what}, {span} ({})", counted(total.uses(), "use"), zone_name(titles.zone))
}

/// Which columns there are, and how wide names within cells are.
struct Shape {
    /// How wide the longest bar is; `None` where there are none.
    bar_width: Option<u64>,
    is_session: bool,
    /// The outcomes beside success and failure that happened at all.
    others: Vec<Outcome>,
    is_measured: bool,
    most_uses: u64,
}

impl Shape {
    fn of(total: &Usage, rows: &[UsageRow], surface: Surface) -> Self {
        let others = [Outcome::Interrupted, Outcome::Rejected, Outcome::Invalid];
        Self {
            bar_width: surface.columns.map(|columns| if columns < WIDE { BAR_WIDTHS.1 } else { BAR_WIDTHS.0 }),
            is_session: rows.first().is_some_and(|row| matches!(row.key, GroupKey::Session { .. })),
            others: others.into_iter().filter(|outcome| total.count(*outcome) > 0).collect(),
            is_measured: total.durations().measured() > 0,
            most_uses: rows.iter().map(|row| row.usage.uses()).max().unwrap_or(0),
        }
    }

    fn columns(&self, key: Option<&GroupKey>, kind: &'static str) -> Vec<Column> {
        let mut columns = vec![Column::name(kind)];
        if self.is_session {
            columns.push(Column::text("Project", 4));
        }
        columns.extend([Column::number("Uses", 0), Column::number("Share", 6)]);
        if self.bar_width.is_some() {
            columns.push(Column::text("", 1));
        }
        columns.extend([Column::number("Success", 0), Column::number("Failed", 5)]);
        columns.extend(self.others.iter().map(|outcome| Column::number(title(*outcome), 8)));
        if self.is_measured {
            columns.extend([Column::number("Median", 3), Column::number("p95", 7), Column::number("Longest", 9)]);
        }
        if !matches!(key, Some(GroupKey::Span(_))) {
            columns.push(Column::text("Last used", 2));
        }
        columns
    }

    fn cells(&self, key: &GroupKey, usage: &Usage, total: &Usage, titles: &Titles<'_>) -> Vec<String> {
        let mut cells = vec![name(key, titles)];
        if let GroupKey::Session { project, .. } = key {
            let project = project.as_ref().map_or_else(|| NONE.to_owned(), |project| titles.names.name(project));
            cells.push(super::sanitize::shortened(&super::sanitize::one_line(&project), 24, "..."));
        }
        cells.extend([count(usage.uses()), percent(usage.uses(), total.uses())]);
        if let Some(width) = self.bar_width {
            cells.push(bar(usage.uses(), self.most_uses, width));
        }
        self.figures(&mut cells, usage);
        if !matches!(key, GroupKey::Span(_)) {
            cells.push(usage.last_used().map_or_else(|| NONE.to_owned(), |last| ago(last, titles.now)));
        }
        cells
    }

    fn total_cells(&self, total: &Usage, titles: &Titles<'_>, key: Option<&GroupKey>) -> Vec<String> {
        let mut cells = vec!["Total".to_owned()];
        if self.is_session {
            cells.push(String::new());
        }
        cells.extend([count(total.uses()), String::new()]);
        if self.bar_width.is_some() {
            cells.push(String::new());
        }
        self.figures(&mut cells, total);
        if !matches!(key, Some(GroupKey::Span(_))) {
            cells.push(total.last_used().map_or_else(|| NONE.to_owned(), |last| ago(last, titles.now)));
        }
        cells
    }

    fn figures(&self, cells: &mut Vec<String>, usage: &Usage) {
        cells.push(percent(usage.count(Outcome::Success), usage.uses()));
        cells.push(count(usage.count(Outcome::Failure)));
        cells.extend(self.others.iter().map(|outcome| count(usage.count(*outcome))));
        if self.is_measured {
            let durations = usage.durations();
            let figures = [durations.quantile_micros(0.5), durations.quantile_micros(0.95), durations.max_micros()];
            cells.extend(figures.map(|micros| micros.map_or_else(|| NONE.to_owned(), duration)));
        }
    }
}

const fn title(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "Success",
        Outcome::Failure => "Failed",
        Outcome::Interrupted => "Stopped",
        Outcome::Rejected => "Rejected",
        Outcome::Invalid => "Invalid",
    }
}

fn name(key: &GroupKey, titles: &Titles<'_>) -> String {
    match key {
        GroupKey::Total => "Total".to_owned(),
        GroupKey::Tool(tool) => tool.to_string(),
        GroupKey::Project(Some(project)) => titles.names.name(project),
        GroupKey::Project(None) => "(no project)".to_owned(),
        GroupKey::Session { session: Some(session), .. } => session.to_string(),
        GroupKey::Session { session: None, .. } => "(no session)".to_owned(),
        GroupKey::Span(span) => span.from().map_or_else(String::new, |from| match titles.unit {
            Unit::Hour => {
                let local = from.to_jiff().to_zoned(titles.zone.clone());
                local.strftime("%Y-%m-%d %a %H:%M %:z").to_string()
            }
            unit => {
                let local = from.to_jiff().to_zoned(titles.zone.clone());
                format!("{} {}", label(from, unit, titles.zone), local.strftime("%a"))
            }
        }),
    }
}
