#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| tooltally_fuzz::check(tooltally_reliability::hostile::projections, bytes));
