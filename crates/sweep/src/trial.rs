//! One trial, in a process of its own: it trains, and leaves one line for the journal.

use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

use lab_core::files::write_whole;
use lab_core::training::History;
use lab_core::{LabError, Result};
use lab_notebook::lab::{HISTORY, MODEL, Record};
use sha2::{Digest, Sha256};

use crate::journal::Entry;
use crate::plan::{METRICS, Trial, hexadecimal};
use crate::{Outcome, Trainings};

/// Trains, unless the run is there already, and writes `trials/NAME.json`, which the process that leads the sweep
/// enters into the journal. A second process with the same trial waits, and then finds the run. `begun` is when
/// this one was started.
///
/// # Errors
/// What `train` says; unless that was an interruption, the line says it too.
pub fn run(folder: &Path, trial: &Trial, trainings: &dyn Trainings, begun: Instant) -> Outcome {
    let (name, trials) = (trial.name(), folder.join("trials"));
    fs::create_dir_all(&trials)?;
    let lock = File::create(trials.join(format!("{name}.lock")))?;
    lock.lock()?;
    let run = folder.join("runs").join(&name);
    let mut words = trial.words();
    words.extend(["--threads=1", "--resume", "--out"].map(str::to_owned));
    words.push(run.display().to_string());
    let trained = match run.is_dir() {
        true => Ok(()),
        false => trainings.train(&words),
    };
    let error = trained.as_ref().err().map(|error| error.to_string());
    if error.iter().any(|text| text.starts_with("interrupted")) {
        return trained;
    }
    let mut entry = Entry {
        trial: trial.number,
        round: trial.round,
        options: trial.options.clone(),
        seconds: begun.elapsed().as_secs_f64(),
        error,
        name,
        ..Entry::default()
    };
    if trained.is_ok() {
        read_run(&mut entry, &run)?;
    }
    if entry.failure().is_none() {
        // A checkpoint is three times as large as the weights, and nobody goes on from this one.
        _ = fs::remove_dir_all(run.with_file_name(format!(".{}.checkpoint", entry.name)));
    }
    let line = serde_json::to_string(&entry)?;
    let path = trials.join(format!("{}.json", entry.name));
    write_whole(&path, |file| file.write_all(line.as_bytes()))?;
    trained
}

/// Fills in what came of a finished run.
fn read_run(entry: &mut Entry, run: &Path) -> Result<()> {
    let (record, history) = (Record::read(run)?, History::from_csv(run.join(HISTORY))?);
    let weights = fs::read(run.join(MODEL));
    let weights = weights.map_err(|it| LabError::io("read", run, it, "remove the run"))?;
    entry.weights_sha256 = Some(hexadecimal(&Sha256::digest(weights)));
    entry.epochs = record.epochs;
    // A trial that was killed and went on has worked longer than its last process.
    entry.seconds = entry.seconds.max(record.seconds);
    let kept = record.weights_of_epoch;
    if let Some(it) = history.epochs.iter().find(|it| it.epoch == kept) {
        let values = [
            it.val_loss,
            it.val_accuracy,
            Some(it.loss),
            Some(it.accuracy),
        ];
        let named = METRICS.map(str::to_owned).into_iter().zip(values);
        entry.metrics = named
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
    }
    Ok(())
}
