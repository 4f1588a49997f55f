//! Curves of training: loss and accuracy from epoch to epoch.

use super::super::figure::{Figure, Key};
use super::super::panel::{Layer, Panel, draw_panels};
use super::super::scale::{Axis, short};
use super::super::theme::{Stroke, TRAINING, VALIDATION};
use super::{listed, nothing};
use crate::error::{LabError, Result};
use crate::training::{EpochRecord, History, Stopped};

const HEIGHT: f64 = 290.0;
/// More lines than this cannot be told apart.
const MOST: usize = 12;

type Curve = Vec<(f64, f64)>;

/// What to do about a training that has no epoch to show.
const NO_EPOCH: &str =
    "train for an epoch; where the loss was not finite in the first, with a lower learning rate";

/// One number of each epoch; those that were not measured are gaps.
fn curve(history: &History, of: impl Fn(&EpochRecord) -> Option<f64>) -> Curve {
    history
        .epochs
        .iter()
        .map(|record| (record.epoch as f64, of(record).unwrap_or(f64::NAN)))
        .collect()
}

fn panel(label: &str, layers: Vec<Layer>) -> Panel {
    Panel {
        x: Axis {
            whole: true,
            ..Axis::new("epoch")
        },
        y: Axis::new(label),
        layers,
    }
}

/// `from 2.07 to 1.45`, or the one number there is.
fn course(points: &Curve) -> String {
    match (points.first(), points.last()) {
        (Some(first), Some(last)) if points.len() > 1 => {
            format!("from {} to {}", short(first.1), short(last.1))
        }
        (Some(only), _) => short(only.1),
        _ => "not measured".to_owned(),
    }
}

/// ` (diverged in epoch 3)`, ` (interrupted in epoch 3)` where a training was.
fn ending(history: &History) -> String {
    match history.stopped {
        Stopped::Diverged { epoch, .. } => format!(" (diverged in epoch {epoch})"),
        Stopped::Interrupted { epoch, .. } => format!(" (interrupted in epoch {epoch})"),
        _ => String::new(),
    }
}

/// Loss and accuracy of a training side by side, on the training and the validation data; the epoch with the lowest
/// validation loss is marked.
///
/// ```
/// use lab_core::prelude::*;
/// let cifar = Cifar10::sample();
/// let mut model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let history = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
///     .epochs(3)
///     .fit(&mut model, &cifar.train, &cifar.test)?;
/// let figure = figures::training_curves("Three epochs on the sample", &history)?;
/// assert!(figure.alt().contains("over 3 epochs"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for a history without an epoch.
pub fn training_curves(title: &str, history: &History) -> Result<Figure> {
    if history.epochs.is_empty() {
        return Err(nothing("history", NO_EPOCH));
    }
    let validated = history
        .epochs
        .iter()
        .any(|record| record.val_loss.is_some());
    let loss = [
        curve(history, |r| Some(r.loss)),
        curve(history, |r| r.val_loss),
    ];
    let accuracy = [
        curve(history, |r| Some(r.accuracy)),
        curve(history, |r| r.val_accuracy),
    ];
    let strokes = [TRAINING, VALIDATION].map(|colour| Stroke {
        colour,
        dashed: false,
    });
    let best = history
        .best()
        .filter(|record| record.val_loss.is_some_and(f64::is_finite));
    let layers = |curves: &[Curve; 2], mark: Option<(f64, String)>| {
        let mut layers: Vec<Layer> = curves
            .iter()
            .zip(strokes)
            .take(1 + usize::from(validated))
            .map(|(points, stroke)| Layer::Line {
                points: points.clone(),
                stroke,
            })
            .collect();
        if let (Some((value, text)), Some(best)) = (mark, best) {
            layers.push(Layer::Mark {
                at: (best.epoch as f64, value),
                text,
                colour: VALIDATION,
            });
        }
        layers
    };
    let lowest = best.and_then(|r| {
        Some((
            r.val_loss?,
            format!("lowest {} in epoch {}", short(r.val_loss?), r.epoch),
        ))
    });
    let there = best.and_then(|r| {
        Some((
            r.val_accuracy?,
            format!("{} in epoch {}", percent(r.val_accuracy?), r.epoch),
        ))
    });
    let mut alt = format!(
        "{title}: loss and accuracy over {} epochs{}: ",
        history.epochs.len(),
        ending(history)
    );
    alt += &format!("training loss {}", course(&loss[0]));
    let key = |name: &str, stroke| Key {
        name: name.to_owned(),
        stroke,
        block: None,
    };
    let mut legend = vec![key("training", strokes[0])];
    if validated {
        legend.push(key("validation", strokes[1]));
        alt += &format!(", validation loss {}", course(&loss[1]));
    }
    alt += &format!("; training accuracy {}", course(&accuracy[0]));
    if validated {
        alt += &format!(", validation accuracy {}", course(&accuracy[1]));
    }
    if let Some((value, epoch)) = best.and_then(|r| Some((r.val_loss?, r.epoch))) {
        alt += &format!("; best validation loss {} in epoch {epoch}", short(value));
    }
    let panels = [
        panel("loss", layers(&loss, lowest)),
        panel("accuracy", layers(&accuracy, there)),
    ];
    let subtitle = ending(history).trim_matches([' ', '(', ')']).to_owned();
    draw_panels(title, subtitle, legend, &panels, (2, HEIGHT), alt)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Validation loss and accuracy of several trainings side by side, a line each; up to 12.
///
/// Where no training has validation data the numbers are those of the training data. A loss that runs away does not
/// flatten the others: it is cut off, and a line under the title says so.
///
/// ```
/// use lab_core::prelude::*;
/// let record = |epoch: usize, loss: f64| EpochRecord {
///     epoch, loss, accuracy: 0.3, val_loss: Some(loss), val_accuracy: Some(0.3), learning_rate: 0.01, seconds: 1.0,
/// };
/// let sgd = History { epochs: vec![record(1, 2.1), record(2, 1.9)], ..History::default() };
/// let adam = History { epochs: vec![record(1, 1.8), record(2, 1.6)], ..History::default() };
/// let figure = figures::compare("Two optimizers", &[("SGD", &sgd), ("Adam", &adam)])?;
/// assert!(figure.alt().contains("Adam: loss from 1.8 to 1.6"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no training with an epoch, or more than 12.
pub fn compare(title: &str, runs: &[(&str, &History)]) -> Result<Figure> {
    let groups: Vec<_> = runs
        .iter()
        .map(|(name, history)| (*name, vec![*history]))
        .collect();
    compare_means(title, &groups)
}

/// As [`compare`], for trainings that were repeated with several seeds: a line for the mean of each group, and a band
/// from its lowest to its highest.
///
/// ```
/// use lab_core::prelude::*;
/// let history = |loss: f64| {
///     let record = |epoch: usize| EpochRecord {
///         epoch, loss, accuracy: 0.3, val_loss: Some(loss / epoch as f64), val_accuracy: Some(0.3),
///         learning_rate: 0.01, seconds: 1.0,
///     };
///     History { epochs: (1..=3).map(record).collect(), ..History::default() }
/// };
/// let (a, b) = (history(1.8), history(2.2));
/// let figure = figures::compare_means("Two seeds", &[("Adam", vec![&a, &b])])?;
/// assert!(figure.alt().contains("Adam (mean of 2): loss from 2 to 0.6667"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// As for [`compare`].
pub fn compare_means(title: &str, groups: &[(&str, Vec<&History>)]) -> Result<Figure> {
    if groups.len() > MOST {
        let found = format!("{} runs", groups.len());
        return Err(LabError::value(
            "runs",
            found,
            format!("at most {MOST}"),
            "show the most telling ones",
        ));
    }
    let all = || {
        groups
            .iter()
            .flat_map(|(_, runs)| runs)
            .flat_map(|run| &run.epochs)
    };
    if all().next().is_none() {
        return Err(nothing("runs", NO_EPOCH));
    }
    let validated = all().any(|record| record.val_loss.is_some());
    let of = if validated { "validation" } else { "training" };
    let loss = |r: &EpochRecord| if validated { r.val_loss } else { Some(r.loss) };
    let accuracy = |r: &EpochRecord| {
        if validated {
            r.val_accuracy
        } else {
            Some(r.accuracy)
        }
    };
    let (mut losses, mut accuracies, mut legend, mut parts) = (vec![], vec![], vec![], vec![]);
    for (number, (name, runs)) in groups.iter().enumerate() {
        let stroke = Stroke::of(number);
        let (mean_loss, loss_band) = spread(runs, loss);
        let (mean_accuracy, accuracy_band) = spread(runs, accuracy);
        let several = if runs.len() > 1 {
            format!(" (mean of {})", runs.len())
        } else {
            String::new()
        };
        let ended = match runs.iter().filter(|run| !ending(run).is_empty()).count() {
            0 => String::new(),
            _ if runs.len() == 1 => ending(runs[0]),
            count => format!(" ({count} diverged)"),
        };
        legend.push(Key {
            name: format!("{name}{ended}"),
            stroke,
            block: None,
        });
        let courses = format!(
            "loss {}, accuracy {}",
            course(&mean_loss),
            course(&mean_accuracy)
        );
        parts.push(format!("{name}{several}{ended}: {courses}"));
        for (layers, band, points) in [
            (&mut losses, loss_band, mean_loss),
            (&mut accuracies, accuracy_band, mean_accuracy),
        ] {
            layers.push(Layer::Band {
                points: band,
                colour: stroke.colour,
            });
            layers.push(Layer::Line { points, stroke });
        }
    }
    // Bands lie under all lines.
    for layers in [&mut losses, &mut accuracies] {
        layers.sort_by_key(|layer| matches!(layer, Layer::Line { .. }));
    }
    let mut loss_panel = panel(&format!("{of} loss"), losses);
    let mut subtitle = match groups.iter().map(|(_, runs)| runs.len()).max() {
        Some(most) if most > 1 => {
            format!("mean over {most} seeds; the band goes from the lowest to the highest")
        }
        _ => String::new(),
    };
    if let Some(limit) = limit(all().filter_map(loss).collect()) {
        loss_panel.y.to = Some(limit);
        let cut = format!("losses above {} are cut off", short(limit));
        subtitle = if subtitle.is_empty() {
            cut
        } else {
            format!("{subtitle}; {cut}")
        };
    }
    let epochs = all().map(|record| record.epoch).max().unwrap_or(0);
    let alt = format!(
        "{title}: {of} loss and accuracy over {epochs} epochs. {}.",
        listed(&parts, "; ", MOST)
    );
    let panels = [loss_panel, panel(&format!("{of} accuracy"), accuracies)];
    draw_panels(title, subtitle, legend, &panels, (2, HEIGHT), alt)
}

/// The mean over those runs that reached an epoch, and where there are several the lowest and the highest.
fn spread(
    runs: &[&History],
    of: impl Fn(&EpochRecord) -> Option<f64>,
) -> (Curve, Vec<(f64, f64, f64)>) {
    let epochs = runs.iter().map(|run| run.epochs.len()).max().unwrap_or(0);
    let (mut mean, mut band) = (Curve::new(), Vec::new());
    for at in 0..epochs {
        let records: Vec<&EpochRecord> = runs.iter().filter_map(|run| run.epochs.get(at)).collect();
        let values: Vec<f64> = records
            .iter()
            .map(|record| of(record).unwrap_or(f64::NAN))
            .collect();
        let epoch = records[0].epoch as f64;
        mean.push((epoch, values.iter().sum::<f64>() / values.len() as f64));
        if runs.len() > 1 {
            let ends = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| {
                (low.min(*v), high.max(*v))
            });
            band.push((epoch, ends.0, ends.1));
        }
    }
    (mean, band)
}

/// Where to cut the axis when some losses are far beyond the others: nowhere, usually.
fn limit(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    let quantile = |share: f64| {
        values
            .get((share * values.len().saturating_sub(1) as f64) as usize)
            .copied()
    };
    let (low, middle, most) = (quantile(0.0)?, quantile(0.5)?, quantile(0.75)?);
    let limit = most + 1.5 * (most - low).max(0.2 * middle.abs());
    let step = super::super::scale::round_step((limit - low).max(1e-12) / 10.0);
    (quantile(1.0)? > limit + 2.0 * (limit - low)).then(|| (limit / step).ceil() * step)
}
