use std::time::Duration;

use tooltally_core::policy::status::{Rule, Standing, State, Status};
use tooltally_core::{Event, MaintenanceExt, Outcome, PoliciesExt, Store, Timestamp};

use crate::brute::Brute;
use crate::check::{assert_sound, record, whole_log};
use crate::events::{
    DAY_MICROS, HOUR_MICROS, OFFERED, TOOLS, at, discovered, mixed_all, numbered_all, project, removed, tool, use_of,
};
use crate::harness::Harness;
use crate::site::fresh;

fn status(store: &dyn Store, name: &str, now: Timestamp) -> Status {
    store.status_of(&tool(name), &Rule::default(), now).unwrap_or_else(|e| panic!("the status of {name}: {e:?}"))
}

fn standing(store: &dyn Store, name: &str, now: Timestamp) -> Standing {
    status(store, name, now).standing()
}

fn call(number: u64, outcome: Outcome, micros: i64) -> Event {
    let mut call = use_of(number, "Bash", at(micros));
    call.outcome = outcome;
    call.into()
}

/// Calls one after the other: `s` succeeds, `f` fails, `i` is interrupted.
fn calls(first: u64, outcomes: &str) -> Vec<Event> {
    let outcome = |letter| match letter {
        's' => Outcome::Success,
        'f' => Outcome::Failure,
        _ => Outcome::Interrupted,
    };
    (first..).zip(outcomes.chars()).map(|(n, letter)| call(n, outcome(letter), n as i64)).collect()
}

pub(crate) fn failures_demote_and_successes_restore<H: Harness>() {
    let store = fresh::<H>();
    let now = at(HOUR_MICROS);
    assert_eq!(standing(&*store, "Bash", now), Standing::Active, "of a tool that is not known");
    record(&*store, &calls(1, "sfisf"));
    assert_eq!(standing(&*store, "Bash", now), Standing::Active);
    record(&*store, &calls(10, "f"));
    assert_eq!(standing(&*store, "Bash", now), Standing::Demoted);
    record(&*store, &calls(20, "ssii"));
    assert_eq!(standing(&*store, "Bash", now), Standing::Demoted);
    record(&*store, &calls(30, "s"));
    assert_eq!(standing(&*store, "Bash", now), Standing::Active);
}

pub(crate) fn it_is_a_function_of_log_and_clock<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &calls(1, "fff"));
    let day = |days: i64| at(days * DAY_MICROS);
    let seen = [0, 6, 8, 40, 6].map(|days| standing(&*store, "Bash", day(days)));
    let expected = [Standing::Demoted, Standing::Demoted, Standing::Probation, Standing::Stale, Standing::Demoted];
    assert_eq!(seen, expected);
    let strict = Rule::default().demote(1, 1).unwrap().restore(1).unwrap().unseen_after(Duration::from_hours(1));
    let status = store.status_of(&tool("Bash"), &strict, day(1)).unwrap();
    assert!(status.unseen && matches!(status.state, State::Demoted { .. }), "{status:?}");
}

pub(crate) fn removed_and_unseen_are_told_apart<H: Harness>() {
    let store = fresh::<H>();
    let (soon, late) = (at(DAY_MICROS), at(31 * DAY_MICROS));
    record(&*store, &[discovered(1, "/deploy", at(0)).into(), use_of(2, "/used", at(0)).into()]);
    // The use of a command shows in the log only where a call has its name.
    for (name, unseen) in [("/deploy", false), ("/used", true)] {
        let (now, then) = (status(&*store, name, soon), status(&*store, name, late));
        assert_eq!((now.removed, now.unseen, then.removed, then.unseen), (false, false, false, unseen), "{name}");
    }
    record(&*store, &[removed(3, "/deploy", at(1)).into()]);
    let gone = status(&*store, "/deploy", soon);
    assert_eq!((gone.removed, gone.unseen, gone.standing()), (true, false, Standing::Stale));
    // A call does not bring it back; a discovery does.
    record(&*store, &[use_of(4, "/deploy", at(2)).into()]);
    assert!(status(&*store, "/deploy", soon).removed);
    record(&*store, &[discovered(5, "/deploy", at(3)).into()]);
    assert_eq!(standing(&*store, "/deploy", soon), Standing::Active);
}

pub(crate) fn a_server_takes_its_tools_with_it<H: Harness>() {
    let store = fresh::<H>();
    let now = at(HOUR_MICROS);
    record(
        &*store,
        &[
            discovered(1, "mcp__github", at(1)).into(),
            discovered(2, "docs@market", at(1)).into(),
            discovered(3, "docs:write", at(1)).into(),
            use_of(4, "mcp__github__search", at(2)).into(),
            use_of(5, "mcp__plugin_docs_search__find", at(2)).into(),
            removed(6, "mcp__github", at(3)).into(),
            removed(7, "docs@market", at(3)).into(),
        ],
    );
    let tools = ["mcp__github", "mcp__github__search", "docs@market", "docs:write", "mcp__plugin_docs_search__find"];
    for name in tools {
        assert!(status(&*store, name, now).removed, "{name}");
    }
    // Where a project's own settings have it, it is not gone.
    record(&*store, &[discovered(8, "mcp__github", at(4)).project(project("/p")).into()]);
    assert!(!status(&*store, "mcp__github__search", now).removed);
    record(&*store, &[discovered(9, "docs@market", at(5)).into()]);
    for name in tools {
        assert!(!status(&*store, name, now).removed, "{name}");
    }
}

pub(crate) fn a_used_tool_is_a_sign_of_its_server<H: Harness>() {
    let store = fresh::<H>();
    let late = at(31 * DAY_MICROS);
    record(&*store, &[discovered(1, "mcp__github", at(0)).into()]);
    assert!(status(&*store, "mcp__github", late).unseen);
    record(&*store, &[use_of(2, "mcp__github__search", at(30 * DAY_MICROS)).into()]);
    assert!(!status(&*store, "mcp__github", late).unseen);
}

pub(crate) fn what_is_not_seen_in_use_is_not_unseen<H: Harness>() {
    let store = fresh::<H>();
    let found = ["/deploy", "Skill(pdf)", "docs@market", "docs:write", "mcp__github", "mcp__idle"];
    let events: Vec<Event> = (1..).zip(found).map(|(n, name)| discovered(n, name, at(0)).into()).collect();
    record(&*store, &events);
    record(&*store, &[use_of(20, "mcp__github__search", at(30 * DAY_MICROS)).into()]);
    let late = at(31 * DAY_MICROS);
    assert_eq!(found.map(|name| status(&*store, name, late).unseen), [false, false, false, false, false, true]);
    record(&*store, &[use_of(21, "Skill(pdf)", at(0)).into()]);
    assert!(status(&*store, "Skill(pdf)", late).unseen, "a call of its name is long ago");
}

pub(crate) fn a_call_of_any_outcome_ends_a_rest<H: Harness>() {
    let store = fresh::<H>();
    let now = at(8 * DAY_MICROS);
    record(&*store, &calls(1, "fff"));
    assert_eq!(standing(&*store, "Bash", now), Standing::Probation);
    let hours = |hours| 8 * DAY_MICROS - hours * HOUR_MICROS;
    record(&*store, &[call(10, Outcome::Interrupted, hours(48))]);
    // It was called two days ago, and never uncalled for seven.
    assert_eq!(standing(&*store, "Bash", now), Standing::Demoted);
    let next = at(16 * DAY_MICROS);
    record(&*store, &[call(11, Outcome::Rejected, 16 * DAY_MICROS)]);
    assert_eq!(standing(&*store, "Bash", next), Standing::Probation, "it had rested before that call");
    record(&*store, &[call(12, Outcome::Failure, 16 * DAY_MICROS)]);
    assert_eq!(standing(&*store, "Bash", next), Standing::Demoted);
}

pub(crate) fn late_events_stand_where_their_time_puts_them<H: Harness>() {
    let store = fresh::<H>();
    let now = at(HOUR_MICROS);
    record(&*store, &calls(100, "ff"));
    record(&*store, &calls(200, "sss"));
    assert_eq!(standing(&*store, "Bash", now), Standing::Active);
    // A third failure comes late: it demotes, and the three successes restored.
    record(&*store, &[call(300, Outcome::Failure, 150)]);
    assert_eq!(status(&*store, "Bash", now).state, State::NEW);
    // A failure among the successes: of these but two are left.
    record(&*store, &[call(301, Outcome::Failure, 200)]);
    assert_eq!(standing(&*store, "Bash", now), Standing::Demoted);
}

pub(crate) fn more_than_the_kept_outcomes_are_read_back<H: Harness>() {
    let store = fresh::<H>();
    let now = at(HOUR_MICROS);
    // Neither three failures of five nor three successes in a row: what the first three have made of it stays.
    record(&*store, &calls(1, "fff"));
    let swaying = "ssf".repeat(27);
    let mut next = 10;
    for _ in 0..20 {
        record(&*store, &calls(next, &swaying));
        next += 81;
        assert_eq!(standing(&*store, "Bash", now), Standing::Demoted, "after {next} calls");
    }
    // What says nothing of it hides nothing.
    record(&*store, &calls(next, &"i".repeat(600)));
    assert_eq!(standing(&*store, "Bash", now), Standing::Demoted);
    let fresh = fresh::<H>();
    record(&*fresh, &calls(1, &format!("sss{}", "ssf".repeat(270))));
    assert_eq!(standing(&*fresh, "Bash", now), Standing::Active);
    assert_sound(&*store);
}

/// The status of every tool is that of brute force.
fn assert_brute(store: &dyn Store) {
    let log = whole_log(store);
    for day in [0, 30, 61, 400] {
        let brute = Brute { log: &log, rule: Rule::default(), now: at(day * DAY_MICROS) };
        for name in OFFERED.iter().chain(&TOOLS).chain(&["never seen", "mcp__never"]) {
            let found = status(store, name, brute.now);
            assert_eq!(found, brute.status_of(name), "of {name} on day {day}, after {} events", log.len());
        }
    }
}

pub(crate) fn answers_are_those_of_brute_force<H: Harness>() {
    let store = fresh::<H>();
    let mut next = 0;
    for size in [5, 50, 300, 200, 900, 1] {
        record(&*store, &mixed_all(next..next + size));
        next += size;
        assert_brute(&*store);
    }
}

pub(crate) fn a_rebuild_changes_no_answer<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &calls(100_000, &format!("fff{}", "ssf".repeat(200))));
    record(&*store, &mixed_all(0..900));
    record(&*store, &numbered_all(50_000..50_100));
    assert_brute(&*store);
    store.rebuild_quietly().unwrap();
    assert_brute(&*store);
}

pub(crate) fn answers_stay_after_reopening<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &mixed_all(0..1_100));
    assert_brute(&*store.reopened());
}
