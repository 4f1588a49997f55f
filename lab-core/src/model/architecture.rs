//! The architecture of a network: its layers before they have weights.

use super::*;

/// A layer's kind and options. In a page its name stands before its options, not among them: to find it there takes 16 KB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(not(target_family = "wasm"), serde(tag = "layer"))]
pub enum LayerKind {
    /// Makes one row of an image's elements.
    Flatten(Flatten),
    /// Fully connected.
    Dense(Dense),
    /// Drops a random part of its inputs while training.
    Dropout(Dropout),
    /// Standardizes each feature or channel over the batch.
    BatchNorm(BatchNorm),
    /// Standardizes the features of each example.
    LayerNorm(LayerNorm),
    /// Applies filters at all places of an image.
    Conv2d(Conv2d),
    /// Maximum or mean over windows of an image.
    Pooling2d(Pooling2d),
    /// A function of each number.
    Activation {
        /// The function.
        activation: Activation,
    },
    /// Multiplies by a constant.
    Rescaling(Rescaling),
    /// Adds the input of a block of layers to its output.
    Add(Add),
}

impl LayerKind {
    /// The activation of a layer that has one.
    pub(super) fn activation(&self) -> Option<Activation> {
        match self {
            Self::Dense(layer) => Some(layer.activation),
            Self::Conv2d(layer) => Some(layer.activation),
            Self::Activation { activation } => Some(*activation),
            _ => None,
        }
    }
}

/// The architecture of a [`Sequential`] network: the shape of one example and the layers, without weights.
///
/// [`Sequential::new`] starts one. It can be cloned, compared, built with several seeds, and written to a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Architecture {
    /// The shape of one example.
    pub input_shape: Vec<usize>,
    /// The layers, in order.
    pub layers: Vec<LayerKind>,
}

/// What to do where a layer or a network is too large.
const NARROWER: &str = "make the layers narrower";

/// The number of floats in an array of this shape; more than 2³⁰ are a slip, not a network for these machines.
fn check_size(place: &str, shape: &[usize], remedy: &str) -> Result<usize> {
    let multiplied = |size: usize, &n: &usize| size.checked_mul(n);
    let size = shape.iter().try_fold(1, multiplied);
    let size = size.filter(|size| (1..=1 << 30).contains(size));
    size.ok_or_else(|| LabError::shape(place, format!("{shape:?}"), "1 to 2^30 floats", remedy))
}

/// A method of [`Architecture`] for each usual layer.
macro_rules! usual_layers {
    ($($(#[$doc:meta])* $name:ident($($option:ident: $type:ty),*) => $layer:expr;)*) => {
        impl Architecture {
            $($(#[$doc])*
            pub fn $name(self, $($option: $type),*) -> Self {
                self.layer($layer)
            })*
        }
    };
}
usual_layers! {
    /// Adds a [`Flatten`] layer: `(32, 32, 3)` → `(3072)`.
    flatten() => Flatten {};
    /// Adds a [`Dense`] layer of `units` outputs with Keras's defaults; [`Architecture::layer`] takes one with others.
    dense(units: usize, activation: Activation) => Dense::new(units, activation);
    /// Adds a [`Dropout`] layer that drops the fraction `rate` of its inputs while training.
    dropout(rate: f32) => Dropout::new(rate);
    /// Adds a [`BatchNorm`] layer.
    batch_norm() => BatchNorm::default();
    /// Adds a [`LayerNorm`] layer.
    layer_norm() => LayerNorm {};
    /// Adds a [`Conv2d`] layer of `filters` square filters with Keras's defaults: `(32, 32, 3)` → `(30, 30, filters)`
    /// for a kernel of 3 × 3; [`Architecture::layer`] takes one with others.
    conv2d(filters: usize, kernel_size: usize, activation: Activation)
        => Conv2d::new(filters, kernel_size, activation);
    /// Adds the maximum of each channel over windows side by side, `(32, 32, 3)` → `(16, 16, 3)` for windows of 2 × 2.
    max_pooling2d(pool_size: usize) => Pooling2d::new(Pool::Max, pool_size);
    /// Adds the mean of each channel over windows side by side.
    average_pooling2d(pool_size: usize) => Pooling2d::new(Pool::Average, pool_size);
    /// Adds the maximum of each channel over the image: `(8, 8, 64)` → `(64)`.
    global_max_pooling2d() => Pooling2d::global(Pool::Max);
    /// Adds the mean of each channel over the image: `(8, 8, 64)` → `(64)`.
    global_average_pooling2d() => Pooling2d::global(Pool::Average);
    /// Adds a [`Rescaling`] layer.
    rescaling(scale: f32) => Rescaling { scale };
    /// Adds an activation as a layer of its own.
    activation(activation: Activation) => LayerKind::Activation { activation };
}

impl Architecture {
    /// Adds the layers of a block and an [`Add`] of its input: y = x + block(x), with an output of the shape of x.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let plan = Sequential::new([32, 32, 3]).flatten().dense(64, Activation::Relu);
    /// let block = |it: Architecture| it.layer_norm().dense(128, Activation::Gelu).dense(64, Activation::Linear);
    /// let model = plan.residual(block).residual(block).dense(10, Activation::Softmax).build(Seed(0))?;
    /// assert_eq!(model.summary().rows[9].name, "add_1");
    /// # Ok::<(), LabError>(())
    /// ```
    pub fn residual(self, block: impl FnOnce(Self) -> Self) -> Self {
        let before = self.layers.len();
        let plan = block(self);
        let skip = plan.layers.len().saturating_sub(before);
        plan.layer(Add { skip })
    }

    /// Adds any layer.
    pub fn layer(mut self, layer: impl Into<LayerKind>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// The number of weights of a network of this architecture.
    ///
    /// # Errors
    /// As for [`Architecture::build`].
    pub fn parameter_count(&self) -> Result<usize> {
        Ok(Sequential::with_seed(self.clone(), None)?.parameter_count())
    }

    /// Checks that the layers fit together and draws the weights: kernels by their initializer, biases 0.
    ///
    /// # Errors
    /// [`LabError::Shape`] or [`LabError::Value`] that names the first layer that does not fit.
    pub fn build(self, seed: Seed) -> Result<Sequential> {
        Sequential::with_seed(self, Some(seed))
    }

    /// The layers' specs and the arrays that they need, not drawn yet, once all shapes are found to fit.
    pub(super) fn specs(&self) -> Result<(Vec<LayerSpec>, Vec<Parameter>)> {
        let remedy = "[32, 32, 3] is the shape of CIFAR-10's images";
        check_size("input", &self.input_shape, remedy)?;
        if self.layers.is_empty() {
            let remedy = "add .flatten() and .dense(10, Activation::Softmax)";
            return Err(LabError::value("layers", "none", "at least one", remedy));
        }
        let (mut specs, mut parameters) = (Vec::new(), Vec::new());
        let (mut shape, mut floats) = (self.input_shape.clone(), 0);
        for (number, layer) in self.layers.iter().enumerate() {
            let (layer, name) = (layer.as_layer(), self.name(number));
            let output_shape = layer.output_shape(&name, &shape)?;
            if let Some(skip) = layer.skip() {
                let remedy = "let .residual(|block| …) add at least one layer";
                check_range(format!("{name}: skip"), skip, 1..=number, remedy)?;
                let skipped: &LayerSpec = &specs[number - skip];
                let remedy = "let the block end with as many units or channels as it begins with";
                check_shape(&name, &shape, &skipped.input_shape, remedy)?;
            }
            let first = parameters.len();
            for mut array in layer.parameters(&shape) {
                array.name = format!("{name}.{}", array.name);
                floats += check_size(&array.name, &array.shape, NARROWER)?;
                check_size(&format!("weights up to {name}"), &[floats], NARROWER)?;
                parameters.push(array);
            }
            specs.push(LayerSpec {
                number,
                inputs: shape.iter().product(),
                outputs: check_size(&name, &output_shape, NARROWER)?,
                name,
                input_shape: shape,
                output_shape: output_shape.clone(),
                parameters: first..parameters.len(),
            });
            shape = output_shape;
        }
        Ok((specs, parameters))
    }

    /// Keras's name for a layer: `dense`, then `dense_1`, counted within this network.
    fn name(&self, number: usize) -> String {
        let kind = |layer: &LayerKind| layer.as_layer().kind().1;
        let name = kind(&self.layers[number]);
        let earlier = self.layers[..number].iter().filter(|it| kind(it) == name);
        match earlier.count() {
            0 => name.to_owned(),
            earlier => format!("{name}_{earlier}"),
        }
    }
}

macro_rules! layers {
    ($($kind:ident),*) => {
        impl LayerKind {
            pub(super) fn as_layer(&self) -> &dyn Layer {
                match self {
                    Self::Activation { activation } => activation,
                    $(Self::$kind(layer) => layer,)*
                }
            }
        }

        $(impl From<$kind> for LayerKind {
            fn from(layer: $kind) -> Self {
                Self::$kind(layer)
            }
        })*
    };
}
layers!(
    Flatten, Dense, Dropout, BatchNorm, LayerNorm, Conv2d, Pooling2d, Rescaling, Add
);
