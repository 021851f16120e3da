//! The cases, a file per group. A case that the list leaves out is dead code.

pub(crate) mod append;
pub(crate) mod conditions;
pub(crate) mod damage;
pub(crate) mod exactly_once;
pub(crate) mod formats;
pub(crate) mod limits;
pub(crate) mod many;
pub(crate) mod model;
pub(crate) mod names;
pub(crate) mod order;
pub(crate) mod positions;
pub(crate) mod private;
pub(crate) mod queries;
pub(crate) mod read;
pub(crate) mod recent;
pub(crate) mod recorder;
pub(crate) mod registry;
pub(crate) mod relevance;
pub(crate) mod scope;
pub(crate) mod spans;
pub(crate) mod status;
pub(crate) mod suggestion;
pub(crate) mod truth;
