//! The data set that a command is asked for.

use std::path::Path;

use lab_core::data::Cifar10;

use crate::Outcome;
use crate::fetch;
use crate::files::in_laboratory;
use crate::terminal::Screen;

/// The name that stands for the images that are built in.
pub const SAMPLE: &str = "sample";

/// The data set of `--data`: the built-in sample, a folder of the user's, in which nothing is changed, or the laboratory's
/// own, which is fetched when it is missing.
///
/// # Errors
/// Where it can neither be read nor fetched.
pub fn data_set(choice: Option<&Path>) -> Outcome<Cifar10> {
    if choice.is_some_and(|path| path == Path::new(SAMPLE)) {
        return Ok(Cifar10::sample());
    }
    let screen = Screen::stderr();
    let folder = match choice {
        Some(data) => fetch::need_folder(data).and_then(|()| fetch::check(data, &screen)),
        None => fetch::ensure(&in_laboratory("data"), &screen),
    };
    let folder = folder.map_err(|error| {
        format!("{error}\n  or try it on the 1,500 images that are built in: `--data {SAMPLE}`")
    })?;
    Ok(Cifar10::open(folder)?)
}
