//! What a person sees.

use crate::support::{Place, payload};

#[test]
fn a_page_names_the_store_the_remedies_and_the_sum() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("home/data/tooltally/usage.db")).unwrap();
    place.run_with(&["hook"], payload("1")).done();
    let told = place.run(&["doctor"]);
    assert_eq!(told.code, Some(1));
    assert_eq!(told.stderr, "");
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert_eq!(lines[0], "Store");
    assert!(lines[1].ends_with("usage.db (the default)"), "{}", told.stdout);
    for part in ["  error    ", "[store-not-a-store]", "[spool-waiting]", "[hook-troubles]", "-> ", "Claude Code\n"] {
        assert!(told.stdout.contains(part), "{part} is not in {}", told.stdout);
    }
    assert_eq!(lines.last(), Some(&"1 error, 3 warnings."), "{}", told.stdout);
    assert!(!told.stdout.contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    let mut child = place.command(&["doctor"]).spawn().unwrap();
    drop(child.stdout.take());
    let code = child.wait().unwrap().code();
    assert!(matches!(code, Some(0 | 1)), "{code:?}");
}

#[test]
fn the_help_teaches_the_levels_and_the_exit_codes() {
    let place = Place::new();
    let help = place.run(&["doctor", "--help"]).done().stdout;
    for part in ["Exit codes: 0 no error, 1 at least one", "warning (calls are late", "--verify", "\"findings\""] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    assert!(place.run(&["--help"]).done().stdout.contains("tooltally doctor"));
}
