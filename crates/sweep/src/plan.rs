//! The file of a sweep, and the trials that it describes.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use lab_core::files::read_small;
use lab_core::{LabError, Result};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Table;

use crate::choice::{text, values};
use crate::journal::{Entry, Options};
use crate::{Outcome, Trainings};

/// What trials can be compared by, measured with the weights that a training ends with.
pub const METRICS: [&str; 4] = ["val_loss", "val_accuracy", "loss", "accuracy"];

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// How many trials are drawn at random; without it, every combination is tried.
    trials: Option<usize>,
    #[serde(default)]
    seed: u64,
    objective: Option<String>,
    /// The epochs of each round of successive halving.
    #[serde(default)]
    halving: Vec<usize>,
    #[serde(default)]
    train: Table,
    vary: Table,
}

/// One training of a sweep: a number from 1, a round of successive halving from 0, and options of `cargo lab train`.
#[derive(Clone, Default)]
pub struct Trial {
    pub number: usize,
    pub round: usize,
    pub options: Options,
    /// How often its process has ended without a word.
    pub attempts: usize,
}

impl Trial {
    /// What a trial is known by, the same for equal options whatever its number.
    pub fn key(&self) -> String {
        let sum = Sha256::digest(format!("{:?}", self.options));
        hexadecimal(&sum[..5])
    }

    /// The name of its folder, which ends in its key.
    pub fn name(&self) -> String {
        format!("{:04}-{}", self.number, self.key())
    }

    /// Its options as words of the command line; `true` and `false` are those of options that take no value.
    pub fn words(&self) -> Vec<String> {
        let word = |(name, value): (_, &String)| match &value[..] {
            "false" => None,
            "true" => Some(format!("--{name}")),
            value => Some(format!("--{name}={value}")),
        };
        self.options.iter().filter_map(word).collect()
    }
}

/// As `--trial` takes it: `12`, or `12.1` in the second round.
impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.number, self.round)
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A sweep's file, read and checked, with its trials.
pub struct Plan {
    pub file: PathBuf,
    pub objective: String,
    pub halving: Vec<usize>,
    /// The options that differ between trials.
    pub varied: Vec<(String, Vec<String>)>,
    /// The trials of the first round.
    pub trials: Vec<Trial>,
}

impl Plan {
    /// Reads a sweep's file.
    ///
    /// # Errors
    /// Names what is wrong with it: a line, or an option that `train` does not have.
    pub fn read(file: &Path, trainings: &dyn Trainings) -> Outcome<Self> {
        let remedy = "docs/sweeps.md shows how such a file is written";
        let content = read_small(file, "the file of a sweep", remedy)?;
        let wrong = |found: &str| LabError::format(file, found, "a sweep", remedy);
        let written = toml::from_str::<Written>(&content);
        let written = written.map_err(|error| wrong(error.to_string().trim()))?;
        let objective = written.objective.as_deref().unwrap_or(METRICS[0]);
        if !METRICS.contains(&objective) {
            return Err(LabError::name("objective", objective, &METRICS).into());
        }
        if !written.halving.is_sorted_by(|a, b| a < b) {
            return Err(wrong("rounds of halving whose epochs do not rise").into());
        }
        let (mut shared, mut varied) = (Options::new(), Vec::new());
        for (name, value) in &written.train {
            let list = || wrong(&format!("several values for `{name}` in [train]"));
            shared.insert(known(name, trainings)?, text(value).ok_or_else(list)?);
        }
        let twice = |name| wrong(&format!("`{name}` twice (halving sets the epochs)"));
        if let Some(first) = written.halving.first()
            && shared
                .insert("epochs".to_owned(), first.to_string())
                .is_some()
        {
            return Err(twice("epochs").into());
        }
        for (name, value) in &written.vary {
            let values = values(name, value, written.trials.is_some())?;
            let name = known(name, trainings)?;
            if shared.contains_key(&name) {
                return Err(twice(&name).into());
            }
            varied.push((name, values));
        }
        Ok(Self {
            file: file.canonicalize()?,
            objective: objective.to_owned(),
            halving: written.halving,
            trials: trials(&shared, &varied, written.trials, written.seed),
            varied,
        })
    }

    /// Has every trial checked by `cargo lab train`.
    ///
    /// # Errors
    /// Names the trial that `train` refuses, and why.
    pub fn check(&self, trainings: &dyn Trainings) -> Outcome {
        for trial in &self.trials {
            let refused = |error| {
                let (file, words) = (self.file.display(), trial.words().join(" "));
                format!(
                    "{file}: trial {} is refused: {words}\n{error}",
                    trial.number
                )
            };
            trainings.check(&trial.words()).map_err(refused)?;
        }
        Ok(())
    }

    /// The same trial in another round, in which it lasts longer.
    pub fn in_round(&self, trial: &Trial, round: usize) -> Trial {
        let mut trial = trial.clone();
        if let Some(epochs) = self.halving.get(round) {
            trial.round = round;
            trial
                .options
                .insert("epochs".to_owned(), epochs.to_string());
        }
        trial
    }

    /// How many rounds there are.
    pub fn rounds(&self) -> usize {
        self.halving.len().max(1)
    }

    /// The trial that `--trial` names.
    ///
    /// # Errors
    /// Where the sweep has no such trial.
    pub fn find(&self, name: &str) -> Result<Trial> {
        let (number, round) = name.split_once('.').unwrap_or((name, "0"));
        let round = round.parse().ok().filter(|round| *round < self.rounds());
        let known = |trial: &&Trial| trial.number.to_string() == number;
        let found = self.trials.iter().find(known).zip(round);
        let expected = format!("1 to {}", self.trials.len());
        let remedy = "cargo lab sweep FILE --dry-run lists the trials";
        let unknown = || LabError::value("--trial", name, expected, remedy);
        let (trial, round) = found.ok_or_else(unknown)?;
        Ok(self.in_round(trial, round))
    }

    /// The trials that go on after a round of successive halving (Jamieson and Talwalkar, *Non-stochastic Best Arm
    /// Identification and Hyperparameter Optimization*, 2016): the best, as many as keep the work of a round the same.
    pub fn survivors(&self, mut trials: Vec<Trial>, cost: impl Fn(&Trial) -> f64) -> Vec<Trial> {
        let round = trials[0].round;
        let count = trials.len() * self.halving[round] / self.halving[round + 1];
        trials.sort_by(|a, b| cost(a).total_cmp(&cost(b)).then(a.number.cmp(&b.number)));
        trials.truncate(count.max(1));
        let next = trials.iter().map(|trial| self.in_round(trial, round + 1));
        next.collect()
    }

    /// What to sort trials by: the best has the lowest, one that diverged the highest.
    pub fn cost(&self, entry: Option<&Entry>) -> f64 {
        let value = entry.and_then(|entry| entry.metrics.get(&self.objective));
        let sign = [1.0, -1.0][usize::from(self.objective.ends_with("accuracy"))];
        value.map_or(f64::INFINITY, |value| sign * value)
    }
}

/// The name of an option that a trial may have, written with `_` or `-`.
fn known(name: &str, trainings: &dyn Trainings) -> Result<String> {
    // A sweep sets these itself.
    const OWN: [&str; 4] = ["out", "resume", "threads", "checkpoint-every"];
    let (name, command) = (name.replace('_', "-"), trainings.options());
    let names = command.get_arguments().filter_map(|it| it.get_long());
    let names: Vec<_> = names.filter(|it| !OWN.contains(it)).collect();
    if names.contains(&&name[..]) {
        return Ok(name);
    }
    // An error ends the program: nothing is leaked twice.
    let names: Vec<&'static str> = names.iter().map(|it| &*it.to_string().leak()).collect();
    Err(LabError::name("option of a trial", &name, &names))
}

/// Every combination, or so many drawn at random; no two are equal.
fn trials(
    shared: &Options,
    varied: &[(String, Vec<String>)],
    drawn: Option<usize>,
    seed: u64,
) -> Vec<Trial> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = ChaCha8Rng::from_seed(key);
    let all = varied.iter().map(|(_, values)| values.len()).product();
    let (mut trials, mut seen) = (Vec::new(), HashSet::new());
    let (mut place, wanted) = (0, drawn.unwrap_or(all).min(all));
    while place < all && trials.len() < wanted {
        let (mut options, mut rest) = (shared.clone(), place);
        for (name, values) in varied.iter().rev() {
            let at = match drawn {
                Some(_) => ((u64::from(random.next_u32()) * values.len() as u64) >> 32) as usize,
                None => rest % values.len(),
            };
            rest /= values.len();
            options.insert(name.clone(), values[at].clone());
        }
        // A grid ends; draws go on until there are enough.
        place += usize::from(drawn.is_none());
        let trial = Trial {
            number: trials.len() + 1,
            options,
            ..Trial::default()
        };
        if seen.insert(trial.key()) {
            trials.push(trial);
        }
    }
    trials
}
