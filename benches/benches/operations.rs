//! Micro-benchmarks of each operation on each backend: one definition for all.

#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tooltally::{
    Backend, GroupBy, LogExt, OpenOptions, Project, QueriesExt, Recorder, Selection, Store, StoreUrl, Timestamp,
    ToolName, Window,
};
use tooltally_benches::Workload;

const EVENTS: u64 = 100_000;
const DAYS: u64 = 180;
const BATCH: usize = 10_000;

/// The stores that are compared.
fn backends() -> [(&'static str, Backend, OpenOptions); 3] {
    [
        ("sqlite", Backend::Sqlite, OpenOptions::new()),
        ("redb", Backend::Redb, OpenOptions::new()),
        ("redb-exclusive", Backend::Redb, OpenOptions::new().exclusive(true)),
    ]
}

fn open(folder: &std::path::Path, backend: Backend, options: &OpenOptions) -> Box<dyn Store> {
    tooltally::open_with(&StoreUrl::new(backend, folder.join("bench.db")), options).unwrap()
}

fn filled(folder: &std::path::Path, backend: Backend, options: &OpenOptions) -> (Box<dyn Store>, Timestamp) {
    let store = open(folder, backend, options);
    let mut workload = Workload::new(EVENTS, DAYS).unwrap();
    let now = workload.now().unwrap();
    loop {
        let batch = workload.next_batch(BATCH).unwrap();
        if batch.is_empty() {
            return (store, now);
        }
        store.record_all(&batch).unwrap();
    }
}

fn appends(criterion: &mut Criterion) {
    for (name, backend, options) in backends() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), backend, &options);
        let mut workload = Workload::new(100 * EVENTS, DAYS).unwrap();
        criterion.bench_function(&format!("append_one/{name}"), |bencher| {
            bencher.iter_batched(
                || workload.next_batch(1).unwrap(),
                |batch| store.record_all(&batch).unwrap(),
                BatchSize::PerIteration,
            );
        });
        criterion.bench_function(&format!("append_1000/{name}"), |bencher| {
            bencher.iter_batched(
                || workload.next_batch(1000).unwrap(),
                |batch| store.record_all(&batch).unwrap(),
                BatchSize::PerIteration,
            );
        });
    }
}

fn queries(criterion: &mut Criterion) {
    let project = Project::from_path("/home/dev/project-03").unwrap().id;
    let bash = ToolName::new("Bash").unwrap();
    for (name, backend, options) in backends() {
        let folder = tempfile::tempdir().unwrap();
        let (store, now) = filled(folder.path(), backend, &options);
        let since = |days: i64| Timestamp::from_micros(now.as_micros() - days * 86_400_000_000 + 1).unwrap();
        for days in [7, 90] {
            criterion.bench_function(&format!("usage_since_{days}d/{name}"), |bencher| {
                bencher.iter(|| store.usage_since(Some(project), Some(since(days))).unwrap());
            });
            criterion.bench_function(&format!("usage_for_tool_{days}d/{name}"), |bencher| {
                bencher.iter(|| store.usage_for_tool(&bash, None, Some(since(days))).unwrap());
            });
        }
        criterion.bench_function(&format!("usage_by_project_90d/{name}"), |bencher| {
            let selection = Selection::all().window(Window::since(since(90)));
            bencher.iter(|| store.usage(&selection, &GroupBy::Project).unwrap());
        });
        criterion.bench_function(&format!("recent_200/{name}"), |bencher| {
            bencher.iter(|| store.recent_usage(Some(project), 200).unwrap());
        });
        criterion.bench_function(&format!("last_5_outcomes/{name}"), |bencher| {
            bencher.iter(|| store.recent_outcomes(&bash, Some(project), 5).unwrap());
        });
    }
}

fn recorders(criterion: &mut Criterion) {
    for (name, backend, options) in backends() {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::from(open(folder.path(), backend, &options));
        let recorder = Recorder::start(store).unwrap();
        let mut workload = Workload::new(100 * EVENTS, DAYS).unwrap();
        criterion.bench_function(&format!("queue_1000_and_flush/{name}"), |bencher| {
            bencher.iter_batched(
                || workload.next_batch(1000).unwrap(),
                |batch| {
                    for event in batch {
                        recorder.record(event).unwrap();
                    }
                    recorder.flush().unwrap();
                },
                BatchSize::PerIteration,
            );
        });
    }
}

criterion_group!(operations, appends, recorders, queries);
criterion_main!(operations);
