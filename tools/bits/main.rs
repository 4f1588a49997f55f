//! The same bits before and after a change of the code: trains sixteen small networks and one on all of CIFAR-10, and
//! compares the SHA-256 of their weights and of their histories with the recorded ones.
//!
//! ```sh
//! cargo run --release -p lab-core --example bits              # compares with tools/bits/recorded.txt
//! cargo run --release -p lab-core --example bits -- --record  # writes it anew
//! ```

use std::path::Path;

use lab_core::prelude::*;
use sha2::{Digest, Sha256};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/bits/recorded.txt");
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data");

fn small() -> Architecture {
    Sequential::new([32, 32, 3])
        .flatten()
        .dense(48, Activation::Elu)
        .dense(32, Activation::Tanh)
        .dense(10, Activation::Softmax)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Trains, and gives the name with the sums of the weights' file and of the history without its seconds.
fn train(
    name: &str,
    plan: Architecture,
    trainer: Trainer,
    (training, validation): &(Dataset, Dataset),
) -> Result<String> {
    let folder = std::env::temp_dir().join(format!("bits-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    let mut model = plan.build(Seed(3))?;
    let history = trainer
        .progress(Silent)
        .fit(&mut model, training, validation)?;
    let (weights, table) = (folder.join("model.safetensors"), folder.join("history.csv"));
    model.save(&weights)?;
    history.to_csv(&table)?;
    let read = |path: &Path| std::fs::read(path).expect("it was just written");
    let table = String::from_utf8_lossy(&read(&table)).into_owned();
    let seconds = table
        .lines()
        .next()
        .and_then(|header| header.split(',').position(|column| column == "seconds"))
        .expect("the history has its seconds");
    let without: Vec<String> = table
        .lines()
        .map(|line| {
            let columns = line.split(',').enumerate();
            let kept = columns.filter(|(at, _)| *at != seconds);
            kept.map(|(_, column)| column).collect::<Vec<_>>().join(",")
        })
        .collect();
    let (weights, table) = (
        sha256(&read(&weights)),
        sha256(without.join("\n").as_bytes()),
    );
    std::fs::remove_dir_all(folder).expect("the folder is ours");
    Ok(format!("{name} {weights} {table}\n"))
}

fn main() -> Result<()> {
    let sample = Cifar10::sample().train.split(0.8, Seed(42))?;
    let crossentropy = Loss::CategoricalCrossentropy;
    let adam = || {
        Trainer::new(crossentropy, Adam::new(1e-3))
            .epochs(4)
            .batch_size(64)
    };
    let with = |optimizer: Optimizer| {
        Trainer::new(crossentropy, optimizer)
            .epochs(4)
            .batch_size(48)
    };
    let flips = Augmentation::new()
        .horizontal_flip(0.5)
        .rotation(15.0)
        .with(RandomMove::Shift(0.1), 0.7)
        .random_crop(4)
        .fill(Fill::Nearest);
    let penalized = Sequential::new([32, 32, 3])
        .flatten()
        .layer(
            Dense::new(40, Activation::Gelu)
                .initializer(Initializer::HeNormal)
                .l2(1e-3),
        )
        .dense(10, Activation::Softmax);
    let normalized = Sequential::new([32, 32, 3])
        .flatten()
        .dense(40, Activation::Relu)
        .batch_norm()
        .dense(24, Activation::LeakyRelu)
        .batch_norm()
        .dropout(0.3)
        .dense(10, Activation::Softmax);
    let dropped = Sequential::new([32, 32, 3])
        .flatten()
        .dropout(0.1)
        .dense(48, Activation::Sigmoid)
        .dropout(0.5)
        .dense(10, Activation::Softmax);
    let class_weights: Vec<f32> = (0..10).map(|class| 0.5 + class as f32 / 10.0).collect();
    let sample_weights: Vec<f32> = (0..800).map(|row| (row % 5) as f32 / 2.0).collect();
    let standardized = {
        let normalization = Normalization::standardize(&sample.0)?;
        let (a, b) = &sample;
        (
            a.clone().with_normalization(normalization.clone())?,
            b.clone().with_normalization(normalization)?,
        )
    };

    let mut lines = vec![
        train("sgd", small(), with(Sgd::new(0.05).into()), &sample)?,
        train(
            "momentum",
            small(),
            with(Sgd::new(0.01).momentum(0.9).into()),
            &sample,
        )?,
        train(
            "nesterov",
            small(),
            with(Sgd::new(0.01).momentum(0.9).nesterov().into()),
            &sample,
        )?,
        train(
            "rmsprop",
            small(),
            with(RmsProp::new(1e-3).momentum(0.5).into()),
            &sample,
        )?,
        train("adam", small(), with(Adam::new(1e-3).into()), &sample)?,
        train(
            "adamw",
            small(),
            with(AdamW::new(1e-3).exclude_biases().into()),
            &sample,
        )?,
        train("dropout", dropped, adam(), &sample)?,
        train("batch-norm", normalized.clone(), adam(), &sample)?,
        train("l2", penalized, adam(), &standardized)?,
        train(
            "augmentation",
            small(),
            adam().augmentation(flips.clone()).seed(Seed(7)),
            &sample,
        )?,
        train(
            "label-smoothing",
            small(),
            adam().label_smoothing(0.1),
            &sample,
        )?,
        train(
            "weights",
            small(),
            adam()
                .class_weights(class_weights)
                .sample_weights(sample_weights),
            &sample,
        )?,
        train(
            "clipped",
            normalized.clone(),
            adam().global_clip_norm(0.5),
            &sample,
        )?,
        train(
            "one-cycle",
            small(),
            adam().schedule(Schedule::OneCycle),
            &sample,
        )?,
        train(
            "warm-up-cosine",
            small(),
            adam().schedule(Schedule::Cosine { lowest: 0.01 }.after_warmup(1.5)),
            &sample,
        )?,
        train(
            "early-stopping",
            small(),
            adam()
                .epochs(30)
                .callback(ReduceLrOnPlateau::on_val_loss().patience(1))
                .callback(
                    EarlyStopping::on_val_loss()
                        .patience(3)
                        .restore_best_weights(),
                ),
            &sample,
        )?,
        train(
            "mean-squared-error",
            small(),
            Trainer::new(Loss::MeanSquaredError, Adam::new(1e-3)).epochs(3),
            &sample,
        )?,
        train(
            "kl-divergence",
            small(),
            Trainer::new(Loss::KlDivergence, RmsProp::new(1e-3)).epochs(3),
            &sample,
        )?,
    ];
    let cifar = Cifar10::open(DATA)?;
    let all = cifar.train.hold_out_last(0.2)?;
    let wide = Sequential::new([32, 32, 3])
        .flatten()
        .dense(512, Activation::Elu)
        .dropout(0.5)
        .dense(256, Activation::Tanh)
        .batch_norm()
        .dense(10, Activation::Softmax);
    let decayed = adam()
        .epochs(2)
        .schedule(Schedule::Exponential { factor: 0.95 })
        .augmentation(flips);
    lines.push(train("all-of-cifar-10", wide, decayed, &all)?);

    let found = lines.concat();
    if std::env::args().any(|argument| argument == "--record") {
        std::fs::write(RECORDED, &found).expect("the record can be written");
        return Ok(());
    }
    let recorded = std::fs::read_to_string(RECORDED).expect("the record is committed");
    let mut same = true;
    for (now, before) in found.lines().zip(recorded.lines()) {
        let verdict = if now == before {
            "same bits"
        } else {
            "DIFFERS"
        };
        same &= now == before;
        println!("{verdict}  {}", now.split(' ').next().unwrap_or_default());
    }
    assert!(
        same && found.lines().count() == recorded.lines().count(),
        "bits have changed"
    );
    Ok(())
}
