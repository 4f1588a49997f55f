//! The two tables that hold the runs of a report: `runs.jsonl` and `history.csv` in the folder `outputs`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Record;
use crate::prelude::*;
use lab_core::files::{write_failed, write_whole};

/// A line of `runs.jsonl`: the name of a run, and its record.
#[derive(Serialize, Deserialize)]
struct Line {
    run: String,
    #[serde(flatten)]
    record: Record,
}

/// A run in the tables: its record and its epochs.
pub(super) type Entry = (Record, History);

const REMEDY: &str = "get it back with `git checkout`, or make it again: cargo lab report";
const RUNS: &str = "runs.jsonl";
const HISTORY: &str = "history.csv";
/// The columns of `history.csv`: the name of the run, then those of a run's own `history.csv`.
const HEADER: &str = "run,epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds";

/// The runs in the tables of a folder by name; none where there are no tables.
///
/// # Errors
/// Where a table cannot be read, or a line is no run or no epoch of one.
pub(super) fn read(outputs: &Path) -> Result<BTreeMap<String, Entry>> {
    let mut entries = BTreeMap::new();
    if !outputs.join(RUNS).exists() {
        return Ok(entries);
    }
    let file = open(&outputs.join(RUNS))?;
    let expected = "a run on each line";
    for line in serde_json::Deserializer::from_reader(file).into_iter() {
        let Line { run, record } = line.map_err(|error| damaged(outputs, RUNS, error, expected))?;
        entries.insert(run, (record, History::default()));
    }
    let failed = |found: String| damaged(outputs, HISTORY, found, HEADER);
    let mut reader = csv::Reader::from_reader(open(&outputs.join(HISTORY))?);
    let header = reader.headers().cloned().unwrap_or_default();
    if !header.iter().eq(HEADER.split(',')) {
        return Err(failed("another header".to_owned()));
    }
    for row in reader.into_records() {
        let row = row.and_then(|row| row.deserialize::<(String, EpochRecord)>(None));
        let (run, epoch) = row.map_err(|error| failed(error.to_string()))?;
        let unknown = || failed(format!("epochs of {run}, which is not in {RUNS}"));
        let (_, history) = entries.get_mut(&run).ok_or_else(unknown)?;
        history.epochs.push(epoch);
    }
    Ok(entries)
}

/// Writes both tables, sorted by the names of the runs.
///
/// # Errors
/// Where one cannot be written.
pub(super) fn write(outputs: &Path, entries: &BTreeMap<String, Entry>) -> Result<()> {
    fs::create_dir_all(outputs).map_err(|error| write_failed(outputs, error))?;
    let history = outputs.join(HISTORY);
    let epochs = || {
        let mut writer = csv::WriterBuilder::new();
        let mut writer = writer.has_headers(false).from_writer(Vec::new());
        writer.write_record(HEADER.split(','))?;
        for (run, (_, history)) in entries {
            let mut rows = history.epochs.iter().map(|epoch| (run, epoch));
            rows.try_for_each(|row| writer.serialize(row))?;
        }
        writer.into_inner().map_err(|error| error.into_error())
    };
    let epochs = epochs().map_err(|error: io::Error| write_failed(&history, error))?;
    write_whole(&history, |file| file.write_all(&epochs))?;
    write_whole(&outputs.join(RUNS), |file| {
        for (run, (record, _)) in entries {
            let (run, record) = (run.clone(), record.clone());
            serde_json::to_writer(&mut *file, &Line { run, record })?;
            writeln!(file)?;
        }
        Ok(())
    })
}

fn open(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path).map(BufReader::new);
    file.map_err(|error| LabError::io("read", path, error, REMEDY))
}

fn damaged(outputs: &Path, name: &str, found: impl ToString, expected: &str) -> LabError {
    LabError::format(outputs.join(name), found.to_string(), expected, REMEDY)
}
