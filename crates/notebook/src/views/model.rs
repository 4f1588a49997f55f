//! Networks: their summary as a table.

use lab_core::text::thousands;

use crate::prelude::*;
use crate::show::View;
use crate::table::Table;

/// The summary as HTML and in Keras's form, with a line about the weights where there is one.
fn view(summary: &Summary, about: &str) -> View {
    let mut table = Table::new(
        "Sequential",
        &["Layer (type)", "Output shape", "Parameters"],
    );
    for row in &summary.rows {
        let (layer, shape) = (
            format!("{} ({})", row.name, row.kind),
            row.output_shape.clone(),
        );
        table.row(vec![layer, shape, thousands(row.parameters)]);
    }
    table.notes.extend(summary.totals());
    table.notes.push(about.to_owned());
    table.notes.retain(|note| !note.is_empty());
    let text = format!("{summary}\n {about}");
    View::new(table.view().html, text.trim_end())
}

/// The layers, and the numbers of parameters.
impl Show for Summary {
    fn view(&self) -> View {
        view(self, "")
    }
}

/// The summary, and where the weights come from.
impl Show for Sequential {
    fn view(&self) -> View {
        let seeded = |seed: Seed| format!("weights drawn with seed {}", seed.0);
        let origin = self.seed().map(seeded);
        view(
            &self.summary(),
            origin.as_deref().unwrap_or("weights from a file"),
        )
    }
}

/// The summary of the network to be built, or why it cannot be.
impl Show for Architecture {
    fn view(&self) -> View {
        match self.summary() {
            Ok(summary) => view(&summary, "no weights before .build(seed)"),
            Err(error) => View::error(&error),
        }
    }
}
