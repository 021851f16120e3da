//! The workload is the one that it has always been.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use sha2::{Digest, Sha256};
use tooltally_benches::Workload;

fn digest(events: u64, days: u64) -> String {
    let mut hash = Sha256::new();
    for call in Workload::new(events, days).unwrap() {
        hash.update(call.line());
    }
    hash.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[test]
fn the_digests_hold() {
    let golden = [
        (1_000, 180, "6e801e5eae4b9a99e6cfdeee9c53ea578f6fd10720c3a221183fdbd3a0175585"),
        (100_000, 180, "8c30761d1cd3823656325b872bccb267aa0c22e6936eb2509ddf8e0547c1147a"),
        (100_000, 18, "72331c99321d5fcfb0b9f07c42ff8fc07fe575ed694d681da78aa086468407f9"),
    ];
    for (events, days, expected) in golden {
        assert_eq!(digest(events, days), expected, "{events} events over {days} days");
    }
}

#[test]
fn every_call_is_an_event() {
    let mut workload = Workload::new(5_000, 180).unwrap();
    let mut events = 0;
    loop {
        let batch = workload.next_batch(333).unwrap();
        if batch.is_empty() {
            break;
        }
        events += batch.len();
    }
    assert_eq!(events, 5_000);
}
