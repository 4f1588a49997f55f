//! How long a sweep takes on so many workers, from the trials of it that are done.

use std::time::Duration;

use indicatif::HumanDuration;
use lab_core::{LabError, Result};

use crate::journal::{Journal, Options};
use crate::plan::{Plan, Trial};

/// The time of all trials, where each goes to the worker that is free first.
///
/// A trial that is not done is taken to last as long as the mean of the done trials that share most of its options,
/// scaled by its epochs; and a trial's time not to depend on how many run beside it.
///
/// # Errors
/// Where no trial is done.
pub fn simulate(plan: &Plan, journal: &Journal, workers: usize) -> Result<String> {
    let done = journal.entries.len();
    if done == 0 {
        let remedy = "do some: the same command with --first 10 in place of --simulate";
        return Err(LabError::value(
            "--simulate",
            "no trial done",
            "some",
            remedy,
        ));
    }
    let (mut trials, mut time, mut alone) = (plan.trials.clone(), 0.0, 0.0);
    for round in 1..=plan.rounds() {
        let mut free = vec![0.0_f64; workers];
        for trial in &trials {
            let seconds = seconds(trial, journal);
            alone += seconds;
            free.sort_by(f64::total_cmp);
            free[0] += seconds;
        }
        time += free.into_iter().fold(0.0, f64::max);
        if round < plan.rounds() {
            trials = plan.survivors(trials, |trial| plan.cost(journal.entry(trial)));
        }
    }
    let [time, alone] = [time, alone].map(|it| (it, HumanDuration(Duration::from_secs_f64(it))));
    let all = plan.trials.len();
    Ok(format!(
        "all {all} trials on {workers} workers: {:.1} s ({}); alone on one: {:.1} s ({}); by the times of {done}",
        time.0, time.1, alone.0, alone.1,
    ))
}

/// How long a trial took or will take.
fn seconds(trial: &Trial, journal: &Journal) -> f64 {
    let epochs = |options: &Options| options.get("epochs")?.parse::<f64>().ok();
    let wanted = epochs(&trial.options);
    let (mut most, mut times) = (0, Vec::new());
    for entry in journal.entries.values() {
        let same = |it: &(&String, &String)| entry.options.get(it.0) == Some(it.1);
        let shared = trial.options.iter().filter(same).count();
        if shared > most {
            (most, times) = (shared, Vec::new());
        }
        if shared == most {
            let longer = wanted
                .zip(epochs(&entry.options))
                .map(|(wanted, did)| wanted / did);
            times.push(entry.seconds * longer.unwrap_or(1.0));
        }
    }
    times.iter().sum::<f64>() / times.len() as f64
}
