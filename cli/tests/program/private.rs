//! Private and safe: nothing of a tool's input or output stays anywhere, files are their owner's alone, no link that
//! was planted is followed, and no name breaks a table, a terminal or a query.

mod canary;
#[cfg(unix)]
mod links;
#[cfg(unix)]
mod modes;
mod names;
