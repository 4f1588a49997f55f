//! A pool of worker threads that spin for a while before they sleep. A training step posts about twenty jobs of less than a
//! millisecond each; to have the operating system wake a thread for each would cost more time than it saves.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a waiting thread spins before it yields the processor to other threads.
const SPIN: Duration = Duration::from_micros(20);
/// How long a worker waits for a job before it sleeps: longer than the time between two jobs in training.
const AWAKE: Duration = Duration::from_micros(300);

/// Worker threads besides the calling thread, which takes its share of every job.
#[derive(Default)]
pub(crate) struct ThreadPool {
    slot: Arc<JobSlot>,
    workers: Vec<JoinHandle<()>>,
    /// Held by the thread whose job is in the slot.
    owner: Mutex<()>,
}

/// The job that the pool works on.
#[derive(Default)]
struct JobSlot {
    /// The number of workers on the job (low bits), whether more may join it, and the job's number.
    state: AtomicUsize,
    job: UnsafeCell<Option<Job>>,
    /// The next piece to be taken.
    next: AtomicUsize,
    /// How many workers sleep, or are about to.
    asleep: AtomicUsize,
    failed: AtomicBool,
    ended: AtomicBool,
}

/// The calls `task(0)`, …, `task(pieces - 1)`; valid only for workers that have joined the job.
#[derive(Clone, Copy)]
struct Job {
    task: &'static (dyn Fn(usize) + Sync),
    pieces: usize,
}

// The bit fields of the state.
const JOINED: usize = OPEN - 1;
const OPEN: usize = 1 << 12;
const NUMBER: usize = OPEN << 1;

// SAFETY: `job` is written only by the owner, while the job is closed and no worker is on it; workers read it only after
// they have joined.
unsafe impl Sync for JobSlot {}

impl ThreadPool {
    /// Starts `workers` threads.
    pub(crate) fn new(workers: usize) -> std::io::Result<Self> {
        let mut pool = Self::default();
        for number in 1..=workers {
            let slot = pool.slot.clone();
            let thread = std::thread::Builder::new().name(format!("lab-{number}"));
            // If one cannot be started, dropping the pool ends the others.
            pool.workers.push(thread.spawn(move || slot.worker_loop())?);
        }
        Ok(pool)
    }

    /// The workers and the calling thread.
    pub(crate) fn count(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs `task(0)`, …, `task(pieces - 1)`, each once, in any order, and returns when all have ended.
    ///
    /// Panics when a task does. While a job runs, another one, from a task or from another thread, runs on its own thread
    /// alone.
    pub(crate) fn run(&self, pieces: usize, task: &(dyn Fn(usize) + Sync)) {
        let _owner = match self.owner.try_lock() {
            Ok(owner) => owner,
            // A task of an earlier job panicked; the slot is still in order.
            Err(TryLockError::Poisoned(owner)) => owner.into_inner(),
            Err(TryLockError::WouldBlock) => return (0..pieces).for_each(task),
        };
        let slot = &*self.slot;
        // SAFETY: only the lifetime changes, and `OpenJob` lets no worker stay on the job beyond this function.
        let task: &'static (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute(task) };
        // SAFETY: this thread owns the slot, the last job is closed and no worker is on it.
        unsafe { *slot.job.get() = Some(Job { task, pieces }) };
        slot.next.store(0, Ordering::Relaxed);
        let last = slot.state.load(Ordering::Relaxed) & !OPEN;
        slot.state
            .store(last.wrapping_add(NUMBER) | OPEN, Ordering::SeqCst);
        if slot.asleep.load(Ordering::SeqCst) > 0 {
            self.workers
                .iter()
                .for_each(|worker| worker.thread().unpark());
        }
        let open = OpenJob(slot);
        slot.take_pieces(task, pieces);
        drop(open);
        let failed = slot.failed.swap(false, Ordering::Relaxed);
        assert!(!failed, "a part of a computation failed on another thread");
    }
}

/// A job that workers may join; when it is dropped, even by a panic, the job is closed and every worker has left it.
struct OpenJob<'a>(&'a JobSlot);

impl Drop for OpenJob<'_> {
    fn drop(&mut self) {
        self.0.state.fetch_and(!OPEN, Ordering::Relaxed);
        let left = || self.0.state.load(Ordering::Acquire) & JOINED == 0;
        while !wait_for(left, Duration::MAX) {}
    }
}

impl JobSlot {
    fn take_pieces(&self, task: &(dyn Fn(usize) + Sync), pieces: usize) {
        loop {
            let piece = self.next.fetch_add(1, Ordering::Relaxed);
            if piece >= pieces {
                return;
            }
            task(piece);
        }
    }

    /// Works on every job until the pool ends.
    fn worker_loop(&self) {
        let mut last = 0;
        while let Some(number) = self.join_after(last) {
            last = number;
            // SAFETY: this worker has joined the job, so it is valid and nobody writes it.
            if let Some(Job { task, pieces }) = unsafe { *self.job.get() } {
                let pieces = AssertUnwindSafe(|| self.take_pieces(task, pieces));
                if catch_unwind(pieces).is_err() {
                    self.failed.store(true, Ordering::Relaxed);
                }
            }
            self.state.fetch_sub(1, Ordering::Release);
        }
    }

    /// Joins the first job after number `last` and returns its number; `None` when the pool ends.
    fn join_after(&self, last: usize) -> Option<usize> {
        let is_new = |state: usize| state & OPEN != 0 && state & !(JOINED | OPEN) != last;
        let ready = |order| self.ended.load(order) || is_new(self.state.load(order));
        loop {
            if !wait_for(|| ready(Ordering::Relaxed), AWAKE) {
                self.asleep.fetch_add(1, Ordering::SeqCst);
                while !ready(Ordering::SeqCst) {
                    std::thread::park();
                }
                self.asleep.fetch_sub(1, Ordering::SeqCst);
            }
            if self.ended.load(Ordering::Relaxed) {
                return None;
            }
            let state = self.state.load(Ordering::Relaxed);
            let (acquire, relaxed) = (Ordering::Acquire, Ordering::Relaxed);
            let join = || {
                self.state
                    .compare_exchange(state, state + 1, acquire, relaxed)
            };
            if is_new(state) && join().is_ok() {
                return Some(state & !(JOINED | OPEN));
            }
        }
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.slot.ended.store(true, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker catches the panics of its tasks, so there is nothing to pass on.
            let _ = worker.join();
        }
    }
}

/// Waits until `ready`, at most `longest`, first spinning, then yielding to other threads; whether it was ready.
fn wait_for(ready: impl Fn() -> bool, longest: Duration) -> bool {
    let start = Instant::now();
    loop {
        for _ in 0..32 {
            if ready() {
                return true;
            }
            std::hint::spin_loop();
        }
        let waited = start.elapsed();
        if waited > longest {
            return false;
        }
        if waited > SPIN {
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pool: &ThreadPool, pieces: usize) -> Vec<usize> {
        let counts: Vec<AtomicUsize> = (0..pieces).map(|_| AtomicUsize::new(0)).collect();
        pool.run(pieces, &|piece| {
            counts[piece].fetch_add(1, Ordering::Relaxed);
        });
        counts.into_iter().map(AtomicUsize::into_inner).collect()
    }

    #[test]
    fn every_piece_of_every_job_is_done_once() {
        for workers in [1, 2, 4] {
            let pool = ThreadPool::new(workers).unwrap();
            for round in 0..2000 {
                assert_eq!(counts(&pool, round % 9), vec![1; round % 9]);
            }
        }
    }

    /// Of two pieces the caller's lasts until a worker has joined.
    fn assert_workers_come(pool: &ThreadPool) {
        let (here, met, start) = (
            std::thread::current().id(),
            AtomicBool::new(false),
            Instant::now(),
        );
        pool.run(2, &|_| match std::thread::current().id() == here {
            true => {
                while !met.load(Ordering::Relaxed) {
                    assert!(start.elapsed() < Duration::from_secs(20), "no worker joins");
                }
            }
            false => met.store(true, Ordering::Relaxed),
        });
    }

    #[test]
    fn workers_that_sleep_are_woken() {
        let pool = ThreadPool::new(1).unwrap();
        for _ in 0..20 {
            std::thread::sleep(4 * AWAKE);
            assert_workers_come(&pool);
        }
    }

    #[test]
    fn a_task_may_ask_for_its_own_pool_and_two_threads_may_share_one() {
        let pool = ThreadPool::new(2).unwrap();
        let sum = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    pool.run(4, &|_| {
                        pool.run(3, &|piece| {
                            sum.fetch_add(piece, Ordering::Relaxed);
                        });
                    });
                });
            }
        });
        assert_eq!(sum.into_inner(), 2 * 4 * 3);
    }

    #[test]
    fn a_panic_in_a_task_reaches_the_caller_and_leaves_the_pool_working() {
        let pool = ThreadPool::new(2).unwrap();
        for bad in 0..8 {
            let failing = |piece: usize| assert!(piece != bad, "piece {piece}");
            assert!(catch_unwind(AssertUnwindSafe(|| pool.run(8, &failing))).is_err());
            assert_eq!(counts(&pool, 8), [1; 8]);
        }
        assert_workers_come(&pool);
    }
}
