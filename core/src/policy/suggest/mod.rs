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
//! So few calls say little: a class of two calls moves P by two sevenths at most. That is why the probability of the first
//! tool serves as the confidence; `tooltally evaluate` shows how well it is calibrated.
//!
//! There are two constants ([`Model`]): the longest context, 3, and the strength, 5 calls. Form and strength were chosen
//! among several on thirteen real sessions and a short made history, so the hit rates on those are a little kind: from 3
//! to 16 the strength changes them by one in a hundred. Calibration errs by 0.09 at 3, 0.06 from 5 to 10, 0.05 at 16; a
//! greater strength is slower to learn, and on a short history falls behind repeating the last tool.
//!
//! # What it learns from
//!
//! The [`Trail`](crate::Trail) of a session: its own calls, and calls of others before its first ([`LEARNT_FROM`]): the
//! last ones of all projects, and the last ones of its own, however long ago. So what is new anywhere is known, and a
//! project's habits are not forgotten while another one is busy. The order within a session is that of positions, so
//! what a trail has of them never changes, whatever times late events bring. Its counts are made anew for each question,
//! and only of the contexts that the session has had, so nothing is kept that could be wrong.
//!
//! # Seldom, without a state
//!
//! At most two suggestions in a session, five calls apart, none before three calls ([`Pace`]). To know what was
//! suggested before, a program would have to keep it, and that would be state beside the log. It is computed again
//! instead: [`Model::suggestions`] goes through the session's calls and answers all that were made. For this to give
//! the same answer after each call, its counts must not change while the session lasts. So they are those of the log
//! **as of the session's beginning**: the position before its first call. What the session adds is known from its own
//! calls; what others add meanwhile is left for sessions that begin later.
//!
//! ```
//! use tooltally_core::policy::suggest::{Model, Pace};
//! use tooltally_core::{EventId, Outcome, SessionId, Timestamp, ToolName, ToolUse, Trail};
//!
//! // A history of twenty sessions: read, edit, run, and again.
//! let call = |number: u64| {
//!     let (id, tool) = (EventId::derived(&[number.to_le_bytes()]), ["Read", "Edit", "Bash"][number as usize % 3]);
//!     let session = SessionId::new(format!("session {}", number / 6))?;
//!     let call = ToolUse::new(id, ToolName::new(tool)?, Outcome::Success, Timestamp::from_micros(number as i64)?);
//!     tooltally_core::Result::Ok(call.session(session))
//! };
//! let calls = (0..126).map(call).collect::<Result<Vec<_>, _>>()?;
//! let (before, session) = calls.split_at(120);
//! let (model, pace) = (Model::default(), Pace::default());
//! let suggestion = model.suggest(&pace, &Trail::of(before, &session[..3])).expect("a habit");
//! assert_eq!((suggestion.after, suggestion.tool.as_str()), (3, "Read"));
//! assert!(suggestion.confidence > 0.6);
//! // One call later the next would be as sure, and is too soon.
//! assert_eq!(model.suggest(&pace, &Trail::of(before, &session[..4])), None);
//! # Ok::<(), tooltally_core::Error>(())
//! ```

mod counts;
mod in_session;
mod learnt;
mod model;
mod pace;
mod tables;

pub use counts::LONGEST_CONTEXT;
pub use in_session::{LEARNT_FROM, in_session};
pub use model::{Forecast, Model, Prediction};
pub use pace::{Pace, Suggestion};

pub(in crate::policy) use counts::SoFar;
pub(in crate::policy) use learnt::Learnt;
pub(in crate::policy) use model::{Belief, Classes};
