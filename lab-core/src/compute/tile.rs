//! The register tile of the matrix product: a few rows of C, three vectors wide, summed over some rows of B.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::instructions::Instructions;
use super::product::Strided;
#[cfg(target_arch = "x86_64")]
use super::vector::x86::{Avx2, Avx512};
use super::vector::{Plain, Vector, prefetch, prefetch_far};

/// Rows of B that are summed in registers before C is touched.
const DEPTH: usize = 256;
/// Rows of C that one block has at most.
pub(super) const BAND: usize = 64;
/// Rows of B that are asked for before they are needed.
const AHEAD: usize = 8;
/// Vectors side by side in a register tile.
const WIDTH: usize = 3;

/// The part of C that one thread makes: at most [`BAND`] of its rows, and some of its columns.
pub(super) struct Block<'a> {
    pub(super) a: Strided<'a>,
    pub(super) b: &'a [f32],
    /// Columns of B.
    pub(super) n: usize,
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    /// Where the block's first entry goes; its rows lie `step` apart.
    pub(super) c: *mut f32,
    pub(super) step: usize,
    /// Matrices of the shape of C whose entries at this block's place are needed next: they are brought near while the
    /// processor is busy with the sums. Never read from here.
    pub(super) ahead: &'a [*const f32],
}

impl Instructions {
    /// Numbers in a register of the matrix product.
    pub(super) fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512::LANES,
            _ => Plain::LANES,
        }
    }
}

impl Block<'_> {
    /// Sums the block and writes it to `c`.
    ///
    /// # Safety
    /// The processor has the instructions; `c` points to room for the block, which nothing else uses meanwhile.
    pub(super) unsafe fn fill_with(&self, instructions: Instructions) {
        debug_assert!(self.rows.len() <= BAND && self.rows.end <= self.a.rows && self.columns.end <= self.n);
        debug_assert!(self.b.len() == self.a.columns * self.n && self.step >= self.columns.len());
        // SAFETY: the caller promises the instructions and the room.
        unsafe {
            match instructions {
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => self.fill_avx512(),
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => self.fill_avx2(),
                _ => self.fill::<Plain, 4>(),
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx2,fma")]
    unsafe fn fill_avx512(&self) {
        // SAFETY: the caller promises the instructions and the room.
        unsafe { self.fill::<Avx512, 8>() }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn fill_avx2(&self) {
        // SAFETY: the caller promises the instructions and the room.
        unsafe { self.fill::<Avx2, 4>() }
    }

    /// Sums the block, in tiles of `R` rows.
    ///
    /// # Safety
    /// As for `fill_with`, with `V`'s instructions.
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
        // SAFETY: rows from..from + depth of B have n numbers each, and column + width <= n; the rows of C lie in the
        // room that the caller promises; a partial vector touches its first lanes only.
        unsafe {
            let mut sums = [[V::splat(0.0); C]; R];
            // Of the last pass over B only: what comes near too early is gone again when it is needed.
            let last_pass = place.from + place.depth == self.a.columns;
            let mut ahead = Ahead::new(if last_pass { self.ahead } else { &[] }, self.n, place);
            let mut b = self.b.as_ptr().wrapping_add(place.from * self.n + place.column);
            for k in 0..place.depth {
                let row: [V; C] = std::array::from_fn(|i| match i + 1 == C && !whole {
                    true => V::load_first(b.add(i * V::LANES), last),
                    false => V::load(b.add(i * V::LANES)),
                });
                // Rows of B lie too far apart for the processor to guess the next one.
                (0..C).for_each(|i| prefetch(b.wrapping_add(AHEAD * self.n + i * V::LANES)));
                ahead.step(self.n);
                ahead.step(self.n);
                for (r, sums) in sums.iter_mut().enumerate() {
                    let factor = V::splat(*a.add(k * R + r));
                    for (sum, b) in sums.iter_mut().zip(row) {
                        *sum = factor.multiply_add(b, *sum);
                    }
                }
                // After the last row this is past the end, where no pointer may be made by `add`.
                b = b.wrapping_add(self.n);
            }
            let start = self.c.add((place.row - self.rows.start) * self.step + place.column - self.columns.start);
            for (r, sums) in sums.into_iter().enumerate().take(place.rows) {
                let c = start.add(r * self.step);
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

/// The lines of memory that hold the entries at a tile's place in some matrices, asked for one by one.
struct Ahead<'a> {
    /// Where the matrices at hand and those after it begin.
    matrices: &'a [*const f32],
    first: usize,
    rows: usize,
    lines: usize,
    row: usize,
    line: usize,
}

/// Numbers in a line of memory.
const LINE: usize = 16;

impl<'a> Ahead<'a> {
    #[inline(always)]
    fn new(matrices: &'a [*const f32], n: usize, place: Tile) -> Self {
        let Tile { row, rows, column, width, .. } = place;
        Self { matrices, first: row * n + column, rows, lines: width.div_ceil(LINE), row: 0, line: 0 }
    }

    /// Asks for one more line.
    #[inline(always)]
    fn step(&mut self, n: usize) {
        let [matrix, others @ ..] = self.matrices else { return };
        prefetch_far(matrix.wrapping_add(self.first + self.row * n + self.line * LINE));
        self.line += 1;
        if self.line == self.lines {
            (self.line, self.row) = (0, self.row + 1);
            if self.row == self.rows {
                (self.row, self.matrices) = (0, others);
            }
        }
    }
}
