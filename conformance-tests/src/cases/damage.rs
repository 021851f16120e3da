use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use tooltally_core::{
    Condition, GroupBy, Maintenance, MaintenanceExt, Position, Result, Selection, Spans, Store, Window,
};

use crate::check::{Answers, ENDS, record, record_in_batches};
use crate::events::{Mixer, at, instant, mixed_all, numbered, numbered_all, tool};
use crate::harness::{FileBacked, Harness};
use crate::site::{Site, fresh, patient};

/// The files of a sound store, and what it answers.
struct Sound {
    files: Vec<(PathBuf, Vec<u8>)>,
    answers: Answers,
}

impl Sound {
    fn new<H: Harness>() -> Self {
        let store = fresh::<H>();
        record_in_batches(&*store, &mixed_all(0..1_500), 150);
        let answers = Answers::of(&*store);
        let site = store.close();
        Self { files: site.bytes(), answers }
    }

    /// The largest file: the one that holds the log.
    fn main(&self) -> usize {
        (0..self.files.len()).max_by_key(|at| self.files[*at].1.len()).expect("a store has a file")
    }

    /// A new place with the files as `damage` leaves them.
    fn damaged<H: Harness>(&self, damage: impl FnOnce(&mut Vec<u8>)) -> Site<H> {
        let site = Site::new();
        let folder = site.file().parent().expect("a store's file is in a folder");
        let (main, mut damage) = (self.main(), Some(damage));
        for (n, (path, bytes)) in self.files.iter().enumerate() {
            let mut bytes = bytes.clone();
            if n == main
                && let Some(damage) = damage.take()
            {
                damage(&mut bytes);
            }
            fs::write(folder.join(path.file_name().expect("a file has a name")), bytes)
                .expect("the place can be written");
        }
        site
    }

    /// Whatever the damage: no panic, and no wrong answer that `verify` does not know of.
    fn assert_withstands<H: Harness>(&self, what: &str, damage: impl Fn(&mut Vec<u8>)) {
        let site = self.damaged::<H>(&damage);
        let verified = without_panic(what, || {
            let store = site.open_with(&patient())?;
            let answers = Answers::ask(&*store);
            store.verify_quietly()?;
            Ok(answers)
        });
        if let Ok(answers) = verified {
            let answers = answers.unwrap_or_else(|e| panic!("{what}: verify finds nothing, and a query fails: {e:?}"));
            assert!(answers == self.answers, "{what}: verify finds nothing, and an answer is another");
        }
        // Errors are welcome here; only a panic is not.
        let site = self.damaged::<H>(damage);
        let _ = without_panic(what, || {
            let store = site.open_with(&patient())?;
            store.append(&mixed_all(1_490..1_510), Condition::None)?;
            store.compact()
        });
    }

    /// A rebuild refuses, or it leaves a store that answers as the sound one does.
    fn assert_rebuild_is_honest<H: Harness>(&self, what: &str, damage: impl FnOnce(&mut Vec<u8>)) {
        let site = self.damaged::<H>(damage);
        let rebuilt = without_panic(what, || {
            let store = site.open_with(&patient())?;
            store.rebuild_quietly()?;
            store.verify_quietly()?;
            Answers::ask(&*store)
        });
        if let Ok(answers) = rebuilt {
            assert!(answers == self.answers, "{what}: a rebuild launders a damaged log");
        }
    }
}

fn without_panic<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| panic!("{what}: the store panics"))
}

pub(crate) fn flipped_bytes_are_withstood<H: FileBacked>() {
    let sound = Sound::new::<H>();
    let length = sound.files[sound.main()].1.len();
    let mut mixer = Mixer::new(11);
    for _ in 0..30 {
        let (place, bits) = (mixer.below(length as u64) as usize, 1 + mixer.below(255) as u8);
        let what = format!("byte {place} of {length} changed by {bits:#04x}");
        sound.assert_withstands::<H>(&what, |bytes| bytes[place] ^= bits);
    }
}

pub(crate) fn flipped_bytes_of_the_beginning_are_withstood<H: FileBacked>() {
    let sound = Sound::new::<H>();
    let mut mixer = Mixer::new(13);
    for _ in 0..15 {
        let place = mixer.below(128) as usize;
        sound.assert_withstands::<H>(&format!("byte {place} inverted"), |bytes| bytes[place] ^= 0xff);
    }
}

pub(crate) fn a_rebuild_launders_no_damage<H: FileBacked>() {
    let sound = Sound::new::<H>();
    let length = sound.files[sound.main()].1.len();
    let mut mixer = Mixer::new(19);
    for _ in 0..25 {
        let (place, bits) = (mixer.below(length as u64) as usize, 1 + mixer.below(255) as u8);
        let what = format!("byte {place} of {length} changed by {bits:#04x}");
        sound.assert_rebuild_is_honest::<H>(&what, |bytes| bytes[place] ^= bits);
    }
}

pub(crate) fn cut_files_are_withstood<H: FileBacked>() {
    let sound = Sound::new::<H>();
    let length = sound.files[sound.main()].1.len();
    for cut in [1, 2, 16, 100, 4_096, length / 3, length / 2, length - 512, length - 1] {
        let kept = length.saturating_sub(cut);
        sound.assert_withstands::<H>(&format!("{kept} of {length} bytes kept"), |bytes| bytes.truncate(kept));
    }
}

pub(crate) fn blank_pages_are_withstood<H: FileBacked>() {
    let sound = Sound::new::<H>();
    let pages = sound.files[sound.main()].1.len() / 4_096;
    let mut mixer = Mixer::new(17);
    for _ in 0..8 {
        let page = mixer.below(pages as u64) as usize;
        let blank = |bytes: &mut Vec<u8>| bytes[page * 4_096..(page + 1) * 4_096].fill(0);
        sound.assert_withstands::<H>(&format!("page {page} of {pages} blank"), blank);
    }
}

pub(crate) fn a_changed_name_is_found<H: FileBacked>() {
    let store = fresh::<H>();
    let marked = crate::events::use_of(1, "a-tool-of-its-own", at(1));
    record(&*store, &[marked.into()]);
    record(&*store, &numbered_all(10..1_300));
    let site = store.close();
    let mut changed = 0;
    for (path, mut bytes) in site.bytes() {
        let name = b"a-tool-of-its-own";
        let places: Vec<usize> =
            bytes.windows(name.len()).enumerate().filter(|(_, b)| b == name).map(|(at, _)| at).collect();
        for place in &places {
            bytes[place + 2] = b'T';
        }
        changed += places.len();
        fs::write(path, bytes).expect("the place can be written");
    }
    // A store that keeps its names in another form has nothing here that could be changed.
    let found = without_panic("a changed name", || {
        let store = site.open_with(&patient())?;
        store.verify_quietly()
    });
    assert!(changed == 0 || found.is_err(), "a tool's name is changed in the file, and verify finds nothing");
}

pub(crate) fn no_question_panics<H: Harness>() {
    let store = fresh::<H>();
    let store = &*store;
    record(store, &numbered_all(0..1_200));
    let [first, last] = ENDS;
    let many = GroupBy::Span(Spans::new((0..20_000).map(|n| instant(n * 1_000_003)).collect()).expect("they ascend"));
    let all_of_time = GroupBy::Span(Spans::new(vec![first, last]).expect("they ascend"));
    let windows = [Window::since(last), Window::until(first), Window::since(first), Window::until(last)];
    without_panic("questions at the ends", || {
        for window in windows {
            let selection = Selection::all().window(window);
            for group_by in [&many, &all_of_time, &GroupBy::Session] {
                store.usage(&selection, group_by)?;
            }
            store.recent(&selection, usize::MAX)?;
        }
        store.read(Position::new(u64::MAX), usize::MAX)?;
        store.read(Position::new(u64::MAX - 1), 1)?;
        store.read(Position::START, usize::MAX)?;
        store.recent(&Selection::all().tool(tool(&"x".repeat(512))), usize::MAX)
    })
    .expect("a question at the ends is answered");
    let far = without_panic("a condition at the end", || store.append(&[], Condition::HeadIs(Position::new(u64::MAX))));
    assert!(far.is_err_and(|e| e.is_condition_not_met()), "a condition at the end of positions holds");
}

pub(crate) fn a_panic_of_the_caller_does_no_harm<H: Harness>() {
    let store = fresh::<H>();
    record(&*store, &numbered_all(0..1_500));
    let before = Answers::of(&*store);
    let interrupted: [fn(&dyn Store); 2] = [
        |store| drop(store.verify(&mut |_| panic!("the caller's own panic, on purpose"))),
        |store| drop(store.rebuild(&mut |_| panic!("the caller's own panic, on purpose"))),
    ];
    for work in interrupted {
        // The panic goes through, or comes back as an error; the store lives on either way.
        let _ = catch_unwind(AssertUnwindSafe(|| work(&*store)));
        assert!(Answers::of(&*store) == before, "an answer differs after interrupted work");
    }
    Maintenance::rebuild(&*store, &mut |_| {}).expect("a later rebuild does all of it");
    record(&*store, &[numbered(1_500)]);
    store.verify_quietly().expect("the store is sound");
}
