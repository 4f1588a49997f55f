//! `cargo lab sweep FILE`: many trainings to compare, on this machine or on a cluster.
//!
//! A file (`plan.rs`) describes the trials: a grid, random draws, or successive halving of either. One process
//! leads (`lead.rs`): it hands trials to workers, child processes (`local.rs`) or HyperQueue (`hyperqueue.rs`), and
//! is the only one that writes the journal (`journal.rs`). A trial (`trial.rs`) is `cargo lab train` with other
//! words before it, on one thread, so its weights are those that this command gives, to the bit, wherever it runs.
//!
//! The samplers are written here because which trials there are must not depend on which worker was faster: then a
//! sweep that was killed, or that has other workers, has the same trials. The crate `optimizer`, which has many more,
//! draws from the results that have come in so far.

#![forbid(unsafe_code)]

mod choice;
mod hyperqueue;
mod journal;
mod lead;
mod local;
mod plan;
mod report;
mod simulate;
mod trial;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use indicatif::HumanDuration;
use lab_core::LabError;
use lab_notebook::lab::Lab;

use hyperqueue::HyperQueue;
use journal::Journal;
use lead::{Lead, Workers};
use local::Local;
use plan::Plan;

/// What a command ends with.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// What `train` says when the loss becomes NaN, which for a sweep is a result.
pub const DIVERGED: &str = "the training diverged";

/// What a sweep needs of `cargo lab train`.
pub trait Trainings {
    /// Its options.
    fn options(&self) -> clap::Command;
    /// Checks everything about these words that can be known before a training.
    ///
    /// # Errors
    /// What `train` would say.
    fn check(&self, words: &[String]) -> Outcome;
    /// Sees to it that the data set is there.
    ///
    /// # Errors
    /// Where it is not, and cannot be fetched.
    fn prepare(&self, words: &[String]) -> Outcome;
    /// Trains.
    ///
    /// # Errors
    /// What `train` says.
    fn train(&self, words: &[String]) -> Outcome;
}

/// Train with many options, and compare.
///
/// FILE says which options of `cargo lab train` differ between the trials. Each trial is a process with one thread;
/// as many run at once as there are cores. What is done is kept: after Ctrl-C, a crash or a power cut the same
/// command goes on. At the end sweep.html, a page with a table and pictures, and sweep.csv are in the sweep's
/// folder.
#[derive(clap::Args)]
#[command(after_help = include_str!("examples.txt"))]
pub struct SweepArgs {
    /// The sweep's file
    file: PathBuf,
    /// The sweep's folder [default: outputs/sweeps/NAME of the laboratory, NAME being the file's]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Trials at once on this machine [default: one for each core]
    #[arg(long, value_name = "COUNT", conflicts_with = "hyperqueue")]
    workers: Option<NonZeroUsize>,
    /// Give the trials to a HyperQueue server, which you have started, as its workers
    #[arg(long)]
    hyperqueue: bool,
    /// Only the first trials; the same command without it goes on with the others
    #[arg(long, value_name = "COUNT")]
    first: Option<NonZeroUsize>,
    /// List the trials, and train nothing
    #[arg(long)]
    dry_run: bool,
    /// Say how long the sweep takes on so many workers, judging by the trials that are done, and train nothing
    #[arg(long, value_name = "WORKERS")]
    simulate: Option<NonZeroUsize>,
    /// Train one trial by its number, here and now; the command without it enters the result
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["first", "dry_run", "simulate", "hyperqueue"])]
    trial: Option<String>,
}

/// Runs a sweep, or goes on with it.
///
/// # Errors
/// Where the file, an option or the folder is not as it should be; when interrupted; and where trials fail.
pub fn run(arguments: &SweepArgs, trainings: &dyn Trainings) -> Outcome {
    let begun = Instant::now();
    let plan = Plan::read(&arguments.file, trainings)?;
    let folder = arguments.out.clone().unwrap_or_else(|| usual_folder(&plan));
    let folder = std::path::absolute(folder)?;
    if let Some(name) = &arguments.trial {
        return trial::run(&folder, &plan.find(name)?, trainings, begun);
    }
    plan.check(trainings)?;
    let say = |text: String| _ = writeln!(std::io::stdout(), "{text}");
    if arguments.dry_run {
        for trial in &plan.trials {
            let (number, words) = (trial.number, trial.words().join(" "));
            say(format!("{number:>5}  cargo lab train {words}"));
        }
        return Ok(());
    }
    let journal = Journal::open(&folder, &plan.file)?;
    if let Some(workers) = arguments.simulate {
        say(simulate::simulate(&plan, &journal, workers.get())?);
        return Ok(());
    }
    let mut trials = plan.trials.clone();
    trials.truncate(arguments.first.map_or(usize::MAX, usize::from));
    if !arguments.hyperqueue {
        trainings.prepare(&trials[0].words())?;
    }
    lead::listen();
    let mut lead = Lead {
        plan: &plan,
        journal,
        folder,
        failures: BTreeMap::new(),
    };
    lead.collect()?;
    // What failed before is tried again.
    lead.failures.clear();
    let mut workers = workers(arguments, &lead)?;
    for round in 1..=plan.rounds() {
        lead.bring_to_end(&trials, workers.as_mut())?;
        // Who goes on is known when all are done.
        if round < plan.rounds() && lead.failures.is_empty() {
            trials = plan.survivors(trials, |trial| plan.cost(lead.journal.entry(trial)));
        }
    }
    let (all, time) = (lead.journal.entries.len(), HumanDuration(begun.elapsed()));
    say(format!("{all} trials are done, after {time}"));
    say(report::write(&plan, &lead.journal, &lead.folder)?);
    match lead.failures.iter().next() {
        None => Ok(()),
        Some((name, error)) => {
            let found = format!("{} that failed; {name}: {error}", lead.failures.len());
            let remedy = "mend it and try these again with the same command";
            Err(LabError::value("trials", found, "none", remedy).into())
        }
    }
}

/// Children of this process, or a HyperQueue server.
fn workers(arguments: &SweepArgs, lead: &Lead<'_>) -> Outcome<Box<dyn Workers>> {
    let word = |path: &Path| path.display().to_string();
    let (file, folder) = (word(&lead.plan.file), word(&lead.folder));
    let mut program = vec![word(&std::env::current_exe()?)];
    program.extend(["sweep", &file, "--out", &folder, "--trial"].map(str::to_owned));
    if arguments.hyperqueue {
        return Ok(Box::new(HyperQueue::new(program, &lead.folder)?));
    }
    let cores = std::thread::available_parallelism()?;
    Ok(Box::new(Local {
        program,
        most: arguments.workers.unwrap_or(cores).get(),
        running: Vec::new(),
    }))
}

fn usual_folder(plan: &Plan) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let root = Lab::root_above(&here).unwrap_or(here);
    root.join("outputs/sweeps")
        .join(plan.file.file_stem().unwrap_or_default())
}
