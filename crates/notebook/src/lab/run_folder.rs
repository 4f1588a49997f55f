//! The folder of a run: it holds a whole run or the one before, never a part of one.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::record::Record;
use crate::prelude::*;

/// The file with loss and accuracy of each epoch.
pub const HISTORY: &str = "history.csv";
/// The file with the weights.
pub const MODEL: &str = "model.safetensors";
/// The file with the [`Record`].
pub const METRICS: &str = "metrics.json";

/// What a run's folder may hold; the command line adds its options.
const FILES: [&str; 4] = [HISTORY, MODEL, METRICS, "config.toml"];

const REMEDY: &str = "choose another folder: --out DIR on the command line";

/// A run that is being made, in a folder beside its own, until [`RunFolder::commit`].
pub struct RunFolder {
    target: PathBuf,
    unfinished: PathBuf,
    /// Whether what is there of the run is to stay.
    keep: bool,
    /// Held until the run is finished or the process ends, however it ends.
    _lock: File,
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if !self.keep {
            _ = fs::remove_dir_all(&self.unfinished);
        }
    }
}

impl RunFolder {
    /// Makes room for a new run of `target`.
    ///
    /// # Errors
    /// Where the folder holds something that is no run, another training is writing one, or it cannot be written.
    pub fn begin(target: &Path) -> Result<Self> {
        check_replaceable(target)?;
        let name = target.file_name().unwrap_or_default();
        let beside = |what: &str| target.with_file_name(format!(".{}.{what}", name.display()));
        let (unfinished, before) = (beside("unfinished"), beside("before"));
        let remedy = "check its permissions, or choose another folder";
        let failed = |error| LabError::io("write", target, error, remedy);
        fs::create_dir_all(target.parent().unwrap_or(target)).map_err(failed)?;
        // The lock stays where it is, so that everybody means the same file by it.
        let lock = File::create(beside("lock")).map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => failed(error),
            TryLockError::WouldBlock => {
                let remedy = "wait until it ends, or choose another name: lab.run(\"…\"), on the command line --out DIR";
                let (found, expected) = ("another training at work", "no other training");
                LabError::format(target, found, expected, remedy)
            }
        })?;
        // A process was killed between the two renames of `commit`: the run before is still whole.
        if !target.exists() && before.exists() {
            fs::rename(&before, target).map_err(failed)?;
        }
        // What a killed run has left goes.
        _ = fs::remove_dir_all(&unfinished);
        fs::create_dir_all(&unfinished).map_err(failed)?;
        Ok(Self {
            target: target.to_owned(),
            unfinished,
            keep: false,
            _lock: lock,
        })
    }

    /// The folder for the checkpoints of the training; it stays when the run does not get finished.
    pub fn checkpoints(&self) -> PathBuf {
        self.unfinished.with_extension("checkpoint")
    }

    /// The trainer with a checkpoint beside the run after each `every` epochs, going on from the one that is there if
    /// that is wanted; and what is to be said of that one. `how` is what a reader writes to resume.
    ///
    /// # Errors
    /// Where the training is to be resumed and its checkpoint is damaged.
    pub fn checkpointed(
        &self,
        trainer: Trainer,
        every: usize,
        resume: bool,
        how: &str,
    ) -> Result<(Trainer, Option<String>)> {
        let checkpoints = self.checkpoints();
        let found = Checkpoint::find(&checkpoints);
        let trainer = trainer.checkpoint(&checkpoints, every);
        if resume {
            let said = match found? {
                Some(checkpoint) => format!("going on from {checkpoint}"),
                None => "there is no checkpoint, so the training begins".to_owned(),
            };
            return Ok((trainer.resume(), Some(said)));
        }
        // A damaged one is of no use, and is replaced.
        let left = found.ok().flatten().filter(|found| !found.is_finished());
        let anew = "This training begins anew; to go on from there instead";
        let said = |left| format!("an interrupted training has left {left}. {anew}: {how}");
        Ok((trainer, left.map(said)))
    }

    /// Where a file of the run is to be written.
    pub fn file(&self, name: &str) -> PathBuf {
        self.unfinished.join(name)
    }

    /// Puts the finished run in the place of the one before.
    ///
    /// # Errors
    /// Where folders cannot be renamed; then the run before is in its place again.
    pub fn commit(mut self) -> Result<()> {
        self.keep = true;
        let (target, unfinished) = (&self.target, &self.unfinished);
        let before = unfinished.with_extension("before");
        let place = unfinished.display();
        let remedy = format!("the new run is in {place}: check the permissions and rename it");
        let failed = |error| LabError::io("replace", target, error, remedy.clone());
        _ = fs::remove_dir_all(&before);
        if target.exists() {
            fs::rename(target, &before).map_err(failed)?;
        }
        if let Err(error) = fs::rename(unfinished, target) {
            _ = fs::rename(&before, target);
            return Err(failed(error));
        }
        _ = fs::remove_dir_all(&before);
        Ok(())
    }
}

/// An error unless a folder is absent, empty, or that of an earlier run.
fn check_replaceable(target: &Path) -> Result<()> {
    let failed = |error| LabError::io("read", target, error, REMEDY);
    let entries = match fs::read_dir(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name()));
    let names: Vec<_> = names.collect::<io::Result<_>>().map_err(failed)?;
    let is_strange = |name: &&OsString| !FILES.iter().any(|known| **name == **known);
    let found = match names.iter().find(is_strange) {
        Some(name) => format!("a file `{}`", name.display()),
        None if names.is_empty() || Record::read(target).is_ok() => return Ok(()),
        None => format!("no {METRICS} of a run"),
    };
    let expected = "a new folder, or that of an earlier run";
    Err(LabError::format(target, found, expected, REMEDY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{DataRecord, Machine};
    use lab_core::model::{Activation, Sequential};
    use lab_core::random::Seed;
    use lab_core::training::{Adam, History, Loss, Trainer};

    fn content(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().display().to_string())
            .collect();
        names.sort();
        names
    }

    /// A run whose record says that it did `epochs` epochs.
    fn write(run: &RunFolder, epochs: usize) {
        let network = Sequential::new([2])
            .dense(2, Activation::Softmax)
            .build(Seed(0))
            .unwrap();
        let data = DataRecord {
            set: "sample".into(),
            train: 1,
            validation: 1,
        };
        let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(0.1));
        let (config, machine) = (trainer.config().clone(), Machine::this(None));
        let mut record = Record::new(data, &network, config, &History::default(), machine);
        record.epochs = epochs;
        record.write(&run.file("")).unwrap();
    }

    fn epochs(folder: &Path) -> usize {
        Record::read(folder).unwrap().epochs
    }

    #[test]
    fn a_run_replaces_the_one_before_only_when_it_is_committed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("runs").join("final");
        for number in [1, 2] {
            let run = RunFolder::begin(&target).unwrap();
            write(&run, number);
            run.commit().unwrap();
            assert_eq!(epochs(&target), number);
        }
        let abandoned = RunFolder::begin(&target).unwrap();
        write(&abandoned, 3);
        fs::write(abandoned.file(MODEL), "half").unwrap();
        drop(abandoned);
        assert_eq!(epochs(&target), 2);
        assert_eq!(
            content(target.parent().unwrap()),
            [".final.lock", "final"],
            "a run that fails leaves nothing"
        );

        let run = RunFolder::begin(&target).unwrap();
        write(&run, 4);
        run.commit().unwrap();
        assert_eq!(content(&target), [METRICS]);
        assert_eq!(content(target.parent().unwrap()), [".final.lock", "final"]);
    }

    #[test]
    fn a_run_whose_replacement_was_killed_between_two_renames_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("final");
        let run = RunFolder::begin(&target).unwrap();
        write(&run, 5);
        run.commit().unwrap();
        fs::rename(&target, folder.path().join(".final.before")).unwrap();
        drop(RunFolder::begin(&target).unwrap());
        assert_eq!(epochs(&target), 5);
    }

    #[test]
    fn two_trainings_do_not_write_into_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("final");
        let _first = RunFolder::begin(&target).unwrap();
        let error = RunFolder::begin(&target).err().unwrap().to_string();
        assert!(error.contains("another training at work"), "{error}");
    }

    #[test]
    fn a_folder_with_other_files_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "dear").unwrap();
        let error = RunFolder::begin(folder.path()).err().unwrap().to_string();
        assert!(
            error.contains("found a file `thesis.txt`") && error.contains("--out DIR"),
            "{error}"
        );
        assert_eq!(content(folder.path()), ["thesis.txt"]);
        // Metrics of something else are no run either.
        let other = folder.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join(METRICS), "{}").unwrap();
        assert!(
            RunFolder::begin(&other)
                .err()
                .unwrap()
                .to_string()
                .contains("no metrics.json of a run")
        );
        assert_eq!(fs::read_to_string(other.join(METRICS)).unwrap(), "{}");
    }
}
