//! `lab-cluster`: one training on all ranks that `mpirun` starts.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use lab_cli::config::{Network, augmentation};
use lab_cli::{Outcome, schedule};
use lab_cluster::{Communicator, Training, sha256};
use lab_core::Seed;
use lab_core::data::Cifar10;
use lab_core::model::{Architecture, BatchNorm, LayerKind};
use lab_core::training::{EpochRecord, Loss, Optimizer, Stopped, Trainer};
use lab_recipes::Preset;

/// Train one network on 1, 2, 4, 8 or 16 ranks, to the same bits.
///
/// All training images are trained on; rank 0 shows the progress, writes the files, and reports on the test images at the
/// end. Built without --features mpi, it is one rank.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  mpirun -n 4 target/release/lab-cluster --data data --checkpoint run.checkpoint
  mpirun -n 8 target/release/lab-cluster --data data --checkpoint run.checkpoint --resume
  mpirun -n 16 --hostfile hosts target/release/lab-cluster --data data --preset coffee --out coffee.safetensors
  target/release/lab-cluster --data sample --layers \"64:relu\" --batch-norm --batch-size 256 --epochs 2"
)]
struct Arguments {
    /// The folder with the data set, which every rank reads, or `sample` for the built-in images
    #[arg(long, value_name = "DIR|sample", default_value = "data")]
    data: PathBuf,
    /// A recipe of `cargo lab train`, with its own way of training
    #[arg(long, value_enum, conflicts_with_all = ["layers", "dropout", "batch_norm", "optimizer", "learning_rate",
        "schedule", "augment"])]
    preset: Option<Preset>,
    /// Hidden layers, UNITS:ACTIVATION in a list [default: 512:elu,256:tanh,128:elu]
    #[arg(long, value_name = "LIST")]
    layers: Option<String>,
    /// Dropout after each hidden layer, or one rate for all [default: 0.5,0.5,0; 0 with --layers]
    #[arg(long, value_name = "RATES")]
    dropout: Option<String>,
    /// Normalize the outputs of each hidden layer over each shard
    #[arg(long)]
    batch_norm: bool,
    /// The update rule of the weights
    #[arg(long, value_name = "NAME", default_value = "adam")]
    optimizer: Optimizer,
    /// The learning rate [default: the optimizer's own]
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f32>,
    /// How the learning rate changes, as for `cargo lab train`
    #[arg(long, default_value = "constant", value_parser = schedule::parse)]
    schedule: lab_core::training::Schedule,
    /// Change the training images at random, as for `cargo lab train`
    #[arg(long, value_name = "LIST", value_parser = augmentation)]
    augment: Option<lab_core::data::Augmentation>,
    /// How often each image is seen [default: the recipe's, else 10]
    #[arg(long)]
    epochs: Option<usize>,
    /// Images in a step, a multiple of 16
    #[arg(long, default_value_t = 512)]
    batch_size: usize,
    /// The seed of weights, shuffling, dropout and augmentation
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The file for a checkpoint after every epoch
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Go on from the checkpoint, on any number of ranks, or begin where there is none
    #[arg(long, requires = "checkpoint")]
    resume: bool,
    /// The file for the trained network
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Seconds after which a rank that says nothing ends the run
    #[arg(long, default_value_t = 600)]
    timeout: u64,
}

impl Arguments {
    fn architecture(&self) -> lab_core::Result<Architecture> {
        if let Some(preset) = self.preset {
            return Ok(preset.architecture());
        }
        let network = Network::parse(self.layers.as_deref(), self.dropout.as_deref(), 0.0)?;
        let mut plan = network.architecture([32, 32, 3], 10)?;
        let last = plan.layers.len() - 1;
        if self.batch_norm {
            let layers = std::mem::take(&mut plan.layers).into_iter().enumerate();
            for (number, layer) in layers {
                let hidden = matches!(layer, LayerKind::Dense(_)) && number < last;
                plan = plan.layer(layer);
                plan = if hidden {
                    plan.layer(BatchNorm::default())
                } else {
                    plan
                };
            }
        }
        Ok(plan)
    }

    fn training(&self) -> Training {
        let rate = self.learning_rate.unwrap_or(self.optimizer.learning_rate());
        let optimizer = self.optimizer.with_learning_rate(rate);
        let own = Trainer::new(Loss::CategoricalCrossentropy, optimizer)
            .schedule(self.schedule.clone())
            .epochs(10)
            .seed(Seed(self.seed));
        let trainer = self
            .preset
            .map_or(own, |preset| preset.trainer(Seed(self.seed)));
        let mut config = trainer.batch_size(self.batch_size).config().clone();
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.augmentation = self.augment.clone().or(config.augmentation);
        Training {
            config,
            checkpoint: self.checkpoint.clone(),
            resume: self.resume,
        }
    }

    /// Trains; rank 0 says how it goes.
    fn run(&self, ranks: &impl Communicator) -> Outcome {
        let training = self.training();
        let plan = self.architecture()?;
        let cifar = match self.data.as_os_str() == "sample" {
            true => Cifar10::sample(),
            false => Cifar10::open(&self.data)?,
        };
        let mut model = plan.build(Seed(self.seed))?;
        if let Some(preset) = self.preset {
            preset.fill(&mut model, &cifar.train, Seed(self.seed))?;
        }
        let (first, epochs) = (ranks.rank() == 0, training.config.epochs);
        let mut said = Instant::now();
        let mut progress = |it: &EpochRecord, step: usize, steps: usize| {
            // A long epoch says something every ten seconds.
            if first && (step == steps || said.elapsed() > Duration::from_secs(10)) {
                said = Instant::now();
                let (epoch, loss, accuracy, seconds) = (it.epoch, it.loss, it.accuracy, it.seconds);
                println!(
                    "epoch {epoch} of {epochs}, step {step} of {steps}: loss {loss:.4}, accuracy {accuracy:.4}, {seconds:.1} s"
                );
            }
        };
        let history = training.run(ranks, &mut model, &cifar.train, &mut progress)?;
        if let Stopped::Diverged { epoch, step } = history.stopped {
            let remedy = "try a --learning-rate ten times smaller";
            return Err(format!(
                "the loss became NaN in epoch {epoch}, step {step}\n  what to do: {remedy}"
            )
            .into());
        }
        if first {
            let test = model.evaluate(&cifar.test)?;
            println!(
                "test images: loss {:.4}, accuracy {:.4}",
                test.loss, test.accuracy
            );
            self.out.iter().try_for_each(|file| model.save(file))?;
            println!("SHA-256 of the weights: {}", sha256(&model));
        }
        Ok(())
    }
}

#[cfg(feature = "mpi")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ranks = lab_cluster::Mpi::begin(Duration::from_secs(arguments.timeout));
    let ranks = ranks.expect("MPI begins once");
    if let Err(error) = arguments.run(&ranks) {
        ranks.abort(&error);
    }
    ExitCode::SUCCESS
}

#[cfg(not(feature = "mpi"))]
fn main() -> ExitCode {
    match Arguments::parse().run(&lab_cluster::Single) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
