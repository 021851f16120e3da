//! SQLite's errors as the core's: the only place that maps them.

use std::sync::Arc;
use std::time::Instant;

use rusqlite::ErrorCode;
use tooltally_core::Error;

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
}

/// Maps an error by what the caller can do about it.
pub(crate) fn map(error: rusqlite::Error, operation: Operation) -> Error {
    let code = match &error {
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
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Corrupt {
            place: "the SQLite file".to_owned(),
            detail: format!("SQLite could not {}", operation.name),
            source: Some(source),
        },
        Some(ErrorCode::DiskFull | ErrorCode::TooBig) => Error::Full { operation: operation.name, source },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            Error::Denied { operation: operation.name, source }
        }
        _ => Error::Engine { operation: operation.name, source },
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
