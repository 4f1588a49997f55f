//! Live curves in notebooks that have run: a page has no kernel to wait for, so it gets the finished picture.

use std::fs;
use std::path::Path;

use lab_notebook::lab::Lab;
use lab_notebook::lab::LiveCurves;
use serde_json::Value;

use crate::Outcome;

/// Puts the finished pictures into the live curves of a notebook that has run.
///
/// # Errors
/// Where the notebook cannot be read or written.
pub fn finish(executed: &Path, lab: &Lab) -> Outcome {
    let mut notebook: Value = serde_json::from_slice(&fs::read(executed)?)?;
    if finish_outputs(&mut notebook, |html| LiveCurves::finished(html, lab)) {
        fs::write(executed, serde_json::to_vec(&notebook)?)?;
    }
    Ok(())
}

/// Replaces the HTML outputs for which there is another; whether there was one.
fn finish_outputs(notebook: &mut Value, finished: impl Fn(&str) -> Option<String>) -> bool {
    let mut changed = false;
    let cells = notebook.get_mut("cells").and_then(Value::as_array_mut);
    let outputs = cells
        .into_iter()
        .flatten()
        .filter_map(|cell| cell.get_mut("outputs"));
    for output in outputs.filter_map(Value::as_array_mut).flatten() {
        let Some(html) = output.pointer_mut("/data/text~1html") else {
            continue;
        };
        // A text is kept whole or as its lines.
        let text = match &*html {
            Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        if let Some(text) = finished(&text) {
            *html = Value::String(text);
            changed = true;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_live_outputs_are_replaced_whether_they_are_kept_whole_or_as_lines() {
        let output =
            |html: Value| json!({ "output_type": "execute_result", "data": { "text/html": html } });
        let printed = json!({ "output_type": "stream", "text": "live" });
        let notebook = |live: [Value; 2], other: &str| {
            let outputs = [
                output(live[0].clone()),
                output(live[1].clone()),
                output(json!(other)),
                printed.clone(),
            ];
            json!({ "cells": [{ "cell_type": "markdown" }, { "cell_type": "code", "outputs": outputs }], "nbformat": 4 })
        };
        let mut ran = notebook(
            [json!("live\ncurves"), json!(["live\n", "curves"])],
            "a table",
        );
        assert!(finish_outputs(&mut ran, |html| (html == "live\ncurves")
            .then(|| "a picture".to_owned())));
        assert_eq!(
            ran,
            notebook([json!("a picture"), json!("a picture")], "a table")
        );
        assert!(!finish_outputs(&mut ran, |_| None));
    }
}
