//! Weights on disk, in the safetensors format, under names that say the layer.

use std::path::Path;

use super::architecture::Architecture;
use super::arrays::{Array, Arrays, read_bytes, write_arrays};
use super::layer::Parameter;
use super::sequential::Sequential;
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
        let architecture = serde_json::to_string(self.architecture());
        let architecture = architecture.map_err(|error| write_failed(path, error.into()))?;
        write_arrays(path, self.arrays(""), ARCHITECTURE, architecture)
    }

    /// All arrays, with `prefix` before their names.
    pub(crate) fn arrays(&self, prefix: &str) -> Vec<(String, Array<'_>)> {
        let named = |it: &'_ Parameter| format!("{prefix}{}", it.name);
        let arrays = self.parameters.iter();
        arrays.map(|it| (named(it), it.array())).collect()
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
            let expected = "a network written by Sequential::save";
            LabError::format(path, found, expected, "use load_weights for weights alone")
        };
        let text = arrays.text(ARCHITECTURE);
        let text = text.ok_or_else(|| wrong("no architecture".to_owned()))?;
        let architecture: Result<Architecture, _> = serde_json::from_str(text);
        let architecture = architecture.map_err(|error| wrong(error.to_string()))?;
        // A damaged architecture may ask for more memory than there is.
        let floats = architecture.parameter_count()?;
        if floats > bytes.len() / 4 {
            let (found, expected) = (
                format!("{} bytes", bytes.len()),
                format!("{floats} weights"),
            );
            let remedy = "the file is damaged: take another copy, or train again";
            return Err(LabError::format(path, found, expected, remedy));
        }
        let mut model = Self::with_seed(architecture, None)?;
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
        if let Some(name) = arrays.names().into_iter().find(|name| !own.contains(name)) {
            let (found, expected) = (
                format!("an array `{name}`"),
                format!("only {}", own.join(", ")),
            );
            let remedy = "take the weights of a network with the same layers";
            return Err(LabError::format(path, found, expected, remedy));
        }
        self.fill_from(arrays, "")
    }

    /// Takes all weights from the arrays whose names begin with `prefix`; on an error nothing is changed.
    pub(crate) fn fill_from(&mut self, arrays: &Arrays<'_>, prefix: &str) -> Result<()> {
        let take = |it: &Parameter| arrays.take(&format!("{prefix}{}", it.name), &it.shape);
        let values: Result<Vec<_>> = self.parameters.iter().map(take).collect();
        let parameters = self.parameters.iter_mut().zip(values?);
        parameters.for_each(|(parameter, value)| parameter.value = value);
        Ok(())
    }
}

/// What to do where a file of weights is not there.
const REMEDY: &str = "check the path; `cargo lab train` makes a network";

impl Parameter {
    pub(crate) fn array(&self) -> Array<'_> {
        let (shape, values) = (&self.shape[..], &self.value[..]);
        Array { shape, values }
    }
}
