//! Writes the pages beside their place, and puts them there when all of them are written.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use lab_core::{LabError, Result};
use serde_json::json;

use super::event::Times;
use super::notebooks::Notebook;
use super::run::{last_lines, script};
use super::times::{TIMES, Timetable};
use crate::Outcome;
use crate::setup::Environment;

/// The folder in `outputs` in which pages are written before they are put in their place.
const UNFINISHED: &str = ".report-unfinished";
/// The page that a reader opens first.
pub const REPORT: &str = "report";

/// Where a report keeps what it makes: everything of the sample lies in folders of its own.
pub struct Places {
    pub outputs: PathBuf,
    /// The notebooks as they were last run, from which pages can be written again.
    pub executed: PathBuf,
    sample: bool,
}

impl Places {
    /// The folders, made where they are missing.
    ///
    /// # Errors
    /// Where they cannot be made.
    pub fn new(root: &Path, sample: bool) -> Result<Self> {
        let below = if sample { "sample" } else { "" };
        let (outputs, executed) = (
            root.join("outputs").join(below),
            root.join(".lab").join("executed").join(below),
        );
        for folder in [&outputs, &executed] {
            fs::create_dir_all(folder).map_err(|error| failed("create", folder, error))?;
        }
        Ok(Self {
            outputs,
            executed,
            sample,
        })
    }

    /// Where a notebook lies when it has run.
    pub fn executed(&self, notebook: &Notebook) -> PathBuf {
        self.executed.join(format!("{}.ipynb", notebook.name))
    }

    /// The page of a name.
    pub fn page(&self, name: &str) -> PathBuf {
        self.outputs.join(format!("{name}.html"))
    }
}

/// Writes the page of every notebook that has run, the report, and `times.csv`; with `save`, the outputs of the `chosen`
/// notebooks into their files too. Either all of it is put in place, or nothing.
///
/// # Errors
/// Where a page cannot be written.
pub fn write(
    environment: &Environment,
    places: &Places,
    all: &[Notebook],
    chosen: &[Notebook],
    save: bool,
) -> Outcome<Vec<(Notebook, Times)>> {
    let unfinished = Unfinished::begin(&places.outputs)?;
    let mut table = Timetable::read(&places.outputs.join(TIMES))?;
    let mut ran = Vec::new();
    for notebook in all
        .iter()
        .filter(|notebook| places.executed(notebook).is_file())
    {
        let times = Times::of_executed(&places.executed(notebook))?;
        table.set(&notebook.name, times);
        ran.push((notebook.clone(), times));
    }
    table.write(&unfinished.0.join(TIMES))?;
    let pages: Vec<_> = all
        .iter()
        .map(|notebook| {
            let executed = places.executed(notebook);
            json!({
                "name": notebook.name,
                "source": notebook.path,
                "executed": executed.is_file().then_some(executed),
                "exists": places.page(&notebook.name).is_file(),
                "times": table.get(&notebook.name).map(|(seconds, first)| json!([seconds, first])),
                "save": save && chosen.contains(notebook),
            })
        })
        .collect();
    let without_data = environment.without_data.is_some();
    let order = json!({ "folder": unfinished.0, "sample": places.sample, "without_data": without_data, "pages": pages });
    let mut child = script(environment, "page.py")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(order.to_string().as_bytes())?;
    }
    let errors = last_lines(child.stderr.take());
    let status = child.wait()?;
    if !status.success() {
        let remedy =
            "`cargo lab setup` says what is missing; the pages of the last report are as they were";
        return Err(format!(
            "the pages could not be written ({status})\n{errors}\n  what to do: {remedy}"
        )
        .into());
    }
    unfinished.commit(&places.outputs)?;
    if save {
        let notebooks = unfinished.0.join("notebooks");
        chosen
            .iter()
            .try_for_each(|n| rename(&notebooks.join(format!("{}.ipynb", n.name)), &n.path))?;
    }
    Ok(ran)
}

/// The folder of the pages that are being written; gone when dropped.
struct Unfinished(PathBuf);

impl Unfinished {
    /// An empty folder, also where a report that was killed has left one.
    fn begin(outputs: &Path) -> Result<Self> {
        let folder = outputs.join(UNFINISHED);
        _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("notebooks"))
            .map_err(|error| failed("create", &folder, error))?;
        Ok(Self(folder))
    }

    /// Puts every file in its place in `outputs`, the report last.
    fn commit(&self, outputs: &Path) -> Result<()> {
        let read = |error| failed("read", &self.0, error);
        let entries = fs::read_dir(&self.0)
            .map_err(read)?
            .collect::<Result<Vec<_>, _>>()
            .map_err(read)?;
        let mut files: Vec<_> = entries
            .iter()
            .map(|entry| entry.path())
            .filter(|path| path.is_file())
            .collect();
        files.sort_by_key(|path| path.file_stem().is_some_and(|stem| stem == REPORT));
        files
            .iter()
            .try_for_each(|from| rename(from, &outputs.join(from.file_name().unwrap_or_default())))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| failed("replace", to, error))
}

fn failed(action: &'static str, path: &Path, error: std::io::Error) -> LabError {
    LabError::io(
        action,
        path,
        error,
        "check its permissions, and that there is room",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_put_in_place_together_and_an_abandoned_report_leaves_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        let outputs = folder.path();
        fs::write(outputs.join("report.html"), "old").unwrap();
        let unfinished = Unfinished::begin(outputs).unwrap();
        fs::write(unfinished.0.join("report.html"), "half").unwrap();
        drop(unfinished);
        assert_eq!(
            fs::read_to_string(outputs.join("report.html")).unwrap(),
            "old"
        );

        // As if it had been killed: what it has left does not come into the next report.
        fs::create_dir(outputs.join(UNFINISHED)).unwrap();
        fs::write(outputs.join(UNFINISHED).join("09-stale.html"), "stale").unwrap();
        let unfinished = Unfinished::begin(outputs).unwrap();
        for name in ["report.html", "01-a.html", TIMES] {
            fs::write(unfinished.0.join(name), "new").unwrap();
        }
        unfinished.commit(outputs).unwrap();
        drop(unfinished);
        let mut names: Vec<_> = fs::read_dir(outputs)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["01-a.html", "report.html", "times.csv"]);
        assert_eq!(
            fs::read_to_string(outputs.join("report.html")).unwrap(),
            "new"
        );
    }

    #[test]
    fn the_sample_has_folders_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (full, sample) = (
            Places::new(folder.path(), false).unwrap(),
            Places::new(folder.path(), true).unwrap(),
        );
        assert_eq!(
            sample.page("report"),
            folder.path().join("outputs/sample/report.html")
        );
        assert_eq!(
            full.page("report"),
            folder.path().join("outputs/report.html")
        );
        assert_ne!(full.executed, sample.executed);
        assert!(sample.executed.is_dir() && sample.outputs.is_dir());
    }
}
