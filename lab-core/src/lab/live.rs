//! How far a training is, in a small file that live curves follow while it runs.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::files::write_failed;
use crate::training::{
    BatchRecord, Callback, CallbackState, Control, EpochRecord, History, Stopped,
};

/// How often the file is written within an epoch, at most: oftener than an eye needs is work for nothing.
const EVERY: Duration = Duration::from_millis(400);

const HEADER: &str =
    "epoch,epochs,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds,state\n";

/// Writes where a training is to a CSV file: a row for each epoch, and rows for the epoch at hand, whose number is then a
/// fraction. The file is never half written; its last column says how the training ended.
pub(super) struct LiveLogger {
    path: PathBuf,
    epochs: usize,
    batches: usize,
    rows: Vec<Row>,
    /// How many of the rows are whole epochs.
    whole: usize,
    /// When the training would have begun, had it been done in one go.
    begun: Instant,
    written: Instant,
    training: bool,
}

#[derive(Clone, Copy)]
struct Row {
    epoch: f64,
    loss: f64,
    accuracy: f64,
    val_loss: Option<f64>,
    val_accuracy: Option<f64>,
    learning_rate: f32,
    seconds: f64,
}

/// Makes the file of a run that is awaited, so that whoever follows it need not ask for what is not there.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn announce(path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(|error| write_failed(folder, error))?;
    match fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
    {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        opened => opened
            .and_then(|mut file| file.write_all(HEADER.as_bytes()))
            .map_err(|e| write_failed(path, e)),
    }
}

impl LiveLogger {
    pub(super) fn new(path: PathBuf, epochs: usize, batches: usize) -> Self {
        let now = Instant::now();
        Self {
            path,
            epochs,
            batches,
            rows: Vec::new(),
            whole: 0,
            begun: now,
            written: now,
            training: false,
        }
    }

    fn epoch(&mut self, record: &EpochRecord, seconds: f64) {
        let EpochRecord {
            epoch,
            loss,
            accuracy,
            val_loss,
            val_accuracy,
            learning_rate,
            ..
        } = *record;
        self.rows.truncate(self.whole);
        self.rows.push(Row {
            epoch: epoch as f64,
            loss,
            accuracy,
            val_loss,
            val_accuracy,
            learning_rate,
            seconds,
        });
        self.whole = self.rows.len();
    }

    /// What cannot be told harms no training: a disk that is full is an error where results are written.
    fn write(&mut self, state: &str) {
        let (epochs, mut text) = (self.epochs, HEADER.to_owned());
        let optional =
            |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        for row in &self.rows {
            let Row {
                epoch,
                loss,
                accuracy,
                val_loss,
                val_accuracy,
                learning_rate,
                seconds,
            } = *row;
            let (val_loss, val_accuracy) = (optional(val_loss), optional(val_accuracy));
            // Writing to a string does not fail.
            _ = writeln!(
                text,
                "{epoch},{epochs},{loss},{accuracy},{val_loss},{val_accuracy},{learning_rate},{seconds:.3},{state}"
            );
        }
        if self.rows.is_empty() {
            _ = writeln!(text, "0,{epochs},,,,,,0,{state}");
        }
        self.written = Instant::now();
        // Not put on the disk at once, as results are: after a power cut nobody follows it any more.
        let part = self.path.with_extension("part");
        _ = fs::write(&part, text).and_then(|()| fs::rename(&part, &self.path));
    }
}

impl Callback for LiveLogger {
    fn on_train_begin(&mut self, _: &mut Control<'_>) -> Result<()> {
        self.rows.clear();
        self.whole = 0;
        self.begun = Instant::now();
        self.training = true;
        _ = announce(&self.path);
        self.write("training");
        Ok(())
    }

    fn resume(&mut self, _: CallbackState, history: &History) -> Result<()> {
        let mut seconds = 0.0;
        for record in &history.epochs {
            seconds += record.seconds;
            self.epoch(record, seconds);
        }
        let before = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        self.begun = self.begun.checked_sub(before).unwrap_or(self.begun);
        self.write("training");
        Ok(())
    }

    fn on_batch_end(&mut self, record: &BatchRecord, _: &mut Control<'_>) -> Result<()> {
        if self.written.elapsed() < EVERY || record.batch == self.batches {
            return Ok(());
        }
        let BatchRecord {
            epoch,
            batch,
            loss,
            accuracy,
            learning_rate,
        } = *record;
        let epoch = (epoch - 1) as f64 + batch as f64 / self.batches as f64;
        let seconds = self.begun.elapsed().as_secs_f64();
        self.rows.push(Row {
            epoch,
            loss,
            accuracy,
            val_loss: None,
            val_accuracy: None,
            learning_rate,
            seconds,
        });
        self.write("training");
        Ok(())
    }

    fn on_epoch_end(&mut self, record: &EpochRecord, _: &mut Control<'_>) -> Result<()> {
        self.epoch(record, self.begun.elapsed().as_secs_f64());
        // Epochs of milliseconds are not worth a file each; the last is written at the end.
        if self.written.elapsed() >= EVERY {
            self.write("training");
        }
        Ok(())
    }

    fn on_train_end(&mut self, history: &History, _: &mut Control<'_>) -> Result<()> {
        // A training that an error ended before it began leaves what is told of the one before.
        if !std::mem::take(&mut self.training) {
            return Ok(());
        }
        self.write(match history.stopped {
            Stopped::Finished if history.epochs.len() < self.epochs => "failed",
            Stopped::Finished => "finished",
            Stopped::Early { .. } => "early",
            Stopped::Interrupted { .. } => "interrupted",
            Stopped::Diverged { .. } => "diverged",
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Cifar10;
    use crate::model::{Activation, Sequential};
    use crate::random::Seed;
    use crate::training::{Adam, Loss, Silent, Trainer};

    /// Looks into the file after each batch, as a page would.
    struct Reader(PathBuf, std::rc::Rc<std::cell::RefCell<Vec<String>>>);

    impl Callback for Reader {
        fn on_batch_end(&mut self, _: &BatchRecord, _: &mut Control<'_>) -> Result<()> {
            // Long enough that the next batch is worth a row.
            std::thread::sleep(EVERY / 3);
            self.1
                .borrow_mut()
                .push(fs::read_to_string(&self.0).unwrap());
            Ok(())
        }
    }

    /// Ends a training with an error after its first epoch, or before it.
    struct Failing(usize);

    impl Callback for Failing {
        fn on_epoch_begin(&mut self, epoch: usize, _: &mut Control<'_>) -> Result<()> {
            if epoch < self.0 {
                Ok(())
            } else {
                Err(crate::LabError::value("test", "an error", "none", "none"))
            }
        }
    }

    #[test]
    fn a_training_that_an_error_ends_is_not_told_as_finished_and_a_file_that_cannot_be_written_ends_none()
     {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.csv");
        let data = Cifar10::sample().train.take(100);
        let fit = |path: &Path, failing: usize| {
            let mut model = Sequential::new([32, 32, 3])
                .flatten()
                .dense(10, Activation::Softmax)
                .build(Seed(0))
                .unwrap();
            Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
                .epochs(2)
                .progress(Silent)
                .callback(LiveLogger::new(path.to_owned(), 2, 4))
                .callback(Failing(failing))
                .fit(&mut model, &data, None)
        };
        assert!(fit(&path, 1).is_err());
        assert!(
            fs::read_to_string(&path)
                .unwrap()
                .trim_end()
                .ends_with("failed")
        );
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(fit(&folder.path().join("file").join("run.csv"), 2).is_ok());
    }

    #[test]
    fn the_file_moves_within_an_epoch_and_ends_as_the_history_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live").join("run.csv");
        let data = Cifar10::sample().train.take(400);
        let mut model = Sequential::new([32, 32, 3])
            .flatten()
            .dense(10, Activation::Softmax)
            .build(Seed(0))
            .unwrap();
        let seen = std::rc::Rc::default();
        let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
            .epochs(2)
            .batch_size(40)
            .progress(Silent)
            .callback(LiveLogger::new(path.clone(), 2, 10))
            .callback(Reader(path.clone(), std::rc::Rc::clone(&seen)))
            .fit(&mut model, &data, &data.take(40))
            .unwrap();
        let first = |text: &String| {
            text.lines()
                .last()
                .and_then(|row| row.split(',').next()?.parse::<f64>().ok())
        };
        let epochs: Vec<f64> = seen.borrow().iter().filter_map(first).collect();
        assert_eq!(epochs.len(), 20, "a row after each batch");
        assert!(epochs.iter().any(|epoch| epoch.fract() > 0.0), "{epochs:?}");
        assert!(epochs.is_sorted(), "{epochs:?}");

        let text = fs::read_to_string(&path).unwrap();
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(rows.len(), 2, "only whole epochs are left: {text}");
        for (row, record) in rows.iter().zip(&history.epochs) {
            let cells: Vec<&str> = row.split(',').collect();
            assert_eq!(cells[0].parse::<usize>().unwrap(), record.epoch);
            assert_eq!(cells[2].parse::<f64>().unwrap(), record.loss);
            assert_eq!(cells[5].parse::<f64>().ok(), record.val_accuracy);
            assert_eq!(cells[8], "finished");
        }
    }
}
