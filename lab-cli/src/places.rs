//! Where things are: the laboratory's folder, and the data set that a command was asked for.

use std::path::{Path, PathBuf};

use lab_core::data::Cifar10;

use crate::Outcome;
use crate::fetch::{self, Progress};

/// `below` in the nearest folder upwards that holds the laboratory, or in the current one.
pub fn in_laboratory(below: &str) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let is_laboratory = |folder: &&Path| folder.join("Cargo.toml").is_file() && folder.join("lab-core").is_dir();
    match here.ancestors().find(is_laboratory) {
        Some(root) if root != here => root.join(below),
        _ => PathBuf::from(below),
    }
}

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
    let progress = Progress::stderr();
    let folder = fetch::ensure(&fetch::data_folder(choice), &progress)?;
    progress.clear();
    Ok(Cifar10::open(folder)?)
}
