//! How well demotion finds what fails, as JSON and as text.

use serde_json::{Value, json};
use tooltally::policy::evaluate::demotion::{Options, Performance, Simulated};

use crate::output::humanize::count;
use crate::output::table::{Column, Grid};
use crate::output::{Surface, json};

/// `{"tools", "calls", "seed", "profiles": [{"profile", "failure_rate_before", "failure_rate_after", "rule",
/// "predecessor"}]}`.
pub(super) fn as_json(options: &Options, results: &[Simulated]) -> String {
    let profiles: Vec<Value> = results
        .iter()
        .map(|result| {
            json!({
                "profile": result.profile.name,
                "failure_rate_before": result.profile.before,
                "failure_rate_after": result.profile.after,
                "rule": performance(&result.rule),
                "predecessor": performance(&result.predecessor),
            })
        })
        .collect();
    json::line(&json!({
        "tools": options.tools,
        "calls": options.calls,
        "seed": options.seed,
        "profiles": profiles,
    }))
}

fn performance(performance: &Performance) -> Value {
    json!({
        "demotions_per_1000": performance.demotions_per_1000,
        "demoted_share": performance.demoted_share,
        "calls_to_demote": performance.calls_to_demote,
        "calls_to_trust": performance.calls_to_trust,
    })
}

/// A table with two lines for each profile.
pub(super) fn as_text(options: &Options, results: &[Simulated], surface: Surface) -> String {
    let mut grid = Grid::new(vec![
        Column::name("Tools"),
        Column::text("Fail", 0),
        Column::text("Rule", 0),
        Column::number("Demotions / 1,000 calls", 0),
        Column::number("Demoted", 1),
        Column::number("Calls to demote", 2),
        Column::number("Calls to trust", 3),
    ]);
    for result in results {
        let profile = &result.profile;
        let fail = format!("{} then {}", profile.before, profile.after);
        for (rule, did) in [("tooltally", &result.rule), ("predecessor", &result.predecessor)] {
            grid.row(vec![
                profile.name.to_owned(),
                fail.clone(),
                rule.to_owned(),
                format!("{:.2}", did.demotions_per_1000),
                format!("{:.1} %", 100.0 * did.demoted_share),
                one_digit(did.calls_to_demote),
                one_digit(did.calls_to_trust),
            ]);
        }
    }
    format!(
        "{} made tools of each kind, {} calls each, seed {}.\n\n{}",
        count(options.tools.into()),
        count(options.calls.into()),
        options.seed,
        grid.render(surface)
    )
}

/// A mean as `4.3`; `-` where there is none.
fn one_digit(mean: Option<f64>) -> String {
    mean.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.1}"))
}
