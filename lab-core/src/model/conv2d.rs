//! Convolution: every filter is applied at all places of an image.

use super::*;

/// A convolution of images (height, width, channels): a = f(b + Σ x W) at each window, with W of shape
/// (height, width, channels, filters) (LeCun et al., 1989).
///
/// ```
/// use lab_core::prelude::*;
/// let model = Sequential::new([32, 32, 3])
///     .layer(Conv2d::new(16, 3, Activation::Relu).padding(Padding::Same).without_bias())
///     .max_pooling2d(2)
///     .flatten()
///     .dense(10, Activation::Softmax)
///     .build(Seed(0))?;
/// assert_eq!(model.parameter_count(), 3 * 3 * 3 * 16 + 16 * 16 * 16 * 10 + 10);
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conv2d {
    /// Outputs at each window.
    pub filters: usize,
    /// Pixels along each side of a window.
    pub kernel_size: usize,
    /// The function f after the weighted sums.
    pub activation: Activation,
    /// Pixels from one window to the next.
    pub strides: usize,
    /// How windows lie at the edges.
    pub padding: Padding,
    /// Whether there is a bias b for each filter.
    pub use_bias: bool,
    /// How the kernel is drawn.
    pub initializer: Initializer,
    /// λ of the penalty λ Σ w² over the kernel.
    pub l2: f32,
    /// Whether training changes the weights; filters that were made from the data stay as they are.
    pub trainable: bool,
}

impl Conv2d {
    /// A layer with Keras's defaults: strides 1, no padding, kernel Glorot uniform, bias 0, no penalty.
    pub fn new(filters: usize, kernel_size: usize, activation: Activation) -> Self {
        Self {
            filters,
            kernel_size,
            activation,
            strides: 1,
            padding: Padding::Valid,
            use_bias: true,
            initializer: Initializer::default(),
            l2: 0.0,
            trainable: true,
        }
    }

    /// How windows lie at the edges.
    pub fn padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// Leaves the bias out, as before a batch normalization, which has its own.
    pub fn without_bias(mut self) -> Self {
        self.use_bias = false;
        self
    }

    fn windows(&self) -> Windows {
        Windows {
            size: [self.kernel_size; 2],
            strides: self.strides,
            padding: self.padding,
        }
    }

    /// What the layer computes of images of this shape.
    pub(super) fn convolution(&self, image: &[usize]) -> Convolution {
        let [(rows, above), (columns, left)] = self.windows().places([image[0], image[1]]);
        Convolution {
            input: [image[0], image[1], image[2]],
            kernel: [self.kernel_size; 2],
            stride: [self.strides; 2],
            padding: [above, left],
            output: [rows, columns, self.filters],
        }
    }
}

impl Layer for Conv2d {
    fn kind(&self) -> (&'static str, &'static str) {
        ("Conv2D", "conv2d")
    }

    fn output_shape(&self, name: &str, input: &[usize]) -> Result<Vec<usize>> {
        let [rows, columns] = self.windows().output(name, input)?;
        let width = "choose the number of filters";
        check_range(format!("{name}: filters"), self.filters, 1.., width)?;
        let (place, usual) = (format!("{name}: l2"), "0.0005 is a usual penalty");
        check_range(place, self.l2, 0.0..f32::INFINITY, usual)?;
        Ok(vec![rows, columns, self.filters])
    }

    fn parameters(&self, input: &[usize]) -> Vec<Parameter> {
        let shape = [self.kernel_size, self.kernel_size, input[2], self.filters];
        let mut all = Parameter::weights(&shape, self.initializer, self.l2);
        all.truncate(1 + usize::from(self.use_bias));
        all.iter_mut().for_each(|it| it.trainable = self.trainable);
        all
    }

    /// z = b + Σ x W at each window, a = f(z).
    fn forward(&self, context: Context<'_>, own: &[Parameter], cache: &mut Cache) {
        let (spec, pass) = (context.spec, context.pass);
        let floats = context.rows() * spec.outputs;
        let keeps_z = self.activation.keeps_z();
        let Cache { kept, output, .. } = cache;
        let z = if keeps_z { kept } else { output };
        z.resize(floats, 0.0);
        let (kernel, bias) = (&own[0].value, own.get(1).map(|bias| &bias.value));
        let finish = |_, column: usize, z: &mut [f32]| {
            if let Some(bias) = bias {
                z.iter_mut().zip(&bias[column..]).for_each(|(z, b)| *z += b);
            }
            self.activation.forward_in_place(z);
        };
        let convolution = self.convolution(&spec.input_shape);
        convolution.forward(pass.input, kernel, z, pass.threads, finish);
        if keeps_z {
            let (z, a) = (&cache.kept, &mut cache.output);
            self.activation.forward(z, a, self.filters, pass.threads);
        }
    }

    /// dz = da ⊙ f′(z), then dx = dz Wᵀ, dW = xᵀ dz + 2 λ W and db = Σ dz, summed over all windows.
    fn backward(&self, context: Context, cache: &mut Cache, back: &mut Backward, own: Gradients) {
        let mut own = own;
        let convolution = self.convolution(&context.spec.input_shape);
        let (pass, threads) = (context.pass, context.pass.threads);
        let (f, z, a) = (self.activation, &cache.kept, &cache.output);
        f.backward(z, a, back, self.filters, threads);
        let (dz, dx, dw) = (&back.gradient, &mut back.spare, &mut cache.scratch);
        if back.to_input {
            dx.resize(pass.input.len(), 0.0);
            convolution.input_gradient(dz, own.value(0), dx, threads);
        }
        if self.trainable {
            dw.resize(own.value(0).len(), 0.0);
            convolution.kernel_gradient(pass.input, dz, dw, threads);
            if self.l2 > 0.0 {
                compute::add_penalty(self.l2, own.value(0), dw);
            }
            own.take(0, dw, threads);
        }
        if self.trainable && self.use_bias {
            let db = sum_columns(dz, SHARD, self.filters, threads);
            own.take(1, &db, threads);
        }
        std::mem::swap(&mut back.gradient, &mut back.spare);
    }
}
