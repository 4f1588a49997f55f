//! Pooling: the maximum or the mean of each channel over windows of an image.

use super::*;

/// What pooling keeps of the numbers in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// The greatest; the first of equal ones gets the gradient.
    Max,
    /// The mean of those inside of the image.
    Average,
}

/// Pooling of images (height, width, channels), over windows or globally.
///
/// ```
/// use lab_core::prelude::*;
/// let pooling = Pooling2d { strides: 2, padding: Padding::Same, ..Pooling2d::new(Pool::Max, 3) };
/// let model = Sequential::new([32, 32, 3]).layer(pooling).global_average_pooling2d().build(Seed(0))?;
/// assert_eq!(model.output_size(), 3);
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pooling2d {
    /// What is kept.
    pub pool: Pool,
    /// Pixels along each side of a window; none for a window as large as the image.
    pub pool_size: Option<usize>,
    /// Pixels from one window to the next.
    pub strides: usize,
    /// How windows lie at the edges.
    pub padding: Padding,
}

impl Pooling2d {
    /// Pooling with Keras's defaults: windows side by side, no padding.
    pub fn new(pool: Pool, pool_size: usize) -> Self {
        Self {
            pool,
            pool_size: Some(pool_size),
            strides: pool_size,
            padding: Padding::Valid,
        }
    }

    /// One number for each channel of an image.
    pub fn global(pool: Pool) -> Self {
        let mut pooling = Self::new(pool, 1);
        pooling.pool_size = None;
        pooling
    }

    fn windows(&self, input: &[usize]) -> Windows {
        let image = [0, 1].map(|axis| input.get(axis).copied().unwrap_or(1));
        Windows {
            size: self.pool_size.map_or(image, |size| [size; 2]),
            strides: self.strides,
            padding: self.padding,
        }
    }
}

/// The windows, height and width, and channels of a layer's images.
fn parts(layer: &Pooling2d, spec: &LayerSpec) -> (Windows, [usize; 2], usize) {
    let shape = &spec.input_shape;
    (layer.windows(shape), [shape[0], shape[1]], shape[2])
}

impl Layer for Pooling2d {
    fn kind(&self) -> (&'static str, &'static str) {
        match (self.pool, self.pool_size) {
            (Pool::Max, Some(_)) => ("MaxPooling2D", "max_pooling2d"),
            (Pool::Average, Some(_)) => ("AveragePooling2D", "average_pooling2d"),
            (Pool::Max, None) => ("GlobalMaxPooling2D", "global_max_pooling2d"),
            (Pool::Average, None) => ("GlobalAveragePooling2D", "global_average_pooling2d"),
        }
    }

    fn output_shape(&self, name: &str, input: &[usize]) -> Result<Vec<usize>> {
        let [rows, columns] = self.windows(input).output(name, input)?;
        Ok(match self.pool_size {
            Some(_) => vec![rows, columns, input[2]],
            None => vec![input[2]],
        })
    }

    /// y = max x or Σ x / count over each window.
    fn forward(&self, context: Context<'_>, _: &[Parameter], cache: &mut Cache) {
        let (windows, size, channels) = parts(self, context.spec);
        let (inputs, outputs) = (context.spec.inputs, context.spec.outputs);
        let (input, threads) = (context.pass.input, context.pass.threads);
        cache.output.resize(context.rows() * outputs, 0.0);
        threads.chunks(&mut cache.output, outputs, |image, output| {
            let image = &input[image * inputs..][..inputs];
            for (number, y) in output.chunks_exact_mut(channels).enumerate() {
                let pixels = windows.pixels(size, number);
                let count = pixels.clone().count() as f32;
                let pixels = pixels.map(|pixel| &image[pixel * channels..][..channels]);
                if self.pool == Pool::Max {
                    y.fill(f32::NEG_INFINITY);
                    for pixel in pixels {
                        // Written so that NaN stays NaN.
                        let numbers = y.iter_mut().zip(pixel);
                        numbers.for_each(|(y, x)| *y = if *x <= *y { *y } else { *x });
                    }
                } else {
                    y.fill(0.0);
                    pixels.for_each(|pixel| y.iter_mut().zip(pixel).for_each(|(y, x)| *y += x));
                    y.iter_mut().for_each(|y| *y /= count);
                }
            }
        });
    }

    /// dx = dy at the first pixel that has the maximum, or dy / count at all.
    fn backward(&self, context: Context, cache: &mut Cache, back: &mut Backward, _: Gradients) {
        let (windows, size, channels) = parts(self, context.spec);
        let (inputs, outputs) = (context.spec.inputs, context.spec.outputs);
        let (input, threads) = (context.pass.input, context.pass.threads);
        back.spare.resize(input.len(), 0.0);
        let (gradient, output) = (&back.gradient, &cache.output);
        threads.chunks(&mut back.spare, inputs, |image, dx| {
            dx.fill(0.0);
            let x = &input[image * inputs..][..inputs];
            let range = image * outputs..(image + 1) * outputs;
            let y = output[range.clone()].chunks_exact(channels);
            let dy = gradient[range].chunks_exact(channels);
            let mut left = vec![0.0; channels];
            for (number, (y, dy)) in y.zip(dy).enumerate() {
                let pixels = windows.pixels(size, number);
                let count = pixels.clone().count() as f32;
                left.copy_from_slice(dy);
                for at in pixels.map(|pixel| pixel * channels) {
                    let dx = dx[at..][..channels].iter_mut();
                    if self.pool == Pool::Average {
                        dx.zip(&left).for_each(|(dx, dy)| *dx += dy / count);
                        continue;
                    }
                    let compared = x[at..][..channels].iter().zip(y);
                    for ((dx, (x, y)), left) in dx.zip(compared).zip(&mut left) {
                        let found = x == y;
                        *dx += if found { *left } else { 0.0 };
                        *left = if found { 0.0 } else { *left };
                    }
                }
            }
        });
        std::mem::swap(&mut back.gradient, &mut back.spare);
    }
}
