//! The wait of one operation, as SQLite takes it.

use std::time::Duration;

use rusqlite::Connection;
use tooltally_core::ledger::Patience;

/// Lets a connection's next statement wait for as long as is left, and no longer.
pub(crate) fn limit_wait(connection: &Connection, patience: &Patience) -> rusqlite::Result<()> {
    connection.busy_timeout(whole_millis(patience.left()))
}

/// Has a connection's next statement answer at once where another has the lock.
pub(crate) fn wait_for_nobody(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)
}

/// SQLite counts in milliseconds, up to 24 days. Rounded up: a wait that ends early would not be the one asked for.
fn whole_millis(left: Duration) -> Duration {
    let millis = i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
    Duration::from_millis(u64::from(millis.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_what_sqlite_takes() {
        assert_eq!(whole_millis(Duration::ZERO), Duration::ZERO);
        assert_eq!(whole_millis(Duration::from_nanos(1)), Duration::from_millis(1));
        assert_eq!(whole_millis(Duration::from_millis(30)), Duration::from_millis(30));
        assert_eq!(whole_millis(Duration::MAX), Duration::from_millis(2_147_483_647));
    }
}
