//! An experiment: a training whose history, settings and results are kept in a folder of their own.

use std::fmt;
use std::path::{Path, PathBuf};

use super::live::LiveLogger;
use super::record::{DataRecord, Record, TestRecord};
use super::run_folder::{HISTORY, MODEL, RunFolder};
use super::{Lab, Scale};
use crate::data::Dataset;
use crate::error::{LabError, Result};
use crate::model::Sequential;
use crate::training::{Checkpoint, CsvLogger, History, Silent, Stopped, Trainer};

/// An experiment that is about to begin.
#[derive(Clone, Debug)]
pub struct Experiment {
    lab: Lab,
    name: String,
    quiet: bool,
    resume: bool,
}

/// After how many epochs a checkpoint is written: seldom enough to cost nothing that one would notice.
const CHECKPOINT_EVERY: usize = 5;

impl Experiment {
    pub(super) fn new(lab: Lab, name: String) -> Self {
        Self {
            lab,
            name,
            quiet: false,
            resume: false,
        }
    }

    /// Prints one line when it is done instead of a line for each epoch: for one of many.
    pub fn quietly(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Goes on from the checkpoint that an interrupted training of this name has left, or begins where there is none.
    pub fn resume(mut self) -> Self {
        self.resume = true;
        self
    }

    /// Trains the network, as [`Trainer::fit`] does, and keeps the history and the record.
    ///
    /// A checkpoint is written after every five epochs, and removed when the run is whole.
    ///
    /// # Errors
    /// As [`Trainer::fit`], where the folder cannot be written, and where a callback interrupts the training; then the
    /// run that was there before stays.
    pub fn fit(
        self,
        trainer: Trainer,
        model: &mut Sequential,
        train: &Dataset,
        validation: &Dataset,
    ) -> Result<Run> {
        let Self {
            lab,
            name,
            quiet,
            resume,
        } = self;
        Lab::check_run_name(&name)?;
        let path = lab.run_folder(&name);
        let folder = RunFolder::begin(&path)?;
        let planned = trainer.settings();
        let live = lab.live_folder().join(format!("{name}.csv"));
        let live = LiveLogger::new(
            live,
            planned.epochs,
            train.len().div_ceil(planned.batch_size.max(1)),
        );
        let trainer = trainer
            .callback(CsvLogger::new(folder.file(HISTORY)))
            .callback(live);
        let trainer = if quiet {
            trainer.progress(Silent)
        } else {
            trainer
        };
        let checkpoints = folder.checkpoints();
        let trainer = trainer.checkpoint(&checkpoints, CHECKPOINT_EVERY);
        let resuming = format!("lab.run(\"{name}\").resume()");
        let mut trainer = match Checkpoint::find(&checkpoints) {
            Ok(None) if resume => {
                println!("{name}: there is no checkpoint, so the training begins");
                trainer
            }
            Ok(Some(checkpoint)) if resume => {
                println!("{name}: going on from {checkpoint}");
                trainer.resume()
            }
            Err(error) if resume => return Err(error),
            Ok(Some(checkpoint)) if !checkpoint.is_finished() => {
                println!("{name}: an earlier training was interrupted and has left {checkpoint}.");
                println!("This one begins anew; to go on from there instead, write {resuming}");
                trainer
            }
            _ => trainer,
        };
        let settings = trainer.settings();
        let history = trainer.fit(model, train, validation)?;
        if let Stopped::Interrupted { epoch, step } = history.stopped {
            let found =
                format!("a training that was interrupted after step {step} of epoch {epoch}");
            return Err(LabError::format(
                path,
                found,
                "a whole run",
                format!("go on with {resuming}"),
            ));
        }
        let set = lab.scale().data_set().to_owned();
        let data = DataRecord {
            set,
            train: train.len(),
            validation: validation.len(),
        };
        let record = Record::new(data, model, settings, &history);
        folder.write_record(&record)?;
        folder.commit()?;
        // It is of no use any more; what cannot be removed harms nobody.
        _ = std::fs::remove_dir_all(checkpoints);
        let run = Run {
            name,
            history,
            record,
            folder: path,
        };
        if quiet {
            let warnings = match run.history.warnings.len() {
                0 => String::new(),
                count => format!(
                    "  ({count} warning{}: show the run)",
                    if count == 1 { "" } else { "s" }
                ),
            };
            println!("{}{warnings}", run.line());
        }
        Ok(run)
    }
}

/// A finished experiment: `outputs/runs/NAME` with `history.csv` and `metrics.json`.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name, which is its folder's.
    pub name: String,
    /// Loss and accuracy of each epoch.
    pub history: History,
    /// How it was made and what came of it.
    pub record: Record,
    folder: PathBuf,
}

impl Run {
    /// Evaluates the network on the test set and adds what it reached to the record.
    ///
    /// # Errors
    /// As [`Sequential::evaluate`], and where the record cannot be written.
    pub fn test(mut self, model: &Sequential, test: &Dataset) -> Result<Self> {
        let evaluation = model.evaluate_with(test, self.record.training.loss)?;
        self.record.test = Some(TestRecord::new(&evaluation));
        self.record.write(&self.folder)?;
        Ok(self)
    }

    /// Keeps the network's weights beside the record, for [`Run::model`].
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn keep(self, model: &Sequential) -> Result<Self> {
        model.save(self.folder.join(MODEL))?;
        Ok(self)
    }

    /// The network whose weights were kept.
    ///
    /// # Errors
    /// Where none were, or they are damaged.
    pub fn model(&self) -> Result<Sequential> {
        Sequential::load(self.folder.join(MODEL))
    }

    /// What it reached on the test set.
    ///
    /// # Errors
    /// Where it was not tested.
    pub fn test_record(&self) -> Result<&TestRecord> {
        let absent = || {
            LabError::format(
                &self.folder,
                "no test",
                "a run that was tested",
                "call .test on it",
            )
        };
        self.record.test.as_ref().ok_or_else(absent)
    }

    /// The accuracy on the test set, where the run was tested.
    pub fn test_accuracy(&self) -> Option<f64> {
        self.record.test.as_ref().map(|test| test.accuracy)
    }

    /// The best validation accuracy of an epoch; none where no epoch was finished or validated.
    pub fn best_val_accuracy(&self) -> Option<f64> {
        let finite = self
            .history
            .epochs
            .iter()
            .filter_map(|record| record.val_accuracy);
        finite.max_by(f64::total_cmp)
    }

    /// The lowest validation loss of an epoch; none where no epoch was finished or validated.
    pub fn best_val_loss(&self) -> Option<f64> {
        self.history.best().and_then(|best| best.val_loss)
    }

    /// One line: name, epochs, seconds, the best validation, the test accuracy.
    pub fn line(&self) -> String {
        let Self {
            name,
            history,
            record,
            ..
        } = self;
        let mut line = format!(
            "{name:<28} {:>2} epochs {:>6.1} s",
            record.epochs, record.seconds
        );
        if let Stopped::Diverged { epoch, step } = record.stopped {
            line += &format!("  diverged in epoch {epoch}, step {step}");
        } else if let Some(last) = history.epochs.last() {
            line += &format!("  loss {:.4}  accuracy {:.4}", last.loss, last.accuracy);
        }
        if let Some(best) = history.best().filter(|best| best.val_loss.is_some()) {
            let value = |value: Option<f64>| value.unwrap_or(f64::NAN);
            line += &format!(
                "  val_loss {:.4}  val_accuracy {:.4}",
                value(best.val_loss),
                value(best.val_accuracy)
            );
        }
        if let Some(accuracy) = self.test_accuracy() {
            line += &format!("  test {accuracy:.4}");
        }
        line
    }

    /// Reads a run back.
    ///
    /// # Errors
    /// Where it is missing, unfinished, damaged, or of another scale.
    pub(super) fn read(folder: &Path, name: &str, scale: Scale) -> Result<Self> {
        let missing = |what: String| missing(folder, name, scale, what);
        if !folder.is_dir() {
            return Err(missing("nothing".to_owned()));
        }
        let record = Record::read(folder).map_err(|error| missing(error.to_string()))?;
        // A training that diverged in its first epoch has an empty history.
        let mut history = match record.epochs {
            0 => History::default(),
            _ => History::from_csv(folder.join(HISTORY))
                .map_err(|error| missing(error.to_string()))?,
        };
        (history.stopped, history.warnings) = (record.stopped, record.warnings.clone());
        if record.epochs != history.epochs.len() {
            return Err(missing(format!(
                "{} epochs in {HISTORY}, {} in the record",
                history.epochs.len(),
                record.epochs
            )));
        }
        if record.data.set != scale.data_set() {
            return Err(missing(format!(
                "a run on {}, not on {}",
                record.data.set,
                scale.data_set()
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            history,
            record,
            folder: folder.to_owned(),
        })
    }
}

/// The error of runs that are not there or cannot be used; a name that begins with a number is a notebook's.
pub(super) fn missing(folder: &Path, name: &str, scale: Scale, found: String) -> LabError {
    let sample = if scale == Scale::Sample {
        " --sample"
    } else {
        ""
    };
    let remedy = match name
        .get(..2)
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    {
        Some(number) => {
            format!("notebook {number} makes it: cargo lab report{sample} --only {number}")
        }
        None => "make the run first".to_owned(),
    };
    LabError::format(folder, found, "a finished run", remedy)
}

impl fmt::Display for Run {
    /// The line of [`Run::line`], the warnings under it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())?;
        self.history
            .warnings
            .iter()
            .try_for_each(|warning| write!(f, "\n  warning: {warning}"))
    }
}

/// Checks that runs belong together: one data set, one version of the laboratory.
///
/// # Errors
/// Names two runs that do not.
pub fn same_laboratory(runs: &[&Run]) -> Result<()> {
    let of = |run: &Run| {
        (
            run.record.data.set.clone(),
            run.record.lab.clone(),
            run.record.machine.instructions.clone(),
        )
    };
    let Some(first) = runs.first() else {
        return Ok(());
    };
    let Some(other) = runs.iter().find(|run| of(run) != of(first)) else {
        return Ok(());
    };
    let describe = |run: &Run| {
        let (set, version, instructions) = of(run);
        format!(
            "{} on {set} with version {version} and {instructions}",
            run.name
        )
    };
    let remedy = "make them all again: cargo lab report";
    Err(LabError::value(
        "runs",
        describe(other),
        format!("as {}", describe(first)),
        remedy,
    ))
}
