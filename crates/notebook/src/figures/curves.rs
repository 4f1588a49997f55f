//! Curves of training: loss and accuracy from epoch to epoch.

use super::{check_most, cut_off};
use crate::draw::*;
use crate::numbers::{range, short};
use crate::prelude::*;

/// More lines than this cannot be told apart.
const MOST: usize = 12;

/// A line in both panels: its name, the trainings of which it is the mean, and whether it is of the validation data.
type Curve<'t> = (String, Vec<&'t History>, bool);

/// An epoch, and the lowest and the highest value of several trainings.
type Spread = (f64, f64, f64);

/// Loss and accuracy of an epoch on the training or on the validation data; NaN where they were not measured.
fn measured(record: &EpochRecord, validation: bool) -> [f64; 2] {
    match validation {
        false => [record.loss, record.accuracy],
        true => [record.val_loss, record.val_accuracy].map(|value| value.unwrap_or(f64::NAN)),
    }
}

/// The mean over the trainings that reached an epoch, and the lowest and the highest.
fn mean(runs: &[&History], validation: bool, which: usize) -> (Vec<Point>, Vec<Spread>) {
    let at_epoch = |at: usize| {
        let records: Vec<_> = runs.iter().filter_map(|run| run.epochs.get(at)).collect();
        let values = || records.iter().map(|it| measured(it, validation)[which]);
        let (low, high) = range(values()).unwrap_or((f64::NAN, f64::NAN));
        let (epoch, sum) = (records.first()?.epoch as f64, values().sum::<f64>());
        Some(((epoch, sum / records.len() as f64), (epoch, low, high)))
    };
    (0..).map_while(at_epoch).unzip()
}

/// `diverged in epoch 3`, where a training did not do all its epochs.
pub(crate) fn ending(history: &History) -> Option<String> {
    match history.stopped {
        Stopped::Finished => None,
        Stopped::Early { epoch } => Some(format!("stopped early after epoch {epoch}")),
        Stopped::Interrupted { epoch } => Some(format!("interrupted in epoch {epoch}")),
        Stopped::Diverged { epoch, .. } => Some(format!("diverged in epoch {epoch}")),
    }
}

/// Two panels, of loss and accuracy, with a line for each curve and a band where it is of several trainings.
fn draw_curves<'t>(title: &'t str, of: &str, curves: &[Curve]) -> Result<(Page<'t>, [Panel; 2])> {
    let axis = |what| Axis::new(&format!("{of}{what}"));
    let mut panels = ["loss", "accuracy"].map(|what| Panel::new(Axis::new("epoch"), axis(what)));
    for (number, (name, runs, validation)) in curves.iter().enumerate() {
        let stroke = Stroke::of(number);
        for (which, panel) in panels.iter_mut().enumerate() {
            let (points, spreads) = mean(runs, *validation, which);
            panel.line(name, points, stroke);
            if runs.len() > 1 {
                panel.band(spreads, stroke.colour.mix(0.2));
            }
        }
    }
    if panels[0].points().is_empty() {
        let remedy = "train; where the first loss was not finite, with a lower learning rate";
        return Err(LabError::value("history", "no epoch", "some", remedy));
    }
    let mut page = Page::new(title, 290.0);
    cut_off(&mut page, &mut panels[0]);
    Ok((page, panels))
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
/// assert!(figure.alt.contains("loss: training from"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for a history without an epoch.
pub fn training_curves(title: &str, history: &History) -> Result<Figure> {
    let validated = history.epochs.iter().any(|it| it.val_loss.is_some());
    let curve = |name: &str, validation| (name.to_owned(), vec![history], validation);
    let curves = [curve("training", false), curve("validation", true)];
    let (mut page, mut panels) = draw_curves(title, "", &curves[..1 + usize::from(validated)])?;
    let finite = |best: &&EpochRecord| best.val_loss.is_some_and(f64::is_finite);
    if let Some(best) = history.best().filter(finite) {
        let ([loss, accuracy], epoch) = (measured(best, true), best.epoch);
        let reached = format!("loss {}, accuracy {:.1} %", short(loss), 100.0 * accuracy);
        let lowest = format!("lowest validation {reached}, in epoch {epoch}");
        for (panel, value) in panels.iter_mut().zip([loss, accuracy]) {
            panel.ring(&lowest, (epoch as f64, value));
        }
    }
    page.notes.extend(ending(history));
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
/// assert!(figure.alt.contains("Adam from 1.8 at 1 to 1.6 at 2"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no training with an epoch, or more than 12.
pub fn compare(title: &str, runs: &[(&str, &History)]) -> Result<Figure> {
    let groups: Vec<_> = runs.iter().map(|(name, run)| (*name, vec![*run])).collect();
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
/// assert!(figure.alt.contains("Adam from 2 at 1 to 0.6667 at 3"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// As for [`compare`].
pub fn compare_means(title: &str, groups: &[(&str, Vec<&History>)]) -> Result<Figure> {
    check_most("runs", groups.len(), MOST)?;
    let runs = || groups.iter().flat_map(|(_, runs)| runs);
    let mut records = runs().flat_map(|run| &run.epochs);
    let validated = records.any(|record| record.val_loss.is_some());
    let mut curves = Vec::new();
    for (name, runs) in groups {
        let diverged = |run: &&&History| matches!(run.stopped, Stopped::Diverged { .. });
        let name = match runs.iter().filter(diverged).count() {
            0 => (*name).to_owned(),
            lost => format!("{name} ({lost} of {} diverged)", runs.len()),
        };
        curves.push((name, runs.clone(), validated));
    }
    let of = ["training ", "validation "][usize::from(validated)];
    let (mut page, panels) = draw_curves(title, of, &curves)?;
    let seeds = groups.iter().map(|(_, runs)| runs.len()).max();
    if let Some(seeds) = seeds.filter(|seeds| *seeds > 1) {
        let band = "the band goes from the lowest to the highest";
        page.note(format!("mean over {seeds} seeds; {band}"));
    }
    draw_panels(page, &panels)
}
