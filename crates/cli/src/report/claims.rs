//! The claims of notebooks that have run: how many hold, and which a run has refuted.

use std::fs;

use lab_notebook::lab::Claim;
use serde_json::Value;

use super::notebooks::Notebook;
use super::pages::Places;
use crate::terminal::say;
use crate::{Outcome, error};

/// Says how many claims hold in the notebooks that have run, and which are refuted.
///
/// # Errors
/// Where `strict` and one is refuted.
pub fn tell(notebooks: &[Notebook], places: &Places, strict: bool) -> Outcome {
    let (mut hold, mut refuted) = (0, 0);
    for notebook in notebooks {
        let executed = fs::read(places.executed(notebook)).unwrap_or_default();
        let executed: Value = serde_json::from_slice(&executed).unwrap_or_default();
        let cells = executed["cells"].as_array().into_iter().flatten();
        let outputs = cells.flat_map(|cell| cell["outputs"].as_array());
        let markdown = |output: &Value| text_of(&output["data"]["text/markdown"]);
        let markdown: String = outputs.flatten().map(markdown).collect();
        hold += markdown.matches(Claim::HOLDS).count();
        for claim in markdown.split(Claim::REFUTED).skip(1) {
            refuted += 1;
            let text = claim.lines().find_map(|line| line.strip_prefix("> "));
            let (name, text) = (&notebook.name, text.unwrap_or_default());
            say!("warning: refuted in {name}: {text}");
        }
    }
    say!("claims: {hold} hold, {refuted} refuted");
    if strict && refuted > 0 {
        let remedy = "mend the statement or the run";
        return Err(error("a run refutes a claim", remedy));
    }
    Ok(())
}

/// A text of a notebook, which is kept whole or as its lines.
fn text_of(value: &Value) -> String {
    match value {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refuted_claim_is_a_warning_or_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path(), false).unwrap();
        let notebook = |name: &str, markdown: [Value; 2]| {
            let output = |text| json!({ "data": { "text/markdown": text } });
            let outputs = markdown.map(output).to_vec();
            let cells = json!([{ "cell_type": "markdown" }, { "outputs": outputs }]);
            let (name, path) = (name.to_owned(), name.into());
            let notebook = Notebook { name, path };
            let executed = json!({ "cells": cells }).to_string();
            std::fs::write(places.executed(&notebook), executed).unwrap();
            notebook
        };
        let holds = format!("A <span {}></span>", Claim::HOLDS);
        let refuted = format!("<div {}>\n\n> Cats are dogs.\n\n</div>", Claim::REFUTED);
        let good = notebook("01-a", [json!(holds), json!(["B", holds])]);
        let not_run = Notebook {
            name: "03-c".into(),
            path: "03-c".into(),
        };
        let good = [good, not_run];
        assert!(tell(&good, &places, true).is_ok());
        let bad = [notebook("02-b", [json!("prose"), json!(refuted)])];
        assert!(tell(&bad, &places, false).is_ok());
        let error = tell(&bad, &places, true).unwrap_err().to_string();
        assert!(error.contains("refutes a claim"), "{error}");
    }
}
