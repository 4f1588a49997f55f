//! The fully connected layer: a = f(x W + b).

use super::*;

/// A fully connected layer of `units` outputs: a = f(x W + b), with x of shape (batch, inputs), W of (inputs, units).
///
/// ```
/// use lab_core::prelude::*;
/// let model = Sequential::new([32, 32, 3])
///     .flatten()
///     .layer(Dense::new(64, Activation::Relu).initializer(Initializer::HeNormal).l2(0.001))
///     .dense(10, Activation::Softmax)
///     .build(Seed(0))?;
/// assert_eq!(model.parameter_count(), 3072 * 64 + 64 + 64 * 10 + 10);
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dense {
    /// Outputs.
    pub units: usize,
    /// The function f after the weighted sums.
    pub activation: Activation,
    /// How the kernel is drawn.
    pub initializer: Initializer,
    /// λ of the penalty λ Σ w² over the kernel.
    pub l2: f32,
}

impl Dense {
    /// A layer with Keras's defaults: kernel Glorot uniform, bias 0, no penalty.
    pub fn new(units: usize, activation: Activation) -> Self {
        Self {
            units,
            activation,
            initializer: Initializer::default(),
            l2: 0.0,
        }
    }

    /// How the kernel is drawn.
    pub fn initializer(mut self, initializer: Initializer) -> Self {
        self.initializer = initializer;
        self
    }

    /// Adds λ Σ w² over the kernel to the loss, and so 2 λ w to its gradient (weight decay, Krogh and Hertz, 1992).
    pub fn l2(self, lambda: f32) -> Self {
        Self { l2: lambda, ..self }
    }
}

impl Layer for Dense {
    fn kind(&self) -> (&'static str, &'static str) {
        ("Dense", "dense")
    }

    fn output_shape(&self, name: &str, input: &[usize]) -> Result<Vec<usize>> {
        if input.len() != 1 {
            let (found, expected) = (format!("{input:?}"), "one axis, like [3072]");
            let remedy = "put .flatten() before the first dense layer";
            return Err(LabError::shape(name, found, expected, remedy));
        }
        let width = "choose the width of the layer";
        check_range(format!("{name}: units"), self.units, 1.., width)?;
        let (place, usual) = (format!("{name}: l2"), "0.001 is a usual penalty");
        check_range(place, self.l2, 0.0..f32::INFINITY, usual)?;
        Ok(vec![self.units])
    }

    fn parameters(&self, input: &[usize]) -> Vec<Parameter> {
        Parameter::weights(&[input[0], self.units], self.initializer, self.l2)
    }

    /// z = x W + b, a = f(z).
    fn forward(&self, context: Context<'_>, own: &[Parameter], cache: &mut Cache) {
        let (rows, inputs) = (context.rows(), context.spec.inputs);
        let (kernel, bias) = (&own[0].value, &own[1].value);
        let f = self.activation;
        let Cache { kept, output, .. } = cache;
        let z = if f.keeps_z() { kept } else { output };
        z.resize(rows * self.units, 0.0);
        let x = MatRef::new(context.pass.input, rows, inputs);
        let kernel = MatRef::new(kernel, inputs, self.units);
        compute::product(x, kernel, z, context.pass.threads, |_, column, z| {
            z.iter_mut().zip(&bias[column..]).for_each(|(z, b)| *z += b);
            f.forward_in_place(z);
        });
        if f.keeps_z() {
            let (z, a) = (&cache.kept, &mut cache.output);
            f.forward(z, a, self.units, context.pass.threads);
        }
    }

    /// dz = da ⊙ f′(z), then dx = dz Wᵀ, dW = xᵀ dz + 2 λ W, db = Σ dz over the batch.
    fn backward(&self, context: Context, cache: &mut Cache, back: &mut Backward, own: Gradients) {
        let mut own = own;
        let (rows, inputs, threads) = (context.rows(), context.spec.inputs, context.pass.threads);
        let (f, z, a) = (self.activation, &cache.kept, &cache.output);
        f.backward(z, a, back, self.units, threads);
        let dz = MatRef::new(&back.gradient, rows, self.units);
        if back.to_input {
            let kernel = MatRef::new(own.value(0), inputs, self.units);
            back.spare.resize(rows * inputs, 0.0);
            let dx = &mut back.spare;
            compute::product(dz, kernel.transposed(), dx, threads, |_, _, _| ());
        }
        let x = MatRef::new(context.pass.input, rows, inputs);
        own.take_product(0, x.transposed(), dz, threads);
        let db = sum_columns(&back.gradient, rows, self.units, threads);
        own.take(1, &db, threads);
        std::mem::swap(&mut back.gradient, &mut back.spare);
    }
}
