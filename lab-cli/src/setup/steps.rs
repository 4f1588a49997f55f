//! What set-up is doing, for how long, and the programs that it runs meanwhile.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::Outcome;
use crate::fetch::Progress;

/// A piece of set-up that does not work: what failed, what was said, and what to do.
#[derive(thiserror::Error)]
#[error("{what}{said}\n  what to do: {remedy}")]
pub struct SetupError {
    what: String,
    said: String,
    remedy: String,
}

impl SetupError {
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            said: String::new(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Debug for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Reports on standard error: a moving line for each step on a terminal, lines that stay anywhere else.
pub struct Steps {
    terminal: bool,
    bars: MultiProgress,
    /// Whether the programs that run are to be ended, because one beside them has failed.
    stopped: AtomicBool,
}

/// How many of the last lines of a program are kept for the message when it fails.
const KEPT: usize = 12;

/// How often a line is written where no terminal shows a moving one.
const PATIENCE: Duration = Duration::from_secs(30);

impl Steps {
    pub fn stderr() -> Self {
        Self {
            terminal: io::stderr().is_terminal(),
            bars: MultiProgress::new(),
            stopped: AtomicBool::new(false),
        }
    }

    /// A line that stays.
    pub fn note(&self, text: &str) {
        self.bars.suspend(|| eprintln!("{text}"));
    }

    /// A bar for a download beside these steps.
    pub fn progress(&self) -> Progress {
        Progress::beside(&self.bars)
    }

    /// Ends the programs that run beside a step that has failed.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Waits for the end of a program, or ends it when another step has failed.
    fn wait(&self, child: &mut Child) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if self.stopped.load(Ordering::Relaxed) {
                child.kill()?;
                return child.wait();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs a program to its end as the step `title`; `progress` makes of each line it prints what is to be shown, if
    /// anything.
    ///
    /// # Errors
    /// Where it cannot be started or fails, with its last lines and `remedy`.
    pub fn run(
        &self,
        title: &str,
        command: &mut Command,
        remedy: &str,
        progress: impl FnMut(&str) -> Option<String> + Send,
    ) -> Outcome {
        let started = Instant::now();
        let bar = self.bar(title);
        let program = command.get_program().display().to_string();
        let cannot_start = |error: io::Error| {
            SetupError::new(format!("{title}: cannot start {program}: {error}"), remedy)
        };
        command.env("RUST_BACKTRACE", "0");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(cannot_start)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let last = Mutex::new(VecDeque::new());
        let show = Mutex::new((progress, Instant::now()));
        let read = |stream: Option<Box<dyn Read + Send>>| {
            for line in stream
                .into_iter()
                .flat_map(|stream| BufReader::new(stream).split(b'\n'))
                .map_while(Result::ok)
            {
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                let (Ok(mut show), Ok(mut last)) = (show.lock(), last.lock()) else {
                    return;
                };
                if let Some(text) = show.0(&line) {
                    bar.set_message(format!("{title}: {text}"));
                    if !self.terminal && show.1.elapsed() > PATIENCE {
                        show.1 = Instant::now();
                        eprintln!("{title}: {text}, {} s", started.elapsed().as_secs());
                    }
                }
                if last.len() == KEPT {
                    last.pop_front();
                }
                last.push_back(line);
            }
        };
        let status = std::thread::scope(|scope| {
            scope.spawn(|| read(stdout.map(|stream| Box::new(stream) as _)));
            scope.spawn(|| read(stderr.map(|stream| Box::new(stream) as _)));
            self.wait(&mut child)
        });
        bar.finish_and_clear();
        let status = status.map_err(cannot_start)?;
        if !status.success() {
            let said = last.into_inner().unwrap_or_default();
            let said = said
                .into_iter()
                .fold(String::new(), |text, line| text + "\n    " + &line);
            let what = format!("{title}: {program} failed ({status}) and said");
            return Err(SetupError {
                what,
                said,
                remedy: remedy.to_owned(),
            }
            .into());
        }
        self.note(&format!(
            "{title}: done in {:.0} s",
            started.elapsed().as_secs_f64()
        ));
        Ok(())
    }

    fn bar(&self, title: &str) -> ProgressBar {
        if !self.terminal {
            eprintln!("{title} …");
            return ProgressBar::hidden();
        }
        let bar = self.bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(title.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}
