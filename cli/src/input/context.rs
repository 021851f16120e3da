//! What every reader of a source has at hand: where events go, and where the passed over is counted.

use tooltally::{AgentName, Event, Timestamp};

use super::calls::Calls;
use super::summary::Summary;

/// The receiver of events wants no more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop;

/// Where events go.
pub(super) type Emit<'a> = &'a mut dyn FnMut(Event) -> Result<(), Stop>;

/// One source as it is read.
pub(super) struct Context<'a> {
    /// What the source is called in messages.
    pub(super) name: &'a str,
    /// When the source was written: the time of entries that have none.
    pub(super) time: Timestamp,
    pub(super) summary: &'a mut Summary,
    pub(super) calls: &'a mut Calls,
    pub(super) agent: &'a AgentName,
    pub(super) emit: Emit<'a>,
}

/// Where in a source something stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// `line`, `entry` or `row`.
    pub(super) unit: &'static str,
    /// From 1.
    pub(super) number: u64,
}

impl Context<'_> {
    /// Hands over an event.
    pub(super) fn event(&mut self, event: impl Into<Event>) -> Result<(), Stop> {
        self.summary.events += 1;
        (self.emit)(event.into())
    }

    /// Counts something that is passed over.
    pub(super) fn skip(&mut self, place: Place, reason: &str) {
        self.skip_many(place, reason, 1);
    }

    /// Counts several things that are passed over for the same reason; the first stands at `place`.
    pub(super) fn skip_many(&mut self, place: Place, reason: &str, count: u64) {
        let Place { unit, number } = place;
        let place = match unit {
            "line" => format!("{}:{number}", self.name),
            _ => format!("{}, {unit} {number}", self.name),
        };
        self.summary.skip_many(&place, reason, count);
    }

    /// Counts the whole source as passed over.
    pub(super) fn skip_source(&mut self, reason: &str) {
        self.summary.skip(self.name, reason);
    }

    /// Counts something that is recorded without one of its fields.
    pub(super) fn note(&mut self, reason: &str) {
        self.summary.note(reason);
    }
}
