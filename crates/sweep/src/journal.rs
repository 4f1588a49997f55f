//! The journal of a sweep: a line for each trial that ended, put on the disk before anything else happens.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use lab_core::{LabError, Result};
use serde::{Deserialize, Serialize};

use crate::DIVERGED;
use crate::plan::Trial;

/// Names and values of options.
pub type Options = BTreeMap<String, String>;

/// What came of a trial.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Entry {
    pub trial: usize,
    pub round: usize,
    /// The name of its folder in `runs`, which ends in the key of its options.
    pub name: String,
    pub options: Options,
    /// Why there is no result: it diverged, or (never in the journal) something went wrong.
    pub error: Option<String>,
    /// Losses and accuracies of the epoch whose weights are kept.
    pub metrics: BTreeMap<String, f64>,
    pub epochs: usize,
    /// From the start of its process to its end.
    pub seconds: f64,
    /// The SHA-256 of `model.safetensors`.
    pub weights_sha256: Option<String>,
}

impl Entry {
    /// What went wrong; a loss that became NaN is a result, which another attempt would only repeat.
    pub fn failure(&self) -> Option<&str> {
        let error = self.error.as_deref();
        error.filter(|text| !text.contains(DIVERGED))
    }
}

/// The journal, held by this process alone.
pub struct Journal {
    path: PathBuf,
    file: File,
    /// By the keys of their options.
    pub entries: BTreeMap<String, Entry>,
}

impl Journal {
    /// Opens the journal of a sweep's folder, or begins one. A line that a killed process has left unfinished goes.
    ///
    /// # Errors
    /// Where another process has it, it is of another sweep's file, or damaged.
    pub fn open(folder: &Path, sweep: &Path) -> Result<Self> {
        let path = folder.join("journal.jsonl");
        let other = "choose another folder with --out DIR";
        let failed = |error| LabError::io("open", &path, error, other);
        let mut options = OpenOptions::new();
        let options = options.read(true).append(true).create(true);
        let file = fs::create_dir_all(folder.join("trials")).and_then(|()| options.open(&path));
        let mut file = file.map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => failed(error),
            TryLockError::WouldBlock => {
                let remedy = format!("wait until it ends, or {other}");
                LabError::format(folder, "a sweep at work", "no other", remedy)
            }
        })?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        file.set_len(whole as u64).map_err(failed)?;
        let entries = BTreeMap::new();
        let mut journal = Self {
            path: path.clone(),
            file,
            entries,
        };
        let mut lines = text[..whole].lines();
        let head = lines.next().map_or(Ok(None), serde_json::from_str);
        let damaged = |error| {
            let remedy = "remove that line: its trial is done again";
            LabError::format(&path, error, "a trial on each line", remedy)
        };
        let head: Option<PathBuf> = head.map_err(damaged)?;
        let head = match head {
            Some(head) => head,
            None => journal.write(sweep).map(|()| sweep.to_owned())?,
        };
        // A laboratory that was moved has its sweeps elsewhere.
        if head != sweep && (head.exists() || head.file_name() != sweep.file_name()) {
            let found = format!("the sweep of {}", head.display());
            let expected = format!("that of {}", sweep.display());
            return Err(LabError::format(folder, found, expected, other));
        }
        for line in lines {
            journal.keep(serde_json::from_str(line).map_err(damaged)?);
        }
        Ok(journal)
    }

    /// The entry of a trial, where it has ended.
    pub fn entry(&self, trial: &Trial) -> Option<&Entry> {
        self.entries.get(&trial.key())
    }

    /// Enters a trial, unless it is there already.
    ///
    /// # Errors
    /// Where the line cannot be put on the disk.
    pub fn enter(&mut self, entry: Entry) -> Result<()> {
        if !self.entries.contains_key(key(&entry)) {
            self.write(&entry)?;
            self.keep(entry);
        }
        Ok(())
    }

    fn keep(&mut self, entry: Entry) {
        self.entries.insert(key(&entry).to_owned(), entry);
    }

    fn write(&mut self, line: &(impl Serialize + ?Sized)) -> Result<()> {
        let line = serde_json::to_string(line).unwrap_or_default() + "\n";
        let written = self.file.write_all(line.as_bytes());
        let written = written.and_then(|()| self.file.sync_data());
        let remedy = "make room on the disk; the same command goes on";
        written.map_err(|error| LabError::io("write", &self.path, error, remedy))
    }
}

fn key(entry: &Entry) -> &str {
    entry.name.rsplit('-').next().unwrap_or_default()
}
