//! Rows of the log that were read lately.
//!
//! A program that ranks and routes asks for the latest events again and again, and rows never change: so a process
//! keeps some of those that it was asked for one by one, and seeks them once.

use rustc_hash::FxHashMap;

use super::row::LogRow;
use crate::Position;

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
