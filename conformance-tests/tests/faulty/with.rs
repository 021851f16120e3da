//! A sound store with a fault in front of it.

use std::marker::PhantomData;
use std::path::Path;

use tooltally_conformance::{FileBacked, Folder, Harness, ProcessEntry};
use tooltally_core::{
    Appended, Condition, Event, Filter, GroupBy, Log, Maintenance, MemoryStore, OpenOptions, Position, Progress,
    ProjectId, Queries, RecentOutcomes, Recorded, Registered, Result, Selection, SessionId, Store, ToolName, Trail,
    UsageRow, Verified,
};

use crate::store::{self, PlainStore};

/// What a fault may change: each method does right until it is overridden.
pub(crate) trait Fault: Default + Send + Sync + 'static {
    fn open_file(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        Ok(Box::new(PlainStore::open_with(Path::new(address), options)?))
    }

    fn append(&self, store: &dyn Store, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        store.append(events, condition)
    }

    fn read(&self, store: &dyn Store, after: Position, limit: usize) -> Result<Vec<Recorded>> {
        store.read(after, limit)
    }

    fn head(&self, store: &dyn Store) -> Result<Position> {
        store.head()
    }

    fn usage(&self, store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        store.usage(selection, group_by)
    }

    fn recent(&self, store: &dyn Store, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        store.recent(selection, limit)
    }

    fn registered(&self, store: &dyn Store, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
        store.registered(project)
    }

    fn latest_outcomes(
        &self,
        store: &dyn Store,
        project: &Filter<ProjectId>,
    ) -> Result<Vec<(ToolName, RecentOutcomes)>> {
        store.latest_outcomes(project)
    }

    fn trail(&self, store: &dyn Store, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
        store.trail(session, look_back)
    }

    fn verify(&self, store: &dyn Store, progress: &mut dyn FnMut(Progress)) -> Result<Verified> {
        store.verify(progress)
    }

    fn rebuild(&self, store: &dyn Store, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        store.rebuild(progress)
    }
}

/// No fault at all.
#[derive(Default)]
pub(crate) struct Sound;

impl Fault for Sound {}

struct With<F> {
    store: Box<dyn Store>,
    fault: F,
}

impl<F: Fault> Log for With<F> {
    fn append(&self, events: &[Event], condition: Condition) -> Result<Vec<Appended>> {
        self.fault.append(&*self.store, events, condition)
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>> {
        self.fault.read(&*self.store, after, limit)
    }

    fn head(&self) -> Result<Position> {
        self.fault.head(&*self.store)
    }
}

impl<F: Fault> Queries for With<F> {
    fn usage(&self, selection: &Selection, group_by: &GroupBy) -> Result<Vec<UsageRow>> {
        self.fault.usage(&*self.store, selection, group_by)
    }

    fn recent(&self, selection: &Selection, limit: usize) -> Result<Vec<Recorded>> {
        self.fault.recent(&*self.store, selection, limit)
    }

    fn registered(&self, project: &Filter<ProjectId>) -> Result<Vec<Registered>> {
        self.fault.registered(&*self.store, project)
    }

    fn latest_outcomes(&self, project: &Filter<ProjectId>) -> Result<Vec<(ToolName, RecentOutcomes)>> {
        self.fault.latest_outcomes(&*self.store, project)
    }

    fn trail(&self, session: &SessionId, look_back: u64) -> Result<Option<Trail>> {
        self.fault.trail(&*self.store, session, look_back)
    }
}

impl<F: Fault> Maintenance for With<F> {
    fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified> {
        self.fault.verify(&*self.store, progress)
    }

    fn rebuild(&self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        self.fault.rebuild(&*self.store, progress)
    }

    fn compact(&self) -> Result<()> {
        self.store.compact()
    }
}

/// The reference store behind a fault.
pub(crate) struct InMemory<F>(PhantomData<F>);

impl<F: Fault> Harness for InMemory<F> {
    type Place = Folder;

    fn place() -> Folder {
        Folder::new()
    }

    fn address(place: &Folder) -> String {
        place.file("nothing")
    }

    fn open(_address: &str, _options: &OpenOptions) -> Result<Box<dyn Store>> {
        Ok(Box::new(With { store: Box::new(MemoryStore::new()), fault: F::default() }))
    }
}

/// The plain store in a file behind a fault.
pub(crate) struct InFile<F>(PhantomData<F>);

impl<F: Fault> Harness for InFile<F> {
    type Place = Folder;

    fn place() -> Folder {
        Folder::new()
    }

    fn address(place: &Folder) -> String {
        place.file("usage.plain")
    }

    fn open(address: &str, options: &OpenOptions) -> Result<Box<dyn Store>> {
        Ok(Box::new(With { store: F::open_file(address, options)?, fault: F::default() }))
    }
}

impl<F: Fault> FileBacked for InFile<F> {
    fn make_newer_format(file: &Path) -> u32 {
        store::set_format(file, store::FORMAT + 1).unwrap();
        store::FORMAT + 1
    }
}

/// For the cases on several handles; none that starts a process is tried here.
impl<F: Fault> ProcessEntry for InFile<F> {
    const ENTRY: &'static str = concat!(module_path!(), "::no_entry");
}
