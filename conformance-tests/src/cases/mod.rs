//! The cases, a file per group. A case that the list leaves out is dead code.

pub(crate) mod append;
