//! The tables of a store's file.

use redb::TableDefinition;
use tooltally_core::ledger::Tree;

/// The file format of these tables. Later ones follow from it by steps.
pub(crate) const FIRST_FORMAT: u32 = 1;

/// Where the file format stands, beside its complement, so that damage is not taken for a newer format. By
/// this table a file is known as ours.
pub(crate) const FORMAT_TABLE: TableDefinition<'static, &str, (u32, u32)> = TableDefinition::new("tooltally_format");

/// The one key of [`FORMAT_TABLE`].
pub(crate) const FORMAT_KEY: &str = "version";

/// Rows of the log by position.
pub(crate) const LOG: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("log");

/// Numbers of names with their checksums, by kind and text.
pub(crate) const NUMBERS: TableDefinition<'static, (u8, &str), (u32, u32)> = TableDefinition::new("name_numbers");

/// Texts of names with their checksums, by kind and number.
pub(crate) const TEXTS: TableDefinition<'static, (u8, u32), (&str, u32)> = TableDefinition::new("name_texts");

/// A tree's table.
pub(crate) const fn tree(tree: Tree) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(tree.as_str())
}
