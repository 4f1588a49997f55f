//! `cargo lab report`: runs the notebooks, and makes a page of each and one report.

mod claims;
mod notebooks;
mod pages;
mod queue;
mod run;

use std::path::PathBuf;
use std::sync::Mutex;

use lab_core::LabError;
use lab_notebook::lab::{Lab, Scale};

use crate::files::{Lock, in_laboratory};
use crate::setup;
use crate::terminal::{Screen, say};
use crate::{Outcome, error, reason};
use pages::{Places, REPORT};

/// Run the notebooks without a screen and make the report
///
/// Runs the notebooks in order, on the sample several at a time and the longest first, each in a kernel of its own, and
/// writes a page of each and outputs/report.html. The runs of each notebook are collected into outputs/runs.jsonl and
/// outputs/history.csv. A cell that fails ends it with status 1, and leaves the last report as it was; a claim that a run
/// refutes is named. Where the data set cannot be had, the report is made on the built-in sample, and each page says so.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo lab report                     everything, on the whole data set
  cargo lab report --sample            the same cells in minutes, on 1,500 built-in images: outputs/sample/report.html
  cargo lab report --only 03           one notebook again, its page and the report
  cargo lab report --only 05,06        two of them
  cargo lab report --save-notebooks    and write the outputs into notebooks/*.ipynb
  cargo lab report --saved             the pages of the notebooks as they were saved, in seconds")]
pub struct ReportArgs {
    /// Take the built-in images and few epochs; writes only below outputs/sample/
    #[arg(long)]
    sample: bool,
    /// Run only these notebooks, by number
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    only: Vec<String>,
    /// Write the outputs of the cells into the notebooks too
    #[arg(long, conflicts_with = "sample")]
    save_notebooks: bool,
    /// Run nothing: make the pages from the outputs that are saved in the notebooks
    #[arg(long, conflicts_with_all = ["sample", "only", "save_notebooks"])]
    saved: bool,
    /// End with status 1 where a run refutes a claim, as it does where `CI` or `LAB_STRICT` is set
    #[arg(long)]
    strict: bool,
    /// The folder that holds `notebooks`, for checks with notebooks of their own; the outputs go there too
    #[arg(long, hide = true, value_name = "DIR")]
    within: Option<PathBuf>,
}

/// What a report is made of where there is no data set.
const INSTEAD: &str = "This report is made on the 1,500 images that are built in, with few epochs: its numbers say nothing about \
                       the whole data set.";

/// Runs the notebooks and writes the pages.
///
/// # Errors
/// Where set-up fails, another report is at work, a cell fails, or a page cannot be written.
pub fn run(arguments: &ReportArgs) -> Outcome {
    let within = arguments.within.clone();
    let root = std::path::absolute(within.unwrap_or_else(|| in_laboratory(".")))?;
    let all = notebooks::find(&root.join("notebooks"))?;
    let chosen = notebooks::select(&all, &arguments.only)?;
    let path = root.join(".lab/report.lock");
    let _lock = Lock::take(&path, |_| {
        let found = "another `cargo lab report` at work";
        let remedy = "wait until it ends; both would write the same pages";
        Err(LabError::format(&path, found, "one at a time in a clone", remedy).into())
    })?;
    let screen = Screen::stderr();
    if arguments.saved {
        let (python, mut places) = (setup::ensure_python()?, Places::new(&root, false)?);
        places.saved = true;
        pages::write(&python, &places, &all, &[], &screen)?;
        say!("Open {} in a browser.", places.shown(REPORT));
        return Ok(());
    }
    let environment = setup::ensure(!arguments.sample)?;
    if let Some(error) = &environment.without_data {
        if arguments.save_notebooks {
            let what = format!("{error}\n  without it, --save-notebooks has nothing to save");
            return Err(what.into());
        }
        screen.line(&format!("warning: {error}\n\n{INSTEAD}\n"));
    }
    let sample = arguments.sample || environment.without_data.is_some();
    let places = Places::new(&root, sample)?;

    let lab = Lab::at(&root, if sample { Scale::Sample } else { Scale::Full });
    let tables = Mutex::new(&lab);
    let ran = queue::run_all(&chosen, sample, &screen, |notebook, on_first_cell| {
        let times = run::run(&environment, &places, notebook, &screen, on_first_cell)?;
        // At once, so that no run is left out where a later notebook fails.
        queue::lock(&tables).collect(&format!("{}-", notebook.number()))?;
        Ok(times)
    });
    if let Some(failure) = ran.failure {
        let is_left = |number: &&str| !ran.done.iter().any(|(done, _)| done.number() == *number);
        let numbers = chosen.iter().map(|notebook| notebook.number());
        let left = numbers.filter(is_left).collect::<Vec<_>>().join(",");
        let flag = if sample { "--sample " } else { "" };
        let remedy = format!(
            "mend the cell, for example in `cargo lab notebook`; then `cargo lab report {flag}--only {left}` goes on\n  \
             the pages of the last report are as they were"
        );
        return Err(error(failure, remedy));
    }
    let mut saved = chosen;
    saved.retain(|_| arguments.save_notebooks);
    pages::write(&environment, &places, &all, &saved, &screen)?;

    let mut done = ran.done;
    done.sort_by(|a, b| a.0.cmp(&b.0));
    for (notebook, times) in &done {
        let (name, page) = (&notebook.name, places.shown(&notebook.name));
        say!("{name:<22}{times}   {page}");
    }
    let last = done.last().map(|(notebook, _)| notebook.name.as_str());
    let report = Some(REPORT).filter(|name| places.page(name).is_file());
    let front = places.shown(report.or(last).unwrap_or_default());
    say!("Open {front} in a browser.");
    if let Some(error) = &environment.without_data {
        screen.line(&format!("\nwarning: {}\n{INSTEAD}", reason(error)));
    }
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let strict = arguments.strict || set("CI") || set("LAB_STRICT");
    claims::tell(&all, &places, strict)
}
