//! What the library's types look like at the end of a cell.

use lab_core::text::thousands;

use crate::numbers::short;
use crate::prelude::*;
use crate::show::View;
use crate::table::Table;

/// Size, shape, the number of images of each class (of the first ten, where there are more), and an image of each.
impl Show for Dataset {
    fn view(&self) -> View {
        let more = self.class_count() > 10;
        let caption = format!(
            "{self:?}{}",
            if more { ", the first 10 classes" } else { "" }
        );
        let mut table = Table::new(caption, &["class", "images"]);
        let counts = self.class_names().iter().zip(self.class_counts());
        for (name, count) in counts.take(10) {
            table.row(vec![name.clone(), thousands(count)]);
        }
        let mut view = table.view();
        if let Ok(figure) = figures::thumbnails(self) {
            view.html += &figure.to_html();
        }
        view
    }
}

/// The training images and the test images.
impl Show for Cifar10 {
    fn view(&self) -> View {
        let (train, test) = (self.train.view(), self.test.view());
        let text = format!("{}\n\n{}", train.text, test.text);
        View::new(train.html + &test.html, text)
    }
}

/// An image before, and five times after.
impl Show for Augmentation {
    fn view(&self) -> View {
        View::picture(figures::before_and_after(self), format!("{self:?}"))
    }
}

/// The summary as HTML and in Keras's form, with a line about the weights where there is one.
fn layers(summary: &Summary, about: &str) -> View {
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
        layers(self, "")
    }
}

/// The summary, and where the weights come from.
impl Show for Sequential {
    fn view(&self) -> View {
        let seeded = |seed: Seed| format!("weights drawn with seed {}", seed.0);
        let origin = self.seed().map(seeded);
        layers(
            &self.summary(),
            origin.as_deref().unwrap_or("weights from a file"),
        )
    }
}

/// The summary of the network to be built, or why it cannot be.
impl Show for Architecture {
    fn view(&self) -> View {
        match self.summary() {
            Ok(summary) => layers(&summary, "no weights before .build(seed)"),
            Err(error) => View::error(&error),
        }
    }
}

/// Epochs in the table at most.
const ROWS: usize = 12;

/// The positions of the epochs in the table: first, best and last, and others at about equal distances.
fn chosen(count: usize, best: Option<usize>) -> Vec<usize> {
    if count <= ROWS {
        return (0..count).collect();
    }
    let spread = (0..ROWS - 1).map(|row| row * (count - 1) / (ROWS - 2));
    let mut chosen: Vec<usize> = spread.chain(best).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

fn caption(history: &History) -> String {
    let count = history.epochs.len();
    let plural = if count == 1 { "" } else { "s" };
    let ended = match history.stopped {
        Stopped::Finished => String::new(),
        Stopped::Early { epoch } => format!(", stopped early after epoch {epoch}"),
        Stopped::Interrupted { epoch, .. } => format!(", interrupted in epoch {epoch}"),
        Stopped::Diverged { epoch, .. } => format!(", diverged in epoch {epoch}"),
    };
    // The sum of no seconds is −0.
    let seconds = history.seconds().abs();
    format!("{count} epoch{plural} in {seconds:.1} s{ended}")
}

/// A table of at most 12 epochs (first, best and last among them), the warnings, and the curves.
impl Show for History {
    fn view(&self) -> View {
        let header = "epoch,loss,accuracy,val_loss,val_accuracy,learning rate,seconds";
        let header: Vec<&str> = header.split(',').collect();
        let mut table = Table::new(caption(self), &header);
        let best = self.best().map(|best| best.epoch);
        let best = self
            .epochs
            .iter()
            .position(|record| Some(record.epoch) == best);
        for at in chosen(self.epochs.len(), best) {
            let record = &self.epochs[at];
            let mark = if Some(at) == best { " (best)" } else { "" };
            let mut row = vec![format!("{}{mark}", record.epoch)];
            let (loss, accuracy) = (Some(record.loss), Some(record.accuracy));
            for value in [loss, accuracy, record.val_loss, record.val_accuracy] {
                row.push(value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}")));
            }
            row.push(short(f64::from(record.learning_rate)));
            row.push(format!("{:.1}", record.seconds));
            table.row(row);
        }
        for warning in &self.warnings {
            table.notes.push(format!("warning: {warning}"));
        }
        let mut view = table.view();
        if let Ok(figure) = figures::training_curves("Loss and accuracy", self) {
            view.html += &figure.to_html();
        }
        view
    }
}

/// The losses over the learning rates.
impl Show for RangeTest {
    fn view(&self) -> View {
        let rate = short(f64::from(self.suggestion()));
        let figure = figures::range_test("Learning-rate range test", self);
        View::picture(figure, format!("suggested learning rate: {rate}"))
    }
}

fn scores(report: &ClassificationReport, caption: &str) -> String {
    let header = ["class", "precision", "recall", "f1-score", "support"];
    let mut table = Table::new(caption, &header);
    let averages = [&report.macro_average, &report.weighted_average];
    for scores in report.per_class.iter().chain(averages) {
        let numbers = [scores.precision, scores.recall, scores.f1];
        let mut row = vec![scores.name.clone()];
        row.extend(numbers.map(|score| format!("{score:.4}")));
        row.push(scores.support.to_string());
        table.row(row);
    }
    for warning in &report.warnings {
        table.notes.push(format!("Warning: {warning}"));
    }
    table.view().html
}

/// Precision, recall and F1 of each class, the averages, and the warnings.
impl Show for ClassificationReport {
    fn view(&self) -> View {
        let caption = format!("Classification report: accuracy {:.4}", self.accuracy);
        View::new(scores(self, &caption), self)
    }
}

/// Accuracy, loss and the report.
impl Show for Evaluation {
    fn view(&self) -> View {
        let (images, report) = (thousands(self.truth.len()), self.report());
        let found = format!("accuracy {:.4}, loss {:.4}", self.accuracy, self.loss);
        let headline = format!("{images} images: {found}");
        View::new(
            scores(&report, &headline),
            format!("{headline}\n\n{report}"),
        )
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
        let text = format!("expected calibration error {:.4}", self.ece);
        View::picture(figures::reliability("Reliability", self), text)
    }
}
