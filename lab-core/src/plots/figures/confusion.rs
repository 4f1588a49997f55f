//! Which class is taken for which, as a table in colour.

use plotters::element::Rectangle;
use plotters::style::text_anchor::HPos;

use super::super::figure::{Figure, Page};
use super::super::theme::{
    GREY, INK, MARGIN, NOTE, TEXT, TICK, TRAINING, Type, VALIDATION, WIDTH, fill, ink_on, tint, u,
};
use super::listed;
use crate::error::Result;
use crate::metrics::ConfusionMatrix;
use crate::text::thousands;

/// The longest that names may be drawn.
const NAME: f64 = 150.0;

/// A confusion matrix: true classes at the left, predicted ones on top, the counts written in; the colour is the share
/// of the row, blue where right and orange where wrong.
///
/// ```
/// use lab_core::prelude::*;
/// let confusion = ConfusionMatrix::new(&[0, 0, 1], &[0, 1, 1], &["cat", "dog"])?;
/// let figure = figures::confusion_matrix("Cats and dogs", &confusion)?;
/// assert!(figure.alt().contains("accuracy 66.7 %") && figure.alt().contains("cat taken for dog: 1"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// None for a matrix of up to 256 classes.
pub fn confusion_matrix(title: &str, matrix: &ConfusionMatrix) -> Result<Figure> {
    let (counts, shares, names) = (matrix.counts(), matrix.normalized(), matrix.class_names());
    let widest = names
        .iter()
        .map(|name| TICK.width(name))
        .fold(0.0, f64::max)
        .min(NAME);
    // The word above the names of the rows stands in the same column.
    let left = widest.max(TICK.width("true")) + 8.0;
    let cell = ((WIDTH - 2.0 * MARGIN - left) / names.len() as f64).min(if names.len() > 6 {
        66.0
    } else {
        120.0
    });
    let upright = widest > cell - 3.0;
    let top = 22.0 + if upright { widest + 8.0 } else { 20.0 };
    let high = cell.min(44.0);
    // Where cells are smaller than the text only some classes are named.
    let every = (15.0 / high.min(cell)).ceil().max(1.0) as usize;
    let digits = counts
        .iter()
        .map(|count| thousands(*count as usize))
        .max_by_key(String::len)
        .unwrap_or_default();
    let sizes = [
        TEXT,
        TICK,
        Type { size: 10.0, ..TEXT },
        Type { size: 8.0, ..TEXT },
    ];
    let kind = sizes
        .into_iter()
        .find(|kind| kind.width(&digits) <= cell - 4.0 && kind.size <= high - 3.0);
    let mistakes: Vec<String> = matrix
        .most_confused(3)
        .iter()
        .map(ToString::to_string)
        .collect();
    let mistakes = if mistakes.is_empty() {
        "no mistakes".to_owned()
    } else {
        listed(&mistakes, ", ", 3)
    };
    let right = 100.0 * matrix.accuracy();
    let total = thousands(counts.sum() as usize);
    let alt = format!(
        "{title}: confusion matrix of {total} samples in {} classes, accuracy {right:.1} %; {mistakes}",
        names.len()
    );
    let subtitle = format!(
        "accuracy {right:.1} %; colour: share of the true class, blue where right, orange where wrong"
    );
    let (width, height) = (
        (left + cell * names.len() as f64).max(420.0),
        top + high * names.len() as f64,
    );
    Page {
        title,
        subtitle,
        legend: vec![],
        width,
        height,
    }
    .draw(alt, |area| {
        let at = |column: usize, row: usize| (left + cell * column as f64, top + high * row as f64);
        let label = NOTE.bold().coloured(GREY);
        area.draw_text("predicted", &label.style(HPos::Left), (u(left), u(8.0)))?;
        area.draw_text(
            "true",
            &label.style(HPos::Right),
            (u(left - 8.0), u(top - 12.0)),
        )?;
        for (i, name) in names.iter().enumerate().step_by(every) {
            let name = TICK.coloured(INK).fit(name, NAME);
            let kind = TICK.coloured(INK);
            let (_, y) = at(0, i);
            area.draw_text(
                &name,
                &kind.style(HPos::Right),
                (u(left - 8.0), u(y + high / 2.0)),
            )?;
            let (x, _) = at(i, 0);
            let style = if upright {
                kind.upright(HPos::Left)
            } else {
                kind.style(HPos::Center)
            };
            area.draw_text(
                &name,
                &style,
                (u(x + cell / 2.0), u(top - if upright { 7.0 } else { 12.0 })),
            )?;
        }
        for ((t, p), count) in counts.indexed_iter() {
            let share = shares[[t, p]];
            // Even 1 % is told from 0.
            let strength = if *count == 0 {
                0.03
            } else {
                0.06 + 0.9 * share
            };
            let colour = tint(if t == p { TRAINING } else { VALIDATION }, strength);
            let (x, y) = at(p, t);
            let gap = if cell > 12.0 { 1.0 } else { 0.0 };
            area.draw(&Rectangle::new(
                [(u(x), u(y)), (u(x + cell - gap), u(y + high - gap))],
                fill(colour),
            ))?;
            if let Some(kind) = kind {
                let ink = if *count == 0 { GREY } else { ink_on(colour) };
                let middle = (u(x + cell / 2.0), u(y + high / 2.0));
                area.draw_text(
                    &thousands(*count as usize),
                    &kind.coloured(ink).style(HPos::Center),
                    middle,
                )?;
            }
        }
        Ok(())
    })
}
