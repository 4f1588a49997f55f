//! How good a network is: scores as tables, confusion and calibration as pictures.

use lab_core::text::thousands;

use crate::prelude::*;
use crate::show::View;
use crate::table::Table;

fn html(report: &ClassificationReport, caption: &str) -> String {
    let header = ["class", "precision", "recall", "f1-score", "support"];
    let mut table = Table::new(caption, &header);
    let averages = [report.macro_average(), report.weighted_average()];
    for scores in report.per_class().iter().chain(averages) {
        let numbers = [scores.precision, scores.recall, scores.f1];
        let mut row = vec![scores.name.clone()];
        row.extend(numbers.map(|score| format!("{score:.4}")));
        row.push(scores.support.to_string());
        table.row(row);
    }
    for warning in report.warnings() {
        table.notes.push(format!("Warning: {warning}"));
    }
    table.view().html
}

/// Precision, recall and F1 of each class, the averages, and the warnings.
impl Show for ClassificationReport {
    fn view(&self) -> View {
        let caption = format!("Classification report: accuracy {:.4}", self.accuracy());
        View::new(html(self, &caption), self)
    }
}

/// Accuracy, loss and the report.
impl Show for Evaluation {
    fn view(&self) -> View {
        let (images, report) = (thousands(self.truth.len()), self.report());
        let found = format!("accuracy {:.4}, loss {:.4}", self.accuracy, self.loss);
        let headline = format!("{images} images: {found}");
        View::new(html(&report, &headline), format!("{headline}\n\n{report}"))
    }
}

/// The counts in colour.
impl Show for ConfusionMatrix {
    fn view(&self) -> View {
        View::picture(figures::confusion_matrix("Confusion matrix", self), self)
    }
}

/// The reliability diagram.
impl Show for Calibration {
    fn view(&self) -> View {
        let text = format!("expected calibration error {:.4}", self.ece());
        View::picture(figures::reliability("Reliability", self), text)
    }
}
