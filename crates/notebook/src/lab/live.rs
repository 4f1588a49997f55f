//! Curves that move in a notebook while a training runs, and the file that they follow.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Lab, check_run_name};
use crate::prelude::*;
use crate::show::{View, escape};
use lab_core::files::write_failed;

/// How often the file is written within an epoch, at most: a picture that changes faster is not read.
const EVERY: Duration = Duration::from_millis(400);

const HEADER: &str =
    "epoch,epochs,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds,state\n";

/// Loss and accuracy of a training that a later cell starts, drawn anew while it runs.
///
/// The output of the cell holds a script that asks JupyterLab's server for `outputs/live/NAME.csv`, which
/// [`LogTo::log_to`](super::LogTo::log_to) writes. Where no such server answers, as in other editors, it says where the
/// numbers are.
pub struct LiveCurves;

impl LiveCurves {
    /// Shows the curves of the run of this name, which a later cell is going to make.
    ///
    /// ```no_run
    /// use lab_notebook::prelude::*;
    /// LiveCurves::show("final")?;
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lab::open`], and where no run can have the name.
    pub fn show(name: &str) -> Result<()> {
        let lab = Lab::open()?;
        let view = view(&lab, name)?;
        announce(&lab.live_file(name))?;
        view.display();
        Ok(())
    }
}

/// The script, and what is shown where it finds no server.
fn view(lab: &Lab, name: &str) -> Result<View> {
    check_run_name(name)?;
    let moving = format!("The curves of {name} move here in JupyterLab during training");
    let text = format!("{moving}; in other editors the training cell prints them.");
    let sample = usize::from(lab.scale() == Scale::Sample);
    let folder = ["outputs/live", "outputs/sample/live"][sample];
    let data = format!("data-live=\"{}\" data-folder=\"{folder}\"", escape(name));
    let (line, script) = (escape(&text), include_str!("live.js"));
    let shown = format!("<div class=\"lab-live\" {data}><p>{line}</p></div>");
    let html = format!("{shown}\n<script>{script}</script>");
    Ok(View { html, text })
}

/// Makes the file of a run that is awaited, so that whoever follows it need not ask for what is not there.
fn announce(path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let made = fs::create_dir_all(folder).and_then(|()| match path.exists() {
        true => Ok(()),
        false => fs::write(path, HEADER),
    });
    made.map_err(|error| write_failed(path, error))
}

/// Writes the progress of a training to a CSV file: a row for each epoch, and one for the current epoch, whose number is
/// then a fraction. The file is never half written; its last column says how the training ended.
pub(super) struct LiveLog {
    path: PathBuf,
    /// When the current epoch began, once the training has, and when the file was written.
    begun: Option<Instant>,
    written: Instant,
}

impl LiveLog {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            begun: None,
            written: Instant::now(),
        }
    }

    /// Writes the file; a failure is no reason to stop a training.
    fn write(&mut self, control: &Control<'_>, batch: Option<&BatchRecord>, state: &str) {
        let records = &control.history.epochs;
        let row = |epoch: f64, measured: [Option<f64>; 4], rate: f32, seconds: f64| {
            let measured = measured.map(|it| it.map_or(String::new(), |it| it.to_string()));
            let (epochs, measured) = (control.config.epochs, measured.join(","));
            format!("{epoch},{epochs},{measured},{rate},{seconds:.3},{state}\n")
        };
        let (mut text, mut seconds) = (HEADER.to_owned(), 0.0);
        for it in records {
            seconds += it.seconds;
            let (loss, accuracy) = (Some(it.loss), Some(it.accuracy));
            let measured = [loss, accuracy, it.val_loss, it.val_accuracy];
            text += &row(it.epoch as f64, measured, it.learning_rate, seconds);
        }
        if let Some(it) = batch {
            let epoch = (it.epoch - 1) as f64 + it.batch as f64 / control.batches() as f64;
            seconds += self.begun.map_or(0.0, |it| it.elapsed().as_secs_f64());
            let measured = [Some(it.loss), Some(it.accuracy), None, None];
            text += &row(epoch, measured, it.learning_rate, seconds);
        } else if records.is_empty() {
            text += &row(0.0, [None; 4], f32::NAN, 0.0);
        }
        self.written = Instant::now();
        // Not synced to the disk as results are: after a power cut nobody follows it any more.
        let part = self.path.with_extension("part");
        let written = fs::write(&part, text);
        _ = written.and_then(|()| fs::rename(&part, &self.path));
    }
}

impl Callback for LiveLog {
    fn on_train_begin(&mut self, control: &mut Control<'_>) -> Result<()> {
        self.begun = Some(Instant::now());
        _ = announce(&self.path);
        self.write(control, None, "training");
        Ok(())
    }

    fn on_batch_end(&mut self, record: &BatchRecord, control: &mut Control<'_>) -> Result<()> {
        if self.written.elapsed() >= EVERY && record.batch < control.batches() {
            self.write(control, Some(record), "training");
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, _: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
        self.begun = Some(Instant::now());
        // Epochs of milliseconds are not worth a file each; the last is written at the end.
        if self.written.elapsed() >= EVERY {
            self.write(control, None, "training");
        }
        Ok(())
    }

    fn on_train_end(&mut self, control: &mut Control<'_>) -> Result<()> {
        let history = &control.history;
        let state = match history.stopped {
            Stopped::Finished if history.epochs.len() < control.config.epochs => "failed",
            Stopped::Finished => "finished",
            Stopped::Early { .. } => "early",
            Stopped::Interrupted { .. } => "interrupted",
            Stopped::Diverged { .. } => "diverged",
        };
        // An error before the training began leaves the file of the training before.
        if self.begun.take().is_some() {
            self.write(control, None, state);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::data::Cifar10;
    use lab_core::model::{Activation, Sequential};
    use lab_core::random::Seed;
    use lab_core::training::{Adam, Loss, Silent, Trainer};

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
                Err(lab_core::LabError::value(
                    "test", "an error", "none", "none",
                ))
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
                .callback(LiveLog::new(path.to_owned()))
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
            .callback(LiveLog::new(path.clone()))
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

    #[test]
    fn the_output_says_where_to_look_and_names_the_file_to_follow() {
        let folder = tempfile::tempdir().unwrap();
        let lab = Lab::at(folder.path(), Scale::Sample);
        let View { html, text } = view(&lab, "first").unwrap();
        assert!(
            html.contains("data-live=\"first\" data-folder=\"outputs/sample/live\""),
            "{html}"
        );
        assert!(html.contains(&format!("<p>{text}</p>")) && text.contains("first"));
        assert!(!html.contains("http"), "nothing is asked of another host");
    }

    #[test]
    fn names_that_are_no_runs_are_refused() {
        let lab = Lab::at(".", Scale::Sample);
        for name in ["", "../../etc", "a\"b", "a,b"] {
            assert!(view(&lab, name).is_err(), "{name}");
        }
    }
}
