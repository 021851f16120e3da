//! Suggestion: which tool usually comes next here.
//!
//! # The model
//!
//! A variable-order Markov model over tools. Every past call is evidence for what comes next, by how similar its
//! situation was to this one, in two respects: how many of the last calls were of the same tools in the same order
//! (0 to 3), and where it was made (elsewhere, in this project, in this session). Each past call belongs to exactly one
//! of the 4 × 3 classes: the one of the longest context that it shares, in the nearest place. The classes are taken
//! from the least similar to the most, by length of context, then by place. Each refines what is known:
//!
//! ```text
//! P(tool) ← (count(tool in class) + strength × P(tool)) / (calls in class + strength)
//! ```
//!
//! It begins with a uniform P over all known tools and one unknown. This is the predictive mean of a Dirichlet prior
//! centred on the shorter context (`MacKay` and Peto, "A hierarchical Dirichlet language model", 1995; Teh's
//! hierarchical Pitman–Yor model with discount 0), over disjoint classes in place of nested ones, so that no call is
//! counted twice. Between the empty context and those of one call stands what all tools have in common: the last
//! tool's P becomes the share of calls that repeat the tool before them.
//!
//! So few calls say little: a class of two calls moves P by a fifth at most. That is why the probability of the first
//! tool serves as the confidence; `tooltally evaluate` shows how well it is calibrated.
//!
//! There are two constants ([`Model`]): the longest context, 3, and the strength, 8 calls. Form and strength were chosen
//! among several on eleven real sessions, so the hit rates on those are a little kind: from 4 to 16 the strength changes
//! them by no more than two in a hundred, and calibration is best around 8.
//!
//! # What a store keeps
//!
//! Counts, of each scope (all projects; one) and context ([`ContextCounts`]). The order within a session is that of
//! positions, so counts only grow, whatever times late events bring, and merge in any order. Of the session itself
//! nothing is kept: its own calls are read.
//!
//! # Seldom, without a state
//!
//! At most two suggestions in a session, five calls apart, none before three calls ([`Pace`]). To know what was
//! suggested before, a program would have to keep it, and that would be state beside the log. It is computed again
//! instead: [`Model::suggestions`] goes through the session's calls and answers all that were made. For this to give
//! the same answer after each call, its counts must not change while the session lasts. So they are those of the log
//! **as of the session's beginning**: the position before its first call. What the session adds is known from its own
//! calls; what others add meanwhile is left for sessions that begin later. A store that keeps only present counts gets
//! them by taking away what came since ([`Without`]): the events after that position, a read of the log as long as the
//! session.
//!
//! ```
//! use tooltally_core::ToolName;
//! use tooltally_core::policy::suggest::{Model, Pace, SessionSoFar, TransitionCounts};
//!
//! // A history of twenty sessions: read, edit, run, and again.
//! let tools = ["Read", "Edit", "Bash"].map(|name| ToolName::new(name).unwrap());
//! let mut counts = TransitionCounts::default();
//! for _ in 0..20 {
//!     let session: SessionSoFar = tools.iter().chain(&tools).cloned().collect();
//!     counts.merge(session.counts());
//! }
//! let (model, pace) = (Model::default(), Pace::default());
//! let calls = [&tools[..], &tools[..1]].concat();
//! let suggestion = model.suggest(&pace, &counts, None, &calls[..3])?.expect("a habit");
//! assert_eq!((suggestion.after, suggestion.tool.as_str()), (3, "Read"));
//! assert!(suggestion.confidence > 0.6);
//! // One call later the next would be as sure, and is too soon.
//! assert_eq!(model.suggest(&pace, &counts, None, &calls)?, None);
//! # Ok::<(), tooltally_core::Error>(())
//! ```

mod counts;
mod in_session;
mod model;
mod pace;
mod session;

pub use counts::{ContextCounts, Followers, LONGEST_CONTEXT, Repeats, TransitionCounts, Without};
pub use in_session::{LEARNT_FROM, in_session};
pub use model::{Forecast, Model, Prediction};
pub use pace::{Pace, Suggestion};
pub use session::SessionSoFar;
