//! What a check says when something does not hold.

use std::fmt::Debug;

use crate::Result;

/// Fails unless something holds; `what` says what does not.
pub(super) fn holds(is_so: bool, what: impl FnOnce() -> String) -> Result<()> {
    if is_so { Ok(()) } else { Err(what().into()) }
}

/// Fails unless two things that must be the same are.
pub(super) fn same<T: PartialEq + Debug + ?Sized>(what: &str, one: &T, other: &T) -> Result<()> {
    holds(one == other, || format!("{what}:\n  {one:?}\nand\n  {other:?}"))
}

/// Fails unless a text may be told to anyone: it is short, and moves no terminal's cursor.
///
/// Texts that hold a value of the input are found by their length or their characters, sooner or later.
pub(super) fn may_be_told(text: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " .,:;_-'()/".contains(c);
    holds(text.len() <= 160 && text.chars().all(is_plain), || format!("this is told: {text:?}"))
}
