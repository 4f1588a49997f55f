//! Layers for images: convolution and pooling. An image (height, width, channels) is one row of the batch's matrix, the
//! channels of a pixel side by side; [`Windows`] says which pixels an output sees.

use crate::Matrix;
use ndarray::{Array3, Axis};

/// Windows of `size` (height, width) that move over an image by `stride` pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// (height, width, channels)
    pub image: [usize; 3],
    /// (height, width)
    pub size: [usize; 2],
    /// Pixels from one window to the next, down and to the right.
    pub stride: usize,
    /// Whether windows reach over the edges, so that there are ⌈pixels / stride⌉ of them along an axis; otherwise all lie
    /// inside of the image.
    pub same: bool,
}

impl Windows {
    /// The number of windows along an axis, and how far the first begins before the image.
    fn along(&self, axis: usize) -> (usize, usize) {
        let (image, size) = (self.image[axis], self.size[axis]);
        if !self.same {
            return ((image - size) / self.stride + 1, 0);
        }
        let count = image.div_ceil(self.stride);
        let reach = (count - 1) * self.stride + size;
        (count, reach.saturating_sub(image) / 2)
    }

    /// Rows and columns of windows.
    pub fn output(&self) -> [usize; 2] {
        [self.along(0).0, self.along(1).0]
    }

    /// Every pixel of every window as (window, pixel of the image, place in the window), each counted row by row. Pixels
    /// outside of the image are left out.
    fn pixels(&self) -> Vec<[usize; 3]> {
        let ([rows, top], [columns, left]) = (self.along(0).into(), self.along(1).into());
        let ([height, width, _], mut all) = (self.image, Vec::new());
        for window in 0..rows * columns {
            for place in 0..self.size[0] * self.size[1] {
                let (u, v) = (place / self.size[1], place % self.size[1]);
                let row = (window / columns * self.stride + u).wrapping_sub(top);
                let column = (window % columns * self.stride + v).wrapping_sub(left);
                if row < height && column < width {
                    all.push([window, row * width + column, place]);
                }
            }
        }
        all
    }

    /// The batch as (sample, pixel, channel).
    fn unfold(x: &Matrix, channels: usize) -> Array3<f64> {
        let shape = (x.nrows(), x.ncols() / channels, channels);
        x.to_shape(shape).expect("whole pixels").into_owned()
    }

    fn fold(x: Array3<f64>) -> Matrix {
        let (samples, pixels, channels) = x.dim();
        x.into_shape_with_order((samples, pixels * channels))
            .expect("one row for each sample")
    }

    /// Zeros for each (sample, window, channel).
    fn zeros(&self, samples: usize, channels: usize) -> Array3<f64> {
        let [rows, columns] = self.output();
        Array3::zeros((samples, rows * columns, channels))
    }
}

/// Convolution: the output of filter f at a window is z_f = b_f + Σ x W_f over the window's pixels and channels, with
/// pixels outside of the image 0 (LeCun et al. 1989).
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d {
    /// Where the filters are applied.
    pub windows: Windows,
    /// W (window height · window width · channels, filters).
    pub kernel: Matrix,
    /// b (1, filters).
    pub bias: Matrix,
    /// λ of the penalty λ Σ W² that this layer adds to the loss; 0 for none.
    pub l2: f64,
}

impl Conv2d {
    /// W as (place in the window, channel, filter).
    fn places(&self) -> Array3<f64> {
        let [height, width] = self.windows.size;
        let shape = (height * width, self.windows.image[2], self.kernel.ncols());
        let kernel = self.kernel.to_shape(shape);
        kernel
            .expect("one row for each place and channel")
            .into_owned()
    }

    /// z for each window: at each place in it the pixel times that place's part of W.
    pub fn forward(&self, x: &Matrix) -> Matrix {
        let (x, w) = (Windows::unfold(x, self.windows.image[2]), self.places());
        let mut z = self.windows.zeros(x.dim().0, self.bias.ncols());
        z += &self.bias;
        for [window, pixel, place] in self.windows.pixels() {
            let mut z = z.index_axis_mut(Axis(1), window);
            z += &x
                .index_axis(Axis(1), pixel)
                .dot(&w.index_axis(Axis(0), place));
        }
        Windows::fold(z)
    }

    /// ∂L/∂x = g Wᵀ, ∂L/∂W = xᵀ g + 2 λ W and ∂L/∂b = Σ g, summed over all windows that use the same pixel or weight.
    pub fn backward(&self, x: &Matrix, g: &Matrix) -> (Matrix, Vec<Matrix>) {
        let x = Windows::unfold(x, self.windows.image[2]);
        let g = Windows::unfold(g, self.bias.ncols());
        let w = self.places();
        let (mut dx, mut dw) = (Array3::zeros(x.dim()), 2.0 * self.l2 * &w);
        for [window, pixel, place] in self.windows.pixels() {
            let (x, g) = (x.index_axis(Axis(1), pixel), g.index_axis(Axis(1), window));
            let mut dx = dx.index_axis_mut(Axis(1), pixel);
            dx += &g.dot(&w.index_axis(Axis(0), place).t());
            let mut dw = dw.index_axis_mut(Axis(0), place);
            dw += &x.t().dot(&g);
        }
        let dkernel = dw
            .to_shape(self.kernel.dim())
            .expect("as many weights")
            .into_owned();
        let dbias = g.sum_axis(Axis(0)).sum_axis(Axis(0)).insert_axis(Axis(0));
        (Windows::fold(dx), vec![dkernel, dbias])
    }
}

/// Pooling: each channel's greatest number in a window, or its mean over the window's pixels inside of the image. Global
/// pooling is that of a window as large as the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling2d {
    /// What is pooled.
    pub windows: Windows,
    /// Whether the greatest number counts, not the mean.
    pub max: bool,
}

impl Pooling2d {
    /// How many pixels each window has inside of the image.
    fn counts(&self) -> Vec<f64> {
        let [rows, columns] = self.windows.output();
        let mut counts = vec![0.0; rows * columns];
        let pixels = self.windows.pixels();
        pixels
            .iter()
            .for_each(|[window, ..]| counts[*window] += 1.0);
        counts
    }

    /// y = max x or y = Σ x / count over each window.
    pub fn forward(&self, x: &Matrix) -> Matrix {
        let channels = self.windows.image[2];
        let (x, counts) = (Windows::unfold(x, channels), self.counts());
        let mut y = self.windows.zeros(x.dim().0, channels);
        if self.max {
            y.fill(f64::NEG_INFINITY);
        }
        for [window, pixel, _] in self.windows.pixels() {
            let x = x.index_axis(Axis(1), pixel);
            y.index_axis_mut(Axis(1), window).zip_mut_with(&x, |y, x| {
                *y = if self.max {
                    y.max(*x)
                } else {
                    *y + x / counts[window]
                }
            });
        }
        Windows::fold(y)
    }

    /// ∂L/∂x: the gradient of a maximum goes to the first pixel that has it, that of a mean in equal parts to all.
    pub fn backward(&self, x: &Matrix, g: &Matrix) -> Matrix {
        let channels = self.windows.image[2];
        let [x, mut g, y] = [x, g, &self.forward(x)].map(|it| Windows::unfold(it, channels));
        let (mut dx, counts) = (Array3::zeros(x.dim()), self.counts());
        for [window, pixel, _] in self.windows.pixels() {
            for (sample, channel) in ndarray::indices((x.dim().0, channels)) {
                let (at, from) = ([sample, window, channel], [sample, pixel, channel]);
                if !self.max {
                    dx[from] += g[at] / counts[window];
                } else if x[from] == y[at] {
                    dx[from] += std::mem::take(&mut g[at]);
                }
            }
        }
        Windows::fold(dx)
    }
}
