//! One run of a program that trains, seen from outside.

use std::io::{BufRead, BufReader, Read, Seek};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::workload::Line;
use crate::Outcome;
use crate::setup::steps::SetupError;

/// What one run showed.
#[derive(Clone, Debug)]
pub struct Measured {
    /// From the start of the process to the end of its first epoch, in seconds.
    pub first_epoch: f64,
    /// Seconds of each epoch by the program's own clock.
    pub epochs: Vec<f64>,
    /// The largest resident set.
    pub peak_memory_mb: f64,
}

impl Measured {
    /// The epochs after the first, in which nothing is compiled or read any more; the first where there is no other.
    pub fn steady(&self) -> &[f64] {
        &self.epochs[usize::from(self.epochs.len() > 1)..]
    }
}

/// Runs a program to its end; `name` stands for it in errors.
///
/// # Errors
/// Where it cannot be started, fails, or prints something else.
pub fn measure(name: &str, command: &mut Command) -> Outcome<Measured> {
    let remedy = "run the program by itself to see more: tools/peers/README.md says how";
    let failed = |what: String| SetupError::new(format!("{name}: {what}"), remedy);
    let mut errors = tempfile::tempfile()?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors.try_clone()?);
    let start = Instant::now();
    let mut child = command
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}")))?;
    let mut measured = Measured {
        first_epoch: f64::NAN,
        epochs: Vec::new(),
        peak_memory_mb: f64::NAN,
    };
    let mut stray = None;
    for line in child
        .stdout
        .take()
        .into_iter()
        .flat_map(|stream| BufReader::new(stream).lines())
        .map_while(Result::ok)
    {
        match serde_json::from_str(&line) {
            Ok(Line::Epoch { seconds, .. }) => {
                if measured.epochs.is_empty() {
                    measured.first_epoch = start.elapsed().as_secs_f64();
                }
                measured.epochs.push(seconds);
            }
            Ok(Line::End { peak_memory_mb }) => measured.peak_memory_mb = peak_memory_mb,
            Err(_) => stray = stray.or(Some(line)),
        }
    }
    let status = child.wait()?;
    if !status.success() || measured.epochs.is_empty() || measured.peak_memory_mb.is_nan() {
        let mut said = String::new();
        errors.rewind()?;
        errors.read_to_string(&mut said)?;
        let last: Vec<&str> = said.lines().rev().take(8).collect();
        let last = last
            .into_iter()
            .rev()
            .chain(stray.as_deref())
            .collect::<Vec<_>>()
            .join("\n    ");
        return Err(failed(format!("ended with {status} and said\n    {last}")).into());
    }
    Ok(measured)
}

/// Seconds of a steady epoch: the median over all of some runs.
pub fn epoch(runs: &[Measured]) -> f64 {
    median(runs.iter().flat_map(Measured::steady).copied())
}

/// The middle one of some numbers, the mean of the two middle ones where they are even; NaN of none.
pub fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = numbers.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (count, half) if count % 2 == 1 => sorted[half],
        (_, half) => (sorted[half - 1] + sorted[half]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Outcome<Measured> {
        measure("a program", Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn lines_of_a_program_become_its_times() {
        let epoch = r#"echo '{"epoch": 1, "seconds": 2.5, "loss": 2.1, "accuracy": 0.2}'"#;
        let measured = shell(&format!(
            r#"{epoch}; {epoch}; echo '{{"peak_memory_mb": 12}}'"#
        ))
        .unwrap();
        assert_eq!(
            (
                measured.epochs.len(),
                measured.steady(),
                measured.peak_memory_mb
            ),
            (2, &[2.5][..], 12.0)
        );
        assert!(measured.first_epoch < 2.0);
    }

    #[test]
    fn a_program_that_fails_is_quoted() {
        let error = shell("echo 'out of luck' >&2; exit 3")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("a program") && error.contains("out of luck"),
            "{error}"
        );
        assert!(
            shell("echo hello")
                .unwrap_err()
                .to_string()
                .contains("hello")
        );
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(
            (median([3.0, 1.0, 2.0]), median([4.0, 1.0, 2.0, 3.0])),
            (2.0, 2.5)
        );
        assert!(median([]).is_nan());
    }
}
