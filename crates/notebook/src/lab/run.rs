//! An experiment: a training whose history, settings and results are kept in a folder of their own.

use std::fmt;
use std::path::{Path, PathBuf};

use super::live::LiveLog;
use super::record::{DataRecord, Machine, Record, TestRecord};
use super::run_folder::{HISTORY, MODEL, RunFolder};
use super::{Lab, Scale, check_run_name, tables};
use crate::prelude::*;

/// An experiment that is about to begin.
#[derive(Clone, Debug)]
pub struct Experiment {
    pub(super) lab: Lab,
    pub(super) name: String,
    pub(super) quiet: bool,
    pub(super) resume: bool,
}

/// After how many epochs a checkpoint is written: seldom enough to cost nothing that one would notice.
const CHECKPOINT_EVERY: usize = 5;

impl Experiment {
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
}

/// Lets a trainer log to a run.
pub trait LogTo: Sized {
    /// Keeps the history, the options and the results of the next `fit` in the run's folder, writes checkpoints beside it,
    /// and shows live curves; a run that is there already stays until the new one is complete.
    ///
    /// ```no_run
    /// use lab_notebook::prelude::*;
    /// let lab = Lab::open()?;
    /// let cifar = lab.cifar10()?;
    /// let (train, validation) = cifar.train.split(0.8, Seed(42))?;
    /// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
    ///     .epochs(lab.epochs(10))
    ///     .log_to(lab.run("small"))?
    ///     .fit(&mut model, &train, &validation)?;
    /// let run = lab.saved("small")?.test(&model, &cifar.test)?;
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// Where the name cannot be that of a folder, the folder cannot be written, or another training writes it.
    fn log_to(self, experiment: Experiment) -> Result<Self>;
}

impl LogTo for Trainer {
    fn log_to(self, experiment: Experiment) -> Result<Self> {
        let (lab, name) = (&experiment.lab, &experiment.name);
        check_run_name(name)?;
        let folder = RunFolder::begin(&lab.run_folder(name))?;
        let (resume, how) = (experiment.resume, resuming(name));
        let (mut trainer, said) = folder.checkpointed(self, CHECKPOINT_EVERY, resume, &how)?;
        if let Some(said) = said {
            println!("{name}: {said}");
        }
        if experiment.quiet {
            trainer = trainer.progress(Silent);
        }
        Ok(trainer
            .callback(CsvLogger::new(folder.file(HISTORY)))
            .callback(LiveLog::new(lab.live_file(name)))
            .callback(Recorder(experiment, Some(folder))))
    }
}

/// Writes the record of a run when its training ends, and puts the run in its place.
struct Recorder(Experiment, Option<RunFolder>);

impl Callback for Recorder {
    fn on_train_end(&mut self, control: &mut Control<'_>) -> Result<()> {
        let (Experiment { lab, name, .. }, history) = (&self.0, &control.history);
        let (done, config) = (history.epochs.len(), control.config);
        // An error ended it: there is nothing to keep but the checkpoint.
        let failed = history.stopped == Stopped::Finished && done < config.epochs;
        let Some(folder) = self.1.take().filter(|_| !failed) else {
            return Ok(());
        };
        let path = lab.run_folder(name);
        if let Stopped::Interrupted { epoch } = history.stopped {
            let found = format!("a training that was interrupted in epoch {epoch}");
            let remedy = format!("go on with {}", resuming(name));
            return Err(LabError::format(path, found, "a whole run", remedy));
        }
        let data = DataRecord {
            set: lab.scale().data_set().to_owned(),
            train: control.train.len(),
            validation: control.validation.map_or(0, Dataset::len),
        };
        let machine = Machine::this(None);
        let record = Record::new(data, control.model, config.clone(), history, machine);
        record.write(&folder.file(""))?;
        let checkpoints = folder.checkpoints();
        folder.commit()?;
        // They are of no use any more; what cannot be removed does no harm.
        _ = std::fs::remove_dir_all(checkpoints);
        if self.0.quiet {
            println!("{}", lab.saved(name)?);
        }
        Ok(())
    }
}

fn resuming(name: &str) -> String {
    format!("lab.run(\"{name}\").resume()")
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
        let (found, expected) = ("no test", "a run that was tested");
        let absent = || LabError::format(&self.folder, found, expected, "call .test on it");
        self.record.test.as_ref().ok_or_else(absent)
    }

    /// The accuracy on the test set, where the run was tested.
    pub fn test_accuracy(&self) -> Option<f64> {
        self.record.test.as_ref().map(|test| test.accuracy)
    }

    /// The validation accuracy after the last epoch in percent, unlike the best epoch's no choice; NaN where there is none.
    pub fn val_percent(&self) -> f64 {
        let last = self.history.epochs.last();
        let accuracy = last.and_then(|record| record.val_accuracy);
        100.0 * accuracy.unwrap_or(f64::NAN)
    }
}

impl Lab {
    /// The result of an earlier experiment: from its folder, or else from the tables of [`Lab::collect`].
    ///
    /// # Errors
    /// Where it is missing or damaged; the remedy names the notebook that makes it.
    pub fn saved(&self, name: &str) -> Result<Run> {
        let folder = self.run_folder(name);
        let missing = |found: &str| missing(self, name, found);
        let entry = match folder.is_dir() {
            true => read_folder(&folder).map(Some),
            false => tables::read(&self.outputs()).map(|mut entries| entries.remove(name)),
        };
        let entry = entry.map_err(|error| missing(&error.to_string()))?;
        let (record, mut history) = entry.ok_or_else(|| missing("nothing"))?;
        let (kept, told) = (history.epochs.len(), record.epochs);
        let (set, wanted) = (&record.data.set, self.scale().data_set());
        if kept != told {
            return Err(missing(&format!("{kept} epochs of {told}")));
        }
        if set != wanted {
            return Err(missing(&format!("a run on {set}, not on {wanted}")));
        }
        (history.stopped, history.warnings) = (record.stopped, record.warnings.clone());
        Ok(Run {
            name: name.to_owned(),
            history,
            record,
            folder,
        })
    }
}

fn read_folder(folder: &Path) -> Result<tables::Entry> {
    let record = Record::read(folder)?;
    // A training that diverged in its first epoch has an empty history.
    let history = match record.epochs {
        0 => History::default(),
        _ => History::from_csv(folder.join(HISTORY))?,
    };
    Ok((record, history))
}

/// The error of runs that are not there or cannot be used; a name that begins with a number is a notebook's.
pub(super) fn missing(lab: &Lab, name: &str, found: &str) -> LabError {
    let sample = ["", " --sample"][usize::from(lab.scale() == Scale::Sample)];
    let number = name.get(..2).filter(|number| number.parse::<u8>().is_ok());
    let remedy = number.map_or("make the run first".to_owned(), |number| {
        format!("notebook {number} makes it: cargo lab report{sample} --only {number}")
    });
    LabError::format(lab.run_folder(name), found, "a finished run", remedy)
}

impl fmt::Display for Run {
    /// One line with name, epochs, seconds, the best validation and the test accuracy; the warnings under it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, history, record) = (&self.name, &self.history, &self.record);
        let (epochs, seconds) = (record.epochs, record.seconds);
        write!(f, "{name:<28} {epochs:>2} epochs {seconds:>6.1} s")?;
        if let Stopped::Diverged { epoch, step } = record.stopped {
            write!(f, "  diverged in epoch {epoch}, step {step}")?;
        } else if let Some(last) = history.epochs.last() {
            write!(f, "  loss {:.4}  accuracy {:.4}", last.loss, last.accuracy)?;
        }
        let best = history.best().map(|it| (it.val_loss, it.val_accuracy));
        if let Some((Some(loss), Some(accuracy))) = best {
            write!(f, "  val_loss {loss:.4}  val_accuracy {accuracy:.4}")?;
        }
        if let Some(accuracy) = self.test_accuracy() {
            write!(f, "  test {accuracy:.4}")?;
        }
        let mut warnings = history.warnings.iter();
        warnings.try_for_each(|warning| write!(f, "\n  warning: {warning}"))
    }
}

/// Checks that runs belong together: one data set, one version of the laboratory.
///
/// # Errors
/// Names two runs that do not.
pub fn same_laboratory(runs: &[&Run]) -> Result<()> {
    let made = |run: &Run| {
        let (set, version) = (&run.record.data.set, &run.record.lab);
        let instructions = &run.record.machine.instructions;
        format!("on {set} with version {version} and {instructions}")
    };
    let Some(other) = runs.iter().find(|run| made(run) != made(runs[0])) else {
        return Ok(());
    };
    let [found, expected] = [other, &runs[0]].map(|run| format!("{} {}", run.name, made(run)));
    let remedy = "make them all again: cargo lab report";
    Err(LabError::value("runs", found, expected, remedy))
}
