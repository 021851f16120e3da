//! What ends a harness: a finding, or what kept it from looking.

/// Anything, in words, with its cause.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What fallible functions here return.
pub type Result<T> = std::result::Result<T, Failure>;
