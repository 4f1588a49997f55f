//! The threads that share a computation, as a value that ends them when it is dropped.

use std::cell::Cell;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::instructions::Instructions;
use crate::shared::Shared;
use crate::thread_pool::ThreadPool;

/// Floats in one piece of [`Threads::pieces`].
pub(crate) const PIECE: usize = 16 * 1024;

std::thread_local! {
    /// Whether this thread is one of several that work side by side.
    static NESTED: Cell<bool> = const { Cell::new(false) };
}

/// Threads that work on independent pieces of one computation.
///
/// The pieces are cut the same way whatever the number of threads, so results do not depend on it. The threads
/// end when the last clone of the value is dropped.
#[derive(Clone)]
pub struct Threads {
    /// `None` stands for the calling thread alone.
    pool: Option<Arc<ThreadPool>>,
}

impl std::fmt::Debug for Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Threads({})", self.count())
    }
}

impl Threads {
    /// `count` threads, or [`Threads::default_count`] where `count` is `None`.
    ///
    /// # Errors
    /// [`Error`] for a count that is not 1 to 1024, when the operating system cannot start as many threads, or where
    /// `LAB_INSTRUCTIONS` names instructions that this processor does not have.
    pub fn new(count: Option<usize>) -> Result<Self> {
        Self::check(count)?;
        Instructions::chosen()?;
        let count = count.unwrap_or_else(Self::default_count);
        // In a page there are none to start.
        if count == 1 || cfg!(target_family = "wasm") {
            return Ok(Self::one());
        }
        let pool = ThreadPool::new(count - 1).map_err(|error| {
            let found = format!("{count} ({error})");
            let expected = "threads that can be started";
            Error::new("threads", found, expected, "ask for fewer")
        })?;
        let pool = Some(Arc::new(pool));
        Ok(Self { pool })
    }

    /// Checks a number of threads without starting any.
    ///
    /// # Errors
    /// [`Error`] for a count that is not 1 to 1024.
    pub fn check(count: Option<usize>) -> Result<()> {
        let invalid = count.filter(|count| !(1..=1024).contains(count));
        let remedy = "leave it out to use every core";
        let error = |count| Error::new("threads", count, "1 to 1024", remedy);
        invalid.map(error).map_or(Ok(()), Err)
    }

    /// The number of threads where none is asked for: one for each core, or one inside of a task of
    /// [`side_by_side`](crate::side_by_side).
    pub fn default_count() -> usize {
        match NESTED.get() {
            true => 1,
            false => std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// Marks the calling thread as one of several that work side by side.
    pub(crate) fn mark_nested() {
        NESTED.set(true);
    }

    /// The calling thread alone.
    pub fn one() -> Self {
        Self { pool: None }
    }

    /// How many threads there are.
    pub fn count(&self) -> usize {
        self.pool.as_ref().map_or(1, |pool| pool.count())
    }

    /// Runs `task(0)`, …, `task(pieces - 1)`, each once, in any order.
    pub fn run(&self, pieces: usize, task: impl Fn(usize) + Sync) {
        match &self.pool {
            Some(pool) if pieces > 1 => pool.run(pieces, &task),
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
            let range = piece * length..total.min((piece + 1) * length);
            // SAFETY: pieces do not overlap, and each is taken once.
            task(piece, unsafe { shared.part(range) });
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
        assert_eq!(read.len(), written.len(), "both arrays have one length");
        self.chunks(written, PIECE, |piece, written| {
            task(&read[piece * PIECE..][..written.len()], written)
        });
    }
}
