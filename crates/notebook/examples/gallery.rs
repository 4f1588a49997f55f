//! Draws every figure on the built-in sample, and some on made-up numbers, into `target/gallery` or a folder of yours.
//!
//! ```text
//! cargo run --release --example gallery
//! ```

use lab_notebook::prelude::*;
use std::path::PathBuf;

fn main() -> Result<()> {
    let folder = PathBuf::from(
        std::env::args()
            .nth(1)
            .unwrap_or_else(|| "target/gallery".to_owned()),
    );
    std::fs::create_dir_all(&folder)
        .map_err(|error| LabError::io("create", &folder, error, "name another folder"))?;
    let save = |name: &str, figure: Figure| {
        println!(
            "{name:<20} {:?} {:>4} kB  {}",
            figure.size,
            figure.png.len() / 1024,
            figure.alt
        );
        figure.save(folder.join(format!("{name}.png")))
    };

    let cifar = Cifar10::sample();
    let (train, validation) = cifar.train.split(0.8, Seed(42))?;
    let plan = || {
        Sequential::new([32, 32, 3])
            .flatten()
            .dense(64, Activation::Elu)
            .dense(10, Activation::Softmax)
    };
    let fit = |optimizer: Optimizer, epochs: usize, seed: u64| {
        let mut model = plan().build(Seed(seed))?;
        let trainer = Trainer::new(Loss::CategoricalCrossentropy, optimizer)
            .batch_size(64)
            .epochs(epochs);
        let history =
            trainer
                .seed(Seed(seed))
                .progress(Silent)
                .fit(&mut model, &train, &validation)?;
        Ok::<_, LabError>((model, history))
    };

    let (model, history) = fit(Adam::new(1e-3).into(), 40, 0)?;
    let evaluation = model.evaluate(&cifar.test)?;
    save("network", figures::network("A network", &model)?)?;
    save(
        "training_curves",
        figures::training_curves("Forty epochs with Adam", &history)?,
    )?;
    let short = fit(Adam::new(1e-3).into(), 2, 0)?.1;
    save(
        "two_epochs",
        figures::training_curves("Two epochs, as the sample has them", &short)?,
    )?;

    let runs: Vec<(String, History)> = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]
        .iter()
        .map(|rate| {
            Ok((
                format!("Adam, {rate}"),
                fit(Adam::new(*rate).into(), 10, 0)?.1,
            ))
        })
        .chain([0.001, 0.003, 0.01, 0.03, 0.1, 100.0].iter().map(|rate| {
            Ok((
                format!("SGD, {rate}"),
                fit(Sgd::new(*rate).into(), 10, 0)?.1,
            ))
        }))
        .collect::<Result<_>>()?;
    let runs: Vec<(&str, &History)> = runs
        .iter()
        .map(|(name, history)| (name.as_str(), history))
        .collect();
    save(
        "compare",
        figures::compare("Two optimizers, six learning rates each", &runs)?,
    )?;
    save(
        "compare_few",
        figures::compare("Three learning rates of Adam", &runs[1..4])?,
    )?;

    let seeds = |optimizer: Optimizer| {
        (0..3)
            .map(|seed| Ok(fit(optimizer, 8, seed)?.1))
            .collect::<Result<Vec<History>>>()
    };
    let (adam, sgd) = (
        seeds(Adam::new(1e-3).into())?,
        seeds(Sgd::new(0.01).into())?,
    );
    let groups = [
        ("Adam, 0.001", adam.iter().collect()),
        ("SGD, 0.01", sgd.iter().collect()),
    ];
    save(
        "compare_means",
        figures::compare_means("Three seeds each", &groups)?,
    )?;

    let first: Vec<usize> = (0..25).collect();
    save(
        "samples",
        figures::samples("The first 25 training images", &cifar.train, &first, 5)?,
    )?;
    save(
        "samples_10",
        figures::samples("The same in ten columns", &cifar.train, &first, 10)?,
    )?;
    let mistakes: Vec<_> = (0..cifar.test.len())
        .filter(|&i| evaluation.predicted[i] != evaluation.truth[i])
        .take(8)
        .filter_map(|i| {
            let name = |label: u8| &cifar.test.class_names()[usize::from(label)];
            let caption = format!(
                "{}\ntaken for {}",
                name(evaluation.truth[i]),
                name(evaluation.predicted[i])
            );
            Some((cifar.test.image(i)?.to_owned(), caption))
        })
        .collect();
    save("images", figures::images("Eight mistakes", &mistakes, 4)?)?;
    save(
        "one_image",
        figures::images("One image alone", &mistakes[..1], 4)?,
    )?;

    save(
        "confusion_matrix",
        figures::confusion_matrix("Test images of the sample", evaluation.confusion_matrix())?,
    )?;
    let large: Vec<u8> = (0..60_000).map(|i| (i % 2) as u8).collect();
    let two = ConfusionMatrix::new(
        &large,
        &large,
        &[
            "not a cat",
            "a cat with a very long name that goes on and on",
        ],
    )?;
    save(
        "confusion_2",
        figures::confusion_matrix("Two classes", &two)?,
    )?;

    let counts = cifar
        .train
        .class_names()
        .iter()
        .cloned()
        .zip([5000.0, 4500.0, 4321.0, 4000.0, 3900.0, 12.0]);
    save(
        "bars",
        figures::bars(
            "Images of each class",
            "images",
            &counts.collect::<Vec<_>>(),
        )?,
    )?;
    let changes = [
        ("dropout 0.5", 0.012),
        (
            "batch normalization with a long explanation beside it",
            -0.0071,
        ),
        ("wider", 0.0),
        ("lost", f64::NAN),
    ];
    let changes = changes.map(|(name, value)| (name.to_owned(), value));
    save(
        "bars_negative",
        figures::bars(
            "What each change brings",
            "change of test accuracy",
            &changes,
        )?,
    )?;
    let report = evaluation.report();
    let of = |score: fn(&lab_notebook::lab_core::metrics::Scores) -> f64| {
        report.per_class.iter().map(score).collect::<Vec<f64>>()
    };
    let series = [
        ("precision", of(|s| s.precision)),
        ("recall", of(|s| s.recall)),
        ("F1", of(|s| s.f1)),
    ];
    save(
        "grouped_bars",
        figures::grouped_bars(
            "Scores of each class",
            "score",
            cifar.test.class_names(),
            &series,
        )?,
    )?;
    let lab = ["cross-entropy", "sparse", "KL", "squared error"].map(str::to_owned);
    let series = [
        ("ours", vec![0.4431, 0.4502, 0.4384, 0.4411]),
        ("lab (printed)", vec![0.4402, 0.4505, 0.4384, f64::NAN]),
    ];
    save(
        "grouped_few",
        figures::grouped_bars("Test accuracy by loss", "test accuracy", &lab, &series)?,
    )?;

    let kinds: Vec<Activation> = Activation::ALL
        .into_iter()
        .filter(|kind| *kind != Activation::Softmax)
        .collect();
    save("activations", figures::activations(&kinds, -4.0, 4.0)?)?;
    save(
        "activations_2",
        figures::activations(&[Activation::Sigmoid, Activation::Relu], -4.0, 4.0)?,
    )?;

    let rates = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0];
    let points = |losses: [f64; 6]| rates.into_iter().zip(losses).collect::<Vec<(f64, f64)>>();
    let chart = LineChart::new("Which learning rate?")
        .x("learning rate")
        .log_x()
        .y("validation loss after 5 epochs")
        .line("SGD", points([2.29, 2.2, 1.98, 1.75, 1.62, f64::NAN]))
        .line(
            "momentum",
            points([2.2, 1.98, 1.75, 1.61, 1.9, f64::INFINITY]),
        )
        .line("Adam", points([1.8, 1.55, 1.49, 2.2, 2.31, 2.5]));
    save("lines", figures::lines(&chart)?)?;
    let rates = |schedule: &Schedule| -> Vec<(f64, f64)> {
        let epochs = (0..200).map(|i| f64::from(i) / 4.0);
        epochs
            .map(|e| (e, f64::from(schedule.rate(1e-3, e, 50))))
            .collect()
    };
    let cosine = |lowest| Schedule::Cosine { lowest };
    let (every, factor) = (10, 0.5);
    let mut chart = LineChart::new("Schedules")
        .x("epoch")
        .y("learning rate")
        .log_y();
    for schedule in [
        Schedule::Constant,
        Schedule::Step { every, factor },
        Schedule::Exponential { factor: 0.95 },
        cosine(0.001),
        Schedule::OneCycle,
        cosine(0.01).after_warmup(5.0),
    ] {
        chart = chart.line(schedule.to_string(), rates(&schedule));
    }
    save("lines_log_y", figures::lines(&chart)?)?;

    let trainer = Trainer::new(Loss::CategoricalCrossentropy, Sgd::new(0.01)).batch_size(64);
    let test = trainer.range_test(&plan().build(Seed(0))?, &train, 1e-6, 10.0, 200)?;
    save(
        "range_test",
        figures::range_test("Learning-rate range test: plain descent", &test)?,
    )?;
    save(
        "reliability",
        figures::reliability("Adam after forty epochs", &evaluation.calibration()?)?,
    )?;

    let batch = cifar.train.batches(200)?.next().unwrap_or_default();
    let pixels: Vec<f32> = batch.images.iter().copied().collect();
    let standardized: Vec<f32> = pixels.iter().map(|x| (x - 0.47) / 0.25).collect();
    save(
        "histogram",
        figures::histograms(
            "Pixels of 200 images",
            "value",
            &[("divided by 255", pixels.clone())],
        )?,
    )?;
    let both = [("divided by 255", pixels), ("standardized", standardized)];
    save(
        "histograms",
        figures::histograms("Pixels before and after", "value", &both)?,
    )?;
    let channel = |number: usize, mean: f32, deviation: f32| -> Vec<f32> {
        let values = batch.images.iter().skip(number).step_by(3);
        values.map(|x| (x - mean) / deviation).collect()
    };
    let colours = [
        ("blue", channel(2, 0.4465, 0.2616)),
        ("red", channel(0, 0.4914, 0.247)),
        ("green", channel(1, 0.4822, 0.2435)),
    ];
    save(
        "histograms_colours",
        figures::histograms("Standardized, each colour by itself", "value", &colours)?,
    )?;
    save(
        "weights",
        figures::weights("First-layer kernels", &model, "dense", 40)?,
    )?;
    save(
        "weights_10",
        figures::weights("First-layer kernels", &model, "dense", 10)?,
    )?;
    save(
        "inspection",
        model.inspect(&cifar.train.take(64))?.figure()?,
    )?;
    save(
        "explanation",
        model.explain(&cifar.test, 7, &cifar.train)?.figure()?,
    )?;
    Ok(())
}
