//! Curves of training: loss and accuracy from epoch to epoch.

use super::{check_most, listed};
use crate::draw::*;
use crate::numbers::{range, round_up, short};
use crate::prelude::*;

/// The height of a panel.
const HEIGHT: f64 = 290.0;
/// More lines than this cannot be told apart.
const MOST: usize = 12;

/// An error where there is no epoch to show.
fn check_epochs(count: usize) -> Result<()> {
    let remedy = "train for an epoch; where the loss was not finite, with a lower learning rate";
    let error = || LabError::value("history", "no epoch", "at least one", remedy);
    (count > 0).then_some(()).ok_or_else(error)
}

/// An epoch, and the lowest and the highest value of several trainings.
type Spread = (f64, f64, f64);

const MEASURED: [&str; 2] = ["loss", "accuracy"];

/// Loss and accuracy of an epoch on the training or on the validation data.
fn measured(record: &EpochRecord, validation: bool) -> [Option<f64>; 2] {
    match validation {
        false => [Some(record.loss), Some(record.accuracy)],
        true => [record.val_loss, record.val_accuracy],
    }
}

/// The mean over the trainings that reached an epoch, and the lowest and the highest; NaN where it was not measured.
fn curve(runs: &[&History], validation: bool, which: usize) -> (Vec<Point>, Vec<Spread>) {
    let (mut means, mut spreads) = (Vec::new(), Vec::new());
    for at in 0.. {
        let records: Vec<&EpochRecord> = runs.iter().filter_map(|run| run.epochs.get(at)).collect();
        let Some(first) = records.first() else { break };
        let value = |record: &&EpochRecord| measured(record, validation)[which];
        let values = || {
            records
                .iter()
                .map(value)
                .map(|value| value.unwrap_or(f64::NAN))
        };
        let (epoch, (low, high)) = (first.epoch as f64, range(values()).unwrap_or_default());
        means.push((epoch, values().sum::<f64>() / records.len() as f64));
        spreads.push((epoch, low, high));
    }
    (means, spreads)
}

/// `from 2.07 to 1.45`, or the one number there is.
fn course(points: &[Point]) -> String {
    match points {
        [] => "not measured".to_owned(),
        [only] => short(only.1),
        [first, .., last] => format!("from {} to {}", short(first.1), short(last.1)),
    }
}

/// `diverged in epoch 3`, `interrupted in epoch 3` where a training was.
fn ending(history: &History) -> Option<String> {
    match history.stopped {
        Stopped::Diverged { epoch, .. } => Some(format!("diverged in epoch {epoch}")),
        Stopped::Interrupted { epoch, .. } => Some(format!("interrupted in epoch {epoch}")),
        _ => None,
    }
}

fn in_brackets(text: Option<String>) -> String {
    text.map_or_else(String::new, |text| format!(" ({text})"))
}

/// Loss and accuracy of a training side by side, on the training and the validation data; the epoch with the lowest
/// validation loss is marked.
///
/// ```
/// use lab_notebook::prelude::*;
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
    check_epochs(history.epochs.len())?;
    let mut losses = history.epochs.iter().map(|record| record.val_loss);
    let validated = losses.any(|loss| loss.is_some());
    let parts = &["training", "validation"][..1 + usize::from(validated)];
    let finite = |best: &&EpochRecord| best.val_loss.is_some_and(f64::is_finite);
    let best = history.best().filter(finite);
    let (mut page, mut panels, mut courses) = (Page::new(title, HEIGHT), Vec::new(), Vec::new());
    for (number, part) in parts.iter().enumerate() {
        page.key(*part, Swatch::Line(Stroke::of(number)));
    }
    for (which, what) in MEASURED.into_iter().enumerate() {
        let (mut panel, mut texts) = (Panel::new(Axis::new("epoch"), Axis::new(what)), Vec::new());
        for (number, part) in parts.iter().enumerate() {
            let points = curve(&[history], number == 1, which).0;
            texts.push(format!("{part} {what} {}", course(&points)));
            panel.line(points, Stroke::of(number));
        }
        if let Some(best) = best {
            let value = measured(best, true)[which].unwrap_or(f64::NAN);
            panel.ring((best.epoch as f64, value));
        }
        panels.push(panel);
        courses.push(texts.join(", "));
    }
    let (epochs, ended) = (history.epochs.len(), in_brackets(ending(history)));
    let courses = courses.join("; ");
    page.alt = format!("{title}: loss and accuracy over {epochs} epochs{ended}: {courses}");
    if let Some(best) = best {
        let [loss, accuracy] = measured(best, true).map(|value| value.unwrap_or(f64::NAN));
        let (loss, accuracy, epoch) = (short(loss), 100.0 * accuracy, best.epoch);
        let lowest =
            format!("lowest validation loss {loss}, accuracy {accuracy:.1} %, in epoch {epoch}");
        page.alt += &format!("; {lowest}");
        page.key(lowest, Swatch::Ring);
    }
    page.subtitle = ending(history).unwrap_or_default();
    page.columns = 2;
    draw_panels(page, &panels)
}

/// Validation loss and accuracy of several trainings side by side, a line each; up to 12.
///
/// Where no training has validation data the numbers are those of the training data. A loss that runs away does not
/// flatten the others: it is cut off, and a line under the title says so.
///
/// ```
/// use lab_notebook::prelude::*;
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
    let mut groups = Vec::new();
    for (name, history) in runs {
        groups.push((*name, vec![*history]));
    }
    compare_means(title, &groups)
}

/// As [`compare`], for trainings that were repeated with several seeds: a line for the mean of each group, and a band
/// from its lowest to its highest.
///
/// ```
/// use lab_notebook::prelude::*;
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
    check_most("runs", groups.len(), MOST)?;
    let mut records: Vec<&EpochRecord> = Vec::new();
    for (_, runs) in groups {
        records.extend(runs.iter().flat_map(|run| &run.epochs));
    }
    check_epochs(records.len())?;
    let validated = records.iter().any(|record| record.val_loss.is_some());
    let of = if validated { "validation" } else { "training" };
    let axis = |what| Axis::new(&format!("{of} {what}"));
    let mut panels = MEASURED.map(|what| Panel::new(Axis::new("epoch"), axis(what)));
    let (mut page, mut lines, mut parts) = (Page::new(title, HEIGHT), Vec::new(), Vec::new());
    for (number, (name, runs)) in groups.iter().enumerate() {
        let (stroke, mut courses) = (Stroke::of(number), Vec::new());
        for (which, what) in MEASURED.into_iter().enumerate() {
            let (points, spreads) = curve(runs, validated, which);
            courses.push(format!("{what} {}", course(&points)));
            if runs.len() > 1 {
                panels[which].band(spreads, stroke.colour.mix(0.2));
            }
            lines.push((which, points, stroke));
        }
        let ended: Vec<String> = runs.iter().filter_map(|run| ending(run)).collect();
        let ended = match (ended.len(), runs.len()) {
            (0, _) => None,
            (1, 1) => ended.into_iter().next(),
            (count, _) => Some(format!("{count} diverged")),
        };
        let several = (runs.len() > 1).then(|| format!("mean of {}", runs.len()));
        let (several, ended) = (in_brackets(several), in_brackets(ended));
        parts.push(format!("{name}{several}{ended}: {}", courses.join(", ")));
        page.key(format!("{name}{ended}"), Swatch::Line(stroke));
    }
    // Bands lie under all lines.
    for (which, points, stroke) in lines {
        panels[which].line(points, stroke);
    }
    let (mut notes, seeds) = (Vec::new(), groups.iter().map(|(_, runs)| runs.len()).max());
    if let Some(seeds) = seeds.filter(|seeds| *seeds > 1) {
        let band = "the band goes from the lowest to the highest";
        notes.push(format!("mean over {seeds} seeds; {band}"));
    }
    let loss = |record: &&EpochRecord| measured(record, validated)[0];
    panels[0].y.to = limit(records.iter().filter_map(loss).collect());
    if let Some(limit) = panels[0].y.to {
        notes.push(format!("losses above {} are cut off", short(limit)));
    }
    page.subtitle = notes.join("; ");
    page.columns = 2;
    let epochs = records.iter().map(|record| record.epoch).max().unwrap_or(0);
    let parts = listed(&parts, "; ", MOST);
    page.alt = format!("{title}: {of} loss and accuracy over {epochs} epochs. {parts}.");
    draw_panels(page, &panels)
}

/// Where to cut the axis when some losses are far beyond the others: nowhere, usually.
fn limit(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let [low, middle, most, highest] = [0, last / 2, 3 * last / 4, last].map(|at| values[at]);
    let limit = most + 1.5 * (most - low).max(0.2 * middle.abs());
    (highest > limit + 2.0 * (limit - low)).then(|| round_up(limit, limit - low))
}
