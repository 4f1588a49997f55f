//! The table of a network's layers that Keras prints.

use std::fmt;

use super::architecture::Architecture;
use super::layer::Parameter;
use super::sequential::Sequential;
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
                .filter(|it| it.trainable == trainable);
            counted.map(|it| it.value.len()).sum()
        };
        let shape = |axes: &[usize]| {
            let axes = axes.iter().map(|axis| format!(", {axis}"));
            format!("(None{})", axes.collect::<String>())
        };
        let size = |parameter: &Parameter| parameter.value.len();
        let rows = self.layers().map(|(layer, spec)| SummaryRow {
            name: spec.name.clone(),
            kind: layer.kind().0,
            output_shape: shape(&spec.output_shape),
            parameters: self.parameters[spec.parameters.clone()]
                .iter()
                .map(size)
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
    /// The same for an architecture, before its weights are drawn.
    ///
    /// # Errors
    /// As for [`Architecture::build`].
    pub fn summary(&self) -> Result<Summary> {
        Ok(Sequential::with_seed(self.clone(), None)?.summary())
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
        let cells = |row: &SummaryRow| {
            let layer = format!("{} ({})", row.name, row.kind);
            [layer, row.output_shape.clone(), thousands(row.parameters)]
        };
        let rows: Vec<_> = self.rows.iter().map(cells).collect();
        let width = |column: usize, least: usize| {
            let widths = rows.iter().map(|row| row[column].chars().count());
            widths.fold(least, usize::max)
        };
        let [a, b, c] = [width(0, 31), width(1, 22), width(2, 13)];
        let rule = |line: &str, left: char, middle: char, right: char| {
            let [a, b, c] = [a, b, c].map(|width| line.repeat(width + 2));
            format!("{left}{a}{middle}{b}{middle}{c}{right}")
        };
        let [layer, shape, count] = ["Layer (type)", "Output Shape", "Param #"];
        writeln!(f, "Model: \"sequential\"\n{}", rule("━", '┏', '┳', '┓'))?;
        writeln!(f, "┃ {layer:<a$} ┃ {shape:<b$} ┃ {count:>c$} ┃")?;
        let mut above = rule("━", '┡', '╇', '┩');
        for [layer, shape, count] in &rows {
            writeln!(f, "{above}\n│ {layer:<a$} │ {shape:<b$} │ {count:>c$} │")?;
            above = rule("─", '├', '┼', '┤');
        }
        writeln!(f, "{}", rule("─", '└', '┴', '┘'))?;
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
