//! Write networks and a log to files while training goes on.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::monitor::{Best, Monitor};
use crate::error::{LabError, Result};
use crate::files::write_failed;
use crate::training::callback::{Callback, CallbackState, Control};
use crate::training::history::{EpochRecord, History, write_rows};

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
        Self {
            path: path.as_ref().to_owned(),
            best: Some(Best::of(monitor)),
        }
    }

    /// Writes `epoch-001.safetensors`, `epoch-002.safetensors`, … into a folder, which is made if need be.
    pub fn every_epoch(folder: impl AsRef<Path>) -> Self {
        Self {
            path: folder.as_ref().to_owned(),
            best: None,
        }
    }
}

impl Callback for ModelCheckpoint {
    fn on_train_begin(&mut self, _: &mut Control<'_>) -> Result<()> {
        if let Some(best) = &mut self.best {
            *best = Best::of(best.monitor);
            return Ok(());
        }
        let remedy = "check that the folder may be written";
        fs::create_dir_all(&self.path)
            .map_err(|error| LabError::io("create", &self.path, error, remedy))
    }

    fn state(&self) -> CallbackState {
        CallbackState {
            numbers: self.best.iter().map(|best| best.badness).collect(),
            model: None,
        }
    }

    fn resume(&mut self, state: CallbackState, _: &History) -> Result<()> {
        if let Some(best) = &mut self.best {
            [best.badness] = state.numbers("model checkpoint")?;
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        let Some(best) = &mut self.best else {
            return control.model.save(
                self.path
                    .join(format!("epoch-{:03}.safetensors", record.epoch)),
            );
        };
        if best.improves(record, 0.0)? {
            control.model.save(&self.path)
        } else {
            Ok(())
        }
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
    /// Writes to `path`; what was there before is replaced when the training begins, by the
    /// epochs so far where it goes on from a checkpoint.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            file: None,
        }
    }

    fn write(&mut self, records: &[EpochRecord]) -> Result<()> {
        let (Some(file), Some(first)) = (&mut self.file, records.first()) else {
            return Ok(());
        };
        let rows = write_rows(records, first.epoch == 1)
            .map_err(|error| write_failed(&self.path, error.into()))?;
        file.write_all(&rows)
            .map_err(|error| write_failed(&self.path, error))
    }
}

impl Callback for CsvLogger {
    fn on_train_begin(&mut self, _: &mut Control<'_>) -> Result<()> {
        self.file =
            Some(File::create(&self.path).map_err(|error| write_failed(&self.path, error))?);
        Ok(())
    }

    fn resume(&mut self, _: CallbackState, history: &History) -> Result<()> {
        self.write(&history.epochs)
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, _: &mut Control<'_>) -> Result<()> {
        self.write(&[*record])
    }

    fn on_train_end(&mut self, _: &History, _: &mut Control<'_>) -> Result<()> {
        self.file = None;
        Ok(())
    }
}
