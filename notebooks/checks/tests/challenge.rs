//! The challenge: what gets onto the scoreboard, in which order, and what does not.

use std::path::Path;

use lab_checks::challenge::{Board, enter};
use lab_core::prelude::*;

fn trained(train: &Dataset, units: usize, epochs: usize) -> Result<Sequential> {
    let mut network = Sequential::new([32, 32, 3])
        .flatten()
        .dense(units, Activation::Relu)
        .dropout(0.1)
        .dense(10, Activation::Softmax)
        .build(Seed(0))?;
    Trainer::new(Loss::CategoricalCrossentropy, Adam::new(1e-3))
        .epochs(epochs)
        .batch_size(64)
        .schedule(Schedule::OneCycle)
        .progress(Silent)
        .fit(&mut network, train, None)?;
    Ok(network)
}

fn entered(outputs: &Path, entry: fn(&Dataset) -> Result<Sequential>) -> Board {
    enter(&Cifar10::sample(), outputs, entry).unwrap()
}

#[test]
fn entries_are_kept_and_ranked() {
    let outputs = tempfile::tempdir().unwrap();
    let first = entered(outputs.path(), |train| trained(train, 64, 20));
    assert_eq!(first.rows().len(), 1);
    assert!(
        first.verdict().contains("is reached. Rank 1 of 1"),
        "{first}"
    );
    let row = &first.rows()[0];
    assert_eq!(row.weights, 3073 * 64 + 650);
    assert_eq!((row.layers.as_str(), row.name.as_str()), ("64-10", "you"));
    assert!(
        (30.0..50.0).contains(&row.accuracy) && row.seconds < 20.0,
        "{row:?}"
    );

    let worse = entered(outputs.path(), |train| trained(train, 16, 1));
    assert!(
        worse.verdict().contains("not reached yet. Rank 2 of 2"),
        "{worse}"
    );
    let text = worse.to_string();
    let marked: Vec<&str> = text.lines().filter(|line| line.contains('◀')).collect();
    assert!(marked.len() == 1 && marked[0].contains("16-10"), "{text}");

    // The same accuracy again: the first of two equals stays first.
    let again = entered(outputs.path(), |train| trained(train, 64, 20));
    assert!(again.verdict().contains("Rank 2 of 3"), "{again}");
    assert_eq!(again.rows()[1].accuracy, row.accuracy);
}

#[test]
fn what_is_no_fair_entry_is_refused() {
    let outputs = tempfile::tempdir().unwrap();
    type Entry = fn(&Dataset) -> Result<Sequential>;
    let entries: [(Entry, &str); 5] = [
        (
            |_| {
                let network = Sequential::new([32, 32, 3]).flatten();
                network.dense(10, Activation::Softmax).build(Seed(0))
            },
            "No entry yet",
        ),
        (
            |_| {
                let all = Cifar10::sample().train;
                let normalization = Normalization::standardize(&all)?;
                trained(&all.with_normalization(normalization)?, 128, 40)
            },
            "were they among those",
        ),
        (|train| trained(train, 0, 1), "units"),
        (|train| trained(&train.take(0), 8, 1), "no images"),
        (
            |train| trained(train, train.labels()[9_999].into(), 1),
            "a panic",
        ),
    ];
    for (entry, reason) in entries {
        let board = entered(outputs.path(), entry);
        assert!(board.rows().is_empty(), "{board}");
        assert!(board.verdict().contains(reason), "{reason}: {board}");
    }
    assert!(!outputs.path().join("challenge").exists());
}

#[test]
fn a_damaged_scoreboard_is_named() {
    let outputs = tempfile::tempdir().unwrap();
    let file = outputs.path().join("challenge/scoreboard.csv");
    std::fs::create_dir(outputs.path().join("challenge")).unwrap();
    std::fs::write(&file, "rank,colour\n1,red\n").unwrap();
    let entry = |train: &Dataset| trained(train, 16, 1);
    let error = enter(&Cifar10::sample(), outputs.path(), entry).unwrap_err();
    assert!(error.to_string().contains("delete the file"), "{error}");
}
