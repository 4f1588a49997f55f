//! Two-dimensional convolutions as matrix products: a row of A is the patch of an image that one place of the output sees.
//! Blocks of the product copy patches straight into their packed panels, so A is never stored (Chetlur et al., *cuDNN*, 2014).

use crate::instructions::Instructions;
use crate::patches::{Border, Patches};
use crate::product::{MatRef, multiply};
use crate::shared::Shared;
use crate::threads::Threads;
use crate::tile::{BlockProduct, MC};

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
        let count = self.check(images, output);
        let border = Border::new(images, self.input[2]);
        let patches = Patches::<false>::new(self, images, &border, 0..count);
        let kernel = MatRef::new(kernel, self.depth(), self.output[2]);
        multiply(patches, kernel, output, threads, finish);
    }

    /// The gradient with respect to the kernel, given the one with respect to the output; shapes as in
    /// [`forward`](Self::forward).
    ///
    /// Where the kernel is small, the images are cut into groups, whatever the number of threads, and the sums of the groups
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
        let (count, depth, filters) = (self.check(images, gradient), self.depth(), self.output[2]);
        assert_eq!(
            kernel_gradient.len(),
            depth * filters,
            "one number for each weight"
        );
        let border = Border::new(images, self.input[2]);
        let instructions = Instructions::detect();
        let band = MC / instructions.tile().0 * instructions.tile().0;
        let bands = depth.div_ceil(band);
        let groups = BLOCKS.div_ceil(depth.div_ceil(MC)).clamp(1, count.max(1));
        let group = count.div_ceil(groups);
        let mut sums = vec![0.0; (groups - 1) * kernel_gradient.len()];
        let (first, others) = (Shared::new(kernel_gradient), Shared::new(&mut sums));
        threads.run(bands * groups, |piece| {
            let (number, top) = (piece / bands, piece % bands * band);
            let images_of = count.min(number * group)..count.min((number + 1) * group);
            let rows = top..depth.min(top + band);
            let inside = rows.start * filters..rows.end * filters;
            let c = match number.checked_sub(1) {
                None => first.start_of(inside),
                Some(other) => {
                    let start = other * depth * filters;
                    others.start_of(start + inside.start..start + inside.end)
                }
            };
            let size = self.places() * filters;
            let gradient = &gradient[images_of.start * size..images_of.end * size];
            let block = BlockProduct {
                a: Patches::<true>::new(self, images, &border, images_of.clone()),
                b: MatRef::new(gradient, images_of.len() * self.places(), filters),
                rows,
                columns: 0..filters,
                c,
                stride: filters,
            };
            // SAFETY: the block's rows lie side by side, and no other block touches them.
            unsafe { instructions.run(block) };
        });
        for sums in sums.chunks_exact(kernel_gradient.len().max(1)) {
            kernel_gradient
                .iter_mut()
                .zip(sums)
                .for_each(|(sum, x)| *sum += x);
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
        assert_eq!(
            kernel.len(),
            self.depth() * filters,
            "one number for each weight"
        );
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
        let spread;
        let gradient = match self.stride {
            [1, 1] => gradient,
            _ => {
                spread = self.spread(gradient, [rows, columns]);
                &spread
            }
        };
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
        let [image, place] =
            [self.input, self.output].map(|shape| shape.into_iter().product::<usize>());
        let count = images.len() / image;
        let fit = images.len() == count * image && output.len() == count * place;
        assert!(fit, "one output for each image");
        let mut axes = self.padding.iter().zip(self.kernel);
        assert!(
            axes.all(|(&padding, size)| padding < size),
            "less padding than the kernel is long"
        );
        count
    }
}

#[cfg(test)]
mod tests;
