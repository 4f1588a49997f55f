//! The threads that share a computation: a value with an owner, not a static.

use super::instructions::Instructions;
use super::shared::Shared;
use super::team::Team;
use crate::error::{LabError, Result};

/// Numbers that one thread works on at a time in [`Threads::pieces`].
pub(super) const PIECE: usize = 16 * 1024;

/// A team of threads that works on independent pieces of one computation.
///
/// The pieces are cut the same way whatever the number of threads, so results do not depend on it. The threads
/// end when the value is dropped.
pub struct Threads {
    /// `None` stands for the calling thread alone.
    team: Option<Team>,
}

impl Threads {
    /// A team of `count` threads, or of one for each processor where `count` is `None`.
    ///
    /// # Errors
    /// [`LabError::Value`] for a count of 0, when the operating system gives no more threads, or where
    /// `LAB_INSTRUCTIONS` names instructions that this processor does not have.
    pub fn new(count: Option<usize>) -> Result<Self> {
        Self::check(count)?;
        Instructions::chosen()?;
        let count = count.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        if count == 1 {
            return Ok(Self::one());
        }
        let team = Team::new(count - 1).map_err(|error| {
            LabError::value("threads", format!("{count} ({error})"), "threads that can be started", "ask for fewer")
        })?;
        Ok(Self { team: Some(team) })
    }

    /// Checks a number of threads without starting any.
    pub(crate) fn check(count: Option<usize>) -> Result<()> {
        match count {
            Some(count) if !(1..=1024).contains(&count) => {
                Err(LabError::value("threads", count.to_string(), "1 to 1024", "leave it out to use every core"))
            }
            _ => Ok(()),
        }
    }

    /// The calling thread alone.
    pub fn one() -> Self {
        Self { team: None }
    }

    /// How many threads there are.
    pub fn count(&self) -> usize {
        self.team.as_ref().map_or(1, Team::count)
    }

    /// Runs `task(0)`, …, `task(pieces - 1)`, each once, in any order.
    pub fn run(&self, pieces: usize, task: impl Fn(usize) + Sync) {
        match &self.team {
            Some(team) if pieces > 1 => team.run(pieces, &task),
            _ => (0..pieces).for_each(task),
        }
    }

    /// Cuts `data` into pieces of `length` (the last may be shorter) and runs `task(number, piece)` on each.
    pub fn chunks<T: Send>(&self, data: &mut [T], length: usize, task: impl Fn(usize, &mut [T]) + Sync) {
        let length = length.max(1);
        let total = data.len();
        let shared = Shared::new(data);
        self.run(total.div_ceil(length), |piece| {
            // SAFETY: pieces do not overlap, and each is taken once.
            task(piece, unsafe { shared.part(piece * length..total.min((piece + 1) * length)) });
        });
    }

    /// Cuts two arrays of one length into the same pieces and runs `task(piece of read, piece of written)` on each.
    ///
    /// Panics when the lengths differ.
    pub fn pieces(&self, read: &[f32], written: &mut [f32], task: impl Fn(&[f32], &mut [f32]) + Sync) {
        assert_eq!(read.len(), written.len(), "arrays that belong together are equally long");
        self.chunks(written, PIECE, |piece, written| task(&read[piece * PIECE..][..written.len()], written));
    }
}
