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
    /// The digits that its name begins with.
    pub fn number(&self) -> &str {
        self.name.split('-').next().unwrap_or_default()
    }

    /// Whether it is made of what all others leave behind, so that it runs last and alone.
    pub fn reads_the_others(&self) -> bool {
        self.name.ends_with("-report")
    }

    /// How many cells there are to run; 0 where it cannot be read, which is said when it is run.
    pub fn code_cells(&self) -> usize {
        let notebook = fs::read(&self.path)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let cells = notebook
            .as_ref()
            .and_then(|notebook| notebook["cells"].as_array());
        cells.map_or(0, |cells| {
            cells
                .iter()
                .filter(|cell| cell["cell_type"] == "code")
                .count()
        })
    }
}

/// All notebooks in a folder whose names begin with two digits and a hyphen, in their order.
///
/// # Errors
/// Where the folder cannot be read or holds none.
pub fn find(folder: &Path) -> Result<Vec<Notebook>> {
    let remedy = "run this in a clone of the laboratory";
    let failed = |error| LabError::io("read", folder, error, remedy);
    let mut notebooks = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let numbered = name
            .split_once('-')
            .is_some_and(|(n, _)| n.len() == 2 && n.bytes().all(|byte| byte.is_ascii_digit()));
        if numbered
            && path
                .extension()
                .is_some_and(|extension| extension == "ipynb")
        {
            notebooks.push(Notebook { name, path });
        }
    }
    notebooks.sort();
    if notebooks.is_empty() {
        return Err(LabError::format(
            folder,
            "no notebook",
            "files such as `01-preprocessing.ipynb`",
            remedy,
        ));
    }
    Ok(notebooks)
}

/// Those that `only` names, by number (`03`, `3`) or name, in the order in which they run; all of them when it is empty.
///
/// # Errors
/// Where one is not among them.
pub fn select(all: &[Notebook], only: &[String]) -> Result<Vec<Notebook>> {
    let mut chosen = Vec::new();
    for wanted in only.iter().map(|text| text.trim()) {
        let is_wanted = |notebook: &&Notebook| {
            let number = notebook.number();
            notebook.name == wanted || number == wanted || number.trim_start_matches('0') == wanted
        };
        let names = || {
            all.iter()
                .map(|notebook| notebook.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        chosen.push(all.iter().find(is_wanted).cloned().ok_or_else(|| {
            LabError::value(
                "--only",
                format!("`{wanted}`"),
                "numbers of notebooks, as in 03,05",
                format!("take some of {}", names()),
            )
        })?);
    }
    if only.is_empty() {
        return Ok(all.to_vec());
    }
    chosen.sort();
    chosen.dedup();
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<Notebook> {
        let names = ["01-preprocessing", "03-loss-comparison", "10-more"];
        names
            .map(|name| Notebook {
                name: name.into(),
                path: format!("{name}.ipynb").into(),
            })
            .to_vec()
    }

    fn names(only: &[&str]) -> Result<Vec<String>> {
        let only: Vec<_> = only.iter().map(|text| text.to_string()).collect();
        Ok(select(&some(), &only)?
            .into_iter()
            .map(|notebook| notebook.name)
            .collect())
    }

    #[test]
    fn notebooks_are_named_by_number_or_name_and_run_once_in_their_order() {
        assert_eq!(names(&[]).unwrap().len(), 3);
        assert_eq!(names(&["03"]).unwrap(), ["03-loss-comparison"]);
        assert_eq!(
            names(&["10", " 3", "03-loss-comparison"]).unwrap(),
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
        assert!(
            find(folder.path())
                .unwrap_err()
                .to_string()
                .contains("no notebook")
        );
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
        assert_eq!(
            found
                .iter()
                .map(|notebook| notebook.name.as_str())
                .collect::<Vec<_>>(),
            ["01-a", "02-b"]
        );
    }
}
