//! Checkpoints: what a training needs to resume after an epoch and end with the same bits.
//!
//! Random numbers need not be saved: shuffling, augmentation and dropout draw theirs from the seed, the epoch and the
//! step.

use std::fs;

use serde_json::{Value, json};

use super::*;

/// The file in a checkpoint's folder.
const FILE: &str = "checkpoint.safetensors";
/// The key of its metadata that holds everything but the arrays, as JSON.
const STATE: &str = "state";
/// No real run has more steps.
const MOST_STEPS: u64 = 1 << 53;
const REMEDY: &str = "remove the file, or train from the beginning, without resuming";
const OTHER_REMEDY: &str =
    "give the same options as before, or train from the beginning, without resuming";
/// What the names of the network's arrays and of the best weights of early stopping begin with.
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
    state: State,
    arrays: Arrays,
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
        let path = folder.as_ref().join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let arrays = Arrays::read(&path, "check its permissions")?;
        let state = arrays.value(STATE, "a checkpoint of a training", REMEDY)?;
        Ok(Some(Self { state, arrays }))
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

    /// Goes on with a training where this one ended; on an error nothing is changed.
    fn restore(self, training: &mut Control<'_>) -> Result<()> {
        let (done, epochs) = (self.epochs(), training.config.epochs);
        let Self { state, arrays } = self;
        let wrong = |found: &str, expected: &str| {
            Err(LabError::format(&arrays.path, found, expected, REMEDY))
        };
        let mut history = state.history;
        let numbered = history.epochs.iter().map(|record| record.epoch);
        if !numbered.eq(1..=done) || state.steps > MOST_STEPS {
            let found = "counts that contradict each other";
            return wrong(found, "those of a training");
        }
        if done > epochs {
            let expected = format!("at most {epochs}: ask for more epochs");
            return wrong(&format!("{done} epochs done"), &expected);
        }
        if let Stopped::Interrupted { .. } = history.stopped {
            history.stopped = Stopped::Finished;
        }
        let parameters = &training.model.parameters;
        let weights = arrays.group(MODEL, parameters)?;
        let best = state.best.then(|| arrays.group(BEST, parameters));
        let mut fresh = training.config.optimizer.for_model(training.model);
        // Makes the arrays of the state, which the file's replace.
        fresh.prepare(parameters, 0.0, 1.0);
        for (parameter, slots) in parameters.iter().zip(&mut fresh.slots) {
            for (number, values) in slots.iter_mut().enumerate() {
                if !values.is_empty() {
                    let name = slot(number) + &parameter.name;
                    *values = arrays.get(&name, &parameter.shape)?;
                }
            }
        }
        (training.best, training.history) = (best.transpose()?, history);
        training.optimizer.slots = fresh.slots;
        training.optimizer.steps = state.steps;
        training.optimizer.learning_rate = state.learning_rate;
        training.model.set_values(weights);
        Ok(())
    }
}

impl fmt::Display for Checkpoint {
    /// `a checkpoint after epoch 12 of 50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (epochs, planned) = (self.epochs(), self.state.planned);
        write!(f, "a checkpoint after epoch {epochs} of {planned}")
    }
}

/// What the names of the optimizer's arrays begin with; there are up to two for each of the network's.
fn slot(number: usize) -> String {
    format!("optimizer.{number}.")
}

/// Writes the checkpoints of a training, and resumes from one.
pub(super) struct Checkpointer {
    folder: PathBuf,
    /// After how many epochs one is written.
    every: usize,
    identity: Value,
}

impl Checkpointer {
    /// What writes the checkpoints of a training that begins; the folder is made if need be.
    pub(super) fn new((folder, every): &(PathBuf, usize), training: &Control<'_>) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|error| write_failed(folder, error))?;
        Ok(Self {
            folder: folder.clone(),
            every: *every,
            identity: identity(training),
        })
    }

    /// Resumes from the checkpoint, or begins where there is none.
    pub(super) fn resume(&self, training: &mut Control<'_>) -> Result<()> {
        let Some(checkpoint) = Checkpoint::find(&self.folder)? else {
            return Ok(());
        };
        let (path, saved) = (&checkpoint.arrays.path, &checkpoint.state.identity);
        check_same(path, "", saved, &self.identity)?;
        checkpoint.restore(training)
    }

    /// Writes a checkpoint where one is due, whole or not at all.
    pub(super) fn save(&self, training: &Control<'_>) -> Result<()> {
        let (model, optimizer) = (&*training.model, &*training.optimizer);
        let epochs = training.history.epochs.len();
        if training.stop.is_none() && !epochs.is_multiple_of(self.every) {
            return Ok(());
        }
        let state = State {
            identity: self.identity.clone(),
            history: training.history.clone(),
            planned: training.config.epochs,
            learning_rate: optimizer.learning_rate,
            steps: optimizer.steps,
            best: training.best.is_some(),
        };
        let mut arrays = named_arrays(MODEL, &model.parameters, model.values());
        let best = training.best.iter().flatten();
        arrays.extend(named_arrays(BEST, &model.parameters, best));
        for number in 0..2 {
            let slots = optimizer.slots.iter().map(|slots| &slots[number]);
            arrays.extend(named_arrays(&slot(number), &model.parameters, slots));
        }
        write_arrays(&self.folder.join(FILE), &arrays, STATE, &state)
    }
}

/// Everything that the bits of a training depend on, but for callbacks and the number of threads.
///
/// The epochs count only where the schedule depends on them; elsewhere a resumed training may have more.
fn identity(training: &Control<'_>) -> Value {
    let (config, model) = (training.config, &training.model);
    let mut options = written(config);
    let (schedule, epochs) = (&config.schedule, options["epochs"].take());
    options["schedule"] = match schedule.depends_on_epochs() {
        true => format!("{schedule} over {epochs} epochs").into(),
        false => schedule.to_string().into(),
    };
    let hash = |floats: &mut dyn Iterator<Item = &f32>| {
        content_hash(floats.map(|value| u64::from(value.to_bits())))
    };
    let images = |data: &Dataset| json!({ "count": data.len(), "content": data.content_hash() });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "fused multiply-add": Instructions::detect().has_fused_multiply_add(),
        "network": written(model.architecture()),
        "weights before training": hash(&mut model.parameters.iter().flat_map(|it| &it.value)),
        "training": options,
        "sample weights": hash(&mut config.sample_weights.iter().flatten()),
        "training data": images(training.train),
        "validation data": training.validation.map(images),
        "epochs before": training.optimizer.epochs,
    })
}

/// A value with its floats as they are written: 0.01, which no `f32` is exactly.
fn written(value: &impl Serialize) -> Value {
    let text = serde_json::to_string(value).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// An error that names the first difference between the training of a checkpoint and this one; an option that is left
/// out is null.
fn check_same(path: &Path, name: &str, saved: &Value, now: &Value) -> Result<()> {
    if let (Value::Object(before), Value::Object(after)) = (saved, now) {
        for key in after.keys().chain(before.keys()) {
            let name = [name, key].join(if name.is_empty() { "" } else { ": " });
            check_same(path, &name, &saved[key], &now[key])?;
        }
    } else if saved != now {
        let found = format!("a checkpoint of another training, whose {name} is {saved}");
        let expected = format!("{name} {now}");
        return Err(LabError::format(path, found, expected, OTHER_REMEDY));
    }
    Ok(())
}
