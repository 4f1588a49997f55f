//! HTML tables that stand on their own: all style is inline, and colours come from the page around them
//! (`inherit`, `currentColor`) or are translucent, so that they read well on light and dark pages.

use plotters::style::RGBColor;

/// Replaces the characters that mean something in HTML, in text and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// One cell: its text, unescaped, and how it looks.
pub(crate) struct Cell {
    text: String,
    style: String,
}

impl Cell {
    /// Text, at the left.
    pub(crate) fn text(text: impl ToString) -> Self {
        Self {
            text: text.to_string(),
            style: "text-align:left".into(),
        }
    }

    /// A number or the heading of numbers, at the right.
    pub(crate) fn number(text: impl ToString) -> Self {
        Self {
            text: text.to_string(),
            style: "text-align:right;font-variant-numeric:tabular-nums".into(),
        }
    }

    /// Shaded in a colour by `strength` in [0, 1]; at full strength dark and light text still
    /// stand out against it.
    pub(crate) fn shaded(mut self, RGBColor(r, g, b): RGBColor, strength: f64) -> Self {
        let alpha = 0.55 * strength.clamp(0.0, 1.0);
        self.style += &format!(";background:rgba({r},{g},{b},{alpha:.3})");
        self
    }

    fn to_html(&self, tag: &str, scope: &str) -> String {
        let Self { text, style } = self;
        format!(
            "<{tag}{scope} style=\"padding:2px 8px;white-space:nowrap;{style}\">{}</{tag}>",
            escape(text)
        )
    }
}

/// A table that is put together row by row; everything that goes in is escaped.
pub(crate) struct Table {
    html: String,
}

impl Table {
    /// A table under its `caption`, with the headings of its columns.
    pub(crate) fn new(caption: &str, header: &[Cell]) -> Self {
        let header: String = header
            .iter()
            .map(|cell| cell.to_html("th", " scope=\"col\""))
            .collect();
        Self {
            html: format!(
                "<table style=\"border-collapse:collapse;color:inherit;font-size:13px;margin:8px 0\">\n\
                 <caption style=\"text-align:left;color:inherit;padding:2px 8px\">{}</caption>\n\
                 <thead><tr style=\"background:none;border-bottom:1px solid currentColor\">{header}</tr></thead>\n<tbody>\n",
                escape(caption)
            ),
        }
    }

    /// Adds a row; its first cell is the row's heading.
    pub(crate) fn row(mut self, cells: &[Cell]) -> Self {
        self.html += "<tr style=\"background:none\">";
        for (column, cell) in cells.iter().enumerate() {
            self.html += &if column == 0 {
                cell.to_html("th", " scope=\"row\"")
            } else {
                cell.to_html("td", "")
            };
        }
        self.html += "</tr>\n";
        self
    }

    /// The finished table, with `notes` as paragraphs under it.
    pub(crate) fn finish(self, notes: &[String]) -> String {
        let notes = notes.iter().map(|note| {
            format!(
                "<p style=\"margin:2px 8px;font-size:13px\">{}</p>\n",
                escape(note)
            )
        });
        self.html + "</tbody>\n</table>\n" + &notes.collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_goes_into_a_table_can_become_markup() {
        let evil = "<b>\"&'";
        let html = Table::new(evil, &[Cell::text(evil)])
            .row(&[Cell::number(evil), Cell::text(evil)])
            .finish(&[evil.into()]);
        assert_eq!(html.matches("&lt;b&gt;&quot;&amp;&#39;").count(), 5);
        assert!(!html.contains("<b>"));
    }
}
