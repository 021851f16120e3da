//! Opening a store by its address, on each backend that is built in.
//!
//! `cargo test -p tooltally` builds the default backend alone, `cargo test --workspace` both.

use tempfile::TempDir;
use tooltally::{Error, OpenOptions, StoreUrl};

#[cfg(any(feature = "sqlite", feature = "redb"))]
mod answers;

/// The address of a store in a folder, by the engine's name.
fn address(folder: &TempDir, engine: &str) -> String {
    format!("{engine}:{}", folder.path().join("usage").display())
}

/// The engines that are built in, by name.
fn built_in() -> Vec<&'static str> {
    let engines = [("sqlite", cfg!(feature = "sqlite")), ("redb", cfg!(feature = "redb"))];
    engines.into_iter().filter(|(_, is_built_in)| *is_built_in).map(|(engine, _)| engine).collect()
}

#[test]
fn an_engine_that_is_not_built_in_is_refused_by_name() {
    for engine in ["sqlite", "redb"].into_iter().filter(|engine| !built_in().contains(engine)) {
        let folder = tempfile::tempdir().unwrap();
        let Err(error) = tooltally::open(&address(&folder, engine)) else { panic!("{engine} opened") };
        assert!(error.is_invalid(), "{error:?}");
        assert!(error.to_string().contains(engine), "{error}");
        assert!(!folder.path().join("usage").exists(), "nothing is made");
    }
}

#[test]
fn a_missing_store_is_made_only_where_that_is_wanted() {
    for engine in built_in() {
        let folder = tempfile::tempdir().unwrap();
        let url: StoreUrl = address(&folder, engine).parse().unwrap();
        let opened = tooltally::open_with(&url, &OpenOptions::new().create(false));
        assert!(matches!(opened.err(), Some(Error::Missing { .. })), "{engine}");
        assert!(!url.path().exists(), "{engine}");
        drop(tooltally::open_with(&url, &OpenOptions::new()).unwrap());
        assert!(url.path().is_file(), "{engine}");
        assert!(tooltally::open_with(&url, &OpenOptions::new().create(false)).is_ok(), "{engine}");
    }
}

#[test]
fn an_address_that_is_none_opens_nothing() {
    for text in ["", "sqlite:", "redb:", "a\0b"] {
        assert!(tooltally::open(text).is_err_and(|error| error.is_invalid()), "{text:?}");
    }
}

/// Each engine knows the other's file, and leaves it as it is.
#[cfg(all(feature = "sqlite", feature = "redb"))]
#[test]
fn an_engine_refuses_the_others_file() {
    for (maker, opener) in [("sqlite", "redb"), ("redb", "sqlite")] {
        let folder = tempfile::tempdir().unwrap();
        drop(tooltally::open(&address(&folder, maker)).unwrap());
        let before = std::fs::read(folder.path().join("usage")).unwrap();
        let opened = tooltally::open(&address(&folder, opener));
        assert!(matches!(opened.err(), Some(Error::NotAStore { .. })), "{opener} opened {maker}'s file");
        assert_eq!(std::fs::read(folder.path().join("usage")).unwrap(), before, "{maker}'s file was changed");
    }
}
