//! Reading the events out of a damaged store: from the bytes of its files, without SQLite.
//!
//! Every place in every page is looked at, since what says where rows stand may be damaged itself: the header, the
//! schema, the way to a page, a page's own table of rows. A row of the log is believed for its checksum, and so is a
//! name, which stands in the file twice.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use tooltally_core::ledger::{LogRow, NameKind, Salvage};
use tooltally_core::{Error, Position, Recorded, Result, Salvaged};

use crate::cells::{Column, PAGE, Payload, TablePage, columns, index_cell, table_cell};
use crate::error::{map_io, no_regular_file};
use crate::frames::{FRAME, Frames};
use crate::header::{beside, is_short};
use crate::in_use::Beside;
use crate::places::Place;
use crate::rows::Columns;

/// In a row's place: it stands in the write-ahead log.
const IN_WAL: u64 = 1 << 62;
/// So many places are kept for each number. They have no checksums: a row's own says which it is.
const MOST_PLACES: usize = 16;

/// Hands over every event that can be read from the files of a store.
pub(crate) fn salvage(path: &Path, take: &mut dyn FnMut(Recorded) -> Result<()>) -> Result<Salvaged> {
    let mut pages = Pages::open(path)?;
    let mut found = Found::default();
    let mut page = Vec::new();
    for place in pages.places() {
        pages.read(place, &mut page)?;
        for (at, distance) in (0..page.len()).zip(0..) {
            found.look(&mut pages, page.get(at..).unwrap_or_default(), place + distance)?;
        }
    }
    if let Some(end) = log_end(&mut pages)? {
        found.salvage.end(end);
    }
    let Found { salvage, places } = found;
    let mut here = None;
    let mut read = |position, place| {
        let distance = pages.distance(place);
        if here.replace(place - distance) != Some(place - distance) {
            pages.read(place - distance, &mut page)?;
        }
        let cell = page.get(usize::try_from(distance).unwrap_or(usize::MAX)..).unwrap_or_default();
        Ok(log_row(cell).and_then(|(_, columns)| sound_row(&columns, position, &places)))
    };
    salvage.hand_over(&mut read, take)
}

/// What may be a row of the log: its position and its columns.
fn log_row(cell: &[u8]) -> Option<(Position, Columns)> {
    let (number, record) = table_cell(cell)?;
    let [Column::Null, Column::Integer(moment), Column::Blob(packed), attributes] = columns(record)? else {
        return None;
    };
    let attributes = match attributes {
        Column::Null => None,
        text => Some(text.text()?),
    };
    let position = Position::new(u64::try_from(number).ok()?);
    Some((position, Columns::of(moment, packed, attributes)?))
}

/// The row, with that of the places which its checksum fits.
fn sound_row(columns: &Columns, position: Position, places: &HashMap<u32, Vec<Place>>) -> Option<LogRow> {
    if columns.place == 0 {
        return columns.at(position, Place::default());
    }
    places.get(&columns.place)?.iter().find_map(|place| columns.at(position, *place))
}

/// What was found on the pages.
#[derive(Default)]
struct Found {
    salvage: Salvage,
    places: HashMap<u32, Vec<Place>>,
}

impl Found {
    /// Looks at what begins at a place: a row of the log, a name, or what rows share.
    fn look(&mut self, pages: &mut Pages, cell: &[u8], place: u64) -> Result<()> {
        if let Some((position, _)) = log_row(cell) {
            self.salvage.row(position, place);
        }
        if let Some((number, record)) = table_cell(cell)
            && let Some([Column::Null, project, path, agent, subagent]) = columns(record)
        {
            self.place(number, [project, path, agent, subagent]);
        }
        match index_cell(cell) {
            Some(Payload::Whole(record)) => self.indexed(record),
            Some(Payload::Cut { here, length, next }) if is_name(here) || is_state(here) => {
                let record = pages.overflowing(here, length, next)?;
                self.indexed(&record);
            }
            _ => {}
        }
        Ok(())
    }

    fn place(&mut self, number: i64, columns: [Column<'_>; 4]) {
        let [Some(project), Some(path), Some(agent), Some(subagent)] = columns.map(Column::small) else { return };
        let Ok(number) = u32::try_from(number) else { return };
        let place = Place { project, path, agent, subagent };
        let places = self.places.entry(number).or_default();
        if places.len() < MOST_PLACES && !places.contains(&place) {
            places.push(place);
        }
    }

    /// A name by its number, or by its text; or a place by what it stands for.
    fn indexed(&mut self, record: &[u8]) {
        if let Some([Column::Blob(Salvage::STATE_KEY), Column::Blob(_), Column::Blob(value)]) = columns(record) {
            self.salvage.state(value);
        }
        if let Some([project, path, agent, subagent, Column::Integer(number)]) = columns(record) {
            self.place(number, [project, path, agent, subagent]);
        }
        let of = |kind: Column<'_>| {
            let code = u8::try_from(kind.small()?).ok()?;
            NameKind::ALL.into_iter().find(|kind| kind.code() == code)
        };
        let named = match columns(record) {
            Some([kind, number, text, checksum]) => Some((of(kind), number, text, checksum)),
            None => columns(record).map(|[kind, text, number, _before, checksum]| (of(kind), number, text, checksum)),
        };
        if let Some((Some(kind), number, text, checksum)) = named
            && let (Some(number), Some(text), Some(checksum)) = (number.small(), text.text(), checksum.small())
        {
            self.salvage.name(kind, number, text, checksum);
        }
    }
}

/// Whether a record that goes on elsewhere begins as a name's does: with a header of few bytes, and a kind, which is a
/// number of one byte at most.
fn is_name(here: &[u8]) -> bool {
    matches!(here, [6..=12, 1 | 8 | 9, ..])
}

/// Whether a record that goes on elsewhere is the state of the projections.
fn is_state(here: &[u8]) -> bool {
    let body = here.first().and_then(|length| here.get(usize::from(*length)..));
    body.is_some_and(|body| body.starts_with(Salvage::STATE_KEY))
}

/// Where the log ends, by the way that SQLite would go: from the schema down the last page of each level. `None` where
/// that way is lost, or pages that the file has by its own header are cut off.
fn log_end(pages: &mut Pages) -> Result<Option<Position>> {
    const DEEPEST: usize = 20;
    let mut page = Vec::new();
    pages.read_newest(1, &mut page)?;
    if pages.in_wal.is_empty() && is_short(&page, pages.length) {
        return Ok(None);
    }
    let mut next = log_root(&page);
    for _ in 0..DEEPEST {
        let Some(number) = next.filter(|number| *number > 1) else { return Ok(None) };
        pages.read_newest(number, &mut page)?;
        match TablePage::of(&page) {
            Some(TablePage::Inner { last }) => next = Some(last),
            Some(TablePage::Leaf(cells)) => return Ok(last_position(&cells)),
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// The first page of the log's table, as the schema on the file's first page has it.
fn log_root(first: &[u8]) -> Option<u32> {
    let Some(TablePage::Leaf(cells)) = TablePage::of_first(first) else { return None };
    cells.into_iter().find_map(|cell| match columns(table_cell(cell)?.1)? {
        [Column::Text(b"table"), Column::Text(b"log"), _, root, _] => root.small(),
        _ => None,
    })
}

/// The last position on the last page of the log. A position has no checksum: it counts where all follow one another.
fn last_position(cells: &[&[u8]]) -> Option<Position> {
    let Some(first) = cells.first() else { return Some(Position::START) };
    let (first, _) = table_cell(first)?;
    let numbers = cells.iter().map(|cell| table_cell(cell).map(|(number, _)| number));
    let is_gapless = numbers.zip(first..).all(|(found, expected)| found == Some(expected));
    let last = first.checked_add(i64::try_from(cells.len()).ok()? - 1)?;
    is_gapless.then(|| u64::try_from(last).ok().map(Position::new)).flatten()
}

/// The pages of a store's files.
struct Pages {
    database: Beside,
    length: u64,
    wal: Option<File>,
    /// Those of the write-ahead log that were committed, by their number in the database: the newest.
    newest: HashMap<u32, u64>,
    /// All of them.
    in_wal: Vec<u64>,
}

impl Pages {
    fn open(path: &Path) -> Result<Self> {
        let shown = || path.display().to_string();
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(Error::NotAStore { path: shown(), reason: "it is no regular file".to_owned(), source: None });
        }
        let database = open_file(path, "open the file")?.ok_or_else(|| Error::Missing { path: shown() })?;
        let mut database = Beside::new(database);
        let length = database.seek(SeekFrom::End(0)).map_err(|e| map_io(e, "look at the file"))?;
        let wal = open_file(&beside(path, "-wal"), "open the write-ahead log")?;
        let mut pages = Self { database, length, wal, newest: HashMap::new(), in_wal: Vec::new() };
        pages.find_frames()?;
        Ok(pages)
    }

    fn find_frames(&mut self) -> Result<()> {
        let Some(wal) = &mut self.wal else { return Ok(()) };
        let mut bytes = Vec::new();
        read_at(wal, 0, 32, &mut bytes)?;
        let mut frames = Frames::new(&bytes);
        for at in (32..).step_by(FRAME) {
            read_at(wal, at, FRAME, &mut bytes)?;
            if bytes.len() < FRAME {
                return Ok(());
            }
            for frame in frames.next(&bytes) {
                self.newest.insert(frame.page, frame.at | IN_WAL);
                self.in_wal.push(frame.at | IN_WAL);
            }
        }
        Ok(())
    }

    /// Where each page begins.
    fn places(&self) -> Vec<u64> {
        (0..self.length).step_by(PAGE).chain(self.in_wal.iter().copied()).collect()
    }

    /// How far a place lies behind the beginning of its page.
    fn distance(&self, place: u64) -> u64 {
        if place & IN_WAL == 0 {
            return place % PAGE as u64;
        }
        let before = self.in_wal.partition_point(|page| *page <= place).checked_sub(1);
        before.and_then(|index| self.in_wal.get(index)).map_or(0, |page| place - page)
    }

    /// Reads a page; a shorter one at the end of a file that was cut.
    fn read(&mut self, place: u64, page: &mut Vec<u8>) -> Result<()> {
        match &mut self.wal {
            Some(wal) if place & IN_WAL != 0 => read_at(wal, place & !IN_WAL, PAGE, page),
            _ => read_at(&mut self.database, place, PAGE, page),
        }
    }

    /// Reads a page of the database as the last commit left it.
    fn read_newest(&mut self, number: u32, page: &mut Vec<u8>) -> Result<()> {
        let in_database = u64::from(number.saturating_sub(1)) * PAGE as u64;
        self.read(self.newest.get(&number).copied().unwrap_or(in_database), page)
    }

    /// A record that begins here and goes on on other pages; shorter where the way is lost.
    fn overflowing(&mut self, here: &[u8], length: usize, mut next: u32) -> Result<Vec<u8>> {
        let mut record = here.to_vec();
        let mut page = Vec::new();
        while record.len() < length && next > 0 {
            self.read_newest(next, &mut page)?;
            let Some((number, content)) = page.split_first_chunk() else { break };
            next = u32::from_be_bytes(*number);
            record.extend(content.iter().take(length - record.len()));
        }
        Ok(record)
    }
}

/// Opens a file of a store, if it is there, and once it is known as one.
fn open_file(path: &Path, operation: &'static str) -> Result<Option<File>> {
    match fs::metadata(path).map(|found| found.is_file()) {
        Ok(false) => Err(no_regular_file(path)),
        Ok(true) => File::open(path).map(Some).map_err(|e| map_io(e, operation)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(map_io(e, operation)),
    }
}

/// Reads so many bytes, or as many as there are. What the disk cannot read any more is lost, and the rest is not:
/// zeros stand in its place.
fn read_at(file: &mut (impl Read + Seek), at: u64, length: usize, bytes: &mut Vec<u8>) -> Result<()> {
    bytes.clear();
    file.seek(SeekFrom::Start(at)).map_err(|e| map_io(e, "read the file"))?;
    if file.take(length as u64).read_to_end(bytes).is_err() {
        bytes.resize(length, 0);
    }
    Ok(())
}
