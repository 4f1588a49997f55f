//! `cargo lab train`, `evaluate` and `predict`, as one runs them, on the built-in sample.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use lab_core::data::Cifar10;

fn lab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// What a command that must succeed prints.
fn printed(arguments: &[&str]) -> String {
    let output = lab(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// What a command that must fail says, with exit status 1 or clap's 2.
fn refused(arguments: &[&str]) -> String {
    let output = lab(arguments);
    assert!(
        matches!(output.status.code(), Some(1 | 2)),
        "{arguments:?}: {:?}",
        output.status
    );
    String::from_utf8(output.stderr).unwrap()
}

fn train(out: &Path, more: &[&str]) -> String {
    let small = [
        "train",
        "--data",
        "sample",
        "--layers",
        "16:relu",
        "--epochs",
        "3",
        "--out",
        out.to_str().unwrap(),
    ];
    printed(&[&small, more].concat())
}

#[test]
fn a_run_leaves_its_four_files_and_prints_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let text = train(&out, &["--seed", "3", "--l2", "0.001", "--augment", "flip"]);
    assert!(
        text.contains("weighted avg")
            && text.contains("true \\ predicted")
            && text.contains("Epoch 3/3"),
        "{text}"
    );

    let metrics: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("metrics.json")).unwrap()).unwrap();
    assert_eq!(metrics["epochs"], 3);
    assert_eq!(metrics["parameters"], 3072 * 16 + 16 + 16 * 10 + 10);
    let matrix = metrics["test"]["confusion_matrix"].as_array().unwrap();
    let cell = |i: usize, j: usize| matrix[i][j].as_u64().unwrap();
    let (all, right) = (0..100).fold((0, 0), |(all, right), at| {
        let (i, j) = (at / 10, at % 10);
        (
            all + cell(i, j),
            right + if i == j { cell(i, j) } else { 0 },
        )
    });
    assert_eq!(all, 500);
    assert_eq!(
        metrics["test"]["accuracy"].as_f64().unwrap(),
        right as f64 / 500.0
    );
    for key in [
        "loss",
        "precision_weighted",
        "recall_weighted",
        "f1_weighted",
    ] {
        assert!(metrics["test"][key].is_f64(), "{key}");
    }
    assert_eq!(metrics["test"]["per_class"].as_array().unwrap().len(), 10);
    assert!(metrics["seconds"].as_f64() > metrics["seconds_per_epoch"].as_f64());

    let config: toml::Table = fs::read_to_string(out.join("config.toml"))
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(config["training"]["seed"].as_integer(), Some(3));
    assert_eq!(
        config["training"]["augmentation"].to_string(),
        r#"{ fill = "reflect", moves = [["flip", 0.5]] }"#
    );
    assert_eq!(
        (
            config["data"]["train"].as_integer(),
            config["data"]["test"].as_integer()
        ),
        (Some(800), Some(500))
    );
    assert_eq!(
        fs::read_to_string(out.join("history.csv"))
            .unwrap()
            .lines()
            .count(),
        4
    );

    // Evaluating again gives the same numbers.
    let accuracy = format!(
        "Test accuracy: {:.4}",
        metrics["test"]["accuracy"].as_f64().unwrap()
    );
    assert!(text.contains(&accuracy));
    assert!(printed(&["evaluate", out.to_str().unwrap()]).contains(&accuracy));
}

#[test]
fn a_preset_trains_its_convolutions_and_is_evaluated_with_flips_too() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let out = out.to_str().unwrap();
    let text = printed(&[
        "train", "--preset", "coffee", "--data", "sample", "--out", out,
    ]);
    for words in [
        "conv2d (Conv2D)",
        "(None, 31, 31, 24)",
        "with test-time flips",
    ] {
        assert!(text.contains(words), "no `{words}` in: {text}");
    }
    let accuracy = |line: &str| -> f64 {
        let line = text.lines().find(|it| it.starts_with(line)).unwrap();
        line.split(": ").nth(1).unwrap().parse().unwrap()
    };
    // A thousand images teach a convolution more than chance, even in some seconds.
    assert!(
        accuracy("Test accuracy:") > 0.3 && accuracy("Test accuracy with") > 0.3,
        "{text}"
    );
    let again = printed(&["evaluate", out]);
    assert!(text.contains(again.lines().last().unwrap()), "{again}");
    let refusal = refused(&["train", "--preset", "coffee", "--epochs", "3"]);
    assert!(
        refusal.contains("--preset") && refusal.contains("--epochs"),
        "{refusal}"
    );
}

#[test]
#[ignore = "half a minute: .ci/nightly runs it"]
fn patches_are_looked_for_once_and_the_last_layer_alone_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("patches");
    let out = out.to_str().unwrap();
    let text = printed(&[
        "train", "--preset", "patches", "--data", "sample", "--out", out,
    ]);
    let words = "The patches were looked for in 1000 of 1000 images";
    assert_eq!(text.matches(words).count(), 1, "{text}");
    // The network in the folder is the one whose accuracy was printed.
    let line = |text: &str| -> String {
        let line = text.lines().find(|it| it.starts_with("Test accuracy:"));
        line.unwrap().to_owned()
    };
    assert_eq!(line(&printed(&["evaluate", out])), line(&text));
    let accuracy: f64 = line(&text).split(": ").nth(1).unwrap().parse().unwrap();
    assert!(accuracy > 0.25, "{accuracy}");
}

#[test]
fn predict_reads_png_and_jpeg_of_any_size_and_prints_probabilities_that_sum_to_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    train(&out, &[]);
    let pixels = Cifar10::sample()
        .test
        .image(1)
        .unwrap()
        .iter()
        .copied()
        .collect();
    let small = image::RgbImage::from_raw(32, 32, pixels).unwrap();
    let large = image::imageops::resize(&small, 320, 200, image::imageops::FilterType::Nearest);
    let (png, jpeg) = (
        folder.path().join("small.png"),
        folder.path().join("large.jpg"),
    );
    small.save(&png).unwrap();
    large.save(&jpeg).unwrap();
    let text = printed(&[
        "predict",
        out.to_str().unwrap(),
        png.to_str().unwrap(),
        jpeg.to_str().unwrap(),
    ]);
    assert_eq!(text.lines().count(), 22, "{text}");
    let shares = text
        .lines()
        .filter_map(|line| line.split_once(" %"))
        .filter_map(|(left, _)| {
            left.split_whitespace()
                .last()
                .and_then(|share| share.parse::<f64>().ok())
        });
    let shares: Vec<f64> = shares.collect();
    assert_eq!(shares.len(), 20);
    for shares in shares.chunks(10) {
        assert!(
            (shares.iter().sum::<f64>() - 100.0).abs() < 0.6,
            "{shares:?}"
        );
        assert!(shares.is_sorted_by(|a, b| a >= b));
    }
}

#[test]
fn a_run_that_is_killed_leaves_the_finished_one_before_it_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    train(&out, &[]);
    let before = fs::read(out.join("model.safetensors")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args([
            "train",
            "--data",
            "sample",
            "--epochs",
            "100000",
            "--no-early-stopping",
            "--out",
        ])
        .arg(&out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let unfinished = folder.path().join(".run.unfinished").join("history.csv");
    let started = Instant::now();
    while !fs::read_to_string(&unfinished).is_ok_and(|text| text.lines().count() > 1) {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "the training does not begin"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read(out.join("model.safetensors")).unwrap(), before);
    // The next run clears what the killed one left.
    train(&out, &["--seed", "1"]);
    assert_ne!(fs::read(out.join("model.safetensors")).unwrap(), before);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        3,
        "the run, its checkpoint and its lock"
    );
}

#[test]
fn a_training_that_diverges_says_so_and_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    train(&out, &[]);
    let before = fs::read(out.join("metrics.json")).unwrap();
    let rate = [
        "--optimizer",
        "sgd",
        "--learning-rate",
        "1e12",
        "--data",
        "sample",
        "--out",
        out.to_str().unwrap(),
    ];
    let message = refused(&[&["train"], &rate[..]].concat());
    assert!(
        message.contains("diverged")
            && message.contains("epoch 1, step")
            && message.contains("--learning-rate")
    );
    assert_eq!(fs::read(out.join("metrics.json")).unwrap(), before);
}

#[test]
fn a_learning_rate_that_is_far_too_large_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = train(&folder.path().join("run"), &["--learning-rate", "10"]);
    assert_eq!(
        text.matches("the learning rate 10.0 is too large").count(),
        1,
        "{text}"
    );
}

#[test]
fn wrong_input_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let out = folder.path().join("run");
    train(&out, &[]);
    let run = out.to_str().unwrap();
    let (text, empty) = (file("letter.png", b"dear all"), file("empty.jpg", b""));
    let picture = folder.path().join("picture.png");
    image::RgbImage::new(8, 8).save(&picture).unwrap();
    let cut = file("cut.png", &fs::read(&picture).unwrap()[..40]);
    for (arguments, words) in [
        (
            vec!["predict", run, &text],
            vec!["letter.png", "PNG or JPEG", "what to do"],
        ),
        (
            vec!["predict", run, &empty],
            vec!["empty.jpg", "what to do"],
        ),
        (vec!["predict", run, &cut], vec!["cut.png", "what to do"]),
        (
            vec!["predict", run, "no/such.png"],
            vec!["no/such.png", "cannot read", "what to do"],
        ),
        (
            vec!["predict", "no-such-run", &text],
            vec!["no-such-run", "cargo lab train"],
        ),
        (
            vec!["evaluate", "no-such-run"],
            vec!["config.toml", "cargo lab train"],
        ),
        (
            vec!["train", "--layers", "512:rleu"],
            vec!["`rleu`", "did you mean `relu`"],
        ),
        (
            vec!["train", "--loss", "crossentropy"],
            vec!["`crossentropy`", "categorical_crossentropy"],
        ),
        (
            vec!["train", "--optimizer", "adm"],
            vec!["`adm`", "did you mean `adam`"],
        ),
        (
            vec!["train", "--schedule", "cosin"],
            vec!["`cosin`", "did you mean `cosine`"],
        ),
        (
            vec!["train", "--augment", "flop"],
            vec!["`flop`", "did you mean `flip`"],
        ),
        (
            vec!["train", "--dropout", "1"],
            vec!["dropout", "found 1", "at least 0 and below 1"],
        ),
        (
            vec!["train", "--dropout", "0.1,0.2"],
            vec!["--dropout", "2 rates", "3 layers"],
        ),
        (
            vec!["train", "--batch-size", "0"],
            vec!["batch size", "found 0"],
        ),
        (vec!["train", "--epochs", "0"], vec!["epochs", "found 0"]),
        (vec!["train", "--threads", "0"], vec!["threads", "found 0"]),
        (vec!["train", "--l2", "-1"], vec!["l2", "found -1"]),
        (
            vec!["train", "--learning-rate", "-0.1"],
            vec!["learning rate", "found -0.1"],
        ),
        (
            vec![
                "train",
                "--out",
                folder.path().to_str().unwrap(),
                "--data",
                "sample",
            ],
            vec!["expected a new folder", "--out DIR"],
        ),
    ] {
        let message = refused(&arguments);
        for word in words {
            assert!(
                message.contains(word),
                "{arguments:?} does not say `{word}`:\n{message}"
            );
        }
    }
    assert!(
        !Path::new("outputs").exists(),
        "nothing is written where options are wrong"
    );
}
