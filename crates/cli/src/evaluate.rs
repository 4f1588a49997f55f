//! `cargo lab evaluate`.

use std::path::{Path, PathBuf};

use lab_core::data::Dataset;
use lab_core::model::Sequential;
use lab_core::training::Evaluation;
use lab_notebook::lab::MODEL;
use lab_recipes::Preset;

use crate::Outcome;
use crate::config::Config;
use crate::data_set::{SAMPLE, data_set};
use crate::terminal::say;

/// Report on the test set once more for a finished run.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo lab evaluate outputs/runs/final
  cargo lab evaluate outputs/runs/final --data sample    on the 500 built-in test images")]
pub struct EvaluateArgs {
    /// The folder of a run
    run: PathBuf,
    /// The folder with the data set, or `sample` [default: what the run was trained on]
    #[arg(long, value_name = "DIR|sample")]
    data: Option<PathBuf>,
}

/// Evaluates and prints the report.
///
/// # Errors
/// Where the run or the data set cannot be read, or do not fit together.
pub fn run(arguments: &EvaluateArgs) -> Outcome {
    let config = Config::read(&arguments.run)?;
    let model = Sequential::load(arguments.run.join(MODEL))?;
    let same = (config.data.set == SAMPLE).then_some(Path::new(SAMPLE));
    let cifar = data_set(arguments.data.as_deref().or(same))?;
    let evaluation = model.evaluate_with(&cifar.test, config.training.loss)?;
    say!("{} images", cifar.test.len());
    show(&evaluation, with_flips(&model, &cifar.test, &config)?);
    Ok(())
}

/// The accuracy of the mean probabilities of each image and its mirror image, for a recipe that is made for that.
///
/// # Errors
/// Where the images do not fit the network.
pub fn with_flips(model: &Sequential, test: &Dataset, config: &Config) -> Outcome<Option<f64>> {
    // Filters that come in mirrored pairs see the same in both.
    let recipe = config.network.preset.filter(|it| *it != Preset::Patches);
    let flipped = recipe.map(|_| model.evaluate_with_flips(test));
    Ok(flipped.transpose()?.map(|evaluation| evaluation.accuracy))
}

/// Prints loss, accuracy, the scores of each class and the confusion matrix.
pub fn show(scores: &Evaluation, flipped: Option<f64>) {
    let (loss, accuracy) = (scores.loss, scores.accuracy);
    say!("\nTest loss: {loss:.4}\nTest accuracy: {accuracy:.4}\n");
    say!("{}\n{}", scores.report(), scores.confusion_matrix());
    if let Some(accuracy) = flipped {
        say!("\nTest accuracy with test-time flips: {accuracy:.4}");
    }
}
