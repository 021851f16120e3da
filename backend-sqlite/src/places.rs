//! Places: what the calls of a session share, under one number.

use std::cell::RefCell;

use rustc_hash::FxHashMap;
use tooltally_core::{Error, Result};

use crate::statements::Statements;

static PLACE: &str = "SELECT project, path, agent, subagent FROM places WHERE number = ?1";
static PLACE_NUMBER: &str =
    "SELECT number FROM places WHERE project = ?1 AND path = ?2 AND agent = ?3 AND subagent = ?4";
static PUSH_PLACE: &str = "INSERT INTO places (project, path, agent, subagent) VALUES (?1, ?2, ?3, ?4)";

/// Places with numbers below are remembered while a transaction lasts.
const KEPT: usize = 1 << 16;

/// The numbers that rows share: most of a session's calls have the same ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) project: u32,
    pub(crate) path: u32,
    pub(crate) agent: u32,
    pub(crate) subagent: u32,
}

/// The places within one open transaction. They are not remembered longer: a transaction has few, and what it
/// has added may be undone.
#[derive(Default)]
pub(crate) struct Places {
    by_number: RefCell<Vec<Option<Place>>>,
    numbers: RefCell<FxHashMap<Place, u32>>,
}

impl Places {
    /// What a number stands for; `None` where the file lacks it.
    pub(crate) fn place(&self, statements: &Statements<'_>, number: u32) -> Result<Option<Place>> {
        if number == 0 {
            return Ok(Some(Place::default()));
        }
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(Some(place)) = self.by_number.borrow().get(at) {
            return Ok(Some(*place));
        }
        let place = statements.one(PLACE, [number], |row| {
            Ok(Place { project: row.get(0)?, path: row.get(1)?, agent: row.get(2)?, subagent: row.get(3)? })
        })?;
        if at < KEPT {
            let mut places = self.by_number.borrow_mut();
            if places.len() <= at {
                places.resize(at + 1, None);
            }
            if let Some(slot) = places.get_mut(at) {
                *slot = place;
            }
        }
        Ok(place)
    }

    /// The number of a place, a new one if need be.
    pub(crate) fn number(&self, statements: &Statements<'_>, place: Place) -> Result<u32> {
        if place == Place::default() {
            return Ok(0);
        }
        if let Some(number) = self.numbers.borrow().get(&place) {
            return Ok(*number);
        }
        let columns = [place.project, place.path, place.agent, place.subagent];
        let number = match statements.one(PLACE_NUMBER, columns, |row| row.get(0))? {
            Some(number) => number,
            None => u32::try_from(statements.insert(PUSH_PLACE, columns)?)
                .map_err(|_| Error::used_up("record more places", "the numbers of places"))?,
        };
        self.numbers.borrow_mut().insert(place, number);
        Ok(number)
    }
}
