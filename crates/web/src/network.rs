//! A network whose kernels are 16-bit integers, and what it makes of a picture.

use lab_core::model::{Architecture, LayerKind, Mode, Sequential};
use lab_core::{LabError, Result, Seed};
use ndarray::{ArrayD, Dimension, IxDyn};

use crate::picture::{self, CELLS, CHANNELS, FEATURES, SIDE};

/// A network for pictures of 32 × 32 pixels, or for their hand-made features.
pub struct Network {
    model: Sequential,
}

/// What networks take.
const PICTURE: &[usize] = &[SIDE, SIDE, CHANNELS];
const CELLED: &[usize] = &[CELLS, CELLS, FEATURES];

/// A file that is not one of ours.
fn wrong(found: impl std::fmt::Display) -> LabError {
    let expected = "a network of the laboratory as `cargo lab report` packs it";
    LabError::format("network", found, expected, "make the report again")
}

impl Network {
    /// Reads a network: its [`Architecture`] as a line of JSON, and then its arrays in the order of their names: those with one
    /// axis, which are few numbers that each of many sums depends on, as 32-bit floats; of the others one such float, the
    /// step, and 16-bit integers, which count steps.
    ///
    /// # Errors
    /// Where it is damaged, or takes neither pictures of 32 × 32 pixels nor the features of notebook 6.
    pub fn read(file: &[u8]) -> Result<Self> {
        let mut parts = file.splitn(2, |byte| *byte == b'\n');
        let (line, mut weights) = (parts.next().unwrap_or(&[]), parts.next().unwrap_or(&[]));
        let architecture: Architecture = serde_json::from_slice(line).map_err(wrong)?;
        if ![PICTURE, CELLED].contains(&&architecture.input_shape[..]) {
            return Err(wrong(format!("inputs {:?}", architecture.input_shape)));
        }
        // A damaged architecture may ask for more memory than there is.
        if architecture.parameter_count()? > weights.len() / 2 {
            return Err(wrong(format!("{} bytes of weights", weights.len())));
        }
        let mut model = architecture.build(Seed(0))?;
        let mut last = String::new();
        while let Some(name) = model.weight_names().filter(|name| **name > *last).min() {
            let name = name.to_owned();
            let shape = IxDyn(model.weight(&name)?.shape());
            let size = match shape.ndim() {
                1 => 4 * shape.size(),
                _ => 4 + 2 * shape.size(),
            };
            let parts = weights.split_at_checked(size);
            let (own, others) = parts.ok_or_else(|| wrong(format!("no end of `{name}`")))?;
            let mut floats = numbers(own, f32::from_le_bytes);
            if shape.ndim() != 1 {
                let step = floats[0];
                floats = numbers(&own[4..], |bytes| {
                    step * f32::from(i16::from_le_bytes(bytes))
                });
            }
            let array = ArrayD::from_shape_vec(shape, floats).map_err(wrong)?;
            model.set_weight(&name, array)?;
            (weights, last) = (others, name);
        }
        match weights.len() {
            0 => Ok(Self { model }),
            left => Err(wrong(format!("{left} bytes without a name"))),
        }
    }

    /// The network's outputs for the bytes (32, 32, 3) of pictures, one after another.
    ///
    /// # Errors
    /// Where the bytes are not those of one picture or several.
    pub fn predict(&self, bytes: &[u8]) -> Result<Vec<f32>> {
        let outputs = self.model.predict(&self.batch(bytes)?)?;
        Ok(outputs.into_iter().collect())
    }

    /// What the last dense layer sees of pictures: the features of the last hidden layer, one row for each picture.
    ///
    /// # Errors
    /// As for [`Network::predict`].
    pub fn hidden(&mut self, bytes: &[u8]) -> Result<Vec<f32>> {
        let batch = self.batch(bytes)?;
        self.model.forward(&batch, Mode::Inference)?;
        let layers = &self.model.architecture().layers;
        let last = layers
            .iter()
            .rposition(|layer| matches!(layer, LayerKind::Dense(_)));
        match last.unwrap_or(layers.len()).checked_sub(1) {
            Some(before) => Ok(self.model.layer_output(before)?.to_vec()),
            None => Ok(batch.into_iter().collect()),
        }
    }

    /// For each place of the input, row after row, the greatest |∂z / ∂x| of its channels, z being the pre-activation of a
    /// class (Simonyan, Vedaldi and Zisserman, 2014); zeros where there is no such class.
    ///
    /// # Errors
    /// Where there are more or fewer bytes than of a picture (32, 32, 3).
    pub fn saliency(&mut self, bytes: &[u8], class: usize) -> Result<Vec<f32>> {
        self.model.forward(&self.batch(bytes)?, Mode::Inference)?;
        let gradient = self.model.input_gradient(class)?;
        let greatest = |place: &[f32]| place.iter().fold(0.0, |most: f32, g| most.max(g.abs()));
        let channels = self.model.input_shape()[2];
        Ok(gradient.chunks(channels).map(greatest).collect())
    }

    /// A batch of pictures: their bytes or their features divided by 255, as in training.
    fn batch(&self, bytes: &[u8]) -> Result<ArrayD<f32>> {
        let (pictures, rest) = bytes.as_chunks::<{ SIDE * SIDE * CHANNELS }>();
        if pictures.is_empty() || !rest.is_empty() {
            let remedy = "give the red, green and blue bytes of all pixels";
            let found = format!("{} bytes", bytes.len());
            return Err(LabError::value("pictures", found, "3072 each", remedy));
        }
        let bytes: Vec<u8> = match self.model.input_shape() {
            PICTURE => bytes.to_vec(),
            _ => pictures
                .iter()
                .flat_map(|picture| picture::features(picture))
                .collect(),
        };
        let floats = bytes.into_iter().map(|byte| f32::from(byte) / 255.0);
        let shape = [&[pictures.len()], self.model.input_shape()].concat();
        ArrayD::from_shape_vec(IxDyn(&shape), floats.collect()).map_err(wrong)
    }
}

/// Numbers of `N` bytes each.
fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().copied().map(number).collect()
}
