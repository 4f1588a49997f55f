//! What is shown while something is at work, and the programs that run meanwhile.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{Outcome, error};

/// As `println!`, without its panic when standard output is closed: `cargo lab evaluate RUN | head`.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        _ = writeln!(std::io::stdout(), $($text)*);
    }};
}
pub(crate) use say;

/// Standard error: a moving line for each thing at work on a terminal, lines that stay anywhere else.
#[derive(Default)]
pub struct Screen {
    bars: MultiProgress,
    silent: bool,
    /// Whether the programs that run are to be ended, because one beside them has failed.
    stopped: AtomicBool,
}

/// How many of the last lines of a program are kept for the message when it fails.
const KEPT: usize = 16;

/// How often a line is written where no terminal shows a moving one.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a running program is looked at.
const TICK: Duration = Duration::from_millis(20);

impl Screen {
    pub fn stderr() -> Self {
        Self::default()
    }

    /// Shows nothing.
    pub fn silent() -> Self {
        Self {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            silent: true,
            ..Self::default()
        }
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
        if !self.silent {
            self.bars.suspend(|| eprintln!("{text}"));
        }
    }

    /// Says for which process this one waits, as a lock asks when it is taken; `work` is what that one does.
    pub fn wait(&self, work: &str) -> impl Fn(&str) -> Outcome {
        move |holder| {
            let me = std::process::id();
            self.line(&format!("process {me} waits for {holder}, which {work}"));
            Ok(())
        }
    }

    /// A line where there is no terminal to show a moving one.
    pub fn plain_line(&self, text: &str) {
        if self.bars.is_hidden() {
            self.line(text);
        }
    }

    /// A bar as of [`Screen::bytes`], with a line where there is no terminal.
    pub fn stage(&self, message: &str, total: Option<u64>) -> ProgressBar {
        self.plain_line(message);
        self.bytes(message, total)
    }

    /// A bar for so many bytes, or for an unknown number; it goes when it is dropped.
    pub fn bytes(&self, message: &str, total: Option<u64>) -> ProgressBar {
        let counts = match total {
            Some(_) => "[{bar:30}] {decimal_bytes} of {decimal_total_bytes}, {eta} left",
            None => "{spinner} {decimal_bytes}, {decimal_bytes_per_sec}, {elapsed} so far",
        };
        let bar = self.bar(&format!("{{msg}}\n{counts}"), message);
        total.iter().for_each(|&bytes| bar.set_length(bytes));
        bar
    }

    fn bar(&self, template: &str, message: &str) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::no_length());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(message.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Ends the programs that run, because something beside them has failed.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Runs a program to its end as the step `title`; `show` makes of each line it prints what is to be shown, if anything.
    ///
    /// # Errors
    /// Where it cannot be started or fails, with its last lines and `remedy`.
    pub fn run(
        &self,
        title: &str,
        command: &mut Command,
        remedy: &str,
        show: impl FnMut(&str) -> Option<String>,
    ) -> Outcome {
        self.run_while(title, command, remedy, show, || Ok(()))
    }

    /// As [`Screen::run`]; the program is ended when `check`, which is asked many times a second, gives a reason.
    ///
    /// # Errors
    /// As [`Screen::run`], and with that reason.
    pub fn run_while(
        &self,
        title: &str,
        command: &mut Command,
        remedy: &str,
        mut show: impl FnMut(&str) -> Option<String>,
        mut check: impl FnMut() -> Result<(), String>,
    ) -> Outcome {
        let begun = Instant::now();
        self.plain_line(&format!("{title} …"));
        let bar = self.bar("{spinner} {wide_msg} {elapsed}", title);
        let program = command.get_program().display().to_string();
        let failed = |what: String| error(format!("{title}: {what}"), remedy);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("cannot start {program}: {error}")))?;
        let lines = lines_of(&mut child);
        let (mut last, mut told, mut quiet) = (VecDeque::new(), Instant::now(), 0);
        let mut deadline = None;
        loop {
            match lines.recv_timeout(TICK) {
                Ok(line) => {
                    if let Some(text) = show(&line) {
                        bar.set_message(format!("{title}: {text}"));
                        if told.elapsed() > PATIENCE {
                            told = Instant::now();
                            let seconds = begun.elapsed().as_secs();
                            self.plain_line(&format!("{title}: {text}, {seconds} s"));
                        }
                    }
                    if last.len() == KEPT {
                        last.pop_front();
                    }
                    last.push_back(line);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    if self.stopped.load(Ordering::Relaxed) {
                        let until = deadline.get_or_insert_with(|| close(&mut child));
                        if Instant::now() >= *until {
                            child.kill()?;
                        }
                    }
                    if let Err(reason) = check() {
                        child.kill()?;
                        child.wait()?;
                        return Err(failed(reason));
                    }
                    // What the program has started may outlive it and hold its streams open.
                    quiet += usize::from(child.try_wait()?.is_some());
                    if quiet > 50 {
                        break;
                    }
                }
            }
        }
        let status = child.wait()?;
        drop(bar);
        if !status.success() {
            let said: String = last.iter().map(|line| format!("\n    {line}")).collect();
            let what = format!("{program} failed ({status}) and said{said}");
            return Err(failed(what));
        }
        let seconds = begun.elapsed().as_secs_f64();
        self.line(&format!("{title}: done in {seconds:.0} s"));
        Ok(())
    }
}

/// Closes what a program reads from us, so that it can end what it has started, and says when its time is up.
fn close(child: &mut Child) -> Instant {
    let patience = child.stdin.take().map_or(0, |_| 5);
    Instant::now() + Duration::from_secs(patience)
}

/// What a program prints on both streams, line by line.
fn lines_of(child: &mut Child) -> Receiver<String> {
    fn read(stream: impl Read + Send + 'static, lines: Sender<String>) {
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
    }
    let (send, lines) = channel();
    if let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) {
        read(stdout, send.clone());
        read(stderr, send);
    }
    lines
}

/// What a program prints, or nothing when it is not there or fails.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    let output = command.args(arguments).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> String {
        let mut command = Command::new("sh");
        let ran = Screen::stderr().run("A step", command.args(["-c", script]), "ask", |_| None);
        ran.err().map_or(String::new(), |error| error.to_string())
    }

    #[test]
    fn a_program_that_fails_is_quoted_with_its_last_lines_and_the_remedy() {
        assert_eq!(run("echo fine"), "");
        let error =
            run("for i in $(seq 30); do echo line $i; done; sleep 0.2; echo bad >&2; exit 3");
        assert!(
            !error.contains("line 10\n") && error.contains("line 30"),
            "{error}"
        );
        assert!(
            error.starts_with("A step: sh failed (exit status: 3) and said"),
            "{error}"
        );
        assert!(
            error.contains("bad") && error.ends_with("\n  what to do: ask"),
            "{error}"
        );
    }

    #[test]
    fn a_stop_closes_what_a_program_reads_and_ends_one_that_reads_nothing() {
        for (script, stdin) in [
            ("cat; exit 7", Stdio::piped()),
            ("exec sleep 60", Stdio::null()),
        ] {
            let (screen, begun) = (Screen::stderr(), Instant::now());
            screen.stop();
            let mut command = Command::new("sh");
            command.args(["-c", script]).stdin(stdin);
            let error = screen
                .run("A step", &mut command, "ask", |_| None)
                .unwrap_err();
            assert!(begun.elapsed() < Duration::from_secs(30), "{error}");
        }
    }
}
