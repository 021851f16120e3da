use tooltally_core::{
    Condition, Error, Event, Filter, GroupBy, MaintenanceExt, Position, Project, ProjectId, Queries, RecentOutcomes,
    Registered, Selection, Store, ToolName,
};

use crate::check::{Pair, assert_log, assert_sound, head, recent, record, usage, uses, whole_log};
use crate::events::{
    OFFERED, PATHS, TOOLS, at, discovered, mixed_all, numbered_all, odd, offered_call, project, removed, use_of,
};
use crate::harness::{Harness, ProcessEntry};
use crate::site::fresh;

fn registered(store: &dyn Store, project: &Filter<ProjectId>) -> Vec<Registered> {
    store.registered(project).unwrap_or_else(|e| panic!("what is registered in {project:?}: {e:?}"))
}

fn latest_outcomes(store: &dyn Store, project: &Filter<ProjectId>) -> Vec<(ToolName, RecentOutcomes)> {
    store.latest_outcomes(project).unwrap_or_else(|e| panic!("the latest outcomes in {project:?}: {e:?}"))
}

fn filters() -> Vec<Filter<ProjectId>> {
    let unknown = Filter::Is(ProjectId::of_path("/unknown"));
    let projects = PATHS.map(|path| Filter::Is(ProjectId::of_path(path)));
    projects.into_iter().chain([Filter::Any, Filter::Absent, unknown]).collect()
}

impl Pair<'_> {
    fn assert_same_registry(&self) {
        for project in filters() {
            let expected = self.model.registered(&project).unwrap();
            assert_eq!(registered(self.store, &project), expected, "what is registered in {project:?}");
            let expected = self.model.latest_outcomes(&project).unwrap();
            assert_eq!(latest_outcomes(self.store, &project), expected, "the latest outcomes in {project:?}");
        }
    }
}

/// Name, whether it is removed, and how often it was discovered.
fn shown(store: &dyn Store, project: &Filter<ProjectId>) -> Vec<(String, bool, u64)> {
    let show = |r: Registered| (r.discovered.tool.to_string(), r.removed.is_some(), r.discoveries);
    registered(store, project).into_iter().map(show).collect()
}

fn in_project(path: &str, event: impl Into<Event>) -> Event {
    let mut event = event.into();
    match &mut event {
        Event::ToolUse(call) => call.project = Some(project(path)),
        Event::ToolDiscovered(found) => found.project = Some(project(path)),
        Event::ToolRemoved(gone) => gone.project = Some(project(path)),
        _ => panic!("a new kind of event"),
    }
    event
}

pub(crate) fn registry_events_come_back<H: Harness>() {
    let store = fresh::<H>();
    let events = odd(0);
    record(&*store, &events);
    assert_log(&*store, &events);
    // Folded, too.
    record(&*store, &numbered_all(5_000..5_600));
    let log = whole_log(&*store);
    assert!(log.iter().zip(&events).all(|(recorded, event)| recorded.event == *event), "one comes back otherwise");
    assert_sound(&*store);
}

pub(crate) fn a_discovered_tool_is_registered<H: Harness>() {
    let store = fresh::<H>();
    assert_eq!(registered(&*store, &Filter::Any), []);
    let found = discovered(1, "mcp__github", at(5));
    record(&*store, &[found.clone().into()]);
    let rows = registered(&*store, &Filter::Absent);
    let [row] = &rows[..] else { panic!("one discovery gives {} rows", rows.len()) };
    assert_eq!(row.discovered, found);
    assert_eq!((row.position, row.removed, row.discoveries), (Position::new(1), None, 1));
    assert_eq!(row.first_discovered, at(5));
}

pub(crate) fn a_tool_comes_goes_and_comes_again<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &[discovered(1, "mcp__github", at(1)).into(), removed(2, "mcp__github", at(2)).into()]);
    assert_eq!(registered(&*store, &Filter::Any)[0].removed, Some(at(2)));
    record(&*store, &[use_of(3, "mcp__github", at(3)).into()]);
    assert_eq!(shown(&*store, &Filter::Any), [("mcp__github".to_owned(), true, 1)]);
    let again = discovered(4, "mcp__github", at(4)).server("GitHub!".parse().unwrap());
    record(&*store, &[again.clone().into()]);
    let row = &registered(&*store, &Filter::Any)[0];
    assert_eq!((&row.discovered, row.removed, row.discoveries), (&again, None, 2));
    assert_eq!((row.first_discovered, row.position), (at(1), Position::new(4)));
    record(&*store, &[removed(5, "mcp__github", at(5)).into(), removed(6, "mcp__github", at(6)).into()]);
    assert_eq!(registered(&*store, &Filter::Any)[0].removed, Some(at(6)));
}

pub(crate) fn positions_order_registry_events_and_not_times<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    pair.record(&[discovered(1, "/deploy", at(9)).into(), removed(2, "/deploy", at(5)).into()]);
    assert_eq!(registered(&*store, &Filter::Any)[0].removed, Some(at(5)));
    pair.record(&[discovered(3, "/deploy", at(1)).into()]);
    let row = &registered(&*store, &Filter::Any)[0];
    assert_eq!((row.removed, row.discovered.time, row.first_discovered), (None, at(1), at(9)));
    // As they are folded.
    pair.record(&numbered_all(10..700));
    pair.assert_same_registry();
    pair.record(&[removed(4, "/deploy", at(0)).into()]);
    pair.record(&numbered_all(700..1_400));
    assert_eq!(registered(&*store, &Filter::Any)[0].removed, Some(at(0)));
    pair.assert_same_registry();
}

pub(crate) fn settings_of_projects_are_kept_apart<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    pair.record(&[
        discovered(1, "mcp__github", at(1)).into(),
        in_project(PATHS[0], discovered(2, "mcp__github", at(2))),
        in_project(PATHS[1], discovered(3, "/deploy", at(3))),
        in_project(PATHS[0], removed(4, "mcp__github", at(4))),
        in_project(PATHS[2], removed(5, "mcp__github", at(5))),
    ]);
    let is = |path: &str| Filter::Is(ProjectId::of_path(path));
    let expected = |name: &str, is_gone| vec![(name.to_owned(), is_gone, 1)];
    assert_eq!(shown(&*store, &Filter::Absent), expected("mcp__github", false));
    assert_eq!(shown(&*store, &is(PATHS[0])), expected("mcp__github", true));
    assert_eq!(shown(&*store, &is(PATHS[1])), expected("/deploy", false));
    assert_eq!(shown(&*store, &is(PATHS[2])), []);
    assert_eq!(shown(&*store, &is("/unknown")), []);
    assert_eq!(shown(&*store, &Filter::Any).len(), 3);
    pair.assert_same_registry();
    pair.record(&numbered_all(10..700));
    pair.assert_same_registry();
}

pub(crate) fn rows_stand_by_project_and_name<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let mut number = 0;
    let mut events = Vec::new();
    for name in OFFERED.iter().rev() {
        for path in [None, Some(PATHS[2]), Some(PATHS[0]), Some(PATHS[1])] {
            number += 1;
            let found = discovered(number, name, at(number as i64));
            events.push(path.map_or_else(|| found.clone().into(), |path| in_project(path, found.clone())));
        }
    }
    pair.record(&events);
    for _ in 0..2 {
        let rows = registered(&*store, &Filter::Any);
        let key = |r: &Registered| (r.discovered.project.as_ref().map(|p| p.id), r.discovered.tool.clone());
        assert!(rows.is_sorted_by(|a, b| key(a) < key(b)), "rows stand in another order: {rows:#?}");
        assert_eq!(rows.len(), events.len());
        pair.assert_same_registry();
        pair.record(&numbered_all(1_000..1_600));
    }
}

pub(crate) fn a_removal_alone_shows_nothing<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &[removed(1, "mcp__github", at(1)).into()]);
    assert_eq!(registered(&*store, &Filter::Any), []);
    record(&*store, &numbered_all(10..700));
    assert_eq!(registered(&*store, &Filter::Any), []);
    record(&*store, &[discovered(2, "mcp__github", at(0)).into()]);
    assert_eq!(shown(&*store, &Filter::Any), [("mcp__github".to_owned(), false, 1)]);
    assert_sound(&*store);
}

pub(crate) fn registry_events_are_no_uses<H: Harness>() {
    let store = fresh::<H>();
    let of_registry: Vec<Event> = (0..600).map(|n| in_project(PATHS[0], discovered(n, TOOLS[0], at(0)))).collect();
    for batch in [&of_registry[..3], &of_registry[3..]] {
        record(&*store, batch);
        let id = ProjectId::of_path(PATHS[0]);
        for selection in
            [Selection::all(), Selection::all().project(id), Selection::all().tool(TOOLS[0].parse().unwrap())]
        {
            assert_eq!(uses(&*store, &selection), 0, "of {selection:?}");
            assert_eq!(recent(&*store, &selection, 10), []);
            for group_by in [GroupBy::Tool, GroupBy::Project, GroupBy::Session] {
                assert_eq!(usage(&*store, &selection, &group_by), []);
            }
        }
        assert_eq!(latest_outcomes(&*store, &Filter::Any), []);
    }
    assert_sound(&*store);
    // Among uses.
    let mixed = fresh::<H>();
    let pair = Pair::new(&*mixed);
    for batch in mixed_all(0..1_500).chunks(130) {
        pair.record(batch);
    }
    pair.assert_same_answers();
    assert_sound(&*mixed);
}

pub(crate) fn a_project_is_shown_with_the_path_of_a_discovery<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let call = use_of(1, "Bash", at(1)).project(Project::from_id(ProjectId::of_path(PATHS[0])));
    pair.record(&[call.into(), in_project(PATHS[0], discovered(2, "/deploy", at(2)))]);
    for _ in 0..2 {
        pair.assert_same_usage(Selection::all(), GroupBy::Project);
        pair.record(&numbered_all(10..700));
        store.rebuild_quietly().unwrap();
    }
}

pub(crate) fn answers_follow_a_growing_log<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let mut next = 0;
    for size in [1, 1, 5, 40, 400, 63, 1, 1, 500, 511, 1, 512, 513, 2_000, 3] {
        pair.record(&mixed_all(next..next + size));
        next += size;
        pair.assert_same_registry();
    }
    assert_sound(&*store);
}

pub(crate) fn many_tools_and_projects_are_exact<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let mut events: Vec<Event> = Vec::new();
    for n in 0..1_500 {
        let (name, path) = (format!("mcp__server_{}", n % 157), format!("/p/{}", n % 41));
        events.push(in_project(&path, discovered(n, &name, at(n as i64))));
        if n % 5 == 0 {
            events.push(in_project(&path, removed(10_000 + n, &name, at(n as i64))));
        }
        if n % 3 == 0 {
            events.push(offered_call(20_000 + n, &name, Some(&path), at(n as i64)));
        }
    }
    for batch in events.chunks(170) {
        pair.record(batch);
    }
    for project in [Filter::Any, Filter::Absent, Filter::Is(ProjectId::of_path("/p/7"))] {
        assert_eq!(registered(&*store, &project), pair.model.registered(&project).unwrap());
        assert_eq!(latest_outcomes(&*store, &project), pair.model.latest_outcomes(&project).unwrap());
    }
    assert_sound(&*store);
}

pub(crate) fn a_rebuild_changes_no_answer<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    for batch in mixed_all(0..2_000).chunks(170) {
        pair.record(batch);
    }
    for _ in 0..2 {
        store.rebuild_quietly().unwrap();
        store.compact().unwrap();
        pair.assert_same_registry();
        assert_sound(&*store);
    }
    for batch in mixed_all(1_900..3_000).chunks(90) {
        pair.record(batch);
    }
    pair.assert_same_registry();
    assert_sound(&*store);
}

/// What a scan does: looks, and records what differs on the condition that nobody has recorded meanwhile.
fn scan(store: &dyn Store, number: u64) -> usize {
    loop {
        let seen = store.head().unwrap();
        let known = registered(store, &Filter::Absent);
        let is_known = |name: &&&str| known.iter().any(|r| r.discovered.tool.as_str() == **name && r.removed.is_none());
        let missing: Vec<&&str> = OFFERED.iter().filter(|name| !is_known(name)).collect();
        let events = missing.iter().zip(number..).map(|(name, number)| discovered(number, name, at(0)).into());
        let events: Vec<Event> = events.collect();
        match store.append(&events, Condition::HeadIs(seen)) {
            Ok(answers) => return answers.iter().filter(|answer| answer.is_new()).count(),
            Err(Error::ConditionNotMet { .. }) => {}
            Err(e) => panic!("a conditional append fails otherwise: {e:?}"),
        }
    }
}

fn scans_at_once(stores: [&dyn Store; 4]) {
    for round in 0..5 {
        let gone: Vec<Event> =
            OFFERED.iter().zip(round * 1_000..).map(|(name, n)| removed(n, name, at(round as i64)).into()).collect();
        record(stores[0], &gone);
        let found: usize = std::thread::scope(|scope| {
            let start = |(store, thread): (_, u64)| scope.spawn(move || scan(store, round * 1_000 + 100 * thread));
            let scans: Vec<_> = stores.into_iter().zip(1..).map(start).collect();
            scans.into_iter().map(|scan| scan.join().unwrap()).sum()
        });
        assert_eq!(found, OFFERED.len(), "of four scans at once, each difference is recorded once");
        let rows = registered(stores[3], &Filter::Absent);
        assert!(rows.iter().all(|row| row.removed.is_none() && row.discoveries == round + 1), "{rows:#?}");
    }
    assert_eq!(head(stores[0]), 10 * OFFERED.len() as u64);
    assert_sound(stores[1]);
}

pub(crate) fn of_scans_at_once_each_difference_is_recorded_once<H: Harness>() {
    let store = fresh::<H>();
    scans_at_once([&*store; 4]);
}

pub(crate) fn answers_stay_after_reopening<H: Harness>() {
    let store = fresh::<H>();
    let model = tooltally_core::MemoryStore::new();
    for batch in mixed_all(0..1_300).chunks(100) {
        record(&*store, batch);
        record(&model, batch);
    }
    let store = store.reopened();
    Pair { store: &*store, model }.assert_same_registry();
    assert_sound(&*store);
}

pub(crate) fn scans_on_several_handles_record_once<H: ProcessEntry>() {
    let store = fresh::<H>();
    let others = [(); 3].map(|()| store.site().open());
    scans_at_once([&*store, &*others[0], &*others[1], &*others[2]]);
}

pub(crate) fn handles_see_each_others_registry<H: ProcessEntry>() {
    let store = fresh::<H>();
    let other = store.site().open();
    let pair = Pair::new(&*store);
    for batch in mixed_all(0..1_500).chunks(75) {
        pair.record(batch);
        let filter = Filter::Any;
        assert_eq!(registered(&*other, &filter), pair.model.registered(&filter).unwrap());
        assert_eq!(latest_outcomes(&*other, &filter), pair.model.latest_outcomes(&filter).unwrap());
    }
    other.rebuild_quietly().unwrap();
    pair.assert_same_registry();
}
