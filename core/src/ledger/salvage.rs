//! Putting the events of a damaged store together, from what its engine finds in the bytes of its file.
//!
//! Every row of the log and every name has a checksum, so each is believed by itself, wherever it was found. An engine
//! goes through its file twice: first it says where rows seem to stand, and which names there are; then it reads the
//! rows in their order.

use std::collections::HashMap;

use super::names::Names;
use super::row::LogRow;
use super::state::{LIVE, State};
use super::tables::{Direction, NameKind, Snapshot, Tree, Visit, name_checksum};
use crate::{Error, Position, Recorded, Result, Salvaged, codec};

/// What was found in a file.
#[derive(Debug, Default)]
pub struct Salvage {
    texts: HashMap<(NameKind, u32), String>,
    rows: Vec<(Position, u64)>,
    /// How far the log went at least, as the projections say.
    folded_to: Position,
    /// Where the log ends, as its own table says.
    end: Option<Position>,
}

impl Salvage {
    /// The key in [`Tree::Meta`] of what [`state`](Self::state) takes.
    pub const STATE_KEY: &'static [u8] = LIVE;

    /// Takes what says how far the projections go, if its checksum says that it does: no log is shorter than that.
    pub fn state(&mut self, value: &[u8]) {
        if let Ok(state) = codec::open::<State>(&"state record", LIVE, value) {
            self.folded_to = self.folded_to.max(state.folded_to());
        }
    }

    /// Takes the position at which the log's own table ends, as far as an engine could follow it: nothing stood behind
    /// that.
    pub fn end(&mut self, end: Position) {
        self.end = Some(end);
    }

    /// Takes a name, if its checksum says that it is one; whether it does.
    pub fn name(&mut self, kind: NameKind, number: u32, text: &str, checksum: u32) -> bool {
        let is_sound = number > 0 && name_checksum(kind, number, text) == checksum;
        if is_sound {
            self.texts.entry((kind, number)).or_insert_with(|| text.to_owned());
        }
        is_sound
    }

    /// Notes that something like a row stands at a place, whatever that number means to the engine.
    pub fn row(&mut self, position: Position, place: u64) {
        if position > Position::START {
            self.rows.push((position, place));
        }
    }

    /// Hands the events over, in order of position. `read` answers with the rows that a place may hold; each has
    /// passed its checksum. Where places hold different rows for one position, as an append that failed may leave
    /// them, each is handed over.
    ///
    /// # Errors
    /// Those of `read` and `take`.
    pub fn hand_over(
        self,
        read: &mut dyn FnMut(Position, u64) -> Result<Option<LogRow>>,
        take: &mut dyn FnMut(Recorded) -> Result<()>,
    ) -> Result<Salvaged> {
        let Self { texts, mut rows, folded_to, end } = self;
        rows.sort_unstable();
        rows.dedup();
        let (texts, mut names) = (Texts(texts), Names::default());
        let mut salvaged = Salvaged::default();
        let mut next = Position::START.next();
        for places in rows.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((position, _)) = places.first() else { continue };
            let mut found: Vec<LogRow> = Vec::new();
            for (_, place) in places {
                found.extend(read(*position, *place)?.filter(|row| !found.contains(row)));
            }
            if found.is_empty() {
                continue;
            }
            salvaged.lose(next, Position::new(position.get() - 1));
            let before = salvaged.events;
            for row in &found {
                match names.event(&texts, *position, row) {
                    Ok(event) => {
                        take(event)?;
                        salvaged.events += 1;
                    }
                    Err(error) if error.is_corrupt() => {}
                    Err(error) => return Err(error),
                }
            }
            if salvaged.events == before {
                salvaged.lose(*position, *position);
            }
            salvaged.last = *position;
            next = position.next();
        }
        salvaged.is_end_known = end.is_some_and(|end| end >= salvaged.last.max(folded_to));
        let last = salvaged.last.max(folded_to).max(end.unwrap_or(Position::START));
        salvaged.lose(next, last);
        salvaged.last = last;
        Ok(salvaged)
    }
}

impl Salvaged {
    /// Notes a stretch as lost, unless it is empty.
    fn lose(&mut self, first: Position, last: Position) {
        if first > last {
            return;
        }
        match self.lost.last_mut() {
            Some((_, end)) if end.next() == first => *end = last,
            _ => self.lost.push((first, last)),
        }
    }
}

/// Names as a snapshot has them, of a store that has nothing else.
struct Texts(HashMap<(NameKind, u32), String>);

impl Snapshot for Texts {
    fn name_text(&self, kind: NameKind, number: u32) -> Result<Option<String>> {
        Ok(self.0.get(&(kind, number)).cloned())
    }

    fn head(&self) -> Result<Position> {
        Err(nothing_else())
    }

    fn rows(&self, _: Position, _: Position, _: &mut dyn FnMut(Position, LogRow) -> Result<()>) -> Result<()> {
        Err(nothing_else())
    }

    fn name_number(&self, _: NameKind, _: &str) -> Result<Option<u32>> {
        Err(nothing_else())
    }

    fn last_name(&self, _: NameKind) -> Result<u32> {
        Err(nothing_else())
    }

    fn get(&self, _: Tree, _: &[u8]) -> Result<Option<Vec<u8>>> {
        Err(nothing_else())
    }

    fn scan(&self, _: Tree, _: &[u8], _: &[u8], _: Direction, _: Visit<'_>) -> Result<()> {
        Err(nothing_else())
    }
}

fn nothing_else() -> Error {
    Error::corrupt("salvaged names", "have nothing else beside them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventId, Outcome, Source, Timestamp};

    fn row(number: u8, tool: u32) -> LogRow {
        LogRow {
            kind: LogRow::TOOL_USE,
            id: EventId::from_bytes([number; 16]),
            time: Timestamp::from_micros(1).unwrap(),
            tool,
            session: 0,
            project: 0,
            path: 0,
            agent: 0,
            subagent: 0,
            outcome: Outcome::Success,
            source: Source::Hook,
            duration: None,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn what_is_not_there_is_named() {
        let mut salvage = Salvage::default();
        assert!(salvage.name(NameKind::Tool, 1, "Bash", name_checksum(NameKind::Tool, 1, "Bash")));
        assert!(!salvage.name(NameKind::Tool, 2, "Bash", name_checksum(NameKind::Tool, 1, "Bash")));
        // Twice, and at position 6 two rows; 7 has a tool without a name, 8 and 12 are no rows.
        for (position, place) in [(9, 9), (3, 3), (4, 4), (4, 14), (6, 6), (6, 16), (7, 7), (8, 8), (12, 12), (0, 1)] {
            salvage.row(Position::new(position), place);
        }
        let mut taken = Vec::new();
        let mut read = |position: Position, place: u64| {
            let number = u8::try_from(if place == 14 { 4 } else { place }).unwrap();
            let tool = if place == 7 { 2 } else { 1 };
            Ok((![8, 12].contains(&position.get())).then(|| row(number, tool)))
        };
        let mut take = |event: Recorded| {
            taken.push((event.position.get(), event.event.id()));
            Ok(())
        };
        let salvaged = salvage.hand_over(&mut read, &mut take).unwrap();
        let id = |number: u8| EventId::from_bytes([number; 16]);
        assert_eq!(taken, [(3, id(3)), (4, id(4)), (6, id(6)), (6, id(16)), (9, id(9))]);
        let lost: Vec<(u64, u64)> = salvaged.lost.iter().map(|(first, last)| (first.get(), last.get())).collect();
        assert_eq!((lost, salvaged.lost_events()), (vec![(1, 2), (5, 5), (7, 8)], 5));
        assert_eq!((salvaged.events, salvaged.last), (5, Position::new(9)));
        assert!(!salvaged.is_end_known);
    }

    /// A sound row at position 3, and what the store says of its end.
    fn with_end(folded_to: u64, end: Option<u64>) -> (bool, u64, u64) {
        let mut salvage = Salvage::default();
        salvage.name(NameKind::Tool, 1, "Bash", name_checksum(NameKind::Tool, 1, "Bash"));
        salvage.row(Position::new(3), 3);
        let mut state = State::new(1);
        state.set_folded_to(Position::new(folded_to));
        salvage.state(&codec::seal(Salvage::STATE_KEY, &state).unwrap());
        end.map(Position::new).into_iter().for_each(|end| salvage.end(end));
        let salvaged = salvage.hand_over(&mut |_, _| Ok(Some(row(3, 1))), &mut |_| Ok(())).unwrap();
        assert_eq!(salvaged.is_whole(), salvaged.is_end_known && salvaged.lost.is_empty());
        (salvaged.is_end_known, salvaged.last.get(), salvaged.lost_events())
    }

    #[test]
    fn what_the_store_says_of_its_end_is_lost_too() {
        assert_eq!(with_end(0, None), (false, 3, 2));
        assert_eq!(with_end(3, Some(3)), (true, 3, 2));
        assert_eq!(with_end(9, None), (false, 9, 8));
        assert_eq!(with_end(9, Some(11)), (true, 11, 10));
        assert_eq!(with_end(9, Some(5)), (false, 9, 8), "a log that ends before what is folded of it has lost its end");
        assert_eq!(with_end(0, Some(2)), (false, 3, 2));
    }

    #[test]
    fn a_state_that_is_none_says_nothing() {
        let mut salvage = Salvage::default();
        let mut value = codec::seal(Salvage::STATE_KEY, &State::new(1)).unwrap();
        for at in 0..value.len() {
            value[at] ^= 0x40;
            salvage.state(&value);
            value[at] ^= 0x40;
        }
        salvage.state(b"");
        assert_eq!(salvage.folded_to, Position::START);
    }
}
