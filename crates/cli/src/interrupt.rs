//! Ctrl-C while a training runs: it ends after the current batch, and can be resumed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lab_core::Result;
use lab_core::training::{BatchRecord, Callback, Control};

use crate::{Outcome, error};

/// Interrupts the training when somebody presses Ctrl-C or the system ends the process.
pub struct CtrlC(Arc<AtomicBool>);

impl CtrlC {
    /// Begins to listen; a second Ctrl-C ends the process at once.
    ///
    /// # Errors
    /// Where the system does not let it listen.
    pub fn listen() -> Outcome<Self> {
        /// What shells report of a process that Ctrl-C has ended.
        const INTERRUPTED: i32 = 130;
        let asked = Arc::new(AtomicBool::new(false));
        let handler = Arc::clone(&asked);
        ctrlc::set_handler(move || {
            if handler.swap(true, Ordering::Relaxed) {
                std::process::exit(INTERRUPTED);
            }
        })?;
        Ok(Self(asked))
    }
}

impl Callback for CtrlC {
    fn on_batch_end(&mut self, _: &BatchRecord, control: &mut Control<'_>) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            control.interrupt();
        }
        Ok(())
    }
}

/// The end of a command whose training was interrupted.
///
/// # Errors
/// Always: where it was interrupted, and the command that resumes it.
pub fn end(epoch: usize) -> Outcome {
    let words = std::env::args().skip(1).filter(|word| word != "--resume");
    let words: Vec<String> = words.map(quoted).collect();
    let command = format!("cargo lab {} --resume", words.join(" "));
    let remedy = format!("go on after the last checkpoint with {command}");
    Err(error(format!("interrupted in epoch {epoch}"), remedy))
}

/// A word as a shell takes it.
fn quoted(word: String) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,@".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_where_a_shell_would_split_them() {
        for (word, expected) in [
            ("--epochs", "--epochs"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word.to_owned()), expected);
        }
    }
}
