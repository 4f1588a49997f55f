//! What the figures show is what `lab-core` computes, and what the blackboard says.

use lab_core::data::{Dataset, Normalization};
use lab_core::prelude::*;
use lab_lessons::playground::{BATCH, Playground, Point, network};
use lab_lessons::ten_layers::{self, INITIAL, Initial, LAYERS};
use lab_lessons::valley::{OPTIMIZERS, Valley};
use lab_lessons::{ACTIVATIONS, Lessons};
use lab_textbook::{self as textbook, Matrix, Rule};
use ndarray::Array4;

#[test]
fn paths_are_those_of_the_blackboards_optimizers() {
    let rules = [
        Rule::Sgd(0.0),
        Rule::Sgd(0.9),
        Rule::RmsProp(0.0),
        Rule::Adam,
    ];
    for (by, rule) in OPTIMIZERS.into_iter().zip(rules) {
        for (angle, rate) in [(0.0_f32, 0.02_f32), (45.0, 0.05)] {
            let valley = Valley { steep: 25.0, angle };
            let path = valley.descend(by(rate), [6.0, 8.0], 40).unwrap();
            assert_eq!(path.len(), 3 * 41);
            let (sin, cos) = f64::from(angle).to_radians().sin_cos();
            let turn = Matrix::from(vec![[cos, sin], [-sin, cos]]);
            let curvatures = Matrix::from(vec![[1.0, 0.0], [0.0, 25.0]]);
            let hessian = turn.t().dot(&curvatures).dot(&turn);
            let mut weights = Matrix::from(vec![[6.0, 8.0]]);
            let mut optimizer = textbook::Optimizer::new(rule, rate.into());
            for (step, found) in path.chunks(3).enumerate() {
                let gradient = weights.dot(&hessian);
                let loss = 0.5 * (&weights * &gradient).sum();
                for (found, expected) in found.iter().zip([weights[[0, 0]], weights[[0, 1]], loss])
                {
                    let apart = (f64::from(*found) - expected).abs();
                    let near = 1e-4 * expected.abs().max(0.01);
                    assert!(apart <= near, "{rule:?}, step {step}: {found}, {expected}");
                }
                optimizer.update(&mut weights, &gradient);
            }
        }
    }
}

#[test]
fn a_rate_above_the_limit_ends_a_path_before_it_is_infinite() {
    let valley = Valley {
        steep: 25.0,
        angle: 0.0,
    };
    let path = |rate| {
        let path = valley.descend(Sgd::new(rate).into(), [10.0, 1.0], 300);
        path.unwrap()
    };
    let last = |path: &[f32]| path[path.len() - 1];
    assert!(last(&path(0.079)) < 1e-3 && last(&path(0.081)) > 1e3);
    let short = path(10.0);
    assert!(short.len() < 3 * 300 && short.iter().all(|number| number.is_finite()));
}

/// The root mean squares that a page shows, as the blackboard has them.
fn on_the_blackboard(of: &Sequential, seed: Seed, activation: textbook::Activation) -> Vec<f64> {
    let names = of.weight_names().filter(|name| name.ends_with("kernel"));
    let kernel = |name| of.weight(name).unwrap().into_dimensionality().unwrap();
    let kernels: Vec<Matrix> = names.map(|name| kernel(name).mapv(f64::from)).collect();
    let [mut signal, mut gradient] = ten_layers::ends(seed).unwrap().map(|it| it.mapv(f64::from));
    let size = |values: &Matrix| values.pow2().mean().unwrap().sqrt();
    let (mut before, mut sizes, mut backward) = (vec![], vec![], vec![]);
    for kernel in &kernels {
        before.push(signal.dot(kernel));
        signal = activation.forward(&before[before.len() - 1]);
        sizes.push(size(&signal));
    }
    for (kernel, z) in kernels.iter().zip(&before).rev() {
        let own = activation.backward(z, &gradient);
        backward.push(size(&own));
        gradient = own.dot(&kernel.t());
    }
    sizes.extend(backward.into_iter().rev());
    sizes
}

#[test]
fn signals_and_gradients_are_those_of_the_blackboard() {
    use textbook::Activation as Blackboard;
    let same = [
        Blackboard::Linear,
        Blackboard::Relu,
        Blackboard::Elu,
        Blackboard::Gelu,
        Blackboard::Tanh,
        Blackboard::Sigmoid,
    ];
    for (activation, same) in ACTIVATIONS.into_iter().zip(same) {
        for (initial, scale) in [(&INITIAL[2], 1.0), (&INITIAL[3], 0.7), (&INITIAL[3], 1.3)] {
            let found = ten_layers::pass(activation, initial, scale, Seed(3)).unwrap();
            assert_eq!(found.len(), 2 * LAYERS * (1 + 16 * 128));
            let model = ten_layers::network(activation, initial, scale, Seed(3)).unwrap();
            let expected = on_the_blackboard(&model, Seed(3), same);
            for (layer, (&found, expected)) in found.iter().zip(expected).enumerate() {
                let apart = (f64::from(found) / expected - 1.0).abs();
                assert!(apart < 1e-4, "{activation:?}, {layer}: {found}, {expected}");
            }
        }
    }
    let [inputs, gradient] = ten_layers::ends(Seed(0)).unwrap();
    for end in [&inputs, &gradient] {
        assert!(end.mean().unwrap().abs() < 0.05 && (end.std(0.0) - 1.0).abs() < 0.05);
    }
    assert!((&inputs * &gradient).mean().unwrap().abs() < 0.05);
}

#[test]
fn what_notebook_2_says_of_initial_weights_can_be_seen() {
    let pass = |activation, initial: &Initial| {
        ten_layers::pass(activation, initial, 1.0, Seed(0)).unwrap()
    };
    let [zeros, ones, glorot, he] = [0, 1, 2, 3].map(|at| pass(Activation::Relu, &INITIAL[at]));
    assert!(zeros[..2 * LAYERS].iter().all(|size| *size == 0.0));
    assert!(ones[9] / ones[0] > 1e15 && ones[10] > 1e15);
    // Each layer of ReLU keeps half of the mean square of Glorot's signal, and all of He's.
    let [glorot, he] = [glorot, he].map(|sizes| sizes[9] / sizes[0]);
    assert!((0.02..0.1).contains(&glorot) && (0.5..2.0).contains(&he));
    let sigmoid = pass(Activation::Sigmoid, &INITIAL[2]);
    assert!(sigmoid[10] < 1e-4 * sigmoid[19] && sigmoid[0] > 0.4);
}

/// Two rings of points, one within the other.
fn rings(count: usize) -> Vec<Point> {
    let point = |at: usize| {
        let (angle, radius) = (at as f64 * 0.7, [40.0, 100.0][at % 2]);
        let place = |part: f64| (128.0 + radius * part) as u8;
        [place(angle.cos()), place(angle.sin()), (at % 2) as u8]
    };
    (0..count).map(point).collect()
}

fn begin(layers: usize, activation: Activation, rate: f32, points: Vec<Point>) -> Playground {
    let mut page = Playground::new(network(layers, 8, activation), rate, Seed(5)).unwrap();
    page.points = points;
    page
}

#[test]
fn a_training_in_a_page_is_fit_to_the_bit() {
    let points = rings(75);
    let pixels = Array4::from_shape_fn((75, 1, 1, 2), |(at, .., axis)| points[at][axis]);
    let labels = points.iter().map(|point| point[2]).collect();
    let data = Dataset::new(pixels, labels, vec!["inner".into(), "outer".into()]).unwrap();
    let normalization = Normalization::new(vec![0.5; 2], vec![0.25; 2]).unwrap();
    let data = data.with_normalization(normalization).unwrap();
    for (layers, activation) in [
        (0, Activation::Relu),
        (1, Activation::Tanh),
        (2, Activation::Elu),
    ] {
        let mut page = begin(layers, activation, 0.01, points.clone());
        // In two parts, as a page does.
        let mut found = page.train(7).unwrap();
        found.extend(page.train(13).unwrap());

        let plan = Sequential::new([1, 1, 2]).flatten();
        let plan = (0..layers).fold(plan, |plan, _| plan.dense(8, activation));
        let plan = plan.dense(2, Activation::Softmax);
        let mut model = plan.build(Seed(5)).unwrap();
        let trainer = Trainer::new(Loss::CategoricalCrossentropy, Adam::new(0.01));
        let trainer = trainer.epochs(20).batch_size(BATCH).seed(Seed(5));
        let history = trainer.progress(Silent).fit(&mut model, &data, None);
        for (found, epoch) in found.chunks(2).zip(history.unwrap().epochs) {
            let expected = [epoch.loss as f32, epoch.accuracy as f32];
            assert_eq!(found, expected, "{layers} layers, epoch {}", epoch.epoch);
        }
        let centres = ndarray::array![[-4.0 / 3.0, -4.0 / 3.0], [0.0, 0.0]];
        let expected = {
            let mut plain = network(layers, 8, activation).build(Seed(5)).unwrap();
            for name in model.weight_names() {
                let weight = model.weight(name).unwrap().to_owned();
                plain.set_weight(name, weight).unwrap();
            }
            plain.predict(&centres).unwrap()
        };
        let surface = page.units(layers, 3).unwrap();
        assert_eq!(surface.len(), 9 * 2);
        // The centres are whole bytes, and so a little off.
        assert!((surface[1] - expected[[0, 1]]).abs() < 0.02);
        assert!((surface[2 * 4 + 1] - expected[[1, 1]]).abs() < 0.02);
    }
}

#[test]
fn rings_need_a_hidden_layer() {
    let train = |layers| {
        let mut page = begin(layers, Activation::Tanh, 0.02, rings(100));
        let history = page.train(150).unwrap();
        let surface = page.units(layers, 16).unwrap();
        let outer = |place: usize| surface[2 * place + 1];
        (history[history.len() - 1], outer(8 * 16 + 8), outer(0))
    };
    assert!(train(0).0 < 0.75);
    let (accuracy, middle, corner) = train(1);
    assert!(accuracy > 0.95 && middle < 0.2 && corner > 0.8);
}

#[test]
fn a_page_asks_by_numbers_and_nonsense_has_no_answer() {
    let mut lessons = Lessons::default();
    for nothing in ["train", "units", "points", "else"] {
        assert_eq!(lessons.answer(nothing, &[1.0, 1.0, 0.0]), None);
    }
    for (question, numbers) in [
        ("valley", &[9.0, 0.1, 25.0, 0.0, 1.0, 1.0, 5.0][..]),
        ("valley", &[0.0, 0.1]),
        ("layers", &[9.0, 0.0, 1.0, 0.0]),
        ("layers", &[1.0, 4.0, 1.0, 0.0]),
    ] {
        assert_eq!(lessons.answer(question, numbers), None);
    }
    let begun = lessons.answer("begin", &[1.0, 4.0, 1.0, 0.01, 0.0]);
    assert_eq!(begun, Some(vec![]));
    assert!(lessons.answer("train", &[1.0]).unwrap()[0].is_nan());
    let points = [10.0, 10.0, 0.0, 200.0, 200.0, 1.0];
    assert_eq!(lessons.answer("points", &points), Some(vec![]));
    assert_eq!(lessons.answer("train", &[5.0]).unwrap().len(), 10);
    assert_eq!(lessons.answer("units", &[0.0, 4.0]).unwrap().len(), 64);
    assert_eq!(
        lessons.answer("points", &[1.0, 1.0, 2.0]).map(|_| ()),
        Some(())
    );
    assert_eq!(lessons.answer("train", &[1.0]), None);
}
