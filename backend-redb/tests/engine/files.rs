//! What stands at the path: missing, odd, foreign, of another format, not to be written.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::{append, child, child_argument, head, read_all};
use redb::TableDefinition;
use tempfile::TempDir;
use tooltally_core::ledger::Engine;
use tooltally_core::{Error, OpenOptions, Position, Result};
use tooltally_redb::{RedbEngine, StoreFile};

const FORMAT_TABLE: TableDefinition<'static, &str, (u32, u32)> = TableDefinition::new("tooltally_format");

fn open(path: &Path) -> Result<RedbEngine> {
    RedbEngine::open_with(path, &OpenOptions::new().wait(Duration::from_secs(10)))
}

fn new_path() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("usage.redb");
    (folder, path)
}

/// Opens what must not open, and asserts that the file stays as it is.
fn refused(path: &Path, options: &OpenOptions) -> Error {
    let before = fs::read(path).unwrap();
    let error = RedbEngine::open_with(path, options).err().expect("it opened");
    assert!(fs::read(path).unwrap() == before, "the file was changed");
    error
}

#[test]
fn a_missing_file_is_made_only_if_wanted() {
    let (folder, path) = new_path();
    let missing = RedbEngine::open_with(&path, &OpenOptions::new().create(false));
    assert!(matches!(missing, Err(Error::Missing { path: named }) if named == path.display().to_string()));
    assert!(!path.exists());
    let deep = folder.path().join("a/b/usage.redb");
    assert!(matches!(RedbEngine::open_with(&deep, &OpenOptions::new().create(false)), Err(Error::Missing { .. })));
    assert!(!folder.path().join("a").exists());
    append(&open(&deep).unwrap(), 1).unwrap();
    assert_eq!(
        head(&RedbEngine::open_with(&deep, &OpenOptions::new().create(false)).unwrap()).unwrap(),
        Position::new(1)
    );
}

#[cfg(unix)]
#[test]
fn what_is_made_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, _) = new_path();
    let path = folder.path().join("new/deeper/usage.redb");
    append(&open(&path).unwrap(), 1).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&folder.path().join("new")), 0o700);
    let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["usage.redb"], "nothing is left beside the store");
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_followed_where_they_lead_to_a_file() {
    let (folder, path) = new_path();
    append(&open(&path).unwrap(), 1).unwrap();
    let link = folder.path().join("link.redb");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(append(&open(&link).unwrap(), 1).unwrap(), Position::new(2));
    let dangling = folder.path().join("dangling.redb");
    std::os::unix::fs::symlink(folder.path().join("nowhere"), &dangling).unwrap();
    assert!(matches!(open(&dangling), Err(Error::NotAStore { .. })));
    assert!(!folder.path().join("nowhere").exists());
}

#[test]
fn an_empty_file_is_as_good_as_none() {
    let (_folder, path) = new_path();
    fs::write(&path, "").unwrap();
    assert!(matches!(refused(&path, &OpenOptions::new().create(false)), Error::Missing { .. }));
    append(&open(&path).unwrap(), 2).unwrap();
    assert_eq!(head(&open(&path).unwrap()).unwrap(), Position::new(2));
}

#[test]
fn a_creation_that_was_cut_short_is_done_again() {
    let (_folder, path) = new_path();
    fs::write(&path, "").unwrap();
    drop(redb::Builder::new().create_with_backend(StoreFile::open(&path).unwrap()).unwrap());
    let made = fs::read(&path).unwrap();
    // redb writes its magic number last.
    let mut without_magic = vec![0; made.len()];
    without_magic[9..320].copy_from_slice(&made[9..320]);
    // Where the power fails, its header may be there without the length that it gave the file before.
    let header_alone = without_magic[..320].to_vec();
    for beginning in [vec![0; made.len()], header_alone, without_magic, made] {
        fs::write(&path, &beginning).unwrap();
        assert!(matches!(refused(&path, &OpenOptions::new().create(false)), Error::Missing { .. }));
        append(&open(&path).unwrap(), 2).unwrap();
        let engine = open(&path).unwrap();
        engine.check().unwrap();
        assert_eq!(engine.read(read_all).unwrap(), 2);
    }
}

#[test]
fn other_things_are_no_stores_and_stay_as_they_are() {
    let (folder, path) = new_path();
    assert!(matches!(open(folder.path()), Err(Error::NotAStore { .. })));
    let file = folder.path().join("plain");
    let mut zeros_then_text = vec![0; 8192];
    zeros_then_text[5000..].fill(b'x');
    let contents: [&[u8]; 6] = [
        b"x",
        b"Dear diary, nothing happened.\n",
        &[0; 1000],
        &zeros_then_text,
        &[0xff; 4096],
        b"SQLite format 3\0rest",
    ];
    for content in contents {
        fs::write(&file, content).unwrap();
        assert!(matches!(refused(&file, &OpenOptions::new()), Error::NotAStore { .. }), "{content:?}");
    }
    assert!(matches!(open(&file.join("below")), Err(Error::NotAStore { .. })));
    assert!(!path.is_file());
}

#[test]
fn another_programs_redb_database_is_no_store() {
    let (_folder, path) = new_path();
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap().insert(1, 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(refused(&path, &OpenOptions::new()), Error::NotAStore { .. }));
    // One in the form of a store, with other tables.
    fs::write(&path, "").unwrap();
    let database = redb::Builder::new().create_with_backend(StoreFile::open(&path).unwrap()).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap().insert(1, 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(refused(&path, &OpenOptions::new()), Error::NotAStore { .. }));
}

#[test]
fn a_cut_redb_file_is_damaged() {
    let (_folder, path) = new_path();
    append(&open(&path).unwrap(), 100).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in [9, 100, 319, 320, 4096, 5000, whole.len() / 2] {
        fs::write(&path, &whole[..length]).unwrap();
        let opened = open(&path).and_then(|engine| engine.read(read_all));
        assert!(opened.is_err_and(|error| error.is_corrupt()), "{length}");
    }
}

fn write_format(path: &Path, format: u32) -> redb::Database {
    let database = redb::Builder::new().create_with_backend(StoreFile::open(path).unwrap()).unwrap();
    let mut transaction = database.begin_write().unwrap();
    transaction.set_two_phase_commit(true);
    transaction.open_table(FORMAT_TABLE).unwrap().insert("version", (format, !format)).unwrap();
    transaction.commit().unwrap();
    database
}

fn assert_newer_is_refused(path: &Path) {
    for options in [OpenOptions::new(), OpenOptions::new().exclusive(true), OpenOptions::new().create(false)] {
        let error = refused(path, &options);
        assert!(matches!(error, Error::UnsupportedFormat { found: 2, supported: 1 }), "{error:?}");
    }
}

#[test]
fn a_newer_format_is_refused_and_left_bit_for_bit() {
    let (_folder, path) = new_path();
    append(&open(&path).unwrap(), 10).unwrap();
    drop(write_format(&path, 2));
    assert_newer_is_refused(&path);
    drop(write_format(&path, 0));
    assert!(refused(&path, &OpenOptions::new()).is_corrupt());
}

#[test]
fn a_store_migrated_meanwhile_is_refused_too() {
    let (_folder, path) = new_path();
    let engine = open(&path).unwrap();
    append(&engine, 10).unwrap();
    let mut builder = redb::Builder::new();
    builder.set_concurrency_mode(redb::ConcurrencyMode::MultiWriter);
    let newer = builder.create_with_backend(StoreFile::open(&path).unwrap()).unwrap();
    let transaction = newer.begin_write().unwrap();
    transaction.open_table(FORMAT_TABLE).unwrap().insert("version", (2, !2)).unwrap();
    transaction.commit().unwrap();
    assert!(matches!(append(&engine, 1), Err(Error::UnsupportedFormat { found: 2, supported: 1 })));
    assert!(matches!(head(&engine), Err(Error::UnsupportedFormat { found: 2, supported: 1 })));
}

#[test]
fn killed_while_a_newer_format_was_open() {
    if let Some(path) = child_argument() {
        let _open = write_format(&path, 2);
        std::io::stdout().write_all(b"written").unwrap();
        std::process::abort();
    }
    let (_folder, path) = new_path();
    append(&open(&path).unwrap(), 10).unwrap();
    let killed = child("files::killed_while_a_newer_format_was_open", &path).output().unwrap();
    assert!(!killed.status.success());
    assert_newer_is_refused(&path);
}

#[test]
fn a_newer_format_whose_exclusive_writer_was_killed_is_refused_before_redb_mends_it() {
    let (folder, path) = new_path();
    let image = folder.path().join("image.redb");
    let engine = RedbEngine::open_with(&path, &OpenOptions::new().exclusive(true)).unwrap();
    append(&engine, 10).unwrap();
    let mut left = fs::read(&path).unwrap();
    assert_eq!(left[10..12], [1, !1]);
    left[10..12].copy_from_slice(&[2, !2]);
    fs::write(&image, &left).unwrap();
    assert_newer_is_refused(&image);
    left[11] = 2;
    fs::write(&image, &left).unwrap();
    assert!(refused(&image, &OpenOptions::new()).is_corrupt());
}

#[cfg(unix)]
#[test]
fn a_read_only_file_answers_queries_and_denies_appends() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, path) = new_path();
    append(&open(&path).unwrap(), 10).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    if fs::File::options().write(true).open(&path).is_ok() {
        eprintln!("SKIPPED: this user may write read-only files, so their handling is not tested");
        return;
    }
    let before = fs::read(&path).unwrap();
    let engine = open(&path).unwrap();
    assert_eq!(engine.read(read_all).unwrap(), 10);
    assert!(matches!(append(&engine, 1), Err(Error::Denied { .. })));
    assert!(matches!(engine.compact(), Err(Error::Denied { .. })));
    engine.check().unwrap();
    drop(engine);
    assert!(fs::read(&path).unwrap() == before);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    assert!(matches!(open(&folder.path().join("other.redb")), Err(Error::Denied { .. })));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
}
