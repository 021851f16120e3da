//! What the test files share: rows, and child processes that run a test of the same binary.

use std::process::{Command, Stdio};

use tooltally_core::ledger::{Engine, LogRow, Snapshot, Tree};
use tooltally_core::{EventId, Outcome, Position, Result, Source, Timestamp};
use tooltally_redb::RedbEngine;

/// A row that its number tells apart from others.
pub(crate) fn row(number: u64) -> LogRow {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    LogRow {
        kind: LogRow::TOOL_USE,
        id: EventId::from_bytes(id),
        time: Timestamp::from_micros(1_767_225_600_000_000 + i64::try_from(number).unwrap()).unwrap(),
        tool: 1,
        session: 0,
        project: 0,
        path: 0,
        agent: 0,
        subagent: 0,
        outcome: Outcome::Success,
        source: Source::Library,
        duration: None,
        attributes: vec![("model".to_owned(), "m".repeat(40))],
    }
}

/// Appends rows after the head, in one transaction; answers with the new head.
pub(crate) fn append(engine: &RedbEngine, count: u64) -> Result<Position> {
    engine.write(|transaction| {
        let mut head = transaction.head()?;
        for _ in 0..count {
            head = head.next();
            transaction.push_row(head, &row(head.get()))?;
            transaction.put(Tree::Rollups, &head.get().to_be_bytes(), &[7; 60])?;
        }
        Ok(head)
    })
}

/// The head, as a new snapshot has it.
pub(crate) fn head(engine: &RedbEngine) -> Result<Position> {
    engine.read(|snapshot| snapshot.head())
}

/// Reads everything: rows and trees; answers with the number of rows.
pub(crate) fn read_all(snapshot: &dyn Snapshot) -> Result<u64> {
    let mut rows = 0;
    snapshot.rows(Position::new(1), Position::new(u64::MAX), &mut |position, found| {
        assert_eq!(found, row(position.get()));
        rows += 1;
        Ok(())
    })?;
    let mut entries = 0;
    for tree in Tree::ALL {
        snapshot.scan(tree, &[], &[0xff; 9], tooltally_core::ledger::Direction::Forward, &mut |_, _| {
            entries += 1;
            Ok(std::ops::ControlFlow::Continue(()))
        })?;
    }
    Ok(rows)
}

/// This test binary again, running the one test `name` with the variable `TOOLTALLY_TEST_CHILD` set.
pub(crate) fn child(name: &str, argument: &std::path::Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]).env("TOOLTALLY_TEST_CHILD", argument);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// What the parent gave, where this process is a child.
pub(crate) fn child_argument() -> Option<std::path::PathBuf> {
    std::env::var_os("TOOLTALLY_TEST_CHILD").map(Into::into)
}

/// A small generator of repeatable numbers (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap_or(0)
    }
}
