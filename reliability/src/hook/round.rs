//! One round: a trouble, hooks and imports at once, kills; then what is there.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use super::call::Call;
use super::hold::Hold;
use super::place::{Place, limited};
use super::plan::{Plan, PlannedHook, PlannedImport};
use super::run::{Ended, Life, run};
use super::site::{Site, UNDISTURBED, counts};
use super::spool::{Spooled, plant, plant_calls};
use super::tally::{GRANTED, Tally};
use super::trouble::Trouble;
use crate::kill::finding;
use crate::{Random, Result};

/// A hook that has not ended by then waits for the end of the trouble: far more than it is granted, since the machine
/// may have other things to do.
const LONGEST_HOOK: Duration = Duration::from_secs(30);

/// What the processes of a round came to.
struct Round {
    hooks: Vec<(PlannedHook, Ended, Option<bool>)>,
    imports: Vec<(PlannedImport, Ended)>,
    maintenance: Vec<(Life, Ended)>,
    /// The longest that a hook on a free store took meanwhile.
    longest_free: Duration,
    /// Whether the calls that a stopped process was appending are recorded for sure.
    is_held_recorded: bool,
}

/// Runs a round and looks at what it leaves, or leaves that to a later one. A process that is stopped in an append
/// appends so many calls.
pub(super) fn round(
    site: &mut Site<'_>,
    trouble: Trouble,
    appended: u64,
    random: &mut Random,
    tally: &mut Tally,
) -> Result<()> {
    site.rounds += 1;
    tally.rounds += 1;
    let mut plan = Plan::draw(random, trouble, &mut site.next, tally.typical);
    if plant_calls(&site.place, &plan.planted)? {
        site.begin(&plan.planted);
        site.promised.extend(&plan.planted);
    }
    if plan.is_foreign_planted {
        plant(&site.place, site.rounds, random)?;
    }
    let parts_before = Spooled::look(&site.place)?.parts.len();
    let held_calls: Vec<Call> =
        if trouble == Trouble::Stopped { (site.next..site.next + appended).map(Call).collect() } else { Vec::new() };
    let first_held = site.next;
    site.next += held_calls.len() as u64;
    site.begin(&held_calls);
    for hook in &plan.hooks {
        site.begin(&[hook.call]);
    }
    for import in &plan.imports {
        site.begin(&import.calls);
    }
    let blocked = block_spools(&site.place, plan.blocked_spools)?;
    let mut hold = Hold::begin(&site.place, trouble, (first_held, appended), random)?;
    let done = act(site, trouble, &mut plan, &mut hold);
    // Also where something was found: then the store stands where it is said to.
    let lifted = hold.lift(&site.place);
    for path in blocked {
        fs::remove_file(path)?;
    }
    let done = done?;
    lifted?;
    if done.is_held_recorded {
        site.promised.extend(&held_calls);
    }
    judge(site, trouble, &done, tally)?;
    tally.torn += Spooled::look(&site.place)?.parts.len().saturating_sub(parts_before) as u64;
    if plan.is_looked_through {
        tell(site, tally)?;
        look(site, &done, tally)?;
    }
    Ok(())
}

/// Has all of them run.
fn act(site: &Site<'_>, trouble: Trouble, plan: &mut Plan, hold: &mut Hold) -> Result<Round> {
    let is_over = AtomicBool::new(false);
    let limit = plan.limit.as_deref();
    let (hooks, imports) = (std::mem::take(&mut plan.hooks), std::mem::take(&mut plan.imports));
    let lives = std::mem::take(&mut plan.maintenance);
    let lifted_after = plan.lifted_after;
    thread::scope(|scope| {
        let (sender, ends) = mpsc::channel();
        let start = |hook| {
            let sender = sender.clone();
            scope.spawn(move || {
                let done = run_hook(site, trouble, hook, limit);
                // Nobody listens any more where something was found.
                let _ = sender.send(());
                done
            })
        };
        let hooks: Vec<_> = hooks.into_iter().map(start).collect();
        let imports: Vec<_> =
            imports.into_iter().map(|import| scope.spawn(move || run_import(site, import, limit))).collect();
        let maintenance = trouble.maintenance().map(|command| {
            let is_over = &is_over;
            scope.spawn(move || maintain(site, command, &lives, is_over))
        });
        let free = scope.spawn(|| run_free_hooks(site, &is_over));
        if let Some(after) = lifted_after {
            // The moment at which it ends, not a wait for something.
            thread::sleep(after);
            hold.lift(&site.place)?;
        }
        let is_in_time = hooks.iter().all(|_| ends.recv_timeout(LONGEST_HOOK).is_ok());
        is_over.store(true, Ordering::Relaxed);
        let is_held_recorded = hold.lift(&site.place)?;
        let hooks = hooks.into_iter().map(joined).collect::<Result<Vec<_>>>()?;
        if !is_in_time {
            return finding("a hook is held up as long as the trouble lasts");
        }
        let imports = imports.into_iter().map(joined).collect::<Result<Vec<_>>>()?;
        let maintenance = maintenance.map_or(Ok(Vec::new()), joined)?;
        Ok(Round { hooks, imports, maintenance, longest_free: joined(free)?, is_held_recorded })
    })
}

fn joined<T>(handle: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    handle.join().unwrap_or_else(|_| Err("a thread of the harness panicked".into()))
}

fn run_hook(
    site: &Site<'_>,
    trouble: Trouble,
    hook: PlannedHook,
    limit: Option<&str>,
) -> Result<(PlannedHook, Ended, Option<bool>)> {
    let mut command = site.place.hook(hook.call)?;
    if let Some(limit) = limit {
        let stdin = fs::File::open(site.place.path(&format!("input/{}.json", hook.call.0)))?;
        command = limited(&command, limit);
        command.stdin(stdin);
    }
    let ended = run(&mut command, hook.life)?;
    if ended.is_killed || !hook.is_looked_for {
        return Ok((hook, ended, None));
    }
    let is_held = matches!(trouble, Trouble::Locked | Trouble::Still | Trouble::Stopped);
    let found = site.is_somewhere(hook.call, !is_held)?;
    // What was stopped was perhaps not stopped in time.
    if found == Some(false) && trouble != Trouble::Stopped {
        return finding(format!("call {} was taken, and is nowhere: {}", hook.call.0, ended.stderr));
    }
    Ok((hook, ended, found))
}

fn run_import(site: &Site<'_>, import: PlannedImport, limit: Option<&str>) -> Result<(PlannedImport, Ended)> {
    let mut command = site.place.import(&import.calls)?;
    if let Some(limit) = limit {
        command = limited(&command, limit);
    }
    let ended = run(&mut command, import.life)?;
    Ok((import, ended))
}

/// Runs hooks on a free store, one after another as long as others run: the longest time that one took.
fn run_free_hooks(site: &Site<'_>, is_over: &AtomicBool) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    for number in 1.. {
        let ended = run(&mut site.free.hook(Call(number))?, UNDISTURBED)?;
        longest = longest.max(ended.took);
        if is_over.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(longest)
}

/// Maintains again and again, as long as hooks run.
fn maintain(site: &Site<'_>, command: &str, lives: &[Life], is_over: &AtomicBool) -> Result<Vec<(Life, Ended)>> {
    let mut done = Vec::new();
    for life in lives {
        done.push((*life, run(&mut site.place.program(command), *life)?));
        if is_over.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(done)
}

/// Puts files where the folders of the spool's first places would be, as far as nothing is there.
fn block_spools(place: &Place<'_>, count: u64) -> Result<Vec<std::path::PathBuf>> {
    let mut blocked = Vec::new();
    if count >= 1 && !place.spool().exists() {
        blocked.push(place.spool());
    }
    let data = place.path("home/data/tooltally");
    if count >= 2 && !data.join("spool").exists() {
        fs::create_dir_all(&data)?;
        blocked.push(data.join("spool"));
    }
    for path in &blocked {
        fs::write(path, "a file where a folder should be")?;
    }
    Ok(blocked)
}

/// What each process came to: as was promised of it.
fn judge(site: &mut Site<'_>, trouble: Trouble, done: &Round, tally: &mut Tally) -> Result<()> {
    for (hook, ended, found) in &done.hooks {
        if ended.is_killed {
            tally.killed_hooks += 1;
            continue;
        }
        if ended.code != Some(0) || !ended.stdout.is_empty() || ended.stderr.contains("is lost") {
            return finding(format!(
                "the hook of call {} ends with {:?}, says {:?} and {}",
                hook.call.0, ended.code, ended.stdout, ended.stderr
            ));
        }
        if ended.took > GRANTED + done.longest_free {
            return finding(format!(
                "the hook of call {} took {:?}, and one on a free store {:?} at most: {}",
                hook.call.0, ended.took, done.longest_free, ended.stderr
            ));
        }
        site.promised.insert(hook.call);
        tally.looked_for += u64::from(found.is_some());
        if hook.life.kill.is_some() {
            tally.too_late += 1;
        } else {
            tally.times.push(ended.took);
        }
    }
    let unkilled = done.hooks.iter().filter(|(hook, ..)| hook.life.kill.is_none());
    tally.typical = unkilled.map(|(_, ended, _)| ended.took).min().or(tally.typical);
    for (import, ended) in &done.imports {
        if ended.is_killed {
            tally.killed_others += 1;
            continue;
        }
        tally.too_late += u64::from(import.life.kill.is_some());
        if ended.code == Some(0) {
            counts(ended, import.calls.len())?;
            site.promised.extend(&import.calls);
        } else if ended.code == Some(1) && (trouble.fails_imports() || ended.stderr.contains("busy")) {
            tally.refused += 1;
        } else {
            return finding(format!("an import ends with {:?}: {}", ended.code, ended.stderr));
        }
    }
    for (life, ended) in &done.maintenance {
        tally.killed_others += u64::from(ended.is_killed);
        tally.too_late += u64::from(!ended.is_killed && life.kill.is_some());
        if !ended.is_killed && ended.code != Some(0) && !ended.stderr.contains("busy") {
            return finding(format!("maintenance ends with {:?}: {}", ended.code, ended.stderr));
        }
    }
    Ok(())
}

/// `stats` says how many events wait.
fn tell(site: &Site<'_>, tally: &mut Tally) -> Result<()> {
    let waiting = Spooled::look(&site.place)?.waiting.len();
    tally.most_waiting = tally.most_waiting.max(waiting as u64);
    let ended = run(&mut site.place.program("stats"), UNDISTURBED)?;
    let told = match waiting {
        0 => !ended.stderr.contains("in the spool"),
        1 => ended.stderr.contains("1 event waits in the spool"),
        many => ended.stderr.replace(',', "").contains(&format!("{many} events wait in the spool")),
    };
    if ended.code != Some(0) || !told {
        return finding(format!(
            "{waiting} events wait, and stats ends with {:?} and says {}",
            ended.code, ended.stderr
        ));
    }
    tally.stats_told += u64::from(waiting > 0);
    Ok(())
}

/// Looks the store and its spool through.
fn look(site: &mut Site<'_>, done: &Round, tally: &mut Tally) -> Result<()> {
    let found = site.look()?;
    tally.in_both += found.waiting.keys().filter(|call| found.recorded.contains(call)).count() as u64;
    for (hook, ended, _) in &done.hooks {
        let (waits, is_recorded) = (found.waiting.contains_key(&hook.call), found.recorded.contains(&hook.call));
        if ended.is_killed {
            tally.killed_waiting += u64::from(waits);
            tally.killed_recorded += u64::from(is_recorded && !waits);
            tally.killed_absent += u64::from(!is_recorded && !waits);
        } else {
            tally.waited += u64::from(waits);
        }
    }
    Ok(())
}
