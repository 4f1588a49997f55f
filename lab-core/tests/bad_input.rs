//! Bad input gets an error that says where, what was found, what was expected and what to do; what was there before
//! stays as it was.

mod common;

use common::{assert_says, bits, quiet, random, sample, small_network, small_plan};
use lab_core::metrics::predicted_classes;
use lab_core::prelude::*;
use ndarray::{Array2, Array4};

fn adam() -> Trainer {
    quiet(Adam::new(1e-3))
}

fn twenty() -> Dataset {
    sample().train.take(20)
}

/// Fails unless `fit` is refused with these words and leaves the network as it was, in whatever way the data come.
fn assert_fit_says(
    mut trainer: Trainer,
    model: &Sequential,
    train: &Dataset,
    validation: Option<&Dataset>,
    words: &[&str],
) {
    let mut given = model.clone();
    assert_says(trainer.fit(&mut given, train, validation), words);
    assert_eq!(
        bits(&given),
        bits(model),
        "the network is as it was: {words:?}"
    );
}

/// The same for a trainer on good data.
fn assert_trainer_says(trainer: Trainer, words: &[&str]) {
    assert_fit_says(trainer, &small_network(), &twenty(), None, words);
}

#[test]
fn layers_that_do_not_fit_together_are_refused_by_name() {
    let build = |plan: Architecture| plan.build(Seed(0));
    let image = || Sequential::new([32, 32, 3]);
    assert_says(
        build(image().dense(10, Activation::Softmax)),
        &[
            "dense:",
            "found shape [32, 32, 3]",
            "one axis",
            ".flatten()",
        ],
    );
    assert_says(
        build(image().dropout(0.5).dense(1, Activation::Relu)),
        &["dense:", "[32, 32, 3]"],
    );
    let later = image()
        .flatten()
        .dense(5, Activation::Relu)
        .dense(0, Activation::Softmax);
    assert_says(build(later), &["dense_1: units", "found 0", "at least 1"]);
    for (rate, text) in [
        (1.0, "1"),
        (-0.1, "-0.1"),
        (1.5, "1.5"),
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
    ] {
        let plan = image()
            .flatten()
            .dropout(0.5)
            .dropout(rate)
            .dense(10, Activation::Softmax);
        assert_says(
            build(plan),
            &[
                "dropout_1: rate",
                &format!("found {text},"),
                "at least 0 and below 1",
                "0.5",
            ],
        );
    }
    for (l2, text) in [
        (-0.001, "-0.001"),
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
    ] {
        let plan = image()
            .flatten()
            .layer(Dense::new(10, Activation::Softmax).l2(l2));
        assert_says(
            build(plan),
            &["dense: l2", &format!("found {text},"), "at least 0"],
        );
    }
    assert_says(
        build(image()),
        &["layers", "found none", "at least one", ".flatten()"],
    );
    for shape in [
        vec![0],
        vec![32, 0, 3],
        vec![usize::MAX, 2],
        vec![1 << 20, 1 << 20],
    ] {
        let plan = Sequential::new(&shape)
            .flatten()
            .dense(1, Activation::Linear);
        assert_says(
            build(plan),
            &[
                "input",
                &format!("found shape {shape:?}"),
                "1 to 2^30",
                "[32, 32, 3]",
            ],
        );
    }
}

#[test]
fn networks_of_absurd_size_are_refused_before_anything_is_allocated() {
    for units in [usize::MAX, usize::MAX / 3072, 1 << 40, 1 << 20] {
        let plan = Sequential::new([32, 32, 3])
            .flatten()
            .dense(units, Activation::Relu)
            .dense(10, Activation::Softmax);
        let words = [
            "dense.kernel:",
            &format!("shape [3072, {units}]"),
            "1 to 2^30 floats",
            "narrower",
        ];
        assert_says(plan.parameter_count(), &words);
        assert_says(plan.build(Seed(0)), &words);
    }
    let wide = Sequential::new([1])
        .dense(1 << 20, Activation::Relu)
        .dense(1 << 20, Activation::Relu);
    assert_says(wide.build(Seed(0)), &["dense_1.kernel:", "1 to 2^30"]);
    let many = Sequential::new([1 << 14])
        .dense((1 << 15) + 1, Activation::Relu)
        .dense(1 << 14, Activation::Relu);
    assert_says(
        many.build(Seed(0)),
        &["weights up to dense_1:", "1 to 2^30"],
    );
}

#[test]
fn many_large_layers_are_refused_as_one_too_large_is() {
    // Each is allowed by itself, but together they are 16 billion weights, 64 GB. (Only counted here: to build them
    // would end the process.)
    let plan = (0..16).fold(Sequential::new([1 << 15]), |plan, _| {
        plan.dense(1 << 15, Activation::Relu)
    });
    assert_says(plan.parameter_count(), &["weights", "narrower"]);
}

#[test]
fn data_that_do_not_fit_the_network_are_refused_with_both_shapes() {
    let names = |n: usize| (0..n).map(|class| class.to_string()).collect::<Vec<_>>();
    let grey = Dataset::new(Array4::zeros((4, 28, 28, 1)), vec![0; 4], names(10)).unwrap();
    let model = small_network();
    let good = twenty();
    assert_fit_says(
        adam(),
        &model,
        &grey,
        None,
        &[
            "training data",
            "found shape [28, 28, 1]",
            "expected [32, 32, 3]",
        ],
    );
    assert_fit_says(
        adam(),
        &model,
        &good,
        Some(&grey),
        &["validation data", "[28, 28, 1]", "[32, 32, 3]"],
    );
    assert_says(
        model.evaluate(&grey),
        &["data", "[28, 28, 1]", "[32, 32, 3]"],
    );
    assert_says(
        model.predict(&grey),
        &["inputs", "[28, 28, 1]", "[32, 32, 3]"],
    );
    assert_says(
        model.gradients(&grey, Loss::MeanSquaredError, Seed(0)),
        &["data", "[28, 28, 1]", "[32, 32, 3]"],
    );

    let few = Dataset::new(good.images(), vec![1; 20], names(3)).unwrap();
    let words = [
        "last layer",
        "found shape [10]",
        "expected [3]",
        "one unit for each class",
    ];
    assert_fit_says(adam(), &model, &few, None, &words);
    assert_fit_says(adam(), &model, &good, Some(&few), &words);
    assert_says(model.evaluate(&few), &words);

    let none = good.take(0);
    assert_fit_says(
        adam(),
        &model,
        &none,
        None,
        &["training data", "no images", "at least one"],
    );
    assert_fit_says(
        adam(),
        &model,
        &good,
        Some(&none),
        &["validation data", "no images", "at least one"],
    );
    assert_says(
        model.evaluate(&none),
        &["data", "no images", "at least one"],
    );
}

#[test]
fn a_cross_entropy_needs_a_network_that_ends_in_softmax() {
    let endings = [
        (small_plan().dense(10, Activation::Sigmoid), "found sigmoid"),
        (small_plan().dense(10, Activation::Linear), "found linear"),
        (small_plan().dropout(0.1), "found another layer"),
        (small_plan().batch_norm(), "found another layer"),
    ];
    for (plan, found) in endings {
        let model = plan.build(Seed(0)).unwrap();
        for loss in [
            Loss::CategoricalCrossentropy,
            Loss::SparseCategoricalCrossentropy,
            Loss::KlDivergence,
        ] {
            let words = [
                "last layer",
                found,
                "softmax",
                loss.name(),
                "mean_squared_error",
            ];
            let trainer = Trainer::new(loss, Adam::new(1e-3)).progress(Silent);
            assert_fit_says(trainer, &model, &twenty(), None, &words);
            assert_says(model.evaluate_with(&twenty(), loss), &words);
            assert_says(model.gradients(&twenty(), loss, Seed(0)), &words);
        }
        Trainer::new(Loss::MeanSquaredError, Adam::new(1e-3))
            .progress(Silent)
            .fit(&mut model.clone(), &twenty(), None)
            .unwrap();
    }
}

#[test]
fn a_single_batch_for_a_cross_entropy_needs_softmax_too_and_the_error_says_so() {
    let mut model = small_plan()
        .dense(10, Activation::Linear)
        .build(Seed(0))
        .unwrap();
    let images = Array4::<f32>::zeros((2, 32, 32, 3));
    let result = adam().train_on_batch(&mut model, &images, Targets::classes(&[1, 2]));
    assert_says(
        result,
        &[
            "last layer",
            "linear",
            "softmax",
            "categorical_crossentropy",
        ],
    );
}

#[test]
fn unknown_names_are_answered_with_the_nearest_known_one() {
    fn says<T: std::str::FromStr<Err = LabError>>(
        text: &str,
        kind: &str,
        nearest: Option<&str>,
        known: &[&str],
    ) {
        let quoted = format!("unknown {kind} `{text}`");
        let nearest = nearest.map(|name| format!("did you mean `{name}`?"));
        let words: Vec<&str> = [quoted.as_str()]
            .into_iter()
            .chain(nearest.as_deref())
            .chain(known.iter().copied())
            .collect();
        assert_says(text.parse::<T>(), &words);
        if nearest.is_none() {
            assert!(
                !common::message(text.parse::<T>()).contains("did you mean"),
                "{text}"
            );
        }
    }
    let losses = Loss::ALL.map(Loss::name);
    says::<Loss>(
        "categorical_crosentropy",
        "loss",
        Some("categorical_crossentropy"),
        &losses,
    );
    says::<Loss>(
        "Sparse-Categorical-Crossentropy",
        "loss",
        Some("sparse_categorical_crossentropy"),
        &losses,
    );
    says::<Loss>("kl_divergance", "loss", Some("kl_divergence"), &losses);
    says::<Loss>(
        "mean_square_error",
        "loss",
        Some("mean_squared_error"),
        &losses,
    );
    says::<Loss>("hinge", "loss", None, &losses);
    says::<Loss>("", "loss", None, &losses);
    says::<Optimizer>("adm", "optimizer", Some("adam"), &Optimizer::NAMES);
    says::<Optimizer>("RMSpop", "optimizer", Some("rmsprop"), &Optimizer::NAMES);
    says::<Optimizer>("nestrov", "optimizer", Some("nesterov"), &Optimizer::NAMES);
    says::<Optimizer>("lbfgs", "optimizer", None, &Optimizer::NAMES);
    let activations = Activation::ALL.map(Activation::name);
    says::<Activation>("sofmax", "activation", Some("softmax"), &activations);
    says::<Activation>("leakyrelu", "activation", Some("leaky_relu"), &activations);
    // `elu` is as near, but half of it would have to change.
    says::<Activation>("rleu", "activation", Some("relu"), &activations);
    says::<Activation>("thanh", "activation", Some("tanh"), &activations);
    says::<Activation>("convolution", "activation", None, &activations);
    // Known names are known in any case and with spaces around them.
    assert_eq!(
        " Adam ".parse::<Optimizer>().unwrap(),
        Adam::new(1e-3).into()
    );
    assert_eq!("RELU".parse::<Activation>().unwrap(), Activation::Relu);
    for loss in Loss::ALL {
        assert_eq!(loss.name().to_uppercase().parse::<Loss>().unwrap(), loss);
    }
}

#[test]
fn schedules_that_make_no_sense_are_refused() {
    for (schedule, found) in [
        (
            Schedule::Step {
                every: 0,
                factor: 0.5,
            },
            "found 0,",
        ),
        (
            Schedule::Step {
                every: 1,
                factor: f64::NAN,
            },
            "found NaN",
        ),
        (
            Schedule::Exponential {
                factor: f64::INFINITY,
            },
            "found inf",
        ),
        (Schedule::Cosine { lowest: -0.1 }, "-0.1"),
        (Schedule::Cosine { lowest: 2.0 }, "lowest"),
        (Schedule::Constant.after_warmup(f64::NAN), "found NaN"),
        (
            Schedule::Exponential { factor: 0.0 }.after_warmup(1.0),
            "found 0,",
        ),
        (
            Schedule::OneCycle.after_warmup(1.0).after_warmup(1.0),
            "warm-up",
        ),
    ] {
        assert_trainer_says(adam().schedule(schedule), &["schedule", found]);
    }
}

#[test]
fn fractions_outside_0_to_1_are_refused() {
    let data = twenty();
    for (fraction, text) in [
        (0.0, "0"),
        (1.0, "1"),
        (-0.2, "-0.2"),
        (1.2, "1.2"),
        (80.0, "80"),
        (f64::NAN, "NaN"),
    ] {
        let found = format!("found {text},");
        assert_says(
            data.split(fraction, Seed(0)),
            &["split: fraction", &found, "above 0 and below 1", "0.8"],
        );
        let words = [
            "split_stratified: fraction",
            &found,
            "above 0 and below 1",
            "0.8",
        ];
        assert_says(data.split_stratified(fraction, Seed(0)), &words);
        assert_says(
            data.hold_out_last(fraction),
            &[
                "hold_out_last: fraction",
                &found,
                "above 0 and below 1",
                "0.8",
            ],
        );
    }
    assert_says(
        data.split(0.001, Seed(0)),
        &[
            "split: fraction",
            "0.001 of 20 images",
            "a part empty",
            "at least one",
        ],
    );
}

#[test]
fn counts_of_0_are_refused() {
    assert_trainer_says(
        adam().batch_size(0),
        &["batch size", "found 0", "at least 1", "64"],
    );
    assert_trainer_says(adam().epochs(0), &["epochs", "found 0", "at least 1", "10"]);
    assert_trainer_says(
        adam().threads(0),
        &["threads", "found 0", "1 to 1024", "leave it out"],
    );
    assert_trainer_says(
        adam().threads(1_000_000),
        &["threads", "found 1000000", "1 to 1024"],
    );
    assert_says(
        twenty().batches(0),
        &["batch size", "found 0", "at least 1"],
    );
}

#[test]
fn counts_beyond_all_measure_do_no_harm() {
    let (mut one, mut other) = (small_network(), small_network());
    adam()
        .batch_size(usize::MAX)
        .fit(&mut one, &twenty(), None)
        .unwrap();
    adam()
        .batch_size(20)
        .fit(&mut other, &twenty(), None)
        .unwrap();
    assert_eq!(bits(&one), bits(&other));
    /// Ends the training after its first epoch.
    struct Once;
    impl Callback for Once {
        fn on_epoch_end(&mut self, _: &EpochRecord, control: &mut Control<'_>) -> Result<()> {
            control.stop();
            Ok(())
        }
    }
    let mut trainer = adam()
        .epochs(usize::MAX)
        .callback(Once)
        .progress(EpochLines::to(Vec::new()));
    assert_eq!(
        trainer.fit(&mut one, &twenty(), None).unwrap().epochs.len(),
        1
    );
}

#[test]
fn numbers_of_an_optimizer_outside_of_their_ranges_are_refused() {
    let makers: [fn(f32) -> Optimizer; 4] = [
        |rate| Sgd::new(rate).into(),
        |rate| RmsProp::new(rate).into(),
        |rate| Adam::new(rate).into(),
        |rate| AdamW::new(rate).into(),
    ];
    for make in makers {
        for (rate, text) in [
            (-0.1, "-0.1"),
            (f32::NAN, "NaN"),
            (f32::INFINITY, "inf"),
            (f32::NEG_INFINITY, "-inf"),
        ] {
            let words = [
                "learning rate",
                &format!("found {text},"),
                "at least 0",
                "0.001",
            ];
            assert_trainer_says(quiet(make(rate)), &words);
        }
    }
    let wrong: [(Optimizer, &str, &str); 10] = [
        (Sgd::new(0.1).momentum(1.0).into(), "momentum", "found 1,"),
        (
            Sgd::new(0.1).momentum(-0.5).nesterov().into(),
            "momentum",
            "found -0.5,",
        ),
        (RmsProp::new(0.1).rho(1.5).into(), "rho", "found 1.5,"),
        (
            RmsProp::new(0.1).momentum(f32::NAN).into(),
            "momentum",
            "found NaN,",
        ),
        (Adam::new(0.1).betas(1.0, 0.9).into(), "beta_1", "found 1,"),
        (Adam::new(0.1).betas(0.9, 1.0).into(), "beta_2", "found 1,"),
        (
            Adam::new(0.1).betas(-0.9, 0.9).into(),
            "beta_1",
            "found -0.9,",
        ),
        (
            Adam::new(0.1).betas(0.9, f32::NAN).into(),
            "beta_2",
            "found NaN,",
        ),
        (
            AdamW::new(0.1).weight_decay(-1.0).into(),
            "decay",
            "found -1,",
        ),
        (
            AdamW::new(0.1).weight_decay(f32::NAN).into(),
            "decay",
            "found NaN,",
        ),
    ];
    for (optimizer, option, found) in wrong {
        assert_trainer_says(quiet(optimizer), &[option, found, "at least 0"]);
    }
    for (norm, found) in [
        (-1.0, "found -1,"),
        (f32::NAN, "found NaN,"),
        (f32::INFINITY, "found inf,"),
    ] {
        assert_trainer_says(
            adam().global_clip_norm(norm),
            &["clip_norm", found, "above 0"],
        );
    }
    for (smoothing, found) in [
        (-0.1, "found -0.1,"),
        (1.0, "found 1,"),
        (f32::NAN, "found NaN,"),
    ] {
        assert_trainer_says(
            adam().label_smoothing(smoothing),
            &["label smoothing", found, "at least 0 and below 1", "0.1"],
        );
    }
}

#[test]
fn clipping_to_0_makes_no_weights_that_are_no_numbers() {
    // Without a gradient at all 0 / 0 is not far: refused, or nothing moves.
    let mut model = small_network();
    let before = bits(&model);
    _ = adam()
        .global_clip_norm(0.0)
        .sample_weights(vec![0.0; 20])
        .fit(&mut model, &twenty(), None);
    assert_eq!(bits(&model), before);
}

#[test]
fn augmentations_outside_of_their_ranges_are_refused_by_fit() {
    for (augmentation, words) in [
        (
            Augmentation::new().rotation(-5.0),
            ["augmentation: rotate", "found -5", "0 to 180"],
        ),
        (
            Augmentation::new().shift(f64::NAN),
            ["augmentation: shift", "found NaN", "0 to 1"],
        ),
        (
            Augmentation::new().horizontal_flip(1.5),
            ["augmentation: probability of flip", "found 1.5", "0 to 1"],
        ),
    ] {
        assert_trainer_says(adam().augmentation(augmentation), &words);
    }
}

#[test]
fn sample_weights_that_do_not_fit_are_refused() {
    let words = [
        "sample weights",
        "found shape [19]",
        "expected [20]",
        "one weight for each sample",
    ];
    assert_trainer_says(adam().sample_weights(vec![1.0; 19]), &words);
    for (bad, found) in [
        (-1.0, "found -1,"),
        (f32::NAN, "found NaN,"),
        (f32::INFINITY, "found inf,"),
    ] {
        let mut weights = vec![1.0; 20];
        weights[7] = bad;
        assert_trainer_says(
            adam().sample_weights(weights),
            &["sample weights", found, "finite"],
        );
    }
}

#[test]
fn class_weights_that_do_not_fit_are_refused_under_their_own_name() {
    let words = [
        "class weights",
        "found shape [9]",
        "expected [10]",
        "one weight for each class",
    ];
    assert_trainer_says(adam().class_weights(vec![1.0; 9]), &words);
    for (bad, found) in [(-1.0, "found -1,"), (f32::NAN, "found NaN,")] {
        let mut weights = vec![1.0; 10];
        weights[7] = bad;
        assert_trainer_says(
            adam().class_weights(weights),
            &["class weights", found, "finite"],
        );
    }
}

#[test]
fn batches_that_do_not_fit_are_refused_and_change_neither_the_network_nor_the_trainer() {
    let mut model = Sequential::new([3])
        .dense(4, Activation::Tanh)
        .dense(2, Activation::Softmax)
        .build(Seed(0))
        .unwrap();
    let start = bits(&model);
    let mut trainer = adam();
    let (two, none) = (random(2, 3, 1), Array2::<f32>::zeros((0, 3)));
    let mut with_nan = two.clone();
    with_nan[[1, 2]] = f32::NAN;
    let three = Array2::from_elem((2, 3), 0.5_f32);
    let negative = ndarray::arr2(&[[0.5, 0.5], [1.5, -0.5]]);
    let good = || Targets::classes(&[0, 1]);
    let cases: [(&Array2<f32>, Targets<'_>, &[&str]); 12] = [
        (
            &random(2, 4, 1),
            good(),
            &["inputs", "found shape [4]", "expected [3]"],
        ),
        (
            &two,
            (&[0]).into(),
            &["targets", "found shape [1]", "expected [2]"],
        ),
        (
            &two,
            (&[0, 2]).into(),
            &["targets", "found label 2 at position 1", "0 to 1"],
        ),
        (&two, three.view().into(), &["targets", "[2, 3]", "[2, 2]"]),
        (
            &two,
            negative.view().into(),
            &["targets", "found -0.5", "none of them negative"],
        ),
        (
            &two,
            good().weighted(&[1.0]),
            &["sample weights", "[1]", "[2]"],
        ),
        (
            &two,
            good().weighted(&[1.0, -1.0]),
            &["sample weights", "found -1", "finite"],
        ),
        (
            &two,
            good().weighted(&[1.0, f32::NAN]),
            &["sample weights", "found NaN", "finite"],
        ),
        (
            &two,
            good().smoothed(1.0),
            &["label smoothing", "found 1,", "below 1"],
        ),
        (
            &two,
            good().smoothed(f32::NAN),
            &["label smoothing", "found NaN,", "below 1"],
        ),
        (
            &with_nan,
            good(),
            &["example 1", "found NaN", " 2, expected", "finite"],
        ),
        (
            &none,
            Targets::classes(&[]),
            &["batch", "0 examples", "at least one example"],
        ),
    ];
    for (inputs, targets, words) in cases {
        assert_says(trainer.train_on_batch(&mut model, inputs, targets), words);
        assert_eq!(bits(&model), start, "{words:?}");
    }
    // The first step afterwards is a first step.
    let mut fresh = model.clone();
    trainer
        .train_on_batch(&mut model, &two, Targets::classes(&[0, 1]))
        .unwrap();
    adam()
        .train_on_batch(&mut fresh, &two, Targets::classes(&[0, 1]))
        .unwrap();
    assert_eq!(bits(&model), bits(&fresh));
}

#[test]
fn the_losses_themselves_refuse_what_does_not_fit() {
    let given = random(2, 3, 1);
    let value = |loss: Loss, targets: Targets<'_>| loss.value_and_gradient(given.view(), targets);
    let (entropy, good) = (Loss::CategoricalCrossentropy, || Targets::classes(&[0, 1]));
    let nan = Array2::from_elem((2, 3), f32::NAN);
    for (loss, targets, words) in [
        (entropy, (&[0, 1, 2]).into(), ["targets", "[3]", "[2]"]),
        (
            entropy,
            (&[0, 3]).into(),
            ["targets", "label 3 at position 1", "0 to 2"],
        ),
        (
            entropy,
            good().smoothed(1.0),
            ["label smoothing", "found 1,", "below 1"],
        ),
        (
            Loss::KlDivergence,
            good().smoothed(0.1),
            ["label smoothing", "kl_divergence", "cross-entropy"],
        ),
        (
            entropy,
            good().weighted(&[1.0; 3]),
            ["sample weights", "[3]", "[2]"],
        ),
        (
            Loss::MeanSquaredError,
            nan.view().into(),
            ["targets", "NaN", "finite"],
        ),
    ] {
        assert_says(value(loss, targets), &words);
    }
    // Without examples or classes there is nothing to divide by.
    for (rows, classes) in [(0, 3), (0, 0), (2, 0)] {
        let empty = Array2::<f32>::zeros((rows, classes));
        let result = Loss::MeanSquaredError.value_and_gradient(empty.view(), empty.view());
        assert!(
            result.map_or(true, |(value, gradient)| value.is_finite()
                && gradient.is_empty()),
            "{rows} x {classes}"
        );
    }
}

#[test]
fn an_evaluation_of_a_network_whose_weights_are_no_numbers_says_so() {
    let mut model = small_network();
    let broken = model.weight("dense_1.bias").unwrap().mapv(|_| f32::NAN);
    model.set_weight("dense_1.bias", broken).unwrap();
    assert_says(model.evaluate(&twenty()), &["NaN", "weights"]);
    assert_says(
        predicted_classes(model.predict(&twenty()).unwrap().view()),
        &["NaN", "weights"],
    );
}
