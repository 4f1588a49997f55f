//! Helper threads that wait for work close to the processor: a step of training asks for them about twenty times, each
//! time for less than a millisecond, so being woken by the operating system would cost more than the work saved.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a waiting thread keeps its processor to itself.
const KEEP: Duration = Duration::from_micros(20);
/// How long a helper waits before it goes to sleep: longer than what lies between two pieces of work in training.
const AWAKE: Duration = Duration::from_micros(300);

/// Helpers besides the calling thread, which takes its share of every job.
pub(crate) struct Team {
    board: Arc<Board>,
    helpers: Vec<JoinHandle<()>>,
    /// Held by the thread whose job is on the board.
    owner: Mutex<()>,
}

/// Where a job is posted.
struct Board {
    gate: AtomicUsize,
    job: UnsafeCell<Job>,
    /// The next piece that nobody has taken yet.
    next: AtomicUsize,
    /// How many helpers sleep, or are about to.
    asleep: AtomicUsize,
    failed: AtomicBool,
    ended: AtomicBool,
}

/// A job as helpers see it: valid while they are inside of the gate.
#[derive(Clone, Copy)]
struct Job {
    task: *const (dyn Fn(usize) + Sync),
    pieces: usize,
}

// The gate: how many helpers are inside (low bits), whether more may come in, and the number of the job.
const INSIDE: usize = OPEN - 1;
const OPEN: usize = 1 << 12;
const JOB: usize = OPEN << 1;

// SAFETY: `job` is written only by the owner, while the gate is shut and nobody is inside; helpers read it only inside,
// and `task` points to a closure that is `Sync`.
unsafe impl Sync for Board {}
// SAFETY: as above; nothing in it belongs to one thread.
unsafe impl Send for Board {}

impl Team {
    /// Starts `helpers` threads.
    pub(crate) fn new(helpers: usize) -> std::io::Result<Self> {
        let job = UnsafeCell::new(Job {
            task: &|_| (),
            pieces: 0,
        });
        let (gate, next, asleep) = Default::default();
        let board = Arc::new(Board {
            gate,
            job,
            next,
            asleep,
            failed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let mut team = Self {
            board,
            helpers: Vec::new(),
            owner: Mutex::new(()),
        };
        for number in 1..=helpers {
            let board = team.board.clone();
            // Where one cannot be started, dropping the team ends those before it.
            team.helpers.push(
                std::thread::Builder::new()
                    .name(format!("lab-{number}"))
                    .spawn(move || board.help())?,
            );
        }
        Ok(team)
    }

    /// The helpers and the calling thread.
    pub(crate) fn count(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Runs `task(0)`, …, `task(pieces - 1)`, each once, in any order, and returns when all have ended.
    ///
    /// Panics when a task does. A task that itself asks for the team, and a thread that comes while another has the
    /// team, does its pieces alone.
    pub(crate) fn run(&self, pieces: usize, task: &(dyn Fn(usize) + Sync)) {
        let owner = match self.owner.try_lock() {
            Ok(owner) => owner,
            // A task of an earlier job panicked; the board is in order all the same.
            Err(TryLockError::Poisoned(owner)) => owner.into_inner(),
            Err(TryLockError::WouldBlock) => return (0..pieces).for_each(task),
        };
        let board = &*self.board;
        // SAFETY: only the lifetime changes: `Posted` lets nobody stay inside beyond this function.
        let task_for_all = unsafe {
            std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(task)
        };
        // SAFETY: this thread owns the board, the gate is shut and nobody is inside.
        unsafe {
            *board.job.get() = Job {
                task: task_for_all,
                pieces,
            }
        };
        board.next.store(0, Ordering::Relaxed);
        let job = (board.gate.load(Ordering::Relaxed) & !OPEN).wrapping_add(JOB);
        board.gate.store(job | OPEN, Ordering::SeqCst);
        if board.asleep.load(Ordering::SeqCst) > 0 {
            self.helpers
                .iter()
                .for_each(|helper| helper.thread().unpark());
        }
        let posted = Posted(board);
        board.take_pieces(task, pieces);
        drop(posted);
        drop(owner);
        assert!(
            !board.failed.swap(false, Ordering::Relaxed),
            "a part of a computation failed on another thread"
        );
    }
}

/// A job on the board: when it goes, even by a panic, the gate is shut and every helper has left.
struct Posted<'a>(&'a Board);

impl Drop for Posted<'_> {
    fn drop(&mut self) {
        self.0.gate.fetch_and(!OPEN, Ordering::Relaxed);
        let gone = || self.0.gate.load(Ordering::Acquire) & INSIDE == 0;
        while !wait_for(gone, Duration::MAX) {}
    }
}

impl Board {
    fn take_pieces(&self, task: &(dyn Fn(usize) + Sync), pieces: usize) {
        loop {
            let piece = self.next.fetch_add(1, Ordering::Relaxed);
            if piece >= pieces {
                return;
            }
            task(piece);
        }
    }

    /// What a helper does from its start to the end of the team.
    fn help(&self) {
        let mut last = 0;
        while let Some(gate) = self.wait_for_job(last) {
            last = gate & !(INSIDE | OPEN);
            // SAFETY: inside of the gate the job is valid and nobody writes it.
            let Job { task, pieces } = unsafe { *self.job.get() };
            // SAFETY: as above; whoever posted it waits until this thread has left.
            let task = unsafe { &*task };
            if catch_unwind(AssertUnwindSafe(|| self.take_pieces(task, pieces))).is_err() {
                self.failed.store(true, Ordering::Relaxed);
            }
            self.gate.fetch_sub(1, Ordering::Release);
        }
    }

    /// Goes inside as soon as there is a job after `last`; none when the team ends.
    fn wait_for_job(&self, last: usize) -> Option<usize> {
        let is_new = |gate: usize| gate & OPEN != 0 && gate & !(INSIDE | OPEN) != last;
        let ready =
            || self.ended.load(Ordering::Relaxed) || is_new(self.gate.load(Ordering::Relaxed));
        loop {
            if !wait_for(ready, AWAKE) {
                self.asleep.fetch_add(1, Ordering::SeqCst);
                while !(self.ended.load(Ordering::SeqCst)
                    || is_new(self.gate.load(Ordering::SeqCst)))
                {
                    std::thread::park();
                }
                self.asleep.fetch_sub(1, Ordering::SeqCst);
            }
            if self.ended.load(Ordering::Relaxed) {
                return None;
            }
            let gate = self.gate.load(Ordering::Relaxed);
            if is_new(gate) {
                let entered = self.gate.compare_exchange(
                    gate,
                    gate + 1,
                    Ordering::Acquire,
                    Ordering::Relaxed,
                );
                if entered.is_ok() {
                    return Some(gate);
                }
            }
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.board.ended.store(true, Ordering::SeqCst);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // A helper catches what its tasks panic with, so there is nothing to pass on.
            let _ = helper.join();
        }
    }
}

/// Waits at most `longest`, first for itself, then letting other threads go first; whether `ready` said yes.
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
        if waited > KEEP {
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(team: &Team, pieces: usize) -> Vec<usize> {
        let counts: Vec<AtomicUsize> = (0..pieces).map(|_| AtomicUsize::new(0)).collect();
        team.run(pieces, &|piece| {
            counts[piece].fetch_add(1, Ordering::Relaxed);
        });
        counts.into_iter().map(AtomicUsize::into_inner).collect()
    }

    #[test]
    fn every_piece_of_every_job_is_done_once() {
        for helpers in [1, 2, 4] {
            let team = Team::new(helpers).unwrap();
            for round in 0..2000 {
                assert_eq!(counts(&team, round % 9), vec![1; round % 9]);
            }
        }
    }

    /// Of two pieces the caller's lasts until a helper has come.
    fn assert_helpers_come(team: &Team) {
        let (here, met, start) = (
            std::thread::current().id(),
            AtomicBool::new(false),
            Instant::now(),
        );
        team.run(2, &|_| match std::thread::current().id() == here {
            true => {
                while !met.load(Ordering::Relaxed) {
                    assert!(start.elapsed() < Duration::from_secs(20), "no helper comes");
                }
            }
            false => met.store(true, Ordering::Relaxed),
        });
    }

    #[test]
    fn helpers_that_sleep_are_woken() {
        let team = Team::new(1).unwrap();
        for _ in 0..20 {
            std::thread::sleep(4 * AWAKE);
            assert_helpers_come(&team);
        }
    }

    #[test]
    fn a_task_may_ask_for_its_own_team_and_two_threads_may_share_one() {
        let team = Team::new(2).unwrap();
        let sum = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    team.run(4, &|_| {
                        team.run(3, &|piece| {
                            sum.fetch_add(piece, Ordering::Relaxed);
                        });
                    });
                });
            }
        });
        assert_eq!(sum.into_inner(), 2 * 4 * 3);
    }

    #[test]
    fn a_panic_in_a_task_reaches_the_caller_and_leaves_the_team_working() {
        let team = Team::new(2).unwrap();
        for bad in 0..8 {
            let failing = |piece: usize| assert!(piece != bad, "piece {piece}");
            assert!(catch_unwind(AssertUnwindSafe(|| team.run(8, &failing))).is_err());
            assert_eq!(counts(&team, 8), [1; 8]);
        }
        assert_helpers_come(&team);
    }
}
