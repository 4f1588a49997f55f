//! The data set that a command is asked for.

use std::path::{Path, PathBuf};

use lab_core::LabError;
use lab_core::data::Cifar10;

use crate::Outcome;
use crate::fetch::{self, Progress};
use crate::laboratory::data_folder;

/// The name that stands for the images that are built in.
pub const SAMPLE: &str = "sample";

/// The data set of `--data`: the built-in sample, or the whole one, which is fetched when it is missing.
///
/// # Errors
/// Where it can neither be read nor fetched.
pub fn data_set(choice: Option<&Path>) -> Outcome<Cifar10> {
    if choice.is_some_and(|path| path == Path::new(SAMPLE)) {
        return Ok(Cifar10::sample());
    }
    if let Some(path) = choice.filter(|path| path.components().count() == 1 && !path.exists()) {
        let error = LabError::name("data set", &path.to_string_lossy(), &[SAMPLE]);
        if matches!(error, LabError::Name { nearest: Some(_), .. }) {
            return Err(error.into());
        }
    }
    Ok(Cifar10::open(folder(choice)?)?)
}

/// The folder with the six files of the whole data set, which is fetched when it is missing.
///
/// # Errors
/// Where it cannot be fetched.
pub fn folder(choice: Option<&Path>) -> Outcome<PathBuf> {
    let progress = Progress::stderr();
    let folder = fetch::ensure(&data_folder(choice), &progress)?;
    progress.clear();
    Ok(folder)
}
