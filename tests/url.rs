//! What a store's address means.

use tooltally::{Backend, Error, StoreUrl};

#[test]
fn an_address_names_an_engine_and_a_path() {
    let table = [
        ("sqlite:a", Backend::Sqlite, "a"),
        ("redb:a", Backend::Redb, "a"),
        ("usage.db", Backend::Sqlite, "usage.db"),
        ("folder/usage", Backend::Sqlite, "folder/usage"),
        // The ending decides only where no engine is named.
        ("usage.redb", Backend::Redb, "usage.redb"),
        ("usage.REDB", Backend::Redb, "usage.REDB"),
        ("sqlite:usage.redb", Backend::Sqlite, "usage.redb"),
        ("redb:usage.db", Backend::Redb, "usage.db"),
        (".redb", Backend::Sqlite, ".redb"),
        ("redb", Backend::Sqlite, "redb"),
        // Only the two engines' names are taken for one.
        (r"C:\tools\usage.db", Backend::Sqlite, r"C:\tools\usage.db"),
        (r"C:\tools\usage.redb", Backend::Redb, r"C:\tools\usage.redb"),
        (r"redb:C:\tools\usage.db", Backend::Redb, r"C:\tools\usage.db"),
        ("c:usage.db", Backend::Sqlite, "c:usage.db"),
        ("SQLITE:a", Backend::Sqlite, "SQLITE:a"),
        ("redb://a", Backend::Redb, "//a"),
        // The first colon counts.
        ("sqlite:redb:a", Backend::Sqlite, "redb:a"),
        // Paths are taken as they are.
        (" usage.db ", Backend::Sqlite, " usage.db "),
        ("sqlite: a b", Backend::Sqlite, " a b"),
        ("größe.db", Backend::Sqlite, "größe.db"),
    ];
    for (text, backend, path) in table {
        let url: StoreUrl = text.parse().unwrap();
        assert_eq!((url.backend(), url.path().to_str()), (backend, Some(path)), "{text:?}");
    }
}

#[test]
fn an_address_without_a_file_is_refused() {
    for text in ["", "sqlite:", "redb:", ":memory:", "sqlite::memory:"] {
        let error = text.parse::<StoreUrl>().unwrap_err();
        assert!(matches!(error, Error::Invalid { field: "db", .. }), "{text:?}: {error}");
    }
}

#[test]
fn a_zero_byte_is_refused() {
    for text in ["a\0b", "sqlite:a\0", "redb:\0"] {
        let error = text.parse::<StoreUrl>().unwrap_err();
        assert!(matches!(error, Error::Invalid { field: "db", .. }), "{text:?}: {error}");
    }
}

#[test]
fn an_address_reads_what_it_shows() {
    for text in ["a", "sqlite:a", "redb:a", "usage.redb", r"C:\tools\usage.db", "sqlite:redb:a"] {
        let url: StoreUrl = text.parse().unwrap();
        assert_eq!(url.to_string().parse::<StoreUrl>().unwrap(), url, "{text:?}");
    }
}

#[test]
fn an_address_is_made_of_its_parts() {
    let url = StoreUrl::new(Backend::Redb, "usage.db");
    assert_eq!(url.to_string(), "redb:usage.db");
    assert_eq!(url, "redb:usage.db".parse().unwrap());
    assert_eq!(Backend::Sqlite.as_str(), "sqlite");
}
