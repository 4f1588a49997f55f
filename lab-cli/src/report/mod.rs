//! `cargo lab report`: runs the notebooks, and makes a page of each and one report.

mod event;
mod live;
mod notebooks;
mod pages;
mod queue;
mod run;
mod times;
mod watch;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use clap::Args;
use lab_core::lab::{Lab, Scale};
use lab_core::{LabError, Result};

use crate::Outcome;
use crate::laboratory::in_laboratory;
use crate::output::say;
use crate::setup::{self, Needs};
use event::Times;
use notebooks::Notebook;
use pages::{Places, REPORT};

/// Run the notebooks without a screen and make the report
///
/// Runs the notebooks in order, on the sample several at a time and the longest first, each in a kernel of its own, and writes a page of each
/// and outputs/report.html. A cell that fails ends it with status 1, and leaves the last report as it was. Where the data set
/// cannot be had, the report is made on the built-in sample, and each page says so.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo lab report                     everything, on the whole data set
  cargo lab report --sample            the same cells in minutes, on 1,500 built-in images: outputs/sample/report.html
  cargo lab report --only 03           one notebook again, its page and the report
  cargo lab report --only 05,06        two of them
  cargo lab report --save-notebooks    and write the outputs into notebooks/*.ipynb")]
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
    let root = std::path::absolute(
        arguments
            .within
            .clone()
            .unwrap_or_else(|| in_laboratory(".")),
    )?;
    let all = notebooks::find(&root.join("notebooks"))?;
    let chosen = notebooks::select(&all, &arguments.only)?;
    let _lock = lock(&root.join(".lab").join("report.lock"))?;
    let environment = setup::ensure(Needs {
        data: !arguments.sample,
    })?;
    if let Some(error) = &environment.without_data {
        if arguments.save_notebooks {
            return Err(
                format!("{error}\n  without it, --save-notebooks has nothing to save").into(),
            );
        }
        watch::line(&format!("warning: {error}\n\n{INSTEAD}\n"));
    }
    let sample = arguments.sample || environment.without_data.is_some();
    let places = Places::new(&root, sample)?;

    queue::run_all(&environment, &chosen, |notebook| places.executed(notebook), sample).map_err(|stopped| {
        let left: Vec<_> = stopped.left.iter().map(Notebook::number).collect();
        let flag = if sample { "--sample " } else { "" };
        format!(
            "{}\n  what to do: mend the cell, for example in `cargo lab notebook`; then `cargo lab report {flag}--only {}` \
             goes on\n  the pages of the last report are as they were",
            stopped.message,
            left.join(",")
        )
    })?;
    watch::line("writing the pages");
    let lab = Lab::at(&root, if sample { Scale::Sample } else { Scale::Full });
    chosen
        .iter()
        .try_for_each(|notebook| live::finish(&places.executed(notebook), &lab))?;
    let ran = pages::write(
        &environment,
        &places,
        &all,
        &chosen,
        arguments.save_notebooks,
    )?;

    let here = std::env::current_dir().unwrap_or_default();
    let shown = |path: &Path| {
        path.strip_prefix(&here)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    let mut rows =
        vec![["notebook", "cells", "seconds", "first cell", "size", "page"].map(str::to_owned)];
    for (
        notebook,
        Times {
            cells,
            seconds,
            first,
        },
    ) in ran.iter().filter(|(notebook, _)| chosen.contains(notebook))
    {
        let page = places.page(&notebook.name);
        let numbers = [
            cells.to_string(),
            format!("{seconds:.1}"),
            format!("{first:.1}"),
            megabytes(&page),
        ];
        let [cells, seconds, first, size] = numbers;
        rows.push([
            notebook.name.clone(),
            cells,
            seconds,
            first,
            size,
            shown(&page),
        ]);
    }
    let report = places.page(REPORT);
    if report.is_file() {
        let empty = String::new;
        rows.push([
            REPORT.to_owned(),
            empty(),
            empty(),
            empty(),
            megabytes(&report),
            shown(&report),
        ]);
    }
    say!("\n{}", table(&rows));
    let front = if report.is_file() {
        report
    } else {
        chosen.last().map_or(report, |last| places.page(&last.name))
    };
    say!("Open {} in a browser.", shown(&front));
    if let Some(error) = &environment.without_data {
        watch::line(&format!("\nwarning: {}\n{INSTEAD}", error.reason()));
    }
    Ok(())
}

/// The right to make a report in this clone, which one process at a time has.
///
/// The operating system takes it back when the process ends, however it ends.
fn lock(path: &Path) -> Result<File> {
    let failed = |error| LabError::io("lock", path, error, "check the permissions of .lab");
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .map_err(failed)?;
    let file = File::create(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let remedy = "wait until it ends; both would write the same pages";
            Err(LabError::format(
                path,
                "another `cargo lab report` at work",
                "one at a time in a clone",
                remedy,
            ))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn megabytes(page: &Path) -> String {
    fs::metadata(page).map_or_else(
        |_| "-".to_owned(),
        |file| format!("{:.2} MB", file.len() as f64 / 1e6),
    )
}

/// Rows under a header; the first and the last column at the left, numbers at the right.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cell = |(column, text): (usize, &String)| match column {
            0 => format!("{text:<0$}", widths[0]),
            _ if column == N - 1 => text.clone(),
            _ => format!("{text:>0$}", widths[column]),
        };
        format!(
            "{}\n",
            row.iter()
                .enumerate()
                .map(cell)
                .collect::<Vec<_>>()
                .join("  ")
        )
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reports_in_one_clone_do_not_run_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.lock");
        let first = lock(&path).unwrap();
        let error = lock(&path).unwrap_err().to_string();
        assert!(
            error.contains("another `cargo lab report` at work") && error.contains("wait"),
            "{error}"
        );
        drop(first);
        lock(&path).unwrap();
    }

    #[test]
    fn numbers_stand_under_their_headings() {
        let rows = [["notebook", "cells", "page"], ["01-a", "7", "01-a.html"]]
            .map(|row| row.map(str::to_owned));
        assert_eq!(
            table(&rows),
            "notebook  cells  page\n01-a          7  01-a.html\n"
        );
    }
}
