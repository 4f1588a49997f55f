//! What the library's types look like at the end of a cell.

use lab_core::text::thousands;

use crate::numbers::short;
use crate::prelude::*;
use crate::show::View;
use crate::table::{Table, note};

/// Size, shape, and the number of images of each class.
impl Show for Dataset {
    fn view(&self) -> View {
        let mut table = Table::new(&format!("{self:?}"), ["class", "images"]);
        for (name, count) in self.class_names().iter().zip(self.class_counts()) {
            table.row(row![name, thousands(count)]);
        }
        table.view()
    }
}

/// The layers, and the numbers of parameters.
impl Show for Summary {
    fn view(&self) -> View {
        let header = ["Layer (type)", "Output shape", "Parameters"];
        let mut table = Table::new("Sequential", header);
        for row in &self.rows {
            let layer = format!("{} ({})", row.name, row.kind);
            table.row(row![layer, row.output_shape, thousands(row.parameters)]);
        }
        table.notes.extend(self.totals());
        View::new(table.view().html, self)
    }
}

/// The summary, and where the weights come from.
impl Show for Sequential {
    fn view(&self) -> View {
        let seeded = |seed: Seed| format!("weights drawn with seed {}", seed.0);
        let origin = self.seed().map_or("weights from a file".to_owned(), seeded);
        let View { html, text } = self.summary().view();
        View::new(html + &note(&origin), format!("{text}\n {origin}"))
    }
}

/// A table of at most 12 epochs (first, best and last among them), the warnings, and the curves.
impl Show for History {
    fn view(&self) -> View {
        let header = "epoch,loss,accuracy,val_loss,val_accuracy,learning rate,seconds";
        let ended = figures::ending(self).map_or(String::new(), |text| format!(", {text}"));
        // The sum of no seconds is −0.
        let (count, seconds) = (self.epochs.len(), self.seconds().abs());
        let plural = if count == 1 { "" } else { "s" };
        let caption = format!("{count} epoch{plural} in {seconds:.1} s{ended}");
        let mut table = Table::new(&caption, header.split(','));
        let best = self.best().map(|best| best.epoch);
        let every = count.div_ceil(10);
        for (at, it) in self.epochs.iter().enumerate() {
            let mark = ["", " (best)"][usize::from(Some(it.epoch) == best)];
            if mark.is_empty() && at % every != 0 && at + 1 != count {
                continue;
            }
            let four = |value: Option<f64>| value.map_or("–".to_owned(), |it| format!("{it:.4}"));
            let mut row = vec![format!("{}{mark}", it.epoch)];
            let [loss, accuracy] = [it.loss, it.accuracy].map(Some);
            row.extend([loss, accuracy, it.val_loss, it.val_accuracy].map(four));
            row.extend([short(it.learning_rate.into()), format!("{:.1}", it.seconds)]);
            table.row(row);
        }
        let warning = |text: &String| format!("warning: {text}");
        table.notes.extend(self.warnings.iter().map(warning));
        let curves = figures::training_curves("Loss and accuracy", self);
        table.view().with(curves)
    }
}

/// Precision, recall and F1 of each class, the averages, and the warnings.
impl Show for ClassificationReport {
    fn view(&self) -> View {
        let caption = format!("Classification report: accuracy {:.4}", self.accuracy);
        let header = ["class", "precision", "recall", "f1-score", "support"];
        let mut table = Table::new(&caption, header);
        let averages = [&self.macro_average, &self.weighted_average];
        for scores in self.per_class.iter().chain(averages) {
            let of = [scores.precision, scores.recall, scores.f1];
            let [precision, recall, f1] = of.map(|score| format!("{score:.4}"));
            table.row(row![scores.name, precision, recall, f1, scores.support]);
        }
        let warning = |text: &String| format!("Warning: {text}");
        table.notes.extend(self.warnings.iter().map(warning));
        View::new(table.view().html, self)
    }
}

/// Accuracy, loss and the report.
impl Show for Evaluation {
    fn view(&self) -> View {
        let (images, report) = (thousands(self.truth.len()), self.report().view());
        let found = format!("accuracy {:.4}, loss {:.4}", self.accuracy, self.loss);
        let headline = format!("{images} images: {found}");
        let text = format!("{headline}\n\n{}", report.text);
        View::new(note(&headline) + &report.html, text)
    }
}

/// The counts in colour.
impl Show for ConfusionMatrix {
    fn view(&self) -> View {
        let figure = figures::confusion_matrix("Confusion matrix", self);
        View::new(String::new(), self).with(figure)
    }
}
