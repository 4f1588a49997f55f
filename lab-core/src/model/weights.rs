//! Weights on disk, in the safetensors format, under names that say the layer.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::architecture::Architecture;
use super::sequential::Sequential;
use crate::error::{LabError, Result};
use crate::files::{write_failed, write_whole};

/// The key of the file's metadata under which the architecture stands, as JSON.
const ARCHITECTURE: &str = "architecture";
/// Larger files are no networks of this laboratory.
const MOST_BYTES: u64 = 2 << 30;

impl Sequential {
    /// Writes the weights and the architecture to a safetensors file, whole or not at all.
    ///
    /// Arrays are named `dense.kernel`, `dense_1.bias`, …; kernels have the shape (inputs, units).
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// let path = std::env::temp_dir().join(format!("network-{}.safetensors", std::process::id()));
    /// model.save(&path)?;
    /// let again = Sequential::load(&path)?;
    /// assert_eq!(again.weight("dense.kernel")?, model.weight("dense.kernel")?);
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let failed = |error| write_failed(path, error);
        let bytes: Vec<Vec<u8>> = self.parameters.iter().map(|p| to_bytes(&p.value)).collect();
        let views = self.parameters.iter().zip(&bytes).map(|(parameter, bytes)| {
            let view = TensorView::new(Dtype::F32, parameter.shape.clone(), bytes);
            view.map(|view| (parameter.name.clone(), view)).map_err(|error| failed(std::io::Error::other(error)))
        });
        let views = views.collect::<Result<Vec<_>>>()?;
        let architecture = serde_json::to_string(self.architecture()).map_err(|error| failed(error.into()))?;
        // One entry only: the order of several would change from run to run, and so would the bytes of the file.
        let metadata = HashMap::from([(ARCHITECTURE.to_owned(), architecture)]);
        let whole = safetensors::serialize(views, Some(metadata));
        let whole = whole.map_err(|error| failed(std::io::Error::other(error)))?;
        write_whole(path, |file| file.write_all(&whole))
    }

    /// Reads a network that [`Sequential::save`] wrote.
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be read, [`LabError::Format`] where it holds no such network.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = read(path)?;
        let wrong = |found: String| {
            LabError::format(path, found, "a network written by Sequential::save", "use load_weights for weights alone")
        };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| broken(path, &error))?;
        let text = metadata.metadata().as_ref().and_then(|entries| entries.get(ARCHITECTURE));
        let text = text.ok_or_else(|| wrong("no architecture".to_owned()))?;
        let architecture: Architecture = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let mut model = architecture.unfilled(path, bytes.len())?;
        model.fill(path, &bytes)?;
        Ok(model)
    }

    /// Replaces all weights by those of a safetensors file, which must fit this network exactly; on an error nothing
    /// is changed.
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be read, [`LabError::Format`] where it is damaged or of another network.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = read(path)?;
        self.fill(path, &bytes)
    }

    fn fill(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| broken(path, &error))?;
        let wrong = |found: String, expected: String| {
            LabError::format(path, found, expected, "take the weights of a network with the same layers")
        };
        let own: Vec<&str> = self.weight_names().collect();
        if let Some(name) = file.names().into_iter().find(|&name| !own.contains(&name)) {
            return Err(wrong(format!("an array `{name}`"), format!("only {}", own.join(", "))));
        }
        let mut values = Vec::with_capacity(self.parameters.len());
        for parameter in &self.parameters {
            let expected = || format!("`{}` of shape {:?} as F32", parameter.name, parameter.shape);
            let array = file.tensor(&parameter.name).map_err(|_| wrong("no such array".to_owned(), expected()))?;
            if array.shape() != parameter.shape || array.dtype() != Dtype::F32 {
                return Err(wrong(format!("shape {:?} as {:?}", array.shape(), array.dtype()), expected()));
            }
            values.push(from_bytes(array.data()));
        }
        for (parameter, value) in self.parameters.iter_mut().zip(values) {
            parameter.value = value;
        }
        Ok(())
    }
}

impl Architecture {
    /// The network without weights, provided that a file of this many bytes can hold them.
    fn unfilled(self, path: &Path, bytes: usize) -> Result<Sequential> {
        let numbers = self.parameter_count()?;
        if numbers > bytes / 4 {
            let remedy = "the file is damaged: take another copy, or train again";
            return Err(LabError::format(path, format!("{bytes} bytes"), format!("{numbers} weights"), remedy));
        }
        let (places, parameters) = self.lay_out(None)?;
        Ok(Sequential { architecture: self, places, parameters, seed: None })
    }
}

/// The whole file, if it is of a size that a network may have.
fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |source| LabError::io("read", path, source, "check the path; `cargo lab train` makes a network");
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length > MOST_BYTES {
        let remedy = "take a file written by Sequential::save";
        return Err(LabError::format(path, format!("{length} bytes"), format!("at most {MOST_BYTES}"), remedy));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn broken(path: &Path, error: &safetensors::SafeTensorError) -> LabError {
    let remedy = "the file is damaged or no safetensors file: take another copy, or train again";
    LabError::format(path, error.to_string(), "a whole safetensors file", remedy)
}

fn to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|&number| f32::from_le_bytes(number)).collect()
}
