use std::time::Duration;

use tooltally_core::policy::kind::Kind;
use tooltally_core::policy::status::Rule;
use tooltally_core::policy::tools::Tool;
use tooltally_core::{Event, MaintenanceExt, PoliciesExt, ProjectId, Store};

use crate::brute::{Brute, Row};
use crate::check::{record, whole_log};
use crate::events::{DAY_MICROS, PATHS, at, discovered, mixed_all, numbered_all, offered_call, project, removed};
use crate::harness::Harness;
use crate::site::fresh;

const HERE: &str = PATHS[0];
const THERE: &str = PATHS[2];

fn of(path: &str, found: tooltally_core::ToolDiscovered) -> Event {
    found.project(project(path)).into()
}

fn tools_for(store: &dyn Store, path: Option<&str>) -> Vec<Tool> {
    let project = path.map(ProjectId::of_path);
    store
        .tools_for(project, &Rule::default(), at(DAY_MICROS))
        .unwrap_or_else(|e| panic!("the tools of {path:?}: {e:?}"))
}

fn names(store: &dyn Store, path: Option<&str>) -> Vec<String> {
    let mut names: Vec<String> = tools_for(store, path).into_iter().map(|tool| tool.name.to_string()).collect();
    names.sort();
    names
}

pub(crate) fn tools_of_every_project_are_each_ones<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &[discovered(1, "mcp__github", at(1)).into(), discovered(2, "/deploy", at(2)).into()]);
    for path in [None, Some(HERE), Some(THERE), Some("/unknown")] {
        assert_eq!(names(&*store, path), ["/deploy", "mcp__github"], "in {path:?}");
    }
}

pub(crate) fn what_is_another_projects_does_not_show<H: Harness>() {
    let store = fresh::<H>();
    let secret = ["mcp__there", "mcp__there__ask", "/there", "there:skill", "there@market", "unknown there"];
    let mut events = Vec::new();
    for (name, n) in secret.iter().zip(0..) {
        events.push(match n % 3 {
            0 => of(THERE, discovered(n, name, at(1))),
            1 => offered_call(n, name, Some(THERE), at(2)),
            _ => of(THERE, discovered(n, name, at(3)).description("private words".parse().unwrap())),
        });
    }
    // Also after it was used there, and outside of any project, and after it has gone.
    events.push(offered_call(50, secret[0], Some(THERE), at(4)));
    events.push(offered_call(51, secret[0], None, at(4)));
    events.push(removed(52, secret[2], at(5)).project(project(THERE)).into());
    events.push(offered_call(53, "Bash", Some(HERE), at(6)));
    record(&*store, &events);
    for _ in 0..2 {
        assert_eq!(names(&*store, Some(HERE)), ["Bash"]);
        let mut all: Vec<&str> = secret.iter().copied().chain(["Bash"]).collect();
        all.sort_unstable();
        assert_eq!(names(&*store, Some(THERE)), all);
        assert_eq!(names(&*store, None), all);
        // Folded, too.
        record(&*store, &(0..600).map(|n| offered_call(1_000 + n, "Bash", Some(HERE), at(7))).collect::<Vec<_>>());
    }
}

pub(crate) fn what_is_used_in_a_project_is_its_own<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &[offered_call(1, "mcp__new__tool", Some(HERE), at(1))]);
    let tools = tools_for(&*store, Some(HERE));
    let [tool] = &tools[..] else { panic!("one tool is {} tools", tools.len()) };
    assert_eq!((tool.uses, tool.last_used, &tool.registered), (1, Some(at(1)), &None));
    assert_eq!(names(&*store, Some(THERE)), [""; 0]);
}

pub(crate) fn built_in_tools_are_everywhere<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &[offered_call(1, "Bash", Some(THERE), at(1))]);
    let tools = tools_for(&*store, Some(HERE));
    assert_eq!(names(&*store, Some(HERE)), ["Bash"]);
    assert_eq!((tools[0].uses, tools[0].last_used), (0, None), "uses of another project are counted");
    assert_eq!(tools_for(&*store, Some(THERE))[0].uses, 1);
}

pub(crate) fn servers_and_plugins_bring_their_tools<H: Harness>() {
    let store = fresh::<H>();
    record(
        &*store,
        &[
            discovered(1, "mcp__github", at(1)).into(),
            discovered(2, "docs@market", at(1)).into(),
            offered_call(3, "mcp__github__search", Some(THERE), at(2)),
            offered_call(4, "docs:write", Some(THERE), at(2)),
            offered_call(5, "mcp__plugin_docs_search__find", Some(THERE), at(2)),
            offered_call(6, "mcp__githubs__search", Some(THERE), at(2)),
        ],
    );
    let brought = ["docs:write", "docs@market", "mcp__github", "mcp__github__search", "mcp__plugin_docs_search__find"];
    assert_eq!(names(&*store, Some(HERE)), brought);
    // A server of that name in the other project's own settings: then its tool may be that one's.
    record(&*store, &[of(THERE, discovered(7, "mcp__github", at(3)))]);
    assert!(!names(&*store, Some(HERE)).contains(&"mcp__github__search".to_owned()));
    assert!(names(&*store, Some(THERE)).contains(&"mcp__github__search".to_owned()));
}

pub(crate) fn registered_servers_decide_whose_a_tool_is<H: Harness>() {
    let store = fresh::<H>();
    let server = |n, name: &str| {
        let mut found = discovered(n, name, at(1));
        (found.kind, found.server) = (Kind::McpServer, Some("as settings name it".parse().unwrap()));
        of(HERE, found)
    };
    record(
        &*store,
        &[
            server(1, "mcp__dbl__srv"),
            of(HERE, discovered(2, "my_plug@market", at(1))),
            server(3, "mcp__plugin_my_plug_srv"),
            offered_call(4, "mcp__dbl__srv__query", Some(HERE), at(2)),
            offered_call(5, "mcp__dbl__srv__query", Some(HERE), at(2)),
            offered_call(6, "mcp__plugin_my_plug_srv__find", Some(HERE), at(3)),
        ],
    );
    let told = |name: &str| {
        let tools = tools_for(&*store, Some(HERE));
        let tool = tools.into_iter().find(|tool| tool.name.as_str() == name).unwrap_or_else(|| panic!("no {name}"));
        (tool.uses, tool.server.is_some_and(|server| server == "as settings name it"), tool.status.removed)
    };
    for _ in 0..2 {
        assert_eq!(told("mcp__dbl__srv"), (2, true, false));
        assert_eq!(told("mcp__dbl__srv__query"), (2, true, false));
        assert_eq!(told("mcp__plugin_my_plug_srv__find"), (1, true, false));
        assert_eq!(told("my_plug@market").0, 1);
        // Folded, too.
        record(&*store, &(0..600).map(|n| offered_call(1_000 + n, "Bash", Some(HERE), at(7))).collect::<Vec<_>>());
    }
    record(&*store, &[removed(7, "mcp__dbl__srv", at(8)).project(project(HERE)).into()]);
    assert!(told("mcp__dbl__srv__query").2, "it went with its server");
}

pub(crate) fn a_removed_server_brings_nothing_to_others<H: Harness>() {
    let store = fresh::<H>();
    record(
        &*store,
        &[
            discovered(1, "mcp__github", at(1)).into(),
            offered_call(2, "mcp__github__search", Some(THERE), at(2)),
            removed(3, "mcp__github", at(3)).into(),
            offered_call(4, "mcp__github__secret", Some(THERE), at(4)),
        ],
    );
    assert_eq!(names(&*store, Some(HERE)), ["mcp__github"]);
    assert_eq!(names(&*store, Some(THERE)), ["mcp__github", "mcp__github__search", "mcp__github__secret"]);
}

pub(crate) fn what_is_used_outside_of_projects_is_everyones<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &[offered_call(1, "mcp__x__y", None, at(1)), offered_call(2, "/deploy", None, at(1))]);
    assert_eq!(names(&*store, Some(HERE)), ["/deploy", "mcp__x__y"]);
    record(&*store, &[of(THERE, discovered(3, "/deploy", at(3)))]);
    assert_eq!(names(&*store, Some(HERE)), ["mcp__x__y"]);
}

pub(crate) fn a_projects_own_settings_come_first<H: Harness>() {
    let store = fresh::<H>();
    let described = |n, text: &str| discovered(n, "mcp__github", at(n as i64)).description(text.parse().unwrap());
    record(&*store, &[of(HERE, described(1, "its own")), described(2, "everyone's").into()]);
    let told = |path| tools_for(&*store, path)[0].description().map(ToString::to_string);
    assert_eq!(told(Some(HERE)).as_deref(), Some("its own"));
    assert_eq!(told(Some(THERE)).as_deref(), Some("everyone's"));
    record(&*store, &[removed(3, "mcp__github", at(9)).project(project(HERE)).into()]);
    assert_eq!(told(Some(HERE)).as_deref(), Some("everyone's"));
    assert!(!tools_for(&*store, Some(HERE))[0].status.removed, "the settings of every project have it");
}

pub(crate) fn tools_stand_by_standing_kind_use_and_name<H: Harness>() {
    let store = fresh::<H>();
    let mut events = vec![
        discovered(1, "/b", at(1)).into(),
        discovered(2, "/a", at(1)).into(),
        discovered(3, "/gone", at(1)).into(),
        removed(4, "/gone", at(2)).into(),
    ];
    events.extend((10..14).map(|n| offered_call(n, "Read", Some(HERE), at(n as i64))));
    events.extend((20..29).map(|n| offered_call(n, "Bash", Some(HERE), at(n as i64))));
    events.extend((30..39).map(|n| offered_call(n, "Bash", Some(THERE), at(n as i64))));
    for n in 40..43 {
        let Event::ToolUse(mut call) = offered_call(n, "Edit", Some(HERE), at(n as i64)) else { continue };
        call.outcome = tooltally_core::Outcome::Failure;
        events.push(call.into());
    }
    record(&*store, &events);
    let shown: Vec<String> = tools_for(&*store, Some(HERE)).into_iter().map(|tool| tool.name.to_string()).collect();
    assert_eq!(shown, ["Bash", "Read", "/a", "/b", "/gone", "Edit"]);
}

/// The store's answers are those of brute force.
fn assert_brute(store: &dyn Store) {
    let log = whole_log(store);
    let weeks = Rule::default().probation_after(Duration::from_hours(48)).unseen_after(Duration::from_hours(240));
    for (rule, day) in [(Rule::default(), 60), (weeks, 31)] {
        let now = at(day * DAY_MICROS);
        let brute = Brute { log: &log, rule, now };
        for path in [None, Some(PATHS[0]), Some(PATHS[1]), Some(PATHS[3]), Some("/unknown")] {
            let project = path.map(ProjectId::of_path);
            let tools = store.tools_for(project, &rule, now).unwrap();
            let found: Vec<Row> = tools.iter().map(Row::from).collect();
            let expected = brute.tools_for(project);
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found, expected, "in {path:?} after {} events", log.len());
            }
            assert_eq!(found.len(), expected.len(), "in {path:?} after {} events", log.len());
        }
    }
}

pub(crate) fn answers_are_those_of_brute_force<H: Harness>() {
    for (first, sizes) in [(0, &[3, 9, 30, 100][..]), (5_000, &[20, 700, 40]), (20_000, &[40]), (30_000, &[25])] {
        let store = fresh::<H>();
        let mut next = first;
        for size in sizes {
            record(&*store, &mixed_all(next..next + size));
            next += size;
            assert_brute(&*store);
        }
    }
}

pub(crate) fn a_rebuild_changes_no_answer<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &mixed_all(0..700));
    record(&*store, &numbered_all(50_000..50_100));
    let ask = || [None, Some(HERE), Some(THERE)].map(|path| tools_for(&*store, path));
    let before = ask();
    store.rebuild_quietly().unwrap();
    assert!(ask() == before, "a rebuild changes whose a tool is");
    assert_brute(&*store);
}
