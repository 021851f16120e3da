//! What has come and gone since the last scan.

use std::collections::HashMap;

use tooltally::{AgentName, Event, EventId, Registered, Timestamp, ToolDiscovered, ToolRemoved};

use super::gathering::Scan;
use super::places::Places;

/// What differs between settings and record.
#[derive(Clone, Debug, Default)]
pub struct Differences {
    /// What is new, or says something else than before.
    pub discovered: Vec<Discovery>,
    /// The latest discoveries of what is there no longer, with the events of missing it.
    pub removed: Vec<(ToolDiscovered, ToolRemoved)>,
    /// How many are as they were.
    pub unchanged: u64,
}

/// A tool that is to be recorded as discovered.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// The event.
    pub event: ToolDiscovered,
    /// Whether it was there before, and said something else.
    pub is_change: bool,
}

impl Differences {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.discovered.is_empty() && self.removed.is_empty()
    }

    /// The events to record.
    pub fn events(&self) -> Vec<Event> {
        let discovered = self.discovered.iter().map(|discovery| discovery.event.clone().into());
        discovered.chain(self.removed.iter().map(|(_, removed)| removed.clone().into())).collect()
    }
}

/// Compares what settings offer with what is registered for every project and for this one. What other agents' settings
/// have is not missed.
///
/// # Errors
/// As [`EventId::random`].
pub fn compare(
    scan: &Scan,
    registered: &[Registered],
    places: &Places,
    time: Timestamp,
) -> tooltally::Result<Differences> {
    let agent = AgentName::claude_code();
    let present = registered.iter().filter(|known| known.removed.is_none()).map(|known| &known.discovered);
    let mut known: HashMap<_, &ToolDiscovered> =
        present.map(|known| ((known.project.is_some(), known.tool.clone()), known)).collect();
    let mut differences = Differences::default();
    for found in &scan.found {
        match known.remove(&(found.is_projects, found.tool.clone())) {
            Some(earlier) if found.is_told_by(earlier) => differences.unchanged += 1,
            earlier => {
                let event = found.discovered(places.project(), time)?;
                differences.discovered.push(Discovery { event, is_change: earlier.is_some() });
            }
        }
    }
    let mut gone: Vec<&ToolDiscovered> = known
        .into_values()
        .filter(|known| known.agent.as_ref() == Some(&agent) && !scan.may_still_have(known))
        .collect();
    gone.sort_by(|a, b| (&a.project, &a.tool).cmp(&(&b.project, &b.tool)));
    for known in gone {
        let mut removed = ToolRemoved::new(EventId::random()?, known.tool.clone(), time).agent(agent.clone());
        removed.project.clone_from(&known.project);
        differences.removed.push((known.clone(), removed));
    }
    Ok(differences)
}
