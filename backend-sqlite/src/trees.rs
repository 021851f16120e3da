//! The trees: rows of bytes by bytes, each with a [link](crate::links) to the one before.

use std::cell::RefCell;

use rusqlite::{Connection, Row, params};
use tooltally_core::Result;
use tooltally_core::ledger::{Direction, Tree, Visit};

use crate::keys::{Found, Key};
use crate::links::{self, below_end, end, link};
use crate::statements::Statements;

/// The SQL of one tree.
struct TreeSql {
    /// The row of a key, or else the one behind it, without its value.
    get: &'static str,
    /// The first row from a key on.
    from: &'static str,
    /// The row behind a key.
    behind: &'static str,
    /// The key before one.
    before: &'static str,
    update: &'static str,
    insert: &'static str,
    relink: &'static str,
    delete: &'static str,
    forward: &'static str,
    backward: &'static str,
}

macro_rules! tree_sql {
    ($table:literal) => {
        TreeSql {
            get: concat!(
                "SELECT key, link, CASE WHEN key = ?1 THEN value END FROM ",
                $table,
                " WHERE key >= ?1 ORDER BY key LIMIT 1"
            ),
            from: concat!("SELECT key, link FROM ", $table, " WHERE key >= ?1 ORDER BY key LIMIT 1"),
            before: concat!("SELECT key FROM ", $table, " WHERE key < ?1 ORDER BY key DESC LIMIT 1"),
            behind: concat!("SELECT key, link FROM ", $table, " WHERE key > ?1 ORDER BY key LIMIT 1"),
            update: concat!("UPDATE ", $table, " SET value = ?2 WHERE key = ?1"),
            insert: concat!("INSERT INTO ", $table, " (key, link, value) VALUES (?1, ?2, ?3)"),
            relink: concat!("UPDATE ", $table, " SET link = ?2 WHERE key = ?1"),
            delete: concat!("DELETE FROM ", $table, " WHERE key BETWEEN ?1 AND ?2"),
            forward: concat!("SELECT key, link, value FROM ", $table, " WHERE key >= ?1 ORDER BY key"),
            backward: concat!("SELECT key, link, value FROM ", $table, " WHERE key <= ?1 ORDER BY key DESC"),
        }
    };
}

static META: TreeSql = tree_sql!("meta");
static ROLLUPS: TreeSql = tree_sql!("rollups");
static CALLS: TreeSql = tree_sql!("calls");
static SESSIONS: TreeSql = tree_sql!("sessions");
static POSTINGS: TreeSql = tree_sql!("postings");
static RECENTS: TreeSql = tree_sql!("recents");
static REGISTRY: TreeSql = tree_sql!("registry");
static TRAILS: TreeSql = tree_sql!("trails");
static ID_RUNS: TreeSql = tree_sql!("id_runs");

const fn sql(tree: Tree) -> &'static TreeSql {
    match tree {
        Tree::Meta => &META,
        Tree::Rollups => &ROLLUPS,
        Tree::Calls => &CALLS,
        Tree::Sessions => &SESSIONS,
        Tree::Postings => &POSTINGS,
        Tree::Recents => &RECENTS,
        Tree::Registry => &REGISTRY,
        Tree::Trails => &TRAILS,
        Tree::IdRuns => &ID_RUNS,
    }
}

/// Makes the rows behind the last ones.
pub(crate) fn create(connection: &Connection) -> rusqlite::Result<()> {
    Tree::ALL.into_iter().try_for_each(|tree| {
        let end = end(tree);
        connection.execute(sql(tree).insert, params![Key(tree, end), link(tree, end, &[]), &[0_u8; 0]]).map(drop)
    })
}

/// Neighbours: a tree has no key between the two.
struct Gap {
    tree: Tree,
    before: Vec<u8>,
    behind: Vec<u8>,
    /// Whether the row behind names the one before yet. Rows that are added one after the other share that one, and
    /// it is changed once.
    is_linked: bool,
}

impl Gap {
    fn holds(&self, tree: Tree, key: &[u8]) -> bool {
        self.tree == tree && self.before.as_slice() < key && key < self.behind.as_slice()
    }
}

/// The trees within one open transaction.
#[derive(Default)]
pub(crate) struct Trees {
    /// Where the last look found nothing, or the last row went: the next one mostly goes there too.
    gap: RefCell<Option<Gap>>,
}

impl Trees {
    /// Writes the link that is still to be written: to be done before the transaction is committed.
    pub(crate) fn flush(&self, statements: &Statements<'_>) -> Result<()> {
        match self.gap.borrow_mut().as_mut() {
            Some(gap) if !gap.is_linked => {
                gap.is_linked = true;
                relink(statements, gap.tree, &gap.behind, &gap.before)
            }
            _ => Ok(()),
        }
    }

    /// The value of a key; that there is none is proven.
    pub(crate) fn get(&self, statements: &Statements<'_>, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if self.gap.borrow().as_ref().is_some_and(|gap| gap.holds(tree, key)) {
            return Ok(None);
        }
        let failed = |e| statements.map(e);
        statements.with(sql(tree).get, |statement| {
            let mut rows = statement.query([Key(tree, key)]).map_err(failed)?;
            let Some(row) = rows.next().map_err(failed)? else { return Err(links::endless(tree)) };
            if let Some(value) = row.get(2).map_err(failed)? {
                return Ok(Some(value));
            }
            let around = match self.gap.take().filter(|gap| !gap.is_linked) {
                None => neighbours(statements, tree, row)?,
                Some(gap) => {
                    relink(statements, gap.tree, &gap.behind, &gap.before)?;
                    behind(statements, tree, key)?
                }
            };
            self.gap.replace(Some(gap(tree, key, around)?));
            Ok(None)
        })
    }

    /// Visits the rows of a range; that there are no others is proven, as far as the visitor goes.
    pub(crate) fn scan(
        &self,
        statements: &Statements<'_>,
        tree: Tree,
        (first, last): (&[u8], &[u8]),
        direction: Direction,
        visit: Visit<'_>,
    ) -> Result<()> {
        self.flush(statements)?;
        match direction {
            Direction::Forward => forward(statements, tree, first, last, visit),
            Direction::Backward => backward(statements, tree, first, last, visit),
        }
    }

    /// Sets a key's value.
    pub(crate) fn put(&self, statements: &Statements<'_>, tree: Tree, key: &[u8], value: &[u8]) -> Result<()> {
        let known = self.gap.borrow_mut().take_if(|gap| gap.holds(tree, key));
        let gap = match known {
            Some(gap) => gap,
            None if statements.change(sql(tree).update, params![Key(tree, key), value])? > 0 => return Ok(()),
            None => {
                self.flush(statements)?;
                gap(tree, key, behind(statements, tree, key)?)?
            }
        };
        statements.execute(sql(tree).insert, params![Key(tree, key), link(tree, key, &gap.before), value])?;
        self.gap.replace(Some(Gap { before: key.to_vec(), is_linked: false, ..gap }));
        Ok(())
    }

    /// Removes the keys of a range, and mends the links around it: what goes need not be sound.
    pub(crate) fn delete(&self, statements: &Statements<'_>, tree: Tree, first: &[u8], last: &[u8]) -> Result<()> {
        self.flush(statements)?;
        self.gap.replace(None);
        let found = |row: &Row<'_>| Ok(Found::of(row.get_ref(0)?)?.to_vec());
        let neighbour = |sql, key: &[u8]| statements.one(sql, [Key(tree, key)], |row| Ok((found(row)?, row.get(1)?)));
        let (end, last) = (end(tree), last.min(below_end(tree)));
        let mut stays: Option<(Vec<u8>, Vec<u8>)> = neighbour(sql(tree).behind, last)?;
        if stays.is_none() {
            let before = statements.one(sql(tree).before, [Key(tree, end)], found)?;
            let link = link(tree, end, &before.unwrap_or_default());
            statements.execute(sql(tree).insert, params![Key(tree, end), link, &[0_u8; 0]])?;
            stays = neighbour(sql(tree).behind, last)?;
        }
        let goes: Option<(Vec<u8>, Vec<u8>)> = neighbour(sql(tree).from, first)?;
        let (Some((goes, its_link)), Some((stays, link_of_stays))) = (goes, stays) else {
            return Err(links::endless(tree));
        };
        let named = links::before(tree, &stays, &link_of_stays);
        // Where the end itself is damaged, it can be had again.
        if stays != end {
            named.as_ref().map_err(Clone::clone)?;
        }
        if goes == stays && named.is_ok_and(|named| is_before(named, first)) {
            return Ok(());
        }
        let before = match links::before(tree, &goes, &its_link) {
            Ok(before) if is_before(before, first) => before.to_vec(),
            _ => statements.one(sql(tree).before, [Key(tree, first)], found)?.unwrap_or_default(),
        };
        statements.execute(sql(tree).delete, [Key(tree, first), Key(tree, last)])?;
        relink(statements, tree, &stays, &before)
    }
}

/// Whether the key that a link names lies before a range; an empty one is none.
fn is_before(named: &[u8], first: &[u8]) -> bool {
    named.is_empty() || named < first
}

/// Has a row name the one before it.
fn relink(statements: &Statements<'_>, tree: Tree, key: &[u8], before: &[u8]) -> Result<()> {
    statements.execute(sql(tree).relink, params![Key(tree, key), link(tree, key, before)])
}

/// The place of a key that is missing, if what stands behind it says so too.
fn gap(tree: Tree, key: &[u8], gap: Gap) -> Result<Gap> {
    if gap.holds(tree, key) { Ok(gap) } else { Err(links::broken(tree, &gap.behind)) }
}

/// The row behind a key, and the key that it names before its own.
fn behind(statements: &Statements<'_>, tree: Tree, key: &[u8]) -> Result<Gap> {
    statements.with(sql(tree).behind, |statement| {
        let mut rows = statement.query([Key(tree, key)]).map_err(|e| statements.map(e))?;
        let Some(row) = rows.next().map_err(|e| statements.map(e))? else { return Err(links::endless(tree)) };
        neighbours(statements, tree, row)
    })
}

/// A row's key and the one that it names before its own.
fn neighbours(statements: &Statements<'_>, tree: Tree, row: &Row<'_>) -> Result<Gap> {
    let behind = key_of(statements, row)?;
    let before = links::before(tree, &behind, blob(statements, row, 1)?)?;
    Ok(Gap { tree, before: before.to_vec(), behind: behind.to_vec(), is_linked: true })
}

fn key_of<'row>(statements: &Statements<'_>, row: &'row Row<'_>) -> Result<Found<'row>> {
    row.get_ref(0).and_then(|value| Ok(Found::of(value)?)).map_err(|e| statements.map(e))
}

fn blob<'row>(statements: &Statements<'_>, row: &'row Row<'_>, at: usize) -> Result<&'row [u8]> {
    row.get_ref(at).and_then(|value| Ok(value.as_blob()?)).map_err(|e| statements.map(e))
}

fn forward(statements: &Statements<'_>, tree: Tree, first: &[u8], last: &[u8], visit: Visit<'_>) -> Result<()> {
    let failed = |e| statements.map(e);
    statements.with(sql(tree).forward, |statement| {
        let mut rows = statement.query([Key(tree, first)]).map_err(failed)?;
        let mut previous: Option<Vec<u8>> = None;
        while let Some(row) = rows.next().map_err(failed)? {
            let key = &*key_of(statements, row)?;
            let before = links::before(tree, key, blob(statements, row, 1)?)?;
            let follows = previous.as_deref().map_or(is_before(before, first), |previous| before == previous);
            if !follows {
                return Err(links::broken(tree, key));
            }
            if key > last || key == end(tree) || visit(key, blob(statements, row, 2)?)?.is_break() {
                return Ok(());
            }
            let previous = previous.get_or_insert_default();
            previous.clear();
            previous.extend_from_slice(key);
        }
        Err(links::endless(tree))
    })
}

/// The row behind the range says which one is the last in it; from there on each says which comes next.
fn backward(statements: &Statements<'_>, tree: Tree, first: &[u8], last: &[u8], visit: Visit<'_>) -> Result<()> {
    let failed = |e| statements.map(e);
    let last = last.min(below_end(tree));
    let Gap { before: mut next, behind, .. } = behind(statements, tree, last)?;
    if next.as_slice() > last {
        return Err(links::broken(tree, &behind));
    }
    if is_before(&next, first) {
        return Ok(());
    }
    statements.with(sql(tree).backward, |statement| {
        let mut rows = statement.query([Key(tree, last)]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let key = &*key_of(statements, row)?;
            if key != next {
                return Err(links::broken(tree, &next));
            }
            let before = links::before(tree, key, blob(statements, row, 1)?)?;
            if visit(key, blob(statements, row, 2)?)?.is_break() || is_before(before, first) {
                return Ok(());
            }
            next.clear();
            next.extend_from_slice(before);
        }
        Err(links::broken(tree, &next))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::ControlFlow;

    use tooltally_conformance::events::Mixer;
    use tooltally_core::OpenOptions;
    use tooltally_core::ledger::{Engine, Snapshot};

    use super::*;
    use crate::engine::SqliteEngine;
    use crate::migration::Migrations;

    type Model = BTreeMap<Vec<u8>, Vec<u8>>;

    fn rows(
        snapshot: &dyn Snapshot,
        tree: Tree,
        first: &[u8],
        last: &[u8],
        direction: Direction,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut rows = Vec::new();
        snapshot
            .scan(tree, first, last, direction, &mut |key, value| {
                rows.push((key.to_vec(), value.to_vec()));
                Ok(ControlFlow::Continue(()))
            })
            .unwrap();
        rows
    }

    fn agree(snapshot: &dyn Snapshot, tree: Tree, model: &Model, mixer: &mut Mixer) {
        let [first, last] = [(); 2].map(|()| key(tree, mixer));
        if first > last {
            return;
        }
        let expected: Vec<_> = model.range(first.clone()..=last.clone()).map(|(k, v)| (k.clone(), v.clone())).collect();
        assert_eq!(rows(snapshot, tree, &first, &last, Direction::Forward), expected);
        let mut backward = rows(snapshot, tree, &first, &last, Direction::Backward);
        backward.reverse();
        assert_eq!(backward, expected);
        assert_eq!(snapshot.get(tree, &first).unwrap(), model.get(&first).cloned());
    }

    /// Short keys of few bytes, or low numbers, so that they meet.
    fn key(tree: Tree, mixer: &mut Mixer) -> Vec<u8> {
        if tree == Tree::IdRuns {
            return mixer.below(60).to_be_bytes().to_vec();
        }
        (0..=mixer.below(3)).map(|_| u8::try_from(mixer.below(5)).unwrap()).collect()
    }

    fn lowest(tree: Tree) -> &'static [u8] {
        if tree == Tree::IdRuns { &[0; 8] } else { &[] }
    }

    /// One of the keys that follow a key.
    fn behind_by(tree: Tree, key: &[u8], last: u8) -> Vec<u8> {
        let mut key = key.to_vec();
        match tree {
            Tree::IdRuns => key[7] += last,
            _ => key.push(last),
        }
        key
    }

    #[test]
    fn links_hold_whatever_is_put_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let engine =
            SqliteEngine::open(&folder.path().join("usage.db"), &OpenOptions::new(), Migrations::OURS).unwrap();
        let mixer = &mut Mixer::new(7);
        let trees = [Tree::Rollups, Tree::Calls, Tree::Meta, Tree::IdRuns];
        let mut models = trees.map(|tree| (tree, Model::new()));
        for _ in 0..60 {
            let write = |transaction: &mut dyn tooltally_core::ledger::Transaction| {
                for step in 0..mixer.below(40) {
                    let (tree, model) = &mut models[usize::try_from(mixer.below(4)).unwrap()];
                    let (key, other) = (key(*tree, mixer), key(*tree, mixer));
                    match mixer.below(12) {
                        0 => {
                            transaction.delete(*tree, &key)?;
                            model.remove(&key);
                        }
                        1 if key <= other => {
                            transaction.delete_range(*tree, &key, &other)?;
                            model.retain(|k, _| *k < key || *k > other);
                        }
                        2 => agree(transaction, *tree, model, mixer),
                        3 => assert_eq!(transaction.get(*tree, &key)?, model.get(&key).cloned()),
                        // One after the other, as a fold puts them.
                        4 => {
                            for last in 0..mixer.below(6) {
                                let key = behind_by(*tree, &key, u8::try_from(last).unwrap());
                                let there = transaction.get(*tree, &key)?;
                                assert_eq!(there, model.get(&key).cloned());
                                transaction.put(*tree, &key, b"row")?;
                                model.insert(key, b"row".to_vec());
                            }
                        }
                        _ => {
                            let value = step.to_be_bytes();
                            transaction.put(*tree, &key, &value)?;
                            model.insert(key, value.to_vec());
                        }
                    }
                }
                Ok(())
            };
            engine.write(write).unwrap();
            for (tree, model) in &models {
                engine
                    .read(|snapshot| {
                        agree(snapshot, *tree, model, mixer);
                        assert!(
                            rows(snapshot, *tree, lowest(*tree), below_end(*tree), Direction::Forward)
                                .into_iter()
                                .eq(model.clone())
                        );
                        Ok(())
                    })
                    .unwrap();
            }
        }
        assert!(models.iter().all(|(_, model)| model.len() > 5));
    }
}
