//! What a training's history looks like at the end of a cell, and in a terminal: a table and a line of the losses.

use std::fmt;

use plotters::element::{Circle, PathElement};

use super::figure::{Figure, Key, Page};
use super::figures;
use super::html::{Cell, Table};
use super::laboratory::plain;
use super::notebook::show;
use super::scale::{Axis, short};
use super::theme::{Stroke, TRAINING, fill, line, u};
use crate::error::Result;
use crate::training::{EpochRecord, History, Stopped};

/// Epochs in the table at most.
const ROWS: usize = 12;
/// Blocks in the line of a terminal at most.
const BLOCKS: usize = 60;
const HEADER: [&str; 7] = [
    "epoch",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "learning rate",
    "seconds",
];

impl History {
    /// The positions of the epochs in the table: first, best and last, and others at about equal distances.
    fn chosen(&self) -> Vec<usize> {
        let count = self.epochs.len();
        let Some(last) = count.checked_sub(1).filter(|_| count > ROWS) else {
            return (0..count).collect();
        };
        let mut chosen: Vec<usize> = (0..ROWS - 1).map(|row| row * last / (ROWS - 2)).collect();
        chosen.extend(self.best_position());
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    fn best_position(&self) -> Option<usize> {
        let best = self.best()?.epoch;
        self.epochs.iter().position(|record| record.epoch == best)
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let optional = |value: Option<f64>| {
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"))
        };
        let best = self.best_position();
        let row = |at: usize| {
            let EpochRecord {
                epoch,
                loss,
                accuracy,
                val_loss,
                val_accuracy,
                learning_rate,
                seconds,
            } = self.epochs[at];
            let best = if Some(at) == best { " (best)" } else { "" };
            let numbers = [Some(loss), Some(accuracy), val_loss, val_accuracy].map(optional);
            let mut row = vec![format!("{epoch}{best}")];
            row.extend(numbers);
            row.extend([
                short(learning_rate.to_string().parse().unwrap_or(0.0)),
                format!("{seconds:.1}"),
            ]);
            row
        };
        self.chosen().into_iter().map(row).collect()
    }

    fn caption(&self) -> String {
        let count = self.epochs.len();
        let plural = if count == 1 { "" } else { "s" };
        let ended = match self.stopped {
            Stopped::Finished => String::new(),
            Stopped::Early { epoch } => format!(", stopped early after epoch {epoch}"),
            Stopped::Interrupted { epoch, .. } => format!(", interrupted in epoch {epoch}"),
            Stopped::Diverged { epoch, .. } => format!(", diverged in epoch {epoch}"),
        };
        // The sum of no seconds is −0.
        format!(
            "{count} epoch{plural} in {:.1} s{ended}",
            self.seconds().abs()
        )
    }

    /// The losses of the epochs: of the training data, and of the validation data where there are any.
    fn losses(&self) -> Vec<(&'static str, Vec<f64>)> {
        let of = |of: fn(&EpochRecord) -> f64| self.epochs.iter().map(of).collect::<Vec<f64>>();
        let mut losses = vec![("loss", of(|record| record.loss))];
        if self.epochs.iter().any(|record| record.val_loss.is_some()) {
            losses.push(("val_loss", of(|record| record.val_loss.unwrap_or(f64::NAN))));
        }
        losses
    }

    /// The losses as two small lines on a common scale, without axes.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// let record = |epoch: usize| EpochRecord {
    ///     epoch, loss: 2.0 / epoch as f64, accuracy: 0.3, val_loss: Some(2.1 / epoch as f64), val_accuracy: Some(0.3),
    ///     learning_rate: 0.001, seconds: 1.0,
    /// };
    /// let history = History { epochs: (1..=4).map(record).collect(), ..History::default() };
    /// assert_eq!(history.sparkline()?.alt(), "loss 2 → 0.5, val_loss 2.1 → 0.525");
    /// # Ok::<(), LabError>(())
    /// ```
    ///
    /// # Errors
    /// [`LabError::Value`](crate::LabError::Value) for a history without an epoch.
    pub fn sparkline(&self) -> Result<Figure> {
        if self.epochs.is_empty() {
            return figures::training_curves("", self);
        }
        let (width, height) = (340.0, 60.0);
        let losses = self.losses();
        let course = |(name, values): &(&str, Vec<f64>)| {
            let ends =
                [values.first(), values.last()].map(|value| short(*value.unwrap_or(&f64::NAN)));
            format!("{name} {} → {}", ends[0], ends[1])
        };
        let texts: Vec<String> = losses.iter().map(course).collect();
        let key = |(number, name): (usize, &String)| Key {
            name: name.clone(),
            stroke: Stroke::of(number),
            block: None,
        };
        let legend = texts.iter().enumerate().map(key).collect();
        let axis = Axis::default();
        let scale = axis.scale(
            losses.iter().flat_map(|(_, values)| values.iter().copied()),
            2.0,
            0.0,
        );
        let last = (self.epochs.len() - 1).max(1) as f64;
        Page {
            title: "",
            subtitle: String::new(),
            legend,
            width,
            height,
        }
        .draw(texts.join(", "), |area| {
            for (number, (_, values)) in losses.iter().enumerate() {
                let colour = Stroke::of(number).colour;
                let place = |(at, value): (usize, &f64)| {
                    let y = 4.0 + (height - 8.0) * (1.0 - scale.place(*value));
                    axis.shows(*value)
                        .then(|| (u(4.0 + (width - 8.0) * at as f64 / last), u(y)))
                };
                let places: Vec<Option<(i32, i32)>> =
                    values.iter().enumerate().map(place).collect();
                for part in places.split(Option::is_none) {
                    let part: Vec<(i32, i32)> = part.iter().flatten().copied().collect();
                    if let Some(end) = part.last() {
                        area.draw(&Circle::new(*end, u(3.0), fill(colour)))?;
                        area.draw(&PathElement::new(part, line(colour, 2.0)))?;
                    }
                }
            }
            Ok(())
        })
    }

    /// First, best and last epochs as an HTML table of at most 12 rows with the line of the losses; it needs no style
    /// sheet.
    ///
    /// ```
    /// use lab_core::prelude::*;
    /// assert!(History::default().to_html().contains("0 epochs"));
    /// ```
    pub fn to_html(&self) -> String {
        let cell = |(column, text): (usize, &str)| {
            if column == 0 {
                Cell::text(text)
            } else {
                Cell::number(text)
            }
        };
        let header: Vec<Cell> = HEADER.into_iter().enumerate().map(cell).collect();
        let mut table = Table::new(&self.caption(), &header);
        for row in self.rows() {
            let strength = if row[0].ends_with("(best)") {
                0.35
            } else {
                0.0
            };
            let cells = row.iter().map(String::as_str).enumerate().map(cell);
            table = table.row(
                &cells
                    .map(|cell| cell.shaded(TRAINING, strength))
                    .collect::<Vec<_>>(),
            );
        }
        let warnings: Vec<String> = self
            .warnings
            .iter()
            .map(|warning| format!("Warning: {warning}"))
            .collect();
        table.finish(&warnings)
            + &self
                .sparkline()
                .map_or(String::new(), |figure| figure.to_html())
    }

    /// Shows the table and the line in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        show(&self.to_html(), &self.to_string());
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}",
            plain(&self.caption(), &HEADER, &self.rows()).trim_end()
        )?;
        let losses = self.losses();
        let all = || {
            losses
                .iter()
                .flat_map(|(_, values)| values)
                .copied()
                .filter(|value| value.is_finite())
        };
        let (low, high) = all().fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        for (name, values) in losses.iter().filter(|_| low <= high) {
            write!(f, "\n{name:<9}{}", blocks(values, low, high))?;
        }
        self.warnings
            .iter()
            .try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}

/// A block for each value, from ▁ for `low` to █ for `high`; of many values some are left out, but not the last.
fn blocks(values: &[f64], low: f64, high: f64) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let block = |value: f64| match (value - low) / (high - low).max(f64::MIN_POSITIVE) {
        share if share.is_finite() => HEIGHTS[(share * 7.0).round().clamp(0.0, 7.0) as usize],
        _ => ' ',
    };
    let count = values.len().min(BLOCKS);
    (1..=count)
        .map(|i| block(values[i * values.len() / count - 1]))
        .collect()
}
