//! `tools`: which tools a project has, how they are used, and how they stand.

use std::process::ExitCode;

use tooltally::policy::PoliciesExt;
use tooltally::policy::status::Rule;

use super::Context;
use crate::args::ToolsArguments;
use crate::diagnostics::{Failure, remark};
use crate::output::sanitize::visible;
use crate::output::{print, tools_table};
use crate::project;

/// Prints the registry.
///
/// # Errors
/// A failure with a hint.
pub fn run(context: &Context, arguments: &ToolsArguments) -> Result<ExitCode, Failure> {
    let store = context.open_existing()?;
    let project =
        if arguments.all { None } else { Some(context.project(arguments.project.as_deref(), store.as_deref())?) };
    let id = project.as_ref().map(|project| project.id);
    let tools = match &store {
        Some(store) => store.tools_for(id, &Rule::default(), context.now).map_err(context.failed("read"))?,
        None => Vec::new(),
    };
    let place = project.as_ref().map_or_else(|| "all projects".to_owned(), project::shown);
    let place = format!("in {place}");
    let hint = format!("No tools are known {place}. `tooltally scan` registers what the agent's settings offer;\n");
    if context.json {
        if tools.is_empty() {
            remark(&format!("no tools are known {place} in {}", context.url));
        }
        print(&tools_table::as_json(&tools, project.as_ref()))?;
    } else if tools.is_empty() {
        print(&visible(&format!("{hint}calls come from an agent:\n\n{}", context.how_to_fill())))?;
    } else {
        print(&tools_table::render(&tools, &place, context.now, context.surface))?;
    }
    Ok(ExitCode::SUCCESS)
}
