//! The matrix of all patches of images, which a product copies from the images into its packed panels.

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::convolution::Convolution;
use crate::tile::{COLUMN_PITCH, Left, ROW_PITCH};
use crate::vector::Vector;

/// Floats that may be read beyond a pixel: all but one of the widest register.
const BEYOND: usize = 15;

/// So many patches are copied at a time, so that they stay in the L1 cache.
const GROUP: usize = 32;
/// The offset of a pixel outside of its image.
const OUTSIDE: usize = usize::MAX;

/// The matrix whose row is the patch that one place of the output sees, the places of all images one after the other, or
/// its transpose.
pub(crate) struct Patches<'a> {
    shape: &'a Convolution,
    images: &'a [f32],
    transposed: bool,
    /// For each place of the kernel, where the pixel begins that a place of the first image sees there, or [`OUTSIDE`]; then
    /// so for a group of places of the next images.
    offsets: Vec<usize>,
    /// What is read instead of the images: zeros for a pixel outside of them, then the last pixels with zeros behind, so
    /// that whole registers may be read.
    around: Vec<f32>,
    /// How many floats of the images come before those last pixels, and before the first pixel that is read there.
    before: [usize; 2],
}

impl<'a> Patches<'a> {
    /// The patches of all `images`, which have the shape's channels.
    pub(crate) fn new(shape: &'a Convolution, images: &'a [f32], transposed: bool) -> Self {
        let ([height, width, channels], [rows, columns, _]) = (shape.input, shape.output);
        let offset = |tap: usize, place: usize| {
            let (row, column) = (place / columns, place % columns);
            let (image, row) = (row / rows, row % rows);
            let [stride, before] = [shape.stride, shape.padding];
            let y = (row * stride[0] + tap / shape.kernel[1]).wrapping_sub(before[0]);
            let x = (column * stride[1] + tap % shape.kernel[1]).wrapping_sub(before[1]);
            if y < height && x < width {
                ((image * height + y) * width + x) * channels
            } else {
                OUTSIDE
            }
        };
        let taps = 0..shape.kernel[0] * shape.kernel[1];
        let places = shape.places() + GROUP;
        let offsets = taps.flat_map(|tap| (0..places).map(move |place| (tap, place)));
        let offsets = offsets.map(|(tap, place)| offset(tap, place)).collect();
        let pixel = channels + BEYOND;
        let before = images.len() - images.len().min(pixel.next_multiple_of(channels));
        let mut around = vec![0.0; pixel];
        around.extend(&images[before..]);
        around.resize(around.len() + BEYOND, 0.0);
        let before = [before, (images.len() + 1).saturating_sub(pixel)];
        Self {
            shape,
            images,
            transposed,
            offsets,
            around,
            before,
        }
    }

    /// Where the pixels lie that the patches from `first` on have at one place of the kernel, `tap`.
    #[inline(always)]
    fn pixels(&self, tap: usize, first: usize) -> [*const f32; GROUP] {
        let [height, width, channels] = self.shape.input;
        let places = self.shape.places();
        let image = first / places * height * width * channels;
        let offsets = &self.offsets[tap * (places + GROUP) + first % places..][..GROUP];
        let ([before, end], zeros) = (self.before, self.around.as_ptr());
        let last = zeros.wrapping_add(channels + BEYOND).wrapping_sub(before);
        let mut pixels = [zeros; GROUP];
        for (pixel, &offset) in pixels.iter_mut().zip(offsets) {
            let at = image.wrapping_add(offset);
            let base = if at < end { self.images.as_ptr() } else { last };
            *pixel = if offset == OUTSIDE {
                zeros
            } else {
                base.wrapping_add(at)
            };
        }
        pixels
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
        let channels = self.shape.input[2];
        assert!(numbers.len() + V::LANES <= pitch + 1 && places.len() * pitch <= to.len());
        for (first, to) in places
            .clone()
            .step_by(GROUP)
            .zip(to.chunks_mut(GROUP * pitch))
        {
            let count = GROUP.min(places.end - first);
            let mut start = numbers.start;
            while start < numbers.end {
                let (tap, channel) = (start / channels, start % channels);
                let end = numbers.end.min((tap + 1) * channels);
                let pixels = self.pixels(tap, first);
                for at in (0..end - start).step_by(V::LANES) {
                    let to = to[start - numbers.start + at..].as_mut_ptr().cast::<f32>();
                    for (place, pixel) in pixels[..count].iter().enumerate() {
                        // SAFETY: at most BEYOND floats behind a pixel are read. As many behind a row or column are
                        // written, which the next ones overwrite, or which lie in the room behind the last.
                        unsafe { V::load(pixel.add(channel + at)).store(to.add(place * pitch)) };
                    }
                }
                start = end;
            }
        }
    }
}
