//! The matrix product C = A·B, which takes nearly all the time of training.
//!
//! C is cut into blocks, which threads take in any order. For 256 rows of B at a time, a block packs A and a strip of B in
//! the order in which a register tile of C reads them (Goto and van de Geijn, *Anatomy of High-Performance Matrix
//! Multiplication*, 2008); each tile is summed in registers, then added to C. Every entry of C is one fixed chain of
//! additions, whatever the tile, the block or the thread. Hence the bits are the same for any number of threads and on
//! every processor that has fused multiply-add.

use std::ops::Range;

use crate::instructions::Instructions;
use crate::shared::Shared;
use crate::threads::Threads;
use crate::tile::{BlockProduct, Left, MC};

/// Below so many multiplications a second thread costs more time than it saves.
const WORTH_SHARING: usize = 200_000;

/// A matrix with any strides: entry (i, j) is `data[i * row_stride + j * column_stride]`.
#[derive(Clone, Copy)]
pub struct MatRef<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

impl<'a> MatRef<'a> {
    /// A matrix in row-major order.
    ///
    /// Panics when the length does not fit.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "one number for each entry");
        Self {
            data,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// The transpose, without a copy.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// C = A·B in row-major order, then `finish(row, column, part)` once for each finished part of a row of C, which starts at
/// `column`.
///
/// Panics when the shapes do not fit.
pub fn product(
    a: MatRef<'_>,
    b: MatRef<'_>,
    c: &mut [f32],
    threads: &Threads,
    finish: impl Fn(usize, usize, &mut [f32]) + Sync,
) {
    multiply(&a, b, c, threads, finish);
}

/// [`product`] with any left factor.
pub(crate) fn multiply(
    a: &impl Left,
    b: MatRef<'_>,
    c: &mut [f32],
    threads: &Threads,
    finish: impl Fn(usize, usize, &mut [f32]) + Sync,
) {
    let (n, instructions) = (b.columns, Instructions::detect());
    assert_eq!(c.len(), a.shape().0 * n, "C has the shape of A·B");
    let shared = Shared::new(c);
    let task = |rows: Range<usize>, columns: Range<usize>| {
        let c = shared.start_of(rows.start * n + columns.start..(rows.end - 1) * n + columns.end);
        let block = BlockProduct {
            a,
            b,
            depth: 0..b.rows,
            rows: rows.clone(),
            columns: columns.clone(),
            c,
            stride: n,
        };
        // SAFETY: the block's rows lie n apart, and no other block touches them.
        unsafe { instructions.run(block) };
        for row in rows {
            // SAFETY: this block's own part of the row; nothing else of it is borrowed now.
            let part = unsafe { shared.part(row * n + columns.start..row * n + columns.end) };
            finish(row, columns.start, part);
        }
    };
    blocks(instructions, a, b, [MC, usize::MAX], threads, task);
}

/// Cuts C = A·B into blocks of at most `tallest` rows and `widest` columns, all but the last of whole tiles, and runs
/// `task(rows, columns)` for each.
///
/// Panics when the shapes do not fit.
pub(crate) fn blocks(
    instructions: Instructions,
    a: &impl Left,
    b: MatRef<'_>,
    [tallest, widest]: [usize; 2],
    threads: &Threads,
    task: impl Fn(Range<usize>, Range<usize>) + Sync,
) {
    let ((m, depth), n) = (a.shape(), b.columns);
    assert_eq!(b.rows, depth, "B has as many rows as A has columns");
    if m == 0 || n == 0 {
        return;
    }
    // A band is some rows of C. Where there are few, each is cut into groups of columns for the threads.
    let (height, width) = instructions.tile();
    let band = tallest / height * height;
    let bands = m.div_ceil(band);
    let few = bands < 2 * threads.count();
    let groups = if few { threads.count() } else { 1 };
    let group = (n.div_ceil(width).div_ceil(groups) * width).min(widest);
    let groups = n.div_ceil(group);
    let block = |piece| {
        let (top, left) = (piece / groups * band, piece % groups * group);
        task(top..m.min(top + band), left..n.min(left + group));
    };
    if m * depth * n < WORTH_SHARING {
        (0..bands * groups).for_each(block);
    } else {
        threads.run(bands * groups, block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers with few bits, so that every sum is exact and any order of additions gives the same.
    fn numbers(length: usize, salt: usize) -> Vec<f32> {
        (0..length)
            .map(|i| ((i * 7919 + salt * 104_729) % 31) as f32 - 15.0)
            .collect()
    }

    fn reference(a: MatRef<'_>, b: MatRef<'_>) -> Vec<f32> {
        let at = |m: MatRef<'_>, i: usize, j: usize| m.data[i * m.row_stride + j * m.column_stride];
        let entry = |i, j| (0..a.columns).map(|k| at(a, i, k) * at(b, k, j)).sum();
        (0..a.rows * b.columns)
            .map(|number| entry(number / b.columns, number % b.columns))
            .collect()
    }

    /// A matrix that lies row after row, or column after column.
    fn matrix(data: &[f32], rows: usize, columns: usize, transposed: bool) -> MatRef<'_> {
        if transposed {
            MatRef::new(data, columns, rows).transposed()
        } else {
            MatRef::new(data, rows, columns)
        }
    }

    /// `transposed` counts in binary: 1 for A, 2 for B.
    fn check(
        instructions: Instructions,
        m: usize,
        k: usize,
        n: usize,
        transposed: usize,
        threads: &Threads,
    ) {
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let (a, b) = (
            matrix(&a, m, k, transposed & 1 > 0),
            matrix(&b, k, n, transposed & 2 > 0),
        );
        // Guard values around C show a write outside of it.
        let mut guarded = vec![f32::MAX; m * n + 32];
        let finished = std::sync::atomic::AtomicUsize::new(0);
        instructions.on(|| {
            product(
                a,
                b,
                &mut guarded[16..16 + m * n],
                threads,
                |row, column, part| {
                    assert!(row < m && column + part.len() <= n);
                    finished.fetch_add(part.len(), std::sync::atomic::Ordering::Relaxed);
                },
            );
        });
        assert_eq!(
            &guarded[16..16 + m * n],
            reference(a, b),
            "{instructions:?} {m} x {k} x {n}"
        );
        assert!(
            guarded[..16]
                .iter()
                .chain(&guarded[16 + m * n..])
                .all(|&x| x == f32::MAX)
        );
        assert_eq!(finished.into_inner(), m * n, "every entry is finished once");
    }

    #[test]
    fn every_path_equals_the_plain_sums_on_all_small_shapes() {
        let threads = Threads::one();
        // All rows with all columns at some depths, and all depths at the edges of tiles.
        let (depths, rows, columns) = (
            [1, 2, 31, 64, 70],
            [1, 4, 8, 63, 70],
            [1, 8, 24, 47, 48, 49, 70],
        );
        let all = || 1..=70;
        let wide = all().flat_map(|m| all().flat_map(move |n| depths.map(|k| (m, k, n))));
        let deep = all().flat_map(|k| {
            rows.into_iter()
                .flat_map(move |m| columns.map(|n| (m, k, n)))
        });
        for (m, k, n) in wide.chain(deep) {
            for instructions in Instructions::available() {
                check(instructions, m, k, n, (m + n + k) % 4, &threads);
            }
        }
    }

    #[test]
    fn every_path_equals_the_plain_sums_on_large_ragged_shapes() {
        let threads = Threads::new(Some(2)).unwrap();
        for instructions in Instructions::available() {
            for (m, k, n) in [
                (64, 700, 130),
                (257, 300, 97),
                (1, 513, 512),
                (130, 257, 10),
                (300, 64, 49),
            ] {
                (0..4).for_each(|transposed| check(instructions, m, k, n, transposed, &threads));
            }
        }
    }

    #[test]
    fn the_number_of_threads_does_not_change_a_bit() {
        let ragged =
            |length, salt| -> Vec<f32> { numbers(length, salt).iter().map(|x| x / 7.0).collect() };
        let (a, b) = (ragged(70 * 600, 1), ragged(600 * 211, 2));
        let with = |count| {
            let mut c = vec![0.0; 70 * 211];
            let (a, b) = (MatRef::new(&a, 70, 600), MatRef::new(&b, 600, 211));
            product(
                a,
                b,
                &mut c,
                &Threads::new(Some(count)).unwrap(),
                |_, _, _| (),
            );
            c.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(with(1), with(2));
        assert_eq!(with(1), with(3));
    }

    /// The promise behind equal bits everywhere: a chain of fused multiply-adds for each 256 rows of B, then their sum.
    #[test]
    fn every_entry_is_the_promised_chain_of_fused_multiply_adds() {
        let ragged =
            |length, salt| -> Vec<f32> { numbers(length, salt).iter().map(|x| x / 7.0).collect() };
        let (m, k, n) = (15, 600, 37);
        let (a, b) = (ragged(m * k, 1), ragged(k * n, 2));
        let entry = |i: usize, j: usize| {
            let chain = |rows: Range<usize>| {
                rows.fold(0.0_f32, |sum, at| a[i * k + at].mul_add(b[at * n + j], sum))
            };
            chain(0..256) + chain(256..512) + chain(512..600)
        };
        let wanted: Vec<f32> = (0..m * n).map(|at| entry(at / n, at % n)).collect();
        for path in Instructions::available()
            .into_iter()
            .filter(|path| path.has_fused_multiply_add())
        {
            let mut c = vec![0.0; m * n];
            let (a, b) = (MatRef::new(&a, m, k), MatRef::new(&b, k, n));
            path.on(|| product(a, b, &mut c, &Threads::one(), |_, _, _| ()));
            assert_eq!(c, wanted, "{path:?}");
        }
    }
}
