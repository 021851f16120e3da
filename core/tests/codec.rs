//! Golden vectors of a log row's bytes, made by another program from the description in `ledger/row.rs`: stored
//! bytes may never change within a format.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;
use tooltally_core::ledger::LogRow;
use tooltally_core::{EventId, Outcome, Position, Source, Timestamp, ToolDuration};

fn row() -> LogRow {
    LogRow {
        kind: LogRow::TOOL_USE,
        id: EventId::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
        time: Timestamp::from_micros(1_767_225_600_000_000).unwrap(),
        tool: 1,
        session: 127,
        project: 128,
        path: 16_383,
        agent: 16_384,
        subagent: 0,
        outcome: Outcome::Failure,
        source: Source::Library,
        duration: None,
        attributes: Vec::new(),
    }
}

fn other_row() -> LogRow {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    LogRow {
        time: Timestamp::MIN,
        tool: u32::MAX,
        session: 0,
        project: 0,
        path: 0,
        agent: 0,
        outcome: Outcome::Invalid,
        source: Source::Hook,
        duration: Some(ToolDuration::MAX),
        attributes: vec![pair("cost", "0.5"), pair("model", "x")],
        ..row()
    }
}

fn row_of_another_kind() -> LogRow {
    LogRow { kind: 2, time: Timestamp::MAX, duration: Some(ToolDuration::from_micros(0).unwrap()), ..row() }
}

/// Position, row, and their bytes in hex.
type Vector = (u64, fn() -> LogRow, &'static str);

const GOLDEN: [Vector; 3] = [
    (7, row, "00c8e908c4080007000102030405060708090a0b0c0d0e0f017f8001ff7f80800100004076a19c"),
    (
        1,
        other_row,
        "0000000000000010000102030405060708090a0b0c0d0e0fffffffff0f00000000008080808080808080800104636f737403302e35056d6f64656c0178d0f94625",
    ),
    (1 << 40, row_of_another_kind, "f0887ee0307f47e7000102030405060708090a0b0c0d0e0f02017f8001ff7f808001000101cc60f1"),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn rows_are_written_as_they_always_were() {
    for (position, row, golden) in GOLDEN {
        assert_eq!(hex(&row().to_bytes(Position::new(position))), golden);
    }
}

#[test]
fn rows_are_read_as_they_always_were() {
    for (position, row, golden) in GOLDEN {
        assert_eq!(LogRow::from_bytes(Position::new(position), &bytes(golden)).unwrap(), row());
    }
}

#[test]
fn a_row_of_columns_has_the_checksum_of_its_bytes() {
    for (position, row, golden) in GOLDEN {
        let golden = bytes(golden);
        assert_eq!(golden.last_chunk(), Some(&row().checksum(Position::new(position)).to_le_bytes()));
    }
}

#[test]
fn moments_order_as_times_do_and_come_apart_again() {
    let moments: Vec<u64> = [other_row(), row(), row_of_another_kind()].iter().map(LogRow::moment).collect();
    assert!(moments.is_sorted());
    assert_eq!(LogRow::of_moment(moments[1]), Some((row().time, row().outcome, row().source)));
    for wrong in [u64::MAX, moments[2] + 32, 5 << 2] {
        assert_eq!(LogRow::of_moment(wrong), None, "{wrong}");
    }
}

#[test]
fn a_row_in_another_place_is_damage() {
    let (position, _, golden) = GOLDEN[0];
    assert!(LogRow::from_bytes(Position::new(position + 1), &bytes(golden)).unwrap_err().is_corrupt());
}

proptest! {
    #[test]
    fn any_changed_byte_is_damage(at in 0..60_usize, flip in 1..=255_u8) {
        let mut bytes = bytes(GOLDEN[0].2);
        let at = at % bytes.len();
        bytes[at] ^= flip;
        prop_assert!(LogRow::from_bytes(Position::new(7), &bytes).unwrap_err().is_corrupt());
    }

    #[test]
    fn any_bytes_are_a_row_or_damage(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = LogRow::from_bytes(Position::new(7), &bytes) {
            prop_assert!(error.is_corrupt());
        }
    }

    #[test]
    fn rows_are_read_back(
        kind: u8,
        id: [u8; 16],
        time in 0..=Timestamp::MAX.as_micros(),
        numbers: [u32; 6],
        outcome in 0..5_u8,
        source in 0..4_u8,
        duration in proptest::option::of(0..=ToolDuration::MAX.as_micros()),
        attributes in proptest::collection::vec((".{1,8}", ".{1,30}"), 0..8),
        position in 1..=u64::MAX,
    ) {
        let [tool, session, project, path, agent, subagent] = numbers;
        let row = LogRow {
            kind,
            id: EventId::from_bytes(id),
            time: Timestamp::from_micros(time).unwrap(),
            tool, session, project, path, agent, subagent,
            outcome: Outcome::from_code(outcome).unwrap(),
            source: Source::from_code(source).unwrap(),
            duration: duration.map(|micros| ToolDuration::from_micros(micros).unwrap()),
            attributes,
        };
        let position = Position::new(position);
        let bytes = row.to_bytes(position);
        prop_assert_eq!(bytes.last_chunk(), Some(&row.checksum(position).to_le_bytes()));
        prop_assert_eq!(LogRow::from_bytes(position, &bytes).unwrap(), row);
    }
}
