//! Which notebook runs when: one after the other where training takes all cores, several at a time on the sample, where
//! nearly all the time is spent compiling cells.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::notebooks::Notebook;
use super::run::{Alive, run};
use super::watch::Screen;
use crate::setup::Environment;

/// Notebooks at a time at most: each kernel and its compiler take up to a gigabyte.
const MOST: usize = 4;

/// A notebook that did not come to its end, and all that are still to be run.
pub struct Stopped {
    pub message: String,
    pub left: Vec<Notebook>,
}

/// Runs the notebooks; `executed` says where each goes when it has run. The first that fails ends those beside it.
pub fn run_all(
    environment: &Environment,
    notebooks: &[Notebook],
    executed: impl Fn(&Notebook) -> PathBuf + Sync,
    sample: bool,
) -> Result<(), Stopped> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = if sample { cores.min(MOST) } else { 1 };
    let queue = Queue::new(&if jobs > 1 {
        longest_first(notebooks)
    } else {
        notebooks.to_vec()
    });
    std::thread::scope(|scope| {
        for job in 0..jobs {
            let (queue, executed) = (&queue, &executed);
            scope.spawn(move || {
                // The first kernel compiles what all need; those after it copy that.
                if job > 0 {
                    queue.wait_for_first_cell();
                }
                while let Some(notebook) = queue.next() {
                    let on_cell = || queue.first_cell_is_done();
                    let place = executed(&notebook);
                    let outcome = run(
                        environment,
                        &notebook,
                        &place,
                        sample,
                        &queue.screen,
                        &queue.alive,
                        on_cell,
                    );
                    queue.end(&notebook, outcome.err().map(|error| error.to_string()));
                }
            });
        }
    });
    let state = queue
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    match state.failure {
        None => Ok(()),
        Some(message) => {
            let left = notebooks
                .iter()
                .filter(|notebook| !state.done.contains(notebook))
                .cloned()
                .collect();
            Err(Stopped { message, left })
        }
    }
}

/// The order in which several jobs end at about the same time: most cells first, and last what reads the others.
fn longest_first(notebooks: &[Notebook]) -> Vec<Notebook> {
    let mut ordered = notebooks.to_vec();
    ordered.sort_by_cached_key(|notebook| {
        (notebook.reads_the_others(), Reverse(notebook.code_cells()))
    });
    ordered
}

/// What the jobs share.
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    alive: Alive,
    screen: Screen,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Notebook>,
    running: usize,
    done: Vec<Notebook>,
    first_cell: bool,
    failure: Option<String>,
}

impl Queue {
    fn new(notebooks: &[Notebook]) -> Self {
        let state = State {
            waiting: notebooks.iter().cloned().collect(),
            ..State::default()
        };
        let (alive, screen) = (Alive::default(), Screen::stderr());
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            alive,
            screen,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next notebook, once it may run; none when there are no more or one has failed.
    fn next(&self) -> Option<Notebook> {
        let must_wait = |state: &mut State| {
            let reads_the_others = state
                .waiting
                .front()
                .is_some_and(Notebook::reads_the_others);
            state.failure.is_none() && reads_the_others && state.running > 0
        };
        let state = self.changed.wait_while(self.state(), must_wait);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let next = if state.failure.is_none() {
            state.waiting.pop_front()
        } else {
            None
        };
        state.running += usize::from(next.is_some());
        next
    }

    fn end(&self, notebook: &Notebook, failure: Option<String>) {
        let mut state = self.state();
        state.running -= 1;
        match failure {
            None => state.done.push(notebook.clone()),
            Some(message) => {
                // Those that are ended because of the first have nothing to say.
                state.failure.get_or_insert(message);
                self.alive.end_all();
            }
        }
        state.first_cell = true;
        self.changed.notify_all();
    }

    fn first_cell_is_done(&self) {
        self.state().first_cell = true;
        self.changed.notify_all();
    }

    fn wait_for_first_cell(&self) {
        drop(
            self.changed
                .wait_while(self.state(), |state| !state.first_cell),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notebook(name: &str) -> Notebook {
        Notebook {
            name: name.to_owned(),
            path: PathBuf::new(),
        }
    }

    #[test]
    fn several_jobs_begin_with_the_most_cells_and_end_with_the_report() {
        let folder = tempfile::tempdir().unwrap();
        let written =
            [("01-a", 1), ("02-b", 3), ("03-c", 2), ("06-report", 9)].map(|(name, cells)| {
                let path = folder.path().join(name);
                let cell = serde_json::json!({ "cell_type": "code" });
                let prose = serde_json::json!({ "cell_type": "markdown" });
                let cells = [vec![cell; cells], vec![prose; 10 - cells]].concat();
                std::fs::write(&path, serde_json::json!({ "cells": cells }).to_string()).unwrap();
                Notebook {
                    name: name.to_owned(),
                    path,
                }
            });
        let ordered = longest_first(&[&written[..], &[notebook("04-not-there")]].concat());
        let names: Vec<_> = ordered
            .iter()
            .map(|notebook| notebook.name.as_str())
            .collect();
        assert_eq!(names, ["02-b", "03-c", "01-a", "04-not-there", "06-report"]);
    }

    #[test]
    fn the_report_waits_for_the_notebooks_that_it_reads() {
        let queue = Queue::new(&["01-a", "02-b", "06-report"].map(notebook));
        let (first, second) = (queue.next().unwrap(), queue.next().unwrap());
        std::thread::scope(|scope| {
            let report = scope.spawn(|| queue.next());
            queue.end(&second, None);
            assert!(!report.is_finished(), "the first notebook is still running");
            queue.end(&first, None);
            assert_eq!(report.join().unwrap(), Some(notebook("06-report")));
        });
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn after_a_failure_nothing_more_is_started_and_the_first_message_stays() {
        let queue = Queue::new(&["01-a", "02-b", "03-c"].map(notebook));
        let (first, second) = (queue.next().unwrap(), queue.next().unwrap());
        queue.end(&first, Some("cell [3] failed".to_owned()));
        queue.end(&second, Some("ended".to_owned()));
        assert_eq!(
            (queue.next(), queue.state().failure.as_deref()),
            (None, Some("cell [3] failed"))
        );
    }
}
