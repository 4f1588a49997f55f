//! The table of a network's layers that Keras prints.

use super::*;

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
        let count = |parameters: &[Parameter], trainable: bool| {
            let counted = parameters.iter().filter(|it| it.trainable == trainable);
            counted.map(Parameter::size).sum::<usize>()
        };
        let rows = self.layers().map(|(layer, spec)| {
            let axes = spec.output_shape.iter().map(|axis| format!(", {axis}"));
            let own = &self.parameters[spec.parameters.clone()];
            SummaryRow {
                name: spec.name.clone(),
                kind: layer.kind().0,
                output_shape: format!("(None{})", axes.collect::<String>()),
                parameters: count(own, true) + count(own, false),
            }
        });
        Summary {
            rows: rows.collect(),
            trainable: count(&self.parameters, true),
            non_trainable: count(&self.parameters, false),
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
        let (trainable, other) = (self.trainable, self.non_trainable);
        let counts = [
            ("Total", trainable + other),
            ("Trainable", trainable),
            ("Non-trainable", other),
        ];
        let counts = counts.map(|(name, count)| {
            let (memory, count) = (memory(4 * count), thousands(count));
            format!("{name} params: {count} ({memory})")
        });
        let warnings = self.warnings.iter().map(|it| format!("warning: {it}"));
        counts.into_iter().chain(warnings).collect()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layer = |it: &SummaryRow| format!("{} ({})", it.name, it.kind);
        let names = self.rows.iter().map(|it| layer(it).len());
        let width = names.fold(32, usize::max);
        let mut row = |layer: &str, shape: &str, count: &str| {
            writeln!(f, "{layer:width$}  {shape:<20} {count:>12}")
        };
        row("Layer (type)", "Output Shape", "Param #")?;
        for it in &self.rows {
            row(&layer(it), &it.output_shape, &thousands(it.parameters))?;
        }
        write!(f, "{}", self.totals().join("\n"))
    }
}

/// Bytes in Keras's words: `6.63 MB`.
fn memory(bytes: usize) -> String {
    let power = (bytes.max(1).ilog2() / 10).min(3);
    let unit = ["B", "KB", "MB", "GB"][power as usize];
    format!("{:.2} {unit}", bytes as f64 / f64::from(1 << (10 * power)))
}
