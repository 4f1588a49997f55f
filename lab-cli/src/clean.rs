//! `cargo lab clean`.

use std::fs;
use std::path::{Path, PathBuf};

use lab_core::LabError;
use lab_core::data::cifar10::{FOLDER, TEST_FILE, TRAIN_FILES};
use lab_core::lab::Lab;

use crate::Outcome;
use crate::output::say;
use crate::setup::evcxr;
use crate::setup::locks::Lock;

/// Remove what `cargo lab setup` has put into this folder.
///
/// That is `.lab` (Python packages, the kernel's build folders, JupyterLab's own files) and the six files of the data set
/// in `data`; a link to a data set elsewhere stays. Notebooks, `outputs` and `target` stay too.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo lab clean                what set-up has put into this folder
  cargo lab clean --keep-data    the same, but not the data set
  cargo lab clean --all          also the Rust kernel, which all clones share

`cargo clean` removes `target`. `rustup component remove rust-src` removes Rust's sources.")]
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
    refuse_while_in_use(&home)?;
    // Below a path with a space this is a link: the kernel's build folders lie elsewhere.
    let mut doomed: Vec<_> = fs::read_link(home.join("evcxr")).into_iter().collect();
    doomed.push(home);
    if !arguments.keep_data {
        doomed.extend(data_set(&root));
    }
    if arguments.all {
        let cache = evcxr::cache()?;
        let lock = evcxr::lock_file(&cache);
        refuse(
            &lock,
            Lock::held_by(&lock),
            "a set-up builds the Rust kernel",
        )?;
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

fn refuse_while_in_use(home: &Path) -> Outcome {
    let setup = home.join("setup.lock");
    refuse(&setup, Lock::held_by(&setup), "a set-up is at work")?;
    for entry in fs::read_dir(home.join("evcxr"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = entry.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "lock")
        {
            refuse(&path, Lock::held_by(&path), "a Rust kernel is running")?;
        }
    }
    Ok(())
}

fn refuse(path: &Path, holder: Option<String>, what: &str) -> Outcome {
    let Some(holder) = holder else { return Ok(()) };
    let remedy =
        "wait until it ends, or stop it: close JupyterLab and the editors that run notebooks";
    Err(LabError::format(path, format!("{what} ({holder})"), "nobody at work", remedy).into())
}

/// What is there of the data set under its own names; what a link leads to is not ours.
fn data_set(root: &Path) -> Vec<PathBuf> {
    let data = root.join("data");
    let folder = data.join(FOLDER);
    if data.is_symlink() || folder.is_symlink() {
        return Vec::new();
    }
    let mut found: Vec<_> = TRAIN_FILES
        .iter()
        .chain([&TEST_FILE])
        .map(|name| folder.join(name))
        .collect();
    found.push(data.join(crate::fetch::LOCK));
    found
}

/// Removes a file or folder, and those above it in `data` that have become empty.
fn remove(path: &Path) -> Outcome<bool> {
    let failed = |error| {
        LabError::io(
            "remove",
            path,
            error,
            "check its permissions, or remove it by hand",
        )
    };
    let Ok(metadata) = path.symlink_metadata() else {
        return Ok(false);
    };
    let bytes = size(path);
    if metadata.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
    .map_err(failed)?;
    if bytes > 0 {
        say!(
            "removed {} ({:.0} MB)",
            path.display(),
            (bytes as f64 / 1e6).ceil()
        );
    }
    for above in path.ancestors().skip(1).take(2) {
        if above.ends_with(FOLDER) || above.ends_with("data") {
            // Fails while something else is in it, which is then to stay.
            _ = fs::remove_dir(above);
        }
    }
    Ok(true)
}

/// The length of all files of a folder; links are not followed.
fn size(path: &Path) -> u64 {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::read_dir(path)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| size(&entry.path()))
            .sum(),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    }
}
