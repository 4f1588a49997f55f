//! Trials through HyperQueue: one job with a task for each trial. What came of them is in the sweep's folder, so
//! neither the workers nor the server need to be there all the time.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lab_core::files::write_whole;
use lab_core::{LabError, Result};
use serde_json::Value;

use crate::lead::Workers;
use crate::plan::Trial;

/// How often the server is asked.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server that the user has started, and the trials that it has.
pub struct HyperQueue {
    program: Vec<String>,
    tasks: PathBuf,
    /// Named after the sweep's folder: a sweep that was killed finds its job again.
    job: String,
    submitted: Vec<Trial>,
    asked: Instant,
    away: bool,
}

impl HyperQueue {
    /// Workers that start `program` with the number of a trial.
    ///
    /// # Errors
    /// Where there is no program `hq`, or no server answers it.
    pub fn new(program: Vec<String>, folder: &Path) -> Result<Self> {
        let workers = Self {
            program,
            tasks: folder.join("trials/tasks"),
            job: format!("sweep {}", folder.display()),
            submitted: Vec::new(),
            asked: Instant::now(),
            away: false,
        };
        workers.job().map(|_| workers)
    }

    /// The number of the newest job of this sweep, and whether it is at work; none where there is no job.
    fn job(&self) -> Result<Option<(u64, bool)>> {
        let jobs: Value = hq(&["--output-mode=json", "job", "list", "--all"])?;
        let jobs = jobs.as_array().into_iter().flatten();
        let own = jobs.filter(|job| job["name"] == self.job[..]);
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        let state = |job: &Value| {
            let tasks = &job["task_stats"];
            let live = number(&tasks["running"]) + number(&tasks["waiting"]) > 0;
            (number(&job["id"]), live)
        };
        Ok(own.map(state).max())
    }

    fn submit(&mut self, waiting: &mut VecDeque<Trial>) -> Result<()> {
        let lines: String = waiting.iter().map(|it| format!("{it}\n")).collect();
        write_whole(&self.tasks, |file| file.write_all(lines.as_bytes()))?;
        let script = "exec \"$0\" \"$@\" \"$HQ_ENTRY\"";
        let name = format!("--name={}", self.job);
        let tasks = format!("--each-line={}", self.tasks.display());
        let mut words = vec!["--output-mode=json", "submit", &name, &tasks];
        words.extend(["--stdout=none", "--stderr=none", "--", "sh", "-c", script]);
        words.extend(self.program.iter().map(|word| &word[..]));
        hq(&words)?;
        self.submitted.extend(waiting.drain(..));
        Ok(())
    }
}

impl Workers for HyperQueue {
    fn tend(&mut self, waiting: &mut VecDeque<Trial>) -> Result<Vec<Trial>> {
        if self.asked.elapsed() < PATIENCE {
            return Ok(Vec::new());
        }
        self.asked = Instant::now();
        let job = match self.job() {
            Ok(job) => job,
            Err(error) => {
                if !std::mem::replace(&mut self.away, true) {
                    eprintln!("waiting for the server to come back: {error}");
                }
                return Ok(Vec::new());
            }
        };
        self.away = false;
        match job {
            // Also one that a sweep has left which was killed: its tasks are trials of this one.
            Some((_, true)) => self.submitted.extend(waiting.drain(..)),
            Some((_, false)) if !self.submitted.is_empty() => {
                return Ok(std::mem::take(&mut self.submitted));
            }
            // Not yet submitted, or forgotten by a server that was started again without a journal.
            _ => {
                waiting.extend(self.submitted.drain(..));
                if !waiting.is_empty() {
                    self.submit(waiting)?;
                }
            }
        }
        Ok(Vec::new())
    }

    fn stop(&mut self) {
        if let Ok(Some((id, true))) = self.job() {
            _ = hq(&["job", "cancel", &id.to_string()]);
        }
    }
}

/// What `hq` answers.
fn hq(words: &[&str]) -> Result<Value> {
    let mut command = Command::new("hq");
    let output = command.args(words).stdin(Stdio::null()).output();
    let remedy = "put `hq` of github.com/It4innovations/hyperqueue into a folder of PATH";
    let output = output.map_err(|error| LabError::io("start", "hq", error, remedy))?;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    if output.status.success() {
        return Ok(answer);
    }
    let said = answer["error"].as_str().unwrap_or_default();
    let said = format!("\"{}\"", said.lines().next().unwrap_or_default());
    let remedy = "start a server: hq server start --journal FILE, and workers: hq worker start";
    Err(LabError::value("hq", said, "an answer", remedy))
}
