//! The matrix product C = A·B, where nearly all the time of training goes.
//!
//! A is read once into a small packed block; B and C stay where they are, row after row. A register tile of C
//! (8 × 48 with AVX-512, 4 × 24 otherwise) is summed over at most 256 rows of B, then added to C. Every entry of
//! C is one fixed chain of additions, whatever the tile, the block or the thread that makes it: hence the same bits for
//! any number of threads. (The order of loops follows Goto and van de Geijn, *Anatomy of High-Performance Matrix
//! Multiplication*, 2008, without the packing of B: a weight matrix is used once a step.)

use std::mem::MaybeUninit;
use std::ops::Range;

use super::instructions::Instructions;
use super::shared::Shared;
use super::threads::Threads;
use super::tile::{BAND, Block};

/// Columns of C that one block has at most in [`product_by_blocks`], so that it stays in the nearest caches.
const COLUMNS: usize = 512;

/// Multiplications below which waking another thread costs more than it saves.
const WORTH_SHARING: usize = 200_000;

/// A matrix whose rows and columns may lie apart in memory: entry (i, j) is `data[i * row_step + j * column_step]`.
#[derive(Clone, Copy)]
pub struct Strided<'a> {
    pub(super) data: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_step: usize,
    pub(super) column_step: usize,
}

impl<'a> Strided<'a> {
    /// A matrix that lies row after row.
    pub fn rows(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} x {columns} has as many entries");
        Self { data, rows, columns, row_step: columns, column_step: 1 }
    }

    /// The transpose, without moving anything.
    pub fn transposed(self) -> Self {
        let Self { data, rows, columns, row_step, column_step } = self;
        Self { data, rows: columns, columns: rows, row_step: column_step, column_step: row_step }
    }
}

/// C = A·B for A of shape m × k, B of k × n and C of m × n, both row after row; then `finish(row, column, part)` once
/// for each finished part of a row of C, which starts at `column`.
///
/// Panics when the lengths do not fit the shapes.
pub fn product(
    a: Strided<'_>,
    b: &[f32],
    c: &mut [f32],
    threads: &Threads,
    finish: impl Fn(usize, usize, &mut [f32]) + Sync,
) {
    product_on(Instructions::detect(), a, b, c, threads, finish);
}

fn product_on(
    instructions: Instructions,
    a: Strided<'_>,
    b: &[f32],
    c: &mut [f32],
    threads: &Threads,
    finish: impl Fn(usize, usize, &mut [f32]) + Sync,
) {
    let n = c.len().checked_div(a.rows).unwrap_or(0);
    assert_eq!(c.len(), a.rows * n, "C has as many rows as A");
    let shared = Shared::new(c);
    share(instructions, a, b, n, usize::MAX, threads, |rows, columns| {
        let c = shared.start_of(rows.start * n + columns.start..(rows.end - 1) * n + columns.end);
        let block = Block { a, b, n, rows: rows.clone(), columns: columns.clone(), c, step: n, ahead: &[] };
        // SAFETY: the instructions are there; the block's rows lie n apart, and no other block touches them.
        unsafe { block.fill_with(instructions) };
        for row in rows {
            // SAFETY: this block's own part of the row; nothing else of it is borrowed now.
            finish(row, columns.start, unsafe { shared.part(row * n + columns.start..row * n + columns.end) });
        }
    });
}

/// The product A·B of n columns, of which no more than a block exists at a time: `take(rows, columns, block)` is given
/// each once, row after row, while it is in the nearest cache.
///
/// `ahead` are matrices of the shape of C that `take` works on: their part is brought near while the block is made. The
/// numbers are those of [`product`] to the last bit. Panics when the lengths do not fit the shapes.
pub(super) fn product_by_blocks(
    a: Strided<'_>,
    b: &[f32],
    n: usize,
    ahead: [&Shared<'_, f32>; 3],
    threads: &Threads,
    take: impl Fn(Range<usize>, Range<usize>, &mut [f32]) + Sync,
) {
    let instructions = Instructions::detect();
    share(instructions, a, b, n, COLUMNS, threads, |rows, columns| {
        let mut room = [const { MaybeUninit::<f32>::uninit() }; BAND * COLUMNS];
        let (c, step) = (room.as_mut_ptr().cast::<f32>(), columns.len());
        let ahead = ahead.each_ref().map(|matrix| matrix.start_of(0..matrix.len()).cast_const());
        let block = Block { a, b, n, rows: rows.clone(), columns: columns.clone(), c, step, ahead: &ahead };
        // SAFETY: the instructions are there; there is room for BAND × COLUMNS numbers, and a block is no larger.
        unsafe { block.fill_with(instructions) };
        // SAFETY: the block has just been written, row after row.
        take(rows.clone(), columns, unsafe { std::slice::from_raw_parts_mut(c, rows.len() * step) });
    });
}

/// Cuts C into blocks of at most [`BAND`] rows and `widest` columns and runs `task(rows, columns)` for each.
fn share(
    instructions: Instructions,
    a: Strided<'_>,
    b: &[f32],
    n: usize,
    widest: usize,
    threads: &Threads,
    task: impl Fn(Range<usize>, Range<usize>) + Sync,
) {
    assert_eq!(b.len(), a.columns * n, "B has as many rows as A has columns, and as many columns as C");
    if a.rows == 0 || n == 0 {
        return;
    }
    // A column of bands is shared by all threads; few rows are cut by columns instead, in whole vectors.
    let bands = a.rows.div_ceil(BAND);
    let groups = if bands >= 2 * threads.count() { 1 } else { threads.count() };
    let lanes = instructions.lanes();
    let group = (n.div_ceil(lanes).div_ceil(groups) * lanes).min(widest);
    let groups = n.div_ceil(group);
    let alone = Threads::one();
    let threads = if a.rows * a.columns * n < WORTH_SHARING { &alone } else { threads };
    threads.run(bands * groups, |piece| {
        let (band, first) = (piece / groups, piece % groups * group);
        task(band * BAND..a.rows.min((band + 1) * BAND), first..n.min(first + group));
    });
}

/// Writes the transpose of `from`, which has `columns` columns, into `to`.
///
/// Panics when the lengths differ or are no multiple of `columns`.
pub fn transpose(from: &[f32], columns: usize, to: &mut [f32], threads: &Threads) {
    assert!(from.len() == to.len() && from.len().is_multiple_of(columns), "both hold the same whole rows");
    const SIDE: usize = 32;
    let rows = from.len() / columns;
    threads.chunks(to, SIDE * rows.max(1), |piece, to| {
        for top in (0..rows).step_by(SIDE) {
            for (j, to) in to.chunks_exact_mut(rows).enumerate() {
                let column = piece * SIDE + j;
                for i in top..rows.min(top + SIDE) {
                    to[i] = from[i * columns + column];
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers with few bits, so that every sum is exact and any order of additions gives the same.
    fn numbers(length: usize, salt: usize) -> Vec<f32> {
        (0..length).map(|i| ((i * 7919 + salt * 104_729) % 31) as f32 - 15.0).collect()
    }

    fn reference(a: Strided<'_>, b: &[f32], n: usize) -> Vec<f32> {
        let entry = |i: usize, j: usize| -> f32 {
            (0..a.columns).map(|k| a.data[i * a.row_step + k * a.column_step] * b[k * n + j]).sum()
        };
        (0..a.rows * n).map(|at| entry(at / n, at % n)).collect()
    }

    fn check(instructions: Instructions, m: usize, k: usize, n: usize, transposed: bool, threads: &Threads) {
        let data = numbers(m * k, 1);
        let a = if transposed { Strided::rows(&data, k, m).transposed() } else { Strided::rows(&data, m, k) };
        let b = numbers(k * n, 2);
        // Guard values around C show a write outside of it.
        let mut guarded = vec![f32::MAX; m * n + 32];
        let finished = std::sync::atomic::AtomicUsize::new(0);
        product_on(instructions, a, &b, &mut guarded[16..16 + m * n], threads, |row, column, part| {
            assert!(row < m && column + part.len() <= n);
            finished.fetch_add(part.len(), std::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(&guarded[16..16 + m * n], reference(a, &b, n), "{instructions:?} {m} x {k} x {n}");
        assert!(guarded[..16].iter().chain(&guarded[16 + m * n..]).all(|&x| x == f32::MAX));
        assert_eq!(finished.into_inner(), m * n, "every entry is finished once");
    }

    #[test]
    fn every_path_equals_the_plain_sums_on_all_small_shapes() {
        let threads = Threads::one();
        // All rows with all columns at some depths, and all depths at the edges of tiles.
        let (depths, rows, columns) = ([1, 2, 31, 64, 70], [1, 4, 8, 63, 70], [1, 8, 24, 47, 48, 49, 70]);
        let all = || 1..=70;
        let wide = all().flat_map(|m| all().flat_map(move |n| depths.map(|k| (m, k, n))));
        let deep = all().flat_map(|k| rows.into_iter().flat_map(move |m| columns.map(|n| (m, k, n))));
        for (m, k, n) in wide.chain(deep) {
            for instructions in Instructions::available() {
                check(instructions, m, k, n, (m + n + k) % 2 == 0, &threads);
            }
        }
    }

    #[test]
    fn every_path_equals_the_plain_sums_on_large_ragged_shapes() {
        let threads = Threads::new(Some(2)).unwrap();
        for instructions in Instructions::available() {
            for (m, k, n) in [(64, 700, 130), (257, 300, 97), (1, 513, 512), (130, 257, 10), (300, 64, 49)] {
                check(instructions, m, k, n, false, &threads);
                check(instructions, m, k, n, true, &threads);
            }
        }
    }

    #[test]
    fn the_number_of_threads_does_not_change_a_bit() {
        let ragged = |length, salt| -> Vec<f32> { numbers(length, salt).iter().map(|x| x / 7.0).collect() };
        let (a, b) = (ragged(70 * 600, 1), ragged(600 * 211, 2));
        let with = |count| {
            let mut c = vec![0.0; 70 * 211];
            product(Strided::rows(&a, 70, 600), &b, &mut c, &Threads::new(Some(count)).unwrap(), |_, _, _| ());
            c.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(with(1), with(2));
        assert_eq!(with(1), with(3));
    }

    proptest! {
        #[test]
        fn transposing_moves_every_entry(rows in 1_usize..80, columns in 1_usize..80) {
            let from = numbers(rows * columns, 3);
            let mut to = vec![0.0; from.len()];
            transpose(&from, columns, &mut to, &Threads::one());
            for i in 0..rows {
                for j in 0..columns {
                    prop_assert_eq!(from[i * columns + j], to[j * rows + i]);
                }
            }
        }
    }
}
