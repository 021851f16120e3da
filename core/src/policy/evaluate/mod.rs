//! How well policies would have done on a history: a replay that learns only from the past.
//!
//! ```
//! use tooltally_core::policy::evaluate::{Call, Options, replay};
//! use tooltally_core::{SessionId, Timestamp, ToolName};
//!
//! // Nine sessions of one habit.
//! let mut calls = Vec::new();
//! for session in 0..9 {
//!     for tool in ["Read", "Edit", "Bash", "Read", "Edit", "Bash"] {
//!         calls.push(Call {
//!             session: Some(SessionId::new(format!("s{session}"))?),
//!             project: None,
//!             tool: ToolName::new(tool)?,
//!             time: Timestamp::from_micros(calls.len() as i64)?,
//!         });
//!     }
//! }
//! let report = replay(calls, &Options::default());
//! assert_eq!((report.calls, report.sessions, report.model.calls()), (54, 9, 45));
//! assert!(report.model.hit_at_1() > report.most_used.hit_at_1());
//! assert_eq!(report.repeat_last.hit_at_1(), Some(0.0));
//! # Ok::<(), tooltally_core::Error>(())
//! ```

pub mod demotion;
mod foresight;
mod order;
mod predictor;
mod random;
mod score;

use std::collections::HashMap;

pub use order::{Call, in_order_of_time};
pub use random::Random;
pub use score::{Reliability, Score};

use self::foresight::History;
use self::predictor::{LastFive, MostUsed, Predictor, RepeatLast};
use crate::name::{SessionId, ToolName};
use crate::policy::suggest::{Model, Pace};

/// What is evaluated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The model.
    pub model: Model,
    /// The least probability that counts as covered.
    pub threshold: f64,
}

impl Default for Options {
    /// The model and the threshold that suggestions are made with.
    fn default() -> Self {
        Self { model: Model::default(), threshold: Pace::default().threshold }
    }
}

/// How well the next tool was foreseen.
///
/// Each score is over every call but the first of its session, whatever the threshold. The model sees what `suggest`
/// would have seen: what was recorded when the session began, as far as it looks back, and the session's own calls. The
/// three baselines see all that came before a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// All calls.
    pub calls: u64,
    /// Sessions; calls without one are in none.
    pub sessions: u64,
    /// The model of [`suggest`](crate::policy::suggest).
    pub model: Score,
    /// The most used tools so far.
    pub most_used: Score,
    /// The last tool again.
    pub repeat_last: Score,
    /// What followed the same set of tools in the last five calls: the predecessor's way.
    pub last_five: Score,
}

/// Replays calls, given in order of position, [in order of time](in_order_of_time), and foresees each from those
/// before it.
pub fn replay(calls: Vec<Call>, options: &Options) -> Report {
    let calls = in_order_of_time(calls);
    let history = History::of(&calls);
    let model = history.foresee(&options.model, options.threshold);
    let mut report = Report { calls: calls.len() as u64, sessions: history.sessions(), model, ..Report::default() };
    let (mut most_used, mut repeat_last, mut last_five) =
        (MostUsed::default(), RepeatLast::default(), LastFive::default());
    let mut sessions: HashMap<SessionId, Vec<ToolName>> = HashMap::new();
    for call in calls {
        let Some(id) = call.session else {
            let predictors: [&mut dyn Predictor; 3] = [&mut most_used, &mut repeat_last, &mut last_five];
            for predictor in predictors {
                predictor.learn(&[], &call.tool);
            }
            continue;
        };
        let session = sessions.entry(id).or_default();
        let contestants: [(&mut dyn Predictor, &mut Score); 3] = [
            (&mut most_used, &mut report.most_used),
            (&mut repeat_last, &mut report.repeat_last),
            (&mut last_five, &mut report.last_five),
        ];
        for (predictor, score) in contestants {
            if !session.is_empty() {
                score.record(&predictor.expect(session), &call.tool, options.threshold);
            }
            predictor.learn(session, &call.tool);
        }
        session.push(call.tool);
    }
    report
}
