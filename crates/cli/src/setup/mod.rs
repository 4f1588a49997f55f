//! Everything that the notebooks need beyond Rust: what is missing is fetched, made or built, and nothing is done twice.
//!
//! Each piece is checked cheaply and first, without a lock. What is unfinished never looks finished: the Python
//! environment gets its stamp last, the kernel is built beside its place and renamed.

pub mod evcxr;
pub mod venv;

mod crates;

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use lab_core::LabError;
use lab_notebook::lab::Lab;
use sha2::{Digest, Sha256};

use crate::fetch;
use crate::files::{Lock, hexadecimal};
use crate::terminal::{Screen, say};
use crate::{Outcome, error};
use crates::Crates;
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

/// Where notebooks run.
pub struct Environment {
    /// The folder of the laboratory.
    pub root: PathBuf,
    /// The Python of its environment.
    pub python: PathBuf,
    /// Why the data set is not there, where it was asked for.
    pub without_data: Option<String>,
}

/// What to do where a file of ours cannot be written.
const CHECK_LAB: &str = "check the permissions of the folder `.lab`";

/// `cargo lab setup`.
///
/// # Errors
/// As [`ensure`], and where the data set cannot be had.
pub fn run(arguments: &SetupArgs) -> Outcome {
    let started = Instant::now();
    let environment = ensure(!arguments.sample)?;
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

/// The Python environment alone, made where it is missing: enough for pages, but no notebook can run.
///
/// # Errors
/// As for [`ensure`].
pub fn ensure_python() -> Outcome<Environment> {
    let (root, screen) = (laboratory()?, Screen::stderr());
    let venv = Venv::of(&root)?;
    if !venv.is_ready() {
        let lock = root.join(".lab/setup.lock");
        let _lock = Lock::take(&lock, screen.wait("sets up this laboratory"))?;
        venv.make(&screen)?;
    }
    Ok(Environment {
        root,
        python: venv.python(),
        without_data: None,
    })
}

/// The folder of the laboratory, on a system on which notebooks work.
fn laboratory() -> Outcome<PathBuf> {
    if cfg!(not(unix)) {
        let remedy = "on Windows, use WSL; `cargo lab train` works without";
        return Err(error("the notebooks need Linux or macOS", remedy));
    }
    Ok(Lab::root()?)
}

/// Does what is missing of set-up, with progress, from any folder of the laboratory. The data set, where it is needed, is
/// fetched meanwhile; that it cannot be had is no error here, since everything works on the built-in sample too.
///
/// # Errors
/// With the piece that does not work and what to do about it.
pub fn ensure(with_data: bool) -> Outcome<Environment> {
    let root = laboratory()?;
    let pieces = Pieces::of(&root)?;
    let screen = Screen::stderr();
    let ready = pieces.list().iter().all(|(_, ready, _)| *ready);
    if !ready && !pieces.venv.is_ready() {
        // What would stop it is found before anything that takes minutes begins.
        venv::find_python()?;
    }
    let (data, mut without_data) = (root.join("data"), None);
    std::thread::scope(|scope| {
        if with_data {
            scope.spawn(|| without_data = fetch::ensure(&data, &screen).err());
        }
        if ready { Ok(()) } else { pieces.make(&screen) }
    })?;
    let python = pieces.venv.python();
    Ok(Environment {
        root,
        python,
        without_data: without_data.map(|error| error.to_string()),
    })
}

/// The parts of set-up but for the data set.
pub struct Pieces {
    root: PathBuf,
    crates: Crates,
    venv: Venv,
    program: PathBuf,
    /// What the kernel spec is to say.
    spec: String,
}

impl Pieces {
    /// Those of the laboratory in `root`.
    ///
    /// # Errors
    /// Where the laboratory is not whole, or the user has no home.
    pub fn of(root: &Path) -> Outcome<Self> {
        let (venv, program) = (Venv::of(root)?, evcxr::program()?);
        Ok(Self {
            root: root.to_owned(),
            crates: Crates::of(root),
            spec: evcxr::spec(root, &venv.python(), &program),
            venv,
            program,
        })
    }

    /// The name of each, whether it is ready, and where or what it is.
    pub fn list(&self) -> [(&'static str, bool, String); 5] {
        let (python, program) = (self.venv.python(), self.program.display());
        let packages = "all that cells are compiled from, so no network is needed";
        let piece = |name, ready, what: &dyn Display| (name, ready, what.to_string());
        [
            piece("JupyterLab", self.venv.is_ready(), &python.display()),
            piece("Packages", self.crates.are_there(), &packages),
            piece("Rust kernel", self.program.exists(), &program),
            piece("rust-src", has_rust_src(), &"the component is installed"),
            piece("Kernel spec", self.has_spec(), &"`Rust` in .lab/venv"),
        ]
    }

    fn has_spec(&self) -> bool {
        let file = evcxr::spec_file(&self.root);
        fs::read_to_string(file).is_ok_and(|text| text == self.spec)
    }

    /// Makes those that are missing: the kernel, which takes longest, beside the others. The first that fails ends what
    /// runs beside it.
    fn make(&self, screen: &Screen) -> Outcome {
        let lock = self.root.join(".lab/setup.lock");
        let _lock = Lock::take(&lock, screen.wait("sets up this laboratory"))?;
        let failure = OnceLock::new();
        let attempt = |made: Outcome| {
            if let Err(error) = made {
                // A second one was only stopped because of the first.
                _ = failure.set(error);
                screen.stop();
            }
        };
        std::thread::scope(|scope| {
            if !self.program.exists() {
                scope.spawn(|| attempt(evcxr::build(screen)));
            }
            attempt(self.make_environment(screen));
        });
        match failure.into_inner() {
            Some(error) => Err(error),
            None if self.has_spec() => Ok(()),
            None => evcxr::write_spec(&self.root, &self.program, &self.spec),
        }
    }

    fn make_environment(&self, screen: &Screen) -> Outcome {
        if !has_rust_src() {
            evcxr::add_rust_src(screen)?;
        }
        if !self.crates.are_there() {
            self.crates.download(screen)?;
        }
        if !self.venv.is_ready() {
            self.venv.make(screen)?;
        }
        Ok(())
    }
}

fn has_rust_src() -> bool {
    evcxr::rust_src().is_some_and(|path| path.is_dir())
}

/// A line with the name and the SHA-256 of a file, for the stamp of what was made from it.
fn stamp(path: &Path) -> Outcome<String> {
    let remedy = "get it back with `git checkout`";
    let text = fs::read(path).map_err(|error| LabError::io("read", path, error, remedy))?;
    let sum = hexadecimal(Sha256::new_with_prefix(text));
    let name = path.file_name().unwrap_or_default().display();
    Ok(format!("{name} {sum}\n"))
}
