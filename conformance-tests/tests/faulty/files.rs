//! Faults of stores in files.

use std::path::Path;
use std::sync::Mutex;

use tooltally_core::{
    Appended, Condition, Error, Event, EventId, MemoryStore, OpenOptions, Position, Progress, Result, Store, Verified,
};

use crate::store::{self, PlainStore};
use crate::with::Fault;

fn plain(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
    Ok(Box::new(PlainStore::open_with(Path::new(address), options)?))
}

#[derive(Default)]
pub(crate) struct Forgets;

impl Fault for Forgets {
    fn open_file(_address: &str, _options: &OpenOptions) -> Result<Box<dyn Store>> {
        Ok(Box::new(MemoryStore::new()))
    }
}

/// What makes an event known is kept in memory: after reopening all ids are new.
#[derive(Default)]
pub(crate) struct ForgetsIds(Mutex<Vec<EventId>>);

impl Fault for ForgetsIds {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let mut known = self.0.lock().unwrap();
        let mut answers = store.append(events, condition)?;
        for (answer, event) in answers.iter_mut().zip(events) {
            if !known.contains(&event.id()) {
                *answer = Appended::New(answer.position());
                known.push(event.id());
            }
        }
        Ok(answers)
    }
}

/// The newest events are lost on closing, all after the last full ten.
#[derive(Default)]
pub(crate) struct ForgetsNewest;

impl Fault for ForgetsNewest {
    fn open_file(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        let store = plain(address, options)?;
        let log = store.read(Position::START, usize::MAX)?;
        drop(store);
        std::fs::remove_file(address).unwrap();
        let store = plain(address, options)?;
        let kept: Vec<Event> = log.iter().take(log.len() / 10 * 10).map(|r| r.event.clone()).collect();
        store.append(&kept, Condition::None)?;
        Ok(store)
    }
}

#[derive(Default)]
pub(crate) struct KeepsItsHead(Mutex<Position>);

impl Fault for KeepsItsHead {
    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        let answers = store.append(events, condition)?;
        *self.0.lock().unwrap() = store.head()?;
        Ok(answers)
    }

    fn head(&self, _store: &dyn Store) -> Result<Position> {
        Ok(*self.0.lock().unwrap())
    }
}

/// Gives the file its own format, and goes on.
#[derive(Default)]
pub(crate) struct TakesNewer;

impl Fault for TakesNewer {
    fn open_file(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        match plain(address, options) {
            Err(Error::UnsupportedFormat { .. }) => {
                store::set_format(Path::new(address), store::FORMAT).unwrap();
                plain(address, options)
            }
            opened => opened,
        }
    }
}

#[derive(Default)]
pub(crate) struct Overwrites;

impl Fault for Overwrites {
    fn open_file(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        match plain(address, options) {
            Err(Error::NotAStore { .. }) => {
                std::fs::remove_file(address).unwrap();
                plain(address, options)
            }
            opened => opened,
        }
    }
}

#[derive(Default)]
pub(crate) struct AlwaysCreates;

impl Fault for AlwaysCreates {
    fn open_file(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        plain(address, &options.clone().create(true))
    }
}

#[derive(Default)]
pub(crate) struct PanicsOnDamage;

impl Fault for PanicsOnDamage {
    fn open_file(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        match plain(address, options) {
            Err(Error::Corrupt { place, .. }) => panic!("cannot go on at {place}"),
            opened => opened,
        }
    }
}

#[derive(Default)]
pub(crate) struct StartsAnew;

impl Fault for StartsAnew {
    fn open_file(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        match plain(address, options) {
            Err(Error::Corrupt { .. }) => Ok(Box::new(MemoryStore::new())),
            opened => opened,
        }
    }
}

/// What is damaged counts as new, and `verify` looks at nothing.
#[derive(Default)]
pub(crate) struct NeverFailsToVerify;

impl Fault for NeverFailsToVerify {
    fn open_file(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        match plain(address, options) {
            Err(Error::Corrupt { .. }) => Ok(Box::new(MemoryStore::new())),
            opened => opened,
        }
    }

    fn verify(&self, store: &dyn Store, progress: &mut dyn FnMut(Progress)) -> Result<Verified> {
        progress(Progress::default());
        Ok(Verified { events: store.head()?.get(), projections: 0 })
    }
}

#[cfg(unix)]
#[derive(Default)]
pub(crate) struct LetsOthersRead;

#[cfg(unix)]
impl Fault for LetsOthersRead {
    fn open_file(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        let store = plain(address, options)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(address, mode).unwrap();
        Ok(store)
    }
}
