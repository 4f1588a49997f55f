//! `cargo lab verify`: the same seed gives the same bits on this machine as in the recorded run.

use std::path::PathBuf;

use lab_core::compute::Instructions;
use lab_core::model::Sequential;
use lab_core::training::{Callback, Control, EpochLines, EpochRecord, TrainingConfig};
use lab_core::{LabError, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Outcome;
use crate::config::{Network, Split};
use crate::data_set::data_set;
use crate::files::hexadecimal;
use crate::terminal::say;

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
    /// Print what this run shows, for verify.toml, in place of comparing it
    #[arg(long, hide = true)]
    record: bool,
}

/// The configuration of the recorded run, and its results.
#[derive(Deserialize)]
struct Recorded {
    run: String,
    date: String,
    machine: String,
    test_loss: f64,
    test_accuracy: f64,
    network: Network,
    training: TrainingConfig,
    epochs: Vec<Epoch>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Epoch {
    loss: f64,
    accuracy: f64,
    val_loss: Option<f64>,
    val_accuracy: Option<f64>,
    weights_sha256: String,
}

impl Epoch {
    fn new(record: &EpochRecord, model: &Sequential) -> Result<Self> {
        let mut sum = Sha256::new();
        for name in model.weight_names() {
            for weight in model.weight(name)? {
                sum.update(weight.to_le_bytes());
            }
        }
        Ok(Self {
            loss: record.loss,
            accuracy: record.accuracy,
            val_loss: record.val_loss,
            val_accuracy: record.val_accuracy,
            weights_sha256: hexadecimal(sum),
        })
    }
}

/// Compares what this run shows with what is expected, or prints it for `verify.toml`.
struct Compare {
    epochs: std::vec::IntoIter<Epoch>,
    record: bool,
}

impl Compare {
    fn compare(&self, what: String, found: String, expected: String) -> Result<()> {
        let remedy =
            "check the data set with `cargo lab doctor`, and look for changes with `git status`";
        match self.record {
            true => say!("{found}"),
            false if found == expected => {}
            false => return Err(LabError::value(what, found, expected, remedy)),
        }
        Ok(())
    }
}

impl Callback for Compare {
    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        let found = Epoch::new(record, control.model)?;
        let expected = self.epochs.next();
        // A number is written with all its digits, so equal texts are equal bits.
        let text = |epoch| format!("[[epochs]]\n{}", toml::to_string(epoch).unwrap_or_default());
        let expected = expected.as_ref().map(text).unwrap_or_default();
        self.compare(format!("epoch {}", record.epoch), text(&found), expected)
    }
}

/// Trains and compares.
///
/// # Errors
/// Where the data set cannot be had, and at the first epoch that differs.
pub fn run(arguments: &VerifyArgs) -> Outcome {
    let recorded: Recorded = toml::from_str(include_str!("verify.toml"))?;
    let architecture = recorded.network.architecture([32, 32, 3], 10)?;
    let mut model = architecture.build(recorded.training.seed)?;
    let cifar = data_set(arguments.data.as_deref())?;
    let (train, validation) = Split::Last.divide(&cifar.train)?;
    let (epochs, what) = match arguments.quick {
        true => (1, "the first epoch"),
        false => (recorded.training.epochs, "all epochs"),
    };
    let (run, date, machine) = (recorded.run, recorded.date, recorded.machine);
    let instructions = Instructions::detect();
    say!("Training {what} with {instructions}, to compare with {run} of {date} on {machine}");
    if !instructions.has_fused_multiply_add() {
        say!("This path has no fused multiply-add: its bits differ from the first epoch on.");
    }
    let compare = |epochs: Vec<Epoch>| Compare {
        epochs: epochs.into_iter(),
        record: arguments.record,
    };
    let trainer = recorded.training.clone().trainer().epochs(epochs);
    let trainer = trainer.callback(compare(recorded.epochs));
    let mut trainer = trainer.progress(EpochLines::to(std::io::stdout()));
    trainer.fit(&mut model, &train, validation.as_ref())?;
    if !arguments.quick {
        let test = model.evaluate_with(&cifar.test, recorded.training.loss)?;
        let text = |loss, accuracy| format!("test_loss = {loss}\ntest_accuracy = {accuracy}");
        let expected = text(recorded.test_loss, recorded.test_accuracy);
        let found = text(test.loss, test.accuracy);
        compare(Vec::new()).compare("the test set".to_owned(), found, expected)?;
    }
    if !arguments.record {
        let parameters = model.parameter_count();
        say!("The same {parameters} weights, losses and accuracies in {what}, bit for bit");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::in_laboratory;
    use lab_notebook::lab::{Lab, Scale};

    #[test]
    fn the_record_is_that_of_the_collected_run() {
        let recorded: Recorded = toml::from_str(include_str!("verify.toml")).unwrap();
        assert_eq!(recorded.epochs.len(), recorded.training.epochs);
        let lab = Lab::at(in_laboratory("."), Scale::Full);
        let run = lab.saved(&recorded.run).unwrap();
        for (found, epoch) in run.history.epochs.iter().zip(&recorded.epochs) {
            let numbers = [
                found.loss,
                found.accuracy,
                found.val_loss.unwrap(),
                found.val_accuracy.unwrap(),
            ];
            let wanted = [
                epoch.loss,
                epoch.accuracy,
                epoch.val_loss.unwrap(),
                epoch.val_accuracy.unwrap(),
            ];
            // The committed losses were summed with the system's logarithm, which may differ from libm's in the last place.
            let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-15;
            assert!(
                numbers.iter().zip(&wanted).all(near),
                "{numbers:?} {wanted:?}"
            );
        }
        let test = run.test_record().unwrap();
        assert_eq!(
            (test.loss, test.accuracy),
            (recorded.test_loss, recorded.test_accuracy)
        );
    }
}
