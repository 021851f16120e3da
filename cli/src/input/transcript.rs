//! Transcripts of Claude Code: calls matched with their results.

use std::collections::HashMap;
use std::sync::Arc;

use tooltally::{
    Attributes, EventId, Outcome, Project, SessionId, Source, SubagentName, Timestamp, ToolDuration, ToolName, ToolUse,
};

use super::context::{Context, Place, Stop};
use super::field::{Field, Problem};
use super::item::{Block, Item};
use super::outcome;
use super::values;

/// The most calls without a result, and results without a call, that one file may have at a time: memory ends
/// somewhere, and real files have a handful.
const MAX_UNMATCHED: usize = 65_536;
/// The most events that wait for the file's first `cwd`, which real files have in their first lines.
const MAX_WAITING: usize = 4_096;

/// The subagent of a sidechain whose type the file does not tell.
const SIDECHAIN: &str = "sidechain";

/// One transcript as it is read.
#[derive(Default)]
pub(super) struct Transcript {
    project: Option<Project>,
    agent_type: FileAgentType,
    /// Calls without a result, by their call id's digest.
    calls: HashMap<EventId, OpenCall>,
    /// Results whose call did not come yet, by the same.
    results: HashMap<EventId, Finished>,
    /// Events that wait for the file's first `cwd`.
    waiting: Vec<ToolUse>,
}

/// The subagent's type, where the whole file has one.
#[derive(Default)]
enum FileAgentType {
    #[default]
    Unknown,
    One(SubagentName),
    Several,
}

struct OpenCall {
    /// `None` if the name was refused, which was counted then.
    tool: Option<ToolName>,
    time: Option<Timestamp>,
    model: Option<Arc<str>>,
    chain: Chain,
}

struct Finished {
    id: EventId,
    outcome: Outcome,
    time: Result<Option<Timestamp>, Problem>,
    session: Option<SessionId>,
    duration: Option<ToolDuration>,
    chain: Chain,
    place: Place,
}

/// What a line tells of the subagent that it is of.
#[derive(Clone)]
struct Chain {
    agent_type: Option<SubagentName>,
    is_sidechain: bool,
}

impl Transcript {
    /// Takes a line.
    pub(super) fn take(&mut self, item: &Item<'_>, place: Place, context: &mut Context<'_>) -> Result<(), Stop> {
        self.take_cwd(&item.cwd, context)?;
        let chain = self.chain(item, context);
        let Some(message) = &item.message else { return Ok(()) };
        if message.blocks.too_many {
            context.skip(place, "more calls or results in one line than are read");
        }
        if item.is_line_type("assistant") {
            let model = model(&message.model, context);
            let time = values::time("timestamp", &item.timestamp).unwrap_or_default();
            for block in message.blocks.wanted.iter().filter(|b| b.is_type("tool_use")) {
                let (model, chain) = (model.clone(), chain.clone());
                self.take_call(block, OpenCall { tool: None, time, model, chain }, place, context)?;
            }
        } else if item.is_line_type("user") {
            self.take_results(item, &message.blocks.wanted, &chain, place, context)?;
        }
        Ok(())
    }

    /// The file's end: what stayed unmatched is counted.
    pub(super) fn finish(mut self, context: &mut Context<'_>) -> Result<(), Stop> {
        self.release(context)?;
        self.give_up_results(context);
        self.give_up_calls(context);
        Ok(())
    }

    fn take_cwd(&mut self, cwd: &Field<'_>, context: &mut Context<'_>) -> Result<(), Stop> {
        if self.project.is_some() || !cwd.is_given() {
            return Ok(());
        }
        match cwd.required_text("cwd").and_then(|text| values::project("cwd", text)) {
            Ok(project) => {
                self.project = Some(project);
                self.release(context)
            }
            Err(problem) => {
                context.note(&problem.to_string());
                Ok(())
            }
        }
    }

    fn chain(&mut self, item: &Item<'_>, context: &mut Context<'_>) -> Chain {
        let agent_type =
            optional(values::subagent("agentType", &item.transcript_agent_type), context).inspect(|found| {
                self.agent_type = match &self.agent_type {
                    FileAgentType::Unknown => FileAgentType::One(found.clone()),
                    FileAgentType::One(known) if known == found => return,
                    _ => FileAgentType::Several,
                };
            });
        let is_sidechain = optional(item.is_sidechain.bool("isSidechain"), context).unwrap_or_default();
        Chain { agent_type, is_sidechain }
    }

    fn take_call(
        &mut self,
        block: &Block<'_>,
        mut call: OpenCall,
        place: Place,
        context: &mut Context<'_>,
    ) -> Result<(), Stop> {
        let key = match block.id.required_text("tool_use id") {
            Ok(id) => EventId::global(context.agent, id),
            Err(problem) => {
                context.skip(place, &problem.to_string());
                return Ok(());
            }
        };
        match block.name.required_text("tool_use name").and_then(|name| values::tool_name("tool_use name", name)) {
            Ok(tool) => call.tool = Some(tool),
            Err(problem) => context.skip(place, &problem.to_string()),
        }
        if let Some(finished) = self.results.remove(&key) {
            return self.finish_call(key, call, finished, context);
        }
        if self.calls.len() >= MAX_UNMATCHED {
            self.give_up_calls(context);
        }
        // A line may stand twice; the first tells when the call began.
        self.calls.entry(key).or_insert(call);
        Ok(())
    }

    fn take_results(
        &mut self,
        item: &Item<'_>,
        blocks: &[Block<'_>],
        chain: &Chain,
        place: Place,
        context: &mut Context<'_>,
    ) -> Result<(), Stop> {
        let results = || blocks.iter().filter(|b| b.is_type("tool_result"));
        // The duration belongs to the line, so to a result that is alone in it.
        let duration = if results().count() == 1 { duration(item, context) } else { None };
        for block in results() {
            let session = optional(values::session("sessionId", &item.transcript_session), context);
            let call = match block.tool_use_id.required_text("tool_result tool_use_id") {
                Ok(call) => call,
                Err(problem) => {
                    context.skip(place, &problem.to_string());
                    continue;
                }
            };
            let id = values::call_id(context.agent, session.as_ref(), call)
                .unwrap_or_else(|| EventId::derived(&["transcript call", call]));
            let is_error = optional(block.is_error.bool("is_error"), context).unwrap_or_default();
            let finished = Finished {
                id,
                outcome: outcome::of_result(is_error, &block.text.0),
                time: values::time("timestamp", &item.timestamp),
                session,
                duration,
                chain: chain.clone(),
                place,
            };
            self.take_result(EventId::global(context.agent, call), finished, context)?;
        }
        Ok(())
    }

    fn take_result(&mut self, key: EventId, finished: Finished, context: &mut Context<'_>) -> Result<(), Stop> {
        if let Some(call) = self.calls.remove(&key) {
            return self.finish_call(key, call, finished, context);
        }
        if self.results.len() >= MAX_UNMATCHED {
            self.give_up_results(context);
        }
        self.results.entry(key).or_insert(finished);
        Ok(())
    }

    fn finish_call(
        &mut self,
        key: EventId,
        call: OpenCall,
        finished: Finished,
        context: &mut Context<'_>,
    ) -> Result<(), Stop> {
        context.calls.finish(key);
        let Some(tool) = call.tool else { return Ok(()) };
        let time = match (finished.time, call.time) {
            (Ok(Some(time)), _) | (_, Some(time)) => time,
            (Ok(None), None) => {
                context.skip(finished.place, &Problem::missing("timestamp").to_string());
                return Ok(());
            }
            (Err(problem), None) => {
                context.skip(finished.place, &problem.to_string());
                return Ok(());
            }
        };
        let mut tool_use = ToolUse::new(finished.id, tool, finished.outcome, time)
            .agent(context.agent.clone())
            .source(Source::Transcript);
        tool_use.session = finished.session;
        tool_use.duration = finished.duration;
        tool_use.subagent = self.subagent(call.chain, finished.chain);
        if let Some(model) = call.model {
            let mut attributes = Attributes::new();
            if attributes.set("model", &model).is_ok() {
                tool_use.attributes = attributes;
            }
        }
        self.hand_over(tool_use, context)
    }

    fn subagent(&self, call: Chain, result: Chain) -> Option<SubagentName> {
        let is_sidechain = call.is_sidechain || result.is_sidechain;
        let of_file = || match &self.agent_type {
            FileAgentType::One(name) if is_sidechain => Some(name.clone()),
            _ => None,
        };
        let unnamed = || if is_sidechain { SubagentName::new(SIDECHAIN).ok() } else { None };
        call.agent_type.or(result.agent_type).or_else(of_file).or_else(unnamed)
    }

    fn hand_over(&mut self, mut tool_use: ToolUse, context: &mut Context<'_>) -> Result<(), Stop> {
        if self.project.is_some() {
            tool_use.project.clone_from(&self.project);
            return context.event(tool_use);
        }
        self.waiting.push(tool_use);
        if self.waiting.len() >= MAX_WAITING { self.release(context) } else { Ok(()) }
    }

    /// Hands over the events that waited for the project.
    fn release(&mut self, context: &mut Context<'_>) -> Result<(), Stop> {
        for mut tool_use in std::mem::take(&mut self.waiting) {
            tool_use.project.clone_from(&self.project);
            context.event(tool_use)?;
        }
        Ok(())
    }

    fn give_up_results(&mut self, context: &mut Context<'_>) {
        let mut orphans: Vec<Place> = self
            .results
            .drain()
            .filter(|(call, _)| !context.calls.is_finished(*call))
            .map(|(_, finished)| finished.place)
            .collect();
        orphans.sort_unstable_by_key(|place| place.number);
        for place in orphans {
            context.skip(place, "a result without its call");
        }
    }

    fn give_up_calls(&mut self, context: &mut Context<'_>) {
        for (call, _) in self.calls.drain() {
            context.calls.leave_open(call);
        }
    }
}

/// The value of a field that an event can do without.
fn optional<T>(value: Result<Option<T>, Problem>, context: &mut Context<'_>) -> Option<T> {
    value.unwrap_or_else(|problem| {
        context.note(&problem.to_string());
        None
    })
}

/// The model's name, if it fits an attribute.
fn model(field: &Field<'_>, context: &mut Context<'_>) -> Option<Arc<str>> {
    let text = optional(field.text("model"), context)?;
    let fits = Attributes::new().set("model", text).is_ok();
    if !fits {
        context.note("model does not fit an attribute");
    }
    fits.then(|| text.into())
}

/// The tool's own time. The time between call and result is not: it includes the wait for permission.
fn duration(item: &Item<'_>, context: &mut Context<'_>) -> Option<ToolDuration> {
    let result = item.tool_use_result.as_ref()?;
    let own = optional(values::duration("durationMs", &result.duration_ms), context);
    own.or_else(|| optional(values::duration("totalDurationMs", &result.total_duration_ms), context))
}
