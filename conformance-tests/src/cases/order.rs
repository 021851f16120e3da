use tooltally_core::{Event, GroupBy, GroupKey, Project, ProjectId, Selection, Store};

use crate::check::{GROUPINGS, Pair, record, record_in_batches, usage};
use crate::events::{at, numbered_all, project, session, use_of};
use crate::harness::Harness;
use crate::site::fresh;

/// Uses of tools, each as many times as said.
fn uses_of(tools: &[(&str, usize)]) -> Vec<Event> {
    let names = tools.iter().flat_map(|(name, times)| std::iter::repeat_n(*name, *times));
    names.zip(0..).map(|(name, number)| use_of(number, name, at(number as i64)).into()).collect()
}

fn names(store: &dyn Store, group_by: &GroupBy) -> Vec<String> {
    usage(store, &Selection::all(), group_by).iter().map(|row| row.key.name().to_owned()).collect()
}

pub(crate) fn the_most_used_come_first<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &uses_of(&[("a", 1), ("b", 3), ("c", 2), ("d", 12), ("e", 4)]));
    assert_eq!(names(&*store, &GroupBy::Tool), ["d", "e", "b", "c", "a"]);
}

pub(crate) fn ties_stand_by_name<H: Harness>() {
    let store = fresh::<H>();
    record(
        &*store,
        &uses_of(&[("b", 1), ("é", 1), ("a", 1), ("z", 1), ("B", 1), ("aa", 1), ("10", 1), ("9", 1), ("Z", 2)]),
    );
    assert_eq!(names(&*store, &GroupBy::Tool), ["Z", "10", "9", "B", "a", "aa", "b", "z", "é"]);
}

pub(crate) fn sessions_stand_by_use_then_name<H: Harness>() {
    let store = fresh::<H>();
    let used = [Some("b"), Some("a"), None, Some("c"), Some("c"), Some("A")];
    let events: Vec<Event> = used
        .iter()
        .zip(0..)
        .map(|(name, number)| {
            let mut event = use_of(number, "Bash", at(1));
            event.session = name.map(session);
            event.into()
        })
        .collect();
    record(&*store, &events);
    assert_eq!(names(&*store, &GroupBy::Session), ["c", "", "A", "a", "b"]);
}

pub(crate) fn projects_stand_by_use_then_path_then_id<H: Harness>() {
    let store = fresh::<H>();
    let id = |n: u8| ProjectId::from_bytes([n; 8]);
    let same = |n: u8| Project { id: id(n), path: project("/same").path };
    let used = [
        Some(project("/b")),
        Some(Project::from_id(id(9))),
        Some(same(5)),
        None,
        Some(project("/a")),
        Some(Project::from_id(id(1))),
        Some(same(2)),
        Some(project("/twice")),
        Some(project("/twice")),
    ];
    let events: Vec<Event> = used
        .iter()
        .zip(0..)
        .map(|(project, number)| {
            let mut event = use_of(number, "Bash", at(1));
            event.project.clone_from(project);
            event.into()
        })
        .collect();
    record(&*store, &events);
    let rows = usage(&*store, &Selection::all(), &GroupBy::Project);
    let found: Vec<_> = rows.into_iter().map(|row| row.key).collect();
    let expected = [7, 3, 5, 1, 4, 0, 6, 2].map(|at: usize| GroupKey::Project(used[at].clone()));
    assert_eq!(found, expected);
}

pub(crate) fn spans_stand_by_time<H: Harness>() {
    let store = fresh::<H>();
    let events: Vec<Event> =
        [25, 5, 15, 15, 25, 25].iter().zip(0..).map(|(t, n)| use_of(n, "Bash", at(*t)).into()).collect();
    record(&*store, &events);
    let spans = tooltally_core::Spans::new([0, 10, 20, 30].map(at).to_vec()).unwrap();
    let rows = usage(&*store, &Selection::all(), &GroupBy::Span(spans));
    assert_eq!(rows.iter().map(|row| row.usage.uses()).collect::<Vec<_>>(), [1, 2, 3]);
}

pub(crate) fn it_does_not_depend_on_the_order_of_recording<H: Harness>() {
    let (forth, back) = (fresh::<H>(), fresh::<H>());
    let mut events = numbered_all(0..1_500);
    record_in_batches(&*forth, &events, 100);
    events.reverse();
    record_in_batches(&*back, &events, 70);
    for group_by in GROUPINGS.iter().filter(|g| **g != GroupBy::Project && **g != GroupBy::Session) {
        assert_eq!(usage(&*forth, &Selection::all(), group_by), usage(&*back, &Selection::all(), group_by));
    }
}

pub(crate) fn no_row_is_empty<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    pair.record(&numbered_all(0..1_000));
    for (selection, group_by) in crate::check::questions() {
        let rows = usage(&*store, &selection, &group_by);
        assert!(rows.iter().all(|row| row.usage.uses() > 0), "a row of {selection:?} by {group_by:?} has no use");
    }
}
