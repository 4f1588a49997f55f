//! Sums in one fixed tree, whatever the number of ranks.
//!
//! The leaves of the tree are the shards in order; each node above adds its two children: (0 + 1) + (2 + 3), and so on. A
//! rank holds the shards below one node and adds them by itself. The ranks then add their nodes' sums level by level:
//! first neighbours, then pairs, then fours. As a + b = b + a to the bit, it does not matter which of two partners adds.

use std::ops::Range;

use lab_core::Result;
use lab_core::compute::Threads;

use crate::communicator::Communicator;

/// Adds `other` to `sum`, number by number.
pub(crate) fn add(sum: &mut [f32], other: &[f32], threads: &Threads) {
    threads.pieces(other, sum, |other, sum| {
        sum.iter_mut().zip(other).for_each(|(a, b)| *a += b);
    });
}

/// What `leaf` gives for each of the shards, added along the tree; `add` adds two nodes.
pub(crate) fn fold<T>(
    shards: Range<usize>,
    leaf: &mut dyn FnMut(usize) -> Result<T>,
    add: &dyn Fn(&mut T, T),
) -> Result<T> {
    if shards.len() == 1 {
        return leaf(shards.start);
    }
    let middle = shards.start + shards.len() / 2;
    let mut sum = fold(shards.start..middle, leaf, add)?;
    add(&mut sum, fold(middle..shards.end, leaf, add)?);
    Ok(sum)
}

/// Replaces `values` by their sums over all ranks, the same bits on each of them.
///
/// At each level of the tree two partners exchange halves: each adds one half of what is left, so that in the end every rank
/// has an equal part of the sums (*recursive halving*); the way back collects the parts (*recursive doubling*; Rabenseifner,
/// 2004). So each rank sends 2 n (1 − 1/R) numbers, whatever the number of ranks R, and no rank adds everything.
///
/// # Errors
/// Where another rank has ended or does not answer.
pub fn sum(ranks: &impl Communicator, values: &mut [f32], threads: &Threads) -> Result<()> {
    let (mut own, mut given) = (0..values.len(), Vec::new());
    let mut received = vec![0.0; values.len().div_ceil(2)];
    for level in 0..ranks.size().ilog2() {
        let middle = own.start + own.len() / 2;
        let (low, high) = (own.start..middle, middle..own.end);
        let (kept, other) = match ranks.rank() >> level & 1 {
            0 => (low, high),
            _ => (high, low),
        };
        let received = &mut received[..kept.len()];
        let partner = ranks.rank() ^ 1 << level;
        ranks.exchange(partner, &values[other.clone()], received)?;
        add(&mut values[kept.clone()], received, threads);
        own = kept;
        given.push((partner, other));
    }
    for (partner, other) in given.into_iter().rev() {
        let received = &mut received[..other.len()];
        ranks.exchange(partner, &values[own.clone()], received)?;
        values[other.clone()].copy_from_slice(received);
        own = own.start.min(other.start)..own.end.max(other.end);
    }
    Ok(())
}
