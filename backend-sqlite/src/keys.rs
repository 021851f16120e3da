//! Keys of the trees in SQL: bytes, or in the tree of the id runs the number that they are.
//!
//! A number is the row's own in SQLite: its row is found in one tree, not by an index in two.

use std::ops::Deref;

use rusqlite::ToSql;
use rusqlite::types::{FromSqlError, ToSqlOutput, ValueRef};
use tooltally_core::ledger::Tree;

/// A key of a tree, to be given to SQL.
pub(crate) struct Key<'a>(pub(crate) Tree, pub(crate) &'a [u8]);

impl ToSql for Key<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let Self(tree, bytes) = self;
        if *tree != Tree::IdRuns {
            return bytes.to_sql();
        }
        let number = <[u8; 8]>::try_from(*bytes).ok().and_then(|bytes| i64::try_from(u64::from_be_bytes(bytes)).ok());
        let number = number.ok_or_else(|| rusqlite::Error::ToSqlConversionFailure("no number below 2^63".into()))?;
        Ok(ToSqlOutput::from(number))
    }
}

/// A key that SQL has found, as bytes.
pub(crate) enum Found<'row> {
    Bytes(&'row [u8]),
    Number([u8; 8]),
}

impl<'row> Found<'row> {
    pub(crate) fn of(value: ValueRef<'row>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Integer(number) => Ok(Self::Number(number.to_be_bytes())),
            other => other.as_blob().map(Self::Bytes),
        }
    }
}

impl Deref for Found<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(bytes) => bytes,
        }
    }
}
