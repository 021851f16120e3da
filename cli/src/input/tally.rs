//! Counts how often each of very many things was met, in bounded memory.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

/// What the table in memory holds before it moves to disk: its size just below a doubling, about 9 MiB.
const MAX_IN_MEMORY: usize = 450_000;

/// How often each key was met. A key is 64 bits of a digest.
///
/// Beyond [`MAX_IN_MEMORY`] keys the counts move to a private temporary database that the system removes: slower,
/// but an import of any length stays within its memory. Where no such file can be made, they stay in memory.
#[derive(Debug)]
pub(super) struct Tally {
    memory: HashMap<u64, u32>,
    disk: Option<Connection>,
    limit: usize,
}

impl Default for Tally {
    fn default() -> Self {
        Self { memory: HashMap::new(), disk: None, limit: MAX_IN_MEMORY }
    }
}

impl Tally {
    /// Counts `key` once more; says how often it was met before.
    pub(super) fn count(&mut self, key: u64) -> u32 {
        if let Some(disk) = &self.disk
            && !self.memory.contains_key(&key)
            && let Ok(count) = count_on_disk(disk, key)
        {
            return count;
        }
        if self.memory.len() >= self.limit && self.disk.is_none() && !self.memory.contains_key(&key) {
            match move_to_disk(&self.memory) {
                Ok(disk) => {
                    self.disk = Some(disk);
                    self.memory = HashMap::new();
                    return self.count(key);
                }
                Err(_) => self.limit = usize::MAX,
            }
        }
        let count = self.memory.entry(key).or_insert(0);
        let before = *count;
        *count = count.saturating_add(1);
        before
    }

    /// Whether `key` was met.
    pub(super) fn contains(&self, key: u64) -> bool {
        self.memory.contains_key(&key) || self.disk.as_ref().is_some_and(|disk| is_on_disk(disk, key).unwrap_or(false))
    }
}

fn move_to_disk(counts: &HashMap<u64, u32>) -> rusqlite::Result<Connection> {
    // An empty name is a private file that SQLite deletes.
    let disk = Connection::open("")?;
    disk.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8000; PRAGMA temp_store = FILE;
         CREATE TABLE tally (key INTEGER PRIMARY KEY, count INTEGER NOT NULL);
         BEGIN;",
    )?;
    let mut keys: Vec<(u64, u32)> = counts.iter().map(|(key, count)| (*key, *count)).collect();
    keys.sort_unstable_by_key(|(key, _)| key.cast_signed());
    let mut insert = disk.prepare("INSERT INTO tally VALUES (?1, ?2)")?;
    for (key, count) in keys {
        insert.execute(params![key.cast_signed(), count])?;
    }
    drop(insert);
    Ok(disk)
}

fn count_on_disk(disk: &Connection, key: u64) -> rusqlite::Result<u32> {
    let after: u32 = disk
        .prepare_cached("INSERT INTO tally VALUES (?1, 1) ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count")?
        .query_row([key.cast_signed()], |row| row.get(0))?;
    Ok(after.saturating_sub(1))
}

fn is_on_disk(disk: &Connection, key: u64) -> rusqlite::Result<bool> {
    let found: Option<i64> = disk
        .prepare_cached("SELECT 1 FROM tally WHERE key = ?1")?
        .query_row([key.cast_signed()], |row| row.get(0))
        .optional()?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stay_right_beyond_the_limit() {
        let mut tally = Tally { limit: 100, ..Tally::default() };
        for round in 0..3 {
            for key in 0..1000_u64 {
                assert_eq!(tally.count(key.wrapping_mul(0x9E37_79B9_7F4A_7C15)), round);
            }
        }
        assert!(tally.disk.is_some());
        assert!(tally.memory.is_empty());
        assert!(tally.contains(0));
        assert!(!tally.contains(5));
    }
}
