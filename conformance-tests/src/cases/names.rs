use tooltally_core::{Event, Filter, GroupBy, GroupKey, Project, ProjectId, Selection, Spans, Window};

use crate::check::{GROUPINGS, Pair, assert_sound, recent, record, usage, uses};
use crate::events::{DAY_MICROS, SESSIONS, TOOLS, at, numbered_all, project, session, tool, use_of, window};
use crate::harness::Harness;
use crate::site::fresh;

pub(crate) fn unknown_names_give_no_rows<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..1_200));
    let unknown = [
        Selection::all().tool(tool("Unknown")),
        Selection::all().session(session("unknown")),
        Selection::all().project(ProjectId::of_path("/unknown")),
        Selection::all().tool(tool("Unknown")).session(session(SESSIONS[0])),
        Selection::all().tool(tool(TOOLS[0])).project(ProjectId::of_path("/unknown")),
        // No pattern, whatever language the engine speaks.
        Selection::all().tool(tool("%")),
        Selection::all().tool(tool("B*")),
        Selection::all().session(session("_")),
        // Never two names for one.
        Selection::all().tool(tool("BASH")),
        Selection::all().tool(tool("Bash ")),
        Selection::all().session(session(TOOLS[1])),
    ];
    for selection in unknown {
        for group_by in GROUPINGS {
            assert_eq!(usage(&*store, &selection, &group_by), [], "{selection:?}");
        }
        assert_eq!(recent(&*store, &selection, 10), [], "{selection:?}");
        assert_eq!(
            usage(&*store, &selection, &GroupBy::Span(Spans::new(vec![at(0), at(DAY_MICROS)]).unwrap())),
            [],
            "{selection:?}"
        );
    }
}

pub(crate) fn no_event_is_without_a_tool<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..1_200));
    let selection = Selection { tool: Filter::Absent, ..Selection::all() };
    for group_by in GROUPINGS {
        assert_eq!(usage(&*store, &selection, &group_by), []);
    }
    assert_eq!(recent(&*store, &selection, 10), []);
}

pub(crate) fn absent_is_not_an_empty_name<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    pair.record(&[
        use_of(1, "Bash", at(1)).into(),
        use_of(2, "Bash", at(2)).session(session(" ")).into(),
        use_of(3, "Bash", at(3)).project(Project::from_id(ProjectId::from_bytes([0; 8]))).into(),
        use_of(4, "Bash", at(4))
            .session(session("0"))
            .project(Project::from_id(ProjectId::from_bytes([0xff; 8])))
            .into(),
    ]);
    let no_session = Selection { session: Filter::Absent, ..Selection::all() };
    let no_project = Selection { project: Filter::Absent, ..Selection::all() };
    assert_eq!(uses(&*store, &no_session), 2);
    assert_eq!(uses(&*store, &no_project), 2);
    for group_by in GROUPINGS {
        pair.assert_same_usage(Selection::all(), group_by.clone());
        pair.assert_same_usage(no_session.clone(), group_by.clone());
        pair.assert_same_usage(no_project.clone(), group_by);
    }
}

pub(crate) fn names_of_different_sorts_are_kept_apart<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let name = "same";
    pair.record(&[
        use_of(1, name, at(1)).into(),
        use_of(2, "Bash", at(2)).session(session(name)).into(),
        use_of(3, "Bash", at(3)).project(project(name)).into(),
        use_of(4, name, at(4)).session(session(name)).project(project(name)).into(),
    ]);
    let selections = [
        Selection::all().tool(tool(name)),
        Selection::all().session(session(name)),
        Selection::all().project(project(name).id),
    ];
    for selection in selections {
        assert_eq!(uses(&*store, &selection), 2, "{selection:?}");
        for group_by in GROUPINGS {
            pair.assert_same_usage(selection.clone(), group_by);
        }
    }
}

pub(crate) fn project_rows_show_the_first_path<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let id = ProjectId::of_path("/first");
    let known_as = |path: &str| Project { id, path: project(path).path };
    pair.record(&[use_of(1, "Bash", at(1)).project(Project::from_id(id)).into()]);
    assert_eq!(
        usage(&*store, &Selection::all(), &GroupBy::Project)[0].key,
        GroupKey::Project(Some(Project::from_id(id)))
    );
    pair.record(&[use_of(2, "Bash", at(9)).project(known_as("/first")).into()]);
    pair.record(&[use_of(3, "Bash", at(0)).project(known_as("/second")).into()]);
    // The first of the log, though its event is not selected.
    let selection = Selection::all().window(Window::until(at(2)));
    assert_eq!(usage(&*store, &selection, &GroupBy::Project)[0].key, GroupKey::Project(Some(known_as("/first"))));
    pair.record(&numbered_all(10..1_300));
    pair.assert_same_usage(Selection::all(), GroupBy::Project);
    pair.assert_same_usage(selection, GroupBy::Project);
}

pub(crate) fn session_rows_show_the_main_project<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let (mut number, mut events) = (0, Vec::new());
    let mut use_in = |name: &str, path: Option<&str>, times: u64| {
        for _ in 0..times {
            number += 1;
            let mut event = use_of(number, "Bash", at(number as i64)).session(session(name));
            event.project = path.map(project);
            events.push(event.into());
        }
    };
    use_in("more", Some("/a"), 2);
    use_in("more", Some("/b"), 3);
    use_in("tie", Some("/a"), 2);
    use_in("tie", Some("/b"), 2);
    use_in("tie with none", None, 2);
    use_in("tie with none", Some("/b"), 2);
    use_in("mostly none", None, 3);
    use_in("mostly none", Some("/a"), 2);
    use_in("none", None, 1);
    pair.record(&events);
    pair.assert_same_usage(Selection::all(), GroupBy::Session);
    for to in 1..=number as i64 {
        pair.assert_same_usage(Selection::all().window(Window::until(at(to))), GroupBy::Session);
    }
    pair.assert_same_usage(Selection::all().project(project("/a").id), GroupBy::Session);
}

pub(crate) fn many_names_are_exact<H: Harness>() {
    let store = fresh::<H>();
    let pair = Pair::new(&*store);
    let event = |n: u64| {
        let (tool, session) = (format!("tool {}", n % 700), format!("session {}", n % 1_100));
        use_of(n, &tool, at((n % 50) as i64 * DAY_MICROS))
            .session(crate::events::session(&session))
            .project(project(&format!("/p/{}", n % 300)))
            .into()
    };
    let events: Vec<Event> = (0..3_000).map(event).collect();
    for batch in events.chunks(500) {
        pair.record(batch);
    }
    for window in [Window::ALL, window(at(10 * DAY_MICROS), at(30 * DAY_MICROS + 1))] {
        for group_by in GROUPINGS {
            pair.assert_same_usage(Selection::all().window(window), group_by);
        }
        for n in [0, 1, 299, 699] {
            pair.assert_same_usage(Selection::all().tool(tool(&format!("tool {n}"))).window(window), GroupBy::Session);
            pair.assert_same_usage(Selection::all().session(session(&format!("session {n}"))), GroupBy::Project);
        }
    }
    assert_sound(&*store);
}
