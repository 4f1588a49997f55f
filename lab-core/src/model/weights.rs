//! Weights on disk, in the safetensors format, under names that say the layer.

use std::path::Path;

use super::architecture::Architecture;
use super::arrays::{Array, Arrays, read_bytes, write_arrays};
use super::layer::Parameter;
use super::sequential::{Identity, Sequential};
use crate::error::{LabError, Result};
use crate::files::write_failed;

/// The key of the file's metadata under which the architecture stands, as JSON.
const ARCHITECTURE: &str = "architecture";

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
        let architecture = serde_json::to_string(self.architecture())
            .map_err(|error| write_failed(path, error.into()))?;
        let arrays = self
            .parameters
            .iter()
            .map(|parameter| (parameter.name.clone(), parameter.array()));
        write_arrays(path, arrays.collect(), ARCHITECTURE, architecture)
    }

    /// Reads a network that [`Sequential::save`] wrote.
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be read, [`LabError::Format`] where it holds no such network.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = read_bytes(path, REMEDY)?;
        let arrays = Arrays::of(path, &bytes)?;
        let wrong = |found: String| {
            LabError::format(
                path,
                found,
                "a network written by Sequential::save",
                "use load_weights for weights alone",
            )
        };
        let text = arrays
            .text(ARCHITECTURE)
            .ok_or_else(|| wrong("no architecture".to_owned()))?;
        let architecture: Architecture =
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let mut model = architecture.unfilled(path, bytes.len())?;
        model.fill(path, &arrays)?;
        Ok(model)
    }

    /// Replaces all weights by those of a safetensors file, which must fit this network exactly; on an error nothing
    /// is changed.
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be read, [`LabError::Format`] where it is damaged or of another network.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = read_bytes(path, REMEDY)?;
        self.fill(path, &Arrays::of(path, &bytes)?)
    }

    fn fill(&mut self, path: &Path, arrays: &Arrays<'_>) -> Result<()> {
        let own: Vec<&str> = self.weight_names().collect();
        if let Some(name) = arrays
            .names()
            .into_iter()
            .find(|&name| !own.contains(&name))
        {
            let (found, expected) = (
                format!("an array `{name}`"),
                format!("only {}", own.join(", ")),
            );
            return Err(LabError::format(
                path,
                found,
                expected,
                "take the weights of a network with the same layers",
            ));
        }
        self.fill_from(arrays, "")
    }

    /// Takes all weights from the arrays whose names begin with `prefix`; on an error nothing is changed.
    pub(crate) fn fill_from(&mut self, arrays: &Arrays<'_>, prefix: &str) -> Result<()> {
        let take = |parameter: &Parameter| {
            arrays.take(&format!("{prefix}{}", parameter.name), &parameter.shape)
        };
        let values = self
            .parameters
            .iter()
            .map(take)
            .collect::<Result<Vec<_>>>()?;
        self.parameters
            .iter_mut()
            .zip(values)
            .for_each(|(parameter, value)| parameter.value = value);
        Ok(())
    }
}

/// What to do where a file of weights is not there.
const REMEDY: &str = "check the path; `cargo lab train` makes a network";

impl Parameter {
    pub(crate) fn array(&self) -> Array<'_> {
        Array {
            shape: &self.shape,
            values: &self.value,
        }
    }
}

impl Architecture {
    /// The network without weights, provided that a file of this many bytes can hold them.
    fn unfilled(self, path: &Path, bytes: usize) -> Result<Sequential> {
        let numbers = self.parameter_count()?;
        if numbers > bytes / 4 {
            let remedy = "the file is damaged: take another copy, or train again";
            return Err(LabError::format(
                path,
                format!("{bytes} bytes"),
                format!("{numbers} weights"),
                remedy,
            ));
        }
        let (places, parameters) = self.lay_out(None)?;
        Ok(Sequential {
            architecture: self,
            places,
            parameters,
            seed: None,
            identity: Identity::default(),
        })
    }
}
