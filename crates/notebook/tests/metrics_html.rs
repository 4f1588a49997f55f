//! What the metrics look like in a notebook.

use lab_notebook::prelude::*;

/// The words between the tags, row by row.
fn cells(html: &str) -> Vec<Vec<String>> {
    let rows = html.split("<tr").skip(1);
    let words = |row: &str| {
        let row = row.split("</tr>").next().unwrap();
        row.split('<')
            .filter_map(|tag| tag.split_once('>'))
            .map(|(_, text)| text.to_owned())
            .collect::<Vec<_>>()
    };
    rows.map(|row| {
        words(row)
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect()
    })
    .collect()
}

fn confusion() -> ConfusionMatrix {
    ConfusionMatrix::new(
        &[0, 0, 0, 0, 1],
        &[0, 0, 0, 1, 0],
        &["cat", "dog", "<frog> & \"co\""],
    )
    .unwrap()
}

#[test]
fn the_report_has_its_numbers_in_their_rows_and_its_warnings_below() {
    let html = ClassificationReport::new(&confusion()).to_html();
    let rows = cells(&html);
    assert_eq!(
        rows[0],
        ["class", "precision", "recall", "f1-score", "support"]
    );
    assert_eq!(rows[1], ["cat", "0.7500", "0.7500", "0.7500", "4"]);
    assert_eq!(rows[2], ["dog", "0.0000", "0.0000", "0.0000", "1"]);
    assert_eq!(rows[4], ["macro avg", "0.2500", "0.2500", "0.2500", "5"]);
    assert_eq!(rows[5], ["weighted avg", "0.6000", "0.6000", "0.6000", "5"]);
    assert!(html.contains("accuracy 0.6000"));
    let (_, below) = html.split_once("</table>").unwrap();
    assert!(
        below.contains("Warning: &lt;frog&gt;") && below.contains("never predicted"),
        "{below}"
    );
}

#[test]
fn class_names_never_become_markup_and_tables_need_nothing_from_elsewhere() {
    let html = ClassificationReport::new(&confusion()).to_html();
    assert!(!html.contains("<frog>") && html.contains("&lt;frog&gt;"));
    assert!(!html.contains("class=") && !html.contains("<script") && !html.contains("http"));
    for tag in ["table", "caption", "thead", "tbody", "tr", "th", "td"] {
        let opened =
            html.matches(&format!("<{tag} ")).count() + html.matches(&format!("<{tag}>")).count();
        assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
        assert!(opened > 0, "{tag}");
    }
}
