//! Small things that several steps of set-up need.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use lab_core::LabError;

use crate::Outcome;

/// What a program prints, or nothing when it is not there or fails.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether the first version number in `text` is at least `least`, such as `(1, 95)`.
pub fn at_least(text: &str, least: (u32, u32)) -> bool {
    let number = |text: &str| {
        text.split(|c: char| !c.is_ascii_digit())
            .next()
            .and_then(|digits| digits.parse().ok())
    };
    let word = text
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let mut parts = word.unwrap_or_default().split('.').filter_map(number);
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= least
}

/// Writes a file whole or not at all.
///
/// # Errors
/// Where it cannot be written.
pub fn write(path: &Path, text: &str) -> Outcome {
    let partial = path.with_extension("partial");
    let written = || {
        let mut file = File::create(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    Ok(
        written()
            .map_err(|error| LabError::io("write", path, error, "check that there is room"))?,
    )
}

#[cfg(test)]
mod tests {
    use super::at_least;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(at_least("rustc 1.95.0 (f2d3ce0bd 2026-03-21)", (1, 95)));
        assert!(at_least("rustc 1.100.0-nightly", (1, 95)));
        assert!(!at_least("rustc 1.94.9", (1, 95)));
        assert!(!at_least("Python 3.9.18", (3, 10)));
        assert!(at_least("Python 3.10.2+", (3, 10)));
        assert!(at_least("Python 4.0", (3, 10)));
        assert!(!at_least("no number here", (1, 0)));
    }
}
