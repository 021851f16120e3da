//! SQLite's errors as the core's: the only place that maps them.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{ErrorCode, ffi};
use tooltally_core::Error;

use tooltally_core::ledger::Patience;

/// What was being done, and since when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    name: &'static str,
    since: Instant,
}

impl Operation {
    /// Begins now.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, since: Instant::now() }
    }

    /// Part of what began with this wait.
    pub(crate) fn within(name: &'static str, patience: &Patience) -> Self {
        Self { name, since: patience.started() }
    }
}

/// Maps an error by what the caller can do about it.
pub(crate) fn map(error: rusqlite::Error, operation: Operation) -> Error {
    let code = match &error {
        rusqlite::Error::SqliteFailure(_, Some(message)) | rusqlite::Error::SqlInputError { msg: message, .. }
            if is_of_damage(message) =>
        {
            Some(ErrorCode::DatabaseCorrupt)
        }
        rusqlite::Error::SqliteFailure(failure, _) => Some(failure.code),
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => Some(ErrorCode::DatabaseCorrupt),
        _ => None,
    };
    let source = Arc::new(error);
    match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { waited: operation.since.elapsed() },
        // What is written was looked for first, in the same transaction: a constraint that it breaks is one of a
        // damaged file.
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation) => Error::Corrupt {
            place: "the SQLite file".to_owned(),
            detail: format!("SQLite could not {}", operation.name),
            source: Some(source),
        },
        Some(ErrorCode::DiskFull) => Error::Full { operation: operation.name, source },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            Error::Denied { operation: operation.name, source }
        }
        _ => Error::Engine { operation: operation.name, source },
    }
}

/// Whether a store lacks a table or a column, or names a form that SQLite does not know. SQLite has no codes of its own
/// for these; the statements are this crate's own and right, so it is the file that is at fault.
fn is_of_damage(message: &str) -> bool {
    const OF_DAMAGE: [&str; 4] = ["no such table", "no such column", "has no column named", "unsupported file format"];
    OF_DAMAGE.iter().any(|words| message.contains(words))
}

/// What SQLite's integrity check found. A page that it could not read is no damage, but the error that kept it from
/// reading; that stands in the text alone.
pub(crate) fn from_check(finding: String, operation: Operation) -> Error {
    let code = finding.rsplit_once("error code=").and_then(|(_, code)| code.trim().parse().ok());
    match code.map(ffi::Error::new) {
        Some(error) if !matches!(error.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            map(rusqlite::Error::SqliteFailure(error, Some(finding)), operation)
        }
        _ => Error::corrupt("the SQLite file", finding),
    }
}

/// Maps an error of the file system.
pub(crate) fn map_io(error: std::io::Error, operation: &'static str) -> Error {
    let kind = error.kind();
    let source = Arc::new(error);
    match kind {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            Error::Denied { operation, source }
        }
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::Full { operation, source },
        _ => Error::Engine { operation, source },
    }
}

/// What stands where a file of the store's belongs, and is none. It is not opened: a pipe would be waited for.
pub(crate) fn no_regular_file(path: &Path) -> Error {
    let source = std::io::Error::other(format!("{} is no regular file", path.display()));
    Error::Engine { operation: "open the file", source: Arc::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(code: std::ffi::c_int) -> Error {
        map(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None), Operation::new("test"))
    }

    #[test]
    fn a_page_that_could_not_be_read_is_no_damage() {
        let found = |text: &str| from_check(text.to_owned(), Operation::new("test"));
        let page = "*** in database main ***\nTree 15 page 103: unable to get the page. error code=";
        assert!(matches!(found(&format!("{page}266")), Error::Engine { .. }));
        assert!(found(&format!("{page}11")).is_corrupt());
        assert!(found("*** in database main ***\nPage 5: never used").is_corrupt());
    }

    #[test]
    fn only_a_lack_of_space_is_full() {
        assert!(matches!(mapped(ffi::SQLITE_FULL), Error::Full { .. }));
        assert!(matches!(mapped(ffi::SQLITE_TOOBIG), Error::Engine { .. }));
    }
}
