//! `cargo lab verify`: the same seed gives the same bits on this machine as in the recorded run.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use lab_core::compute::Instructions;
use lab_core::model::Sequential;
use lab_core::training::{Callback, Control, EpochLines, EpochRecord};
use lab_core::{LabError, Seed};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Outcome;
use crate::config::{Network, Split, Training};
use crate::data_set::data_set;
use crate::output::say;

/// Train the final network again and compare it, bit for bit, with a recorded run.
///
/// After each epoch the weights (their SHA-256), the losses and the accuracies are compared, at the end the scores on the
/// test set. They are equal on every processor that has fused multiply-add, with any number of threads.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo lab verify                              all 50 epochs, some minutes
  cargo lab verify --quick                      the first epoch, in seconds
  LAB_INSTRUCTIONS=avx2 cargo lab verify        with other instructions that this processor has")]
pub struct VerifyArgs {
    /// Compare the first epoch only
    #[arg(long)]
    quick: bool,
    /// The folder with the data set [default: the folder `data`]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Threads at work; the result does not depend on it [default: one for each core]
    #[arg(long)]
    threads: Option<usize>,
    /// Write what this run shows as the new record
    #[arg(long, hide = true)]
    record: Option<PathBuf>,
}

/// The configuration of the recorded run, and its results.
#[derive(Clone, Serialize, Deserialize)]
struct Recorded {
    run: String,
    date: String,
    machine: String,
    test_loss: f64,
    test_accuracy: f64,
    network: Network,
    training: Training,
    epochs: Vec<Epoch>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Epoch {
    loss: f64,
    accuracy: f64,
    val_loss: Option<f64>,
    val_accuracy: Option<f64>,
    weights_sha256: String,
}

impl Epoch {
    fn new(record: &EpochRecord, model: &Sequential) -> lab_core::Result<Self> {
        let EpochRecord {
            loss,
            accuracy,
            val_loss,
            val_accuracy,
            ..
        } = *record;
        let mut sum = Sha256::new();
        for name in model.weight_names() {
            model
                .weight(name)?
                .iter()
                .for_each(|weight| sum.update(weight.to_le_bytes()));
        }
        let weights_sha256 = sum
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Self {
            loss,
            accuracy,
            val_loss,
            val_accuracy,
            weights_sha256,
        })
    }
}

/// Collects the result of each epoch, and stops the training at the first that differs from the record.
struct Compare {
    recorded: Option<Vec<Epoch>>,
    seen: Rc<RefCell<Vec<Epoch>>>,
}

impl Callback for Compare {
    fn on_epoch_end(
        &mut self,
        record: &EpochRecord,
        control: &mut Control<'_>,
    ) -> lab_core::Result<()> {
        let epoch = Epoch::new(record, control.model)?;
        if self
            .recorded
            .as_ref()
            .is_some_and(|all| all.get(record.epoch - 1) != Some(&epoch))
        {
            control.stop();
        }
        self.seen.borrow_mut().push(epoch);
        Ok(())
    }
}

/// Trains and compares.
///
/// # Errors
/// Where the data set cannot be had, and where anything differs.
pub fn run(arguments: &VerifyArgs) -> Outcome {
    let recorded: Recorded = toml::from_str(include_str!("verify.toml"))?;
    let epochs = if arguments.quick {
        1
    } else {
        recorded.training.epochs
    };
    let plan = recorded.network.architecture([32, 32, 3], 10)?;
    let mut model = plan.build(Seed(recorded.training.seed))?;
    let cifar = data_set(arguments.data.as_deref())?;
    let (train, validation) = Split::Last.divide(&cifar.train)?;
    let seen = Rc::new(RefCell::new(Vec::new()));
    let compare = Compare {
        recorded: arguments.record.is_none().then(|| recorded.epochs.clone()),
        seen: seen.clone(),
    };
    let trainer = recorded
        .training
        .trainer(arguments.threads)?
        .epochs(epochs)
        .callback(compare);
    let (run, made) = (
        &recorded.run,
        format!("of {} on {}", recorded.date, recorded.machine),
    );
    let instructions = Instructions::detect();
    let what = if arguments.quick {
        "the first epoch".to_owned()
    } else {
        format!("all {epochs} epochs")
    };
    say!("Training {what} of {run} with {instructions}, to compare with the run {made}");
    if !instructions.has_fused_multiply_add() {
        say!("This path has no fused multiply-add: its bits differ from the first epoch on.");
    }
    let history = trainer
        .progress(EpochLines::default())
        .fit(&mut model, &train, &validation)?;
    let seen = seen.take();
    if let Some(at) = seen
        .iter()
        .zip(&recorded.epochs)
        .position(|(a, b)| a != b)
        .filter(|_| arguments.record.is_none())
    {
        let (found, expected) = (&seen[at], &recorded.epochs[at]);
        let (found, expected) = (toml::to_string(found)?, toml::to_string(expected)?);
        let differs = found.lines().zip(expected.lines()).filter(|(a, b)| a != b);
        let differs = differs
            .map(|(a, b)| format!("  here      {a}\n  recorded  {b}\n"))
            .collect::<String>();
        let remedy =
            "check the data set with `cargo lab doctor`, and look for changes with `git status`";
        return Err(format!(
            "this training differs from the run {made}, first in epoch {}:\n{differs}  what to do: {remedy}",
            at + 1
        )
        .into());
    }
    let parameters = thousands(model.parameter_count());
    if arguments.quick {
        say!("Epoch 1: the same {parameters} weights, bit for bit, as the run {made}");
        return Ok(());
    }
    let test = model.evaluate_with(&cifar.test, recorded.training.loss)?;
    if let Some(path) = &arguments.record {
        let new = Recorded {
            test_loss: test.loss,
            test_accuracy: test.accuracy,
            epochs: seen,
            ..recorded
        };
        return Ok(std::fs::write(path, toml::to_string(&new)?)?);
    }
    for (what, found, expected) in [
        ("loss", test.loss, recorded.test_loss),
        ("accuracy", test.accuracy, recorded.test_accuracy),
    ] {
        if found.to_bits() != expected.to_bits() {
            let place = format!("{what} on the test set");
            return Err(LabError::value(
                place,
                found.to_string(),
                expected.to_string(),
                "report this",
            )
            .into());
        }
    }
    say!(
        "All {} epochs: the same {parameters} weights, bit for bit, as the run {made};",
        history.epochs.len()
    );
    say!(
        "the same losses and accuracies, and on the test set {} and {}",
        test.loss,
        test.accuracy
    );
    Ok(())
}

/// 1738890 → 1,738,890.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laboratory::in_laboratory;

    #[test]
    fn the_record_is_that_of_the_committed_run() {
        let recorded: Recorded = toml::from_str(include_str!("verify.toml")).unwrap();
        assert_eq!(recorded.epochs.len(), recorded.training.epochs);
        let folder = in_laboratory("outputs/runs").join(&recorded.run);
        let history = std::fs::read_to_string(folder.join("history.csv")).unwrap();
        for (line, epoch) in history.lines().skip(1).zip(&recorded.epochs) {
            let numbers: Vec<f64> = line
                .split(',')
                .map(|number| number.parse().unwrap())
                .collect();
            let wanted = [
                epoch.loss,
                epoch.accuracy,
                epoch.val_loss.unwrap(),
                epoch.val_accuracy.unwrap(),
            ];
            // The committed losses were summed with the system's logarithm, which may differ from libm's in the last place.
            let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-15;
            assert!(
                numbers[1..5].iter().zip(&wanted).all(near),
                "{numbers:?} {wanted:?}"
            );
        }
        let metrics = std::fs::read_to_string(folder.join("metrics.json")).unwrap();
        let metrics: serde_json::Value = serde_json::from_str(&metrics).unwrap();
        assert_eq!(metrics["test"]["loss"].as_f64(), Some(recorded.test_loss));
        assert_eq!(
            metrics["test"]["accuracy"].as_f64(),
            Some(recorded.test_accuracy)
        );
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(
            ["1", "999", "1,000", "1,738,890"],
            [1, 999, 1000, 1_738_890].map(thousands)
        );
    }
}
