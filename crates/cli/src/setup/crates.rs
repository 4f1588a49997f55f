//! The packages that cells are compiled from: those that the workspace's `Cargo.lock` names and no others, for every platform,
//! in a registry of the laboratory's own.
//!
//! A kernel resolves versions anew, and offline cargo takes the newest that it finds: in the user's registry that may be any.
//! It also asks about the packages of every platform, of which `cargo build` fetches only those of one, and about those that
//! Rust's standard library is made of: without them it infers no types.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lab_core::LabError;

use super::{CHECK_LAB, evcxr, stamp};
use crate::Outcome;
use crate::files::write_whole;
use crate::terminal::Screen;

/// What cargo may be told by its user: mirrors, proxies, and how to log in there.
const SETTINGS: [&str; 3] = ["config.toml", "config", "credentials.toml"];

/// The packages of the laboratory in `root`.
pub struct Crates {
    root: PathBuf,
    /// Cargo's home for kernels.
    home: PathBuf,
}

impl Crates {
    pub fn of(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            home: root.join(".lab/cargo"),
        }
    }

    /// The commands that fetch what lock files name: the workspace's, and the standard library's where it has one.
    fn fetches(&self) -> Vec<(&'static str, Command)> {
        let fetch = |workspace: &Path| {
            let mut command = Command::new("cargo");
            command
                .args(["fetch", "--locked", "--manifest-path"])
                .arg(workspace.join("Cargo.toml"))
                .current_dir(&self.root)
                .env("CARGO_HOME", &self.home)
                .stdin(Stdio::null());
            command
        };
        let ours = fetch(&self.root);
        let mut fetches = vec![("Rust packages: those that cells are compiled from", ours)];
        if let Some(sources) = evcxr::rust_src().filter(|path| path.join("Cargo.lock").is_file()) {
            let mut command = fetch(&sources);
            // Its manifests use what is not stable yet.
            command.env("RUSTC_BOOTSTRAP", "1");
            fetches.push(("Rust packages: those of the standard library", command));
        }
        fetches
    }

    fn stamp_file(&self) -> PathBuf {
        self.home.join("lab-stamp")
    }

    /// What the stamp of a registry says that has the packages of today's lock files.
    fn stamp(&self) -> Outcome<String> {
        let std = evcxr::rust_src().and_then(|path| stamp(&path.join("Cargo.lock")).ok());
        Ok(stamp(&self.root.join("Cargo.lock"))? + &std.unwrap_or_default())
    }

    /// Whether all of them are there, for which cargo needs a tenth of a second and no network.
    pub fn are_there(&self) -> bool {
        let stamped = fs::read_to_string(self.stamp_file()).ok();
        let offline = |(_, mut fetch): (_, Command)| {
            let quietly = fetch.args(["--offline", "--quiet"]).stderr(Stdio::null());
            quietly.status().is_ok_and(|status| status.success())
        };
        stamped.is_some() && stamped == self.stamp().ok() && self.fetches().into_iter().all(offline)
    }

    /// Downloads them, into an empty registry where it was made for another `Cargo.lock`.
    ///
    /// # Errors
    /// Where they cannot be had.
    pub fn download(&self, screen: &Screen) -> Outcome {
        let failed = |error| LabError::io("write", &self.home, error, CHECK_LAB);
        let stamp = self.stamp()?;
        let stamped = fs::read_to_string(self.stamp_file()).ok();
        if self.home.exists() && stamped.as_ref() != Some(&stamp) {
            fs::remove_dir_all(&self.home).map_err(failed)?;
        }
        fs::create_dir_all(&self.home).map_err(failed)?;
        self.link_settings();
        let remedy = "check the network connection and the proxy (HTTPS_PROXY, or cargo's own settings), then run \
                      `cargo lab setup` again";
        for (title, mut fetch) in self.fetches() {
            screen.run(title, &mut fetch, remedy, |line| {
                let line = line.trim();
                line.starts_with("Download").then(|| line.to_owned())
            })?;
        }
        write_whole(&self.stamp_file(), &stamp)
    }

    /// Lets the user's own settings of cargo hold here too; without them cargo works as it does for most people.
    fn link_settings(&self) {
        let home = || Some(env::home_dir()?.join(".cargo"));
        let Some(theirs) = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home) else {
            return;
        };
        for name in SETTINGS {
            let (from, to) = (theirs.join(name), self.home.join(name));
            if from.is_file() && !to.exists() {
                #[cfg(unix)]
                let _ = std::os::unix::fs::symlink(from, to);
            }
        }
    }
}
