//! The kernel: `evcxr_jupyter`, built once for all clones of one user, the sources it infers types with, and the kernel spec
//! by which JupyterLab and editors find it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lab_core::LabError;
use serde_json::json;

use super::CHECK_LAB;
use crate::files::{Lock, begin_folder, parent, write_whole};
use crate::terminal::{Screen, output};
use crate::{Outcome, error};

/// The version that the notebooks are written for.
const VERSION: &str = "0.22.0";

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
    let below_home = match cfg!(target_os = "macos") {
        true => "Library/Caches",
        false => ".cache",
    };
    let path = |name| env::var_os(name).map(PathBuf::from);
    let whole = |name| path(name).filter(|path| path.is_absolute());
    let parent = whole("LAB_CACHE").or_else(|| whole("XDG_CACHE_HOME"));
    let parent = parent.or_else(|| Some(env::home_dir()?.join(below_home)));
    let found = parent.map(|parent| parent.join("cifar10-lab"));
    let remedy = "set LAB_CACHE to the path of a folder";
    found.ok_or_else(|| error("there is no home folder", remedy))
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
pub fn build(screen: &Screen) -> Outcome {
    let cache = cache()?;
    let _lock = Lock::take(&lock_file(&cache), screen.wait("builds the Rust kernel"))?;
    if program()?.exists() {
        return Ok(());
    }
    let remedy = "check its permissions, or set LAB_CACHE";
    let failed = |error| LabError::io("write", &cache, error, remedy);
    let staging = begin_folder(&cache, STAGING).map_err(failed)?;
    let in_staging = |name| staging.path().join(name);
    let (root, profile) = (in_staging("root"), in_staging("profile.toml"));
    write_whole(&profile, PROFILE)?;
    let mut install = Command::new("cargo");
    install
        .args(["install", "evcxr_jupyter", "--locked", "--version"])
        .args([VERSION, "--root"])
        .arg(&root)
        .arg("--config")
        .arg(&profile)
        // Somewhere else than in the clone, whose settings are not meant for it.
        .current_dir(staging.path())
        .env("CARGO_TARGET_DIR", in_staging("target"))
        .stdin(Stdio::null());
    let remedy =
        "check the network connection and that 2 GB are free, then run `cargo lab setup` again";
    let title =
        format!("Rust kernel: building evcxr_jupyter {VERSION}, some minutes, once for all clones");
    let mut compiled = 0;
    screen.run(&title, &mut install, remedy, |line| {
        compiled += usize::from(line.trim_start().starts_with("Compiling "));
        Some(format!("{compiled} of {CRATES} crates"))
    })?;
    let target = cache.join(format!("evcxr_jupyter-{VERSION}"));
    // One without its program: somebody has deleted a part of it.
    _ = fs::remove_dir_all(&target);
    Ok(fs::rename(&root, &target).map_err(failed)?)
}

/// Where the sources of the standard library are or should be, if there is a rustc.
pub fn rust_src() -> Option<PathBuf> {
    let root = output("rustc", &["--print", "sysroot"])?;
    Some(Path::new(&root).join("lib/rustlib/src/rust/library"))
}

/// Gets the sources of the standard library, which the kernel infers the types of variables with.
///
/// # Errors
/// Where there is no rustup, or it fails.
pub fn add_rust_src(screen: &Screen) -> Outcome {
    if output("rustup", &["--version"]).is_none() {
        let place = rust_src().unwrap_or_else(|| "rustc's sysroot".into());
        let place = place.display();
        let what = format!("the component rust-src is missing: {place} is not there");
        let remedy = "install Rust from https://rustup.rs, or your system's package of Rust's sources (`rust-src`)";
        return Err(error(what, remedy));
    }
    let mut add = Command::new("rustup");
    add.args(["component", "add", "rust-src"])
        .stdin(Stdio::null());
    let remedy = "run `rustup component add rust-src` yourself and see what it says";
    let title = "Rust's sources: the component rust-src";
    screen.run(title, &mut add, remedy, |_| None)
}

/// Where the kernel spec `Rust` of the laboratory in `root` is.
pub fn spec_file(root: &Path) -> PathBuf {
    root.join(".lab/venv/share/jupyter/kernels/rust/kernel.json")
}

/// What it says: the laboratory's launcher starts the program.
pub fn spec(root: &Path, python: &Path, program: &Path) -> String {
    let launcher = root.join("crates/cli/python/launcher.py");
    let spec = json!({
        "argv": [python, "-I", launcher, program, "{connection_file}"],
        "display_name": "Rust",
        "language": "rust",
        "interrupt_mode": "message",
    });
    format!("{spec:#}\n")
}

/// Writes it, in place of the one that the program brings with its logos.
///
/// # Errors
/// Where it cannot be written.
pub fn write_spec(root: &Path, program: &Path, spec: &str) -> Outcome {
    let file = spec_file(root);
    let folder = parent(&file);
    fs::create_dir_all(folder).map_err(|error| LabError::io("write", folder, error, CHECK_LAB))?;
    let mut install = Command::new(program);
    install
        .arg("--install")
        .env("JUPYTER_PATH", root.join(".lab/venv/share/jupyter"));
    // It works without logos.
    _ = install.stdin(Stdio::null()).output();
    write_whole(&file, spec)
}
