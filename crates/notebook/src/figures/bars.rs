//! Bars: one number for each of several things.

use super::{check_any, check_most, listed};
use crate::draw::*;
use crate::numbers::{range, short};
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
/// assert!(figure.alt().contains("airplane 100, automobile 100"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no bars, or more than 100.
pub fn bars(title: &str, axis: &str, bars: &[(String, f64)]) -> Result<Figure> {
    check_any(bars.len(), "bars")?;
    check_most("bars", bars.len(), MOST)?;
    let part = |(name, value): &(String, f64)| format!("{name} {}", short(*value));
    let parts: Vec<String> = bars.iter().map(part).collect();
    let mut page = Page::new(title, ROW * bars.len() as f64 + 49.0);
    page.alt = format!("{title}: {axis}: {}", listed(&parts, ", ", 40));
    draw_panels(page, &[bar_panel(axis, bars, WIDTH, |_| SERIES[0])])
}

/// The panel of [`bars`], as wide as it is going to be drawn, with a colour for each bar.
pub(crate) fn bar_panel(
    axis: &str,
    bars: &[(String, f64)],
    width: f64,
    colour: impl Fn(usize) -> RGBColor,
) -> Panel {
    // Rows are counted from below.
    let names = bars.iter().rev().map(|(name, _)| name.clone()).collect();
    let mut panel = Panel::new(Axis::new(axis), Axis::named(names));
    let (mut numbers, mut ends) = (Vec::new(), vec![0.0]);
    for (at, (_, value)) in bars.iter().enumerate() {
        let (row, number) = ((bars.len() - 1 - at) as f64, short(*value));
        let end = if panel.x.shows(*value) { *value } else { 0.0 };
        panel.bar((0.0, row - 0.33), (end, row + 0.33), colour(at));
        let side = if end < 0.0 { HPos::Right } else { HPos::Left };
        panel.text(number.clone(), (end, row), side);
        numbers.push(number);
        ends.push(end);
    }
    let (low, high) = range(ends).unwrap_or_default();
    // Numbers stand beside the ends of the bars.
    let beside = (high - low).max(1e-9) * (NAME.widest(&numbers) + 10.0) / (0.45 * width);
    let from = if low < 0.0 { low - beside } else { 0.0 };
    panel.x = panel.x.range(from, high + beside);
    if low < 0.0 {
        let zero = [-0.5, bars.len() as f64 - 0.5].map(|row| (0.0, row));
        panel.line(zero.to_vec(), Stroke::new(AXIS, 1.0, false));
    }
    panel
}

/// Upright bars from 0 in a cluster for each group, a colour for each series; up to 8 series.
///
/// ```
/// use lab_notebook::prelude::*;
/// let groups = ["cat".to_owned(), "dog".to_owned()];
/// let series = [("precision", vec![0.31, 0.42]), ("recall", vec![0.28, 0.4])];
/// let figure = figures::grouped_bars("Two classes", "share", &groups, &series)?;
/// assert!(figure.alt().contains("precision: cat 0.31, dog 0.42"));
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
    check_any(groups.len().min(series.len()), "groups and series")?;
    check_most("bars", groups.len() * series.len(), MOST)?;
    check_most("series", series.len(), SERIES.len())?;
    let thick = 0.8 / series.len() as f64;
    let mut panel = Panel::new(Axis::named(groups.to_vec()), Axis::new(axis));
    let (mut page, mut parts, mut numbers) = (Page::new(title, 320.0), Vec::new(), Vec::new());
    for (number, (name, values)) in series.iter().enumerate() {
        if values.len() != groups.len() {
            let found = format!("{} numbers", values.len());
            let expected = format!("{}, one for each group", groups.len());
            let remedy = "give NaN where there is no number";
            let place = format!("series {name}");
            return Err(LabError::shape(place, found, expected, remedy));
        }
        let mut told = Vec::new();
        for (at, (group, value)) in groups.iter().zip(values).enumerate() {
            let x = at as f64 - 0.4 + thick * (number as f64 + 0.5);
            let (left, right) = (x - 0.44 * thick, x + 0.44 * thick);
            panel.bar((left, 0.0), (right, *value), SERIES[number]);
            told.push(format!("{group} {}", short(*value)));
            if value.is_finite() {
                numbers.push((short(*value), (x, *value)));
            }
        }
        parts.push(format!("{name}: {}", listed(&told, ", ", 20)));
        if series.len() > 1 {
            page.key(*name, Swatch::Block(SERIES[number]));
        }
    }
    let last = groups.len() as f64 - 0.5;
    if numbers.iter().any(|(_, place)| place.1 < 0.0) {
        panel.line(vec![(-0.5, 0.0), (last, 0.0)], GUIDE);
    }
    // Numbers stand on the bars only where all have room.
    let widest = numbers.iter().map(|(number, _)| NAME.width(number));
    if widest.fold(0.0, f64::max) < 0.93 * WIDTH * thick / groups.len() as f64 {
        for (number, place) in numbers {
            panel.text(number, place, HPos::Center);
        }
    }
    page.alt = format!("{title}: {axis}. {}", parts.join("; "));
    draw_panels(page, &[panel])
}
