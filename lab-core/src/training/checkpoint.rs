//! Checkpoints: what a training needs to resume after an epoch and end with the same bits.
//!
//! Random numbers need not be saved: shuffling, augmentation and dropout draw theirs from the seed, the epoch and the
//! step.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::TrainingConfig;
use super::fit::Session;
use super::history::{History, Stopped};
use super::optimizer_state::OptimizerState;
use super::trainer::Trainer;
use crate::compute::Instructions;
use crate::content_hash::content_hash;
use crate::data::Dataset;
use crate::error::{LabError, Result};
use crate::files::write_failed;
use crate::model::{Array, Arrays, Sequential, read_bytes, write_arrays};

/// The file in a checkpoint's folder.
const FILE: &str = "checkpoint.safetensors";
/// The key of its metadata that holds everything but the arrays, as JSON.
const STATE: &str = "state";
/// No real run has more steps.
const MOST_STEPS: u64 = 1 << 53;
const REMEDY: &str = "remove the file, or train from the beginning, without resuming";
/// The prefixes of the network's arrays and of the best weights of early stopping.
const MODEL: &str = "model.";
const BEST: &str = "best.";

/// The checkpoint of a training in a folder.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train.take(200);
/// let plan = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax);
/// let folder = std::env::temp_dir().join(format!("checkpoints-{}", std::process::id()));
/// let trainer = |epochs| Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3)).epochs(epochs).checkpoint(&folder, 1);
///
/// trainer(2).fit(&mut plan.clone().build(Seed(0))?, &train, None)?;
/// println!("{}", Checkpoint::find(&folder)?.expect("it was written"));
/// let mut model = plan.build(Seed(0))?;
/// let history = trainer(3).resume().fit(&mut model, &train, None)?;    // the third epoch alone is trained
/// assert_eq!(history.epochs.len(), 3);
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), LabError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
    state: State,
    bytes: Vec<u8>,
}

/// What a checkpoint holds besides arrays.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    identity: Value,
    history: History,
    /// How many epochs were asked for.
    planned: usize,
    learning_rate: f32,
    /// Steps of the optimizer.
    steps: u64,
    /// Whether the best weights of early stopping are there.
    best: bool,
}

impl Checkpoint {
    /// The checkpoint in a folder, if there is one.
    ///
    /// # Errors
    /// [`LabError::Io`] where it cannot be read, [`LabError::Format`] where it is damaged.
    pub fn find(folder: impl AsRef<Path>) -> Result<Option<Self>> {
        Self::at(folder.as_ref().join(FILE))
    }

    fn at(path: PathBuf) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read_bytes(&path, "check its permissions")?;
        let wrong = |found: String| wrong(&path, found, "a checkpoint of a training");
        let arrays = Arrays::of(&path, &bytes)?;
        let state = arrays.text(STATE).map(serde_json::from_str);
        let state = state.ok_or_else(|| wrong("no state".to_owned()))?;
        let state: State = state.map_err(|error| wrong(error.to_string()))?;
        Ok(Some(Self { path, state, bytes }))
    }

    /// Epochs that are done.
    pub fn epochs(&self) -> usize {
        self.state.history.epochs.len()
    }

    /// Whether all epochs that were asked for are done, or the training ended early.
    pub fn is_finished(&self) -> bool {
        let early = matches!(self.state.history.stopped, Stopped::Early { .. });
        early || self.epochs() >= self.state.planned
    }

    /// Restores the network and the optimizer, and returns the epochs and the best weights; on an error nothing is
    /// changed.
    fn restore(self, config: &TrainingConfig, model: &mut Sequential) -> Result<Resumed> {
        let done = self.epochs();
        let Self { path, state, bytes } = self;
        let wrong = |found: String, expected: &str| wrong(&path, found, expected);
        let mut history = state.history;
        let numbered = history.epochs.iter().map(|record| record.epoch);
        if !numbered.eq(1..=done) || state.steps > MOST_STEPS {
            let found = "counts that contradict each other".to_owned();
            return Err(wrong(found, "those of a training"));
        }
        if done > config.epochs {
            let expected = format!("at most {}: ask for more epochs", config.epochs);
            return Err(wrong(format!("{done} epochs done"), &expected));
        }
        if let Stopped::Interrupted { .. } = history.stopped {
            history.stopped = Stopped::Finished;
        }
        let arrays = Arrays::of(&path, &bytes)?;
        let mut optimizer = OptimizerState::new(config.optimizer, model);
        // Makes the arrays of the state, which the file's replace.
        optimizer.prepare(&model.parameters, 0.0, 1.0);
        (optimizer.learning_rate, optimizer.steps) = (state.learning_rate, state.steps);
        for (parameter, slots) in model.parameters.iter().zip(&mut optimizer.slots) {
            let used = slots.iter_mut().enumerate();
            for (number, slot) in used.filter(|(_, slot)| !slot.is_empty()) {
                *slot = arrays.take(&slot_name(number, &parameter.name), &parameter.shape)?;
            }
        }
        let mut best = state.best.then(|| model.clone());
        if let Some(best) = &mut best {
            best.fill_from(&arrays, BEST)?;
        }
        model.fill_from(&arrays, MODEL)?;
        Ok(Resumed {
            optimizer: Some(optimizer),
            history,
            best,
        })
    }
}

impl fmt::Display for Checkpoint {
    /// `a checkpoint after epoch 12 of 50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (epochs, planned) = (self.epochs(), self.state.planned);
        write!(f, "a checkpoint after epoch {epochs} of {planned}")
    }
}

/// The optimizer's array `number` (0 or 1) for a parameter.
fn slot_name(number: usize, parameter: &str) -> String {
    format!("optimizer.{number}.{parameter}")
}

fn wrong(path: &Path, found: String, expected: &str) -> LabError {
    LabError::format(path, found, expected, REMEDY)
}

/// What a training resumes with; nothing where it begins.
#[derive(Default)]
pub(super) struct Resumed {
    pub(super) optimizer: Option<OptimizerState>,
    pub(super) history: History,
    pub(super) best: Option<Sequential>,
}

/// Writes the checkpoints of a training, and resumes from one.
pub(super) struct Checkpointer {
    path: PathBuf,
    /// After how many epochs one is written.
    pub(super) every: usize,
    identity: Value,
}

impl Checkpointer {
    /// Resumes from the checkpoint, or begins where there is none.
    pub(super) fn resume(
        &self,
        config: &TrainingConfig,
        model: &mut Sequential,
    ) -> Result<Resumed> {
        let Some(checkpoint) = Checkpoint::at(self.path.clone())? else {
            return Ok(Resumed::default());
        };
        check_same(&self.path, &checkpoint.state.identity, &self.identity)?;
        checkpoint.restore(config, model)
    }

    /// Writes a checkpoint, whole or not at all.
    pub(super) fn save(&self, session: &Session<'_>) -> Result<()> {
        let (model, optimizer) = (&*session.learner.model, &session.learner.optimizer);
        let state = State {
            identity: self.identity.clone(),
            history: session.history.clone(),
            planned: session.plan.config.epochs,
            learning_rate: optimizer.learning_rate,
            steps: optimizer.steps,
            best: session.best.is_some(),
        };
        let state = serde_json::to_string(&state);
        let state = state.map_err(|error| write_failed(&self.path, error.into()))?;
        let mut arrays = model.arrays(MODEL);
        for (parameter, slots) in model.parameters.iter().zip(&optimizer.slots) {
            for (number, slot) in slots.iter().enumerate().filter(|(_, it)| !it.is_empty()) {
                let (shape, values) = (&parameter.shape[..], &slot[..]);
                let array = Array { shape, values };
                arrays.push((slot_name(number, &parameter.name), array));
            }
        }
        let best = session.best.iter();
        arrays.extend(best.flat_map(|best| best.arrays(BEST)));
        write_arrays(&self.path, arrays, STATE, state)
    }
}

impl Trainer {
    /// What writes this training's checkpoints, where they are wanted; the folder is made if need be.
    pub(super) fn checkpointer(
        &self,
        model: &Sequential,
        train: &Dataset,
        validation: Option<&Dataset>,
    ) -> Result<Option<Checkpointer>> {
        let Some((folder, every)) = &self.checkpoints else {
            return Ok(None);
        };
        fs::create_dir_all(folder).map_err(|error| write_failed(folder, error))?;
        Ok(Some(Checkpointer {
            path: folder.join(FILE),
            every: *every,
            identity: self.identity(model, train, validation),
        }))
    }

    /// Everything that the bits of a training depend on, but for callbacks and the number of threads.
    ///
    /// The epochs count only where the schedule depends on them; elsewhere a resumed training may have more.
    fn identity(&self, model: &Sequential, train: &Dataset, validation: Option<&Dataset>) -> Value {
        let config = &self.config;
        let mut training = written(config);
        let schedule = match config.schedule.depends_on_epochs() {
            true => format!("{} over {} epochs", config.schedule, config.epochs),
            false => config.schedule.to_string(),
        };
        training["schedule"] = schedule.into();
        training["epochs"].take();
        let hash = |floats: &mut dyn Iterator<Item = &f32>| {
            content_hash(floats.map(|value| u64::from(value.to_bits())))
        };
        let weights = &mut model.parameters.iter().flat_map(|it| &it.value);
        let images =
            |data: &Dataset| json!({ "count": data.len(), "content": data.content_hash() });
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "fused multiply-add": Instructions::detect().has_fused_multiply_add(),
            "network": written(model.architecture()),
            "weights before training": hash(weights),
            "training": training,
            "sample weights": hash(&mut self.sample_weights.iter().flatten()),
            "training data": images(train),
            "validation data": validation.map(images),
            "epochs before": self.epochs_before,
        })
    }
}

/// A value with its floats as they are written: 0.01, which no `f32` is exactly.
fn written(value: &impl Serialize) -> Value {
    let text = serde_json::to_string(value).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// An error that names the first difference between the training of a checkpoint and this one.
fn check_same(path: &Path, saved: &Value, now: &Value) -> Result<()> {
    let Some((name, saved, now)) = difference("", saved, now) else {
        return Ok(());
    };
    let remedy = "give the same options as before, or train from the beginning, without resuming";
    let found = format!("a checkpoint of another training, whose {name} is {saved}");
    Err(LabError::format(
        path,
        found,
        format!("{name} {now}"),
        remedy,
    ))
}

/// The name of the first entry that differs, and both values; an option that is left out is null.
fn difference(name: &str, saved: &Value, now: &Value) -> Option<(String, Value, Value)> {
    let (Value::Object(before), Value::Object(after)) = (saved, now) else {
        return (saved != now).then(|| (name.to_owned(), saved.clone(), now.clone()));
    };
    let inner = |key: &str| [name, key].join(if name.is_empty() { "" } else { ": " });
    let value =
        |of: &serde_json::Map<String, Value>, key: &str| of.get(key).cloned().unwrap_or_default();
    let mut keys = after.keys().chain(before.keys());
    keys.find_map(|key| difference(&inner(key), &value(before, key), &value(after, key)))
}
