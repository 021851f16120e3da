//! Appending, inside one write transaction: conditions, ids, names, rows, and the fold when it is due.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::thread;

use rustc_hash::FxHashMap;

use super::calls::LAST_POSITION;
use super::events::Named;
use super::fold::Fold;
use super::ids::{Filters, Probed, probe};
use super::names::{Interned, Known, Names, first_path, first_path_key};
use super::row::LogRow;
use super::state::{LIVE, State};
use super::tables::{NameKind, Transaction, Tree};
use super::tail::{FOLD_AT, Tail};
use crate::{Appended, Condition, Error, Event, EventId, Position, Result, codec};

/// How many rows take about as long to fold as ten threads to start.
const WORTH_A_THREAD: usize = 2048;

/// One caller's batch.
pub(super) struct Request<'a> {
    pub(super) events: &'a [Event],
    pub(super) condition: Condition,
}

/// What a write transaction has learnt: published to the process only after its commit.
#[derive(Default)]
pub(super) struct Learnt {
    pub(super) names: Names,
    /// The rows that were appended, and the tail that is left.
    pub(super) rows: Vec<LogRow>,
    /// The live generation of projections.
    pub(super) generation: u32,
    /// Where the projections reach now.
    pub(super) folded_to: Position,
    pub(super) head: Position,
}

/// The state of an append while it goes through its requests.
pub(super) struct Appender<'a> {
    transaction: &'a mut dyn Transaction,
    known: &'a std::sync::Mutex<Names>,
    filters: &'a std::sync::Mutex<Filters>,
    tail: &'a Tail,
    state: State,
    /// Which ids of the requests stand in the folded part of the log.
    folded: HashMap<EventId, Position>,
    /// The ids that this transaction has recorded, if one was asked for more than once.
    recorded: Option<FxHashMap<EventId, Position>>,
    /// The highest number of each kind of names that a name was added to.
    last_numbers: FxHashMap<NameKind, u32>,
    learnt: Learnt,
}

impl<'a> Appender<'a> {
    /// Begins with the tail of this very transaction.
    pub(super) fn new(
        transaction: &'a mut dyn Transaction,
        known: &'a std::sync::Mutex<Names>,
        filters: &'a std::sync::Mutex<Filters>,
        tail: &'a Tail,
        state: State,
        head: Position,
    ) -> Self {
        let learnt = Learnt { head, generation: state.generation, folded_to: state.folded_to(), ..Learnt::default() };
        Self {
            transaction,
            known,
            filters,
            tail,
            state,
            folded: HashMap::new(),
            recorded: None,
            last_numbers: FxHashMap::default(),
            learnt,
        }
    }

    /// Answers every request. One whose condition fails leaves no trace; any other error fails them all.
    pub(super) fn run(mut self, requests: &[Request<'_>]) -> Result<(Vec<Result<Vec<Appended>>>, Learnt)> {
        let ids = requests.iter().flat_map(|r| r.events).map(Event::id);
        let unknown = ids.filter(|id| self.tail.position_of(*id).is_none());
        let Probed { found, repeats } =
            probe(self.transaction, &self.state.ids, &mut super::lock(self.filters), unknown)?;
        self.folded = found;
        self.recorded = repeats.then(FxHashMap::default);
        self.learnt.rows.reserve(requests.iter().map(|request| request.events.len()).sum());
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            answers.push(match request.condition.check(self.learnt.head) {
                Ok(()) => Ok(request.events.iter().map(|event| self.record(event)).collect::<Result<_>>()?),
                Err(error) => Err(error),
            });
        }
        if self.tail.len() + self.learnt.rows.len() >= FOLD_AT {
            self.push_and_fold()?;
        } else {
            self.push_rows()?;
        }
        Ok((answers, self.learnt))
    }

    fn record(&mut self, event: &Event) -> Result<Appended> {
        let id = event.id();
        let first = self.tail.position_of(id);
        let first = first.or_else(|| self.folded.get(&id).copied());
        let first = first.or_else(|| self.recorded.as_ref().and_then(|recorded| recorded.get(&id).copied()));
        if let Some(first) = first {
            return Ok(Appended::Duplicate(first));
        }
        let position = self.learnt.head.next();
        if position > LAST_POSITION {
            return Err(Error::used_up("record more events", "the log's positions"));
        }
        let row = self.row(event)?;
        if let Some(recorded) = &mut self.recorded {
            recorded.insert(id, position);
        }
        self.learnt.rows.push(row);
        self.learnt.head = position;
        Ok(Appended::New(position))
    }

    /// The new rows, with their positions.
    fn new_rows<'r>(rows: &'r [LogRow], tail: &Tail) -> impl Iterator<Item = (Position, &'r LogRow)> {
        (tail.end().next().get()..).map(Position::new).zip(rows)
    }

    fn push_rows(&mut self) -> Result<()> {
        for (position, row) in Self::new_rows(&self.learnt.rows, self.tail) {
            self.transaction.push_row(position, row)?;
        }
        Ok(())
    }

    /// Adds the rows to the log and to the projections. A large batch's rows are folded by another thread
    /// while they are written.
    fn push_and_fold(&mut self) -> Result<()> {
        let (rows, tail) = (std::mem::take(&mut self.learnt.rows), self.tail);
        let fold = || {
            let mut fold = Fold::default();
            for (position, row) in tail.rows_to(tail.end()).chain(Self::new_rows(&rows, tail)) {
                fold.apply(position, row);
            }
            fold.prepare()
        };
        let transaction = &mut *self.transaction;
        let mut push =
            || Self::new_rows(&rows, tail).try_for_each(|(position, row)| transaction.push_row(position, row));
        let (pushed, prepared) = if rows.len() < WORTH_A_THREAD {
            (push(), fold())
        } else {
            thread::scope(|scope| {
                let folding = scope.spawn(fold);
                let pushed = push();
                (pushed, folding.join().unwrap_or_else(|panic| resume_unwind(panic)))
            })
        };
        pushed?;
        self.learnt.rows = rows;
        if let Some(prepared) = prepared {
            prepared.write(self.transaction, &mut self.state)?;
        }
        self.learnt.folded_to = self.state.folded_to();
        self.state.store(self.transaction, LIVE)
    }

    /// The event as a row: its names interned.
    fn row(&mut self, event: &Event) -> Result<LogRow> {
        let named = Named::of(event);
        let known = super::lock(self.known).numbers(named);
        let row = LogRow {
            tool: self.number(known.tool, Some(named.tool), |names| &mut names.tools)?,
            session: self.number(known.session, named.session, |names| &mut names.sessions)?,
            project: self.number(known.project, named.project, |names| &mut names.projects)?,
            path: self.number(known.path, named.path, |names| &mut names.paths)?,
            agent: self.number(known.agent, named.agent, |names| &mut names.agents)?,
            subagent: self.number(known.subagent, named.subagent, |names| &mut names.subagents)?,
            ..LogRow::of(event)
        };
        if row.project != 0 && row.path != 0 && known.first_path.is_none() {
            self.note_path(row.project, row.path)?;
        }
        Ok(row)
    }

    /// The number of a name that is not known yet, a new one if need be; 0 for none.
    fn number<T: Interned>(
        &mut self,
        known: Option<u32>,
        name: Option<&T>,
        kind: fn(&mut Names) -> &mut Known<T>,
    ) -> Result<u32> {
        let learnt = kind(&mut self.learnt.names);
        if let Some(number) = known.or_else(|| learnt.number_known(name)) {
            return Ok(number);
        }
        let Some(name) = name else { return Ok(0) };
        let text = name.to_text();
        let number = self.transaction.name_number(T::KIND, &text)?;
        let number = if let Some(number) = number {
            number
        } else {
            let last = match self.last_numbers.get(&T::KIND) {
                Some(last) => *last,
                None => self.transaction.last_name(T::KIND)?,
            };
            let number = last.checked_add(1);
            let number = number.ok_or_else(|| Error::used_up("record more names", "the numbers of names"))?;
            self.transaction.push_name(T::KIND, number, &text)?;
            self.last_numbers.insert(T::KIND, number);
            number
        };
        learnt.learn(number, name.clone());
        Ok(number)
    }

    /// Keeps the first path that comes with a project.
    fn note_path(&mut self, project: u32, path: u32) -> Result<()> {
        if self.learnt.names.first_paths.contains_key(&project) {
            return Ok(());
        }
        let first = first_path(self.transaction, project)?;
        if first.is_none() {
            let key = first_path_key(project);
            self.transaction.put(Tree::Meta, &key, &codec::seal(&key, &path)?)?;
        }
        let first = first.unwrap_or(path);
        self.learnt.names.first_paths.insert(project, first);
        Ok(())
    }
}
