//! What a scan finds.

use tooltally::policy::kind::{Kind, Scope};
use tooltally::{
    AgentName, Description, EventId, Project, ServerName, SettingsSource, Timestamp, ToolDiscovered, ToolName,
};

/// Whose settings something stands in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    /// Whether it is this project's alone.
    pub(super) is_projects: bool,
    pub(super) scope: Scope,
}

impl Owner {
    pub(super) const fn every_project(scope: Scope) -> Self {
        Self { is_projects: false, scope }
    }

    pub(super) const fn this_project(scope: Scope) -> Self {
        Self { is_projects: true, scope }
    }
}

/// A tool that settings offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whether it is this project's alone; else every project's.
    pub is_projects: bool,
    /// The tool.
    pub tool: ToolName,
    /// What it is.
    pub kind: Kind,
    /// Where it comes from.
    pub scope: Scope,
    /// Where it was found.
    pub source: SettingsSource,
    /// What it says of itself.
    pub description: Option<Description>,
    /// The name of its MCP server, as the settings have it.
    pub server: Option<ServerName>,
}

impl Found {
    /// Whether an earlier discovery says the same.
    pub(super) fn is_told_by(&self, earlier: &ToolDiscovered) -> bool {
        (self.kind, self.scope, &self.source, &self.description, &self.server)
            == (earlier.kind, earlier.scope, &earlier.source, &earlier.description, &earlier.server)
    }

    /// The event of finding it.
    ///
    /// # Errors
    /// As [`EventId::random`].
    pub(super) fn discovered(&self, project: &Project, time: Timestamp) -> tooltally::Result<ToolDiscovered> {
        let id = EventId::random()?;
        let mut event = ToolDiscovered::new(id, self.tool.clone(), self.kind, self.scope, self.source.clone(), time)
            .agent(AgentName::claude_code());
        event.project = self.is_projects.then(|| project.clone());
        event.description.clone_from(&self.description);
        event.server.clone_from(&self.server);
        Ok(event)
    }
}

/// A description as it is kept: one line, and no longer than one may be.
pub(super) fn description(text: &str) -> Option<Description> {
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    let words: Vec<&str> = text.split(is_gap).filter(|word| !word.is_empty()).collect();
    Description::new(within(&words.join(" "), Description::MAX_BYTES)).ok()
}

/// Where something was found, as it is kept.
pub(super) fn source(label: &str) -> Option<SettingsSource> {
    SettingsSource::new(within(label, SettingsSource::MAX_BYTES)).ok()
}

/// The text, its end left out where it takes more bytes than this.
fn within(text: &str, most: usize) -> String {
    const CUT: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most.saturating_sub(CUT.len()));
    format!("{}{CUT}", text.get(..end).unwrap_or_default().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_one_line_of_bounded_length() {
        let kept = |text: &str| description(text).map(|kept| kept.to_string());
        assert_eq!(kept("  Ship\nit \u{1b} now\t"), Some("Ship it now".to_owned()));
        assert_eq!(kept(" \n "), None);
        let long = kept(&"größe ".repeat(400)).unwrap();
        assert!(long.len() <= Description::MAX_BYTES && long.ends_with('…'), "{long}");
    }
}
