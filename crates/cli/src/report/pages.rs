//! Writes the pages beside their place, and puts them there when all of them are written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use lab_core::{LabError, Result};
use serde_json::json;

use super::notebooks::Notebook;
use super::run::script;
use crate::Outcome;
use crate::files::begin_folder;
use crate::setup::Environment;
use crate::terminal::Screen;

/// The beginning of the name of the folder in `outputs` in which pages are written before they are put in their place.
const UNFINISHED: &str = ".report-unfinished-";
/// The page that a reader opens first.
pub const REPORT: &str = "report";

/// Where a report keeps what it makes: everything of the sample lies in folders of its own.
pub struct Places {
    outputs: PathBuf,
    /// The notebooks as they were last run, from which pages can be written again.
    executed: PathBuf,
    pub sample: bool,
    /// Whether pages are made of the notebooks themselves, with the outputs that are saved in them.
    pub saved: bool,
}

impl Places {
    /// The folders, made where they are missing.
    ///
    /// # Errors
    /// Where they cannot be made.
    pub fn new(root: &Path, sample: bool) -> Result<Self> {
        let below = if sample { "sample" } else { "" };
        let outputs = root.join("outputs").join(below);
        let executed = root.join(".lab/executed").join(below);
        for folder in [&outputs, &executed] {
            fs::create_dir_all(folder).map_err(|error| failed("create", folder, error))?;
        }
        Ok(Self {
            outputs,
            executed,
            sample,
            saved: false,
        })
    }

    /// Where a notebook lies when it has run.
    pub fn executed(&self, notebook: &Notebook) -> PathBuf {
        match self.saved {
            true => notebook.path.clone(),
            false => self.executed.join(format!("{}.ipynb", notebook.name)),
        }
    }

    /// The page of a name.
    pub fn page(&self, name: &str) -> PathBuf {
        self.outputs.join(format!("{name}.html"))
    }

    /// The page of a name, as seen from the current folder.
    pub fn shown(&self, name: &str) -> String {
        let (page, current) = (self.page(name), std::env::current_dir().unwrap_or_default());
        let page = page.strip_prefix(current).unwrap_or(&page);
        page.display().to_string()
    }
}

/// Writes the page of every notebook that has run, the report, and `times.csv`; and the `saved` notebooks with their
/// outputs into their files. Either all of it is put in place, or nothing.
///
/// # Errors
/// Where a page cannot be written.
pub fn write(
    environment: &Environment,
    places: &Places,
    all: &[Notebook],
    saved: &[Notebook],
    screen: &Screen,
) -> Outcome {
    let unfinished = begin_folder(&places.outputs, UNFINISHED);
    let unfinished = unfinished.map_err(|error| failed("create", &places.outputs, error))?;
    let notebooks = unfinished.path().join("notebooks");
    fs::create_dir(&notebooks).map_err(|error| failed("create", &notebooks, error))?;
    let page = |notebook: &Notebook| {
        let executed = places.executed(notebook);
        json!({
            "name": notebook.name,
            "source": notebook.path,
            "executed": executed.is_file().then_some(executed),
            "save": saved.contains(notebook),
        })
    };
    let order = json!({
        "folder": unfinished.path(),
        "outputs": places.outputs,
        "sample": places.sample,
        "saved": places.saved,
        "without_data": environment.without_data.is_some(),
        "pages": all.iter().map(page).collect::<Vec<_>>(),
    });
    let path = notebooks.join("order.json");
    fs::write(&path, order.to_string()).map_err(|error| failed("write", &path, error))?;
    let mut command = script(environment, "page.py");
    command.arg(&path).stdin(Stdio::null());
    let remedy =
        "`cargo lab setup` says what is missing; the pages of the last report are as they were";
    screen.run("writing the pages", &mut command, remedy, |_| None)?;
    put_in_place(unfinished.path(), &places.outputs)?;
    for notebook in saved {
        let written = notebooks.join(format!("{}.ipynb", notebook.name));
        rename(&written, &notebook.path)?;
    }
    Ok(())
}

/// Puts every page in its place in `outputs`, the report last.
fn put_in_place(pages: &Path, outputs: &Path) -> Result<()> {
    let entries = fs::read_dir(pages).map_err(|error| failed("read", pages, error))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<_> = paths.filter(|path| path.is_file()).collect();
    files.sort_by_key(|path| path.file_stem().is_some_and(|stem| stem == REPORT));
    let name = |from: &PathBuf| from.file_name().unwrap_or_default().to_owned();
    let mut files = files.iter();
    files.try_for_each(|from| rename(from, &outputs.join(name(from))))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| failed("replace", to, error))
}

fn failed(action: &'static str, path: &Path, error: std::io::Error) -> LabError {
    let remedy = "check its permissions, and that there is room";
    LabError::io(action, path, error, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_put_in_place_together_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let (pages, outputs) = (folder.path().join("pages"), folder.path().join("outputs"));
        fs::create_dir_all(pages.join("notebooks")).unwrap();
        fs::create_dir(&outputs).unwrap();
        for (name, text) in [("report.html", "old"), ("02-b.html", "old")] {
            fs::write(outputs.join(name), text).unwrap();
        }
        for name in [
            "report.html",
            "01-a.html",
            "times.csv",
            "notebooks/01-a.ipynb",
        ] {
            fs::write(pages.join(name), "new").unwrap();
        }
        put_in_place(&pages, &outputs).unwrap();
        let entries = fs::read_dir(&outputs).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(
            names,
            ["01-a.html", "02-b.html", "report.html", "times.csv"]
        );
        let text = |name: &str| fs::read_to_string(outputs.join(name)).unwrap();
        assert_eq!((&*text("report.html"), &*text("02-b.html")), ("new", "old"));
    }

    #[test]
    fn what_a_killed_report_has_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(format!("{UNFINISHED}abc"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join("09-stale.html"), "stale").unwrap();
        let begun = begin_folder(folder.path(), UNFINISHED).unwrap();
        assert!(begun.path().is_dir() && !left.exists());
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
