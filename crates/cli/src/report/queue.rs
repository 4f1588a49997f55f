//! Which notebook runs when: one after the other where training takes all cores, several at a time on the sample, where
//! nearly all the time is spent compiling cells.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::notebooks::Notebook;
use super::run::Times;
use crate::Outcome;
use crate::terminal::Screen;

/// Notebooks at a time at most: each kernel and its compiler take up to a gigabyte.
const MOST: usize = 4;

/// The notebooks that came to their end, in the order in which they did, and why another did not.
#[derive(Default)]
pub struct Ran {
    pub done: Vec<(Notebook, Times)>,
    pub failure: Option<String>,
}

/// Runs the notebooks by `run`, which is given what to call when the first cell has ended. The first that fails ends those
/// beside it.
pub fn run_all(
    notebooks: &[Notebook],
    sample: bool,
    screen: &Screen,
    run: impl Fn(&Notebook, &dyn Fn()) -> Outcome<Times> + Sync,
) -> Ran {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = if sample { cores.min(MOST) } else { 1 };
    let (last, mut others): (Vec<_>, Vec<_>) = notebooks
        .iter()
        .cloned()
        .partition(Notebook::reads_the_others);
    if jobs > 1 {
        // The longest first, so that several jobs end at about the same time; last what needs another's run.
        let cells = |notebook: &Notebook| Reverse(notebook.code_cells());
        others.sort_by_cached_key(|notebook| (notebook.reads_another(), cells(notebook)));
    }
    let waiting = Mutex::new(VecDeque::from(others));
    let (ran, first_cell) = (Mutex::new(Ran::default()), OnceLock::new());
    let work = || {
        while let Some(notebook) = next(&waiting).filter(|_| lock(&ran).failure.is_none()) {
            let outcome = run(&notebook, &|| _ = first_cell.set(()));
            let mut ran = lock(&ran);
            match outcome {
                Ok(times) => ran.done.push((notebook, times)),
                Err(error) => {
                    // Those that are ended because of the first have nothing to say.
                    _ = ran.failure.get_or_insert(error.to_string());
                    screen.stop();
                }
            }
        }
        _ = first_cell.set(());
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        for _ in 1..jobs {
            scope.spawn(|| {
                // The first kernel compiles what all need; those after it copy that.
                first_cell.wait();
                work();
            });
        }
    });
    lock(&waiting).extend(last);
    work();
    ran.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn next(waiting: &Mutex<VecDeque<Notebook>>) -> Option<Notebook> {
    lock(waiting).pop_front()
}

/// What is shared, also after a panic.
pub fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        cells: 1,
        seconds: 1.0,
        first: 1.0,
    };

    fn notebook(name: &str) -> Notebook {
        Notebook {
            name: name.to_owned(),
            path: Default::default(),
        }
    }

    #[test]
    fn several_jobs_begin_with_the_most_cells_and_end_with_the_report() {
        let folder = tempfile::tempdir().unwrap();
        let written = [
            ("01-a", 1),
            ("02-b", 3),
            ("03-improvement", 5),
            ("07-report", 9),
        ]
        .map(|(name, cells)| {
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
        let (begun, running) = (Mutex::new(Vec::new()), Mutex::new(0));
        let notebooks = [&written[..], &[notebook("04-not-there")]].concat();
        let ran = run_all(
            &notebooks,
            true,
            &Screen::silent(),
            |notebook, first_cell| {
                *lock(&running) += 1;
                lock(&begun).push(notebook.name.clone());
                if notebook.reads_the_others() {
                    assert_eq!(*lock(&running), 1, "the report waits for all others");
                }
                first_cell();
                std::thread::sleep(std::time::Duration::from_millis(50));
                *lock(&running) -= 1;
                Ok(TIMES)
            },
        );
        assert_eq!((ran.done.len(), ran.failure), (5, None));
        let begun = lock(&begun);
        assert_eq!((&*begun[0], &*begun[4]), ("02-b", "07-report"));
        assert_eq!(begun[3], "03-improvement", "it reads another's run");
    }

    #[test]
    fn the_full_report_runs_in_the_order_of_the_notebooks() {
        let begun = Mutex::new(Vec::new());
        let notebooks = ["01-a", "02-b", "03-c"].map(notebook);
        run_all(&notebooks, false, &Screen::silent(), |notebook, _| {
            lock(&begun).push(notebook.clone());
            Ok(TIMES)
        });
        assert_eq!(*lock(&begun), notebooks);
    }

    #[test]
    fn after_a_failure_nothing_more_is_started_and_the_first_message_stays() {
        let begun = Mutex::new(0);
        let notebooks = ["01-a", "02-b", "07-report"].map(notebook);
        let ran = run_all(&notebooks, false, &Screen::silent(), |_, _| {
            *lock(&begun) += 1;
            Err("cell [3] failed".into())
        });
        assert_eq!((*lock(&begun), ran.done.len()), (1, 0));
        assert_eq!(ran.failure.as_deref(), Some("cell [3] failed"));
    }
}
