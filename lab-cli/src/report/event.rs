//! What the Python side tells while it runs a notebook, a JSON object a line, and what a failed cell looks like.

use std::fmt;

use serde::Deserialize;

/// One line from `run.py`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// The kernel is about to start; the notebook has so many cells of code.
    Start { cells: usize },
    /// A cell begins, the `number`th of code.
    Cell { number: usize, head: String },
    /// The last line that the cell has printed.
    Text { line: String },
    /// A cell has ended, well or not.
    End { number: usize, seconds: f64 },
    /// The notebook ended at this cell.
    Failed(Failure),
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

/// How a cell failed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Failure {
    /// The number that JupyterLab shows beside the cell; 0 when the kernel did not start.
    pub number: usize,
    /// The cell's first lines.
    pub source: Vec<String>,
    pub kind: Kind,
    /// The message, without colours.
    pub message: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The cell ended with an error: it does not compile, or the process that it ran in ended.
    Error,
    /// The cell wrote to standard error: a panic, a `?` that failed, `eprintln!`.
    Stderr,
    /// The kernel is gone.
    Died,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Kind::Error => "failed",
            Kind::Stderr => "wrote to standard error, as a panic and a failed `?` do",
            Kind::Died => "ended the kernel",
        };
        match self.number {
            0 => write!(f, "the kernel did not start")?,
            number => write!(f, "cell [{number}] {what}")?,
        }
        for line in &self.source {
            write!(f, "\n  | {line}")?;
        }
        for line in &self.message {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
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
        assert!(serde_json::from_str::<Event>(r#"{"event": "party"}"#).is_err());
    }

    #[test]
    fn a_failure_names_the_cell_its_first_lines_and_the_message() {
        let text = r#"{"event": "failed", "number": 7, "source": ["let x: u32 =", "\"no\";"], "kind": "error",
            "message": ["mismatched types", "  expected u32"]}"#;
        let Event::Failed(failure) = serde_json::from_str(text).unwrap() else {
            panic!("no failure")
        };
        assert_eq!(
            failure.to_string(),
            "cell [7] failed\n  | let x: u32 =\n  | \"no\";\n  mismatched types\n    expected u32"
        );
        let stderr = Failure {
            kind: Kind::Stderr,
            ..failure.clone()
        };
        assert!(
            stderr
                .to_string()
                .starts_with("cell [7] wrote to standard error")
        );
        assert!(
            Failure {
                number: 0,
                ..failure
            }
            .to_string()
            .starts_with("the kernel did not start")
        );
    }
}
