//! A network from scratch: three spirals, told apart with nothing but the textbook's matrices.
//!
//! `cargo run --release --example from_scratch`

use lab_textbook::*;
use ndarray::s;

/// A linear congruential generator (Knuth's MMIX constants): numbers in [0, 1), the same ones in every run.
fn uniform(state: &mut u64) -> f64 {
    *state = state
        .wrapping_mul(6364136223846793005)
        .wrapping_add(1442695040888963407);
    (*state >> 11) as f64 / (1_u64 << 53) as f64
}

/// `n` points, taking turns on three arms that wind 4 radians around the centre, with a little noise.
fn spirals(n: usize, random: &mut u64) -> (Matrix, Vec<usize>) {
    let labels: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let mut x = Matrix::zeros((n, 2));
    for (mut point, &label) in x.outer_iter_mut().zip(&labels) {
        let radius = uniform(random);
        let angle = 4.0 * radius
            + label as f64 * std::f64::consts::TAU / 3.0
            + 0.4 * (uniform(random) - 0.5);
        point[0] = radius * angle.cos();
        point[1] = radius * angle.sin();
    }
    (x, labels)
}

fn accuracy(outputs: &Matrix, labels: &[usize]) -> f64 {
    let right =
        |(z, &label): (ndarray::ArrayView1<f64>, &usize)| z.iter().all(|&other| other <= z[label]);
    outputs
        .outer_iter()
        .zip(labels)
        .filter(|&pair| right(pair))
        .count() as f64
        / labels.len() as f64
}

fn main() {
    let random = &mut 1;
    let ((x, labels), (x_test, labels_test)) = (spirals(600, random), spirals(300, random));
    let mut dense =
        |inputs, outputs| Layer::Dense(Dense::glorot_uniform(inputs, outputs, || uniform(random)));
    let (first, second, third) = (dense(2, 32), dense(32, 16), dense(16, 3));
    let [elu, tanh] = [Activation::Elu, Activation::Tanh].map(Layer::Activation);
    let dropout = Layer::Dropout(0.1, Matrix::ones((50, 32)));
    let mut network = Network {
        layers: vec![first, elu, dropout, second, tanh, third],
    };

    // Before anything is learnt: is backpropagation right? Compare the gradient for x with differences of the loss.
    let loss = |x: &Matrix| {
        mean(
            sparse_categorical_crossentropy(&network.predict(x), &labels[..50]),
            None,
        )
        .0
    };
    let (batch, inputs) = (
        x.slice(s![..50, ..]).to_owned(),
        network.forward(&x.slice(s![..50, ..]).to_owned(), false),
    );
    let (_, dz) = mean(
        sparse_categorical_crossentropy(&inputs[6], &labels[..50]),
        None,
    );
    let (dx, _) = network.backward(&inputs, dz, false);
    println!(
        "gradient check: {:.1e} (below 1e-7 is right)",
        gradient_check(loss, &batch, &dx)
    );

    let mut optimizers = vec![Optimizer::new(Rule::Adam, 0.01); network.parameters_mut().len()];
    for epoch in 1..=100 {
        let mut total = 0.0;
        for start in (0..600).step_by(50) {
            if let Layer::Dropout(rate, mask) = &mut network.layers[2] {
                mask.mapv_inplace(|_| if uniform(random) < *rate { 0.0 } else { 1.0 });
            }
            let (x, labels) = (
                x.slice(s![start..start + 50, ..]).to_owned(),
                &labels[start..start + 50],
            );
            let (loss, gradients) = network.loss_and_gradients(&x, |z| {
                mean(sparse_categorical_crossentropy(z, labels), None)
            });
            network.apply(&gradients, &mut optimizers);
            total += loss / 12.0;
        }
        if epoch == 1 || epoch % 20 == 0 {
            let accuracy = 100.0 * accuracy(&network.predict(&x_test), &labels_test);
            println!("epoch {epoch:3}: loss {total:.3}, test accuracy {accuracy:.1} %");
        }
    }
}
