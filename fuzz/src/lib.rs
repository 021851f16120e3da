//! What the fuzz targets share. What they check stands in `reliability/src/hostile`.

use std::sync::Once;

use tooltally_reliability::Result;

/// Panics, as a fuzzer wants it, where a check finds something.
pub fn check(check: fn(&[u8]) -> Result<()>, bytes: &[u8]) {
    if let Err(finding) = check(bytes) {
        eprintln!("{finding}");
        panic!("{finding}");
    }
}

/// As [`check`], where panics within are expected: redb's, which its backend catches. One that is not caught ends the
/// fuzzer all the same.
pub fn check_with_caught_panics(check: fn(&[u8]) -> Result<()>, bytes: &[u8]) {
    static QUIET: Once = Once::new();
    // libFuzzer's own hook ends the process before anybody could catch a panic.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| ())));
    self::check(check, bytes);
}
