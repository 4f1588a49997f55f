//! Runs one notebook through `run.py`, which tells what happens, a JSON object a line.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::notebooks::Notebook;
use super::pages::Places;
use crate::Outcome;
use crate::setup::Environment;
use crate::terminal::Screen;

/// Where there is no terminal, cells that take longer than so many seconds are told.
const LONG: f64 = 10.0;

/// One line from `run.py`.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event {
    /// The kernel is about to start; the notebook has so many cells of code.
    Start { cells: usize },
    /// A cell begins, the `number`th of code.
    Cell { number: usize, head: String },
    /// The last line that the cell has printed.
    Text { line: String },
    /// A cell has ended, well or not.
    End { number: usize, seconds: f64 },
    /// The notebook ended at a cell, which the text names.
    Failed { text: String },
    /// All cells ended well.
    Done(Times),
}

/// How long a notebook took, the start of the kernel included.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Times {
    /// Its cells of code.
    pub cells: usize,
    /// The whole of it.
    pub seconds: f64,
    /// Its first cell, which compiles the library, and the start of the kernel.
    pub first: f64,
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cells, seconds) = (self.cells, self.seconds);
        write!(f, "{cells:>4} cells in {seconds:>6.1} s, ")?;
        write!(f, "{:.1} s for the first", self.first)
    }
}

/// A Python script of ours in its environment: what a user has set up for Jupyter elsewhere does not reach it.
pub fn script(environment: &Environment, name: &str) -> Command {
    let mut command = Command::new(&environment.python);
    let jupyter = environment.root.join(".lab/jupyter");
    command
        .arg(environment.root.join("crates/cli/python").join(name))
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("JUPYTER_PLATFORM_DIRS", "1")
        .env("JUPYTER_PREFER_ENV_PATH", "1")
        .env("JUPYTER_CONFIG_DIR", jupyter.join("config"))
        .env("JUPYTER_RUNTIME_DIR", jupyter.join("runtime"));
    command
}

/// Runs a notebook in a new kernel, in the folder that it lies in, and writes it with its outputs into `places`;
/// `on_first_cell` is called when its first cell has ended.
///
/// # Errors
/// Where a cell fails, with the notebook and the cell.
pub fn run(
    environment: &Environment,
    places: &Places,
    notebook: &Notebook,
    screen: &Screen,
    on_first_cell: impl Fn(),
) -> Outcome<Times> {
    let mut command = script(environment, "run.py");
    command
        .arg(&notebook.path)
        .arg(places.executed(notebook))
        .current_dir(notebook.path.parent().unwrap_or(Path::new(".")))
        // The script ends, and its kernel with it, when this is closed, so also when this program ends in any way.
        .stdin(Stdio::piped());
    match places.sample {
        true => command.env("LAB_SCALE", "sample"),
        false => command.env_remove("LAB_SCALE"),
    };
    let name = &notebook.name;
    let (mut cells, mut cell, mut head) = (0, String::new(), String::new());
    let (mut times, mut failure) = (None, None);
    let show = |line: &str| {
        // A kernel may print other lines.
        match serde_json::from_str(line).ok()? {
            Event::Start { cells: count } => cells = count,
            Event::Cell { number, head: line } => {
                head = line.chars().take(60).collect();
                cell = format!("cell {number} of {cells}");
                return Some(format!("{cell}  {head}"));
            }
            Event::Text { line } => return Some(format!("{cell}  {line}")),
            Event::End { number, seconds } => {
                if number == 1 {
                    on_first_cell();
                }
                if seconds > LONG {
                    screen.plain_line(&format!("  {name}  {cell}: {seconds:.0} s  {head}"));
                }
            }
            Event::Failed { text } => failure = Some(text),
            Event::Done(done) => times = Some(done),
        }
        None
    };
    let remedy = "`cargo lab setup` says what is missing";
    let ran = screen.run(name, &mut command, remedy, show);
    if let Some(failure) = failure {
        return Err(format!("{name}: {failure}").into());
    }
    ran?;
    Ok(times.ok_or_else(|| format!("{name}: run.py ended before the notebook did"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_the_python_side_is_understood() {
        let parse = |text: &str| serde_json::from_str::<Event>(text).unwrap();
        assert_eq!(
            parse(r#"{"event": "start", "cells": 4}"#),
            Event::Start { cells: 4 }
        );
        let cell = Event::Cell {
            number: 2,
            head: "let x = 1;".into(),
        };
        assert_eq!(
            parse(r#"{"event": "cell", "number": 2, "head": "let x = 1;"}"#),
            cell
        );
        assert_eq!(
            parse(r#"{"event": "text", "line": "Epoch 1/2 …"}"#),
            Event::Text {
                line: "Epoch 1/2 …".into()
            }
        );
        assert_eq!(
            parse(r#"{"event": "end", "number": 2, "seconds": 0.5}"#),
            Event::End {
                number: 2,
                seconds: 0.5
            }
        );
        let times = Times {
            cells: 4,
            seconds: 9.5,
            first: 5.0,
        };
        assert_eq!(
            parse(r#"{"event": "done", "cells": 4, "seconds": 9.5, "first": 5}"#),
            Event::Done(times)
        );
        assert_eq!(
            parse(
                r#"{"event": "failed", "number": 7, "kind": "error", "message": [], "text": "cell [7] failed"}"#
            ),
            Event::Failed {
                text: "cell [7] failed".into()
            }
        );
        assert!(serde_json::from_str::<Event>(r#"{"event": "party"}"#).is_err());
    }
}
