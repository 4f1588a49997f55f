//! The matrix of all patches of images, which a product copies from the images into its packed panels.

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::convolution::Convolution;
use crate::tile::{COLUMN_PITCH, KC, Left, ROW_PITCH};
use crate::vector::Vector;

/// Floats that may be read beyond a pixel: all but one of the widest register.
const BEYOND: usize = 15;

/// The matrix whose row is the patch that one place of the output sees, the places of all images one after the other, or
/// its transpose.
pub(crate) struct Patches<'a> {
    shape: &'a Convolution,
    images: &'a [f32],
    transposed: bool,
    /// What is read instead of the images: zeros for a pixel outside of them, then the last pixels with zeros behind, so
    /// that whole registers may be read.
    around: Vec<f32>,
    /// How many floats of the images come before those last pixels, and before the first pixel that is read there.
    before: [usize; 2],
}

/// The upper left pixel of a patch: its number over all images, its row and its column, with wrapped negative numbers.
type Corner = [usize; 3];

impl<'a> Patches<'a> {
    /// The patches of all `images`, which have the shape's channels.
    pub(crate) fn new(shape: &'a Convolution, images: &'a [f32], transposed: bool) -> Self {
        let pixel = shape.input[2] + BEYOND;
        let before = images.len() - images.len().min(pixel.next_multiple_of(shape.input[2]));
        let mut around = vec![0.0; pixel];
        around.extend(&images[before..]);
        around.resize(around.len() + BEYOND, 0.0);
        let before = [before, (images.len() + 1).saturating_sub(pixel)];
        Self {
            shape,
            images,
            transposed,
            around,
            before,
        }
    }

    #[inline(always)]
    fn corners(&self, places: Range<usize>, corners: &mut [Corner]) {
        let ([height, width, _], [rows, columns, _]) = (self.shape.input, self.shape.output);
        let ([down, right], [above, left]) = (self.shape.stride, self.shape.padding);
        let (mut row, mut column) = (places.start / columns, places.start % columns);
        let mut image = row / rows;
        row %= rows;
        for corner in &mut corners[..places.len()] {
            let y = (row * down).wrapping_sub(above);
            let x = (column * right).wrapping_sub(left);
            let line = (image * height).wrapping_add(y);
            *corner = [line.wrapping_mul(width).wrapping_add(x), y, x];
            column += 1;
            if column == columns {
                (row, column) = (row + 1, 0);
            }
            if row == rows {
                (image, row) = (image + 1, 0);
            }
        }
    }

    /// Where some patches' pixels lie that are at one place of the kernel, `tap`.
    #[inline(always)]
    fn pixels(&self, tap: usize, corners: &[Corner], pixels: &mut [*const f32]) {
        let [height, width, channels] = self.shape.input;
        let (down, right) = (tap / self.shape.kernel[1], tap % self.shape.kernel[1]);
        let ([before, end], zeros) = (self.before, self.around.as_ptr());
        let last = zeros.wrapping_add(channels + BEYOND).wrapping_sub(before);
        for (pixel, [corner, y, x]) in pixels.iter_mut().zip(corners) {
            let inside = y.wrapping_add(down) < height && x.wrapping_add(right) < width;
            let at = corner
                .wrapping_add(down * width + right)
                .wrapping_mul(channels);
            let base = if at < end { self.images.as_ptr() } else { last };
            let base = if inside { base } else { zeros };
            *pixel = base.wrapping_add(if inside { at } else { 0 });
        }
    }
}

impl Left for Patches<'_> {
    fn shape(&self) -> (usize, usize) {
        let [height, width, channels] = self.shape.input;
        let images = self.images.len() / (height * width * channels);
        let (places, depth) = (images * self.shape.places(), self.shape.depth());
        if self.transposed {
            (depth, places)
        } else {
            (places, depth)
        }
    }

    #[inline(always)]
    fn by_rows(&self) -> bool {
        !self.transposed
    }

    #[inline(always)]
    unsafe fn pack<V: Vector>(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        to: &mut [MaybeUninit<f32>],
    ) {
        let (places, numbers, pitch) = match self.transposed {
            true => (columns, rows, COLUMN_PITCH),
            false => (rows, columns, ROW_PITCH),
        };
        let (count, channels) = (places.len(), self.shape.input[2]);
        assert!(numbers.len() + V::LANES <= pitch + 1 && count * pitch <= to.len());
        let mut corners = [[0; 3]; KC];
        let mut pixels = [std::ptr::null(); KC];
        self.corners(places, &mut corners);
        let mut start = numbers.start;
        while start < numbers.end {
            let (tap, channel) = (start / channels, start % channels);
            let end = numbers.end.min((tap + 1) * channels);
            self.pixels(tap, &corners[..count], &mut pixels);
            for at in (0..end - start).step_by(V::LANES) {
                let to = to[start - numbers.start + at..].as_mut_ptr().cast::<f32>();
                for (place, pixel) in pixels[..count].iter().enumerate() {
                    // SAFETY: at most BEYOND floats behind a pixel are read. As many behind a row or column are written,
                    // which the next ones overwrite, or which lie in the room behind the last.
                    unsafe { V::load(pixel.add(channel + at)).store(to.add(place * pitch)) };
                }
            }
            start = end;
        }
    }
}
