//! A network whose kernels are 16-bit floats, and what it makes of a picture.

use lab_core::model::{Architecture, Mode, Sequential};
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
    let expected = "a network of the laboratory with 16-bit weights";
    LabError::format("network", found, expected, "make the report again")
}

impl Network {
    /// Reads a network: its [`Architecture`] as a line of JSON, and then its arrays in the order of their names, as 16-bit
    /// floats; those with one axis, which are few numbers that each of many sums depends on, as 32-bit floats.
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
        let mut names: Vec<String> = model.weight_names().map(str::to_owned).collect();
        names.sort();
        for name in names {
            let shape = IxDyn(model.weight(&name)?.shape());
            let width = if shape.ndim() > 1 { 2 } else { 4 };
            let parts = weights.split_at_checked(width * shape.size());
            let (own, others) = parts.ok_or_else(|| wrong(format!("no end of `{name}`")))?;
            let floats = match width {
                2 => floats(own, single),
                _ => floats(own, f32::from_le_bytes),
            };
            let array = ArrayD::from_shape_vec(shape, floats).map_err(wrong)?;
            model.set_weight(&name, array)?;
            weights = others;
        }
        match weights.len() {
            0 => Ok(Self { model }),
            left => Err(wrong(format!("{left} bytes without a name"))),
        }
    }

    /// The network's outputs for the bytes (32, 32, 3) of a picture.
    ///
    /// # Errors
    /// Where there are more or fewer bytes.
    pub fn predict(&self, bytes: &[u8]) -> Result<Vec<f32>> {
        let outputs = self.model.predict(&self.batch(bytes)?)?;
        Ok(outputs.into_iter().collect())
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

    /// The batch of one picture: its bytes or its features divided by 255, as in training.
    fn batch(&self, bytes: &[u8]) -> Result<ArrayD<f32>> {
        if bytes.len() != SIDE * SIDE * CHANNELS {
            let remedy = "give the red, green and blue bytes of all pixels";
            let found = format!("{} bytes", bytes.len());
            return Err(LabError::value("picture", found, "3072", remedy));
        }
        let bytes = match self.model.input_shape() {
            PICTURE => bytes.to_vec(),
            _ => picture::features(bytes),
        };
        let floats = bytes.into_iter().map(|byte| f32::from(byte) / 255.0);
        let shape = [&[1], self.model.input_shape()].concat();
        ArrayD::from_shape_vec(IxDyn(&shape), floats.collect()).map_err(wrong)
    }
}

/// Numbers of `N` bytes each.
fn floats<const N: usize>(bytes: &[u8], number: fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().copied().map(number).collect()
}

/// A finite 16-bit float (IEEE 754 binary16) as a 32-bit one: the same bits, with the bias of its exponent moved from 15
/// to 127 by a product, so that subnormal numbers come out right too.
fn single(half: [u8; 2]) -> f32 {
    let half = u16::from_le_bytes(half);
    let magnitude = f32::from_bits(u32::from(half & 0x7fff) << 13) * 2_f32.powi(127 - 15);
    magnitude.copysign(f32::from(half as i16))
}

#[cfg(test)]
mod tests {
    #[test]
    fn halves_are_what_python_says() {
        // struct.unpack("<e", …): zeros, the smallest and largest subnormal, the smallest and largest normal, and others.
        let known = [
            (0x0000, 0.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x3555, 0.333_251_95),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0xfbff, -65_504.0),
        ];
        let single = |half: u16| super::single(half.to_le_bytes());
        for (half, expected) in known {
            assert_eq!(single(half), expected, "{half:#06x}");
        }
        assert!(single(0x8000).is_sign_negative());
    }
}
