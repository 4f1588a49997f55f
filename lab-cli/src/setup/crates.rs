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
use sha2::{Digest, Sha256};

use super::evcxr::rust_src;
use super::steps::Steps;
use super::tools;
use crate::Outcome;

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

    /// Fetches what the lock file of a workspace names.
    fn fetch(&self, workspace: &Path) -> Command {
        let mut command = Command::new("cargo");
        command
            .args(["fetch", "--locked", "--manifest-path"])
            .arg(workspace.join("Cargo.toml"));
        command
            .current_dir(&self.root)
            .env("CARGO_HOME", &self.home);
        command
    }

    /// The same for the standard library, whose manifests use what is not stable yet.
    fn fetch_std(&self, sources: &Path) -> Command {
        let mut command = self.fetch(sources);
        command.env("RUSTC_BOOTSTRAP", "1");
        command
    }

    fn stamp_file(&self) -> PathBuf {
        self.home.join("lab-stamp")
    }

    /// What the stamp of a registry says that has the packages of today's lock files.
    fn stamp(&self) -> Outcome<String> {
        let path = self.root.join("Cargo.lock");
        let remedy = "get it back with `git checkout`";
        let ours = fs::read(&path).map_err(|error| LabError::io("read", &path, error, remedy))?;
        let std = std_sources()
            .and_then(|sources| fs::read(sources.join("Cargo.lock")).ok())
            .unwrap_or_default();
        let hash = |text: &[u8]| {
            Sha256::digest(text)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        Ok(format!(
            "Cargo.lock {}\nstandard library {}\n",
            hash(&ours),
            hash(&std)
        ))
    }

    /// Whether all of them are there, for which cargo needs a tenth of a second and no network.
    pub fn are_there(&self) -> bool {
        let stamped = fs::read_to_string(self.stamp_file()).ok();
        if stamped.is_none() || stamped != self.stamp().ok() {
            return false;
        }
        let has = |mut question: Command| {
            question
                .args(["--offline", "--quiet"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            question.status().is_ok_and(|status| status.success())
        };
        has(self.fetch(&self.root))
            && std_sources().is_none_or(|sources| has(self.fetch_std(&sources)))
    }

    /// Downloads them, into an empty registry where it was made for another `Cargo.lock`.
    ///
    /// # Errors
    /// Where they cannot be had.
    pub fn download(&self, steps: &Steps) -> Outcome {
        let failed = |error| {
            LabError::io(
                "write",
                &self.home,
                error,
                "check the permissions of `.lab`",
            )
        };
        let stamp = self.stamp()?;
        if self.home.exists() && fs::read_to_string(self.stamp_file()).ok().as_ref() != Some(&stamp)
        {
            fs::remove_dir_all(&self.home).map_err(failed)?;
        }
        fs::create_dir_all(&self.home).map_err(failed)?;
        self.link_settings();
        let remedy = "check the network connection and the proxy (HTTPS_PROXY, or cargo's own settings), then run \
                      `cargo lab setup` again";
        let download = |title, mut fetch: Command| {
            steps.run(title, &mut fetch, remedy, |line| {
                line.trim()
                    .starts_with("Download")
                    .then(|| line.trim().to_owned())
            })
        };
        download(
            "Rust packages: those that cells are compiled from",
            self.fetch(&self.root),
        )?;
        if let Some(sources) = std_sources() {
            download(
                "Rust packages: those of the standard library",
                self.fetch_std(&sources),
            )?;
        }
        tools::write(&self.stamp_file(), &stamp)
    }

    /// Lets the user's own settings of cargo hold here too.
    fn link_settings(&self) {
        let theirs = env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(env::home_dir()?.join(".cargo")));
        let Some(theirs) = theirs else { return };
        for name in SETTINGS {
            let (from, to) = (theirs.join(name), self.home.join(name));
            if from.is_file() && !to.exists() {
                // Without them cargo works as it does for most people.
                #[cfg(unix)]
                let _ = std::os::unix::fs::symlink(from, to);
            }
        }
    }
}

/// The workspace of the standard library, where its sources come with a lock file.
fn std_sources() -> Option<PathBuf> {
    rust_src().filter(|sources| sources.join("Cargo.lock").is_file())
}
