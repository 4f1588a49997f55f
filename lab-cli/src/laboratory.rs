//! The folder of the laboratory, whichever of its folders a command runs in.

use std::path::{Path, PathBuf};

use lab_core::LabError;
use lab_core::lab::Lab;

/// `below` in the nearest folder upwards that holds the laboratory, or in the current one.
pub fn in_laboratory(below: &str) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    match Lab::root_above(&here) {
        Some(root) if root != here => root.join(below),
        _ => PathBuf::from(below),
    }
}

/// The nearest folder upwards that holds the laboratory, with its whole path.
///
/// # Errors
/// Outside of a laboratory.
pub fn root() -> lab_core::Result<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let remedy = "go into the folder of the laboratory, the one with README.md and lab-core/";
    let absent = || LabError::format(&here, "no laboratory here or above", "Cargo.toml and lab-core/", remedy);
    Lab::root_above(&here).ok_or_else(absent)
}

/// The folder to keep data in: `choice`, or else `data` of the laboratory.
pub fn data_folder(choice: Option<&Path>) -> PathBuf {
    choice.map_or_else(|| in_laboratory("data"), Path::to_owned)
}
