//! How values get into a notebook: evcxr reads rich output from standard output, between two marker lines.

use crate::prelude::*;
use std::fmt;
use std::io::Write;

/// What a value looks like at the end of a cell, as HTML and as text.
///
/// evcxr calls [`Show::evcxr_display`] for the last expression of a cell, where this trait is in scope; the
/// [prelude](crate::prelude) brings it.
///
/// ```
/// use lab_notebook::prelude::*;
/// let model = Sequential::new([32, 32, 3]).flatten().dense(10, Activation::Softmax).build(Seed(0))?;
/// assert!(model.to_html().starts_with("<table") && model.to_text().contains("30,730"));
/// # Ok::<(), LabError>(())
/// ```
pub trait Show {
    /// Both forms.
    fn view(&self) -> View;

    /// The value as HTML that needs no style sheet.
    fn to_html(&self) -> String {
        self.view().html
    }

    /// The value as plain text, for terminals and editors that show no HTML.
    fn to_text(&self) -> String {
        self.view().text
    }

    /// Shows the value in the cell.
    fn evcxr_display(&self) {
        self.view().display();
    }
}

/// A value as HTML and as plain text.
pub struct View {
    /// HTML that needs no style sheet.
    pub html: String,
    /// The same for terminals and editors that show no HTML.
    pub text: String,
}

impl View {
    /// A view of both forms.
    pub fn new(html: String, text: impl fmt::Display) -> Self {
        let text = text.to_string();
        Self { html, text }
    }

    /// Shows both forms in the cell.
    pub fn display(&self) {
        show(&self.html, &self.text);
    }

    /// Adds a picture, or says why there is none.
    pub(crate) fn with(mut self, figure: Result<Figure>) -> Self {
        let why = |error: LabError| format!("<pre>{}</pre>\n", escape(&error.to_string()));
        self.html += &figure.map_or_else(why, |figure| figure.to_html());
        self
    }
}

/// Shows `html` in the cell, and `text` where HTML is not shown: for other displays than a type's own.
///
/// evcxr makes one bundle of all MIME types that a cell prints; a second HTML output in the same cell replaces the
/// first.
///
/// ```
/// lab_notebook::show("<b>0.48</b>", "0.48");
/// ```
pub fn show(html: &str, text: &str) {
    print("text/html", html, text);
}

/// Shows a value in a rich form, and as text where that form is not shown.
pub(crate) fn print(mime: &str, rich: &str, text: &str) {
    let text = part(mime, rich) + &part("text/plain", text);
    // A closed standard output is no reason to panic: then nobody is looking.
    _ = std::io::stdout().lock().write_all(text.as_bytes());
}

fn part(mime: &str, content: &str) -> String {
    let content = content.trim_end();
    format!("EVCXR_BEGIN_CONTENT {mime}\n{content}\nEVCXR_END_CONTENT\n")
}

/// Replaces the characters that mean something in HTML, in text and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let text = text.replace('>', "&gt;").replace('"', "&quot;");
    text.replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_stands_between_markers_on_lines_of_their_own() {
        assert_eq!(
            part("text/plain", "a\n\nb\n"),
            "EVCXR_BEGIN_CONTENT text/plain\na\n\nb\nEVCXR_END_CONTENT\n"
        );
    }
}
