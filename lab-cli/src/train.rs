//! `cargo lab train`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use lab_core::Seed;
use lab_core::data::Augmentation;
use lab_core::lab::{DataRecord, HISTORY, MODEL, Machine, Record, RunFolder, TestRecord};
use lab_core::training::{
    Checkpoint, CsvLogger, EpochLines, Loss, Optimizer, Schedule, Stopped, Trainer,
};

use crate::Outcome;
use crate::bars::Bars;
use crate::config::{CIFAR10, Config, Data, Network, Split, Training};
use crate::data_set::{SAMPLE, data_set};
use crate::interrupt::{self, CtrlC};
use crate::laboratory::in_laboratory;
use crate::output::say;

/// Train a network, by default the lab's final one, and report on the test set.
///
/// The data set is fetched first if it is missing. The run's folder gets config.toml, history.csv, model.safetensors and
/// metrics.json; a run that is there already stays until the new one is complete.
///
/// A checkpoint after each epoch, and one when Ctrl-C interrupts the training, let it go on with --resume, to the same
/// bits. With --resume, --epochs may be more than before, unless the schedule depends on it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo lab train                                      the lab's final network: 50 epochs
  cargo lab train --data sample --layers \"128:relu,64:relu\" --epochs 10    1,500 built-in images
  cargo lab train --layers \"128:relu,64:relu\" --schedule constant --out outputs/runs/small
  cargo lab train --optimizer sgd --learning-rate 0.1 --schedule cosine --out outputs/runs/sgd
  cargo lab train --augment \"flip,shift=0.1,rotate=10\" --out outputs/runs/augmented

Activations: linear relu leaky_relu elu gelu sigmoid tanh softmax
Losses:      categorical_crossentropy sparse_categorical_crossentropy kl_divergence mean_squared_error
Optimizers:  sgd momentum nesterov rmsprop adam adamw
Schedules:   constant  step=EPOCHS:FACTOR  exponential=FACTOR  cosine[=LOWEST]  one-cycle  warmup=EPOCHS,SCHEDULE
Augmenting:  flip  rotate=DEGREES  shift=FRACTION  crop=PIXELS  fill=reflect|nearest|wrap|0-255, in a list;
             @P after one is its probability: flip@0.3,rotate=10")]
pub struct TrainArgs {
    /// The folder with the data set, or `sample` for the built-in images [default: the folder `data`]
    #[arg(long, value_name = "DIR|sample")]
    data: Option<PathBuf>,
    /// How the validation images are chosen from the training images
    #[arg(long, value_enum, default_value_t = Split::Last)]
    split: Split,
    /// Hidden layers, UNITS:ACTIVATION in a list [default: 512:elu,256:tanh,128:elu]
    #[arg(long, value_name = "LIST")]
    layers: Option<String>,
    /// Dropout after each hidden layer, or one rate for all [default: 0.5,0.5,0; 0 with --layers]
    #[arg(long, value_name = "RATES", allow_hyphen_values = true)]
    dropout: Option<String>,
    /// The penalty on the kernels of the hidden layers
    #[arg(
        long,
        value_name = "LAMBDA",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    l2: f32,
    /// What training makes small
    #[arg(long, default_value_t = Loss::CategoricalCrossentropy)]
    loss: Loss,
    /// How the weights follow the gradient
    #[arg(long, value_name = "NAME", default_value = "adam")]
    optimizer: String,
    /// The learning rate [default: the optimizer's own: 0.01 for the sgd family, 0.001 for the others]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    learning_rate: Option<f32>,
    /// How the learning rate changes
    #[arg(long, value_name = "SCHEDULE", default_value = "exponential=0.95")]
    schedule: String,
    /// How often each image is seen, at most
    #[arg(long, default_value_t = 50)]
    epochs: usize,
    /// Images in a step
    #[arg(long, default_value_t = 64)]
    batch_size: usize,
    /// Epochs without a better validation loss that end the training; the best weights are restored at the end
    #[arg(long, value_name = "EPOCHS", default_value_t = 5)]
    patience: usize,
    /// Do all epochs and keep the last weights
    #[arg(long, conflicts_with = "patience")]
    no_early_stopping: bool,
    /// Change the training images at random
    #[arg(long, value_name = "LIST")]
    augment: Option<String>,
    /// The seed of weights, shuffling, dropout and augmentation
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads at work; the result does not depend on it [default: one for each core]
    #[arg(long)]
    threads: Option<usize>,
    /// Go on from the checkpoint of an interrupted training with the same options, or begin where there is none
    #[arg(long)]
    resume: bool,
    /// After how many epochs a checkpoint is written
    #[arg(long, value_name = "EPOCHS", default_value_t = 1)]
    checkpoint_every: usize,
    /// The run's folder [default: outputs/runs/final of the laboratory; outputs/sample/runs/final for the sample]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl TrainArgs {
    /// The configuration of the run, every option checked; the numbers of images are filled in when they are known.
    fn config(&self) -> lab_core::Result<Config> {
        let sample = self.data.as_deref() == Some(Path::new(SAMPLE));
        let optimizer = self.optimizer.parse::<Optimizer>()?;
        let augment = self
            .augment
            .as_ref()
            .map(|text| text.parse::<Augmentation>())
            .transpose()?;
        Ok(Config {
            lab: env!("CARGO_PKG_VERSION").to_owned(),
            data: Data {
                set: if sample { SAMPLE } else { CIFAR10 }.to_owned(),
                split: self.split,
                train: 0,
                validation: 0,
                test: 0,
            },
            network: Network::parse(self.layers.as_deref(), self.dropout.as_deref(), self.l2)?,
            training: Training {
                loss: self.loss,
                optimizer: optimizer.to_string(),
                learning_rate: self.learning_rate.unwrap_or(optimizer.learning_rate()),
                schedule: self.schedule.parse::<Schedule>()?.to_string(),
                epochs: self.epochs,
                batch_size: self.batch_size,
                patience: (!self.no_early_stopping).then_some(self.patience),
                augment: augment.map(|augment| augment.to_string()),
                seed: self.seed,
            },
            machine: Machine::this(self.threads),
        })
    }
}

/// Trains, reports and writes the run's folder.
///
/// # Errors
/// Where an option, the data set or the folder is not as it should be, and where the training diverges.
pub fn run(arguments: TrainArgs) -> Outcome {
    let mut config = arguments.config()?;
    // Everything that can be wrong with the options is found before the data set is fetched.
    config
        .network
        .architecture([32, 32, 3], 10)?
        .parameter_count()?;
    config
        .training
        .trainer(arguments.threads)?
        .checkpoint("", arguments.checkpoint_every)
        .validate()?;
    let usual = if config.data.set == SAMPLE {
        "outputs/sample/runs/final"
    } else {
        "outputs/runs/final"
    };
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| in_laboratory(usual));
    let folder = RunFolder::begin(&out)?;

    let cifar = data_set(arguments.data.as_deref())?;
    let (train, validation) = config.data.split.divide(&cifar.train)?;
    (config.data.train, config.data.validation, config.data.test) =
        (train.len(), validation.len(), cifar.test.len());
    let plan = config
        .network
        .architecture(cifar.train.image_shape(), cifar.train.class_count())?;
    let mut model = plan.build(Seed(config.training.seed))?;
    say!(
        "Training on {train:?}, validating on {}, testing on {}",
        validation.len(),
        cifar.test.len()
    );
    say!("{}", model.summary());

    let trainer = config
        .training
        .trainer(arguments.threads)?
        .callback(CsvLogger::new(folder.file(HISTORY)));
    let trainer = checkpointed(trainer.callback(CtrlC::listen()?), &folder, &arguments)?;
    // A bar where a person looks; lines where standard output goes into a file or a pipe.
    let mut trainer = if std::io::stderr().is_terminal() && std::io::stdout().is_terminal() {
        trainer.progress(Bars::new())
    } else {
        trainer.progress(EpochLines::default())
    };
    let settings = trainer.settings();
    let history = trainer.fit(&mut model, &train, &validation)?;
    if let Stopped::Interrupted { epoch, step } = history.stopped {
        return Err(interrupt::message(epoch, step).into());
    }
    let data = DataRecord {
        set: config.data.set.clone(),
        train: train.len(),
        validation: validation.len(),
    };
    let mut record = Record::new(data, &model, settings, &history);
    say_end(&record)?;

    let evaluation = model.evaluate_with(&cifar.test, config.training.loss)?;
    record.test = Some(TestRecord::new(&evaluation));
    folder.write(Config::FILE, &toml::to_string_pretty(&config)?)?;
    folder.write_record(&record)?;
    model.save(folder.file(MODEL))?;
    folder.commit()?;

    say!(
        "\nTest loss: {:.4}\nTest accuracy: {:.4}\n",
        evaluation.loss,
        evaluation.accuracy
    );
    say!("{}\n{}", evaluation.report(), evaluation.confusion_matrix());
    say!(
        "{} epochs in {:.1} s; the run is in {}",
        record.epochs,
        record.seconds,
        out.display()
    );
    say!(
        "Try it on a picture of yours: cargo lab predict {} PICTURE",
        out.display()
    );
    Ok(())
}

/// The trainer with checkpoints beside the run's folder; says whether it goes on from one.
fn checkpointed(trainer: Trainer, folder: &RunFolder, arguments: &TrainArgs) -> Outcome<Trainer> {
    let checkpoints = folder.checkpoints();
    let trainer = trainer.checkpoint(&checkpoints, arguments.checkpoint_every);
    if arguments.resume {
        match Checkpoint::find(&checkpoints)? {
            Some(checkpoint) => say!("Going on from {checkpoint}"),
            None => say!("There is no checkpoint to go on from: training from the beginning"),
        }
        return Ok(trainer.resume());
    }
    // A damaged one is of no use, and is replaced.
    if let Some(checkpoint) = Checkpoint::find(&checkpoints)
        .ok()
        .flatten()
        .filter(|found| !found.is_finished())
    {
        say!(
            "An earlier training was interrupted and has left {checkpoint}: --resume goes on from it."
        );
        say!("This one begins anew.");
    }
    Ok(trainer)
}

/// Says how the training ended, and of which epoch the weights are.
fn say_end(record: &Record) -> Outcome {
    let (last, epoch) = (record.epochs, record.weights_of_epoch);
    match record.stopped {
        Stopped::Finished | Stopped::Interrupted { .. } => {
            say!("All {last} epochs done; the weights are those of epoch {epoch}.")
        }
        Stopped::Early { epoch: stop } => {
            say!("Stopped early after epoch {stop}; the weights are those of epoch {epoch}.")
        }
        Stopped::Diverged { epoch, step } => {
            return Err(format!(
                "the training diverged: the loss was not a finite number any more in epoch {epoch}, step {step}\n  what \
                 to do: try a --learning-rate ten times smaller; an earlier run in the folder was left as it was"
            )
            .into());
        }
    }
    Ok(())
}
