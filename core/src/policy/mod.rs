//! Policies: what the log says about which tools to show, which to trust, and which comes next.
//!
//! A policy is a pure function: of values folded from the log, of the clock where it matters, and of thresholds that
//! the caller can pass. None of them does I/O, and none of them keeps a state of its own, so the same log gives the
//! same answer on every backend, and after every rebuild.
//!
//! - [`kind`]: what a tool's name tells, without any registry;
//! - [`status`]: whether a tool is active, stale or demoted, and what a store needs to keep to know it;
//! - [`rank`]: which tools matter now, in terms that can be shown;
//! - [`tools`]: which tools a project has, each with its status;
//! - [`suggest`]: which tool usually comes next in a session;
//! - [`PoliciesExt`]: the same, asked of a store;
//! - [`evaluate`]: how well suggestion would have done on a history, and demotion on tools of known failure rates.

mod bringers;
pub mod evaluate;
mod ext;
pub mod kind;
pub mod rank;
pub mod status;
pub mod suggest;
pub mod tools;

pub use ext::PoliciesExt;

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "a share of counts is shown and compared to a few digits")]
pub(crate) const fn real(count: u64) -> f64 {
    count as f64
}

/// A part of a whole, from 0 to 1; `None` of nothing.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| real(part) / real(whole))
}
