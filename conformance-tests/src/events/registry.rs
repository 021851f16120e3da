//! Registry events, and logs in which they are mixed with calls.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use tooltally_core::policy::kind::{Identity, Kind, Scope};
use tooltally_core::{
    AgentName, Description, Event, ServerName, SettingsSource, Timestamp, ToolDiscovered, ToolRemoved,
};

use super::{Mixer, PATHS, any_project, at, id, project, time, tool, use_of, varied, varied_micros, varied_project};

/// What settings offer: MCP servers with their tools, a plugin with what it brings, a command, a skill.
pub const OFFERED: [&str; 10] = [
    "mcp__github",
    "mcp__github__get_issue",
    "mcp__github__search",
    "docs@market",
    "docs:write",
    "mcp__plugin_docs_search",
    "mcp__plugin_docs_search__find",
    "/deploy",
    "Skill(review)",
    "Grep",
];

/// A discovery with the id of this number, in the settings of every project.
///
/// # Panics
/// If the name is not valid.
pub fn discovered(number: u64, tool_name: &str, time: Timestamp) -> ToolDiscovered {
    let name = tool(tool_name);
    let Identity { kind, scope, .. } = Identity::of(&name);
    let source = SettingsSource::new("~/.claude.json").expect("a valid source");
    ToolDiscovered::new(id(number), name, kind, scope.unwrap_or(Scope::User), source, time)
}

/// A removal with the id of this number, from the settings of every project.
///
/// # Panics
/// If the name is not valid.
pub fn removed(number: u64, tool_name: &str, time: Timestamp) -> ToolRemoved {
    ToolRemoved::new(id(number), tool(tool_name), time)
}

/// The event of this number in a log of calls and registry events: always the same. Every fourth is one of those, and of
/// the calls some are of what settings offer.
pub fn mixed(number: u64) -> Event {
    let mut mixer = Mixer::new(number);
    let name = mixer.pick(&OFFERED);
    let time = at(varied_micros(&mut mixer));
    let of = varied_project(&mut mixer);
    match mixer.below(12) {
        0 => {
            let mut removed = removed(number, name, time);
            (removed.project, removed.agent) = (of, Some(AgentName::claude_code()));
            removed.into()
        }
        1 | 2 => {
            let mut discovered = discovered(number, name, time);
            discovered.project = of;
            discovered.agent = mixer.once_in(2).then(AgentName::claude_code);
            discovered.description =
                mixer.once_in(2).then(|| Description::new(format!("does \"{number}\"")).expect("a valid text"));
            discovered.server = mixer.once_in(3).then(|| ServerName::new("git hub").expect("a valid name"));
            discovered.into()
        }
        _ => match varied(number, &mut mixer) {
            Event::ToolUse(mut call) if mixer.once_in(2) => {
                call.tool = tool(name);
                call.into()
            }
            event => event,
        },
    }
}

/// The mixed events of a range, in order.
pub fn mixed_all(numbers: std::ops::Range<u64>) -> Vec<Event> {
    numbers.map(mixed).collect()
}

/// An event of each kind and scope that there was from the first, each field at its longest and left out.
///
/// # Panics
/// Never: what it makes is valid.
pub fn odd(first: u64) -> Vec<Event> {
    let longest = |bytes: usize| "\"".repeat(bytes);
    let mut made: Vec<Event> = Vec::new();
    for kind in Kind::ALL {
        // Golden files hold these: the scopes that came later are not among them.
        for scope in Scope::ALL.into_iter().filter(|scope| *scope != Scope::TurnedOff) {
            let n = made.len();
            let source = if n.is_multiple_of(3) { longest(SettingsSource::MAX_BYTES) } else { ".mcp.json".to_owned() };
            let source = SettingsSource::new(source).expect("a valid source");
            let number = first + n as u64;
            let name = tool(OFFERED[n % OFFERED.len()]);
            let mut found = ToolDiscovered::new(id(number), name, kind, scope, source, at(n as i64));
            found.project = (!n.is_multiple_of(2)).then(|| project(PATHS[n % PATHS.len()]));
            found.agent = (!n.is_multiple_of(3)).then(AgentName::claude_code);
            found.description = (!n.is_multiple_of(5)).then(|| {
                let text =
                    if n.is_multiple_of(3) { longest(Description::MAX_BYTES) } else { "prüft Größen".to_owned() };
                Description::new(text).expect("a valid text")
            });
            found.server = (!n.is_multiple_of(4)).then(|| {
                let text = if n.is_multiple_of(3) { longest(ServerName::MAX_BYTES) } else { "git hub".to_owned() };
                ServerName::new(text).expect("a valid name")
            });
            made.push(found.into());
            if n.is_multiple_of(4) {
                let mut gone = removed(first + 1_000 + n as u64, OFFERED[n % OFFERED.len()], Timestamp::MAX);
                gone.project = (!n.is_multiple_of(8)).then(|| project(PATHS[n % PATHS.len()]));
                gone.agent = (!n.is_multiple_of(3)).then(AgentName::claude_code);
                made.push(gone.into());
            }
        }
    }
    made
}

/// Registry events from the same small pools as [`event`](super::event).
pub fn registry_event() -> impl Strategy<Value = Event> {
    let which = (0..200_u64, select(&OFFERED[..]), any::<bool>(), option::of(any_project()), time());
    (which, option::of("[^\\p{Cc}]{1,20}")).prop_map(|((number, name, is_there, of, time), text)| {
        if is_there {
            let mut discovered = discovered(number, name, time);
            discovered.project = of;
            discovered.description = text.map(|text| Description::new(text).expect("a valid text"));
            discovered.into()
        } else {
            let mut removed = removed(number, name, time);
            removed.project = of;
            removed.into()
        }
    })
}

/// A call of what settings offer.
pub fn offered_call(number: u64, tool_name: &str, of: Option<&str>, time: Timestamp) -> Event {
    let mut call = use_of(number, tool_name, time);
    call.project = of.map(project);
    call.into()
}
