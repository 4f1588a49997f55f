//! The open challenge of notebook 6: as good as possible in three minutes, with dense layers only.

mod board;

use std::path::Path;
use std::time::Instant;

use lab_core::prelude::{
    Cifar10, Dataset, Evaluation, LayerKind, Normalization, Result, Seed, Sequential,
};

use crate::sandbox::attempt;
pub use board::{Board, Row};

/// What an entry must reach, and in how many seconds: 55 % in three minutes, or less where there is only the sample.
fn rules(images: usize) -> (f64, f64) {
    if images < 10_000 {
        (30.0, 20.0)
    } else {
        (55.0, 180.0)
    }
}

/// Lets an entry train, measures it, and puts it on the scoreboard in `outputs`: `entry(training images)`.
///
/// The training images are 80 % of those of the data set, standardized; the network is evaluated on the others. `entry`
/// is a function and no closure, so that nothing but the training images is at hand in it. A network that is far better
/// on the validation images than on the test images must have seen them and is refused; what it reaches on the test
/// images is not shown.
///
/// # Errors
/// Where the scoreboard cannot be read or written.
pub fn enter(
    cifar: &Cifar10,
    outputs: &Path,
    entry: fn(&Dataset) -> Result<Sequential>,
) -> Result<Board> {
    let (train, validation) = cifar.train.split(0.8, Seed(42))?;
    let normalization = Normalization::standardize(&train)?;
    let [train, validation, test] = [train, validation, cifar.test.clone()]
        .map(|part| part.with_normalization(normalization.clone()));
    let (train, validation, test) = (train?, validation?, test?);
    let (goal, limit) = rules(cifar.train.len());
    let task = format!("{goal:.0} % on validation in {limit:.0} s, dense layers only");

    let start = Instant::now();
    let network = match attempt(|| entry(&train)) {
        Ok(Ok(network)) => network,
        Ok(Err(error)) => return Ok(Board::refused(task, error.to_string())),
        Err(panic) => return Ok(Board::refused(task, panic)),
    };
    let seconds = start.elapsed().as_secs_f64();
    let (seen, unseen) = match (network.evaluate(&validation), network.evaluate(&test)) {
        (Ok(seen), Ok(unseen)) => (seen, unseen),
        (Err(error), _) | (_, Err(error)) => return Ok(Board::refused(task, error.to_string())),
    };
    if let Some(reason) = refusal(&network, [&seen, &unseen], seconds, limit) {
        return Ok(Board::refused(task, reason));
    }
    let row = Row::new(100.0 * seen.accuracy, seconds, &network);
    Board::with_entry(task, goal, row, &outputs.join("challenge/scoreboard.csv"))
}

/// Why a network does not get onto the scoreboard.
fn refusal(
    network: &Sequential,
    [validation, test]: [&Evaluation; 2],
    seconds: f64,
    limit: f64,
) -> Option<String> {
    let warnings = validation.report().warnings;
    if warnings.iter().any(|it| it.contains("never trained")) {
        return Some("No entry yet: the network was not trained".to_owned());
    }
    let layers = &network.architecture().layers;
    if let Some(other) = layers.iter().find(|layer| !is_allowed(layer)) {
        return Some(format!("Only dense layers are allowed, found {other:?}"));
    }
    if seconds > limit {
        return Some(format!(
            "It took {seconds:.0} s, of which {limit:.0} are allowed: fewer epochs, larger batches, \
             or a smaller network"
        ));
    }
    let variance = |it: &Evaluation| it.accuracy * (1.0 - it.accuracy) / it.truth.len() as f64;
    let error = (variance(validation) + variance(test)).sqrt();
    (validation.accuracy - test.accuracy > 5.0 * error).then(|| {
        "It is far better on the validation images than on other images that it has not seen: were \
         they among those that it was trained on?"
            .to_owned()
    })
}

/// Dense layers, and what works on their outputs one by one.
fn is_allowed(layer: &LayerKind) -> bool {
    matches!(
        layer,
        LayerKind::Flatten(_)
            | LayerKind::Dense(_)
            | LayerKind::Dropout(_)
            | LayerKind::BatchNorm(_)
    )
}
