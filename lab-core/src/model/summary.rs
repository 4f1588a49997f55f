//! The table of a network's layers that Keras prints.

use std::fmt;

use super::architecture::Architecture;
use super::sequential::{Identity, Sequential};
use crate::error::Result;
use crate::text::thousands;

/// The layers of a network, their output shapes and their numbers of parameters; prints as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// One row for each layer.
    pub rows: Vec<SummaryRow>,
    /// Parameters that training changes.
    pub trainable: usize,
    /// Parameters that it does not change by gradients: moving averages.
    pub non_trainable: usize,
    /// What [`Sequential::warnings`] says.
    pub warnings: Vec<String>,
}

/// One layer in a [`Summary`].
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryRow {
    /// The layer's name, `dense_1`.
    pub name: String,
    /// Its kind, `Dense`.
    pub kind: &'static str,
    /// The shape of its output, `(None, 512)`; `None` stands for the batch.
    pub output_shape: String,
    /// How many numbers it holds.
    pub parameters: usize,
}

impl Sequential {
    /// The layers, their output shapes and parameters, and how much memory these take.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// assert!(model.summary().to_string().contains("Total params: 30,730 (120.04 KB)"));
    /// # Ok::<(), LabError>(())
    /// ```
    pub fn summary(&self) -> Summary {
        let count = |trainable: bool| {
            let counted = self
                .parameters
                .iter()
                .filter(|parameter| parameter.trainable == trainable);
            counted.map(|parameter| parameter.value.len()).sum()
        };
        let rows = self
            .architecture()
            .layers()
            .iter()
            .zip(&self.places)
            .map(|(layer, place)| SummaryRow {
                name: place.name.clone(),
                kind: layer.mathematics().kind().0,
                output_shape: place
                    .output_shape
                    .iter()
                    .fold("(None".to_owned(), |text, n| format!("{text}, {n}"))
                    + ")",
                parameters: self.parameters[place.parameters.clone()]
                    .iter()
                    .map(|p| p.value.len())
                    .sum(),
            });
        Summary {
            rows: rows.collect(),
            trainable: count(true),
            non_trainable: count(false),
            warnings: self.warnings(),
        }
    }
}

impl Architecture {
    /// The same for a plan, before its weights are drawn.
    ///
    /// # Errors
    /// As for [`Architecture::build`].
    pub fn summary(&self) -> Result<Summary> {
        let (places, parameters) = self.lay_out(None)?;
        let (architecture, identity) = (self.clone(), Identity::default());
        Ok(Sequential {
            architecture,
            places,
            parameters,
            seed: None,
            identity,
        }
        .summary())
    }
}

impl Summary {
    /// The lines under the table: total, trainable and other parameters with their memory as f32, then the warnings.
    pub fn totals(&self) -> Vec<String> {
        let counts = [
            ("Total", self.trainable + self.non_trainable),
            ("Trainable", self.trainable),
            ("Non-trainable", self.non_trainable),
        ]
        .map(|(name, count)| {
            format!(
                "{name} params: {} ({})",
                thousands(count),
                memory(4 * count)
            )
        });
        counts
            .into_iter()
            .chain(
                self.warnings
                    .iter()
                    .map(|warning| format!("warning: {warning}")),
            )
            .collect()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.rows.iter().map(|row| {
            [
                format!("{} ({})", row.name, row.kind),
                row.output_shape.clone(),
                thousands(row.parameters),
            ]
        });
        let cells: Vec<_> = cells.collect();
        let headings = ["Layer (type)", "Output Shape", "Param #"];
        let width = |column: usize| {
            let widest = cells
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0);
            widest.max(headings[column].len()).max([31, 22, 13][column])
        };
        let [a, b, c] = [width(0), width(1), width(2)];
        let rule = |line: &str, ends: [char; 3]| {
            let [left, middle, right] = ends;
            format!(
                "{left}{}{middle}{}{middle}{}{right}",
                line.repeat(a + 2),
                line.repeat(b + 2),
                line.repeat(c + 2)
            )
        };
        writeln!(f, "Model: \"sequential\"")?;
        writeln!(f, "{}", rule("━", ['┏', '┳', '┓']))?;
        writeln!(
            f,
            "┃ {:<a$} ┃ {:<b$} ┃ {:>c$} ┃",
            headings[0], headings[1], headings[2]
        )?;
        writeln!(f, "{}", rule("━", ['┡', '╇', '┩']))?;
        for (number, [layer, shape, count]) in cells.iter().enumerate() {
            if number > 0 {
                writeln!(f, "{}", rule("─", ['├', '┼', '┤']))?;
            }
            writeln!(f, "│ {layer:<a$} │ {shape:<b$} │ {count:>c$} │")?;
        }
        writeln!(f, "{}", rule("─", ['└', '┴', '┘']))?;
        write!(f, " {}", self.totals().join("\n "))
    }
}

/// Bytes in Keras's words: `6.63 MB`.
fn memory(bytes: usize) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "KB", "MB"] {
        if size < 1024.0 {
            return format!("{size:.2} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.2} GB")
}
