//! Which class is taken for which, as a table in colour.

use lab_core::text::thousands;

use crate::draw::*;
use crate::prelude::*;

/// The longest that names may be drawn.
const LONGEST: f64 = 150.0;

/// A confusion matrix: true classes at the left, predicted ones on top, the counts written in; the colour is the share
/// of the row, blue where right and orange where wrong.
///
/// ```
/// use lab_notebook::prelude::*;
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
    let classes = names.len() as f64;
    let widest = NAME.widest(names).min(LONGEST);
    // The word above the names of the rows stands in the same column.
    let left = widest.max(NOTE.width("true")) + 8.0;
    let cell = ((WIDTH - left) / classes).min(if classes > 6.0 { 66.0 } else { 120.0 });
    let (upright, high) = (widest > cell - 3.0, cell.min(44.0));
    let top = 22.0 + if upright { widest + 8.0 } else { 20.0 };
    // Where cells are smaller than the text only some classes are named.
    let every = (15.0 / high.min(cell)).ceil().max(1.0) as usize;
    let texts = counts.map(|count| thousands(*count as usize));
    let widest = TEXT.widest(texts.as_slice().unwrap_or_default());
    let size = (13.0 * (cell - 4.0) / widest).min(high - 3.0).min(13.0);
    let mut mistakes = String::new();
    for confusion in matrix.most_confused(3) {
        mistakes += &format!(", {confusion}");
    }
    let mistakes = mistakes.strip_prefix(", ").unwrap_or("no mistakes");
    let (right, total) = (100.0 * matrix.accuracy(), thousands(counts.sum() as usize));
    let what = format!("confusion matrix of {total} samples in {classes} classes");
    let mut page = Page::new(title, top + high * classes);
    page.size.0 = (left + cell * classes).max(420.0);
    page.alt = format!("{title}: {what}, accuracy {right:.1} %; {mistakes}");
    let colours = "share of the true class, blue where right, orange where wrong";
    page.subtitle = format!("accuracy {right:.1} %; colour: {colours}");
    page.draw(|area| {
        area.text("predicted", NOTE.bold(), HPos::Left, (left, 8.0))?;
        area.text("true", NOTE.bold(), HPos::Right, (left - 8.0, top - 12.0))?;
        for (i, name) in names.iter().enumerate().step_by(every) {
            let (name, along) = (NAME.fit(name, LONGEST), i as f64 + 0.5);
            area.text(&name, NAME, HPos::Right, (left - 8.0, top + high * along))?;
            match left + cell * along {
                x if upright => area.upright(&name, NAME, (x, top - 7.0))?,
                x => area.text(&name, NAME, HPos::Center, (x, top - 12.0))?,
            }
        }
        for ((t, p), count) in counts.indexed_iter() {
            // Even 1 % is told from 0.
            let (strength, ink) = match *count {
                0 => (0.03, GREY),
                _ => (0.06 + 0.9 * shares[[t, p]], INK),
            };
            let colour = tint(if t == p { TRAINING } else { VALIDATION }, strength);
            let (x, y) = (left + cell * p as f64, top + high * t as f64);
            let gap = if cell > 12.0 { 1.0 } else { 0.0 };
            area.fill((x, y), (x + cell - gap, y + high - gap), colour)?;
            if size >= 8.0 {
                let ink = if is_dark(colour) { WHITE } else { ink };
                let middle = (x + cell / 2.0, y + high / 2.0);
                let font = TEXT.sized(size).coloured(ink);
                area.text(&texts[[t, p]], font, HPos::Center, middle)?;
            }
        }
        Ok(())
    })
}
