//! The folder of the laboratory, whichever of its folders a command runs in.

use std::path::{Path, PathBuf};

use lab_core::lab::Lab;

/// `below` in the nearest folder upwards that holds the laboratory, or in the current one.
pub fn in_laboratory(below: &str) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    match Lab::root_above(&here) {
        Some(root) if root != here => root.join(below),
        _ => PathBuf::from(below),
    }
}

/// The folder to keep data in: `choice`, or else `data` of the laboratory.
pub fn data_folder(choice: Option<&Path>) -> PathBuf {
    choice.map_or_else(|| in_laboratory("data"), Path::to_owned)
}
