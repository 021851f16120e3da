//! Whose a tool is, and whether it is there: the pure part, of made facts.

use std::collections::BTreeSet;

use tooltally_core::policy::kind::{Identity, Kind, Scope};
use tooltally_core::policy::rank::{Weights, rank, rank_servers, recent_use};
use tooltally_core::policy::status::{Rule, Standing, Status};
use tooltally_core::policy::tools::{Known, Tool, facts};
use tooltally_core::{
    Condition, Event, EventId, Filter, GroupBy, GroupKey, Log, MemoryStore, Outcome, Project, ProjectId, Queries,
    Selection, SettingsSource, Timestamp, ToolDiscovered, ToolName, ToolRemoved, ToolUse,
};

const DAY: i64 = 86_400_000_000;

fn time(day: i64) -> Timestamp {
    Timestamp::from_micros(day * DAY).unwrap()
}

fn tool(name: &str) -> ToolName {
    ToolName::new(name).unwrap()
}

fn project(path: &str) -> Project {
    Project::from_path(path).unwrap()
}

/// A log, in order: what happened, to which tool, in which project.
#[derive(Default)]
struct Story(MemoryStore);

impl Story {
    fn tell(self, make: impl FnOnce(EventId) -> Event) -> Self {
        let id = EventId::derived(&[self.0.head().unwrap().get().to_le_bytes()]);
        self.0.append(&[make(id)], Condition::None).unwrap();
        self
    }

    fn used(self, name: &str, path: Option<&str>) -> Self {
        self.tell(|id| {
            let mut call = ToolUse::new(id, tool(name), Outcome::Success, time(1));
            call.project = path.map(project);
            call.into()
        })
    }

    fn found(self, name: &str, path: Option<&str>) -> Self {
        self.found_as(name, Identity::of(&tool(name)).kind, None, path)
    }

    /// A server, by its name in settings and as names of its tools begin.
    fn server(self, name: &str, shown: &str, path: Option<&str>) -> Self {
        self.found_as(shown, Kind::McpServer, Some(name), path)
    }

    fn found_as(self, name: &str, kind: Kind, server: Option<&str>, path: Option<&str>) -> Self {
        self.tell(|id| {
            let source = SettingsSource::new("settings").unwrap();
            let mut found = ToolDiscovered::new(id, tool(name), kind, Scope::User, source, time(1));
            (found.project, found.server) = (path.map(project), server.map(|name| name.parse().unwrap()));
            found.into()
        })
    }

    fn turned_off(self, name: &str, path: &str) -> Self {
        self.tell(|id| {
            let source = SettingsSource::new("settings").unwrap();
            ToolDiscovered::new(id, tool(name), Kind::Unknown, Scope::TurnedOff, source, time(1))
                .project(project(path))
                .into()
        })
    }

    fn gone(self, name: &str, path: Option<&str>) -> Self {
        self.tell(|id| {
            let mut gone = ToolRemoved::new(id, tool(name), time(1));
            gone.project = path.map(project);
            gone.into()
        })
    }

    fn known(&self, path: &str) -> Known {
        let id = ProjectId::of_path(path);
        let rows = self.0.usage(&Selection::all().project(id), &GroupBy::Tool).unwrap();
        let usage = rows.into_iter().filter_map(|row| match row.key {
            GroupKey::Tool(tool) => Some((tool, row.usage)),
            _ => None,
        });
        let is_elsewhere = |project: &Option<Project>| project.as_ref().is_some_and(|project| project.id != id);
        let all = self.0.registered(&Filter::Any).unwrap();
        let (elsewhere, registered) = all.into_iter().partition(|r| is_elsewhere(&r.discovered.project));
        Known {
            registered,
            usage: usage.collect(),
            outcomes: self.0.latest_outcomes(&Filter::Any).unwrap().into_iter().collect(),
            outside: self.0.latest_outcomes(&Filter::Absent).unwrap().into_iter().map(|(tool, _)| tool).collect(),
            elsewhere,
        }
    }

    fn tools(&self, path: &str) -> Vec<Tool> {
        self.tools_on(path, 2)
    }

    fn tools_on(&self, path: &str, day: i64) -> Vec<Tool> {
        let project = Some(ProjectId::of_path(path));
        let decided = &mut |_: &ToolName| -> tooltally_core::Result<Status> { unreachable!("a few calls decide") };
        self.known(path).tools(project, &Rule::default(), time(day), decided).unwrap()
    }

    fn tool(&self, name: &str) -> Tool {
        self.tools("/here").into_iter().find(|tool| tool.name.as_str() == name).unwrap()
    }

    fn names(&self, path: &str) -> BTreeSet<String> {
        self.tools(path).iter().map(|tool| tool.name.to_string()).collect()
    }

    fn is_removed(&self, name: &str) -> bool {
        self.is_removed_in(name, "/here")
    }

    fn is_removed_in(&self, name: &str, path: &str) -> bool {
        self.tools(path).iter().find(|tool| tool.name.as_str() == name).unwrap().status.removed
    }
}

#[test]
fn what_is_another_projects_is_not_shown() {
    let story =
        Story::default().found("/a", Some("/there")).used("mcp__x__y", Some("/there")).used("z", Some("/there"));
    assert_eq!(story.names("/here"), BTreeSet::new());
    assert_eq!(story.names("/there").len(), 3);
}

#[test]
fn a_server_of_every_project_brings_its_tools_unless_another_has_one_of_its_name() {
    let story = Story::default().found("mcp__x", None).used("mcp__x__y", Some("/there"));
    assert!(story.known("/here").needs_elsewhere(Some(ProjectId::of_path("/here"))));
    assert!(story.names("/here").contains("mcp__x__y"));
    assert!(!story.found("mcp__x", Some("/there")).names("/here").contains("mcp__x__y"));
    let story = Story::default().found("mcp__x", Some("/here")).used("mcp__x__y", Some("/there"));
    assert!(!story.names("/here").contains("mcp__x__y"));
}

#[test]
fn a_server_that_no_settings_have_any_more_brings_nothing_to_others() {
    let story = || Story::default().found("mcp__x", None).used("mcp__x__y", Some("/there")).gone("mcp__x", None);
    assert_eq!(story().names("/here"), BTreeSet::from(["mcp__x".to_owned()]));
    assert!(story().names("/there").contains("mcp__x__y"));
    assert!(story().used("mcp__x__z", Some("/here")).names("/here").contains("mcp__x__z"));
    assert!(story().found("mcp__x", None).names("/here").contains("mcp__x__y"));
}

#[test]
fn other_settings_are_asked_for_only_where_they_decide() {
    let story = Story::default().used("Bash", Some("/there")).found("/a", None).used("b", Some("/here"));
    assert!(!story.known("/here").needs_elsewhere(Some(ProjectId::of_path("/here"))));
}

#[test]
fn what_is_gone_everywhere_is_removed() {
    let story = || Story::default().found("/a", None).found("/a", Some("/here")).gone("/a", Some("/here"));
    assert!(!story().is_removed("/a"));
    assert!(story().gone("/a", None).is_removed("/a"));
    assert!(story().gone("/a", None).used("/a", Some("/here")).is_removed("/a"));
    assert!(!story().gone("/a", None).found("/a", None).is_removed("/a"));
}

#[test]
fn a_plugins_removal_takes_all_that_it_brings() {
    let story = Story::default().found("a.b@m", None).found("a.b:skill", None).used("a.b:other", Some("/here"));
    assert!(!story.is_removed("a.b:skill"));
    let story = story.gone("a.b@m", None);
    assert!(story.is_removed("a.b:skill") && story.is_removed("a.b:other") && story.is_removed("a.b@m"));
    // Of the same name from another marketplace, it is still there.
    assert!(!story.found("a.b@n", None).is_removed("a.b:skill"));
}

/// Servers and a plugin whose names hold what stands between the parts of a tool's.
fn with_underscores() -> Story {
    Story::default()
        .server("dbl__srv", "mcp__dbl__srv", None)
        .server("Sentry (prod)", "mcp__Sentry__prod_", None)
        .found("my_plug@m", None)
        .server("srv", "mcp__plugin_my_plug_srv", None)
        .used("mcp__dbl__srv__query", Some("/here"))
        .used("mcp__Sentry__prod___issues", Some("/here"))
        .used("mcp__plugin_my_plug_srv__x", Some("/here"))
        .used("mcp__dbl__other", Some("/here"))
}

#[test]
fn registered_servers_decide_how_names_are_read() {
    let story = with_underscores();
    let told = |name: &str| {
        let tool = story.tool(name);
        (tool.kind, tool.server, tool.plugin, tool.scope, tool.uses)
    };
    let text = |text: &str| Some(text.to_owned());
    let (server, tool, user) = (Kind::McpServer, Kind::McpTool, Some(Scope::User));
    for (name, expected) in [
        ("mcp__dbl__srv", (server, text("dbl__srv"), None, user, 1)),
        ("mcp__dbl__srv__query", (tool, text("dbl__srv"), None, user, 1)),
        ("mcp__Sentry__prod_", (server, text("Sentry (prod)"), None, user, 1)),
        ("mcp__Sentry__prod___issues", (tool, text("Sentry (prod)"), None, user, 1)),
        ("mcp__plugin_my_plug_srv", (server, text("srv"), text("my_plug"), user, 1)),
        ("mcp__plugin_my_plug_srv__x", (tool, text("srv"), text("my_plug"), user, 1)),
        ("my_plug@m", (Kind::Plugin, None, text("my_plug"), user, 1)),
        // No server is known that brings it: the name alone decides.
        ("mcp__dbl__other", (tool, text("dbl"), None, None, 1)),
    ] {
        assert_eq!(told(name), expected, "{name}");
    }
    assert_eq!(
        story.names("/there").len(),
        7,
        "a server of every project brings its tools: {:?}",
        story.names("/there")
    );
}

#[test]
fn of_registered_servers_the_longest_name_brings_a_tool() {
    let story = with_underscores().server("dbl", "mcp__dbl", None).used("mcp__dbl__srv__query", Some("/here"));
    assert_eq!(story.tool("mcp__dbl__srv").uses, 2);
    assert_eq!(story.tool("mcp__dbl").uses, 1);
    assert_eq!(story.tool("mcp__dbl__other").server.as_deref(), Some("dbl"));
    let story = story.gone("mcp__dbl", None);
    assert!(story.is_removed("mcp__dbl__other") && !story.is_removed("mcp__dbl__srv__query"));
}

#[test]
fn a_registered_server_takes_its_tools_with_it() {
    let story = with_underscores().gone("mcp__dbl__srv", None).gone("mcp__Sentry__prod_", None).gone("my_plug@m", None);
    for name in ["mcp__dbl__srv__query", "mcp__Sentry__prod___issues", "mcp__plugin_my_plug_srv__x"] {
        assert!(story.is_removed(name), "{name}");
    }
    assert!(!story.is_removed("mcp__dbl__other"));
}

#[test]
fn registered_servers_gather_their_tools() {
    let ranked = rank(facts(&with_underscores().tools("/here"), &recent_use(&[])), &Weights::default());
    let servers: Vec<(String, Vec<Option<String>>)> = rank_servers(&ranked, &Weights::default())
        .into_iter()
        .map(|server| {
            let tools = server.tools.iter().map(|tool| tool.facts.name_in_server().map(str::to_owned)).collect();
            (server.name, tools)
        })
        .collect();
    let gathered = [
        ("mcp__Sentry__prod_", "issues"),
        ("mcp__dbl", "other"),
        ("mcp__dbl__srv", "query"),
        ("mcp__plugin_my_plug_srv", "x"),
    ];
    assert_eq!(servers, gathered.map(|(server, tool)| (server.to_owned(), vec![Some(tool.to_owned())])));
    assert_eq!(ranked.len(), 4, "a server or plugin stands for itself only without tools: {ranked:?}");
}

#[test]
fn what_a_project_turns_off_is_removed_there_alone_with_all_that_it_brings() {
    let story = || {
        let found = Story::default().found("mcp__x", None).found("a@m", None).found("a:skill", None);
        found.used("mcp__x__y", Some("/there"))
    };
    let all = ["mcp__x", "mcp__x__y", "a@m", "a:skill"];
    let off = || story().turned_off("mcp__x", "/here").turned_off("a@m", "/here");
    for name in all {
        assert!(!story().is_removed(name) && off().is_removed(name), "{name}");
        // Neither gone nor hidden elsewhere: the other project has them as before.
        assert!(!off().is_removed_in(name, "/there") && !off().is_removed_in(name, "/third"), "{name}");
        let on = off().gone("mcp__x", Some("/here")).gone("a@m", Some("/here"));
        assert!(!on.is_removed(name), "{name}");
    }
    assert_eq!(off().names("/third"), story().names("/third"));
    // Of its name, another one is there.
    assert!(!off().found("a@n", None).is_removed("a:skill"));
    assert!(off().found("a@n", None).is_removed("a@m"));
    // All projects together have it, and so has one whose own settings have it again.
    let decided = &mut |_: &ToolName| -> tooltally_core::Result<Status> { unreachable!("a few calls decide") };
    let known = Known { registered: off().0.registered(&Filter::Any).unwrap(), ..Known::default() };
    let tools = known.tools(None, &Rule::default(), time(2), decided).unwrap();
    assert!(tools.iter().all(|tool| !tool.status.removed), "{tools:?}");
    assert!(!off().found("mcp__x", Some("/here")).is_removed("mcp__x"));
}

#[test]
fn only_what_is_seen_in_use_is_stale_unused() {
    let never = ["/deploy", "Skill(pdf)", "docs:write", "docs@m", "mcp__x", "mcp__plugin_docs_s", "LS", "thing"];
    let story = never.iter().fold(Story::default(), |story, name| story.found(name, None));
    let stale = |story: &Story, day| {
        let unseen = |tool: &Tool| tool.status.unseen.then(|| tool.name.to_string());
        story.tools_on("/here", day).iter().filter_map(unseen).collect::<BTreeSet<_>>()
    };
    assert_eq!(stale(&story, 30), BTreeSet::new());
    let seen_in_use = ["LS", "mcp__plugin_docs_s", "mcp__x", "thing"];
    assert_eq!(stale(&story, 31), seen_in_use.map(str::to_owned).into());
    // Calls under its own name are seen, whatever it is.
    assert!(stale(&story.used("/deploy", None), 31).contains("/deploy"));
}

#[test]
fn servers_are_used_as_their_tools_are() {
    let story =
        Story::default().found("mcp__x", None).used("mcp__x__y", Some("/here")).used("mcp__x__z", Some("/here"));
    let tools = story.tools("/here");
    let server = tools.iter().find(|tool| tool.name.as_str() == "mcp__x").unwrap();
    assert_eq!((server.uses, server.successes, server.last_used), (2, 2, Some(time(1))));
    assert_eq!(server.last_seen, Some(time(1)), "{server:?}");
    let ranked = facts(&tools, &recent_use(&[tool("mcp__x__y")]));
    let names: BTreeSet<&str> = ranked.iter().map(|facts| facts.tool.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["mcp__x__y", "mcp__x__z"]));
    let alone = Story::default().found("mcp__x", None);
    assert_eq!(facts(&alone.tools("/here"), &recent_use(&[])).len(), 1);
}

#[test]
fn who_is_undecided_is_asked_about() {
    let mut story = Story::default();
    for n in 0..20 {
        story = story.tell(|id| {
            // Neither three failures of five, nor three successes in a row.
            let outcome = if n % 3 == 2 { Outcome::Failure } else { Outcome::Success };
            ToolUse::new(id, tool("Bash"), outcome, time(1)).project(project("/here")).into()
        });
    }
    let (known, rule) = (story.known("/here"), Rule::default());
    let mut asked = Vec::new();
    let demoted = Status::new(&rule, &tooltally_core::policy::status::Segment::empty(rule), time(1)).removed(true);
    let tools = known.tools(Some(ProjectId::of_path("/here")), &rule, time(2), &mut |tool| {
        asked.push(tool.clone());
        Ok(demoted)
    });
    // Whether it is removed, settings say.
    assert_eq!(tools.unwrap()[0].status.standing(), Standing::Active);
    assert_eq!(asked, [tool("Bash")]);
}
