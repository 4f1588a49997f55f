//! `cargo lab train`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, FromArgMatches};
use lab_core::Seed;
use lab_core::data::Dataset;
use lab_core::model::Architecture;
use lab_core::training::{
    CsvLogger, EarlyStopping, EpochLines, Loss, Optimizer, Stopped, Trainer, TrainingConfig,
};
use lab_notebook::lab::{DataRecord, HISTORY, MODEL, Machine, Record, RunFolder, TestRecord};
use lab_recipes::Preset;
use lab_recipes::patches::{Patches, copy_weights};
use lab_sweep::{DIVERGED, Trainings as _};

use crate::bars::Bar;
use crate::config::{self, CIFAR10, Config, Data, Network, Split};
use crate::data_set::{SAMPLE, data_set};
use crate::evaluate;
use crate::files::{in_laboratory, write_whole};
use crate::interrupt::{self, CtrlC};
use crate::schedule;
use crate::terminal::say;
use crate::{Outcome, error};

/// Train a network, by default the original lab's final one, and report on the test set.
///
/// The data set is fetched first if it is missing. The run's folder gets config.toml, history.csv, model.safetensors and
/// metrics.json; a run that is there already stays until the new one is complete.
///
/// A checkpoint after each epoch lets a training that Ctrl-C or a crash interrupts go on with --resume, to the same bits. With --resume, --epochs may be more than before, unless the schedule depends on it.
#[derive(clap::Args)]
#[command(after_help = include_str!("train.txt"))]
pub struct TrainArgs {
    /// The folder with the data set, or `sample` for the built-in images [default: the folder `data`]
    #[arg(long, value_name = "DIR|sample")]
    data: Option<PathBuf>,
    /// How the validation images are chosen from the training images
    #[arg(long, value_enum, default_value_t = Split::Last)]
    split: Split,
    /// A network with its own way of training, on all training images
    #[arg(
        long,
        value_enum,
        conflicts_with_all = ["split", "layers", "dropout", "l2", "loss", "optimizer",
            "learning_rate", "schedule", "epochs", "batch_size", "patience",
            "no_early_stopping", "augment"]
    )]
    preset: Option<Preset>,
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
    /// What training minimizes
    #[arg(long, default_value_t = Loss::CategoricalCrossentropy)]
    loss: Loss,
    /// The update rule of the weights
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
        let rate = self.learning_rate.unwrap_or(optimizer.learning_rate());
        let mut trainer = Trainer::new(self.loss, optimizer.with_learning_rate(rate))
            .schedule(schedule::parse(&self.schedule)?)
            .epochs(self.epochs)
            .batch_size(self.batch_size)
            .seed(Seed(self.seed));
        if !self.no_early_stopping {
            let stopping = EarlyStopping::on_val_loss().patience(self.patience);
            trainer = trainer.callback(stopping.restore_best_weights());
        }
        if let Some(text) = &self.augment {
            trainer = trainer.augmentation(config::augmentation(text)?);
        }
        let layers = self.layers.as_deref();
        let mut network = Network::parse(layers, self.dropout.as_deref(), self.l2)?;
        let mut split = self.split;
        if let Some(preset) = self.preset {
            (network, split) = (Network::default(), Split::None);
            network.preset = self.preset;
            trainer = preset.trainer(Seed(self.seed));
        }
        Ok(Config {
            lab: env!("CARGO_PKG_VERSION").to_owned(),
            data: Data {
                set: if sample { SAMPLE } else { CIFAR10 }.to_owned(),
                split,
                train: 0,
                validation: 0,
                test: 0,
            },
            network,
            training: trainer.config().clone(),
            machine: Machine::this(self.threads),
        })
    }

    /// The configuration and the network. Everything that can be wrong with the options is found here, before the data set
    /// is fetched.
    fn check(&self) -> lab_core::Result<(Config, Architecture)> {
        let config = self.config()?;
        let architecture = config.network.architecture([32, 32, 3], 10)?;
        architecture.parameter_count()?;
        self.trainer(&config.training).validate()?;
        Ok((config, architecture))
    }

    /// The trainer with these options and the number of threads.
    fn trainer(&self, config: &TrainingConfig) -> Trainer {
        let trainer = config.clone().trainer();
        let trainer = trainer.checkpoint("", self.checkpoint_every);
        match self.threads {
            Some(threads) => trainer.threads(threads),
            None => trainer,
        }
    }
}

/// Trains, reports and writes the run's folder.
///
/// # Errors
/// Where an option, the data set or the folder is not as it should be, and where the training diverges.
pub fn run(arguments: TrainArgs) -> Outcome {
    let (mut config, architecture) = arguments.check()?;
    let usual = match config.data.set.as_str() {
        SAMPLE => "outputs/sample/runs/final",
        _ => "outputs/runs/final",
    };
    let out = arguments.out.clone();
    let out = out.unwrap_or_else(|| in_laboratory(usual));
    let folder = RunFolder::begin(&out)?;

    let cifar = data_set(arguments.data.as_deref())?;
    let (train, validation) = config.data.split.divide(&cifar.train)?;
    let validating = validation.as_ref().map_or(0, Dataset::len);
    let (data, testing) = (&mut config.data, cifar.test.len());
    (data.train, data.validation, data.test) = (train.len(), validating, testing);
    let mut model = architecture.build(config.training.seed)?;
    if let Some(preset) = config.network.preset {
        preset.fill(&mut model, &train, config.training.seed)?;
    }
    say!("Training on {train:?}, validating on {validating}, testing on {testing}");
    say!("{}", model.summary());

    // Before anything listens to Ctrl-C: until here there is nothing to go on from.
    let (started, all) = (Instant::now(), train.len());
    let features = match config.network.preset {
        Some(Preset::Patches) => Some(Patches::FULL.apply(&model, &train, |done| {
            say!("The patches were looked for in {done} of {all} images");
        })?),
        _ => None,
    };
    let preparing = started.elapsed().as_secs_f64();
    let trainer = arguments
        .trainer(&config.training)
        .callback(CsvLogger::new(folder.file(HISTORY)))
        .callback(CtrlC::listen()?);
    let (every, how) = (arguments.checkpoint_every, "the same command with --resume");
    let (trainer, said) = folder.checkpointed(trainer, every, arguments.resume, how)?;
    if let Some(said) = said {
        say!("{}: {said}", out.display());
    }
    // A bar where a person looks; lines where standard output goes into a file or a pipe.
    let mut trainer = if std::io::stderr().is_terminal() && std::io::stdout().is_terminal() {
        trainer.progress(Bar::new())
    } else {
        trainer.progress(EpochLines::to(std::io::stdout()))
    };
    let history = match &features {
        None => trainer.fit(&mut model, &train, validation.as_ref())?,
        Some(features) => {
            let mut last_layer = Patches::FULL.last_layer().build(config.training.seed)?;
            let history = trainer.fit(&mut last_layer, features, None)?;
            copy_weights(&last_layer, &mut model)?;
            history
        }
    };
    if let Stopped::Interrupted { epoch } = history.stopped {
        return interrupt::end(epoch);
    }
    let data = DataRecord {
        set: config.data.set.clone(),
        train: train.len(),
        validation: validating,
    };
    let (training, machine) = (config.training.clone(), config.machine.clone());
    let mut record = Record::new(data, &model, training, &history, machine);
    record.seconds += preparing;
    say_end(&record)?;

    let evaluation = model.evaluate_with(&cifar.test, config.training.loss)?;
    let accuracy_with_flips = evaluate::with_flips(&model, &cifar.test, &config)?;
    record.test = Some(TestRecord {
        accuracy_with_flips,
        ..TestRecord::new(&evaluation)
    });
    let text = toml::to_string_pretty(&config)?;
    write_whole(&folder.file(Config::FILE), &text)?;
    record.write(&folder.file(""))?;
    model.save(folder.file(MODEL))?;
    folder.commit()?;

    evaluate::show(&evaluation, accuracy_with_flips);
    let (epochs, seconds, out) = (record.epochs, record.seconds, out.display());
    say!("{epochs} epochs in {seconds:.1} s; the run is in {out}");
    say!("Try it on a picture of yours: cargo lab predict {out} PICTURE");
    Ok(())
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
            let place = format!("epoch {epoch}, step {step}");
            let what = format!("{DIVERGED}: the loss became NaN in {place}");
            let remedy = "try a --learning-rate ten times smaller; an earlier run in the folder was left as it was";
            return Err(error(what, remedy));
        }
    }
    Ok(())
}

/// This command, as `cargo lab sweep` needs it.
pub struct Trainings;

fn parse(words: &[String]) -> Outcome<TrainArgs> {
    let matches = Trainings.options().try_get_matches_from(words)?;
    Ok(TrainArgs::from_arg_matches(&matches)?)
}

impl lab_sweep::Trainings for Trainings {
    fn options(&self) -> clap::Command {
        TrainArgs::augment_args(clap::Command::new("train")).no_binary_name(true)
    }

    fn check(&self, words: &[String]) -> Outcome {
        parse(words)?.check()?;
        Ok(())
    }

    fn prepare(&self, words: &[String]) -> Outcome {
        data_set(parse(words)?.data.as_deref()).map(drop)
    }

    fn train(&self, words: &[String]) -> Outcome {
        run(parse(words)?)
    }
}
