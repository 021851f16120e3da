//! What cases compare: a store's answers with those of the reference store that was given the same events.

use tooltally_core::{
    Appended, Condition, Event, Filter, GroupBy, Log, LogExt, MaintenanceExt, MemoryStore, Position, ProjectId,
    Queries, RecentOutcomes, Recorded, Registered, Selection, Spans, Store, Timestamp, ToolName, UsageRow, Window,
    fold,
};

use crate::events;

/// Records a batch, which must succeed.
pub(crate) fn record(store: &dyn Store, events: &[Event]) -> Vec<Appended> {
    store.record_all(events).unwrap_or_else(|e| panic!("{} events are not recorded: {e:?}", events.len()))
}

/// Records events in batches of one size.
pub(crate) fn record_in_batches(store: &dyn Store, events: &[Event], batch: usize) {
    for batch in events.chunks(batch) {
        record(store, batch);
    }
}

/// The positions from `first` on, as answers for new events.
pub(crate) fn new_from(first: u64, count: usize) -> Vec<Appended> {
    (first..).take(count).map(|n| Appended::New(Position::new(n))).collect()
}

pub(crate) fn head(store: &dyn Store) -> u64 {
    store.head().expect("the head can be read").get()
}

/// The whole log in one read.
pub(crate) fn whole_log(store: &dyn Store) -> Vec<Recorded> {
    store.read(Position::START, usize::MAX).expect("the log can be read")
}

pub(crate) fn usage(store: &dyn Store, selection: &Selection, group_by: &GroupBy) -> Vec<UsageRow> {
    store.usage(selection, group_by).unwrap_or_else(|e| panic!("usage of {selection:?} by {group_by:?}: {e:?}"))
}

pub(crate) fn recent(store: &dyn Store, selection: &Selection, limit: usize) -> Vec<Recorded> {
    store.recent(selection, limit).unwrap_or_else(|e| panic!("recent {limit} of {selection:?}: {e:?}"))
}

/// How many uses a selection holds.
pub(crate) fn uses(store: &dyn Store, selection: &Selection) -> u64 {
    usage(store, selection, &GroupBy::Total).iter().map(|row| row.usage.uses()).sum()
}

/// The store verifies, and has found as many events as the log holds.
pub(crate) fn assert_sound(store: &dyn Store) {
    let verified = store.verify_quietly().unwrap_or_else(|e| panic!("the store does not verify: {e:?}"));
    assert_eq!(verified.events, head(store), "verify has gone through another number of events than the log holds");
}

/// The log holds exactly these events, in this order, at positions 1, 2, 3, …
pub(crate) fn assert_log(store: &dyn Store, events: &[Event]) {
    let log = whole_log(store);
    assert_eq!(log.len(), events.len(), "the log has another length than what was recorded");
    for ((recorded, event), position) in log.iter().zip(events).zip(1..) {
        assert_eq!(recorded.position.get(), position, "a position is out of place");
        assert_eq!(&recorded.event, event, "position {position} holds another event than the recorded one");
    }
    assert_eq!(head(store), events.len() as u64, "the head is not the last position");
}

/// A question and a way to group its answer.
pub(crate) type Question = (Selection, GroupBy);

/// The plain ways to group.
pub(crate) const GROUPINGS: [GroupBy; 4] = [GroupBy::Total, GroupBy::Tool, GroupBy::Project, GroupBy::Session];

/// One usage answer equals the reference's.
pub(crate) fn assert_same_usage(store: &dyn Store, model: &dyn Queries, (selection, group_by): &Question) {
    let expected = model.usage(selection, group_by).expect("the reference store answers");
    let found = usage(store, selection, group_by);
    assert!(found == expected, "usage of {selection:?} by {group_by:?}:\n found {found:#?}\n expected {expected:#?}");
}

/// One answer on recent uses equals the reference's.
pub(crate) fn assert_same_recent(store: &dyn Store, model: &dyn Queries, selection: &Selection, limit: usize) {
    let expected = model.recent(selection, limit).expect("the reference store answers");
    let found = recent(store, selection, limit);
    assert!(found == expected, "recent {limit} of {selection:?}:\n found {found:#?}\n expected {expected:#?}");
}

/// A few dozen questions of every sort about made events: cheap enough to be asked often.
pub(crate) fn questions() -> Vec<Question> {
    let day = |n: i64| events::at(n * events::DAY_MICROS);
    let windows = [
        Window::ALL,
        Window::since(day(30)),
        Window::until(events::at(29 * events::DAY_MICROS + 12_345)),
        events::window(events::at(3 * events::HOUR_MICROS - 1), events::at(41 * events::DAY_MICROS + 7)),
    ];
    let selections = [
        Selection::all(),
        Selection::all().tool(events::tool(events::TOOLS[0])),
        Selection::all().project(events::project(events::PATHS[0]).id),
        Selection::all().session(events::session(events::SESSIONS[0])),
    ];
    let days = Spans::new((0..=61).map(day).collect()).expect("days ascend");
    let mut questions = vec![(Selection::all(), GroupBy::Span(days))];
    for window in windows {
        for selection in &selections {
            questions.extend(GROUPINGS.map(|group_by| (selection.clone().window(window), group_by)));
        }
    }
    questions
}

/// Everything that a store answers about made events, to be compared later.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answers {
    log: Vec<Recorded>,
    usage: Vec<Vec<UsageRow>>,
    recent: Vec<Vec<Recorded>>,
    registered: Vec<Vec<Registered>>,
    outcomes: Vec<Vec<(ToolName, RecentOutcomes)>>,
}

/// Settings of every project, of one, of all.
fn some_settings() -> [Filter<ProjectId>; 3] {
    [Filter::Absent, Filter::Is(ProjectId::of_path(events::PATHS[0])), Filter::Any]
}

impl Answers {
    /// Asks everything; the first error ends it.
    pub(crate) fn ask(store: &dyn Store) -> tooltally_core::Result<Self> {
        let questions = questions();
        Ok(Self {
            log: store.read(Position::START, usize::MAX)?,
            usage: questions.iter().map(|(s, g)| store.usage(s, g)).collect::<Result<_, _>>()?,
            recent: questions.iter().step_by(4).map(|(s, _)| store.recent(s, 20)).collect::<Result<_, _>>()?,
            registered: some_settings().iter().map(|of| store.registered(of)).collect::<Result<_, _>>()?,
            outcomes: some_settings().iter().map(|of| store.latest_outcomes(of)).collect::<Result<_, _>>()?,
        })
    }

    /// Asks everything of a sound store.
    pub(crate) fn of(store: &dyn Store) -> Self {
        Self::ask(store).unwrap_or_else(|e| panic!("a sound store does not answer: {e:?}"))
    }
}

/// The store answers as the reference store does that holds the same log.
pub(crate) fn assert_same_answers(store: &dyn Store, model: &MemoryStore) {
    assert!(whole_log(store) == whole_log(model), "the log differs from the reference's");
    for question in questions() {
        assert_same_usage(store, model, &question);
    }
    for (selection, _) in questions().iter().step_by(4) {
        assert_same_recent(store, model, selection, 20);
    }
    for project in some_settings() {
        let found = store.registered(&project).expect("the registry is answered");
        assert!(found == model.registered(&project).expect("the reference store answers"), "registered in {project:?}");
        let found = store.latest_outcomes(&project).expect("the latest outcomes are answered");
        let expected = model.latest_outcomes(&project).expect("the reference store answers");
        assert!(found == expected, "latest outcomes in {project:?}");
    }
}

/// The store's answers are folds of its own log.
pub(crate) fn assert_answers_fold_the_log(store: &dyn Store) {
    let log = whole_log(store);
    for (selection, group_by) in questions() {
        let expected = fold::usage(&log, &selection, &group_by);
        let found = usage(store, &selection, &group_by);
        assert!(found == expected, "usage of {selection:?} by {group_by:?} is no fold of the log:\n found {found:#?}");
    }
}

/// A store beside the reference store; both are given the same.
pub(crate) struct Pair<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) model: MemoryStore,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(store: &'a dyn Store) -> Self {
        Self { store, model: MemoryStore::new() }
    }

    /// Records a batch in both; the answers are the same.
    pub(crate) fn record(&self, events: &[Event]) {
        let found = record(self.store, events);
        let expected = self.model.append(events, Condition::None).expect("the reference store records");
        assert!(found == expected, "a batch of {} is answered for in another way", events.len());
    }

    pub(crate) fn assert_same_usage(&self, selection: Selection, group_by: GroupBy) {
        assert_same_usage(self.store, &self.model, &(selection, group_by));
    }

    pub(crate) fn assert_same_recent(&self, selection: &Selection, limit: usize) {
        assert_same_recent(self.store, &self.model, selection, limit);
    }

    pub(crate) fn assert_same_answers(&self) {
        assert_same_answers(self.store, &self.model);
    }
}

/// The first and the last instant, for windows and spans over all of time but its last microsecond.
pub(crate) const ENDS: [Timestamp; 2] = [Timestamp::MIN, Timestamp::MAX];
