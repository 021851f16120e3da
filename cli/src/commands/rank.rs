//! `rank`: which tools of a project matter now.

use std::process::ExitCode;

use tooltally::policy::PoliciesExt;
use tooltally::policy::rank::Weights;
use tooltally::policy::status::Rule;

use super::Context;
use crate::args::RankArguments;
use crate::diagnostics::{Failure, remark};
use crate::output::sanitize::visible;
use crate::output::{print, ranking};
use crate::project;

/// Prints the ranking.
///
/// # Errors
/// A failure with a hint.
pub fn run(context: &Context, arguments: &RankArguments) -> Result<ExitCode, Failure> {
    let store = context.open_existing()?;
    let project = context.project(arguments.project.as_deref(), store.as_deref())?;
    let weights = Weights::default();
    let ranked = match &store {
        Some(store) => {
            let ranked = store.rank(Some(project.id), &Rule::default(), &weights, context.now);
            ranked.map_err(context.failed("read"))?
        }
        None => Vec::new(),
    };
    let mut rows = ranking::rows(&ranked, &weights);
    // A limit of none asks for nothing: that says nothing of what is known.
    let is_none_known = rows.is_empty();
    rows.truncate(arguments.limit.unwrap_or(usize::MAX));
    let place = project::shown(&project);
    if context.json {
        if is_none_known {
            remark(&format!("no tools are known in {place} in {}", context.url));
        }
        print(&ranking::as_json(&rows, &project, &weights))?;
    } else if is_none_known {
        print(&visible(&format!("No tools are known in {place}.\n\n{}", context.how_to_fill())))?;
    } else if !rows.is_empty() {
        let heading = format!("tools and servers by relevance in {place}");
        print(&ranking::render(&rows, &heading, arguments.explain, &weights, context.surface))?;
    }
    Ok(ExitCode::SUCCESS)
}
