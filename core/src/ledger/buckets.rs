//! Finding the rollup rows of buckets: those stored and those of pending days.

use std::ops::ControlFlow;

use super::cells::{self, Place};
use super::keys::{RollupKey, Scope, buckets_range, pending_range, show};
use super::tables::{Direction, Tree};
use super::view::{View, Want};
use crate::bucket::{BucketRange, Width};
use crate::{Error, Result};

/// What is called for a row: its key, where it stands, and its sealed bytes.
pub(super) type VisitRow<'a> = &'a mut dyn FnMut(RollupKey, &Place<'_>, &[u8]) -> Result<()>;

/// Whose rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scopes {
    /// Those of one scope.
    One(Scope),
    /// Those of each project.
    EachProject,
}

impl View<'_> {
    /// Visits every row whose usage lies in a range of buckets.
    pub(super) fn each_rollup(&self, scopes: Scopes, range: BucketRange, visit: VisitRow<'_>) -> Result<()> {
        let Some(last) = range.end.checked_sub(1) else { return Ok(()) };
        match scopes {
            Scopes::One(scope) => self.each_of_scope(scope, range.width, (range.first, last), visit)?,
            Scopes::EachProject => {
                let (first, last) = buckets_range(self.state.generation, range.width, (range.first, last));
                self.each_of_projects(&first, &last, visit)?;
            }
        }
        for day in self.pending_in(range.width, (range.first, last)) {
            match scopes {
                Scopes::One(scope) => self.visit_one(RollupKey::Pending { day, scope }, visit)?,
                Scopes::EachProject => {
                    let (first, last) = pending_range(self.state.generation, day);
                    self.each_of_projects(&first, &last, visit)?;
                }
            }
        }
        Ok(())
    }

    /// The pending days that lie in buckets of a width.
    fn pending_in(&self, width: Width, (first, last): (u32, u32)) -> impl DoubleEndedIterator<Item = u32> {
        let days = self.state.pending().iter().copied().filter(move |_| width >= Width::Day);
        days.filter(move |day| (first..=last).contains(&width.bucket_of_bucket(Width::Day, *day)))
    }

    /// From bucket to bucket that has rows: each step seeks the first row of the next one, which is that of
    /// all projects.
    fn each_of_scope(&self, scope: Scope, width: Width, (first, last): (u32, u32), visit: VisitRow<'_>) -> Result<()> {
        let mut next = first;
        loop {
            let (from, to) = buckets_range(self.state.generation, width, (next, last));
            let mut found = None;
            self.snapshot.scan(Tree::Rollups, &from, &to, Direction::Forward, &mut |bytes, sealed| {
                let (key, bucket) = read_bucket(bytes)?;
                found = Some(bucket);
                if key.scope() == scope {
                    visit(key, &Place::of_rollup(key, bytes), sealed)?;
                }
                Ok(ControlFlow::Break(()))
            })?;
            let Some(bucket) = found else { return Ok(()) };
            if scope != Scope::All {
                self.visit_one(RollupKey::Bucket { width, bucket, scope }, visit)?;
            }
            if bucket >= last {
                return Ok(());
            }
            next = bucket + 1;
        }
    }

    fn each_of_projects(&self, first: &[u8], last: &[u8], visit: VisitRow<'_>) -> Result<()> {
        self.snapshot.scan(Tree::Rollups, first, last, Direction::Forward, &mut |bytes, sealed| {
            let key = read_key(bytes)?;
            if key.scope() != Scope::All {
                visit(key, &Place::of_rollup(key, bytes), sealed)?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    fn visit_one(&self, key: RollupKey, visit: VisitRow<'_>) -> Result<()> {
        let bytes = key.to_bytes(self.state.generation);
        match self.snapshot.get(Tree::Rollups, &bytes)? {
            Some(sealed) => visit(key, &Place::of_rollup(key, &bytes), &sealed),
            None => Ok(()),
        }
    }

    /// The highest bucket of a range, both ends included, that any event lies in.
    pub(super) fn highest_bucket(&self, width: Width, (first, last): (u32, u32)) -> Result<Option<u32>> {
        let (from, to) = buckets_range(self.state.generation, width, (first, last));
        let mut stored = None;
        self.snapshot.scan(Tree::Rollups, &from, &to, Direction::Backward, &mut |bytes, _| {
            stored = Some(read_bucket(bytes)?.1);
            Ok(ControlFlow::Break(()))
        })?;
        let pending = self.pending_in(width, (first, last)).next_back();
        Ok(stored.max(pending.map(|day| width.bucket_of_bucket(Width::Day, day))))
    }

    /// Whether a bucket has calls of a wanted tool in a scope.
    pub(super) fn bucket_holds(&self, scope: Scope, width: Width, bucket: u32, tool: Want) -> Result<bool> {
        let mut holds = false;
        let range = BucketRange { width, first: bucket, end: bucket.saturating_add(1) };
        self.each_rollup(Scopes::One(scope), range, &mut |_, place, sealed| {
            holds = holds || cells::holds_tool(place, sealed, tool)?;
            Ok(())
        })?;
        Ok(holds)
    }
}

fn read_key(bytes: &[u8]) -> Result<RollupKey> {
    RollupKey::read(bytes).ok_or_else(|| Error::corrupt(show(Tree::Rollups, bytes), "its key is cut"))
}

fn read_bucket(bytes: &[u8]) -> Result<(RollupKey, u32)> {
    match read_key(bytes)? {
        key @ RollupKey::Bucket { bucket, .. } => Ok((key, bucket)),
        RollupKey::Pending { .. } => Err(Error::corrupt(show(Tree::Rollups, bytes), "stands among buckets")),
    }
}
