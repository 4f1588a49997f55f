//! The matrix of all patches of some images, which a product copies from the images into its packed panels.

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::convolution::Convolution;
use crate::tile::{COLUMN_PITCH, KC, Left, ROW_PITCH};
use crate::vector::Vector;

/// Floats that may be read beyond the last one that is needed: all but one of the widest register.
const BEYOND: usize = 15;

/// What lies around the images: zeros for a place outside, and a copy of the last pixels with zeros behind them, so that
/// whole registers can be read there.
pub(crate) struct Border {
    /// Zeros for one pixel, the last pixels, and more zeros.
    floats: Vec<f32>,
    /// Where the last pixels begin, in the images.
    last: usize,
    pixel: usize,
}

impl Border {
    pub(crate) fn new(images: &[f32], channels: usize) -> Self {
        let pixel = channels + BEYOND;
        // Whole pixels, as pointers to the images are to the start of one.
        let last = images.len() - images.len().min(pixel.next_multiple_of(channels));
        let mut floats = vec![0.0; pixel];
        floats.extend(&images[last..]);
        floats.resize(floats.len() + BEYOND, 0.0);
        Self {
            floats,
            last,
            pixel,
        }
    }
}

/// The matrix whose row is the patch that one place of the output sees, all images' places one after the other; its transpose
/// if TRANSPOSED.
#[derive(Clone, Copy)]
pub(crate) struct Patches<'a, const TRANSPOSED: bool> {
    shape: &'a Convolution,
    images: &'a [f32],
    border: &'a Border,
    range: (usize, usize),
}

/// The upper left pixel of a patch: its number over all images, which may lie before the first, its row and its column, with
/// negative numbers wrapped around.
#[derive(Clone, Copy, Default)]
struct Corners {
    pixel: usize,
    y: usize,
    x: usize,
}

impl<'a, const TRANSPOSED: bool> Patches<'a, TRANSPOSED> {
    /// The patches of the images in `range`, of those in `images`, which `shape` fits.
    pub(crate) fn new(
        shape: &'a Convolution,
        images: &'a [f32],
        border: &'a Border,
        range: Range<usize>,
    ) -> Self {
        Self {
            shape,
            images,
            border,
            range: (range.start, range.end),
        }
    }

    /// The upper left pixels of some patches.
    #[inline(always)]
    fn corners(&self, places: Range<usize>, corners: &mut [Corners; KC]) {
        let Convolution {
            input: [height, width, _],
            stride,
            padding,
            output: [_, columns, _],
            ..
        } = *self.shape;
        let each = self.shape.places();
        let (mut image, at) = (self.range.0 + places.start / each, places.start % each);
        let (mut row, mut column) = (at / columns, at % columns);
        for corner in &mut corners[..places.len()] {
            let y = (row * stride[0]).wrapping_sub(padding[0]);
            let x = (column * stride[1]).wrapping_sub(padding[1]);
            let pixel = (image * height)
                .wrapping_add(y)
                .wrapping_mul(width)
                .wrapping_add(x);
            *corner = Corners { pixel, y, x };
            column += 1;
            if column == columns {
                (row, column) = (row + 1, 0);
            }
            if row * columns == each {
                (image, row) = (image + 1, 0);
            }
        }
    }

    /// Where the pixels lie that some patches have in the same place, `tap`.
    #[inline(always)]
    fn pixels(&self, tap: usize, corners: &[Corners], pixels: &mut [*const f32; KC]) {
        let Convolution {
            input: [height, width, channels],
            kernel,
            ..
        } = *self.shape;
        let (down, right) = (tap / kernel[1], tap % kernel[1]);
        let (zeros, images) = (self.border.floats.as_ptr(), self.images.as_ptr());
        let last = zeros
            .wrapping_add(self.border.pixel)
            .wrapping_sub(self.border.last);
        // Before this one, there are enough floats behind a pixel's start.
        let end = (self.images.len() + 1).saturating_sub(self.border.pixel);
        for (pixel, corner) in pixels.iter_mut().zip(corners) {
            let inside =
                corner.y.wrapping_add(down) < height && corner.x.wrapping_add(right) < width;
            let start = corner
                .pixel
                .wrapping_add(down * width + right)
                .wrapping_mul(channels);
            let from = if start < end { images } else { last };
            *pixel = if inside {
                from.wrapping_add(start)
            } else {
                zeros
            };
        }
    }
}

impl<const TRANSPOSED: bool> Left for Patches<'_, TRANSPOSED> {
    fn shape(&self) -> (usize, usize) {
        let places = (self.range.1 - self.range.0) * self.shape.places();
        match TRANSPOSED {
            true => (self.shape.depth(), places),
            false => (places, self.shape.depth()),
        }
    }

    #[inline(always)]
    fn by_rows(&self) -> bool {
        !TRANSPOSED
    }

    #[inline(always)]
    unsafe fn pack<V: Vector>(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        to: &mut [MaybeUninit<f32>],
    ) {
        let (places, numbers, pitch) = match TRANSPOSED {
            true => (columns, rows, COLUMN_PITCH),
            false => (rows, columns, ROW_PITCH),
        };
        let (count, channels) = (places.len(), self.shape.input[2]);
        assert!(count <= KC && numbers.len() + V::LANES <= pitch + 1 && count * pitch <= to.len());
        let mut corners = [Corners::default(); KC];
        let mut pixels = [std::ptr::null(); KC];
        self.corners(places, &mut corners);
        let mut number = numbers.start;
        while number < numbers.end {
            let (tap, channel) = (number / channels, number % channels);
            let end = numbers.end.min((tap + 1) * channels);
            self.pixels(tap, &corners[..count], &mut pixels);
            for from in (number..end).step_by(V::LANES) {
                let to = to
                    .as_mut_ptr()
                    .cast::<f32>()
                    .wrapping_add(from - numbers.start);
                for (place, pixel) in pixels[..count].iter().enumerate() {
                    // SAFETY: at most BEYOND floats behind the pixel are read, and as many behind the numbers written.
                    unsafe {
                        V::load(pixel.add(channel + from - number)).store(to.add(place * pitch))
                    };
                }
            }
            number = end;
        }
    }
}
