//! The block of a matrix product: packed panels of A and B, and the register tile that is summed over them.

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::instructions::Kernel;
use crate::product::MatRef;
use crate::vector::{Vector, prefetch};

/// Rows of B that are summed in registers before C is touched. Every entry of C is a sum of such chains, so the bits
/// of a result depend on it, and on no other constant of this file.
pub(crate) const KC: usize = 256;
/// Rows of C that one block has at most: 5 tiles with AVX-512, 11 with AVX2 and NEON.
pub(crate) const MC: usize = 66;
/// Columns of the widest tile.
const NR: usize = 32;
/// The distance between packed rows of A, with room for one register beyond the last float. With KC itself, rows would
/// compete for the same sets of the L1 cache.
pub(crate) const ROW_PITCH: usize = KC + 16;
/// The distance between packed columns of A, with the same room.
pub(crate) const COLUMN_PITCH: usize = MC.next_multiple_of(16);
/// Rows of B between two steps of the prefetch.
const INTERVAL: usize = 4;
/// Floats per cache line.
const LINE: usize = 16;

/// Uninitialized floats, aligned to a cache line.
#[repr(align(64))]
pub(crate) struct Buffer<const N: usize>(pub(crate) [MaybeUninit<f32>; N]);

impl<const N: usize> Buffer<N> {
    pub(crate) fn new() -> Self {
        Self([const { MaybeUninit::uninit() }; N])
    }
}

/// The left factor of a product, which a block copies in an order that tiles read quickly.
pub(crate) trait Left: Sync {
    /// Its rows and columns.
    fn shape(&self) -> (usize, usize);

    /// Whether the floats of a row are packed side by side, [`ROW_PITCH`] from row to row, and not those of a column,
    /// [`COLUMN_PITCH`] from column to column.
    fn by_rows(&self) -> bool;

    /// Packs some rows and columns. What lies between one packed row or column and the next may be overwritten.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; `to` has room for the rows or columns with their distances.
    unsafe fn pack<V: Vector>(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        to: &mut [MaybeUninit<f32>],
    );
}

impl Left for MatRef<'_> {
    fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    fn by_rows(&self) -> bool {
        self.column_stride == 1
    }

    #[inline(always)]
    unsafe fn pack<V: Vector>(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        to: &mut [MaybeUninit<f32>],
    ) {
        if self.by_rows() {
            for (row, to) in rows.zip(to.chunks_exact_mut(ROW_PITCH)) {
                let start = row * self.row_stride + columns.start;
                to[..columns.len()].write_copy_of_slice(&self.data[start..start + columns.len()]);
            }
        } else {
            for (column, to) in columns.zip(to.chunks_exact_mut(COLUMN_PITCH)) {
                let start = column * self.column_stride + rows.start;
                to[..rows.len()].write_copy_of_slice(&self.data[start..start + rows.len()]);
            }
        }
    }
}

/// Computes a block of C = A·B, at most [`MC`] of its rows and some of its columns, and writes it to `c`.
///
/// Running it is sound only if `c` points to memory for the block that nothing else uses meanwhile.
pub(crate) struct BlockProduct<'a, A> {
    pub(crate) a: &'a A,
    pub(crate) b: MatRef<'a>,
    /// The columns of A and rows of B that are summed.
    pub(crate) depth: Range<usize>,
    pub(crate) rows: Range<usize>,
    pub(crate) columns: Range<usize>,
    /// Where the block's first entry goes; its rows lie `stride` apart.
    pub(crate) c: *mut f32,
    pub(crate) stride: usize,
}

impl<A: Left> Kernel for BlockProduct<'_, A> {
    #[inline(always)]
    unsafe fn run<V: Vector, const R: usize, const C: usize>(self) {
        let mut packed_a = Buffer::<{ KC * COLUMN_PITCH }>::new();
        let mut packed_b = Buffer::<{ KC * NR }>::new();
        let Range { start, end } = self.depth;
        // Even if A has no column, zeros must be written to C.
        for from in (start..end.max(start + 1)).step_by(KC) {
            let depth = from..end.min(from + KC);
            // SAFETY: as the caller promises.
            unsafe { self.add_panels::<V, R, C>(depth, &mut packed_a.0, &mut packed_b.0) };
        }
    }
}

impl<A: Left> BlockProduct<'_, A> {
    /// Adds the product of some columns of A and the same rows of B, at most [`KC`], to the block.
    ///
    /// # Safety
    /// As for [`BlockProduct`].
    #[inline(always)]
    unsafe fn add_panels<V: Vector, const R: usize, const C: usize>(
        &self,
        depth: Range<usize>,
        packed_a: &mut [MaybeUninit<f32>],
        packed_b: &mut [MaybeUninit<f32>],
    ) {
        let (b, width, length) = (self.b, C * V::LANES, depth.len());
        let by_rows = self.a.by_rows();
        let (rows, zero) = (self.rows.clone(), MaybeUninit::new(0.0));
        // SAFETY: the processor has the instructions; the buffer is as large as MC rows or KC columns.
        unsafe { self.a.pack::<V>(rows.clone(), depth.clone(), packed_a) };
        // Rows that are missing from the last tile are 0.
        let missing = rows.len()..rows.len().next_multiple_of(R);
        if by_rows {
            packed_a[missing.start * ROW_PITCH..missing.end * ROW_PITCH].fill(zero);
        } else if !missing.is_empty() {
            let columns = packed_a.chunks_exact_mut(COLUMN_PITCH).take(length);
            columns.for_each(|column| column[missing.clone()].fill(zero));
        }
        for column in self.columns.clone().step_by(width) {
            let strip = column..self.columns.end.min(column + width);
            // The first tile reads a whole strip of B where it lies, and packs it for the others unless that is all of B.
            let whole = b.column_stride == 1 && strip.len() == width;
            let narrow = whole && b.row_stride == width;
            if !whole {
                pack(b, depth.clone(), strip.clone(), width, packed_b);
            }
            let to = packed_b.as_mut_ptr().cast::<f32>();
            let start = depth.start * b.row_stride + column;
            let in_place = (b.data.as_ptr().wrapping_add(start), b.row_stride);
            let packed = (to.cast_const(), width);
            let (b, panel) = (in_place, if narrow { in_place } else { packed });
            let next = &mut self.next_panel::<R>(&depth, strip.end);
            for row in (0..self.rows.len()).step_by(R) {
                let a = packed_a.as_ptr().cast::<f32>();
                let a = a.wrapping_add(row * if by_rows { ROW_PITCH } else { 1 });
                // SAFETY: R rows of A and a panel of B, or B itself, are `length` long; the tile is in the block.
                unsafe {
                    let sums = match (by_rows, whole && row == 0 && !narrow) {
                        (true, true) => sums::<V, R, C, true, true>(a, b, to, length, next),
                        (true, false) => sums::<V, R, C, true, false>(a, panel, to, length, next),
                        (false, true) => sums::<V, R, C, false, true>(a, b, to, length, next),
                        (false, false) => sums::<V, R, C, false, false>(a, panel, to, length, next),
                    };
                    self.write(sums, row, strip.clone(), depth.start > self.depth.start);
                }
            }
        }
    }

    /// The panel of B after the one that ends at column `end`, to be prefetched while this one is summed.
    #[inline(always)]
    fn next_panel<const R: usize>(&self, depth: &Range<usize>, end: usize) -> Prefetch {
        let steps = self.rows.len().div_ceil(R) * depth.len().div_ceil(INTERVAL).max(1);
        let (b, more) = (&self.b, end < self.columns.end);
        let row = if more { depth.start } else { depth.end };
        let column = if more { end } else { self.columns.start };
        let rows = match b.column_stride {
            1 => KC.min(self.depth.end - row),
            _ => 0,
        };
        Prefetch {
            at: b.data.as_ptr().wrapping_add(row * b.row_stride + column),
            stride: b.row_stride,
            rows,
            rows_per_step: rows.div_ceil(steps),
        }
    }

    /// Writes a tile to C, or adds it there; `row` counts from the block's first.
    ///
    /// # Safety
    /// `c` is as [`BlockProduct`] asks, and the tile begins inside of the block.
    #[inline(always)]
    unsafe fn write<V: Vector, const R: usize, const C: usize>(
        &self,
        sums: [[V; C]; R],
        row: usize,
        strip: Range<usize>,
        add: bool,
    ) {
        let rows = sums.into_iter().take(self.rows.len() - row).enumerate();
        let start = row * self.stride + strip.start - self.columns.start;
        // SAFETY: rows and columns lie in the memory that the caller promises; a ragged strip is written float by float.
        unsafe {
            let start = self.c.add(start);
            if strip.len() == C * V::LANES {
                for (r, sums) in rows {
                    for (i, sum) in sums.into_iter().enumerate() {
                        let c = start.add(r * self.stride + i * V::LANES);
                        (if add { V::load(c) + sum } else { sum }).store(c);
                    }
                }
                return;
            }
            let mut row = [0.0; NR];
            for (r, sums) in rows {
                for (i, sum) in sums.into_iter().enumerate() {
                    sum.store(row[i * V::LANES..][..V::LANES].as_mut_ptr());
                }
                for (j, &sum) in row[..strip.len()].iter().enumerate() {
                    let c = start.add(r * self.stride + j);
                    *c = if add { *c + sum } else { sum };
                }
            }
        }
    }
}

/// Copies some rows and columns of a matrix row after row, `width` floats each; missing columns are 0.
#[inline(always)]
fn pack(
    from: MatRef<'_>,
    rows: Range<usize>,
    columns: Range<usize>,
    width: usize,
    to: &mut [MaybeUninit<f32>],
) {
    let (data, row_stride, whole) = (from.data, from.row_stride, columns.len() == width);
    if from.column_stride == 1 && whole {
        for (row, to) in rows.zip(to.chunks_exact_mut(width)) {
            to.write_copy_of_slice(&data[row * row_stride + columns.start..][..width]);
        }
        return;
    }
    if !whole {
        to[..rows.len() * width].fill(MaybeUninit::new(0.0));
    }
    for (j, column) in columns.enumerate() {
        for (i, row) in rows.clone().enumerate() {
            to[i * width + j].write(data[row * row_stride + column * from.column_stride]);
        }
    }
}

/// The sums of one tile over `depth` rows of B, each a chain of fused multiply-adds that begins with 0. A is packed
/// [`BY_ROWS`](Left::by_rows) or by columns; rows of B lie `stride` apart, and are copied to `panel` if PACK.
///
/// # Safety
/// The processor has the instructions of `V`; the pointers are valid for `depth` rows.
#[inline(always)]
unsafe fn sums<V: Vector, const R: usize, const C: usize, const BY_ROWS: bool, const PACK: bool>(
    mut a: *const f32,
    (mut b, stride): (*const f32, usize),
    mut panel: *mut f32,
    depth: usize,
    next: &mut Prefetch,
) -> [[V; C]; R] {
    // From one row of packed A to the next, and from one column to the next.
    let (row_stride, column_stride) = if BY_ROWS {
        (ROW_PITCH, 1)
    } else {
        (1, COLUMN_PITCH)
    };
    // SAFETY: the caller promises what is read and written; past the last row the pointers are not used.
    unsafe {
        let mut sums = [[V::splat(0.0); C]; R];
        for k in (0..depth).step_by(INTERVAL) {
            next.step(C * V::LANES);
            for _ in k..depth.min(k + INTERVAL) {
                let row: [V; C] = std::array::from_fn(|i| V::load(b.add(i * V::LANES)));
                if PACK {
                    (0..C).for_each(|i| row[i].store(panel.add(i * V::LANES)));
                    panel = panel.wrapping_add(C * V::LANES);
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let factor = V::splat(*a.add(r * row_stride));
                    for (sum, b) in sums.iter_mut().zip(row) {
                        *sum = factor.multiply_add(b, *sum);
                    }
                }
                a = a.wrapping_add(column_stride);
                b = b.wrapping_add(stride);
            }
        }
        sums
    }
}

/// Rows of a panel, prefetched a few at a time while the processor computes.
struct Prefetch {
    /// Where the next row begins, and the distance between rows.
    at: *const f32,
    stride: usize,
    /// Rows that are left.
    rows: usize,
    rows_per_step: usize,
}

impl Prefetch {
    #[inline(always)]
    fn step(&mut self, width: usize) {
        for _ in 0..self.rows_per_step.min(self.rows) {
            let line = |column| prefetch(self.at.wrapping_add(column));
            (0..width).step_by(LINE).for_each(line);
            // A row that is not aligned to a cache line ends in one more.
            line(width - 1);
            self.at = self.at.wrapping_add(self.stride);
            self.rows -= 1;
        }
    }
}
