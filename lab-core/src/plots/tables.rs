//! What a network's summary, a report and a confusion matrix look like in a notebook.

use super::html::{Cell, Table};
use super::notebook::show;
use super::theme::{TRAINING, VALIDATION};
use crate::metrics::{ClassificationReport, ConfusionMatrix, Scores};
use crate::model::Summary;
use crate::text::thousands;

impl Summary {
    /// The layers as an HTML table with the totals under it; it needs no style sheet.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
    /// assert!(model.summary().to_html().contains("30,730"));
    /// # Ok::<(), LabError>(())
    /// ```
    pub fn to_html(&self) -> String {
        self.table("Sequential")
    }

    pub(super) fn table(&self, caption: &str) -> String {
        let header = [
            Cell::text("Layer (type)"),
            Cell::text("Output shape"),
            Cell::number("Parameters"),
        ];
        let mut table = Table::new(caption, &header);
        for row in &self.rows {
            let layer = Cell::text(format!("{} ({})", row.name, row.kind));
            table = table.row(&[
                layer,
                Cell::text(&row.output_shape),
                Cell::number(thousands(row.parameters)),
            ]);
        }
        table.finish(&self.totals())
    }

    /// Shows the table in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        show(&self.to_html(), &self.to_string());
    }
}

impl ClassificationReport {
    /// The report as an HTML table with the warnings under it; it needs no style sheet.
    ///
    /// ```
    /// use lab_core::metrics::classification_report;
    /// let report = classification_report(&[0, 1, 1], &[0, 1, 0], &["cat", "dog"])?;
    /// assert!(report.to_html().contains("0.6667"));
    /// # Ok::<(), lab_core::LabError>(())
    /// ```
    pub fn to_html(&self) -> String {
        self.table(&format!(
            "Classification report: accuracy {:.4}",
            self.accuracy()
        ))
    }

    pub(super) fn table(&self, caption: &str) -> String {
        let row = |s: &Scores| {
            let scores =
                [s.precision, s.recall, s.f1].map(|score| Cell::number(format!("{score:.4}")));
            let mut cells = vec![Cell::text(&s.name)];
            cells.extend(scores);
            cells.push(Cell::number(s.support));
            cells
        };
        let header = ["class", "precision", "recall", "f1-score", "support"];
        let header: Vec<Cell> = header
            .iter()
            .enumerate()
            .map(|(i, name)| {
                if i == 0 {
                    Cell::text(name)
                } else {
                    Cell::number(name)
                }
            })
            .collect();
        let mut table = Table::new(caption, &header);
        for scores in self
            .per_class()
            .iter()
            .chain([self.macro_average(), self.weighted_average()])
        {
            table = table.row(&row(scores));
        }
        let warnings: Vec<String> = self
            .warnings()
            .iter()
            .map(|warning| format!("Warning: {warning}"))
            .collect();
        table.finish(&warnings)
    }

    /// Shows the table in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        show(&self.to_html(), &self.to_string());
    }
}

impl ConfusionMatrix {
    /// The counts as an HTML table, each cell shaded by its share of its row; it needs no style sheet.
    ///
    /// ```
    /// use lab_core::metrics::ConfusionMatrix;
    /// let confusion = ConfusionMatrix::new(&[0, 1], &[0, 1], &["cat", "dog"])?;
    /// assert!(confusion.to_html().starts_with("<table"));
    /// # Ok::<(), lab_core::LabError>(())
    /// ```
    pub fn to_html(&self) -> String {
        let shares = self.normalized();
        let mut header = vec![Cell::text("true \\ predicted")];
        header.extend(self.class_names().iter().map(Cell::number));
        let caption = "Confusion matrix: rows are true classes, columns predicted ones; \
                       the shade is the share of the row, blue where right and orange where wrong";
        let mut table = Table::new(caption, &header);
        for (t, name) in self.class_names().iter().enumerate() {
            let mut cells = vec![Cell::text(name)];
            cells.extend(self.counts().row(t).iter().enumerate().map(|(p, count)| {
                Cell::number(count)
                    .shaded(if t == p { TRAINING } else { VALIDATION }, shares[[t, p]])
            }));
            table = table.row(&cells);
        }
        table.finish(&[])
    }

    /// Shows the table in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        show(&self.to_html(), &self.to_string());
    }
}
