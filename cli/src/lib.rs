//! The program's parts, as a library so that tests reach them. Internal: the library to build on is `tooltally`.
#![doc(hidden)]

pub mod args;
pub mod calendar;
pub mod commands;
pub mod deadline;
pub mod diagnostics;
pub mod doctor;
pub mod input;
pub mod output;
pub mod own;
pub mod place;
pub mod program;
pub mod project;
mod regular;
pub mod scan;
pub mod settings;
pub mod spool;
