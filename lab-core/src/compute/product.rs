//! The matrix product C = A·B, where nearly all the time of training goes.
//!
//! A is read once into a small packed block; B and C stay where they are, row after row. A register tile of C
//! (8 × 48 with AVX-512, 4 × 24 otherwise) is summed over at most [`DEPTH`] rows of B, then added to C. Every entry of
//! C is one fixed chain of additions, whatever the tile, the block or the thread that makes it: hence the same bits for
//! any number of threads. (The order of loops follows Goto and van de Geijn, *Anatomy of High-Performance Matrix
//! Multiplication*, 2008, without the packing of B: a weight matrix is used once a step.)

use std::mem::MaybeUninit;
use std::ops::Range;

use super::instructions::Instructions;
use super::shared::Shared;
use super::threads::Threads;
#[cfg(target_arch = "x86_64")]
use super::vector::x86::{Avx2, Avx512};
use super::vector::{Plain, Vector, prefetch};

/// Rows of B that are summed in registers before C is touched.
const DEPTH: usize = 256;
/// Rows of A that are packed at a time.
const BAND: usize = 64;
/// Rows of B that are asked for before they are needed.
const AHEAD: usize = 8;
/// Vectors side by side in a register tile.
const WIDTH: usize = 3;

/// Multiplications below which waking another thread costs more than it saves.
const WORTH_SHARING: usize = 200_000;

/// A matrix whose rows and columns may lie apart in memory: entry (i, j) is `data[i * row_step + j * column_step]`.
#[derive(Clone, Copy)]
pub struct Strided<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
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
    assert_eq!(b.len(), a.columns * n, "B has as many rows as A has columns, and as many columns as C");
    if c.is_empty() {
        return;
    }
    let lanes = if instructions == Instructions::Avx512 { Avx512Lanes::LANES } else { Plain::LANES };
    // A column of bands is shared by all threads; few rows are cut by columns instead, in whole vectors.
    let bands = a.rows.div_ceil(BAND);
    let groups = if bands >= 2 * threads.count() { 1 } else { threads.count() };
    let group = n.div_ceil(lanes).div_ceil(groups) * lanes;
    let groups = n.div_ceil(group);
    let alone = Threads::one();
    let threads = if a.rows * a.columns * n < WORTH_SHARING { &alone } else { threads };
    let shared = Shared::new(c);
    threads.run(bands * groups, |piece| {
        let (band, first) = (piece / groups, piece % groups * group);
        let block = Block {
            a,
            b,
            c: &shared,
            n,
            rows: band * BAND..a.rows.min((band + 1) * BAND),
            columns: first..n.min(first + group),
        };
        match instructions {
            // SAFETY: these paths are taken only where the processor has the instructions; blocks do not overlap.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { block_avx512(&block) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { block_avx2(&block) },
            // SAFETY: blocks do not overlap.
            _ => unsafe { block.fill::<Plain, 4>() },
        }
        for row in block.rows.clone() {
            // SAFETY: this block's own part of the row; nothing else of it is borrowed now.
            let part = unsafe { shared.part(row * n + block.columns.start..row * n + block.columns.end) };
            finish(row, block.columns.start, part);
        }
    });
}

#[cfg(target_arch = "x86_64")]
use Avx512 as Avx512Lanes;
#[cfg(not(target_arch = "x86_64"))]
use Plain as Avx512Lanes;

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn block_avx512(block: &Block<'_, '_>) {
    // SAFETY: the caller promises the instructions and a block that no other thread has.
    unsafe { block.fill::<Avx512, 8>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn block_avx2(block: &Block<'_, '_>) {
    // SAFETY: the caller promises the instructions and a block that no other thread has.
    unsafe { block.fill::<Avx2, 4>() }
}

/// The part of C that one thread makes.
struct Block<'a, 'c> {
    a: Strided<'a>,
    b: &'a [f32],
    c: &'a Shared<'c, f32>,
    n: usize,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Block<'_, '_> {
    /// Sums the block, in tiles of `R` rows.
    ///
    /// # Safety
    /// The processor has `V`'s instructions; no other part of C that overlaps this block is alive.
    #[inline(always)]
    unsafe fn fill<V: Vector, const R: usize>(&self) {
        let mut packed = [const { MaybeUninit::<f32>::uninit() }; BAND * DEPTH];
        let inner = self.a.columns;
        // Without any column of A the sum is empty, and C is still to be written.
        for from in (0..inner.max(1)).step_by(DEPTH) {
            let depth = DEPTH.min(inner - from);
            let tiles = self.rows.len().div_ceil(R);
            for tile in 0..tiles {
                let rows = self.rows.start + tile * R..self.rows.end.min(self.rows.start + (tile + 1) * R);
                self.pack::<R>(rows, from..from + depth, &mut packed[tile * R * depth..(tile + 1) * R * depth]);
            }
            let mut column = self.columns.start;
            while column < self.columns.end {
                let width = (self.columns.end - column).min(WIDTH * V::LANES);
                for tile in 0..tiles {
                    let row = self.rows.start + tile * R;
                    let a = packed[tile * R * depth..].as_ptr().cast::<f32>();
                    let place = Tile { row, rows: R.min(self.rows.end - row), column, width, from, depth };
                    // SAFETY: `a` holds depth × R packed numbers, all written; the tile lies in this block.
                    unsafe {
                        match width.div_ceil(V::LANES) {
                            1 => self.tile::<V, R, 1>(a, place),
                            2 => self.tile::<V, R, 2>(a, place),
                            _ => self.tile::<V, R, WIDTH>(a, place),
                        }
                    }
                }
                column += width;
            }
        }
    }

    /// Copies `rows` × `columns` of A so that the `R` numbers of a column lie together; missing rows are 0.
    #[inline(always)]
    fn pack<const R: usize>(&self, rows: Range<usize>, columns: Range<usize>, to: &mut [MaybeUninit<f32>]) {
        let Strided { data, row_step, column_step, .. } = self.a;
        for (k, to) in to.chunks_exact_mut(R).enumerate() {
            let start = rows.start * row_step + (columns.start + k) * column_step;
            for (r, to) in to.iter_mut().enumerate() {
                to.write(if r < rows.len() { data[start + r * row_step] } else { 0.0 });
            }
        }
    }

    /// Sums one tile over `place.depth` rows of B and writes it to C, or adds it when it is not the first.
    ///
    /// # Safety
    /// As for `fill`; `a` holds `depth` × `R` numbers; the tile lies in this block.
    #[inline(always)]
    unsafe fn tile<V: Vector, const R: usize, const C: usize>(&self, a: *const f32, place: Tile) {
        let last = place.width - (C - 1) * V::LANES;
        let whole = last == V::LANES;
        // SAFETY: rows from..from + depth of B have n numbers each, and column + width <= n; the rows of C are taken
        // as parts of the shared slice, whose bounds `part` checks; a partial vector touches its first lanes only.
        unsafe {
            let mut sums = [[V::splat(0.0); C]; R];
            let mut b = self.b.as_ptr().wrapping_add(place.from * self.n + place.column);
            for k in 0..place.depth {
                let row: [V; C] = std::array::from_fn(|i| match i + 1 == C && !whole {
                    true => V::load_first(b.add(i * V::LANES), last),
                    false => V::load(b.add(i * V::LANES)),
                });
                // Rows of B lie too far apart for the processor to guess the next one.
                (0..C).for_each(|i| prefetch(b.wrapping_add(AHEAD * self.n + i * V::LANES)));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let factor = V::splat(*a.add(k * R + r));
                    for (sum, b) in sums.iter_mut().zip(row) {
                        *sum = factor.multiply_add(b, *sum);
                    }
                }
                // After the last row this is past the end, where no pointer may be made by `add`.
                b = b.wrapping_add(self.n);
            }
            for (r, sums) in sums.into_iter().enumerate().take(place.rows) {
                let start = (place.row + r) * self.n + place.column;
                let c = self.c.part(start..start + place.width).as_mut_ptr();
                for (i, sum) in sums.into_iter().enumerate() {
                    let c = c.add(i * V::LANES);
                    match (i + 1 == C && !whole, place.from == 0) {
                        (false, true) => sum.store(c),
                        (false, false) => V::load(c).add(sum).store(c),
                        (true, true) => sum.store_first(c, last),
                        (true, false) => V::load_first(c, last).add(sum).store_first(c, last),
                    }
                }
            }
        }
    }
}

/// Where a register tile stands: its rows and columns in C, and the rows of B that it sums.
#[derive(Clone, Copy)]
struct Tile {
    row: usize,
    rows: usize,
    column: usize,
    width: usize,
    from: usize,
    depth: usize,
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
        for instructions in Instructions::available() {
            for m in [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 63, 64, 65, 70] {
                for n in 1..=70 {
                    for k in [1, 2, 7, 31, 64, 70] {
                        check(instructions, m, k, n, (m + n + k) % 2 == 0, &threads);
                    }
                }
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
