//! How long each notebook took: `times.csv`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use lab_core::{LabError, Result};
use serde::Deserialize;

use super::event::Times;

/// The file's name in `outputs`.
pub const TIMES: &str = "times.csv";

const HEADER: &str = "notebook,seconds,first_cell_seconds";

impl Times {
    /// The times that `run.py` wrote into a notebook.
    ///
    /// # Errors
    /// Where it cannot be read, or is not such a notebook.
    pub fn of_executed(path: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct File {
            metadata: Metadata,
        }
        #[derive(Deserialize)]
        struct Metadata {
            lab: Times,
        }
        let remedy = "delete it and run the notebook again";
        let text =
            fs::read_to_string(path).map_err(|error| LabError::io("read", path, error, remedy))?;
        let file: File = serde_json::from_str(&text).map_err(|error| {
            LabError::format(path, error.to_string(), "a notebook that has run", remedy)
        })?;
        Ok(file.metadata.lab)
    }
}

/// The rows of `times.csv`: a notebook, its seconds, and those of its first cell, which compiles.
#[derive(Debug, Default, PartialEq)]
pub struct Timetable(Vec<(String, f64, f64)>);

impl Timetable {
    /// The table in a file; an empty one where there is no file.
    ///
    /// # Errors
    /// Where the file is there and cannot be read, or is not such a table.
    pub fn read(path: &Path) -> Result<Self> {
        let remedy = "delete it and run the report again";
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            text => text.map_err(|error| LabError::io("read", path, error, remedy))?,
        };
        let bad = |line: &str| {
            LabError::format(
                path,
                format!("`{line}`"),
                format!("rows of {HEADER}"),
                remedy,
            )
        };
        let mut lines = text.lines();
        lines
            .next()
            .filter(|line| *line == HEADER)
            .ok_or_else(|| bad(text.lines().next().unwrap_or_default()))?;
        let row = |line: &str| {
            let (name, numbers) = line.split_once(',')?;
            let (seconds, first) = numbers.split_once(',')?;
            Some((name.to_owned(), seconds.parse().ok()?, first.parse().ok()?))
        };
        lines
            .map(|line| row(line).ok_or_else(|| bad(line)))
            .collect::<Result<Vec<_>>>()
            .map(Self)
    }

    /// Sets the row of a notebook.
    pub fn set(&mut self, name: &str, times: Times) {
        self.0.retain(|(other, ..)| other != name);
        self.0.push((name.to_owned(), times.seconds, times.first));
        self.0.sort_by(|a, b| a.0.cmp(&b.0));
    }

    /// The seconds of a notebook, and those of its first cell.
    pub fn get(&self, name: &str) -> Option<(f64, f64)> {
        self.0
            .iter()
            .find(|(other, ..)| other == name)
            .map(|&(_, seconds, first)| (seconds, first))
    }

    /// Writes the table.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let rows = self
            .0
            .iter()
            .map(|(name, seconds, first)| format!("{name},{seconds:.1},{first:.1}\n"));
        let text = format!("{HEADER}\n{}", rows.collect::<String>());
        fs::write(path, text)
            .map_err(|error| LabError::io("write", path, error, "check that there is room"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_of_a_notebook_that_ran_again_is_replaced_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TIMES);
        let mut table = Timetable::read(&path).unwrap();
        assert_eq!(table, Timetable::default());
        table.set(
            "02-b",
            Times {
                cells: 3,
                seconds: 20.04,
                first: 5.0,
            },
        );
        table.set(
            "01-a",
            Times {
                cells: 3,
                seconds: 10.0,
                first: 5.0,
            },
        );
        table.write(&path).unwrap();
        let mut table = Timetable::read(&path).unwrap();
        table.set(
            "02-b",
            Times {
                cells: 3,
                seconds: 30.0,
                first: 4.0,
            },
        );
        table.write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "notebook,seconds,first_cell_seconds\n01-a,10.0,5.0\n02-b,30.0,4.0\n"
        );
        assert_eq!(table.get("02-b"), Some((30.0, 4.0)));
        assert_eq!(table.get("03-c"), None);
    }

    #[test]
    fn a_file_that_is_no_such_table_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TIMES);
        for text in [
            "",
            "name\n",
            "notebook,seconds,first_cell_seconds\n01-a,ten,5\n",
        ] {
            fs::write(&path, text).unwrap();
            assert!(
                Timetable::read(&path)
                    .unwrap_err()
                    .to_string()
                    .contains("times.csv"),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_times_of_a_notebook_that_ran_are_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("01-a.ipynb");
        let text = r#"{"cells": [], "metadata": {"lab": {"cells": 3, "seconds": 9.5, "first": 4}, "kernelspec": {}}}"#;
        fs::write(&path, text).unwrap();
        assert_eq!(
            Times::of_executed(&path).unwrap(),
            Times {
                cells: 3,
                seconds: 9.5,
                first: 4.0
            }
        );
        fs::write(&path, r#"{"metadata": {}}"#).unwrap();
        assert!(
            Times::of_executed(&path)
                .unwrap_err()
                .to_string()
                .contains("run the notebook again")
        );
    }
}
