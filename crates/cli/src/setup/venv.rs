//! The Python environment in `.lab/venv`, with the packages that `requirements.txt` pins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lab_core::LabError;

use super::{CHECK_LAB, stamp};
use crate::files::write_whole;
use crate::terminal::{Screen, output};
use crate::{Outcome, error};

/// How the packages are installed: those of the list and no others, each with its SHA-256.
const PIP: &str = "-m pip install --no-cache-dir --no-input --no-compile --disable-pip-version-check --require-hashes --no-deps -r";

/// What would lead Python and pip elsewhere.
const THEIRS: &str = "PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX";

/// The Python environment of the laboratory.
pub struct Venv {
    folder: PathBuf,
    requirements: PathBuf,
    /// What the stamp of a finished environment says.
    stamp: String,
}

impl Venv {
    /// The one of the laboratory in `root`.
    ///
    /// # Errors
    /// Where the list of packages cannot be read.
    pub fn of(root: &Path) -> Outcome<Self> {
        let folder = root.join(".lab/venv");
        let requirements = root.join("crates/cli/python/requirements.txt");
        // An environment holds its own path in many places: one that was moved is not finished.
        let stamp = format!("{}folder {}\n", stamp(&requirements)?, folder.display());
        Ok(Self {
            folder,
            requirements,
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

    /// Makes it anew. The stamp comes last, so that one that was not finished never looks so.
    ///
    /// # Errors
    /// Where there is no Python, or a package cannot be had.
    pub fn make(&self, screen: &Screen) -> Outcome {
        if self.folder.exists() {
            // First of all the stamp: a removal may be cut short too.
            _ = fs::remove_file(self.stamp_file());
            fs::remove_dir_all(&self.folder)
                .map_err(|error| LabError::io("remove", &self.folder, error, CHECK_LAB))?;
        }
        let mut create = isolated(Path::new(&find_python()?.0));
        create.args(["-m", "venv"]).arg(&self.folder);
        let remedy = "run `cargo lab doctor`";
        screen.run("Python environment", &mut create, remedy, |_| None)?;
        let mut install = isolated(&self.python());
        install.args(PIP.split(' ')).arg(&self.requirements);
        let title = "Python packages: JupyterLab and what it needs";
        let remedy =
            "check the network connection and `cargo lab doctor`, then run `cargo lab setup` again";
        let mut collected = 0;
        screen.run(title, &mut install, remedy, |line| {
            collected += usize::from(line.starts_with("Collecting "));
            Some(match line.starts_with("Installing") {
                true => "installing".to_owned(),
                false => format!("{collected} found"),
            })
        })?;
        write_whole(&self.stamp_file(), &self.stamp)
    }
}

/// A command that the user's own Python settings do not lead elsewhere.
fn isolated(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in THEIRS.split(' ') {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Name and version of the first Python on the path that is new enough and has venv.
///
/// # Errors
/// With what was found, and how to get one.
pub fn find_python() -> Outcome<(String, String)> {
    let mut what = "python3 is not found: the notebooks need Python 3.10 or newer".to_owned();
    let newer = (10..=14).rev().map(|minor| format!("python3.{minor}"));
    for program in ["python3".to_owned()].into_iter().chain(newer) {
        let Some(version) = output(&program, &["--version"]) else {
            continue;
        };
        // Such as `Python 3.12.1`.
        let minor = version.split('.').nth(1).unwrap_or_default();
        if minor.parse::<u32>().is_ok_and(|minor| minor < 10) {
            what = format!("{version} is too old: the notebooks need 3.10 or newer");
        } else if output(&program, &["-c", "import venv, ensurepip"]).is_some() {
            return Ok((program, version));
        } else {
            let what = format!("{version} has no venv, which the notebooks need");
            let remedy = "`apt install python3-venv`, or the package of that name of your system";
            return Err(error(what, remedy));
        }
    }
    let remedy = "`apt install python3 python3-venv`, or from https://www.python.org/downloads";
    Err(error(what, remedy))
}
