//! Which class is taken for which, as a table in colour.

use lab_core::text::thousands;

use super::check_most;
use crate::draw::*;
use crate::prelude::*;

/// The height of the header.
const TOP: f64 = 42.0;
/// More classes than this cannot be read.
const MOST: usize = 20;

/// A confusion matrix: true classes at the left, predicted ones on top, the counts written in; the colour is the share
/// of the row, blue where right and orange where wrong.
///
/// ```
/// use lab_notebook::prelude::*;
/// let confusion = ConfusionMatrix::new(&[0, 0, 1], &[0, 1, 1], &["cat", "dog"])?;
/// let figure = figures::confusion_matrix("Cats and dogs", &confusion)?;
/// assert!(figure.alt.contains("accuracy 66.7 %") && figure.alt.contains("cat taken for dog: 1"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for more than 20 classes.
pub fn confusion_matrix(title: &str, matrix: &ConfusionMatrix) -> Result<Figure> {
    let (counts, shares, names) = (matrix.counts(), matrix.normalized(), matrix.class_names());
    check_most("classes", names.len(), MOST)?;
    let classes = names.len() as f64;
    let left = NAME.widest(names).clamp(NOTE.width("true"), 150.0) + 8.0;
    let (across, down) = (((WIDTH - left) / classes).min(120.0), 44.0);
    let texts = counts.map(|count| thousands(*count as usize));
    let widest = TEXT.widest(texts.as_slice().unwrap_or_default());
    let font = TEXT.sized((13.0 * (across - 4.0) / widest).min(13.0));
    let (right, total) = (100.0 * matrix.accuracy(), thousands(counts.sum() as usize));
    let mut page = Page::new(title, TOP + down * classes);
    page.size.0 = (left + across * classes).max(420.0);
    page.words = vec![format!("{total} samples in {classes} classes")];
    let mistakes = matrix.most_confused(3).into_iter().map(|it| it.to_string());
    page.words.extend(mistakes);
    let colours = "share of the true class, blue where right, orange where wrong";
    page.note(format!("accuracy {right:.1} %; colour: {colours}"));
    page.draw(|area| {
        area.text("predicted", NOTE.bold(), HPos::Left, (left, 8.0))?;
        area.text("true", NOTE.bold(), HPos::Right, (left - 8.0, TOP - 12.0))?;
        for (i, name) in names.iter().enumerate() {
            let (above, beside) = (NAME.fit(name, across - 2.0), NAME.fit(name, left - 8.0));
            let middle = i as f64 + 0.5;
            let (x, y) = (left + across * middle, TOP + down * middle);
            area.text(&above, NAME, HPos::Center, (x, TOP - 12.0))?;
            area.text(&beside, NAME, HPos::Right, (left - 8.0, y))?;
        }
        for ((t, p), count) in counts.indexed_iter() {
            // Even 1 % is told from 0.
            let (strength, ink) = match *count {
                0 => (0.03, GREY),
                _ => (0.06 + 0.9 * shares[[t, p]], INK),
            };
            let colour = tint(if t == p { TRAINING } else { VALIDATION }, strength);
            let (x, y) = (left + across * p as f64, TOP + down * t as f64);
            area.fill((x, y), (x + across - 1.0, y + down - 1.0), colour)?;
            let ink = if is_dark(colour) { WHITE } else { ink };
            let middle = (x + across / 2.0, y + down / 2.0);
            area.text(&texts[[t, p]], font.coloured(ink), HPos::Center, middle)?;
        }
        Ok(())
    })
}
