//! Checkpoints: everything that a training needs to go on later and end with the same bits.
//!
//! Random numbers need no place in it: shuffling, augmentation and dropout draw theirs from the seed, the epoch and the
//! step, so that the step that comes next knows them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::callback::CallbackState;
use super::history::{History, Stopped, read_rows, write_rows};
use super::identity::check_same;
use super::so_far::{Partial, SoFar};
use super::trainer::Trainer;
use crate::error::{LabError, Result};
use crate::files::write_failed;
use crate::model::{Array, Arrays, Sequential, read_bytes, write_arrays};

/// The file in a checkpoint's folder.
const FILE: &str = "checkpoint.safetensors";
/// The key of its metadata under which all that is no array stands, as JSON.
const STATE: &str = "state";
/// More are no training's.
const MOST_STEPS: u64 = 1 << 53;
const REMEDY: &str = "remove the file, or train from the beginning, without resuming";

/// A training that was interrupted, as it lies in a folder.
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
    /// The epochs done, as CSV, which keeps numbers that are not finite.
    epochs: String,
    /// How many were asked for.
    planned: usize,
    stopped: Stopped,
    partial: Partial,
    learning_rate: f32,
    /// Steps of the optimizer.
    steps: u64,
    callbacks: Vec<Remembered>,
}

/// What a callback remembers: the bits of its numbers, and whether it has a network.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Remembered {
    numbers: Vec<u64>,
    model: bool,
}

/// Where and how often a training writes checkpoints, and which it is.
pub(super) struct Keeper {
    folder: PathBuf,
    every: usize,
    identity: Value,
    /// How far a checkpoint of this same training is that is there already: what is done again until then needs no
    /// other, since it will come to the same.
    ahead: (usize, usize),
}

impl Checkpoint {
    /// The checkpoint in a folder, if there is one.
    ///
    /// # Errors
    /// [`LabError::Io`] where it cannot be read, [`LabError::Format`] where it is damaged.
    pub fn find(folder: impl AsRef<Path>) -> Result<Option<Self>> {
        let path = folder.as_ref().join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read_bytes(&path, "check its permissions")?;
        let wrong =
            |found: String| LabError::format(&path, found, "a checkpoint of a training", REMEDY);
        let arrays = Arrays::of(&path, &bytes)?;
        let text = arrays
            .text(STATE)
            .ok_or_else(|| wrong("no state".to_owned()))?;
        let state: State = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        Ok(Some(Self { path, state, bytes }))
    }

    /// Epochs done.
    pub fn epochs(&self) -> usize {
        self.state.epochs.lines().count().saturating_sub(1)
    }

    /// Steps done in the epoch after them.
    pub fn steps(&self) -> usize {
        self.state.partial.batches
    }

    /// Whether all epochs that were asked for are done, or the training ended early by itself.
    pub fn is_finished(&self) -> bool {
        self.state.stopped != Stopped::Finished || self.epochs() >= self.state.planned
    }

    /// Gives the network, the optimizer and the learning rate what they were, and says how far the training is and what
    /// each callback remembers; on an error nothing is changed.
    fn restore(
        self,
        trainer: &mut Trainer,
        model: &mut Sequential,
        images: usize,
    ) -> Result<(SoFar, Vec<CallbackState>)> {
        let Self { path, state, bytes } = self;
        let wrong =
            |found: String, expected: String| LabError::format(&path, found, expected, REMEDY);
        let mut history = History {
            stopped: state.stopped,
            ..History::default()
        };
        if !state.epochs.is_empty() {
            let expected = || "the epochs of a training".to_owned();
            history.epochs =
                read_rows(state.epochs.as_bytes()).map_err(|found| wrong(found, expected()))?;
        }
        let seen = state
            .partial
            .batches
            .saturating_mul(trainer.batch_size)
            .min(images);
        let numbered = history
            .epochs
            .iter()
            .enumerate()
            .all(|(before, record)| record.epoch == before + 1);
        if !numbered
            || state.partial.seen != seen
            || state.partial.hits > seen
            || state.steps > MOST_STEPS
        {
            return Err(wrong(
                "counts that do not fit together".to_owned(),
                "those of a training".to_owned(),
            ));
        }
        if history.epochs.len() > trainer.epochs {
            let found = format!("{} epochs done", history.epochs.len());
            return Err(wrong(
                found,
                format!("at most {}: ask for more epochs", trainer.epochs),
            ));
        }
        if state.callbacks.len() != trainer.callbacks.len() {
            let found = format!("{} callbacks", state.callbacks.len());
            return Err(wrong(
                found,
                format!("{}, as the training has", trainer.callbacks.len()),
            ));
        }
        let arrays = Arrays::of(&path, &bytes)?;
        let mut slots = Vec::with_capacity(model.parameters.len());
        for parameter in &model.parameters {
            let mut own: [Vec<f32>; 2] = Default::default();
            let needed = trainer
                .recipe
                .optimizer
                .slots(parameter)
                .min(if state.steps == 0 { 0 } else { 2 });
            for (number, slot) in own.iter_mut().enumerate().take(needed) {
                *slot = arrays.take(&slot_name(number, &parameter.name), &parameter.shape)?;
            }
            slots.push(own);
        }
        let mut callbacks = Vec::with_capacity(state.callbacks.len());
        for (number, remembered) in state.callbacks.iter().enumerate() {
            let numbers = remembered
                .numbers
                .iter()
                .map(|&bits| f64::from_bits(bits))
                .collect();
            let mut best = remembered.model.then(|| model.clone());
            best.as_mut().map_or(Ok(()), |best| {
                best.fill_from(&arrays, &callback_prefix(number))
            })?;
            callbacks.push(CallbackState {
                numbers,
                model: best,
            });
        }
        model.fill_from(&arrays, MODEL_PREFIX)?;
        (
            trainer.state.slots,
            trainer.state.steps,
            trainer.learning_rate,
        ) = (slots, state.steps, state.learning_rate);
        Ok((
            SoFar {
                history,
                partial: state.partial,
            },
            callbacks,
        ))
    }
}

impl fmt::Display for Checkpoint {
    /// `a checkpoint after epoch 12 of 50`, `a checkpoint after step 300 of epoch 13 of 50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let planned = self.state.planned;
        match (self.epochs(), self.steps()) {
            (epochs, 0) => write!(f, "a checkpoint after epoch {epochs} of {planned}"),
            (epochs, steps) => write!(
                f,
                "a checkpoint after step {steps} of epoch {} of {planned}",
                epochs + 1
            ),
        }
    }
}

const MODEL_PREFIX: &str = "model.";

/// The optimizer's array `number` (0 or 1) for a parameter.
fn slot_name(number: usize, parameter: &str) -> String {
    format!("optimizer.{number}.{parameter}")
}

fn callback_prefix(number: usize) -> String {
    format!("callback.{number}.")
}

impl Trainer {
    /// Writes a checkpoint into `folder` after every `every` epochs and when a callback interrupts the training, always
    /// whole: the one before stays until the new one is on the disk.
    ///
    /// It holds the weights, the optimizer's state, the learning rate, the history, and what callbacks remember (the
    /// best weights too), and grows with the network: 21 MB for the lab's final one with Adam, 28 MB with the best
    /// weights. [`Trainer::resume`] goes on from it.
    pub fn checkpoint(mut self, folder: impl AsRef<Path>, every: usize) -> Self {
        self.checkpoints = Some((folder.as_ref().to_owned(), every));
        self
    }

    /// Lets the next [`fit`](Trainer::fit) go on from the checkpoint in its folder, to the same bits as if it had never
    /// been interrupted, or begin where there is none ([`Checkpoint::find`] says).
    ///
    /// The network must be as it was at the beginning, and data and options must be the same, or `fit` names the
    /// difference; only the epochs may be more, unless the schedule depends on them.
    pub fn resume(mut self) -> Self {
        self.resume = true;
        self
    }

    /// What writes this training's checkpoints, how far it is, and what callbacks are to remember, if it goes on.
    pub(super) fn take_up_checkpoint(
        &mut self,
        model: &mut Sequential,
        images: usize,
        identity: impl FnOnce(&Self, &Sequential) -> Value,
    ) -> Result<(Option<Keeper>, SoFar, Option<Vec<CallbackState>>)> {
        let Some((folder, every)) = self.checkpoints.clone() else {
            return Ok(Default::default());
        };
        fs::create_dir_all(&folder).map_err(|error| write_failed(&folder, error))?;
        let mut keeper = Keeper {
            folder,
            every,
            identity: identity(self, model),
            ahead: (0, 0),
        };
        if !std::mem::take(&mut self.resume) {
            // One that is damaged, or of another training, will be replaced.
            let same = Checkpoint::find(&keeper.folder)
                .ok()
                .flatten()
                .filter(|it| it.state.identity == keeper.identity);
            keeper.ahead = same.map_or((0, 0), |it| (it.epochs(), it.steps()));
            return Ok((Some(keeper), SoFar::default(), None));
        }
        let Some(checkpoint) = Checkpoint::find(&keeper.folder)? else {
            return Ok((Some(keeper), SoFar::default(), None));
        };
        check_same(
            &checkpoint.path,
            &checkpoint.state.identity,
            &keeper.identity,
        )?;
        let (so_far, callbacks) = checkpoint.restore(self, model, images)?;
        Ok((Some(keeper), so_far, Some(callbacks)))
    }

    /// Writes a checkpoint, unless one that is there is further on the same way.
    pub(super) fn keep(&self, keeper: &Keeper, model: &Sequential, so_far: &SoFar) -> Result<()> {
        let path = keeper.folder.join(FILE);
        let SoFar { history, partial } = so_far;
        if (history.epochs.len(), partial.batches) <= keeper.ahead {
            return Ok(());
        }
        let failed = |error: std::io::Error| write_failed(&path, error);
        let rows = write_rows(&history.epochs, true).map_err(|error| failed(error.into()))?;
        let states: Vec<CallbackState> = self
            .callbacks
            .iter()
            .map(|callback| callback.state())
            .collect();
        let remembered = |state: &CallbackState| Remembered {
            numbers: state
                .numbers
                .iter()
                .map(|number| number.to_bits())
                .collect(),
            model: state.model.is_some(),
        };
        let state = State {
            identity: keeper.identity.clone(),
            epochs: String::from_utf8_lossy(&rows).into_owned(),
            planned: self.epochs,
            stopped: history.stopped,
            partial: *partial,
            learning_rate: self.learning_rate,
            steps: self.state.steps,
            callbacks: states.iter().map(remembered).collect(),
        };
        let text = serde_json::to_string(&state).map_err(|error| failed(error.into()))?;
        let mut arrays = named(model, MODEL_PREFIX);
        for (parameter, slots) in model.parameters.iter().zip(&self.state.slots) {
            for (number, slot) in slots
                .iter()
                .enumerate()
                .filter(|(_, slot)| !slot.is_empty())
            {
                let array = Array {
                    shape: &parameter.shape,
                    values: slot,
                };
                arrays.push((slot_name(number, &parameter.name), array));
            }
        }
        for (number, model) in states
            .iter()
            .enumerate()
            .filter_map(|(n, state)| Some((n, state.model.as_ref()?)))
        {
            arrays.extend(named(model, &callback_prefix(number)));
        }
        write_arrays(&path, arrays, STATE, text)
    }
}

impl Keeper {
    /// Whether a checkpoint is due after this many epochs.
    pub(super) fn is_due(&self, epochs: usize) -> bool {
        epochs.is_multiple_of(self.every)
    }
}

/// The arrays of a network under longer names.
fn named<'a>(model: &'a Sequential, prefix: &str) -> Vec<(String, Array<'a>)> {
    model
        .parameters
        .iter()
        .map(|parameter| (format!("{prefix}{}", parameter.name), parameter.array()))
        .collect()
}
