//! Names as numbers: what is interned, and what this process knows of it.

use std::hash::Hash;
use std::ops::ControlFlow;

use rustc_hash::FxHashMap;

use super::events::Named;
use super::tables::{Direction, NameKind, Snapshot, Tree};
use crate::{AgentName, Error, Project, ProjectId, ProjectPath, Result, SessionId, SubagentName, ToolName, codec};

/// The most names of one kind that are kept in memory: a store may know millions of sessions.
const KEPT: usize = 1 << 16;

/// A type whose values are interned.
pub(super) trait Interned: Clone + Eq + Hash {
    const KIND: NameKind;
    fn parse(text: &str) -> Result<Self>;
    fn to_text(&self) -> String;
}

macro_rules! interned {
    ($($type:ident: $kind:ident),*) => {$(
        impl Interned for $type {
            const KIND: NameKind = NameKind::$kind;
            fn parse(text: &str) -> Result<Self> {
                text.parse()
            }
            fn to_text(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

interned!(ToolName: Tool, SessionId: Session, ProjectId: Project, ProjectPath: Path, AgentName: Agent, SubagentName: Subagent);

/// Known pairs of number and name. Pairs never change, so what was read from a committed state stays true.
///
/// Names made to collide in such a hash could slow it down; that there are no more than [`KEPT`] bounds it.
#[derive(Clone, Debug)]
pub(super) struct Known<T> {
    by_number: FxHashMap<u32, T>,
    by_name: FxHashMap<T, u32>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { by_number: FxHashMap::default(), by_name: FxHashMap::default() }
    }
}

impl<T: Interned> Known<T> {
    pub(super) fn learn(&mut self, number: u32, name: T) {
        if self.by_number.len() >= KEPT {
            *self = Self::default();
        }
        self.by_number.insert(number, name.clone());
        self.by_name.insert(name, number);
    }

    /// The number of a name, if it is known; 0 for none.
    pub(super) fn number_known(&self, name: Option<&T>) -> Option<u32> {
        match name {
            Some(name) => self.by_name.get(name).copied(),
            None => Some(0),
        }
    }

    /// The number of a name, if it is interned.
    pub(super) fn number(&mut self, snapshot: &dyn Snapshot, name: &T) -> Result<Option<u32>> {
        if let Some(number) = self.number_known(Some(name)) {
            return Ok(Some(number));
        }
        let number = snapshot.name_number(T::KIND, &name.to_text())?;
        if let Some(number) = number {
            self.learn(number, name.clone());
        }
        Ok(number)
    }

    /// The name of a number; `None` for 0.
    pub(super) fn name(&mut self, snapshot: &dyn Snapshot, number: u32) -> Result<Option<T>> {
        if number == 0 {
            return Ok(None);
        }
        if let Some(name) = self.by_number.get(&number) {
            return Ok(Some(name.clone()));
        }
        let place = || format!("{} name {number}", T::KIND.as_str());
        let text = snapshot
            .name_text(T::KIND, number)?
            .ok_or_else(|| Error::corrupt(place(), "rows name it, but it is missing"))?;
        let name = T::parse(&text).map_err(|e| Error::corrupt(place(), e.to_string()))?;
        self.learn(number, name.clone());
        Ok(Some(name))
    }
}

/// What is known of every kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) tools: Known<ToolName>,
    pub(super) sessions: Known<SessionId>,
    pub(super) projects: Known<ProjectId>,
    pub(super) paths: Known<ProjectPath>,
    pub(super) agents: Known<AgentName>,
    pub(super) subagents: Known<SubagentName>,
    /// The first path that the log has for a project: project number to path number.
    pub(super) first_paths: FxHashMap<u32, u32>,
}

/// The key of a project's first path in [`Tree::Meta`].
pub(super) fn first_path_key(project: u32) -> Vec<u8> {
    [b"path".as_slice(), &project.to_be_bytes()].concat()
}

/// The number of the first path that the log has for a project.
pub(super) fn first_path(snapshot: &dyn Snapshot, project: u32) -> Result<Option<u32>> {
    let key = first_path_key(project);
    match snapshot.get(Tree::Meta, &key)? {
        Some(sealed) => codec::open(&|| format!("first path of project {project}"), &key, &sealed).map(Some),
        None => Ok(None),
    }
}

/// The keys of every stored first path.
pub(super) fn first_path_keys(snapshot: &dyn Snapshot) -> Result<Vec<Vec<u8>>> {
    let (first, last) = (first_path_key(0), first_path_key(u32::MAX));
    let mut keys = Vec::new();
    snapshot.scan(Tree::Meta, &first, &last, Direction::Forward, &mut |key, _| {
        keys.push(key.to_vec());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(keys)
}

/// What is known of an event's names: numbers, 0 where the event has none.
pub(super) struct Numbers {
    pub(super) tool: Option<u32>,
    pub(super) session: Option<u32>,
    pub(super) project: Option<u32>,
    pub(super) path: Option<u32>,
    pub(super) agent: Option<u32>,
    pub(super) subagent: Option<u32>,
    /// The first path that the log has for the project.
    pub(super) first_path: Option<u32>,
}

impl Names {
    /// The numbers of an event's names.
    pub(super) fn numbers(&self, named: Named<'_>) -> Numbers {
        let project = self.projects.number_known(named.project);
        Numbers {
            tool: self.tools.number_known(Some(named.tool)),
            session: self.sessions.number_known(named.session),
            project,
            path: self.paths.number_known(named.path),
            agent: self.agents.number_known(named.agent),
            subagent: self.subagents.number_known(named.subagent),
            first_path: project.and_then(|project| self.first_paths.get(&project).copied()),
        }
    }

    /// Takes in what a committed transaction has learnt.
    pub(super) fn absorb(&mut self, learnt: Self) {
        self.tools.absorb(learnt.tools);
        self.sessions.absorb(learnt.sessions);
        self.projects.absorb(learnt.projects);
        self.paths.absorb(learnt.paths);
        self.agents.absorb(learnt.agents);
        self.subagents.absorb(learnt.subagents);
        self.first_paths.extend(learnt.first_paths);
    }

    /// The project of a number, with the first path that the log has for it.
    pub(super) fn project(&mut self, snapshot: &dyn Snapshot, number: u32) -> Result<Option<Project>> {
        let Some(id) = self.projects.name(snapshot, number)? else { return Ok(None) };
        let first = match self.first_paths.get(&number) {
            Some(first) => Some(*first),
            None => first_path(snapshot, number)?,
        };
        if let Some(first) = first {
            self.first_paths.insert(number, first);
        }
        Ok(Some(Project { id, path: self.paths.name(snapshot, first.unwrap_or(0))? }))
    }
}

impl<T: Interned> Known<T> {
    fn absorb(&mut self, learnt: Self) {
        for (number, name) in learnt.by_number {
            self.learn(number, name);
        }
    }
}
