//! A look inside: every number against the textbook's arithmetic or a search of the plainest kind.

#[path = "../../../lab-core/tests/common/mod.rs"]
mod common;

use common::{assert_says, bits, sample, uniform};
use lab_notebook::prelude::*;
use lab_notebook::textbook::{self, Matrix};
use ndarray::{Array4, ArrayD, Axis};

/// A network with every kind of layer; what is not drawn when it is built is drawn here, because zeros and ones hide
/// mistakes.
fn network() -> Sequential {
    let mut model = Sequential::new([32, 32, 3])
        .flatten()
        .dense(24, Activation::Relu)
        .batch_norm()
        .dropout(0.3)
        .dense(16, Activation::Tanh)
        .dense(12, Activation::Elu)
        .dense(9, Activation::Sigmoid)
        .dense(10, Activation::Softmax)
        .build(Seed(5))
        .unwrap();
    let names: Vec<String> = model.weight_names().map(str::to_owned).collect();
    let mut draw = uniform(6);
    for name in &names {
        let value = model.weight(name).unwrap();
        // Wide kernels saturate some of the units.
        let value = match name.rsplit('.').next().unwrap() {
            "kernel" if name == "dense_1.kernel" => value.mapv(|w| 9.0 * w),
            "kernel" => value.mapv(|w| 2.0 * w),
            "gamma" | "moving_variance" => value.mapv(|_| 1.0 + 0.5 * draw()),
            _ => value.mapv(|_| 0.5 * draw()),
        };
        model.set_weight(name, value).unwrap();
    }
    model
}

fn matrix(model: &Sequential, name: &str) -> Matrix {
    let weight = model.weight(name).unwrap().mapv(f64::from);
    let columns = *weight.shape().last().unwrap();
    let rows = weight.len() / columns;
    weight.into_shape_with_order((rows, columns)).unwrap()
}

/// The same network on the blackboard, and for each of its eight layers how many of the blackboard's steps it takes.
fn blackboard(model: &Sequential) -> (textbook::Network, [usize; 8]) {
    use textbook::{Activation as A, Layer};
    let dense = |name: &str| {
        let (kernel, bias) = (
            matrix(model, &format!("{name}.kernel")),
            matrix(model, &format!("{name}.bias")),
        );
        Layer::Dense(textbook::Dense {
            kernel,
            bias,
            l2: 0.0,
        })
    };
    let part = |part: &str| matrix(model, &format!("batch_normalization.{part}"));
    let norm = Layer::BatchNorm(textbook::BatchNorm {
        gamma: part("gamma"),
        beta: part("beta"),
        moving_mean: part("moving_mean"),
        moving_variance: part("moving_variance"),
    });
    let mut layers = vec![dense("dense"), Layer::Activation(A::Relu), norm];
    for (name, activation) in [
        ("dense_1", A::Tanh),
        ("dense_2", A::Elu),
        ("dense_3", A::Sigmoid),
    ] {
        layers.extend([dense(name), Layer::Activation(activation)]);
    }
    layers.extend([dense("dense_4"), Layer::Activation(A::Softmax)]);
    (textbook::Network { layers }, [0, 2, 3, 3, 5, 7, 9, 11])
}

/// The images as the network is given them, in f64.
fn inputs(data: &Dataset) -> Matrix {
    let pixels = data
        .images()
        .iter()
        .map(|&byte| f64::from(byte) / 255.0)
        .collect();
    Matrix::from_shape_vec((data.len(), 3072), pixels).unwrap()
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs().max(1.0),
        "{what}: {found}, expected {expected}"
    );
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

#[test]
fn activations_are_those_of_the_blackboard() {
    let (model, batch) = (network(), sample().train.take(48));
    let inspection = model.inspect(&batch).unwrap();
    let (network, steps) = blackboard(&model);
    let outputs = network.forward(&inputs(&batch), false);
    assert_eq!(inspection.layers.len(), 8);
    for (layer, step) in inspection.layers.iter().zip(steps) {
        let a = &outputs[step];
        let mean = a.mean().unwrap();
        close(layer.mean, mean, 1e-5, &layer.name);
        close(
            layer.deviation,
            a.mapv(|a| (a - mean).powi(2)).mean().unwrap().sqrt(),
            1e-5,
            &layer.name,
        );
        let mut sorted: Vec<f64> = a.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let middle = (sorted.len() - 1) as f64 * 0.5;
        close(
            layer.quantiles[2],
            sorted[middle.round() as usize],
            1e-4,
            &layer.name,
        );
        assert!(layer.quantiles.is_sorted(), "{}", layer.name);
    }
    let share = |step: usize, near: fn(f64) -> bool| {
        let count = outputs[step].iter().filter(|a| near(**a)).count();
        Some(count as f64 / outputs[step].len() as f64)
    };
    let silent = outputs[2]
        .axis_iter(Axis(1))
        .filter(|unit| unit.iter().all(|a| *a == 0.0))
        .count();
    let by_name = |name: &str| {
        inspection
            .layers
            .iter()
            .find(|layer| layer.name == name)
            .unwrap()
    };
    assert_eq!(by_name("dense").dead, Some(silent as f64 / 24.0));
    assert_eq!(by_name("dense").saturated, None);
    assert_eq!(
        by_name("flatten")
            .saturated
            .or(by_name("flatten").kernel_gradient),
        None
    );
    for (name, found) in [
        ("dense_1", share(5, |a| a.abs() >= 0.99)),
        ("dense_2", share(7, |a| a <= -0.99)),
        ("dense_3", share(9, |a| !(0.01..0.99).contains(&a))),
        ("dense_4", share(11, |a| a > 0.99).map(|share| 10.0 * share)),
    ] {
        close(by_name(name).saturated.unwrap(), found.unwrap(), 1e-9, name);
        assert_eq!(by_name(name).dead, None);
    }
    assert!(
        by_name("dense_1").saturated.unwrap() > 0.05,
        "the test must have something saturated to find"
    );
}

#[test]
fn gradient_norms_are_those_of_the_gradients() {
    let (model, batch) = (network(), sample().train.take(32));
    let loss = Loss::CategoricalCrossentropy;
    let gradients = model.gradients(&batch, loss, Seed(0)).unwrap();
    let inspection = model.inspect(&batch).unwrap();
    let learning: Vec<&LayerInspection> = inspection
        .layers
        .iter()
        .filter(|l| l.kernel_gradient.is_some())
        .collect();
    assert_eq!(learning.len(), 6);
    for (layer, pair) in learning.iter().zip(gradients.chunks(2)) {
        let of = |at: usize| norm(pair[at].1.iter().map(|&g| f64::from(g)));
        assert!(
            pair[0].0.starts_with(&format!("{}.", layer.name)),
            "{} beside {}",
            layer.name,
            pair[0].0
        );
        close(
            layer.kernel_gradient.unwrap() / of(0),
            1.0,
            1e-6,
            &layer.name,
        );
        close(layer.bias_gradient.unwrap() / of(1), 1.0, 1e-6, &layer.name);
    }
}

#[test]
fn update_over_weight_is_that_of_the_first_step_of_adam_by_hand() {
    let (model, batch) = (network(), sample().train.take(32));
    let rate = 0.001;
    let inspection = model.inspect(&batch).unwrap();
    for (name, gradient) in model
        .gradients(&batch, Loss::CategoricalCrossentropy, Seed(0))
        .unwrap()
    {
        let Some(layer) = name.strip_suffix(".kernel") else {
            continue;
        };
        // m = 0.1 g, v = 0.001 g² and α = lr √0.001 / 0.1: about lr · sign(g).
        let step = |g: f64| rate * 0.001_f64.sqrt() * g / (0.001_f64.sqrt() * g.abs() + 1e-7);
        let change = norm(gradient.iter().map(|&g| step(g.into())));
        let expected = change / norm(model.weight(&name).unwrap().iter().map(|&w| w.into()));
        let found = inspection
            .layers
            .iter()
            .find(|found| found.name == layer)
            .unwrap()
            .update
            .unwrap();
        close(found / expected, 1.0, 1e-3, layer);
    }
}

#[test]
fn a_layer_whose_biases_are_far_below_zero_is_dead_and_named() {
    let mut model = Sequential::new([32, 32, 3])
        .flatten()
        .dense(20, Activation::Relu)
        .dense(10, Activation::Softmax)
        .build(Seed(0))
        .unwrap();
    let batch = sample().train.take(64);
    assert!(model.inspect(&batch).unwrap().layers[1].dead.unwrap() < 0.5);
    model
        .set_weight("dense.bias", ArrayD::from_elem(vec![20], -100.0))
        .unwrap();
    let inspection = model.inspect(&batch).unwrap();
    assert_eq!(inspection.layers[1].dead, Some(1.0));
    assert_eq!(inspection.layers[1].kernel_gradient, Some(0.0));
    let remarks = inspection.remarks();
    assert_eq!(
        remarks[0],
        "dense: 100 % of its units are dead for these 64 images"
    );
    assert!(
        remarks[1].starts_with("dense: no gradient comes to it"),
        "{remarks:?}"
    );
    let text = inspection.to_text();
    assert!(
        text.contains("dense (Dense, relu)") && text.contains("100 % of units dead"),
        "{text}"
    );
    assert!(
        inspection
            .to_html()
            .contains("dense: 100 % of its units are dead")
    );
    assert!(
        inspection
            .figure()
            .unwrap()
            .alt
            .contains("dense (Dense, relu): 100 % of units dead")
    );
}

#[test]
fn a_step_that_is_too_large_is_named_and_so_is_a_network_that_has_diverged() {
    let (mut model, batch) = (network(), sample().train.take(16));
    let usual = model.weight("dense.kernel").unwrap().to_owned();
    model
        .set_weight("dense.kernel", usual.mapv(|w| 1e-4 * w))
        .unwrap();
    let inspection = model.inspect(&batch).unwrap();
    assert!(
        inspection
            .remarks()
            .iter()
            .any(|r| r.starts_with("dense: a step changes")),
        "{}",
        inspection.to_text()
    );
    assert!(inspection.to_text().contains("one step of Adam (0.001)"));
    let kernel = model.weight("dense_1.kernel").unwrap().mapv(|_| f32::NAN);
    model.set_weight("dense_1.kernel", kernel).unwrap();
    let inspection = model.inspect(&batch).unwrap();
    assert!(
        inspection
            .remarks()
            .iter()
            .any(|r| r.starts_with("dense_1: its activations are not finite"))
    );
    assert!(!inspection.figure().unwrap().png.is_empty());
    assert_says(model.explain(&batch, 0, &batch), &["NaN"]);
}

#[test]
fn looking_changes_nothing() {
    let (model, batch) = (network(), sample().train.take(16));
    let before = bits(&model);
    model.inspect(&batch).unwrap();
    model.explain(&batch, 3, &sample().train).unwrap();
    assert_eq!(bits(&model), before);
}

/// What the network on the blackboard says before its softmax.
fn logits(model: &Sequential) -> textbook::Network {
    let (mut network, _) = blackboard(model);
    network.layers.pop();
    network
}

#[test]
fn what_mattered_is_the_gradient_of_the_logit_by_central_differences() {
    let (model, test) = (network(), &sample().test);
    let explanation = model.explain(test, 11, &sample().train).unwrap();
    let (network, x) = (logits(&model), inputs(&test.subset(&[11]).unwrap()));
    let class = usize::from(explanation.predicted);
    let moved = |at: usize, by: f64| {
        let mut x = x.clone();
        x[[0, at]] += by;
        network.predict(&x)[[0, class]]
    };
    let mut seen = 0.0_f64;
    for (pixel, found) in explanation.saliency.iter().enumerate().step_by(37) {
        let slope = |channel: usize| {
            (moved(3 * pixel + channel, 1e-5) - moved(3 * pixel + channel, -1e-5)) / 2e-5
        };
        let expected = (0..3)
            .map(|channel| slope(channel).abs())
            .fold(0.0, f64::max);
        assert!(
            (f64::from(*found) - expected).abs() < 1e-4 + 1e-3 * expected,
            "{pixel}: {found} {expected}"
        );
        seen = seen.max(expected);
    }
    assert!(
        seen > 1e-2,
        "the gradient must not be all but 0 where it is compared"
    );
    let probabilities = model.predict(&test.subset(&[11]).unwrap()).unwrap();
    assert_eq!(explanation.probabilities, probabilities.row(0).to_vec());
}

#[test]
fn the_nearest_images_are_those_of_a_plain_search() {
    let (model, cifar) = (network(), sample());
    // 700 images in another order than they are stored in, some of them twice: of equal ones the first comes first.
    let order: Vec<usize> = (0..700).map(|i| (i * 37) % 650).collect();
    let train = cifar.train.subset(&order).unwrap();
    for index in [0, 42, 499] {
        let image = cifar.test.image(index).unwrap();
        let distance = |other: usize| {
            norm(
                train
                    .image(other)
                    .unwrap()
                    .iter()
                    .zip(&image)
                    .map(|(a, b)| f64::from(*a) - f64::from(*b)),
            )
        };
        let mut all: Vec<(f64, usize)> = (0..700).map(|other| (distance(other), other)).collect();
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        let explanation = model.explain(&cifar.test, index, &train).unwrap();
        let found: Vec<usize> = explanation.nearest.iter().map(|near| near.0).collect();
        assert_eq!(
            found,
            all[..5].iter().map(|near| near.1).collect::<Vec<_>>()
        );
        for (near, (distance, at)) in explanation.nearest.iter().zip(&all) {
            close(near.1, *distance, 1e-12, "distance");
            assert_eq!(explanation.train.image(near.0), train.image(*at));
        }
    }
    let itself = model.explain(&cifar.train, 9, &cifar.train).unwrap();
    assert_eq!(itself.nearest[0], (9, 0.0));
    assert_eq!(
        model
            .explain(&cifar.test, 0, &cifar.train.take(2))
            .unwrap()
            .nearest
            .len(),
        2
    );
}

#[test]
fn an_explanation_says_what_it_shows() {
    let explanation = network()
        .explain(&sample().test, 4, &sample().train)
        .unwrap();
    let name = |class: u8| sample().test.class_names()[usize::from(class)].clone();
    let text = explanation.to_text();
    assert!(
        text.starts_with(&name(explanation.image.labels()[0])),
        "{text}"
    );
    let nearest = explanation.train.label(explanation.nearest[0].0).unwrap();
    let figure = explanation.figure().unwrap();
    let first = format!("training images: {} ", name(nearest));
    assert!(figure.alt.contains(&first), "{}", figure.alt);
    assert!(figure.size.0 <= 760);
}

#[test]
fn what_does_not_fit_is_named() {
    let (model, cifar) = (network(), sample());
    let names: Vec<String> = cifar.train.class_names().to_vec();
    let grey = Dataset::new(Array4::zeros((2, 28, 28, 1)), vec![0, 1], names).unwrap();
    let two = vec!["a".to_owned(), "b".to_owned()];
    let other_classes = Dataset::new(cifar.train.take(2).images(), vec![0, 1], two).unwrap();
    assert_says(model.inspect(&grey), &["[28, 28, 1]", "[32, 32, 3]"]);
    assert_says(model.inspect(&cifar.train.take(0)), &["no images"]);
    let many = cifar.train.subset(&vec![0; 1025]).unwrap();
    assert_says(
        model.inspect(&many),
        &["1,025 images", "1,024", ".take(64)"],
    );
    assert_says(model.inspect(&other_classes), &["last layer"]);
    assert_says(
        model.explain(&cifar.test, 500, &cifar.train),
        &["index", "500"],
    );
    assert_says(model.explain(&grey, 0, &cifar.train), &["[28, 28, 1]"]);
    assert_says(
        model.explain(&cifar.test, 0, &grey),
        &["training data", "28 x 28 x 1"],
    );
    assert_says(
        model.explain(&cifar.test, 0, &other_classes),
        &["training data", "2 classes"],
    );
    assert_says(
        model.explain(&cifar.test, 0, &cifar.train.take(0)),
        &["training data", "0 images"],
    );
    assert_says(
        model.explain(&other_classes, 0, &cifar.train),
        &["last layer"],
    );
    let linear = Sequential::new([32, 32, 3])
        .flatten()
        .dense(10, Activation::Linear)
        .build(Seed(0))
        .unwrap();
    assert_says(linear.inspect(&cifar.train.take(8)), &["softmax"]);
}
