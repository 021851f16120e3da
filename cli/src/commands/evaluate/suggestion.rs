//! How well the next tool was foreseen, as JSON and as text.

use serde_json::{Value, json};
use tooltally::policy::evaluate::{Options, Report, Score};

use crate::output::humanize::{count, counted};
use crate::output::table::{Column, Grid};
use crate::output::{Surface, json};

/// `{"calls", "predicted", "sessions", "model", "most_used", "repeat_last", "last_five"}`.
pub(super) fn as_json(report: &Report) -> String {
    json::line(&json!({
        "calls": report.calls,
        "predicted": report.model.calls(),
        "sessions": report.sessions,
        "model": score(&report.model),
        "most_used": score(&report.most_used),
        "repeat_last": score(&report.repeat_last),
        "last_five": score(&report.last_five),
    }))
}

/// What was not measured is `null`, and a share is a number from 0 to 1.
fn score(score: &Score) -> Value {
    let calibration: Vec<Value> = score
        .calibration()
        .into_iter()
        .map(|range| {
            json!({
                "from": range.from,
                "to": range.to,
                "predicted": range.predicted,
                "observed": range.observed,
                "calls": range.calls,
            })
        })
        .collect();
    json!({
        "hit_at_1": score.hit_at_1(),
        "hit_at_3": score.hit_at_3(),
        "mrr": score.mean_reciprocal_rank(),
        "coverage": score.coverage(),
        "precision": score.precision(),
        "calibration": calibration,
        "calibration_error": score.calibration_error(),
    })
}

/// A table of who foresaw how much, and one of what the model's probabilities were worth.
pub(super) fn as_text(report: &Report, options: &Options, surface: Surface) -> String {
    let mut grid = Grid::new(vec![
        Column::name("Next tool by"),
        Column::number("Hit at 1", 0),
        Column::number("Hit at 3", 0),
        Column::number("MRR", 0),
        Column::number("Coverage", 1),
        Column::number("Precision", 1),
        Column::number("Calibration error", 2),
    ]);
    for (name, score) in [
        ("the model", &report.model),
        ("most used", &report.most_used),
        ("the last again", &report.repeat_last),
        ("set of last five", &report.last_five),
    ] {
        let shares = [
            score.hit_at_1(),
            score.hit_at_3(),
            score.mean_reciprocal_rank(),
            score.coverage(),
            score.precision(),
            score.calibration_error(),
        ];
        grid.row(std::iter::once(name.to_owned()).chain(shares.map(three_digits)).collect());
    }
    format!(
        "{} in {}, {} of them foreseen: all but the first of each session. Covered where the first has {} or more.\n\n\
         {}\nThe model's probabilities\n\n{}",
        counted(report.calls, "call"),
        counted(report.sessions, "session"),
        count(report.model.calls()),
        options.threshold,
        grid.render(surface),
        calibration(&report.model).render(surface)
    )
}

fn calibration(score: &Score) -> Grid {
    let mut grid = Grid::new(vec![
        Column::name("Range"),
        Column::number("Predicted", 0),
        Column::number("Observed", 0),
        Column::number("Calls", 0),
    ]);
    for range in score.calibration().into_iter().filter(|range| range.calls > 0) {
        grid.row(vec![
            format!("{} to {}", range.from, range.to),
            three_digits(range.predicted),
            three_digits(range.observed),
            count(range.calls),
        ]);
    }
    grid
}

/// A share from 0 to 1 as `0.497`; `-` where there is none.
fn three_digits(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"))
}
