//! Tables as HTML and as text. All style is inline, and colours come from the page around them, so that they read well
//! on light and dark pages.

use crate::prelude::*;
use crate::show::{View, escape};

/// A table whose first column is set at the left and whose others are set at the right, with notes under it.
pub(crate) struct Table {
    caption: String,
    /// The header, and the rows below it.
    lines: Vec<Vec<String>>,
    /// What stands under it.
    pub(crate) notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(caption: &str, header: impl IntoIterator<Item = impl ToString>) -> Self {
        let header = header.into_iter().map(|name| name.to_string());
        Self {
            caption: caption.to_owned(),
            lines: vec![header.collect()],
            notes: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, row: Vec<String>) {
        self.lines.push(row);
    }

    /// An error where a row has not as many cells as the header.
    pub(crate) fn check(&self) -> Result<()> {
        let columns = self.lines[0].len();
        let wrong = self.lines.iter().position(|row| row.len() != columns);
        let Some(number) = wrong else { return Ok(()) };
        let place = format!("table `{}`, row {number}", self.caption);
        let found = format!("{} cells", self.lines[number].len());
        let expected = format!("{columns} as in the header");
        let remedy = "give each column a cell";
        Err(LabError::shape(place, found, expected, remedy))
    }

    pub(crate) fn view(&self) -> View {
        View::new(self.html(), self.text())
    }

    fn html(&self) -> String {
        const CELL: &str = "padding:2px 8px;white-space:nowrap;text-align";
        let style = "border-collapse:collapse;color:inherit;font-size:13px;margin:8px 0";
        let caption = escape(&self.caption);
        let mut html = format!("<table style=\"{style}\">\n<caption style=\"text-align:left;");
        html += &format!("color:inherit;padding:2px 8px\">{caption}</caption>\n<thead>");
        for (number, line) in self.lines.iter().enumerate() {
            let border = ["", ";border-bottom:1px solid currentColor"][usize::from(number == 0)];
            html += &format!("<tr style=\"background:none{border}\">");
            for (column, text) in line.iter().enumerate() {
                let (tag, scope) = match (number, column) {
                    (0, _) => ("th", " scope=\"col\""),
                    (_, 0) => ("th", " scope=\"row\""),
                    _ => ("td", ""),
                };
                let align = ["right;font-variant-numeric:tabular-nums", "left"];
                let (align, text) = (align[usize::from(column == 0)], escape(text));
                html += &format!("<{tag}{scope} style=\"{CELL}:{align}\">{text}</{tag}>");
            }
            html += ["</tr>\n", "</tr></thead>\n<tbody>\n"][usize::from(number == 0)];
        }
        let notes = self.notes.iter().map(|text| note(text));
        html + "</tbody>\n</table>\n" + &notes.collect::<String>()
    }

    /// Columns as wide as their widest cell.
    fn text(&self) -> String {
        let width = |at: usize| {
            let cells = self.lines.iter().filter_map(|line| line.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let mut text = self.caption.clone();
        for line in &self.lines {
            let mut row = format!("\n{:<width$}", line[0], width = width(0));
            for (at, cell) in line.iter().enumerate().skip(1) {
                row += &format!("  {cell:>width$}", width = width(at));
            }
            text += row.trim_end_matches(' ');
        }
        let notes = self.notes.iter().map(|note| format!("\n{note}"));
        text + &notes.collect::<String>()
    }
}

/// A line under a table.
pub(crate) fn note(text: &str) -> String {
    let (style, text) = ("margin:2px 8px;font-size:13px", escape(text));
    format!("<p style=\"{style}\">{text}</p>\n")
}

/// A row of [`Lab::table`](crate::lab::Lab::table), from values that can be displayed.
///
/// ```
/// let row = lab_notebook::row!["train", 40_000, format!("{:.1} %", 45.67)];
/// assert_eq!(row, ["train", "40000", "45.7 %"]);
/// ```
#[macro_export]
macro_rules! row {
    ($($cell:expr),+ $(,)?) => {
        vec![$($cell.to_string()),+]
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_goes_into_a_table_can_become_markup() {
        let evil = "<b>\"&'";
        let mut table = Table::new(evil, [evil]);
        table.row(vec![evil.into()]);
        table.notes.push(evil.into());
        let html = table.view().html;
        assert_eq!(html.matches("&lt;b&gt;&quot;&amp;&#39;").count(), 4);
        assert!(!html.contains("<b>"));
    }

    #[test]
    fn a_table_without_html_has_aligned_columns() {
        let mut table = Table::new("Test", ["run", "accuracy"]);
        table.row(vec!["Adam".into(), "0.44".into()]);
        table.row(vec!["SGD".into(), "0.4".into()]);
        assert_eq!(
            table.view().text,
            "Test\nrun   accuracy\nAdam      0.44\nSGD        0.4"
        );
    }

    #[test]
    fn a_row_with_a_cell_too_few_is_named() {
        let mut table = Table::new("T", ["x", "y"]);
        table.row(vec!["a".into(), "b".into()]);
        table.row(vec!["c".into()]);
        let error = table.check().err().unwrap().to_string();
        assert!(
            error.contains("table `T`, row 2: found shape 1 cells, expected 2"),
            "{error}"
        );
    }
}
