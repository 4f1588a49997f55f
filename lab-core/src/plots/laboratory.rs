//! What a cell shows besides a type's own display: tables and text with the numbers of the run.

use super::figure::Figure;
use super::html::{Cell, Table};
use super::notebook::{show, show_markdown};
use crate::error::{LabError, Result};
use crate::lab::Lab;

impl Lab {
    /// Shows a figure in the cell and writes it to `outputs/figures/NAME.png`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn figure(&self, name: &str, figure: Figure) -> Result<()> {
        let folder = self.outputs().join("figures");
        std::fs::create_dir_all(&folder).map_err(|error| {
            LabError::io(
                "create",
                &folder,
                error,
                "check that the folder may be written to",
            )
        })?;
        figure.save(folder.join(format!("{name}.png")))?;
        figure.evcxr_display();
        Ok(())
    }

    /// Shows Markdown in the cell, so that prose can hold numbers of the run.
    ///
    /// One table, text or figure to a cell: a second one replaces the first.
    pub fn text(&self, markdown: &str) {
        show_markdown(markdown);
    }

    /// Shows a table in the cell; its first column is set at the left, the others at the right.
    ///
    /// # Errors
    /// A row that has not as many cells as the header.
    ///
    /// ```
    /// use lab_core::lab::{Lab, Scale};
    /// Lab::at(".", Scale::Sample).table("Sizes", &["part", "images"], &[vec!["train".into(), "40,000".into()]])?;
    /// # Ok::<(), lab_core::LabError>(())
    /// ```
    pub fn table(&self, caption: &str, header: &[&str], rows: &[Vec<String>]) -> Result<()> {
        if let Some((number, row)) = rows
            .iter()
            .enumerate()
            .find(|(_, row)| row.len() != header.len())
        {
            let place = format!("table `{caption}`, row {}", number + 1);
            let expected = format!("{} as in the header", header.len());
            return Err(LabError::shape(
                place,
                format!("{} cells", row.len()),
                expected,
                "give each column a cell",
            ));
        }
        show(
            &html_table(caption, header, rows, &[]),
            &plain(caption, header, rows),
        );
        Ok(())
    }
}

/// A table whose first column is set at the left and the others at the right, with `notes` under it.
pub(crate) fn html_table(
    caption: &str,
    header: &[&str],
    rows: &[Vec<String>],
    notes: &[String],
) -> String {
    let cell = |(column, text): (usize, &str)| {
        if column == 0 {
            Cell::text(text)
        } else {
            Cell::number(text)
        }
    };
    let cells = |row: &mut dyn Iterator<Item = &str>| row.enumerate().map(cell).collect::<Vec<_>>();
    let mut table = Table::new(caption, &cells(&mut header.iter().copied()));
    for row in rows {
        table = table.row(&cells(&mut row.iter().map(String::as_str)));
    }
    table.finish(notes)
}

/// The table where HTML is not shown: columns as wide as their widest cell.
pub(crate) fn plain(caption: &str, header: &[&str], rows: &[Vec<String>]) -> String {
    let lines: Vec<Vec<&str>> = std::iter::once(header.to_vec())
        .chain(
            rows.iter()
                .map(|row| row.iter().map(String::as_str).collect()),
        )
        .collect();
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut text = format!("{caption}\n");
    for line in &lines {
        let cells =
            line.iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, &width))| match column {
                    0 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Scale;

    #[test]
    fn a_table_without_html_has_aligned_columns() {
        let rows = [
            vec!["Adam".to_owned(), "0.44".to_owned()],
            vec!["SGD".to_owned(), "0.4".to_owned()],
        ];
        assert_eq!(
            plain("Test", &["run", "accuracy"], &rows),
            "Test\nrun   accuracy\nAdam      0.44\nSGD        0.4\n"
        );
    }

    #[test]
    fn a_row_with_a_cell_too_few_is_named() {
        let rows = [vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]];
        let error = Lab::at(".", Scale::Sample)
            .table("T", &["x", "y"], &rows)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("table `T`, row 2: found shape 1 cells, expected 2"),
            "{error}"
        );
    }
}
