//! The data set that a command is asked for.

use std::path::{Path, PathBuf};

use lab_core::LabError;
use lab_core::data::Cifar10;

use crate::Outcome;
use crate::fetch::{self, Progress};
use crate::laboratory::data_folder;

/// The name that stands for the images that are built in.
pub const SAMPLE: &str = "sample";

/// The data set of `--data`: the built-in sample, a folder of the user's, or the laboratory's own, which is fetched when
/// it is missing.
///
/// # Errors
/// Where it can neither be read nor fetched.
pub fn data_set(choice: Option<&Path>) -> Outcome<Cifar10> {
    if choice.is_some_and(|path| path == Path::new(SAMPLE)) {
        return Ok(Cifar10::sample());
    }
    if let Some(path) = choice.filter(|path| path.components().count() == 1 && !path.exists()) {
        let error = LabError::name("data set", &path.to_string_lossy(), &[SAMPLE]);
        if matches!(
            error,
            LabError::Name {
                nearest: Some(_),
                ..
            }
        ) {
            return Err(error.into());
        }
    }
    let folder = folder(choice).map_err(|error| {
        format!("{error}\n  or try it on the 1,500 images that are built in: `--data {SAMPLE}`")
    })?;
    Ok(Cifar10::open(folder)?)
}

/// The folder with the six files of the whole data set: the user's, in which nothing is changed, or the laboratory's own,
/// into which they are fetched when they are missing.
///
/// # Errors
/// Where they are not as they must be, or cannot be fetched.
pub fn folder(choice: Option<&Path>) -> Outcome<PathBuf> {
    let progress = Progress::stderr();
    Ok(match choice {
        Some(data) => fetch::need_folder(data).and_then(|()| fetch::check(data, &progress))?,
        None => fetch::ensure(&data_folder(None), &progress)?,
    })
}
