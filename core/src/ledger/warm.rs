//! Rows and registry events of the log that were read lately.
//!
//! A program that ranks and routes asks for the latest events again and again, and rows never change: so a process
//! keeps some of those that it was asked for one by one, and seeks them once.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::row::LogRow;
use crate::{Event, Position};

/// How many rows are kept: about a megabyte.
const KEPT: usize = 8192;
/// Longer lists are of one question, and would drive out what others ask for.
const LONGEST: usize = 1024;

/// The rows that a process keeps.
#[derive(Debug, Default)]
pub(super) struct WarmRows(FxHashMap<Position, LogRow>);

impl WarmRows {
    /// Whether so many rows are worth being kept.
    pub(super) const fn takes(positions: &[Position]) -> bool {
        positions.len() <= LONGEST
    }

    /// Those of the rows at some positions that are kept.
    pub(super) fn rows(&self, positions: &[Position]) -> Vec<Option<LogRow>> {
        positions.iter().map(|position| self.0.get(position).cloned()).collect()
    }

    /// Keeps rows that were read.
    pub(super) fn keep(&mut self, rows: Vec<(Position, LogRow)>) {
        if self.0.len() + rows.len() > KEPT {
            self.0.clear();
        }
        self.0.extend(rows);
    }
}

/// A registry event, and the numbers of the project and the tool that it is about.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) of: (u32, u32),
    pub(super) event: Event,
}

/// The registry events that a process keeps: what settings have is asked for with each question about tools.
#[derive(Debug, Default)]
pub(super) struct WarmRegistry(FxHashMap<Position, Arc<Seen>>);

impl WarmRegistry {
    /// The events at some positions that are kept, and the positions of the others.
    pub(super) fn events(&self, positions: &[Position]) -> (FxHashMap<Position, Arc<Seen>>, Vec<Position>) {
        let (mut found, mut missing) = (FxHashMap::default(), Vec::new());
        for position in positions {
            match self.0.get(position) {
                Some(seen) => drop(found.insert(*position, Arc::clone(seen))),
                None => missing.push(*position),
            }
        }
        (found, missing)
    }

    /// Keeps events that were read.
    pub(super) fn keep(&mut self, events: Vec<(Position, Arc<Seen>)>) {
        if self.0.len() + events.len() > KEPT {
            self.0.clear();
        }
        self.0.extend(events.into_iter().take(KEPT));
    }
}
