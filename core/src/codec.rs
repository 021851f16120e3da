//! The one place where values become bytes. No other module names bincode.
//!
//! bincode is pinned to 2.0.1: version 3.0.0 is a tombstone that does not compile, and the project is no
//! longer maintained. Its bytes are simple, and all stand behind a version byte, so that a compatible successor
//! such as wincode can take its place in this file alone. Log rows, written and read by the million, have
//! bytes of their own (`ledger/row.rs`), frozen by golden vectors.
//!
//! A sealed value is: version byte, payload, then the CRC-32 (IEEE) of context, version byte and payload, in
//! four little-endian bytes. The context is not stored: it is the value's key or position, so that a sound
//! value in the wrong place is found too.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// The version byte in front of every payload.
const VERSION: u8 = 1;
/// How many bytes the checksum takes.
pub(crate) const CHECKSUM_BYTES: usize = 4;
/// Enough for most values with their seal, so that they are written without growing.
const USUAL_BYTES: usize = 96;
/// No value may claim to need more memory than this while it is read.
const LIMIT_BYTES: usize = 64 << 20;

type Config = bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<LIMIT_BYTES>,
>;

const fn config() -> Config {
    bincode::config::standard().with_limit::<LIMIT_BYTES>()
}

/// Encodes a value and seals it for its place.
///
/// # Errors
/// [`Error::Invalid`] if the value is too large to be stored.
pub(crate) fn seal<T: Serialize>(context: &[u8], value: &T) -> Result<Vec<u8>> {
    let mut bytes = versioned(value)?;
    bytes.extend(checksum(context, &bytes).to_le_bytes());
    Ok(bytes)
}

/// What a value is called in an error, worked out only when there is one.
pub(crate) trait Place {
    /// The name.
    fn name(&self) -> String;
}

impl Place for &str {
    fn name(&self) -> String {
        (*self).to_owned()
    }
}

impl<F: Fn() -> String> Place for F {
    fn name(&self) -> String {
        self()
    }
}

/// Reads a sealed value back. `place` names it in an error.
///
/// # Errors
/// [`Error::Corrupt`] if checksum, version or payload do not fit.
pub(crate) fn open<T: DeserializeOwned>(place: &dyn Place, context: &[u8], sealed: &[u8]) -> Result<T> {
    decode(open_bytes(place, context, sealed)?)
        .map_err(|e| Error::corrupt(place.name(), format!("cannot be read: {e}")))
}

/// Seals bytes that have a shape of their own, such as columns of numbers.
pub(crate) fn seal_bytes(context: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 1 + CHECKSUM_BYTES);
    bytes.push(VERSION);
    bytes.extend(payload);
    bytes.extend(checksum(context, &bytes).to_le_bytes());
    bytes
}

/// The bytes that were sealed.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_bytes<'a>(place: &dyn Place, context: &[u8], sealed: &'a [u8]) -> Result<&'a [u8]> {
    let damage = |detail: &str| Error::corrupt(place.name(), detail);
    let (body, stored) = sealed
        .len()
        .checked_sub(CHECKSUM_BYTES)
        .and_then(|at| sealed.split_at_checked(at))
        .ok_or_else(|| damage("is too short"))?;
    if checksum(context, body).to_le_bytes() != stored {
        return Err(damage("its checksum differs"));
    }
    match body.split_first() {
        Some((&VERSION, payload)) => Ok(payload),
        Some((version, _)) => Err(damage(&format!("has encoding version {version}, not {VERSION}"))),
        None => Err(damage("is empty")),
    }
}

/// The version byte and the payload.
fn versioned<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    bytes.push(VERSION);
    bincode::serde::encode_into_writer(value, Appending(&mut bytes), config())
        .map_err(|e| Error::invalid("value", e.to_string()))?;
    Ok(bytes)
}

/// Writes at the end of a vector.
struct Appending<'a>(&'a mut Vec<u8>);

impl bincode::enc::write::Writer for Appending<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    match bincode::serde::decode_from_slice(payload, config()) {
        Ok((value, read)) if read == payload.len() => Ok(value),
        Ok(_) => Err("bytes are left over".to_owned()),
        Err(e) => Err(e.to_string()),
    }
}

/// The CRC-32 of a context and what belongs to it.
pub(crate) fn checksum(context: &[u8], body: &[u8]) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(context);
    hash.update(body);
    hash.finalize()
}
