//! `cargo lab doctor`: what is installed, what is missing, how to mend it.

use std::fmt;
use std::path::Path;

use lab_core::compute::Instructions;

use crate::fetch::{self, Progress};
use crate::laboratory::data_folder;
use crate::output::say;
use crate::setup::tools::{at_least, output};
use crate::setup::{self, venv};

/// Text for `--help`.
pub const AFTER_HELP: &str = "Examples:
  cargo lab doctor                       status 0 when training can start
  cargo lab doctor && cargo lab train    train only then";

/// Things that training needs are missing; how many.
#[derive(thiserror::Error)]
#[error("{0} of the lines above say `missing`\n  what to do: each of them says it")]
pub struct Missing(usize);

impl fmt::Debug for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A line of the table.
struct Finding {
    name: &'static str,
    status: Status,
    text: String,
}

enum Status {
    Fine,
    /// Not needed for training.
    Optional,
    Missing,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.status {
            Status::Fine => "ok",
            Status::Optional => "optional",
            Status::Missing => "missing",
        };
        write!(f, "{:<12}{status:<10}{}", self.name, self.text)
    }
}

/// Prints the table.
///
/// # Errors
/// When something is missing that training needs.
pub fn run() -> Result<(), Missing> {
    let data = data_folder(None);
    let mut findings = vec![rust(), processor(), data_set(&data)];
    findings.extend(disk(data.parent().unwrap_or(&data)));
    findings.extend([npm(), python()]);
    findings.extend(notebooks());
    for finding in &findings {
        say!("{finding}");
    }
    match findings
        .iter()
        .filter(|finding| matches!(finding.status, Status::Missing))
        .count()
    {
        0 => Ok(()),
        missing => Err(Missing(missing)),
    }
}

fn rust() -> Finding {
    let (status, text) = match output("rustc", &["--version"]) {
        Some(version) if at_least(&version, (1, 95)) => (Status::Fine, version),
        Some(version) => (
            Status::Missing,
            format!("{version}, but 1.95 is needed: `rustup update stable`"),
        ),
        None => (
            Status::Missing,
            "rustc is not found: install Rust from https://rustup.rs".to_owned(),
        ),
    };
    Finding {
        name: "Rust",
        status,
        text,
    }
}

fn processor() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let text = format!(
        "{}, {}, {cores} cores",
        std::env::consts::ARCH,
        vector_unit()
    );
    Finding {
        name: "Processor",
        status: Status::Fine,
        text,
    }
}

fn vector_unit() -> &'static str {
    match Instructions::detect() {
        Instructions::Avx512 => "AVX-512",
        Instructions::Avx2 => "AVX2 and FMA",
        Instructions::Neon => "NEON",
        Instructions::Plain => {
            "no fused multiply-add (slower, and the last bits of weights differ from other processors')"
        }
    }
}

fn data_set(data: &Path) -> Finding {
    let progress = Progress::stderr();
    let checked = fetch::check(data, &progress);
    drop(progress);
    let (status, text) = match checked {
        Ok(folder) => (
            Status::Fine,
            format!("60,000 images in {}, six files verified", folder.display()),
        ),
        Err(error) => {
            let text = format!(
                "{}; `cargo lab data` or the first training fetches it",
                error.reason()
            );
            (Status::Optional, text)
        }
    };
    Finding {
        name: "Data set",
        status,
        text,
    }
}

/// The space that is left for the data set while it is fetched, where the system can be asked.
fn disk(folder: &Path) -> Option<Finding> {
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let gigabytes = free_bytes(here)? as f64 / 1e9;
    let (status, advice) = if gigabytes < 0.5 {
        (Status::Missing, ", but 0.5 GB are needed: free some")
    } else {
        (Status::Fine, "")
    };
    Some(Finding {
        name: "Disk",
        status,
        text: format!("{gigabytes:.1} GB free{advice}"),
    })
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(folder).ok()?;
    space.f_bavail.checked_mul(space.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

fn npm() -> Finding {
    let (status, text) = match output(fetch::NPM, &["--version"]) {
        Some(version) => (Status::Fine, format!("npm {version}")),
        None => (
            Status::Optional,
            "not found; a second source of the data set, from https://nodejs.org/en/download"
                .to_owned(),
        ),
    };
    Finding {
        name: "npm",
        status,
        text,
    }
}

fn python() -> Finding {
    let (status, text) = match venv::find_python() {
        Ok(python) => (Status::Fine, format!("{} with venv", python.version)),
        Err(error) => (
            Status::Optional,
            error.to_string().replace("\n  what to do:", ";"),
        ),
    };
    Finding {
        name: "Python",
        status,
        text,
    }
}

/// What the notebooks need; training does without.
fn notebooks() -> impl Iterator<Item = Finding> {
    let status = |ready| {
        if ready {
            Status::Fine
        } else {
            Status::Optional
        }
    };
    setup::findings()
        .into_iter()
        .map(move |(name, ready, text)| Finding {
            name,
            status: status(ready),
            text,
        })
}
