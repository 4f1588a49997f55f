//! Two-dimensional convolutions as matrix products: a row of A is the patch of an image that one place of the output sees.

use crate::product::{MatRef, product};
use crate::threads::Threads;

/// Places whose patches are summed in one chain, as in [`product`].
const CHAIN: usize = 256;

/// A two-dimensional convolution (cross-correlation) of images in NHWC order.
///
/// All sums over a patch, or over the places of all images, are the chains of fused multiply-adds of [`product`], so the
/// bits are the same for any number of threads and on every processor that has fused multiply-add.
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
    /// The output for each image, then `finish(row, column, part)` once for each finished part of a row, as in [`product`]:
    /// a row is one place of one image.
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
        let (places, depth, filters) = (self.places(), self.depth(), self.output[2]);
        self.check(images, output);
        let kernel = MatRef::new(kernel, depth, filters);
        threads.chunks(output, places * filters, |image, output| {
            let patches = self.patches(images, image * places, places);
            let patches = MatRef::new(&patches, places, depth);
            product(
                patches,
                kernel,
                output,
                &Threads::one(),
                |row, column, part| {
                    finish(image * places + row, column, part);
                },
            );
        });
    }

    /// The gradient with respect to the kernel, given the one with respect to the output; shapes as in
    /// [`forward`](Self::forward).
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
        self.check(images, gradient);
        assert_eq!(
            kernel_gradient.len(),
            depth * filters,
            "one number for each weight"
        );
        kernel_gradient.fill(0.0);
        let mut chain = vec![0.0; kernel_gradient.len()];
        for (number, gradient) in gradient.chunks(CHAIN * filters).enumerate() {
            let rows = gradient.len() / filters;
            let patches = self.patches(images, number * CHAIN, rows);
            let patches = MatRef::new(&patches, rows, depth).transposed();
            let gradient = MatRef::new(gradient, rows, filters);
            product(patches, gradient, &mut chain, threads, |_, _, _| ());
            kernel_gradient
                .iter_mut()
                .zip(&chain)
                .for_each(|(sum, x)| *sum += x);
        }
    }

    /// The gradient with respect to the images, given the one with respect to the output; shapes as in
    /// [`forward`](Self::forward).
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
            spread[((image * rows + y) * columns + x) * filters..][..filters]
                .copy_from_slice(gradient);
        }
        spread
    }

    /// The patches of `count` places from `first` on, counted over all images, one after the other.
    fn patches(&self, images: &[f32], first: usize, count: usize) -> Vec<f32> {
        let ([height, width, channels], [_, kernel_width]) = (self.input, self.kernel);
        let mut patches = vec![0.0; count * self.depth()];
        for (place, patch) in (first..).zip(patches.chunks_exact_mut(self.depth())) {
            let (image, at) = (place / self.places(), place % self.places());
            let (top, left) = (
                at / self.output[1] * self.stride[0],
                at % self.output[1] * self.stride[1],
            );
            for (ky, row) in patch.chunks_exact_mut(kernel_width * channels).enumerate() {
                let y = (top + ky).wrapping_sub(self.padding[0]);
                for (kx, to) in row.chunks_exact_mut(channels).enumerate() {
                    let x = (left + kx).wrapping_sub(self.padding[1]);
                    if y < height && x < width {
                        to.copy_from_slice(
                            &images[((image * height + y) * width + x) * channels..][..channels],
                        );
                    }
                }
            }
        }
        patches
    }

    /// The number of places in an image.
    fn places(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// The numbers in a patch.
    fn depth(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.input[2]
    }

    /// Checks that there are as many images as outputs.
    fn check(&self, images: &[f32], output: &[f32]) {
        let [image, place] =
            [self.input, self.output].map(|shape| shape.into_iter().product::<usize>());
        let count = images.len() / image;
        assert!(
            images.len() == count * image && output.len() == count * place,
            "one output for each image"
        );
        let inside = self
            .padding
            .iter()
            .zip(self.kernel)
            .all(|(&padding, size)| padding < size);
        assert!(inside, "less padding than the kernel is long");
    }
}

#[cfg(test)]
mod tests;
