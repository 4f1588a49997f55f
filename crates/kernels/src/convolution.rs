//! Two-dimensional convolutions as matrix products: a row of A is the patch of an image that one place of the output sees.
//! Blocks of the product copy patches straight into their packed panels, so A is never stored (Chetlur et al., *cuDNN*, 2014).

use crate::instructions::Instructions;
use crate::patches::Patches;
use crate::product::{MatRef, multiply};
use crate::shared::Shared;
use crate::threads::Threads;
use crate::tile::{BlockProduct, KC, MC};

/// The kernel's gradient is cut into about so many blocks for the threads.
const BLOCKS: usize = 16;

/// A two-dimensional convolution (cross-correlation) of images in NHWC order.
///
/// All sums over a patch are the chains of fused multiply-adds of [`product`](crate::product()), so the bits are the same
/// for any number of threads and on every processor that has fused multiply-add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Height, width and channels of an image.
    pub input: [usize; 3],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// The distance between places, down and to the right.
    pub stride: [usize; 2],
    /// Rows of zeros above and columns of zeros to the left, fewer than the kernel has. As many zeros follow below and to
    /// the right as the output's places need.
    pub padding: [usize; 2],
    /// Height, width and filters of the output.
    pub output: [usize; 3],
}

impl Convolution {
    /// The output for each image, then `finish(row, column, part)` once for each finished part of a row, as in
    /// [`product`](crate::product()): a row is one place of one image.
    ///
    /// `images` has shape (N, h, w, c), `kernel` (kh·kw·c, filters) in row-major order (Keras's HWIO), `output`
    /// (N, oh, ow, filters).
    ///
    /// Panics when the lengths do not fit.
    pub fn forward(
        &self,
        images: &[f32],
        kernel: &[f32],
        output: &mut [f32],
        threads: &Threads,
        finish: impl Fn(usize, usize, &mut [f32]) + Sync,
    ) {
        self.check(images, output);
        let patches = Patches::new(self, images, false);
        let kernel = MatRef::new(kernel, self.depth(), self.output[2]);
        multiply(&patches, kernel, output, threads, finish);
    }

    /// The gradient with respect to the kernel, given the one with respect to the output; shapes as in
    /// [`forward`](Self::forward).
    ///
    /// Where the kernel is small, the places are cut into groups, whatever the number of threads, and the sums of the groups
    /// are added one after the other.
    ///
    /// Panics when the lengths do not fit.
    pub fn kernel_gradient(
        &self,
        images: &[f32],
        gradient: &[f32],
        kernel_gradient: &mut [f32],
        threads: &Threads,
    ) {
        let (depth, filters) = (self.depth(), self.output[2]);
        let places = self.places() * self.check(images, gradient);
        let a = Patches::new(self, images, true);
        let b = MatRef::new(gradient, places, filters);
        let instructions = Instructions::detect();
        let band = MC / instructions.tile().0 * instructions.tile().0;
        let bands = depth.div_ceil(band);
        let most = places.div_ceil(KC).max(1);
        let groups = BLOCKS.div_ceil(depth.div_ceil(MC)).min(most);
        let group = places.div_ceil(groups);
        let mut sums = vec![0.0; groups * depth * filters];
        let shared = Shared::new(&mut sums);
        threads.run(groups * bands, |piece| {
            let (number, top) = (piece / bands, piece % bands * band);
            let rows = top..depth.min(top + band);
            let start = number * depth;
            let block = BlockProduct {
                a: &a,
                b,
                depth: places.min(number * group)..places.min((number + 1) * group),
                c: shared.start_of((start + rows.start) * filters..(start + rows.end) * filters),
                rows,
                columns: 0..filters,
                stride: filters,
            };
            // SAFETY: the block's rows lie side by side, and no other block touches them.
            unsafe { instructions.run(block) };
        });
        let (first, others) = sums.split_at(depth * filters);
        kernel_gradient.copy_from_slice(first);
        for sums in others.chunks_exact(depth * filters) {
            let weights = kernel_gradient.iter_mut().zip(sums);
            weights.for_each(|(weight, sum)| *weight += sum);
        }
    }

    /// The gradient with respect to the images, given the one with respect to the output; shapes as in
    /// [`forward`](Self::forward).
    ///
    /// It is the convolution of the output's gradient with the flipped kernel; where the stride is above 1, with zeros
    /// between the places, which costs as much as stride 1.
    ///
    /// Panics when the lengths do not fit.
    pub fn input_gradient(
        &self,
        gradient: &[f32],
        kernel: &[f32],
        input_gradient: &mut [f32],
        threads: &Threads,
    ) {
        let ([height, width, channels], filters) = (self.input, self.output[2]);
        self.check(input_gradient, gradient);
        let mut flipped = vec![0.0; kernel.len()];
        for (at, tap) in kernel.chunks_exact(channels * filters).rev().enumerate() {
            for (channel, weights) in tap.chunks_exact(filters).enumerate() {
                for (filter, weight) in weights.iter().enumerate() {
                    flipped[(at * filters + filter) * channels + channel] = *weight;
                }
            }
        }
        let [above, left] = [0, 1].map(|axis| self.kernel[axis] - 1 - self.padding[axis]);
        let [rows, columns] = [0, 1].map(|axis| (self.output[axis] - 1) * self.stride[axis] + 1);
        let full = Self {
            input: [rows, columns, filters],
            kernel: self.kernel,
            stride: [1, 1],
            padding: [above, left],
            output: [height, width, channels],
        };
        let spread = (self.stride != [1, 1]).then(|| self.spread(gradient, [rows, columns]));
        let gradient = spread.as_deref().unwrap_or(gradient);
        full.forward(gradient, &flipped, input_gradient, threads, |_, _, _| ());
    }

    /// The gradients of all places with zeros between them, as if the stride were 1.
    fn spread(&self, gradient: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
        let [_, width, filters] = self.output;
        let images = gradient.len() / (self.places() * filters);
        let mut spread = vec![0.0; images * rows * columns * filters];
        for (place, gradient) in gradient.chunks_exact(filters).enumerate() {
            let (image, at) = (place / self.places(), place % self.places());
            let (y, x) = (at / width * self.stride[0], at % width * self.stride[1]);
            let start = ((image * rows + y) * columns + x) * filters;
            spread[start..start + filters].copy_from_slice(gradient);
        }
        spread
    }

    /// The number of places in an image.
    pub(crate) fn places(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// The numbers in a patch.
    pub(crate) fn depth(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.input[2]
    }

    /// The number of images, which must be that of the outputs.
    fn check(&self, images: &[f32], output: &[f32]) -> usize {
        let [image, place] = [self.input, self.output].map(|[h, w, c]| h * w * c);
        let count = images.len() / image;
        let fit = [images.len(), output.len()] == [count * image, count * place];
        assert!(fit, "one output for each image");
        let inside = (0..2).all(|axis| self.padding[axis] < self.kernel[axis]);
        assert!(inside, "less padding than the kernel is long");
        count
    }
}

#[cfg(test)]
mod tests;
