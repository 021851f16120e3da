//! What the golden history answers: the reference store says what stands in the text that all golden files are held
//! against.

use std::path::Path;

use tooltally_conformance::golden;
use tooltally_core::MemoryStore;

fn recorded() -> MemoryStore {
    let store = MemoryStore::new();
    golden::record(&store);
    store
}

#[test]
fn the_reference_store_answers_as_the_golden_text_says() {
    let store = recorded();
    golden::check(&store, &golden::FORMAT_1.lines().collect::<Vec<_>>(), &golden::lines(&store));
}

/// Writes the text anew: only for a format that has not been released. All golden files are written anew by
///
/// ```console
/// $ cargo test -p tooltally-conformance -p tooltally-sqlite -p tooltally-redb write_anew -- --ignored
/// ```
#[test]
#[ignore = "writes the golden text anew"]
fn write_anew() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/format-1.txt");
    std::fs::write(path, golden::lines(&recorded()).join("\n") + "\n").unwrap();
}
