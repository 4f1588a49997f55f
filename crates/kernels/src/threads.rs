//! The threads that share a computation: a value with an owner, not a static.

use std::cell::Cell;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::instructions::Instructions;
use crate::shared::Shared;
use crate::team::Team;

/// Numbers that one thread works on at a time in [`Threads::pieces`].
pub(crate) const PIECE: usize = 16 * 1024;

std::thread_local! {
    /// Whether this thread works beside others that have the other cores.
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// A team of threads that works on independent pieces of one computation.
///
/// The pieces are cut the same way whatever the number of threads, so results do not depend on it. The threads
/// end when the last clone of the value is dropped.
#[derive(Clone)]
pub struct Threads {
    /// `None` stands for the calling thread alone.
    team: Option<Arc<Team>>,
}

impl std::fmt::Debug for Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Threads({})", self.count())
    }
}

impl Threads {
    /// A team of `count` threads, or of [`Threads::default_count`] where `count` is `None`.
    ///
    /// # Errors
    /// [`Error`] for a count of 0, when the operating system gives no more threads, or where `LAB_INSTRUCTIONS` names instructions that this processor does not have.
    pub fn new(count: Option<usize>) -> Result<Self> {
        Self::check(count)?;
        Instructions::chosen()?;
        let count = count.unwrap_or_else(Self::default_count);
        if count == 1 {
            return Ok(Self::one());
        }
        let team = Team::new(count - 1).map_err(|error| {
            let (found, expected) = (
                format!("{count} ({error})"),
                "threads that can be started".to_owned(),
            );
            Error {
                option: "threads",
                found,
                expected,
                remedy: "ask for fewer",
            }
        })?;
        Ok(Self {
            team: Some(Arc::new(team)),
        })
    }

    /// Checks a number of threads without starting any.
    ///
    /// # Errors
    /// [`Error`] for a count that is not 1 to 1024.
    pub fn check(count: Option<usize>) -> Result<()> {
        match count {
            Some(count) if !(1..=1024).contains(&count) => {
                let (found, expected) = (count.to_string(), "1 to 1024".to_owned());
                Err(Error {
                    option: "threads",
                    found,
                    expected,
                    remedy: "leave it out to use every core",
                })
            }
            _ => Ok(()),
        }
    }

    /// How many threads there are where no number is asked for: one for each core, or one on a thread that works beside
    /// others ([`side_by_side`](crate::side_by_side)).
    pub fn default_count() -> usize {
        if ALONE.get() {
            1
        } else {
            std::thread::available_parallelism().map_or(1, usize::from)
        }
    }

    /// Says that the calling thread works beside others.
    pub(crate) fn work_alone() {
        ALONE.set(true);
    }

    /// The calling thread alone.
    pub fn one() -> Self {
        Self { team: None }
    }

    /// How many threads there are.
    pub fn count(&self) -> usize {
        self.team.as_ref().map_or(1, |team| team.count())
    }

    /// Runs `task(0)`, …, `task(pieces - 1)`, each once, in any order.
    pub fn run(&self, pieces: usize, task: impl Fn(usize) + Sync) {
        match &self.team {
            Some(team) if pieces > 1 => team.run(pieces, &task),
            _ => (0..pieces).for_each(task),
        }
    }

    /// Cuts `data` into pieces of `length` (the last may be shorter) and runs `task(number, piece)` on each.
    pub fn chunks<T: Send>(
        &self,
        data: &mut [T],
        length: usize,
        task: impl Fn(usize, &mut [T]) + Sync,
    ) {
        let length = length.max(1);
        let total = data.len();
        let shared = Shared::new(data);
        self.run(total.div_ceil(length), |piece| {
            // SAFETY: pieces do not overlap, and each is taken once.
            task(piece, unsafe {
                shared.part(piece * length..total.min((piece + 1) * length))
            });
        });
    }

    /// Cuts two arrays of one length into the same pieces and runs `task(piece of read, piece of written)` on each.
    ///
    /// Panics when the lengths differ.
    pub fn pieces(
        &self,
        read: &[f32],
        written: &mut [f32],
        task: impl Fn(&[f32], &mut [f32]) + Sync,
    ) {
        assert_eq!(
            read.len(),
            written.len(),
            "arrays that belong together are equally long"
        );
        self.chunks(written, PIECE, |piece, written| {
            task(&read[piece * PIECE..][..written.len()], written)
        });
    }
}
