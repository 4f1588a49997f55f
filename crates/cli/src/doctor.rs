//! `cargo lab doctor`: what is installed, what is missing, how to mend it.

use lab_core::compute::Instructions;
use lab_notebook::lab::Lab;

use crate::fetch::{self, npm};
use crate::files::in_laboratory;
use crate::setup::Pieces;
use crate::setup::venv::find_python;
use crate::terminal::{Screen, output, say};
use crate::{Outcome, error};

/// Text for `--help`.
pub const AFTER_HELP: &str = "Examples:
  cargo lab doctor                       status 0 when training can start
  cargo lab doctor && cargo lab train    train only then";

/// Whether something is there, `FINE`, and in words what, or what to do.
type Finding = (&'static str, String);

const FINE: &str = "ok";
/// Not there, and not needed for training.
const OPTIONAL: &str = "optional";
const MISSING: &str = "missing";

/// Prints the table.
///
/// # Errors
/// When something is missing that training needs.
pub fn run() -> Outcome {
    let (rust, processor, data_set) = (rust(), processor(), data_set());
    let mut findings = vec![("Rust", rust), ("Processor", processor)];
    findings.extend([("Data set", data_set), ("npm", npm()), ("Python", python())]);
    findings.extend(notebooks());
    let mut missing = 0;
    for (name, (status, text)) in &findings {
        say!("{name:<12}{status:<10}{text}");
        missing += usize::from(*status == MISSING);
    }
    if missing > 0 {
        let what = format!("{missing} of the lines above say `{MISSING}`");
        return Err(error(what, "each of them says it"));
    }
    Ok(())
}

fn rust() -> Finding {
    let from = "rustc is not found: install Rust from https://rustup.rs";
    let version = output("rustc", &["--version"]);
    version.map_or((MISSING, from.to_owned()), |version| (FINE, version))
}

fn processor() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let vectors = match Instructions::detect() {
        Instructions::Avx512 => "AVX-512",
        Instructions::Avx2 => "AVX2 and FMA",
        Instructions::Neon => "NEON",
        Instructions::Plain => {
            "no fused multiply-add (slower, and the last bits of weights differ from other processors')"
        }
    };
    let architecture = std::env::consts::ARCH;
    (FINE, format!("{architecture}, {vectors}, {cores} cores"))
}

fn data_set() -> Finding {
    match fetch::check(&in_laboratory("data"), &Screen::stderr()) {
        Ok(folder) => {
            let what = "60,000 images, six files verified, in";
            (FINE, format!("{what} {}", folder.display()))
        }
        Err(error) => {
            let error = error.to_string();
            let first = error.lines().next().unwrap_or_default();
            let how = "`cargo lab data` or the first training fetches it";
            (OPTIONAL, format!("{first}; {how}"))
        }
    }
}

fn npm() -> Finding {
    let from = "not found; a second source of the data set, from https://nodejs.org/en/download";
    let version = output(npm::CLIENT, &["--version"]);
    let there = |version| (FINE, format!("npm {version}"));
    version.map_or((OPTIONAL, from.to_owned()), there)
}

fn python() -> Finding {
    match find_python() {
        Ok((_, version)) => (FINE, format!("{version} with venv")),
        Err(error) => (OPTIONAL, error.to_string().replace("\n  what to do:", ";")),
    }
}

/// What the notebooks need; training does without.
fn notebooks() -> Vec<(&'static str, Finding)> {
    let pieces = Lab::root().ok().and_then(|root| Pieces::of(&root).ok());
    let pieces = pieces.iter().flat_map(|pieces| pieces.list());
    let missing = || "not there; `cargo lab setup` makes it".to_owned();
    let finding = |(name, ready, place)| match ready {
        true => (name, (FINE, place)),
        false => (name, (OPTIONAL, missing())),
    };
    pieces.map(finding).collect()
}
