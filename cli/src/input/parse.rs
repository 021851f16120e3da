//! Reads one frame as one JSON object.

use std::io;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::field::Object;
use super::frames::Frame;
use super::item::Item;
use super::shorten::{Findings, OnePiece, Pieces, Shorten};

/// The text that an object was read from.
pub(super) enum RawText<'a> {
    /// Itself.
    Bytes(&'a [u8]),
    /// Its SHA-256: it was too long to keep.
    Digest([u8; 32]),
}

impl RawText<'_> {
    /// The SHA-256 of the text.
    pub(super) fn digest(&self) -> [u8; 32] {
        match self {
            Self::Bytes(bytes) => Sha256::digest(bytes).into(),
            Self::Digest(digest) => *digest,
        }
    }
}

/// Why a frame is no JSON object.
#[derive(Debug)]
pub(super) enum BadFrame {
    NotUtf8,
    TooDeep,
    NotJson,
    /// It is not JSON, and it ends where the stream does.
    CutOff,
    NotAnObject,
}

/// Reads a frame, and gives what `take` makes of it.
pub(super) fn parse_frame<R>(
    frame: Frame<'_, '_>,
    take: impl FnOnce(Item<'_>, &RawText<'_>) -> R,
) -> Result<R, BadFrame> {
    match frame {
        Frame::Whole { bytes, is_ended } => {
            parse_bytes(bytes, take).map_err(|bad| if is_ended { bad } else { cut_off(bad) })
        }
        Frame::Long(long) => {
            let mut is_ended = true;
            let result = parse_pieces(long, |long| is_ended = long.is_ended(), take);
            result.map_err(|bad| if is_ended { bad } else { cut_off(bad) })
        }
    }
}

fn cut_off(bad: BadFrame) -> BadFrame {
    match bad {
        BadFrame::NotJson | BadFrame::NotUtf8 => BadFrame::CutOff,
        other => other,
    }
}

/// Reads a text that is at hand.
pub(super) fn parse_bytes<R>(bytes: &[u8], take: impl FnOnce(Item<'_>, &RawText<'_>) -> R) -> Result<R, BadFrame> {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| BadFrame::NotUtf8)?;
    if let Ok(Object(item)) = serde_json::from_str::<Object<Item<'_>>>(text) {
        return item.map(|item| take(item, &RawText::Bytes(bytes))).ok_or(BadFrame::NotAnObject);
    }
    // It may only be half a surrogate pair, or a number out of range: both are mended on the way.
    let mut shorten = Shorten::new(OnePiece(Some(bytes)));
    match from_start_to_end(&mut shorten) {
        Ok(Object(item)) => item.map(|item| take(item, &RawText::Bytes(bytes))).ok_or(BadFrame::NotAnObject),
        Err(_) => Err(BadFrame::NotJson),
    }
}

/// Reads a text that streams. `at_end` is told when all of it was read.
fn parse_pieces<P: Pieces, R>(
    pieces: P,
    at_end: impl FnOnce(&P),
    take: impl FnOnce(Item<'_>, &RawText<'_>) -> R,
) -> Result<R, BadFrame> {
    let mut shorten = Shorten::new(pieces);
    let parsed = from_start_to_end(&mut shorten);
    let (findings, digest, pieces) = shorten.finish();
    at_end(&pieces);
    match (findings, parsed) {
        (Findings { is_not_utf8: true, .. }, _) => Err(BadFrame::NotUtf8),
        (Findings { is_too_deep: true, .. }, _) => Err(BadFrame::TooDeep),
        (_, Ok(Object(Some(item)))) => Ok(take(item, &RawText::Digest(digest))),
        (_, Ok(Object(None))) => Err(BadFrame::NotAnObject),
        (_, Err(_)) => Err(BadFrame::NotJson),
    }
}

fn from_start_to_end<P: Pieces>(shorten: &mut Shorten<P>) -> serde_json::Result<Object<Item<'static>>> {
    let mut deserializer = serde_json::Deserializer::from_reader(io::BufReader::with_capacity(64 << 10, shorten));
    let item = Object::deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(item)
}

impl BadFrame {
    /// What is wrong with a frame that is called `unit`.
    pub(super) fn reason(&self, unit: &str) -> String {
        match self {
            Self::NotUtf8 => "not valid UTF-8".to_owned(),
            Self::TooDeep => "nested too deep".to_owned(),
            Self::NotJson => "not valid JSON".to_owned(),
            Self::CutOff => format!("cut-off last {unit}"),
            Self::NotAnObject => "not a JSON object".to_owned(),
        }
    }
}
