//! A grid of text: aligned, without borders, cut to the terminal's width.

use comfy_table::{CellAlignment, Table};

use super::Surface;
use super::sanitize::{one_line, shortened};

/// Between two columns.
const GAP: &str = "  ";
/// A name is shortened to this width before whole columns are left out, in columns of the terminal.
const NAME_WIDTH: usize = 20;
/// No name is made shorter than this.
const LEAST_NAME_WIDTH: usize = 12;
/// The longest name in a file or pipe.
const LONGEST_NAME_WIDTH: usize = 100;

/// A column of a grid.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What stands above it.
    pub header: &'static str,
    /// Whether its text stands at the right, as numbers do.
    pub right: bool,
    /// Who goes when the terminal is narrow: the highest first; 0 stays.
    pub spare: u8,
}

impl Column {
    /// Names: at the left, never left out, shortened when there is no room.
    pub const fn name(header: &'static str) -> Self {
        Self { header, right: false, spare: 0 }
    }

    /// Numbers.
    pub const fn number(header: &'static str, spare: u8) -> Self {
        Self { header, right: true, spare }
    }

    /// Text that is not shortened.
    pub const fn text(header: &'static str, spare: u8) -> Self {
        Self { header, right: false, spare }
    }
}

/// Rows under a header, and a last row with the totals. The first column holds names from outside.
#[derive(Clone, Debug)]
pub struct Grid {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    total: Option<Vec<String>>,
}

impl Grid {
    /// A grid without rows.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new(), total: None }
    }

    /// Adds a row: a cell per column.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(Self::safe(cells));
    }

    /// Sets the last row.
    pub fn total(&mut self, cells: Vec<String>) {
        self.total = Some(Self::safe(cells));
    }

    fn safe(cells: Vec<String>) -> Vec<String> {
        cells.into_iter().map(|cell| one_line(&cell).into_owned()).collect()
    }

    /// The grid as lines of text.
    pub fn render(mut self, surface: Surface) -> String {
        let Some(room) = surface.columns else {
            self.shorten_names(LONGEST_NAME_WIDTH, "...");
            return self.lines(surface);
        };
        while self.width(0).min(NAME_WIDTH) + self.width_beside_names() > room {
            let spare = self.columns.iter().enumerate().max_by_key(|(_, column)| column.spare);
            match spare {
                Some((index, column)) if column.spare > 0 => self.drop_column(index),
                _ => break,
            }
        }
        self.shorten_names(LEAST_NAME_WIDTH.max(room.saturating_sub(self.width_beside_names())), "…");
        self.lines(surface)
    }

    fn cells(&self, index: usize) -> impl Iterator<Item = &String> {
        self.rows.iter().chain(&self.total).filter_map(move |row| row.get(index))
    }

    fn width(&self, index: usize) -> usize {
        let header = self.columns.get(index).map_or("", |c| c.header);
        let widths = self.cells(index).map(|cell| console::measure_text_width(cell));
        widths.chain([console::measure_text_width(header)]).max().unwrap_or(0)
    }

    /// The width of all other columns, and of the gaps.
    fn width_beside_names(&self) -> usize {
        (1..self.columns.len()).map(|index| self.width(index) + GAP.len()).sum()
    }

    fn shorten_names(&mut self, width: usize, gap: &str) {
        for row in self.rows.iter_mut().chain(&mut self.total) {
            if let Some(name) = row.first_mut() {
                *name = shortened(name, width, gap);
            }
        }
    }

    fn drop_column(&mut self, index: usize) {
        self.columns.remove(index);
        for row in self.rows.iter_mut().chain(&mut self.total) {
            if index < row.len() {
                row.remove(index);
            }
        }
    }

    fn lines(&self, surface: Surface) -> String {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING).set_header(self.columns.iter().map(|c| c.header));
        for row in self.rows.iter().chain(&self.total) {
            table.add_row(row);
        }
        let last = self.columns.len().saturating_sub(1);
        for (index, column) in self.columns.iter().enumerate() {
            if let Some(shown) = table.column_mut(index) {
                let gap = if index == last { 0 } else { u16::try_from(GAP.len()).unwrap_or(0) };
                shown.set_padding((0, gap));
                shown.set_cell_alignment(if column.right { CellAlignment::Right } else { CellAlignment::Left });
            }
        }
        let rule = if surface.columns.is_some() { "─" } else { "-" }.repeat(self.width(0) + self.width_beside_names());
        let mut text = String::new();
        let total_at = self.total.as_ref().map(|_| self.rows.len() + 1);
        for (number, line) in table.lines().enumerate() {
            if number == 1 || Some(number) == total_at {
                text.push_str(&surface.dim(&rule));
                text.push('\n');
            }
            let line = line.trim_end();
            let is_strong = number == 0 || Some(number) == total_at;
            text.push_str(&if is_strong { surface.bold(line) } else { with_accent(line, surface) });
            text.push('\n');
        }
        text
    }
}

/// The part of a whole as a bar of at most `width` columns, to an eighth of one.
pub fn bar(part: u64, whole: u64, width: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let scaled = u128::from(part) * u128::from(width) * 8 / u128::from(whole.max(1));
    // Whoever was used at all has a bar.
    let eighths = usize::try_from(scaled).unwrap_or(usize::MAX).max(usize::from(part > 0));
    let rest = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    format!("{}{rest}", "█".repeat(eighths / 8))
}

fn with_accent(line: &str, surface: Surface) -> String {
    let is_bar = |c: char| ('▉'..='▏').contains(&c) || c == '█';
    match (line.find(is_bar), surface.colors) {
        (Some(start), true) => {
            let (before, bar) = line.split_at(start);
            let (bar, after) = bar.split_at(bar.find(|c| !is_bar(c)).unwrap_or(bar.len()));
            format!("{before}{}{after}", surface.accent(bar))
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new(vec![
            Column::name("Tool"),
            Column::number("Uses", 0),
            Column::number("p95", 2),
            Column::text("Last", 1),
        ]);
        grid.row(vec![
            "mcp__server__a_tool_with_a_rather_long_name".into(),
            "1,204".into(),
            "8.3 ms".into(),
            "just now".into(),
        ]);
        grid.row(vec!["工具\u{1b}[2J".into(), "7".into(), "-".into(), "3 hours ago".into()]);
        grid.total(vec!["Total".into(), "1,211".into(), "8.3 ms".into(), "just now".into()]);
        grid
    }

    #[test]
    fn a_pipe_gets_plain_aligned_text() {
        let text = grid().render(Surface::PLAIN);
        let expected = "\
Tool                                          Uses     p95  Last
-----------------------------------------------------------------------
mcp__server__a_tool_with_a_rather_long_name  1,204  8.3 ms  just now
工具\\u{1b}[2J                                    7       -  3 hours ago
-----------------------------------------------------------------------
Total                                        1,211  8.3 ms  just now
";
        assert_eq!(text, expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in 40..100 {
            let text = grid().render(Surface { columns: Some(columns), colors: false });
            let widest = text.lines().map(console::measure_text_width).max().unwrap();
            assert!(widest <= columns, "{widest} > {columns}:\n{text}");
            assert!(text.contains("Uses"), "{text}");
        }
    }

    #[test]
    fn names_shrink_before_columns_go() {
        let text = grid().render(Surface { columns: Some(60), colors: false });
        assert!(text.contains("p95") && text.contains('…'), "{text}");
        let text = grid().render(Surface { columns: Some(40), colors: false });
        assert!(!text.contains("p95") && text.contains("Uses"), "{text}");
    }

    #[test]
    fn bars_show_shares_to_an_eighth() {
        assert_eq!(bar(1, 1, 4), "████");
        assert_eq!(bar(5, 8, 2), "█▎");
        assert_eq!(bar(1, 1_000_000, 10), "▏");
        assert_eq!(bar(0, 10, 10), "");
    }
}
