//! A network drawn: its layers, the shapes between them, and where the weights are.

use lab_core::text::thousands;

use super::check_most;
use crate::draw::*;
use crate::prelude::*;

/// The tallest bar, and the room above all bars.
const TALLEST: f64 = 190.0;
const ABOVE: f64 = 44.0;

/// A bar for the input and for each layer, as tall as the logarithm of its outputs; between two bars the shape of the
/// kernel, and below it the number of parameters.
///
/// ```
/// use lab_notebook::prelude::*;
/// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let figure = figures::network("One layer", &model)?;
/// assert_eq!(figure.alt, "One layer: input 32 × 32 × 3; flatten 3072; dense softmax 10 3072 × 10 30,730");
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for more than nine layers, which have no room side by side.
pub fn network(title: &str, model: &Sequential) -> Result<Figure> {
    let (plan, rows) = (model.architecture(), model.summary().rows);
    check_most("layers", rows.len(), 9)?;
    let list = |sizes: &[usize]| {
        let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
        sizes.join(" × ")
    };
    // Name, activation, shape of the output, shape of the kernel, number of parameters.
    let mut bars = vec![["input", "", &list(&plan.input_shape), "", ""].map(str::to_owned)];
    for (row, layer) in rows.into_iter().zip(&plan.layers) {
        let shape = row.output_shape.replace("(None, ", "").replace(')', "");
        let mut bar = [row.name, String::new(), shape, String::new(), String::new()];
        bar[2] = bar[2].replace(", ", " × ");
        if let LayerKind::Dense(dense) = layer {
            bar[1] = dense.activation.to_string();
            bar[3] = list(model.weight(&format!("{}.kernel", bar[0]))?.shape());
            bar[4] = thousands(row.parameters);
        }
        bars.push(bar);
    }
    let mut page = Page::new(title, ABOVE + TALLEST + 26.0);
    for bar in &bars {
        page.tell(
            bar.join(" ")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        );
    }
    let (step, middle) = (WIDTH / bars.len() as f64, ABOVE + TALLEST / 2.0);
    page.draw(|area| {
        let mut before = 0.0;
        for (at, [name, activation, shape, kernel, count]) in bars.iter().enumerate() {
            let (x, between) = (step * (at as f64 + 0.5), step * at as f64);
            let size: f64 = shape.split(" × ").flat_map(str::parse::<f64>).product();
            let half = TALLEST / 2.0 * (size + 1.0).ln() / 3073_f64.ln();
            if at > 0 {
                let colour = if count.is_empty() {
                    GRID
                } else {
                    tint(SERIES[0], 0.25)
                };
                let (from, to) = (x - step + 5.0, x - 5.0);
                let up = [(from, middle - before), (to, middle - half)];
                let down = [(to, middle + half), (from, middle + before)];
                area.polygon(&[up, down].concat(), colour.into())?;
            }
            area.fill(
                (x - 5.0, middle - half),
                (x + 5.0, middle + half),
                SERIES[0],
            )?;
            for (text, font, place) in [
                (name, NAME.bold(), (x, 9.0)),
                (activation, NAME, (x, 26.0)),
                (shape, NAME, (x, ABOVE + TALLEST + 14.0)),
                (kernel, NAME, (between, middle - 8.0)),
                (count, NAME, (between, middle + 9.0)),
            ] {
                area.text(&font.fit(text, step - 6.0), font, HPos::Center, place)?;
            }
            before = half;
        }
        Ok(())
    })
}
