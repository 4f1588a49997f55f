//! The other frameworks: what they need, and how each is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use lab_core::compute::Instructions;

use crate::Outcome;
use crate::setup::locks::Lock;
use crate::setup::steps::Steps;
use crate::setup::venv::Venv;

/// A program that trains the workload and is called as `PROGRAM ARGUMENTS… DATA EPOCHS BATCH [MODE]`.
pub struct System {
    pub name: String,
    /// The vector instructions that it is told to use, where it is ours.
    pub instructions: Option<Instructions>,
    program: PathBuf,
    before: Vec<PathBuf>,
    mode: Option<&'static str>,
    epochs: usize,
}

impl System {
    /// Our own, in this program, with these instructions.
    ///
    /// # Errors
    /// Where the system does not say where this program is.
    pub fn ours(instructions: Instructions) -> Outcome<Self> {
        let (name, before) = (
            format!("{OURS}, {instructions}"),
            vec![PathBuf::from("workload")],
        );
        let (program, instructions) = (std::env::current_exe()?, Some(instructions));
        Ok(Self {
            name,
            instructions,
            program,
            before,
            mode: None,
            epochs: EPOCHS,
        })
    }

    pub fn command(&self, data: &Path, batch: usize) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.before)
            .arg(data)
            .args([self.epochs, batch].map(|number| number.to_string()))
            .args(self.mode)
            .envs(
                self.instructions
                    .map(|path| ("LAB_INSTRUCTIONS", path.to_string())),
            );
        command
    }
}

pub const OURS: &str = "this lab";

/// Epochs in a run.
const EPOCHS: usize = 3;

const PYTHON: [(&str, &str, &str); 4] = [
    ("PyTorch, eager", "peer_torch.py", "eager"),
    ("PyTorch, compiled", "peer_torch.py", "compile"),
    ("Keras on JAX", "peer_keras.py", "jax"),
    ("Keras on TensorFlow", "peer_keras.py", "tensorflow"),
];

/// candle's first epoch is like its second, and each takes the better part of a minute.
const RUST: [(&str, &str, &str, usize); 2] = [
    ("burn", "burn", "peer-burn", EPOCHS),
    ("candle", "candle", "peer-candle", 1),
];

/// Installs or builds what is missing below `.lab/peers`, with progress.
///
/// # Errors
/// With the piece that cannot be had.
pub fn set_up(root: &Path, steps: &Steps) -> Outcome<Vec<System>> {
    let (home, sources) = (root.join(".lab/peers"), root.join("tools/peers"));
    let title = "Python packages: PyTorch, Keras, TensorFlow, JAX";
    let venv = Venv::new(
        title,
        home.join("venv"),
        sources.join("python/requirements.txt"),
    )?;
    let _lock = Lock::take(
        &root.join(".lab/setup.lock"),
        "sets up this laboratory",
        steps,
    )?;
    if !venv.is_ready() {
        steps.note(
            "The other frameworks are about 3 GB to fetch and 7 GB in .lab/peers; `cargo lab clean` removes them",
        );
        venv.make(steps)?;
    }
    let mut systems = Vec::new();
    for (name, script, mode) in PYTHON {
        let before = vec![sources.join("python").join(script)];
        let (name, program) = (name.to_owned(), venv.python());
        systems.push(System {
            name,
            instructions: None,
            program,
            before,
            mode: Some(mode),
            epochs: EPOCHS,
        });
    }
    for (name, folder, binary, epochs) in RUST {
        let program = build(root, folder, binary, steps)?;
        let name = name.to_owned();
        systems.push(System {
            name,
            instructions: None,
            program,
            before: Vec::new(),
            mode: None,
            epochs,
        });
    }
    Ok(systems)
}

/// Builds the Rust program in a folder of `tools/peers`, which stands outside of the workspace.
///
/// # Errors
/// Where it cannot be built.
pub fn build(root: &Path, folder: &str, binary: &str, steps: &Steps) -> Outcome<PathBuf> {
    let (manifest, target) = (
        root.join("tools/peers").join(folder).join("Cargo.toml"),
        root.join(".lab/peers/target"),
    );
    let mut build = Command::new("cargo");
    build
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target);
    let remedy = "check the network connection, then run it again";
    let shown = |line: &str| line.trim().strip_prefix("Compiling ").map(str::to_owned);
    steps.run(&format!("Building {binary}"), &mut build, remedy, shown)?;
    Ok(target.join("release").join(binary))
}
