//! The kernel spec inside the Python environment, by which JupyterLab and editors find the kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lab_core::LabError;
use serde_json::json;

use super::tools;
use crate::Outcome;

/// The kernel spec `rust` of an environment.
pub struct KernelSpec {
    folder: PathBuf,
    program: PathBuf,
    /// The content of its `kernel.json`.
    text: String,
}

impl KernelSpec {
    /// The one that starts `program` through the launcher of the laboratory in `root`.
    pub fn of(root: &Path, python: &Path, program: &Path) -> Self {
        let folder = root.join(".lab/venv/share/jupyter/kernels/rust");
        let launcher = root.join("lab-cli/python/launcher.py");
        let spec = json!({
            "argv": [python, "-I", launcher, program, "{connection_file}"],
            "display_name": "Rust",
            "language": "rust",
            "interrupt_mode": "message",
        });
        Self {
            folder,
            program: program.to_owned(),
            text: format!("{spec:#}\n"),
        }
    }

    /// Whether it is there and names what is there.
    pub fn is_ready(&self) -> bool {
        fs::read_to_string(self.folder.join("kernel.json")).is_ok_and(|text| text == self.text)
    }

    /// Writes it, the logos first.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self) -> Outcome {
        let failed = |error| {
            LabError::io(
                "write",
                &self.folder,
                error,
                "check the permissions of `.lab`",
            )
        };
        let kernels = self.folder.parent().unwrap_or(&self.folder);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let scratch = tempfile::tempdir_in(kernels).map_err(failed)?;
        // The program brings its logos, with files that are not needed. It works without them.
        let mut install = Command::new(&self.program);
        install
            .arg("--install")
            .env("JUPYTER_PATH", scratch.path())
            .stdin(Stdio::null());
        _ = install.stdout(Stdio::null()).stderr(Stdio::null()).status();
        for name in ["logo-32x32.png", "logo-64x64.png", "logo-LICENSE.md"] {
            _ = fs::copy(
                scratch.path().join("kernels/rust").join(name),
                self.folder.join(name),
            );
        }
        tools::write(&self.folder.join("kernel.json"), &self.text)
    }
}
