//! The folder of the laboratory: where the data set lies, how long experiments run, and what they leave behind.
//!
//! A notebook opens it once and asks it for the rest:
//!
//! ```no_run
//! use lab_notebook::prelude::*;
//!
//! let lab = Lab::open()?;
//! let cifar = lab.cifar10()?;
//! let (train, validation) = cifar.train.split(0.8, Seed(42))?;
//! let mut model =
//!     Sequential::new([32, 32, 3]).flatten().dense(128, Activation::Relu).dense(10, Activation::Softmax).build(Seed(0))?;
//! let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3)).epochs(lab.epochs(10)).batch_size(64);
//! trainer.log_to(lab.run("small"))?.fit(&mut model, &train, &validation)?;
//! let run = lab.saved("small")?.test(&model, &cifar.test)?;
//! println!("{run}");
//! # Ok::<(), LabError>(())
//! ```

mod claim;
mod live;
mod record;
mod run;
mod run_folder;
mod tables;

pub use claim::Claim;
pub use lab_core::files::read_small;
pub use live::LiveCurves;
pub use record::{DataRecord, Machine, Record, TestRecord};
pub use run::{Experiment, LogTo, Run, same_laboratory};
pub use run_folder::{HISTORY, METRICS, MODEL, RunFolder};

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::prelude::*;
use crate::show::print;
use crate::table::Table;
use lab_core::files::write_failed;

/// On how much data, and for how long, experiments run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// All 60,000 images, and as many epochs as asked for.
    Full,
    /// The 1,500 built-in images and at most [`Scale::SAMPLE_EPOCHS`] epochs: to see that everything works, not to
    /// learn anything.
    Sample,
}

impl Scale {
    /// The environment variable that chooses: `full` (as when it is missing) or `sample`.
    pub const VARIABLE: &str = "LAB_SCALE";
    /// The most epochs of a training on the sample.
    pub const SAMPLE_EPOCHS: usize = 2;

    /// The name of the data set in a run's record.
    pub fn data_set(self) -> &'static str {
        match self {
            Self::Full => "cifar-10",
            Self::Sample => "sample",
        }
    }
}

/// The folder of the laboratory, at one scale.
#[derive(Clone, Debug)]
pub struct Lab {
    root: PathBuf,
    scale: Scale,
}

impl Lab {
    /// Finds the laboratory in the current folder or the nearest one above it; [`Scale::VARIABLE`] chooses the scale.
    ///
    /// # Errors
    /// Where there is no laboratory, or a variable says something else.
    pub fn open() -> Result<Self> {
        let scale = match &std::env::var(Scale::VARIABLE).unwrap_or_default()[..] {
            "" | "full" => Scale::Full,
            "sample" => Scale::Sample,
            other => {
                let (found, expected) = (format!("`{other}`"), "`full` or `sample`");
                let variable = Scale::VARIABLE;
                return Err(LabError::value(variable, found, expected, "unset it"));
            }
        };
        crate::seed::moved()?;
        Ok(Self::at(Self::root()?, scale))
    }

    /// The laboratory's folder, with its whole path: the current folder or the nearest one above it.
    ///
    /// # Errors
    /// Where there is none.
    pub fn root() -> Result<PathBuf> {
        let remedy = "start in the folder that has README.md and lab-core/ in it, or below it";
        let start = std::env::current_dir().unwrap_or_default();
        let (found, expected) = ("no laboratory", "a Cargo.toml beside lab-core/");
        let missing = || LabError::format(&start, found, expected, remedy);
        Self::root_above(&start).ok_or_else(missing)
    }

    /// The laboratory in a folder of one's choice.
    pub fn at(root: impl Into<PathBuf>, scale: Scale) -> Self {
        let root = root.into();
        Self { root, scale }
    }

    /// The folder that holds a laboratory: `folder` or the nearest one above it.
    pub fn root_above(folder: &Path) -> Option<PathBuf> {
        let mut folders = folder.ancestors();
        let marks = ["Cargo.toml", "lab-core"];
        let found = folders.find(|folder| marks.iter().all(|mark| folder.join(mark).exists()));
        found.map(Path::to_owned)
    }

    /// The scale of its experiments.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The data set: all of it, from the folder `data`, or the built-in sample.
    ///
    /// # Errors
    /// As [`Cifar10::open`]; the remedy names the command that fetches the data set.
    pub fn cifar10(&self) -> Result<Cifar10> {
        match self.scale {
            Scale::Full => Cifar10::open(self.root.join("data")),
            Scale::Sample => Ok(Cifar10::sample()),
        }
    }

    /// How many epochs a training is to last: `full`, or on the sample at most [`Scale::SAMPLE_EPOCHS`].
    ///
    /// ```
    /// use lab_notebook::lab::{Lab, Scale};
    /// assert_eq!(Lab::at(".", Scale::Full).epochs(50), 50);
    /// assert_eq!(Lab::at(".", Scale::Sample).epochs(50), 2);
    /// ```
    pub fn epochs(&self, full: usize) -> usize {
        match self.scale {
            Scale::Full => full,
            Scale::Sample => full.min(Scale::SAMPLE_EPOCHS),
        }
    }

    /// The folder for everything that experiments leave behind: `outputs`, or `outputs/sample` for the sample.
    pub fn outputs(&self) -> PathBuf {
        let outputs = self.root.join("outputs");
        match self.scale {
            Scale::Full => outputs,
            Scale::Sample => outputs.join("sample"),
        }
    }

    /// An experiment whose result is kept in the folder `outputs/runs/NAME`.
    pub fn run(&self, name: impl Into<String>) -> Experiment {
        Experiment {
            lab: self.clone(),
            name: name.into(),
            quiet: false,
            resume: false,
        }
    }

    /// The results of all experiments whose names begin with `prefix`, in the order of their names.
    ///
    /// # Errors
    /// Where there is none, one is damaged, or they do not belong together ([`same_laboratory`]).
    pub fn runs(&self, prefix: &str) -> Result<Vec<Run>> {
        let mut names: BTreeSet<String> = tables::read(&self.outputs())?.into_keys().collect();
        names.extend(self.run_folders(prefix));
        names.retain(|name| name.starts_with(prefix));
        if names.is_empty() {
            return Err(run::missing(self, &format!("{prefix}*"), "nothing"));
        }
        let runs = names.iter().map(|name| self.saved(name));
        let runs = runs.collect::<Result<Vec<Run>>>()?;
        same_laboratory(&runs.iter().collect::<Vec<_>>())?;
        Ok(runs)
    }

    /// Collects the runs whose names begin with `prefix` into two tables: `outputs/runs.jsonl`, a run on each line, and
    /// `outputs/history.csv`, an epoch in each row. Runs with other names stay in the tables.
    ///
    /// # Errors
    /// Where a run is damaged, or a table cannot be read or written.
    pub fn collect(&self, prefix: &str) -> Result<()> {
        let mut entries = tables::read(&self.outputs())?;
        entries.retain(|name, _| !name.starts_with(prefix));
        for name in self.run_folders(prefix) {
            let run = self.saved(&name)?;
            entries.insert(name, (run.record, run.history));
        }
        tables::write(&self.outputs(), &entries)
    }

    /// The names of the runs that have a folder and whose names begin with `prefix`.
    fn run_folders(&self, prefix: &str) -> Vec<String> {
        let folders = fs::read_dir(self.run_folder("")).into_iter().flatten();
        let names = folders.flat_map(|folder| folder.ok()?.file_name().into_string().ok());
        let is_run = |name: &String| name.starts_with(prefix) && !name.starts_with('.');
        names.filter(is_run).collect()
    }

    fn run_folder(&self, name: &str) -> PathBuf {
        self.outputs().join("runs").join(name)
    }

    /// Where the training of a run says how far it is, for whoever follows it.
    fn live_file(&self, name: &str) -> PathBuf {
        self.outputs().join("live").join(format!("{name}.csv"))
    }

    /// Shows a figure in the cell and writes it to `outputs/figures/NAME.png`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn figure(&self, name: &str, figure: Figure) -> Result<()> {
        let folder = self.outputs().join("figures");
        fs::create_dir_all(&folder).map_err(|error| write_failed(&folder, error))?;
        figure.save(folder.join(format!("{name}.png")))?;
        figure.evcxr_display();
        Ok(())
    }

    /// Shows Markdown in the cell, so that prose can hold numbers of the run.
    ///
    /// One table, text or figure to a cell: a second one replaces the first.
    pub fn text(&self, markdown: &str) {
        print("text/markdown", markdown, markdown);
    }

    /// Shows a table in the cell; its first column is set at the left, the others at the right.
    ///
    /// ```
    /// use lab_notebook::lab::{Lab, Scale};
    /// Lab::at(".", Scale::Sample).table("Sizes", &["part", "images"], &[vec!["train".into(), "40,000".into()]])?;
    /// # Ok::<(), lab_core::LabError>(())
    /// ```
    ///
    /// # Errors
    /// A row that has not as many cells as the header.
    pub fn table(&self, caption: &str, header: &[&str], rows: &[Vec<String>]) -> Result<()> {
        let mut table = Table::new(caption, header);
        rows.iter().for_each(|row| table.row(row.clone()));
        table.check()?;
        table.view().display();
        Ok(())
    }
}

/// An error unless `name` can be a run's: letters, digits, spaces and `-_.+=()@`, the first no dot.
fn check_run_name(name: &str) -> Result<()> {
    let may_be = |c: char| c.is_alphanumeric() || " -_.+=()@".contains(c);
    if !name.is_empty() && !name.starts_with('.') && name.chars().all(may_be) {
        return Ok(());
    }
    let (found, remedy) = (format!("`{name}`"), "write it like 03-adam-0");
    let expected = "letters, digits, spaces and -_.+=()@, the first no dot";
    Err(LabError::value("name of a run", found, expected, remedy))
}
