//! What all figures have in common, and what each must show, pixel by pixel where need be.

use std::io::Cursor;

use lab_core::ndarray::{Array3, Array4, array};
use plotters::style::RGBColor;

use super::*;
use crate::Figure;
use crate::draw::{SERIES, TRAINING, VALIDATION};

const LONG: &str = "a name that is so long that it can never fit into the place that a figure has for a name, however wide";

/// The pixels of a figure, which must be twice as many each way as its size on the page.
fn pixels(figure: &Figure) -> Vec<[u8; 3]> {
    let mut decoder = png::Decoder::new(Cursor::new(&figure.png));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let (width, height) = figure.size;
    assert_eq!(
        (reader.info().width, reader.info().height),
        (2 * width, 2 * height)
    );
    let mut bytes = vec![0; (12 * width * height) as usize];
    reader.next_frame(&mut bytes).unwrap();
    bytes.as_chunks().0.to_vec()
}

/// How many pixels have exactly this colour.
fn count(figure: &Figure, RGBColor(r, g, b): RGBColor) -> usize {
    pixels(figure)
        .iter()
        .filter(|pixel| **pixel == [r, g, b])
        .count()
}

/// Nothing touches the edge: whatever is there has a margin around it.
fn has_a_margin(figure: &Figure) -> bool {
    let (pixels, width) = (pixels(figure), 2 * figure.size.0 as usize);
    let white = |pixel: &[u8; 3]| *pixel == [255; 3];
    let rows: Vec<_> = pixels.chunks(width).collect();
    let edges = [rows[..6].concat(), rows[rows.len() - 6..].concat()].concat();
    edges.iter().all(white)
        && rows
            .iter()
            .all(|row| row[..6].iter().chain(&row[width - 6..]).all(white))
}

fn history(losses: &[f64]) -> History {
    let record = |(i, loss): (usize, &f64)| EpochRecord {
        epoch: i + 1,
        loss: *loss,
        accuracy: 0.2,
        val_loss: Some(loss + 0.1),
        val_accuracy: Some(0.25),
        learning_rate: 1e-3,
        seconds: 1.0,
    };
    History {
        epochs: losses.iter().enumerate().map(record).collect(),
        ..History::default()
    }
}

fn dense(units: usize) -> Sequential {
    Sequential::new([4, 4, 3])
        .flatten()
        .dense(units, Activation::Softmax)
        .build(Seed(0))
        .unwrap()
}

/// One figure of each kind, all titled `title` where they take one, and with `name` wherever there are names.
fn one_of_each(title: &str, name: &str) -> Vec<(&'static str, Figure)> {
    let run = history(&[2.0, 1.5, 1.2]);
    let image = Array3::from_shape_fn((4, 4, 3), |(y, x, c)| (60 * y + 15 * x + c) as u8);
    let data = Dataset::new(
        Array4::zeros((2, 4, 4, 3)),
        vec![0, 1],
        vec![name.into(), "b".into()],
    )
    .unwrap();
    let confusion = ConfusionMatrix::new(&[0, 0, 1], &[0, 1, 1], &[name, "b"]).unwrap();
    let calibration = Calibration::new(&[0, 1], array![[0.9, 0.1], [0.6, 0.4]].view(), 15).unwrap();
    let test = RangeTest {
        rates: vec![1e-4, 1e-3, 1e-2],
        losses: vec![2.0, 1.0, 3.0],
        exploded: false,
    };
    let chart = LineChart::new(title)
        .x(name)
        .y(name)
        .line(name, vec![(0.0, 1.0), (1.0, 2.0)]);
    vec![
        ("training_curves", training_curves(title, &run).unwrap()),
        (
            "compare",
            compare(title, &[(name, &run), ("b", &run)]).unwrap(),
        ),
        (
            "compare_means",
            compare_means(title, &[(name, vec![&run, &history(&[1.9, 1.6])])]).unwrap(),
        ),
        (
            "images",
            images(
                title,
                &[(image.clone(), name.into()), (image, String::new())],
                5,
            )
            .unwrap(),
        ),
        ("samples", samples(title, &data, &[0, 1], 2).unwrap()),
        (
            "confusion_matrix",
            confusion_matrix(title, &confusion).unwrap(),
        ),
        (
            "bars",
            bars(title, name, &[(name.into(), 2.0), ("b".into(), -1.0)]).unwrap(),
        ),
        (
            "grouped_bars",
            grouped_bars(
                title,
                name,
                &[name.into(), "b".into()],
                &[(name, vec![1.0, 2.0])],
            )
            .unwrap(),
        ),
        (
            "activations",
            activations(&[Activation::Relu, Activation::Gelu], -3.0, 3.0).unwrap(),
        ),
        ("lines", lines(&chart).unwrap()),
        ("range_test", range_test("Range test", &test).unwrap()),
        ("reliability", reliability(title, &calibration).unwrap()),
        (
            "histograms",
            histograms(
                title,
                name,
                &[(name, vec![0.0, 1.0, 1.0]), ("b", vec![3.0])],
            )
            .unwrap(),
        ),
        ("weights", weights(title, &dense(3), "dense", 3).unwrap()),
    ]
}

#[test]
fn every_figure_has_twice_its_size_a_text_with_numbers_and_the_same_bytes_each_time() {
    for ((kind, figure), (_, again)) in one_of_each("Title", "name")
        .into_iter()
        .zip(one_of_each("Title", "name"))
    {
        assert_eq!(figure.png, again.png, "{kind}");
        assert!(
            figure.alt.contains(|c: char| c.is_ascii_digit()) && figure.alt.len() > 20,
            "{kind}"
        );
        assert!(
            pixels(&figure).iter().filter(|pixel| pixel[0] < 60).count() > 100,
            "{kind} has no writing"
        );
        assert!(has_a_margin(&figure), "{kind}");
    }
}

#[test]
fn long_empty_and_foreign_names_leave_every_figure_within_its_margins() {
    let title = format!("{LONG}: {LONG}: {LONG}: {LONG}");
    for (title, name) in [
        (title.as_str(), LONG),
        ("", ""),
        ("標題 🦀", "猫\n\t<b>"),
        (&"x".repeat(400), &"y".repeat(400)),
    ] {
        for (kind, figure) in one_of_each(title, name) {
            assert!(has_a_margin(&figure), "{kind} with {name}");
            assert!(
                figure.size.0 <= 760,
                "{kind} with {name}: {:?}",
                figure.size
            );
        }
    }
}

#[test]
fn training_curves_tell_their_course_and_show_both_colours_and_the_best_epoch() {
    let figure = training_curves("Five epochs", &history(&[2.07, 1.8, 1.5, 1.45, 1.6])).unwrap();
    let lowest = "lowest validation loss 1.55, accuracy 25.0 %, in epoch 4";
    let losses = "training from 2.07 at 1 to 1.6 at 5, lowest 1.45 at 4, validation from 2.17 at 1 to 1.7 at 5, lowest 1.55 at 4";
    let accuracies = "training from 0.2 at 1 to 0.2 at 5, validation from 0.25 at 1 to 0.25 at 5";
    let text = format!("Five epochs: loss: {losses}, {lowest}; accuracy: {accuracies}, {lowest}");
    assert_eq!(figure.alt, text);
    assert!(count(&figure, TRAINING) > 1000 && count(&figure, VALIDATION) > 1000);
    let mut run = history(&[2.0, 1.0]);
    run.epochs
        .iter_mut()
        .for_each(|record| (record.val_loss, record.val_accuracy) = (None, None));
    let alone = training_curves("Without validation", &run).unwrap();
    assert!(
        count(&alone, VALIDATION) == 0 && !alone.alt.contains("validation from"),
        "{}",
        alone.alt
    );
}

#[test]
fn losses_that_are_not_finite_are_gaps_and_divergence_is_said() {
    for losses in [
        &[1.0][..],
        &[f64::NAN],
        &[2.0, f64::INFINITY, 1.0, f64::NAN],
        &[1e300, -1e300],
        &[3.0; 4],
    ] {
        assert!(
            has_a_margin(&training_curves("Strange", &history(losses)).unwrap()),
            "{losses:?}"
        );
        assert!(
            has_a_margin(&compare("Strange", &[("a", &history(losses))]).unwrap()),
            "{losses:?}"
        );
    }
    let gone = History {
        stopped: Stopped::Diverged { epoch: 1, step: 7 },
        ..History::default()
    };
    let error = training_curves("Gone", &gone).unwrap_err().to_string();
    assert!(error.contains("lower learning rate"), "{error}");
    let figure = compare(
        "One is gone",
        &[("good", &history(&[2.0, 1.0])), ("gone", &gone)],
    )
    .unwrap();
    assert!(
        figure
            .alt
            .contains("gone (1 of 1 diverged) without a finite number"),
        "{}",
        figure.alt
    );
    assert!(compare("All are gone", &[("gone", &gone)]).is_err() && compare("None", &[]).is_err());
}

#[test]
fn a_loss_that_runs_away_does_not_flatten_the_others() {
    let calm: Vec<History> = (0..5)
        .map(|i| history(&[2.0 + 0.1 * f64::from(i), 1.8, 1.6, 1.5]))
        .collect();
    let wild = history(&[2.0, 1e6, 1e7, 1e8]);
    let mut runs: Vec<(&str, &History)> = calm.iter().map(|run| ("calm", run)).collect();
    let before = compare("Calm", &runs).unwrap();
    runs.push(("wild", &wild));
    let figure = compare("Wild", &runs).unwrap();
    // The first curve falls through about as many rows as before.
    let rows = |figure: &Figure| {
        let RGBColor(r, g, b) = SERIES[0];
        let pixels = pixels(figure);
        let left = pixels.chunks(2 * figure.size.0 as usize).skip(200);
        left.filter(|row| row[..figure.size.0 as usize].contains(&[r, g, b]))
            .count()
    };
    assert!(
        2 * rows(&figure) > rows(&before),
        "{} {}",
        rows(&figure),
        rows(&before)
    );
    let thirteen = vec![("calm", &calm[0]); 13];
    assert!(
        compare("Too many", &thirteen)
            .unwrap_err()
            .to_string()
            .contains("at most 12")
    );
}

#[test]
fn pixels_of_images_become_squares_of_exactly_their_colour() {
    let mut image = Array3::zeros((2, 2, 3));
    [200, 10, 30]
        .into_iter()
        .enumerate()
        .for_each(|(channel, value)| image[[0, 1, channel]] = value);
    (0..3).for_each(|channel| image[[1, 0, channel]] = 128);
    let figure = images("Four pixels", &[(image, String::new())], 1).unwrap();
    assert_eq!(count(&figure, RGBColor(200, 10, 30)), 128 * 128);
    assert_eq!(count(&figure, RGBColor(128, 128, 128)), 128 * 128);
    let grey = images(
        "Grey",
        &[(Array3::from_elem((2, 2, 1), 77), String::new())],
        1,
    )
    .unwrap();
    assert_eq!(count(&grey, RGBColor(77, 77, 77)), 4 * 128 * 128);
}

#[test]
fn images_that_cannot_be_shown_are_refused() {
    let image = |shape| (Array3::<u8>::zeros(shape), String::new());
    assert!(images("None", &[], 5).is_err());
    assert!(images("No columns", &[image((4, 4, 3))], 0).is_err());
    assert!(images("No pixels", &[image((0, 4, 3))], 1).is_err());
    assert!(
        images("Four channels", &[image((4, 4, 4))], 1)
            .unwrap_err()
            .to_string()
            .contains("put the channels last")
    );
    assert!(
        images("Huge", &[image((2, 5000, 3))], 1)
            .unwrap_err()
            .to_string()
            .contains("smaller images")
    );
    assert!(
        images("Long", &vec![image((4000, 4, 3)); 9], 1)
            .unwrap_err()
            .to_string()
            .contains("fewer things")
    );
    let data = Dataset::new(Array4::zeros((1, 4, 4, 3)), vec![0], vec!["a".into()]).unwrap();
    assert!(samples("Past the end", &data, &[1], 1).is_err());
}

#[test]
fn confusion_matrices_of_one_to_twenty_classes_are_drawn_in_blue_and_orange() {
    for classes in [1usize, 2, 10, 20] {
        let names: Vec<String> = (0..classes).map(|i| format!("class {i}")).collect();
        let truth: Vec<u8> = (0..classes).flat_map(|i| [i as u8; 4]).collect();
        let taken: Vec<u8> = truth
            .iter()
            .enumerate()
            .map(|(i, t)| if i % 4 == 3 { 0 } else { *t })
            .collect();
        let matrix = ConfusionMatrix::new(&truth, &taken, &names).unwrap();
        let figure = confusion_matrix("Classes", &matrix).unwrap();
        assert!(
            has_a_margin(&figure) && figure.size.0 <= 760,
            "{classes}: {:?}",
            figure.size
        );
        let of =
            |better: fn(&[u8; 3]) -> bool| pixels(&figure).iter().filter(|p| better(p)).count();
        assert!(
            of(|p| i32::from(p[2]) > i32::from(p[0]) + 60) > 50,
            "{classes} classes: no blue"
        );
        assert!(
            classes == 1 || of(|p| i32::from(p[0]) > i32::from(p[2]) + 20) > 20,
            "{classes} classes: no orange"
        );
    }
}

#[test]
fn bars_are_as_long_as_their_numbers_and_strange_numbers_have_none() {
    let blue = |values: &[f64]| {
        let bars: Vec<(String, f64)> = values
            .iter()
            .map(|value| ("bar".to_owned(), *value))
            .collect();
        count(&super::bars("Bars", "length", &bars).unwrap(), SERIES[0]) as f64
    };
    assert!((blue(&[10.0, 5.0]) / blue(&[10.0]) - 1.5).abs() < 0.02);
    assert!((blue(&[10.0, f64::NAN, f64::INFINITY, 0.0]) / blue(&[10.0]) - 1.0).abs() < 0.2);
    assert_eq!(blue(&[f64::NAN]), 0.0);
    assert!(blue(&[-1e308, 1e308]) >= 0.0 && blue(&[0.0]) == 0.0);
    assert!(super::bars("None", "", &[]).is_err());
    assert!(
        super::bars("Many", "", &vec![(String::new(), 1.0); 101])
            .unwrap_err()
            .to_string()
            .contains("at most 100")
    );
}

#[test]
fn clusters_of_bars_need_a_number_for_each_group() {
    let groups = ["a".to_owned(), "b".to_owned()];
    let figure = grouped_bars(
        "Two",
        "score",
        &groups,
        &[("x", vec![0.5, -0.25]), ("y", vec![f64::NAN, 1.0])],
    )
    .unwrap();
    assert!(
        figure
            .alt
            .contains("x: a 0.5, b −0.25, y: a not a number, b 1"),
        "{}",
        figure.alt
    );
    assert!(count(&figure, SERIES[0]) > 1000 && count(&figure, SERIES[1]) > 1000);
    let error = grouped_bars("Two", "score", &groups, &[("x", vec![0.5])])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("1 numbers") && error.contains("one for each group"),
        "{error}"
    );
    assert!(grouped_bars("None", "", &[], &[]).is_err());
}

#[test]
fn charts_leave_gaps_draw_single_points_and_refuse_to_draw_nothing() {
    let chart = |points: Vec<(f64, f64)>| {
        lines(&LineChart::new("Chart").x("x").y("y").line("line", points))
    };
    let whole = count(
        &chart(vec![(0.0, 1.0), (1.0, 2.0), (2.0, 1.5), (3.0, 2.0)]).unwrap(),
        SERIES[0],
    );
    let gap = count(
        &chart(vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 1.5), (3.0, 2.0)]).unwrap(),
        SERIES[0],
    );
    assert!(2 * gap < whole + whole / 2 && gap > 200, "{gap} {whole}");
    for points in [
        vec![(5.0, 5.0)],
        vec![(0.0, 1e300), (1.0, 2.0)],
        vec![(1e-9, 1e9); 100],
        vec![(0.0, 0.0); 3],
    ] {
        let figure = chart(points).unwrap();
        assert!(has_a_margin(&figure) && count(&figure, SERIES[0]) > 20);
    }
    assert!(chart(vec![]).is_err() && chart(vec![(f64::NAN, 1.0)]).is_err());
    assert!(lines(&LineChart::new("No lines")).is_err());
    let log = LineChart::new("Log")
        .log_x()
        .log_y()
        .line("negative", vec![(-1.0, 1.0), (1.0, 0.0)]);
    assert!(lines(&log).unwrap_err().to_string().contains("logarithmic"));
    let range = LineChart::new("Range")
        .y_range(2.0, 1.0)
        .line("line", vec![(0.0, 1.5)]);
    assert!(has_a_margin(&lines(&range).unwrap()));
    let many = (0..40).fold(LineChart::new("Many"), |chart, i| {
        chart.line(LONG, vec![(0.0, f64::from(i)), (1.0, 0.0)])
    });
    assert!(has_a_margin(&lines(&many).unwrap()));
}

#[test]
fn range_tests_without_a_fall_or_a_finite_loss_are_drawn_or_refused() {
    let test = |losses: Vec<f64>| {
        let rates = (0..losses.len())
            .map(|i| 10f32.powi(i as i32 - 6))
            .collect();
        range_test(
            "Range test",
            &RangeTest {
                rates,
                losses,
                exploded: true,
            },
        )
    };
    assert!(
        test(vec![2.0, 1.0, 1e30])
            .unwrap()
            .alt
            .contains("each batch from 2 at 10⁻⁶ to 10³⁰ at 0.0001")
    );
    assert!(
        test(vec![2.0]).is_ok()
            && test(vec![1.0, 1.0, 1.0]).is_ok()
            && test(vec![1.0, f64::NAN]).is_ok()
    );
    assert!(
        test(vec![]).is_err()
            && test(vec![f64::NAN])
                .unwrap_err()
                .to_string()
                .contains("lower learning rate")
    );
}

#[test]
fn functions_of_one_number_alone_are_drawn() {
    assert!(activations(&[], -1.0, 1.0).is_err());
    assert!(
        activations(&[Activation::Softmax], -1.0, 1.0)
            .unwrap_err()
            .to_string()
            .contains("sigmoid")
    );
    for (from, to) in [(-1e6, 1e6), (5.0, 6.0), (-1e-3, 1e-3), (0.0, 0.0)] {
        assert!(
            has_a_margin(&activations(&[Activation::Elu, Activation::Linear], from, to).unwrap()),
            "{from} {to}"
        );
    }
}

#[test]
fn histograms_count_values_and_leave_out_what_is_not_finite() {
    let figure = histograms(
        "Counts",
        "value",
        &[("a", vec![1.0, 2.0, 2.0, f32::NAN, f32::INFINITY])],
    )
    .unwrap();
    assert!(
        figure
            .alt
            .contains("a: 3 values from 1 to 2, mean 1.667, deviation 0.4714"),
        "{}",
        figure.alt
    );
    for values in [
        vec![0.0],
        vec![7.0; 9],
        vec![f32::MAX, f32::MIN],
        vec![1e-30, 2e-30],
        vec![16_777_216.0, 16_777_217.0],
    ] {
        let figure = histograms("Strange", "value", &[("a", values)]).unwrap();
        assert!(has_a_margin(&figure), "{}", figure.alt);
    }
    assert!(
        histograms("None", "", &[]).is_err()
            && histograms("NaN", "", &[("a", vec![f32::NAN])]).is_err()
    );
    assert!(histograms("Nine", "", &vec![("a", vec![1.0]); 9]).is_err());
}

#[test]
fn kernels_become_images_in_the_order_of_the_pixels() {
    let mut model = dense(2);
    let mut kernel = model.weight("dense.kernel").unwrap().to_owned();
    kernel.fill(0.0);
    // Unit 0 looks for red in the first pixel, and against blue in the last.
    kernel[[0, 0]] = 0.5;
    kernel[[47, 0]] = -0.5;
    kernel[[5, 1]] = f32::NAN;
    model.set_weight("dense.kernel", kernel).unwrap();
    let figure = weights("Kernels", &model, "dense", 99).unwrap();
    assert_eq!(
        (
            count(&figure, RGBColor(255, 128, 128)),
            count(&figure, RGBColor(128, 128, 0))
        ),
        (64 * 64, 64 * 64)
    );
    assert_eq!(count(&figure, RGBColor(128, 128, 128)), 30 * 64 * 64);
    assert!(
        weights("No layer", &model, "dense_7", 1)
            .unwrap_err()
            .to_string()
            .contains("dense.kernel")
    );
    assert!(weights("No units", &model, "dense", 0).is_err());
    let deep = Sequential::new([4, 4, 3])
        .flatten()
        .dense(5, Activation::Relu)
        .dense(2, Activation::Softmax);
    let deep = deep.build(Seed(0)).unwrap();
    assert!(
        weights("Second layer", &deep, "dense_1", 1)
            .unwrap_err()
            .to_string()
            .contains("first dense layer")
    );
}

#[test]
fn reliability_says_how_sure_and_how_right_a_classifier_is() {
    let sure = Calibration::new(&[0, 1], array![[1.0, 0.0], [1.0, 0.0]].view(), 15).unwrap();
    let figure = reliability("Too sure", &sure).unwrap();
    assert!(
        figure
            .alt
            .contains("on the whole too sure; mean confidence 1.000, accuracy 0.500"),
        "{}",
        figure.alt
    );
    let unsure = Calibration::new(&[0, 0], array![[0.6, 0.4], [0.6, 0.4]].view(), 1).unwrap();
    assert!(has_a_margin(&reliability("One bin", &unsure).unwrap()));
}
