//! How a training went: a table of its epochs, and curves; a range test as a curve.

use crate::numbers::short;
use crate::prelude::*;
use crate::show::View;
use crate::table::Table;

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
