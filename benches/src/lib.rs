//! What the benchmarks of tooltally share: the workload, the same for every backend, and the comparison
//! with what people would use instead.
//!
//! | module | subject |
//! |---|---|
//! | `workload` | the generated events |
//! | `question` | what is asked of them, and what is right: a brute-force fold |
//! | `policies` | what is right of the policies, in the same way |
//! | `subject` | the small trait that everything measured has |
//! | `store`, `baselines` | who has it: our stores; the seed's schema and the bare engines |
//! | `measures` | the measures by name, and their bars |
//! | `measure` | how each is measured |
//! | `probe` | this program, started again: for the memory of a piece of work |
//! | [`report`] | the comparison as JSON, as a table, as a page with plots |

mod baselines;
mod machine;
mod measure;
mod measures;
mod options;
mod policies;
mod probe;
mod progress;
mod question;
pub mod report;
mod statistics;
mod store;
mod subject;
mod workload;

pub use machine::Machine;
pub use measure::compare;
pub use measures::Measure;
pub use options::{BackendName, Options};
pub use probe::probe;
pub use progress::Progress;
pub use statistics::Spread;
pub use workload::{Workload, WorkloadEvent};

/// Whatever went wrong: a benchmark stops at the first surprise and says which.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A result of this crate.
pub type Result<T, E = Failure> = std::result::Result<T, E>;
