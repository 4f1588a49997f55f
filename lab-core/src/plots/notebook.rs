//! The way into a notebook: evcxr reads rich output from standard output, between two marker lines.

use std::io::Write;

/// Shows `html` in the cell, and `text` where HTML is not shown: for displays of one's own.
///
/// evcxr makes one bundle of all MIME types that a cell prints; a second HTML output in the same cell replaces the
/// first.
///
/// ```
/// lab_core::plots::show("<b>0.48</b>", "0.48");
/// ```
pub fn show(html: &str, text: &str) {
    // A closed standard output is no reason to panic: then nobody is looking.
    let _ = std::io::stdout()
        .lock()
        .write_all(bundle(html, text).as_bytes());
}

/// Shows Markdown in the cell, and its source where that is not shown.
pub(crate) fn show_markdown(markdown: &str) {
    let text = markdown.trim_end();
    let bundle = part("text/markdown", text) + &part("text/plain", text);
    let _ = std::io::stdout().lock().write_all(bundle.as_bytes());
}

fn part(mime: &str, content: &str) -> String {
    format!("EVCXR_BEGIN_CONTENT {mime}\n{content}\nEVCXR_END_CONTENT\n")
}

fn bundle(html: &str, text: &str) -> String {
    part("text/html", html.trim_end()) + &part("text/plain", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::bundle;

    #[test]
    fn both_forms_stand_between_markers_on_lines_of_their_own() {
        assert_eq!(
            bundle("<b>a</b>", "a\n\nb\n"),
            "EVCXR_BEGIN_CONTENT text/html\n<b>a</b>\nEVCXR_END_CONTENT\n\
             EVCXR_BEGIN_CONTENT text/plain\na\n\nb\nEVCXR_END_CONTENT\n"
        );
    }
}
