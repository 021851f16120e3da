use std::fs;

use tooltally_core::{Error, OpenOptions};

use crate::check::{assert_log, record};
use crate::events::numbered_all;
use crate::files;
use crate::harness::{FileBacked, Harness};
use crate::site::{Fresh, Site, fresh, patient};

/// A closed store with some events.
fn filled<H: Harness>() -> Site<H> {
    let store: Fresh<H> = fresh();
    record(&*store, &numbered_all(0..1_300));
    store.close()
}

/// The store cannot be opened, with any options; no file is changed by the attempt, none is made.
fn assert_refused<H: Harness>(site: &Site<H>, is_right: impl Fn(&Error) -> bool) {
    let folder = site.file().parent().expect("a file-backed store's address is the path of a file");
    let before = files::all_in(folder);
    for options in [patient(), patient().create(false), patient().migrate(false)] {
        match site.open_with(&options) {
            Ok(_) => panic!("a file that is none of this store's is opened"),
            Err(e) => assert!(is_right(&e), "the refusal is {e:?}"),
        }
        assert!(files::all_in(folder) == before, "a refused file is changed, or something made beside it");
    }
}

pub(crate) fn a_newer_one_is_refused_and_left<H: FileBacked>() {
    let site = filled::<H>();
    let newer = H::make_newer_format(site.file());
    let names_both = |e: &Error| match e {
        Error::UnsupportedFormat { found, supported } => *found == newer && supported < found,
        _ => false,
    };
    assert_refused(&site, names_both);
}

pub(crate) fn a_foreign_file_is_refused_and_left<H: FileBacked>() {
    let noise = vec![0x7f; 20_000];
    let foreign: [&[u8]; 4] = [
        b"# Notes\n\nNothing of this is a store.\n",
        b"{\"tool\": \"Bash\", \"outcome\": \"success\"}\n",
        &noise,
        b"x",
    ];
    for bytes in foreign {
        let site = Site::<H>::new();
        fs::write(site.file(), bytes).unwrap();
        assert_refused(&site, |e| matches!(e, Error::NotAStore { .. } | Error::Corrupt { .. }));
    }
}

pub(crate) fn a_folder_in_its_place_is_refused<H: FileBacked>() {
    let site = Site::<H>::new();
    fs::create_dir(site.file()).unwrap();
    assert!(site.open_with(&patient()).is_err(), "a folder is opened as a store");
    assert!(site.file().is_dir(), "the folder is gone");
}

pub(crate) fn a_missing_store_is_not_made_unasked<H: FileBacked>() {
    let site = Site::<H>::new();
    match site.open_with(&OpenOptions::new().create(false)) {
        Err(Error::Missing { .. }) => {}
        Err(e) => panic!("a missing store is refused as {e:?}"),
        Ok(_) => panic!("a missing store is made unasked"),
    }
    assert!(site.files().is_empty(), "files are made for a missing store: {:?}", site.files());
}

pub(crate) fn a_missing_folder_is_an_error<H: FileBacked>() {
    let site = Site::<H>::new();
    let address = site.file().join("usage").into_os_string().into_string().unwrap();
    let opened = H::open(&address, &patient().create(false));
    assert!(opened.is_err(), "a store is opened in a folder that is not there");
}

pub(crate) fn the_present_one_needs_no_migration<H: FileBacked>() {
    let site = filled::<H>();
    let store = site.open_with(&patient().migrate(false).create(false)).unwrap();
    assert_log(&*store, &numbered_all(0..1_300));
}

pub(crate) fn no_file_is_made<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..1_300));
    assert!(!store.site().file().exists(), "a store without files has made one at its address");
}
