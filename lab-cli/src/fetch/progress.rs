//! How far a fetch has come: a bar on a terminal, one plain line for each stage anywhere else.

use std::io::{self, IsTerminal, Read};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Reports on standard error; can be shared between threads.
pub struct Progress {
    bar: ProgressBar,
    lines: bool,
}

impl Progress {
    /// A bar when standard error is a terminal, lines otherwise.
    pub fn stderr() -> Self {
        Self::beside(&MultiProgress::with_draw_target(
            ProgressDrawTarget::stderr(),
        ))
    }

    /// The same, under the bars that are shown already.
    pub fn beside(bars: &MultiProgress) -> Self {
        if io::stderr().is_terminal() {
            let bar = bars.add(ProgressBar::no_length());
            bar.enable_steady_tick(Duration::from_millis(200));
            Self { bar, lines: false }
        } else {
            Self {
                bar: ProgressBar::hidden(),
                lines: true,
            }
        }
    }

    /// Says nothing.
    pub fn silent() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            lines: false,
        }
    }

    /// A new stage that lasts for so many bytes, or for nobody knows how many.
    pub fn stage(&self, message: &str, bytes: Option<u64>) {
        if self.lines {
            eprintln!("{message}");
        }
        self.quick_stage(message, bytes);
    }

    /// A stage so short that it is worth a bar, but not a line.
    pub fn quick_stage(&self, message: &str, bytes: Option<u64>) {
        let counts = match bytes {
            Some(_) => {
                "[{bar:30}] {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left"
            }
            None => "{spinner} {decimal_bytes}, {decimal_bytes_per_sec}, {elapsed} so far",
        };
        if let Ok(style) = ProgressStyle::with_template(&format!("{{msg}}\n{counts}")) {
            self.bar.set_style(style.progress_chars("=> "));
        }
        match bytes {
            Some(bytes) => self.bar.set_length(bytes),
            None => self.bar.unset_length(),
        }
        self.bar.reset();
        self.bar.set_message(message.to_owned());
    }

    /// So many bytes more.
    pub fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// So many bytes in all.
    pub fn reached(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }

    /// A line that stays.
    pub fn note(&self, message: &str) {
        if self.lines {
            eprintln!("{message}");
        } else {
            self.bar.println(message);
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Counts what is read from `source`.
    pub fn count<R: Read>(&self, source: R) -> Counted<'_, R> {
        Counted {
            source,
            progress: self,
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A reader whose bytes move the bar.
pub struct Counted<'p, R> {
    source: R,
    progress: &'p Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.progress.advance(n as u64);
        Ok(n)
    }
}
