//! `cargo lab clean`.

use std::fs;
use std::path::{Path, PathBuf};

use lab_core::LabError;
use lab_core::data::cifar10::{FOLDER, TEST_FILE, TRAIN_FILES};
use lab_notebook::lab::Lab;

use crate::Outcome;
use crate::fetch::staging::LOCK;
use crate::files::{Lock, size};
use crate::setup::evcxr;
use crate::terminal::say;

/// Remove what `cargo lab setup` has put into this folder.
///
/// That is `.lab` (Python packages, the kernel's build folders, JupyterLab's own files) and the six files of the data set
/// in `data`; a link to a data set elsewhere stays. Notebooks, `outputs` and `target` stay too.
#[derive(clap::Args)]
#[command(after_help = include_str!("clean.txt"))]
pub struct CleanArgs {
    /// Also the Rust kernel in the cache of this user, which other clones use
    #[arg(long)]
    all: bool,
    /// Leave the data set where it is
    #[arg(long)]
    keep_data: bool,
}

/// Removes it, and says what and how large it was.
///
/// # Errors
/// While a kernel or a set-up is at work, or where something cannot be removed.
pub fn run(arguments: &CleanArgs) -> Outcome {
    let root = Lab::root()?;
    let home = root.join(".lab");
    refuse_while_held(&home.join("setup.lock"), "a set-up is at work")?;
    let builds = fs::read_dir(home.join("evcxr")).into_iter().flatten();
    for entry in builds.flatten() {
        refuse_while_held(&entry.path(), "a Rust kernel is running")?;
    }
    // Below a path with a space this is a link: the kernel's build folders lie elsewhere.
    let mut doomed: Vec<_> = fs::read_link(home.join("evcxr")).into_iter().collect();
    doomed.push(home);
    if !arguments.keep_data {
        doomed.extend(data_set(&root));
    }
    if arguments.all {
        let cache = evcxr::cache()?;
        refuse_while_held(&evcxr::lock_file(&cache), "a set-up builds the Rust kernel")?;
        doomed.push(cache);
    }
    let mut removed = false;
    for path in &doomed {
        removed |= remove(path)?;
    }
    if !removed {
        say!("There is nothing to remove");
    }
    Ok(())
}

fn refuse_while_held(path: &Path, what: &str) -> Outcome {
    let Some(holder) = Lock::held_by(path) else {
        return Ok(());
    };
    let found = format!("{what} ({holder})");
    let remedy = "wait until it ends: close JupyterLab and the editors that run notebooks";
    Err(LabError::format(path, found, "nobody at work", remedy).into())
}

/// The data set under its own names, and the folders that hold it if nothing else does; what a link leads to is not ours.
fn data_set(root: &Path) -> Vec<PathBuf> {
    let data = root.join("data");
    let folder = data.join(FOLDER);
    if data.is_symlink() || folder.is_symlink() {
        return Vec::new();
    }
    let names = TRAIN_FILES.iter().chain([&TEST_FILE]);
    let mut found: Vec<_> = names.map(|name| folder.join(name)).collect();
    found.extend([data.join(LOCK), folder, data]);
    found
}

/// Removes a file or a folder of ours, and says so; of the data set's folders only empty ones. Whether something was there.
fn remove(path: &Path) -> Outcome<bool> {
    let Ok(metadata) = path.symlink_metadata() else {
        return Ok(false);
    };
    if path.ends_with(FOLDER) || path.ends_with("data") {
        // Fails while something else is in it, which is then to stay.
        return Ok(fs::remove_dir(path).is_ok());
    }
    let bytes = size(path);
    let removed = match metadata.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    let remedy = "check its permissions, or remove it by hand";
    removed.map_err(|error| LabError::io("remove", path, error, remedy))?;
    if bytes > 0 {
        let megabytes = bytes.div_ceil(1_000_000);
        say!("removed {} ({megabytes} MB)", path.display());
    }
    Ok(true)
}
