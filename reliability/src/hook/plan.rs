//! What a round does, drawn from its seed.

use std::time::Duration;

use super::call::Call;
use super::run::{Life, below};
use super::trouble::Trouble;
use crate::Random;

/// How long hooks, imports and maintenance take as long as nobody has seen one.
const USUAL: Duration = Duration::from_millis(25);
/// How long a hook waits for a locked store.
const LOCKED: Duration = Duration::from_millis(415);
/// As many events wait at most before a calm round, and before one with a trouble, beside those that hooks have left:
/// the more there are, the longer it takes to take them in.
const MOST_PLANTED: u64 = 300;
const SOME_PLANTED: u64 = 60;

/// One hook.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedHook {
    pub(super) call: Call,
    pub(super) life: Life,
    /// Whether its event is looked for at once when it has ended.
    pub(super) is_looked_for: bool,
}

/// One import.
#[derive(Clone, Debug)]
pub(super) struct PlannedImport {
    pub(super) calls: Vec<Call>,
    pub(super) life: Life,
}

/// One round.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) hooks: Vec<PlannedHook>,
    pub(super) imports: Vec<PlannedImport>,
    /// The lives of those who rebuild or compact, one after another as long as hooks run.
    pub(super) maintenance: Vec<Life>,
    /// The limit of files, as a shell's `ulimit` takes it.
    pub(super) limit: Option<String>,
    /// When the trouble ends, if not after the hooks.
    pub(super) lifted_after: Option<Duration>,
    /// Calls that wait before the round.
    pub(super) planted: Vec<Call>,
    /// Whether something that is no hook's is put into the spool.
    pub(super) is_foreign_planted: bool,
    /// How many places of the spool, the preferred one first, have a file where the folder should be.
    pub(super) blocked_spools: u64,
    /// Whether the store is looked through before the next round begins.
    pub(super) is_looked_through: bool,
}

impl Plan {
    /// Draws a round. New calls have numbers from `next` on; those below may be reported once more.
    pub(super) fn draw(random: &mut Random, trouble: Trouble, next: &mut u64, usual: Option<Duration>) -> Self {
        let usual = usual.unwrap_or(match trouble {
            Trouble::Locked | Trouble::Still | Trouble::Stopped => LOCKED,
            _ => USUAL,
        });
        let earlier = *next;
        let mut new = |count: u64| {
            let first = *next;
            *next += count;
            (first..*next).map(Call)
        };
        let most_planted = if trouble == Trouble::Calm { MOST_PLANTED } else { SOME_PLANTED };
        let planted = new(random.below(most_planted)).collect();
        let known = |random: &mut Random| Call(1 + random.below(earlier - 1));
        let hooks: Vec<PlannedHook> = (0..4 + random.below(6))
            .map(|_| {
                let call =
                    if random.below(6) == 0 { known(random) } else { Call(new(1).next().map_or(1, |call| call.0)) };
                PlannedHook { call, life: Life::draw(random, usual), is_looked_for: random.below(4) == 0 }
            })
            .collect();
        let imports = (0..random.below(3))
            .map(|_| {
                // The transcript of the same session: what hooks report just now, what they did, and more.
                let mut calls: Vec<Call> =
                    hooks.iter().map(|hook| hook.call).filter(|_| random.below(2) == 0).collect();
                calls.extend((0..random.below(20)).map(|_| known(random)));
                calls.extend(new(1 + random.below(60)));
                calls.sort_unstable();
                calls.dedup();
                PlannedImport { calls, life: Life::draw(random, 2 * usual) }
            })
            .collect();
        let limit = match trouble {
            Trouble::NoRoom => {
                let most = 1 << (2 + random.below(8));
                Some(format!("-f {}", 2 + random.below(most)))
            }
            Trouble::NoFiles => Some(format!("-n {}", 4 + random.below(8))),
            _ => None,
        };
        let is_liftable = matches!(trouble, Trouble::Blocked | Trouble::Closed);
        Self {
            hooks,
            imports,
            maintenance: (0..40).map(|_| Life::draw(random, 2 * usual)).collect(),
            limit,
            lifted_after: (is_liftable && random.below(2) == 0).then(|| below(random, 2 * usual)),
            planted,
            is_foreign_planted: random.below(3) == 0,
            blocked_spools: random.below(6).saturating_sub(3),
            is_looked_through: random.below(3) > 0,
        }
    }
}
