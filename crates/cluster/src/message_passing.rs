//! Ranks that are processes, on one machine or many, and talk through MPI.

use std::thread::{sleep, yield_now};
use std::time::{Duration, Instant};

use lab_core::Result;
use mpi::environment::Universe;
use mpi::request::{LocalScope, Request, scope};
use mpi::topology::Communicator as _;
use mpi::traits::*;

use crate::communicator::Communicator;

/// This process among those that `mpirun` started; one alone without it.
pub struct Mpi {
    universe: Universe,
    /// How long a rank may take to answer; longer than that ends the run.
    pub timeout: Duration,
}

impl Mpi {
    /// Joins the other processes, or `None` where this process has done so before.
    pub fn begin(timeout: Duration) -> Option<Self> {
        let universe = mpi::initialize()?;
        Some(Self { universe, timeout })
    }

    /// Says why this rank cannot go on, and ends all of them.
    pub fn abort(&self, error: &dyn std::fmt::Display) -> ! {
        // What all ranks find, rank 0 says alone.
        if self.rank() > 0 {
            sleep(Duration::from_secs(1));
        }
        eprintln!("error: rank {}: {error}", self.rank());
        self.universe.world().abort(1)
    }

    /// Waits until a message to or from `partner` has arrived. Yields, because ranks may share a core.
    fn wait<'a>(&self, partner: usize, mut request: Request<'a, [f32], &LocalScope<'a>>) {
        let start = Instant::now();
        while let Err(unfinished) = request.test() {
            request = unfinished;
            yield_now();
            if start.elapsed() > self.timeout {
                let remedy = "look whether it still runs; go on with --resume";
                let seconds = self.timeout.as_secs();
                self.abort(&format!(
                    "rank {partner} has said nothing for {seconds} s\n  what to do: {remedy}"
                ));
            }
        }
    }
}

impl Communicator for Mpi {
    fn rank(&self) -> usize {
        self.universe.world().rank() as usize
    }

    fn size(&self) -> usize {
        self.universe.world().size() as usize
    }

    fn exchange(&self, partner: usize, values: &[f32], into: &mut [f32]) -> Result<()> {
        let world = self.universe.world();
        let other = world.process_at_rank(partner as i32);
        scope(|scope| {
            let receive = other.immediate_receive_into(scope, into);
            self.wait(partner, other.immediate_send(scope, values));
            self.wait(partner, receive);
        });
        Ok(())
    }
}
