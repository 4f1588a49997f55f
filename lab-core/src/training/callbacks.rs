//! The usual callbacks: stop early, keep the best weights, change the learning rate, write a log.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::callback::{Callback, Control};
use super::history::{EpochRecord, History, write_rows};
use super::optimizer::check_rate;
use super::settings::RESTORES;
use crate::error::{LabError, Result};
use crate::files::write_failed;
use crate::model::Sequential;
use crate::names::named;

/// The number of an epoch that a callback watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// The training loss.
    Loss,
    /// The training accuracy.
    Accuracy,
    /// The validation loss.
    ValLoss,
    /// The validation accuracy.
    ValAccuracy,
}

named!(Monitor, "monitor", 4, {
    Loss => "loss",
    Accuracy => "accuracy",
    ValLoss => "val_loss",
    ValAccuracy => "val_accuracy",
});

impl Monitor {
    /// The number, turned so that lower is better.
    fn badness(self, record: &EpochRecord) -> Result<f64> {
        let value = match self {
            Self::Loss => Some(record.loss),
            Self::Accuracy => Some(-record.accuracy),
            Self::ValLoss => record.val_loss,
            Self::ValAccuracy => record.val_accuracy.map(|accuracy| -accuracy),
        };
        value.ok_or_else(|| {
            let expected = "validation data for fit";
            LabError::value(format!("monitor {self:?}"), "none", expected, "give fit validation data, or watch Loss")
        })
    }
}

/// The best value of a monitored number so far.
#[derive(Clone, Debug)]
struct Best {
    monitor: Monitor,
    badness: f64,
}

impl Best {
    fn of(monitor: Monitor) -> Self {
        Self { monitor, badness: f64::INFINITY }
    }

    /// Whether an epoch is better than all before it by more than `least`; then it is the best.
    fn improves(&mut self, record: &EpochRecord, least: f64) -> Result<bool> {
        let badness = self.monitor.badness(record)?;
        let better = badness < self.badness - least;
        if better {
            self.badness = badness;
        }
        Ok(better)
    }
}

/// Ends the training when a number has not improved for some epochs; any improvement counts (Prechelt, 1998).
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train.take(200);
/// let (train, validation) = train.hold_out_last(0.2)?;
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(0.0))
///     .epochs(50)
///     .callback(EarlyStopping::on_val_loss().patience(3).restore_best_weights())
///     .fit(&mut model, &train, &validation)?;
/// assert_eq!(history.stopped, Stopped::Early { epoch: 4 });
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    best: Best,
    patience: usize,
    restore: bool,
    waited: usize,
    best_model: Option<Sequential>,
}

impl EarlyStopping {
    /// Watches the validation loss, with patience 0.
    pub fn on_val_loss() -> Self {
        Self::on(Monitor::ValLoss)
    }

    /// Watches any number, with patience 0.
    pub fn on(monitor: Monitor) -> Self {
        Self { best: Best::of(monitor), patience: 0, restore: false, waited: 0, best_model: None }
    }

    /// How many epochs without improvement end the training.
    pub fn patience(self, epochs: usize) -> Self {
        Self { patience: epochs, ..self }
    }

    /// Gives the network the weights of its best epoch at the end, stopped early or not.
    pub fn restore_best_weights(self) -> Self {
        Self { restore: true, ..self }
    }
}

impl Callback for EarlyStopping {
    fn describe(&self) -> Option<String> {
        let weights = if self.restore { format!(", {RESTORES}") } else { String::new() };
        Some(format!("early stopping on {} with patience {}{weights}", self.best.monitor, self.patience))
    }

    fn on_train_begin(&mut self, _: &mut Control<'_>) -> Result<()> {
        (self.waited, self.best, self.best_model) = (0, Best::of(self.best.monitor), None);
        Ok(())
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        if self.best.improves(record, 0.0)? {
            self.waited = 0;
            if self.restore {
                self.best_model = Some(control.model.clone());
            }
            return Ok(());
        }
        self.waited += 1;
        if self.waited >= self.patience {
            control.stop();
        }
        Ok(())
    }

    fn on_train_end(&mut self, _: &History, control: &mut Control<'_>) -> Result<()> {
        if let Some(best) = self.best_model.take() {
            *control.model = best;
        }
        Ok(())
    }
}

/// Writes the network to a file after each epoch that is the best so far, or after every epoch.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train.take(200);
/// let (train, validation) = train.hold_out_last(0.2)?;
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let path = std::env::temp_dir().join(format!("best-{}.safetensors", std::process::id()));
/// Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
///     .epochs(3)
///     .callback(ModelCheckpoint::best(&path, Monitor::ValAccuracy))
///     .fit(&mut model, &train, &validation)?;
/// let best = Sequential::load(&path)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ModelCheckpoint {
    path: PathBuf,
    best: Option<Best>,
}

impl ModelCheckpoint {
    /// Writes `path` anew whenever the monitored number is the best so far.
    pub fn best(path: impl AsRef<Path>, monitor: Monitor) -> Self {
        Self { path: path.as_ref().to_owned(), best: Some(Best::of(monitor)) }
    }

    /// Writes `epoch-001.safetensors`, `epoch-002.safetensors`, … into a folder, which is made if need be.
    pub fn every_epoch(folder: impl AsRef<Path>) -> Self {
        Self { path: folder.as_ref().to_owned(), best: None }
    }
}

impl Callback for ModelCheckpoint {
    fn on_train_begin(&mut self, _: &mut Control<'_>) -> Result<()> {
        if let Some(best) = &mut self.best {
            *best = Best::of(best.monitor);
            return Ok(());
        }
        let remedy = "check that the folder may be written";
        fs::create_dir_all(&self.path).map_err(|error| LabError::io("create", &self.path, error, remedy))
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        let Some(best) = &mut self.best else {
            return control.model.save(self.path.join(format!("epoch-{:03}.safetensors", record.epoch)));
        };
        if best.improves(record, 0.0)? { control.model.save(&self.path) } else { Ok(()) }
    }
}

/// Sets the learning rate before each epoch (from 0) to what a function of the epoch and the rate so far says.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train.take(200);
/// let (train, validation) = train.hold_out_last(0.2)?;
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
///     .epochs(3)
///     .callback(LearningRateScheduler::new(|epoch, rate| if epoch == 0 { rate } else { rate / 2.0 }))
///     .fit(&mut model, &train, &validation)?;
/// assert_eq!(history.epochs[2].learning_rate, 0.00025);
/// # Ok::<(), LabError>(())
/// ```
pub struct LearningRateScheduler(Box<dyn FnMut(usize, f32) -> f32>);

impl LearningRateScheduler {
    /// Takes the function.
    pub fn new(rate: impl FnMut(usize, f32) -> f32 + 'static) -> Self {
        Self(Box::new(rate))
    }
}

impl Callback for LearningRateScheduler {
    fn describe(&self) -> Option<String> {
        Some("learning rate by a function of the epoch".to_owned())
    }

    fn on_epoch_begin(&mut self, epoch: usize, control: &mut Control<'_>) -> Result<()> {
        *control.learning_rate = (self.0)(epoch, *control.learning_rate);
        Ok(())
    }
}

/// Lowers the learning rate when a number has not improved by 0.0001 for some epochs.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train.take(200);
/// let (train, validation) = train.hold_out_last(0.2)?;
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-9))
///     .epochs(4)
///     .callback(ReduceLrOnPlateau::on_val_loss().factor(0.5).patience(2))
///     .fit(&mut model, &train, &validation)?;
/// assert_eq!(history.epochs[3].learning_rate, 0.5e-9);
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReduceLrOnPlateau {
    best: Best,
    factor: f32,
    patience: usize,
    min_lr: f32,
    waited: usize,
}

impl ReduceLrOnPlateau {
    /// Watches the validation loss; factor 0.1, patience 10, down to 0: Keras's defaults.
    pub fn on_val_loss() -> Self {
        Self { best: Best::of(Monitor::ValLoss), factor: 0.1, patience: 10, min_lr: 0.0, waited: 0 }
    }

    /// What the learning rate is multiplied by.
    pub fn factor(self, factor: f32) -> Self {
        Self { factor, ..self }
    }

    /// After how many epochs without improvement.
    pub fn patience(self, epochs: usize) -> Self {
        Self { patience: epochs, ..self }
    }

    /// The rate that it does not go below.
    pub fn min_lr(self, learning_rate: f32) -> Self {
        Self { min_lr: learning_rate, ..self }
    }
}

impl Callback for ReduceLrOnPlateau {
    fn describe(&self) -> Option<String> {
        let Self { best, factor, patience, .. } = self;
        Some(format!("learning rate times {factor} after {patience} epochs without a better {}", best.monitor))
    }

    fn on_train_begin(&mut self, _: &mut Control<'_>) -> Result<()> {
        (self.waited, self.best) = (0, Best::of(self.best.monitor));
        if !(self.factor > 0.0 && self.factor < 1.0) {
            let remedy = "0.1 is a usual factor";
            return Err(LabError::value(
                "ReduceLrOnPlateau: factor",
                self.factor.to_string(),
                "between 0 and 1",
                remedy,
            ));
        }
        check_rate("ReduceLrOnPlateau: min_lr", self.min_lr)
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        const LEAST_IMPROVEMENT: f64 = 1e-4;
        if self.best.improves(record, LEAST_IMPROVEMENT)? {
            self.waited = 0;
            return Ok(());
        }
        self.waited += 1;
        if self.waited >= self.patience && *control.learning_rate > self.min_lr {
            *control.learning_rate = (*control.learning_rate * self.factor).max(self.min_lr);
            self.waited = 0;
        }
        Ok(())
    }
}

/// Writes each epoch to a CSV file as soon as it is done.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train.take(200);
/// let (train, validation) = train.hold_out_last(0.2)?;
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let path = std::env::temp_dir().join(format!("history-{}.csv", std::process::id()));
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
///     .epochs(2)
///     .callback(CsvLogger::new(&path))
///     .fit(&mut model, &train, &validation)?;
/// assert_eq!(History::from_csv(&path)?, history);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), LabError>(())
/// ```
#[derive(Debug)]
pub struct CsvLogger {
    path: PathBuf,
    file: Option<File>,
}

impl CsvLogger {
    /// Writes to `path`; what was there before is replaced when the training begins.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), file: None }
    }
}

impl Callback for CsvLogger {
    fn on_train_begin(&mut self, _: &mut Control<'_>) -> Result<()> {
        self.file = Some(File::create(&self.path).map_err(|error| write_failed(&self.path, error))?);
        Ok(())
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, _: &mut Control<'_>) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let row = write_rows(&[*record], record.epoch == 1).map_err(|error| write_failed(&self.path, error.into()))?;
        file.write_all(&row).map_err(|error| write_failed(&self.path, error))
    }

    fn on_train_end(&mut self, _: &History, _: &mut Control<'_>) -> Result<()> {
        self.file = None;
        Ok(())
    }
}
