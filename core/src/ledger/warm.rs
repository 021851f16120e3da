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

/// Whether so many rows are worth being kept.
pub(super) const fn takes(positions: &[Position]) -> bool {
    positions.len() <= LONGEST
}

/// What a process keeps of the log, by position.
#[derive(Debug)]
pub(super) struct Warm<T>(FxHashMap<Position, T>);

/// The rows that it keeps.
pub(super) type WarmRows = Warm<LogRow>;

/// The registry events that it keeps: what settings have is asked for with each question about tools.
pub(super) type WarmRegistry = Warm<Arc<Seen>>;

/// A registry event, and the numbers of the project and the tool that it is about.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) of: (u32, u32),
    pub(super) event: Event,
}

impl<T> Default for Warm<T> {
    fn default() -> Self {
        Self(FxHashMap::default())
    }
}

impl<T: Clone> Warm<T> {
    /// What is kept of some positions, and which of them are missing.
    pub(super) fn kept(&self, positions: &[Position]) -> (Vec<Option<T>>, Vec<Position>) {
        let kept: Vec<Option<T>> = positions.iter().map(|position| self.0.get(position).cloned()).collect();
        let is_missing = |(position, kept): (&Position, &Option<T>)| kept.is_none().then_some(*position);
        let missing = positions.iter().zip(&kept).filter_map(is_missing).collect();
        (kept, missing)
    }

    /// Keeps what was read.
    pub(super) fn keep(&mut self, read: Vec<(Position, T)>) {
        if self.0.len() + read.len() > KEPT {
            self.0.clear();
        }
        self.0.extend(read.into_iter().take(KEPT));
    }
}
