//! A network drawn: its layers, the shapes between them, and where the weights are.

use lab_core::text::thousands;

use super::check_most;
use crate::draw::*;
use crate::prelude::*;

/// The tallest bar, and the room above all bars.
const TALLEST: f64 = 190.0;
const ABOVE: f64 = 44.0;

/// A bar for the input and for each layer, as tall as the logarithm of its outputs; between two bars the shape of the
/// kernel, and below it the number of parameters. Under an addition stands the layer whose output it adds.
///
/// ```
/// use lab_notebook::prelude::*;
/// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// let figure = figures::network("One layer", &model)?;
/// assert_eq!(figure.alt, "One layer: input 32 × 32 × 3; flatten 3072; dense softmax 10 3072 × 10 30,730");
/// let residual = Sequential::new([8]).residual(|it| it.dense(8, Activation::Relu)).build(Seed(0))?;
/// assert!(figures::network("A block", &residual)?.alt.ends_with("; add + input 8"));
/// # Ok::<(), LabError>(())
/// ```
///
/// # Errors
/// [`LabError::Value`] for more than nine layers, which have no room side by side.
pub fn network(title: &str, model: &Sequential) -> Result<Figure> {
    let (plan, rows) = (model.architecture(), model.summary().rows);
    check_most("layers", rows.len(), 9)?;
    // `[3072, 10]` and `(None, 10)` as `3072 × 10` and `10`.
    let written = |shape: &str| {
        let sizes = shape.trim_matches(['[', '(', ')', ']']);
        sizes.replace("None, ", "").replace(", ", " × ")
    };
    let list = |sizes: &[usize]| written(&format!("{sizes:?}"));
    // Name, activation, shape of the output, shape of the kernel, number of parameters.
    let mut bars = vec![["input", "", &list(&plan.input_shape), "", ""].map(str::to_owned)];
    for (row, layer) in rows.iter().zip(&plan.layers) {
        let activation = match layer {
            LayerKind::Dense(dense) => dense.activation.to_string(),
            LayerKind::Add(add) => format!("+ {}", bars[bars.len() - 1 - add.skip][0]),
            _ => String::new(),
        };
        let kernel = model.weight(&format!("{}.kernel", row.name));
        let kernel = kernel.map_or(String::new(), |kernel| list(kernel.shape()));
        let count = Some(thousands(row.parameters)).filter(|count| count != "0");
        let (name, shape) = (row.name.clone(), written(&row.output_shape));
        bars.push([name, activation, shape, kernel, count.unwrap_or_default()]);
    }
    let words = |bar: &[String; 5]| bar.join(" ").trim_end().replace("  ", " ");
    let mut page = Page::new(title, ABOVE + TALLEST + 26.0);
    page.words = bars.iter().map(words).collect();
    page.draw(|area| {
        let (step, middle) = (WIDTH / bars.len() as f64, ABOVE + TALLEST / 2.0);
        let mut before = 0.0;
        for (at, [name, activation, shape, kernel, count]) in bars.iter().enumerate() {
            let (x, between) = (step * (at as f64 + 0.5), step * at as f64);
            let size: f64 = shape.split(" × ").flat_map(str::parse::<f64>).product();
            let half = TALLEST / 2.0 * (size + 1.0).ln() / 3073_f64.ln();
            let colour = [tint(SERIES[0], 0.25), GRID][usize::from(count.is_empty())];
            let corners = |x: f64, half: f64| [(x, middle - half), (x, middle + half)];
            if at > 0 {
                let ([a, b], [c, d]) = (corners(x - step + 5.0, before), corners(x - 5.0, half));
                area.polygon(&[a, b, d, c], colour.to_rgba())?;
            }
            let ([top, _], [_, bottom]) = (corners(x - 5.0, half), corners(x + 5.0, half));
            area.fill(top, bottom, SERIES[0])?;
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
