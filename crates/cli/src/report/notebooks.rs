//! The notebooks of the laboratory, and those of them that `--only` names.

use std::fs;
use std::path::{Path, PathBuf};

use lab_core::{LabError, Result};
use serde_json::Value;

/// A notebook: `notebooks/03-loss-comparison.ipynb` has the name `03-loss-comparison`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notebook {
    pub name: String,
    pub path: PathBuf,
}

impl Notebook {
    /// The notebook in a file whose name begins with two digits and a hyphen.
    fn of(path: PathBuf) -> Option<Self> {
        let is_notebook = path.extension().is_some_and(|it| it == "ipynb");
        let name = path.file_stem()?.to_string_lossy().into_owned();
        let number = name.split_once('-')?.0;
        let numbered = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
        (is_notebook && numbered).then_some(Self { name, path })
    }

    /// The digits that its name begins with.
    pub fn number(&self) -> &str {
        self.name.split('-').next().unwrap_or_default()
    }

    /// Whether it is made of what all others leave behind, so that it runs last and alone.
    pub fn reads_the_others(&self) -> bool {
        self.name.ends_with("-report")
    }

    /// Whether it reads a run of one of the others, so that it begins after they have begun.
    pub fn reads_another(&self) -> bool {
        self.name.ends_with("-improvement")
    }

    /// How many cells there are to run; 0 where it cannot be read, which is said when it is run.
    pub fn code_cells(&self) -> usize {
        let bytes = fs::read(&self.path).unwrap_or_default();
        let notebook: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let cells = notebook["cells"].as_array().into_iter().flatten();
        cells.filter(|cell| cell["cell_type"] == "code").count()
    }
}

/// All notebooks in a folder whose names begin with two digits and a hyphen, in their order.
///
/// # Errors
/// Where the folder cannot be read or holds none.
pub fn find(folder: &Path) -> Result<Vec<Notebook>> {
    let remedy = "run this in a clone of the laboratory";
    let entries =
        fs::read_dir(folder).map_err(|error| LabError::io("read", folder, error, remedy))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut notebooks: Vec<_> = paths.filter_map(Notebook::of).collect();
    notebooks.sort();
    if notebooks.is_empty() {
        let expected = "files such as `01-preprocessing.ipynb`";
        return Err(LabError::format(folder, "no notebook", expected, remedy));
    }
    Ok(notebooks)
}

/// Those that `only` names by their numbers (`03`, `3`), in the order in which they run; all of them when it is empty.
///
/// # Errors
/// Where one is not among them.
pub fn select(all: &[Notebook], only: &[String]) -> Result<Vec<Notebook>> {
    let number = |text: &str| text.trim().parse::<u8>().ok();
    let has = |notebook: &Notebook, wanted: &str| number(notebook.number()) == number(wanted);
    let is_unknown = |wanted: &&String| !all.iter().any(|notebook| has(notebook, wanted));
    if let Some(wanted) = only.iter().find(is_unknown) {
        let names: Vec<_> = all.iter().map(|notebook| notebook.name.as_str()).collect();
        let (found, expected) = (format!("`{wanted}`"), "numbers of notebooks, as in 03,05");
        let remedy = format!("take some of {}", names.join(", "));
        return Err(LabError::value("--only", found, expected, remedy));
    }
    let is_wanted =
        |notebook: &&Notebook| only.is_empty() || only.iter().any(|wanted| has(notebook, wanted));
    Ok(all.iter().filter(is_wanted).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str]) -> Result<Vec<String>> {
        let all = ["01-preprocessing", "03-loss-comparison", "10-more"];
        let all = all.map(|name| Notebook::of(format!("{name}.ipynb").into()).unwrap());
        let only: Vec<_> = only.iter().map(|text| text.to_string()).collect();
        let chosen = select(&all, &only)?;
        Ok(chosen.into_iter().map(|notebook| notebook.name).collect())
    }

    #[test]
    fn notebooks_are_named_by_number_and_run_once_in_their_order() {
        assert_eq!(names(&[]).unwrap().len(), 3);
        assert_eq!(names(&["03"]).unwrap(), ["03-loss-comparison"]);
        assert_eq!(
            names(&["10", " 3", "03"]).unwrap(),
            ["03-loss-comparison", "10-more"]
        );
    }

    #[test]
    fn what_is_no_notebook_is_refused_with_the_names_of_those_there_are() {
        for wanted in ["02", "0", "", "loss", "1-"] {
            let error = names(&["03", wanted]).unwrap_err().to_string();
            assert!(
                error.contains(&format!("found `{wanted}`")) && error.contains("10-more"),
                "{error}"
            );
        }
    }

    #[test]
    fn only_numbered_notebooks_are_found_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let none = find(folder.path()).unwrap_err().to_string();
        assert!(none.contains("no notebook"), "{none}");
        for name in [
            "02-b.ipynb",
            "01-a.ipynb",
            "scratch.ipynb",
            "03-c.txt",
            "1-x.ipynb",
            ".ipynb_checkpoints",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = find(folder.path()).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|notebook| notebook.name.as_str())
            .collect();
        assert_eq!(names, ["01-a", "02-b"]);
    }
}
