//! A network: layers one after another, with their weights.

use super::*;

/// A network of layers one after another.
///
/// ```
/// use lab_core::prelude::*;
/// let model = Sequential::new([32, 32, 3])
///     .flatten()
///     .dense(128, Activation::Relu)
///     .dense(64, Activation::Relu)
///     .dense(10, Activation::Softmax)
///     .build(Seed(0))?;
/// assert_eq!(model.parameter_count(), 402_250);
///
/// let probabilities = model.predict(&Cifar10::sample().test)?;
/// assert_eq!(probabilities.dim(), (500, 10));
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sequential {
    pub(super) architecture: Architecture,
    pub(super) specs: Vec<LayerSpec>,
    pub(crate) parameters: Vec<Parameter>,
    pub(super) seed: Option<Seed>,
    pub(crate) id: ModelId,
    pub(crate) workspace: Workspace,
}

/// Tells a network from all others, equal ones too: a clone is another network.
#[derive(Debug, Default)]
pub(crate) struct ModelId(pub(crate) Arc<()>);

impl Clone for ModelId {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Sequential {
    /// Starts the architecture of a network for examples of this shape; [`Architecture::build`] draws the weights.
    #[expect(clippy::new_ret_no_self)] // Keras's name for how a network begins
    pub fn new(input_shape: impl AsRef<[usize]>) -> Architecture {
        Architecture {
            input_shape: input_shape.as_ref().to_vec(),
            layers: Vec::new(),
        }
    }

    /// A network with weights drawn with `seed`, or with none where they follow from a file.
    pub(super) fn with_seed(architecture: Architecture, seed: Option<Seed>) -> Result<Self> {
        let (specs, mut parameters) = architecture.specs()?;
        if let Some(seed) = seed {
            let numbered = parameters.iter_mut().zip(0..);
            numbered.for_each(|(array, number)| array.draw(seed, number));
        }
        Ok(Self {
            architecture,
            specs,
            parameters,
            seed,
            id: ModelId::default(),
            workspace: Workspace::default(),
        })
    }

    /// The architecture that this network was built from.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The seed that the weights were drawn with; none where they came from a file.
    pub fn seed(&self) -> Option<Seed> {
        self.seed
    }

    /// The shape of one example.
    pub fn input_shape(&self) -> &[usize] {
        &self.architecture.input_shape
    }

    /// Floats in one example.
    pub(crate) fn input_size(&self) -> usize {
        self.input_shape().iter().product()
    }

    /// The number of outputs for one example, which is the number of classes.
    pub fn output_size(&self) -> usize {
        self.specs.last().map_or(0, |spec| spec.outputs)
    }

    /// The number of weights, running statistics included, as Keras's `count_params`.
    pub fn parameter_count(&self) -> usize {
        self.parameters.iter().map(Parameter::size).sum()
    }

    /// The names of the network's arrays, in order: `dense.kernel`, `dense.bias`, `dense_1.kernel`, ….
    pub fn weight_names(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|it| it.name.as_str())
    }

    /// One of the network's arrays, by name; a dense kernel has the shape (inputs, units).
    ///
    /// # Errors
    /// [`LabError::Value`] where the network has no such array.
    pub fn weight(&self, name: &str) -> Result<ArrayViewD<'_, f32>> {
        let Parameter { shape, value, .. } = &self.parameters[self.find(name)?];
        let view = ArrayViewD::from_shape(IxDyn(shape), value);
        Ok(view.expect("an array has as many values as its shape says"))
    }

    /// Replaces one of the network's arrays.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let mut model = Sequential::new([4]).dense(2, Activation::Softmax).build(Seed(0))?;
    /// model.set_weight("dense.bias", ndarray::array![0.5, -0.5].into_dyn())?;
    /// assert_eq!(model.weight("dense.bias")?[0], 0.5);
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`] where the network has no such array, [`LabError::Shape`] where it has another shape.
    pub fn set_weight(&mut self, name: &str, value: ArrayD<f32>) -> Result<()> {
        let at = self.find(name)?;
        let parameter = &mut self.parameters[at];
        let remedy = "give an array of the layer's shape";
        check_shape(name, value.shape(), &parameter.shape, remedy)?;
        parameter.value = value.iter().copied().collect();
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize> {
        let found = self.weight_names().position(|known| known == name);
        found.ok_or_else(|| {
            let known = self.weight_names().collect::<Vec<_>>().join(", ");
            let (found, expected) = (format!("`{name}`"), format!("one of {known}"));
            LabError::value("name of a weight", found, expected, "use a listed name")
        })
    }

    /// λ Σ w² over all penalized kernels: what L2 adds to the loss.
    pub fn penalty(&self) -> f64 {
        let penalized = self.parameters.iter().filter(|it| it.l2 > 0.0);
        let penalty = |it: &Parameter| f64::from(it.l2) * compute::sum_of_squares(&it.value);
        penalized.map(penalty).sum()
    }

    /// The activation of the last layer, where that is a dense one.
    pub(crate) fn last_activation(&self) -> Option<Activation> {
        self.architecture.layers.last()?.activation()
    }

    /// Mistakes in the architecture that are almost never intended: a softmax before the last layer.
    pub fn warnings(&self) -> Vec<String> {
        let advice = "softmax before the last layer leaves little to learn from: use it in the last one alone";
        let layers = self.architecture.layers.iter().zip(&self.specs);
        let hidden = layers.take(self.specs.len() - 1);
        let softmax = hidden.filter(|(layer, _)| layer.activation() == Some(Activation::Softmax));
        let warning = |(_, spec): (_, &LayerSpec)| format!("{}: {advice}", spec.name);
        softmax.map(warning).collect()
    }

    /// The layers in order, with their names and shapes.
    pub(super) fn layers(&self) -> impl Iterator<Item = (&dyn Layer, &LayerSpec)> {
        let layers = self.architecture.layers.iter();
        layers.map(LayerKind::as_layer).zip(&self.specs)
    }
}
