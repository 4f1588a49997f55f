//! Everything that the notebooks need beyond Rust: what is missing is fetched, made or built, and nothing is done twice.
//!
//! Each piece is checked cheaply and first, without a lock. What is unfinished never looks finished: the Python
//! environment gets its stamp last, the kernel is built beside its place and renamed.

pub mod evcxr;
pub mod locks;
pub mod steps;
pub mod tools;
pub mod venv;

mod kernel;

use std::path::{Path, PathBuf};
use std::time::Instant;

use lab_core::lab::Lab;

use crate::Outcome;
use crate::fetch::{self, Progress};
use crate::output::say;
use kernel::KernelSpec;
use locks::Lock;
use steps::{SetupError, Steps};
use venv::Venv;

/// Get everything that the notebooks need: Python packages, the Rust kernel, the data set.
///
/// `cargo lab notebook` and `cargo lab report` do the same for themselves. What is there already is left as it is, so a
/// second time takes a moment. The first time takes about ten minutes, seven of which build the Rust kernel, once for
/// all clones.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo lab setup             all of it
  cargo lab setup --sample    without the data set: the built-in sample is enough for `cargo lab report --sample`
  cargo lab doctor            what is there and what is missing
  cargo lab clean             remove it again

environment.md says what goes where. LAB_CACHE=DIR keeps the Rust kernel in DIR in place of ~/.cache.")]
pub struct SetupArgs {
    /// Leave out the data set
    #[arg(long)]
    sample: bool,
}

/// What a command needs beyond the notebooks' environment.
pub struct Needs {
    /// The whole data set; the built-in sample needs no files.
    pub data: bool,
}

/// Where notebooks run.
pub struct Environment {
    /// The folder of the laboratory.
    pub root: PathBuf,
    /// The Python of its environment.
    pub python: PathBuf,
}

/// `cargo lab setup`.
///
/// # Errors
/// As [`ensure`].
pub fn run(arguments: &SetupArgs) -> Outcome {
    let started = Instant::now();
    let environment = ensure(Needs { data: !arguments.sample })?;
    let seconds = started.elapsed().as_secs_f64();
    say!("The notebooks can run: `cargo lab notebook` opens them ({seconds:.1} s)");
    say!("Python: {}", environment.python.display());
    say!("Kernel: {}", evcxr::program()?.display());
    Ok(())
}

/// Does what is missing of set-up, with progress, from any folder of the laboratory.
///
/// # Errors
/// With the piece that does not work and what to do about it.
pub fn ensure(needs: Needs) -> Outcome<Environment> {
    if cfg!(not(unix)) {
        let what = "the notebooks need Linux or macOS";
        return Err(SetupError::new(what, "on Windows, use WSL; `cargo lab train` works without").into());
    }
    let root = Lab::root()?;
    let pieces = Pieces::of(&root)?;
    if !pieces.are_ready() {
        let steps = Steps::stderr();
        let _lock = Lock::take(&root.join(".lab/setup.lock"), "sets up this laboratory", &steps)?;
        pieces.make(&steps)?;
    }
    if needs.data {
        let progress = Progress::stderr();
        fetch::ensure(&root.join("data"), &progress)?;
        progress.clear();
    }
    let python = pieces.venv.python();
    Ok(Environment { root, python })
}

/// The parts of set-up but for the data set.
struct Pieces {
    venv: Venv,
    program: PathBuf,
    spec: KernelSpec,
}

impl Pieces {
    fn of(root: &Path) -> Outcome<Self> {
        let venv = Venv::of(root)?;
        let program = evcxr::program()?;
        let spec = KernelSpec::of(root, &venv.python(), &program);
        Ok(Self { venv, program, spec })
    }

    fn are_ready(&self) -> bool {
        self.venv.is_ready() && self.program.exists() && self.spec.is_ready() && has_rust_src()
    }

    /// Makes those that are missing, one after the other; the one that takes longest comes last.
    fn make(&self, steps: &Steps) -> Outcome {
        if !self.venv.is_ready() {
            self.venv.make(steps)?;
        }
        if !has_rust_src() {
            evcxr::add_rust_src(steps)?;
        }
        if !self.program.exists() {
            evcxr::build(steps)?;
        }
        if !self.spec.is_ready() {
            self.spec.write()?;
        }
        Ok(())
    }
}

fn has_rust_src() -> bool {
    evcxr::rust_src().is_some_and(|path| path.is_dir())
}

/// The state of each piece in words, for `cargo lab doctor`: name, whether it is there, and where or what to do.
pub fn findings() -> Vec<(&'static str, bool, String)> {
    let todo = "`cargo lab setup` makes it";
    let state = |ready: bool, path: String| (ready, if ready { path } else { format!("not there; {todo}") });
    let mut lines = Vec::new();
    if let Some(root) = Lab::root().ok()
        && let Ok(pieces) = Pieces::of(&root)
    {
        let (ready, text) = state(pieces.venv.is_ready(), root.join(".lab/venv").display().to_string());
        lines.push(("JupyterLab", ready, text));
        let (ready, text) = state(pieces.program.exists(), pieces.program.display().to_string());
        lines.push(("Rust kernel", ready, text));
        let (ready, text) = state(has_rust_src(), "the component is installed".to_owned());
        lines.push(("rust-src", ready, text));
        let (ready, text) = state(pieces.spec.is_ready(), "`Rust` in .lab/venv".to_owned());
        lines.push(("Kernel spec", ready, text));
    }
    lines
}

/// The error for a program of the environment that cannot be started.
pub fn failed_to_start(what: &str, error: &std::io::Error) -> Box<dyn std::error::Error> {
    let remedy = "`cargo lab clean --keep-data`, then `cargo lab setup`, makes the environment anew";
    SetupError::new(format!("{what} cannot be started: {error}"), remedy).into()
}
