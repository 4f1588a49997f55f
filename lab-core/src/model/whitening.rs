//! Whitening: filters whose outputs for the patches of images are uncorrelated and of one variance.

use ndarray::{Array1, ArrayView4};

use super::*;

/// Kernel (size, size, channels, filters) and bias (filters) of a convolution that whitens patches of `size` × `size` pixels,
/// from images (N, height, width, channels).
///
/// The first half of the filters are the eigenvectors v of the patches' covariance, the one of the largest eigenvalue λ
/// first, as v / √(λ + epsilon); the second half are their negatives, as a ReLU needs both (Page, 2019). The bias takes off
/// the mean color.
///
/// # Errors
/// [`LabError::Value`] for a size that no patch of the images has.
pub fn whitening(
    images: ArrayView4<'_, f32>,
    size: usize,
    epsilon: f64,
) -> Result<(ArrayD<f32>, ArrayD<f32>)> {
    let (count, height, width, channels) = images.dim();
    let n = size.saturating_mul(size).saturating_mul(channels);
    let shape = [height, width, channels];
    let layer = Conv2d::new(n, size, Activation::Linear);
    layer.output_shape("whitening", &shape)?;
    let convolution = layer.convolution(&shape);
    let pixels = images.rows().into_iter().map(|it| it.mapv(f64::from));
    let sum = pixels.fold(Array1::<f64>::zeros(channels), |sum, pixel| sum + pixel);
    let mean = sum / (count * height * width) as f64;
    let images = &images - &mean.mapv(|mean| mean as f32);
    // With the identity as its kernel a convolution gives the patches themselves, and with them as its output's gradient
    // the gradient of the kernel is the sum of patch · patchᵀ.
    let (images, threads) = (images.as_slice().unwrap_or_default(), Threads::one());
    let identity: Vec<f32> = (0..n * n).map(|at| f32::from(at / n == at % n)).collect();
    let mut patches = vec![0.0; count * convolution.output.iter().product::<usize>()];
    convolution.forward(images, &identity, &mut patches, &threads, |_, _, _| ());
    let mut sums = vec![0.0; n * n];
    convolution.kernel_gradient(images, &patches, &mut sums, &threads);
    let patches = (patches.len() / n) as f64;
    let mut covariance: Vec<f64> = sums.iter().map(|&sum| f64::from(sum) / patches).collect();
    let vectors = eigenvectors(&mut covariance, n);
    let value = |i: usize| covariance[i * n + i];
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| value(j).total_cmp(&value(i)));
    let kernel = Array2::from_shape_fn((n, 2 * n), |(row, filter)| {
        let vector = order[filter % n];
        let sign = if filter < n { 1.0 } else { -1.0 };
        sign * vectors[row * n + vector] / (value(vector) + epsilon).sqrt()
    });
    let means = Array1::from_shape_fn(n, |at| mean[at % channels]);
    let bias = -means.dot(&kernel);
    let single = |array: ArrayD<f64>| array.mapv(|weight| weight as f32);
    let shape = IxDyn(&[size, size, channels, 2 * n]);
    let kernel = kernel.into_shape_with_order(shape).unwrap_or_default();
    Ok((single(kernel), single(bias.into_dyn())))
}

/// The eigenvectors of a symmetric matrix, in columns; the matrix becomes diagonal (Jacobi, 1846).
fn eigenvectors(a: &mut [f64], n: usize) -> Vec<f64> {
    let mut vectors: Vec<f64> = (0..n * n).map(|at| f64::from(at / n == at % n)).collect();
    let pairs = || (0..n).flat_map(|p| (p + 1..n).map(move |q| (p, q)));
    for (p, q) in (0..30).flat_map(|_| pairs()) {
        if a[p * n + q] == 0.0 {
            continue;
        }
        // The rotation that makes a_pq zero.
        let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
        let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
        let cos = 1.0 / (t * t + 1.0).sqrt();
        let rotate = |matrix: &mut [f64], i: usize, j: usize| {
            let (x, y) = (cos * matrix[i], cos * matrix[j]);
            (matrix[i], matrix[j]) = (x - t * y, t * x + y);
        };
        for k in 0..n {
            rotate(a, k * n + p, k * n + q);
            rotate(&mut vectors, k * n + p, k * n + q);
        }
        (0..n).for_each(|k| rotate(a, p * n + k, q * n + k));
    }
    vectors
}
