//! Which formats are taken, and what becomes of the others. Decided before anything is changed.

use std::io::ErrorKind;
use std::path::Path;

use rusqlite::Connection;
use tooltally_core::ledger::Patience;
use tooltally_core::{Error, OpenOptions, Result};

use crate::error::{Operation, map, map_io, no_regular_file};
use crate::header::{self, Beginning, FirstPage, is_cut_making};
use crate::schema::{APPLICATION_ID, FIRST_FORMAT};
use crate::transaction::OpenTransaction;
use crate::wait::limit_wait;

/// What a path holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No file, or an empty one.
    Nothing,
    /// An SQLite database without tables: made by SQLite a moment ago, or by a maker that was killed.
    Unfinished,
    /// A store of the current format.
    Store,
    /// A store of an older format, which is to be migrated.
    Old(u32),
}

/// Takes a store from one format to the next, within the transaction of a migration. It neither commits nor names the
/// format, and what it is run on is sound as far as SQLite can tell, and no further.
pub type Step = fn(&Connection) -> rusqlite::Result<()>;

/// The steps from format to format: the first of them leads from format 1 to format 2.
///
/// A new store is made in format 1 and taken on from there, in one transaction, so that it is what a migrated one is.
#[derive(Clone, Copy, Debug)]
pub struct Migrations(&'static [Step]);

impl Migrations {
    /// Those of this code. Format 1 is the first; when a second one comes, the step to it stands here.
    pub(crate) const OURS: Self = Self(&[]);

    /// Others, for tests.
    pub const fn new(steps: &'static [Step]) -> Self {
        Self(steps)
    }

    /// The format that the last step leads to.
    fn newest(self) -> u32 {
        u32::try_from(self.0.len()).map_or(u32::MAX, |steps| FIRST_FORMAT.saturating_add(steps))
    }

    /// A newer format is refused; whether the store is older.
    fn check(self, format: u32) -> Result<Found> {
        if format == self.newest() {
            Ok(Found::Store)
        } else if format < FIRST_FORMAT {
            Err(Error::corrupt("the SQLite file", format!("it names format {format}, which never was")))
        } else if format < self.newest() {
            Ok(Found::Old(format))
        } else {
            Err(self.unsupported(format))
        }
    }

    /// Whether what was found is a store in the format whose tables [`schema`](crate::schema) names.
    pub(crate) fn is_of_format_1(self, found: Found) -> bool {
        match found {
            Found::Store => self.newest() == FIRST_FORMAT,
            Found::Old(format) => format == FIRST_FORMAT,
            Found::Nothing | Found::Unfinished => false,
        }
    }

    fn unsupported(self, found: u32) -> Error {
        Error::UnsupportedFormat { found, supported: self.newest() }
    }

    /// Runs the steps that lead on from a format, and names the one that they lead to.
    pub(crate) fn run(self, connection: &Connection, from: u32, operation: Operation) -> Result<()> {
        let behind = usize::try_from(from.saturating_sub(FIRST_FORMAT)).unwrap_or(usize::MAX);
        let steps = self.0.get(behind..).unwrap_or_default();
        let name = || connection.pragma_update(None, "user_version", self.newest());
        steps.iter().try_for_each(|step| step(connection)).and_then(|()| name()).map_err(|e| map(e, operation))
    }
}

/// What a database without our mark is.
const FOREIGN: &str = "it is the SQLite database of another program";

fn not_a_store(path: &Path, reason: &str) -> Error {
    Error::NotAStore { path: path.display().to_string(), reason: reason.to_owned(), source: None }
}

/// Looks at the file without SQLite: what is refused here is left as it is, with nothing beside it.
pub(crate) fn look(path: &Path, options: &OpenOptions, migrations: Migrations) -> Result<Found> {
    // Between two of a look's reads another process may have made the store, have taken back what was left of one, or
    // have moved its log into the file.
    look_once(path, options, migrations).or_else(|_| look_once(path, options, migrations))
}

fn look_once(path: &Path, options: &OpenOptions, migrations: Migrations) -> Result<Found> {
    let not_a_store = |reason| not_a_store(path, reason);
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(not_a_store("it is a folder")),
        Ok(found) if !found.is_file() => return Err(not_a_store("it is not a regular file")),
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::NotFound && path.is_symlink() => {
            return Err(not_a_store("it is a symbolic link that leads nowhere"));
        }
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(e) if e.kind() == ErrorKind::NotADirectory => {
            return Err(not_a_store("a part of its path is a file"));
        }
        Err(e) => return Err(map_io(e, "look at the file")),
    }
    if let Some(other) = header::no_file_beside(path) {
        return Err(no_regular_file(&other));
    }
    let page = match header::look(path).map_err(|e| map_io(e, "read the file's header"))? {
        Beginning::Page(page) => page,
        Beginning::Nothing => return Ok(Found::Nothing),
        Beginning::Other if is_cut_making(path) => return Ok(Found::Unfinished),
        Beginning::Other => return Err(not_a_store("it is not an SQLite database")),
        Beginning::Cut => return Err(not_a_store("its header is cut")),
        Beginning::Short => return Err(Error::corrupt("the SQLite file", "it is shorter than its header says")),
    };
    match page {
        FirstPage { application_id: APPLICATION_ID, is_of_known_form: false, .. } => {
            Err(Error::corrupt("the SQLite file", "its header names a form of SQLite's that no store has"))
        }
        FirstPage { application_id: APPLICATION_ID, user_version, is_latest, .. } => {
            match migrations.check(user_version)? {
                Found::Old(format) if is_latest && !options.migrates() => Err(migrations.unsupported(format)),
                found => Ok(found),
            }
        }
        FirstPage { application_id: 0, user_version: 0, is_of_known_form: true, has_schema: false, .. } => {
            Ok(Found::Unfinished)
        }
        _ => Err(not_a_store(FOREIGN)),
    }
}

/// Looks again through SQLite, which knows what its write-ahead log holds; within a transaction, so that what it finds
/// is of one moment. The connection must not checkpoint when it is closed.
pub(crate) fn look_inside(
    connection: &Connection,
    path: &Path,
    migrations: Migrations,
    patience: &Patience,
) -> Result<Found> {
    let operation = Operation::within("read the file format", patience);
    let number = |pragma: &str| -> Result<u32> {
        let found = limit_wait(connection, patience).and_then(|()| connection.query_row(pragma, [], |row| row.get(0)));
        found.map_err(|e| map(e, operation))
    };
    if number("PRAGMA application_id")? == APPLICATION_ID {
        migrations.check(number("PRAGMA user_version")?)
    } else if number("SELECT count(*) FROM sqlite_schema")? == 0 {
        Ok(Found::Unfinished)
    } else {
        Err(not_a_store(path, FOREIGN))
    }
}

/// Takes an older store to the newest format, in one transaction, unless another process has done that meanwhile.
///
/// Whoever has the store open with an older program is refused from then on: see [`still_newest`].
pub(crate) fn migrate(
    connection: &Connection,
    path: &Path,
    options: &OpenOptions,
    migrations: Migrations,
    patience: &Patience,
) -> Result<()> {
    let operation = Operation::within("migrate the store", patience);
    let open = OpenTransaction::begin(connection, "BEGIN IMMEDIATE", operation, patience)?;
    match look_inside(connection, path, migrations, patience)? {
        Found::Old(format) if !options.migrates() => return Err(migrations.unsupported(format)),
        Found::Old(format) => migrations.run(connection, format, operation)?,
        _ => {}
    }
    open.commit()
}

/// Looks once more inside each transaction: a newer program may have migrated the file since it was opened.
pub(crate) fn still_newest(connection: &Connection, migrations: Migrations, operation: Operation) -> Result<()> {
    let format = connection.prepare_cached("PRAGMA user_version").and_then(|mut s| s.query_row([], |row| row.get(0)));
    match migrations.check(format.map_err(|e| map(e, operation))?)? {
        // As when a backup was put in its place: to be opened anew.
        Found::Old(format) => Err(migrations.unsupported(format)),
        _ => Ok(()),
    }
}
