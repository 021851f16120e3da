use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tooltally_core::policy::rank::Weights;
use tooltally_core::policy::status::Rule;
use tooltally_core::{
    Condition, Event, Filter, GroupBy, Log, MaintenanceExt, MemoryStore, PoliciesExt, Position, ProjectId, Queries,
    Selection, SessionId, Store,
};

use crate::events;
use crate::harness::{Harness, ProcessEntry};
use crate::site::Site;

/// How many sequences are tried, and how long they get.
const SEQUENCES: u32 = 40;
const LENGTH: usize = 24;

#[derive(Clone, Debug)]
enum Command {
    Append(Vec<Event>),
    /// Numbered events, many at once: what a backend does only now and then comes to be done.
    AppendMany(std::ops::Range<u64>),
    /// The same, with registry events among them.
    AppendMixed(std::ops::Range<u64>),
    /// On the condition that the head is so far from where it is.
    AppendAt(Vec<Event>, i64),
    Usage(Selection, GroupBy),
    Recent(Selection, usize),
    Registered(Filter<ProjectId>),
    Outcomes(Filter<ProjectId>),
    Trail(SessionId, u64),
    /// The policies on a project, or on all.
    Policies(Option<ProjectId>),
    Read(u64, usize),
    Verify,
    Rebuild,
    Compact,
    /// Closes the store and opens it again; where there are several handles, goes on with another.
    Reopen,
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![4 => events::event(), 1 => events::registry_event()]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        8 => vec(any_event(), 0..30).prop_map(Command::Append),
        1 => (0..2_000_u64, 1..900_u64).prop_map(|(from, count)| Command::AppendMixed(9_000 + from..9_000 + from + count)),
        4 => (0..2_000_u64, 1..900_u64).prop_map(|(from, count)| Command::AppendMany(1_000 + from..1_000 + from + count)),
        2 => (vec(any_event(), 0..5), prop_oneof![2 => Just(0), 1 => -2..=2_i64]).prop_map(|(e, by)| Command::AppendAt(e, by)),
        8 => (events::selection(), events::group_by()).prop_map(|(s, g)| Command::Usage(s, g)),
        6 => (events::selection(), 0..40_usize).prop_map(|(s, limit)| Command::Recent(s, limit)),
        2 => events::project_filter().prop_map(Command::Registered),
        2 => events::project_filter().prop_map(Command::Outcomes),
        2 => (select(&events::SESSIONS[..]).prop_map(events::session), 0..900_u64).prop_map(|(of, back)| Command::Trail(of, back)),
        2 => option::of(select(&events::PATHS[..]).prop_map(ProjectId::of_path)).prop_map(Command::Policies),
        2 => (0..3_000_u64, 0..80_usize).prop_map(|(after, limit)| Command::Read(after, limit)),
        1 => Just(Command::Verify),
        1 => Just(Command::Rebuild),
        1 => Just(Command::Compact),
        2 => Just(Command::Reopen),
    ]
}

/// How a sequence treats [`Command::Reopen`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handles {
    /// One, which stays.
    One,
    /// One at a time.
    Reopened,
    /// Two at once, by turns.
    Two,
}

struct Run<'a, H: Harness> {
    site: &'a Site<H>,
    handles: Vec<Box<dyn Store>>,
    model: MemoryStore,
}

/// What differs from the reference, as an error rather than a panic: shrinking meets it hundreds of times.
type Outcome = Result<(), TestCaseError>;

/// A call that must succeed.
fn must<T>(answer: tooltally_core::Result<T>) -> Result<T, TestCaseError> {
    answer.map_err(|e| TestCaseError::fail(format!("{e:?}")))
}

impl<H: Harness> Run<'_, H> {
    fn apply(&mut self, command: &Command, handles: Handles) -> Outcome {
        let (store, model) = (&*self.handles[0], &self.model);
        match command {
            Command::Append(events) => append(store, model, events, Condition::None)?,
            Command::AppendMany(numbers) => {
                append(store, model, &events::numbered_all(numbers.clone()), Condition::None)?;
            }
            Command::AppendMixed(numbers) => {
                append(store, model, &events::mixed_all(numbers.clone()), Condition::None)?;
            }
            Command::AppendAt(events, by) => {
                let head = must(model.head())?.get().saturating_add_signed(*by);
                append(store, model, events, Condition::HeadIs(Position::new(head)))?;
            }
            Command::Usage(selection, group_by) => {
                let found = must(store.usage(selection, group_by))?;
                prop_assert_eq!(found, must(model.usage(selection, group_by))?);
            }
            Command::Recent(selection, limit) => {
                prop_assert_eq!(must(store.recent(selection, *limit))?, must(model.recent(selection, *limit))?);
            }
            Command::Registered(project) => {
                prop_assert_eq!(must(store.registered(project))?, must(model.registered(project))?);
            }
            Command::Outcomes(project) => {
                prop_assert_eq!(must(store.latest_outcomes(project))?, must(model.latest_outcomes(project))?);
            }
            Command::Trail(session, look_back) => {
                prop_assert_eq!(must(store.trail(session, *look_back))?, must(model.trail(session, *look_back))?);
            }
            Command::Policies(project) => same_policies(store, model, *project)?,
            Command::Read(after, limit) => {
                let after = Position::new(*after);
                prop_assert_eq!(must(store.read(after, *limit))?, must(model.read(after, *limit))?);
            }
            Command::Verify => prop_assert_eq!(must(store.verify_quietly())?.events, must(model.head())?.get()),
            Command::Rebuild => must(store.rebuild_quietly())?,
            Command::Compact => match store.compact() {
                // Another handle may stand in its way.
                Err(e) if e.is_busy() && handles == Handles::Two => {}
                compacted => must(compacted)?,
            },
            Command::Reopen => self.reopen(handles),
        }
        Ok(())
    }

    fn reopen(&mut self, handles: Handles) {
        match handles {
            Handles::One => {}
            Handles::Reopened => {
                self.handles.clear();
                self.handles.push(self.site.open());
            }
            Handles::Two => self.handles.reverse(),
        }
    }

    fn finish(&self) -> Outcome {
        for store in &self.handles {
            prop_assert_eq!(
                must(store.read(Position::START, usize::MAX))?,
                must(self.model.read(Position::START, usize::MAX))?
            );
            must(store.verify_quietly())?;
        }
        Ok(())
    }
}

/// Both answer the same, success or not.
fn append(store: &dyn Store, model: &MemoryStore, events: &[Event], condition: Condition) -> Outcome {
    let found = store.append(events, condition).map_err(|e| e.to_string());
    let expected = model.append(events, condition).map_err(|e| e.to_string());
    prop_assert_eq!(found, expected);
    Ok(())
}

fn same_policies(store: &dyn Store, model: &MemoryStore, project: Option<ProjectId>) -> Outcome {
    let (rule, now) = (Rule::default(), events::at(60 * events::DAY_MICROS));
    let found = must(store.tools_for(project, &rule, now))?;
    prop_assert_eq!(&found, &must(model.tools_for(project, &rule, now))?);
    for tool in found.iter().take(4) {
        let status = must(store.status_of(&tool.name, &rule, now))?;
        prop_assert_eq!(status, must(model.status_of(&tool.name, &rule, now))?);
    }
    let weights = Weights::default();
    prop_assert_eq!(must(store.rank(project, &rule, &weights, now))?, must(model.rank(project, &rule, &weights, now))?);
    Ok(())
}

fn run<H: Harness>(commands: &[Command], handles: Handles) -> Outcome {
    let site = Site::<H>::new();
    let count = if handles == Handles::Two { 2 } else { 1 };
    let mut run = Run { handles: (0..count).map(|_| site.open()).collect(), site: &site, model: MemoryStore::new() };
    for command in commands {
        run.apply(command, handles)?;
    }
    run.finish()
}

/// Tries random sequences; one that fails is made as short as it gets, and shown.
fn random<H: Harness>(handles: Handles, seed: u8) {
    let config = Config { cases: SEQUENCES, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    // The same sequences on every backend and every day.
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]));
    let outcome = runner.run(&vec(command(), 1..LENGTH), |commands| {
        catch_unwind(AssertUnwindSafe(|| run::<H>(&commands, handles)))
            .unwrap_or_else(|panic| Err(TestCaseError::fail(message_of(&*panic))))
    });
    if let Err(e) = outcome {
        panic!("{e}");
    }
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

pub(crate) fn random_commands<H: Harness>() {
    random::<H>(Handles::One, 1);
}

pub(crate) fn random_commands_with_reopening<H: Harness>() {
    random::<H>(Handles::Reopened, 2);
}

pub(crate) fn random_commands_on_two_handles<H: ProcessEntry>() {
    random::<H>(Handles::Two, 3);
}
