//! Bars: one number for each of several things.

use plotters::element::{PathElement, Rectangle};
use plotters::style::text_anchor::HPos;

use super::super::figure::{Figure, Key, Page};
use super::super::panel::{Layer, Panel, draw_panels};
use super::super::scale::{Axis, short};
use super::super::theme::{
    AXIS, GRID, INK, MARGIN, NOTE, SERIES, Stroke, TEXT, TICK, WIDTH, fill, line, u,
};
use super::{listed, nothing};
use crate::error::{LabError, Result};

const ROW: f64 = 27.0;
/// The longest that names may be drawn.
const NAME: f64 = 260.0;
/// More bars than this are no picture any more.
const MOST: usize = 200;

fn too_many(count: usize) -> Result<()> {
    if count <= MOST {
        return Ok(());
    }
    Err(LabError::value(
        "bars",
        count.to_string(),
        format!("at most {MOST}"),
        "show the most telling ones",
    ))
}

/// Horizontal bars from 0, each with its name at the left and its number at its end; what is not finite has no bar.
///
/// ```
/// use lab_core::prelude::*;
/// let train = Cifar10::sample().train;
/// let counts: Vec<(String, f64)> =
///     train.class_names().iter().cloned().zip(train.class_counts().into_iter().map(|n| n as f64)).collect();
/// let figure = figures::bars("Each class is as frequent", "images", &counts)?;
/// assert!(figure.alt().contains("airplane 100, automobile 100"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for no bars, or more than 200.
pub fn bars(title: &str, axis: &str, bars: &[(String, f64)]) -> Result<Figure> {
    if bars.is_empty() {
        return Err(nothing("bars", "give at least one name with its number"));
    }
    too_many(bars.len())?;
    let texts: Vec<String> = bars.iter().map(|(_, value)| short(*value)).collect();
    let left = bars
        .iter()
        .map(|(name, _)| TEXT.width(name))
        .fold(20.0, f64::max)
        .min(NAME)
        + 10.0;
    let right = texts
        .iter()
        .map(|text| TEXT.width(text))
        .fold(0.0, f64::max)
        + 14.0;
    let values = || {
        bars.iter()
            .map(|(_, value)| *value)
            .filter(|value| value.is_finite())
    };
    // Numbers of negative bars stand at their left.
    let negative = if values().any(|value| value < 0.0) {
        right
    } else {
        0.0
    };
    let width = WIDTH - 2.0 * MARGIN;
    let length = width - left - right - negative;
    let axis_along = Axis {
        from: values().all(|v| v >= 0.0).then_some(0.0),
        ..Axis::new(axis)
    };
    let scale = axis_along.along(
        &values().chain([0.0]).collect::<Vec<f64>>(),
        0.85 * length,
        0.0,
    );
    let place = |value: f64| left + negative + length * scale.place(value);
    let bottom = ROW * bars.len() as f64 + 4.0;
    let parts: Vec<String> = bars
        .iter()
        .zip(&texts)
        .map(|((name, _), text)| format!("{name} {text}"))
        .collect();
    let alt = format!("{title}: {axis}: {}", listed(&parts, ", ", 40));
    let page = Page {
        title,
        subtitle: String::new(),
        legend: vec![],
        width,
        height: bottom + 44.0,
    };
    page.draw(alt, |area| {
        for (tick, label) in scale.ticks() {
            let x = u(place(tick));
            area.draw(&PathElement::new(
                vec![(x, 0), (x, u(bottom))],
                line(GRID, 1.0),
            ))?;
            area.draw_text(label, &TICK.style(HPos::Center), (x, u(bottom + 12.0)))?;
        }
        area.draw_text(
            &NOTE.fit(axis, length),
            &NOTE.style(HPos::Center),
            (u(left + negative + length / 2.0), u(bottom + 34.0)),
        )?;
        for (i, ((name, value), text)) in bars.iter().zip(&texts).enumerate() {
            let middle = ROW * (i as f64 + 0.5);
            let name = TEXT.fit(name, NAME);
            area.draw_text(&name, &TEXT.style(HPos::Right), (u(left - 10.0), u(middle)))?;
            let end = if axis_along.shows(*value) {
                place(*value)
            } else {
                place(0.0)
            };
            let corners = [(u(place(0.0)), u(middle - 9.0)), (u(end), u(middle + 9.0))];
            area.draw(&Rectangle::new(corners, fill(SERIES[0])))?;
            let (side, x) = if *value < 0.0 {
                (HPos::Right, end - 6.0)
            } else {
                (HPos::Left, end + 6.0)
            };
            area.draw_text(text, &TEXT.coloured(INK).style(side), (u(x), u(middle)))?;
        }
        let zero = u(place(0.0));
        Ok(area.draw(&PathElement::new(
            vec![(zero, 0), (zero, u(bottom))],
            line(AXIS, 1.0),
        ))?)
    })
}

/// Upright bars from 0 in a cluster for each group, a colour for each series; up to 8 series.
///
/// ```
/// use lab_core::prelude::*;
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
    if groups.is_empty() || series.is_empty() {
        return Err(nothing(
            "groups and series",
            "give at least one group and one series",
        ));
    }
    too_many(groups.len() * series.len())?;
    if series.len() > SERIES.len() {
        let (found, expected) = (
            series.len().to_string(),
            format!("at most {}", SERIES.len()),
        );
        return Err(LabError::value(
            "series",
            found,
            expected,
            "show the most telling ones",
        ));
    }
    if let Some((name, values)) = series
        .iter()
        .find(|(_, values)| values.len() != groups.len())
    {
        let (found, expected) = (
            format!("{} numbers", values.len()),
            format!("{}, one for each group", groups.len()),
        );
        return Err(LabError::shape(
            format!("series {name}"),
            found,
            expected,
            "give NaN where there is no number",
        ));
    }
    let thick = 0.8 / series.len() as f64;
    // Numbers stand on the bars only where all have room.
    let numbers = || {
        series
            .iter()
            .flat_map(|(_, values)| values)
            .filter(|v| v.is_finite())
            .map(|v| short(*v))
    };
    let widest = numbers().map(|text| TICK.width(&text)).fold(0.0, f64::max);
    let room = 0.93 * WIDTH * thick / groups.len() as f64 > widest;
    let (mut layers, mut parts) = (Vec::new(), Vec::new());
    for (number, (name, values)) in series.iter().enumerate() {
        for (group, value) in values.iter().enumerate() {
            let x = group as f64 - 0.4 + thick * number as f64;
            let (from, to) = ((x + 0.06 * thick, 0.0), (x + 0.94 * thick, *value));
            layers.push(Layer::Bar {
                from,
                to,
                colour: SERIES[number],
                opacity: 1.0,
                text: if room { short(*value) } else { String::new() },
            });
        }
        let numbers: Vec<String> = groups
            .iter()
            .zip(values)
            .map(|(group, v)| format!("{group} {}", short(*v)))
            .collect();
        parts.push(format!("{name}: {}", listed(&numbers, ", ", 20)));
    }
    if series
        .iter()
        .flat_map(|(_, values)| values)
        .any(|value| *value < 0.0)
    {
        layers.push(Layer::Guide {
            points: [(-0.5, 0.0), (groups.len() as f64 - 0.5, 0.0)],
        });
    }
    let key = |(number, (name, _)): (usize, &(&str, Vec<f64>))| Key {
        name: (*name).to_owned(),
        stroke: Stroke::of(number),
        block: Some(1.0),
    };
    let legend = if series.len() > 1 {
        series.iter().enumerate().map(key).collect()
    } else {
        vec![]
    };
    let x = Axis {
        names: groups.to_vec(),
        ..Axis::default().range(-0.5, groups.len() as f64 - 0.5)
    };
    let panel = Panel {
        x,
        y: Axis::new(axis),
        layers,
    };
    let alt = format!("{title}: {axis}. {}", parts.join("; "));
    draw_panels(title, String::new(), legend, &[panel], (1, 320.0), alt)
}
