//! What the benchmarks of tooltally share: the workload, the same for every backend.

mod workload;

pub use workload::{Workload, WorkloadEvent};
