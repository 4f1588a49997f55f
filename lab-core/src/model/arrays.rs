//! Named arrays of `f32` on disk, in the safetensors format, with one text beside them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Error, Read, Write};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, View};

use crate::error::{LabError, Result};
use crate::files::{write_failed, write_whole};

/// Larger files are none of this laboratory's.
const MOST_BYTES: u64 = 2 << 30;

/// An array to be written.
pub(crate) struct Array<'a> {
    pub(crate) shape: &'a [usize],
    pub(crate) values: &'a [f32],
}

impl View for Array<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let bytes = self.values.iter().flat_map(|value| value.to_le_bytes());
        bytes.collect::<Vec<u8>>().into()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.values)
    }
}

/// Writes arrays and one text under `key`, whole or not at all. One text only: the order of several would change from
/// run to run, and so would the bytes of the file.
pub(crate) fn write_arrays(
    path: &Path,
    arrays: Vec<(String, Array<'_>)>,
    key: &str,
    text: String,
) -> Result<()> {
    let metadata = HashMap::from([(key.to_owned(), text)]);
    let whole = safetensors::serialize(arrays, Some(metadata));
    let whole = whole.map_err(|error| write_failed(path, Error::other(error)))?;
    write_whole(path, |file| file.write_all(&whole))
}

/// The whole file, if it is of a size that it may have; `remedy` says what to do where it cannot be read.
pub(crate) fn read_bytes(path: &Path, remedy: &str) -> Result<Vec<u8>> {
    let failed = |source| LabError::io("read", path, source, remedy);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length > MOST_BYTES {
        let (found, expected) = (format!("{length} bytes"), format!("at most {MOST_BYTES}"));
        let remedy = "take a file that this laboratory wrote";
        return Err(LabError::format(path, found, expected, remedy));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    let read = file.take(MOST_BYTES).read_to_end(&mut bytes);
    read.map_err(failed)?;
    Ok(bytes)
}

/// The arrays of a file that was read.
pub(crate) struct Arrays<'a> {
    path: &'a Path,
    file: SafeTensors<'a>,
    texts: HashMap<String, String>,
}

impl<'a> Arrays<'a> {
    /// Reads the table of contents; `path` is for errors.
    pub(crate) fn of(path: &'a Path, bytes: &'a [u8]) -> Result<Self> {
        let broken = |error: safetensors::SafeTensorError| {
            let remedy =
                "the file is damaged or no safetensors file: take another copy, or train again";
            LabError::format(path, error.to_string(), "a whole safetensors file", remedy)
        };
        let (_, contents) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let texts = contents.metadata().clone().unwrap_or_default();
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        Ok(Self { path, file, texts })
    }

    /// The text under `key`.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.file.names()
    }

    /// The array of that name, which must have that shape.
    pub(crate) fn take(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let wrong = |found: String| {
            let expected = format!("`{name}` of shape {shape:?} as F32");
            let remedy = "take the weights of a network with the same layers";
            LabError::format(self.path, found, expected, remedy)
        };
        let array = self.file.tensor(name);
        let array = array.map_err(|_| wrong("no such array".to_owned()))?;
        let (found, dtype) = (array.shape(), array.dtype());
        if found != shape || dtype != Dtype::F32 {
            return Err(wrong(format!("shape {found:?} as {dtype:?}")));
        }
        let floats = array.data().as_chunks().0.iter();
        Ok(floats.map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }
}
