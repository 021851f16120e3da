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

            /// What comes back is what was recorded.
            read {
                always {
                    /// An event with every field comes back with each.
                    every_field_comes_back,
                    /// What an event does not have it does not have when it comes back.
                    absent_fields_come_back_absent,
                    /// Every outcome with every source.
                    every_outcome_and_source_comes_back,
                    /// Every text at its longest, and eight attributes at theirs.
                    the_longest_values_come_back,
                    /// Text of every script, with quotes, blanks and patterns.
                    text_of_every_script_comes_back,
                    /// The first and last instants; no duration and the longest.
                    the_ends_of_time_come_back,
                    /// Pages of any size give the whole log once.
                    paging_gives_the_whole_log_once,
                    /// The first event read is the one after the position.
                    reading_starts_after_the_position,
                    /// At the head and far past it there is nothing.
                    reading_past_the_head_gives_nothing,
                    /// Limit 0 reads nothing, the largest reads all.
                    a_limit_of_0_reads_nothing,
                    /// A new store's log is empty, its head the start.
                    an_empty_log_is_empty,
                }
            }

            /// Positions are gapless from 1, and never reused.
            positions {
                always {
                    /// The first event has position 1.
                    the_first_is_1,
                    /// Duplicates take no position.
                    duplicates_take_none,
                    /// Appends that fail take no position.
                    failed_appends_take_none,
                    /// Batches of 1 to 5,000 events leave no gap.
                    batches_of_every_size_leave_no_gap,
                    /// Threads that record at once leave no gap, and share no position.
                    threads_leave_no_gap,
                }
                persistent {
                    /// After reopening they go on where they were.
                    they_go_on_after_reopening,
                }
            }

            /// An id that is in the log stores nothing, for ever.
            exactly_once {
                always {
                    /// A repeated event answers with the first's position, however often.
                    a_repeated_event_answers_with_the_first,
                    /// So does one that is repeated in its own batch.
                    a_repeat_within_a_batch_is_one_event,
                    /// The first record wins, whatever else the second says.
                    the_first_record_wins,
                    /// A hook's record and a transcript's are one event.
                    a_call_from_two_sources_is_one_event,
                    /// Among 20,000 events each is known, in small batches and large.
                    duplicates_far_back_are_known,
                    /// Events recorded one at a time are known.
                    single_events_stay_known,
                    /// Old and new events in one batch, of 1 to 5,000.
                    old_and_new_mix_in_batches_of_every_size,
                    /// 2,500 ids that share their first half are told apart.
                    ids_that_begin_alike_are_told_apart,
                    /// 2,500 ids that share their second half are told apart.
                    ids_that_end_alike_are_told_apart,
                    /// Ids that differ in one bit are told apart.
                    ids_that_differ_in_a_bit_are_told_apart,
                    /// Ids that come in ascending or descending order are known.
                    ids_in_order_are_known,
                    /// Threads that record the same events record each once.
                    threads_record_an_event_once,
                }
                persistent {
                    /// Events are known after reopening.
                    events_are_known_after_reopening,
                    /// Each opening's first append knows what is in the log, as a hook's does, which appends but once.
                    the_first_append_after_opening_knows_events,
                    /// So are 12,000, after several reopenings.
                    events_far_back_are_known_after_reopening,
                }
                many_processes {
                    /// Processes that record the same events record each once.
                    processes_record_an_event_once,
                }
            }

            /// An append may demand that the log is where the caller has read it.
            conditions {
                always {
                    /// A condition that holds lets the append record.
                    one_that_holds_records,
                    /// One that does not hold fails the append, and names the head.
                    one_that_does_not_hold_names_the_head,
                    /// So it does where all events are recorded already.
                    one_that_does_not_hold_fails_recorded_events_too,
                    /// An empty batch answers for its condition.
                    an_empty_batch_answers_for_it,
                    /// Of threads that append on the same condition one wins.
                    of_racing_threads_one_wins,
                    /// Who reads the head again and tries again gets in.
                    whoever_tries_again_gets_in,
                }
                many_processes {
                    /// Of processes that append on the same condition one wins.
                    of_racing_processes_one_wins,
                }
            }

            /// The log is the truth: every answer is a fold of it.
            truth {
                always {
                    /// A new store verifies, is rebuilt and compacted.
                    an_empty_store_verifies,
                    /// `verify` goes through as many events as there are.
                    verify_goes_through_every_event,
                    /// `verify` changes nothing.
                    verify_changes_nothing,
                    /// `verify` and `rebuild` tell their progress, from the caller's thread.
                    long_work_tells_its_progress,
                    /// `rebuild` changes no answer, and recording goes on from there.
                    rebuild_changes_no_answer,
                    /// What is recorded while the store is rebuilt is counted.
                    recording_goes_on_while_rebuilding,
                    /// While the store is rebuilt it answers as before.
                    answers_stay_while_rebuilding,
                    /// `compact` changes no answer.
                    compact_changes_no_answer,
                    /// Answers are folds of the log after every batch.
                    answers_fold_the_log_as_it_grows,
                    /// Every event is counted as soon as it is recorded.
                    every_single_append_is_counted_at_once,
                }
                persistent {
                    /// Answers stay after reopening, rebuilt and compacted or not.
                    answers_stay_after_reopening,
                }
                many_processes {
                    /// A rebuild that is killed does no harm, and a later one does all of it.
                    a_killed_rebuild_does_no_harm,
                }
            }

            /// Queries are exact: equal to a fold of the selected events of the whole log.
            queries {
                always {
                    /// Every combination of filters, windows and groups.
                    every_combination_is_exact,
                    /// Windows hold their start, and not their end.
                    windows_are_half_open,
                    /// Windows about the borders of minutes, hours, days and weeks.
                    windows_cut_to_the_microsecond,
                    /// A window with equal ends holds nothing.
                    an_empty_window_holds_nothing,
                    /// Events may be recorded in any order of time.
                    order_of_time_does_not_matter,
                    /// Many events of one instant are all counted.
                    equal_times_are_all_counted,
                    /// Events that come late count in the windows of their time.
                    late_events_count_where_they_belong,
                    /// Events and windows at the first and the last instant.
                    the_ends_of_time_are_counted,
                    /// A new store gives no rows.
                    a_store_without_events_gives_no_rows,
                    /// Counts, sums and maxima of durations, past 64 bits.
                    durations_are_exact,
                    /// 20,000 events in batches of 1 to 5,000.
                    a_long_history_is_exact,
                    /// The three queries by name, and the recent outcomes.
                    the_seeds_three_queries_answer,
                }
            }

            /// Names are told apart exactly, and rows are about what the log says.
            names {
                always {
                    /// A name that the log does not know gives no rows; no name is a pattern.
                    unknown_names_give_no_rows,
                    /// The selection of events without a tool is empty.
                    no_event_is_without_a_tool,
                    /// Events without a session or project are a group of their own.
                    absent_is_not_an_empty_name,
                    /// A tool, a session and a project of one name are kept apart.
                    names_of_different_sorts_are_kept_apart,
                    /// A project's row shows the first path that the log has for it.
                    project_rows_show_the_first_path,
                    /// A session's row shows the project of most of its selected uses.
                    session_rows_show_the_main_project,
                    /// Hundreds of tools, sessions and projects.
                    many_names_are_exact,
                }
            }

            /// What lies at the ends: of time, of durations, of clocks that cannot be trusted.
            limits {
                always {
                    /// Clocks that jump back and forth by years, between any two appends.
                    clocks_that_jump_are_exact,
                    /// Events at the first and last instants, and windows cut there.
                    both_ends_of_time_are_exact,
                    /// Sums of the longest durations, and of none but zeros.
                    the_longest_durations_add_up,
                    /// An append whose condition names a position that no log reaches.
                    positions_beyond_every_log_are_answered_for,
                }
            }

            /// Uses by span of time: calendar days, hours, any cut.
            spans {
                always {
                    /// Each span counts its own events.
                    each_counts_its_own,
                    /// Calendar days of 23 and 25 hours.
                    days_of_23_and_25_hours_are_exact,
                    /// Edges cut to the microsecond.
                    edges_cut_to_the_microsecond,
                    /// Events outside of all spans are not counted.
                    events_outside_are_not_counted,
                    /// Without two edges there is no span, and no row.
                    fewer_than_two_edges_give_no_rows,
                    /// Filters and windows hold within spans.
                    filters_and_windows_hold_within,
                    /// A span without an event has no row.
                    empty_ones_give_no_row,
                    /// 1,440 minutes, 1,000 microseconds, all of time in two.
                    many_and_narrow_ones_are_exact,
                }
            }

            /// Recent uses: latest time first, then highest position.
            recent {
                always {
                    /// The latest come first.
                    the_latest_come_first,
                    /// Of equal times the highest position comes first.
                    of_equal_times_the_highest_position_comes_first,
                    /// Late events stand where their time puts them.
                    late_events_stand_where_their_time_puts_them,
                    /// Limit 0 gives nothing.
                    a_limit_of_0_gives_nothing,
                    /// Any limit is kept, up to the largest.
                    any_limit_is_kept,
                    /// The only use of a name is found, however far back.
                    rare_names_are_found_far_back,
                    /// Windows hold, with and without filters.
                    windows_hold,
                    /// The latest outcomes of a tool, as the log grows.
                    outcomes_follow_the_latest_uses,
                }
            }

            /// Rows stand in one order, whatever the history.
            order {
                always {
                    /// The most used come first.
                    the_most_used_come_first,
                    /// Of equal use, names stand in order of their bytes.
                    ties_stand_by_name,
                    /// Sessions: by use, then name; none before any.
                    sessions_stand_by_use_then_name,
                    /// Projects: by use, then path, then id.
                    projects_stand_by_use_then_path_then_id,
                    /// Spans: by time.
                    spans_stand_by_time,
                    /// The same events in another order give the same rows.
                    it_does_not_depend_on_the_order_of_recording,
                    /// No row is without a use.
                    no_row_is_empty,
                }
            }

            /// What settings have and had of tools is told exactly, and counts nowhere as use.
            registry {
                always {
                    /// Registry events of every kind and scope come back, each field at its longest and left out.
                    registry_events_come_back,
                    /// A discovered tool is registered, with all that the discovery told.
                    a_discovered_tool_is_registered,
                    /// A tool is removed, and discovered again.
                    a_tool_comes_goes_and_comes_again,
                    /// The later registry event is that of the higher position, whatever its time.
                    positions_order_registry_events_and_not_times,
                    /// The settings of projects, and those of every project, are kept apart.
                    settings_of_projects_are_kept_apart,
                    /// Rows stand by project, then by name.
                    rows_stand_by_project_and_name,
                    /// A tool that was removed only is not registered.
                    a_removal_alone_shows_nothing,
                    /// Registry events count nowhere as uses.
                    registry_events_are_no_uses,
                    /// A project's first path may be that of a discovery.
                    a_project_is_shown_with_the_path_of_a_discovery,
                    /// Registry and latest outcomes follow the log after each append, folded or not.
                    answers_follow_a_growing_log,
                    /// Hundreds of tools in dozens of projects.
                    many_tools_and_projects_are_exact,
                    /// `rebuild` and `compact` change no answer.
                    a_rebuild_changes_no_answer,
                    /// Of four scans at once, each on condition of the head, one records each difference.
                    of_scans_at_once_each_difference_is_recorded_once,
                }
                persistent {
                    /// Answers stay after reopening.
                    answers_stay_after_reopening,
                }
                many_processes {
                    /// The same scans on four handles.
                    scans_on_several_handles_record_once,
                    /// What one handle records the other sees at once.
                    handles_see_each_others_registry,
                }
            }

            /// Whose a tool is: a project sees its own, what is everyone's, and never another project's.
            scope {
                always {
                    /// What the settings of every project have is each one's.
                    tools_of_every_project_are_each_ones,
                    /// What only another project's settings have, or what was used in it alone, does not show.
                    what_is_another_projects_does_not_show,
                    /// A tool first seen in use is registered by that use, and its count starts at 1.
                    what_is_used_in_a_project_is_its_own,
                    /// Built-in tools are everywhere; their uses are counted in their project.
                    built_in_tools_are_everywhere,
                    /// Servers and plugins of every project bring their tools, unless another project may have them.
                    servers_and_plugins_bring_their_tools,
                    /// Of registered servers and plugins the longest name decides what brings a tool.
                    registered_servers_decide_whose_a_tool_is,
                    /// A server that the settings of every project have no longer brings nothing to other projects.
                    a_removed_server_brings_nothing_to_others,
                    /// What was used outside of any project is everyone's, unless another project's settings know it.
                    what_is_used_outside_of_projects_is_everyones,
                    /// A project's own settings are shown before those of every project, unless they have it no longer.
                    a_projects_own_settings_come_first,
                    /// Tools stand by standing, kind, use and name.
                    tools_stand_by_standing_kind_use_and_name,
                    /// Random logs, against brute force over the log.
                    answers_are_those_of_brute_force,
                    /// `rebuild` changes no answer.
                    a_rebuild_changes_no_answer,
                }
            }

            /// Status: active, stale or demoted, by the log and the clock alone.
            status {
                always {
                    /// Three failures of five finished calls demote, three successes restore.
                    failures_demote_and_successes_restore,
                    /// Another clock or another rule gives another answer, and nothing else does.
                    it_is_a_function_of_log_and_clock,
                    /// What is removed and what is unseen are two things; a call does not bring back what is removed.
                    removed_and_unseen_are_told_apart,
                    /// A server or plugin that is removed takes its tools with it.
                    a_server_takes_its_tools_with_it,
                    /// A server is seen where one of its tools is.
                    a_used_tool_is_a_sign_of_its_server,
                    /// What an agent does not report under its own name is not stale for want of calls.
                    what_is_not_seen_in_use_is_not_unseen,
                    /// A demoted tool rests while it is uncalled: a call of any outcome ends that.
                    a_call_of_any_outcome_ends_a_rest,
                    /// Events that come late count where their time puts them.
                    late_events_stand_where_their_time_puts_them,
                    /// Where the kept outcomes do not decide, as many are read back as it takes.
                    more_than_the_kept_outcomes_are_read_back,
                    /// Random logs, against brute force over the log.
                    answers_are_those_of_brute_force,
                    /// `rebuild` changes no answer.
                    a_rebuild_changes_no_answer,
                }
                persistent {
                    /// Answers stay after reopening.
                    answers_stay_after_reopening,
                }
            }

            /// Relevance: which tools matter now.
            relevance {
                always {
                    /// What is used now comes first, whatever was used before.
                    what_is_used_now_comes_first,
                    /// A tool that is used no more falls by small steps, out of the calls that are looked at too.
                    leaving_the_latest_calls_is_no_step,
                    /// What fails, and what is gone, weighs less.
                    what_fails_weighs_less,
                    /// Tools and calls of another project have no part in it.
                    another_projects_tools_are_not_ranked,
                    /// A server of which no tool is known stands for itself, else its tools do.
                    a_server_stands_for_tools_that_are_not_known,
                    /// Random logs, against brute force over the log.
                    answers_are_those_of_brute_force,
                }
            }

            /// What a session called, what was called before it, and so what usually comes next, seldom told.
            suggestion {
                always {
                    /// A session's calls and those before its first, in order of position, at every depth.
                    trails_are_those_of_the_reference,
                    /// What has no session, and registry events, take a place in what is looked back at.
                    a_trail_looks_back_at_so_many_events,
                    /// However many calls of other projects came since, a project's own are looked back at.
                    other_projects_hide_nothing_of_ones_own,
                    /// So they are where the session, or what is looked back at, waits to be folded.
                    a_project_is_known_to_sessions_not_folded_yet,
                    /// And so a habit of the project is told.
                    a_habit_is_told_though_others_were_busy_since,
                    /// A habit is foreseen, and told as seldom as the pace says.
                    a_habit_is_foreseen_and_seldom_told,
                    /// Where anything may follow anything, nothing is said.
                    without_a_habit_it_is_silent,
                    /// Later events, late ones and a rebuild change no answer.
                    what_comes_later_changes_nothing,
                    /// Every store says what the reference does.
                    suggestions_are_those_of_the_reference,
                }
            }

            /// Any number of threads and processes record and read at once.
            many {
                always {
                    /// Eight threads lose nothing and double nothing.
                    threads_lose_nothing,
                    /// Queries see whole batches, and ever more of them.
                    threads_see_whole_batches,
                    /// A batch's events stand together in the log.
                    a_batch_of_a_thread_stays_together,
                }
                many_processes_refused {
                    /// Where one handle is all, a second is busy, or has a store of its own.
                    a_second_handle_is_busy_or_shares_nothing,
                }
                many_processes {
                    /// Who opens a store that others are just making is not refused.
                    threads_open_a_new_store_at_once,
                    /// What one handle records the other sees at once.
                    two_handles_see_each_other_at_once,
                    /// New names in two handles, and in appends that fail, are not mixed.
                    names_of_two_handles_are_not_mixed,
                    /// What one handle rebuilds the other goes on with.
                    a_rebuild_is_seen_by_another_handle,
                    /// Eight processes beside a long-lived writer and reader lose nothing.
                    eight_processes_lose_nothing,
                    /// No query sees half of another process's batch.
                    no_query_sees_half_of_another_process_batch,
                    /// `rebuild` and `verify` run while another process records.
                    maintenance_runs_beside_another_process,
                    /// What is answered as busy is not recorded; all else is.
                    what_is_busy_is_not_recorded_and_nothing_else_is_lost,
                }
            }

            /// A recorder over the store loses nothing, and what it has flushed is durable.
            recorder {
                always {
                    /// Eight threads before a small queue lose nothing; each one's events stay in order.
                    threads_lose_nothing_and_keep_their_order,
                    /// What is flushed is counted at once.
                    flushed_events_are_counted_at_once,
                    /// Events that the log knows are counted as duplicates.
                    known_events_are_duplicates,
                    /// Others may append to the store meanwhile.
                    appends_beside_it_are_not_disturbed,
                    /// Dropping it records what is queued.
                    dropping_it_records_what_is_queued,
                }
                persistent {
                    /// What it has recorded is there when the store is opened again.
                    recorded_events_are_there_after_reopening,
                }
                many_processes {
                    /// Another handle sees at once what is flushed.
                    flushed_events_are_seen_by_another_handle,
                    /// What is flushed survives a kill of the process.
                    flushed_events_survive_a_kill,
                }
            }

            /// Files carry a format version, read before anything is changed.
            formats {
                file_backed {
                    /// A newer format is refused, and left bit for bit.
                    a_newer_one_is_refused_and_left,
                    /// So is a file that is no store.
                    a_foreign_file_is_refused_and_left,
                    /// A folder at the address is refused.
                    a_folder_in_its_place_is_refused,
                    /// Without `create` a missing store is `Missing`, and stays so.
                    a_missing_store_is_not_made_unasked,
                    /// So is one in a folder that is not there.
                    a_missing_folder_is_an_error,
                    /// A store of the present format opens without `migrate`.
                    the_present_one_needs_no_migration,
                }
                file_backed_refused {
                    /// Where stores are no files, none is made at the address.
                    no_file_is_made,
                }
            }

            /// No input and no file can make a store panic, or answer wrongly unknown to `verify`.
            damage {
                always {
                    /// Questions at the ends of every range are answered.
                    no_question_panics,
                    /// A panic in the caller's own progress report does no harm.
                    a_panic_of_the_caller_does_no_harm,
                }
                file_backed {
                    /// Single bytes changed anywhere.
                    flipped_bytes_are_withstood,
                    /// Single bytes changed in the first 128.
                    flipped_bytes_of_the_beginning_are_withstood,
                    /// A rebuild refuses a damaged log; what it does not refuse it leaves sound.
                    a_rebuild_launders_no_damage,
                    /// Files that end too early.
                    cut_files_are_withstood,
                    /// Blank pages.
                    blank_pages_are_withstood,
                    /// A tool's name that is changed in the file is found.
                    a_changed_name_is_found,
                }
            }

            /// Nothing but the event's fields is stored, for the owner alone.
            private {
                always {
                    /// A store adds nothing of its own to an event.
                    nothing_is_added_to_an_event,
                }
                file_backed {
                    /// Every file is for its owner alone, at every time.
                    files_are_for_the_owner_alone,
                    /// No file names the folder that it is in or was made from.
                    files_tell_nothing_of_the_machine,
                }
            }

            /// Random commands, the same on every backend, against the reference store.
            model {
                always {
                    /// On one handle.
                    random_commands,
                }
                persistent {
                    /// With reopening between them.
                    random_commands_with_reopening,
                }
                many_processes {
                    /// On two handles by turns.
                    random_commands_on_two_handles,
                }
            }
        }
    };
}
