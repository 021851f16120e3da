//! The program's parts, as a library so that tests reach them. Internal: the library to build on is `tooltally`.
#![doc(hidden)]

pub mod input;
