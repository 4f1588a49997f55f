//! What a sweep ends with: a page that needs no network, and a table for other programs.

use std::path::Path;

use lab_core::Result;
use lab_core::files::write_whole;
use lab_core::training::History;
use lab_notebook::lab::{HISTORY, Record};
use serde_json::{Value, json};

use crate::journal::{Entry, Journal};
use crate::plan::{METRICS, Plan};

/// How many of the best have their curves drawn.
const CURVES: usize = 5;

/// Writes `sweep.csv` and `sweep.html`, and says which trial is best and where they are.
///
/// # Errors
/// Where they cannot be written, or a run is gone.
pub fn write(plan: &Plan, journal: &Journal, folder: &Path) -> Result<String> {
    let mut entries: Vec<&Entry> = Vec::new();
    for trial in &plan.trials {
        let rounds = (0..plan.rounds()).rev();
        let last = rounds.filter_map(|round| journal.entry(&plan.in_round(trial, round)));
        entries.extend(last.take(1));
    }
    // A trial of a later round has won over those that ended before it.
    let order = |it: &Entry| (std::cmp::Reverse(it.round), plan.cost(Some(it)));
    entries.sort_by(|a, b| {
        order(a)
            .partial_cmp(&order(b))
            .unwrap_or(a.trial.cmp(&b.trial))
    });
    let mut names: Vec<&str> = plan.varied.iter().map(|it| &it.0[..]).collect();
    names.extend((!plan.halving.is_empty()).then_some("epochs"));
    write_csv(&folder.join("sweep.csv"), &names, &entries)?;
    let run = |entry: &Entry| folder.join("runs").join(&entry.name);
    let mut curves = Vec::new();
    for entry in entries.iter().filter(|it| it.error.is_none()).take(CURVES) {
        let history = History::from_csv(run(entry).join(HISTORY))?;
        curves.push(json!({ "trial": entry.trial, "epochs": history.epochs }));
    }
    let mut test = Value::Null;
    let (page, objective) = (folder.join("sweep.html"), &plan.objective);
    let mut said = String::new();
    if let Some(best) = entries.first().filter(|it| it.error.is_none()) {
        test = json!(Record::read(&run(best))?.test.map(|test| test.accuracy));
        let (trial, value, run) = (best.trial, best.metrics[objective], run(best));
        said = format!(
            "best: trial {trial}, {objective} {value:.4}, in {}\n",
            run.display()
        );
    }
    let file = plan.file.file_name().unwrap_or_default().display();
    let data = json!({
        "file": file.to_string(), "objective": objective, "options": names, "trials": entries,
        "curves": curves, "test": test,
    });
    let data = data.to_string().replace('<', "\\u003c");
    let html = include_str!("page.html").replacen("{}", &data, 1);
    write_whole(&page, |file| file.write_all(html.as_bytes()))?;
    Ok(format!("{said}the page: {}", page.display()))
}

fn write_csv(path: &Path, names: &[&str], entries: &[&Entry]) -> Result<()> {
    write_whole(path, |file| {
        let mut table = csv::Writer::from_writer(file);
        let more = ["epochs done", "seconds", "run", "weights_sha256"];
        let header = [&["trial"], names, &METRICS, &more].concat();
        table.write_record(header)?;
        for entry in entries {
            let mut row = vec![entry.trial.to_string()];
            row.extend(names.iter().map(|name| entry.options[*name].clone()));
            let number = |name| entry.metrics.get(name).map(f64::to_string);
            row.extend(METRICS.map(|name| number(name).unwrap_or_default()));
            let (epochs, seconds) = (entry.epochs.to_string(), entry.seconds.to_string());
            row.extend([epochs, seconds, entry.name.clone()]);
            row.push(entry.weights_sha256.clone().unwrap_or_default());
            table.write_record(row)?;
        }
        table.flush()
    })
}
