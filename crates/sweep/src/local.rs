//! Trials on this machine, each a child process.

use std::collections::VecDeque;
use std::process::{Child, Command, Stdio};

use lab_core::{LabError, Result};

use crate::lead::Workers;
use crate::plan::Trial;

/// So many children at a time.
pub struct Local {
    pub program: Vec<String>,
    pub most: usize,
    pub running: Vec<(Trial, Child)>,
}

impl Workers for Local {
    fn tend(&mut self, waiting: &mut VecDeque<Trial>) -> Result<Vec<Trial>> {
        let has_ended = |it: &mut (_, Child)| !matches!(it.1.try_wait(), Ok(None));
        let ended = self.running.extract_if(.., has_ended).map(|it| it.0);
        let ended = ended.collect();
        while self.running.len() < self.most
            && let Some(trial) = waiting.pop_front()
        {
            let mut command = Command::new(&self.program[0]);
            command.args(&self.program[1..]).arg(trial.to_string());
            let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
            // Ctrl-C is for the process that leads, which then ends its children.
            #[cfg(unix)]
            std::os::unix::process::CommandExt::process_group(quiet, 0);
            let child = quiet.stderr(Stdio::null()).spawn();
            let failed = |error| LabError::io("start", &self.program[0], error, "build it again");
            self.running.push((trial, child.map_err(failed)?));
        }
        Ok(ended)
    }

    fn stop(&mut self) {
        for (_, mut child) in self.running.drain(..) {
            // Its checkpoint stays, from which it goes on.
            _ = child.kill();
            _ = child.wait();
        }
    }
}
