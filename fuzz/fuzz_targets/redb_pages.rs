#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| tooltally_fuzz::check_with_caught_panics(
    tooltally_reliability::hostile::redb_pages,
    bytes
));
