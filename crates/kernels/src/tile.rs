//! The register tile of the matrix product: a few rows of C, a few vectors wide, summed over a panel of B.

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::instructions::Kernel;
use crate::product::MatRef;
use crate::vector::{Vector, prefetch};

/// Rows of B that are summed in registers before C is touched. Every entry of C is a sum of such chains, so that the
/// bits of a result depend on it, and on no other number here.
const KC: usize = 256;
/// Rows of C that one block has at most: 5 tiles with AVX-512, 11 with AVX2 and NEON.
pub(crate) const MC: usize = 66;
/// Columns of the widest tile.
const NR: usize = 32;
/// From one row of packed A to the next. With KC itself, rows would compete for the same sets of the L1 cache.
const PITCH: usize = KC + 16;
/// Rows of B between two prefetches.
const PACE: usize = 4;
/// Floats in a cache line.
const LINE: usize = 16;

/// Uninitialized floats, aligned to a cache line.
#[repr(align(64))]
pub(crate) struct Buffer<const N: usize>(pub(crate) [MaybeUninit<f32>; N]);

impl<const N: usize> Buffer<N> {
    pub(crate) fn new() -> Self {
        Self([const { MaybeUninit::uninit() }; N])
    }
}

/// Computes a block of C = A·B, at most [`MC`] of its rows and some of its columns, and writes it to `c`.
///
/// Running it is sound only if `c` points to room for the block that nothing else uses meanwhile.
pub(crate) struct Fill<'a> {
    pub(crate) a: MatRef<'a>,
    pub(crate) b: MatRef<'a>,
    pub(crate) rows: Range<usize>,
    pub(crate) columns: Range<usize>,
    /// Where the block's first entry goes; its rows lie `stride` apart.
    pub(crate) c: *mut f32,
    pub(crate) stride: usize,
}

impl Kernel for Fill<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector, const R: usize, const C: usize>(self) {
        let Self {
            a,
            b,
            rows,
            columns,
            ..
        } = &self;
        let (mut packed_a, mut packed_b) = (
            Buffer::<{ MC * PITCH }>::new(),
            Buffer::<{ KC * NR }>::new(),
        );
        let (by_rows, width) = (a.column_stride == 1, C * V::LANES);
        // Without any column of A the sum is empty, and C is still to be written.
        for from in (0..a.columns.max(1)).step_by(KC) {
            let depth = from..a.columns.min(from + KC);
            let length = depth.len();
            if by_rows {
                self.pack_rows::<R>(depth.clone(), &mut packed_a.0);
            } else {
                for row in rows.clone().step_by(R) {
                    let to = &mut packed_a.0[(row - rows.start) * length..];
                    pack(
                        a.transposed(),
                        depth.clone(),
                        row..rows.end.min(row + R),
                        R,
                        to,
                    );
                }
            }
            for column in columns.clone().step_by(width) {
                let strip = column..columns.end.min(column + width);
                // The first tile reads a whole strip of B where it lies, and packs it for the others.
                let whole = b.column_stride == 1 && strip.len() == width;
                if !whole {
                    pack(*b, depth.clone(), strip.clone(), width, &mut packed_b.0);
                }
                let to = packed_b.0.as_mut_ptr().cast::<f32>();
                let in_place = b.data.as_ptr().wrapping_add(from * b.row_stride + column);
                let (b, panel) = ((in_place, b.row_stride), (to.cast_const(), width));
                let mut ahead = self.ahead::<R>(&depth, strip.end);
                for row in (0..rows.len()).step_by(R) {
                    let a = packed_a.0.as_ptr().cast::<f32>();
                    let a = a.wrapping_add(row * if by_rows { PITCH } else { length });
                    // SAFETY: R rows of A and a panel of B, or B itself, are `length` long; the tile is in the block.
                    unsafe {
                        let sums = match (by_rows, whole && row == 0) {
                            (true, true) => {
                                sums::<V, R, C, PITCH, 1, true>(a, b, to, length, &mut ahead)
                            }
                            (true, false) => {
                                sums::<V, R, C, PITCH, 1, false>(a, panel, to, length, &mut ahead)
                            }
                            (false, true) => {
                                sums::<V, R, C, 1, R, true>(a, b, to, length, &mut ahead)
                            }
                            (false, false) => {
                                sums::<V, R, C, 1, R, false>(a, panel, to, length, &mut ahead)
                            }
                        };
                        self.write(sums, row, strip.clone(), from > 0);
                    }
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
    let MatRef {
        data,
        row_stride,
        column_stride,
        ..
    } = from;
    let whole = columns.len() == width;
    if column_stride == 1 && whole {
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
            to[i * width + j].write(data[row * row_stride + column * column_stride]);
        }
    }
}

impl Fill<'_> {
    /// Copies the block's rows of A, which lie in one piece each; rows missing from the last tile are 0.
    #[inline(always)]
    fn pack_rows<const R: usize>(&self, depth: Range<usize>, to: &mut [MaybeUninit<f32>]) {
        let (rows, missing) =
            to[..self.rows.len().next_multiple_of(R) * PITCH].split_at_mut(self.rows.len() * PITCH);
        for (row, to) in self.rows.clone().zip(rows.chunks_exact_mut(PITCH)) {
            let start = row * self.a.row_stride + depth.start;
            to[..depth.len()].write_copy_of_slice(&self.a.data[start..start + depth.len()]);
        }
        missing.fill(MaybeUninit::new(0.0));
    }

    /// The panel of B after the one that ends at column `next`, to be prefetched while that one is summed.
    #[inline(always)]
    fn ahead<const R: usize>(&self, depth: &Range<usize>, next: usize) -> Ahead {
        let steps = self.rows.len().div_ceil(R) * depth.len().div_ceil(PACE).max(1);
        let more = next < self.columns.end;
        let (row, column) = if more {
            (depth.start, next)
        } else {
            (depth.end, self.columns.start)
        };
        let rows = if self.b.column_stride == 1 {
            KC.min(self.b.rows - row)
        } else {
            0
        };
        let at = self
            .b
            .data
            .as_ptr()
            .wrapping_add(row * self.b.row_stride + column);
        Ahead {
            at,
            stride: self.b.row_stride,
            rows,
            pace: rows.div_ceil(steps),
        }
    }

    /// Writes a tile to C, or adds it there; `row` counts from the block's first.
    ///
    /// # Safety
    /// `c` is as [`Fill`] asks, and the tile begins inside of the block.
    #[inline(always)]
    unsafe fn write<V: Vector, const R: usize, const C: usize>(
        &self,
        sums: [[V; C]; R],
        row: usize,
        strip: Range<usize>,
        add: bool,
    ) {
        let rows = sums.into_iter().take(self.rows.len() - row).enumerate();
        // SAFETY: rows and columns lie in the room that the caller promises; a ragged strip is written float by float.
        unsafe {
            let start = self
                .c
                .add(row * self.stride + strip.start - self.columns.start);
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

/// The sums of one tile over `depth` rows of B: each a chain of fused multiply-adds that begins with 0. Entry (r, k) of A
/// is at `a[r * ROW + k * COLUMN]`; rows of B lie as far apart as is given, and are copied to `panel` where it asks to PACK.
///
/// # Safety
/// The processor has the instructions of `V`; the pointers are valid for `depth` rows.
#[inline(always)]
unsafe fn sums<
    V,
    const R: usize,
    const C: usize,
    const ROW: usize,
    const COLUMN: usize,
    const PACK: bool,
>(
    mut a: *const f32,
    (mut b, stride): (*const f32, usize),
    mut panel: *mut f32,
    depth: usize,
    ahead: &mut Ahead,
) -> [[V; C]; R]
where
    V: Vector,
{
    // SAFETY: the caller promises what is read and written; past the last row the pointers are not used.
    unsafe {
        let mut sums = [[V::splat(0.0); C]; R];
        for k in (0..depth).step_by(PACE) {
            ahead.step(C * V::LANES);
            for _ in k..depth.min(k + PACE) {
                let row: [V; C] = std::array::from_fn(|i| V::load(b.add(i * V::LANES)));
                if PACK {
                    (0..C).for_each(|i| row[i].store(panel.add(i * V::LANES)));
                    panel = panel.wrapping_add(C * V::LANES);
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let factor = V::splat(*a.add(r * ROW));
                    for (sum, b) in sums.iter_mut().zip(row) {
                        *sum = factor.multiply_add(b, *sum);
                    }
                }
                a = a.wrapping_add(COLUMN);
                b = b.wrapping_add(stride);
            }
        }
        sums
    }
}

/// Rows of a panel, prefetched a few at a time while the processor computes.
struct Ahead {
    /// Where the next row begins, and how far apart rows are.
    at: *const f32,
    stride: usize,
    /// Rows left, and rows in a step.
    rows: usize,
    pace: usize,
}

impl Ahead {
    #[inline(always)]
    fn step(&mut self, width: usize) {
        for _ in 0..self.pace.min(self.rows) {
            (0..width)
                .step_by(LINE)
                .for_each(|column| prefetch(self.at.wrapping_add(column)));
            // A row that is not aligned to a cache line ends in one more.
            prefetch(self.at.wrapping_add(width - 1));
            self.at = self.at.wrapping_add(self.stride);
            self.rows -= 1;
        }
    }
}
