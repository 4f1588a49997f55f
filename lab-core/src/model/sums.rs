//! Sums over the rows of a matrix, on all threads.

use super::*;

/// Rows of one shard where there are as many as pixels.
pub(super) const SHARD: usize = 1024;

/// The sum of each of the `columns` columns of a matrix.
pub(super) fn sum_columns(x: &[f32], shard: usize, columns: usize, threads: &Threads) -> Vec<f32> {
    let rows = x.len() / columns;
    sum_rows(rows, shard, columns, threads, |row, sums| {
        let row = &x[row * columns..][..columns];
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    })
}

/// For each of `columns` columns the sum of what `add` adds for each row.
///
/// The rows are added in shards of fixed size, one `f32` after the other, and the shards' sums in double precision: the bits
/// do not depend on the threads, and rounding does not grow with the number of shards.
pub(super) fn sum_rows(
    rows: usize,
    shard: usize,
    columns: usize,
    threads: &Threads,
    add: impl Fn(usize, &mut [f32]) + Sync,
) -> Vec<f32> {
    let mut shards = vec![0.0; rows.div_ceil(shard) * columns];
    threads.chunks(&mut shards, columns, |number, sums| {
        let rows = number * shard..rows.min((number + 1) * shard);
        rows.for_each(|row| add(row, sums));
    });
    let mut totals = vec![0.0; columns];
    for sums in shards.chunks_exact(columns) {
        let totals = totals.iter_mut().zip(sums);
        totals.for_each(|(total, &sum)| *total += f64::from(sum));
    }
    totals.into_iter().map(|total| total as f32).collect()
}
