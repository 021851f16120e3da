//! What settings have, or had, as the log tells it.

use crate::event::{Event, Position, Recorded, ToolDiscovered};
use crate::time::Timestamp;

/// A tool that was found in settings: of one project, or of every project. Which registry event is the later one, their
/// positions say, and not their times.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Registered {
    /// Its latest discovery in these settings.
    pub discovered: ToolDiscovered,
    /// Where the log has that.
    pub position: Position,
    /// When it was removed, unless the latest discovery came after that.
    pub removed: Option<Timestamp>,
    /// When it was discovered first.
    pub first_discovered: Timestamp,
    /// How often it was discovered.
    pub discoveries: u64,
}

impl Registered {
    /// From the registry events of one tool in the same settings, in order of position; `None` where it was not
    /// discovered. What a plain backend needs.
    pub(crate) fn from_events<'a>(events: impl IntoIterator<Item = &'a Recorded>) -> Option<Self> {
        let mut known: Option<Self> = None;
        for recorded in events {
            match (&recorded.event, &mut known) {
                (Event::ToolDiscovered(discovered), None) => {
                    known = Some(Self {
                        discovered: discovered.clone(),
                        position: recorded.position,
                        removed: None,
                        first_discovered: discovered.time,
                        discoveries: 1,
                    });
                }
                (Event::ToolDiscovered(discovered), Some(known)) => {
                    known.discovered = discovered.clone();
                    known.position = recorded.position;
                    known.removed = None;
                    known.discoveries += 1;
                }
                (Event::ToolRemoved(removed), Some(known)) => known.removed = Some(removed.time),
                (Event::ToolRemoved(_), None) | (Event::ToolUse(_), _) => {}
            }
        }
        known
    }
}
