//! How ranks talk to each other: two of them exchange numbers.

use std::sync::mpsc::{Receiver, Sender, channel};

use lab_core::{LabError, Result};

/// One of the ranks that train together, as it sees the others; by default one alone.
pub trait Communicator {
    /// The number of this rank, from 0.
    fn rank(&self) -> usize {
        0
    }

    /// How many ranks there are.
    fn size(&self) -> usize {
        1
    }

    /// Sends `values` to the rank `partner`, and fills `into` with what that rank sends at the same time.
    ///
    /// # Errors
    /// Where the partner has ended or does not answer.
    fn exchange(&self, partner: usize, _values: &[f32], _into: &mut [f32]) -> Result<()> {
        Err(lost(partner, "no such rank"))
    }
}

/// The error of a rank whose partner is gone.
fn lost(partner: usize, found: &str) -> LabError {
    let remedy = "look at that rank's own message, then go on from the last checkpoint";
    LabError::value(format!("rank {partner}"), found, "its numbers", remedy)
}

/// One rank alone, which has nobody to talk to.
#[derive(Debug)]
pub struct Single;

impl Communicator for Single {}

/// One of several ranks that are threads of one process.
#[derive(Debug)]
pub struct Channels {
    rank: usize,
    to: Vec<Sender<Vec<f32>>>,
    from: Vec<Receiver<Vec<f32>>>,
}

impl Channels {
    /// All of `size` ranks, one for each thread.
    pub fn connect(size: usize) -> Vec<Self> {
        let (mut from, mut to): (Vec<_>, Vec<_>) = (0..size).map(|_| (vec![], vec![])).unzip();
        for (sending, receiving) in (0..size * size).map(|pair| (pair / size, pair % size)) {
            let (sender, receiver) = channel();
            to[sending].push(sender);
            from[receiving].push(receiver);
        }
        let ends = to.into_iter().zip(from).enumerate();
        ends.map(|(rank, (to, from))| Self { rank, to, from })
            .collect()
    }
}

impl Communicator for Channels {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.to.len()
    }

    fn exchange(&self, partner: usize, values: &[f32], into: &mut [f32]) -> Result<()> {
        let ended = || lost(partner, "that it has ended");
        // A partner that has ended receives nothing, and its own channel is closed.
        _ = self.to[partner].send(values.to_vec());
        let received = self.from[partner].recv().map_err(|_| ended())?;
        let pairs = into.iter_mut().zip(&received);
        pairs.for_each(|(to, value)| *to = *value);
        Ok(())
    }
}
