//! The frameworks side by side: a table, `outputs/bench.csv`, and a chart.

use std::fmt::Write;
use std::path::Path;

use lab_core::lab::Machine;
use lab_core::plots::figures;

use super::measure::{Measured, median};
use super::milliseconds;
use super::peers::System;
use crate::Outcome;
use crate::output::say;
use crate::setup::tools;

/// The medians of one system.
#[derive(Clone, Debug)]
struct Row {
    name: String,
    ms: f64,
    first_epoch: f64,
    memory: f64,
}

/// Prints medians and ratios and writes them.
///
/// # Errors
/// Where a file cannot be written.
pub fn show(root: &Path, systems: &[System], runs: &[Vec<Measured>]) -> Outcome {
    let row = |(system, runs): (&System, &Vec<Measured>)| Row {
        name: system.name.clone(),
        ms: milliseconds(runs),
        first_epoch: median(runs.iter().map(|run| run.first_epoch)),
        memory: median(runs.iter().map(|run| run.peak_memory_mb)),
    };
    let mut rows: Vec<Row> = systems.iter().zip(runs).map(row).collect();
    // The first is ours, with the widest instructions.
    let Some(ours) = rows.first().cloned() else {
        return Ok(());
    };
    rows.sort_by(|a, b| a.ms.total_cmp(&b.ms));

    say!(
        "\n{:<22}{:>9}{:>10}{:>14}{:>10}{:>10}",
        "",
        "ms/step",
        "ours is",
        "first epoch s",
        "ours is",
        "peak MB"
    );
    let mut csv =
        "system,ms_per_step,our_share,first_epoch_seconds,our_share_of_first_epoch,peak_memory_mb\n".to_owned();
    for Row {
        name,
        ms,
        first_epoch,
        memory,
    } in &rows
    {
        let (share, first_share) = (ours.ms / ms, ours.first_epoch / first_epoch);
        say!(
            "{name:<22}{ms:>9.2}{share:>9.2}×{first_epoch:>14.1}{first_share:>9.2}×{memory:>10.0}"
        );
        writeln!(
            csv,
            "\"{name}\",{ms:.3},{share:.3},{first_epoch:.2},{first_share:.3},{memory:.0}"
        )?;
    }
    tools::write(&root.join("outputs/bench.csv"), &csv)?;

    let Machine {
        instructions,
        threads,
    } = Machine::this(None);
    let bars: Vec<(String, f64)> = rows
        .iter()
        .map(|row| (row.name.clone(), (row.ms * 100.0).round() / 100.0))
        .collect();
    let title = "One step of the lab's training at batch 64";
    let axis = format!(
        "milliseconds, median of {} runs ({instructions}, {threads} threads)",
        runs[0].len()
    );
    figures::bars(title, &axis, &bars)?.save(root.join("outputs/figures/bench.png"))?;
    say!("\nwritten: outputs/bench.csv, outputs/figures/bench.png");
    Ok(())
}
