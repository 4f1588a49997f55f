//! The folder of a run: it holds a whole run or the one before, never a part of one.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::record::Record;
use crate::error::{LabError, Result};

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
        let name = target.file_name().ok_or_else(|| {
            LabError::value(
                "--out",
                target.display().to_string(),
                "a folder with a name",
                REMEDY,
            )
        })?;
        check_replaceable(target)?;
        let beside = |what: &str| target.with_file_name(format!(".{}.{what}", name.display()));
        let (unfinished, before) = (beside("unfinished"), beside("before"));
        let failed = |error| {
            LabError::io(
                "write",
                target,
                error,
                "check its permissions, or choose another folder",
            )
        };
        target
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .map_err(failed)?;
        // The lock stays where it is, so that everybody means the same file by it.
        let lock = File::create(beside("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let remedy = "wait until it ends, or choose another name: lab.run(\"…\"), on the command line --out DIR";
                return Err(LabError::format(
                    target,
                    "another training at work",
                    "no other training",
                    remedy,
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // A process was killed between the two renames of `commit`: the run before is still whole.
        if !target.exists() && before.exists() {
            fs::rename(&before, target).map_err(failed)?;
        }
        fs::create_dir_all(&unfinished).map_err(failed)?;
        // What a killed run has left.
        for name in FILES {
            match fs::remove_file(unfinished.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
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

    /// Where a file of the run is to be written.
    pub fn file(&self, name: &str) -> PathBuf {
        self.unfinished.join(name)
    }

    /// Writes a text file of the run.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.file(name);
        let write = || {
            use io::Write;
            let mut file = File::create(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error| LabError::io("write", &path, error, "check that there is room"))
    }

    /// Writes the record of the run.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_record(&self, record: &Record) -> Result<()> {
        record.write(&self.unfinished)
    }

    /// Puts the finished run in the place of the one before.
    ///
    /// # Errors
    /// Where folders cannot be renamed; then the run before is in its place again.
    pub fn commit(mut self) -> Result<()> {
        self.keep = true;
        let Self {
            target, unfinished, ..
        } = &self;
        let before = unfinished.with_extension("before");
        let failed = |error| {
            let remedy = format!(
                "the new run is in {}: check the permissions and rename it",
                unfinished.display()
            );
            LabError::io("replace", target, error, remedy)
        };
        _ = fs::remove_dir_all(&before);
        let had_one = target.exists();
        if had_one {
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
    let entries = match fs::read_dir(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| LabError::io("read", target, error, REMEDY))?,
    };
    let names = entries
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>();
    let names = names.map_err(|error| LabError::io("read", target, error, REMEDY))?;
    let stranger = names
        .iter()
        .find(|name| FILES.iter().all(|known| name.as_os_str() != *known));
    let found = match stranger {
        Some(stranger) => format!("a file `{}`", stranger.display()),
        None if names.is_empty() || Record::read(target).is_ok() => return Ok(()),
        None => format!("no {METRICS} of a run"),
    };
    Err(LabError::format(
        target,
        found,
        "a new folder, or that of an earlier run",
        REMEDY,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::DataRecord;
    use crate::model::{Activation, Sequential};
    use crate::random::Seed;
    use crate::training::{Adam, History, Loss, Trainer};

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
        let settings = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(0.1)).settings();
        let mut record = Record::new(data, &network, settings, &History::default());
        record.epochs = epochs;
        run.write_record(&record).unwrap();
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
        abandoned.write(MODEL, "half").unwrap();
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
