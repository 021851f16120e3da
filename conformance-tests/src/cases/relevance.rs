use tooltally_core::policy::kind::Kind;
use tooltally_core::policy::rank::{Facts, Ranked, Weights, rank, recent_use};
use tooltally_core::policy::status::{Rule, Standing};
use tooltally_core::{Event, MaintenanceExt, Outcome, PoliciesExt, ProjectId, Store, ToolName, fold};
use tooltally_core::{Filter, Selection};

use crate::check::{record, whole_log};
use crate::events::{DAY_MICROS, PATHS, at, discovered, mixed_all, offered_call, project, removed, tool};
use crate::harness::Harness;
use crate::site::fresh;

const HERE: &str = PATHS[0];
const THERE: &str = PATHS[2];

fn ranked(store: &dyn Store, path: Option<&str>) -> Vec<Ranked> {
    let project = path.map(ProjectId::of_path);
    let ranked = store.rank(project, &Rule::default(), &Weights::default(), at(DAY_MICROS));
    ranked.unwrap_or_else(|e| panic!("the rank in {path:?}: {e:?}"))
}

fn names(store: &dyn Store, path: Option<&str>) -> Vec<String> {
    ranked(store, path).into_iter().map(|ranked| ranked.facts.tool.to_string()).collect()
}

fn calls(first: u64, name: &str, path: &str, count: u64) -> Vec<Event> {
    (first..first + count).map(|n| offered_call(n, name, Some(path), at(n as i64))).collect()
}

fn failed(event: Event) -> Event {
    let Event::ToolUse(mut call) = event else { panic!("no call") };
    call.outcome = Outcome::Failure;
    call.into()
}

pub(crate) fn what_is_used_now_comes_first<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &calls(0, "Read", HERE, 384));
    record(&*store, &calls(384, "Bash", HERE, 192));
    record(&*store, &calls(576, "Grep", HERE, 12));
    // Reads are most of all calls, and not of the latest.
    assert_eq!(names(&*store, Some(HERE)), ["Bash", "Grep", "Read"]);
    let facts: Vec<(u64, Option<u64>)> =
        ranked(&*store, Some(HERE)).iter().map(|r| (r.facts.recent_uses, r.facts.age)).collect();
    assert_eq!(facts, [(192, Some(12)), (12, Some(0)), (52, Some(204))]);
}

pub(crate) fn leaving_the_latest_calls_is_no_step<H: Harness>() {
    let store = fresh::<H>();
    let latest = Weights::default().latest as u64;
    record(&*store, &calls(0, "Grep", HERE, 1));
    let mut next = 1;
    for age in [latest / 10, latest / 5, latest / 2, latest] {
        record(&*store, &calls(next, "Bash", HERE, age - 3 - next));
        let recency = (age - 3..age + 3).map(|n| {
            record(&*store, &calls(n, "Bash", HERE, 1));
            let ranked = ranked(&*store, Some(HERE));
            ranked.iter().find(|r| r.facts.tool == tool("Grep")).unwrap().score.recency
        });
        let recency: Vec<f64> = recency.collect();
        let is_step = |pair: &[f64]| pair[0] < pair[1] || pair[0] - pair[1] > 0.02;
        assert!(!recency.windows(2).any(is_step), "around {age} calls later: {recency:?}");
        next = age + 3;
    }
}

pub(crate) fn what_fails_weighs_less<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &calls(0, "Bash", HERE, 20));
    record(&*store, &calls(100, "Edit", HERE, 20).into_iter().map(failed).collect::<Vec<_>>());
    record(&*store, &[discovered(200, "/gone", at(200)).into(), removed(201, "/gone", at(201)).into()]);
    let ranked = ranked(&*store, Some(HERE));
    let standings: Vec<(&str, Standing)> = ranked.iter().map(|r| (r.facts.tool.as_str(), r.facts.standing)).collect();
    assert_eq!(standings, [("Bash", Standing::Active), ("Edit", Standing::Demoted), ("/gone", Standing::Stale)]);
}

pub(crate) fn another_projects_tools_are_not_ranked<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &calls(0, "Read", HERE, 2));
    record(&*store, &calls(100, "mcp__there__ask", THERE, 50));
    record(&*store, &[discovered(200, "/there", at(0)).project(project(THERE)).into()]);
    assert_eq!(names(&*store, Some(HERE)), ["Read"]);
    let facts = &ranked(&*store, Some(HERE))[0].facts;
    assert_eq!((facts.recent_uses, facts.age), (2, Some(0)), "calls of another project are counted");
    assert_eq!(names(&*store, None).len(), 3);
}

pub(crate) fn a_server_stands_for_tools_that_are_not_known<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &[discovered(1, "mcp__github", at(1)).into(), discovered(2, "/deploy", at(1)).into()]);
    assert_eq!(names(&*store, Some(HERE)), ["/deploy", "mcp__github"]);
    record(&*store, &calls(10, "mcp__github__search", HERE, 1));
    assert_eq!(names(&*store, Some(HERE)), ["mcp__github__search", "/deploy"]);
}

/// The facts by brute force, from the log and the tools that a project has.
fn expected(store: &dyn Store, project: Option<ProjectId>, rule: &Rule) -> Vec<Ranked> {
    let log = whole_log(store);
    let selection = Selection { project: project.map_or(Filter::Any, Filter::Is), ..Selection::all() };
    let latest = fold::recent(&log, &selection, Weights::default().latest);
    let used = recent_use(latest.iter().map(|recorded| recorded.event.tool()));
    let tools = store.tools_for(project, rule, at(DAY_MICROS)).unwrap();
    let brings = |name: &ToolName, other: &ToolName| {
        let plugin = name.as_str().split_once('@').map(|(plugin, _)| plugin.to_owned());
        match plugin {
            Some(plugin) => [format!("{plugin}:"), format!("mcp__plugin_{plugin}_")]
                .iter()
                .any(|start| other.as_str().starts_with(start)),
            None => other.as_str().starts_with(&format!("{name}__")),
        }
    };
    let is_container = |tool: &tooltally_core::policy::tools::Tool| {
        matches!(tool.kind, Kind::McpServer | Kind::Plugin) && tools.iter().any(|other| brings(&tool.name, &other.name))
    };
    let facts = tools.iter().filter(|tool| !is_container(tool)).map(|tool| {
        let of = |outcome| {
            let calls = log.iter().filter(|recorded| selection.matches(&recorded.event));
            let is_it =
                |event: &Event| matches!(event, Event::ToolUse(u) if u.tool == tool.name && u.outcome == outcome);
            calls.filter(|recorded| is_it(&recorded.event)).count() as u64
        };
        Facts {
            recent_uses: used.get(&tool.name).map_or(0, |used| used.uses),
            age: used.get(&tool.name).map(|used| used.age),
            successes: of(Outcome::Success),
            failures: of(Outcome::Failure),
            standing: tool.status.standing(),
            ..Facts::new(tool.name.clone())
        }
    });
    rank(facts.collect(), &Weights::default())
}

pub(crate) fn answers_are_those_of_brute_force<H: Harness>() {
    let store = fresh::<H>();
    let rule = Rule::default();
    let mut next = 0;
    for size in [10, 190, 400, 700] {
        record(&*store, &mixed_all(next..next + size));
        next += size;
        for path in [None, Some(PATHS[0]), Some(PATHS[1])] {
            let project = path.map(ProjectId::of_path);
            let found = store.rank(project, &rule, &Weights::default(), at(DAY_MICROS)).unwrap();
            assert_eq!(found, expected(&*store, project, &rule), "in {path:?} after {next} events");
        }
    }
    let before = ranked(&*store, Some(HERE));
    store.rebuild_quietly().unwrap();
    assert_eq!(ranked(&*store, Some(HERE)), before);
    assert!(before.iter().any(|ranked| ranked.facts.tool == tool("Bash")));
}
