//! The scoreboard of the challenge: a CSV file, and the table that a cell shows.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use lab_core::prelude::{LabError, LayerKind, Result, Sequential};
use serde::{Deserialize, Serialize};

/// An entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// When, as year-month-day.
    pub date: String,
    /// Who: the variable `LAB_AUTHOR`, or "you".
    pub name: String,
    /// The validation accuracy in percent.
    pub accuracy: f64,
    /// How long the training took.
    pub seconds: f64,
    /// The number of weights.
    pub weights: usize,
    /// The units of the dense layers, such as 512-256-10.
    pub layers: String,
}

impl Row {
    /// An entry of now.
    pub(super) fn new(accuracy: f64, seconds: f64, network: &Sequential) -> Self {
        let layers = network.architecture().layers.iter();
        let units = layers.filter_map(|layer| match layer {
            LayerKind::Dense(dense) => Some(dense.units.to_string()),
            _ => None,
        });
        let name = std::env::var("LAB_AUTHOR").unwrap_or_default();
        Self {
            date: today(),
            name: if name.is_empty() {
                "you".to_owned()
            } else {
                name
            },
            accuracy,
            seconds,
            weights: network.parameter_count(),
            layers: units.collect::<Vec<_>>().join("-"),
        }
    }
}

/// Today's date in UTC, by the civil calendar: counted from March, every leap day is the last day of its year.
fn today() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    date(now.map_or(0, |now| now.as_secs() / 86_400))
}

/// The date so many days after 1970-01-01.
fn date(days: u64) -> String {
    // Since 0000-03-01, in eras of 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (
        day - (153 * month + 2) / 5 + 1,
        if month < 10 { month + 3 } else { month - 9 },
    );
    let year = 400 * era + year + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

/// All entries, the best first, or why there was none; a cell that ends with it shows it.
#[derive(Clone, Debug)]
pub struct Board {
    task: String,
    verdict: String,
    /// The entries, the best first.
    rows: Vec<Row>,
    /// Where the latest entry stands among them.
    latest: usize,
}

impl Board {
    pub(super) fn refused(task: String, reason: String) -> Self {
        let (rows, latest, verdict) = (Vec::new(), 0, reason);
        Self {
            task,
            verdict,
            rows,
            latest,
        }
    }

    /// Appends an entry to the file and reads all of them.
    pub(super) fn with_entry(task: String, goal: f64, row: Row, file: &Path) -> Result<Self> {
        append(file, &row)?;
        let mut rows = read(file)?;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (&rows[a], &rows[b]);
            let accuracy = b.accuracy.total_cmp(&a.accuracy);
            accuracy.then(a.weights.cmp(&b.weights))
        });
        let latest = order
            .iter()
            .position(|&at| at + 1 == rows.len())
            .unwrap_or(0);
        rows = order.into_iter().map(|at| rows[at].clone()).collect();
        let verdict = format!(
            "{:.1} % in {:.0} s with {} weights: the goal is {}. Rank {} of {}.",
            row.accuracy,
            row.seconds,
            row.weights,
            if row.accuracy >= goal {
                "reached"
            } else {
                "not reached yet"
            },
            latest + 1,
            rows.len()
        );
        Ok(Self {
            task,
            verdict,
            rows,
            latest,
        })
    }

    /// What became of the latest entry.
    pub fn verdict(&self) -> &str {
        &self.verdict
    }

    /// The entries, the best first; none where the latest was refused.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    const HEADER: [&str; 7] = [
        "rank",
        "date",
        "name",
        "accuracy, %",
        "seconds",
        "weights",
        "layers",
    ];

    /// The cells of the best ten and of the latest entry, which is marked.
    fn cells(&self) -> Vec<[String; 7]> {
        let rows = self.rows.iter().enumerate();
        let shown = rows.filter(|(at, _)| *at < 10 || *at == self.latest);
        shown
            .map(|(at, row)| {
                let mark = if at == self.latest { " ◀" } else { "" };
                [
                    format!("{}{mark}", at + 1),
                    row.date.clone(),
                    row.name.clone(),
                    format!("{:.1}", row.accuracy),
                    format!("{:.0}", row.seconds),
                    row.weights.to_string(),
                    row.layers.clone(),
                ]
            })
            .collect()
    }

    /// Shows the scoreboard in a notebook; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
        let mut html = format!(
            "<div style=\"border-left:4px solid #0072b2;padding:2px 12px;margin:4px 0\">\
             <div><b>Challenge: {}.</b></div><div>{}</div></div>",
            self.task,
            escaped(&self.verdict).replace('\n', "<br>")
        );
        if !self.rows.is_empty() {
            let row = |cells: &[String], tag: &str| {
                let cells = cells
                    .iter()
                    .map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell)));
                format!("<tr>{}</tr>", cells.collect::<String>())
            };
            let body: String = self.cells().iter().map(|cells| row(cells, "td")).collect();
            html += &format!(
                "<table><thead>{}</thead><tbody>{body}</tbody></table>",
                row(&Self::HEADER.map(str::to_owned), "th")
            );
        }
        crate::feedback::display(&html, &self.to_string());
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge: {}.\n{}", self.task, self.verdict)?;
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut rows = vec![Self::HEADER.map(str::to_owned)];
        rows.extend(self.cells());
        for row in rows {
            writeln!(f)?;
            for (column, cell) in row.iter().enumerate() {
                let cells = std::iter::once(Self::HEADER[column].to_owned());
                let cells = cells.chain(self.cells().into_iter().map(|row| row[column].clone()));
                let width = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
                write!(f, "{cell:<width$}  ")?;
            }
        }
        Ok(())
    }
}

fn append(file: &Path, row: &Row) -> Result<()> {
    let failed = |error| LabError::io("write", file, error, "check the permissions of the folder");
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let begins = !file.exists();
    let mut writer = csv::WriterBuilder::new()
        .has_headers(begins)
        .from_writer(Vec::new());
    let written = writer.serialize(row).map_err(std::io::Error::from);
    written.map_err(failed)?;
    let bytes = writer
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    // One write, so that two kernels do not mix their rows.
    let mut open = OpenOptions::new();
    let opened = open.create(true).append(true).open(file);
    opened
        .and_then(|mut file| file.write_all(&bytes))
        .map_err(failed)
}

fn read(file: &Path) -> Result<Vec<Row>> {
    let remedy = "delete the file: it holds nothing but the scoreboard";
    let reader = csv::Reader::from_path(file);
    let rows = reader.and_then(|reader| reader.into_deserialize().collect());
    rows.map_err(|error| LabError::format(file, error.to_string(), "a row for each entry", remedy))
}

#[cfg(test)]
mod tests {
    use super::date;

    /// Against `date --date=@SECONDS --utc`.
    #[test]
    fn dates_are_those_of_the_civil_calendar() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (789, "1972-02-29"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_788, "2026-12-01"),
            (20_818, "2026-12-31"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(days), expected);
        }
    }
}
