//! The kernel itself: `evcxr_jupyter`, built once for all clones of one user, and the sources it infers types with.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lab_core::LabError;

use super::locks::Lock;
use super::steps::{SetupError, Steps};
use super::tools;
use crate::Outcome;

/// The version that the notebooks are written for.
pub const VERSION: &str = "0.22.0";

/// Which of its crates are optimized.
const PROFILE: &str = include_str!("kernel_profile.toml");

/// The number of crates it is built from, for the progress line.
const CRATES: usize = 273;

/// The beginning of the names of folders in which it is being built.
const STAGING: &str = ".building-";

/// The folder that all clones of one user share.
///
/// # Errors
/// Where neither the system nor `LAB_CACHE` says where it is.
pub fn cache() -> Outcome<PathBuf> {
    let variable = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let below_home = if cfg!(target_os = "macos") {
        "Library/Caches"
    } else {
        ".cache"
    };
    let parent = variable("LAB_CACHE").or_else(|| variable("XDG_CACHE_HOME"));
    let parent = parent.or_else(|| env::home_dir().map(|home| home.join(below_home)));
    let found = parent.map(|parent| parent.join("cifar10-lab"));
    Ok(found.ok_or_else(|| {
        SetupError::new(
            "there is no home folder",
            "set LAB_CACHE to the path of a folder",
        )
    })?)
}

/// The kernel's program, whether it is there or not.
///
/// # Errors
/// As [`cache`].
pub fn program() -> Outcome<PathBuf> {
    Ok(cache()?.join(format!("evcxr_jupyter-{VERSION}/bin/evcxr_jupyter")))
}

/// The file whose holder builds the program.
pub fn lock_file(cache: &Path) -> PathBuf {
    cache.join(format!("evcxr_jupyter-{VERSION}.lock"))
}

/// Builds the program into the cache, unless another process does so first.
///
/// # Errors
/// Where it cannot be fetched or built.
pub fn build(steps: &Steps) -> Outcome {
    let cache = cache()?;
    let _lock = Lock::take(&lock_file(&cache), "builds the Rust kernel", steps)?;
    if program()?.exists() {
        return Ok(());
    }
    sweep(&cache);
    let failed = |error| {
        LabError::io(
            "write",
            &cache,
            error,
            "check its permissions, or set LAB_CACHE",
        )
    };
    let staging = tempfile::Builder::new()
        .prefix(STAGING)
        .tempdir_in(&cache)
        .map_err(failed)?;
    let root = staging.path().join("root");
    let mut install = Command::new("cargo");
    install
        .args([
            "install",
            "evcxr_jupyter",
            "--locked",
            "--version",
            VERSION,
            "--root",
        ])
        .arg(&root);
    let profile = staging.path().join("profile.toml");
    tools::write(&profile, PROFILE)?;
    install.arg("--config").arg(&profile);
    // Somewhere else than in the clone, whose settings are not meant for it.
    install
        .current_dir(staging.path())
        .env("CARGO_TARGET_DIR", staging.path().join("target"));
    let remedy =
        "check the network connection and that 2 GB are free, then run `cargo lab setup` again";
    let title =
        format!("Rust kernel: building evcxr_jupyter {VERSION}, some minutes, once for all clones");
    let mut compiled = 0;
    steps.run(&title, &mut install, remedy, |line| {
        compiled += usize::from(line.trim_start().starts_with("Compiling "));
        Some(format!("{compiled} of {CRATES} crates"))
    })?;
    let target = cache.join(format!("evcxr_jupyter-{VERSION}"));
    // One without its program: somebody has deleted a part of it.
    _ = fs::remove_dir_all(&target);
    Ok(fs::rename(&root, &target).map_err(failed)?)
}

/// Removes what a killed set-up has left; the caller holds the lock.
fn sweep(cache: &Path) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(STAGING) {
            // What cannot be removed is in nobody's way.
            _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Where the sources of the standard library are or should be, if there is a rustc.
pub fn rust_src() -> Option<PathBuf> {
    let root = tools::output("rustc", &["--print", "sysroot"])?;
    Some(Path::new(&root).join("lib/rustlib/src/rust/library"))
}

/// Gets the sources of the standard library, which the kernel infers the types of variables with.
///
/// # Errors
/// Where there is no rustup, or it fails.
pub fn add_rust_src(steps: &Steps) -> Outcome {
    if tools::output("rustup", &["--version"]).is_none() {
        let place = rust_src().map_or_else(
            || "rustc's sysroot".to_owned(),
            |path| path.display().to_string(),
        );
        let what = format!("the component rust-src is missing: {place} is not there");
        let remedy = "install Rust from https://rustup.rs, or your system's package of Rust's sources (`rust-src`)";
        return Err(SetupError::new(what, remedy).into());
    }
    let remedy = "run `rustup component add rust-src` yourself and see what it says";
    steps.run(
        "Rust's sources: the component rust-src",
        Command::new("rustup").args(["component", "add", "rust-src"]),
        remedy,
        |_| None,
    )
}
