use tooltally_core::{
    AgentName, Attributes, Event, Outcome, Position, Project, ProjectId, ProjectPath, SessionId, Source, SubagentName,
    Timestamp, ToolDuration, ToolName,
};

use crate::check::{ENDS, assert_log, assert_sound, record, whole_log};
use crate::events::{at, numbered_all, project, session, use_of};
use crate::harness::Harness;
use crate::site::fresh;

fn assert_comes_back<H: Harness>(events: &[Event]) {
    let store = fresh::<H>();
    record(&*store, events);
    assert_log(&*store, events);
    assert_sound(&*store);
}

pub(crate) fn every_field_comes_back<H: Harness>() {
    let mut attributes = Attributes::new();
    attributes.set("model", "sonnet").unwrap();
    attributes.set("cost", "0.012").unwrap();
    let full = use_of(1, "Bash", at(1))
        .session(session("5f0c"))
        .project(project("/home/dev/app"))
        .agent(AgentName::claude_code())
        .subagent(SubagentName::new("general-purpose").unwrap())
        .duration(ToolDuration::from_micros(1_234_567).unwrap())
        .source(Source::Hook)
        .attributes(attributes);
    assert_comes_back::<H>(&[full.into()]);
}

pub(crate) fn absent_fields_come_back_absent<H: Harness>() {
    let none = use_of(1, "Bash", at(1));
    let each = [
        none.clone(),
        use_of(2, "Bash", at(2)).session(session("5f0c")),
        use_of(3, "Bash", at(3)).project(project("/home/dev/app")),
        use_of(4, "Bash", at(4)).project(Project::from_id(ProjectId::of_path("/srv"))),
        use_of(5, "Bash", at(5)).agent(AgentName::claude_code()),
        use_of(6, "Bash", at(6)).subagent(SubagentName::new("explorer").unwrap()),
        use_of(7, "Bash", at(7)).duration(ToolDuration::from_micros(0).unwrap()),
        use_of(8, "Bash", at(8)),
    ];
    assert_comes_back::<H>(&each.map(Event::from));
}

pub(crate) fn every_outcome_and_source_comes_back<H: Harness>() {
    let mut events = Vec::new();
    for outcome in Outcome::ALL {
        for source in Source::ALL {
            let mut event = use_of(events.len() as u64, "Bash", at(1)).source(source);
            event.outcome = outcome;
            events.push(event.into());
        }
    }
    assert_comes_back::<H>(&events);
}

pub(crate) fn the_longest_values_come_back<H: Harness>() {
    let text = |bytes| "m".repeat(bytes);
    let mut attributes = Attributes::new();
    for n in 0..Attributes::MAX_PAIRS {
        let key = format!("{n}{}", text(Attributes::MAX_KEY_BYTES - 1));
        attributes.set(&key, &text(Attributes::MAX_VALUE_BYTES)).unwrap();
    }
    let path = ProjectPath::new(text(ProjectPath::MAX_BYTES)).unwrap();
    let longest = use_of(1, &text(ToolName::MAX_BYTES), at(1))
        .session(session(&text(SessionId::MAX_BYTES)))
        .project(Project { id: ProjectId::of_path("anything"), path: Some(path) })
        .agent(AgentName::new(text(AgentName::MAX_BYTES)).unwrap())
        .subagent(SubagentName::new(text(SubagentName::MAX_BYTES)).unwrap())
        .duration(ToolDuration::MAX)
        .attributes(attributes);
    // Beside its like, one byte shorter: a long key that is cut would take one for the other.
    let shorter = use_of(2, &text(ToolName::MAX_BYTES - 1), at(1)).session(session(&text(SessionId::MAX_BYTES - 1)));
    assert_comes_back::<H>(&[longest.into(), shorter.into()]);
}

pub(crate) fn text_of_every_script_comes_back<H: Harness>() {
    let texts = [
        "prüfe_größe",
        "pru\u{308}fe",
        "日本語",
        "العربية",
        "שלום",
        "🦀👩‍👩‍👧",
        "\u{feff}bom",
        "a\u{2028}b",
        "%",
        "_",
        "*",
        "'; DROP TABLE events; --",
        "\"quoted\"",
        "back\\slash",
        " ",
        "  two  ",
        "NULL",
        "0",
        "1e9",
        "\u{10ffff}",
    ];
    let event = |(n, text): (usize, &&str)| {
        let mut attributes = Attributes::new();
        attributes.set(text, text).unwrap();
        use_of(n as u64, text, at(1)).session(session(text)).project(project(text)).attributes(attributes).into()
    };
    assert_comes_back::<H>(&texts.iter().enumerate().map(event).collect::<Vec<_>>());
}

pub(crate) fn the_ends_of_time_come_back<H: Harness>() {
    let near = |time: Timestamp, by: i64| Timestamp::from_micros(time.as_micros() + by).unwrap();
    let [first, last] = ENDS;
    let times = [last, first, near(first, 1), near(last, -1), at(0), at(1)];
    let durations = [0, 1, u64::from(u32::MAX), ToolDuration::MAX.as_micros() - 1, ToolDuration::MAX.as_micros(), 7];
    let event = |(n, (time, micros)): (usize, (Timestamp, u64))| {
        use_of(n as u64, "Bash", time).duration(ToolDuration::from_micros(micros).unwrap()).into()
    };
    let events: Vec<Event> = times.into_iter().zip(durations).enumerate().map(event).collect();
    assert_comes_back::<H>(&events);
}

pub(crate) fn paging_gives_the_whole_log_once<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..1_300));
    let whole = whole_log(&*store);
    for limit in [1, 7, 64, 512, 1_299, 1_300, 1_301] {
        let (mut paged, mut after) = (Vec::new(), Position::START);
        loop {
            let page = store.read(after, limit).unwrap();
            assert!(page.len() <= limit, "a page of at most {limit} holds {}", page.len());
            let Some(last) = page.last() else { break };
            after = last.position;
            paged.extend(page);
        }
        assert!(paged == whole, "pages of {limit} give another log");
    }
}

pub(crate) fn reading_starts_after_the_position<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..1_200));
    for after in [0, 1, 2, 1_023, 1_024, 1_025, 1_198, 1_199] {
        let read = store.read(Position::new(after), 1).unwrap();
        let found: Vec<u64> = read.iter().map(|r| r.position.get()).collect();
        assert_eq!(found, [after + 1]);
    }
}

pub(crate) fn reading_past_the_head_gives_nothing<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..5));
    for after in [5, 6, 1_000, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        assert_eq!(store.read(Position::new(after), 10).unwrap(), []);
        assert_eq!(store.read(Position::new(after), usize::MAX).unwrap(), []);
    }
}

pub(crate) fn a_limit_of_0_reads_nothing<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..5));
    assert_eq!(store.read(Position::START, 0).unwrap(), []);
    assert_eq!(store.read(Position::new(3), 0).unwrap(), []);
    assert_eq!(store.read(Position::new(3), usize::MAX).unwrap().len(), 2);
}

pub(crate) fn an_empty_log_is_empty<H: Harness>() {
    let store = fresh::<H>();
    assert_eq!(store.head().unwrap(), Position::START);
    assert_eq!(store.read(Position::START, 10).unwrap(), []);
    assert_eq!(store.read(Position::new(7), 10).unwrap(), []);
    assert_sound(&*store);
}
