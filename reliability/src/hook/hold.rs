//! A trouble as it is made, and lifted.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Duration;

use super::holder::Held;
use super::place::{Leads, Place};
use super::run::below;
use super::trouble::Trouble;
use crate::crowd::Process;
use crate::{Random, Result};

/// Within this time of its begin an append is stopped.
const STOPPED_WITHIN: Duration = Duration::from_millis(30);

/// What stands in the way until it is lifted.
pub(super) enum Hold {
    /// Nothing that must be lifted.
    Free,
    /// A process that has the store to itself.
    Process(Process),
    /// One that was stopped, and is killed or goes on.
    Stopped(Process, Outlook),
    /// The store's folder is elsewhere.
    Elsewhere,
    /// Nothing may be written.
    ReadOnly,
}

/// What becomes of a stopped process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    IsKilled,
    GoesOn,
}

impl Hold {
    /// Makes trouble. Whoever appends takes `count` calls from `first` on.
    pub(super) fn begin(
        place: &Place<'_>,
        trouble: Trouble,
        (first, count): (u64, u64),
        random: &mut Random,
    ) -> Result<Self> {
        let start = |held: Held| -> Result<Process> {
            let folder = place.path("real").display().to_string();
            let [first, count] = [first, count].map(|number| number.to_string());
            let arguments = ["hook-holder", "--backend", place.backend.name(), "--folder", &folder];
            let more = ["--held", held.name(), "--first", &first, "--count", &count];
            let arguments: Vec<String> = arguments.into_iter().chain(more).map(str::to_owned).collect();
            let mut holder = Process::start(&arguments)?;
            holder.ready()?;
            Ok(holder)
        };
        Ok(match trouble {
            Trouble::Locked => Self::Process(start(Held::Writing)?),
            Trouble::Still => Self::Process(start(if random.below(2) == 0 { Held::All } else { Held::Header })?),
            Trouble::Stopped => {
                let mut holder = start(Held::Append)?;
                holder.go()?;
                thread::sleep(below(random, STOPPED_WITHIN));
                holder.signal("STOP")?;
                let outlook = if random.below(2) == 0 { Outlook::IsKilled } else { Outlook::GoesOn };
                Self::Stopped(holder, outlook)
            }
            Trouble::Blocked => {
                place.lead(if random.below(2) == 0 { Leads::ToFile } else { Leads::Nowhere })?;
                Self::Elsewhere
            }
            Trouble::Closed => {
                set_modes(place, 0o400, 0o500)?;
                Self::ReadOnly
            }
            Trouble::Calm | Trouble::Rebuild | Trouble::Compact | Trouble::NoRoom | Trouble::NoFiles => Self::Free,
        })
    }

    /// Ends it; whether what a stopped process was appending is recorded for sure.
    pub(super) fn lift(&mut self, place: &Place<'_>) -> Result<bool> {
        match std::mem::replace(self, Self::Free) {
            Self::Free => {}
            Self::Process(holder) => {
                holder.finish()?;
            }
            Self::Stopped(mut holder, Outlook::IsKilled) => holder.kill()?,
            Self::Stopped(holder, Outlook::GoesOn) => {
                holder.signal("CONT")?;
                holder.finish()?;
                return Ok(true);
            }
            Self::Elsewhere => place.lead(Leads::Home)?,
            Self::ReadOnly => set_modes(place, 0o600, 0o700)?,
        }
        Ok(false)
    }
}

fn set_modes(place: &Place<'_>, file: u32, folder: u32) -> Result<()> {
    // The folder that is closed is opened first, and the other way round.
    let paths = [(place.path("real"), folder), (place.store_file(), file)];
    for (path, mode) in if folder == 0o700 {
        paths
    } else {
        let [a, b] = paths;
        [b, a]
    } {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    Ok(())
}
