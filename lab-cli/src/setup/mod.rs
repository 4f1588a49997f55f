//! Everything that the notebooks need beyond Rust: what is missing is fetched, made or built, and nothing is done twice.
//!
//! Each piece is checked cheaply and first, without a lock. What is unfinished never looks finished: the Python
//! environment gets its stamp last, the kernel is built beside its place and renamed.

pub mod evcxr;
pub mod locks;
pub mod steps;
pub mod tools;
pub mod venv;

mod crates;
mod kernel;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use lab_core::lab::Lab;

use crate::Outcome;
use crate::fetch::{self, FetchError};
use crate::output::say;
use crates::Crates;
use kernel::KernelSpec;
use locks::Lock;
use steps::{SetupError, Steps};
use venv::Venv;

/// Get everything that the notebooks need: Python packages, Rust packages, the Rust kernel, the data set.
///
/// `cargo lab notebook` and `cargo lab report` do the same for themselves. What is there already is left as it is, so a
/// second time takes a moment. The first time takes some minutes, nearly all of them to build the Rust kernel, once for
/// all clones. After it, the notebooks need no network.
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
    /// Why the data set is not there, where it was asked for.
    pub without_data: Option<FetchError>,
}

/// `cargo lab setup`.
///
/// # Errors
/// As [`ensure`], and where the data set cannot be had.
pub fn run(arguments: &SetupArgs) -> Outcome {
    let started = Instant::now();
    let environment = ensure(Needs {
        data: !arguments.sample,
    })?;
    if let Some(error) = environment.without_data {
        say!("All but the data set is there: `cargo lab report --sample` works without it");
        return Err(error.into());
    }
    let seconds = started.elapsed().as_secs_f64();
    say!("The notebooks can run: `cargo lab notebook` opens them ({seconds:.1} s)");
    say!("Python: {}", environment.python.display());
    say!("Kernel: {}", evcxr::program()?.display());
    Ok(())
}

/// Does what is missing of set-up, with progress, from any folder of the laboratory. The data set is fetched meanwhile; that
/// it cannot be had is no error here, since everything works on the built-in sample too.
///
/// # Errors
/// With the piece that does not work and what to do about it.
pub fn ensure(needs: Needs) -> Outcome<Environment> {
    if cfg!(not(unix)) {
        let what = "the notebooks need Linux or macOS";
        return Err(
            SetupError::new(what, "on Windows, use WSL; `cargo lab train` works without").into(),
        );
    }
    let root = Lab::root()?;
    let pieces = Pieces::of(&root)?;
    let steps = Steps::stderr();
    let ready = pieces.are_ready();
    if !ready {
        pieces.can_be_made()?;
    }
    let (made, fetched) = std::thread::scope(|scope| {
        let data = scope.spawn(|| match needs.data {
            true => fetch::ensure(&root.join("data"), &steps.progress()).map(drop),
            false => Ok(()),
        });
        let made = if ready { Ok(()) } else { pieces.make(&steps) };
        (
            made,
            data.join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    });
    made?;
    let python = pieces.venv.python();
    Ok(Environment {
        root,
        python,
        without_data: fetched.err(),
    })
}

/// The parts of set-up but for the data set.
struct Pieces {
    root: PathBuf,
    crates: Crates,
    venv: Venv,
    program: PathBuf,
    spec: KernelSpec,
}

impl Pieces {
    fn of(root: &Path) -> Outcome<Self> {
        let venv = Venv::of(root)?;
        let program = evcxr::program()?;
        let spec = KernelSpec::of(root, &venv.python(), &program);
        Ok(Self {
            root: root.to_owned(),
            crates: Crates::of(root),
            venv,
            program,
            spec,
        })
    }

    fn are_ready(&self) -> bool {
        let programs =
            self.venv.is_ready() && self.program.exists() && self.spec.is_ready() && has_rust_src();
        programs && self.crates.are_there()
    }

    /// Finds out what would stop it before anything that takes minutes begins.
    fn can_be_made(&self) -> Outcome {
        if self.venv.is_ready() {
            Ok(())
        } else {
            Venv::can_be_made()
        }
    }

    /// Makes those that are missing: the kernel, which takes longest, beside the others. The first that fails ends what
    /// runs beside it.
    fn make(&self, steps: &Steps) -> Outcome {
        let _lock = Lock::take(
            &self.root.join(".lab/setup.lock"),
            "sets up this laboratory",
            steps,
        )?;
        let failure = OnceLock::new();
        let attempt = |made: Outcome| {
            if let Err(error) = made {
                // The second is only of what was stopped because of the first.
                _ = failure.set(error.to_string());
                steps.stop();
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| attempt(self.make_kernel(steps)));
            attempt(self.make_environment(steps));
        });
        if let Some(error) = failure.into_inner() {
            return Err(error.into());
        }
        if !self.spec.is_ready() {
            self.spec.write()?;
        }
        Ok(())
    }

    fn make_kernel(&self, steps: &Steps) -> Outcome {
        if self.program.exists() {
            Ok(())
        } else {
            evcxr::build(steps)
        }
    }

    fn make_environment(&self, steps: &Steps) -> Outcome {
        if !has_rust_src() {
            evcxr::add_rust_src(steps)?;
        }
        if !self.crates.are_there() {
            self.crates.download(steps)?;
        }
        if !self.venv.is_ready() {
            self.venv.make(steps)?;
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
    let state = |ready: bool, path: String| {
        (
            ready,
            if ready {
                path
            } else {
                format!("not there; {todo}")
            },
        )
    };
    let mut lines = Vec::new();
    if let Some(root) = Lab::root().ok()
        && let Ok(pieces) = Pieces::of(&root)
    {
        let (ready, text) = state(
            pieces.venv.is_ready(),
            root.join(".lab/venv").display().to_string(),
        );
        lines.push(("JupyterLab", ready, text));
        let packages = "all that cells are compiled from, so no network is needed".to_owned();
        let (ready, text) = state(pieces.crates.are_there(), packages);
        lines.push(("Packages", ready, text));
        let (ready, text) = state(
            pieces.program.exists(),
            pieces.program.display().to_string(),
        );
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
    let remedy =
        "`cargo lab clean --keep-data`, then `cargo lab setup`, makes the environment anew";
    SetupError::new(format!("{what} cannot be started: {error}"), remedy).into()
}
