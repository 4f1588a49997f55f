//! The training loop of one rank.

use std::path::PathBuf;
use std::time::Instant;

use lab_core::compute::Threads;
use lab_core::data::Dataset;
use lab_core::model::Sequential;
use lab_core::training::{EpochRecord, History, Stopped, TrainingConfig};
use lab_core::{LabError, Result};

use crate::SHARDS;
use crate::checkpoint;
use crate::communicator::Communicator;
use crate::identity::{check_all_ranks, check_ranks, identity};
use crate::shards::Learner;

/// A training that several ranks share; each must have the same.
#[derive(Clone, Debug)]
pub struct Training {
    /// The options of a [`Trainer`](lab_core::training::Trainer).
    pub config: TrainingConfig,
    /// The file to which rank 0 writes a checkpoint after every epoch, whole or not at all.
    pub checkpoint: Option<PathBuf>,
    /// Whether to go on from the checkpoint, where there is one, to the same bits as without the interruption, on any number
    /// of ranks. The network must have its initial weights; data and options must be the same; only the epochs may be more,
    /// where the schedule does not depend on their number. Every rank must find the same file.
    pub resume: bool,
}

/// Told after each step: the epoch up to that step, the number of the step, and the steps of an epoch.
pub type Progress<'a> = &'a mut dyn FnMut(&EpochRecord, usize, usize);

impl Training {
    /// Trains this rank's copy of the network together with the other ranks; all end with the same bits.
    ///
    /// A loss that is no longer finite is not an error: [`History::stopped`] says in which epoch and step it came.
    ///
    /// # Errors
    /// [`LabError::Value`] for a number of ranks that does not divide [`SHARDS`], options that are out of range or not
    /// supported here, ranks whose data or options differ, and a rank that is gone; errors of files and shapes.
    pub fn run(
        &self,
        ranks: &impl Communicator,
        model: &mut Sequential,
        data: &Dataset,
        progress: Progress<'_>,
    ) -> Result<History> {
        self.check(ranks.size(), data)?;
        let (config, identity) = (&self.config, identity(model, data, &self.config));
        check_all_ranks(ranks, &identity)?;
        check_ranks(ranks, "number of epochs", &config.epochs.to_le_bytes())?;
        let mut learner = Learner {
            ranks,
            optimizer: config.optimizer.for_model(model),
            model,
            config,
            threads: Threads::new(None)?,
            message: Vec::new(),
        };
        let saved = self.checkpoint.as_deref();
        let mut history = match saved.filter(|_| self.resume) {
            Some(path) => checkpoint::resume(path, &mut learner, &identity)?,
            None => History::default(),
        };
        while history.epochs.len() < config.epochs {
            let record = train_epoch(&mut learner, data, history.epochs.len(), progress)?;
            match record {
                Ok(record) => history.epochs.push(record),
                Err(stopped) => {
                    history.stopped = stopped;
                    break;
                }
            }
            if let (Some(path), 0) = (saved, ranks.rank()) {
                checkpoint::write(path, &learner, &identity, &history)?;
            }
        }
        Ok(history)
    }

    /// Checks the options, of which some mean something else here, or nothing.
    fn check(&self, ranks: usize, data: &Dataset) -> Result<()> {
        let config = &self.config;
        config.validate()?;
        if ranks == 0 || !SHARDS.is_multiple_of(ranks) {
            let remedy = "start as many with mpirun -n";
            return Err(LabError::value("ranks", ranks, "1, 2, 4, 8 or 16", remedy));
        }
        let (size, images) = (config.batch_size, data.len());
        if !size.is_multiple_of(SHARDS) || size > images {
            let expected = format!("a multiple of {SHARDS}, at most the {images} images");
            let remedy = "512 is usual";
            return Err(LabError::value("batch size", size, expected, remedy));
        }
        let watches = config.early_stopping.is_some() || config.reduce_lr_on_plateau.is_some();
        let weighs = config.class_weights.is_some() || config.global_clip_norm.is_some();
        if watches || weighs || !config.loss.from_logits() {
            let found = "an option that ranks do not support";
            let expected =
                "a cross-entropy, no clipping, class weights, early stopping or plateaus";
            let remedy = "leave it out, or train with lab_core's Trainer";
            return Err(LabError::value("training", found, expected, remedy));
        }
        Ok(())
    }
}

/// One step for each whole batch; or where the training diverged.
fn train_epoch<C: Communicator>(
    learner: &mut Learner<'_, C>,
    data: &Dataset,
    done: usize,
    progress: Progress<'_>,
) -> Result<Result<EpochRecord, Stopped>> {
    let (config, start, epoch) = (learner.config, Instant::now(), done + 1);
    let batches = data.batches(config.batch_size / SHARDS)?;
    let mut batches = batches
        .threads(&learner.threads)
        .shuffled(config.seed, done);
    if let Some(augmentation) = &config.augmentation {
        batches = batches.augmented(augmentation.clone(), config.seed, done)?;
    }
    let steps = data.len() / config.batch_size;
    let (mut sums, mut record) = ([0.0; 2], EpochRecord::default());
    for step in 1..=steps {
        let at = done as f64 + (step - 1) as f64 / steps as f64;
        let base = config.optimizer.learning_rate();
        learner.optimizer.learning_rate = config.schedule.rate(base, at, config.epochs);
        let (loss, accuracy) = learner.step(&mut batches, step == 1)?;
        if !loss.is_finite() {
            return Ok(Err(Stopped::Diverged { epoch, step }));
        }
        sums = [sums[0] + loss, sums[1] + accuracy];
        record = EpochRecord {
            epoch,
            loss: sums[0] / step as f64,
            accuracy: sums[1] / step as f64,
            learning_rate: config.schedule.rate(base, done as f64, config.epochs),
            seconds: start.elapsed().as_secs_f64(),
            ..record
        };
        progress(&record, step, steps);
    }
    Ok(Ok(record))
}
