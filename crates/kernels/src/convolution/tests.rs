use std::ops::Range;

use super::*;
use crate::instructions::Instructions;

/// Numbers with few bits, so that every sum is exact and any order of additions gives the same.
fn numbers(length: usize, salt: usize) -> Vec<f32> {
    (0..length)
        .map(|i| ((i * 7919 + salt * 104_729) % 31) as f32 - 15.0)
        .collect()
}

/// Calls `tap(index in images, in kernel, in output)` for each multiplication of the convolution, by seven plain loops.
fn taps(shape: &Convolution, count: usize, mut tap: impl FnMut(usize, usize, usize)) {
    let ([h, w, c], [kh, kw], [oh, ow, filters]) = (shape.input, shape.kernel, shape.output);
    for n in 0..count {
        for (y, x) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
            for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
                let iy = (y * shape.stride[0] + ky) as isize - shape.padding[0] as isize;
                let ix = (x * shape.stride[1] + kx) as isize - shape.padding[1] as isize;
                if iy < 0 || ix < 0 || iy >= h as isize || ix >= w as isize {
                    continue;
                }
                for (channel, filter) in (0..c).flat_map(|c| (0..filters).map(move |f| (c, f))) {
                    tap(
                        ((n * h + iy as usize) * w + ix as usize) * c + channel,
                        ((ky * kw + kx) * c + channel) * filters + filter,
                        ((n * oh + y) * ow + x) * filters + filter,
                    );
                }
            }
        }
    }
}

/// Shapes with all strides, kernels and paddings, odd sizes, and channels and filters below, at and above a register's.
fn shapes() -> Vec<(usize, Convolution)> {
    let mut shapes = Vec::new();
    for number in 0..160 {
        let of =
            |divisor: usize, choices: &[usize]| choices[number * 7919 / divisor % choices.len()];
        let kernel = [of(1, &[1, 2, 3]), of(3, &[1, 2, 3])];
        let padding = [
            of(5, &[0, 1, 2]).min(kernel[0] - 1),
            of(7, &[0, 1, 2]).min(kernel[1] - 1),
        ];
        let stride = [of(11, &[1, 2]), of(13, &[1, 2])];
        let input = [
            of(17, &[3, 4, 5, 9]),
            of(19, &[3, 5, 6, 11]),
            of(23, &[1, 3, 8, 17, 33]),
        ];
        let below = of(2, &[0, 1]);
        let places = |axis: usize| {
            let below = below.min(kernel[axis] - 1);
            (input[axis] + padding[axis] + below - kernel[axis]) / stride[axis] + 1
        };
        let output = [places(0), places(1), of(29, &[1, 5, 16, 32, 37])];
        let shape = Convolution {
            input,
            kernel,
            stride,
            padding,
            output,
        };
        shapes.push((of(31, &[1, 2, 5]), shape));
    }
    shapes
}

/// Output, kernel gradient and input gradient, with guard values around each.
fn all_three(shape: &Convolution, count: usize, threads: &Threads, scale: f32) -> [Vec<f32>; 3] {
    let size = |shape: [usize; 3]| count * shape.iter().product::<usize>();
    let weights = shape.kernel[0] * shape.kernel[1] * shape.input[2] * shape.output[2];
    let lengths = [size(shape.input), weights, size(shape.output)];
    let [images, kernel, gradient] = [0, 1, 2].map(|i| {
        numbers(lengths[i], i)
            .iter()
            .map(|x| x * scale)
            .collect::<Vec<_>>()
    });
    let guarded = |length: usize, run: &dyn Fn(&mut [f32])| {
        let mut all = vec![f32::MAX; length + 64];
        run(&mut all[32..32 + length]);
        assert!(
            all[..32]
                .iter()
                .chain(&all[32 + length..])
                .all(|&x| x == f32::MAX)
        );
        all[32..32 + length].to_vec()
    };
    let finished = std::sync::atomic::AtomicUsize::new(0);
    let finish = |row: usize, column: usize, part: &mut [f32]| {
        assert!(
            (row + 1) * shape.output[2] <= lengths[2] && column + part.len() <= shape.output[2]
        );
        finished.fetch_add(part.len(), std::sync::atomic::Ordering::Relaxed);
        part.iter_mut()
            .enumerate()
            .for_each(|(i, x)| *x += (row + 3 * (column + i)) as f32);
    };
    let results = [
        guarded(lengths[2], &|output| {
            shape.forward(&images, &kernel, output, threads, finish)
        }),
        guarded(lengths[1], &|to| {
            shape.kernel_gradient(&images, &gradient, to, threads)
        }),
        guarded(lengths[0], &|to| {
            shape.input_gradient(&gradient, &kernel, to, threads)
        }),
    ];
    assert_eq!(
        finished.into_inner(),
        lengths[2],
        "every entry is finished once"
    );
    results
}

#[test]
fn every_path_equals_seven_plain_loops() {
    let threads = Threads::new(Some(2)).unwrap();
    for (count, shape) in shapes() {
        let size = |shape: [usize; 3]| count * shape.iter().product::<usize>();
        let weights = shape.kernel[0] * shape.kernel[1] * shape.input[2] * shape.output[2];
        let lengths = [size(shape.input), weights, size(shape.output)];
        let [images, kernel, gradient] = [0, 1, 2].map(|i| numbers(lengths[i], i));
        let mut wanted = [lengths[2], lengths[1], lengths[0]].map(|length| vec![0.0_f64; length]);
        taps(&shape, count, |image, weight, place| {
            let [x, w, g] = [images[image], kernel[weight], gradient[place]].map(f64::from);
            wanted[0][place] += x * w;
            wanted[1][weight] += x * g;
            wanted[2][image] += w * g;
        });
        let filters = shape.output[2];
        wanted[0]
            .iter_mut()
            .enumerate()
            .for_each(|(at, x)| *x += (at / filters + 3 * (at % filters)) as f64);
        for path in Instructions::available() {
            let found = path.on(|| all_three(&shape, count, &threads, 1.0));
            let found = found.map(|all| all.into_iter().map(f64::from).collect::<Vec<_>>());
            assert!(found == wanted, "{path:?} {count} {shape:?}");
        }
    }
}

#[test]
fn neither_the_number_of_threads_nor_the_instructions_change_a_bit() {
    let threads = [1, 2, 3].map(|count| Threads::new(Some(count)).unwrap());
    for (count, shape) in shapes().into_iter().step_by(7) {
        let fused = Instructions::available()
            .into_iter()
            .filter(|path| path.has_fused_multiply_add());
        let mut results = fused.flat_map(|path| {
            threads
                .each_ref()
                .map(|threads| path.on(|| all_three(&shape, count, threads, 1.0 / 7.0)))
        });
        if let Some(first) = results.next() {
            assert!(results.all(|other| other == first), "{count} {shape:?}");
        }
    }
}

/// The promise behind equal bits everywhere: a chain of fused multiply-adds for each 256 numbers of a patch, or for each
/// 256 places, then their sum.
#[test]
fn every_entry_is_the_promised_chain_of_fused_multiply_adds() {
    let shape = Convolution {
        input: [5, 6, 35],
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1],
        output: [5, 6, 18],
    };
    let (count, depth) = (50, 9 * 35);
    let ragged =
        |length, salt| -> Vec<f32> { numbers(length, salt).iter().map(|x| x / 7.0).collect() };
    let [images, kernel, gradient] = [(count * 30 * 35, 0), (depth * 18, 1), (count * 30 * 18, 2)]
        .map(|(length, salt)| ragged(length, salt));
    let mut patches = vec![0.0; count * 30 * depth];
    taps(&shape, count, |image, weight, place| {
        patches[place / 18 * depth + weight / 18] = images[image];
    });
    let sum = |mut pairs: Vec<(f32, f32)>| {
        let chain =
            |part: &mut [(f32, f32)]| part.iter().fold(0.0_f32, |sum, (a, b)| a.mul_add(*b, sum));
        pairs
            .chunks_mut(256)
            .map(chain)
            .reduce(|sum, chain| sum + chain)
    };
    let wanted: Vec<f32> = (0..count * 30 * 18)
        .filter_map(|at| {
            sum((0..depth)
                .map(|k| (patches[at / 18 * depth + k], kernel[k * 18 + at % 18]))
                .collect())
        })
        .collect();
    // Sixteen blocks or more: five bands in each of four groups of places.
    let group = |at: usize, places: Range<usize>| {
        sum(places
            .map(|place| {
                (
                    patches[place * depth + at / 18],
                    gradient[place * 18 + at % 18],
                )
            })
            .collect())
    };
    let wanted_gradient: Vec<f32> = (0..depth * 18)
        .filter_map(|at| {
            (0..4)
                .filter_map(|of| group(at, of * 375..(of + 1) * 375))
                .reduce(|sum, x| sum + x)
        })
        .collect();
    for path in Instructions::available()
        .into_iter()
        .filter(|path| path.has_fused_multiply_add())
    {
        let (mut output, mut found) = (vec![0.0; count * 30 * 18], vec![0.0; depth * 18]);
        path.on(|| {
            shape.forward(&images, &kernel, &mut output, &Threads::one(), |_, _, _| ());
            shape.kernel_gradient(&images, &gradient, &mut found, &Threads::one());
        });
        assert!(output == wanted && found == wanted_gradient, "{path:?}");
    }
}
