//! The textbook's gradients against central differences, and the check itself against gradients that are wrong.

use lab_textbook::*;
use ndarray::{Array1, array, concatenate, prelude::*};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

const LIMIT: f64 = 1e-7;
const SHAPES: [(usize, usize); 5] = [(1, 1), (1, 7), (2, 3), (5, 10), (17, 4)];
const ACTIVATIONS: [Activation; 8] = [
    Activation::Linear,
    Activation::Relu,
    Activation::LeakyRelu,
    Activation::Elu,
    Activation::Gelu,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Softmax,
];

/// Numbers in ±3, all at least 0.01 from zero, where the kinks are.
fn random(generator: &mut ChaCha8Rng, shape: (usize, usize)) -> Matrix {
    Matrix::from_shape_simple_fn(shape, || {
        let size = generator.random_range(0.01..3.0);
        if generator.random_bool(0.5) {
            size
        } else {
            -size
        }
    })
}

/// Rows of probabilities, some of them exactly 0.
fn distributions(generator: &mut ChaCha8Rng, shape: (usize, usize)) -> Matrix {
    let mut y =
        Matrix::from_shape_simple_fn(shape, || generator.random_range(-0.5..1.0_f64).max(0.0));
    for mut row in y.outer_iter_mut() {
        row[generator.random_range(0..shape.1)] += 0.5;
        row /= row.sum();
    }
    y
}

fn cases() -> impl Iterator<Item = ((usize, usize), ChaCha8Rng)> {
    (0..4).flat_map(|seed| SHAPES.map(|shape| (shape, ChaCha8Rng::seed_from_u64(seed))))
}

fn check(what: impl std::fmt::Debug, f: impl Fn(&Matrix) -> f64, x: &Matrix, analytic: &Matrix) {
    let error = gradient_check(f, x, analytic);
    assert!(error < LIMIT, "{what:?} at {:?}: {error:e}", x.dim());
    println!("counted: 1 gradients");
}

/// ⟨g, y⟩: a loss of y whose gradient is g.
fn dot(g: &Matrix, y: &Matrix) -> f64 {
    assert_eq!(g.dim(), y.dim());
    (g * y).sum()
}

#[test]
fn every_activation_has_the_gradient_of_its_forward() {
    for (shape, mut generator) in cases() {
        for activation in ACTIVATIONS {
            let (z, g) = (random(&mut generator, shape), random(&mut generator, shape));
            let dz = activation.backward(&z, &g);
            if (activation, shape.1) == (Activation::Softmax, 1) {
                assert!(
                    dz.iter().all(|&d| d == 0.0),
                    "the softmax of one number is constant"
                );
            } else {
                assert!(dz.iter().any(|&d| d != 0.0) || activation == Activation::Relu);
                check(activation, |z| dot(&g, &activation.forward(z)), &z, &dz);
            }
        }
    }
}

#[test]
fn activations_hold_at_the_ends_of_the_scale() {
    let z = array![[-800.0, 800.0]];
    for (activation, expected) in [
        (Activation::Elu, array![[-1.0, 800.0]]),
        (Activation::Gelu, array![[0.0, 800.0]]),
        (Activation::Sigmoid, array![[0.0, 1.0]]),
        (Activation::Tanh, array![[-1.0, 1.0]]),
        (Activation::Softmax, array![[0.0, 1.0]]),
    ] {
        assert_eq!(activation.forward(&z), expected, "{activation:?}");
        assert!(
            activation
                .backward(&z, &Matrix::ones((1, 2)))
                .iter()
                .all(|d| d.is_finite()),
            "{activation:?}"
        );
    }
}

#[test]
fn dense_has_the_gradients_of_its_forward_and_of_its_penalty() {
    for ((n, m), mut generator) in cases() {
        let (kernel, bias) = (
            random(&mut generator, (n, m)),
            random(&mut generator, (1, m)),
        );
        let dense = Dense {
            kernel,
            bias,
            l2: 0.03,
        };
        for batch in [1, 6] {
            let (x, g) = (
                random(&mut generator, (batch, n)),
                random(&mut generator, (batch, m)),
            );
            let (dx, parameters) = dense.backward(&x, &g);
            check("x", |x| dot(&g, &dense.forward(x)), &x, &dx);
            let with_kernel = |kernel: &Matrix| {
                let dense = Dense {
                    kernel: kernel.clone(),
                    ..dense.clone()
                };
                let z = dense.forward(&x);
                dot(&g, &z)
                    + Network {
                        layers: vec![Layer::Dense(dense)],
                    }
                    .penalty()
            };
            check("kernel", with_kernel, &dense.kernel, &parameters[0]);
            let with_bias = |bias: &Matrix| {
                dot(
                    &g,
                    &Dense {
                        bias: bias.clone(),
                        ..dense.clone()
                    }
                    .forward(&x),
                )
            };
            check("bias", with_bias, &dense.bias, &parameters[1]);
        }
    }
}

#[test]
fn glorot_uniform_fills_its_interval_and_nothing_else() {
    let mut generator = ChaCha8Rng::seed_from_u64(0);
    let dense = Dense::glorot_uniform(200, 100, || generator.random());
    let limit = (6.0_f64 / 300.0).sqrt();
    assert!(dense.kernel.iter().all(|w| w.abs() <= limit));
    assert!((dense.kernel.std(0.0) / (limit / 3.0_f64.sqrt()) - 1.0).abs() < 0.02);
    assert!(dense.kernel.sum().abs() / 20_000.0 < 0.01 * limit);
    assert_eq!(dense.bias, Matrix::zeros((1, 100)));
}

#[test]
fn dropout_is_its_own_gradient() {
    for (shape, mut generator) in cases() {
        let (x, g) = (random(&mut generator, shape), random(&mut generator, shape));
        let mask =
            Matrix::from_shape_simple_fn(shape, || f64::from(u8::from(generator.random_bool(0.7))));
        check(
            "x",
            |x| dot(&g, &dropout(x, &mask, 0.3)),
            &x,
            &dropout(&g, &mask, 0.3),
        );
    }
    let kept = dropout(&array![[7.0, 7.0]], &array![[1.0, 0.0]], 0.3);
    assert!(
        (&kept - array![[10.0, 0.0]])
            .iter()
            .all(|d| d.abs() < 1e-12)
    );
}

#[test]
fn batch_normalization_has_the_gradients_of_its_forward_in_both_modes() {
    for (shape, mut generator) in cases() {
        let mut one_row = |n| random(&mut generator, (1, n));
        let norm = BatchNorm {
            gamma: one_row(shape.1),
            beta: one_row(shape.1),
            moving_mean: one_row(shape.1),
            moving_variance: one_row(shape.1).abs(),
        };
        let (x, g) = (random(&mut generator, shape), random(&mut generator, shape));
        for training in [true, false] {
            let (dx, parameters) = norm.backward(&x, &g, training);
            if (training, shape.0) == (true, 1) {
                assert!(
                    dx.iter().chain(&parameters[0]).all(|&d| d == 0.0),
                    "one sample less its mean is nothing"
                );
            } else {
                // Of two samples x̂ is about ±1 wherever they lie: with ⟨g, x⟩ added the gradient is not close to 0.
                let linear = if shape.0 == 2 { 1.0 } else { 0.0 };
                let f = |x: &Matrix| dot(&g, &norm.forward(x, training)) + linear * dot(&g, x);
                check(("x", training), f, &x, &(dx + linear * &g));
                let with_gamma = |gamma: &Matrix| {
                    dot(
                        &g,
                        &BatchNorm {
                            gamma: gamma.clone(),
                            ..norm.clone()
                        }
                        .forward(&x, training),
                    )
                };
                check(("gamma", training), with_gamma, &norm.gamma, &parameters[0]);
            }
            let with_beta = |beta: &Matrix| {
                dot(
                    &g,
                    &BatchNorm {
                        beta: beta.clone(),
                        ..norm.clone()
                    }
                    .forward(&x, training),
                )
            };
            check(("beta", training), with_beta, &norm.beta, &parameters[1]);
        }
    }
}

/// Images, windows, strides, padding: with windows that overlap, leave pixels out, and reach over two edges at once.
const WINDOWS: [([usize; 3], [usize; 2], usize, bool); 9] = [
    ([3, 3, 1], [3, 3], 1, false),
    ([4, 5, 2], [3, 3], 1, true),
    ([5, 4, 3], [2, 2], 1, false),
    ([5, 4, 3], [2, 2], 2, true),
    ([4, 4, 2], [2, 2], 2, false),
    ([2, 3, 2], [4, 5], 1, true),
    ([6, 5, 1], [3, 2], 2, true),
    ([6, 7, 2], [1, 1], 3, true),
    ([5, 5, 2], [3, 3], 2, false),
];

fn windows() -> impl Iterator<Item = (Windows, ChaCha8Rng)> {
    let windows = WINDOWS.map(|(image, size, stride, same)| Windows {
        image,
        size,
        stride,
        same,
    });
    (0..3).flat_map(move |seed| windows.map(|it| (it, ChaCha8Rng::seed_from_u64(seed))))
}

#[test]
fn convolution_has_the_gradients_of_its_forward_and_of_its_penalty() {
    for (windows, mut generator) in windows() {
        let ([height, width, channels], filters) = (windows.image, 3);
        let taps = windows.size[0] * windows.size[1] * channels;
        let conv = Conv2d {
            windows,
            kernel: random(&mut generator, (taps, filters)),
            bias: random(&mut generator, (1, filters)),
            l2: 0.03,
        };
        let outputs = windows.output()[0] * windows.output()[1] * filters;
        for batch in [1, 3] {
            let x = random(&mut generator, (batch, height * width * channels));
            let g = random(&mut generator, (batch, outputs));
            let (dx, parameters) = conv.backward(&x, &g);
            check(windows, |x| dot(&g, &conv.forward(x)), &x, &dx);
            for which in 0..2 {
                let f = |changed: &Matrix| {
                    let mut conv = conv.clone();
                    *[&mut conv.kernel, &mut conv.bias][which] = changed.clone();
                    let layers = vec![Layer::Conv2d(conv)];
                    let network = Network { layers };
                    dot(&g, &network.predict(&x)) + network.penalty()
                };
                let parameter = [&conv.kernel, &conv.bias][which];
                check((windows, which), f, parameter, &parameters[which]);
            }
        }
    }
}

#[test]
fn a_convolution_with_windows_of_one_pixel_or_of_the_whole_image_is_a_dense_layer() {
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let kernel = random(&mut generator, (24, 5));
    let bias = random(&mut generator, (1, 5));
    let x = random(&mut generator, (7, 24));
    let l2 = 0.0;
    let dense = Dense { kernel, bias, l2 };
    for (image, size) in [([4, 3, 2], [4, 3]), ([1, 1, 24], [1, 1])] {
        let windows = Windows {
            image,
            size,
            stride: 1,
            same: false,
        };
        let Dense { kernel, bias, l2 } = dense.clone();
        let conv = Conv2d {
            windows,
            kernel,
            bias,
            l2,
        };
        assert!(
            (conv.forward(&x) - dense.forward(&x))
                .iter()
                .all(|d| d.abs() < 1e-12)
        );
    }
}

#[test]
fn pooling_has_the_gradient_of_its_forward() {
    for (windows, mut generator) in windows() {
        let [height, width, channels] = windows.image;
        let outputs = windows.output()[0] * windows.output()[1] * channels;
        for (max, batch) in [(false, 1), (false, 2), (true, 1), (true, 2)] {
            let pooling = Pooling2d { windows, max };
            // All different, so that no step changes which is the greatest.
            let x = random(&mut generator, (batch, height * width * channels));
            let x = &x + Matrix::from_shape_fn(x.dim(), |(i, j)| 7.0 * ((i + 5 * j) % 11) as f64);
            let g = random(&mut generator, (batch, outputs));
            let dx = pooling.backward(&x, &g);
            check((windows, max), |x| dot(&g, &pooling.forward(x)), &x, &dx);
        }
    }
}

#[test]
fn pooling_takes_the_maximum_or_the_mean_of_what_lies_inside_of_the_image() {
    let x = array![[1.0, 2.0, 3.0, 4.0, 5.0, 9.0]];
    let windows = Windows {
        image: [2, 3, 1],
        size: [2, 2],
        stride: 2,
        same: true,
    };
    let pool = |max| Pooling2d { windows, max };
    assert_eq!(pool(true).forward(&x), array![[5.0, 9.0]]);
    assert_eq!(pool(false).forward(&x), array![[3.0, 6.0]]);
    // Of equal numbers the first gets the gradient.
    let dx = pool(true).backward(&Matrix::zeros((1, 6)), &array![[1.0, 2.0]]);
    assert_eq!(dx, array![[1.0, 0.0, 2.0, 0.0, 0.0, 0.0]]);
}

#[test]
fn batch_normalization_of_channels_takes_every_pixel_for_a_sample() {
    let mut generator = ChaCha8Rng::seed_from_u64(2);
    let (x, g) = (
        random(&mut generator, (3, 20)),
        random(&mut generator, (3, 20)),
    );
    let pixels = |x: &Matrix| x.to_shape((12, 5)).unwrap().into_owned();
    let mut norm = BatchNorm {
        gamma: random(&mut generator, (1, 5)),
        ..BatchNorm::new(5)
    };
    assert_eq!(
        pixels(&norm.forward(&x, true)),
        norm.forward(&pixels(&x), true)
    );
    let (dx, parameters) = norm.backward(&x, &g, true);
    let (wanted, alike) = norm.backward(&pixels(&x), &pixels(&g), true);
    assert_eq!((pixels(&dx), parameters), (wanted, alike));
    let mut other = norm.clone();
    norm.update_moving(&x);
    other.update_moving(&pixels(&x));
    assert_eq!(norm, other);
}

#[test]
fn layer_normalization_has_the_gradients_of_its_forward() {
    for ((samples, n), mut generator) in cases() {
        let norm = LayerNorm {
            gamma: random(&mut generator, (1, n)),
            beta: random(&mut generator, (1, n)),
        };
        // Vectors, and images of two pixels.
        for pixels in [1, 2] {
            let shape = (samples, pixels * n);
            let (x, g) = (random(&mut generator, shape), random(&mut generator, shape));
            let (dx, parameters) = norm.backward(&x, &g);
            // One feature less its mean is nothing; of two, x̂ is about ±1 wherever they lie, so that the gradient is
            // nearly 0 unless ⟨g, x⟩ is added.
            let f = |x: &Matrix| dot(&g, &norm.forward(x)) + dot(&g, x);
            check("x", f, &x, &(dx + &g));
            for (which, parameter) in [&norm.gamma, &norm.beta].into_iter().enumerate() {
                let f = |changed: &Matrix| {
                    let mut norm = norm.clone();
                    *[&mut norm.gamma, &mut norm.beta][which] = changed.clone();
                    dot(&g, &norm.forward(&x))
                };
                check(which, f, parameter, &parameters[which]);
            }
        }
    }
    let norm = LayerNorm {
        gamma: array![[1.0, 1.0]],
        beta: array![[0.0, 0.0]],
    };
    let expected = 1.0 / 1.001_f64.sqrt();
    assert_eq!(
        norm.forward(&array![[4.0, 6.0]]),
        array![[-expected, expected]]
    );
}

#[test]
fn a_network_of_images_has_the_gradients_of_its_loss() {
    for (n, training) in [(2, true), (5, true), (3, false)] {
        let generator = &mut ChaCha8Rng::seed_from_u64(n as u64);
        let mut conv = |image: [usize; 3], size, filters, l2| {
            let windows = Windows {
                image,
                size: [size, size],
                stride: 1,
                same: true,
            };
            Layer::Conv2d(Conv2d {
                windows,
                kernel: 0.3 * random(generator, (size * size * image[2], filters)),
                bias: 0.1 * random(generator, (1, filters)),
                l2,
            })
        };
        let block = Network {
            layers: vec![
                conv([2, 3, 4], 3, 4, 0.01),
                Layer::BatchNorm(BatchNorm::new(4)),
                Layer::Activation(Activation::Gelu),
            ],
        };
        let pool = |image: [usize; 3], size, max| {
            let (stride, same, size) = (2, true, [size, size]);
            let windows = Windows {
                image,
                size,
                stride,
                same,
            };
            Layer::Pooling2d(Pooling2d { windows, max })
        };
        let layers = vec![
            conv([4, 5, 2], 2, 4, 0.02),
            pool([4, 5, 4], 2, true),
            Layer::Residual(block),
            Layer::LayerNorm(LayerNorm {
                gamma: array![[0.5, 1.0, 1.5, -1.0]],
                beta: array![[0.1, 0.2, -0.3, 0.0]],
            }),
            pool([2, 3, 4], 3, false),
        ];
        let network = Network { layers };
        let (x, y) = (random(generator, (n, 40)), distributions(generator, (n, 8)));
        let loss = |z: &Matrix| mean(categorical_crossentropy(z, &y), None);
        let value = |network: &Network, x: &Matrix| {
            loss(&network.forward(x, training)[5]).0 + network.penalty()
        };
        let inputs = network.forward(&x, training);
        let (dx, gradients) = network.backward(&inputs, loss(&inputs[5]).1, training);
        check("x", |x| value(&network, x), &x, &dx);
        assert_eq!(gradients.len(), 8);
        for (k, gradient) in gradients.iter().enumerate() {
            let mut network = network.clone();
            let parameter = network.parameters_mut()[k].clone();
            let with_parameter = |changed: &Matrix| {
                let mut network = network.clone();
                network.parameters_mut()[k].assign(changed);
                value(&network, &x)
            };
            // The bias before a batch normalization has no gradient of its own.
            if (k, training) != (3, true) {
                check((k, training), with_parameter, &parameter, gradient);
            }
        }
        // The moving averages inside of the block move.
        let before = network.clone();
        let mut after = network;
        after.loss_and_gradients(&x, loss);
        assert_ne!(after, before);
    }
}

#[test]
fn moving_averages_go_a_hundredth_of_the_way() {
    let mut norm = BatchNorm::new(1);
    norm.update_moving(&array![[1.0], [3.0], [5.0]]);
    assert!((norm.moving_mean[[0, 0]] - 0.03).abs() < 1e-15);
    assert!((norm.moving_variance[[0, 0]] - (0.99 + 0.01 * 8.0 / 3.0)).abs() < 1e-15);
}

#[test]
fn every_loss_has_the_gradient_of_its_value() {
    for (shape, mut generator) in cases() {
        let z = random(&mut generator, shape);
        let y = distributions(&mut generator, shape);
        let labels: Vec<usize> = (0..shape.0)
            .map(|_| generator.random_range(0..shape.1))
            .collect();
        let smooth = smooth_labels(&one_hot(&labels, shape.1), 0.1);
        let not_normalized = random(&mut generator, shape);
        let weights: Array1<f64> = (0..shape.0)
            .map(|_| generator.random_range(0.0..2.0))
            .collect();
        type Loss<'a> = (&'a str, Box<dyn Fn(&Matrix) -> PerSample + 'a>);
        let losses: [Loss; 6] = [
            ("categorical", Box::new(|z| categorical_crossentropy(z, &y))),
            (
                "not normalized",
                Box::new(|z| categorical_crossentropy(z, &not_normalized)),
            ),
            (
                "smoothed",
                Box::new(|z| categorical_crossentropy(z, &smooth)),
            ),
            (
                "sparse",
                Box::new(|z| sparse_categorical_crossentropy(z, &labels)),
            ),
            ("Kullback-Leibler", Box::new(|z| kl_divergence(z, &y))),
            ("squared", Box::new(|z| mean_squared_error(z, &y))),
        ];
        for (name, loss) in losses {
            for weights in [None, Some(&weights)] {
                let (_, dz) = mean(loss(&z), weights);
                if shape.1 > 1 || name == "squared" {
                    assert!(dz.iter().any(|d| d.abs() > 1e-6), "{name}");
                    check(name, |z| mean(loss(z), weights).0, &z, &dz);
                } else {
                    assert!(
                        dz.iter().all(|d| d.abs() < 1e-12),
                        "{name}: one class is always right"
                    );
                }
            }
        }
    }
}

#[test]
fn losses_have_the_values_of_their_definitions() {
    let (z, y): (Matrix, Matrix) = (
        array![[1.0, 2.0, -1.0], [0.5, 0.0, 0.0]],
        array![[0.2, 0.8, 0.0], [0.0, 0.0, 1.0]],
    );
    let p: Matrix = z.exp() / z.exp().sum_axis(Axis(1)).insert_axis(Axis(1));
    let close = |a: &Array1<f64>, b: [f64; 2]| {
        assert!(
            a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-14),
            "{a} {b:?}"
        )
    };
    let entropy = -(0.2 * p[[0, 0]].ln() + 0.8 * p[[0, 1]].ln());
    close(
        &categorical_crossentropy(&z, &y).0,
        [entropy, -p[[1, 2]].ln()],
    );
    close(
        &sparse_categorical_crossentropy(&z, &[1, 2]).0,
        [-p[[0, 1]].ln(), -p[[1, 2]].ln()],
    );
    let own = 0.2 * 0.2_f64.ln() + 0.8 * 0.8_f64.ln();
    close(&kl_divergence(&z, &y).0, [own + entropy, -p[[1, 2]].ln()]);
    close(
        &mean_squared_error(&z, &y).0,
        [(0.64 + 1.44 + 1.0) / 3.0, (0.25 + 0.0 + 1.0) / 3.0],
    );
    let far = categorical_crossentropy(&array![[1e4, -1e4]], &array![[0.0, 1.0]]);
    assert_eq!(far, (array![2e4], array![[1.0, -1.0]]));
}

/// Two hidden layers with everything in them, for a batch of `n` samples of 6 numbers and 4 classes.
fn everything(
    generator: &mut ChaCha8Rng,
    n: usize,
    activation: Activation,
    last: Activation,
) -> Network {
    let mut dense = |inputs, outputs, l2| {
        let bias = 0.1 * random(generator, (1, outputs));
        Layer::Dense(Dense {
            l2,
            bias,
            ..Dense::glorot_uniform(inputs, outputs, || generator.random())
        })
    };
    let layers = [dense(6, 9, 0.01), dense(9, 5, 0.0), dense(5, 4, 0.02)];
    let mut mask = |width| {
        Matrix::from_shape_simple_fn((n, width), || {
            f64::from(u8::from(generator.random_bool(0.6)))
        })
    };
    let dropouts = [Layer::Dropout(0.4, mask(9)), Layer::Dropout(0.3, mask(5))];
    let ([first, second, third], [drop_first, drop_second]) = (layers, dropouts);
    let layers = vec![
        first,
        Layer::Activation(activation),
        drop_first,
        second,
        Layer::BatchNorm(BatchNorm::new(5)),
        Layer::Activation(activation),
        drop_second,
        third,
        Layer::Activation(last),
    ];
    Network { layers }
}

/// Whether a step of 1e-5 could carry one of the sums over the kink of its activation.
fn near_a_kink(network: &Network, x: &Matrix, training: bool) -> bool {
    let inputs = network.forward(x, training);
    let sums = network
        .layers
        .iter()
        .zip(&inputs)
        .filter(|(layer, _)| matches!(layer, Layer::Activation(_)));
    sums.into_iter()
        .any(|(_, z)| z.iter().any(|z| z.abs() < 1e-3))
}

#[test]
fn a_whole_network_has_the_gradients_of_its_loss() {
    let mut checked = 0;
    for seed in 0..6 {
        for activation in ACTIVATIONS {
            for (n, training) in [(1, false), (1, true), (4, true), (9, true), (9, false)] {
                let generator = &mut ChaCha8Rng::seed_from_u64(seed);
                let squared = seed % 2 == 1;
                let last = if squared {
                    Activation::Softmax
                } else {
                    Activation::Linear
                };
                let network = everything(generator, n, activation, last);
                let y = distributions(generator, (n, 4));
                let loss = |outputs: &Matrix| match squared {
                    true => mean(mean_squared_error(outputs, &y), None),
                    false => mean(categorical_crossentropy(outputs, &y), None),
                };
                let mut x = random(generator, (n, 6));
                while near_a_kink(&network, &x, training) && !(n == 1 && training) {
                    x = random(generator, (n, 6));
                }
                let value = |network: &Network, x: &Matrix| {
                    loss(&network.forward(x, training)[network.layers.len()]).0 + network.penalty()
                };
                let inputs = network.forward(&x, training);
                let (dx, gradients) = network.backward(&inputs, loss(&inputs[9]).1, training);
                if n == 1 && training {
                    // Batch normalization of one sample gives β, here 0, whatever x is.
                    assert!(dx.iter().all(|&d| d == 0.0));
                    continue;
                }
                let name = (activation, last, n, training);
                check((name, "x"), |x| value(&network, x), &x, &dx);

                // All parameters as one row: the bias before a batch normalization has no gradient of its own to compare.
                let row = |matrices: Vec<&Matrix>| {
                    let parts: Vec<_> = matrices
                        .iter()
                        .map(|m| m.flatten().insert_axis(Axis(0)))
                        .collect();
                    concatenate(
                        Axis(1),
                        &parts.iter().map(|part| part.view()).collect::<Vec<_>>(),
                    )
                    .unwrap()
                };
                let parameters = row(network
                    .clone()
                    .parameters_mut()
                    .into_iter()
                    .map(|p| &*p)
                    .collect());
                let with_parameters = |row: &Matrix| {
                    let (mut network, mut rest) = (network.clone(), row.iter());
                    for parameter in network.parameters_mut() {
                        parameter
                            .iter_mut()
                            .zip(&mut rest)
                            .for_each(|(p, value)| *p = *value);
                    }
                    value(&network, &x)
                };
                assert_eq!(with_parameters(&parameters), value(&network, &x));
                check(
                    (name, "all"),
                    with_parameters,
                    &parameters,
                    &row(gradients.iter().collect()),
                );

                // Each one alone.
                for (k, gradient) in gradients.iter().enumerate() {
                    let parameter = network.clone().parameters_mut()[k].clone();
                    let with_parameter = |changed: &Matrix| {
                        let mut network = network.clone();
                        network.parameters_mut()[k].assign(changed);
                        value(&network, &x)
                    };
                    if gradient.iter().any(|d| d.abs() > 1e-4) {
                        check((name, k), with_parameter, &parameter, gradient);
                        checked += 1;
                    }
                }
            }
        }
    }
    assert!(
        checked > 800,
        "only {checked} gradients were large enough to compare"
    );
}

#[test]
fn loss_and_gradients_is_forward_loss_and_backward_and_moves_the_averages() {
    let generator = &mut ChaCha8Rng::seed_from_u64(7);
    let mut network = everything(generator, 5, Activation::Elu, Activation::Linear);
    let (x, y) = (random(generator, (5, 6)), distributions(generator, (5, 4)));
    let loss = |z: &Matrix| mean(kl_divergence(z, &y), None);
    let before = network.clone();
    let inputs = before.forward(&x, true);
    let (value, gradients) = network.loss_and_gradients(&x, loss);
    assert_eq!(value, loss(&inputs[9]).0 + before.penalty());
    assert_eq!(
        gradients,
        before.backward(&inputs, loss(&inputs[9]).1, true).1
    );
    let Layer::BatchNorm(norm) = &network.layers[4] else {
        panic!("the fifth layer is the batch normalization")
    };
    let mut expected = BatchNorm::new(5);
    expected.update_moving(&inputs[4]);
    assert_eq!(norm, &expected);
    assert_ne!(
        network.predict(&x),
        before.predict(&x),
        "the averages are what predictions are made with"
    );
}

#[test]
fn a_wrong_gradient_is_found() {
    let generator = &mut ChaCha8Rng::seed_from_u64(3);
    let (z, g) = (random(generator, (5, 10)), random(generator, (5, 10)));
    let y = distributions(generator, (5, 10));
    for activation in ACTIVATIONS {
        let f = |z: &Matrix| dot(&g, &activation.forward(z));
        let right = activation.backward(&z, &g);
        let mut one_wrong = right.clone();
        one_wrong[[2, 3]] += 0.1 * right.pow2().sum().sqrt();
        for wrong in [&right * 1.01, -&right, one_wrong, Matrix::zeros((5, 10))] {
            assert!(gradient_check(f, &z, &wrong) > 1e-3, "{activation:?}");
        }
    }
    let f = |z: &Matrix| mean(categorical_crossentropy(z, &y), None).0;
    let not_averaged = categorical_crossentropy(&z, &y).1;
    assert!(gradient_check(f, &z, &not_averaged) > 1e-3);
    let norm = BatchNorm::new(10);
    let as_if_not_training = norm.backward(&z, &g, false).0;
    assert!(gradient_check(|z| dot(&g, &norm.forward(z, true)), &z, &as_if_not_training) > 1e-3);
}

#[test]
fn gradient_check_of_nothing_is_zero() {
    assert_eq!(
        gradient_check(|_| 1.0, &array![[1.0, 2.0]], &Matrix::zeros((1, 2))),
        0.0
    );
}
