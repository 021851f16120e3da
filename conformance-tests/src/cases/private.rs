use tooltally_core::Event;

use crate::check::{assert_sound, record, whole_log};
use crate::events::{at, numbered_all, use_of};
use crate::harness::{FileBacked, Harness};
use crate::site::{Site, fresh};

pub(crate) fn nothing_is_added_to_an_event<H: Harness>() {
    let store = fresh::<H>();
    let bare: Vec<Event> = (0..3).map(|n| use_of(n, "Bash", at(0)).into()).collect();
    record(&*store, &bare);
    for (recorded, event) in whole_log(&*store).iter().zip(&bare) {
        assert_eq!(&recorded.event, event, "a store has added something of its own");
    }
}

/// Nobody but the owner may do anything with any file. Elsewhere than on Unix the folder decides.
fn assert_for_the_owner_alone<H: Harness>(site: &Site<H>) {
    let files = site.files();
    assert!(!files.is_empty(), "a store in files has none");
    #[cfg(unix)]
    for file in files {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "others may use {}: {:o}", file.display(), mode & 0o777);
    }
}

pub(crate) fn files_are_for_the_owner_alone<H: FileBacked>() {
    let store = fresh::<H>();
    assert_for_the_owner_alone(store.site());
    record(&*store, &numbered_all(0..1_200));
    assert_for_the_owner_alone(store.site());
    store.rebuild(&mut |_| {}).unwrap();
    store.compact().unwrap();
    assert_sound(&*store);
    assert_for_the_owner_alone(store.site());
    assert_for_the_owner_alone(&store.close());
}

pub(crate) fn files_tell_nothing_of_the_machine<H: FileBacked>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..1_400));
    let address = store.site().address().to_owned();
    let here = std::env::current_dir().unwrap().display().to_string();
    for (path, bytes) in store.close().bytes() {
        for trace in [&address, &here] {
            let found = bytes.windows(trace.len()).any(|window| window == trace.as_bytes());
            assert!(!found, "{} holds {trace}, which no event does", path.display());
        }
    }
}
