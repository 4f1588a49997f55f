//! Python environments in `.lab`, each with the packages that a `requirements.txt` pins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lab_core::LabError;
use sha2::{Digest, Sha256};

use super::steps::{SetupError, Steps};
use super::tools;
use crate::Outcome;

/// The oldest Python that the packages run on.
const LEAST: (u32, u32) = (3, 10);

/// Names under which a Python may be found, the usual one first.
const NAMES: [&str; 7] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python",
];

/// A Python environment of the laboratory.
pub struct Venv {
    folder: PathBuf,
    requirements: PathBuf,
    /// What its packages are for.
    title: &'static str,
    /// What the stamp of a finished environment says.
    stamp: String,
}

impl Venv {
    /// The one that notebooks run in.
    ///
    /// # Errors
    /// Where the list of packages cannot be read.
    pub fn of(root: &Path) -> Outcome<Self> {
        let title = "Python packages: JupyterLab and what it needs";
        Self::new(
            title,
            root.join(".lab/venv"),
            root.join("lab-cli/python/requirements.txt"),
        )
    }

    /// One in `folder` with the packages of a list.
    ///
    /// # Errors
    /// Where the list cannot be read.
    pub fn new(title: &'static str, folder: PathBuf, requirements: PathBuf) -> Outcome<Self> {
        let remedy = "get it back with `git checkout`";
        let text = fs::read(&requirements)
            .map_err(|error| LabError::io("read", &requirements, error, remedy))?;
        let hash: String = Sha256::digest(&text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        // An environment holds its own path in many places: one that was moved is not finished.
        let stamp = format!("requirements {hash}\nfolder {}\n", folder.display());
        Ok(Self {
            folder,
            requirements,
            title,
            stamp,
        })
    }

    /// Its Python.
    pub fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    fn stamp_file(&self) -> PathBuf {
        self.folder.join("lab-stamp")
    }

    /// Whether it is there, whole, and has the packages of today's list.
    pub fn is_ready(&self) -> bool {
        self.python().exists()
            && fs::read_to_string(self.stamp_file()).is_ok_and(|stamp| stamp == self.stamp)
    }

    /// Whether there is a program that makes environments.
    ///
    /// # Errors
    /// As [`find_python`].
    pub fn can_be_made() -> Outcome {
        if !has_uv() {
            find_python()?;
        }
        Ok(())
    }

    /// Makes it anew. The stamp comes last, so that one that was not finished never looks so.
    ///
    /// # Errors
    /// Where there is no Python, or a package cannot be had.
    pub fn make(&self, steps: &Steps) -> Outcome {
        let remedy = "check the permissions of the folder `.lab`";
        if self.folder.exists() {
            // First of all the stamp: a removal may be cut short too.
            _ = fs::remove_file(self.stamp_file());
            fs::remove_dir_all(&self.folder)
                .map_err(|error| LabError::io("remove", &self.folder, error, remedy))?;
        }

        let title = self.title;
        let offline =
            "check the network connection and `cargo lab doctor`, then run `cargo lab setup` again";
        if has_uv() {
            let mut create = isolated("uv");
            let at_least = format!(">={}.{}", LEAST.0, LEAST.1);
            create.args([
                "venv",
                "--no-project",
                "--no-cache",
                "--no-python-downloads",
                "--python",
                &at_least,
            ]);
            let remedy = "install Python 3.10 or newer, from https://www.python.org/downloads";
            steps.run(
                "Python environment",
                create.arg(&self.folder),
                remedy,
                |_| None,
            )?;
            let mut install = isolated("uv");
            install.args([
                "pip",
                "install",
                "--no-cache",
                "--require-hashes",
                "--no-deps",
                "--python",
            ]);
            install.arg(self.python()).arg("-r").arg(&self.requirements);
            steps.run(title, &mut install, offline, |line| {
                Some(line.trim().to_owned())
            })?;
        } else {
            let mut create = isolated(&find_python()?.program);
            create.args(["-m", "venv"]).arg(&self.folder);
            steps.run(
                "Python environment",
                &mut create,
                "run `cargo lab doctor`",
                |_| None,
            )?;
            let mut install = isolated(&self.python().to_string_lossy());
            install.args([
                "-m",
                "pip",
                "install",
                "--no-cache-dir",
                "--disable-pip-version-check",
                "--no-input",
            ]);
            install
                .args(["--no-compile", "--require-hashes", "--no-deps", "-r"])
                .arg(&self.requirements);
            let mut collected = 0;
            steps.run(title, &mut install, offline, |line| {
                collected += usize::from(line.starts_with("Collecting "));
                Some(if line.starts_with("Installing") {
                    "installing".into()
                } else {
                    format!("{collected} found")
                })
            })?;
        }
        tools::write(&self.stamp_file(), &self.stamp)
    }
}

fn has_uv() -> bool {
    tools::output("uv", &["--version"]).is_some()
}

/// A command that the user's own Python settings do not lead elsewhere.
fn isolated(program: &str) -> Command {
    let mut command = Command::new(program);
    for name in [
        "PYTHONPATH",
        "PYTHONHOME",
        "PIP_USER",
        "PIP_TARGET",
        "PIP_PREFIX",
        "VIRTUAL_ENV",
    ] {
        command.env_remove(name);
    }
    command
}

/// A Python that can make an environment.
pub struct Python {
    pub program: String,
    pub version: String,
}

/// The first Python on the path that is new enough and has venv.
///
/// # Errors
/// With what was found, and how to get one.
pub fn find_python() -> Result<Python, SetupError> {
    let mut too_old = None;
    for program in NAMES {
        let Some(version) = tools::output(program, &["--version"]) else {
            continue;
        };
        if !tools::at_least(&version, LEAST) {
            too_old = too_old.or(Some(version));
            continue;
        }
        if tools::output(program, &["-c", "import venv, ensurepip"]).is_none() {
            let what = format!("{version} has no venv, which the notebooks need");
            return Err(SetupError::new(
                what,
                "`apt install python3-venv`, or the package of that name of your system",
            ));
        }
        return Ok(Python {
            program: program.to_owned(),
            version,
        });
    }
    let what = match too_old {
        Some(version) => format!("{version} is too old: the notebooks need 3.10 or newer"),
        None => "python3 is not found: the notebooks need Python 3.10 or newer".to_owned(),
    };
    Err(SetupError::new(
        what,
        "`apt install python3 python3-venv`, or from https://www.python.org/downloads",
    ))
}
