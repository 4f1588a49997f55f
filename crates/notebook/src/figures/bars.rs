//! Bars: one number for each of several things.

use super::{check_any, check_most};
use crate::draw::*;
use crate::numbers::{listed, range, short};
use crate::prelude::*;

/// The height of a bar with the gap below it.
const ROW: f64 = 27.0;
/// The most bars.
const MOST: usize = 100;

/// Horizontal bars from 0, each with its name at the left and its number at its end; what is not finite has no bar.
///
/// ```
/// use lab_notebook::prelude::*;
/// let train = Cifar10::sample().train;
/// let counts: Vec<(String, f64)> =
///     train.class_names().iter().cloned().zip(train.class_counts().into_iter().map(|n| n as f64)).collect();
/// let figure = figures::bars("Each class is as frequent", "images", &counts)?;
/// assert!(figure.alt.contains("airplane 100, automobile 100"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no bars, or more than 100.
pub fn bars(title: &str, axis: &str, bars: &[(String, f64)]) -> Result<Figure> {
    let (names, values): (Vec<_>, Vec<_>) = bars.iter().cloned().unzip();
    grouped_bars(title, axis, &names, &[("", values)])
}

/// Horizontal bars from 0 in a cluster for each group, a colour for each series.
///
/// ```
/// use lab_notebook::prelude::*;
/// let groups = ["cat".to_owned(), "dog".to_owned()];
/// let series = [("precision", vec![0.31, 0.42]), ("recall", vec![0.28, 0.4])];
/// let figure = figures::grouped_bars("Two classes", "share", &groups, &series)?;
/// assert!(figure.alt.contains("precision: cat 0.31, dog 0.42"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no groups or series, or too many; [`LabError::Shape`] for a series that has not one number for each group.
pub fn grouped_bars(
    title: &str,
    axis: &str,
    groups: &[String],
    series: &[(&str, Vec<f64>)],
) -> Result<Figure> {
    check_any(groups.len().min(series.len()), "bars")?;
    check_most("bars", groups.len() * series.len(), MOST)?;
    if let Some((name, values)) = series.iter().find(|it| it.1.len() != groups.len()) {
        let place = format!("series {name}");
        let found = format!("{} numbers", values.len());
        let expected = format!("{}, one for each group", groups.len());
        let remedy = "give NaN where there is no number";
        return Err(LabError::shape(place, found, expected, remedy));
    }
    let row = ROW * (0.7 * series.len() as f64).max(1.0);
    let page = Page::new(title, row * groups.len() as f64 + 49.0);
    let colour = |number, _| Stroke::of(number).colour;
    let panel = bar_panel(axis, groups, series, WIDTH, colour);
    draw_panels(page, &[panel])
}

/// The panel of [`grouped_bars`], as wide as it is going to be drawn, with a colour for each series and group.
pub(crate) fn bar_panel(
    axis: &str,
    groups: &[String],
    series: &[(&str, Vec<f64>)],
    width: f64,
    colour: impl Fn(usize, usize) -> RGBColor,
) -> Panel {
    let names = groups.iter().rev().cloned().collect();
    let mut panel = Panel::new(Axis::new(axis), Axis::named(names));
    let thick = 0.82 / series.len() as f64;
    let (mut numbers, mut ends) = (Vec::new(), vec![0.0]);
    for (at, (name, values)) in series.iter().enumerate() {
        let mut words = Vec::new();
        // Rows are counted from below.
        for (group, (row, value)) in (0..groups.len()).rev().zip(values).enumerate() {
            let (middle, number) = (row as f64 + 0.41 - thick * (at as f64 + 0.5), short(*value));
            let end = if panel.x.shows(*value) { *value } else { 0.0 };
            let (below, above) = (middle - 0.4 * thick, middle + 0.4 * thick);
            panel.bar((0.0, below), (end, above), colour(at, group));
            let side = if end < 0.0 { HPos::Right } else { HPos::Left };
            panel.text(number.clone(), (end, middle), side);
            words.push(format!("{} {number}", groups[group]));
            numbers.push(number);
            ends.push(end);
        }
        let mut words = listed(&words, 40);
        if !name.is_empty() {
            words = format!("{name}: {words}");
            panel.key(name, Swatch::Block(Stroke::of(at).colour));
        }
        panel.tell(words);
    }
    let (low, high) = range(ends).unwrap_or_default();
    // Numbers stand beside the ends of the bars.
    let beside = (high - low).max(1e-9) * (NAME.widest(&numbers) + 10.0) / (0.45 * width);
    let from = if low < 0.0 { low - beside } else { 0.0 };
    panel.x = panel.x.range(from, high + beside);
    if low < 0.0 {
        let zero = [-0.5, groups.len() as f64 - 0.5].map(|row| (0.0, row));
        panel.path(zero.to_vec(), Stroke::new(AXIS, 1.0, false));
    }
    panel
}
