//! The list of all cases: the one place that names them. Two macros read it (see `suite.rs`).
//!
//! A group is one of the things that must hold. In it, a case stands under the condition on which it is run:
//! `always`, where a capability is supported (`persistent`, `many_processes`, `file_backed`), or where it is
//! refused (`persistent_refused` and so on): then the case asserts what is documented for that.

/// Hands the list to one of its readers.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases {
    ($reader:ident $arguments:tt) => {
        $crate::$reader! {
            $arguments

            /// Atomic and durable: a batch is recorded whole or not at all, and stays.
            append {
                always {
                    /// An event is recorded, answered for as new, and read back.
                    one_event_is_recorded,
                    /// New events get the positions after the head, in order of the batch.
                    positions_grow_by_one,
                    /// An empty batch records nothing.
                    an_empty_batch_records_nothing,
                    /// What is new in a batch of old and new is recorded, each answered for in its place.
                    a_mixed_batch_is_answered_for_in_order,
                    /// A batch of duplicates records nothing.
                    a_batch_of_duplicates_records_nothing,
                    /// A batch of 5,000 events is recorded whole.
                    a_large_batch_is_recorded_whole,
                    /// A batch that fails on its condition leaves nothing behind.
                    a_failed_batch_leaves_nothing,
                }
                persistent {
                    /// Events are there when the store is opened again.
                    events_are_there_after_reopening,
                    /// The same at durability `Relaxed`.
                    relaxed_events_are_there_after_reopening,
                }
                persistent_refused {
                    /// Where stores do not last, one that is opened again is empty.
                    a_store_opened_again_is_empty,
                }
                many_processes {
                    /// What `append` has answered for survives a kill of the process.
                    answered_events_survive_a_kill,
                    /// Of a batch that a kill met there is all or nothing.
                    a_killed_batch_is_whole_or_absent,
                }
            }
        }
    };
}
