//! What Claude Code's settings offer: MCP servers, slash commands, skills, and the plugins that bring more of them.
//!
//! Read is what the agent reads, as its documentation names it: <https://code.claude.com/docs/en/settings>,
//! <https://code.claude.com/docs/en/mcp>, <https://code.claude.com/docs/en/skills> and
//! <https://code.claude.com/docs/en/plugins-reference>. Settings are people's and repositories': nothing in them
//! fails a scan. What cannot be read is named with its cause, and takes nothing away that was found there before.
//!
//! Of an MCP server its name is taken, and nothing else is looked at: what it runs, its arguments, environment and
//! headers hold secrets.

mod cause;
mod differences;
mod documents;
mod found;
mod front_matter;
mod gathering;
mod json;
mod places;
mod plugins;
mod root;
mod servers;
mod settings;

pub use differences::{Differences, Discovery, compare};
pub use found::Found;
pub use gathering::{Scan, Skipped};
pub use places::Places;

use tooltally::policy::kind::Scope;

use found::Owner;
use gathering::Gathering;
use settings::Settings;

/// Reads what is offered at these places, to every project and to this one.
pub fn scan(places: &Places) -> Scan {
    let mut gathering = Gathering::default();
    let settings = Settings::read(places, &mut gathering);
    // Of equal names the first counts: the agent prefers a person's own servers of a project to the shared ones.
    servers::of_state(places, &settings, &mut gathering);
    servers::of_project(places, &settings, &mut gathering);
    for folder in places.own_folders() {
        documents::read(&folder, Owner::every_project(Scope::User), &mut gathering);
    }
    for folder in places.project_folders() {
        documents::read(&folder, Owner::this_project(Scope::Project), &mut gathering);
    }
    plugins::read(places, &settings, &mut gathering);
    gathering.finish()
}

#[cfg(test)]
mod tests;
