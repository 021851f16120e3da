//! Line charts as SVG, both axes logarithmic; pleasant on light and on dark pages.

use std::fmt::Write;

/// A chart.
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Line>,
}

/// What an axis shows.
pub(super) struct Axis {
    /// What its values are; that of the upright axis stands in the subtitle.
    pub(super) label: &'static str,
    /// A value as a tick writes it.
    pub(super) tick: fn(f64) -> String,
}

/// A line of a chart; its class gives its colour.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 430.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 622.0;
const TOP: f64 = 78.0;
const BOTTOM: f64 = 374.0;
/// Between the names at the ends of two lines.
const NAME_GAP: f64 = 17.0;
/// More ticks than this are not told apart.
const MOST_TICKS: usize = 8;

/// Colours by name, on light and on dark pages; the bare engines are dashed in their engine's colour.
const COLOURS: [(&str, &str, &str); 6] = [
    ("seed", "#6b7280", "#9aa4af"),
    ("sqlite", "#0b62c4", "#58a6ff"),
    ("raw-sqlite", "#0b62c4", "#58a6ff"),
    ("redb", "#b93f0a", "#ff9357"),
    ("raw-redb", "#b93f0a", "#ff9357"),
    ("redb-exclusive", "#7a3fd0", "#b99aff"),
];

/// What does not depend on a name, on light and on dark pages.
const LIGHT: &str = "text { font-family: system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', sans-serif; \
    font-size: 12.5px; fill: #57606a; }
.title { font-size: 16px; font-weight: 600; fill: #1f2328; }
.name { font-weight: 600; }
.page { fill: #ffffff; stroke: #d8dee6; }
.grid { stroke: #e4e8ed; }
.line { fill: none; stroke-width: 2.25; stroke-linejoin: round; }
.raw-sqlite.line, .raw-redb.line { stroke-dasharray: 5 4; stroke-width: 1.5; }
";
const DARK: &str = "text { fill: #9aa4af; }
.title { fill: #e6edf3; }
.page { fill: #0d1117; stroke: #30363d; }
.grid { stroke: #21262d; }
";

/// The rules, without CSS variables: not every viewer knows them.
fn style() -> String {
    let (mut light, mut dark) = (LIGHT.to_owned(), DARK.to_owned());
    for (name, on_light, on_dark) in COLOURS {
        for (rules, colour) in [(&mut light, on_light), (&mut dark, on_dark)] {
            let _ = writeln!(rules, ".{name}.line {{ stroke: {colour}; }}");
            let _ = writeln!(rules, ".{name}.dot, .{name}.name {{ fill: {colour}; }}");
        }
    }
    format!("{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n")
}

impl Chart {
    /// The chart as an SVG document; `None` without a point to show.
    pub(super) fn svg(&self) -> Option<String> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let x = Scale::over(points().map(|point| point.0), (LEFT, RIGHT))?;
        let y = Scale::over(points().map(|point| point.1), (BOTTOM, TOP))?.on_decades();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\">\n<style>\n{}</style>\n",
            escaped(&self.title),
            style()
        );
        let (width, height) = (WIDTH - 1.0, HEIGHT - 1.0);
        let _ =
            writeln!(svg, "<rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>");
        text(&mut svg, (20.0, 30.0), "title", "start", &self.title);
        text(&mut svg, (20.0, 50.0), "subtitle", "start", &format!("{}, {}", self.y.label, self.subtitle));
        self.axes(&mut svg, &x, &y);
        self.draw_lines(&mut svg, &x, &y);
        svg.push_str("</svg>\n");
        Some(svg)
    }

    fn axes(&self, svg: &mut String, x: &Scale, y: &Scale) {
        for value in y.ticks() {
            let at = y.place(value);
            let _ = writeln!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/>");
            text(svg, (LEFT - 9.0, at + 4.0), "tick", "end", &(self.y.tick)(value));
        }
        for value in self.measured().unwrap_or_else(|| x.ticks()) {
            let at = x.place(value);
            let _ = writeln!(svg, "<path class=\"grid\" d=\"M{at:.1} {TOP}V{BOTTOM}\"/>");
            text(svg, (at, BOTTOM + 19.0), "tick", "middle", &(self.x.tick)(value));
        }
        text(svg, (f64::midpoint(LEFT, RIGHT), BOTTOM + 42.0), "label", "middle", self.x.label);
    }

    /// Where the lines have their points, if these are few: the best ticks.
    fn measured(&self) -> Option<Vec<f64>> {
        let mut values: Vec<f64> = self.lines.iter().flat_map(|line| &line.points).map(|point| point.0).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        (values.len() <= MOST_TICKS).then_some(values)
    }

    fn draw_lines(&self, svg: &mut String, x: &Scale, y: &Scale) {
        let mut names: Vec<(f64, &str)> = Vec::new();
        for line in &self.lines {
            let places = || line.points.iter().map(|point| (x.place(point.0), y.place(point.1)));
            let path: Vec<String> = places().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            let _ = writeln!(svg, "<path class=\"line {}\" d=\"M{}\"/>", line.name, path.join("L"));
            for (x, y) in places().filter(|_| !line.name.starts_with("raw")) {
                let _ = writeln!(svg, "<circle class=\"dot {}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\"/>", line.name);
            }
            names.extend(places().next_back().map(|(_, y)| (y, line.name.as_str())));
        }
        for (at, name) in apart(names) {
            text(svg, (RIGHT + 12.0, at + 4.0), &format!("name {name}"), "start", name);
        }
    }
}

/// A logarithmic scale from values to places.
struct Scale {
    from: f64,
    to: f64,
    places: (f64, f64),
}

impl Scale {
    /// Over all of the values that can stand on it.
    fn over(values: impl Iterator<Item = f64> + Clone, places: (f64, f64)) -> Option<Self> {
        let logs = values.filter(|value| *value > 0.0 && value.is_finite()).map(f64::log10);
        let (from, to) = (logs.clone().reduce(f64::min)?, logs.reduce(f64::max)?);
        Some(Self { from, to: if to > from { to } else { from + 1.0 }, places })
    }

    /// From a power of ten to a power of ten.
    fn on_decades(self) -> Self {
        Self { from: self.from.floor(), to: self.to.ceil().max(self.from.floor() + 1.0), ..self }
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value.log10() - self.from) / (self.to - self.from);
        self.places.0 + part * (self.places.1 - self.places.0)
    }

    /// Powers of ten; between them 2 and 5 where there would be few.
    fn ticks(&self) -> Vec<f64> {
        let exponents = || (-6..=12).map(|exponent| 10f64.powi(exponent));
        let is_on = |tick: &f64| {
            let log = tick.log10();
            log >= self.from - 1e-9 && log <= self.to + 1e-9
        };
        let decades: Vec<f64> = exponents().filter(is_on).collect();
        if decades.len() > 3 {
            return decades;
        }
        exponents().flat_map(|decade| [decade, 2.0 * decade, 5.0 * decade]).filter(is_on).collect()
    }
}

/// Moves names apart that would stand on each other, and keeps their order.
fn apart(mut names: Vec<(f64, &str)>) -> Vec<(f64, &str)> {
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut least = TOP;
    for (at, _) in &mut names {
        *at = at.max(least);
        least = *at + NAME_GAP;
    }
    let mut most = BOTTOM;
    for (at, _) in names.iter_mut().rev() {
        *at = at.min(most);
        most = *at - NAME_GAP;
    }
    names
}

fn text(svg: &mut String, at: (f64, f64), class: &str, anchor: &str, text: &str) {
    let (x, y) = at;
    let text = escaped(text);
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{text}</text>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{BOTTOM, NAME_GAP, Scale, TOP, apart};

    #[test]
    fn decades_stand_evenly_apart() {
        let scale = Scale::over([3.0, 4_000.0].into_iter(), (0.0, 400.0)).unwrap().on_decades();
        let places: Vec<f64> = scale.ticks().into_iter().map(|tick| scale.place(tick).round()).collect();
        assert_eq!(places, [0.0, 100.0, 200.0, 300.0, 400.0]);
    }

    #[test]
    fn what_cannot_stand_on_a_scale_is_passed_over() {
        assert!(Scale::over([0.0, f64::NAN].into_iter(), (0.0, 1.0)).is_none());
        assert!(!Scale::over([5.0, 5.0].into_iter(), (0.0, 1.0)).unwrap().place(5.0).is_nan());
    }

    #[test]
    fn names_do_not_stand_on_each_other() {
        let places: Vec<f64> = apart(vec![(TOP, "a"), (TOP, "b"), (BOTTOM, "c"), (BOTTOM + 9.0, "d")])
            .into_iter()
            .map(|(at, _)| at)
            .collect();
        assert!(places.is_sorted_by(|a, b| b - a >= NAME_GAP - 1e-9), "{places:?}");
        assert!(places.iter().all(|at| (TOP..=BOTTOM).contains(at)), "{places:?}");
    }
}
