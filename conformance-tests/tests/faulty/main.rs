//! The suite is tested too: stores with one planted fault each must fail the case that is there for it, and
//! the sound store beside them must pass it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is tests, also what stands outside of test functions"
)]

mod files;
#[path = "../plain/line.rs"]
mod line;
mod log;
mod questions;
mod registry;
#[path = "../plain/store.rs"]
mod store;
mod with;

use std::panic::catch_unwind;

use tooltally_conformance::run;
use with::{InFile, InMemory, Sound};

/// The case passes on the sound store, and fails on the faulty one.
fn assert_found(case: &str, sound: fn(), faulty: fn()) {
    sound();
    assert!(catch_unwind(faulty).is_err(), "{case} does not find the fault");
}

macro_rules! faults {
    ($($base:ident { $($name:ident: $file:ident::$fault:ident => $group:ident::$case:ident,)* })*) => {
        $($(
            #[test]
            fn $name() {
                let case = concat!(stringify!($group), "::", stringify!($case));
                assert_found(case, run::$group::$case::<$base<Sound>>, run::$group::$case::<$base<$file::$fault>>);
            }
        )*)*

        /// The groups whose cases are tried here.
        const GROUPS: &[&str] = &[$($(stringify!($group),)*)*];
    };
}

faults! {
    InMemory {
        loses_the_last_event_of_a_batch: log::LosesTheLast => append::positions_grow_by_one,
        records_part_of_a_failed_batch: log::RecordsPart => append::a_failed_batch_leaves_nothing,
        loses_a_duration_of_zero: log::LosesZero => read::absent_fields_come_back_absent,
        reads_from_the_position_itself: log::ReadsFrom => read::reading_starts_after_the_position,
        gives_a_position_twice: log::GivesAPositionTwice => positions::batches_of_every_size_leave_no_gap,
        counts_a_duplicate: log::CountsADuplicate => exactly_once::a_repeated_event_answers_with_the_first,
        forgets_ids_far_back: log::ForgetsFarBack => exactly_once::duplicates_far_back_are_known,
        takes_like_ids_for_one: log::TrustsFingerprints => exactly_once::ids_that_begin_alike_are_told_apart,
        lets_the_last_record_win: log::LastWins => exactly_once::the_first_record_wins,
        ignores_the_condition: log::IgnoresCondition => conditions::one_that_does_not_hold_names_the_head,
        decides_before_the_transaction: log::DecidesEarly => conditions::of_racing_threads_one_wins,
        forgives_duplicates_their_condition: log::ForgivesDuplicates
            => conditions::one_that_does_not_hold_fails_recorded_events_too,
        exposes_half_of_a_batch: log::ExposesHalf => many::threads_see_whole_batches,
        loses_one_of_two_at_once: log::LosesARace => many::threads_lose_nothing,
        adds_fields_of_its_own: log::AddsItsOwn => private::nothing_is_added_to_an_event,
        cuts_a_window_a_microsecond_short: questions::CutsShort => queries::windows_are_half_open,
        counts_the_end_of_a_window: questions::CountsTheEnd => queries::windows_cut_to_the_microsecond,
        counts_late_events_nowhere: questions::DropsLate => queries::late_events_count_where_they_belong,
        takes_absent_for_any: questions::AbsentIsAny => names::absent_is_not_an_empty_name,
        does_not_mind_case: questions::IgnoresCase => names::unknown_names_give_no_rows,
        takes_every_day_for_24_hours: questions::DaysOf24Hours => spans::days_of_23_and_25_hours_are_exact,
        shows_empty_spans: questions::ShowsEmptyRows => spans::empty_ones_give_no_row,
        puts_the_lower_position_first: questions::LowerPositionFirst
            => recent::of_equal_times_the_highest_position_comes_first,
        puts_the_lower_position_first_at_the_ends_of_time: questions::LowerPositionFirst
            => limits::both_ends_of_time_are_exact,
        breaks_ties_backwards: questions::TiesBackwards => order::ties_stand_by_name,
        counts_only_what_is_folded: questions::LeavesTheTailOut => truth::every_single_append_is_counted_at_once,
        rebuilds_without_the_last_event: questions::RebuildDrops => truth::rebuild_changes_no_answer,
        stops_counting_in_verify: questions::VerifiesNothing => truth::verify_goes_through_every_event,
        overflows_a_large_limit: questions::Overflows => damage::no_question_panics,
        never_removes_a_tool: registry::NeverRemoves => registry::a_tool_comes_goes_and_comes_again,
        orders_registry_events_by_time: registry::OrdersByTime
            => registry::positions_order_registry_events_and_not_times,
        counts_discoveries_as_uses: registry::CountsDiscoveries => registry::registry_events_are_no_uses,
        knows_the_folded_registry_alone: registry::LeavesTheTailOut => registry::answers_follow_a_growing_log,
        shows_the_settings_of_all: registry::ShowsAllSettings => scope::what_is_another_projects_does_not_show,
        shows_the_settings_of_all_in_random_logs: registry::ShowsAllSettings
            => scope::answers_are_those_of_brute_force,
        tells_kinds_by_name: registry::TellsKindsByName => scope::registered_servers_decide_whose_a_tool_is,
        never_removes_a_server: registry::NeverRemoves => scope::a_removed_server_brings_nothing_to_others,
        keeps_finished_calls_alone: registry::KeepsFinishedAlone => status::a_call_of_any_outcome_ends_a_rest,
        takes_any_project_for_none: registry::TakesAbsentForAny => scope::what_is_another_projects_does_not_show,
        reads_no_further_than_what_is_kept: registry::ReadsNoFurther
            => status::more_than_the_kept_outcomes_are_read_back,
        ranks_by_calls_of_all_projects: registry::MixesProjects => relevance::another_projects_tools_are_not_ranked,
        gives_half_of_the_latest_calls: registry::GivesHalf => relevance::leaving_the_latest_calls_is_no_step,
        misses_the_latest_call_of_a_session: questions::MissesTheLatest
            => suggestion::a_habit_is_foreseen_and_seldom_told,
        misses_the_latest_call_of_a_trail: questions::MissesTheLatest => suggestion::trails_are_those_of_the_reference,
        looks_back_too_far: questions::LooksTooFar => suggestion::a_trail_looks_back_at_so_many_events,
        orders_trails_by_time: questions::OrdersTrailsByTime => suggestion::trails_are_those_of_the_reference,
        forgets_a_project_while_others_are_busy: questions::LooksAtTheLatestAlone
            => suggestion::other_projects_hide_nothing_of_ones_own,
        forgets_the_habits_of_a_project: questions::LooksAtTheLatestAlone
            => suggestion::a_habit_is_told_though_others_were_busy_since,
        forgets_the_calls_of_a_project_that_wait: questions::PassesOverTheTail
            => suggestion::a_project_is_known_to_sessions_not_folded_yet,
        gives_one_too_many_now_and_then: questions::OneTooMany => model::random_commands,
    }
    InFile {
        forgets_on_reopening: files::Forgets => append::events_are_there_after_reopening,
        starts_ids_anew_on_reopening: files::ForgetsIds => exactly_once::events_are_known_after_reopening,
        loses_a_rebuild_on_reopening: files::ForgetsNewest => model::random_commands_with_reopening,
        sees_only_its_own_records: files::KeepsItsHead => many::two_handles_see_each_other_at_once,
        loses_what_was_flushed: files::Forgets => recorder::recorded_events_are_there_after_reopening,
        takes_a_newer_format: files::TakesNewer => formats::a_newer_one_is_refused_and_left,
        overwrites_a_foreign_file: files::Overwrites => formats::a_foreign_file_is_refused_and_left,
        makes_what_is_missing: files::AlwaysCreates => formats::a_missing_store_is_not_made_unasked,
        panics_on_damage: files::PanicsOnDamage => damage::flipped_bytes_are_withstood,
        starts_anew_on_damage: files::StartsAnew => damage::cut_files_are_withstood,
        never_fails_to_verify: files::NeverFailsToVerify => damage::a_changed_name_is_found,
    }
}

/// Elsewhere than on Unix the folder decides who may read a file.
#[cfg(unix)]
#[test]
fn lets_others_read_its_files() {
    use run::private::files_are_for_the_owner_alone as case;
    assert_found(
        "private::files_are_for_the_owner_alone",
        case::<InFile<Sound>>,
        case::<InFile<files::LetsOthersRead>>,
    );
}

#[test]
fn every_group_has_a_fault() {
    for case in run::NAMES {
        let (group, _) = case.split_once("::").unwrap();
        assert!(GROUPS.contains(&group), "no fault is planted for the group {group}");
    }
}
