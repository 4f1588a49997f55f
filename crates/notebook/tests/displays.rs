//! What types look like at the end of a cell and in a terminal.

#[path = "../../../lab-core/tests/common/mod.rs"]
mod common;

use common::{sample, small_network};
use lab_notebook::prelude::*;

fn history(epochs: usize, best: usize) -> History {
    let record = |epoch: usize| {
        let far = epoch.abs_diff(best) as f64;
        EpochRecord {
            epoch,
            loss: 2.0 / epoch as f64,
            accuracy: 0.3,
            val_loss: Some(1.0 + far / 10.0),
            val_accuracy: Some(0.25),
            learning_rate: 0.001,
            seconds: 1.5,
        }
    };
    History {
        epochs: (1..=epochs).map(record).collect(),
        stopped: Stopped::Early { epoch: epochs },
        ..History::default()
    }
}

/// The first column of the table.
fn epochs(history: &History) -> Vec<String> {
    let text = history.to_text();
    let rows = text
        .lines()
        .skip(2)
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    rows.map(|line| line.split("  ").next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_data_set_shows_its_size_and_its_classes() {
    let train = &sample().train;
    let text = train.to_text();
    assert!(
        text.starts_with("Dataset(1,000 images of 32 x 32 x 3, 10 classes)"),
        "{text}"
    );
    assert_eq!(
        text.lines().filter(|line| line.ends_with(" 100")).count(),
        10,
        "{text}"
    );
    assert!(train.to_html().contains("<table"));
}

#[test]
fn a_network_shows_its_summary_and_seed() {
    let text = small_network().to_text();
    assert!(
        text.contains("Total params: 37,006") && text.ends_with("weights drawn with seed 3"),
        "{text}"
    );
    let html = small_network().to_html();
    assert!(html.contains("37,006") && html.contains("weights drawn with seed 3"));
}

#[test]
fn a_history_shows_first_best_and_last_epochs_in_at_most_twelve_rows() {
    assert_eq!(epochs(&history(3, 2)), ["1", "2 (best)", "3"]);
    for (count, best) in [(12, 12), (13, 7), (50, 38), (200, 199), (1000, 1)] {
        let (shown, history) = (epochs(&history(count, best)), history(count, best));
        assert!((7..=12).contains(&shown.len()), "{shown:?}");
        assert!(
            shown[0].starts_with('1') && shown.contains(&format!("{best} (best)")),
            "{shown:?}"
        );
        assert!(
            shown.last().unwrap().starts_with(&count.to_string()),
            "{shown:?}"
        );
        assert_eq!(history.to_html().matches("<tr").count(), shown.len() + 1);
    }
    assert!(
        history(3, 2)
            .to_text()
            .starts_with("3 epochs in 4.5 s, stopped early after epoch 3\n")
    );
    assert_eq!(
        History::default().to_text(),
        "0 epochs in 0.0 s\nepoch  loss  accuracy  val_loss  val_accuracy  learning rate  seconds"
    );
}

#[test]
fn a_history_shows_its_curves_and_its_warnings() {
    let mut history = history(5, 3);
    history.warnings.push("<careful>".to_owned());
    let view = history.view();
    assert!(
        view.html
            .contains("alt=\"Loss and accuracy: loss: training from")
    );
    assert!(view.html.contains("warning: &lt;careful&gt;"));
    assert!(view.text.ends_with("\nwarning: <careful>"), "{}", view.text);
}

#[test]
fn an_evaluation_shows_accuracy_loss_and_the_report() {
    let evaluation = small_network().evaluate(&sample().test).unwrap();
    let text = evaluation.to_text();
    let headline = format!(
        "500 images: accuracy {:.4}, loss {:.4}",
        evaluation.accuracy, evaluation.loss
    );
    assert_eq!(text, format!("{headline}\n\n{}", evaluation.report()));
    let html = evaluation.to_html();
    assert!(html.contains(&headline) && html.contains("macro avg"));
}

#[test]
fn a_confusion_matrix_shows_its_figure() {
    let evaluation = small_network().evaluate(&sample().test).unwrap();
    let view = evaluation.confusion_matrix().view();
    assert!(view.html.starts_with("<img alt=") && view.text.contains("cat"));
}
