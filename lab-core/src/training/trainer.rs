//! The trainer: the options of a training, its callbacks, and the state that a second `fit` goes on from.

use super::*;

/// Trains networks: a loss, an optimizer, and all options of a training.
///
/// ```
/// use lab_core::prelude::*;
/// let cifar = Cifar10::sample();
/// let (train, validation) = cifar.train.split(0.8, Seed(42))?;
/// let mut model = Sequential::new([32, 32, 3])
///     .flatten()
///     .dense(64, Activation::Elu)
///     .dropout(0.5)
///     .dense(10, Activation::Softmax)
///     .build(Seed(0))?;
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
///     .epochs(3)
///     .batch_size(64)
///     .callback(EarlyStopping::on_val_loss().patience(5).restore_best_weights())
///     .fit(&mut model, &train, &validation)?;
/// assert!(history.epochs[2].loss < history.epochs[0].loss);
/// # Ok::<(), LabError>(())
/// ```
///
/// A second `fit` of the same network goes on from the weights, the optimizer's state and the learning rate as callbacks left
/// it; schedules count its epochs from 0. Another network, even a clone, begins with a fresh state.
pub struct Trainer {
    pub(super) config: TrainingConfig,
    /// The first shows the progress.
    pub(super) callbacks: Vec<Box<dyn Callback>>,
    pub(super) threads: Option<usize>,
    pub(super) optimizer: Option<OptimizerState>,
    /// The folder of checkpoints, and after how many epochs one is written.
    pub(super) checkpoints: Option<(PathBuf, usize)>,
    /// Whether the next fit resumes from the checkpoint.
    pub(super) resume: bool,
}

impl Trainer {
    /// A training with Keras's defaults: one epoch, batches of 32, a constant learning rate.
    pub fn new(loss: Loss, optimizer: impl Into<Optimizer>) -> Self {
        let config = TrainingConfig {
            loss,
            epochs: 1,
            batch_size: 32,
            seed: Seed(0),
            label_smoothing: 0.0,
            global_clip_norm: None,
            class_weights: None,
            sample_weights: None,
            augmentation: None,
            optimizer: optimizer.into(),
            schedule: Schedule::Constant,
            early_stopping: None,
            reduce_lr_on_plateau: None,
        };
        config.trainer()
    }

    /// The options.
    pub fn config(&self) -> &TrainingConfig {
        &self.config
    }

    fn set(mut self, change: impl FnOnce(&mut TrainingConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// How often each training example is seen.
    pub fn epochs(self, epochs: usize) -> Self {
        self.set(|it| it.epochs = epochs)
    }

    /// Examples in a step; the last of an epoch may have fewer.
    pub fn batch_size(self, batch_size: usize) -> Self {
        self.set(|it| it.batch_size = batch_size)
    }

    /// How the learning rate changes during training.
    pub fn schedule(self, schedule: Schedule) -> Self {
        self.set(|it| it.schedule = schedule)
    }

    /// Changes each training image at random whenever it is seen; validation images stay as they are.
    pub fn augmentation(self, augmentation: Augmentation) -> Self {
        self.set(|it| it.augmentation = Some(augmentation))
    }

    /// Makes the targets of cross-entropy y (1 − s) + s / K, in training and its validation (Szegedy et al., 2016).
    pub fn label_smoothing(self, smoothing: f32) -> Self {
        self.set(|it| it.label_smoothing = smoothing)
    }

    /// Scales the gradients down where their norm, all together, exceeds `norm` (Pascanu, Mikolov and Bengio, 2013).
    pub fn global_clip_norm(self, norm: f32) -> Self {
        self.set(|it| it.global_clip_norm = Some(norm))
    }

    /// How much an example of each class counts in the training loss.
    pub fn class_weights(self, weights: impl Into<Vec<f32>>) -> Self {
        self.set(|it| it.class_weights = Some(weights.into()))
    }

    /// How much each training example counts in the training loss.
    pub fn sample_weights(self, weights: impl Into<Vec<f32>>) -> Self {
        self.set(|it| it.sample_weights = Some(weights.into()))
    }

    /// Adds a callback, early stopping or the reduction of the learning rate on plateaus; callbacks are called in the
    /// order in which they were added.
    pub fn callback(mut self, callback: impl Callback + 'static) -> Self {
        callback.configure(&mut self.config);
        self.callbacks.push(Box::new(callback));
        self
    }

    /// How to show the progress of a training; [`EpochLines`] by default.
    pub fn progress(mut self, progress: impl Callback + 'static) -> Self {
        self.callbacks[0] = Box::new(progress);
        self
    }

    /// The seed of shuffling, augmentation and dropout; 0 by default.
    pub fn seed(self, seed: Seed) -> Self {
        self.set(|it| it.seed = seed)
    }

    /// The number of threads; one for each core by default. The result does not depend on it.
    pub fn threads(mut self, count: usize) -> Self {
        self.threads = Some(count);
        self
    }

    /// Writes a checkpoint into `folder` after every `every` epochs and when the training stops early; the one before
    /// stays until the new one is on the disk.
    ///
    /// It holds the weights, the optimizer's state, the learning rate, the history and the best weights of early
    /// stopping: 21 MB for the original lab's final network with Adam, 28 MB with the best weights.
    pub fn checkpoint(mut self, folder: impl AsRef<Path>, every: usize) -> Self {
        self.checkpoints = Some((folder.as_ref().to_owned(), every));
        self
    }

    /// Lets the next [`fit`](Trainer::fit) resume from the checkpoint in its folder, to the same bits as without the
    /// interruption, or begin where there is none ([`Checkpoint::find`](super::Checkpoint::find) tells).
    ///
    /// The network must have its initial weights, and data and options must be the same, or `fit` names the difference;
    /// only the epochs may be more, unless the schedule depends on them. Callbacks with a state of their own begin anew.
    pub fn resume(mut self) -> Self {
        self.resume = true;
        self
    }

    pub(super) fn check(
        &self,
        model: &Sequential,
        train: &Dataset,
        validation: Option<&Dataset>,
    ) -> Result<()> {
        self.validate()?;
        let loss = self.config.loss;
        check_data(model, train, "training data", loss)?;
        if let Some(validation) = validation {
            check_data(model, validation, "validation data", loss)?;
            if validation.normalization() != train.normalization() {
                let remedy = "call .with_normalization with the training part's on both";
                let (found, expected) = ("another normalization", "the training data's");
                return Err(LabError::value("validation data", found, expected, remedy));
            }
        }
        // The batches check the weights of classes and examples.
        self.config.batches(train, 0, &Threads::one()).map(drop)
    }

    /// Checks every option, as [`Trainer::fit`] does before anything else.
    ///
    /// # Errors
    /// [`LabError::Value`] for the first option outside of its range.
    pub fn validate(&self) -> Result<()> {
        Threads::check(self.threads)?;
        let every = self.checkpoints.as_ref().map(|(_, every)| *every);
        if let (None, true) = (every, self.resume) {
            let (found, remedy) = ("no folder", "say where: .checkpoint(folder, every)");
            return Err(LabError::value("resume", found, "checkpoints", remedy));
        }
        let remedy = "1 writes one after each epoch";
        check_range("checkpoint: every", every.unwrap_or(1), 1.., remedy)?;
        self.config.validate()
    }
}

/// The options of a training; [`Trainer`] explains each.
///
/// ```
/// use lab_core::prelude::*;
/// let config = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3)).epochs(10).config().clone();
/// let text = serde_json::to_string(&config).unwrap();
/// assert_eq!(serde_json::from_str::<TrainingConfig>(&text).unwrap(), config);
/// let trainer = config.trainer();
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// What training minimizes.
    pub loss: Loss,
    /// How often each training example is seen, at most.
    pub epochs: usize,
    /// Examples in a step.
    pub batch_size: usize,
    /// The seed of shuffling, dropout and augmentation.
    #[serde(default)]
    pub seed: Seed,
    /// Label smoothing s: the targets become y (1 − s) + s / K.
    #[serde(default)]
    pub label_smoothing: f32,
    /// The largest norm of all gradients together.
    pub global_clip_norm: Option<f32>,
    /// How much an example of each class counts in the training loss.
    pub class_weights: Option<Vec<f32>>,
    /// How much each training example counts in the training loss; not written to files.
    #[serde(skip)]
    pub(super) sample_weights: Option<Vec<f32>>,
    /// How the training images are changed at random.
    pub augmentation: Option<Augmentation>,
    /// The update rule.
    pub optimizer: Optimizer,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: Schedule,
    /// Early stopping, if any.
    pub early_stopping: Option<EarlyStopping>,
    /// The reduction of the learning rate on plateaus, if any.
    pub reduce_lr_on_plateau: Option<ReduceLrOnPlateau>,
}

impl TrainingConfig {
    /// A trainer with these options.
    pub fn trainer(self) -> Trainer {
        let (stopping, plateau) = (self.early_stopping, self.reduce_lr_on_plateau);
        let lines = EpochLines::to(std::io::stdout());
        let mut callbacks: Vec<Box<dyn Callback>> = vec![Box::new(lines)];
        callbacks.extend(stopping.map(|it| Box::new(it) as Box<dyn Callback>));
        callbacks.extend(plateau.map(|it| Box::new(it) as Box<dyn Callback>));
        Trainer {
            config: self,
            callbacks,
            threads: None,
            optimizer: None,
            checkpoints: None,
            resume: false,
        }
    }

    /// The batches of an epoch (from 0, over all fits), as every training step sees them.
    pub(super) fn batches(&self, train: &Dataset, epoch: usize, on: &Threads) -> Result<Batches> {
        let (classes, examples) = (&self.class_weights, &self.sample_weights);
        let batches = train.batches(self.batch_size)?.threads(on);
        let batches = batches.weighted(classes.as_deref(), examples.as_deref())?;
        let batches = batches.shuffled(self.seed, epoch);
        match &self.augmentation {
            Some(augmentation) => batches.augmented(augmentation.clone(), self.seed, epoch),
            None => Ok(batches),
        }
    }

    /// Checks every option.
    ///
    /// # Errors
    /// [`LabError::Value`] for the first option outside of its range.
    pub fn validate(&self) -> Result<()> {
        check_range("epochs", self.epochs, 1.., "10 is enough for a first look")?;
        let usual = "64 is the original lab's";
        check_range("batch size", self.batch_size, 1.., usual)?;
        self.optimizer.check()?;
        self.schedule.check()?;
        self.loss.check_smoothing(self.label_smoothing)?;
        if let Some(norm) = self.global_clip_norm {
            let positive = above_zero(f32::INFINITY);
            check_range("global_clip_norm", norm, positive, "1 is a usual value")?;
        }
        let (plateau, moves) = (&self.reduce_lr_on_plateau, &self.augmentation);
        plateau.iter().try_for_each(ReduceLrOnPlateau::check)?;
        moves.iter().try_for_each(Augmentation::validate)
    }
}
