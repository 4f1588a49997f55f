//! Runs one notebook through `run.py`, from its first event to its last.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use super::event::{Event, Times};
use super::notebooks::Notebook;
use super::watch::{Screen, Watch};
use crate::Outcome;
use crate::setup::Environment;

/// A Python script of ours in its environment: what a user has set up for Jupyter elsewhere does not reach it.
pub fn script(environment: &Environment, name: &str) -> Command {
    let mut command = Command::new(&environment.python);
    let jupyter = environment.root.join(".lab").join("jupyter");
    command
        .arg(environment.root.join("lab-cli").join("python").join(name))
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("JUPYTER_PLATFORM_DIRS", "1")
        .env("JUPYTER_PREFER_ENV_PATH", "1")
        .env("JUPYTER_CONFIG_DIR", jupyter.join("config"))
        .env("JUPYTER_RUNTIME_DIR", jupyter.join("runtime"));
    command
}

/// The scripts that run: each ends, and its kernel with it, when its standard input is closed, so also when this program
/// ends in any way.
#[derive(Default)]
pub struct Alive(Mutex<Pipes>);

#[derive(Default)]
struct Pipes {
    open: Vec<(u32, ChildStdin)>,
    ended: bool,
}

impl Alive {
    /// Ends all that run, and whatever is started from now on.
    pub fn end_all(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Pipes {
            open: Vec::new(),
            ended: true,
        };
    }

    fn keep(&self, script: u32, pipe: Option<ChildStdin>) {
        let mut pipes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !pipes.ended {
            pipes.open.extend(pipe.map(|pipe| (script, pipe)));
        }
    }

    fn forget(&self, script: u32) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .open
            .retain(|(open, _)| *open != script);
    }
}

/// Runs a notebook in a new kernel, in the folder that it lies in, and writes it with its outputs to `executed`;
/// `on_first_cell` is called when its first cell has ended.
///
/// # Errors
/// Where a cell fails, with the notebook and the cell.
pub fn run(
    environment: &Environment,
    notebook: &Notebook,
    executed: &Path,
    sample: bool,
    screen: &Screen,
    alive: &Alive,
    on_first_cell: impl Fn(),
) -> Outcome<Times> {
    let mut command = script(environment, "run.py");
    command
        .arg(&notebook.path)
        .arg(executed)
        .current_dir(notebook.path.parent().unwrap_or(Path::new(".")));
    match sample {
        true => command.env("LAB_SCALE", "sample"),
        false => command.env_remove("LAB_SCALE"),
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    alive.keep(child.id(), child.stdin.take());
    let (events, errors) = (child.stdout.take(), child.stderr.take());
    let (send, last_words) = mpsc::channel();
    std::thread::spawn(move || send.send(last_lines(errors)));

    let mut watch = Watch::new(screen, &notebook.name);
    let mut end = None;
    for line in events
        .into_iter()
        .flat_map(|pipe| BufReader::new(pipe).lines())
    {
        let event: Event = serde_json::from_str(&line?)?;
        watch.event(&event);
        if matches!(event, Event::End { number: 1, .. }) {
            on_first_cell();
        }
        if matches!(event, Event::Done(_) | Event::Failed(_)) {
            end = Some(event);
        }
    }
    let status = child.wait()?;
    alive.forget(child.id());
    drop(watch);
    match end {
        Some(Event::Done(times)) if status.success() => Ok(times),
        Some(Event::Failed(failure)) => Err(format!("{}: {failure}", notebook.name).into()),
        _ => {
            // A kernel that outlived the script may hold its standard error open.
            let words = last_words
                .recv_timeout(Duration::from_secs(2))
                .unwrap_or_default();
            let remedy = "`cargo lab setup` says what is missing";
            Err(format!(
                "{}: run.py ended with {status}\n{words}\n  what to do: {remedy}",
                notebook.name
            )
            .into())
        }
    }
}

/// The end of what a script and its kernel wrote to standard error.
pub fn last_lines(pipe: Option<impl Read>) -> String {
    let mut text = Vec::new();
    // What cannot be read is not shown.
    _ = pipe.map(|mut pipe| pipe.read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..]
        .iter()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_an_error_are_kept() {
        let text: String = (0..30).map(|i| format!("line {i}\n")).collect();
        let last = last_lines(Some(text.as_bytes()));
        assert!(
            last.starts_with("  line 10\n") && last.ends_with("\n  line 29"),
            "{last}"
        );
        assert_eq!(last_lines(None::<&[u8]>), "");
    }
}
