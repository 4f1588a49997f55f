//! The process that leads a sweep: it hands the trials out, enters what comes back, and says how far it is.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::HumanDuration;
use lab_core::{LabError, Result};

use crate::journal::{Entry, Journal};
use crate::plan::{Plan, Trial};

/// Where trials are trained.
pub trait Workers {
    /// Starts waiting trials where there is room, and gives back those whose process has ended, however it did.
    ///
    /// # Errors
    /// Where nothing can be started.
    fn tend(&mut self, waiting: &mut VecDeque<Trial>) -> Result<Vec<Trial>>;
    /// Ends what runs.
    fn stop(&mut self);
}

/// How often a trial is started whose process ends without a word, as one does that is killed.
const ATTEMPTS: usize = 3;
/// How many trials that fail end the sweep.
const FAILURES: usize = 3;
const TICK: Duration = Duration::from_millis(20);

/// Whether somebody has pressed Ctrl-C.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C ends a sweep in good order.
pub fn listen() {
    // Where the system does not allow it, Ctrl-C ends the process as kill -9 does, and nothing is lost either.
    _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
}

/// A sweep at work.
pub struct Lead<'a> {
    pub plan: &'a Plan,
    pub journal: Journal,
    pub folder: PathBuf,
    /// What went wrong with which trial; the next start tries it again.
    pub failures: BTreeMap<String, String>,
}

impl Lead<'_> {
    /// Brings trials to their end; those that the journal has are done.
    ///
    /// # Errors
    /// When interrupted, when several trials fail, and where the journal cannot be written.
    pub fn bring_to_end(&mut self, trials: &[Trial], workers: &mut dyn Workers) -> Result<()> {
        let mut waiting = self.open(trials);
        let (begun, before, mut told) = (Instant::now(), waiting.len(), usize::MAX);
        loop {
            let ended = workers.tend(&mut waiting)?;
            self.collect()?;
            for mut trial in self.open(&ended) {
                trial.attempts += 1;
                if trial.attempts < ATTEMPTS {
                    waiting.push_back(trial);
                } else {
                    let text = format!("it ended {ATTEMPTS} times without a result");
                    self.failures.insert(trial.name(), text);
                }
            }
            let left = self.open(trials).len();
            if told != left {
                told = left;
                let each = begun.elapsed().as_secs_f64() / (before - left) as f64;
                self.tell(trials.len() - left, trials.len(), each * left as f64);
            }
            let what = match self.failures.values().next_back() {
                _ if INTERRUPTED.load(Ordering::Relaxed) => "interrupted".to_owned(),
                Some(last) if self.failures.len() >= FAILURES => {
                    format!("{FAILURES} trials failed, the last: {last}")
                }
                _ if left == 0 => return Ok(()),
                _ => {
                    std::thread::sleep(TICK);
                    continue;
                }
            };
            workers.stop();
            self.collect()?;
            let is_done = |trial: &&Trial| self.journal.entry(trial).is_some();
            let (done, all) = (trials.iter().filter(is_done).count(), trials.len());
            let kept = format!("{done} of {all} trials are done and kept");
            let remedy = "go on with the same command";
            let text = format!("{what}\n  {kept}\n  what to do: {remedy}");
            return Err(LabError::Value(text));
        }
    }

    /// The trials that are neither done nor have failed.
    fn open(&self, trials: &[Trial]) -> VecDeque<Trial> {
        let is_open = |trial: &&Trial| {
            self.journal.entry(trial).is_none() && !self.failures.contains_key(&trial.name())
        };
        trials.iter().filter(is_open).cloned().collect()
    }

    /// Enters the lines that trials have left.
    ///
    /// # Errors
    /// Where the journal cannot be written, or a trial has nothing to compare it by.
    pub fn collect(&mut self) -> Result<()> {
        let files = fs::read_dir(self.folder.join("trials"));
        for path in files.into_iter().flatten().flatten() {
            let path = path.path();
            let text = fs::read_to_string(&path).unwrap_or_default();
            let entry = serde_json::from_str::<Entry>(&text).ok();
            // Anything else there is a lock, or a line that is being written.
            let is_line = path.extension().is_some_and(|it| it == "json");
            let Some(entry) = entry.filter(|_| is_line) else {
                continue;
            };
            let objective = &self.plan.objective;
            if let Some(failure) = entry.failure() {
                self.failures.insert(entry.name.clone(), failure.to_owned());
            } else if entry.error.is_none() && !entry.metrics.contains_key(objective) {
                let remedy = "validate, or write objective = \"loss\" into the sweep's file";
                return Err(LabError::value(entry.name, "no number", objective, remedy));
            } else {
                self.journal.enter(entry)?;
            }
            // It is in the journal, and on the disk.
            _ = fs::remove_file(&path);
            _ = fs::remove_file(path.with_extension("lock"));
        }
        Ok(())
    }

    /// One line of progress, which on a terminal the next one overwrites.
    fn tell(&self, done: usize, all: usize, left: f64) {
        let (objective, entries) = (&self.plan.objective, self.journal.entries.values());
        let cost = |entry: &&Entry| self.plan.cost(Some(entry));
        let best = entries.min_by(|a, b| cost(a).total_cmp(&cost(b)));
        let value = best.and_then(|best| best.metrics.get(objective));
        let best = value.map(|value| format!(", best {objective} {value:.4}"));
        // Nothing can be said before the first is done.
        let left = Duration::try_from_secs_f64(left).ok().map(HumanDuration);
        let left = left.map(|left| format!(", about {left} left"));
        let [left, best] = [left, best].map(Option::unwrap_or_default);
        let text = format!("{done} of {all} trials{left}{best}");
        match std::io::stderr().is_terminal() {
            true => eprint!("\r\x1b[2K{text}{}", if done == all { "\n" } else { "" }),
            false => eprintln!("{text}"),
        }
    }
}
