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

/// More floats than this in a network or an example are a slip, not a network for these machines.
const MOST_FLOATS: usize = 1 << 30;

impl Architecture {
    /// Adds a [`Flatten`] layer: `(32, 32, 3)` → `(3072)`.
    pub fn flatten(self) -> Self {
        self.layer(Flatten {})
    }

    /// Adds a [`Dense`] layer of `units` outputs with Keras's defaults; [`Architecture::layer`] takes one with others.
    pub fn dense(self, units: usize, activation: Activation) -> Self {
        self.layer(Dense::new(units, activation))
    }

    /// Adds a [`Dropout`] layer that drops the fraction `rate` of its inputs while training.
    pub fn dropout(self, rate: f32) -> Self {
        self.layer(Dropout::new(rate))
    }

    /// Adds a [`BatchNorm`] layer.
    pub fn batch_norm(self) -> Self {
        self.layer(BatchNorm::default())
    }

    /// Adds a [`LayerNorm`] layer.
    pub fn layer_norm(self) -> Self {
        self.layer(LayerNorm {})
    }

    /// Adds a [`Conv2d`] layer of `filters` square filters with Keras's defaults: `(32, 32, 3)` → `(30, 30, filters)`
    /// for a kernel of 3 × 3; [`Architecture::layer`] takes one with others.
    pub fn conv2d(self, filters: usize, kernel_size: usize, activation: Activation) -> Self {
        self.layer(Conv2d::new(filters, kernel_size, activation))
    }

    /// Adds the maximum of each channel over windows side by side, `(32, 32, 3)` → `(16, 16, 3)` for windows of 2 × 2.
    pub fn max_pooling2d(self, pool_size: usize) -> Self {
        self.layer(Pooling2d::new(Pool::Max, pool_size))
    }

    /// Adds the mean of each channel over windows side by side.
    pub fn average_pooling2d(self, pool_size: usize) -> Self {
        self.layer(Pooling2d::new(Pool::Average, pool_size))
    }

    /// Adds the maximum of each channel over the image: `(8, 8, 64)` → `(64)`.
    pub fn global_max_pooling2d(self) -> Self {
        self.layer(Pooling2d::global(Pool::Max))
    }

    /// Adds the mean of each channel over the image: `(8, 8, 64)` → `(64)`.
    pub fn global_average_pooling2d(self) -> Self {
        self.layer(Pooling2d::global(Pool::Average))
    }

    /// Adds a [`Rescaling`] layer.
    pub fn rescaling(self, scale: f32) -> Self {
        self.layer(Rescaling { scale })
    }

    /// Adds an activation as a layer of its own.
    pub fn activation(self, activation: Activation) -> Self {
        self.layer(LayerKind::Activation { activation })
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
        let (_, parameters) = self.specs()?;
        Ok(parameters.iter().map(Parameter::size).sum())
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
        let size = |shape: &[usize]| {
            let multiplied = |size: usize, &n: &usize| size.checked_mul(n);
            let size = shape.iter().try_fold(1, multiplied);
            size.filter(|size| (1..=MOST_FLOATS).contains(size))
        };
        if size(&self.input_shape).is_none() {
            let found = format!("{:?}", self.input_shape);
            let expected = "1 to 2^30 floats an example";
            let remedy = "[32, 32, 3] is the shape of CIFAR-10's images";
            return Err(LabError::shape("input", found, expected, remedy));
        }
        if self.layers.is_empty() {
            let remedy = "add .flatten() and .dense(10, Activation::Softmax)";
            return Err(LabError::value("layers", "none", "at least one", remedy));
        }
        let (mut specs, mut parameters) = (Vec::new(), Vec::new());
        let (mut shape, mut floats) = (self.input_shape.clone(), 0);
        for (number, layer) in self.layers.iter().enumerate() {
            let (layer, name) = (layer.as_layer(), self.name(number));
            let output_shape = layer.output_shape(&name, &shape)?;
            let first = parameters.len();
            for mut array in layer.parameters(&shape) {
                floats = size(&array.shape).map_or(usize::MAX, |size| floats + size);
                if floats > MOST_FLOATS {
                    let found = format!("{} of shape {:?}", array.name, array.shape);
                    let expected = "at most 2^30 weights up to this layer";
                    let remedy = "make the layers narrower";
                    return Err(LabError::value(name, found, expected, remedy));
                }
                array.name = format!("{name}.{}", array.name);
                parameters.push(array);
            }
            if size(&output_shape).is_none() {
                let (found, expected) = (format!("{output_shape:?}"), "at most 2^30 floats");
                let remedy = "make the layer narrower";
                return Err(LabError::shape(name, found, expected, remedy));
            }
            specs.push(LayerSpec {
                name,
                number,
                inputs: shape.iter().product(),
                outputs: output_shape.iter().product(),
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
    Flatten, Dense, Dropout, BatchNorm, LayerNorm, Conv2d, Pooling2d, Rescaling
);
