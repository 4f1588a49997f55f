//! Which cell of which notebook is running, and for how long: a moving line in a terminal, lines of text elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::event::{Event, Times};

/// Where there is no terminal, cells that take longer than this are told.
const LONG: f64 = 10.0;

/// Standard error: where it is a terminal, a moving line for each notebook that runs.
pub struct Screen {
    bars: Option<MultiProgress>,
}

impl Screen {
    pub fn stderr() -> Self {
        Self {
            bars: std::io::stderr().is_terminal().then(MultiProgress::new),
        }
    }

    /// A line that stays, above the moving ones.
    fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => _ = bars.println(text),
            None => line(text),
        }
    }
}

/// Shows the events of one notebook.
pub struct Watch<'a> {
    screen: &'a Screen,
    name: String,
    cells: usize,
    head: String,
    bar: Option<ProgressBar>,
}

impl<'a> Watch<'a> {
    pub fn new(screen: &'a Screen, name: &str) -> Self {
        let bar = screen.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            if let Ok(style) =
                ProgressStyle::with_template("{spinner} {prefix}  {elapsed:>4}  {wide_msg:.dim}")
            {
                bar.set_style(style);
            }
            bar.set_prefix(name.to_owned());
            bar.set_message("starting the kernel");
            bar.enable_steady_tick(Duration::from_millis(150));
            bar
        });
        Self {
            screen,
            name: name.to_owned(),
            cells: 0,
            head: String::new(),
            bar,
        }
    }

    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Start { cells } => self.cells = *cells,
            Event::Cell { number, head } => {
                self.head = head.chars().take(60).collect();
                if let Some(bar) = &self.bar {
                    bar.reset_elapsed();
                    bar.set_prefix(format!("{}  cell {number} of {}", self.name, self.cells));
                    bar.set_message(self.head.clone());
                }
            }
            Event::Text { line } => self
                .bar
                .iter()
                .for_each(|bar| bar.set_message(line.clone())),
            Event::End { number, seconds } if *seconds > LONG && self.bar.is_none() => {
                let Self {
                    name, cells, head, ..
                } = self;
                self.screen.line(&format!(
                    "  {name}  cell {number} of {cells}: {seconds:.0} s  {head}"
                ));
            }
            Event::Done(times) => {
                self.clear();
                self.screen.line(&summary(&self.name, times));
            }
            Event::End { .. } | Event::Failed(_) => {}
        }
    }

    fn clear(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn summary(name: &str, times: &Times) -> String {
    let Times {
        cells,
        seconds,
        first,
    } = times;
    let plural = if *cells == 1 { "cell" } else { "cells" };
    format!("{name:<22} {cells:>3} {plural} in {seconds:.1} s, of which {first:.1} s for the first")
}

/// A line on standard error; a reader who has gone does not miss it.
pub fn line(text: &str) {
    _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notebook_that_is_done_is_told_in_one_line() {
        let times = Times {
            cells: 12,
            seconds: 61.23,
            first: 4.4,
        };
        let text = summary("03-loss-comparison", &times);
        assert_eq!(
            text,
            "03-loss-comparison      12 cells in 61.2 s, of which 4.4 s for the first"
        );
        assert!(summary("a", &Times { cells: 1, ..times }).contains("1 cell in"));
    }
}
