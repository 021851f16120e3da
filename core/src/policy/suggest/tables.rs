//! The counts of a trail in tables: what [`Counts`] is, several times as fast to count, as long as tables are small.

use super::counts::{Context, Counts, Repeats};
use crate::trail::Trail;

/// How many cells a table has at most. With thirty tools that is enough for sessions of some thousand calls.
const MOST_CELLS: usize = 1 << 17;

/// How often tools followed contexts that are asked about.
///
/// A context's cells stand together, one for each tool.
#[derive(Debug)]
pub(super) struct Tables {
    /// One more than the highest number of a tool.
    tools: usize,
    /// By number. That of the empty context is 0.
    contexts: Vec<Context>,
    /// By context and tool: the number of the context that has a call of this tool before its first one; 0 where that
    /// is not asked about.
    longer: Vec<u32>,
    /// By context and tool: how often it followed, everywhere and here.
    followers: Vec<[u32; 2]>,
    repeats: [Repeats; 2],
}

impl Tables {
    /// Tables for what is asked about; `None` where they would be large.
    pub(super) fn of(trail: &Trail, asked: impl Iterator<Item = Context>) -> Option<Self> {
        let highest = trail.before.iter().chain(&trail.session).map(|step| step.tool).max().unwrap_or(0);
        let tools = usize::try_from(highest).ok()?.checked_add(1)?;
        let (contexts, repeats) = (vec![Context::default()], [Repeats::default(); 2]);
        let mut tables = Self { tools, contexts, longer: Vec::new(), followers: Vec::new(), repeats };
        tables.longer.resize(Some(tools).filter(|cells| *cells <= MOST_CELLS)?, 0);
        for about in asked {
            tables.ask(about)?;
        }
        tables.followers.resize(tables.longer.len(), [0; 2]);
        Some(tables)
    }

    /// Gives a context and all shorter ones of it their numbers; `None` where there are too many.
    fn ask(&mut self, about: Context) -> Option<()> {
        let mut shorter = 0;
        for (context, tool) in about.suffixes().skip(1).zip(about.tools()) {
            let next = u32::try_from(self.contexts.len()).ok()?;
            let longer = self.longer.get_mut(cell(shorter, tool, self.tools))?;
            if *longer == 0 {
                *longer = next;
                shorter = next;
                self.contexts.push(context);
                let cells = self.contexts.len().checked_mul(self.tools).filter(|cells| *cells <= MOST_CELLS)?;
                self.longer.resize(cells, 0);
            } else {
                shorter = *longer;
            }
        }
        Some(())
    }

    /// Counts a call of `next`.
    pub(super) fn record(&mut self, before: Context, next: u32, is_here: bool) {
        let mut context = 0;
        let mut tools = before.tools();
        loop {
            if let Some([everywhere, here]) = self.followers.get_mut(cell(context, next, self.tools)) {
                *everywhere += 1;
                *here += u32::from(is_here);
            }
            let Some(tool) = tools.next() else { break };
            context = self.longer.get(cell(context, tool, self.tools)).copied().unwrap_or(0);
            if context == 0 {
                break;
            }
        }
        let [everywhere, here] = &mut self.repeats;
        everywhere.record(before, next);
        if is_here {
            here.record(before, next);
        }
    }

    /// What was counted, everywhere and here.
    pub(super) fn into_counts(self) -> [Counts; 2] {
        let [everywhere, here] = self.repeats;
        let of = |which: fn(&[u32; 2]) -> u32, repeats| {
            let of_context = |(context, cells): (&Context, &[[u32; 2]])| {
                let counts = (0..).zip(cells).map(|(tool, cell)| (tool, u64::from(which(cell))));
                (*context, counts.filter(|(_, count)| *count > 0).collect())
            };
            Counts::of(self.contexts.iter().zip(self.followers.chunks(self.tools)).map(of_context), repeats)
        };
        [of(|[everywhere, _]| *everywhere, everywhere), of(|[_, here]| *here, here)]
    }
}

/// Where the cell of a context and a tool is.
fn cell(context: u32, tool: u32, tools: usize) -> usize {
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    number(context).saturating_mul(tools).saturating_add(number(tool))
}
