//! Weights on disk, in the safetensors format, under names that say the layer: arrays of `f32` with one text beside them.

use std::collections::{BTreeMap, HashMap};
use std::io::Error;

use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};
use serde::{Serialize, de::DeserializeOwned};

use super::*;

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
        let arrays = named_arrays("", &self.parameters, self.values());
        write_arrays(path.as_ref(), &arrays, ARCHITECTURE, &self.architecture)
    }

    /// Reads a network that [`Sequential::save`] wrote.
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be read, [`LabError::Format`] where it holds no such network.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let arrays = Arrays::read(path.as_ref(), REMEDY)?;
        let expected = "a network written by Sequential::save";
        let remedy = "use load_weights for weights alone";
        let architecture: Architecture = arrays.value(ARCHITECTURE, expected, remedy)?;
        let mut model = Self::with_seed(architecture, None)?;
        model.fill(&arrays)?;
        Ok(model)
    }

    /// Replaces all weights by those of a safetensors file, which must fit this network exactly; on an error nothing
    /// is changed.
    ///
    /// # Errors
    /// [`LabError::Io`] where the file cannot be read, [`LabError::Format`] where it is damaged or of another network.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.fill(&Arrays::read(path.as_ref(), REMEDY)?)
    }

    fn fill(&mut self, arrays: &Arrays) -> Result<()> {
        let own: Vec<&str> = self.weight_names().collect();
        let mut names = arrays.all.keys();
        if let Some(name) = names.find(|name| !own.contains(&name.as_str())) {
            let found = format!("an array `{name}`");
            let expected = format!("only {}", own.join(", "));
            let remedy = "take the weights of a network with the same layers";
            return Err(LabError::format(&arrays.path, found, expected, remedy));
        }
        self.set_values(arrays.group("", &self.parameters)?);
        Ok(())
    }

    /// The values of all arrays, in order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Vec<f32>> {
        self.parameters.iter().map(|it| &it.value)
    }

    pub(crate) fn set_values(&mut self, values: Vec<Vec<f32>>) {
        for (parameter, value) in self.parameters.iter_mut().zip(values) {
            parameter.value = value;
        }
    }
}

/// What to do where a file of weights is not there.
const REMEDY: &str = "check the path; `cargo lab train` makes a network";

/// Larger files are none of this laboratory's.
const MOST_BYTES: usize = 2 << 30;

/// An array to be written: its name, its shape and the bytes of its floats.
pub(crate) type Array = (String, Vec<usize>, Vec<u8>);

/// The values of a network's parameters, under their names with `group` before them; empty ones are left out.
pub(crate) fn named_arrays<'a>(
    group: &str,
    parameters: &[Parameter],
    values: impl Iterator<Item = &'a Vec<f32>>,
) -> Vec<Array> {
    let pairs = parameters.iter().zip(values);
    let used = pairs.filter(|(_, values)| !values.is_empty());
    let array = |(it, values): (&Parameter, &Vec<f32>)| {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        let (name, shape) = (format!("{group}{}", it.name), it.shape.clone());
        (name, shape, bytes.collect())
    };
    used.map(array).collect()
}

/// Writes arrays and one value under `key`, whole or not at all. One value only: the order of several would change from
/// run to run, and so would the bytes of the file.
pub(crate) fn write_arrays(
    path: &Path,
    all: &[Array],
    key: &str,
    json: &impl Serialize,
) -> Result<()> {
    let text = serde_json::to_string(json).map_err(|error| write_failed(path, error.into()))?;
    let metadata = HashMap::from([(key.to_owned(), text)]);
    let views = all.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes)?;
        Ok((name, view))
    });
    let views: Result<Vec<_>, SafeTensorError> = views.collect();
    let bytes = views.and_then(|views| safetensors::serialize(views, Some(metadata)));
    let bytes = bytes.map_err(|error| write_failed(path, Error::other(error)))?;
    write_whole(path, |file| file.write_all(&bytes))
}

/// The content of a file.
#[derive(Clone, Debug)]
pub(crate) struct Arrays {
    pub(crate) path: PathBuf,
    texts: HashMap<String, String>,
    /// By name the shape and the type, as an error says them, and the floats.
    all: BTreeMap<String, (String, Vec<f32>)>,
}

impl Arrays {
    /// Reads a whole file; `remedy` says what to do where that cannot be done.
    pub(crate) fn read(path: &Path, remedy: &str) -> Result<Self> {
        let expected = "a whole safetensors file";
        let bytes = read_whole(path, |length| length <= MOST_BYTES, expected, remedy)?;
        let broken = |error: SafeTensorError| {
            let remedy =
                "the file is damaged or no safetensors file: take another copy, or train again";
            LabError::format(path, error, expected, remedy)
        };
        let (_, contents) = SafeTensors::read_metadata(&bytes).map_err(broken)?;
        let file = SafeTensors::deserialize(&bytes).map_err(broken)?;
        let array = |(name, it): (String, TensorView<'_>)| {
            let kind = format!("shape {:?} as {:?}", it.shape(), it.dtype());
            let floats = it.data().as_chunks().0.iter();
            let floats = floats.map(|&bytes| f32::from_le_bytes(bytes)).collect();
            (name, (kind, floats))
        };
        Ok(Self {
            path: path.to_owned(),
            texts: contents.metadata().clone().unwrap_or_default(),
            all: file.tensors().into_iter().map(array).collect(),
        })
    }

    /// The value under `key`; `of` says what should hold it.
    pub(crate) fn value<T: DeserializeOwned>(
        &self,
        key: &str,
        of: &str,
        remedy: &str,
    ) -> Result<T> {
        let wrong = |found: String| LabError::format(&self.path, found, of, remedy);
        let text = self.texts.get(key);
        let text = text.ok_or_else(|| wrong(format!("no {key}")))?;
        serde_json::from_str(text).map_err(|error| wrong(error.to_string()))
    }

    /// The array of that name, which must have that shape.
    pub(crate) fn get(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let kind = format!("shape {shape:?} as F32");
        let found = match self.all.get(name) {
            Some((found, floats)) if *found == kind => return Ok(floats.clone()),
            Some((found, _)) => found,
            None => "no such array",
        };
        let expected = format!("`{name}` of {kind}");
        let remedy = "take the weights of a network with the same layers";
        Err(LabError::format(&self.path, found, expected, remedy))
    }

    /// The arrays that [`named_arrays`] gives for these parameters.
    pub(crate) fn group(&self, group: &str, parameters: &[Parameter]) -> Result<Vec<Vec<f32>>> {
        let get = |it: &Parameter| self.get(&format!("{group}{}", it.name), &it.shape);
        parameters.iter().map(get).collect()
    }
}
