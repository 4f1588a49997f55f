//! The packages that cells are compiled from: all that the workspace's `Cargo.lock` names, in cargo's own registry.
//!
//! A kernel asks cargo about the packages of every platform, also those that only another one compiles, so what
//! `cargo build` fetches is not enough. `cargo fetch` without a target gets them all.

use std::path::Path;
use std::process::{Command, Stdio};

use super::steps::Steps;
use crate::Outcome;

fn fetch(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.args(["fetch", "--locked"]).current_dir(root);
    command
}

/// Whether cargo has them all, for which it needs a tenth of a second and no network.
pub fn are_there(root: &Path) -> bool {
    let mut question = fetch(root);
    question.args(["--offline", "--quiet"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    question.status().is_ok_and(|status| status.success())
}

/// Downloads those that are missing.
///
/// # Errors
/// Where they cannot be had.
pub fn download(root: &Path, steps: &Steps) -> Outcome {
    let remedy = "check the network connection and the proxy (HTTPS_PROXY, or cargo's own settings), then run \
                  `cargo lab setup` again";
    steps.run("Rust packages: those that cells are compiled from", &mut fetch(root), remedy, |line| {
        line.trim().starts_with("Download").then(|| line.trim().to_owned())
    })
}
